//! What an account does for an assertion about its user (RFC 7523 section 2.1): the grant of the one access token that it yields.

use serde::{Deserialize, Serialize};

use crate::account::FORM_TTL;
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
use crate::token::UnixTime;

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
    /// The time of the first use of an assertion that yields the same token again within the replay window: `grant` is then the same,
    /// too. `None` for any other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_use: Option<UnixTime>,
}

/// What an assertion yields.
#[derive(Debug, Deserialize, Serialize)]
pub struct Asserted {
    /// The scope and the audience of the access token.
    #[serde(flatten)]
    pub permit: Permit,
    /// The status list entry of the grant, which differs from that of the command if the grant is an earlier one. Absent in answers of
    /// objects of versions that had no earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
}

impl AccountCommand for GrantAsserted {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let user = UserFacts::absent(!account.disabled, account.scope.as_ref());
        // As with a form: the same assertion yields the grant that it has, and never renews what has ended.
        let is_repeated = self.first_use.is_some() && turn.records.contains(Table::SpentForm, self.grant.as_str())?;
        let earlier = if is_repeated { turn.grant(&self.grant)? } else { None };
        if is_repeated && earlier.is_none() {
            return Ok(Err(GrantRefusal::GrantUnknown));
        }
        let (scope, resources) =
            earlier.as_ref().map_or((&self.scope, &self.resources), |grant| (&grant.scope, &grant.resources));
        let granted = Granted { owner: None, scope, resources, offline: false, sign_in: None };
        let requested = Requested { scope: self.requested_scope.as_ref(), resources: &self.requested_resources };
        let facts = Facts { client: &self.client, user: Some(user), granted, requested };
        let permit = match gate::pass(GrantType::JwtBearer, &facts, turn.now) {
            Ok(permit) => permit,
            Err(failed) => return Ok(Err(failed.into())),
        };
        if let Some(grant) = earlier {
            return Ok(Ok(Asserted { permit, status: grant.status }));
        }
        let issued_at = self.first_use.unwrap_or(turn.now);
        let grant = Grant::asserted(self.client.id.clone(), &permit, self.status, turn.lifetimes(), issued_at);
        let ends = ends_at(grant.ends(turn.lifetimes()));
        turn.records.put(Table::Grant, self.grant.as_str(), ends, &grant)?;
        if self.first_use.is_some() {
            turn.records.put(Table::SpentForm, self.grant.as_str(), ends_at(turn.now.plus(FORM_TTL)), &())?;
        }
        Ok(Ok(Asserted { permit, status: Some(self.status) }))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Result<Asserted, GrantRefusal>, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}
