//! Registered resources, as requests of clients meet them.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::admin::resource::parse;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Target};
use crate::oauth::endpoints::introspect::is_told;
use crate::oauth::endpoints::token_endpoint::{client_credentials, granted_resources};
use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::gate::{ClientFacts, StepUp, StepUpOf};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::catalogue::{Catalogue, Edit};
use crate::oauth::vocabulary::protected_resource::ProtectedResource;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::sign_in::Acr;
use crate::token::Algorithm;

const FILES: &str = "https://files.example";

fn registered(descriptions: &[Value]) -> Catalogue {
    let authority = Authority::parse(Settings { algorithms: "ES256 RS256", ..settings() }).unwrap();
    descriptions.iter().fold(Catalogue::default(), |catalogue, description| {
        let record = parse(&authority, description.as_object().unwrap(), |_| true, NOW).unwrap();
        catalogue.edited(Edit::Create(record), NOW).unwrap()
    })
}

/// A resource that knows `read` and admits these clients.
fn api(identifier: &str, clients: Value) -> Value {
    let scopes = [json!({ "value": "read", "description": { "en": "Read" } })];
    json!({ "identifier": identifier, "name": "API", "clients": clients, "scopes": scopes })
}

fn with(mut description: Value, members: Value) -> Value {
    description.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    description
}

fn facts(catalogue: &Catalogue, client: &Client) -> ClientFacts {
    ClientFacts::of(&authority(), catalogue, client, None)
}

fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap()
}

/// The claims of a token about the client itself.
fn own_token(catalogue: &Catalogue, metadata: &Value, resources: &[&str]) -> Result<Value, Refusal> {
    let client = client(metadata);
    let facts = ClientFacts { authenticated_by: client.auth_method(), ..facts(catalogue, &client) };
    let resources: Vec<_> = resources.iter().map(|text| resource(text)).collect();
    let jti = TokenId::of_verified("j");
    let claims = client_credentials(&authority(), &facts, None, &resources, None, jti, NOW)?;
    let mut value = serde_json::to_value(&claims).unwrap();
    value["alg"] = json!(claims.algorithm(&client).map(Algorithm::name));
    Ok(value)
}

fn service(members: Value) -> Value {
    let keys =
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk()] }, "scope": "read write" });
    with(keys, members)
}

#[test]
fn a_client_may_ask_where_its_record_names_the_resource_or_the_resource_admits_it() {
    let admits = |clients: Value, client: &Client| {
        facts(&registered(&[api(API, clients)]), client).resources.contains(&resource(API))
    };
    let (other, naming) = (client(&json!({})), client(&json!({ "resources": [API] })));
    let itself = Client::from_record(&ClientRecord { self_registered: true, ..client_record(&json!({})) });
    let root = Client::root("a root secret of a test");
    for (clients, expected) in [
        (json!("all"), [true, true, true, false]),
        (json!("self_registered"), [false, true, true, false]),
        (json!(["app"]), [true, true, true, false]),
        (json!(["another"]), [false, true, false, false]),
        (json!([]), [false, true, false, false]),
    ] {
        let found = [&other, &naming, &itself, &root].map(|client| admits(clients.clone(), client));
        assert_eq!(found, expected, "{clients}");
    }
    assert!(!facts(&Catalogue::default(), &other).resources.contains(&resource(API)));
    assert!(facts(&Catalogue::default(), &naming).resources.contains(&resource(API)), "an unregistered one as before");
}

#[test]
fn a_client_gets_the_rules_of_the_resources_that_it_may_use_and_no_others() {
    let strict = with(
        api(API, json!("all")),
        json!({ "acr": "phr", "max_age": 300, "access_token_lifetime": 60, "signing_algorithm": "RS256" }),
    );
    let catalogue = registered(&[strict, api(FILES, json!([]))]);
    let facts = facts(&catalogue, &client(&json!({})));
    let rules = &facts.rules;
    let of = StepUpOf::Resource(resource(API));
    assert_eq!(rules.step_up, [StepUp { of, acr: Some(Acr::PhishingResistant), max_age: Some(300) }]);
    assert_eq!((rules.scopes.len(), rules.tokens.len(), rules.lifetime), (1, 1, Some(600)));
    assert_eq!(rules.tokens[0].resource, resource(API));
    assert!(rules.tokens[0].alone);
    assert_eq!((rules.tokens[0].lifetime, rules.tokens[0].algorithm), (Some(60), Some(Algorithm::Rs256)));
}

#[test]
fn no_client_asks_for_a_resource_that_is_being_removed() {
    let catalogue = registered(&[api(API, json!("all"))]);
    let id = catalogue.resources()[0].id();
    let catalogue = catalogue.edited(Edit::<ProtectedResource>::Remove(id), NOW).unwrap();
    let naming = client(&json!({ "resources": [API, FILES] }));
    let found = facts(&catalogue, &naming);
    assert_eq!(found.resources, [resource(FILES), resource(ISSUER)], "though its own record still names it");
    let authority = Authority::parse(Settings { default_resource: API, ..settings() }).unwrap();
    let found = ClientFacts::of(&authority, &catalogue, &client(&json!({})), None);
    assert!(found.resources.contains(&resource(API)), "the default resource is that of the settings");
}

#[test]
fn a_registered_default_resource_says_who_may_ask_for_it() {
    let authority = Authority::parse(Settings { default_resource: API, ..settings() }).unwrap();
    let granted = |clients: Value| {
        let facts = ClientFacts::of(&authority, &registered(&[api(API, clients)]), &client(&json!({})), None);
        granted_resources(&authority, &facts, &[]).map(<[Resource]>::to_vec)
    };
    assert_eq!(granted(json!("all")), Ok(vec![resource(API)]));
    assert_eq!(granted(json!(["another"])), Err(Refusal::ResourceNotAllowed));
}

#[test]
fn a_token_about_the_client_itself_is_as_its_resource_demands() {
    let demands = json!({ "access_token_lifetime": 60, "signing_algorithm": "RS256" });
    let shared = with(api(FILES, json!("all")), json!({ "other_audiences": true, "access_token_lifetime": 7200 }));
    let catalogue = registered(&[with(api(API, json!("all")), demands), shared]);
    let ask = |resources: &[&str]| own_token(&catalogue, &service(json!({})), resources);
    let told =
        |claims: Value| (claims["aud"].clone(), claims["scope"].clone(), claims["exp"].clone(), claims["alg"].clone());
    let expected =
        |aud: Value, scope: &str, lifetime: u64, alg: Value| (aud, json!(scope), json!(NOW.0 + lifetime), alg);
    assert_eq!(ask(&[API]).map(told), Ok(expected(json!(API), "read", 60, json!("RS256"))));
    assert_eq!(ask(&[FILES]).map(told), Ok(expected(json!(FILES), "read", 7200, json!(null))));
    let both = expected(json!([FILES, ISSUER]), "read write", 600, json!(null));
    assert_eq!(ask(&[FILES, ISSUER]).map(told), Ok(both), "the issuer has the lifetime of the settings");
    assert_eq!(ask(&[]).map(told), Ok(expected(json!(ISSUER), "read write", 600, json!(null))), "as before");
    assert_eq!(ask(&[API, FILES]), Err(Refusal::Grant(GrantRefusal::Audience)));
    assert_eq!(ask(&["https://unknown.example"]), Err(Refusal::ResourceNotAllowed));
    let only_write = own_token(&catalogue, &service(json!({ "scope": "write" })), &[API]);
    assert_eq!(only_write, Err(Refusal::ScopeNotAllowed));
}

#[test]
fn an_authorization_request_asks_for_what_its_resources_know() {
    let catalogue = registered(&[api(API, json!("all"))]);
    let client = client(&json!({
        "redirect_uris": ["https://app.example/cb"], "scope": "openid offline_access read write", "resources": [FILES],
    }));
    let parse = |parameters: &str| {
        let form = form(&format!(
            "client_id=app&response_type=code&code_challenge_method=S256\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&{parameters}"
        ));
        let target = Target::parse(&client, &form).unwrap();
        let request = AuthorizationRequest::parse(&authority(), &catalogue, &client, &target, &form)?;
        let resources: Vec<_> = request.resources.iter().map(|it| it.as_str().to_owned()).collect();
        Ok::<_, Refusal>((request.scope.to_string(), resources.join(" ")))
    };
    let is = |scope: &str, resources: &str| Ok((scope.to_owned(), resources.to_owned()));
    let at_api = format!("resource={API}");
    assert_eq!(parse(&at_api), is("openid offline_access read", &format!("{API} {ISSUER}")));
    assert_eq!(parse(&format!("{at_api}&scope=read+write+offline_access")), is("read offline_access", API));
    assert_eq!(parse(&format!("{at_api}&scope=write")), Err(Refusal::ScopeNotAllowed));
    assert_eq!(parse(&format!("{at_api}&resource={FILES}&scope=write")), is("write", &format!("{API} {FILES}")));
    assert_eq!(parse("scope=write"), is("write", ISSUER), "as before");
    assert_eq!(parse("resource=urn:other"), Err(Refusal::ResourceNotAllowed));
    assert_eq!(parse(&format!("resource={API}%23part")), Err(Refusal::ResourceMalformed));
}

#[test]
fn a_resource_server_learns_about_its_own_tokens_alone() {
    let server = json!({ "introspection_client": "api-server" });
    let urn = with(api("urn:api", json!("all")), server.clone());
    let catalogue = registered(&[with(api(API, json!("all")), server), urn, api(FILES, json!("all"))]);
    let told =
        |asker: &str, aud: Value| is_told(&catalogue, &ClientId::parse(asker).unwrap(), &token(&json!({ "aud": aud })));
    for aud in [json!(API), json!("urn:api"), json!([FILES, API]), json!([API, ISSUER])] {
        assert!(told("api-server", aud.clone()), "{aud}");
    }
    for aud in [json!(FILES), json!(ISSUER), json!(format!("{API}/")), json!([FILES, ISSUER])] {
        assert!(!told("api-server", aud.clone()) && told("another", aud.clone()), "{aud}");
    }
}
