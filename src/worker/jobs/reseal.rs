//! Re-encrypts every record after the key-encryption key was rotated.
//!
//! A record is opened, sealed with the new key, and stored by compare-and-swap, so a concurrent change is kept. Meanwhile both
//! keys open records. A record that neither opens is reported and left as it is. Passes repeat until one finds no record that
//! needs the previous key.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::identifier::{ReadIdentifier, ResealPassword};
use crate::account::profile::{ReadAccount, Replaced, SetProfile};
use crate::account::record::AccountRecord;
use crate::oauth::ClientId;
use crate::oauth::endpoints::id_token::Profile;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::trusted_issuer::TrustedIssuerId;
use crate::token::UnixTime;
use crate::worker::compare_and_swap::retry;
use crate::worker::crypto::Opened;
use crate::worker::env::Platform;
use crate::worker::kv::{self, Kind};
use crate::worker::objects;
use crate::worker::objects::address::{Address, Catalogue, Keyring, Name, Registries};
use crate::worker::objects::catalogue_do::{EnsureCatalogue, ResealCatalogue};
use crate::worker::objects::keyring_do::{Ensure, ResealRing};
use crate::worker::objects::registry_do::{Change, ReadClient, ReplaceClient};
use crate::worker::report::{self, Fault, FaultKind};
use crate::worker::services::users::Listed;
use crate::worker::services::{clients, passwords, profiles, trusted_issuers};

use super::{Job, Place, Progress, Work, at_once, ids_after};

/// How many records that failed are shown by name.
const SHOWN: usize = 100;
/// How often a chunk of which nothing answers is tried, until its records count as failed.
const ATTEMPTS: u32 = 8;
/// How often records that did not answer are gone back to.
const PASSES_FOR_FAULTS: u64 = 4;

/// The progress.
#[derive(Deserialize, Serialize)]
pub(crate) struct Reseal {
    key: String,
    previous: Option<String>,
    stage: Stage,
    place: Place,
    pass: u64,
    /// Whether records failed to respond in the previous pass: their copies in KV must be checked again.
    #[serde(default)]
    unanswered_before: bool,
    resealed: u64,
    attempts: u32,
    /// Of this pass.
    tally: Tally,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Keyring,
    Catalogue,
    Clients,
    TrustedIssuers,
    Users,
}

/// The counts of a pass.
#[derive(Default, Deserialize, Serialize)]
struct Tally {
    records: u64,
    resealed: u64,
    failures: u64,
    unanswered: u64,
    failed: Vec<Failure>,
}

/// A record that could not be re-encrypted, and the cause.
#[derive(Deserialize, Serialize)]
struct Failure {
    record: String,
    cause: String,
}

impl Tally {
    fn fail(&mut self, record: String, cause: FaultKind) {
        report::record_failed(&record, cause);
        self.failures += 1;
        self.failed.push(Failure { record, cause: cause.name().to_owned() });
    }

    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.resealed += other.resealed;
        self.failures += other.failures;
        self.unanswered += other.unanswered;
        let room = SHOWN.saturating_sub(self.failed.len());
        self.failed.extend(other.failed.into_iter().take(room));
    }
}

impl Reseal {
    /// Starts with the keys that the Worker has now.
    pub(crate) fn new(platform: &Platform) -> Self {
        Self {
            key: platform.config.key_id.clone(),
            previous: platform.config.previous_key_id.clone(),
            stage: Stage::Keyring,
            place: Place::default(),
            pass: 1,
            unanswered_before: false,
            resealed: 0,
            attempts: 0,
            tally: Tally::default(),
        }
    }

    /// Returns whether it is about the keys that the Worker has now. The previous one may have been removed since.
    fn is_about(&self, platform: &Platform) -> bool {
        let previous = &platform.config.previous_key_id;
        self.key == platform.config.key_id && (previous.is_none() || self.previous == *previous)
    }

    pub(super) async fn chunk(&mut self, platform: &Platform) -> Result<Progress, Fault> {
        if !self.is_about(platform) {
            *self = Self::new(platform);
        }
        let (ids, next) = match self.stage {
            Stage::Keyring | Stage::Catalogue => (vec![String::new()], None),
            Stage::Clients => ids_after(platform, Kind::Client, &self.place).await?,
            Stage::TrustedIssuers => ids_after(platform, Kind::TrustedIssuer, &self.place).await?,
            Stage::Users => ids_after(platform, Kind::User, &self.place).await?,
        };
        let (stage, first) = (self.stage, self.pass == 1 || self.unanswered_before);
        let outcomes = at_once(ids.iter().map(|id| async move {
            let mut tally = Tally::default();
            let outcome = match stage {
                Stage::Keyring => keyring(platform, first, &mut tally).await,
                Stage::Catalogue => catalogue(platform, first, &mut tally).await,
                Stage::Clients => client(platform, id, first, &mut tally).await,
                Stage::TrustedIssuers => trusted_issuer(platform, id, first, &mut tally).await,
                Stage::Users => user(platform, id, first, &mut tally).await,
            };
            (tally, outcome.err())
        }))
        .await;
        let fault = outcomes.iter().find_map(|(_, fault)| *fault);
        if let Some(fault) = fault.filter(|_| outcomes.iter().all(|(_, fault)| fault.is_some()))
            && self.attempts < ATTEMPTS
        {
            // An outage, not a fault of these records.
            self.attempts += 1;
            return Err(fault);
        }
        self.attempts = 0;
        for (id, (mut tally, fault)) in ids.iter().zip(outcomes) {
            if let Some(fault) = fault {
                tally.fail(kv::name(platform, stage.kind(), id), fault.kind());
                tally.unanswered += 1;
            }
            self.resealed += tally.resealed;
            self.tally.add(tally);
        }
        match (next, self.stage) {
            (Some(next), _) => self.place = next,
            (None, Stage::Keyring) => self.stage = Stage::Catalogue,
            (None, Stage::Catalogue) => (self.stage, self.place) = (Stage::Clients, Place::default()),
            (None, Stage::Clients) => (self.stage, self.place) = (Stage::TrustedIssuers, Place::default()),
            (None, Stage::TrustedIssuers) => (self.stage, self.place) = (Stage::Users, Place::default()),
            (None, Stage::Users) => return Ok(self.end_of_pass(platform)),
        }
        Ok(Progress::More)
    }

    /// Decides after a pass over all records whether another is needed: after one that found records to re-encrypt, since an
    /// isolate that did not have the new key yet may have written more.
    fn end_of_pass(&mut self, platform: &Platform) -> Progress {
        let again = self.tally.resealed > 0 || (self.tally.unanswered > 0 && self.pass < PASSES_FOR_FAULTS);
        if !again {
            platform.audit.note_count(EventKind::RecordsResealed, self.resealed);
            return Progress::Done;
        }
        self.pass += 1;
        self.unanswered_before = self.tally.unanswered > 0;
        (self.stage, self.place, self.tally) = (Stage::Keyring, Place::default(), Tally::default());
        if self.pass == 2 { Progress::More } else { Progress::Later(10) }
    }
}

impl Stage {
    const fn kind(self) -> Kind {
        match self {
            Self::Keyring => Kind::Keyring,
            Self::Catalogue => Kind::Catalogue,
            Self::Clients => Kind::Client,
            Self::TrustedIssuers => Kind::TrustedIssuer,
            Self::Users => Kind::User,
        }
    }
}

/// What a sealed text needs.
enum Due {
    /// Nothing: the new key opens it. The plain text.
    Nothing(String),
    /// Its replacement, and the plain text.
    Reencrypted { sealed: String, text: String },
}

/// Opens a text and re-encrypts it if the previous key sealed it. `None`, and a failure in the tally, if no key opens it.
async fn due(platform: &Platform, name: &str, sealed: &str, tally: &mut Tally) -> Result<Option<Due>, Fault> {
    let key = &platform.config.sealing_key;
    Ok(match key.open(name, sealed).await? {
        Some(Opened::Current(text)) => Some(Due::Nothing(text)),
        Some(Opened::Previous(text)) => Some(Due::Reencrypted { sealed: key.seal(name, &text).await?, text }),
        None => {
            tally.fail(name.to_owned(), FaultKind::KeyEncryptionKeyMismatch);
            None
        }
    })
}

/// Returns whether the copy in KV, if any, is sealed with the new key. Checked in the first pass only, since KV may return an old copy for a
/// minute.
async fn copy_is_current(platform: &Platform, name: &str) -> Result<bool, Fault> {
    match kv::read_sealed(platform, name).await? {
        Some(sealed) => kv::is_of_current_key(platform, name, &sealed).await,
        None => Ok(true),
    }
}

async fn keyring(platform: &Platform, first: bool, tally: &mut Tally) -> Result<(), Fault> {
    let asked_at = platform.now;
    let (ensure, reseal) = (Ensure { asked_at }, ResealRing { asked_at });
    let read = async || Ok(objects::send(platform, &Keyring, &ensure).await?.sealed);
    let seal = async || objects::send(platform, &Keyring, &reseal).await.map(|_| ());
    only_record(platform, Kind::Keyring, first, tally, read, seal).await
}

async fn catalogue(platform: &Platform, first: bool, tally: &mut Tally) -> Result<(), Fault> {
    let read = async || Ok(objects::send(platform, &Catalogue, &EnsureCatalogue).await?.sealed);
    let seal = async || objects::send(platform, &Catalogue, &ResealCatalogue).await.map(|_| ());
    only_record(platform, Kind::Catalogue, first, tally, read, seal).await
}

/// Has the object of the only record of a kind seal it again, if that is needed.
async fn only_record(
    platform: &Platform,
    kind: Kind,
    first: bool,
    tally: &mut Tally,
    read: impl AsyncFnOnce() -> Result<String, Fault>,
    reseal: impl AsyncFnOnce() -> Result<(), Fault>,
) -> Result<(), Fault> {
    let name = kv::name(platform, kind, "");
    tally.records += 1;
    let outcome: Result<(), Fault> = async {
        let sealed = read().await?;
        let current = kv::is_of_current_key(platform, &name, &sealed).await?;
        if !current || (first && !copy_is_current(platform, &name).await?) {
            reseal().await?;
            tally.resealed += 1;
        }
        Ok(())
    }
    .await;
    match outcome {
        Err(fault) if is_about_the_record(fault.kind()) => {
            tally.fail(name, fault.kind());
            Ok(())
        }
        outcome => outcome,
    }
}

const fn is_about_the_record(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::KeyEncryptionKeyMismatch | FaultKind::RecordUnreadable)
}

async fn client(platform: &Platform, id: &str, first: bool, tally: &mut Tally) -> Result<(), Fault> {
    match ClientId::parse(id) {
        Some(client) => registered(platform, &client, clients::record_name(platform, &client), first, tally).await,
        None => Ok(()),
    }
}

async fn trusted_issuer(platform: &Platform, id: &str, first: bool, tally: &mut Tally) -> Result<(), Fault> {
    match TrustedIssuerId::parse(id) {
        Some(id) => registered(platform, &id, trusted_issuers::record_name(platform, &id), first, tally).await,
        None => Ok(()),
    }
}

/// Re-encrypts the record in its registry, which copies it to KV.
async fn registered(
    platform: &Platform,
    registry: &impl Address<Namespace = Registries>,
    name: String,
    first: bool,
    tally: &mut Tally,
) -> Result<(), Fault> {
    tally.records += 1;
    retry(async || {
        // The record may have been removed since it was listed.
        let Some(was) = objects::send(platform, registry, &ReadClient).await? else {
            return Ok(Some(()));
        };
        let sealed = match due(platform, &name, &was, tally).await? {
            None => return Ok(Some(())),
            Some(Due::Nothing(_)) if !first || copy_is_current(platform, &name).await? => return Ok(Some(())),
            Some(Due::Nothing(text)) => platform.config.sealing_key.seal(&name, &text).await?,
            Some(Due::Reencrypted { sealed, .. }) => sealed,
        };
        Ok(
            match objects::send(platform, registry, &ReplaceClient { name: name.clone(), was, sealed, disabled: None })
                .await?
            {
                Change::Done => {
                    tally.resealed += 1;
                    Some(())
                }
                Change::Conflict => None,
                Change::Missing => Some(()),
            },
        )
    })
    .await
}

/// The entry in the list, the account's profile, and the passwords of all names that lead to the account.
async fn user(platform: &Platform, id: &str, first: bool, tally: &mut Tally) -> Result<(), Fault> {
    let (Some(account), name) = (AccountId::parse(id), kv::name(platform, Kind::User, id)) else {
        return Ok(());
    };
    let mut names = Vec::new();
    let mut entry = None;
    if let Some(sealed) = kv::read_sealed(platform, &name).await? {
        tally.records += 1;
        entry = due(platform, &name, &sealed, tally).await?;
    }
    if let Some(Due::Nothing(text) | Due::Reencrypted { text, .. }) = &entry {
        match serde_json::from_str::<Listed>(text) {
            Ok(Listed { username, others }) => names.extend(others.into_iter().chain([username])),
            Err(_) => tally.fail(name.clone(), FaultKind::RecordUnreadable),
        }
    }
    let (is_there, username) = profile(platform, &account, tally).await?;
    names.extend(username);
    names.sort();
    names.dedup();
    for username in &names {
        password(platform, &account, username, tally).await?;
    }
    match entry.filter(|_| first) {
        // The user was deleted, or its creation was interrupted: the entry must not come back.
        Some(Due::Reencrypted { .. }) if !is_there => kv::delete(platform, &name).await?,
        Some(Due::Reencrypted { sealed, .. }) => {
            kv::write_sealed(platform, &name, &sealed).await?;
            tally.resealed += 1;
            // The removal of a user deletes the entry last. If that was before this write, it must be deleted here.
            if objects::send(platform, &account, &ReadAccount).await?.is_none() {
                kv::delete(platform, &name).await?;
            }
        }
        Some(Due::Nothing(_)) | None => {}
    }
    Ok(())
}

/// The profile. Says whether there is an account, and gives the user name in its profile.
async fn profile(platform: &Platform, account: &AccountId, tally: &mut Tally) -> Result<(bool, Option<String>), Fault> {
    let name = profiles::name(platform, account);
    let mut is_first = true;
    retry(async || {
        let Some(AccountRecord { profile: was, .. }) = objects::send(platform, account, &ReadAccount).await? else {
            return Ok(Some((false, None)));
        };
        tally.records += u64::from(std::mem::take(&mut is_first));
        let (text, sealed) = match due(platform, &name, &was, tally).await? {
            None => return Ok(Some((true, None))),
            Some(Due::Nothing(text)) => (text, None),
            Some(Due::Reencrypted { sealed, text }) => (text, Some(sealed)),
        };
        let Ok(Profile { username, .. }) = serde_json::from_str(&text) else {
            tally.fail(name.clone(), FaultKind::RecordUnreadable);
            return Ok(Some((true, None)));
        };
        let Some(sealed) = sealed else {
            return Ok(Some((true, Some(username))));
        };
        Ok(match objects::send(platform, account, &SetProfile { was, sealed }).await? {
            Replaced::Done => {
                tally.resealed += 1;
                Some((true, Some(username)))
            }
            Replaced::Outdated | Replaced::Missing => None,
        })
    })
    .await
}

/// The password that goes with a name, if the name is this account's and has one.
async fn password(platform: &Platform, account: &AccountId, username: &str, tally: &mut Tally) -> Result<(), Fault> {
    let (name, identifier) = (passwords::name(platform, account), Name::Username(username));
    let mut is_first = true;
    retry(async || {
        let entry = objects::send(platform, &identifier, &ReadIdentifier).await?;
        let entry = entry.filter(|entry| entry.account == *account);
        let Some(was) = entry.and_then(|entry| entry.password) else {
            return Ok(Some(()));
        };
        tally.records += u64::from(std::mem::take(&mut is_first));
        let Some(Due::Reencrypted { sealed, .. }) = due(platform, &name, &was, tally).await? else {
            return Ok(Some(()));
        };
        let is_replaced = objects::send(platform, &identifier, &ResealPassword { was, sealed }).await?;
        tally.resealed += u64::from(is_replaced);
        Ok(is_replaced.then_some(()))
    })
    .await
}

/// Returns the keys and the progress as the admin API shows them.
pub(crate) fn shown(platform: &Platform, job: Option<&Job>) -> Value {
    let (key, previous) = (&platform.config.key_id, &platform.config.previous_key_id);
    let about = job.and_then(|job| match &job.work {
        Work::Reseal(reseal) if reseal.is_about(platform) => Some((job, reseal)),
        Work::Reseal(_) | Work::Revoke(_) | Work::Suspend(_) => None,
    });
    let Some((job, reseal)) = about else {
        let state = if previous.is_some() {
            "Records may still need the previous secret: POST /admin/key-encryption/reseal."
        } else {
            "There is no previous secret."
        };
        return json!({
            "key": key, "previous": previous, "records": 0, "resealed": 0, "failed": [], "failures": 0, "done": false,
            "state": state,
        });
    };
    let (done, failures) = (job.finished_at.is_some(), reseal.tally.failures);
    let lifetimes = platform.authority().lifetimes();
    let longest = lifetimes.refresh.max(platform.authority().session_ttl());
    let state = match (done, failures, previous) {
        (false, ..) => "Records are being re-encrypted.",
        (true, 0, Some(_)) => {
            "No record needs the previous secret: it may be removed. Refresh tokens and sessions that it wrote, and that \
             have not been used since, end with it."
        }
        (true, 0, None) => "No record needs another secret.",
        (true, _, _) => "The records in failed open with neither secret. Keep the secrets until you know why.",
    };
    let handles_until = previous.as_ref().map(|_| UnixTime(job.started_at.0).plus(longest));
    json!({
        "key": key, "previous": previous, "records": reseal.tally.records, "resealed": reseal.resealed,
        "failed": reseal.tally.failed, "failures": failures, "pass": reseal.pass, "done": done, "state": state,
        "started_at": job.started_at, "finished_at": job.finished_at, "previous_handles_until": handles_until,
    })
}
