//! What must be exact about one account: its record, sessions, consents, grants and passkeys. One Durable Object an
//! account, so that capacity grows with people and a person's grants are listed or ended in one call.
//!
//! Each command is one turn: the body is read first, then records are read, `oauth` decides, and records are written,
//! without another wait in between. The answer leaves when what was written is durable (the platform's output gate).
//! Profiles and passwords come and stay sealed; this object has no key.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::identity::passkey::Counter;
use crate::oauth::endpoints::authorize::Decision;
use crate::oauth::endpoints::id_token;
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{self, Grant, GrantRefusal, Lifetimes, Outcome, SignIn};
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::scope::permitted_scope;
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env;
use crate::worker::objects::account_records::{
    AccountRecord, Connection, Overview, PasskeyRecord, Session, SessionView,
};
use crate::worker::report::Fault;

use super as objects;
use super::account_commands::{AccountAnswer, AccountCommand, Used};
use super::outbox;
use super::records::SqliteRecords;
use crate::records::{Records as _, Table, ends_at};

/// One account.
#[durable_object(alarm)]
pub struct AccountObject {
    state: State,
    env: Env,
    /// Whether the alarm that sweeps is known to be set.
    sweeping: Cell<bool>,
    /// Whether there is a revocation that a status list has still to be told.
    untold: Cell<bool>,
}

impl DurableObject for AccountObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, sweeping: Cell::new(false), untold: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command: AccountCommand = objects::command(&mut request).await?;
        let removes = matches!(command, AccountCommand::Remove);
        let records = SqliteRecords::open(&self.state);
        let turn = |authority: Rc<Authority>| run(command, &records, &authority, &self.untold, now());
        let outcome = env::authority(&self.env).and_then(turn);
        if self.untold.get() {
            // Stored with the revocation itself, so that a crash from here on loses nothing.
            self.state.storage().set_alarm(outbox::TELL_AGAIN).await?;
            if let Some(wait) = self.tell_lists().await {
                self.state.storage().set_alarm(wait).await?;
            }
        }
        if removes && outcome.is_ok() {
            self.forget_if_told().await?;
        } else if records.has_written() && !self.sweeping.replace(true) {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "account");
        objects::reply(outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.sweeping.set(false);
        if let Some(wait) = self.tell_lists().await {
            self.state.storage().set_alarm(wait).await?;
            return Response::empty();
        }
        let records = SqliteRecords::open(&self.state);
        let thrown = |error| worker::Error::RustError(Fault::from(error).kind().name().to_owned());
        if !records.contains(Table::Account, RECORD).map_err(thrown)? {
            self.forget_if_told().await?;
            return Response::empty();
        }
        if let Some(next) = records.sweep(now()).map_err(thrown)? {
            objects::sweep_at(&self.state, next).await?;
        }
        Response::empty()
    }
}

impl AccountObject {
    /// Has the status lists told what has ended here. Says how soon to go on, unless they know all of it.
    async fn tell_lists(&self) -> Option<Duration> {
        let wait = outbox::tell(&self.state, &self.env).await;
        self.untold.set(wait.is_some());
        wait
    }

    /// An account that has been removed leaves nothing, once the status lists know.
    async fn forget_if_told(&self) -> worker::Result<()> {
        // The memory of this object may be younger than what is stored.
        if outbox::is_empty(&SqliteRecords::open(&self.state)) {
            self.state.storage().delete_alarm().await?;
            self.state.storage().delete_all().await?;
        }
        Ok(())
    }
}

const RECORD: &str = "";

fn run(
    command: AccountCommand,
    records: &SqliteRecords,
    authority: &Authority,
    untold: &Cell<bool>,
    now: UnixTime,
) -> Result<AccountAnswer, Fault> {
    let account = Account { records, authority, untold, now };
    let record: Option<AccountRecord> = records.get(Table::Account, RECORD)?;
    let Some(record) = record else {
        return match command {
            AccountCommand::Create(record) => {
                records.put(Table::Account, RECORD, None, &record)?;
                Ok(AccountAnswer::Done)
            }
            AccountCommand::Redeem { .. } | AccountCommand::Refresh { .. } => {
                Ok(AccountAnswer::Grant(Err(GrantRefusal::GrantUnknown)))
            }
            AccountCommand::Revoke { .. } => Ok(AccountAnswer::Grant(Ok(Outcome::Ended))),
            AccountCommand::Authorize { .. } => {
                Ok(AccountAnswer::Decision { decision: Decision::SignIn, account: None })
            }
            AccountCommand::Status { .. } => Ok(AccountAnswer::Status(None)),
            _ => Ok(AccountAnswer::Missing),
        };
    };
    match command {
        AccountCommand::Create(_) => Ok(AccountAnswer::Exists),
        AccountCommand::Replace { was, .. } | AccountCommand::SetProfile { was, .. } if record.profile != was => {
            Ok(AccountAnswer::Refused)
        }
        AccountCommand::Replace { sealed, scope, .. } => {
            let record = AccountRecord { profile: sealed, scope: scope.of(record.scope), ..record };
            records.put(Table::Account, RECORD, None, &record)?;
            // What the person may no longer allow, nobody keeps.
            account.end_grants(|grant| permitted_scope(&grant.scope, record.scope.as_ref()) != grant.scope)?;
            Ok(AccountAnswer::Done)
        }
        // The storage is emptied once the status lists know.
        AccountCommand::Remove => {
            account.end_grants(|_| true)?;
            records.keep_only(Table::Revocation)?;
            Ok(AccountAnswer::Done)
        }
        AccountCommand::Read => Ok(AccountAnswer::Account(record)),
        AccountCommand::SetProfile { sealed, .. } => {
            records.put(Table::Account, RECORD, None, &AccountRecord { profile: sealed, ..record })?;
            Ok(AccountAnswer::Done)
        }
        AccountCommand::SignIn { session, sign_in, agent, replaces, passkey } => {
            account.sign_in(&session, sign_in, agent, replaces, passkey)
        }
        AccountCommand::Authorize { session, request, grant, status } => {
            account.authorize(record, session, &request, &grant, status)
        }
        AccountCommand::Allow { session, request, scope, grant, status } => {
            account.allow(&record, session, &request, &scope, (&grant, status))
        }
        AccountCommand::Redeem { grant, redeem, profile } => {
            let answer = account.use_grant(&grant, &redeem.rights, record.scope.as_ref(), |state| {
                grant::Command::Redeem(&redeem, state)
            })?;
            Ok(with_profile(answer, profile, &record))
        }
        AccountCommand::Refresh { grant, refresh, profile } => {
            let answer = account.use_grant(&grant, &refresh.rights, record.scope.as_ref(), |state| {
                grant::Command::Refresh(&refresh, state)
            })?;
            Ok(with_profile(answer, profile, &record))
        }
        AccountCommand::Revoke { grant, revoke } => account.revoke(&grant, &revoke),
        AccountCommand::RevokeToken { jti, until } => {
            records.put(Table::RevokedToken, &jti, Some(until), &())?;
            Ok(AccountAnswer::Done)
        }
        AccountCommand::Status { grant, jti } => {
            let grant: Option<Grant> = records.get(Table::Grant, grant.as_str())?;
            let counts = match grant {
                Some(grant) => account.is_active(&grant)? && !records.contains(Table::RevokedToken, &jti)?,
                None => false,
            };
            Ok(AccountAnswer::Status(counts.then_some(record)))
        }
        AccountCommand::Describe { grant, describe } => account.describe(&grant, &describe, record.scope.as_ref()),
        AccountCommand::Overview { session } => account.overview(record, session),
        AccountCommand::EndSession { session } => {
            Ok(AccountAnswer::Ended(account.end_sessions(|id, _| id == session.as_str())?))
        }
        AccountCommand::EndSessions => Ok(AccountAnswer::Ended(account.end_sessions(|_, _| true)?)),
        AccountCommand::StepUp { session } => Ok(account.step_up(&session)?.unwrap_or(AccountAnswer::Done)),
        AccountCommand::Secure { except, passkeys, grants } => account.secure(except.as_ref(), passkeys, grants),
        AccountCommand::EndGrant { grant } => Ok(match records.get::<Grant>(Table::Grant, grant.as_str())? {
            Some(ended) => {
                account.end_grant(grant.as_str(), &ended)?;
                AccountAnswer::Done
            }
            None => AccountAnswer::Missing,
        }),
        AccountCommand::EndGrants { which, job: None } => {
            Ok(AccountAnswer::Ended(account.end_grants(|grant| which.matches(grant))?))
        }
        AccountCommand::EndGrants { which, job: Some(job) } => {
            account.end_grants_for(&job, |grant| which.matches(grant))
        }
        AccountCommand::Withdraw { client } => {
            records.delete(Table::Consent, client.as_str())?;
            Ok(AccountAnswer::Ended(account.end_grants(|grant| grant.client == client)?))
        }
        AccountCommand::AddPasskey { session, id, passkey, answered } => {
            account.add_passkey(&session, &id, &passkey, &answered)
        }
        AccountCommand::Passkey { id } => {
            Ok(records.get(Table::Passkey, &id)?.map_or(AccountAnswer::Missing, AccountAnswer::Passkey))
        }
        AccountCommand::RenamePasskey { id, name } => {
            let Some(passkey) = records.get::<PasskeyRecord>(Table::Passkey, &id)? else {
                return Ok(AccountAnswer::Missing);
            };
            records.put(Table::Passkey, &id, None, &PasskeyRecord { name, ..passkey })?;
            Ok(AccountAnswer::Done)
        }
        AccountCommand::RemoveOwnPasskey { session, id, is_needed } => {
            account.remove_own_passkey(&session, &id, is_needed)
        }
        AccountCommand::RemovePasskey { id } => account.remove_passkey(None, &id),
        AccountCommand::RemovePasskeys => Ok(AccountAnswer::EndedAll(account.remove_passkeys(None, |_| true)?)),
    }
}

/// Adds the record to an answer where the ID token carries claims of its profile.
fn with_profile(answer: AccountAnswer, everything: bool, record: &AccountRecord) -> AccountAnswer {
    match answer {
        AccountAnswer::Grant(Ok(Outcome::Tokens(tokens))) => {
            let account = id_token::needs_profile(everything, &tokens).then(|| record.clone());
            AccountAnswer::Tokens { tokens, account }
        }
        other => other,
    }
}

/// What a turn works with.
pub(super) struct Account<'t> {
    pub(super) records: &'t SqliteRecords,
    pub(super) authority: &'t Authority,
    pub(super) untold: &'t Cell<bool>,
    pub(super) now: UnixTime,
}

impl Account<'_> {
    pub(super) fn lifetimes(&self) -> &Lifetimes {
        self.authority.lifetimes()
    }

    pub(super) fn session(&self, id: &SessionId) -> Result<Option<Session>, Fault> {
        let session: Option<Session> = self.records.get(Table::Session, id.as_str())?;
        Ok(session.filter(|session| self.now < session.ends))
    }

    fn sign_in(
        &self,
        id: &SessionId,
        sign_in: SignIn,
        agent: String,
        replaces: Option<SessionId>,
        passkey: Option<Used>,
    ) -> Result<AccountAnswer, Fault> {
        let counter = match passkey.as_ref().map(|used| self.use_passkey(used)).transpose()? {
            Some(Err(refused)) => return Ok(refused),
            Some(Ok(counter)) => counter,
            None => Counter::Increased,
        };
        // A new identifier at each sign-in, so that nobody can fix one beforehand. What the old session held moves along.
        let (mut opened_at, mut held) = (self.now, Vec::new());
        if let Some(old) = replaces {
            if let Some(session) = self.session(&old)? {
                opened_at = session.opened_at;
            }
            held = self.records.list::<Grant>(Table::Grant)?;
            held.retain(|(_, grant)| grant.session == old);
            self.records.delete(Table::Session, old.as_str())?;
        }
        for (grant_id, grant) in held {
            let ends = ends_at(grant.ends(self.lifetimes()));
            self.records.put(Table::Grant, &grant_id, ends, &Grant { session: id.clone(), ..grant })?;
        }
        let session = Session {
            sign_in: SignIn { at: sign_in.at.min(self.now), ..sign_in },
            agent,
            opened_at,
            seen_at: self.now,
            ends: self.now.plus(self.authority.session_ttl()),
            passkey: passkey.map(|used| used.id),
        };
        self.records.put(Table::Session, id.as_str(), Some(session.ends), &session)?;
        Ok(match counter {
            Counter::Increased => AccountAnswer::Done,
            Counter::Restarted => AccountAnswer::CounterRestarted,
        })
    }

    /// Notes at most once an hour that a session is in use.
    pub(super) fn touch(&self, id: &SessionId, session: &Session) -> Result<(), Fault> {
        if self.now < session.seen_at.plus(3600) {
            return Ok(());
        }
        let seen = Session { seen_at: self.now, ..session.clone() };
        Ok(self.records.put(Table::Session, id.as_str(), Some(seen.ends), &seen)?)
    }

    fn overview(&self, account: AccountRecord, id: Option<SessionId>) -> Result<AccountAnswer, Fault> {
        let mut current = None;
        if let Some(id) = id {
            let Some(session) = self.session(&id)? else {
                return Ok(AccountAnswer::Missing);
            };
            self.touch(&id, &session)?;
            current = Some(id);
        }
        let mut sessions = Vec::new();
        for (id, session) in self.records.list::<Session>(Table::Session)? {
            if self.now < session.ends {
                sessions.push(SessionView { id, session });
            }
        }
        let mut connections: Vec<Connection> = Vec::new();
        for (client, consent) in self.records.list::<Consent>(Table::Consent)? {
            let consent = consent.paired(self.authority.issuer());
            connections.push(Connection { client, consent, grants: Vec::new() });
        }
        for (id, grant) in self.records.list::<Grant>(Table::Grant)? {
            // A code that is out and not redeemed is nothing that anybody could recognise.
            if !self.is_active(&grant)? || matches!(grant.stage, grant::Stage::Code { .. }) {
                continue;
            }
            let of_client = connections.iter_mut().find(|connection| connection.client == grant.client.as_str());
            if let Some(connection) = of_client {
                connection.grants.push((id, grant));
            }
        }
        let passkeys = self.records.list(Table::Passkey)?;
        Ok(AccountAnswer::Overview(Box::new(Overview { account, current, sessions, connections, passkeys })))
    }
}
