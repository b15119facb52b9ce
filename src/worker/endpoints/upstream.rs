//! Signing in at another OpenID provider: the way there, and the way back.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use crate::oauth::Refusal;
use crate::oauth::authority::Upstream;
use crate::oauth::event::Happening;
use crate::oauth::handle::AccountId;
use crate::oauth::id_token::Profile;
use crate::oauth::pkce::Challenge;
use crate::oauth::upstream::{self, CALLBACK, Journey, Provider, Subject};
use crate::token::{self, Key, KeySet, UnixTime, base64url};
use crate::wire::{Form, Reply, form_encode};
use crate::worker::account;
use crate::worker::browser::Browser;
use crate::worker::crypto::CheckingHandle;
use crate::worker::endpoints::authorize::continuation;
use crate::worker::endpoints::sign_in;
use crate::worker::env::Platform;
use crate::worker::fetch;
use crate::worker::http::Incoming;
use crate::worker::kv::{self, Found};
use crate::worker::objects;
use crate::worker::objects::account_commands::{AccountAnswer, AccountCommand};
use crate::worker::objects::account_records::AccountRecord;
use crate::worker::objects::identifier_do::{IdentifierAnswer, IdentifierCommand};
use crate::worker::random::random;
use crate::worker::report::Stop;
use crate::worker::users::{self, Name};

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
pub(crate) async fn depart(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, Stop> {
    let authority = platform.authority();
    let upstream = authority.upstream().ok_or(Refusal::NotFound)?;
    let query = Form::parse(&request.query).map_err(Refusal::from)?;
    let onward = query.get("continue").unwrap_or_default().to_owned();
    let Ok((provider, _)) = provider(platform, upstream, false).await else {
        return failed(platform, browser, &onward).await;
    };
    let text = || random::<32>().map(|bytes| base64url::encode(&bytes));
    let (state, nonce, verifier) = (text()?, text()?, text()?);
    let challenge = Challenge::of_verifier(&verifier).ok_or(Refusal::PkceVerifier)?;
    let form = Form::parse(&onward).map_err(Refusal::from)?;
    let there = provider.sign_in(authority, upstream, &state, &nonce, challenge.as_str(), &form);
    let journey = Journey { nonce, verifier, onward, until: platform.now.plus(JOURNEY_TTL) };
    let sealed = kv::seal(platform, &journey_name(platform, &state), &journey).await?;
    Ok(Browser::departs(platform, Reply::see_other(there), &sealed, JOURNEY_TTL))
}

/// `GET /account/sign-in/upstream/callback`: takes a person back.
pub(crate) async fn arrive(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, Stop> {
    let upstream = platform.authority().upstream().ok_or(Refusal::NotFound)?;
    let answer = Form::parse(&request.query).map_err(Refusal::from)?;
    // The cookie opens only for the state that it was sealed for: what another page began is not gone on with.
    let state = answer.get("state").unwrap_or_default();
    let sealed = browser.journey.as_deref().unwrap_or_default();
    let journey = match kv::open::<Journey>(platform, &journey_name(platform, state), sealed).await? {
        Found::Record(journey) if platform.now < journey.until => journey,
        Found::Record(_) | Found::Unreadable(_) | Found::Nothing => return Err(Refusal::FormForeign.into()),
    };
    let (subject, profile) = match identify(platform, upstream, &answer, &journey).await {
        Ok(identified) => identified,
        // The provider's trouble, or whatever somebody made of its answer, is nothing of ours.
        Err(stop) => {
            if let Stop::Refused(refusal) = &stop {
                platform.audit.refused(refusal);
            }
            return failed(platform, browser, &journey.onward).await;
        }
    };
    let account = account_of(platform, upstream, &subject, &profile).await?;
    let session = sign_in::open_session(platform, browser, &account, subject.amr, None).await?;
    let session = session.ok_or(Refusal::Upstream)?;
    let onward = continuation(Some(&journey.onward));
    let reply = browser.signed_in(platform, &account, &session, None, &onward)?;
    Ok(Browser::departs(platform, reply, "", 0))
}

/// Redeems the code, verifies the ID token that comes for it, and asks what else there is to know.
async fn identify(
    platform: &Platform,
    upstream: &Upstream,
    answer: &Form,
    journey: &Journey,
) -> Result<(Subject, Profile), Stop> {
    let (provider, keys) = self::provider(platform, upstream, false).await?;
    let code = provider.code(upstream, answer)?;
    let redirect_uri = platform.authority().endpoint(CALLBACK);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", &journey.verifier),
    ];
    let authorization = platform.config.upstream_secret.as_ref().map(|secret| {
        let pair = format!("{}:{}", form_encode(&upstream.client_id), form_encode(secret));
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    });
    if authorization.is_none() {
        form.push(("client_id", &upstream.client_id));
    }
    let tokens = fetch::post_form(&provider.token_endpoint, authorization.as_deref(), &form).await?;
    let id_token = tokens.get("id_token").and_then(Value::as_str).ok_or(Refusal::Upstream)?;
    let policy = Arc::new(upstream::policy(upstream));
    let pending = match token::verify(id_token, &keys, &policy, platform.now) {
        Err(token::VerifyError::KeyNotFound) => {
            let (_, fresh) = self::provider(platform, upstream, true).await?;
            token::verify(id_token, &fresh, &policy, platform.now)
        }
        settled => settled,
    };
    let pending = pending.map_err(|_| Refusal::Upstream)?;
    let checker = CheckingHandle::import(pending.algorithm(), pending.key()).await.ok_or(Refusal::Upstream)?;
    let valid = checker.check(pending.signature(), pending.signing_input()).await?;
    let token = pending.settle(valid).map_err(|_| Refusal::Upstream)?;
    let subject = upstream::subject(upstream, token.claims(), &journey.nonce)?;
    let access_token = tokens.get("access_token").and_then(Value::as_str);
    let userinfo = match (&provider.userinfo_endpoint, access_token) {
        (Some(endpoint), Some(token)) => Some(fetch::json(endpoint, Some(&format!("Bearer {token}"))).await?),
        _ => None,
    };
    let profile = subject.profile(token.claims(), userinfo.as_ref(), platform.now)?;
    Ok((subject, profile))
}

/// The account of a subject: made at its first sign-in, kept up to date at the later ones.
async fn account_of(
    platform: &Platform,
    upstream: &Upstream,
    subject: &Subject,
    profile: &Profile,
) -> Result<AccountId, Stop> {
    let name = Name::Upstream { issuer: &upstream.issuer, subject: &subject.subject };
    let entry = match users::identifier(platform, &name, &IdentifierCommand::Read).await? {
        IdentifierAnswer::Entry(entry) => entry,
        _ => return Err(objects::unexpected().into()),
    };
    if let Some(entry) = entry {
        match account::ask(platform, &entry.account, &AccountCommand::Read).await? {
            AccountAnswer::Account(record) => {
                update(platform, &entry.account, record, profile).await?;
                return Ok(entry.account);
            }
            // An operator has removed the account: whoever may sign in there starts anew here.
            AccountAnswer::Missing => {
                let account = entry.account;
                users::identifier(platform, &name, &IdentifierCommand::Release { account }).await?;
            }
            _ => return Err(objects::unexpected().into()),
        }
    }
    let account = users::create_upstream(platform, &name, profile.clone()).await?;
    platform.audit.user(&account).note(Happening::UserCreated);
    Ok(account)
}

async fn update(
    platform: &Platform,
    account: &AccountId,
    record: AccountRecord,
    profile: &Profile,
) -> Result<(), Stop> {
    let old = account::profile(platform, account, &record).await?;
    if (Profile { updated_at: old.updated_at, ..profile.clone() }) == old {
        return Ok(());
    }
    let profile = account::seal_profile(platform, account, profile).await?;
    let command = AccountCommand::Replace(AccountRecord { profile, ..record });
    account::ask(platform, account, &command).await?;
    Ok(())
}

/// The provider and its keys, as an isolate knows them.
async fn provider(platform: &Platform, upstream: &Upstream, afresh: bool) -> Result<(Rc<Provider>, Rc<KeySet>), Stop> {
    let known = PROVIDER.with_borrow(|known| {
        let known = known.as_ref().filter(|known| !afresh && platform.now < known.read_at.plus(REMEMBER_FOR))?;
        Some((Rc::clone(&known.provider), Rc::clone(&known.keys)))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let document = fetch::json(&Provider::document(upstream), None).await?;
    let provider = Rc::new(Provider::parse(platform.authority(), upstream, &document)?);
    let keys = Rc::new(key_set(&fetch::json(&provider.jwks_uri, None).await?));
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
async fn failed(platform: &Platform, browser: &Browser, onward: &str) -> Result<Reply, Stop> {
    sign_in::upstream_failed(platform, browser, onward).await
}

fn journey_name(platform: &Platform, state: &str) -> String {
    format!("journey|{}|{state}", platform.authority().issuer())
}
