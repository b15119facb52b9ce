//! The one writer of the keyring. It lives in a Durable Object because KV has no compare-and-set: however many isolates
//! find no key at the same moment, they all ask this object, and it makes one.
//!
//! Commands run one after another (`block_concurrency_while`), since making a key waits for WebCrypto. A change is
//! stored here first, marked as unpublished, then written to KV. If KV fails, the change is taken back; if the object
//! dies in between, its alarm publishes what is stored.
//! It never makes a key while a stored ring exists that it cannot open.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, Storage, durable_object};

use crate::keyring::Ring;
use crate::oauth::event::Happening;
use crate::token::Algorithm;

use super as objects;
use super::records::broken;
use crate::worker::audit;
use crate::worker::crypto::generate;
use crate::worker::env::{Platform, STORE};
use crate::worker::kv::{self, Found, Kind};
use crate::worker::report::Fault;

/// What can be asked of the keyring.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyringCommand {
    /// The ring, with whatever key it lacks made first.
    Ensure,
    /// The same, sealed anew.
    Reseal,
    /// A successor for every algorithm that has none waiting.
    Rotate,
}

/// The sealed ring.
#[derive(Deserialize, Serialize)]
pub(crate) struct SealedRing(pub(crate) String);

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
        let command = objects::command(&mut request).await?;
        let (storage, env) = (self.state.storage(), self.env.clone());
        let outcome = self.state.block_concurrency_while(async move { Ok(run(command, storage, env).await) });
        let outcome = outcome.await?;
        audit::deliver(&self.env);
        objects::reply(outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let (storage, env) = (self.state.storage(), self.env.clone());
        let outcome = self.state.block_concurrency_while(async move { Ok(publish_pending(storage, env).await) });
        // A fault is thrown, so that the platform calls the alarm again.
        outcome.await?.map_err(|fault| worker::Error::RustError(fault.kind().name().to_owned()))?;
        Response::empty()
    }
}

/// The stored ring, and whether KV has it.
#[derive(Clone, Deserialize, Serialize)]
struct Stored {
    sealed: String,
    published: bool,
}

const RING: &str = "ring";
const RETRY: Duration = Duration::from_secs(10);

async fn run(command: KeyringCommand, storage: Storage, env: Env) -> Result<SealedRing, Fault> {
    let platform = Platform::new(env).await?;
    let name = kv::name(&platform, Kind::Keyring, "");
    let stored: Option<Stored> = storage.get(RING).await.map_err(broken)?;
    let mut ring = match &stored {
        Some(stored) => opened(kv::open(&platform, &name, &stored.sealed).await?)?,
        // An object that lost its storage takes up what KV has, if it can read it.
        None => match kv::read(&platform, &name).await? {
            Found::Nothing => Ring::default(),
            found @ (Found::Record(_) | Found::Unreadable(_)) => opened(found)?,
        },
    };

    let pruned = ring.prune(platform.now);
    let algorithms = platform.authority().algorithms();
    let wanted: Vec<Algorithm> = match command {
        KeyringCommand::Ensure | KeyringCommand::Reseal => ring.wanting(algorithms, platform.now),
        KeyringCommand::Rotate => {
            let lacks = |algorithm: &Algorithm| ring.next(*algorithm, platform.now).is_none();
            algorithms.iter().copied().filter(lacks).collect()
        }
    };
    let mut materials = Vec::new();
    for algorithm in &wanted {
        materials.push(generate(*algorithm).await?);
    }
    let known: Vec<_> = ring.kids().map(str::to_owned).collect();
    ring.admit(materials, platform.now);
    let made: Vec<_> = ring.kids().map(str::to_owned).filter(|kid| !known.contains(kid)).collect();

    let reseals = matches!(command, KeyringCommand::Reseal);
    match stored {
        Some(stored) if stored.published && !pruned && !reseals && wanted.is_empty() => Ok(SealedRing(stored.sealed)),
        previous => {
            let sealed = kv::seal(&platform, &name, &ring).await?;
            let committed = commit(&storage, &platform, &name, previous, sealed).await?;
            platform.audit.at("keyring", false);
            made.iter().for_each(|kid| platform.audit.key(kid).note(Happening::KeyCreated));
            Ok(committed)
        }
    }
}

async fn commit(
    storage: &Storage,
    platform: &Platform,
    name: &str,
    previous: Option<Stored>,
    sealed: String,
) -> Result<SealedRing, Fault> {
    let mut stored = Stored { sealed, published: false };
    storage.set_alarm(RETRY).await.map_err(broken)?;
    storage.put(RING, &stored).await.map_err(broken)?;
    if let Err(fault) = publish(platform, name, &stored.sealed).await {
        match previous {
            Some(previous) => storage.put(RING, &previous).await.map_err(broken)?,
            None => storage.delete(RING).await.map(|_| ()).map_err(broken)?,
        }
        return Err(fault);
    }
    stored.published = true;
    storage.put(RING, &stored).await.map_err(broken)?;
    storage.delete_alarm().await.map_err(broken)?;
    Ok(SealedRing(stored.sealed))
}

async fn publish_pending(storage: Storage, env: Env) -> Result<(), Fault> {
    let stored: Option<Stored> = storage.get(RING).await.map_err(broken)?;
    if let Some(mut stored) = stored.filter(|stored| !stored.published) {
        let platform = Platform::new(env).await?;
        publish(&platform, &kv::name(&platform, Kind::Keyring, ""), &stored.sealed).await?;
        stored.published = true;
        storage.put(RING, &stored).await.map_err(broken)?;
    }
    Ok(())
}

async fn publish(platform: &Platform, name: &str, sealed: &str) -> Result<(), Fault> {
    let store = platform.env.kv(STORE).map_err(kv::unavailable)?;
    store.put(name, sealed).map_err(kv::unavailable)?.execute().await.map_err(kv::unavailable)
}

fn opened(found: Found<Ring>) -> Result<Ring, Fault> {
    match found {
        Found::Record(ring) => Ok(ring),
        Found::Unreadable(kind) => Err(Fault::new(kind, &"the stored keyring")),
        Found::Nothing => Ok(Ring::default()),
    }
}
