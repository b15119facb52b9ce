//! What the platform gives: bindings and settings, read once an isolate.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use worker::Env;

use crate::oauth::grant::handle::MacKey;
use crate::oauth::vocabulary::authority::Settings;
use crate::oauth::vocabulary::secret::is_strong;
use crate::oauth::{Authority, Client};
use crate::token::UnixTime;

use super::audit::Audit;
use super::clock::milliseconds;
use super::crypto::SealingKey;
use super::report::{self, Fault, FaultKind};

/// The KV namespace with every sealed record.
pub(crate) const STORE: &str = "EDGEMINT_STORE";
/// The Durable Object namespace of the accounts: one object an account.
pub(crate) const ACCOUNT: &str = "EDGEMINT_ACCOUNT";
/// The Durable Object namespace of the catalogue: one object an issuer.
pub(crate) const CATALOGUE: &str = "EDGEMINT_CATALOGUE";
/// The Durable Object namespace of the device codes: one object a code.
pub(crate) const DEVICE: &str = "EDGEMINT_DEVICE";
/// The Durable Object namespace of the events: one object an issuer and hour.
pub(crate) const EVENTS: &str = "EDGEMINT_EVENTS";
/// The Durable Object namespace of identifiers: one object a user name, upstream subject or block of addresses.
pub(crate) const IDENTIFIER: &str = "EDGEMINT_IDENTIFIER";
/// The Durable Object namespace of the keyring: one object an issuer.
pub(crate) const KEYRING: &str = "EDGEMINT_KEYRING";
/// The Durable Object namespace of the registry: one object a client.
pub(crate) const REGISTRY: &str = "EDGEMINT_REGISTRY";
/// The Durable Object namespace of the status lists: one object a list.
pub(crate) const STATUS_LIST: &str = "EDGEMINT_STATUS_LIST";
/// The Durable Object namespace of the directory of status lists: one object an issuer.
pub(crate) const STATUS_DIRECTORY: &str = "EDGEMINT_STATUS_DIRECTORY";
/// The Durable Object namespace of long work: one object an issuer.
pub(crate) const MAINTENANCE: &str = "EDGEMINT_MAINTENANCE";
const KEY_ENCRYPTION_KEY: &str = "EDGEMINT_KEY_ENCRYPTION_KEY";
const PREVIOUS_KEY_ENCRYPTION_KEY: &str = "EDGEMINT_PREVIOUS_KEY_ENCRYPTION_KEY";
const UPSTREAM_CLIENT_SECRET: &str = "EDGEMINT_UPSTREAM_CLIENT_SECRET";
const ROOT_SECRET: &str = "EDGEMINT_ROOT_SECRET";
const ROOT_SECRET_WEAK: &str = "EDGEMINT_ROOT_SECRET must have at least 16 characters, at least 6 of them different, and must not repeat a shorter text";

/// One request's view of the platform.
pub(crate) struct Platform {
    pub(crate) env: Env,
    pub(crate) config: Rc<Config>,
    pub(crate) now: UnixTime,
    /// When the request began, in milliseconds since 1970.
    pub(crate) began: u64,
    /// What the request costs.
    pub(crate) costs: Costs,
    /// Its audit events.
    pub(crate) audit: Audit,
}

/// What does not change while an isolate lives.
pub(crate) struct Config {
    pub(crate) authority: Rc<Authority>,
    pub(crate) root: Rc<Client>,
    pub(crate) sealing_key: SealingKey,
    /// Writes and reads codes, refresh tokens and session cookies.
    pub(crate) handles: MacKey,
    /// Authenticates the forms of pages.
    pub(crate) forms: MacKey,
    /// A name of the key-encryption key that reveals nothing about it.
    pub(crate) key_id: String,
    /// The name of the previous one, if it is configured.
    pub(crate) previous_key_id: Option<String>,
    pub(crate) upstream_secret: Option<String>,
}

/// What a request costs: calls of Durable Objects and operations of KV.
#[derive(Default)]
pub(crate) struct Costs {
    object_calls: Cell<u32>,
    kv_reads: Cell<u32>,
}

impl Costs {
    /// Counts a call.
    pub(crate) fn object_call(&self) {
        self.object_calls.set(self.object_calls.get() + 1);
    }

    /// Counts a read.
    pub(crate) fn kv_read(&self) {
        self.kv_reads.set(self.kv_reads.get() + 1);
    }

    /// All of them.
    pub(crate) fn total(&self) -> u32 {
        self.object_calls.get() + self.kv_reads.get()
    }

    /// Writes them to the log, if the operator asked for that.
    pub(crate) fn tell(&self, env: &Env, endpoint: &str) {
        report::endpoint_costs(env, endpoint, self.object_calls.get(), self.kv_reads.get());
    }
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
    static AUTHORITY: OnceCell<Rc<Authority>> = const { OnceCell::new() };
}

impl Platform {
    /// Reads the settings, on the first request of an isolate.
    pub(crate) async fn new(env: Env) -> Result<Self, Fault> {
        let config = match CONFIG.with(|config| config.get().cloned()) {
            Some(config) => config,
            None => {
                let config = Rc::new(Config::read(&env).await?);
                CONFIG.with(|slot| Rc::clone(slot.get_or_init(|| config)))
            }
        };
        let began = milliseconds();
        let now = UnixTime(began / 1000);
        let audit = Audit::new(now, config.authority.event_retention() > 0);
        Ok(Self { env, config, now, began, costs: Costs::default(), audit })
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.config.authority
    }
}

impl Config {
    async fn read(env: &Env) -> Result<Self, Fault> {
        let authority = authority(env)?;

        let secret = |name: &str| env.secret(name).ok().map(|value| value.to_string()).filter(|text| !text.is_empty());
        let root = secret(ROOT_SECRET).ok_or_else(|| Fault::new(FaultKind::RootSecretMissing, &ROOT_SECRET))?;
        // It opens the administration to anyone on the network who guesses it.
        if !authority.is_loopback() && !is_strong(&root) {
            return Err(Fault::new(FaultKind::RootSecretWeak, &ROOT_SECRET_WEAK));
        }
        let key = secret(KEY_ENCRYPTION_KEY);
        let key = key.ok_or_else(|| Fault::new(FaultKind::KeyEncryptionKeyMissing, &KEY_ENCRYPTION_KEY))?;
        let key = key_bytes(&key, FaultKind::KeyEncryptionKeyInvalid)?;
        let previous = secret(PREVIOUS_KEY_ENCRYPTION_KEY);
        let previous = previous.map(|text| key_bytes(&text, FaultKind::PreviousKeyEncryptionKeyInvalid)).transpose()?;
        if previous == Some(key) {
            return Err(Fault::new(FaultKind::PreviousKeyEncryptionKeySame, &PREVIOUS_KEY_ENCRYPTION_KEY));
        }
        let derive_of = |key: &[u8; 32], purpose| MacKey::derive(key, purpose, authority.issuer());
        let derive = |purpose| {
            let previous = previous.as_ref().map(|key| derive_of(key, purpose));
            derive_of(&key, purpose).reading(previous.as_ref())
        };
        // A MAC under a random key: it reveals nothing about the key.
        let id = |key| derive_of(key, "name").tag(&[]).chars().take(8).collect::<String>();
        Ok(Self {
            root: Rc::new(Client::root(&root)),
            sealing_key: SealingKey::import(&key, previous.as_ref()).await?,
            key_id: id(&key),
            previous_key_id: previous.as_ref().map(id),
            handles: derive("handle"),
            forms: derive("form"),
            upstream_secret: secret(UPSTREAM_CLIENT_SECRET),
            authority,
        })
    }
}

/// The settings of the operator, read once an isolate: for objects, which read nothing else, each of their turns would.
pub(crate) fn authority(env: &Env) -> Result<Rc<Authority>, Fault> {
    if let Some(authority) = AUTHORITY.with(|authority| authority.get().cloned()) {
        return Ok(authority);
    }
    let authority = Rc::new(read_authority(env)?);
    Ok(AUTHORITY.with(|slot| Rc::clone(slot.get_or_init(|| authority))))
}

/// Is the issuer an https one? Also answered while another setting is wrong, and never logged.
pub(crate) fn is_https(env: &Env) -> bool {
    let known = AUTHORITY.with(|authority| authority.get().map(|authority| !authority.is_loopback()));
    known.unwrap_or_else(|| env.var("ISSUER").is_ok_and(|issuer| issuer.to_string().starts_with("https://")))
}

fn read_authority(env: &Env) -> Result<Authority, Fault> {
    let read = |name: &str| env.var(name).map(|value| value.to_string()).unwrap_or_default();
    Settings::read(read, Authority::parse).map_err(|error| Fault::new(FaultKind::Settings(error), &error.sentence()))
}

/// A key-encryption key: 32 bytes in base64url or base64.
fn key_bytes(text: &str, invalid: FaultKind) -> Result<[u8; 32], Fault> {
    let text = text.trim().trim_end_matches('=').as_bytes();
    let bytes = BASE64URL_NOPAD.decode(text).or_else(|_| BASE64_NOPAD.decode(text));
    let bytes = bytes.ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Fault::new(invalid, &"want 32 bytes in base64"))
}
