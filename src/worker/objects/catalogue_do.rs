//! The one writer of the catalogue. It is a Durable Object because KV has no compare-and-set: each change is decided from the state
//! that the one before has left.
//!
//! Commands run one after another (`block_concurrency_while`), since a change waits for WebCrypto and KV. The state is sealed here
//! as in KV, where every isolate reads it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::account::command::Command;
use crate::oauth::vocabulary::catalogue::{Catalogue, Edit, EditError, Entry};
use crate::oauth::vocabulary::exchange_rule::ExchangeRule;
use crate::oauth::vocabulary::protected_resource::{ProtectedResource, RemovedResource};
use crate::records::{ONLY, Records as _, Table};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env::Platform;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::report::Fault;
use crate::worker::tasks::block_concurrency;

use super::address;
use super::hosted::{self, Hosted};
use super::records::{SqliteRecords, broken};
use super::{Runs, object_commands, thrown};

/// Returns the catalogue. Creates an empty one where none exists, so that KV always has one: a copy that is missing there was lost.
#[derive(Deserialize, Serialize)]
pub(crate) struct EnsureCatalogue;

/// Seals the catalogue again.
#[derive(Deserialize, Serialize)]
pub(crate) struct ResealCatalogue;

/// The catalogue after a command.
#[derive(Deserialize, Serialize)]
pub(crate) struct SealedCatalogue {
    pub(crate) sealed: String,
}

/// Changes an entry of a list.
#[derive(Deserialize, Serialize)]
#[serde(transparent, bound = "")]
pub(crate) struct EditEntry<E: Entry>(pub(crate) Edit<E>);

/// The answer to a change.
pub(crate) type Edited = Result<SealedCatalogue, EditError>;
/// Changes an exchange rule.
pub(crate) type EditExchangeRule = EditEntry<ExchangeRule>;
/// Changes a registered resource.
pub(crate) type EditResource = EditEntry<ProtectedResource>;
/// Changes the note of a removed resource.
pub(crate) type EditRemovedResource = EditEntry<RemovedResource>;

object_commands! {
    CatalogueRequest in address::Catalogue {
        "ensure" => EnsureCatalogue -> SealedCatalogue,
        "reseal" => ResealCatalogue -> SealedCatalogue,
        "edit_exchange_rule" => EditExchangeRule -> Edited,
        "edit_resource" => EditResource -> Edited,
        "edit_removed_resource" => EditRemovedResource -> Edited,
    }
}

/// The catalogue of one issuer.
pub(crate) struct CatalogueObject {
    state: DurableObjectState,
    env: Env,
}

impl Hosted for CatalogueObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state, env }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: CatalogueRequest = serde_json::from_str(command)?;
        let turn = self.turn();
        block_concurrency(&self.state, async move { request.answer(&turn).await }).await?
    }

    async fn alarm(&self) -> worker::Result<()> {
        let turn = self.turn();
        // A fault is thrown, so that the platform calls the alarm again.
        block_concurrency(&self.state, async move { turn.complete().await }).await?.map_err(thrown)
    }
}

impl CatalogueObject {
    fn turn(&self) -> Turn {
        Turn { state: hosted::state(&self.state), env: self.env.clone() }
    }
}

/// The stored state.
#[derive(Deserialize, Serialize)]
struct Stored {
    sealed: String,
    /// When it was last copied to KV; `None` if KV may not have it.
    published_at: Option<UnixTime>,
}

const RETRY: Duration = Duration::from_secs(10);
/// The time after which an isolate that asks does so because KV has lost its copy, seconds: longer than KV takes to show one.
const LOST_AFTER: u64 = 300;

/// One turn of the object.
struct Turn {
    state: State,
    env: Env,
}

impl Runs<EnsureCatalogue> for Turn {
    async fn run(&self, _: EnsureCatalogue) -> Result<SealedCatalogue, Fault> {
        let platform = Platform::new(self.env.clone()).await?;
        let stored = self.ensure(&platform).await?;
        let is_published = stored.published_at.is_some_and(|at| now().is_within(LOST_AFTER, at));
        // A fault was logged. The isolate has the catalogue without KV.
        if !is_published && self.publish(&platform, &stored.sealed).await.is_err() {
            self.state.storage().set_alarm(RETRY).await.map_err(broken)?;
        }
        Ok(SealedCatalogue { sealed: stored.sealed })
    }
}

impl Runs<ResealCatalogue> for Turn {
    async fn run(&self, _: ResealCatalogue) -> Result<SealedCatalogue, Fault> {
        let platform = Platform::new(self.env.clone()).await?;
        let old = self.read(&platform).await?;
        let new = old.clone().following(&old, now());
        self.replace(&platform, &new).await
    }
}

impl<E: Entry> Runs<EditEntry<E>> for Turn
where
    EditEntry<E>: Command<Answer = Edited>,
{
    async fn run(&self, EditEntry(edit): EditEntry<E>) -> Result<Edited, Fault> {
        let platform = Platform::new(self.env.clone()).await?;
        let old = self.read(&platform).await?;
        match old.edited(edit, now()) {
            Ok(new) => self.replace(&platform, &new).await.map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl Turn {
    fn stored(&self) -> Result<Option<Stored>, Fault> {
        Ok(SqliteRecords::open(&self.state).get(Table::Catalogue, ONLY)?)
    }

    fn store(&self, sealed: String, published_at: Option<UnixTime>) -> Result<Stored, Fault> {
        let stored = Stored { sealed, published_at };
        SqliteRecords::open(&self.state).put(Table::Catalogue, ONLY, None, &stored)?;
        Ok(stored)
    }

    /// Returns the stored state: that of KV if this object has lost its own, an empty one if there is none.
    async fn ensure(&self, platform: &Platform) -> Result<Stored, Fault> {
        if let Some(stored) = self.stored()? {
            return Ok(stored);
        }
        let name = name(platform);
        let catalogue = match kv::read::<Catalogue>(platform, &name).await? {
            Found::Record(catalogue) => catalogue,
            Found::Nothing => Catalogue::default(),
            Found::Unreadable(kind) => return Err(Fault::new(kind, &format!("{name} in KV"))),
        };
        self.store(kv::seal(platform, &name, &catalogue).await?, None)
    }

    async fn read(&self, platform: &Platform) -> Result<Catalogue, Fault> {
        let (stored, name) = (self.ensure(platform).await?, name(platform));
        let opened = kv::open(platform, &name, &stored.sealed).await?;
        opened.map_err(|kind| Fault::new(kind, &format!("{name} in its object")))
    }

    /// Stores a new state and copies it to KV. If KV fails, which admits one write a second, the alarm repeats the copy: a change that is
    /// stored is never undone, since KV may have it all the same.
    async fn replace(&self, platform: &Platform, new: &Catalogue) -> Result<SealedCatalogue, Fault> {
        let name = name(platform);
        let sealed = kv::seal(platform, &name, new).await?;
        self.state.storage().set_alarm(RETRY).await.map_err(broken)?;
        self.store(sealed.clone(), None)?;
        // A fault was logged.
        let _ = self.publish(platform, &sealed).await;
        Ok(SealedCatalogue { sealed })
    }

    async fn publish(&self, platform: &Platform, sealed: &str) -> Result<(), Fault> {
        kv::write_sealed(platform, &name(platform), sealed).await?;
        self.store(sealed.to_owned(), Some(now())).map(|_| ())
    }

    /// Completes what was interrupted.
    async fn complete(&self) -> Result<(), Fault> {
        if let Some(Stored { sealed, published_at: None }) = self.stored()? {
            self.publish(&Platform::new(self.env.clone()).await?, &sealed).await?;
        }
        Ok(())
    }
}

fn name(platform: &Platform) -> String {
    kv::name(platform, Kind::Catalogue, "")
}
