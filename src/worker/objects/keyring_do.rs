//! The one writer of the keyring. It is a Durable Object because KV has no compare-and-set: isolates that find no key at the
//! same moment all ask this object, and it generates one.
//!
//! [`Keeper`] decides what a command does and in which order; this file executes the effects. Commands run one after another
//! (`block_concurrency_while`), since generating a key waits for WebCrypto.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::worker_sys::DurableObjectState;
use worker::{Env, Storage};

use crate::keyring::keeper::{Failure, Host, InKv, Keeper, Outcome, Step};
use crate::keyring::{Command, Import, KeyId, KeyringRefusal, Stored, Terms};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::UnixTime;

use super as objects;
use super::address::Keyring;
use super::hosted::{self, Hosted};
use super::records::broken;
use super::{Runs, object_commands};
use crate::worker::clock;
use crate::worker::crypto::generate;
use crate::worker::env::Platform;
use crate::worker::event_delivery;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::report::{Fault, FaultKind};
use crate::worker::tasks::block_concurrency;

/// Returns the ring. Generates the keys that must sign now, and no others.
#[derive(Deserialize, Serialize)]
pub(crate) struct Ensure {
    /// The time by the clock of the isolate that asks.
    pub(crate) asked_at: UnixTime,
}

/// As [`Ensure`]; seals the ring again.
#[derive(Deserialize, Serialize)]
pub(crate) struct ResealRing {
    pub(crate) asked_at: UnixTime,
}

/// Generates a next key for each algorithm, and rotates if that is due.
#[derive(Deserialize, Serialize)]
pub(crate) struct Tend {
    pub(crate) asked_at: UnixTime,
}

/// Lets the next key of each algorithm sign.
#[derive(Deserialize, Serialize)]
pub(crate) struct Rotate {
    pub(crate) asked_at: UnixTime,
}

/// Revokes a key.
#[derive(Deserialize, Serialize)]
pub(crate) struct Revoke {
    pub(crate) asked_at: UnixTime,
    pub(crate) kid: KeyId,
}

/// Imports a key of another issuer.
#[derive(Deserialize, Serialize)]
pub(crate) struct ImportKey {
    pub(crate) asked_at: UnixTime,
    pub(crate) import: Box<Import>,
}

/// Revokes all keys: all state was restored from a backup.
#[derive(Deserialize, Serialize)]
pub(crate) struct Restored {
    pub(crate) asked_at: UnixTime,
}

/// The ring after a command.
#[derive(Deserialize, Serialize)]
pub(crate) struct SealedRing {
    pub(crate) sealed: String,
}

/// The ring after a change that may be refused.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Changed {
    Sealed(String),
    Refused(KeyringRefusal),
}

object_commands! {
    KeyringRequest in Keyring {
        "ensure" => Ensure -> SealedRing,
        "reseal" => ResealRing -> SealedRing,
        "tend" => Tend -> SealedRing,
        "rotate" => Rotate -> SealedRing,
        "revoke" => Revoke -> Changed,
        "import" => ImportKey -> Changed,
        "restored" => Restored -> SealedRing,
    }
}

/// The keyring of one issuer.
pub(crate) struct KeyringObject {
    state: DurableObjectState,
    env: Env,
}

impl Hosted for KeyringObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state, env }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: KeyringRequest = serde_json::from_str(command)?;
        let turn = self.turn();
        let reply = block_concurrency(&self.state, async move { request.answer(&turn).await }).await?;
        event_delivery::deliver(&self.env);
        reply
    }

    async fn alarm(&self) -> worker::Result<()> {
        let turn = self.turn();
        // A fault is thrown, so that the platform calls the alarm again.
        let outcome = block_concurrency(&self.state, async move { turn.resume().await }).await?;
        event_delivery::deliver(&self.env);
        outcome.map_err(objects::thrown)?;
        Ok(())
    }
}

impl KeyringObject {
    fn turn(&self) -> Turn {
        Turn { storage: hosted::state(&self.state).storage(), env: self.env.clone() }
    }
}

const RING: &str = "ring";
const RETRY: Duration = Duration::from_secs(10);

/// One turn of the object.
struct Turn {
    storage: Storage,
    env: Env,
}

impl Runs<Ensure> for Turn {
    async fn run(&self, Ensure { asked_at }: Ensure) -> Result<SealedRing, Fault> {
        self.tend(Command::Ensure, asked_at).await
    }
}

impl Runs<ResealRing> for Turn {
    async fn run(&self, ResealRing { asked_at }: ResealRing) -> Result<SealedRing, Fault> {
        self.tend(Command::Reseal, asked_at).await
    }
}

impl Runs<Tend> for Turn {
    async fn run(&self, Tend { asked_at }: Tend) -> Result<SealedRing, Fault> {
        self.tend(Command::Tend, asked_at).await
    }
}

impl Runs<Rotate> for Turn {
    async fn run(&self, Rotate { asked_at }: Rotate) -> Result<SealedRing, Fault> {
        self.tend(Command::Rotate, asked_at).await
    }
}

impl Runs<Revoke> for Turn {
    async fn run(&self, Revoke { asked_at, kid }: Revoke) -> Result<Changed, Fault> {
        self.change(Command::Revoke(kid), asked_at).await
    }
}

impl Runs<ImportKey> for Turn {
    async fn run(&self, ImportKey { asked_at, import }: ImportKey) -> Result<Changed, Fault> {
        self.change(Command::Import(import), asked_at).await
    }
}

impl Runs<Restored> for Turn {
    async fn run(&self, Restored { asked_at }: Restored) -> Result<SealedRing, Fault> {
        self.tend(Command::Restored, asked_at).await
    }
}

impl Turn {
    /// Runs a command that is never refused.
    async fn tend(&self, command: Command, asked_at: UnixTime) -> Result<SealedRing, Fault> {
        match self.start(command, asked_at).await? {
            Outcome::Ring(sealed) => Ok(SealedRing { sealed }),
            // Only commands that name a key are.
            Outcome::Refused(refusal) => Err(objects::unavailable(refusal)),
        }
    }

    /// Runs a command that names a key.
    async fn change(&self, command: Command, asked_at: UnixTime) -> Result<Changed, Fault> {
        Ok(match self.start(command, asked_at).await? {
            Outcome::Ring(sealed) => Changed::Sealed(sealed),
            Outcome::Refused(refusal) => Changed::Refused(refusal),
        })
    }

    async fn start(&self, command: Command, asked_at: UnixTime) -> Result<Outcome<InWorker>, Fault> {
        let platform = Platform::new(self.env.clone()).await?;
        let keeper = Keeper::of_request(command, asked_at, platform.now, terms(&platform));
        Effects::new(self, &platform).execute(keeper.start()).await
    }

    /// Completes what was interrupted.
    async fn resume(&self) -> Result<(), Fault> {
        let record: Option<Stored<String>> = self.storage.get(RING).await.map_err(broken)?;
        if record.is_some_and(|record| record.is_interrupted()) {
            let platform = Platform::new(self.env.clone()).await?;
            let keeper = Keeper::of_alarm(platform.now, terms(&platform));
            Effects::new(self, &platform).execute(keeper.start()).await?;
        }
        Ok(())
    }
}

fn terms(platform: &Platform) -> Terms<'_> {
    let authority = platform.authority();
    Terms { algorithms: authority.algorithms(), rotate_after: authority.key_rotation() }
}

/// The keeper's values in the Worker.
struct InWorker;

impl Host for InWorker {
    type Sealed = String;
    type Fault = Fault;
    type Unreadable = FaultKind;
}

/// Executes the effects of the keeper.
struct Effects<'t> {
    storage: &'t Storage,
    platform: &'t Platform,
    /// The name of the ring in KV, which its seal depends on.
    name: String,
}

impl<'t> Effects<'t> {
    fn new(turn: &'t Turn, platform: &'t Platform) -> Self {
        Self { storage: &turn.storage, platform, name: kv::name(platform, Kind::Keyring, "") }
    }

    async fn execute(&self, mut step: Step<'_, InWorker>) -> Result<Outcome<InWorker>, Fault> {
        loop {
            step = match step {
                Step::ReadStored(then) => then.with(self.storage.get(RING).await.map_err(broken)),
                Step::ReadKv(then) => then.with(self.read_kv().await),
                Step::Open(sealed, then) => then.with(kv::open(self.platform, &self.name, &sealed).await),
                Step::Generate(algorithm, then) => then.with(generate(algorithm).await),
                Step::Seal(ring, then) => then.with(kv::seal(self.platform, &self.name, &ring).await),
                Step::SetAlarm(then) => then.with(self.storage.set_alarm(RETRY).await.map_err(broken)),
                Step::Store(record, then) => then.with(self.store(&record).await),
                Step::ReportCreated(keys, then) => {
                    self.report_created(&keys);
                    then.with(Ok(()))
                }
                Step::Publish(sealed, then) => then.with(self.publish(&sealed).await),
                Step::DeleteAlarm(then) => then.with(self.storage.delete_alarm().await.map_err(broken)),
                Step::Done(Ok(outcome)) => return Ok(outcome),
                Step::Done(Err(Failure::Fault(fault))) => return Err(fault),
                Step::Done(Err(Failure::Unreadable(kind))) => {
                    return Err(Fault::new(kind, &format!("{} in the keyring object", self.name)));
                }
            };
        }
    }

    async fn read_kv(&self) -> Result<InKv<InWorker>, Fault> {
        Ok(match kv::read(self.platform, &self.name).await? {
            Found::Nothing => InKv::Nothing,
            Found::Unreadable(kind) => InKv::Unreadable(kind),
            Found::Record(ring) => InKv::Ring(ring),
        })
    }

    async fn store(&self, record: &Stored<String>) -> Result<(), Fault> {
        self.storage.put(RING, record).await.map_err(broken)
    }

    fn report_created(&self, keys: &[KeyId]) {
        for kid in keys {
            self.platform.audit.at("keyring", false).key(kid).note(EventKind::KeyCreated);
        }
    }

    async fn publish(&self, sealed: &str) -> Result<UnixTime, Fault> {
        kv::write_sealed(self.platform, &self.name, sealed).await?;
        Ok(clock::now())
    }
}
