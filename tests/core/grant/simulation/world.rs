//! The world of a history: the storage, the clock, and the handles that each party has.

use std::sync::LazyLock;

use edgemint::oauth::endpoints::register::Registration;
use edgemint::oauth::endpoints::token_endpoint;
use edgemint::oauth::grant::gate::{ClientFacts, UserFacts};
use edgemint::oauth::grant::handle::{AccountId, GrantId, Handle, Kind as HandleKind, MacKey};
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{
    Command, Grant, GrantRefusal, Lifetimes, Next, Outcome, Redeem, Refresh, Revoke, Step, TokenGrant, step,
};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::client::{Client, ClientId};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::token::UnixTime;
use serde_json::json;

use super::history::{Act, Ask, Left, Limits, Plan, Setup, Storage, Token, Turn, Uri, Who};
use super::ledger::{Kind, Ledger, Question, Terms, Verdict};
use crate::grant::words::{
    API, CALLBACK, DAY, FILES, GUESS, LIFETIMES, START, VERIFIER, challenge, client, client_facts, grant, resources,
    scope,
};

/// The requested part, if it is less than was granted.
pub(crate) const PART: &str = "write";

pub(crate) struct World {
    pub(crate) kept: [Kept; 2],
    /// Every event, in order.
    pub(crate) log: Vec<Entry>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) now: u64,
    session_is_active: bool,
}

/// One grant and its parties.
pub(crate) struct Kept {
    pub(crate) plan: Plan,
    limits: Limits,
    id: GrantId,
    /// Its client, as an index into the fixed clients.
    client: usize,
    stored: Option<Grant>,
    ledger: Ledger,
    /// The code, once it is issued; and whether the owner received it.
    code: Option<String>,
    code_heard: bool,
    /// The refresh tokens that the owner received, and all that were issued, newest last.
    heard: Vec<String>,
    written: Vec<String>,
}

/// One event.
pub(crate) struct Entry {
    pub(crate) grant: usize,
    pub(crate) who: Who,
    pub(crate) now: u64,
    pub(crate) question: Question,
    /// The response, unless the storage failed before.
    pub(crate) answer: Option<Result<Answer, GrantRefusal>>,
    /// The change that was decided, and whether it is durable.
    pub(crate) changed: Option<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put,
    End,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Issued,
    Ended,
    Tokens { tokens: Box<TokenGrant>, jti: String },
}

/// The constants of all histories.
struct Fixed {
    key: MacKey,
    authority: Authority,
    account: AccountId,
    clients: [Client; 3],
    challenges: [Challenge; 2],
    grant: Grant,
    scopes: [Scope; 2],
    resources: [Vec<Resource>; 3],
    /// The facts about clients: by scope, by resources, cached and exact, without `offline_access` and with it.
    client_facts: Vec<ClientFacts>,
    user_rights: [Scope; 2],
}

const LEFT: [Left; 3] = [Left::All, Left::Part, Left::Nothing];

impl Fixed {
    /// The facts about the client with this identifier, and about the user.
    fn facts(&self, limits: &Limits, id: &ClientId, session_is_active: bool) -> (ClientFacts, UserFacts<'_>) {
        let at = |left| LEFT.iter().position(|own| *own == left).unwrap();
        let scope = match limits.user {
            Left::All => None,
            Left::Part => Some(&self.user_rights[0]),
            Left::Nothing => Some(&self.user_rights[1]),
        };
        let flags = usize::from(limits.exact) * 2 + usize::from(limits.offline);
        let client = at(limits.client) * 12 + at(limits.resources) * 4 + flags;
        let client =
            ClientFacts { id: id.clone(), enabled: !limits.client_disabled, ..self.client_facts[client].clone() };
        let enabled = !limits.user_disabled;
        (client, UserFacts { enabled, has_consented: true, scope, session_is_active, session_ends: None })
    }
}

static FIXED: LazyLock<Fixed> = LazyLock::new(|| {
    let registered = |id: &str| {
        let metadata =
            json!({ "redirect_uris": [CALLBACK], "scope": "read write", "token_endpoint_auth_method": "none" });
        let registration = Registration::parse(metadata.as_object().unwrap()).unwrap();
        Client::from_record(&registration.into_record(client(id), None, UnixTime(START)))
    };
    Fixed {
        key: MacKey::derive(&[5; 32], "handle", "https://as.example"),
        authority: Authority::parse(Settings { issuer: "https://as.example", ..Settings::default() }).unwrap(),
        account: AccountId::from_bytes([1; 16]),
        clients: ["app", "service", "other"].map(registered),
        challenges: [VERIFIER, GUESS].map(challenge),
        grant: grant(),
        scopes: [PART, "read admin"].map(scope),
        resources: [resources(&[]), resources(&[API]), resources(&[API, "https://evil.example"])],
        client_facts: ["read write", "read", ""]
            .into_iter()
            .flat_map(|text| [&[API, FILES, "urn:other"][..], &[FILES], &[]].map(|at| (text, at)))
            .flat_map(|(text, at)| [false, true].map(|exact| (text, at, exact)))
            .flat_map(|(text, at, exact)| ["", " offline_access"].map(|more| (format!("{text}{more}"), at, exact)))
            .map(|(text, at, exact)| ClientFacts {
                scope: scope(&text),
                resources: resources(at),
                exact,
                ..client_facts()
            })
            .collect(),
        user_rights: ["write", "other"].map(scope),
    }
});

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let kept = |number: u8| Kept {
            plan: setup.plans[usize::from(number)],
            limits: Limits::NONE,
            id: GrantId::from_bytes([number; 16]),
            client: usize::from(number),
            stored: None,
            ledger: Ledger::default(),
            code: None,
            code_heard: false,
            heard: Vec::new(),
            written: Vec::new(),
        };
        Self {
            kept: [kept(0), kept(1)],
            log: Vec::new(),
            // Short enough for a history to reach its end.
            lifetimes: Lifetimes { replay_window: setup.replay_window, refresh: 30 * DAY, ..LIFETIMES },
            now: START,
            session_is_active: true,
        }
    }

    /// Plays one turn; returns the rule that it breaks.
    pub(crate) fn turn(&mut self, turn: &Turn) -> Result<(), String> {
        self.now = self.now.saturating_add_signed(turn.wait);
        match turn.act {
            Act::SignOut => self.session_is_active = false,
            Act::Reregister { grant } => self.kept[grant].plan.public ^= true,
            Act::Limit { grant, rights } => self.kept[grant].limits = rights,
            Act::Allow { grant } => self.allow(grant, turn.storage)?,
            Act::Redeem { grant, who, uri } => self.redeem(grant, who, uri, turn.storage)?,
            Act::Refresh { grant, who, token, scope, resources } => {
                self.refresh(grant, who, token, scope, resources, turn.storage)?;
            }
            Act::Revoke { grant, who } => {
                let asks = self.kept[grant].client_of(who).id.clone();
                let revoke = Revoke { client: asks };
                self.ask(grant, who, Kind::Revoke, Command::Revoke(&revoke), turn.storage)?;
            }
        }
        Ok(())
    }

    /// Whether the owner of grant 0 gets tokens for a request now.
    pub(crate) fn owner_can_go_on(&mut self) -> bool {
        self.log.clear();
        let (token, ask) = (Token::Back(0), Ask::Nothing);
        let asked = self.refresh(0, Who::Owner, token, ask, ask, Storage::Works);
        asked.is_ok() && matches!(self.answer(), Some(Ok(Answer::Tokens { .. })))
    }

    /// The last response.
    pub(crate) fn answer(&self) -> Option<&Result<Answer, GrantRefusal>> {
        self.log.last()?.answer.as_ref()
    }

    fn allow(&mut self, number: usize, storage: Storage) -> Result<(), String> {
        let kept = &self.kept[number];
        // The caller gives each grant an identifier of its own: a revoked grant is never allowed again.
        if kept.ledger.has_ended() {
            return Ok(());
        }
        let new = Grant {
            client: kept.client_of(Who::Owner).id.clone(),
            offline: kept.plan.offline,
            issued_at: UnixTime(self.now),
            ..FIXED.grant.clone()
        };
        self.ask(number, Who::Owner, Kind::Allow, Command::Issue(Box::new(new)), storage)
    }

    fn redeem(&mut self, number: usize, who: Who, uri: Uri, storage: Storage) -> Result<(), String> {
        let kept = &self.kept[number];
        let Some(code) = kept.code.as_ref().filter(|_| who != Who::Owner || kept.code_heard) else {
            return Ok(());
        };
        let read = FIXED.key.read(HandleKind::Code, code).ok_or("a code is not read")?;
        let number = self.named_by(&read)?;
        let verifier = who != Who::Thief;
        let refreshable = self.kept[number].plan.refreshable;
        let (client, user) = self.facts(number, who);
        let redeem = Redeem {
            client,
            redirect_uri: match uri {
                Uri::Right => Some(CALLBACK.to_owned()),
                Uri::Absent => None,
                Uri::Elsewhere => Some("https://elsewhere.example/callback".to_owned()),
            },
            challenge: FIXED.challenges[usize::from(!verifier)].clone(),
            resources: Vec::new(),
            refreshable,
        };
        let command = Command::Redeem(&redeem, user);
        let kind = Kind::Redeem { verifier, uri: uri != Uri::Elsewhere, refreshable };
        self.ask(number, who, kind, command, storage)
    }

    fn refresh(
        &mut self,
        number: usize,
        who: Who,
        token: Token,
        scope: Ask,
        resources: Ask,
        storage: Storage,
    ) -> Result<(), String> {
        let kept = &self.kept[number];
        let Some(text) = kept.token(who, token) else {
            return Ok(());
        };
        let read = FIXED.key.read(HandleKind::Refresh, &text);
        if matches!(token, Token::Forged | Token::Code) {
            return read.map_or(Ok(()), |read| Err(format!("{text} was read as {read:?}")));
        }
        let read = read.ok_or("a refresh token is not read")?;
        let number = self.named_by(&read)?;
        let rotate = self.kept[number].plan.public;
        let (client, user) = self.facts(number, who);
        let refresh = Refresh {
            client,
            generation: read.generation,
            rotate,
            scope: match scope {
                Ask::Nothing => None,
                Ask::Part => Some(FIXED.scopes[0].clone()),
                Ask::TooMuch => Some(FIXED.scopes[1].clone()),
            },
            resources: match resources {
                Ask::Nothing => FIXED.resources[0].clone(),
                Ask::Part => FIXED.resources[1].clone(),
                Ask::TooMuch => FIXED.resources[2].clone(),
            },
        };
        let command = Command::Refresh(&refresh, user);
        let kind = Kind::Refresh { generation: read.generation, rotate, scope, resources };
        self.ask(number, who, kind, command, storage)
    }

    /// The facts about the client that asks, and about the user of the grant.
    fn facts(&self, number: usize, who: Who) -> (ClientFacts, UserFacts<'static>) {
        let kept = &self.kept[number];
        FIXED.facts(&kept.limits, &kept.client_of(who).id, self.session_is_active)
    }

    /// Decides, compares the decision with the ledger, stores and responds as far as the storage works.
    fn ask(
        &mut self,
        number: usize,
        who: Who,
        kind: Kind,
        command: Command<'_>,
        storage: Storage,
    ) -> Result<(), String> {
        let now = self.now;
        let kept = &mut self.kept[number];
        let owner = kept.client_of(who).id == kept.client_of(Who::Owner).id;
        let question = Question { owner, session_is_active: self.session_is_active, limits: kept.limits, kind };
        let terms = Terms { offline: kept.plan.offline, lifetimes: self.lifetimes };
        let verdict = kept.ledger.verdict(&terms, &question, now);
        let decided = step(kept.stored.clone(), command, &self.lifetimes, UnixTime(now));
        if seen(&decided) != Some(verdict) {
            return Err(format!("{decided:?} instead of {verdict:?}"));
        }
        let fails_before = storage == Storage::FailsBefore && !matches!(decided.next, Next::Keep);
        if fails_before {
            self.log.push(Entry { grant: number, who, now, question, answer: None, changed: None });
            return Ok(());
        }
        let changed = match decided.next {
            Next::Keep => None,
            Next::Put(grant) => {
                kept.stored = Some(*grant);
                Some(Change::Put)
            }
            Next::End => {
                kept.stored = None;
                Some(Change::End)
            }
        };
        kept.ledger.note(&question, verdict, now);
        let heard = storage == Storage::Works && who == Who::Owner;
        let answer = match decided.outcome {
            Err(refusal) => Err(refusal),
            Ok(Outcome::Ended) => Ok(Answer::Ended),
            Ok(Outcome::Issued) => {
                kept.code = Some(kept.write(HandleKind::Code, 1));
                kept.code_heard |= heard;
                Ok(Answer::Issued)
            }
            Ok(Outcome::Tokens(tokens)) => {
                kept.hand_out(tokens.generation, heard);
                let jti = kept.jti(&tokens)?;
                Ok(Answer::Tokens { tokens, jti })
            }
        };
        self.log.push(Entry { grant: number, who, now, question, answer: Some(answer), changed });
        Ok(())
    }

    /// The grant that a handle names.
    fn named_by(&self, handle: &Handle) -> Result<usize, String> {
        let id = handle.grant().filter(|_| handle.account == FIXED.account);
        let number = self.kept.iter().position(|kept| Some(&kept.id) == id.as_ref());
        number.ok_or_else(|| format!("{handle:?} names nothing"))
    }
}

impl Kept {
    fn client_of(&self, who: Who) -> &'static Client {
        match who {
            Who::Owner => &FIXED.clients[self.client],
            Who::Thief if self.plan.public => &FIXED.clients[self.client],
            Who::Thief | Who::Stranger => &FIXED.clients[2],
        }
    }

    /// The refresh token that a party presents, if it has such a one.
    fn token(&self, who: Who, token: Token) -> Option<String> {
        let pocket = if who == Who::Owner { &self.heard } else { &self.written };
        match token {
            Token::Back(steps) => pocket.iter().rev().nth(steps).cloned(),
            Token::Unborn => self.ledger.is_issued().then(|| self.write(HandleKind::Refresh, self.ledger.newest() + 1)),
            Token::Forged => pocket.last().map(|text| forge(text)),
            Token::Code => self.code.clone(),
        }
    }

    fn write(&self, kind: HandleKind, generation: u64) -> String {
        let handle = Handle { account: FIXED.account.clone(), record: self.id.to_string(), generation };
        FIXED.key.write(kind, &handle)
    }

    /// The refresh token of a response: the same for the same generation.
    fn hand_out(&mut self, generation: u64, heard: bool) {
        if generation == 0 {
            return;
        }
        if self.written.len() < generation as usize {
            self.written.push(self.write(HandleKind::Refresh, generation));
        }
        if heard && self.heard.last() != self.written.get(generation as usize - 1) {
            self.heard.push(self.written[generation as usize - 1].clone());
        }
    }

    fn jti(&self, tokens: &TokenGrant) -> Result<String, String> {
        let client = self.client_of(Who::Owner);
        let token = token_endpoint::of_grant(&FIXED.authority, &FIXED.key, &FIXED.account, &self.id, client, tokens);
        let claims = serde_json::to_value(token).map_err(|error| error.to_string())?;
        let jti = claims["jti"].as_str().unwrap_or_default();
        let names_the_grant = TokenId::of_verified(jti).grant().as_ref() == Some(&self.id);
        if names_the_grant { Ok(jti.to_owned()) } else { Err(format!("{jti} does not name {}", self.id)) }
    }
}

/// A decision in the terms of the ledger; `None` for one that the ledger does not know.
fn seen(step: &Step) -> Option<Verdict> {
    Some(match (&step.next, &step.outcome) {
        (Next::Put(_), Ok(Outcome::Issued)) => Verdict::Issued,
        (Next::Keep, Ok(Outcome::Issued)) => Verdict::StillIssued,
        (Next::End, Ok(Outcome::Ended)) => Verdict::Ended,
        (Next::Keep, Ok(Outcome::Ended)) => Verdict::HadEnded,
        (Next::Keep, Err(refusal)) => Verdict::Refused(*refusal),
        (Next::End, Err(refusal)) => Verdict::RefusedForGood(*refusal),
        (next, Ok(Outcome::Tokens(tokens)))
            if matches!(next, Next::Keep) == tokens.repeated && !matches!(next, Next::End) =>
        {
            Verdict::Tokens { generation: tokens.generation, at: tokens.at.0, repeated: tokens.repeated }
        }
        _ => return None,
    })
}

fn forge(text: &str) -> String {
    let mut bytes = text.to_owned().into_bytes();
    // Not the last character, whose unused bits a lenient reader ignores.
    let at = bytes.len() - 2;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}
