//! The consents and grants of an account: the part of an account's turn that reads and writes them. `oauth` decides.

use crate::oauth::endpoints::authorize::{AuthorizationRequest, Decision, decide};
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::handle::{GrantId, SessionId};
use crate::oauth::grant::rights::{ClientRights, Rights};
use crate::oauth::grant::{self, AccountState, Describe, Grant, GrantRefusal, Outcome, Revoke};
use crate::oauth::status::StatusEntry;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::scope::{Scope, permitted_scope};
use crate::worker::browser::FORM_TTL;
use crate::worker::report::Fault;

use super::account_commands::AccountAnswer;
use super::account_do::Account;
use super::account_records::AccountRecord;
use super::outbox;
use crate::records::{Records as _, Table, ends_at};

/// How long a job may take to note what it was answered, seconds.
const REMEMBER_JOBS_FOR: u64 = 30 * 24 * 3600;

impl Account<'_> {
    pub(super) fn authorize(
        &self,
        record: AccountRecord,
        id: Option<SessionId>,
        request: &AuthorizationRequest,
        grant: &GrantId,
        status: StatusEntry,
    ) -> Result<AccountAnswer, Fault> {
        let session = id.as_ref().map(|id| self.session(id)).transpose()?.flatten();
        let consent = self.consent(&request.client)?;
        let signed_in = id.as_ref().zip(session.as_ref()).map(|(id, session)| (id, &session.sign_in));
        let decision = decide(request, signed_in, record.scope.as_ref(), consent.as_ref(), self.now);
        if let (Decision::Allowed(scope), Some(id), Some(session)) = (&decision, id, session) {
            self.touch(&id, &session)?;
            let new = request.grant(scope.clone(), id, session.sign_in, Some(status), self.now);
            // A fresh identifier: there is no other grant of that name.
            let _ = self.issue(grant, new)?;
        }
        Ok(AccountAnswer::Decision { decision, account: Some(record) })
    }

    pub(super) fn allow(
        &self,
        record: &AccountRecord,
        id: SessionId,
        request: &AuthorizationRequest,
        scope: &Scope,
        (grant, status): (&GrantId, StatusEntry),
    ) -> Result<AccountAnswer, Fault> {
        let Some(session) = self.session(&id)? else {
            return Ok(AccountAnswer::Missing);
        };
        // A form counts once. Sent again it gives the code that is still out, and never what has ended since.
        let sent_before = self.records.contains(Table::SpentForm, grant.as_str())?;
        if sent_before && !self.records.contains(Table::Grant, grant.as_str())? {
            return Ok(AccountAnswer::Grant(Err(GrantRefusal::CodeSpent)));
        }
        // The form shows what could be allowed then; it never allows more than what can be allowed now.
        let scope = permitted_scope(&scope.within(&request.scope), record.scope.as_ref());
        let old = self.consent(&request.client)?;
        let consent = old.clone().unwrap_or_else(|| Consent::new(self.now)).with(&scope, &request.resources);
        if old != Some(consent.clone()) {
            self.records.put(Table::Consent, request.client.as_str(), None, &consent)?;
        }
        if !sent_before {
            self.records.put(Table::SpentForm, grant.as_str(), ends_at(self.now.plus(FORM_TTL)), &())?;
        }
        let outcome = self.issue(grant, request.grant(scope, id, session.sign_in, Some(status), self.now))?;
        Ok(AccountAnswer::Grant(outcome))
    }

    fn consent(&self, client: &ClientId) -> Result<Option<Consent>, Fault> {
        let stored: Option<Consent> = self.records.get(Table::Consent, client.as_str())?;
        Ok(stored.map(|consent| consent.paired(self.authority.issuer())))
    }

    fn issue(&self, id: &GrantId, new: Grant) -> Result<Result<Outcome, GrantRefusal>, Fault> {
        let stored: Option<Grant> = self.records.get(Table::Grant, id.as_str())?;
        let old = stored.clone();
        self.commit(id, old, grant::step(stored, grant::Command::Issue(Box::new(new)), self.lifetimes(), self.now))
    }

    /// Redeems or refreshes a grant. The session is read only for a grant that ends with it.
    pub(super) fn use_grant<'c>(
        &self,
        id: &GrantId,
        client: &ClientRights,
        scope: Option<&'c Scope>,
        command: impl FnOnce(AccountState<'c>) -> grant::Command<'c>,
    ) -> Result<AccountAnswer, Fault> {
        let stored: Option<Grant> = self.records.get(Table::Grant, id.as_str())?;
        let session_is_active = match &stored {
            Some(grant) => self.session_is_active(grant, &Rights { client, user: scope })?,
            None => false,
        };
        let old = stored.clone();
        let state = AccountState { scope, session_is_active };
        let step = grant::step(stored, command(state), self.lifetimes(), self.now);
        Ok(AccountAnswer::Grant(self.commit(id, old, step)?))
    }

    /// Revokes a grant for its client.
    pub(super) fn revoke(&self, id: &GrantId, revoke: &Revoke) -> Result<AccountAnswer, Fault> {
        let stored: Option<Grant> = self.records.get(Table::Grant, id.as_str())?;
        let old = stored.clone();
        let step = grant::step(stored, grant::Command::Revoke(revoke), self.lifetimes(), self.now);
        Ok(AccountAnswer::Grant(self.commit(id, old, step)?))
    }

    /// Describes a refresh token to its client.
    pub(super) fn describe(
        &self,
        id: &GrantId,
        describe: &Describe,
        scope: Option<&Scope>,
    ) -> Result<AccountAnswer, Fault> {
        let grant: Option<Grant> = self.records.get(Table::Grant, id.as_str())?;
        let lifetimes = self.lifetimes();
        let active = grant.filter(|grant| grant.client == describe.client && grant.is_active(lifetimes, self.now));
        Ok(AccountAnswer::Described(match active {
            Some(grant) => {
                let rights = Rights { client: &describe.rights, user: scope };
                let session_is_active = self.session_is_active(&grant, &rights)?;
                grant.describe(describe, AccountState { scope, session_is_active }, lifetimes, self.now)
            }
            None => None,
        }))
    }

    fn session_is_active(&self, grant: &Grant, rights: &Rights<'_>) -> Result<bool, Fault> {
        Ok(grant.outlives_session(rights) || self.session(&grant.session)?.is_some())
    }

    fn commit(
        &self,
        id: &GrantId,
        old: Option<Grant>,
        step: grant::Step,
    ) -> Result<Result<Outcome, GrantRefusal>, Fault> {
        match step.next {
            grant::Next::Keep => {}
            grant::Next::Put(grant) => {
                self.records.put(Table::Grant, id.as_str(), ends_at(grant.ends(self.lifetimes())), &grant)?;
            }
            grant::Next::End => {
                if let Some(old) = old {
                    self.end_grant(id.as_str(), &old)?;
                }
            }
        }
        Ok(step.outcome)
    }

    /// Returns whether a grant is active, as far as this account knows: what its client may have is not looked at.
    pub(super) fn is_active(&self, grant: &Grant) -> Result<bool, Fault> {
        Ok(grant.is_active(self.lifetimes(), self.now) && (grant.offline || self.session(&grant.session)?.is_some()))
    }

    /// Ends grants. Gives how many.
    pub(super) fn end_grants(&self, which: impl Fn(&Grant) -> bool) -> Result<u64, Fault> {
        let mut ended = 0;
        for (id, grant) in self.records.list::<Grant>(Table::Grant)?.into_iter().filter(|(_, grant)| which(grant)) {
            self.end_grant(&id, &grant)?;
            ended += 1;
        }
        Ok(ended)
    }

    /// Ends a grant, and notes for the status list that its tokens count no more, as long as there can be any.
    pub(super) fn end_grant(&self, id: &str, grant: &Grant) -> Result<(), Fault> {
        self.records.delete(Table::Grant, id)?;
        let last_token_ends = grant.last_token_ends(self.lifetimes()).filter(|ends| self.now < *ends);
        if let (Some(entry), Some(ends)) = (grant.status, last_token_ends) {
            outbox::note(self.records, entry, ends)?;
            self.untold.set(true);
        }
        Ok(())
    }

    /// Whoever asks may die before it has noted the answer, and asks again: so the count stays here.
    pub(super) fn end_grants_for(&self, job: &str, which: impl Fn(&Grant) -> bool) -> Result<AccountAnswer, Fault> {
        let before = self.records.get::<u64>(Table::EndedFor, job)?.unwrap_or_default();
        let total = before.saturating_add(self.end_grants(which)?);
        if total != before {
            self.records.put(Table::EndedFor, job, Some(self.now.plus(REMEMBER_JOBS_FOR)), &total)?;
        }
        Ok(AccountAnswer::Ended(total))
    }
}
