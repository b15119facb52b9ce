//! The namespaces of Durable Objects, and what each object is named after.
//!
//! A command belongs to a namespace and so does an address: a command that is sent to an object of another namespace does not
//! compile. All names come from [`names`].

use sha2::{Digest as _, Sha256};

use crate::account::command::{Accounts, Devices, Identifiers};
use crate::names;
use crate::oauth::ClientId;
use crate::oauth::grant::handle::{AccountId, DeviceId};
use crate::oauth::status::ListId;
use crate::oauth::vocabulary::trusted_issuer::TrustedIssuerId;
use crate::token::base64url;
use crate::worker::env::{
    ACCOUNT, CATALOGUE, DEVICE, EVENTS, IDENTIFIER, KEYRING, MAINTENANCE, REGISTRY, STATUS_DIRECTORY, STATUS_LIST,
};

/// A namespace of Durable Objects.
pub(crate) trait Namespace {
    /// The name of its binding.
    const BINDING: &'static str;
}

/// What one object of a namespace is named after.
pub(crate) trait Address {
    /// The namespace of the object.
    type Namespace: Namespace;

    /// The name of the object.
    fn object_name(&self, issuer: &str) -> String;
}

/// Declares namespaces, one row each: its type, its binding, the addresses of its objects (of one or several types), and how the
/// issuer and an address make a name.
macro_rules! namespaces {
    ($($namespace:ty, at $binding:path => $($address:ty: $name:expr),+;)+) => {
        $(
            impl Namespace for $namespace {
                const BINDING: &'static str = $binding;
            }

            $(
                impl Address for $address {
                    type Namespace = $namespace;

                    fn object_name(&self, issuer: &str) -> String {
                        let name: fn(&str, &Self) -> String = $name;
                        name(issuer, self)
                    }
                }
            )+
        )+
    };
}

namespaces! {
    Accounts, at ACCOUNT => AccountId: |issuer, account| names::account_object(issuer, account);
    Catalogue, at CATALOGUE => Catalogue: |issuer, _| names::issuer_object(issuer).to_owned();
    Devices, at DEVICE => DeviceId: |issuer, device| names::device_object(issuer, device);
    EventHours, at EVENTS => Hour: |issuer, hour| names::events_object(issuer, hour.0);
    Identifiers, at IDENTIFIER => Name<'_>: |issuer, name| name.object_name_of(issuer);
    Keyring, at KEYRING => Keyring: |issuer, _| names::issuer_object(issuer).to_owned();
    Maintenance, at MAINTENANCE => Maintenance: |issuer, _| names::issuer_object(issuer).to_owned();
    Registries, at REGISTRY =>
        ClientId: |issuer, client| names::registry_object(issuer, client),
        TrustedIssuerId: |issuer, id| names::trusted_issuer_object(issuer, id);
    StatusDirectory, at STATUS_DIRECTORY => StatusDirectory: |issuer, _| names::issuer_object(issuer).to_owned();
    StatusLists, at STATUS_LIST => ListId: |issuer, list| names::status_list_object(issuer, list);
}

/// The catalogue; there is one for each issuer.
pub(crate) struct Catalogue;

/// The events of each hour.
pub(crate) enum EventHours {}

/// An hour, counted since 1970.
pub(crate) struct Hour(pub(crate) u64);

/// The keyring; there is one for each issuer.
pub(crate) struct Keyring;

/// Long work; there is one object for each issuer.
pub(crate) struct Maintenance;

/// The registries of clients and of trusted issuers: one object each.
pub(crate) enum Registries {}

/// The directory of status lists; there is one for each issuer.
pub(crate) struct StatusDirectory;

/// The status lists: one object each.
pub(crate) enum StatusLists {}

/// What an identifier's object is named after.
#[derive(Clone, Copy)]
pub(crate) enum Name<'n> {
    /// A user name.
    Username(&'n str),
    /// A subject of another OpenID provider.
    Upstream { issuer: &'n str, subject: &'n str },
    /// A block of network addresses, for counting attempts.
    Address(&'n str),
    /// A user name, for counting the attempts of unknown browsers in one day (counted since 1970).
    Attempts { username: &'n str, day: u64 },
}

impl Name<'_> {
    fn object_name_of(&self, issuer: &str) -> String {
        match self {
            Self::Username(name) => names::username_object(issuer, name),
            Self::Upstream { issuer: upstream, subject } => {
                let digest = Sha256::digest(format!("{upstream}\n{subject}"));
                names::upstream_object(issuer, &base64url::encode(&digest))
            }
            Self::Address(block) => names::address_object(issuer, block),
            Self::Attempts { username, day } => names::attempts_object(issuer, *day, username),
        }
    }
}
