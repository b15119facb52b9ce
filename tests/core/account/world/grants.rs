//! Grants after their code: refreshes, revocation, and the ends that users and operators give them.

use edgemint::account::grants::{
    EndGrant, EndGrants, RefreshGrant, RevokeGrant, RevokeToken, TokenStatus, WithdrawConsent,
};
use edgemint::oauth::admin::bulk::GrantFilter;
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Grant, GrantRefusal, Refresh, Revoke, Stage};
use edgemint::records::Table;
use edgemint::token::UnixTime;

use super::super::storage::Fault;
use super::{World, client_id};

impl World {
    /// One of the grants that were stored last.
    pub(super) fn pick(&self, number: usize) -> Option<usize> {
        let stored: Vec<_> = (0..self.grants.len()).rev().filter(|at| self.grants[*at].was_stored).collect();
        stored.get(number % stored.len().max(1)).copied()
    }

    /// Returns whether the grant is stored, has not expired, and has its session if it is bound to one.
    pub(super) fn is_active(&self, at: usize) -> bool {
        self.stored(&self.grants[at].id).is_some_and(|grant| {
            let session = grant
                .session
                .as_ref()
                .and_then(|session| self.session(session))
                .is_some_and(|session| self.now < session.ends.0)
                && !self.is_disabled();
            self.now < grant.ends(self.authority.lifetimes()).0 && (grant.offline || grant.session.is_none() || session)
        })
    }

    pub(super) fn refresh(
        &mut self,
        grant: usize,
        back: u64,
        client: Option<usize>,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let current = match self.stored(&self.grants[at].id).map(|grant| grant.stage) {
            Some(Stage::Live { generation, .. }) => generation,
            Some(Stage::Code { .. } | Stage::Device { .. } | Stage::Asserted) | None => 1,
        };
        // Generation 9 is the next one, which was never issued.
        let generation = if back == 9 { current + 1 } else { current.saturating_sub(back) };
        let rotate = self.grants[at].client == 0;
        let command = RefreshGrant {
            grant: self.grants[at].id.clone(),
            refresh: Refresh {
                client: self.client_facts(client.unwrap_or(self.grants[at].client)),
                generation,
                rotate,
                scope: None,
                resources: Vec::new(),
            },
            profile: true,
        };
        let is_owner = command.refresh.client.id == client_id(self.grants[at].client);
        let is_active = self.is_active(at);
        let answer = self.ask(&command, fault);
        let is_reuse = is_owner && is_active && generation > 0 && generation + 1 < current;
        match answer {
            Ok(Ok(tokens)) => {
                if !is_active || !is_owner || back == 9 || self.is_disabled() {
                    return Err("a refresh token is accepted that must not be".to_owned());
                }
                self.hand_out(at, &tokens);
                self.reached.push("a refresh token is used");
                if tokens.tokens.repeated {
                    self.reached.push("a response is replayed");
                }
                if rotate {
                    self.grants[at].refreshed.push((generation, self.now, tokens));
                }
                Ok(())
            }
            Ok(Err(GrantRefusal::RefreshReused)) if self.stored(&self.grants[at].id).is_some() => {
                Err("reuse does not end the grant".to_owned())
            }
            Ok(Err(GrantRefusal::RefreshReused)) => {
                self.reached.push("a reused refresh token ends its grant");
                Ok(())
            }
            Ok(Err(GrantRefusal::UserDisabled)) => {
                self.reached.push("a disabled user's refresh token is refused");
                match (self.is_disabled(), self.stored(&self.grants[at].id).is_some()) {
                    (true, true) => Ok(()),
                    _ => Err("a grant is refused as disabled".to_owned()),
                }
            }
            Ok(Err(refusal)) if is_reuse => Err(format!("reuse is refused as {refusal:?}")),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    pub(super) fn revoke(&mut self, grant: usize, client: Option<usize>, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let owner = client_id(self.grants[at].client);
        let client = client.map_or_else(|| owner.clone(), client_id);
        let before = self.stored(&self.grants[at].id).is_some();
        let answer = self
            .ask(&RevokeGrant { grant: self.grants[at].id.clone(), revoke: Revoke { client: client.clone() } }, fault);
        let is_there = self.stored(&self.grants[at].id).is_some();
        match answer {
            Ok(Ok(())) if is_there => Err("a revoked grant is stored".to_owned()),
            Ok(Err(_)) if client == owner => Err("a client cannot revoke its grant".to_owned()),
            _ if client != owner && before && !is_there => Err("another client revokes a grant".to_owned()),
            _ => Ok(()),
        }
    }

    pub(super) fn revoke_token(&mut self, grant: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let jti = TokenId::within(&self.grants[at].id, "1");
        let until = UnixTime(self.now + 10_000_000);
        if self.ask(&RevokeToken { jti: jti.clone(), until }, fault).is_ok() && !self.is_removed {
            self.grants[at].token_revoked = true;
        }
        let is_active = self.is_active(at);
        match self.ask(&TokenStatus { grant: self.grants[at].id.clone(), jti, audience: Vec::new() }, None) {
            Ok(Some(_)) if self.grants[at].token_revoked => Err("a revoked token is active".to_owned()),
            Ok(Some(_)) if !is_active || self.is_disabled() => Err("a token of an inactive grant is active".to_owned()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) fn end_grant(&mut self, grant: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let before = self.stored(&self.grants[at].id).is_some();
        match self.ask(&EndGrant { grant: self.grants[at].id.clone() }, fault) {
            Ok(ended) if ended != before || self.stored(&self.grants[at].id).is_some() => {
                Err("a grant is not ended".to_owned())
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) fn end_grants(&mut self, client: Option<usize>, job: bool, fault: Option<Fault>) -> Result<(), String> {
        let which = client.map_or_else(GrantFilter::default, |client| GrantFilter::of_client(client_id(client)));
        let matching = |world: &Self| {
            let grants = world.storage.peek::<Grant>(Table::Grant);
            grants.iter().filter(|(_, grant)| which.matches(grant)).count() as u64
        };
        let before = matching(self);
        let command = EndGrants { which: which.clone(), job: job.then(|| "job".to_owned()) };
        match self.ask(&command, fault) {
            Ok(Some(_)) if matching(self) > 0 => Err("grants are left".to_owned()),
            Ok(Some(count)) if job => {
                // At least: what an earlier turn revoked before it failed is not counted.
                if count < self.job_count || count < before {
                    return Err(format!("the job's count is {count} after {}", self.job_count));
                }
                // The counts of jobs are kept for a month.
                self.job_count = 0;
                Ok(())
            }
            Ok(Some(count)) if count != before => Err(format!("{count} of {before} grants")),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) fn withdraw(&mut self, client: usize, fault: Option<Fault>) -> Result<(), String> {
        let answer = self.ask(&WithdrawConsent { client: client_id(client) }, fault);
        if let Ok(Some(_)) = answer {
            self.consented.remove(&client);
            let grants = self.storage.peek::<Grant>(Table::Grant);
            if grants.iter().any(|(_, grant)| grant.client == client_id(client)) {
                return Err("a grant without its consent".to_owned());
            }
        }
        let has_consent = self.storage.text(Table::Consent, client_id(client).as_str()).is_some();
        let grants = self.storage.peek::<Grant>(Table::Grant);
        // An assertion needs no consent, and the user sees its grant all the same.
        let needs_consent = |grant: &Grant| grant.client == client_id(client) && grant.stage != Stage::Asserted;
        if !has_consent && grants.iter().any(|(_, grant)| needs_consent(grant)) {
            return Err("a grant that the user cannot see any more".to_owned());
        }
        Ok(())
    }
}
