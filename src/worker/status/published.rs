//! The published status lists: signed, and served from memory. An isolate looks for a newer state of a list every few seconds,
//! when a request needs it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::limits::{KEPT_LISTS, STATUS_REFRESH};
use crate::oauth::status::revoked::EncodedList;
use crate::oauth::status::{ListId, list_claims, span_start};
use crate::token::UnixTime;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::address::StatusDirectory;
use crate::worker::objects::status_directory_do::CountLists;
use crate::worker::objects::status_list_do;
use crate::worker::report::Fault;
use crate::worker::ring;

/// A signed list.
pub(crate) struct SignedList {
    /// The status list token.
    pub(crate) text: String,
    /// The ETag of this state of the list: the same in every isolate.
    pub(crate) tag: String,
    lst: String,
    digest: String,
    span: UnixTime,
    /// The RFC 7638 thumbprint of the key that signed it: two keys may have had one `kid`.
    signed_by: String,
}

#[derive(Clone)]
struct Kept {
    list: Rc<SignedList>,
    read_at: UnixTime,
    looked_at: UnixTime,
}

thread_local! {
    static KEPT: RefCell<HashMap<ListId, Kept>> = RefCell::default();
    static COUNT: RefCell<Option<(u32, UnixTime)>> = const { RefCell::new(None) };
}

/// Returns the number of lists, read at most once a second.
pub(crate) async fn count(platform: &Platform) -> Result<u32, Fault> {
    if let Some((count, _)) = COUNT.with_borrow(|count| *count).filter(|(_, at)| *at == platform.now) {
        return Ok(count);
    }
    let count = objects::send(platform, &StatusDirectory, &CountLists).await?;
    COUNT.with_borrow_mut(|known| *known = Some((count, platform.now)));
    Ok(count)
}

/// Returns a signed list, if it exists.
pub(crate) async fn list(platform: &Platform, id: ListId) -> Result<Option<Rc<SignedList>>, Fault> {
    let now = platform.now;
    // Verifiers reject a list whose key is not trusted any more.
    let signer = ring::signing_thumbprint(platform).await?;
    let kept = KEPT.with_borrow_mut(|kept| {
        let entry = kept.get_mut(&id)?;
        let looking = now.is_within(STATUS_REFRESH, entry.looked_at);
        // The request that finds the list old renews it. Until then others use the old list, for as long again at most.
        let usable = looking && now.is_within(2 * STATUS_REFRESH, entry.read_at) && entry.list.is_current(&signer, now);
        if !usable {
            entry.looked_at = now;
        }
        Some((usable, entry.list.clone()))
    });
    match kept {
        Some((true, list)) => Ok(Some(list)),
        Some((false, old)) => renew(platform, id, &signer, Some(old)).await.map(Some),
        // A request must not wake objects of lists that never existed.
        None if !exists(platform, id).await? => Ok(None),
        None => renew(platform, id, &signer, None).await.map(Some),
    }
}

impl SignedList {
    /// Returns whether it would be signed in the same way now.
    fn is_current(&self, signer: &str, now: UnixTime) -> bool {
        self.span == span_start(now) && self.signed_by == signer
    }
}

/// Returns whether a list exists. Lists are never deleted; the next one may have been opened just now.
async fn exists(platform: &Platform, id: ListId) -> Result<bool, Fault> {
    let known = COUNT.with_borrow(|count| count.is_some_and(|(count, _)| id.0 <= count));
    Ok(known || id.0 <= count(platform).await?)
}

async fn renew(
    platform: &Platform,
    id: ListId,
    signer: &str,
    old: Option<Rc<SignedList>>,
) -> Result<Rc<SignedList>, Fault> {
    let known = old.as_ref().map(|old| old.digest.clone());
    let list = match (status_list_do::read(platform, id, known).await?, old) {
        (None, Some(old)) if old.is_current(signer, platform.now) => old,
        (None, Some(old)) => sign(platform, id, old.lst.clone(), old.digest.clone()).await?,
        (Some(EncodedList { lst, digest }), _) => sign(platform, id, lst, digest).await?,
        (None, None) => return Err(objects::unavailable("an unchanged list that was never read")),
    };
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_LISTS && !kept.contains_key(&id) {
            kept.clear();
        }
        let at = platform.now;
        kept.insert(id, Kept { list: Rc::clone(&list), read_at: at, looked_at: at });
    });
    Ok(list)
}

async fn sign(platform: &Platform, id: ListId, lst: String, digest: String) -> Result<Rc<SignedList>, Fault> {
    let claims = list_claims(platform.authority(), id, &lst, platform.now);
    let (text, signed_by) = ring::mint_status_list(platform, &claims).await?;
    let span = span_start(platform.now);
    let tag = format!("W/\"{id}.{}.{digest}.{}\"", span.0, signed_by.get(..16).unwrap_or_default());
    Ok(Rc::new(SignedList { text, tag, lst, digest, span, signed_by }))
}
