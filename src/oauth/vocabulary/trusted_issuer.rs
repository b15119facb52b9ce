//! Trusted issuers: other servers whose assertions this server exchanges for access tokens (RFC 7523 section 2.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::vocabulary::client::{AssertionAudience, ClientId};
use crate::oauth::vocabulary::derived_id::DerivedId;
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::oauth::vocabulary::scope::Scope;
pub use crate::oauth::vocabulary::service_account::Presence;
use crate::token::{Algorithm, UnixTime};

/// The kind of the identifiers of trusted issuers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfTrustedIssuer {}

/// The identifier of a trusted issuer, derived from its issuer identifier: an assertion leads to its record.
pub type TrustedIssuerId = DerivedId<OfTrustedIssuer>;

/// Returns whether an issuer identifier can be that of a trusted issuer. Any other `iss` is that of a client, which asserts for
/// itself.
pub fn may_be_trusted_issuer(issuer: &str) -> bool {
    let is_visible = |byte: u8| (0x21..=0x7e).contains(&byte);
    issuer.contains("://") && issuer.len() <= 500 && issuer.bytes().all(is_visible)
}

/// The subject that the `sub` of an assertion names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectRule {
    /// A client, by its identifier.
    ClientId,
    /// A client, by the table `subjects`.
    MappedClient,
    /// A user, by the identifier of the account.
    UserId,
    /// A user, by the local user name.
    Username,
    /// A user of this issuer who is linked to an account as the upstream user.
    Upstream,
}

impl SubjectRule {
    /// All values.
    pub const ALL: [Self; 5] = [Self::ClientId, Self::MappedClient, Self::UserId, Self::Username, Self::Upstream];

    /// Returns the name in the admin API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientId => "client_id",
            Self::MappedClient => "mapped_client",
            Self::UserId => "user_id",
            Self::Username => "username",
            Self::Upstream => "upstream",
        }
    }
}

/// The kind of assertions that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assertions {
    /// Assertions of RFC 7523, which have no type of their own.
    #[default]
    Jwt,
    /// Identity assertions for a client (draft-ietf-oauth-identity-assertion-authz-grant-06).
    IdJag,
}

impl Assertions {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Jwt, Self::IdJag];

    /// Returns the name in the admin API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::IdJag => "id_jag",
        }
    }

    /// Returns whether it is the default, which is not stored.
    #[allow(clippy::trivially_copy_pass_by_ref)] // The signature that serde calls.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The stored record of a trusted issuer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TrustedIssuerRecord {
    /// Its issuer identifier (`iss`), compared by exact text.
    pub issuer: String,
    /// When the record was created.
    pub created_at: UnixTime,
    /// Its public keys, as registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The address at which it publishes its public keys, in place of `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<RemoteUrl>,
    /// The algorithms of its assertions: asymmetric ones.
    #[serde(with = "algorithm_names")]
    pub algorithms: Vec<Algorithm>,
    /// The subject that its assertions name.
    pub subject: SubjectRule,
    /// The clients that subjects stand for, with [`SubjectRule::MappedClient`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subjects: BTreeMap<String, ClientId>,
    /// The audience that its assertions may name.
    pub audience: AssertionAudience,
    /// The scope that tokens for its assertions may have.
    pub scope: Scope,
    /// Whether its assertions must have a `jti`.
    pub jti: Presence,
    /// The clients that may use its assertions.
    pub clients: Vec<ClientId>,
    /// Whether a client must authenticate to use its assertions.
    pub client_authentication: Presence,
    /// The kind of its assertions; absent in records of versions that knew one.
    #[serde(default, skip_serializing_if = "Assertions::is_default")]
    pub assertions: Assertions,
}

/// A trusted issuer, as decisions use it.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// Its record.
    pub record: TrustedIssuerRecord,
    /// The source of its public keys.
    pub keys: KeySource,
}

impl From<TrustedIssuerRecord> for TrustedIssuer {
    fn from(record: TrustedIssuerRecord) -> Self {
        Self { keys: KeySource::of(record.jwks.as_ref(), record.jwks_uri.as_ref()), record }
    }
}

/// Stores algorithms by their JOSE names (RFC 7518 section 3.1).
mod algorithm_names {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::token::Algorithm;

    pub(super) fn serialize<S: Serializer>(algorithms: &[Algorithm], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(algorithms.iter().map(|algorithm| algorithm.name()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Algorithm>, D::Error> {
        let names: Vec<String> = Vec::deserialize(deserializer)?;
        let known = |name: &String| Algorithm::from_name(name).ok_or_else(|| D::Error::custom("unknown algorithm"));
        names.iter().map(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record is found under this identifier. A failure here means that an update would lose it.
    #[test]
    fn the_identifier_of_an_issuer_never_changes() {
        let id = TrustedIssuerId::of("https://idp.example");
        assert_eq!(id.as_str(), "USoza3m1frOt4APz9RC8rA");
        assert_eq!(TrustedIssuerId::parse(id.as_str()), Some(id));
        for bad in ["", "USoza3m1frOt4APz9RC8r", "USoza3m1frOt4APz9RC8rAQQ", "https://idp.example"] {
            assert_eq!(TrustedIssuerId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_identifier_without_a_scheme_is_that_of_a_client() {
        for good in ["https://idp.example", "https://accounts.example/tenant", "spiffe://example.org"] {
            assert!(may_be_trusted_issuer(good), "{good}");
        }
        for bad in ["", "app", "urn:x", "https://idp example", "https://idp.ex\u{e4}mple"] {
            assert!(!may_be_trusted_issuer(bad), "{bad}");
        }
        let longest = format!("https://{}", "x".repeat(492));
        assert!(may_be_trusted_issuer(&longest) && !may_be_trusted_issuer(&format!("{longest}x")));
    }

    #[test]
    fn a_stored_record_keeps_its_exact_text() {
        for text in [
            concat!(
                r#"{"issuer":"https://idp.example","created_at":7,"jwks_uri":"https://idp.example/jwks","#,
                r#""algorithms":["RS256","EdDSA"],"subject":"mapped_client","subjects":{"repo:a":"app"},"#,
                r#""audience":"token_endpoint","scope":"read write","jti":"optional","clients":["app"],"#,
                r#""client_authentication":"required"}"#,
            ),
            concat!(
                r#"{"issuer":"https://idp.example","created_at":7,"jwks":{"keys":[]},"algorithms":["ES256"],"#,
                r#""subject":"user_id","audience":"issuer","scope":"","jti":"required","clients":["app"],"#,
                r#""client_authentication":"optional"}"#,
            ),
            concat!(
                r#"{"issuer":"https://idp.example","created_at":7,"jwks":{"keys":[]},"algorithms":["ES256"],"#,
                r#""subject":"upstream","audience":"issuer","scope":"","jti":"required","clients":["app"],"#,
                r#""client_authentication":"required","assertions":"id_jag"}"#,
            ),
        ] {
            let record: TrustedIssuerRecord = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), text);
        }
    }
}
