//! A client: who may ask for tokens, how it proves itself, what it may ask for.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::token::{Algorithm, Key, KeySet, UnixTime, base64url};

use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{ADMIN_SCOPE, Scope};
use crate::oauth::vocabulary::secret::is_strong;
use crate::oauth::vocabulary::status_entry::StatusEntry;

/// The identifier of a client: visible ASCII and spaces, at most 200 bytes (RFC 6749 appendix A.1), but neither `.`
/// nor `..`, which no address can name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// The client that every authority has from the start; its secret is a secret of the Worker.
    pub const ROOT: &'static str = "root";

    /// Reads an identifier.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = (1..=200).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        (allowed && text != "." && text != "..").then(|| Self(text.to_owned()))
    }

    /// Makes one from random bytes: letters, digits, `-` and `_` only, because clients disagree about how
    /// anything else is encoded in HTTP Basic.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(base64url::encode(&bytes))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it the root client's?
    pub fn is_root(&self) -> bool {
        self.0 == Self::ROOT
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client secret in clear. It prints as nothing, and only [`Self::expose`] hands it out.
pub struct ClientSecret(String);

impl ClientSecret {
    /// Reads a secret that is to be registered: at most 512 visible ASCII characters and spaces (RFC 6749 appendix A.2),
    /// long and varied enough. Records from before that rule hold digests, and go on working.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = text.len() <= 512 && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) && is_strong(text);
        allowed.then(|| Self(text.to_owned()))
    }

    /// Makes one from 256 random bits.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(base64url::encode(&bytes))
    }

    /// The secret, for the one reply that tells it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(&self.0)
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(redacted)")
    }
}

/// The SHA-256 digest of a client secret. Records are stored sealed, so that a stolen copy of the store
/// does not even let a weak imported secret be guessed.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SecretDigest(String);

impl SecretDigest {
    /// The digest of this secret.
    pub fn of(secret: &str) -> Self {
        Self(base64url::encode(&Sha256::digest(secret)))
    }

    /// A digest that no secret has.
    pub fn nobodys() -> Self {
        Self("-".repeat(43))
    }

    /// Are they the same? Takes the same time whatever the answer.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(redacted)")
    }
}

/// How a client proves who it is (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// The secret in the `Authorization` header (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// A JWT signed with the client's own key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// Not at all: a public client, which cannot keep a secret (RFC 6749 section 2.1).
    None,
}

impl AuthMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::None];
    /// Those that prove something.
    pub const PROVING: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// Which audiences the assertions of a client may have (`aud`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer alone, as a string (RFC 10070 section 4).
    Issuer,
    /// The issuer or the token endpoint: for libraries that follow RFC 7523 section 3.
    TokenEndpoint,
}

impl AssertionAudience {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Issuer, Self::TokenEndpoint];

    /// The name in client metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::TokenEndpoint => "token_endpoint",
        }
    }
}

/// What a client may use to get a token (RFC 7591 section 2, `grant_types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 6.
    RefreshToken,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::ClientCredentials, Self::RefreshToken];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// Which claims about the user the ID tokens of a client carry, beside `sub` and those that it asks for by `claims`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdTokenClaims {
    /// All that the granted scope lets userinfo tell.
    Profile,
}

/// A client as it is stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClientRecord {
    /// Its identifier.
    pub client_id: ClientId,
    /// When it was registered.
    pub issued_at: UnixTime,
    /// The digest of its secret, if it has one.
    pub secret: Option<SecretDigest>,
    /// Where the status of its own tokens stands; clients from before there were status lists have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
    /// What it registered, checked (see `register`).
    pub metadata: ClientMetadata,
}

/// Client metadata (RFC 7591 section 2), as far as we act on it or show it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A page about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Whom to write to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// What it may use.
    pub grant_types: Vec<GrantType>,
    /// Where codes may be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a browser may be sent after signing out (OpenID Connect RP-Initiated Logout section 2.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// What signs its access tokens, if it said so (extension of ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signed_response_alg: Option<String>,
    /// What signs its ID tokens, if it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// Which claims about the user its ID tokens carry, if it said so (extension of ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_claims: Option<IdTokenClaims>,
    /// How it proves itself; `None` if it did not say: then either way of sending a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// The only algorithm of its assertions, if it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Which audiences its assertions may have (extension of ours). Absent in the records of before it was introduced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
    /// Its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The scope values that it may ask for, and gets when it asks for none.
    pub scope: String,
    /// The resources that it may ask tokens for, beside the authority's own (extension of ours).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The software that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of that software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

/// A client, ready for decisions.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// What it may ask for.
    pub scope: Scope,
    /// The resources that it may ask tokens for, beside the authority's own.
    pub resources: Vec<Resource>,
    /// A name for people.
    pub name: Option<String>,
    /// Where the status of its own tokens stands.
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
    keys: KeySet,
}

impl Client {
    /// The client of a stored record. `None` if the record is not one that registration lets pass.
    pub fn from_record(record: &ClientRecord) -> Option<Self> {
        let metadata = &record.metadata;
        let resources: Option<Vec<_>> = metadata.resources.iter().map(|text| Resource::parse(text)).collect();
        Some(Self {
            id: record.client_id.clone(),
            scope: Scope::parse(&metadata.scope)?,
            resources: resources?,
            name: metadata.client_name.clone(),
            status: record.status,
            redirect_uris: metadata.redirect_uris.clone(),
            post_logout_redirect_uris: metadata.post_logout_redirect_uris.clone(),
            access_token_algorithm: metadata.access_token_signed_response_alg.as_deref().and_then(Algorithm::from_name),
            id_token_algorithm: metadata.id_token_signed_response_alg.as_deref().and_then(Algorithm::from_name),
            id_token_claims: metadata.id_token_claims,
            secret: record.secret.clone(),
            auth_method: metadata.token_endpoint_auth_method,
            assertion_algorithm: metadata.token_endpoint_auth_signing_alg.as_deref().and_then(Algorithm::from_name),
            // Clients registered before there was a choice may use the token endpoint, and some do.
            assertion_audience: metadata.assertion_audience.unwrap_or(AssertionAudience::TokenEndpoint),
            grant_types: metadata.grant_types.clone(),
            keys: metadata.jwks.as_ref().map(key_set).unwrap_or_default(),
        })
    }

    /// The root client with its secret.
    pub fn root(secret: &str) -> Self {
        Self {
            id: ClientId(ClientId::ROOT.to_owned()),
            scope: Scope::parse(ADMIN_SCOPE).unwrap_or_default(),
            resources: Vec::new(),
            name: None,
            // Its tokens are for the authority itself, which looks for itself.
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
            keys: KeySet::default(),
        }
    }

    /// May it prove itself this way?
    pub fn may_authenticate_by(&self, method: AuthMethod) -> bool {
        match self.auth_method {
            Some(registered) => registered == method,
            None => matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost),
        }
    }

    /// Is it one that cannot prove who it is?
    pub fn is_public(&self) -> bool {
        self.auth_method == Some(AuthMethod::None)
    }

    /// What people are shown.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Where codes may be sent.
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// Where a browser may be sent after signing out.
    pub fn post_logout_redirect_uris(&self) -> &[RedirectUri] {
        &self.post_logout_redirect_uris
    }

    /// What signs its access tokens, if it said so.
    pub fn access_token_algorithm(&self) -> Option<Algorithm> {
        self.access_token_algorithm
    }

    /// What signs its ID tokens, if it said so.
    pub fn id_token_algorithm(&self) -> Option<Algorithm> {
        self.id_token_algorithm
    }

    /// Returns whether its ID tokens carry all claims about the user that the granted scope lets be told.
    pub fn has_profile_in_id_tokens(&self) -> bool {
        self.id_token_claims == Some(IdTokenClaims::Profile)
    }

    /// What is known of its secret, if it has one.
    pub fn secret(&self) -> Option<&SecretDigest> {
        self.secret.as_ref()
    }

    /// May it use this grant?
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Its public keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The only algorithm of its assertions, if it registered one.
    pub fn assertion_algorithm(&self) -> Option<Algorithm> {
        self.assertion_algorithm
    }

    /// Which audiences its assertions may have.
    pub fn assertion_audience(&self) -> AssertionAudience {
        self.assertion_audience
    }
}

fn key_set(jwks: &Value) -> KeySet {
    let keys = jwks.get("keys").and_then(Value::as_array).into_iter().flatten();
    KeySet::new(keys.filter_map(Value::as_object).filter_map(|jwk| Key::from_jwk(jwk).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_and_never_print() {
        let secret = ClientSecret::parse("correct horse battery").unwrap();
        assert!(secret.digest().equals(&SecretDigest::of("correct horse battery")));
        assert!(!secret.digest().equals(&SecretDigest::of("correct horse batter")));
        assert!(!secret.digest().equals(&SecretDigest::nobodys()));
        let root = Client::root("correct horse battery");
        let shown = format!("{secret:?} {:?} {root:?}", secret.digest());
        assert!(!shown.contains("correct") && !shown.contains(&secret.digest().0), "{shown}");
    }

    #[test]
    fn generated_values_need_no_encoding_anywhere() {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        assert!(plain(ClientId::from_random([0xfb; 16]).as_str()));
        assert!(plain(ClientSecret::from_random([0xff; 32]).expose()));
    }

    #[test]
    fn a_registered_secret_is_visible_ascii_of_some_length_and_variety() {
        let longest = format!("sixteen letters!{}", "x".repeat(496));
        for good in ["sixteen letters!", "~a-b_c.d!e:f&g=h", &longest] {
            assert!(ClientSecret::parse(good).is_some(), "{good}");
        }
        for bad in [
            &format!("{longest}x"),
            "",
            "x",
            "fifteen-letters",
            "aaaaaaaaaaaaaaaa",
            "line\nbreak-line-break",
            "s\u{e9}cret-of-a-client",
        ] {
            assert!(ClientSecret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn identifiers() {
        assert!(ClientId::parse("my client/1").is_some());
        for bad in ["", ".", "..", "caf\u{e9}", "a\nb", &"x".repeat(201)] {
            assert_eq!(ClientId::parse(bad), None, "{bad}");
        }
    }
}
