//! Authorization requests, consent, and codes.

use edgemint::account::grants::{AllowError, AllowRequest, Authorize, Decided, RedeemCode, Tokens};
use edgemint::oauth::endpoints::authorize::{AuthorizationRequest, Decision};
use edgemint::oauth::grant::gate::ClientFacts;
use edgemint::oauth::grant::handle::GrantId;
use edgemint::oauth::grant::{GrantRefusal, Redeem};
use edgemint::oauth::status::{ListId, StatusEntry};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::oauth::vocabulary::redirect::RedirectUri;
use edgemint::oauth::vocabulary::scope::Scope;

use super::super::storage::Fault;
use super::{CALLBACK, FORM_TTL, GUESS, Known, VERIFIER, World, client_id, resources_of};
use crate::grant::words::client_facts;

impl World {
    pub(super) fn request(&self, client: usize, offline: bool) -> AuthorizationRequest {
        let scope = if offline { "openid read offline_access" } else { "openid read" };
        AuthorizationRequest {
            client: client_id(client),
            redirect_uri: RedirectUri::parse(CALLBACK).unwrap(),
            scope: Scope::parse(scope).unwrap(),
            resources: resources_of(client),
            challenge: Challenge::of_verifier(VERIFIER).unwrap(),
            nonce: None,
            silent: false,
            sign_in_again: false,
            ask_again: false,
            max_age: None,
            acr: Default::default(),
            rules: Default::default(),
            claims: Default::default(),
            signed_in: None,
            remembers: true,
        }
    }

    pub(super) fn new_grant(&mut self, client: usize) -> usize {
        let id = GrantId::from_bytes(self.id());
        let idx = u32::try_from(self.grants.len()).unwrap();
        self.grants.push(Known {
            id,
            client,
            entry: StatusEntry { list: ListId(idx % 2), idx },
            form_born: self.now,
            redeemed: 0,
            refreshed: Vec::new(),
            token_expires: 0,
            token_revoked: false,
            audiences: Vec::new(),
            expires: 0,
            was_stored: false,
            is_gone: false,
        });
        self.grants.len() - 1
    }

    pub(super) fn authorize(
        &mut self,
        browser: usize,
        client: usize,
        offline: bool,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let at = self.new_grant(client);
        let (grant, status) = (self.grants[at].id.clone(), self.grants[at].entry);
        let request = self.request(client, offline);
        let session = self.cookies[browser].clone();
        let answer = self.ask(&Authorize { session, request, grant: grant.clone(), status }, fault);
        let is_stored = self.stored(&grant).is_some();
        if is_stored && !self.consented.contains(&client) {
            return Err("a code without a consent".to_owned());
        }
        if is_stored && !self.is_signed_in(browser) {
            return Err("a code without a session".to_owned());
        }
        match answer {
            Ok(Decided { decision: Decision::Allowed(_), .. }) if !is_stored => Err("a code is not stored".to_owned()),
            Ok(Decided { decision: Decision::Allowed(_), .. }) | Err(_) => Ok(()),
            Ok(_) if is_stored => Err("a code is stored for a request that is not allowed".to_owned()),
            Ok(_) => Ok(()),
        }
    }

    pub(super) fn allow(
        &mut self,
        browser: usize,
        client: usize,
        offline: bool,
        form: usize,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        // A form can be submitted for an hour; the Worker refuses it later.
        let open = self.forms[form]
            .filter(|at| self.grants[*at].client == client && self.now < self.grants[*at].form_born + FORM_TTL);
        let at = open.unwrap_or_else(|| self.new_grant(client));
        self.forms[form] = Some(at);
        let (grant, status) = (self.grants[at].id.clone(), self.grants[at].entry);
        let request = self.request(client, offline);
        let (session, scope) = (self.cookie(browser), request.scope.clone());
        let was_signed_in = self.is_signed_in(browser);
        let was_gone = self.grants[at].is_gone;
        if self.grants[at].was_stored {
            self.reached.push("a form is submitted again");
        }
        let answer = self.ask(&AllowRequest { session, request, scope, grant: grant.clone(), status }, fault);
        if was_signed_in && !self.is_removed {
            // Also if the response was lost.
            self.consented.insert(client);
        }
        match answer {
            Ok(Ok(())) if was_gone => Err("a form renews a grant that has ended".to_owned()),
            Ok(Ok(())) if self.stored(&grant).is_none() => Err("a code is not stored".to_owned()),
            Ok(Err(AllowError::SessionMissing)) if was_signed_in && !self.is_removed => {
                Err("an active session is not found".to_owned())
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The facts about a client, which has all rights.
    pub(super) fn client_facts(&self, client: usize) -> ClientFacts {
        ClientFacts {
            id: client_id(client),
            scope: Scope::parse("openid read write offline_access").unwrap(),
            resources: resources_of(0),
            ..client_facts()
        }
    }

    pub(super) fn redeem(
        &mut self,
        grant: usize,
        client: Option<usize>,
        right: bool,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let command = RedeemCode {
            grant: self.grants[at].id.clone(),
            redeem: Redeem {
                client: self.client_facts(client.unwrap_or(self.grants[at].client)),
                redirect_uri: None,
                challenge: Challenge::of_verifier(if right { VERIFIER } else { GUESS }).unwrap(),
                resources: Vec::new(),
                refreshable: true,
            },
            profile: false,
        };
        let is_owner = command.redeem.client.id == client_id(self.grants[at].client);
        let is_active = self.is_active(at);
        match self.ask(&command, fault) {
            Ok(Ok(tokens)) => {
                self.grants[at].redeemed += 1;
                self.reached.push("a code is redeemed");
                if !is_active || !is_owner || !right || self.is_disabled() {
                    return Err("a code is redeemed that must not be".to_owned());
                }
                if self.grants[at].redeemed > 1 {
                    return Err("a code is redeemed twice".to_owned());
                }
                self.hand_out(at, &tokens);
                Ok(())
            }
            Ok(Err(GrantRefusal::CodeSpent | GrantRefusal::CodeReused)) => {
                self.reached.push("a code is refused the second time");
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    pub(super) fn hand_out(&mut self, at: usize, tokens: &Tokens) {
        let expires = tokens.tokens.at.0 + self.authority.lifetimes().access;
        let audience = tokens.tokens.permit.resources().to_vec();
        self.hand_out_token(at, audience, expires);
    }
}
