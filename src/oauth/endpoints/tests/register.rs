use super::*;
use crate::oauth::endpoints::register::client_information;
use crate::oauth::refusal::MetadataError;
use crate::oauth::vocabulary::client::{ClientRecord, ClientSecret, GrantType};
use crate::oauth::vocabulary::status_entry::{ListId, StatusEntry};
use crate::token::Algorithm;

fn parse(metadata: &Value) -> Result<Registration, MetadataError> {
    Registration::parse(metadata.as_object().unwrap())
}

#[test]
fn replacing_changes_the_metadata_and_nothing_else() {
    let mut old = client_record(&json!({ "client_name": "Old", "scope": "read", "resources": [API] }));
    old.status = Some(StatusEntry { list: ListId(1), idx: 2 });
    let new = parse(&json!({ "client_name": "New", "redirect_uris": ["https://app.example/cb"] })).unwrap();
    let replaced = new.replace(&old, None);
    assert_eq!((&replaced.client_id, replaced.issued_at, replaced.status), (&old.client_id, old.issued_at, old.status));
    assert_eq!(replaced.metadata.client_name.as_deref(), Some("New"));
    assert!(replaced.metadata.resources.is_empty() && !replaced.metadata.scope.contains("read"));
    assert_eq!(replaced.metadata.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
}

#[test]
fn defaults_depend_on_what_is_registered() {
    let service = client_record(&json!({})).metadata;
    assert_eq!((service.grant_types, service.scope), (vec![GrantType::ClientCredentials], scope("")));
    let app = client_record(&json!({ "redirect_uris": ["https://app.example/"] })).metadata;
    assert_eq!(app.scope, scope("openid profile email offline_access"));
    for (method, needs_secret) in [("client_secret_basic", true), ("client_secret_post", true), ("none", false)] {
        let metadata = json!({ "token_endpoint_auth_method": method, "redirect_uris": ["https://app.example/"] });
        assert_eq!(parse(&metadata).unwrap().needs_secret(), needs_secret, "{method}");
    }
    let keyed = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk()] } });
    assert!(!parse(&keyed).unwrap().needs_secret());
}

#[test]
fn algorithms_are_parsed_once() {
    let registration = parse(&json!({
        "access_token_signed_response_alg": "EdDSA", "id_token_signed_response_alg": "RS256",
    }));
    let registration = registration.unwrap();
    assert_eq!(registration.access_token_algorithm(), Some(Algorithm::EdDsa));
    assert_eq!(registration.id_token_algorithm(), Some(Algorithm::Rs256));
    let client = client(&json!({ "token_endpoint_auth_signing_alg": "PS384" }));
    assert_eq!(client.assertion_algorithm(), Some(Algorithm::Ps384));
    assert_eq!((client.access_token_algorithm(), client.id_token_algorithm()), (None, None));
    for name in ["ES512", "HS256", "none", "es256", ""] {
        let body = json!({ "access_token_signed_response_alg": name });
        assert_eq!(parse(&body).err(), Some(MetadataError::AccessTokenAlg), "{name}");
    }
}

#[test]
fn lists_and_texts_are_bounded() {
    let uris = |count: usize| (0..count).map(|n| format!("https://app.example/{n}")).collect::<Vec<_>>();
    let keys = |count: usize| vec![jwk(); count];
    for (at_most, too_many, error) in [
        (json!({ "redirect_uris": uris(50) }), json!({ "redirect_uris": uris(51) }), MetadataError::RedirectUris),
        (json!({ "resources": uris(50) }), json!({ "resources": uris(51) }), MetadataError::Resources),
        (json!({ "contacts": vec!["a"; 20] }), json!({ "contacts": vec!["a"; 21] }), MetadataError::Description),
        (json!({ "jwks": { "keys": keys(20) } }), json!({ "jwks": { "keys": keys(21) } }), MetadataError::Jwks),
        (
            json!({ "client_name": "a".repeat(500) }),
            json!({ "client_name": "a".repeat(501) }),
            MetadataError::Description,
        ),
        (json!({ "client_uri": "a b" }), json!({ "client_uri": "a\nb" }), MetadataError::Description),
        (json!({ "scope": "a".repeat(4000) }), json!({ "scope": "a".repeat(4001) }), MetadataError::Scope),
    ] {
        assert!(parse(&at_most).is_ok(), "{at_most}");
        assert_eq!(parse(&too_many).err(), Some(error), "{too_many}");
    }
}

#[test]
fn client_information_shows_a_method_even_if_none_was_registered() {
    let with =
        |metadata: &Value| client_information(&client_record(metadata), None)["token_endpoint_auth_method"].clone();
    assert_eq!(with(&json!({})), "client_secret_basic");
    assert_eq!(with(&json!({ "token_endpoint_auth_method": "client_secret_post" })), "client_secret_post");
}

#[test]
fn a_secret_is_created_only_for_a_client_that_needs_one_and_has_none() {
    let secret_of = |body: &Value, old: Option<&ClientRecord>| {
        parse(body).unwrap().new_secret(old, [0xff; 32]).map(|secret| secret.expose().to_owned())
    };
    let created = Some(ClientSecret::from_random([0xff; 32]).expose().to_owned());
    let brought = json!({ "client_secret": "a-secret-of-a-test" });
    let public = json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/"] });
    let without = client_record(&json!({}));
    let with =
        ClientRecord { secret: Some(ClientSecret::parse("an-older-secret!").unwrap().digest()), ..without.clone() };
    for old in [None, Some(&without), Some(&with)] {
        assert_eq!(secret_of(&brought, old).as_deref(), Some("a-secret-of-a-test"));
        assert_eq!(secret_of(&public, old), None);
    }
    assert_eq!(secret_of(&json!({}), None), created);
    assert_eq!(secret_of(&json!({}), Some(&without)), created);
    assert_eq!(secret_of(&json!({}), Some(&with)), None, "the stored secret stays");
}

#[test]
fn a_client_registers_only_algorithms_that_this_server_signs_with() {
    let check = |body: &Value, algorithms: &str| {
        let settings = Settings { issuer: ISSUER, algorithms, ..Settings::default() };
        parse(body).unwrap().check_support(&Authority::parse(settings).unwrap())
    };
    let available = "ES256 EdDSA";
    let both = json!({ "id_token_signed_response_alg": "RS256", "access_token_signed_response_alg": "RS256" });
    assert_eq!(check(&both, available), Err(MetadataError::IdTokenAlg));
    let access = json!({ "id_token_signed_response_alg": "ES256", "access_token_signed_response_alg": "RS256" });
    assert_eq!(check(&access, available), Err(MetadataError::AccessTokenAlg));
    let fine = json!({ "id_token_signed_response_alg": "ES256", "access_token_signed_response_alg": "EdDSA" });
    assert_eq!(check(&fine, available), Ok(()));
    assert_eq!(check(&json!({}), ""), Ok(()));
}

#[test]
fn only_a_server_on_loopback_registers_keys_on_loopback() {
    let check = |issuer, jwks_uri: &str| {
        let authority = Authority::parse(Settings { issuer, ..Settings::default() }).unwrap();
        parse(&json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": jwks_uri }))
            .unwrap()
            .check_support(&authority)
    };
    let local = "http://localhost:8080/jwks";
    assert_eq!(check("http://localhost:8787", local), Ok(()));
    assert_eq!(check(ISSUER, local), Err(MetadataError::JwksUri));
    assert_eq!(check(ISSUER, "https://keys.example/jwks"), Ok(()));
}
