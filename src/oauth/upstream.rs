//! Another OpenID provider as the way to sign in: this authority is its client (OpenID Connect Core section 3.1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::token::{Algorithm, Claims, DEFAULT_MAX_BYTES, Expected, Policy, UnixTime};
use crate::wire::{Form, encode_parameters};

use super::authority::{Authority, Upstream};
use super::id_token::Profile;
use super::pkce::METHOD;
use super::refusal::Refusal;

/// Where the provider sends people back to.
pub const CALLBACK: &str = "/account/sign-in/upstream/callback";
/// How far the provider's clock may be off, seconds.
const CLOCK_TOLERANCE: u64 = 60;

/// What the provider says about itself (OpenID Connect Discovery 1.0 section 3), as far as it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where it tells more about a person, if it does.
    pub userinfo_endpoint: Option<String>,
    /// Does it say who it is when it sends people back (RFC 9207)?
    names_itself: bool,
}

/// What has to be remembered while a person is with the provider. It travels in a sealed cookie.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Journey {
    /// What the ID token has to repeat.
    pub nonce: String,
    /// The verifier of the code.
    pub verifier: String,
    /// The request that the person wants to go on with, as a query; may be empty.
    pub onward: String,
    /// Until when the person may come back.
    pub until: UnixTime,
}

impl Provider {
    /// Where the document is.
    pub fn document(upstream: &Upstream) -> String {
        format!("{}/.well-known/openid-configuration", upstream.issuer.trim_end_matches('/'))
    }

    /// Reads the document.
    ///
    /// # Errors
    /// [`Refusal::Upstream`] if it is of another issuer (section 4.3), or names no safe address for something.
    pub fn parse(authority: &Authority, upstream: &Upstream, document: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(upstream.issuer.as_str()) {
            return Err(Refusal::Upstream);
        }
        // Only an authority on this machine alone may talk to a provider in the clear.
        let is_safe =
            |url: &&str| url.starts_with("https://") || (authority.is_loopback() && url.starts_with("http://"));
        let address = |name| text(name).filter(is_safe).map(str::to_owned).ok_or(Refusal::Upstream);
        let names_itself = document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        Ok(Self {
            authorization_endpoint: address("authorization_endpoint")?,
            token_endpoint: address("token_endpoint")?,
            jwks_uri: address("jwks_uri")?,
            userinfo_endpoint: text("userinfo_endpoint").map(|_| address("userinfo_endpoint")).transpose()?,
            names_itself,
        })
    }

    /// The address at which a person signs in. A client that wants a fresh sign-in here wants one there.
    pub fn sign_in(
        &self,
        authority: &Authority,
        upstream: &Upstream,
        state: &str,
        nonce: &str,
        challenge: &str,
        onward: &Form,
    ) -> String {
        let redirect_uri = authority.endpoint(CALLBACK);
        let afresh = onward.get("max_age").is_some()
            || onward.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|it| it == "login"));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &upstream.client_id),
            ("redirect_uri", &redirect_uri),
            ("scope", "openid profile email"),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", challenge),
            ("code_challenge_method", METHOD),
        ];
        if afresh {
            parameters.push(("prompt", "login"));
        }
        let separator = if self.authorization_endpoint.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.authorization_endpoint, encode_parameters(parameters))
    }

    /// The code in what a person comes back with.
    ///
    /// # Errors
    /// [`Refusal::Upstream`] for an error, for no code, and for the answer of another issuer (RFC 9207 section 2.4).
    pub fn code<'f>(&self, upstream: &Upstream, answer: &'f Form) -> Result<&'f str, Refusal> {
        let issuer_is_right = match answer.get("iss") {
            Some(issuer) => issuer == upstream.issuer,
            None => !self.names_itself,
        };
        let code = answer.get("code").filter(|_| answer.get("error").is_none() && issuer_is_right);
        code.ok_or(Refusal::Upstream)
    }
}

/// What is asked of the provider's ID token (OpenID Connect Core section 3.1.3.7).
pub fn policy(upstream: &Upstream) -> Policy {
    Policy {
        issuers: Expected::one(&upstream.issuer),
        audiences: Expected::one(&upstream.client_id),
        // ID tokens have no type of their own.
        types: Expected::Anything,
        algorithms: Some(Algorithm::ASYMMETRIC.to_vec()),
        clock_tolerance: CLOCK_TOLERANCE,
        max_age: None,
        required_claims: ["sub", "exp", "iat", "nonce"].map(str::to_owned).to_vec(),
        scopes: Vec::new(),
        max_bytes: DEFAULT_MAX_BYTES,
    }
}

/// Who has signed in at the provider.
#[derive(Debug)]
pub struct Subject {
    /// What the provider calls the person, for ever.
    pub subject: String,
    /// How the person has signed in there (RFC 8176).
    pub amr: Vec<String>,
}

impl Subject {
    /// What is told of the person, in the ID token or at the userinfo endpoint.
    ///
    /// # Errors
    /// [`Refusal::Upstream`] if the userinfo is about somebody else (OpenID Connect Core section 5.3.2).
    pub fn profile(
        &self,
        id_token: &Claims,
        userinfo: Option<&Map<String, Value>>,
        now: UnixTime,
    ) -> Result<Profile, Refusal> {
        if userinfo.is_some_and(|told| told.get("sub").and_then(Value::as_str) != Some(self.subject.as_str())) {
            return Err(Refusal::Upstream);
        }
        let told = |name: &str| userinfo.and_then(|told| told.get(name)).or_else(|| id_token.members().get(name));
        let short = |name: &str| {
            let text = told(name).and_then(Value::as_str);
            text.filter(|text| (1..=200).contains(&text.len()) && !text.chars().any(char::is_control))
        };
        let username = short("preferred_username").or_else(|| short("email")).unwrap_or(&self.subject);
        Ok(Profile {
            username: username.to_owned(),
            name: short("name").map(str::to_owned),
            email: short("email").map(str::to_owned),
            email_verified: told("email_verified") == Some(&Value::Bool(true)),
            updated_at: now,
        })
    }
}

/// Reads the claims of an ID token that has verified.
///
/// # Errors
/// [`Refusal::Upstream`] for another nonce, or a token that was issued to somebody else (`azp`).
pub fn subject(upstream: &Upstream, claims: &Claims, nonce: &str) -> Result<Subject, Refusal> {
    let same_nonce: bool = claims.text("nonce").unwrap_or_default().as_bytes().ct_eq(nonce.as_bytes()).into();
    let issued_to_us = claims.text("azp").is_none_or(|party| party == upstream.client_id)
        && (claims.audiences().count() == 1 || claims.text("azp").is_some());
    let subject = claims.text("sub").filter(|subject| (1..=255).contains(&subject.len()));
    let subject = subject.filter(|_| same_nonce && issued_to_us).ok_or(Refusal::Upstream)?;
    let amr = claims.members().get("amr").and_then(Value::as_array).into_iter().flatten();
    Ok(Subject {
        subject: subject.to_owned(),
        amr: amr.filter_map(Value::as_str).filter(|method| method.len() <= 20).take(10).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::authority::Settings;
    use super::*;
    use serde_json::json;

    fn authority() -> Authority {
        let settings = Settings {
            issuer: "https://as.example",
            upstream_issuer: "https://idp.example",
            upstream_client_id: "em",
            ..Settings::default()
        };
        Authority::parse(settings).unwrap()
    }

    fn document() -> Value {
        json!({
            "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/auth?tenant=1",
            "token_endpoint": "https://idp.example/token", "jwks_uri": "https://idp.example/jwks",
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn provider(document: &Value) -> Result<Provider, Refusal> {
        let authority = authority();
        Provider::parse(&authority, authority.upstream().unwrap(), document.as_object().unwrap())
    }

    #[test]
    fn the_document_is_the_issuers_own_and_its_addresses_are_safe() {
        assert!(provider(&document()).is_ok());
        for (name, value) in [
            ("issuer", json!("https://other.example")),
            ("issuer", json!(null)),
            ("token_endpoint", json!("http://idp.example/token")),
            ("jwks_uri", json!("file:///etc/passwd")),
            ("authorization_endpoint", json!(5)),
        ] {
            let mut changed = document();
            changed[name] = value;
            assert_eq!(provider(&changed), Err(Refusal::Upstream), "{name}");
        }
    }

    #[test]
    fn the_way_there_and_back() {
        let (authority, provider) = (authority(), provider(&document()).unwrap());
        let upstream = authority.upstream().unwrap();
        let there = |onward: &str| provider.sign_in(&authority, upstream, "s", "n", "c", &Form::parse(onward).unwrap());
        let url = there("client_id=x");
        assert!(url.starts_with("https://idp.example/auth?tenant=1&response_type=code&client_id=em&redirect_uri=https%3A%2F%2Fas.example%2Faccount%2Fsign-in%2Fupstream%2Fcallback&"), "{url}");
        assert!(!url.contains("prompt") && there("prompt=login").ends_with("&prompt=login"));
        assert!(there("max_age=60").ends_with("&prompt=login"));

        let back = |answer: &str| provider.code(upstream, &Form::parse(answer).unwrap()).map(str::to_owned);
        assert_eq!(back("code=c&iss=https://idp.example").as_deref(), Ok("c"));
        for bad in [
            "code=c",
            "code=c&iss=https://evil.example",
            "error=access_denied&iss=https://idp.example",
            "iss=https://idp.example",
        ] {
            assert_eq!(back(bad), Err(Refusal::Upstream), "{bad}");
        }
    }
}
