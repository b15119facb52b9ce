//! Verifying JWTs of clients and trusted issuers, with registered keys or with those that they publish.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use worker::Delay;

use crate::oauth::Refusal;
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::remote_keys::{LONGEST_FETCH, Need, RemoteKeys, Step};
use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::token::{KeySet, Policy, Token, VerifyError, decode_unverified};
use crate::worker::clock::milliseconds;
use crate::worker::crypto;
use crate::worker::env::Platform;
use crate::worker::fetch::{self, Limits};
use crate::worker::report::RequestError;

/// The limits of a fetch: a JWK Set of 100 keys is shorter.
const LIMITS: Limits = Limits { patience: 5000, bytes: 128 * 1024 };
/// The time between two looks at the fetch of another request.
const POLL: Duration = Duration::from_millis(20);

thread_local! {
    static SETS: RefCell<RemoteKeys> = RefCell::default();
}

/// Verifies a JWT with the keys of a source. A published set is fetched again, at most once a minute, if it lacks the key.
///
/// # Errors
/// [`Refusal::KeysUnavailable`] if the set cannot be fetched, or must not be fetched again yet.
pub(crate) async fn verify(
    platform: &Platform,
    source: &KeySource,
    jwt: &str,
    policy: &Arc<Policy>,
) -> Result<Result<Token, VerifyError>, RequestError> {
    let url = match source {
        KeySource::Registered(keys) => return Ok(crypto::verify(keys, jwt, policy, platform.now).await?),
        KeySource::Remote(url) => url,
    };
    let keys = fetched(platform, url, Need::Current).await?;
    let verified = crypto::verify(&keys, jwt, policy, platform.now).await?;
    if !verified.as_ref().is_err_and(|error| may_need_newer_keys(error, jwt, policy)) {
        return Ok(verified);
    }
    let newer = fetched(platform, url, Need::ReadAfter(platform.began)).await?;
    if Rc::ptr_eq(&keys, &newer) {
        return Ok(verified);
    }
    Ok(crypto::verify(&newer, jwt, policy, platform.now).await?)
}

/// Returns whether a newer set may have the key. A token without `kid` shows that only by its signature.
fn may_need_newer_keys(error: &VerifyError, jwt: &str, policy: &Policy) -> bool {
    match error {
        VerifyError::KeyNotFound => true,
        VerifyError::BadSignature => {
            decode_unverified(jwt, policy.max_bytes).is_ok_and(|(header, _)| header.kid().is_none())
        }
        _ => false,
    }
}

/// Returns the set at an address, from memory if that suffices.
async fn fetched(platform: &Platform, url: &RemoteUrl, need: Need) -> Result<Rc<KeySet>, RequestError> {
    let began = milliseconds();
    loop {
        match SETS.with_borrow_mut(|sets| sets.next(url, need, milliseconds())) {
            Step::Use(keys) => return Ok(keys),
            Step::Unavailable { seconds } => return Err(Refusal::KeysUnavailable { seconds }.into()),
            Step::Fetch => {
                let document = fetch::remote(platform.authority(), url, fetch::ACCEPT_KEYS, LIMITS).await;
                let keys = document.ok().and_then(|document| KeySet::from_published(&document.body));
                SETS.with_borrow_mut(|sets| sets.fetched(url, keys, milliseconds()));
            }
            Step::Wait if milliseconds().saturating_sub(began) > 2000 * LONGEST_FETCH => {
                return Err(Refusal::KeysUnavailable { seconds: LONGEST_FETCH }.into());
            }
            Step::Wait => Delay::from(POLL).await,
        }
    }
}
