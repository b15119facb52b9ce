//! Everything about an account that its user and operators see.

use serde::{Deserialize, Serialize};

use crate::account::record::{AccountRecord, PasskeyRecord, Session};
use crate::account::turn::{AccountCommand, Turn};
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{Grant, Stage};
use crate::records::{Records, StorageError, Table};

/// Everything about an account that is shown.
#[derive(Deserialize, Serialize)]
pub struct Overview {
    /// The account.
    pub account: AccountRecord,
    /// The session that asked, if one did.
    pub current: Option<SessionId>,
    /// The active sessions.
    pub sessions: Vec<SessionView>,
    /// The clients that the user has allowed something.
    pub connections: Vec<Connection>,
    /// The passkeys, with their identifiers.
    pub passkeys: Vec<(String, PasskeyRecord)>,
}

/// A session with its identifier.
#[derive(Deserialize, Serialize)]
pub struct SessionView {
    /// The identifier.
    pub id: String,
    /// The session.
    pub session: Session,
}

/// A client that the user has allowed something.
#[derive(Deserialize, Serialize)]
pub struct Connection {
    /// The client's identifier.
    pub client: String,
    /// What the user has allowed.
    pub consent: Consent,
    /// The active grants, with their identifiers. Codes and device codes that are not redeemed are left out.
    pub grants: Vec<(String, Grant)>,
}

/// Reads everything that is shown: for the browser with this session, or for an operator. Returns `None` if the session
/// is not active, or there is no account.
#[derive(Deserialize, Serialize)]
pub struct ReadOverview {
    /// The session of the browser that asks.
    pub session: Option<SessionId>,
}

impl AccountCommand for ReadOverview {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        if let Some(id) = &self.session {
            let Some(session) = turn.session(id)? else {
                return Ok(None);
            };
            turn.touch(id, &session)?;
        }
        let mut sessions = Vec::new();
        for (id, session) in turn.records.list::<Session>(Table::Session)? {
            if turn.now < session.ends {
                sessions.push(SessionView { id, session });
            }
        }
        let mut connections: Vec<Connection> = Vec::new();
        for (client, consent) in turn.records.list::<Consent>(Table::Consent)? {
            let consent = consent.paired(turn.authority.issuer());
            connections.push(Connection { client, consent, grants: Vec::new() });
        }
        for (id, grant) in turn.records.list::<Grant>(Table::Grant)? {
            if !turn.is_active(&grant)? || !grant.is_redeemed() {
                continue;
            }
            let of_client = connections.iter_mut().find(|connection| connection.client == grant.client.as_str());
            match of_client {
                Some(connection) => connection.grants.push((id, grant)),
                // An assertion needs no consent, and the user sees its grant all the same.
                None if grant.stage == Stage::Asserted => connections.push(Connection {
                    client: grant.client.to_string(),
                    consent: Consent::new(grant.issued_at),
                    grants: vec![(id, grant)],
                }),
                None => {}
            }
        }
        let passkeys = turn.records.list(Table::Passkey)?;
        Ok(Some(Box::new(Overview { account, current: self.session, sessions, connections, passkeys })))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}
