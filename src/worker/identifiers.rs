//! Calling the objects of user names, upstream subjects and addresses.

use sha2::{Digest as _, Sha256};

use crate::account::command::Sent;
use crate::account::identifier::{IdentifierCommand, ReadIdentifier, ReleaseName};
use crate::identity::profile::Username;
use crate::names;
use crate::oauth::grant::handle::AccountId;
use crate::token::base64url;

use super::env::{IDENTIFIER, Platform};
use super::objects;
use super::report::Fault;

/// The name of an identifier's object.
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
    fn object(&self, platform: &Platform) -> String {
        let issuer = platform.authority().issuer();
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

/// Sends a command to the object of a name.
pub(crate) async fn identifier<C: IdentifierCommand>(
    platform: &Platform,
    name: &Name<'_>,
    command: &C,
) -> Result<C::Answer, Fault> {
    objects::call(platform, IDENTIFIER, &name.object(platform), &Sent(command)).await
}

/// Releases a name, if it refers to the account.
pub(crate) async fn release(platform: &Platform, name: &Name<'_>, account: &AccountId) -> Result<(), Fault> {
    identifier(platform, name, &ReleaseName { account: account.clone() }).await
}

/// Returns whether a local user name refers to the account.
pub(crate) async fn leads_to(platform: &Platform, username: &str, account: &AccountId) -> Result<bool, Fault> {
    // Local names are stored in their parsed form.
    if Username::parse(username).map_or(true, |name| name.as_str() != username) {
        return Ok(false);
    }
    let entry = identifier(platform, &Name::Username(username), &ReadIdentifier).await?;
    Ok(entry.is_some_and(|entry| entry.account == *account))
}
