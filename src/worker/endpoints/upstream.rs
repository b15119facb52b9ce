//! Signing in at another OpenID provider: the way there, and the way back.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use crate::names;
use crate::oauth::Refusal;
use crate::oauth::endpoints::upstream::{self, CALLBACK, Journey, Provider, Subject, Told, Userinfo};
use crate::oauth::grant::SignIn;
use crate::oauth::vocabulary::authority::Upstream;
use crate::oauth::vocabulary::pkce::Challenge;
use crate::pages::SignInError;
use crate::token::{self, Key, KeySet, Policy, Token, UnixTime, VerifyError, base64url};
use crate::wire::{Form, Reply, form_encode};
use crate::worker::browser::Browser;
use crate::worker::crypto::complete;
use crate::worker::endpoints::authorize::{asked, continuation, refuse};
use crate::worker::endpoints::sign_in;
use crate::worker::env::Platform;
use crate::worker::fetch;
use crate::worker::http::Incoming;
use crate::worker::kv;
use crate::worker::random::random;
use crate::worker::report::{self, Fault, RequestError};
use crate::worker::services::{federation, sessions};

/// How long a person may stay with the provider, seconds.
const JOURNEY_TTL: u64 = 900;
/// How long its document and keys are kept, seconds. A key that is not among them has them read again.
const REMEMBER_FOR: u64 = 300;

/// What an isolate knows of the provider.
struct Remembered {
    provider: Rc<Provider>,
    keys: Rc<KeySet>,
    read_at: UnixTime,
}

thread_local! {
    static PROVIDER: RefCell<Option<Remembered>> = const { RefCell::new(None) };
}

/// `GET /account/sign-in/upstream`: sends a person there.
pub(crate) async fn depart(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let authority = platform.authority();
    let upstream = authority.upstream().ok_or(Refusal::NotFound)?;
    let query = request.query_form()?;
    let onward = query.get("continue").unwrap_or_default().to_owned();
    let Ok((provider, _)) = provider(platform, upstream, false).await else {
        return failed(platform, browser, &onward).await;
    };
    let text = || random::<32>().map(|bytes| base64url::encode(&bytes));
    let (state, nonce, verifier) = (text()?, text()?, text()?);
    let challenge = Challenge::of_verifier(&verifier).ok_or(Refusal::PkceVerifier)?;
    let form = Form::parse(&onward).map_err(Refusal::from)?;
    let there = provider.sign_in(authority, upstream, &state, &nonce, challenge.as_str(), &form);
    let (departed, until) = (platform.now, platform.now.plus(JOURNEY_TTL));
    let journey = Journey { nonce, verifier, onward, until, departed, max_age: upstream::max_age(&form) };
    let sealed = kv::seal(platform, &journey_name(platform, &state), &journey).await?;
    Ok(browser.departs(platform, Reply::see_other(there), &state, &sealed, JOURNEY_TTL))
}

/// `GET /account/sign-in/upstream/callback`: takes a person back.
pub(crate) async fn arrive(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let upstream = platform.authority().upstream().ok_or(Refusal::NotFound)?;
    let answer = request.query_form()?;
    // The cookie opens only for the state that it was sealed for: what another page began is not gone on with.
    let state = answer.get("state").unwrap_or_default();
    let sealed = browser.journey(platform, state).unwrap_or_default();
    let journey = match kv::open::<Journey>(platform, &journey_name(platform, state), sealed).await? {
        Ok(journey) if platform.now < journey.until => journey,
        Ok(_) | Err(_) => return Err(Refusal::FormForeign.into()),
    };
    let (subject, told) = match identify(platform, upstream, &answer, &journey).await {
        Ok(identified) => identified,
        Err(RequestError::Refused(refusal)) => return refused(platform, browser, &journey.onward, &refusal).await,
        // A failure of our own verifier is not the provider's, nor the user's.
        Err(fault) => return Err(fault),
    };
    let account = match federation::account_of(platform, upstream, &subject, &told).await {
        Ok(account) => account,
        Err(RequestError::Refused(refusal)) => return refused(platform, browser, &journey.onward, &refusal).await,
        Err(fault) => return Err(fault),
    };
    let sign_in = SignIn { at: subject.at, amr: subject.amr, acr: Some(subject.acr) };
    let session = sessions::open_for(platform, browser, &account, sign_in, None).await?;
    let session = session.ok_or(Refusal::Upstream)?;
    let onward = continuation(Some(&journey.onward));
    let reply = browser.signed_in(platform, &account, &session, None, &onward)?;
    Ok(Browser::arrives(platform, reply, state))
}

/// What a person gets whom the provider, or this authority, did not let in.
async fn refused(
    platform: &Platform,
    browser: &Browser,
    onward: &str,
    refusal: &Refusal,
) -> Result<Reply, RequestError> {
    let form = Form::parse(onward).map_err(Refusal::from)?;
    match refusal {
        // The client asked for a recent sign-in, and trying again would not help: it decides how to go on.
        Refusal::UpstreamAuthTime if form.get("client_id").is_some() => {
            let asked = asked(platform, &form).await?;
            Ok(refuse(platform, browser, &asked.target, refusal))
        }
        Refusal::UpstreamAuthTime => {
            platform.audit.refused(refusal);
            sign_in::upstream_failed(platform, browser, onward, SignInError::UpstreamNotRecent).await
        }
        Refusal::UpstreamAccount => {
            platform.audit.refused(refusal);
            // The provider would sign the same user in again, without a question.
            let restart = format!("/account/sign-in?continue={}", form_encode(&upstream::with_another_account(&form)));
            Ok(browser.problem(platform, refusal, Some(&restart)))
        }
        other => {
            platform.audit.refused(other);
            failed(platform, browser, onward).await
        }
    }
}

/// Redeems the code, verifies the ID token that comes for it, and asks what else there is to know.
async fn identify(
    platform: &Platform,
    upstream: &Upstream,
    answer: &Form,
    journey: &Journey,
) -> Result<(Subject, Told), RequestError> {
    let (provider, keys) = self::provider(platform, upstream, false).await?;
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
    let verified = match verify_by(keys, text, &policy, platform.now).await? {
        Err(VerifyError::KeyNotFound | VerifyError::BadSignature) => {
            let (_, fresh) = provider(platform, upstream, true).await?;
            verify_by(&fresh, text, &policy, platform.now).await?
        }
        verified => verified,
    };
    Ok(verified.map_err(|_| Refusal::Upstream)?)
}

async fn verify_by(
    keys: &KeySet,
    text: &str,
    policy: &Arc<Policy>,
    now: UnixTime,
) -> Result<Result<Token, VerifyError>, Fault> {
    match token::verify(text, keys, policy, now) {
        Ok(pending) => complete(pending).await,
        Err(error) => Ok(Err(error)),
    }
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

/// The provider and its keys, as an isolate knows them.
async fn provider(
    platform: &Platform,
    upstream: &Upstream,
    afresh: bool,
) -> Result<(Rc<Provider>, Rc<KeySet>), RequestError> {
    let known = PROVIDER.with_borrow(|known| {
        let known = known.as_ref().filter(|known| !afresh && platform.now.is_within(REMEMBER_FOR, known.read_at))?;
        Some((Rc::clone(&known.provider), Rc::clone(&known.keys)))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let address = Provider::document(upstream);
    let document = fetch::json(&address, None).await?;
    // Without both nothing is kept: then the document is not fetched again for each visitor either.
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

/// The sign-in page again, with what to do now.
async fn failed(platform: &Platform, browser: &Browser, onward: &str) -> Result<Reply, RequestError> {
    sign_in::upstream_failed(platform, browser, onward, SignInError::UpstreamFailed).await
}

fn journey_name(platform: &Platform, state: &str) -> String {
    names::journey(platform.authority().issuer(), state)
}
