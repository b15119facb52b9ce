//! What an account does for a device: trying a user code, allowing the request, redeeming the device code.

use serde::{Deserialize, Serialize};

use crate::account::grants::{AllowError, Allowed, Tokens};
use crate::account::record::AccountRecord;
use crate::account::turn::{AccountCommand, Turn};
use crate::identity::user_code_tries::{UserCodeTries, WINDOW};
use crate::oauth::grant::device::DeviceRequest;
use crate::oauth::grant::gate::Rules;
use crate::oauth::grant::handle::{GrantId, SessionId};
use crate::oauth::grant::{self, Grant, GrantRefusal, RedeemDevice, SignIn, Stage};
use crate::oauth::status::StatusEntry;
use crate::oauth::vocabulary::scope::{OFFLINE_ACCESS, Scope};
use crate::records::{ONLY, Records, StorageError, Table};

/// Counts a try to enter a user code. It is stored before the code is looked up, so that tries at the same time all count.
#[derive(Deserialize, Serialize)]
pub struct TryUserCode {
    /// The browser's session.
    pub session: SessionId,
}

/// Who may try a user code.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Tried {
    /// The account.
    pub account: AccountRecord,
    /// The sign-in of the session.
    pub sign_in: SignIn,
}

/// Why no user code may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TryError {
    /// The session is not active, or there is no account.
    SessionMissing,
    /// The account has tried too many codes.
    Throttled {
        /// How long to wait, seconds.
        seconds: u64,
    },
}

impl AccountCommand for TryUserCode {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let Some(session) = turn.session(&self.session)? else {
            return Ok(Err(TryError::SessionMissing));
        };
        let tries: UserCodeTries = turn.records.get(Table::UserCodeTries, ONLY)?.unwrap_or_default();
        match tries.count(turn.now) {
            Ok(tries) => {
                turn.records.put(Table::UserCodeTries, ONLY, Some(turn.now.plus(WINDOW)), &tries)?;
                Ok(Ok(Tried { account, sign_in: session.sign_in }))
            }
            Err(seconds) => Ok(Err(TryError::Throttled { seconds })),
        }
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(TryError::SessionMissing))
    }
}

/// Creates the grant for a request that the user allows, and stores the consent. A form that is submitted twice creates one
/// grant.
#[derive(Deserialize, Serialize)]
pub struct AllowDevice {
    /// The browser's session.
    pub session: SessionId,
    /// The request of the device.
    pub request: DeviceRequest,
    /// The scope that the user allows.
    pub scope: Scope,
    /// The status list entry of its tokens.
    pub status: StatusEntry,
    /// The rules of this server and of the client's resources.
    #[serde(default)]
    pub rules: Rules,
}

impl AccountCommand for AllowDevice {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let Self { session: id, request, scope, status, rules } = self;
        let allowed = Allowed {
            client: &request.client,
            scope: &scope.within(&request.scope),
            resources: &request.resources,
            grant: &request.grant,
            accepts: &|sign_in, scope| request.is_allowed_after(sign_in, scope, &rules, turn.now),
        };
        turn.allow(&id, &account, &allowed, |scope, session| Grant {
            client: request.client.clone(),
            offline: scope.contains(OFFLINE_ACCESS),
            scope,
            resources: request.resources.clone(),
            session: Some(id.clone()),
            sign_in: Some(session.sign_in),
            challenge: None,
            issued_at: turn.now,
            status: Some(status),
            id_token_claims: Vec::new(),
            tokens_end: None,
            suspension: None,
            lost: Vec::new(),
            stage: Stage::Device { expires: request.ends() },
        })
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(AllowError::SessionMissing))
    }
}

/// Redeems a device code.
#[derive(Clone, Deserialize, Serialize)]
pub struct RedeemDeviceCode {
    /// The grant.
    pub grant: GrantId,
    /// The request.
    pub redeem: RedeemDevice,
    /// Whether the ID token contains all claims of the profile.
    pub profile: bool,
}

impl AccountCommand for RedeemDeviceCode {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let stored = turn.grant(&self.grant)?;
        let user = turn.user_facts(&account, stored.as_ref(), &self.redeem.client)?;
        let command = grant::Command::RedeemDevice(&self.redeem, user);
        turn.issue_tokens(&self.grant, stored, command, &account, self.profile)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Result<Tokens, GrantRefusal>, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}
