//! The upstream OpenID provider: its metadata and keys, and the user whom it has signed in.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use crate::oauth::Refusal;
use crate::oauth::endpoints::upstream::{self, CALLBACK, Journey, Provider, Subject, Told, Userinfo};
use crate::oauth::vocabulary::authority::Upstream;
use crate::token::{Key, KeySet, Policy, Token, UnixTime, VerifyError};
use crate::wire::{Form, form_encode};
use crate::worker::crypto;
use crate::worker::env::Platform;
use crate::worker::fetch;
use crate::worker::report::{self, RequestError};

/// How long the metadata and the keys stay in memory, seconds. An unknown key causes another fetch.
const REMEMBER_FOR: u64 = 300;

/// The provider as an isolate remembers it.
struct Remembered {
    provider: Rc<Provider>,
    keys: Rc<KeySet>,
    read_at: UnixTime,
}

thread_local! {
    static PROVIDER: RefCell<Option<Remembered>> = const { RefCell::new(None) };
}

/// Redeems the code, verifies the ID token, and reads the userinfo endpoint.
pub(crate) async fn identify(
    platform: &Platform,
    upstream: &Upstream,
    answer: &Form,
    journey: &Journey,
) -> Result<(Subject, Told), RequestError> {
    let (provider, keys) = provider(platform, upstream).await?;
    let code = provider.code(upstream, answer)?;
    let redirect_uri = platform.authority().endpoint(CALLBACK);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", &journey.verifier),
    ];
    let secret = platform.config.upstream_secret.as_deref();
    let authorization = secret.filter(|_| !provider.secret_in_body).map(|secret| {
        let pair = format!("{}:{}", form_encode(&upstream.client_id), form_encode(secret));
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    });
    if authorization.is_none() {
        form.push(("client_id", &upstream.client_id));
        form.extend(secret.map(|secret| ("client_secret", secret)));
    }
    let tokens = fetch::post_form(&provider.token_endpoint, authorization.as_deref(), &form).await?;
    let id_token = tokens.get("id_token").and_then(Value::as_str).ok_or(Refusal::Upstream)?;
    let token = verify(platform, upstream, id_token, &keys, upstream::policy(upstream)).await?;
    let subject = upstream::subject(upstream, token.claims(), journey, platform.now)?;
    let access_token = tokens.get("access_token").and_then(Value::as_str);
    let userinfo = match (&provider.userinfo_endpoint, access_token) {
        (Some(endpoint), Some(token)) => userinfo(platform, upstream, &keys, endpoint, token).await,
        _ => Userinfo::NotOffered,
    };
    let told = subject.told(token.claims(), &userinfo)?;
    Ok((subject, told))
}

/// Verifies a token of the provider, with fresh keys if its key is not among those that are known. A key without `kid` shows
/// that only by the signature.
async fn verify(
    platform: &Platform,
    upstream: &Upstream,
    text: &str,
    keys: &KeySet,
    policy: Policy,
) -> Result<Token, RequestError> {
    let policy = Arc::new(policy);
    let verified = match crypto::verify(keys, text, &policy, platform.now).await? {
        Err(VerifyError::KeyNotFound | VerifyError::BadSignature) => {
            let (_, fresh) = fetch_provider(platform, upstream).await?;
            crypto::verify(&fresh, text, &policy, platform.now).await?
        }
        verified => verified,
    };
    Ok(verified.map_err(|_| Refusal::Upstream)?)
}

/// What the userinfo endpoint says, as JSON or as a signed JWT (OpenID Connect Core section 5.3.2). The ID token has said who
/// signed in: the sign-in succeeds without further claims.
async fn userinfo(
    platform: &Platform,
    upstream: &Upstream,
    keys: &KeySet,
    endpoint: &str,
    access_token: &str,
) -> Userinfo {
    let answer = async {
        let document = fetch::document(endpoint, Some(&format!("Bearer {access_token}"))).await?;
        if !document.is("application/jwt") {
            return Ok(document.object()?);
        }
        let text = String::from_utf8(document.body).map_err(|_| Refusal::Upstream)?;
        let token = verify(platform, upstream, text.trim(), keys, upstream::userinfo_policy(upstream)).await?;
        Ok::<_, RequestError>(token.claims().members().clone())
    };
    match answer.await {
        Ok(claims) => Userinfo::Claims(claims),
        Err(_) => {
            report::userinfo_failed();
            Userinfo::Failed
        }
    }
}

/// Returns the provider's metadata and keys, from memory if they are recent.
pub(crate) async fn provider(
    platform: &Platform,
    upstream: &Upstream,
) -> Result<(Rc<Provider>, Rc<KeySet>), RequestError> {
    let known = PROVIDER.with_borrow(|known| {
        let known = known.as_ref().filter(|known| platform.now.is_within(REMEMBER_FOR, known.read_at))?;
        Some((Rc::clone(&known.provider), Rc::clone(&known.keys)))
    });
    match known {
        Some(known) => Ok(known),
        None => fetch_provider(platform, upstream).await,
    }
}

async fn fetch_provider(platform: &Platform, upstream: &Upstream) -> Result<(Rc<Provider>, Rc<KeySet>), RequestError> {
    let address = Provider::document(upstream);
    let document = fetch::json(&address, None).await?;
    // A failure is remembered, so that the document is not fetched again for each visitor.
    let failed = || fetch::remember_failure(&address);
    let provider = Provider::parse(platform.authority(), upstream, &document).inspect_err(|_| failed())?;
    let keys = fetch::json(&provider.jwks_uri, None).await.inspect_err(|_| failed())?;
    let (provider, keys) = (Rc::new(provider), Rc::new(key_set(&keys)));
    let remembered = Remembered { provider: Rc::clone(&provider), keys: Rc::clone(&keys), read_at: platform.now };
    PROVIDER.set(Some(remembered));
    Ok((provider, keys))
}

fn key_set(document: &Map<String, Value>) -> KeySet {
    let keys = document.get("keys").and_then(Value::as_array).into_iter().flatten();
    let keys = keys.filter_map(Value::as_object).filter_map(|jwk| Key::from_jwk(jwk).ok());
    KeySet::new(keys.filter(|key| !key.is_secret()))
}
