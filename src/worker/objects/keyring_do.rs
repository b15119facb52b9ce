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

use crate::keyring::schedule::WRITE_SLACK;
use crate::keyring::{Command, Event, Import, Kept, KeyringRefusal, Ring, Terms, Unpublished};
use crate::oauth::event::Happening;

use super as objects;
use super::records::broken;
use crate::worker::audit;
use crate::worker::clock;
use crate::worker::crypto::generate;
use crate::worker::env::{Platform, STORE};
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
}

impl From<KeyringCommand> for Command {
    fn from(command: KeyringCommand) -> Self {
        match command {
            KeyringCommand::Ensure | KeyringCommand::Reseal => Self::Ensure,
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
        let command: KeyringCommand = objects::command(&mut request).await?;
        let (storage, env) = (self.state.storage(), self.env.clone());
        let anew = matches!(command, KeyringCommand::Reseal);
        let run = async move { Ok(run(command.into(), anew, storage, env).await) };
        let outcome = self.state.block_concurrency_while(run).await?;
        audit::deliver(&self.env);
        objects::reply(outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let (storage, env) = (self.state.storage(), self.env.clone());
        let finish = async move { Ok(finish(storage, env).await) };
        // A fault is thrown, so that the platform calls the alarm again.
        let outcome = self.state.block_concurrency_while(finish).await?;
        audit::deliver(&self.env);
        outcome.map_err(|fault| worker::Error::RustError(fault.kind().name().to_owned()))?;
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
    platform: Platform,
    name: String,
}

/// `anew`: is the ring to be sealed anew, whatever becomes of it?
async fn run(command: Command, anew: bool, storage: Storage, env: Env) -> Result<KeyringAnswer, Fault> {
    let platform = Platform::new(env).await?;
    let name = kv::name(&platform, Kind::Keyring, "");
    Keeper { storage, platform, name }.run(&command, anew).await
}

/// Finishes what was interrupted.
async fn finish(storage: Storage, env: Env) -> Result<(), Fault> {
    let stored: Option<Stored> = storage.get(RING).await.map_err(broken)?;
    if stored.is_some_and(|stored| !stored.published) {
        run(Command::Tend, false, storage, env).await?;
    }
    Ok(())
}

impl Keeper {
    async fn run(&self, command: &Command, anew: bool) -> Result<KeyringAnswer, Fault> {
        let (platform, now) = (&self.platform, self.platform.now);
        let authority = platform.authority();
        let terms = Terms { algorithms: authority.algorithms(), rotate_after: authority.key_rotation() };
        let stored: Option<Stored> = self.storage.get(RING).await.map_err(broken)?;
        let mut kept = self.load(stored.as_ref()).await?;
        let unknown = self.catch_up(&mut kept, &terms).await.err();

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
            if !stored.published {
                // KV had it all the time.
                self.store(&Stored { published: true, lacking: None, ..stored.clone() }).await?;
            }
            return Ok(KeyringAnswer::Sealed(stored.sealed.clone()));
        }
        match self.commit(&mut kept, &terms, events.unwrap_or_default(), unknown).await {
            Ok(sealed) => Ok(KeyringAnswer::Sealed(sealed)),
            Err(fault) if matches!(command, Command::Ensure) && !anew => self.make_do(&kept, &terms, fault).await,
            Err(fault) => Err(fault),
        }
    }

    async fn load(&self, stored: Option<&Stored>) -> Result<Kept, Fault> {
        let (ring, unpublished) = match stored {
            Some(stored) => {
                // An earlier version did not note it: its whole ring may be new.
                let all = Unpublished { since: self.platform.now, known: 0 };
                let lacking = stored.lacking.unwrap_or(all);
                (
                    kv::open(&self.platform, &self.name, &stored.sealed).await?,
                    Some(lacking).filter(|_| !stored.published),
                )
            }
            // An object that lost its storage takes up what KV has, if it can read it.
            None => (kv::read(&self.platform, &self.name).await?, None),
        };
        let ring = match ring {
            Found::Record(ring) => ring,
            Found::Nothing => Ring::default(),
            Found::Unreadable(kind) => return Err(Fault::new(kind, &format!("{} in the keyring object", self.name))),
        };
        Ok(Kept { ring, unpublished })
    }

    /// Compares what is unpublished with what KV has. A fault means that nothing may be written there.
    async fn catch_up(&self, kept: &mut Kept, terms: &Terms<'_>) -> Result<(), Fault> {
        if kept.unpublished.is_some() {
            let in_kv = match kv::read(&self.platform, &self.name).await? {
                Found::Record(ring) => Some(ring),
                Found::Nothing | Found::Unreadable(_) => None,
            };
            kept.catch_up(in_kv.as_ref(), terms, self.platform.now);
        }
        Ok(())
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
            self.platform.audit.at("keyring", false).key(kid).note(Happening::KeyCreated);
        }
        if let Some(fault) = unknown {
            return Err(fault);
        }
        self.publish(&stored.sealed).await?;
        // A write that took too long has used up some of the time for which new keys wait.
        let later = clock::now();
        if later > self.platform.now.plus(WRITE_SLACK) {
            kept.catch_up(None, terms, later);
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
