//! One account, the browsers and clients that use it, the status lists that it notifies, and a clock that the test moves.

use std::collections::{BTreeMap, BTreeSet};

use edgemint::account::grants::{
    AllowError, AllowRequest, Authorize, Decided, EndGrant, EndGrants, RedeemCode, RefreshGrant, RevokeGrant,
    RevokeToken, TokenStatus, Tokens, WithdrawConsent,
};
use edgemint::account::outbox;
use edgemint::account::overview::ReadOverview;
use edgemint::account::passkeys::{
    AddPasskey, AddPasskeyError, AnsweredChallenge, PasskeyUse, RemoveOwnPasskey, RemovePasskey, RemovePasskeyError,
    RemovePasskeys,
};
use edgemint::account::profile::{CreateAccount, RemoveAccount, ReplaceAccount, Replaced};
use edgemint::account::record::{AccountRecord, PasskeyRecord, Session};
use edgemint::account::sessions::{
    CheckStepUp, EndSession, EndSessions, GrantsToEnd, OpenSession, Opened, SecureAccount,
};
use edgemint::account::turn::AccountCommand;
use edgemint::identity::passkey::{Assertion, StoredPasskey};
use edgemint::oauth::ClientId;
use edgemint::oauth::admin::bulk::GrantFilter;
use edgemint::oauth::admin::user::Change;
use edgemint::oauth::endpoints::authorize::{AuthorizationRequest, Decision};
use edgemint::oauth::endpoints::step_up::MAX_SIGN_IN_AGE;
use edgemint::oauth::grant::handle::{GrantId, SessionId};
use edgemint::oauth::grant::rights::ClientRights;
use edgemint::oauth::grant::{Grant, GrantRefusal, Redeem, Refresh, Revoke, SignIn, Stage};
use edgemint::oauth::status::{ListId, StatusEntry};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::oauth::vocabulary::redirect::RedirectUri;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::{ONLY, Records as _, StorageError, Table};
use edgemint::token::UnixTime;
use serde_json::{Value, json};

use super::random::Random;
use super::storage::{Fault, Storage};
use super::wire::ask;

pub(crate) const START: u64 = 1_800_000_000;
const FORM_TTL: u64 = edgemint::account::FORM_TTL;
const CALLBACK: &str = "https://app.example/callback";
const API: &str = "https://api.example";
const VERIFIER: &str = "the-verifier-that-the-client-keeps-to-itself";
const GUESS: &str = "the-verifier-that-another-client-has-made-up";
const BROWSERS: usize = 3;
const CLIENTS: usize = 2;
const PASSKEYS: usize = 3;
const FORMS: usize = 3;

/// One act, and the failure of storage in its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happening {
    pub(crate) act: Act,
    pub(crate) fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    SignIn { browser: usize, passkey: Option<(usize, u32, usize)> },
    Authorize { browser: usize, client: usize, offline: bool },
    Allow { browser: usize, client: usize, offline: bool, form: usize },
    Redeem { grant: usize, client: Option<usize>, right: bool },
    Refresh { grant: usize, back: u64, client: Option<usize> },
    Revoke { grant: usize, client: Option<usize> },
    RevokeToken { grant: usize },
    EndGrant { grant: usize },
    EndGrants { client: Option<usize>, job: bool },
    Withdraw { client: usize },
    EndSession { browser: usize },
    EndSessions,
    Secure { browser: Option<usize>, passkeys: bool, grants: GrantsToEnd },
    AddPasskey { browser: usize, passkey: usize, challenge: usize },
    RemoveOwn { browser: usize, passkey: usize, is_needed: bool },
    RemovePasskey { passkey: usize },
    RemovePasskeys,
    Narrow { scope: usize },
    Overview { browser: Option<usize> },
    Remove,
    Notify { lost: bool },
    Sweep,
    Wait { seconds: u64 },
}

/// Any act; the later ones are rare.
pub(crate) fn any(random: &mut Random) -> Happening {
    let browser = random.index(BROWSERS);
    let client = random.index(CLIENTS);
    let grant = random.one_of(&[0, 0, 0, 0, 0, 1, 1, 2]);
    let passkey = random.index(PASSKEYS);
    let other = random.chance(10).then_some(client);
    // Sequences that single acts rarely complete.
    let burst = random.chance(35).then(|| match random.below(8) {
        0 | 1 => Act::Redeem { grant: 0, client: None, right: true },
        2..6 => Act::Refresh { grant: 0, back: random.one_of(&[0, 0, 0, 1, 1, 2]), client: None },
        6 => Act::AddPasskey { browser: 0, passkey: 0, challenge: random.index(20) },
        _ => Act::SignIn { browser: 0, passkey: Some((0, u32::try_from(random.below(6)).unwrap(), random.index(20))) },
    });
    let act = match random.below(100) {
        _ if burst.is_some() => burst.unwrap(),
        0..10 => Act::SignIn {
            browser,
            passkey: random.chance(50).then(|| (passkey, u32::try_from(random.below(6)).unwrap(), random.index(4))),
        },
        10..18 => Act::Authorize { browser, client, offline: random.chance(50) },
        18..28 => Act::Allow { browser, client, offline: random.chance(50), form: random.index(FORMS) },
        28..40 => Act::Redeem { grant, client: other, right: !random.chance(10) },
        40..58 => Act::Refresh { grant, back: random.one_of(&[0, 0, 0, 1, 1, 2, 9]), client: other },
        58..60 => Act::Revoke { grant, client: other },
        60..62 => Act::RevokeToken { grant },
        62..64 => Act::EndGrant { grant },
        64..66 => Act::EndGrants { client: random.chance(50).then_some(client), job: random.chance(50) },
        66..68 => Act::Withdraw { client },
        68..70 => Act::EndSession { browser },
        70 => Act::EndSessions,
        71..73 => Act::Secure {
            browser: random.chance(70).then_some(browser),
            passkeys: random.chance(50),
            grants: random.one_of(&[GrantsToEnd::None, GrantsToEnd::Offline, GrantsToEnd::All]),
        },
        73..78 => Act::AddPasskey { browser, passkey, challenge: random.index(4) },
        78 => Act::RemoveOwn { browser, passkey, is_needed: random.chance(50) },
        79 => Act::RemovePasskey { passkey },
        80 => Act::RemovePasskeys,
        81 => Act::Narrow { scope: random.index(3) },
        82..84 => Act::Overview { browser: random.chance(70).then_some(browser) },
        84 => {
            if random.chance(20) {
                Act::Remove
            } else {
                Act::Sweep
            }
        }
        85..90 => Act::Notify { lost: random.chance(30) },
        90..92 => Act::Sweep,
        _ => Act::Wait {
            seconds: random.one_of(&[1, 5, 29, 31, 59, 61, 301, 599, 601, 3_700, 90_000, 700_000, 1_300_000]),
        },
    };
    Happening { act, fault: Fault::random(random, 25, 8) }
}

/// The outside view of a grant.
pub(crate) struct Known {
    pub(crate) id: GrantId,
    client: usize,
    pub(crate) entry: StatusEntry,
    /// The time at which the form was rendered that created the grant.
    form_born: u64,
    pub(crate) redeemed: u32,
    /// The responses to refresh requests: the generation that was presented, the time, and the response.
    pub(crate) refreshed: Vec<(u64, u64, Tokens)>,
    /// The expiry of the last access token that left the account.
    pub(crate) token_expires: u64,
    token_revoked: bool,
    /// The expiry of the grant if it is not used, as it was stored last.
    pub(crate) expires: u64,
    pub(crate) was_stored: bool,
    pub(crate) is_gone: bool,
}

pub(crate) struct World {
    pub(crate) storage: Storage,
    pub(crate) authority: Authority,
    pub(crate) now: u64,
    account: AccountRecord,
    next_id: u8,
    cookies: [Option<SessionId>; BROWSERS],
    pub(crate) grants: Vec<Known>,
    /// The open forms: the position of each one's grant.
    forms: [Option<usize>; FORMS],
    /// Clients whose request the user has allowed since consent was withdrawn.
    consented: BTreeSet<usize>,
    answered: BTreeMap<usize, u64>,
    challenges: u64,
    pub(crate) counters: BTreeMap<usize, u64>,
    /// The revoked entries that status lists have been notified of, and until when.
    pub(crate) told: BTreeMap<(u32, u32), u64>,
    job_count: u64,
    pub(crate) is_removed: bool,
    /// The kinds of events so far, to check that histories reach them.
    pub(crate) reached: Vec<&'static str>,
}

impl World {
    pub(crate) fn new() -> Self {
        let settings = Settings { issuer: "https://as.example", ..Settings::default() };
        let account = AccountRecord { profile: "sealed 0".to_owned(), scope: None, created: UnixTime(START) };
        let mut world = Self {
            storage: Storage::default(),
            authority: Authority::parse(settings).unwrap(),
            now: START,
            account: account.clone(),
            next_id: 1,
            cookies: [const { None }; BROWSERS],
            grants: Vec::new(),
            forms: [None; FORMS],
            consented: BTreeSet::new(),
            answered: BTreeMap::new(),
            challenges: 0,
            counters: BTreeMap::new(),
            told: BTreeMap::new(),
            job_count: 0,
            is_removed: false,
            reached: Vec::new(),
        };
        assert!(world.ask(&CreateAccount(account), None).unwrap());
        world
    }

    /// Plays one act, and checks its response.
    pub(crate) fn play(&mut self, happening: &Happening) -> Result<(), String> {
        let Happening { act, fault } = *happening;
        match act {
            Act::SignIn { browser, passkey } => self.sign_in(browser, passkey, fault),
            Act::Authorize { browser, client, offline } => self.authorize(browser, client, offline, fault),
            Act::Allow { browser, client, offline, form } => self.allow(browser, client, offline, form, fault),
            Act::Redeem { grant, client, right } => self.redeem(grant, client, right, fault),
            Act::Refresh { grant, back, client } => self.refresh(grant, back, client, fault),
            Act::Revoke { grant, client } => self.revoke(grant, client, fault),
            Act::RevokeToken { grant } => self.revoke_token(grant, fault),
            Act::EndGrant { grant } => self.end_grant(grant, fault),
            Act::EndGrants { client, job } => self.end_grants(client, job, fault),
            Act::Withdraw { client } => self.withdraw(client, fault),
            Act::EndSession { browser } => self.end_session(browser, fault),
            Act::EndSessions => match self.ask(&EndSessions, fault) {
                Ok(Some(_)) => self.expect_sessions(|_, _| false),
                Ok(None) | Err(_) => Ok(()),
            },
            Act::Secure { browser, passkeys, grants } => self.secure(browser, passkeys, grants, fault),
            Act::AddPasskey { browser, passkey, challenge } => self.add_passkey(browser, passkey, challenge, fault),
            Act::RemoveOwn { browser, passkey, is_needed } => self.remove_own(browser, passkey, is_needed, fault),
            Act::RemovePasskey { passkey } => match self.ask(&RemovePasskey { id: passkey_id(passkey) }, fault) {
                Ok(Some(_)) => self.expect_without_passkey(passkey, None),
                Ok(None) | Err(_) => Ok(()),
            },
            Act::RemovePasskeys => match self.ask(&RemovePasskeys, fault) {
                Ok(Some(_)) => (0..PASSKEYS).try_for_each(|passkey| self.expect_without_passkey(passkey, None)),
                Ok(None) | Err(_) => Ok(()),
            },
            Act::Narrow { scope } => self.narrow(scope, fault),
            Act::Overview { browser } => self.overview(browser, fault),
            Act::Remove => self.remove(fault),
            Act::Notify { lost } => self.notify(lost, fault),
            Act::Sweep => {
                self.storage.begin(fault);
                let _ = self.storage.sweep(UnixTime(self.now));
                self.storage.end();
                Ok(())
            }
            Act::Wait { seconds } => {
                self.now += seconds;
                Ok(())
            }
        }
    }

    /// Sends a command. If a fault occurs, the response does not leave the account.
    fn ask<C: AccountCommand>(&mut self, command: &C, fault: Option<Fault>) -> Result<C::Answer, StorageError> {
        let outbox_before = self.storage.count(Table::Revocation);
        self.storage.begin(fault);
        let (answer, has_revoked) = ask(&self.storage, &self.authority, self.now, command);
        let failed = self.storage.end();
        assert_eq!(failed, answer.is_err(), "a failure of storage is reported");
        let outbox_after = self.storage.count(Table::Revocation);
        if outbox_after > outbox_before {
            self.reached.push("a revocation is stored");
            if failed {
                self.reached.push("a revocation is stored in a turn that fails");
            }
        }
        assert!(has_revoked || outbox_after <= outbox_before, "a stored revocation is told in the same turn");
        answer
    }

    fn id(&mut self) -> [u8; 16] {
        self.next_id = self.next_id.checked_add(1).unwrap();
        [self.next_id; 16]
    }

    fn session(&self, id: &SessionId) -> Option<Session> {
        self.storage.peek_one::<Session>(Table::Session, id.as_str())
    }

    fn is_signed_in(&self, browser: usize) -> bool {
        let session = self.cookies[browser].as_ref().and_then(|id| self.session(id));
        session.is_some_and(|session| self.now < session.ends.0)
    }

    fn cookie(&self, browser: usize) -> SessionId {
        self.cookies[browser].clone().unwrap_or_else(|| SessionId::from_bytes([0; 16]))
    }

    fn stored(&self, grant: &GrantId) -> Option<Grant> {
        self.storage.peek_one(Table::Grant, grant.as_str())
    }

    fn sign_in(
        &mut self,
        browser: usize,
        passkey: Option<(usize, u32, usize)>,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let session = SessionId::from_bytes(self.id());
        let old = self.cookies[browser].clone();
        let used = passkey.map(|(passkey, ahead, challenge)| {
            let stored = self.storage.peek_one::<Value>(Table::Passkey, &passkey_id(passkey));
            let count = stored.map_or(0, |record| record["passkey"]["sign_count"].as_u64().unwrap());
            // Also the last count again, and smaller ones.
            let sign_count = u32::try_from(count).unwrap().saturating_add(ahead).saturating_sub(2);
            let assertion = Assertion {
                sign_count,
                backup_eligible: is_synced(passkey),
                backed_up: is_synced(passkey),
                user_verified: true,
            };
            (passkey, count, PasskeyUse { id: passkey_id(passkey), assertion, answered: self.challenge(challenge) })
        });
        let command = OpenSession {
            session: session.clone(),
            sign_in: SignIn { at: UnixTime(self.now), amr: vec!["pwd".to_owned()], acr: None },
            agent: "Firefox".to_owned(),
            replaces: old.clone(),
            passkey: used.as_ref().map(|(_, _, used)| used.clone()),
        };
        let held = self.storage.peek::<Grant>(Table::Grant);
        let answer = self.ask(&command, fault);
        let opened = self.session(&session).is_some();
        if opened && old.as_ref().is_some_and(|old| self.session(old).is_some()) {
            return Err("a session and the one that replaced it are both stored".to_owned());
        }
        if opened && let Some((passkey, count, used)) = used {
            if used.assertion.sign_count != 0 && u64::from(used.assertion.sign_count) <= count && !is_synced(passkey) {
                return Err(format!("a counter of {} opens a session after {count}", used.assertion.sign_count));
            }
            self.spend(passkey_challenge(&used), "a sign-in")?;
        }
        match (&answer, &command.passkey) {
            (Ok(Opened::Done | Opened::CounterRestarted), Some(_)) => self.reached.push("a passkey signs in"),
            (Ok(Opened::CounterWentBack), _) => self.reached.push("a counter goes back"),
            (Ok(Opened::PasskeyRefused), Some(used)) if self.storage.text(Table::Passkey, &used.id).is_some() => {
                self.reached.push("a challenge is answered again");
            }
            _ => {}
        }
        match answer {
            Ok(Opened::Done | Opened::CounterRestarted) => {
                if old.is_some() {
                    self.reached.push("a session is replaced");
                }
                if !opened {
                    return Err("the session that was answered is not stored".to_owned());
                }
                for (id, grant) in held {
                    let moves = Some(&grant.session) == old.as_ref();
                    let now = self.storage.peek_one::<Grant>(Table::Grant, &id).ok_or("a sign-in ended a grant")?;
                    if now.session != if moves { session.clone() } else { grant.session } {
                        return Err("a grant is bound to the wrong session".to_owned());
                    }
                }
                self.cookies[browser] = Some(session);
            }
            Ok(Opened::CounterWentBack | Opened::PasskeyRefused | Opened::Missing) if opened => {
                return Err("a refused sign-in opens a session".to_owned());
            }
            Ok(Opened::CounterWentBack | Opened::PasskeyRefused | Opened::Missing) | Err(_) => {}
        }
        Ok(())
    }

    /// One of several open challenges. The Worker accepts no expired one.
    fn challenge(&mut self, number: usize) -> AnsweredChallenge {
        let expires = self.answered.get(&number).copied().filter(|expires| self.now < *expires);
        let expires = expires.unwrap_or_else(|| {
            self.challenges += 1;
            self.now + 600
        });
        self.answered.insert(number, expires);
        AnsweredChallenge { challenge: format!("{number} {expires}"), until: UnixTime(expires) }
    }

    /// A challenge has been accepted: it must not be accepted again.
    fn spend(&mut self, challenge: String, by: &str) -> Result<(), String> {
        let key = usize::MAX - usize::try_from(fingerprint(&challenge)).unwrap();
        match self.answered.insert(key, u64::MAX) {
            None => Ok(()),
            Some(_) => Err(format!("{by} with a challenge that was accepted before")),
        }
    }

    fn request(&self, client: usize, offline: bool) -> AuthorizationRequest {
        let scope = if offline { "openid read offline_access" } else { "openid read" };
        AuthorizationRequest {
            client: client_id(client),
            redirect_uri: RedirectUri::parse(CALLBACK).unwrap(),
            scope: Scope::parse(scope).unwrap(),
            resources: vec![Resource::parse(API).unwrap()],
            challenge: Challenge::of_verifier(VERIFIER).unwrap(),
            nonce: None,
            silent: false,
            sign_in_again: false,
            ask_again: false,
            max_age: None,
            claims: Default::default(),
            signed_in: None,
            remembers: true,
        }
    }

    fn new_grant(&mut self, client: usize) -> usize {
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
            expires: 0,
            was_stored: false,
            is_gone: false,
        });
        self.grants.len() - 1
    }

    fn authorize(&mut self, browser: usize, client: usize, offline: bool, fault: Option<Fault>) -> Result<(), String> {
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

    fn allow(
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

    fn rights(&self) -> ClientRights {
        ClientRights {
            scope: Scope::parse("openid read write offline_access").unwrap(),
            resources: vec![Resource::parse(API).unwrap()],
            exact: true,
        }
    }

    /// One of the grants that were stored last.
    fn pick(&self, number: usize) -> Option<usize> {
        let stored: Vec<_> = (0..self.grants.len()).rev().filter(|at| self.grants[*at].was_stored).collect();
        stored.get(number % stored.len().max(1)).copied()
    }

    fn redeem(&mut self, grant: usize, client: Option<usize>, right: bool, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let command = RedeemCode {
            grant: self.grants[at].id.clone(),
            redeem: Redeem {
                client: client_id(client.unwrap_or(self.grants[at].client)),
                redirect_uri: None,
                challenge: Challenge::of_verifier(if right { VERIFIER } else { GUESS }).unwrap(),
                resources: Vec::new(),
                refreshable: true,
                rights: self.rights(),
            },
            profile: false,
        };
        let is_owner = command.redeem.client == client_id(self.grants[at].client);
        let is_active = self.is_active(at);
        match self.ask(&command, fault) {
            Ok(Ok(tokens)) => {
                self.grants[at].redeemed += 1;
                self.reached.push("a code is redeemed");
                if !is_active || !is_owner || !right {
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

    /// Returns whether the grant is stored, has not expired, and has its session if it is bound to one.
    fn is_active(&self, at: usize) -> bool {
        self.stored(&self.grants[at].id).is_some_and(|grant| {
            let session = self.session(&grant.session).is_some_and(|session| self.now < session.ends.0);
            self.now < grant.ends(self.authority.lifetimes()).0 && (grant.offline || session)
        })
    }

    fn hand_out(&mut self, at: usize, tokens: &Tokens) {
        let expires = tokens.tokens.at.0 + self.authority.lifetimes().access;
        let known = &mut self.grants[at];
        known.token_expires = known.token_expires.max(expires);
    }

    fn refresh(&mut self, grant: usize, back: u64, client: Option<usize>, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let current = match self.stored(&self.grants[at].id).map(|grant| grant.stage) {
            Some(Stage::Live { generation, .. }) => generation,
            Some(Stage::Code { .. }) | None => 1,
        };
        // Generation 9 is the next one, which was never issued.
        let generation = if back == 9 { current + 1 } else { current.saturating_sub(back) };
        let rotate = self.grants[at].client == 0;
        let command = RefreshGrant {
            grant: self.grants[at].id.clone(),
            refresh: Refresh {
                client: client_id(client.unwrap_or(self.grants[at].client)),
                generation,
                rotate,
                scope: None,
                resources: Vec::new(),
                rights: self.rights(),
            },
            profile: true,
        };
        let is_owner = command.refresh.client == client_id(self.grants[at].client);
        let is_active = self.is_active(at);
        let answer = self.ask(&command, fault);
        let is_reuse = is_owner && is_active && generation > 0 && generation + 1 < current;
        match answer {
            Ok(Ok(tokens)) => {
                if !is_active || !is_owner || back == 9 {
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
            Ok(Err(refusal)) if is_reuse => Err(format!("reuse is refused as {refusal:?}")),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    fn revoke(&mut self, grant: usize, client: Option<usize>, fault: Option<Fault>) -> Result<(), String> {
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

    fn revoke_token(&mut self, grant: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let jti = format!("{} 1", self.grants[at].id);
        let until = UnixTime(self.now + 10_000_000);
        if self.ask(&RevokeToken { jti: jti.clone(), until }, fault).is_ok() && !self.is_removed {
            self.grants[at].token_revoked = true;
        }
        let is_active = self.is_active(at);
        match self.ask(&TokenStatus { grant: self.grants[at].id.clone(), jti }, None) {
            Ok(Some(_)) if self.grants[at].token_revoked => Err("a revoked token is active".to_owned()),
            Ok(Some(_)) if !is_active => Err("a token of an inactive grant is active".to_owned()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn end_grant(&mut self, grant: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pick(grant) else { return Ok(()) };
        let before = self.stored(&self.grants[at].id).is_some();
        match self.ask(&EndGrant { grant: self.grants[at].id.clone() }, fault) {
            Ok(ended) if ended != before || self.stored(&self.grants[at].id).is_some() => {
                Err("a grant is not ended".to_owned())
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn end_grants(&mut self, client: Option<usize>, job: bool, fault: Option<Fault>) -> Result<(), String> {
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

    fn withdraw(&mut self, client: usize, fault: Option<Fault>) -> Result<(), String> {
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
        if !has_consent && grants.iter().any(|(_, grant)| grant.client == client_id(client)) {
            return Err("a grant that the user cannot see any more".to_owned());
        }
        Ok(())
    }

    /// Only sessions that `stays` accepts are stored, and no grant is bound to any other.
    fn expect_sessions(&self, stays: impl Fn(&str, &Session) -> bool) -> Result<(), String> {
        let sessions = self.storage.peek::<Session>(Table::Session);
        if let Some((id, _)) = sessions.iter().find(|(id, session)| !stays(id, session)) {
            return Err(format!("session {id} is not ended"));
        }
        Ok(())
    }

    /// No grant is bound to this session.
    fn expect_unbound(&self, session: &SessionId) -> Result<(), String> {
        let grants = self.storage.peek::<Grant>(Table::Grant);
        match grants.iter().any(|(_, grant)| !grant.offline && grant.session == *session) {
            true => Err("a grant outlives its session".to_owned()),
            false => Ok(()),
        }
    }

    fn end_session(&mut self, browser: usize, fault: Option<Fault>) -> Result<(), String> {
        let session = self.cookie(browser);
        let before = self.session(&session).is_some();
        match self.ask(&EndSession { session: session.clone() }, fault) {
            Ok(Some(_)) => {
                self.expect_sessions(|id, _| id != session.as_str())?;
                if before { self.expect_unbound(&session) } else { Ok(()) }
            }
            Ok(None) => Ok(()),
            // The session is stored until it has ended completely, so that ending it can be retried.
            Err(_) if before && self.session(&session).is_none() => self.expect_unbound(&session),
            Err(_) => Ok(()),
        }
    }

    fn secure(
        &mut self,
        browser: Option<usize>,
        passkeys: bool,
        grants: GrantsToEnd,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let except = browser.map(|browser| self.cookie(browser));
        let used = except.as_ref().and_then(|id| self.session(id)).filter(|session| self.now < session.ends.0);
        let used = used.and_then(|session| session.passkey);
        match self.ask(&SecureAccount { except: except.clone(), passkeys, grants }, fault) {
            Ok(Some(_)) => {
                self.expect_sessions(|id, _| except.as_ref().is_some_and(|except| except.as_str() == id))?;
                let left = self.storage.peek::<Value>(Table::Passkey);
                if passkeys && left.iter().any(|(id, _)| Some(id) != used.as_ref()) {
                    return Err("a passkey is left".to_owned());
                }
                let left = self.storage.peek::<Grant>(Table::Grant);
                let stays = |grant: &Grant| match grants {
                    GrantsToEnd::None => true,
                    GrantsToEnd::Offline => !grant.offline,
                    GrantsToEnd::All => false,
                };
                match left.iter().all(|(_, grant)| stays(grant)) {
                    true => Ok(()),
                    false => Err("a grant is left".to_owned()),
                }
            }
            Ok(None) | Err(_) => Ok(()),
        }
    }

    fn may_change_credentials(&self, browser: usize) -> bool {
        let session = self.cookies[browser].as_ref().and_then(|id| self.session(id));
        session.is_some_and(|session| self.now < session.ends.0 && self.now <= session.sign_in.at.0 + MAX_SIGN_IN_AGE)
    }

    fn add_passkey(
        &mut self,
        browser: usize,
        passkey: usize,
        challenge: usize,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let answered = self.challenge(challenge);
        let before = self.storage.text(Table::Passkey, &passkey_id(passkey)).is_some();
        let is_allowed = self.may_change_credentials(browser);
        let command = AddPasskey {
            session: self.cookie(browser),
            id: passkey_id(passkey),
            passkey: new_passkey(passkey, self.now),
            answered,
        };
        let answer = self.ask(&command, fault);
        let is_added = !before && self.storage.text(Table::Passkey, &passkey_id(passkey)).is_some();
        if is_added {
            if !is_allowed {
                return Err("a passkey is added without a recent sign-in".to_owned());
            }
            self.counters.insert(passkey, 0);
            self.spend(command.answered.challenge, "a passkey is added")?;
        }
        match answer {
            Ok(Ok(())) if !is_added => Err("a passkey is not stored".to_owned()),
            Ok(Err(AddPasskeyError::StepUp(_))) if is_allowed && !self.is_removed => {
                Err("a recent sign-in is refused".to_owned())
            }
            Ok(Err(_)) if is_added => Err("a passkey is added and refused".to_owned()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn remove_own(
        &mut self,
        browser: usize,
        passkey: usize,
        is_needed: bool,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let session = self.cookie(browser);
        let before = self.storage.count(Table::Passkey);
        let is_allowed = self.may_change_credentials(browser);
        let checked = self.ask(&CheckStepUp { session: session.clone() }, None).unwrap();
        if !self.is_removed && checked.is_ok() != is_allowed {
            return Err("the step-up check disagrees".to_owned());
        }
        let command = RemoveOwnPasskey { session: session.clone(), id: passkey_id(passkey), is_needed };
        let answer = self.ask(&command, fault);
        let after = self.storage.count(Table::Passkey);
        if after < before && !is_allowed {
            return Err("a passkey is removed without a recent sign-in".to_owned());
        }
        if after == 0 && before > 0 && is_needed {
            return Err("the last passkey is removed".to_owned());
        }
        match answer {
            Ok(Ok(_)) => self.expect_without_passkey(passkey, Some(&session)),
            Ok(Err(RemovePasskeyError::LastWayIn)) if !is_needed || before != 1 => {
                Err("a passkey is refused as the last one".to_owned())
            }
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    fn expect_without_passkey(&self, passkey: usize, except: Option<&SessionId>) -> Result<(), String> {
        if self.storage.text(Table::Passkey, &passkey_id(passkey)).is_some() {
            return Err("a passkey is not removed".to_owned());
        }
        let id = passkey_id(passkey);
        self.expect_sessions(|session_id, session| {
            session.passkey.as_ref() != Some(&id) || except.is_some_and(|except| except.as_str() == session_id)
        })
    }

    fn narrow(&mut self, scope: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(stored) = self.storage.peek_one::<AccountRecord>(Table::Account, ONLY) else { return Ok(()) };
        let change = [
            Change::Set(Scope::parse("openid offline_access").unwrap()),
            Change::Set(Scope::parse("openid read").unwrap()),
            Change::Clear,
        ];
        let sealed = format!("sealed {}", self.id()[0]);
        let command = ReplaceAccount { was: stored.profile, sealed: sealed.clone(), scope: change[scope].clone() };
        let outdated = ReplaceAccount { was: "another".to_owned(), sealed: sealed.clone(), scope: Change::Keep };
        if self.ask(&outdated, None).unwrap() != Replaced::Outdated {
            return Err("an outdated profile is replaced".to_owned());
        }
        match self.ask(&command, fault) {
            Ok(Replaced::Done) => {
                self.account = self.storage.peek_one(Table::Account, ONLY).unwrap();
                if self.account.profile != sealed {
                    return Err("a profile is not stored".to_owned());
                }
                let allowed = |grant: &Grant| match scope {
                    0 => !grant.scope.contains("read"),
                    // `openid` and `offline_access` are always allowed.
                    _ => true,
                };
                match self.storage.peek::<Grant>(Table::Grant).iter().all(|(_, grant)| allowed(grant)) {
                    true => Ok(()),
                    false => Err("a grant exceeds the user's scope".to_owned()),
                }
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(_) => Ok(()),
        }
    }

    fn overview(&mut self, browser: Option<usize>, fault: Option<Fault>) -> Result<(), String> {
        let session = browser.map(|browser| self.cookie(browser));
        let is_visible = browser.is_none_or(|browser| self.is_signed_in(browser)) && !self.is_removed;
        match self.ask(&ReadOverview { session }, fault) {
            Ok(overview) if overview.is_some() != is_visible => Err("an overview is shown, or not".to_owned()),
            Ok(Some(overview)) => {
                let shown: usize = overview.connections.iter().map(|connection| connection.grants.len()).sum();
                let is_live = |known: &Known| {
                    self.stored(&known.id).is_some_and(|grant| matches!(grant.stage, Stage::Live { .. }))
                };
                let active = (0..self.grants.len()).filter(|at| self.is_active(*at) && is_live(&self.grants[*at]));
                match active.count() == shown {
                    true => Ok(()),
                    false => Err("the overview does not show the active grants".to_owned()),
                }
            }
            Ok(None) | Err(_) => Ok(()),
        }
    }

    fn remove(&mut self, fault: Option<Fault>) -> Result<(), String> {
        match self.ask(&RemoveAccount, fault) {
            Ok(removed) if removed == self.is_removed => Err("an account is removed, or not".to_owned()),
            Ok(_) => {
                self.is_removed = true;
                self.reached.push("the account is removed");
                Ok(())
            }
            Err(_) => {
                // The response is lost, and the caller retries.
                self.is_removed |= self.storage.text(Table::Account, ONLY).is_none();
                Ok(())
            }
        }
    }

    /// Notifies the status lists. `lost`: their confirmations do not arrive.
    fn notify(&mut self, lost: bool, fault: Option<Fault>) -> Result<(), String> {
        self.storage.begin(fault);
        if let Ok(notices) = outbox::notices(&self.storage) {
            for notice in notices {
                for (idx, until) in &notice.entries {
                    let told = self.told.entry((notice.list.0, *idx)).or_default();
                    *told = (*told).max(until.0);
                }
                self.reached.push("a status list is told");
                if lost || outbox::confirmed(&self.storage, &notice).is_err() {
                    break;
                }
            }
        }
        self.storage.end();
        if self.is_removed && outbox::is_empty(&self.storage).unwrap() && !self.storage.is_empty().unwrap() {
            return Err("a removed account leaves something".to_owned());
        }
        Ok(())
    }
}

fn client_id(client: usize) -> ClientId {
    ClientId::parse(["app", "service"][client]).unwrap()
}

fn passkey_id(passkey: usize) -> String {
    format!("passkey-{passkey}-0123456789")
}

/// The last passkey is synced to other devices.
pub(crate) const fn is_synced(passkey: usize) -> bool {
    passkey == PASSKEYS - 1
}

fn new_passkey(passkey: usize, now: u64) -> PasskeyRecord {
    let stored: StoredPasskey = serde_json::from_value(json!({
        "id": "AAECAwQFBgcICQoLDA0ODw", "public_key": "pQECAyYgASFYIA", "sign_count": 0,
        "backup_eligible": is_synced(passkey), "backed_up": is_synced(passkey), "transports": [],
        "aaguid": "00000000-0000-0000-0000-000000000000",
    }))
    .unwrap();
    PasskeyRecord { name: "Passkey".to_owned(), created: UnixTime(now), used_at: None, passkey: stored }
}

fn passkey_challenge(used: &PasskeyUse) -> String {
    used.answered.challenge.clone()
}

/// A number for a challenge: histories have few.
fn fingerprint(challenge: &str) -> u64 {
    challenge.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte))) % (1 << 40)
}
