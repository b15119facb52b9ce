//! The ID token and the claims about a user (OpenID Connect Core sections 2, 5.1, 5.3 and 5.4).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::token::{Algorithm, UnixTime, base64url};

use crate::oauth::grant::handle::AccountId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{Acr, SignIn, TokenGrant};
use crate::oauth::vocabulary::authority::{Authority, Upstream};
use crate::oauth::vocabulary::client::Client;
use crate::oauth::vocabulary::scope::{GROUPS, OPENID, Scope};

/// The methods of a sign-in with a passkey at this server (RFC 8176).
pub const PASSKEY_AMR: [&str; 3] = ["pop", "mfa", "user"];

/// The claims of an ID token.
#[derive(Debug, Serialize)]
pub struct IdToken {
    iss: String,
    sub: String,
    aud: String,
    iat: UnixTime,
    exp: UnixTime,
    auth_time: UnixTime,
    acr: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    at_hash: String,
    /// Names the grant, as that of the access token does: see [`TokenId::of_id_token`].
    jti: TokenId,
    sid: String,
    /// Claims about the user, beside `sub`.
    #[serde(flatten)]
    user: Map<String, Value>,
}

/// Returns whether the ID token carries claims about the user and so needs the profile: the client registered
/// `id_token_claims`, or requested some (`claims`).
pub fn needs_profile(everything: bool, tokens: &TokenGrant) -> bool {
    tokens.permit.scope().contains(OPENID) && (everything || !tokens.id_token_claims.is_empty())
}

/// Returns the claims about the user in the ID token: all of the granted scope if the client registered that, else those that
/// it requested.
fn claims_about(account: &AccountId, client: &Client, tokens: &TokenGrant, profile: &Profile) -> Map<String, Value> {
    let Value::Object(mut claims) = user_claims(account, profile, tokens.permit.scope()) else {
        return Map::new();
    };
    let asked = |name: &str| tokens.id_token_claims.iter().any(|claim| claim.name() == name);
    claims.retain(|name, _| name != "sub" && (client.has_profile_in_id_tokens() || asked(name)));
    claims
}

/// Returns the ID token that is issued with an access token, which is given with its identifier. `profile` is required if [`needs_profile`].
pub fn of_grant(
    authority: &Authority,
    account: &AccountId,
    client: &Client,
    tokens: &TokenGrant,
    profile: Option<&Profile>,
    (access_token, jti): (&str, &TokenId),
    algorithm: Algorithm,
) -> IdToken {
    IdToken {
        iss: authority.issuer().to_owned(),
        sub: account.to_string(),
        aud: client.id.to_string(),
        iat: tokens.at,
        exp: tokens.at.plus(authority.access_token_ttl()),
        auth_time: tokens.sign_in.at,
        acr: acr(authority, &tokens.sign_in).value(),
        amr: tokens.sign_in.amr.clone(),
        nonce: tokens.nonce.clone(),
        at_hash: access_token_hash(algorithm, access_token),
        jti: jti.of_id_token(),
        sid: tokens.session.to_string(),
        user: profile.map(|profile| claims_about(account, client, tokens, profile)).unwrap_or_default(),
    }
}

/// Returns the authentication context class of a sign-in.
///
/// Earlier versions stored only the methods, from this server or an upstream provider. With an upstream provider their origin is
/// unknown, so only the lowest class is certain.
pub(super) fn acr(authority: &Authority, sign_in: &SignIn) -> Acr {
    let by_passkey = authority.upstream().is_none() && sign_in.amr == PASSKEY_AMR;
    sign_in.acr.unwrap_or(if by_passkey { Acr::PhishingResistant } else { Acr::SignedIn })
}

/// Returns the left half of the token's digest, with the hash of the signature algorithm (section 3.1.3.6). That of Ed25519
/// is SHA-512.
fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let half = |digest: &[u8]| base64url::encode(digest.get(..digest.len() / 2).unwrap_or_default());
    match algorithm {
        Algorithm::EdDsa => half(&Sha512::digest(access_token)),
        _ => half(&Sha256::digest(access_token)),
    }
}

/// The stored profile of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Profile {
    /// The user name in its namespace. Pages, claims and operators get [`Profile::shown_username`].
    pub username: String,
    /// The namespace of the user name; absent in profiles of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// The user of the upstream provider who signs in to this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamUser>,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the e-mail address is verified.
    pub email_verified: bool,
    /// The user's groups, set by the operator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The time of the last change.
    pub updated_at: UnixTime,
}

/// The namespace of a user name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// This server: the name is unique, and users type it on the sign-in page.
    Local,
    /// The upstream provider of this issuer: local users may have the same name.
    Upstream(String),
}

/// A user of an upstream provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UpstreamUser {
    /// The issuer identifier of the provider.
    pub issuer: String,
    /// The provider's `sub`.
    pub sub: String,
}

impl Profile {
    /// Returns the user name for display. That of an upstream provider begins with the provider's host and a colon, which no
    /// local name contains.
    pub fn shown_username(&self) -> Cow<'_, str> {
        match &self.namespace {
            Some(Namespace::Upstream(issuer)) => Cow::Owned(format!("{}:{}", Upstream::host(issuer), self.username)),
            Some(Namespace::Local) | None => Cow::Borrowed(&self.username),
        }
    }

    /// Returns whether the user name is one to sign in with here.
    pub fn is_local(&self) -> bool {
        matches!(self.namespace, Some(Namespace::Local) | None)
    }
}

/// Returns the claims of a scope (section 5.4).
pub fn user_claims(account: &AccountId, profile: &Profile, scope: &Scope) -> Value {
    let mut claims = Map::from_iter([("sub".to_owned(), json!(account))]);
    let mut tell = |name: &str, value: Value| {
        if !value.is_null() {
            claims.insert(name.to_owned(), value);
        }
    };
    if scope.contains("profile") {
        tell("name", json!(profile.name));
        tell("preferred_username", json!(profile.shown_username()));
        tell("updated_at", json!(profile.updated_at));
    }
    if scope.contains("email") {
        tell("email", json!(profile.email));
        tell("email_verified", profile.email.as_ref().map_or(Value::Null, |_| json!(profile.email_verified)));
    }
    if scope.contains(GROUPS) {
        tell("groups", json!(profile.groups));
    }
    Value::Object(claims)
}

/// The names of all supported claims, for the metadata.
pub const CLAIMS: [&str; 18] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "email",
    "email_verified",
    "exp",
    "groups",
    "iat",
    "iss",
    "jti",
    "name",
    "nonce",
    "preferred_username",
    "sid",
    "sub",
    "updated_at",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;
    use crate::oauth::vocabulary::claims::UserClaim;

    #[test]
    fn the_hash_of_an_access_token() {
        // The example of OpenID Connect Core, appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(access_token_hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(access_token_hash(Algorithm::EdDsa, token).len(), 43);
    }

    #[test]
    fn the_class_of_a_sign_in_is_never_read_from_foreign_methods() {
        let alone = Settings { issuer: "https://as.example", ..Settings::default() };
        let federated = Settings { upstream_issuer: "https://idp.example", upstream_client_id: "em", ..alone };
        let [alone, federated] = [alone, federated].map(|settings| Authority::parse(settings).unwrap());
        let sign_in = |amr: &[&str], acr| SignIn {
            at: UnixTime(1),
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
            acr,
        };
        // Records of earlier versions.
        assert_eq!(acr(&alone, &sign_in(&PASSKEY_AMR, None)), Acr::PhishingResistant);
        assert_eq!(acr(&alone, &sign_in(&["pop"], None)), Acr::SignedIn);
        assert_eq!(acr(&federated, &sign_in(&PASSKEY_AMR, None)), Acr::SignedIn);
        // Records of this version.
        assert_eq!(acr(&federated, &sign_in(&PASSKEY_AMR, Some(Acr::PhishingResistant))), Acr::PhishingResistant);
        assert_eq!(acr(&alone, &sign_in(&PASSKEY_AMR, Some(Acr::SignedIn))), Acr::SignedIn);
    }

    #[test]
    fn profiles_of_earlier_versions_are_read() {
        let stored = r#"{"username":"demo","email_verified":false,"updated_at":9}"#;
        let profile: Profile = serde_json::from_str(stored).unwrap();
        assert_eq!((profile.username.as_str(), profile.namespace.as_ref()), ("demo", None));
        assert!(profile.groups.is_empty());
        assert_eq!(serde_json::to_string(&profile).unwrap(), stored);
        let sign_in: SignIn = serde_json::from_str(r#"{"at":1,"amr":["pwd"]}"#).unwrap();
        assert_eq!(sign_in.acr, None);
    }

    #[test]
    fn claims_follow_the_scope() {
        let account = AccountId::from_bytes([1; 16]);
        let profile = Profile {
            username: "demo".to_owned(),
            namespace: Some(Namespace::Local),
            upstream: None,
            name: Some("Demo".to_owned()),
            email: Some("demo@example.com".to_owned()),
            email_verified: true,
            groups: vec!["staff".to_owned(), "on call".to_owned()],
            updated_at: UnixTime(9),
        };
        let told = |scope: &str, profile: &Profile| user_claims(&account, profile, &Scope::parse(scope).unwrap());
        assert_eq!(told("openid read", &profile), json!({ "sub": account }));
        assert_eq!(
            told("openid profile", &profile),
            json!({ "sub": account, "name": "Demo", "preferred_username": "demo", "updated_at": 9 })
        );
        assert_eq!(
            told("openid email", &profile),
            json!({ "sub": account, "email": "demo@example.com", "email_verified": true })
        );
        let namespace = Some(Namespace::Upstream("https://idp.example:8443/tenant".to_owned()));
        let federated = Profile { namespace, ..profile.clone() };
        assert_eq!(told("openid profile", &federated)["preferred_username"], "idp.example:8443:demo");
        assert_eq!(told("openid groups", &profile), json!({ "sub": account, "groups": ["staff", "on call"] }));
        let sparse = Profile { username: "demo".to_owned(), ..Profile::default() };
        assert_eq!(told("openid email", &sparse), json!({ "sub": account }));
        assert_eq!(told("openid groups", &sparse)["groups"], json!([]), "no group is an answer too");
        for claim in UserClaim::ALL {
            assert!(told("profile email groups", &profile).get(claim.name()).is_some(), "{claim:?}");
            assert!(CLAIMS.contains(&claim.name()), "{claim:?}");
        }
    }
}
