//! An isolate's view of the keyring: signing with it, and checking tokens that it signed.
//!
//! A warm isolate reads nothing: it has the ring in memory, with its schedule, and looks for a newer one once a minute.
//! If KV cannot be read, the ring in memory goes on for as long as its keys allow for (`STALE_LIMIT`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use crate::keyring::{REFRESH_AFTER, Ring, SIGNING_ALGORITHMS, STALE_LIMIT, SigningKey};
use crate::oauth::handle::{AccountId, SessionId};
use crate::oauth::logout::Hint;
use crate::oauth::{ClientId, Refusal, bearer};
use crate::token::status::STATUS_LIST_TYPE;
use crate::token::{self, Algorithm, KeySet, Minter, Policy, Token, UnixTime};

use super::crypto::{CheckingHandle, SigningHandle};
use super::env::{KEYRING, Platform};
use super::kv::{self, Found, Kind};
use super::objects;
use super::objects::keyring_do::{KeyringCommand, SealedRing};
use super::report::{Fault, FaultKind, Stop};

/// The type of our access tokens (RFC 9068 section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";
/// The type of our ID tokens (OpenID Connect Core section 2 does not give them one).
const ID_TOKEN: &str = "JWT";

/// A ring with the handles that have been made from it.
pub(crate) struct View {
    ring: Ring,
    keys: KeySet,
    read_at: UnixTime,
    signers: RefCell<HashMap<String, Rc<Signer>>>,
    checkers: RefCell<HashMap<String, Rc<CheckingHandle>>>,
}

struct Signer {
    access_tokens: Minter,
    id_tokens: Minter,
    status_lists: Minter,
    handle: SigningHandle,
}

/// What the isolate has, and when it last set out to look for more.
#[derive(Default)]
struct Memory {
    view: Option<Rc<View>>,
    looked_at: Option<UnixTime>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl View {
    fn new(ring: Ring, now: UnixTime) -> Self {
        let keys = ring.key_set(now);
        Self { ring, keys, read_at: now, signers: RefCell::default(), checkers: RefCell::default() }
    }

    /// The ring.
    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The key that signs now: of the preferred algorithm, or else of any that is configured, or else of any at all,
    /// for a newly configured algorithm has to wait until its first key is known everywhere.
    fn signing_key(&self, platform: &Platform) -> Option<&SigningKey> {
        let preferred = platform.authority().algorithms().iter().chain(&SIGNING_ALGORITHMS);
        preferred.into_iter().find_map(|algorithm| self.ring.signer(*algorithm, platform.now))
    }

    async fn signer(&self, key: Option<&SigningKey>) -> Result<Rc<Signer>, Fault> {
        let none = || Fault::new(FaultKind::NoSigningKey, &"the schedule has no active key");
        let key = key.ok_or_else(none)?;
        if let Some(signer) = self.signers.borrow().get(&key.kid) {
            return Ok(Rc::clone(signer));
        }
        let algorithm = key.algorithm().ok_or_else(none)?;
        let signer = Rc::new(Signer {
            access_tokens: Minter::new(algorithm, &key.kid, ACCESS_TOKEN),
            id_tokens: Minter::new(algorithm, &key.kid, ID_TOKEN),
            status_lists: Minter::new(algorithm, &key.kid, STATUS_LIST_TYPE),
            handle: SigningHandle::import(algorithm, key.private()).await?,
        });
        self.signers.borrow_mut().insert(key.kid.clone(), Rc::clone(&signer));
        Ok(signer)
    }

    async fn checker(&self, algorithm: Algorithm, key: &token::Key) -> Result<Rc<CheckingHandle>, Fault> {
        let kid = key.kid().unwrap_or_default();
        if let Some(checker) = self.checkers.borrow().get(kid) {
            return Ok(Rc::clone(checker));
        }
        let checker = CheckingHandle::import(algorithm, key).await;
        let checker = Rc::new(checker.ok_or_else(|| Fault::new(FaultKind::Crypto, &"our own public key"))?);
        self.checkers.borrow_mut().insert(kid.to_owned(), Rc::clone(&checker));
        Ok(checker)
    }
}

/// Mints an access token from these claims.
pub(crate) async fn mint(platform: &Platform, claims: &impl Serialize) -> Result<String, Fault> {
    let view = view(platform).await?;
    let key = view.signing_key(platform);
    let signer = view.signer(key).await?;
    if let Some(key) = key {
        platform.audit.key(&key.kid);
    }
    signer.sign(&signer.access_tokens, claims).await
}

/// Mints an ID token with a key of this algorithm.
pub(crate) async fn mint_id_token(
    platform: &Platform,
    algorithm: Algorithm,
    claims: &impl Serialize,
) -> Result<String, Fault> {
    let view = view(platform).await?;
    let signer = view.signer(view.ring.signer(algorithm, platform.now)).await?;
    signer.sign(&signer.id_tokens, claims).await
}

/// Mints a status list token, and says with which key.
pub(crate) async fn mint_status_list(platform: &Platform, claims: &impl Serialize) -> Result<(String, String), Fault> {
    let view = view(platform).await?;
    let key = view.signing_key(platform);
    let signer = view.signer(key).await?;
    let kid = key.map(|key| key.kid.clone()).unwrap_or_default();
    Ok((signer.sign(&signer.status_lists, claims).await?, kid))
}

/// The key that signs now, unless it was told otherwise.
pub(crate) async fn signing_kid(platform: &Platform) -> Result<String, Fault> {
    Ok(view(platform).await?.signing_key(platform).map(|key| key.kid.clone()).unwrap_or_default())
}

impl Signer {
    async fn sign(&self, minter: &Minter, claims: &impl Serialize) -> Result<String, Fault> {
        let impossible = |error| Fault::new(FaultKind::Crypto, &error);
        let draft = minter.draft(claims).map_err(impossible)?;
        let signature = self.handle.sign(draft.signing_input()).await?;
        draft.seal(&signature).map_err(impossible)
    }
}

/// Checks a token of ours, by the same `token::verify` that the npm package has.
pub(crate) async fn verify(platform: &Platform, text: &str, policy: Policy) -> Result<Token, Stop> {
    let view = view(platform).await?;
    let refused = |_| Refusal::BearerInvalid;
    let pending = token::verify(text, &view.keys, &Arc::new(policy), platform.now).map_err(refused)?;
    let checker = view.checker(pending.algorithm(), pending.key()).await?;
    let valid = checker.check(pending.signature(), pending.signing_input()).await?;
    Ok(pending.settle(valid).map_err(refused)?)
}

/// Whom an ID token of ours names, if it is one; it may have expired.
pub(crate) async fn hint(platform: &Platform, text: &str) -> Result<Option<Hint>, Fault> {
    let token = match verify(platform, text, bearer::hint_policy(platform.authority())).await {
        Ok(token) => token,
        Err(Stop::Refused(_)) => return Ok(None),
        Err(Stop::Failed(fault)) => return Err(fault),
    };
    let claims = token.claims();
    let hint = || {
        Some(Hint {
            account: AccountId::parse(claims.text("sub")?)?,
            session: claims.text("sid").and_then(SessionId::parse),
            client: ClientId::parse(claims.audiences().next()?)?,
        })
    };
    Ok(hint())
}

/// The ring as this isolate knows it.
pub(crate) async fn view(platform: &Platform) -> Result<Rc<View>, Fault> {
    let now = platform.now;
    let known = MEMORY.with_borrow_mut(|memory| {
        let view = memory.view.clone()?;
        let looking = memory.looked_at.is_some_and(|at| now < at.plus(REFRESH_AFTER));
        // Whoever finds it a minute old goes to look, the others work on with what is there: for a minute more.
        let recent = now < view.read_at.plus(2 * REFRESH_AFTER);
        memory.looked_at = if looking { memory.looked_at } else { Some(now) };
        Some((looking && recent, view))
    });
    match known {
        Some((true, view)) if view.signing_key(platform).is_some() => Ok(view),
        Some((_, old)) => match look(platform).await {
            Ok(view) => Ok(view),
            Err(_) if now < old.read_at.plus(STALE_LIMIT) && old.signing_key(platform).is_some() => Ok(old),
            Err(fault) => Err(fault),
        },
        None => look(platform).await,
    }
}

/// Reads the ring from KV; asks the keyring where there is none, it cannot be read, or it cannot sign.
async fn look(platform: &Platform) -> Result<Rc<View>, Fault> {
    let name = kv::name(platform, Kind::Keyring, "");
    if let Ok(Found::Record(ring)) = kv::read(platform, &name).await {
        let view = View::new(ring, platform.now);
        if view.signing_key(platform).is_some() {
            return Ok(remember(view));
        }
    }
    ask(platform, KeyringCommand::Ensure).await
}

/// Sends a command to the keyring and takes over the ring that it answers with.
pub(crate) async fn ask(platform: &Platform, command: KeyringCommand) -> Result<Rc<View>, Fault> {
    let SealedRing(sealed) = objects::call(platform, KEYRING, platform.authority().issuer(), &command).await?;
    let name = kv::name(platform, Kind::Keyring, "");
    match kv::open(platform, &name, &sealed).await? {
        Found::Record(ring) => Ok(remember(View::new(ring, platform.now))),
        Found::Unreadable(kind) => Err(Fault::new(kind, &"the keyring's answer")),
        Found::Nothing => Err(Fault::new(FaultKind::NoSigningKey, &"the keyring's answer")),
    }
}

fn remember(view: View) -> Rc<View> {
    MEMORY.with_borrow_mut(|memory| {
        // The handles of keys that are still there stay good.
        if let Some(old) = &memory.view {
            let still = |kid: &String| view.keys.iter().any(|key| key.kid() == Some(kid));
            let keep = old.signers.borrow().iter().filter(|(kid, _)| still(kid)).map(own).collect();
            view.signers.replace(keep);
            let keep = old.checkers.borrow().iter().filter(|(kid, _)| still(kid)).map(own).collect();
            view.checkers.replace(keep);
        }
        let view = Rc::new(view);
        memory.looked_at = Some(view.read_at);
        memory.view = Some(Rc::clone(&view));
        view
    })
}

fn own<T>((kid, handle): (&String, &Rc<T>)) -> (String, Rc<T>) {
    (kid.clone(), Rc::clone(handle))
}

/// Can tokens be signed now?
pub(crate) async fn ready(platform: &Platform) -> Result<(), Fault> {
    let view = view(platform).await?;
    view.signer(view.signing_key(platform)).await.map(|_| ())
}
