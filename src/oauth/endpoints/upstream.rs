//! Sign-in at an upstream OpenID provider, of which this server is a client (OpenID Connect Core section 3.1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::token::{Algorithm, Claims, DEFAULT_MAX_BYTES, Expected, Policy, UnixTime};
use crate::wire::{Form, encode_parameters};

use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::grant::Acr;
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::{Authority, Upstream};
use crate::oauth::vocabulary::pkce::METHOD;

/// The path of the redirect URI at this server.
pub const CALLBACK: &str = "/account/sign-in/upstream/callback";
/// The tolerance for the provider's clock, seconds.
const CLOCK_TOLERANCE: u64 = 60;

/// The required part of the provider's metadata (OpenID Connect Discovery 1.0 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The authorization endpoint.
    pub authorization_endpoint: String,
    /// The token endpoint.
    pub token_endpoint: String,
    /// The URL of its keys.
    pub jwks_uri: String,
    /// The userinfo endpoint, if there is one.
    pub userinfo_endpoint: Option<String>,
    /// Whether it accepts the client secret only in the body (`token_endpoint_auth_methods_supported`).
    pub secret_in_body: bool,
    /// Whether its responses name their issuer (RFC 9207).
    names_itself: bool,
}

/// The state of a sign-in while the user is at the provider. A sealed cookie carries it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Journey {
    /// The `nonce` that the ID token must have.
    pub nonce: String,
    /// The PKCE verifier of the code.
    pub verifier: String,
    /// The request to continue with, as a query; may be empty.
    pub onward: String,
    /// When it expires.
    pub until: UnixTime,
    /// When the user was sent to the provider.
    #[serde(default)]
    pub departed: UnixTime,
    /// The `max_age` that was sent, seconds: it requires `auth_time` in the ID token.
    #[serde(default)]
    pub max_age: Option<u64>,
}

/// The conditions for a sign-in at the provider.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'c> {
    /// The request to continue with: its `prompt` and `ui_locales` are passed on.
    pub onward: &'c Form,
    /// The sign-in that the client and the rules of this server want.
    pub wanted: Wanted,
}

impl Conditions<'_> {
    /// Returns the `max_age` to send, seconds. A new sign-in is requested as an age of 0, since a provider must return `auth_time`
    /// only for a request with `max_age` (OpenID Connect Core section 2).
    pub fn max_age(&self) -> Option<u64> {
        if prompt(self.onward).contains(&"login") { Some(0) } else { self.wanted.required.max_age }
    }

    /// Returns the `acr` values to send: those that the policy maps to the preferred class. Every sign-in has the lowest one.
    fn acr_values<'u>(&self, upstream: &'u Upstream) -> Vec<&'u str> {
        let class = self.wanted.preferred.filter(|class| *class > Acr::SignedIn);
        class.map(|class| upstream.acr.values(class)).unwrap_or_default()
    }
}

/// Returns the `prompt` values to send. `none` and `consent` concern this server.
fn prompt(onward: &Form) -> Vec<&str> {
    let asked = onward.get("prompt").unwrap_or_default().split(' ');
    asked.filter(|it| ["login", "select_account"].contains(it)).collect()
}

/// Returns the same request, for a user who has to choose another account at the provider.
pub fn with_another_account(onward: &Form) -> String {
    let mut prompt = prompt(onward);
    if !prompt.contains(&"select_account") {
        prompt.push("select_account");
    }
    let prompt = prompt.join(" ");
    let others = onward.pairs().filter(|(name, _)| *name != "prompt");
    encode_parameters(others.chain([("prompt", prompt.as_str())]))
}

impl Provider {
    /// Returns the URL of the metadata.
    pub fn document(upstream: &Upstream) -> String {
        format!("{}/.well-known/openid-configuration", upstream.issuer.trim_end_matches('/'))
    }

    /// Parses the metadata.
    ///
    /// # Errors
    /// [`Refusal::Upstream`] if it names another issuer (section 4.3), or if a URL is missing, not secure, or has white space or control characters.
    pub fn parse(authority: &Authority, upstream: &Upstream, document: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(upstream.issuer.as_str()) {
            return Err(Refusal::Upstream);
        }
        // Only a server on a loopback address may use plain HTTP to a provider.
        let is_safe = |url: &&str| {
            let is_secure = url.starts_with("https://") || (authority.is_loopback() && url.starts_with("http://"));
            // The URL goes into a header.
            is_secure && !url.chars().any(|character| character.is_control() || character.is_whitespace())
        };
        let address = |name| text(name).filter(is_safe).map(str::to_owned).ok_or(Refusal::Upstream);
        let names_itself = document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        // The default is `client_secret_basic` (OpenID Connect Discovery 1.0 section 3).
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |method: &str| methods.is_some_and(|list| list.iter().any(|it| it.as_str() == Some(method)));
        Ok(Self {
            secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
            authorization_endpoint: address("authorization_endpoint")?,
            token_endpoint: address("token_endpoint")?,
            jwks_uri: address("jwks_uri")?,
            userinfo_endpoint: text("userinfo_endpoint").map(|_| address("userinfo_endpoint")).transpose()?,
            names_itself,
        })
    }

    /// Returns the URL of the authorization request with the conditions for the sign-in. A class becomes the `acr` values that the
    /// policy maps to it.
    pub fn sign_in(
        &self,
        authority: &Authority,
        upstream: &Upstream,
        state: &str,
        nonce: &str,
        challenge: &str,
        conditions: &Conditions<'_>,
    ) -> String {
        let redirect_uri = authority.endpoint(CALLBACK);
        let Conditions { onward, wanted } = conditions;
        let max_age = conditions.max_age();
        let acr_values = conditions.acr_values(upstream).join(" ");
        let mut prompt = prompt(onward);
        // Where no `acr` value stands for the required class, only another sign-in can have the methods that do. An age of 0 means
        // the same as `login` (OpenID Connect Core section 3.1.2.1), and some providers treat 0 as absent.
        let needs_methods = acr_values.is_empty() && wanted.needs_passkey();
        if (max_age == Some(0) || needs_methods) && !prompt.contains(&"login") {
            prompt.push("login");
        }
        let (prompt, max_age) = (prompt.join(" "), max_age.map(|age| age.to_string()));
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
        if !prompt.is_empty() {
            parameters.push(("prompt", &prompt));
        }
        parameters.extend(max_age.as_deref().map(|age| ("max_age", age)));
        if !acr_values.is_empty() {
            parameters.push(("acr_values", &acr_values));
        }
        parameters.extend(onward.get("ui_locales").map(|locales| ("ui_locales", locales)));
        let separator = if self.authorization_endpoint.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.authorization_endpoint, encode_parameters(parameters))
    }

    /// Returns the code of the provider's response.
    ///
    /// # Errors
    /// [`Refusal::Upstream`] for an error, a missing code, and a response of another issuer (RFC 9207 section 2.4).
    pub fn code<'f>(&self, upstream: &Upstream, answer: &'f Form) -> Result<&'f str, Refusal> {
        let issuer_is_right = match answer.get("iss") {
            Some(issuer) => issuer == upstream.issuer,
            None => !self.names_itself,
        };
        let code = answer.get("code").filter(|_| answer.get("error").is_none() && issuer_is_right);
        code.ok_or(Refusal::Upstream)
    }
}

/// Returns the policy for the provider's ID tokens (OpenID Connect Core section 3.1.3.7).
pub fn policy(upstream: &Upstream) -> Policy {
    Policy {
        issuers: Expected::one(&upstream.issuer),
        audiences: Expected::one(&upstream.client_id),
        // ID tokens have no specific type.
        types: Expected::Anything,
        algorithms: Some(Algorithm::ASYMMETRIC.to_vec()),
        clock_tolerance: CLOCK_TOLERANCE,
        max_age: None,
        required_claims: ["sub", "exp", "iat", "nonce"].map(str::to_owned).to_vec(),
        scopes: Vec::new(),
        max_bytes: DEFAULT_MAX_BYTES,
    }
}

/// Returns the policy for signed userinfo responses (OpenID Connect Core section 5.3.2), which need not expire.
pub fn userinfo_policy(upstream: &Upstream) -> Policy {
    Policy { required_claims: vec!["sub".to_owned()], ..policy(upstream) }
}

/// The user who signed in at the provider.
#[derive(Debug)]
pub struct Subject {
    /// The provider's stable identifier of the user (`sub`).
    pub subject: String,
    /// The time of the sign-in, never in the future.
    pub at: UnixTime,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class here.
    pub acr: Acr,
}

/// The result of a userinfo request.
#[derive(Debug)]
pub enum Userinfo {
    /// There is no endpoint, or no access token for it.
    NotOffered,
    /// It failed, or its response did not verify.
    Failed,
    /// The claims of the response.
    Claims(Map<String, Value>),
}

/// The claims about a user, as texts. `identity` validates them.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Candidates for the user name, the best first.
    pub usernames: Vec<String>,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the provider has verified that address.
    pub email_verified: bool,
    /// Whether the claims are complete: a missing one is unknown to the provider.
    pub complete: bool,
}

impl Subject {
    /// Returns the claims about the user, from the userinfo endpoint or the ID token.
    ///
    /// # Errors
    /// [`Refusal::Upstream`] if the userinfo has another `sub` (OpenID Connect Core section 5.3.2).
    pub fn told(&self, id_token: &Claims, userinfo: &Userinfo) -> Result<Told, Refusal> {
        let claims = if let Userinfo::Claims(claims) = userinfo { Some(claims) } else { None };
        let text = |claims: &Map<String, Value>, name: &str| {
            let text = claims.get(name).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        if claims.is_some_and(|claims| claims.get("sub").and_then(Value::as_str) != Some(self.subject.as_str())) {
            return Err(Refusal::Upstream);
        }
        let told = |name: &str| claims.and_then(|claims| text(claims, name)).or_else(|| text(id_token.members(), name));
        let email = told("email");
        // Only the source of this address can say that it is verified.
        let verifies = |claims: &Map<String, Value>| {
            text(claims, "email") == email && claims.get("email_verified").is_some_and(is_true)
        };
        let verifier = claims.filter(|claims| claims.contains_key("email_verified")).unwrap_or(id_token.members());
        let usernames = [told("preferred_username"), email.clone(), Some(self.subject.clone())];
        Ok(Told {
            usernames: usernames.into_iter().flatten().collect(),
            name: told("name"),
            email_verified: email.is_some() && verifies(verifier),
            email,
            complete: !matches!(userinfo, Userinfo::Failed),
        })
    }
}

/// Some providers send `"true"` as a string, Amazon Cognito and Apple among them.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}

/// Parses the claims of a verified ID token.
///
/// # Errors
/// [`Refusal::Upstream`] for another nonce, or a token that was issued to another party (`azp`);
/// [`Refusal::UpstreamAuthTime`] if a required `auth_time` is missing, or the sign-in is too old.
pub fn subject(upstream: &Upstream, claims: &Claims, journey: &Journey, now: UnixTime) -> Result<Subject, Refusal> {
    let same_nonce: bool = claims.text("nonce").unwrap_or_default().as_bytes().ct_eq(journey.nonce.as_bytes()).into();
    let issued_to_us = claims.text("azp").is_none_or(|party| party == upstream.client_id)
        && (claims.audiences().count() == 1 || claims.text("azp").is_some());
    let subject = claims.text("sub").filter(|subject| (1..=255).contains(&subject.len()));
    let subject = subject.filter(|_| same_nonce && issued_to_us).ok_or(Refusal::Upstream)?;
    let amr = claims.members().get("amr").and_then(Value::as_array).into_iter().flatten();
    let amr: Vec<_> =
        amr.filter_map(Value::as_str).filter(|method| method.len() <= 20).take(10).map(str::to_owned).collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Checked: not negative, and before the year 10000.
    let stated = claims.time("auth_time").map(|seconds| UnixTime(seconds as u64));
    Ok(Subject {
        subject: subject.to_owned(),
        at: signed_in_at(stated, journey, now)?,
        acr: upstream.acr.of(claims.text("acr"), &amr),
        amr,
    })
}

/// Returns the time of the sign-in at the provider (OpenID Connect Core section 2, `auth_time`; section 3.1.3.7 rule 13).
fn signed_in_at(stated: Option<UnixTime>, journey: &Journey, now: UnixTime) -> Result<UnixTime, Refusal> {
    let stated = stated.filter(|at| at.0 > 0 && *at <= now.plus(CLOCK_TOLERANCE));
    match (stated, journey.max_age) {
        (None, None) => Ok(now),
        (None, Some(_)) => Err(Refusal::UpstreamAuthTime),
        (Some(at), None) => Ok(at.min(now)),
        (Some(at), Some(max_age)) => {
            let fresh_until = at.plus(max_age);
            if fresh_until.plus(CLOCK_TOLERANCE) < journey.departed {
                return Err(Refusal::UpstreamAuthTime);
            }
            // The provider's clock may be behind; otherwise a short `max_age` could never be met.
            let behind = if max_age > 0 && fresh_until < now { CLOCK_TOLERANCE } else { 0 };
            Ok(at.plus(behind).min(now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;
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
            ("authorization_endpoint", json!("https://idp.example/\nSet-Cookie: a=b")),
            ("authorization_endpoint", json!("https://idp.example/ auth")),
            ("userinfo_endpoint", json!("https://idp.example/\0")),
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
        let there = |onward: &str| {
            let onward = Form::parse(onward).unwrap();
            let conditions = Conditions { onward: &onward, wanted: Wanted::of_page(&onward) };
            provider.sign_in(&authority, upstream, "s", "n", "c", &conditions)
        };
        let url = there("client_id=x");
        assert!(url.starts_with("https://idp.example/auth?tenant=1&response_type=code&client_id=em&redirect_uri=https%3A%2F%2Fas.example%2Faccount%2Fsign-in%2Fupstream%2Fcallback&"), "{url}");
        assert!(!url.contains("prompt") && !url.contains("max_age"));
        for (onward, asked) in [
            ("prompt=login", "&prompt=login&max_age=0"),
            ("prompt=login&max_age=60", "&prompt=login&max_age=0"),
            ("prompt=consent+login+select_account", "&prompt=login+select_account&max_age=0"),
            ("prompt=select_account", "&prompt=select_account"),
            ("max_age=60&prompt=consent", "&max_age=60"),
            ("max_age=0", "&prompt=login&max_age=0"),
            ("prompt=none", ""),
            ("max_age=soon", ""),
            ("acr_values=1", ""),
            // Nothing of the provider is a passkey here; another sign-in is all that can be asked for.
            ("acr_values=phr", "&prompt=login"),
            ("acr_values=phr+1", ""),
            ("acr_values=phr&max_age=60", "&prompt=login&max_age=60"),
        ] {
            let url = there(onward);
            assert_eq!(url.split_once("&code_challenge_method=S256").unwrap().1, asked, "{onward}");
        }

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

    #[test]
    fn the_provider_is_asked_for_the_class_in_its_own_words() {
        let provider = provider(&document()).unwrap();
        let onward = Form::parse("acr_values=phr").unwrap();
        let wanted = |text: &str| Wanted::of_page(&Form::parse(text).unwrap());
        for (mapping, wanted, asked) in [
            (
                "acr:urn:idp:key=phr acr:phr=phr amr:hwk=phr",
                wanted("acr_values=phr"),
                "&acr_values=urn%3Aidp%3Akey+phr",
            ),
            ("acr:urn:idp:key=phr", wanted("acr_values=phr+1"), "&acr_values=urn%3Aidp%3Akey"),
            ("acr:urn:idp:key=phr", wanted("acr_values=1+phr"), ""),
            ("acr:urn:idp:key=phr", wanted("max_age=300"), "&max_age=300"),
            ("acr:urn:idp:weak=1", wanted("acr_values=1"), ""),
            ("amr:hwk=phr", wanted("acr_values=phr"), "&prompt=login"),
            // A rule of this server asks too, also if the query asks for less.
            ("acr:urn:idp:key=phr", Wanted::default(), ""),
        ] {
            let settings = Settings {
                issuer: "https://as.example",
                upstream_issuer: "https://idp.example",
                upstream_client_id: "em",
                upstream_acr: mapping,
                ..Settings::default()
            };
            let authority = Authority::parse(settings).unwrap();
            let conditions = Conditions { onward: &onward, wanted };
            let url = provider.sign_in(&authority, authority.upstream().unwrap(), "s", "n", "c", &conditions);
            assert_eq!(url.split_once("&code_challenge_method=S256").unwrap().1, asked, "{mapping} {wanted:?}");
        }
    }

    #[test]
    fn the_secret_is_sent_as_the_provider_takes_it() {
        let of = |methods: Value| {
            let mut changed = document();
            changed["token_endpoint_auth_methods_supported"] = methods;
            provider(&changed).unwrap().secret_in_body
        };
        assert!(!provider(&document()).unwrap().secret_in_body);
        assert!(of(json!(["client_secret_post"])) && of(json!(["private_key_jwt", "client_secret_post"])));
        for methods in [json!(["client_secret_basic", "client_secret_post"]), json!([]), json!("client_secret_post")] {
            assert!(!of(methods));
        }
    }

    #[test]
    fn another_account_is_asked_for_once() {
        let with = |onward: &str| with_another_account(&Form::parse(onward).unwrap());
        assert_eq!(with(""), "prompt=select_account");
        assert_eq!(with("client_id=a&prompt=none&max_age=5"), "client_id=a&max_age=5&prompt=select_account");
        assert_eq!(with("prompt=login+select_account"), "prompt=login+select_account");
    }

    fn journey(max_age: Option<u64>) -> Journey {
        Journey {
            nonce: "n".to_owned(),
            verifier: String::new(),
            onward: String::new(),
            until: UnixTime(20_000),
            departed: UnixTime(10_000),
            max_age,
        }
    }

    #[test]
    fn a_sign_in_is_as_old_as_the_provider_says() {
        let now = UnixTime(10_030);
        let at =
            |stated: Option<u64>, max_age| signed_in_at(stated.map(UnixTime), &journey(max_age), now).map(|at| at.0);
        // Without `max_age`, a plausible `auth_time` counts.
        assert_eq!(at(None, None), Ok(10_030));
        assert_eq!(at(Some(7), None), Ok(7));
        assert_eq!(at(Some(10_090), None), Ok(10_030));
        assert_eq!(at(Some(99_999), None), Ok(10_030));
        // With `max_age`, `auth_time` is required.
        for max_age in [0, 600] {
            for unsaid in [None, Some(0), Some(99_999)] {
                assert_eq!(at(unsaid, Some(max_age)), Err(Refusal::UpstreamAuthTime), "{unsaid:?}");
            }
        }
        assert_eq!(at(Some(10_020), Some(0)), Ok(10_020));
        assert_eq!(at(Some(9_940), Some(0)), Ok(9_940));
        assert_eq!(at(Some(9_939), Some(0)), Err(Refusal::UpstreamAuthTime));
        assert_eq!(at(Some(9_500), Some(600)), Ok(9_500));
        assert_eq!(at(Some(9_339), Some(600)), Err(Refusal::UpstreamAuthTime));
        assert_eq!(at(Some(1), Some(u64::MAX)), Ok(1));
        // A clock that is 50 s behind still meets a short `max_age`.
        assert_eq!(at(Some(9_980), Some(10)), Ok(10_030));
    }

    fn told(id_token: Value, userinfo: &Userinfo) -> Result<Told, Refusal> {
        let subject = Subject { subject: "s".to_owned(), at: UnixTime(1), amr: Vec::new(), acr: Acr::SignedIn };
        subject.told(&Claims::parse(id_token.to_string().as_bytes()).unwrap(), userinfo)
    }

    #[test]
    fn the_dialects_of_email_verified_are_read() {
        for (value, verified) in [
            (json!(true), true),
            (json!("true"), true),
            (json!("True"), true),
            (json!(false), false),
            (json!("false"), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let id_token = json!({ "sub": "s", "email": "a@b", "email_verified": value });
            assert_eq!(told(id_token, &Userinfo::NotOffered).unwrap().email_verified, verified, "{value}");
        }
    }

    #[test]
    fn an_address_is_verified_by_its_own_source() {
        let id_token = json!({ "sub": "s", "email": "a@b", "email_verified": true });
        let userinfo = |claims: Value| Userinfo::Claims(claims.as_object().unwrap().clone());
        let of = |claims| told(id_token.clone(), &userinfo(claims)).unwrap();
        assert!(of(json!({ "sub": "s" })).email_verified);
        assert!(of(json!({ "sub": "s", "email": "a@b" })).email_verified);
        assert!(!of(json!({ "sub": "s", "email": "a@b", "email_verified": false })).email_verified);
        assert!(!of(json!({ "sub": "s", "email": "other@b" })).email_verified);
        assert!(!of(json!({ "sub": "s", "email_verified": true })).email_verified);
    }

    #[test]
    fn userinfo_that_fails_leaves_the_id_token() {
        let id_token = json!({ "sub": "s", "name": "N", "preferred_username": "p" });
        let told_alone = told(id_token.clone(), &Userinfo::Failed).unwrap();
        assert_eq!(
            (told_alone.usernames.as_slice(), told_alone.name.as_deref()),
            (&["p".to_owned(), "s".to_owned()][..], Some("N"))
        );
        assert!(!told_alone.complete && told(id_token.clone(), &Userinfo::NotOffered).unwrap().complete);
        let other = Userinfo::Claims(Map::from_iter([("sub".to_owned(), json!("t"))]));
        assert_eq!(told(id_token, &other), Err(Refusal::Upstream));
    }
}
