//! Where long work goes on when nobody waits for it: its place and its counts are rows here, and an alarm comes as long
//! as there is any left.
//!
//! A platform's call may ask other objects a thousand times: each run of the alarm stays well below, does some chunks of
//! the work that has waited longest, and sets the next alarm before it begins, so that a run that dies is followed by
//! another. The memory of the object says which work is being done, so that a chunk is never done twice at a time.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::names;
use crate::oauth::admin::bulk::BulkRevocation;
use crate::worker::clock::now;
use crate::worker::env::{MAINTENANCE, Platform};
use crate::worker::event_delivery;
use crate::worker::jobs::reseal::Reseal;
use crate::worker::jobs::revoke::Revoke;
use crate::worker::jobs::{Job, Work};
use crate::worker::report::Fault;

use crate::records::{Records as _, Table};
use crate::worker::objects;
use crate::worker::objects::records::{SqliteRecords, broken};

/// What can be asked of the maintenance object.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MaintenanceCommand {
    /// Seals all records anew, or goes on with it.
    StartReseal,
    /// How far that is.
    Reseal,
    /// Ends grants. What is little is done before the answer.
    StartRevocation {
        id: String,
        what: BulkRevocation,
        /// Of every account, and its sessions too: all state was restored from a backup.
        #[serde(default)]
        restored: bool,
    },
    /// How far that is.
    Revocation { id: String },
    /// Sees to it that the alarm is set, whatever became of it.
    Wake,
}

/// The work, if there is such.
#[derive(Deserialize, Serialize)]
pub(crate) struct MaintenanceAnswer(pub(crate) Option<Job>);

/// Asks the maintenance object.
pub(crate) async fn ask(platform: &Platform, command: &MaintenanceCommand) -> Result<Option<Job>, Fault> {
    let answer: MaintenanceAnswer =
        objects::call(platform, MAINTENANCE, names::issuer_object(platform.authority().issuer()), command).await?;
    Ok(answer.0)
}

/// How many calls a run makes before it leaves the rest to the next.
const BUDGET: u32 = 300;
const RESEAL: &str = "reseal";
/// How long the counts of what is done can be asked for, seconds.
const KEEP_FOR: u64 = 30 * 24 * 3600;
/// If a run dies, another one comes then.
const RESCUE: Duration = Duration::from_secs(10);

/// The long work of one issuer.
#[durable_object(alarm)]
pub struct MaintenanceObject {
    state: State,
    env: Env,
    /// What is being worked on.
    busy: RefCell<HashSet<String>>,
}

impl DurableObject for MaintenanceObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, busy: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command = objects::command(&mut request).await?;
        objects::reply(self.run(command).await.map(MaintenanceAnswer))
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.state.storage().set_alarm(RESCUE).await?;
        // A fault has been logged, and the next run tries again.
        if let Some(id) = self.next_due().ok().flatten() {
            let _ = self.work_on(&id).await;
        }
        let _ = self.records().sweep(now());
        self.arrange().await?;
        Response::empty()
    }
}

impl MaintenanceObject {
    async fn run(&self, command: MaintenanceCommand) -> Result<Option<Job>, Fault> {
        match command {
            MaintenanceCommand::StartReseal => {
                let platform = Platform::new(self.env.clone()).await?;
                if self.job(RESEAL)?.is_none_or(|job| job.finished_at.is_some()) {
                    self.put(RESEAL, &Job::new(Work::Reseal(Box::new(Reseal::new(&platform))), now()))?;
                }
                self.arrange().await.map_err(broken)?;
                self.job(RESEAL)
            }
            MaintenanceCommand::Reseal => self.job(RESEAL),
            MaintenanceCommand::StartRevocation { id, what, restored } => {
                let mut revoke = Revoke::new(id.clone(), what, now());
                if restored {
                    revoke = revoke.with_all_accounts();
                }
                self.put(&id, &Job::new(Work::Revoke(Box::new(revoke)), now()))?;
                self.state.storage().set_alarm(RESCUE).await.map_err(broken)?;
                self.work_on(&id).await?;
                self.arrange().await.map_err(broken)?;
                self.job(&id)
            }
            MaintenanceCommand::Revocation { id } => self.job(&id),
            MaintenanceCommand::Wake => {
                if self.state.storage().get_alarm().await.map_err(broken)?.is_none() {
                    self.arrange().await.map_err(broken)?;
                }
                Ok(None)
            }
        }
    }

    /// Does some chunks, unless that is being done already.
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

    /// Whose turn it is.
    fn next_due(&self) -> Result<Option<String>, Fault> {
        let (now, busy) = (now(), self.busy.borrow());
        let due = self.unfinished()?.into_iter().filter(|(id, job)| job.not_before <= now && !busy.contains(id));
        Ok(due.min_by_key(|(_, job)| job.turn).map(|(id, _)| id))
    }

    /// Sets the next alarm: when there is something to do, or else to sweep.
    async fn arrange(&self) -> worker::Result<()> {
        let storage = self.state.storage();
        let jobs = self.records().list::<Job>(Table::Job);
        let Ok(jobs) = jobs else {
            return storage.set_alarm(RESCUE).await;
        };
        let waiting = jobs.iter().filter(|(_, job)| job.finished_at.is_none());
        // What is being worked on by a request will be arranged for by it; until then, the rescue.
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
