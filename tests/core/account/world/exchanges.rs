//! Exchanges of tokens of the account's grants.

use edgemint::account::exchanges::ExchangeToken;
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::vocabulary::client::{AuthMethod, GrantType};
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::oauth::vocabulary::status_entry::SuspensionState;
use edgemint::records::Table;

use super::super::storage::Fault;
use super::{World, client_id};

impl World {
    /// The other client exchanges the token that [`World::revoke_token`] revokes, or one that was exchanged before.
    pub(super) fn exchange(&mut self, grant: usize, is_exchanged: bool, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let (id, owner) = (self.grants[at].id.clone(), client_id(self.grants[at].client));
        let mut client = self.client_facts(1 - self.grants[at].client);
        client.grant_types = vec![GrantType::TokenExchange];
        (client.registered_method, client.authenticated_by) =
            (Some(AuthMethod::ClientSecretBasic), Some(AuthMethod::ClientSecretBasic));
        let resources = client.resources.clone();
        let scope = Scope::parse("openid read write").unwrap();
        let jti = if is_exchanged { TokenId::exchanged(&id, [7; 12]) } else { TokenId::within(&id, "1") };
        let subject_scope = None;
        let audience = Vec::new();
        let command =
            ExchangeToken { grant: id, jti, audience, subject_scope, client, scope, resources, requested_scope: None };
        let suspension = self.storage.peek_one::<SuspensionState>(Table::SuspendedClient, owner.as_str());
        let is_suspended = is_exchanged && suspension.is_some_and(|suspension| suspension.marked);
        let is_revoked = !is_exchanged && self.grants[at].token_revoked;
        let is_active = self.is_active(at) && !self.is_disabled() && !self.is_removed;
        let before = self.storage.len();
        let answer = self.ask(&command, fault);
        if self.storage.len() != before {
            return Err("an exchange stores something".to_owned());
        }
        match answer {
            Ok(Ok(_)) if !is_active || is_revoked || is_suspended => Err("an inactive token is exchanged".to_owned()),
            Ok(Ok(exchanged)) => {
                let known = &self.grants[at];
                if exchanged.status != Some(known.entry) {
                    return Err("an exchanged token has another status list entry".to_owned());
                }
                // As long as a revocation of the grant marks its status list entry.
                let marked_until = self.stored(&known.id).and_then(|it| it.last_token_ends(self.authority.lifetimes()));
                if marked_until.is_none_or(|until| until < exchanged.ends) {
                    return Err("an exchanged token outlives the tokens of its grant".to_owned());
                }
                self.reached.push("a token is exchanged");
                Ok(())
            }
            Ok(Err(_)) => {
                if is_active && is_suspended {
                    self.reached.push("a disabled client's exchanged token is not exchanged");
                } else if !is_active {
                    self.reached.push("a token of an inactive grant is not exchanged");
                }
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }
}
