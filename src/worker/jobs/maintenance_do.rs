//! Long work in the background: its position and its counts are rows here, and an alarm repeats until it is complete.
//!
//! The platform allows a thousand calls in an invocation: each run of the alarm stays well below, does some chunks of
//! the job that has waited longest, and sets the next alarm before it begins, so that a run that dies is followed by
//! another. The memory of the object holds the jobs in progress, so that no chunk runs twice at a time.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::oauth::ClientId;
use crate::oauth::admin::bulk::BulkRevocation;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::status_entry::SuspensionState;
use crate::worker::clock::now;
use crate::worker::env::Platform;
use crate::worker::event_delivery;
use crate::worker::jobs::reseal::Reseal;
use crate::worker::jobs::revoke::Revoke;
use crate::worker::jobs::suspend::Suspend;
use crate::worker::jobs::{Job, Work, after_removal};
use crate::worker::report::Fault;

use crate::records::{Records as _, Table};
use crate::worker::objects::address::Maintenance;
use crate::worker::objects::hosted::Hosted;
use crate::worker::objects::records::{SqliteRecords, broken};
use crate::worker::objects::{Runs, object_commands};

/// Starts or continues the re-encryption of all records.
#[derive(Deserialize, Serialize)]
pub(crate) struct StartReseal;

/// Returns the progress of the re-encryption.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReadReseal;

/// Starts a bulk revocation. A small one is complete before the answer.
#[derive(Deserialize, Serialize)]
pub(crate) struct StartRevocation {
    pub(crate) id: String,
    pub(crate) what: BulkRevocation,
    /// Covers every account and its sessions: all state was restored from a backup.
    #[serde(default)]
    pub(crate) restored: bool,
}

/// Starts to take a removed resource from clients, grants and consents. Where there are few, they have lost it before the answer.
#[derive(Deserialize, Serialize)]
pub(crate) struct StartResourceRemoval {
    pub(crate) id: String,
    pub(crate) resource: Resource,
}

/// Returns the progress of a bulk revocation.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReadRevocation {
    pub(crate) id: String,
}

/// Starts to tell the accounts with grants for a client that it was disabled or enabled. Where there are few, they know before the
/// answer.
#[derive(Deserialize, Serialize)]
pub(crate) struct StartSuspension {
    pub(crate) id: String,
    pub(crate) client: ClientId,
    pub(crate) version: u64,
    pub(crate) marked: bool,
}

/// Sets the alarm if it was lost.
#[derive(Deserialize, Serialize)]
pub(crate) struct Wake;

object_commands! {
    MaintenanceRequest in Maintenance {
        "start_reseal" => StartReseal -> Option<Job>,
        "reseal" => ReadReseal -> Option<Job>,
        "start_revocation" => StartRevocation -> Option<Job>,
        "start_resource_removal" => StartResourceRemoval -> Option<Job>,
        "revocation" => ReadRevocation -> Option<Job>,
        "start_suspension" => StartSuspension -> (),
        "wake" => Wake -> (),
    }
}

/// The number of calls after which a run leaves the rest to the next.
const BUDGET: u32 = 300;
const RESEAL: &str = "reseal";
/// How long the counts of a finished job are kept, seconds.
const KEEP_FOR: u64 = 30 * 24 * 3600;
/// The time after which a run that died is repeated.
const RESCUE: Duration = Duration::from_secs(10);

/// The long work of one issuer.
pub(crate) struct MaintenanceObject {
    state: State,
    env: Env,
    /// The jobs in progress.
    busy: RefCell<HashSet<String>>,
}

impl Hosted for MaintenanceObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env, busy: RefCell::default() }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: MaintenanceRequest = serde_json::from_str(command)?;
        request.answer(self).await
    }

    async fn alarm(&self) -> worker::Result<()> {
        self.state.storage().set_alarm(RESCUE).await?;
        // A fault was logged, and the next run retries.
        if let Some(id) = self.next_due().ok().flatten() {
            let _ = self.work_on(&id).await;
        }
        let _ = self.records().sweep(now());
        self.arrange().await?;
        Ok(())
    }
}

impl Runs<StartReseal> for MaintenanceObject {
    async fn run(&self, _: StartReseal) -> Result<Option<Job>, Fault> {
        let platform = Platform::new(self.env.clone()).await?;
        if self.job(RESEAL)?.is_none_or(|job| job.finished_at.is_some()) {
            self.put(RESEAL, &Job::new(Work::Reseal(Box::new(Reseal::new(&platform))), now()))?;
        }
        self.arrange().await.map_err(broken)?;
        self.job(RESEAL)
    }
}

impl Runs<ReadReseal> for MaintenanceObject {
    async fn run(&self, _: ReadReseal) -> Result<Option<Job>, Fault> {
        self.job(RESEAL)
    }
}

impl Runs<StartRevocation> for MaintenanceObject {
    async fn run(&self, StartRevocation { id, what, restored }: StartRevocation) -> Result<Option<Job>, Fault> {
        let mut revoke = Revoke::new(id.clone(), what, now());
        if restored {
            revoke = revoke.with_all_accounts();
        }
        self.begin(&id, &Job::new(Work::Revoke(Box::new(revoke)), now())).await?;
        self.job(&id)
    }
}

impl Runs<StartResourceRemoval> for MaintenanceObject {
    async fn run(&self, StartResourceRemoval { id, resource }: StartResourceRemoval) -> Result<Option<Job>, Fault> {
        let [(id, first), (second_id, second)] = after_removal(&id, &resource, now());
        self.put(&second_id, &second)?;
        self.begin(&id, &first).await?;
        self.job(&id)
    }
}

impl Runs<StartSuspension> for MaintenanceObject {
    async fn run(&self, StartSuspension { id, client, version, marked }: StartSuspension) -> Result<(), Fault> {
        let suspend = Suspend::new(client, SuspensionState { version, marked });
        self.begin(&id, &Job::new(Work::Suspend(Box::new(suspend)), now())).await
    }
}

impl Runs<ReadRevocation> for MaintenanceObject {
    async fn run(&self, ReadRevocation { id }: ReadRevocation) -> Result<Option<Job>, Fault> {
        self.job(&id)
    }
}

impl Runs<Wake> for MaintenanceObject {
    async fn run(&self, _: Wake) -> Result<(), Fault> {
        if self.state.storage().get_alarm().await.map_err(broken)?.is_none() {
            self.arrange().await.map_err(broken)?;
        }
        Ok(())
    }
}

impl MaintenanceObject {
    /// Stores a job, and does its first chunks.
    async fn begin(&self, id: &str, job: &Job) -> Result<(), Fault> {
        self.put(id, job)?;
        self.state.storage().set_alarm(RESCUE).await.map_err(broken)?;
        self.work_on(id).await?;
        self.arrange().await.map_err(broken)
    }

    /// Does some chunks of a job, unless it is in progress.
    async fn work_on(&self, id: &str) -> Result<(), Fault> {
        if !self.busy.borrow_mut().insert(id.to_owned()) {
            return Ok(());
        }
        let outcome = self.chunks_of(id).await;
        event_delivery::deliver(&self.env);
        self.busy.borrow_mut().remove(id);
        outcome
    }

    async fn chunks_of(&self, id: &str) -> Result<(), Fault> {
        let turn = self.unfinished()?.iter().map(|(_, job)| job.turn).max().unwrap_or_default();
        let Some(mut job) = self.job(id)? else {
            return Ok(());
        };
        job.turn = turn.saturating_add(1);
        let platform = match Platform::new(self.env.clone()).await {
            Ok(platform) => platform,
            Err(fault) => {
                job.fail(now());
                self.put(id, &job)?;
                return Err(fault);
            }
        };
        while job.finished_at.is_none() && job.not_before <= now() && platform.costs.total() < BUDGET {
            job.advance(&platform, now).await;
            self.put(id, &job)?;
        }
        Ok(())
    }

    fn records(&self) -> SqliteRecords {
        SqliteRecords::open(&self.state)
    }

    fn job(&self, id: &str) -> Result<Option<Job>, Fault> {
        Ok(self.records().get(Table::Job, id)?)
    }

    fn put(&self, id: &str, job: &Job) -> Result<(), Fault> {
        let ends = job.finished_at.map(|finished| finished.plus(KEEP_FOR));
        Ok(self.records().put(Table::Job, id, ends, job)?)
    }

    fn unfinished(&self) -> Result<Vec<(String, Job)>, Fault> {
        let mut jobs = self.records().list::<Job>(Table::Job)?;
        jobs.retain(|(_, job)| job.finished_at.is_none());
        Ok(jobs)
    }

    /// Returns the job that is next.
    fn next_due(&self) -> Result<Option<String>, Fault> {
        let (now, busy) = (now(), self.busy.borrow());
        let due = self.unfinished()?.into_iter().filter(|(id, job)| job.not_before <= now && !busy.contains(id));
        Ok(due.min_by_key(|(_, job)| job.turn).map(|(id, _)| id))
    }

    /// Sets the next alarm: for the next chunk, otherwise to delete expired jobs.
    async fn arrange(&self) -> worker::Result<()> {
        let storage = self.state.storage();
        let jobs = self.records().list::<Job>(Table::Job);
        let Ok(jobs) = jobs else {
            return storage.set_alarm(RESCUE).await;
        };
        let waiting = jobs.iter().filter(|(_, job)| job.finished_at.is_none());
        // A request that works on a job sets its alarm afterwards; until then, the rescue applies.
        let in_seconds = |(id, job): &(String, Job)| {
            let busy = self.busy.borrow().contains(id);
            if busy { RESCUE } else { Duration::from_secs(job.not_before.0.saturating_sub(now().0)) }
        };
        match waiting.map(in_seconds).min() {
            Some(wait) => storage.set_alarm(wait).await,
            None if jobs.is_empty() => storage.delete_alarm().await,
            None => storage.set_alarm(Duration::from_secs(24 * 3600)).await,
        }
    }
}
