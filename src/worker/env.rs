//! What the platform gives: bindings and settings, read once an isolate.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::Env;

use crate::oauth::authority::Settings;
use crate::oauth::{Authority, Client};
use crate::token::UnixTime;

use super::clock::now;
use super::crypto::SealingKey;
use super::report::{Fault, FaultKind};

/// The KV namespace with every sealed record.
pub(crate) const STORE: &str = "EDGEMINT_STORE";
/// The Durable Object namespace of the keyring: one object an issuer.
pub(crate) const KEYRING: &str = "EDGEMINT_KEYRING";
/// The Durable Object namespace of the registry: one object a client.
pub(crate) const REGISTRY: &str = "EDGEMINT_REGISTRY";
const KEY_ENCRYPTION_KEY: &str = "EDGEMINT_KEY_ENCRYPTION_KEY";
const ROOT_SECRET: &str = "EDGEMINT_ROOT_SECRET";
/// A root secret below this is a mistake where strangers can try: it is the key to everything.
const MIN_ROOT_SECRET: usize = 16;

/// One request's view of the platform.
pub(crate) struct Platform {
    pub(crate) env: Env,
    pub(crate) config: Rc<Config>,
    pub(crate) now: UnixTime,
}

/// What does not change while an isolate lives.
pub(crate) struct Config {
    pub(crate) authority: Authority,
    pub(crate) root: Rc<Client>,
    pub(crate) sealing_key: SealingKey,
}

thread_local! {
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
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
        Ok(Self { env, config, now: now() })
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.config.authority
    }
}

impl Config {
    async fn read(env: &Env) -> Result<Self, Fault> {
        let var = |name: &str| env.var(name).map(|value| value.to_string()).unwrap_or_default();
        let settings = Settings {
            issuer: &var("ISSUER"),
            default_resource: &var("DEFAULT_RESOURCE"),
            algorithms: &var("SIGNING_ALGORITHMS"),
            access_token_ttl: &var("ACCESS_TOKEN_TTL"),
            sample_scope: &var("SAMPLE_SCOPE"),
        };
        let authority = Authority::parse(settings).map_err(|error| Fault::new(FaultKind::Settings(error), &error))?;

        let secret = |name: &str| env.secret(name).ok().map(|value| value.to_string()).filter(|text| !text.is_empty());
        let root = secret(ROOT_SECRET).filter(|text| authority.is_loopback() || text.len() >= MIN_ROOT_SECRET);
        let root = root.ok_or_else(|| Fault::new(FaultKind::RootSecretMissing, &ROOT_SECRET))?;
        let key = secret(KEY_ENCRYPTION_KEY);
        let key = key.ok_or_else(|| Fault::new(FaultKind::KeyEncryptionKeyMissing, &KEY_ENCRYPTION_KEY))?;
        let sealing_key = SealingKey::import(&key).await?;
        Ok(Self { authority, root: Rc::new(Client::root(&root)), sealing_key })
    }
}
