//! What an account does for an identity assertion about its user (draft-ietf-oauth-identity-assertion-authz-grant-06 section 4.3). It stores
//! nothing: the assertion expires within minutes, and an access token for it belongs to the other server.

use serde::{Deserialize, Serialize};

use crate::account::record::AccountRecord;
use crate::account::turn::{AccountCommand, Turn};
use crate::oauth::grant::gate::{self, AssertionPermit, ClientFacts, Facts, Granted, Requested};
use crate::oauth::grant::handle::GrantId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{Describe, Grant, GrantRefusal, SignIn};
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{OPENID, Scope};
use crate::records::{Records, StorageError};
use crate::token::UnixTime;

/// The subject token of a request.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectToken {
    /// A verified ID token.
    IdToken {
        /// Its identifier.
        jti: TokenId,
        /// Its end.
        ends: UnixTime,
    },
    /// A refresh token. It is not spent: its client keeps it.
    RefreshToken {
        /// Its generation.
        generation: u64,
    },
}

/// Permits an identity assertion for a client that signed the user in, if the subject token, its grant and its session are active and the
/// user is enabled.
#[derive(Clone, Deserialize, Serialize)]
pub struct AssertIdentity {
    /// The grant of the subject token.
    pub grant: GrantId,
    /// The subject token.
    pub subject: SubjectToken,
    /// The client that requests the assertion.
    pub client: ClientFacts,
    /// The scope at the other server that the rule allows.
    pub scope: Scope,
    /// The other server and the resources there.
    pub targets: Vec<Resource>,
    /// The requested scope.
    pub requested_scope: Option<Scope>,
}

/// What an identity assertion contains.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AssertedIdentity {
    /// Its scope.
    pub permit: AssertionPermit,
    /// The sign-in of the user.
    pub sign_in: SignIn,
    /// When the subject token ends.
    pub ends: UnixTime,
}

impl AccountCommand for AssertIdentity {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        let Some((grant, ends)) = self.active_grant(turn, &account)? else {
            return Ok(Err(GrantRefusal::GrantUnknown));
        };
        // Only a sign-in makes an identity: the grant of an assertion has none, and one without `openid` is not about it.
        let Some(sign_in) = grant.sign_in.clone().filter(|_| grant.scope.contains(OPENID)) else {
            return Ok(Err(GrantRefusal::GrantUnknown));
        };
        let user = turn.user_facts(&account, Some(&grant), &self.client)?;
        let granted = Granted {
            owner: Some(&grant.client),
            scope: &self.scope,
            resources: &self.targets,
            offline: grant.offline,
            sign_in: Some(&sign_in),
        };
        let requested = Requested { scope: self.requested_scope.as_ref(), resources: &[] };
        let facts = Facts { client: &self.client, user: Some(user), granted, requested };
        Ok(match gate::pass_for_another_server(&facts, turn.now) {
            Ok(permit) => Ok(AssertedIdentity { permit, sign_in, ends }),
            Err(failed) => Err(failed.into()),
        })
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(GrantRefusal::GrantUnknown))
    }
}

impl AssertIdentity {
    /// Returns the grant of the subject token and the end of that token, if both are active. A refresh token must be one that a refresh
    /// would accept (section 4.3.3).
    fn active_grant<R: Records>(
        &self,
        turn: &Turn<'_, R>,
        account: &AccountRecord,
    ) -> Result<Option<(Grant, UnixTime)>, StorageError> {
        match &self.subject {
            SubjectToken::IdToken { jti, ends } => {
                Ok(turn.grant_of_active_token(&self.grant, jti, &[])?.map(|grant| (grant, *ends)))
            }
            SubjectToken::RefreshToken { generation } => {
                let describe = Describe { client: self.client.clone(), generation: *generation };
                Ok(turn.described(&self.grant, &describe, account)?.map(|(grant, it)| (grant, it.ends)))
            }
        }
    }
}
