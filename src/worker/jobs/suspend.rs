//! Telling every account with grants for a client that the client was disabled or enabled, so that the status lists follow.
//!
//! A repeated command changes nothing, and an account ignores a change that is older than the last one, so jobs of one client may
//! overlap. A job ends early where its change is not the last one, or the client was removed.

use serde::{Deserialize, Serialize};

use crate::account::grants::SuspendClient;
use crate::oauth::ClientId;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::status_entry::SuspensionState;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::registry_do::ListAccounts;
use crate::worker::report::Fault;
use crate::worker::services::clients;

use super::{CHUNK, COPIES_END, Progress, at_once};

/// How often the accounts that did not respond are tried again.
const ROUNDS: u32 = 100;
/// How many accounts that did not respond are remembered; the others are found again in the next chunk.
const MAX_ASIDE: usize = 1000;

/// How far it has come.
#[derive(Deserialize, Serialize)]
pub(crate) struct Suspend {
    client: ClientId,
    change: SuspensionState,
    /// The last account that was told.
    after: String,
    /// Whether all accounts have been told once.
    told_all: bool,
    /// Whether they are told a second time: isolates with a copy of the record may have issued tokens since.
    is_second: bool,
    rounds: u32,
    aside: Vec<AccountId>,
}

impl Suspend {
    pub(crate) fn new(client: ClientId, change: SuspensionState) -> Self {
        let (after, aside) = (String::new(), Vec::new());
        Self { client, change, after, told_all: false, is_second: false, rounds: 0, aside }
    }

    pub(super) async fn chunk(&mut self, platform: &Platform) -> Result<Progress, Fault> {
        let record = clients::registered(platform, &self.client).await?;
        if record.is_none_or(|(_, record)| record.suspension != Some(self.change)) {
            return Ok(Progress::Done);
        }
        if self.told_all {
            return self.after_all(platform).await;
        }
        let command = ListAccounts { after: self.after.clone(), limit: CHUNK };
        let accounts = objects::send(platform, &self.client, &command).await?;
        self.tell(platform, &accounts).await?;
        match accounts.last() {
            Some(last) if accounts.len() as u64 == CHUNK => self.after = last.to_string(),
            Some(_) | None => self.told_all = true,
        }
        Ok(Progress::More)
    }

    async fn after_all(&mut self, platform: &Platform) -> Result<Progress, Fault> {
        if !self.aside.is_empty() && self.rounds < ROUNDS {
            self.rounds += 1;
            let aside = std::mem::take(&mut self.aside);
            self.tell(platform, &aside).await?;
            return Ok(if self.aside.is_empty() { Progress::More } else { Progress::Later(60) });
        }
        if self.change.marked && !self.is_second {
            (self.is_second, self.told_all, self.after) = (true, false, String::new());
            return Ok(Progress::Later(COPIES_END));
        }
        Ok(Progress::Done)
    }

    /// Tells accounts. Those that do not respond are set aside.
    async fn tell(&mut self, platform: &Platform, accounts: &[AccountId]) -> Result<(), Fault> {
        let this: &Self = self;
        let tell = async |account: &AccountId| {
            let command = SuspendClient { client: this.client.clone(), change: this.change };
            objects::send(platform, account, &command).await
        };
        let outcomes = at_once(accounts.iter().map(tell)).await;
        let failed = outcomes.iter().filter(|outcome: &&Result<(), Fault>| outcome.is_err()).count();
        if self.aside.len() + failed > MAX_ASIDE
            && let Some(fault) = outcomes.iter().find_map(|outcome| outcome.as_ref().err().copied())
        {
            return Err(fault);
        }
        let unheard = accounts.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err());
        self.aside.extend(unheard.map(|(account, _)| account.clone()));
        Ok(())
    }
}
