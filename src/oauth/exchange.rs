//! The token endpoint (RFC 6749 section 3.2): what was asked, may the client have it, what goes into the token.

use serde::Serialize;

use crate::token::UnixTime;
use crate::wire::Form;

use super::authority::Authority;
use super::client::{Client, GrantType};
use super::refusal::Refusal;
use super::resource::Resource;
use super::scope::Scope;

/// A token request, parsed.
#[derive(Debug)]
pub struct TokenRequest {
    /// The grant.
    pub grant: GrantType,
    scope: Option<Scope>,
    resources: Vec<Resource>,
}

impl TokenRequest {
    /// Reads the form.
    ///
    /// # Errors
    /// A missing or unknown `grant_type`, a malformed `scope` or `resource`.
    pub fn parse(form: &Form) -> Result<Self, Refusal> {
        let grant = form.get("grant_type").ok_or(Refusal::MissingParameter)?;
        let grant = GrantType::ALL.into_iter().find(|known| known.name() == grant).ok_or(Refusal::GrantUnsupported)?;
        let scope = form.get("scope").map(|text| Scope::parse(text).ok_or(Refusal::ScopeMalformed)).transpose()?;
        let resources = form.all("resource").map(|text| Resource::parse(text).ok_or(Refusal::ResourceMalformed));
        Ok(Self { grant, scope, resources: resources.collect::<Result<_, _>>()? })
    }
}

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Debug, Serialize)]
pub struct AccessToken {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    iat: UnixTime,
    exp: UnixTime,
    jti: String,
}

/// One audience is a text, several are a list (RFC 7519 section 4.1.3).
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The token response (RFC 6749 section 5.1).
#[derive(Debug, Serialize)]
pub struct TokenResponse<'t> {
    access_token: &'t str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'t str,
}

/// Decides a client credentials request (RFC 6749 section 4.4). `jti` is a fresh random identifier.
///
/// 1. The client registered the grant.
/// 2. The scope is within what it registered, which is also the default.
/// 3. Each resource is the authority's own or one that the client registered (RFC 8707 section 2).
/// 4. The subject is the client itself (RFC 9068 section 2.2).
///
/// # Errors
/// The first of these that does not hold.
pub fn client_credentials(
    authority: &Authority,
    client: &Client,
    request: &TokenRequest,
    jti: String,
    now: UnixTime,
) -> Result<AccessToken, Refusal> {
    if !client.may_use(GrantType::ClientCredentials) {
        return Err(Refusal::GrantNotAllowed);
    }
    let scope = request.scope.as_ref().unwrap_or(&client.scope);
    if !client.scope.covers(scope) {
        return Err(Refusal::ScopeNotAllowed);
    }
    let aud = audience(authority, client, &request.resources)?;
    Ok(AccessToken {
        iss: authority.issuer().to_owned(),
        sub: client.id.to_string(),
        aud,
        client_id: client.id.to_string(),
        scope: scope.to_string(),
        iat: now,
        exp: now.plus(authority.access_token_ttl()),
        jti,
    })
}

impl AccessToken {
    /// The response that carries the token minted from these claims.
    pub fn response<'t>(&'t self, access_token: &'t str) -> TokenResponse<'t> {
        let expires_in = self.exp.0.saturating_sub(self.iat.0);
        TokenResponse { access_token, token_type: "Bearer", expires_in, scope: &self.scope }
    }
}

fn audience(authority: &Authority, client: &Client, resources: &[Resource]) -> Result<Audience, Refusal> {
    let allowed = |resource: &&Resource| {
        *resource == authority.default_resource()
            || resource.as_str() == authority.issuer()
            || client.resources.contains(resource)
    };
    let mut texts: Vec<String> = Vec::with_capacity(resources.len());
    for resource in resources {
        let resource = Some(resource).filter(allowed).ok_or(Refusal::ResourceNotAllowed)?;
        if !texts.iter().any(|text| text == resource.as_str()) {
            texts.push(resource.as_str().to_owned());
        }
    }
    Ok(match texts.pop() {
        None => Audience::One(authority.default_resource().as_str().to_owned()),
        Some(only) if texts.is_empty() => Audience::One(only),
        Some(last) => {
            texts.push(last);
            Audience::Several(texts)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::authority::Settings;
    use super::super::client::{ClientId, ClientSecret};
    use super::super::register::Registration;
    use super::*;
    use serde_json::{Value, json};

    fn decide(metadata: Value, body: &str) -> Result<Value, Refusal> {
        let authority = Authority::parse(Settings { issuer: "https://as.example", ..Settings::default() }).unwrap();
        let secret = ClientSecret::parse("x").unwrap();
        let registration = Registration::parse(metadata.as_object().unwrap()).unwrap();
        let record = registration.into_record(ClientId::parse("app").unwrap(), Some(&secret), UnixTime(0));
        let client = Client::from_record(&record).unwrap();
        let request = TokenRequest::parse(&Form::parse(body).unwrap())?;
        let claims = client_credentials(&authority, &client, &request, "id".to_owned(), UnixTime(1000))?;
        Ok(serde_json::to_value(claims).unwrap())
    }

    #[test]
    fn the_defaults_are_the_registered_scope_and_the_authority_itself() {
        let claims = decide(json!({ "scope": "read write" }), "grant_type=client_credentials").unwrap();
        assert_eq!(
            claims,
            json!({ "iss": "https://as.example", "sub": "app", "aud": "https://as.example", "client_id": "app",
                "scope": "read write", "iat": 1000, "exp": 1600, "jti": "id" })
        );
        let claims = decide(json!({}), "grant_type=client_credentials").unwrap();
        assert_eq!(claims.get("scope"), None);
    }

    #[test]
    fn scope_narrows_and_never_widens() {
        let metadata = || json!({ "scope": "read write" });
        let claims = decide(metadata(), "grant_type=client_credentials&scope=write").unwrap();
        assert_eq!(claims["scope"], "write");
        let refused = |scope: &str| decide(metadata(), &format!("grant_type=client_credentials&scope={scope}"));
        assert_eq!(refused("read+admin"), Err(Refusal::ScopeNotAllowed));
        assert_eq!(refused("%22"), Err(Refusal::ScopeMalformed));
    }

    #[test]
    fn resources() {
        let metadata = || json!({ "resources": ["https://api.example/v1"] });
        let ask = |rest: &str| decide(metadata(), &format!("grant_type=client_credentials{rest}"));
        assert_eq!(ask("&resource=https://api.example/v1").unwrap()["aud"], "https://api.example/v1");
        let both = ask("&resource=https://api.example/v1&resource=https://as.example/").unwrap();
        assert_eq!(both["aud"], json!(["https://api.example/v1", "https://as.example"]));
        assert_eq!(
            ask("&resource=https://as.example&resource=https://as.example").unwrap()["aud"],
            "https://as.example"
        );
        assert_eq!(ask("&resource=https://api.example/v2"), Err(Refusal::ResourceNotAllowed));
        assert_eq!(ask("&resource=v1"), Err(Refusal::ResourceMalformed));
    }

    #[test]
    fn grants() {
        let ask = |body: &str| decide(json!({}), body);
        assert_eq!(ask(""), Err(Refusal::MissingParameter));
        assert_eq!(ask("grant_type="), Err(Refusal::MissingParameter));
        assert_eq!(ask("grant_type=password"), Err(Refusal::GrantUnsupported));
        assert_eq!(ask("grant_type=Client_Credentials"), Err(Refusal::GrantUnsupported));
    }
}
