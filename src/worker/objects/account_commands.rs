//! What can be asked of an account's object, and what it answers.

use serde::{Deserialize, Serialize};

use crate::identity::passkey::Assertion;
use crate::oauth::admin::bulk::GrantFilter;
use crate::oauth::admin::user::Change;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Decision};
use crate::oauth::grant::handle::{GrantId, SessionId};
use crate::oauth::grant::{Describe, Described, GrantRefusal, Outcome, Redeem, Refresh, Revoke, SignIn, TokenGrant};
use crate::oauth::status::StatusEntry;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;
use crate::worker::objects::account_records::{AccountRecord, Overview, PasskeyRecord};

/// What can be asked of an account.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountCommand {
    /// Makes the account.
    Create(AccountRecord),
    /// Replaces its profile and changes its scope, if the profile is still the one that was read.
    Replace { was: String, sealed: String, scope: Change<Scope> },
    /// Forgets it, with all that belongs to it.
    Remove,
    /// Its record.
    Read,
    /// Replaces its profile alone, if it is still the one that was read.
    SetProfile { was: String, sealed: String },
    /// Opens a session for a user who has signed in, in the place of another one of the same browser.
    SignIn { session: SessionId, sign_in: SignIn, agent: String, replaces: Option<SessionId>, passkey: Option<Used> },
    /// May this request have a code? If so, it is out.
    Authorize { session: Option<SessionId>, request: AuthorizationRequest, grant: GrantId, status: StatusEntry },
    /// The person allows the request. The same twice is the same code.
    Allow { session: SessionId, request: AuthorizationRequest, scope: Scope, grant: GrantId, status: StatusEntry },
    /// Redeems a code. `profile`: whether the ID token carries all claims of the profile.
    Redeem { grant: GrantId, redeem: Redeem, profile: bool },
    /// Uses a refresh token. `profile`: whether the ID token carries all claims of the profile.
    Refresh { grant: GrantId, refresh: Refresh, profile: bool },
    /// Revokes a grant for its client.
    Revoke { grant: GrantId, revoke: Revoke },
    /// Ends one access token of a grant, as its client asks.
    RevokeToken { jti: String, until: UnixTime },
    /// Does this access token still count?
    Status { grant: GrantId, jti: String },
    /// What is there to say about a refresh token of this client?
    Describe { grant: GrantId, describe: Describe },
    /// Everything that a person may see.
    Overview { session: Option<SessionId> },
    /// Ends a session and the grants that were to last as long.
    EndSession { session: SessionId },
    /// Ends all sessions.
    EndSessions,
    /// Is the sign-in of this session recent enough for a sensitive change?
    StepUp { session: SessionId },
    /// After a new password: ends all sessions but one and, as chosen, removes passkeys and ends grants.
    Secure { except: Option<SessionId>, passkeys: bool, grants: GrantsToEnd },
    /// Ends a grant, as the person or an operator asks.
    EndGrant { grant: GrantId },
    /// Ends these grants. With a `job`, the count is of all that was ended for that job: asked twice, the same.
    EndGrants { which: GrantFilter, job: Option<String> },
    /// Forgets what the person allowed a client, and ends its grants.
    Withdraw { client: ClientId },
    /// Adds a passkey, as its person asks: needs a recent sign-in.
    AddPasskey { session: SessionId, id: String, passkey: PasskeyRecord, answered: AnsweredChallenge },
    /// A passkey, for whoever checks its signature.
    Passkey { id: String },
    /// Renames a passkey.
    RenamePasskey { id: String, name: String },
    /// Removes a passkey, as its person asks: needs a recent sign-in. The last one stays if the account needs it.
    RemoveOwnPasskey { session: SessionId, id: String, is_needed: bool },
    /// Removes a passkey, as an operator asks.
    RemovePasskey { id: String },
    /// Removes all passkeys, as an operator asks.
    RemovePasskeys,
}

/// A passkey that was used to sign in, and the challenge that it answered.
#[derive(Deserialize, Serialize)]
pub(crate) struct Used {
    pub(crate) id: String,
    pub(crate) assertion: Assertion,
    pub(crate) answered: AnsweredChallenge,
}

/// A passkey challenge that was answered, and when it expires. Each counts once.
#[derive(Deserialize, Serialize)]
pub(crate) struct AnsweredChallenge {
    pub(crate) challenge: String,
    pub(crate) until: UnixTime,
}

/// Which grants end with a new password, beside those that end with their sessions.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantsToEnd {
    /// No others.
    None,
    /// Those that outlive sessions (`offline_access`).
    Offline,
    /// All.
    All,
}

/// How much a change of credentials has ended.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
pub(crate) struct Ended {
    pub(crate) sessions: u64,
    pub(crate) passkeys: u64,
    pub(crate) grants: u64,
}

/// What comes back.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountAnswer {
    /// It is done.
    Done,
    /// There is an account already.
    Exists,
    /// There is no such thing.
    Missing,
    /// The passkey or its challenge has been used before; or what was to be replaced is not there any more.
    Refused,
    /// The counter of a device-bound passkey did not increase: refused.
    CounterWentBack,
    /// Signed in, although the counter of the passkey did not increase: it may be synced.
    CounterRestarted,
    /// The sign-in of the session is too old for this change.
    SignInTooOld,
    /// The account has as many passkeys as it can.
    Full,
    /// How many have been ended.
    Ended(u64),
    /// How many of each kind have been ended.
    EndedAll(Ended),
    /// The record.
    Account(AccountRecord),
    /// What has to happen first, and for whom.
    Decision { decision: Decision, account: Option<AccountRecord> },
    /// Tokens may be made; the record is there where the ID token carries claims of the profile.
    Tokens { tokens: TokenGrant, account: Option<AccountRecord> },
    /// What the grant's state machine said.
    Grant(Result<Outcome, GrantRefusal>),
    /// Whether the token counts, and whose it is.
    Status(Option<AccountRecord>),
    /// What a refresh token stands for, if it does.
    Described(Option<Described>),
    /// Everything that a person may see.
    Overview(Box<Overview>),
    /// A passkey.
    Passkey(PasskeyRecord),
}
