//! Trusted issuers: finding them, and creating, replacing and removing their records.
//!
//! A record is stored as a client's is: the object of its registry is authoritative and copies the sealed record to KV; a warm isolate has
//! recently used ones in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::limits::CLIENT_MEMORY;
use crate::oauth::Refusal;
use crate::oauth::refusal::TrustedIssuerError;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::trusted_issuer::{TrustedIssuer, TrustedIssuerId, TrustedIssuerRecord};
use crate::token::UnixTime;
use crate::worker::compare_and_swap::retry;
use crate::worker::env::Platform;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::objects;
use crate::worker::objects::registry_do::{Change, CreateClient, ReadClient, RemoveClient, ReplaceClient};
use crate::worker::report::{Fault, RequestError};

/// How many trusted issuers stay in memory.
const REMEMBER_AT_MOST: usize = 100;

struct Remembered {
    issuer: Rc<TrustedIssuer>,
    read_at: UnixTime,
}

thread_local! {
    static ISSUERS: RefCell<HashMap<TrustedIssuerId, Remembered>> = RefCell::default();
}

/// Returns a trusted issuer that this isolate has read recently.
pub(crate) fn remembered(platform: &Platform, id: &TrustedIssuerId) -> Option<Rc<TrustedIssuer>> {
    ISSUERS.with_borrow(|issuers| {
        let known = issuers.get(id)?;
        platform.now.is_within(CLIENT_MEMORY, known.read_at).then(|| Rc::clone(&known.issuer))
    })
}

/// Returns a trusted issuer from KV, and remembers it.
pub(crate) async fn read(platform: &Platform, id: &TrustedIssuerId) -> Result<Option<Rc<TrustedIssuer>>, Fault> {
    forget(id);
    Ok(record(platform, id).await?.map(|record| remember(platform, id.clone(), record)))
}

/// Returns the record in KV.
pub(crate) async fn record(platform: &Platform, id: &TrustedIssuerId) -> Result<Option<TrustedIssuerRecord>, Fault> {
    let name = record_name(platform, id);
    match kv::read(platform, &name).await? {
        Found::Record(record) => Ok(Some(record)),
        Found::Nothing => Ok(None),
        Found::Unreadable(kind) => Err(Fault::new(kind, &format!("{name} in KV"))),
    }
}

/// Returns the record in its registry, sealed and opened: exact, while KV may be a minute behind.
///
/// # Errors
/// [`Refusal::TrustedIssuerNotFound`].
pub(crate) async fn existing(
    platform: &Platform,
    id: &TrustedIssuerId,
) -> Result<(String, TrustedIssuerRecord), RequestError> {
    let sealed = objects::send(platform, id, &ReadClient).await?.ok_or(Refusal::TrustedIssuerNotFound)?;
    let name = record_name(platform, id);
    match kv::open(platform, &name, &sealed).await? {
        Ok(record) => Ok((sealed, record)),
        Err(kind) => Err(Fault::new(kind, &format!("{name} in its registry")).into()),
    }
}

/// Creates a trusted issuer.
///
/// # Errors
/// [`Refusal::TrustedIssuerExists`].
pub(crate) async fn create(platform: &Platform, record: &TrustedIssuerRecord) -> Result<TrustedIssuerId, RequestError> {
    let id = TrustedIssuerId::of(&record.issuer);
    let name = record_name(platform, &id);
    let sealed = kv::seal(platform, &name, record).await?;
    if !objects::send(platform, &id, &CreateClient { name, sealed, since: platform.now, disabled: false }).await? {
        return Err(Refusal::TrustedIssuerExists.into());
    }
    forget(&id);
    platform.audit.trusted_issuer(&id).note(EventKind::TrustedIssuerCreated);
    Ok(id)
}

/// Replaces the record of a trusted issuer, and returns the new one.
///
/// # Errors
/// [`Refusal::TrustedIssuerNotFound`], [`TrustedIssuerError::IssuerDiffers`].
pub(crate) async fn replace(
    platform: &Platform,
    id: &TrustedIssuerId,
    new: TrustedIssuerRecord,
) -> Result<TrustedIssuerRecord, RequestError> {
    let record = retry(async || {
        let (was, old) = existing(platform, id).await?;
        if old.issuer != new.issuer {
            return Err(Refusal::TrustedIssuer(TrustedIssuerError::IssuerDiffers).into());
        }
        let record = TrustedIssuerRecord { created_at: old.created_at, ..new.clone() };
        let name = record_name(platform, id);
        let sealed = kv::seal(platform, &name, &record).await?;
        let change = objects::send(platform, id, &ReplaceClient { name, was, sealed, disabled: None }).await?;
        Ok::<_, RequestError>(is_done(change)?.then_some(record))
    })
    .await?;
    forget(id);
    platform.audit.trusted_issuer(id).note(EventKind::TrustedIssuerReplaced);
    Ok(record)
}

/// Removes a trusted issuer.
///
/// # Errors
/// [`Refusal::TrustedIssuerNotFound`].
pub(crate) async fn remove(platform: &Platform, id: &TrustedIssuerId) -> Result<(), RequestError> {
    retry(async || {
        let (was, _) = existing(platform, id).await?;
        let change = objects::send(platform, id, &RemoveClient { name: record_name(platform, id), was }).await?;
        Ok::<_, RequestError>(is_done(change)?.then_some(()))
    })
    .await?;
    forget(id);
    platform.audit.trusted_issuer(id).note(EventKind::TrustedIssuerRemoved);
    Ok(())
}

/// Returns the name of the record.
pub(crate) fn record_name(platform: &Platform, id: &TrustedIssuerId) -> String {
    kv::name(platform, Kind::TrustedIssuer, id.as_str())
}

fn forget(id: &TrustedIssuerId) {
    ISSUERS.with_borrow_mut(|issuers| issuers.remove(id));
}

fn remember(platform: &Platform, id: TrustedIssuerId, record: TrustedIssuerRecord) -> Rc<TrustedIssuer> {
    let issuer = Rc::new(TrustedIssuer::from(record));
    ISSUERS.with_borrow_mut(|issuers| {
        if issuers.len() >= REMEMBER_AT_MOST {
            issuers.clear();
        }
        issuers.insert(id, Remembered { issuer: Rc::clone(&issuer), read_at: platform.now });
    });
    issuer
}

/// Returns whether the registry changed the record; `false` if another request changed it in between.
fn is_done(change: Change) -> Result<bool, Refusal> {
    match change {
        Change::Done => Ok(true),
        Change::Conflict => Ok(false),
        Change::Missing => Err(Refusal::TrustedIssuerNotFound),
    }
}
