//! Ending many grants: an account, the accounts of a client, or those of all clients. After the removal of a resource, grants and
//! clients lose it instead.
//!
//! A client's registry knows every account that may have a grant for it. Each account stores how many grants it has changed for a
//! job, so a repeated command is counted once.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::grants::EndGrants;
use crate::account::narrowing::NarrowGrants;
use crate::account::sessions::EndSessions;
use crate::oauth::admin::bulk::{BulkRevocation, GrantFilter};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::catalogue::Edit;
use crate::oauth::vocabulary::client::{ClientRecord, GrantType};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::protected_resource::{RemovedResource, ResourceId};
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::{Client, ClientId};
use crate::token::UnixTime;
use crate::worker::clock;
use crate::worker::env::Platform;
use crate::worker::kv::Kind;
use crate::worker::objects;
use crate::worker::objects::registry_do::ListAccounts;
use crate::worker::report::Fault;
use crate::worker::services::{catalogue, client_tokens, clients};

use super::{CHUNK, Job, Place, Progress, at_once, ids_after};

/// How often something that fails is tried before it is set aside, to be tried again at the end.
const ATTEMPTS: u32 = 5;
/// How often what was set aside is gone back to, before it is told as unanswered.
const ROUNDS: u32 = 100;
/// How many may be set aside.
const MAX_ASIDE: usize = 1000;

/// The end of the identifier of a second pass after the removal of a resource, which no request names.
pub(super) const SECOND_PASS: char = '+';

/// How far it has come.
#[derive(Deserialize, Serialize)]
pub(crate) struct Revoke {
    id: String,
    what: BulkRevocation,
    since: UnixTime,
    ended: u64,
    accounts: u64,
    attempts: u32,
    user: Option<AccountId>,
    /// Clients to go through; the first is being gone through.
    queue: VecDeque<ClientId>,
    /// Where in the first one's accounts.
    after: Option<String>,
    /// Whether the first one's own tokens have been ended. Ending them again would end later ones.
    #[serde(default)]
    tokens_ended: bool,
    /// How often what did not answer has been gone back to.
    #[serde(default)]
    rounds: u32,
    /// Where the list of clients goes on.
    next: Option<Place>,
    /// What did not answer.
    clients_aside: Vec<Aside>,
    accounts_aside: Vec<(ClientId, AccountId)>,
    /// Where the walk through all accounts goes on, whose sessions end too; only after state was restored from a backup.
    #[serde(default)]
    everyone: Option<Place>,
    #[serde(default)]
    everyone_aside: Vec<AccountId>,
    /// The resource that was removed: grants and clients lose it.
    #[serde(default)]
    removed: Option<Resource>,
    /// Whether the first client's own tokens may be for that resource.
    #[serde(default)]
    had_resource: bool,
}

/// A client that did not answer, and how far it had been gone through.
#[derive(Clone, Deserialize, Serialize)]
struct Aside {
    client: ClientId,
    after: Option<String>,
    tokens_ended: bool,
    #[serde(default)]
    had_resource: bool,
}

impl Revoke {
    pub(crate) fn new(id: String, what: BulkRevocation, now: UnixTime) -> Self {
        let user = what.user.clone();
        let (queue, next) = match (&user, &what.grants.client) {
            (Some(_), _) => (VecDeque::new(), None),
            (None, Some(client)) => (VecDeque::from([client.clone()]), None),
            // The root client is in no list. It has tokens of its own.
            (None, None) => (ClientId::parse(ClientId::ROOT).into_iter().collect(), Some(Place::default())),
        };
        Self {
            id,
            what,
            since: now,
            ended: 0,
            accounts: 0,
            attempts: 0,
            user,
            queue,
            after: None,
            tokens_ended: false,
            rounds: 0,
            next,
            clients_aside: Vec::new(),
            accounts_aside: Vec::new(),
            everyone: None,
            everyone_aside: Vec::new(),
            removed: None,
            had_resource: false,
        }
    }

    /// The removal of a resource at `now`. Grants that were allowed later keep the resource: it may have been registered again.
    pub(crate) fn of_removed_resource(id: String, resource: &Resource, now: UnixTime) -> Self {
        let grants = GrantFilter { resource: Some(resource.clone()), before: Some(now.plus(1)), client: None };
        Self { removed: Some(resource.clone()), ..Self::new(id, BulkRevocation { user: None, grants }, now) }
    }

    /// Also goes through the list of users, for their sessions and for grants that no client's registry knows of.
    pub(crate) fn with_all_accounts(self) -> Self {
        Self { everyone: Some(Place::default()), ..self }
    }

    pub(super) async fn chunk(&mut self, platform: &Platform) -> Result<Progress, Fault> {
        if let Some(user) = &self.user {
            self.ended += self.end_grants(platform, None, user).await?;
            self.accounts += 1;
            self.user = None;
        } else if let Some(client) = self.queue.front().cloned() {
            self.client(platform, client).await?;
        } else if let Some(place) = &self.next {
            let (ids, next) = ids_after(platform, Kind::Client, place).await?;
            self.queue = ids.iter().filter_map(|id| ClientId::parse(id)).collect();
            self.next = next;
        } else if let Some(place) = self.everyone.clone() {
            let (ids, next) = ids_after(platform, Kind::User, &place).await?;
            let accounts = ids.iter().filter_map(|id| AccountId::parse(id)).collect();
            self.end_everything(platform, accounts).await?;
            self.everyone = next;
        } else if self.rounds < ROUNDS && !self.everyone_aside.is_empty() {
            self.rounds += 1;
            let aside = std::mem::take(&mut self.everyone_aside);
            self.end_everything(platform, aside).await?;
            return Ok(if self.everyone_aside.is_empty() { Progress::More } else { Progress::Later(60) });
        } else if self.rounds < ROUNDS && !self.clients_aside.is_empty() {
            let Aside { client, after, tokens_ended, had_resource } = self.clients_aside.remove(0);
            (self.queue, self.after) = (VecDeque::from([client]), after);
            (self.tokens_ended, self.had_resource) = (tokens_ended, had_resource);
            self.rounds += 1;
            return Ok(Progress::Later(60));
        } else if self.rounds < ROUNDS && !self.accounts_aside.is_empty() {
            self.rounds += 1;
            self.again(platform).await?;
        } else {
            let id = self.id.trim_end_matches(SECOND_PASS);
            if id == self.id {
                platform.audit.revocation(id).note_count(EventKind::BulkRevoked, self.ended);
            } else {
                self.end_second_pass(platform, id).await?;
            }
            return Ok(Progress::Done);
        }
        Ok(Progress::More)
    }

    /// Ends the second pass after the removal of a resource, which may be registered again from now on.
    async fn end_second_pass(&self, platform: &Platform, id: &str) -> Result<(), Fault> {
        if let Some(resource) = &self.removed {
            let removed = Edit::<RemovedResource>::Remove(ResourceId::of(resource.as_str()));
            // It is missing if a repeated request has led to the same work.
            let _ = catalogue::edit(platform, removed).await?;
        }
        if self.ended > 0 {
            platform.audit.revocation(id).note_count(EventKind::BulkRevoked, self.ended);
        }
        Ok(())
    }

    /// A chunk of a client's accounts; before the first one, the client's own tokens.
    async fn client(&mut self, platform: &Platform, client: ClientId) -> Result<(), Fault> {
        let found = match self.accounts_of(platform, &client).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(fault) if self.attempts < ATTEMPTS || self.clients_aside.len() >= MAX_ASIDE => {
                self.attempts = self.attempts.saturating_add(1);
                return Err(fault);
            }
            // A client whose registry does not respond does not delay the others.
            Err(_) => {
                let (after, tokens_ended, had_resource) = (self.after.clone(), self.tokens_ended, self.had_resource);
                self.clients_aside.push(Aside { client, after, tokens_ended, had_resource });
                self.next_client();
                return Ok(());
            }
        };
        let this: &Self = self;
        let asked = &client;
        let outcomes = at_once(found.iter().map(|account| this.end_grants(platform, Some(asked), account))).await;
        let fault = outcomes.iter().find_map(|outcome| outcome.as_ref().err().copied());
        let all_failed = outcomes.iter().all(Result::is_err);
        let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        if let Some(fault) = fault
            && ((all_failed && self.attempts < ATTEMPTS) || self.accounts_aside.len() + failed > MAX_ASIDE)
        {
            self.attempts = self.attempts.saturating_add(1);
            return Err(fault);
        }
        self.attempts = 0;
        for (account, outcome) in found.iter().zip(outcomes) {
            match outcome {
                Ok(ended) => {
                    self.ended += ended;
                    self.accounts += 1;
                }
                Err(_) => self.accounts_aside.push((client.clone(), account.clone())),
            }
        }
        match found.last() {
            Some(last) if found.len() as u64 == CHUNK => self.after = Some(last.to_string()),
            Some(_) | None => self.next_client(),
        }
        Ok(())
    }

    fn next_client(&mut self) {
        self.queue.pop_front();
        (self.after, self.tokens_ended, self.had_resource, self.attempts) = (None, false, false, 0);
    }

    /// Returns a chunk of the client's accounts, once its own tokens are ended; `None` if the progress has to be stored before.
    async fn accounts_of(&mut self, platform: &Platform, client: &ClientId) -> Result<Option<Vec<AccountId>>, Fault> {
        if let Some(resource) = self.removed.clone().filter(|_| !self.tokens_ended) {
            if !self.had_resource {
                self.had_resource = self.concerns_tokens_of(platform, client).await;
                if self.had_resource {
                    // Once the client has lost the resource, its record does not tell whose tokens end.
                    return Ok(None);
                }
            } else {
                self.take_resource(platform, client, &resource).await?;
                client_tokens::end(platform, client, clock::now()).await?;
            }
        } else if !self.tokens_ended && self.concerns_tokens_of(platform, client).await {
            // Times in tokens are whole seconds: a token from before a moment has an earlier second. The default is now, this
            // second included.
            let named = self.what.grants.before.map(|before| UnixTime(before.0.saturating_sub(1)));
            client_tokens::end(platform, client, named.unwrap_or(self.since)).await?;
        }
        self.tokens_ended = true;
        let after = self.after.clone().unwrap_or_default();
        objects::send(platform, client, &ListAccounts { after, limit: CHUNK }).await.map(Some)
    }

    /// Takes the removed resource from the client's record.
    async fn take_resource(&self, platform: &Platform, client: &ClientId, resource: &Resource) -> Result<(), Fault> {
        let take = async |record: &mut ClientRecord| Ok(record.lose_resource(resource).then_some(()));
        if clients::change(platform, client, take).await?.is_some() {
            let id = self.id.trim_end_matches(SECOND_PASS);
            platform.audit.revocation(id).client(client).note(EventKind::ClientReplaced);
            platform.audit.without_client();
        }
        Ok(())
    }

    /// Returns whether the client's own tokens may match. They may if its record cannot be read now.
    async fn concerns_tokens_of(&self, platform: &Platform, client: &ClientId) -> bool {
        let (Some(resource), authority) = (&self.what.grants.resource, platform.authority()) else {
            return true;
        };
        if resource == authority.default_resource() || resource.as_str() == authority.issuer() {
            return true;
        }
        let Ok(catalogue) = catalogue::exact(platform).await else {
            return true;
        };
        let admits = |record: &ClientRecord| {
            let client = Client::from_record(record);
            let obtains = client.may_use(GrantType::ClientCredentials) || client.may_use(GrantType::JwtBearer);
            obtains && catalogue.clients_of(resource).is_some_and(|clients| clients.admit(&client))
        };
        match clients::registered(platform, client).await {
            Ok(Some((_, record))) => record.metadata.resources.contains(resource) || admits(&record),
            Ok(None) => !client.is_root(),
            Err(_) => true,
        }
    }

    /// Ends the grants that are meant and all sessions of these accounts. Those that do not answer are set aside.
    async fn end_everything(&mut self, platform: &Platform, accounts: Vec<AccountId>) -> Result<(), Fault> {
        let this: &Self = self;
        let end = async |account: &AccountId| {
            let ended = this.end_grants(platform, None, account).await?;
            objects::send(platform, account, &EndSessions).await?;
            Ok(ended)
        };
        let outcomes = at_once(accounts.iter().map(end)).await;
        let failed = outcomes.iter().filter(|outcome: &&Result<u64, Fault>| outcome.is_err()).count();
        if self.everyone_aside.len() + failed > MAX_ASIDE
            && let Some(fault) = outcomes.iter().find_map(|outcome| outcome.as_ref().err().copied())
        {
            return Err(fault);
        }
        for (account, outcome) in accounts.into_iter().zip(outcomes) {
            match outcome {
                Ok(ended) => {
                    self.ended += ended;
                    self.accounts += 1;
                }
                Err(_) => self.everyone_aside.push(account),
            }
        }
        Ok(())
    }

    /// Ends the grants of an account that match, or takes the removed resource from them. Returns their number, also when the command is repeated.
    async fn end_grants(
        &self,
        platform: &Platform,
        client: Option<&ClientId>,
        account: &AccountId,
    ) -> Result<u64, Fault> {
        let mut which: GrantFilter = self.what.grants.clone();
        which.client = client.cloned().or(which.client);
        let job = Some(client.map_or_else(|| self.id.clone(), |client| format!("{} {client}", self.id)));
        let ended = match self.removed.clone() {
            Some(resource) => {
                let GrantFilter { client, before, .. } = which;
                objects::send(platform, account, &NarrowGrants { resource, client, before, job }).await?
            }
            None => objects::send(platform, account, &EndGrants { which, job }).await?,
        };
        Ok(ended.unwrap_or_default())
    }

    /// Repeats a chunk of the accounts that did not respond. Those that fail again stay for the next time.
    async fn again(&mut self, platform: &Platform) -> Result<(), Fault> {
        let chunk = self.accounts_aside.len().min(usize::try_from(CHUNK).unwrap_or(1));
        let aside: Vec<_> = self.accounts_aside.drain(..chunk).collect();
        let this: &Self = self;
        let asks = aside.iter().map(|(client, account)| this.end_grants(platform, Some(client), account));
        let mut fault = None;
        for (pair, outcome) in aside.iter().zip(at_once(asks).await) {
            match outcome {
                Ok(ended) => {
                    self.ended += ended;
                    self.accounts += 1;
                }
                Err(cause) => {
                    fault = Some(cause);
                    self.accounts_aside.push(pair.clone());
                }
            }
        }
        fault.map_or(Ok(()), Err)
    }
}

/// Returns the job as the admin API shows it.
pub(crate) fn shown(revoke: &Revoke, job: &Job) -> Value {
    let GrantFilter { client, resource, before } = &revoke.what.grants;
    // The time of a removal is that of its start.
    let (removed, before) = match &revoke.removed {
        Some(_) => (Some(true), None),
        None => (None, *before),
    };
    let mut value = json!({
        "id": revoke.id, "ended": revoke.ended, "accounts": revoke.accounts, "done": job.finished_at.is_some(),
        "unanswered": revoke.accounts_aside.len() + revoke.clients_aside.len() + revoke.everyone_aside.len(),
        "user": revoke.what.user, "client": client, "resource": resource, "before": before, "removed": removed,
        "started_at": job.started_at, "finished_at": job.finished_at,
    });
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    value
}
