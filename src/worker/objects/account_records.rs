//! The shapes of an account's records.

use serde::{Deserialize, Serialize};

use crate::identity::passkey::StoredPasskey;
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{Grant, SignIn};
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

/// An account as it is stored.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct AccountRecord {
    /// The [`Profile`], sealed.
    pub(crate) profile: String,
    /// What the person may allow to clients; everything but to administer the authority if it is not said.
    pub(crate) scope: Option<Scope>,
    /// When the account was made.
    pub(crate) created: UnixTime,
}

/// A session as it is stored.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Session {
    /// How the person signed in.
    pub(crate) sign_in: SignIn,
    /// What kind of browser it is, for people.
    pub(crate) agent: String,
    /// Since when this browser has been signed in.
    pub(crate) opened_at: UnixTime,
    /// When it was last seen, to the hour.
    pub(crate) seen_at: UnixTime,
    /// When it ends.
    pub(crate) ends: UnixTime,
    /// The passkey that opened it, if one did; sessions of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) passkey: Option<String>,
}

/// A passkey as it is stored.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct PasskeyRecord {
    /// What its person calls it.
    pub(crate) name: String,
    /// When it was added.
    pub(crate) created: UnixTime,
    /// When it was last used.
    pub(crate) used_at: Option<UnixTime>,
    /// What its signatures are checked with.
    pub(crate) passkey: StoredPasskey,
}

/// Everything that a person may see.
#[derive(Deserialize, Serialize)]
pub(crate) struct Overview {
    pub(crate) account: AccountRecord,
    pub(crate) current: Option<SessionId>,
    pub(crate) sessions: Vec<SessionView>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) passkeys: Vec<(String, PasskeyRecord)>,
}

/// A session with its identifier.
#[derive(Deserialize, Serialize)]
pub(crate) struct SessionView {
    pub(crate) id: String,
    pub(crate) session: Session,
}

/// A client that has something from the person.
#[derive(Deserialize, Serialize)]
pub(crate) struct Connection {
    pub(crate) client: String,
    pub(crate) consent: Consent,
    pub(crate) grants: Vec<(String, Grant)>,
}
