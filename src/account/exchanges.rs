//! What an account does for the exchange of a token about its user (RFC 8693). It stores nothing: the new token belongs to the grant of
//! the subject token, and outlives none of its tokens.

use serde::{Deserialize, Serialize};

use crate::account::record::AccountRecord;
use crate::account::turn::{AccountCommand, Turn};
use crate::oauth::endpoints::token_exchange::{Exchange, permit};
use crate::oauth::grant::gate::{ClientFacts, Permit, UserFacts};
use crate::oauth::grant::handle::GrantId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{GrantRefusal, SignIn};
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::status_entry::StatusEntry;
use crate::records::{Records, StorageError};
use crate::token::UnixTime;

/// Permits the exchange of a token of a grant, if the token is active and its user enabled.
#[derive(Clone, Deserialize, Serialize)]
pub struct ExchangeToken {
    /// The grant of the subject token.
    pub grant: GrantId,
    /// The identifier of the subject token.
    pub jti: TokenId,
    /// The resources of its audience.
    pub audience: Vec<Resource>,
    /// The scope of the subject token; `None` for that of its grant.
    pub subject_scope: Option<Scope>,
    /// The client that exchanges.
    pub client: ClientFacts,
    /// The scope that the rule allows.
    pub scope: Scope,
    /// The resources that the rule allows.
    pub resources: Vec<Resource>,
    /// The requested scope.
    pub requested_scope: Option<Scope>,
}

/// What the new token of an exchange contains.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Exchanged {
    /// Its scope and its audience.
    pub permit: Permit,
    /// The sign-in of the user, if the grant has one.
    pub sign_in: Option<SignIn>,
    /// The status list entry of the grant.
    pub status: Option<StatusEntry>,
    /// When the last access token of the grant expires.
    pub ends: UnixTime,
}

impl AccountCommand for ExchangeToken {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let grant = turn.grant_of_active_token(&self.grant, &self.jti, &self.audience)?;
        // A grant that no token was issued for has none to exchange.
        let issued = grant.and_then(|grant| grant.last_token_ends(turn.lifetimes()).map(|ends| (grant, ends)));
        let Some((grant, ends)) = issued else {
            return Ok(Err(GrantRefusal::GrantUnknown));
        };
        let user = UserFacts::absent(!account.disabled, account.scope.as_ref());
        let of_subject = self.subject_scope.as_ref().unwrap_or(&grant.scope);
        let left = of_subject.within(&grant.scope);
        if left.is_empty() && !of_subject.is_empty() {
            return Ok(Err(GrantRefusal::Scope));
        }
        let exchange = Exchange {
            client: &self.client,
            user: Some(user),
            of_subject: &left,
            sign_in: grant.sign_in.as_ref(),
            scope: &self.scope,
            targets: &self.resources,
            requested: self.requested_scope.as_ref(),
        };
        Ok(match permit(&exchange, turn.now) {
            Ok(permit) => Ok(Exchanged { permit, status: grant.status, ends, sign_in: grant.sign_in }),
            Err(failed) => Err(failed.into()),
        })
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}
