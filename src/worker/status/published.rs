//! The lists as everybody may read them: signed, and served from memory. An isolate looks for a newer state of a list every few
//! seconds, when somebody asks for it.

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
    /// What names this state of it: the same for every isolate.
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

/// How many lists there are, asked at most once a second.
pub(crate) async fn count(platform: &Platform) -> Result<u32, Fault> {
    if let Some((count, _)) = COUNT.with_borrow(|count| *count).filter(|(_, at)| *at == platform.now) {
        return Ok(count);
    }
    let count = objects::send(platform, &StatusDirectory, &CountLists).await?;
    COUNT.with_borrow_mut(|known| *known = Some((count, platform.now)));
    Ok(count)
}

/// The signed list of this name, if there is one.
pub(crate) async fn list(platform: &Platform, id: ListId) -> Result<Option<Rc<SignedList>>, Fault> {
    let now = platform.now;
    // A list whose key is not trusted any more is of no use to anybody.
    let signer = ring::signing_thumbprint(platform).await?;
    let kept = KEPT.with_borrow_mut(|kept| {
        let entry = kept.get_mut(&id)?;
        let looking = now.is_within(STATUS_REFRESH, entry.looked_at);
        // Whoever finds it old goes to look, the others go on with what is there: for as long again.
        let usable = looking && now.is_within(2 * STATUS_REFRESH, entry.read_at) && entry.list.stands(&signer, now);
        if !usable {
            entry.looked_at = now;
        }
        Some((usable, entry.list.clone()))
    });
    match kept {
        Some((true, list)) => Ok(Some(list)),
        Some((false, old)) => renew(platform, id, &signer, Some(old)).await.map(Some),
        // Nobody may have us wake objects of lists that never were.
        None if !exists(platform, id).await? => Ok(None),
        None => renew(platform, id, &signer, None).await.map(Some),
    }
}

impl SignedList {
    /// Would it be signed in the same way now?
    fn stands(&self, signer: &str, now: UnixTime) -> bool {
        self.span == span_start(now) && self.signed_by == signer
    }
}

/// Once there, a list stays. The one that will be opened next may have been opened just now.
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
        (None, Some(old)) if old.stands(signer, platform.now) => old,
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
