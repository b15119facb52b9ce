//! Client metadata (RFC 7591 section 2): the stored form, parsed into types.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::vocabulary::compatibility::ClientFlag;
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::service_account::ServiceAccount;
use crate::token::Algorithm;

/// How a client authenticates (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// The secret in the `Authorization` header (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// A JWT signed with the client's own key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// No authentication: a public client, which cannot keep a secret (RFC 6749 section 2.1).
    None,
}

impl AuthMethod {
    /// All values.
    pub const ALL: [Self; 4] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::None];
    /// The methods of confidential clients.
    pub const PROVING: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// Returns the registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }

    /// Returns whether a client that registered this method may use it. Without a registered method, both ways to send a secret
    /// are allowed.
    pub fn is_allowed_by(self, registered: Option<Self>) -> bool {
        match registered {
            Some(registered) => registered == self,
            None => matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost),
        }
    }
}

/// The audiences that the assertions of a client may have (`aud`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer alone, as a string (RFC 10070 section 4).
    Issuer,
    /// The issuer or the token endpoint: for libraries that follow RFC 7523 section 3.
    TokenEndpoint,
}

impl AssertionAudience {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Issuer, Self::TokenEndpoint];

    /// Returns the name in client metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::TokenEndpoint => "token_endpoint",
        }
    }
}

/// A grant type (RFC 7591 section 2, `grant_types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// An authorization code (RFC 6749 section 4.1).
    AuthorizationCode,
    /// The client itself (RFC 6749 section 4.4).
    ClientCredentials,
    /// A device code (RFC 8628 section 3.4).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// A refresh token (RFC 6749 section 6).
    RefreshToken,
    /// An assertion (RFC 7523 section 2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
    /// Another token (RFC 8693 section 2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// All values.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::RefreshToken,
        Self::JwtBearer,
        Self::TokenExchange,
    ];

    /// Returns the registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::RefreshToken => "refresh_token",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// The claims about the user in the ID tokens of a client, beside `sub` and those that it requests with `claims`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdTokenClaims {
    /// All claims that userinfo returns for the granted scope.
    Profile,
}

/// The client metadata (RFC 7591 section 2) that this server uses or shows. It is stored as JSON.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// The name that users see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A page about the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Contact addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The grant types that it may use.
    pub grant_types: Vec<GrantType>,
    /// The redirect URIs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<RedirectUri>,
    /// The redirect URIs after sign-out (OpenID Connect RP-Initiated Logout section 2.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The signing algorithm of its access tokens, if registered (extension).
    #[serde(skip_serializing_if = "Option::is_none", with = "algorithm_name")]
    pub access_token_signed_response_alg: Option<Algorithm>,
    /// The signing algorithm of its ID tokens, if registered.
    #[serde(skip_serializing_if = "Option::is_none", with = "algorithm_name")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// The claims about the user in its ID tokens, if registered (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_claims: Option<IdTokenClaims>,
    /// The authentication method; `None` allows both ways to send a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// The only algorithm of its assertions, if registered.
    #[serde(skip_serializing_if = "Option::is_none", with = "algorithm_name")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// The audiences that its assertions may have (extension). Absent in records of versions without that choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
    /// Its public keys, as registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The address at which it publishes its public keys, in place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<RemoteUrl>,
    /// What an operator allows it when it asserts for itself (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
    /// Whether its codes require PKCE (extension, only operators set it; see [`ClientFlag`]); by default they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// Whether it may request device codes without authentication (the same); by default it may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_without_secret: Option<bool>,
    /// Whether its assertions may go without `jti` and `sub` (the same); by default they may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_without_jti: Option<bool>,
    /// The scope that it may request, and its default.
    pub scope: Scope,
    /// The resources that it may request tokens for, beside this server (extension).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// The identifier of its software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of that software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

impl ClientMetadata {
    /// Returns the member of a flag.
    pub fn flag(&mut self, flag: ClientFlag) -> &mut Option<bool> {
        match flag {
            ClientFlag::AssertionWithoutJti => &mut self.assertion_without_jti,
            ClientFlag::DeviceWithoutSecret => &mut self.device_without_secret,
            ClientFlag::WithoutPkce => &mut self.require_pkce,
        }
    }

    /// Returns whether a flag is set.
    pub fn has_flag(&self, flag: ClientFlag) -> bool {
        let member = match flag {
            ClientFlag::AssertionWithoutJti => self.assertion_without_jti,
            ClientFlag::DeviceWithoutSecret => self.device_without_secret,
            ClientFlag::WithoutPkce => self.require_pkce,
        };
        member == Some(flag.value())
    }

    /// Returns whether the client can make use of a flag. Codes and device codes without PKCE or a secret would leave a public client
    /// without any protection; assertions need keys.
    pub fn can_use_flag(&self, flag: ClientFlag) -> bool {
        let is_public = self.token_endpoint_auth_method == Some(AuthMethod::None);
        let has_keys = self.jwks.is_some() || self.jwks_uri.is_some();
        match flag {
            ClientFlag::AssertionWithoutJti => has_keys && self.grant_types.contains(&GrantType::JwtBearer),
            ClientFlag::DeviceWithoutSecret => !is_public && self.grant_types.contains(&GrantType::DeviceCode),
            ClientFlag::WithoutPkce => !is_public && self.grant_types.contains(&GrantType::AuthorizationCode),
        }
    }
}

/// Stores an algorithm by its JOSE name (RFC 7518 section 3.1).
pub(crate) mod algorithm_name {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::token::Algorithm;

    #[allow(clippy::ref_option)] // The signature that serde calls.
    pub(crate) fn serialize<S: Serializer>(algorithm: &Option<Algorithm>, serializer: S) -> Result<S::Ok, S::Error> {
        algorithm.map(Algorithm::name).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Algorithm>, D::Error> {
        let name: Option<String> = Option::deserialize(deserializer)?;
        let known = |name: String| Algorithm::from_name(&name).ok_or_else(|| D::Error::custom("unknown algorithm"));
        name.map(known).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stored_metadata_keeps_its_exact_text() {
        for text in [
            r#"{"grant_types":["client_credentials"],"scope":""}"#,
            r#"{"grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"scope":"openid"}"#,
            concat!(
                r#"{"grant_types":["urn:ietf:params:oauth:grant-type:jwt-bearer"],"jwks_uri":"https://app.example/jwks","#,
                r#""service_account":{"jti":"optional","users":["AAAAAAAAAAAAAAAAAAAAAA"],"scope":"read"},"scope":""}"#,
            ),
            r#"{"grant_types":[],"service_account":{"jti":"required"},"scope":""}"#,
            concat!(
                r#"{"grant_types":[],"require_pkce":false,"device_without_secret":true,"#,
                r#""assertion_without_jti":true,"scope":""}"#,
            ),
            concat!(
                r#"{"client_name":"App","client_uri":"https://app.example","contacts":["a@app.example"],"#,
                r#""grant_types":["authorization_code","refresh_token"],"redirect_uris":["https://app.example/cb"],"#,
                r#""post_logout_redirect_uris":["https://app.example/"],"access_token_signed_response_alg":"EdDSA","#,
                r#""id_token_signed_response_alg":"RS256","id_token_claims":"profile","#,
                r#""token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"PS512","#,
                r#""assertion_audience":"token_endpoint","jwks":{"keys":[]},"scope":"openid read","#,
                r#""resources":["https://api.example/v1","urn:files"],"software_id":"s","software_version":"1"}"#,
            ),
        ] {
            let metadata: ClientMetadata = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&metadata).unwrap(), text);
        }
    }

    #[test]
    fn grant_types_are_stored_by_their_registered_names() {
        for grant_type in GrantType::ALL {
            assert_eq!(serde_json::to_value(grant_type).unwrap(), json!(grant_type.name()));
        }
    }

    #[test]
    fn records_of_earlier_versions_are_read() {
        let metadata: ClientMetadata =
            serde_json::from_value(json!({ "jwks": null, "id_token_signed_response_alg": null })).unwrap();
        assert!(
            metadata.scope.is_empty()
                && metadata.resources.is_empty()
                && metadata.id_token_signed_response_alg.is_none()
                && !ClientFlag::ALL.into_iter().any(|flag| metadata.has_flag(flag))
        );
    }

    #[test]
    fn corrupt_metadata_is_refused() {
        for (member, value) in [
            ("scope", json!("a\"b")),
            ("scope", json!(["read"])),
            ("resources", json!(["api"])),
            ("resources", json!("https://api.example")),
            ("access_token_signed_response_alg", json!("none")),
            ("id_token_signed_response_alg", json!("rs256")),
            ("token_endpoint_auth_signing_alg", json!(5)),
            ("grant_types", json!(["implicit"])),
        ] {
            assert!(serde_json::from_value::<ClientMetadata>(json!({ member: value })).is_err(), "{member} {value}");
        }
    }
}
