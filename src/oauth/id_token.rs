//! The ID token and what is told about a person (OpenID Connect Core sections 2, 5.1, 5.3 and 5.4).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::token::{Algorithm, UnixTime, base64url};

use super::authority::Authority;
use super::client::Client;
use super::grant::Entitlement;
use super::handle::AccountId;
use super::scope::Scope;

/// The authentication context of a person who signed in by something that a phishing site cannot pass on (OpenID Connect
/// Extended Authentication Profile ACR Values 1.0 section 2).
pub const PHISHING_RESISTANT: &str = "phr";
/// The authentication context of everybody else who signed in.
pub const SIGNED_IN: &str = "1";
/// The method of whoever proved to hold a key (RFC 8176).
pub const PROOF_OF_POSSESSION: &str = "pop";

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
    sid: String,
}

/// The ID token that goes with an access token.
pub fn of_grant(
    authority: &Authority,
    account: &AccountId,
    client: &Client,
    entitlement: &Entitlement,
    access_token: &str,
    algorithm: Algorithm,
) -> IdToken {
    let amr = entitlement.sign_in.amr.clone();
    let phishing_resistant = amr.iter().any(|method| method == PROOF_OF_POSSESSION);
    IdToken {
        iss: authority.issuer().to_owned(),
        sub: account.to_string(),
        aud: client.id.to_string(),
        iat: entitlement.at,
        exp: entitlement.at.plus(authority.access_token_ttl()),
        auth_time: entitlement.sign_in.at,
        acr: if phishing_resistant { PHISHING_RESISTANT } else { SIGNED_IN },
        amr,
        nonce: entitlement.nonce.clone(),
        at_hash: access_token_hash(algorithm, access_token),
        sid: entitlement.session.to_string(),
    }
}

/// The left half of the token's digest, by the hash of the signature algorithm (section 3.1.3.6). Ed25519's is SHA-512.
fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let half = |digest: &[u8]| base64url::encode(digest.get(..digest.len() / 2).unwrap_or_default());
    match algorithm {
        Algorithm::EdDsa => half(&Sha512::digest(access_token)),
        _ => half(&Sha256::digest(access_token)),
    }
}

/// What an authority knows about a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Profile {
    /// What the person signs in by.
    pub username: String,
    /// The name that people call the person by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Is the address known to be the person's?
    pub email_verified: bool,
    /// When any of it last changed.
    pub updated_at: UnixTime,
}

/// The claims that a scope gives a right to (section 5.4).
pub fn user_claims(account: &AccountId, profile: &Profile, scope: &Scope) -> Value {
    let mut claims = Map::from_iter([("sub".to_owned(), json!(account))]);
    let mut tell = |name: &str, value: Value| {
        if !value.is_null() {
            claims.insert(name.to_owned(), value);
        }
    };
    if scope.contains("profile") {
        tell("name", json!(profile.name));
        tell("preferred_username", json!(profile.username));
        tell("updated_at", json!(profile.updated_at));
    }
    if scope.contains("email") {
        tell("email", json!(profile.email));
        tell("email_verified", profile.email.as_ref().map_or(Value::Null, |_| json!(profile.email_verified)));
    }
    Value::Object(claims)
}

/// The names of all claims that can be told, for the metadata.
pub const CLAIMS: [&str; 16] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "email",
    "email_verified",
    "exp",
    "iat",
    "iss",
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

    #[test]
    fn the_hash_of_an_access_token() {
        // The example of OpenID Connect Core, appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(access_token_hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(access_token_hash(Algorithm::EdDsa, token).len(), 43);
    }

    #[test]
    fn claims_follow_the_scope() {
        let account = AccountId::from_bytes([1; 16]);
        let profile = Profile {
            username: "demo".to_owned(),
            name: Some("Demo".to_owned()),
            email: Some("demo@example.com".to_owned()),
            email_verified: true,
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
        let sparse = Profile { username: "demo".to_owned(), ..Profile::default() };
        assert_eq!(told("openid email", &sparse), json!({ "sub": account }));
    }
}
