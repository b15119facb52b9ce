//! Consents and grants: authorizing, redeeming, refreshing, revoking, ending. [`grant::step`] decides.

use serde::{Deserialize, Serialize};

use crate::account::FORM_TTL;
use crate::account::record::{AccountRecord, Session};
use crate::account::turn::{AccountCommand, JOB_COUNT_TTL, Turn};
use crate::oauth::admin::bulk::GrantFilter;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Decision, decide};
use crate::oauth::endpoints::id_token;
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::gate::{self, ClientFacts, UserFacts};
use crate::oauth::grant::handle::{GrantId, SessionId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{
    self, Describe, Described, Grant, GrantRefusal, Outcome, Redeem, Refresh, Revoke, SignIn, TokenGrant,
};
use crate::oauth::status::StatusEntry;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{Scope, permitted_scope};
use crate::oauth::vocabulary::status_entry::SuspensionState;
use crate::records::{Records, StorageError, Table, ends_at};
use crate::token::UnixTime;

impl<R: Records> Turn<'_, R> {
    pub(super) fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StorageError> {
        self.records.get(Table::Grant, id.as_str())
    }

    pub(super) fn consent(&self, client: &ClientId) -> Result<Option<Consent>, StorageError> {
        let stored: Option<Consent> = self.records.get(Table::Consent, client.as_str())?;
        Ok(stored.map(|consent| consent.paired(self.authority.issuer())))
    }

    /// Returns whether a grant is active by its own expiry and its session. What its client may have now is not checked.
    pub(super) fn is_active(&self, grant: &Grant) -> Result<bool, StorageError> {
        let session_is_active = match grant.needed_session() {
            Some(session) => self.session(session)?.is_some(),
            None => true,
        };
        Ok(session_is_active && grant.is_active(self.lifetimes(), self.now))
    }

    /// Returns the grant of an access token or ID token, if the grant is active, has not lost a resource of the token's
    /// audience, and the token was not revoked. A token that another
    /// client obtained by an exchange is inactive while the grant's own client is disabled, which the account was told.
    pub(super) fn grant_of_active_token(
        &self,
        id: &GrantId,
        jti: &TokenId,
        audience: &[Resource],
    ) -> Result<Option<Grant>, StorageError> {
        let Some(grant) = self.grant(id)?.filter(|grant| !grant.has_lost_any(audience, self.now)) else {
            return Ok(None);
        };
        let is_active = self.is_active(&grant)? && !self.records.contains(Table::RevokedToken, jti.as_str())?;
        if !is_active || (jti.is_exchanged() && self.is_suspended(&grant.client)?) {
            return Ok(None);
        }
        Ok(Some(grant))
    }

    fn is_suspended(&self, client: &ClientId) -> Result<bool, StorageError> {
        let suspension = self.records.get::<SuspensionState>(Table::SuspendedClient, client.as_str())?;
        Ok(suspension.is_some_and(|suspension| suspension.marked))
    }

    /// Returns the facts about the user for the gate. The session is only read if the grant is bound to it.
    pub(super) fn user_facts<'a>(
        &self,
        account: &'a AccountRecord,
        grant: Option<&Grant>,
        client: &ClientFacts,
    ) -> Result<UserFacts<'a>, StorageError> {
        let (enabled, scope) = (!account.disabled, account.scope.as_ref());
        let Some(grant) = grant else {
            return Ok(UserFacts {
                enabled,
                has_consented: false,
                scope,
                session_is_active: false,
                session_ends: None,
            });
        };
        let has_consented = self.records.contains(Table::Consent, grant.client.as_str())?;
        let outlives_session = gate::outlives_session(grant.offline, client, scope);
        let session_ends = match &grant.session {
            Some(session) if !outlives_session => self.session(session)?.map(|session| session.ends),
            Some(_) | None => None,
        };
        let session_is_active = session_ends.is_some() || (outlives_session && grant.session.is_some());
        Ok(UserFacts { enabled, has_consented, scope, session_is_active, session_ends })
    }

    /// Returns the grant of a refresh token of this client and describes the token; `None` if it cannot be used any more.
    pub(super) fn described(
        &self,
        id: &GrantId,
        describe: &Describe,
        account: &AccountRecord,
    ) -> Result<Option<(Grant, Described)>, StorageError> {
        let (lifetimes, client) = (self.lifetimes(), &describe.client);
        let grant = self.grant(id)?.filter(|grant| grant.client == client.id && grant.is_active(lifetimes, self.now));
        let Some(grant) = grant else {
            return Ok(None);
        };
        let user = self.user_facts(account, Some(&grant), client)?;
        Ok(grant.describe(describe, user, lifetimes, self.now).map(|described| (grant, described)))
    }

    /// Runs a step of a grant's state machine and stores what it decides.
    fn step(
        &self,
        id: &GrantId,
        stored: Option<Grant>,
        command: grant::Command<'_>,
    ) -> Result<Result<Outcome, GrantRefusal>, StorageError> {
        let step = grant::step(stored.clone(), command, self.lifetimes(), self.now);
        match step.next {
            grant::Next::Keep => {}
            grant::Next::Put(grant) => {
                self.records.put(Table::Grant, id.as_str(), ends_at(grant.ends(self.lifetimes())), &grant)?;
            }
            grant::Next::End => {
                if let Some(ended) = stored {
                    self.end_grant(id.as_str(), &ended)?;
                }
            }
        }
        Ok(step.outcome)
    }

    fn issue(&self, id: &GrantId, new: Grant) -> Result<Result<(), GrantRefusal>, StorageError> {
        let stored = self.grant(id)?;
        Ok(self.step(id, stored, grant::Command::Issue(Box::new(new)))?.map(|_| ()))
    }

    /// Stores the consent and the grant for a request that the user allows. `new` makes the grant.
    pub(super) fn allow(
        &self,
        session: &SessionId,
        account: &AccountRecord,
        allowed: &Allowed<'_>,
        new: impl FnOnce(Scope, Session) -> Grant,
    ) -> Result<Result<(), AllowError>, StorageError> {
        let Some(session) = self.session(session)? else {
            return Ok(Err(AllowError::SessionMissing));
        };
        let Allowed { client, scope, resources, grant, accepts } = *allowed;
        // A form counts once. Submitted again it yields the grant that is still unused, and never renews what has ended.
        let is_repeated = self.records.contains(Table::SpentForm, grant.as_str())?;
        if is_repeated && !self.records.contains(Table::Grant, grant.as_str())? {
            return Ok(Err(AllowError::Grant(GrantRefusal::CodeSpent)));
        }
        // The form shows what could be allowed then; what can be allowed now may be less.
        let scope = permitted_scope(scope, account.scope.as_ref());
        // The session may be another one than when the form was shown, and time has passed.
        if !accepts(&session.sign_in, &scope) {
            return Ok(Err(AllowError::StepUp));
        }
        let old = self.consent(client)?;
        let consent = old.clone().unwrap_or_else(|| Consent::new(self.now)).with(&scope, resources);
        if old.as_ref() != Some(&consent) {
            self.records.put(Table::Consent, client.as_str(), None, &consent)?;
        }
        if !is_repeated {
            self.records.put(Table::SpentForm, grant.as_str(), ends_at(self.now.plus(FORM_TTL)), &())?;
        }
        Ok(self.issue(grant, new(scope, session))?.map_err(AllowError::Grant))
    }

    /// Runs a step that yields tokens.
    pub(super) fn issue_tokens(
        &self,
        id: &GrantId,
        stored: Option<Grant>,
        command: grant::Command<'_>,
        account: &AccountRecord,
        wants_profile: bool,
    ) -> Result<Result<Tokens, GrantRefusal>, StorageError> {
        Ok(match self.step(id, stored, command)? {
            Ok(Outcome::Tokens(tokens)) => {
                let account = id_token::needs_profile(wants_profile, &tokens).then(|| account.clone());
                Ok(Tokens { tokens: *tokens, account })
            }
            // A code or a refresh token is never answered so.
            Ok(Outcome::Issued | Outcome::Ended) => Err(GrantRefusal::GrantUnknown),
            Err(refusal) => Err(refusal),
        })
    }
}

/// Decides an authorization request. If it is allowed, a code is issued.
#[derive(Deserialize, Serialize)]
pub struct Authorize {
    /// The browser's session.
    pub session: Option<SessionId>,
    /// The request.
    pub request: AuthorizationRequest,
    /// The identifier of a new grant.
    pub grant: GrantId,
    /// The status list entry of its tokens.
    pub status: StatusEntry,
}

/// The answer to [`Authorize`].
#[derive(Debug, Deserialize, Serialize)]
pub struct Decided {
    /// What has to happen first, if anything.
    pub decision: Decision,
    /// The account, if there is one.
    pub account: Option<AccountRecord>,
}

impl AccountCommand for Authorize {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Decided, StorageError> {
        let Self { session: id, request, grant, status } = self;
        let session = id.as_ref().map(|id| turn.session(id)).transpose()?.flatten();
        let consent = turn.consent(&request.client)?;
        let signed_in = id.as_ref().zip(session.as_ref()).map(|(id, session)| (id, &session.sign_in));
        let decision = decide(&request, signed_in, account.scope.as_ref(), consent.as_ref(), turn.now);
        if let (Decision::Allowed(scope), Some(id), Some(session)) = (&decision, id, session) {
            turn.touch(&id, &session)?;
            let new = request.grant(scope.clone(), id, session.sign_in, Some(status), turn.now);
            // The identifier is new, so no other grant has it.
            let _ = turn.issue(&grant, new)?;
        }
        Ok(Decided { decision, account: Some(account) })
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Decided, StorageError> {
        Ok(Decided { decision: Decision::SignIn, account: None })
    }
}

/// What a user allows.
#[derive(Clone, Copy)]
pub(super) struct Allowed<'a> {
    /// The client.
    pub(super) client: &'a ClientId,
    /// The scope.
    pub(super) scope: &'a Scope,
    /// The resources.
    pub(super) resources: &'a [Resource],
    /// The grant's identifier.
    pub(super) grant: &'a GrantId,
    /// Whether a user who signed in so may allow this scope.
    pub(super) accepts: &'a dyn Fn(&SignIn, &Scope) -> bool,
}

/// Issues a code for a request that the user allows, and stores the consent. The same form yields the same code.
#[derive(Deserialize, Serialize)]
pub struct AllowRequest {
    /// The browser's session.
    pub session: SessionId,
    /// The request.
    pub request: AuthorizationRequest,
    /// The scope that the user allows.
    pub scope: Scope,
    /// The grant's identifier, derived from the form.
    pub grant: GrantId,
    /// The status list entry of its tokens.
    pub status: StatusEntry,
}

/// Why no grant is created for a request that the user allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowError {
    /// The session is not active, or there is no account.
    SessionMissing,
    /// The form was submitted before, and its grant has been used or has ended.
    Grant(GrantRefusal),
    /// The request requires a stronger or more recent sign-in.
    StepUp,
}

impl AccountCommand for AllowRequest {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let Self { session: id, request, scope, grant, status } = self;
        let allowed = Allowed {
            client: &request.client,
            scope: &scope.within(&request.scope),
            resources: &request.resources,
            grant: &grant,
            accepts: &|sign_in, scope| request.is_allowed_after(sign_in, scope, turn.now),
        };
        turn.allow(&id, &account, &allowed, |scope, session| {
            request.grant(scope, id.clone(), session.sign_in, Some(status), turn.now)
        })
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(AllowError::SessionMissing))
    }
}

/// The answer to the commands that yield tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tokens {
    /// The contents of the tokens.
    pub tokens: TokenGrant,
    /// The account, if the ID token contains claims of its profile.
    pub account: Option<AccountRecord>,
}

/// Redeems a code.
#[derive(Clone, Deserialize, Serialize)]
pub struct RedeemCode {
    /// The grant.
    pub grant: GrantId,
    /// The request.
    pub redeem: Redeem,
    /// Whether the ID token contains all claims of the profile.
    pub profile: bool,
}

impl AccountCommand for RedeemCode {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let stored = turn.grant(&self.grant)?;
        let user = turn.user_facts(&account, stored.as_ref(), &self.redeem.client)?;
        turn.issue_tokens(&self.grant, stored, grant::Command::Redeem(&self.redeem, user), &account, self.profile)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}

/// Uses a refresh token.
#[derive(Clone, Deserialize, Serialize)]
pub struct RefreshGrant {
    /// The grant.
    pub grant: GrantId,
    /// The request.
    pub refresh: Refresh,
    /// Whether the ID token contains all claims of the profile.
    pub profile: bool,
}

impl AccountCommand for RefreshGrant {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let stored = turn.grant(&self.grant)?;
        let user = turn.user_facts(&account, stored.as_ref(), &self.refresh.client)?;
        turn.issue_tokens(&self.grant, stored, grant::Command::Refresh(&self.refresh, user), &account, self.profile)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}

/// Revokes a grant for its client.
#[derive(Deserialize, Serialize)]
pub struct RevokeGrant {
    /// The grant.
    pub grant: GrantId,
    /// The request.
    pub revoke: Revoke,
}

impl AccountCommand for RevokeGrant {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        let stored = turn.grant(&self.grant)?;
        Ok(turn.step(&self.grant, stored, grant::Command::Revoke(&self.revoke))?.map(|_| ()))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Ok(()))
    }
}

/// Revokes one access token of a grant, for its client.
#[derive(Deserialize, Serialize)]
pub struct RevokeToken {
    /// The token's `jti`.
    pub jti: TokenId,
    /// When the token can be forgotten.
    pub until: UnixTime,
}

impl AccountCommand for RevokeToken {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<(), StorageError> {
        turn.records.put(Table::RevokedToken, self.jti.as_str(), Some(self.until), &())
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Checks an access token. Returns the account if the token is active.
#[derive(Deserialize, Serialize)]
pub struct TokenStatus {
    /// The token's grant.
    pub grant: GrantId,
    /// The token's `jti`.
    pub jti: TokenId,
    /// The resources of the token's audience. Absent in commands of isolates of versions that did not send it.
    #[serde(default)]
    pub audience: Vec<Resource>,
}

impl AccountCommand for TokenStatus {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let active = turn.grant_of_active_token(&self.grant, &self.jti, &self.audience)?;
        let is_active = !account.disabled && active.is_some();
        Ok(is_active.then_some(account))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}

/// Describes a refresh token to its client. Returns `None` if it is not active.
#[derive(Deserialize, Serialize)]
pub struct DescribeRefreshToken {
    /// The grant.
    pub grant: GrantId,
    /// The request.
    pub describe: Describe,
}

impl AccountCommand for DescribeRefreshToken {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        Ok(turn.described(&self.grant, &self.describe, &account)?.map(|(_, described)| described))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}

/// Ends a grant, for the user or an operator. Returns `false` if it does not exist.
#[derive(Deserialize, Serialize)]
pub struct EndGrant {
    /// The grant.
    pub grant: GrantId,
}

impl AccountCommand for EndGrant {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<bool, StorageError> {
        match turn.grant(&self.grant)? {
            Some(grant) => turn.end_grant(self.grant.as_str(), &grant).map(|()| true),
            None => Ok(false),
        }
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<bool, StorageError> {
        Ok(false)
    }
}

/// Ends all matching grants. Returns their number, `None` without an account. With a job, the number includes what was
/// ended for the job before: a caller that crashed before it stored the answer repeats the command.
#[derive(Deserialize, Serialize)]
pub struct EndGrants {
    /// The grants.
    pub which: GrantFilter,
    /// The job's identifier.
    pub job: Option<String>,
}

impl AccountCommand for EndGrants {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Option<u64>, StorageError> {
        turn.count_for(self.job.as_deref(), || turn.end_grants(|grant| self.which.matches(grant))).map(Some)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Option<u64>, StorageError> {
        Ok(None)
    }
}

/// Suspends the grants for a client that is disabled, or ends their suspension when it is enabled: for the status lists alone, since
/// the gate judges the client's record. A change with a lower version than the last one came late, and changes nothing.
#[derive(Deserialize, Serialize)]
pub struct SuspendClient {
    /// The client.
    pub client: ClientId,
    /// The number of the change in the client's record, and whether the client is disabled.
    pub change: SuspensionState,
}

impl AccountCommand for SuspendClient {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<(), StorageError> {
        let Self { client, change } = self;
        let known = turn.records.get::<SuspensionState>(Table::SuspendedClient, client.as_str())?;
        if known.is_some_and(|known| change.version < known.version) || (known.is_none() && !change.marked) {
            return Ok(());
        }
        // The number of the last change is kept for as long as an earlier one may still arrive.
        let ends = if change.marked { None } else { Some(turn.now.plus(JOB_COUNT_TTL)) };
        turn.records.put(Table::SuspendedClient, client.as_str(), ends, &change)?;
        turn.settle_suspensions(&account, |grant| grant.client == client)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Withdraws the consent to a client and ends its grants. Returns the number of grants, `None` without an account.
#[derive(Deserialize, Serialize)]
pub struct WithdrawConsent {
    /// The client.
    pub client: ClientId,
}

impl AccountCommand for WithdrawConsent {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Option<u64>, StorageError> {
        // The grants first: without its consent, the client is not shown to the user any more.
        let ended = turn.end_grants(|grant| grant.client == self.client)?;
        turn.records.delete(Table::Consent, self.client.as_str())?;
        // A later client with this identifier must not inherit it.
        turn.records.delete(Table::SuspendedClient, self.client.as_str())?;
        Ok(Some(ended))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Option<u64>, StorageError> {
        Ok(None)
    }
}
