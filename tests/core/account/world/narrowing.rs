//! Assertions, the removal of resources, and the access tokens that it leaves active.

use std::collections::BTreeMap;

use edgemint::account::asserted_grants::{Asserted, GrantAsserted};
use edgemint::account::grants::TokenStatus;
use edgemint::account::narrowing::NarrowGrants;
use edgemint::oauth::grant::consent::Consent;
use edgemint::oauth::grant::gate::ClientFacts;
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Grant, GrantRefusal};
use edgemint::oauth::vocabulary::client::GrantType;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::Table;

use super::super::storage::Fault;
use super::{World, client_id, resources_of};

impl World {
    /// A client presents an assertion about the user, and may name one resource.
    pub(super) fn assert(&mut self, client: usize, named: Option<usize>, fault: Option<Fault>) -> Result<(), String> {
        let at = self.new_grant(client);
        let (grant, status) = (self.grants[at].id.clone(), self.grants[at].entry);
        let resources = resources_of(client);
        let command = GrantAsserted {
            grant: grant.clone(),
            client: ClientFacts { grant_types: vec![GrantType::JwtBearer], ..self.client_facts(client) },
            scope: Scope::parse("read").unwrap(),
            requested_resources: named.and_then(|named| resources.get(named)).cloned().into_iter().collect(),
            resources,
            requested_scope: None,
            status,
            first_use: None,
        };
        match self.ask(&command, fault) {
            Ok(Ok(_)) if self.is_disabled() => Err("a disabled user's assertion gets a token".to_owned()),
            Ok(Ok(Asserted { permit, .. })) => {
                self.reached.push("an assertion gets a token");
                let stored = self.stored(&grant).ok_or("the grant of an assertion is not stored")?;
                if stored.resources != permit.resources() {
                    return Err("the grant of an assertion has other resources than its token".to_owned());
                }
                let expires = self.now + self.authority.lifetimes().access;
                self.hand_out_token(at, permit.resources().to_vec(), expires);
                Ok(())
            }
            Ok(Err(GrantRefusal::UserDisabled)) if self.is_disabled() => {
                self.reached.push("a disabled user's assertion is refused");
                match self.stored(&grant) {
                    Some(_) => Err("a refused assertion leaves a grant".to_owned()),
                    None => Ok(()),
                }
            }
            Ok(Err(refusal)) if !self.is_removed => Err(format!("an assertion is refused as {refusal:?}")),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    pub(super) fn hand_out_token(&mut self, at: usize, audience: Vec<Resource>, expires: u64) {
        let is_narrowed = self.stored(&self.grants[at].id).is_some_and(|grant| !grant.lost.is_empty());
        if is_narrowed {
            self.reached.push("a narrowed grant is refreshed");
        }
        let known = &mut self.grants[at];
        known.token_expires = known.token_expires.max(expires);
        known.audiences.push((audience, expires));
    }

    /// A resource is removed.
    pub(super) fn lose_resource(
        &mut self,
        client: Option<usize>,
        resource: usize,
        job: bool,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let removed = resources_of(0)[resource].clone();
        let client = client.map(client_id);
        let concerns = |id: &str| client.as_ref().is_none_or(|client| client.as_str() == id);
        let before: BTreeMap<String, Grant> = self.storage.peek(Table::Grant).into_iter().collect();
        let noted = self.storage.count(Table::Revocation);
        let job = job.then(|| format!("removal of {resource} {client:?}"));
        let command =
            NarrowGrants { resource: removed.clone(), client: client.clone(), before: None, job: job.clone() };
        let answer = self.ask(&command, fault);
        let after: BTreeMap<String, Grant> = self.storage.peek(Table::Grant).into_iter().collect();
        let (mut had, mut ended) = (0, 0);
        for (id, grant) in &before {
            let has = grant.resources.contains(&removed) && concerns(grant.client.as_str());
            let is_only = has && grant.resources.len() == 1;
            had += u64::from(has);
            match after.get(id) {
                None if is_only => {
                    ended += 1;
                    self.reached.push("a grant loses its only resource");
                }
                None => return Err(format!("grant {id} has more than the removed resource, and is revoked")),
                Some(left) if left.resources == grant.resources => {
                    if has && answer.is_ok() {
                        return Err(format!("grant {id} keeps the removed resource"));
                    }
                }
                Some(left) => {
                    let expected: Vec<_> = grant.resources.iter().filter(|own| **own != removed).cloned().collect();
                    let unchanged =
                        Grant { resources: grant.resources.clone(), lost: grant.lost.clone(), ..left.clone() };
                    let is_rest = serde_json::to_string(&unchanged).ok() == serde_json::to_string(grant).ok();
                    if !has || left.resources != expected || !is_rest {
                        return Err(format!("grant {id} becomes {left:?}"));
                    }
                    self.reached.push("a grant loses one of its resources");
                    if answer.is_err() {
                        self.reached.push("the removal of a resource fails in the middle");
                    }
                }
            }
        }
        if self.storage.count(Table::Revocation) > noted + ended && answer.is_ok() {
            return Err("a status list is told of a grant that stays active".to_owned());
        }
        for (id, consent) in self.storage.peek::<Consent>(Table::Consent) {
            let still = consent.allowed.iter().any(|allowed| allowed.resource == removed);
            if answer.is_ok() && !self.is_removed && concerns(&id) && still {
                return Err("a consent keeps the removed resource".to_owned());
            }
        }
        match answer {
            Ok(Some(count)) if count < had || (job.is_none() && count != had) => {
                Err(format!("{count} of {had} grants have lost the resource"))
            }
            Ok(Some(count)) if job.is_some() => match self.ask(&command, None) {
                Ok(Some(again)) if again == count => Ok(()),
                again => Err(format!("the job counts {count}, repeated {again:?}")),
            },
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A token is active as long as its grant covers everything in its audience.
    pub(super) fn introspect(&mut self, grant: usize) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let (id, is_active) = (self.grants[at].id.clone(), self.is_active(at) && !self.is_disabled());
        for (audience, expires) in self.grants[at].audiences.clone() {
            if self.now >= expires {
                continue;
            }
            let stored = self.stored(&id);
            let covers = stored.as_ref().is_some_and(|grant| audience.iter().all(|it| grant.resources.contains(it)));
            let command = TokenStatus { grant: id.clone(), jti: TokenId::within(&id, "another"), audience };
            let answer = self.ask(&command, None).map_err(|error| error.cause)?;
            if answer.is_some() != (is_active && covers) {
                return Err(format!("a token is active: {}", answer.is_some()));
            }
            if is_active && !covers {
                self.reached.push("a token for a lost resource is inactive");
            }
            if answer.is_some() && stored.is_some_and(|grant| !grant.lost.is_empty()) {
                self.reached.push("a token of a narrowed grant is active");
            }
        }
        Ok(())
    }
}
