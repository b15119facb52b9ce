//! One document that an isolate keeps in memory and looks for a newer copy of once a minute: the ring of keys, the catalogue.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread::LocalKey;

use crate::keyring::{Freshness, LastRead};
use crate::token::UnixTime;

use super::report::Fault;

/// The document in memory, and when it was read.
pub(crate) type Memory<T> = RefCell<Option<(Rc<T>, LastRead)>>;

/// Returns the document: from memory if it is fresh and usable, else from `read`, which gets the one in memory. If that fails, the one in
/// memory serves for as long as [`LastRead`] allows, if it is usable.
pub(crate) async fn latest<T: 'static>(
    memory: &'static LocalKey<Memory<T>>,
    now: UnixTime,
    is_usable: impl Fn(&T) -> bool,
    read: impl AsyncFnOnce(Option<Rc<T>>) -> Result<Rc<T>, Fault>,
) -> Result<Rc<T>, Fault> {
    let known = memory.with_borrow_mut(|memory| {
        let (document, last_read) = memory.as_mut()?;
        Some((last_read.check(now), Rc::clone(document), *last_read))
    });
    let Some((freshness, old, last_read)) = known else {
        return read(None).await;
    };
    if freshness == Freshness::Fresh && is_usable(&old) {
        return Ok(old);
    }
    match read(Some(Rc::clone(&old))).await {
        Ok(document) => Ok(document),
        Err(_) if last_read.may_continue(now) && is_usable(&old) => Ok(old),
        Err(fault) => Err(fault),
    }
}
