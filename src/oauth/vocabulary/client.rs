//! Clients: identifier, stored record, and the value that decisions use.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::token::{Algorithm, UnixTime, base64url};

use crate::oauth::vocabulary::authority::Authority;
pub use crate::oauth::vocabulary::client_metadata::{
    AssertionAudience, AuthMethod, ClientMetadata, GrantType, IdTokenClaims,
};
pub use crate::oauth::vocabulary::client_secret::{ClientSecret, SecretDigest};
use crate::oauth::vocabulary::compatibility::{ClientFlag, Item};
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{ADMIN_SCOPE, Scope};
use crate::oauth::vocabulary::service_account::ServiceAccount;
use crate::oauth::vocabulary::status_entry::{StatusEntry, SuspensionState};

/// The identifier of a client: visible ASCII and spaces, at most 200 bytes (RFC 6749 appendix A.1), but neither `.`
/// nor `..`, which cannot be a path segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// The client that always exists; its secret is a secret of the Worker.
    pub const ROOT: &'static str = "root";

    /// Parses an identifier.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = (1..=200).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        (allowed && text != "." && text != "..").then(|| Self(text.to_owned()))
    }

    /// Makes an identifier from random bytes: letters, digits, `-` and `_` only, because clients disagree about the encoding
    /// of other characters in HTTP Basic.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(base64url::encode(&bytes))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is the root client's.
    pub fn is_root(&self) -> bool {
        self.0 == Self::ROOT
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The stored record of a client.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClientRecord {
    /// Its identifier.
    pub client_id: ClientId,
    /// When it was registered.
    pub issued_at: UnixTime,
    /// The digest of its secret, if it has one.
    pub secret: Option<SecretDigest>,
    /// The status list entry of its own tokens; absent in records of versions without status lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
    /// Whether it is disabled; absent in records of clients that are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// Counts how often it was disabled and enabled; absent in records of clients that never were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionState>,
    /// Whether it registered itself; absent in records of clients that an operator registered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub self_registered: bool,
    /// The registered metadata (see `register`).
    pub metadata: ClientMetadata,
}

impl ClientRecord {
    /// Takes a resource that the client may request. Returns whether it had it.
    pub fn lose_resource(&mut self, resource: &Resource) -> bool {
        let before = self.metadata.resources.len();
        self.metadata.resources.retain(|own| own != resource);
        self.metadata.resources.len() < before
    }

    /// Disables or enables the client. The number of a change is at least the time, so that it is also higher than those of an earlier
    /// client with this identifier.
    pub fn set_enabled(&mut self, enabled: bool, now: UnixTime) {
        self.disabled = !enabled;
        let next = SuspensionState::next(self.suspension, self.disabled);
        let is_new = next != self.suspension;
        self.suspension =
            next.map(|next| if is_new { SuspensionState { version: next.version.max(now.0), ..next } } else { next });
    }
}

/// A client, as decisions use it.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// Whether it is enabled. A disabled client cannot authenticate, and its grants yield no tokens.
    pub enabled: bool,
    /// The scope that it may request.
    pub scope: Scope,
    /// The resources that it may request tokens for, beside this server.
    pub resources: Vec<Resource>,
    /// Whether it registered itself.
    pub self_registered: bool,
    /// The name that users see.
    pub name: Option<String>,
    /// The status list entry of its own tokens.
    pub status: Option<StatusEntry>,
    redirect_uris: Vec<RedirectUri>,
    post_logout_redirect_uris: Vec<RedirectUri>,
    access_token_algorithm: Option<Algorithm>,
    id_token_algorithm: Option<Algorithm>,
    id_token_claims: Option<IdTokenClaims>,
    secret: Option<SecretDigest>,
    auth_method: Option<AuthMethod>,
    assertion_algorithm: Option<Algorithm>,
    assertion_audience: AssertionAudience,
    grant_types: Vec<GrantType>,
    keys: KeySource,
    service_account: ServiceAccount,
    flags: Vec<ClientFlag>,
}

impl Client {
    /// Returns the client of a stored record.
    pub fn from_record(record: &ClientRecord) -> Self {
        let metadata = &record.metadata;
        Self {
            id: record.client_id.clone(),
            enabled: !record.disabled,
            scope: metadata.scope.clone(),
            resources: metadata.resources.clone(),
            self_registered: record.self_registered,
            name: metadata.client_name.clone(),
            status: record.status,
            redirect_uris: metadata.redirect_uris.clone(),
            post_logout_redirect_uris: metadata.post_logout_redirect_uris.clone(),
            access_token_algorithm: metadata.access_token_signed_response_alg,
            id_token_algorithm: metadata.id_token_signed_response_alg,
            id_token_claims: metadata.id_token_claims,
            secret: record.secret.clone(),
            auth_method: metadata.token_endpoint_auth_method,
            assertion_algorithm: metadata.token_endpoint_auth_signing_alg,
            // Clients that were registered before there was a choice may use the token endpoint, and some do.
            assertion_audience: metadata.assertion_audience.unwrap_or(AssertionAudience::TokenEndpoint),
            grant_types: metadata.grant_types.clone(),
            keys: KeySource::of(metadata.jwks.as_ref(), metadata.jwks_uri.as_ref()),
            service_account: metadata.service_account.clone().unwrap_or_default(),
            flags: ClientFlag::ALL
                .into_iter()
                .filter(|flag| metadata.has_flag(*flag) && metadata.can_use_flag(*flag))
                .collect(),
        }
    }

    /// Returns the root client.
    pub fn root(secret: &str) -> Self {
        Self {
            id: ClientId(ClientId::ROOT.to_owned()),
            enabled: true,
            scope: Scope::parse(ADMIN_SCOPE).unwrap_or_default(),
            resources: Vec::new(),
            self_registered: false,
            name: None,
            // Its tokens are for this server, which asks the registry.
            status: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            access_token_algorithm: None,
            id_token_algorithm: None,
            id_token_claims: None,
            secret: Some(SecretDigest::of(secret)),
            auth_method: None,
            assertion_algorithm: None,
            assertion_audience: AssertionAudience::Issuer,
            grant_types: vec![GrantType::ClientCredentials],
            keys: KeySource::of(None, None),
            service_account: ServiceAccount::default(),
            flags: Vec::new(),
        }
    }

    /// Returns whether it may authenticate by this method.
    pub fn may_authenticate_by(&self, method: AuthMethod) -> bool {
        method.is_allowed_by(self.auth_method)
    }

    /// Returns the authentication method that it registered; `None` allows both ways to send a secret.
    pub fn auth_method(&self) -> Option<AuthMethod> {
        self.auth_method
    }

    /// Returns the grant types that it registered.
    pub fn grant_types(&self) -> &[GrantType] {
        &self.grant_types
    }

    /// Returns whether it is a public client.
    pub fn is_public(&self) -> bool {
        self.auth_method == Some(AuthMethod::None)
    }

    /// Returns the name that users see.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Returns its redirect URIs.
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// Returns its redirect URIs after sign-out.
    pub fn post_logout_redirect_uris(&self) -> &[RedirectUri] {
        &self.post_logout_redirect_uris
    }

    /// Returns the signing algorithm of its access tokens, if registered.
    pub fn access_token_algorithm(&self) -> Option<Algorithm> {
        self.access_token_algorithm
    }

    /// Returns the signing algorithm of its ID tokens, if registered.
    pub fn id_token_algorithm(&self) -> Option<Algorithm> {
        self.id_token_algorithm
    }

    /// Returns whether its ID tokens carry all claims about the user that the granted scope allows.
    pub fn has_profile_in_id_tokens(&self) -> bool {
        self.id_token_claims == Some(IdTokenClaims::Profile)
    }

    /// Returns the digest of its secret, if it has one.
    pub fn secret(&self) -> Option<&SecretDigest> {
        self.secret.as_ref()
    }

    /// Returns whether it may use this grant type.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Returns the source of its public keys.
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// Returns what an operator allows it when it asserts for itself.
    pub fn service_account(&self) -> &ServiceAccount {
        &self.service_account
    }

    /// Returns whether the operator permits it an item of `COMPATIBILITY`: by the setting, and by a flag of the client where the item
    /// needs one.
    pub fn is_permitted(&self, item: Item, authority: &Authority) -> bool {
        authority.compatibility().permits_to(item, &self.flags)
    }

    /// Returns the only algorithm of its assertions, if registered.
    pub fn assertion_algorithm(&self) -> Option<Algorithm> {
        self.assertion_algorithm
    }

    /// Returns the audiences that its assertions may have.
    pub fn assertion_audience(&self) -> AssertionAudience {
        self.assertion_audience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_and_never_print() {
        let secret = ClientSecret::parse("correct horse battery").unwrap();
        assert!(secret.digest().equals(&SecretDigest::of("correct horse battery")));
        assert!(!secret.digest().equals(&SecretDigest::of("correct horse batter")));
        assert!(!secret.digest().equals(&SecretDigest::none()));
        let root = Client::root("correct horse battery");
        let shown = format!("{secret:?} {:?} {root:?}", secret.digest());
        assert!(!shown.contains("correct") && !shown.contains(&secret.digest().0), "{shown}");
    }

    #[test]
    fn a_client_of_a_version_without_disabling_is_enabled_and_stored_as_before() {
        let stored = serde_json::json!({
            "client_id": "app", "issued_at": 5, "secret": null, "metadata": { "grant_types": [], "scope": "read" },
        });
        let mut record: ClientRecord = serde_json::from_value(stored).unwrap();
        assert!(Client::from_record(&record).enabled);
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("disabled") && !text.contains("suspension"), "{text}");
        // Each change has a number; repeating one has none.
        for (enabled, state) in [
            (true, None),
            (false, Some((900, true))),
            (false, Some((900, true))),
            (true, Some((901, false))),
            (true, Some((901, false))),
            (false, Some((902, true))),
        ] {
            record.set_enabled(enabled, UnixTime(900));
            assert_eq!(record.suspension.map(|it| (it.version, it.marked)), state);
            let again: ClientRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
            assert_eq!((Client::from_record(&again).enabled, again.suspension), (enabled, record.suspension));
        }
    }

    #[test]
    fn a_client_loses_one_resource_and_keeps_the_others() {
        let metadata = serde_json::json!({
            "grant_types": [], "scope": "read", "resources": ["https://api.example", "https://files.example"],
        });
        let stored = serde_json::json!({ "client_id": "app", "issued_at": 5, "secret": null, "metadata": metadata });
        let mut record: ClientRecord = serde_json::from_value(stored).unwrap();
        let resource = |text: &str| Resource::parse(text).unwrap();
        assert!(record.lose_resource(&resource("https://api.example")));
        assert!(!record.lose_resource(&resource("https://api.example")), "it has lost it");
        assert!(!record.lose_resource(&resource("https://files.example/v1")), "another one");
        assert_eq!(record.metadata.resources, [resource("https://files.example")]);
    }

    #[test]
    fn generated_values_need_no_encoding_anywhere() {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        assert!(plain(ClientId::from_random([0xfb; 16]).as_str()));
        assert!(plain(ClientSecret::from_random([0xff; 32]).expose()));
    }

    #[test]
    fn identifiers() {
        assert!(ClientId::parse("my client/1").is_some());
        for bad in ["", ".", "..", "caf\u{e9}", "a\nb", &"x".repeat(201)] {
            assert_eq!(ClientId::parse(bad), None, "{bad}");
        }
    }
}
