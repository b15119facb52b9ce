use super::*;
use crate::oauth::endpoints::id_token::{Profile, needs_profile, of_grant};
use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{Acr, SignIn, TokenGrant};
use crate::oauth::vocabulary::claims::UserClaim;
use crate::token::Algorithm;

fn tokens(text: &str, id_token_claims: Vec<UserClaim>) -> TokenGrant {
    TokenGrant {
        permit: serde_json::from_value(json!({ "scope": text, "resources": [] })).unwrap(),
        generation: 0,
        at: NOW,
        sign_in: SignIn { at: UnixTime(5), amr: vec!["pwd".to_owned()], acr: Some(Acr::SignedIn) },
        session: SessionId::from_bytes([3; 16]),
        nonce: Some("n".to_owned()),
        id_token_claims,
        status: None,
        repeated: false,
        expiry: None,
    }
}

#[test]
fn the_profile_is_read_only_where_the_id_token_shows_it() {
    assert!(needs_profile(true, &tokens("openid", Vec::new())));
    assert!(needs_profile(false, &tokens("openid", vec![UserClaim::Email])));
    assert!(!needs_profile(false, &tokens("openid", Vec::new())));
    assert!(!needs_profile(true, &tokens("read", vec![UserClaim::Email])));
}

#[test]
fn claims_of_an_id_token() {
    let account = AccountId::from_bytes([1; 16]);
    let profile = Profile {
        username: "demo".to_owned(),
        name: Some("Demo".to_owned()),
        email: Some("demo@example.com".to_owned()),
        ..Profile::default()
    };
    let claims = |metadata: &Value, tokens: &TokenGrant, profile: Option<&Profile>| {
        let (authority, client, jti) = (authority(), client(metadata), TokenId::of_verified("grant.5"));
        serde_json::to_value(of_grant(&authority, &account, &client, tokens, profile, ("at", &jti), Algorithm::Es256))
            .unwrap()
    };
    let plain = claims(&json!({}), &tokens("openid email", Vec::new()), None);
    for (name, expected) in [
        ("iss", json!(ISSUER)),
        ("sub", json!(account.to_string())),
        ("aud", json!("app")),
        ("iat", json!(NOW.0)),
        ("exp", json!(NOW.0 + 600)),
        ("auth_time", json!(5)),
        ("acr", json!("1")),
        ("amr", json!(["pwd"])),
        ("nonce", json!("n")),
        ("jti", json!("grant.5.id")),
        ("sid", json!(SessionId::from_bytes([3; 16]).to_string())),
    ] {
        assert_eq!(plain.get(name), Some(&expected), "{name}");
    }
    assert!(plain.get("email").is_none() && plain.get("name").is_none());
    // A requested claim is told if its scope was granted.
    let requested = vec![UserClaim::Email, UserClaim::Name];
    let some = claims(&json!({}), &tokens("openid email", requested), Some(&profile));
    assert_eq!((some.get("email"), some.get("name")), (Some(&json!("demo@example.com")), None));
    let everything = json!({ "id_token_claims": "profile" });
    let all = claims(&everything, &tokens("openid email profile", Vec::new()), Some(&profile));
    assert_eq!(
        (&all["email"], &all["name"], &all["preferred_username"]),
        (&json!("demo@example.com"), &json!("Demo"), &json!("demo"))
    );
}
