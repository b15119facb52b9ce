use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::bearer::{
    any_audience_policy, check_admin, check_openid, check_sample, hint_policy, policy, refuse,
};
use crate::oauth::grant::access_token::AccessToken;

#[test]
fn each_resource_requires_its_scope() {
    let with = |scope: &str| {
        let claims = json!({
            "client_id": "app", "sub": "app", "jti": "j", "scope": scope, "iat": NOW.0, "exp": NOW.0 + 60,
        });
        AccessToken::read(&token(&claims)).unwrap()
    };
    assert_eq!(check_admin(&with("read edgemint:admin")), Ok(()));
    assert_eq!(check_openid(&with("read openid")), Ok(()));
    assert_eq!(check_sample(&authority(), &with("write other read")), Ok(()));
    let admin = Err(Refusal::BearerScope { needed: "edgemint:admin" });
    let openid = Err(Refusal::BearerScope { needed: "openid" });
    for scope in ["", "read", "openid.x", "edgemint:admin2"] {
        assert_eq!(check_admin(&with(scope)), admin, "{scope}");
        assert_eq!(check_openid(&with(scope)), openid, "{scope}");
        assert_eq!(check_sample(&authority(), &with(scope)), Err(Refusal::BearerSampleScope), "{scope}");
    }
    let open = Authority::parse(Settings { sample_scope: "", ..settings() }).unwrap();
    assert_eq!(check_sample(&open, &with("")), Ok(()));
}

/// Returns whether a policy accepts an access token or an ID token with changed claims.
fn accepts(policy: Policy, typ: &str, changes: &Value) -> bool {
    let mut claims = json!({
        "iss": ISSUER, "sub": "s", "aud": ISSUER, "client_id": "app", "sid": "x", "iat": NOW.0 - 60, "exp": NOW.0 + 60,
        "jti": "j",
    });
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    let key = Key::from_jwk(jwk().as_object().unwrap()).unwrap();
    let jwt = jwt(&json!({ "alg": "ES256", "typ": typ }), &claims);
    let pending = token::verify(&jwt, &KeySet::new([key]), &Arc::new(policy), NOW);
    pending.is_ok_and(|pending| pending.complete(true).is_ok())
}

#[test]
fn own_resources_take_access_tokens_for_this_server_alone() {
    let (own, any, hint) = (policy(&authority()), any_audience_policy(&authority()), hint_policy(&authority()));
    let year = 365 * 24 * 3600;
    // The changed claims, and who accepts an access token (own resources, introspection) or an ID token (a hint).
    for (changes, by_own, by_any, by_hint) in [
        (json!({}), true, true, true),
        (json!({ "aud": API }), false, true, true),
        (json!({ "iss": API }), false, false, false),
        (json!({ "exp": NOW.0 - 60 }), false, false, true),
        (json!({ "exp": NOW.0 - year + 1 }), false, false, true),
        (json!({ "exp": NOW.0 - year - 1 }), false, false, false),
        (json!({ "sid": null }), true, true, false),
        (json!({ "sub": null }), false, false, false),
    ] {
        assert_eq!(accepts(own.clone(), "at+jwt", &changes), by_own, "{changes}");
        assert_eq!(accepts(any.clone(), "at+jwt", &changes), by_any, "{changes}");
        assert_eq!(accepts(hint.clone(), "JWT", &changes), by_hint, "{changes}");
    }
    assert!(!accepts(own, "JWT", &json!({})) && !accepts(any, "JWT", &json!({})));
    assert!(!accepts(hint, "at+jwt", &json!({})));
}

#[test]
fn a_challenge_names_the_scope_that_is_missing() {
    let header = |refusal: &Refusal| {
        let reply = refuse(&authority(), refusal);
        reply.headers.into_iter().find(|(name, _)| *name == "WWW-Authenticate").unwrap().1
    };
    assert!(header(&Refusal::BearerScope { needed: "openid" }).ends_with("scope=\"openid\""));
    assert!(header(&Refusal::BearerSampleScope).ends_with("scope=\"read write\""));
    assert!(!header(&Refusal::BearerInvalid).contains("scope="));
}
