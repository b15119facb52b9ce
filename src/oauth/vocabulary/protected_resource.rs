//! Registered resources: what an operator has decided about the access tokens for one resource (RFC 8707, RFC 9470).

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::client::{Client, ClientId};
use crate::oauth::vocabulary::client_metadata::algorithm_name;
use crate::oauth::vocabulary::derived_id::DerivedId;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::sign_in::Acr;
use crate::token::{Algorithm, UnixTime};

/// The kind of the identifiers of registered resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfResource {}

/// The identifier of a registered resource in the admin API, derived from its URI.
pub type ResourceId = DerivedId<OfResource>;

/// The record of a registered resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ProtectedResource {
    /// Its identifier, the value of `resource` in requests and of `aud` in its tokens.
    pub identifier: Resource,
    /// When it was registered.
    pub created_at: UnixTime,
    /// The name that users see.
    pub name: String,
    /// The scope values that it knows. Its tokens have no other, except those about the user.
    pub scopes: Vec<ScopeDescription>,
    /// The lifetime of its access tokens, seconds; `None` for that of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// The signing algorithm of its access tokens; `None` for that of the client or the settings.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "algorithm_name")]
    pub signing_algorithm: Option<Algorithm>,
    /// The clients that may request tokens for it, beside those whose own `resources` name it.
    pub clients: AdmittedClients,
    /// The lowest authentication context class of the sign-in that its tokens require.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// The maximum age of that sign-in, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Whether its tokens may have another audience too. By default a token for it names it alone (RFC 9700 section 2.3).
    #[serde(default)]
    pub other_audiences: bool,
    /// The client as which the resource server authenticates at introspection, which then tells it about its own tokens only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_client: Option<ClientId>,
}

/// A scope value, and what it allows, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ScopeDescription {
    /// The scope value.
    pub value: String,
    /// The description.
    pub description: Description,
}

/// A text in the languages of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Description {
    /// In English.
    pub en: String,
    /// In Chinese; the English text is shown without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
}

/// The clients that may request tokens for a resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum AdmittedClients {
    /// A class of clients.
    Class(ClientClass),
    /// These clients.
    Listed(Vec<ClientId>),
}

/// A class of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientClass {
    /// Every client but the root client.
    All,
    /// The clients that registered themselves.
    SelfRegistered,
}

impl ClientClass {
    /// All values.
    pub const ALL: [Self; 2] = [Self::All, Self::SelfRegistered];

    /// Returns the name in the admin API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::SelfRegistered => "self_registered",
        }
    }
}

impl AdmittedClients {
    /// Returns whether a client is one of them.
    pub fn admit(&self, client: &Client) -> bool {
        match self {
            // The root client administers this server, and nothing else.
            Self::Class(ClientClass::All) => !client.id.is_root(),
            Self::Class(ClientClass::SelfRegistered) => client.self_registered,
            Self::Listed(listed) => listed.contains(&client.id),
        }
    }
}

impl ProtectedResource {
    /// Returns its identifier in the admin API.
    pub fn id(&self) -> ResourceId {
        ResourceId::of(self.identifier.as_str())
    }

    /// Returns whether a client may request tokens for it: by its own registration, or by this record.
    pub fn admits(&self, client: &Client) -> bool {
        client.resources.contains(&self.identifier) || self.clients.admit(client)
    }

    /// Returns the scope that it knows.
    pub fn scope(&self) -> Scope {
        Scope::of(self.scopes.iter().map(|scope| scope.value.as_str()))
    }
}

/// A resource that was removed from the catalogue, and is being taken from the records of clients. Until that is complete, no client
/// obtains tokens for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RemovedResource {
    /// Its identifier.
    pub identifier: Resource,
    /// When it was removed.
    pub removed_at: UnixTime,
    /// The clients that it admitted, whose own tokens may be for it.
    pub clients: AdmittedClients,
}
