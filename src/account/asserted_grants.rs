//! What an account does for an assertion about its user (RFC 7523 section 2.1): the grant of the one access token that it yields.

use serde::{Deserialize, Serialize};

use crate::account::record::AccountRecord;
use crate::account::turn::{AccountCommand, Turn};
use crate::oauth::grant::gate::{self, ClientFacts, Facts, Granted, Permit, Requested, UserFacts};
use crate::oauth::grant::handle::GrantId;
use crate::oauth::grant::{Grant, GrantRefusal};
use crate::oauth::status::StatusEntry;
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::records::{Records, StorageError, Table, ends_at};

/// Stores the grant for an assertion, and permits its access token. Introspection, revocation and status lists find the token
/// by this grant; there is no refresh token.
#[derive(Deserialize, Serialize)]
pub struct GrantAsserted {
    /// The identifier of the new grant.
    pub grant: GrantId,
    /// The client that presents the assertion.
    pub client: ClientFacts,
    /// The scope that an operator allowed.
    pub scope: Scope,
    /// The resources that the client may request, or the default one if the request names none.
    pub resources: Vec<Resource>,
    /// The requested scope.
    pub requested_scope: Option<Scope>,
    /// The requested resources.
    pub requested_resources: Vec<Resource>,
    /// The status list entry of the token.
    pub status: StatusEntry,
}

impl AccountCommand for GrantAsserted {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let user = UserFacts {
            enabled: !account.disabled,
            // The row of the grant type requires neither.
            has_consented: false,
            session_is_active: false,
            session_ends: None,
            scope: account.scope.as_ref(),
        };
        let granted =
            Granted { owner: None, scope: &self.scope, resources: &self.resources, offline: false, sign_in: None };
        let requested = Requested { scope: self.requested_scope.as_ref(), resources: &self.requested_resources };
        let facts = Facts { client: &self.client, user: Some(user), granted, requested };
        let permit = match gate::pass(GrantType::JwtBearer, &facts, turn.now) {
            Ok(permit) => permit,
            Err(failed) => return Ok(Err(failed.into())),
        };
        let grant = Grant::asserted(self.client.id.clone(), &permit, self.status, turn.lifetimes(), turn.now);
        let ends = ends_at(grant.ends(turn.lifetimes()));
        turn.records.put(Table::Grant, self.grant.as_str(), ends, &grant)?;
        Ok(Ok(permit))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Result<Permit, GrantRefusal>, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}
