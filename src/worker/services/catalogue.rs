//! The catalogue of the issuer, as an isolate knows it.
//!
//! A warm isolate reads nothing: it has the catalogue in memory, and reads a newer one once a minute. A catalogue that cannot be read is
//! a fault and never an empty one: without its rules, a token could have a scope or a sign-in that its resource does not accept.

use std::rc::Rc;

use crate::keyring::LastRead;
use crate::oauth::vocabulary::catalogue::{Catalogue, Edit, EditError, Entry};
use crate::worker::env::Platform;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::latest::{Memory, latest};
use crate::worker::objects::catalogue_do::{EditEntry, Edited, EnsureCatalogue, SealedCatalogue};
use crate::worker::objects::{self, ObjectCommand, address};
use crate::worker::report::Fault;

thread_local! {
    /// The catalogue of this isolate.
    static MEMORY: Memory<Catalogue> = Memory::default();
}

/// Returns the catalogue, which is two minutes old at most while KV or the object responds.
pub(crate) async fn current(platform: &Platform) -> Result<Rc<Catalogue>, Fault> {
    latest(&MEMORY, platform.now, |_| true, async |_| read(platform).await).await
}

/// Returns the catalogue from its object: exact.
pub(crate) async fn exact(platform: &Platform) -> Result<Rc<Catalogue>, Fault> {
    let SealedCatalogue { sealed } = objects::send(platform, &address::Catalogue, &EnsureCatalogue).await?;
    adopt(platform, &sealed).await
}

/// Changes an entry, and returns the catalogue after it.
pub(crate) async fn edit<E: Entry>(
    platform: &Platform,
    edit: Edit<E>,
) -> Result<Result<Rc<Catalogue>, EditError>, Fault>
where
    EditEntry<E>: ObjectCommand<Namespace = address::Catalogue, Answer = Edited>,
{
    match objects::send(platform, &address::Catalogue, &EditEntry(edit)).await? {
        Ok(SealedCatalogue { sealed }) => adopt(platform, &sealed).await.map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

/// Returns the name of the record.
pub(crate) fn record_name(platform: &Platform) -> String {
    kv::name(platform, Kind::Catalogue, "")
}

/// Reads the catalogue from KV. Asks the object if KV has none, or it cannot be read.
async fn read(platform: &Platform) -> Result<Rc<Catalogue>, Fault> {
    let name = record_name(platform);
    match kv::read(platform, &name).await {
        Ok(Found::Record(catalogue)) => return Ok(remember(platform, catalogue)),
        Ok(Found::Unreadable(kind)) => {
            // Logged for the operator; the object may have a copy that opens.
            let _ = Fault::new(kind, &format!("{name} in KV"));
        }
        Ok(Found::Nothing) | Err(_) => {}
    }
    exact(platform).await
}

async fn adopt(platform: &Platform, sealed: &str) -> Result<Rc<Catalogue>, Fault> {
    let name = record_name(platform);
    let catalogue = kv::open(platform, &name, sealed).await?;
    Ok(remember(platform, catalogue.map_err(|kind| Fault::new(kind, &format!("{name} in its object")))?))
}

/// Keeps the newer of this catalogue and the one in memory: KV may be a minute behind.
fn remember(platform: &Platform, catalogue: Catalogue) -> Rc<Catalogue> {
    MEMORY.with_borrow_mut(|memory| {
        let newer = match memory {
            Some((known, _)) if catalogue.is_older_than(known) => Rc::clone(known),
            Some(_) | None => Rc::new(catalogue),
        };
        *memory = Some((Rc::clone(&newer), LastRead::at(platform.now)));
        newer
    })
}
