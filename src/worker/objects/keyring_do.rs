//! The one writer of the keyring. It lives in a Durable Object because KV has no compare-and-set: however many isolates
//! find no key at the same moment, they all ask this object, and it makes one.
//!
//! Commands run one after another (`block_concurrency_while`), since making a key waits for WebCrypto. A change is
//! stored here first, marked as unpublished, then written to KV, then marked as published; its alarm, the next command and
//! cron finish what was interrupted, as [`Kept`] decides.
//! It never makes a key while a stored ring exists that it cannot open.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, Storage, durable_object};

use crate::keyring::schedule::{CLOCK_SKEW, WRITE_SLACK};
use crate::keyring::{Command, Event, Import, Kept, KeyringRefusal, Ring, Terms, Unpublished};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::UnixTime;

use super as objects;
use super::ObjectCommand;
use super::address::Keyring;
use super::records::broken;
use crate::worker::clock;
use crate::worker::crypto::generate;
use crate::worker::env::{Platform, STORE};
use crate::worker::event_delivery;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::report::Fault;

/// What can be asked of the keyring.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyringCommand {
    /// The ring, with whatever must sign made first.
    Ensure,
    /// The same, sealed anew.
    Reseal,
    /// The same, with a next key for every algorithm.
    Tend,
    /// The next keys take over.
    Rotate,
    /// A key goes at once.
    Revoke(String),
    /// A key comes in.
    Import(Box<Import>),
    /// All state was restored from a backup.
    Restored,
}

/// A command, and when it was sent by the clock of the isolate that asks.
#[derive(Deserialize, Serialize)]
pub(crate) struct KeyringRequest {
    pub(crate) command: KeyringCommand,
    pub(crate) asked_at: UnixTime,
}

impl KeyringRequest {
    /// By which time it is decided. The clock of an object that goes on working never runs backwards: one that was ahead and was
    /// set right stays ahead here until the object is started again. An isolate reads its clock for each request. And what is to
    /// sign for an isolate must have begun by the isolate's clock.
    fn decided_at(&self, now: UnixTime) -> UnixTime {
        let is_off = self.asked_at.plus(CLOCK_SKEW) < now;
        if is_off || matches!(self.command, KeyringCommand::Ensure) { self.asked_at.min(now) } else { now }
    }
}

impl ObjectCommand for KeyringRequest {
    type Namespace = Keyring;
    type Answer = KeyringAnswer;

    fn encode(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl From<KeyringCommand> for Command {
    fn from(command: KeyringCommand) -> Self {
        match command {
            KeyringCommand::Ensure | KeyringCommand::Reseal => Self::Ensure,
            KeyringCommand::Restored => Self::Restored,
            KeyringCommand::Tend => Self::Tend,
            KeyringCommand::Rotate => Self::Rotate,
            KeyringCommand::Revoke(kid) => Self::Revoke(kid),
            KeyringCommand::Import(import) => Self::Import(import),
        }
    }
}

/// The sealed ring, or why a change of it is refused.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyringAnswer {
    Sealed(String),
    Refused(KeyringRefusal),
}

/// The keyring of one issuer.
#[durable_object(alarm)]
pub struct KeyringObject {
    state: State,
    env: Env,
}

impl DurableObject for KeyringObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let asked: KeyringRequest = objects::command(&mut request).await?;
        let (storage, env) = (self.state.storage(), self.env.clone());
        let run = async move { Ok(run(Some(asked), storage, env).await) };
        let outcome = self.state.block_concurrency_while(run).await?;
        event_delivery::deliver(&self.env);
        objects::reply(outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let (storage, env) = (self.state.storage(), self.env.clone());
        let finish = async move { Ok(finish(storage, env).await) };
        // A fault is thrown, so that the platform calls the alarm again.
        let outcome = self.state.block_concurrency_while(finish).await?;
        event_delivery::deliver(&self.env);
        outcome.map_err(objects::thrown)?;
        Response::empty()
    }
}

/// The stored ring, and whether KV has it.
#[derive(Clone, Deserialize, Serialize)]
struct Stored {
    sealed: String,
    published: bool,
    /// Which changes KV may not have.
    #[serde(default)]
    lacking: Option<Unpublished>,
}

const RING: &str = "ring";
const RETRY: Duration = Duration::from_secs(10);

/// The object's storage, and what it needs to know.
struct Keeper {
    storage: Storage,
    /// With the time by which the command is decided.
    platform: Platform,
    /// When the command came, by the object's own clock.
    started: UnixTime,
    name: String,
}

/// Without a request, the object tends the ring by itself.
async fn run(asked: Option<KeyringRequest>, storage: Storage, env: Env) -> Result<KeyringAnswer, Fault> {
    let platform = Platform::new(env).await?;
    let started = platform.now;
    let now = asked.as_ref().map_or(started, |asked| asked.decided_at(started));
    let platform = Platform { now, ..platform };
    let command = asked.map_or(KeyringCommand::Tend, |asked| asked.command);
    let name = kv::name(&platform, Kind::Keyring, "");
    // To be sealed by the current key-encryption key, whether or not it changes.
    let anew = matches!(command, KeyringCommand::Reseal);
    Keeper { storage, platform, started, name }.run(&command.into(), anew).await
}

/// Finishes what was interrupted.
async fn finish(storage: Storage, env: Env) -> Result<(), Fault> {
    let stored: Option<Stored> = storage.get(RING).await.map_err(broken)?;
    if stored.is_some_and(|stored| !stored.published) {
        run(None, storage, env).await?;
    }
    Ok(())
}

impl Keeper {
    async fn run(&self, command: &Command, anew: bool) -> Result<KeyringAnswer, Fault> {
        let (platform, now) = (&self.platform, self.platform.now);
        let authority = platform.authority();
        let terms = Terms { algorithms: authority.algorithms(), rotate_after: authority.key_rotation() };
        let stored: Option<Stored> = self.storage.get(RING).await.map_err(broken)?;
        let read = kv::read::<Ring>(platform, &self.name).await;
        let (in_kv, unknown) = match &read {
            Ok(Found::Record(ring)) => (Some(ring), None),
            Ok(Found::Nothing | Found::Unreadable(_)) => (None, None),
            // Then nothing may be written there either: it may be ahead.
            Err(fault) => (None, Some(*fault)),
        };
        let mut kept = self.load(stored.as_ref(), &read).await?;
        let was_behind = unknown.is_none() && kept.catch_up(in_kv, &terms, now);

        let needs = match kept.ring.needs(command, &terms, now) {
            Ok(needs) => needs,
            Err(refusal) => return Ok(KeyringAnswer::Refused(refusal)),
        };
        let mut materials = Vec::with_capacity(needs.len());
        for algorithm in needs {
            materials.push(generate(algorithm).await?);
        }
        let events = match kept.apply(command, materials, &terms, now) {
            Ok(events) => events,
            Err(refusal) => return Ok(KeyringAnswer::Refused(refusal)),
        };
        if let (Some(stored), None, false) = (&stored, &events, anew) {
            let mut stored = stored.clone();
            if was_behind {
                stored.sealed = kv::seal(platform, &self.name, &kept.ring).await?;
            }
            if was_behind || !stored.published {
                // KV had it all the time.
                stored = Stored { published: true, lacking: None, ..stored };
                self.store(&stored).await?;
            }
            let is_readable = matches!(read, Ok(Found::Record(_) | Found::Nothing));
            if is_readable && kept.is_to_be_published_again(in_kv) {
                // The next command tries again: what is asked for is there all the same.
                let _ = self.publish(&stored.sealed).await;
            }
            return Ok(KeyringAnswer::Sealed(stored.sealed));
        }
        match self.commit(&mut kept, &terms, events.unwrap_or_default(), unknown).await {
            Ok(sealed) => Ok(KeyringAnswer::Sealed(sealed)),
            Err(fault) if matches!(command, Command::Ensure) && !anew => self.make_do(&kept, &terms, fault).await,
            Err(fault) => Err(fault),
        }
    }

    async fn load(&self, stored: Option<&Stored>, in_kv: &Result<Found<Ring>, Fault>) -> Result<Kept, Fault> {
        let found;
        let (ring, unpublished) = match stored {
            Some(stored) => {
                // An earlier version did not note it: its whole ring may be new.
                let all = Unpublished { since: self.platform.now, known: 0 };
                let lacking = stored.lacking.unwrap_or(all);
                found = kv::open(&self.platform, &self.name, &stored.sealed).await?.into();
                (&found, Some(lacking).filter(|_| !stored.published))
            }
            // An object that lost its storage takes up what KV has, if it can read it.
            None => (in_kv.as_ref().map_err(|fault| *fault)?, None),
        };
        let ring = match ring {
            Found::Record(ring) => ring.clone(),
            Found::Nothing => Ring::default(),
            Found::Unreadable(kind) => return Err(Fault::new(*kind, &format!("{} in the keyring object", self.name))),
        };
        Ok(Kept { ring, unpublished })
    }

    /// KV cannot be written: whoever asked gets what it may act on all the same, if that can sign.
    async fn make_do(&self, kept: &Kept, terms: &Terms<'_>, fault: Fault) -> Result<KeyringAnswer, Fault> {
        let ring = kept.surely_known(terms, self.platform.now);
        match ring.preferred_signer(terms.algorithms, self.platform.now) {
            Some(_) => Ok(KeyringAnswer::Sealed(kv::seal(&self.platform, &self.name, &ring).await?)),
            None => Err(fault),
        }
    }

    /// Stores, publishes, marks. What cannot be published is stored all the same: a revocation must not be forgotten.
    async fn commit(
        &self,
        kept: &mut Kept,
        terms: &Terms<'_>,
        events: Vec<(Event, String)>,
        unknown: Option<Fault>,
    ) -> Result<String, Fault> {
        self.storage.set_alarm(RETRY).await.map_err(broken)?;
        let mut stored = self.keep(kept).await?;
        // What an operator asked for is told where that is known by whom.
        for (_, kid) in events.iter().filter(|(event, _)| matches!(event, Event::Created)) {
            self.platform.audit.at("keyring", false).key(kid).note(EventKind::KeyCreated);
        }
        if let Some(fault) = unknown {
            return Err(fault);
        }
        self.publish(&stored.sealed).await?;
        // A write that took too long has used up some of the time for which new keys wait.
        let took = clock::now().0.saturating_sub(self.started.0);
        if took > WRITE_SLACK {
            kept.catch_up(None, terms, self.platform.now.plus(took));
            stored = self.keep(kept).await?;
            self.publish(&stored.sealed).await?;
        }
        let stored = Stored { published: true, lacking: None, ..stored };
        self.store(&stored).await?;
        self.storage.delete_alarm().await.map_err(broken)?;
        Ok(stored.sealed)
    }

    async fn keep(&self, kept: &Kept) -> Result<Stored, Fault> {
        let sealed = kv::seal(&self.platform, &self.name, &kept.ring).await?;
        // Where nothing has changed, nothing is to be planned anew.
        let nothing = Unpublished { since: self.platform.now, known: kept.ring.version() };
        let stored = Stored { sealed, published: false, lacking: Some(kept.unpublished.unwrap_or(nothing)) };
        self.store(&stored).await?;
        Ok(stored)
    }

    async fn publish(&self, sealed: &str) -> Result<(), Fault> {
        let store = self.platform.env.kv(STORE).map_err(kv::unavailable)?;
        store.put(&self.name, sealed).map_err(kv::unavailable)?.execute().await.map_err(kv::unavailable)
    }

    async fn store(&self, stored: &Stored) -> Result<(), Fault> {
        self.storage.put(RING, stored).await.map_err(broken)
    }
}
