//! An isolate's view of the keyring: signs with its keys, and verifies tokens that they signed.
//!
//! A warm isolate reads nothing: it has the ring in memory, with its schedule, and reads a newer one once a minute.
//! If KV cannot be read, the isolate continues with the ring in memory for as long as its keys allow for (`STALE_LIMIT`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use crate::keyring::{Certificate, KeyId, KeyringRefusal, LastRead, Ring, SigningKey, Terms};
use crate::oauth::endpoints::bearer;
use crate::oauth::endpoints::identity_assertion::{ID_JAG_TYPE, IdJag};
use crate::oauth::endpoints::logout::Hint;
use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::{ClientId, Refusal};
use crate::token::status::STATUS_LIST_TYPE;
use crate::token::{self, Algorithm, KeySet, Minter, Policy, Token, UnixTime};

use super::crypto::{CheckingHandle, SigningHandle};
use super::env::Platform;
use super::kv::{self, Found, Kind};
use super::latest::{Memory, latest};
use super::objects::address::Keyring;
use super::objects::keyring_do::{Changed, Ensure, SealedRing, Tend};
use super::objects::{self, ObjectCommand};
use super::report::{Fault, FaultKind, RequestError};

/// The type of our access tokens (RFC 9068 section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";
/// The type of our ID tokens (OpenID Connect Core section 2 does not give them one).
const ID_TOKEN: &str = "JWT";

/// A ring with the key handles that were imported from it.
pub(crate) struct View {
    ring: Ring,
    keys: KeySet,
    /// The names of the handles, by `kid`, which is unique within one ring.
    names: HashMap<KeyId, HandleName>,
    signers: RefCell<HashMap<HandleName, Rc<Signer>>>,
    checkers: RefCell<HashMap<HandleName, Rc<CheckingHandle>>>,
}

/// All that a handle depends on. A `kid` alone does not name a key: when a key has left the ring, another one may be imported
/// under the same `kid`, and handles outlive the view that they were imported for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct HandleName {
    kid: KeyId,
    alg: &'static str,
    /// RFC 7638.
    thumbprint: String,
}

impl HandleName {
    /// `None` for a key of a later version: it has no handle.
    fn of(key: &SigningKey) -> Option<Self> {
        Some(Self { kid: key.kid.clone(), alg: key.algorithm()?.name(), thumbprint: key.thumbprint().to_owned() })
    }
}

struct Signer {
    access_tokens: Minter,
    id_tokens: Minter,
    identity_assertions: Minter,
    status_lists: Minter,
    handle: SigningHandle,
}

thread_local! {
    /// The ring of this isolate.
    static MEMORY: Memory<View> = Memory::default();
}

impl View {
    fn new(ring: Ring, now: UnixTime) -> Self {
        let keys = ring.key_set(now);
        let names = ring.keys().iter().filter_map(HandleName::of).map(|name| (name.kid.clone(), name)).collect();
        Self { ring, keys, names, signers: RefCell::default(), checkers: RefCell::default() }
    }

    /// The ring.
    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Returns the key that signs now with the requested algorithm, or with any.
    fn signing_key(&self, platform: &Platform, wanted: Option<Algorithm>) -> Option<&SigningKey> {
        self.ring.signing_key(wanted, platform.authority().algorithms(), platform.now)
    }

    /// Whether a key signs now.
    fn signs(&self, platform: &Platform) -> bool {
        self.signing_key(platform, None).is_some()
    }

    async fn signer(&self, key: Option<&SigningKey>) -> Result<Rc<Signer>, Fault> {
        let none = || Fault::new(FaultKind::NoSigningKey, &"the schedule has no active key");
        let key = key.ok_or_else(none)?;
        let name = self.names.get(&key.kid).ok_or_else(none)?;
        if let Some(signer) = self.signers.borrow().get(name) {
            return Ok(Rc::clone(signer));
        }
        let (algorithm, private) = key.algorithm().zip(key.private()).ok_or_else(none)?;
        let signer = Rc::new(Signer {
            access_tokens: Minter::new(algorithm, key.kid.as_str(), ACCESS_TOKEN),
            id_tokens: Minter::new(algorithm, key.kid.as_str(), ID_TOKEN),
            identity_assertions: Minter::new(algorithm, key.kid.as_str(), ID_JAG_TYPE),
            status_lists: Minter::new(algorithm, key.kid.as_str(), STATUS_LIST_TYPE),
            handle: SigningHandle::import(algorithm, private).await?,
        });
        self.signers.borrow_mut().insert(name.clone(), Rc::clone(&signer));
        Ok(signer)
    }

    /// Returns the handle of a key of this ring.
    async fn checker(&self, algorithm: Algorithm, key: &token::Key) -> Result<Rc<CheckingHandle>, Fault> {
        let unusable = || Fault::new(FaultKind::Crypto, &"our own public key");
        let name = self.names.get(key.kid().unwrap_or_default()).ok_or_else(unusable)?;
        if let Some(checker) = self.checkers.borrow().get(name) {
            return Ok(Rc::clone(checker));
        }
        let checker = Rc::new(CheckingHandle::import(algorithm, key).await.ok_or_else(unusable)?);
        self.checkers.borrow_mut().insert(name.clone(), Rc::clone(&checker));
        Ok(checker)
    }

    fn thumbprint(&self, key: Option<&SigningKey>) -> String {
        let name = key.and_then(|key| self.names.get(&key.kid));
        name.map(|name| name.thumbprint.clone()).unwrap_or_default()
    }

    /// Finds the key that checked a token, by its identifier and its thumbprint.
    fn find(&self, key: &token::Key) -> Option<&SigningKey> {
        let (kid, thumbprint) = (key.kid()?, key.thumbprint());
        let name = self.names.get(kid)?;
        self.ring.find(kid).filter(|_| name.thumbprint == thumbprint)
    }
}

/// Mints an access token from these claims. If the client has registered an algorithm, no other is used.
pub(crate) async fn mint(
    platform: &Platform,
    wanted: Option<Algorithm>,
    claims: &impl Serialize,
) -> Result<String, Fault> {
    sign(platform, wanted, |signer| &signer.access_tokens, claims).await
}

/// Mints an identity assertion with the key of access tokens for which no algorithm is requested.
pub(crate) async fn mint_identity_assertion(platform: &Platform, claims: &IdJag) -> Result<String, Fault> {
    sign(platform, None, |signer| &signer.identity_assertions, claims).await
}

/// Signs a token of a type, and adds its key to the audit trail.
async fn sign(
    platform: &Platform,
    wanted: Option<Algorithm>,
    minter: impl Fn(&Signer) -> &Minter,
    claims: &impl Serialize,
) -> Result<String, Fault> {
    let view = view(platform).await?;
    let key = view.signing_key(platform, wanted);
    let signer = view.signer(key).await?;
    if let Some(key) = key {
        platform.audit.key(&key.kid);
    }
    signer.sign(minter(&signer), claims).await
}

/// Mints an ID token with a key of this algorithm.
pub(crate) async fn mint_id_token(
    platform: &Platform,
    algorithm: Algorithm,
    claims: &impl Serialize,
) -> Result<String, Fault> {
    let view = view(platform).await?;
    let signer = view.signer(view.signing_key(platform, Some(algorithm))).await?;
    signer.sign(&signer.id_tokens, claims).await
}

/// Mints a status list token. Also returns the thumbprint of its key.
pub(crate) async fn mint_status_list(platform: &Platform, claims: &impl Serialize) -> Result<(String, String), Fault> {
    let view = view(platform).await?;
    let key = view.signing_key(platform, None);
    let signer = view.signer(key).await?;
    let thumbprint = view.thumbprint(key);
    Ok((signer.sign(&signer.status_lists, claims).await?, thumbprint))
}

/// Returns the thumbprint of the key that signs now where no algorithm is requested; empty if there is none.
pub(crate) async fn signing_thumbprint(platform: &Platform) -> Result<String, Fault> {
    let view = view(platform).await?;
    Ok(view.thumbprint(view.signing_key(platform, None)))
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
pub(crate) async fn verify(platform: &Platform, text: &str, policy: Policy) -> Result<Token, RequestError> {
    let view = view(platform).await?;
    let refused = |_| Refusal::BearerInvalid;
    let pending = token::verify(text, &view.keys, &Arc::new(policy), platform.now).map_err(refused)?;
    // The view may be older than the end of a key.
    let key = pending.key().kid().and_then(|kid| view.ring.find(kid));
    if !key.is_some_and(|key| key.is_published(platform.now)) {
        return Err(Refusal::BearerInvalid.into());
    }
    let checker = view.checker(pending.algorithm(), pending.key()).await?;
    let valid = checker.check(pending.signature(), pending.signing_input()).await?;
    Ok(pending.complete(valid).map_err(refused)?)
}

/// Was this token signed by a key of our own, and not by one that was imported to verify what another issuer has signed?
pub(crate) async fn is_our_own(platform: &Platform, token: &Token) -> Result<bool, Fault> {
    // Another view than the one that the token was checked by, maybe: the same kid may be another key there.
    let view = view(platform).await?;
    Ok(view.find(token.key()).is_some_and(|key| key.private().is_some()))
}

/// Whom an ID token of ours names, if it is one; it may have expired.
pub(crate) async fn hint(platform: &Platform, text: &str) -> Result<Option<Hint>, Fault> {
    let token = match verify(platform, text, bearer::hint_policy(platform.authority())).await {
        Ok(token) => token,
        Err(RequestError::Refused(_)) => return Ok(None),
        Err(RequestError::Failed(fault)) => return Err(fault),
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

/// The certificate of a key, signed by itself. `None` for a key that cannot.
pub(crate) async fn certificate(platform: &Platform, view: &View, key: &SigningKey) -> Result<Option<String>, Fault> {
    let issuer = platform.authority().issuer();
    let host = issuer.split_once("://").map_or(issuer, |(_, host)| host);
    let Some(certificate) = Certificate::of(key, host) else {
        return Ok(None);
    };
    let signature = view.signer(Some(key)).await?.handle.sign(certificate.signing_input()).await?;
    Ok(certificate.seal(&signature))
}

/// Returns the ring as this isolate knows it.
pub(crate) async fn view(platform: &Platform) -> Result<Rc<View>, Fault> {
    latest(&MEMORY, platform.now, |view| view.signs(platform), async |old| read(platform, old.as_ref()).await).await
}

/// Reads the ring from KV. Asks the keyring if KV has none, it cannot be read, it cannot sign, or a key has been due for too long.
async fn read(platform: &Platform, old: Option<&Rc<View>>) -> Result<Rc<View>, Fault> {
    let name = kv::name(platform, Kind::Keyring, "");
    let found = kv::read::<Ring>(platform, &name).await;
    if let Ok(Found::Unreadable(kind)) = found {
        // Logged for the operator; the keyring may have a copy that opens.
        let _ = Fault::new(kind, &format!("{name} in KV"));
    }
    if let Ok(Found::Record(ring)) = found {
        let view = match old {
            // KV may be behind the ring that this isolate received from the keyring.
            Some(old) if !ring.supersedes(&old.ring) => View::new(old.ring.clone(), platform.now),
            _ => View::new(ring, platform.now),
        };
        if view.signs(platform) {
            let authority = platform.authority();
            let terms = Terms { algorithms: authority.algorithms(), rotate_after: authority.key_rotation() };
            let overdue = view.ring.is_overdue(&terms, platform.now);
            let view = remember(view, platform.now);
            // Cron should have asked. If the keyring cannot act now, the isolate continues with its ring.
            return match overdue {
                true => Ok(ask(platform, &Tend { asked_at: platform.now }).await.unwrap_or(view)),
                false => Ok(view),
            };
        }
    }
    ask(platform, &Ensure { asked_at: platform.now }).await
}

/// Sends a command to the keyring. Adopts the ring in its response.
pub(crate) async fn ask(
    platform: &Platform,
    command: &impl ObjectCommand<Namespace = Keyring, Answer = SealedRing>,
) -> Result<Rc<View>, Fault> {
    let SealedRing { sealed } = objects::send(platform, &Keyring, command).await?;
    adopt(platform, &sealed).await
}

/// Sends a command that may be refused to the keyring. Adopts the ring in its response.
pub(crate) async fn change(
    platform: &Platform,
    command: &impl ObjectCommand<Namespace = Keyring, Answer = Changed>,
) -> Result<Result<Rc<View>, KeyringRefusal>, Fault> {
    match objects::send(platform, &Keyring, command).await? {
        Changed::Sealed(sealed) => adopt(platform, &sealed).await.map(Ok),
        Changed::Refused(refusal) => Ok(Err(refusal)),
    }
}

async fn adopt(platform: &Platform, sealed: &str) -> Result<Rc<View>, Fault> {
    let name = kv::name(platform, Kind::Keyring, "");
    let ring = kv::open::<Ring>(platform, &name, sealed).await?;
    let ring = ring.map_err(|kind| Fault::new(kind, &format!("{name} as the keyring answers")))?;
    // An object that was restored from a backup, and cannot read KV, is behind the ring that this isolate has read there.
    let newer = MEMORY.with_borrow(|memory| {
        let (known, _) = memory.as_ref().filter(|(known, _)| !ring.supersedes(&known.ring))?;
        Some(known.ring.clone())
    });
    Ok(remember(View::new(newer.unwrap_or(ring), platform.now), platform.now))
}

fn remember(view: View, now: UnixTime) -> Rc<View> {
    MEMORY.with_borrow_mut(|memory| {
        // The handles of keys that are still in the ring stay valid.
        if let Some((old, _)) = memory {
            let still = |name: &HandleName| view.names.get(&name.kid) == Some(name);
            let keep = old.signers.borrow().iter().filter(|(name, _)| still(name)).map(own).collect();
            view.signers.replace(keep);
            let keep = old.checkers.borrow().iter().filter(|(name, _)| still(name)).map(own).collect();
            view.checkers.replace(keep);
        }
        let view = Rc::new(view);
        *memory = Some((Rc::clone(&view), LastRead::at(now)));
        view
    })
}

fn own<T>((name, handle): (&HandleName, &Rc<T>)) -> (HandleName, Rc<T>) {
    (name.clone(), Rc::clone(handle))
}

/// Checks that tokens can be signed now, by a key that verifiers find in the key set.
pub(crate) async fn ready(platform: &Platform) -> Result<(), Fault> {
    let view = view(platform).await?;
    let key = view.signing_key(platform, None).filter(|key| key.is_published(platform.now));
    view.signer(key).await.map(|_| ())
}
