//! The values that all tests of grants share.

use edgemint::oauth::ClientId;
use edgemint::oauth::grant::gate::{ClientFacts, Permit, Rules};
use edgemint::oauth::grant::handle::SessionId;
use edgemint::oauth::grant::{Grant, Lifetimes, SignIn, Stage};
use edgemint::oauth::status::{ListId, StatusEntry};
use edgemint::oauth::vocabulary::claims::UserClaim;
use edgemint::oauth::vocabulary::client::{AuthMethod, GrantType};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::token::UnixTime;

pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const DAY: u64 = 24 * 3600;
pub(crate) const LIFETIMES: Lifetimes =
    Lifetimes { code: 60, replay_window: 30, refresh: 90 * DAY, refresh_idle: 14 * DAY, access: 600 };

pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const API: &str = "https://api.example";
pub(crate) const FILES: &str = "https://files.example";
pub(crate) const VERIFIER: &str = "the verifier that the client keeps to itself";
pub(crate) const GUESS: &str = "a verifier that an unknown party has guessed.";

pub(crate) const STATUS: StatusEntry = StatusEntry { list: ListId(1), idx: 77 };

pub(crate) fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(crate) fn resources(texts: &[&str]) -> Vec<Resource> {
    texts.iter().map(|text| Resource::parse(text).unwrap()).collect()
}

pub(crate) fn challenge(verifier: &str) -> Challenge {
    Challenge::of_verifier(&verifier.replace(' ', "-")).unwrap()
}

/// What the gate permits.
pub(crate) fn permit(scope: &str, resources: &[&str]) -> Permit {
    serde_json::from_value(serde_json::json!({ "scope": scope, "resources": resources })).unwrap()
}

/// The facts about `app`, which has all rights.
pub(crate) fn client_facts() -> ClientFacts {
    ClientFacts {
        id: client("app"),
        enabled: true,
        registered_method: Some(AuthMethod::None),
        authenticated_by: Some(AuthMethod::None),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::DeviceCode, GrantType::RefreshToken],
        scope: scope("read write offline_access"),
        resources: resources(&[API, FILES]),
        rules: Rules::default(),
        exact: true,
    }
}

/// A grant of the device `app`, right after its user allowed it.
pub(crate) fn device_grant() -> Grant {
    Grant {
        challenge: None,
        id_token_claims: Vec::new(),
        stage: Stage::Device { expires: UnixTime(START + 900) },
        ..grant()
    }
}

/// A grant of `app`, right after its user allowed it.
pub(crate) fn grant() -> Grant {
    Grant {
        client: client("app"),
        scope: scope("read write"),
        resources: resources(&[API, FILES]),
        session: Some(SessionId::from_bytes([3; 16])),
        offline: true,
        sign_in: Some(SignIn { at: UnixTime(START - 5), amr: vec!["pwd".to_owned()], acr: None }),
        challenge: Some(challenge(VERIFIER)),
        issued_at: UnixTime(START),
        status: Some(STATUS),
        id_token_claims: vec![UserClaim::Email],
        tokens_end: None,
        suspension: None,
        lost: Vec::new(),
        stage: Stage::Code { redirect_uri: CALLBACK.to_owned(), nonce: Some("n-1".to_owned()) },
    }
}
