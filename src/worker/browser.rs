//! The browser of a person: its cookies, its language, and the proof that a form comes from a page that it was shown.

use sha2::{Digest as _, Sha256};

use crate::account::FORM_TTL;
use crate::identity::address::AddressBlocks;
use crate::oauth::endpoints::onward::{FreshSignIn, ui_locales};
use crate::oauth::grant::handle::{AccountId, Handle, Kind, SessionId};
use crate::oauth::{Authority, Refusal};
use crate::pages::{self, ErrorPage, Problem, Words};
use crate::token::{UnixTime, base64url};
use crate::wire::{Form, Reply};

use super::env::Platform;
use super::http::Incoming;
use super::random::random;
use super::report::Fault;

/// How long a browser remembers that it is one, and whom it has signed in, seconds: as long as browsers allow.
const REMEMBER_FOR: u64 = 400 * 24 * 3600;
/// How many ways to the upstream provider a browser may be on at the same time: cookies have to fit in one header.
const MOST_JOURNEYS: usize = 5;
/// How long a notice waits for the page that shows it, seconds.
const NOTICE_TTL: u64 = 60;

/// What a form is for; under the MAC, so that a form of one page counts on no other.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Account,
    Consent,
    DeviceCode,
    DeviceConsent,
    Logout,
    SignIn,
    SignUp,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Consent => "consent",
            Self::DeviceCode => "device-code",
            Self::DeviceConsent => "device-consent",
            Self::Logout => "logout",
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
        }
    }
}

/// One browser, as far as its request tells.
pub(crate) struct Browser {
    /// A random text that binds forms to it.
    id: String,
    /// Whether it has just been chosen.
    is_new: bool,
    /// Its session: a handle that this server wrote. Only its account knows whether the session is active.
    pub(crate) session: Option<(AccountId, SessionId)>,
    /// The same handle, if the key before this one wrote it.
    session_of_previous_key: Option<Handle>,
    /// What it says it is, cut short.
    pub(crate) agent: String,
    /// Where it is.
    pub(crate) address: AddressBlocks,
    /// Its language.
    pub(crate) words: &'static Words,
    /// The languages that the client asked for.
    pub(crate) locales: Option<String>,
    /// What was remembered each time the person left for the upstream provider, sealed, by the name of its cookie: the oldest
    /// first, as browsers send them (RFC 6265bis section 5.8.3).
    journeys: Vec<(String, String)>,
    known: Option<String>,
    notice: Option<String>,
    known_account: Option<String>,
}

impl Browser {
    /// Reads what a request tells.
    pub(crate) fn of(platform: &Platform, request: &Incoming) -> Result<Self, Fault> {
        let header = request.header("Cookie").unwrap_or_default();
        let cookie = |name: Cookie| {
            let name = name.of(platform.authority());
            let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.filter(|(own, _)| *own == name).map(|(_, value)| value.to_owned()).next()
        };
        let known_id = cookie(Cookie::Browser).filter(|id| SessionId::parse(id).is_some());
        let is_new = known_id.is_none();
        let handles = &platform.config.handles;
        let cookie_text = cookie(Cookie::Session).unwrap_or_default();
        let handle = handles.read(Kind::Session, &cookie_text);
        let session = handle.as_ref().and_then(|handle| Some((handle.account.clone(), handle.session()?)));
        let session_of_previous_key = handle.filter(|_| handles.is_of_previous(Kind::Session, &cookie_text));
        let locales = request.peek(ui_locales);
        let mut agent = request.header("User-Agent").unwrap_or_default();
        if let Some((end, _)) = agent.char_indices().nth(300) {
            agent.truncate(end);
        }
        Ok(Self {
            id: known_id.map_or_else(|| random::<16>().map(|bytes| base64url::encode(&bytes)), Ok)?,
            is_new,
            session,
            session_of_previous_key,
            agent: pages::browser_label(&agent),
            address: address(platform, request),
            words: Words::negotiate(request.header("Accept-Language").as_deref(), locales.as_deref()),
            locales,
            journeys: journeys(platform.authority(), &header),
            known: cookie(Cookie::Known),
            notice: cookie(Cookie::Notice),
            known_account: cookie(Cookie::KnownAccount),
        })
    }

    /// What a form of a page must send back. `about` is what the page shows: another thing needs another form.
    pub(crate) fn form_token(&self, platform: &Platform, purpose: Purpose, about: &str) -> Result<String, Fault> {
        let nonce = base64url::encode(&random::<16>()?);
        let until = platform.now.plus(FORM_TTL).0.to_string();
        let tag = self.tag(platform, purpose, about, &nonce, &until);
        Ok(format!("{nonce}.{until}.{tag}"))
    }

    /// Checks what a form has sent back, and where it was sent from. Gives the form's own random text.
    pub(crate) fn check_form(
        &self,
        platform: &Platform,
        request: &Incoming,
        form: &Form,
        purpose: Purpose,
        about: &str,
    ) -> Result<String, Refusal> {
        let origin = request.header("Origin");
        if self.is_new || origin.is_some_and(|origin| origin != platform.authority().issuer()) {
            return Err(Refusal::FormForeign);
        }
        let token = form.get("csrf").filter(|token| token.len() <= 200 && !token.contains('|'));
        let mut parts = token.unwrap_or_default().splitn(3, '.');
        let (nonce, until, tag) = (parts.next(), parts.next(), parts.next());
        let (Some(nonce), Some(until), Some(tag)) = (nonce, until, tag) else {
            return Err(Refusal::FormForeign);
        };
        let fields = self.fields(purpose, about, nonce, until);
        if !platform.config.forms.verifies(&fields.each_ref().map(String::as_str), tag) {
            return Err(Refusal::FormForeign);
        }
        if until.parse().map_or(true, |until| UnixTime(until) <= platform.now) {
            return Err(Refusal::FormStale);
        }
        Ok(nonce.to_owned())
    }

    fn tag(&self, platform: &Platform, purpose: Purpose, about: &str, nonce: &str, until: &str) -> String {
        let fields = self.fields(purpose, about, nonce, until);
        platform.config.forms.tag(&fields.each_ref().map(String::as_str))
    }

    /// The fields under a form's MAC: purpose, browser, content of the page, and the signed-in account. Not the session: the same
    /// user may sign in again in another tab and submit this form afterwards.
    fn fields(&self, purpose: Purpose, about: &str, nonce: &str, until: &str) -> [String; 6] {
        let session = match purpose {
            Purpose::SignIn | Purpose::SignUp => None,
            Purpose::Account | Purpose::Consent | Purpose::DeviceCode | Purpose::DeviceConsent | Purpose::Logout => {
                self.session.as_ref()
            }
        };
        let account = session.map(|(account, _)| account.to_string()).unwrap_or_default();
        let about = base64url::encode(&Sha256::digest(about));
        [purpose.name().to_owned(), self.id.clone(), account, about, nonce.to_owned(), until.to_owned()]
    }

    /// Has this browser signed in by this name before? Gives the random text by which its attempts are counted.
    pub(crate) fn knows(&self, platform: &Platform, username: &str) -> Option<String> {
        let (nonce, tag) = self.known.as_deref()?.split_once('.')?;
        let username = base64url::encode(&Sha256::digest(username));
        platform.config.forms.verifies(&["known", nonce, &username], tag).then(|| nonce.to_owned())
    }

    /// Did the request come without any cookie of ours?
    pub(crate) fn has_no_cookies(&self) -> bool {
        self.is_new
    }

    /// The language of a page about this request, which the browser's own request may only have led to.
    pub(crate) fn words_for(&self, form: &Form) -> &'static Words {
        ui_locales(form).and_then(|locales| Words::of_locales(&locales)).unwrap_or(self.words)
    }

    /// Returns whether this browser has signed in to this account before, by any method.
    pub(crate) fn knows_account(&self, platform: &Platform, account: &AccountId) -> bool {
        let parts = self.known_account.as_deref().and_then(|known| known.split_once('.'));
        let fields = |nonce| ["known-account", nonce, account.as_str()];
        parts.is_some_and(|(nonce, tag)| platform.config.forms.verifies(&fields(nonce), tag))
    }

    /// A page for this browser.
    pub(crate) fn page(&self, platform: &Platform, status: u16, html: String, form_targets: &[String]) -> Reply {
        let reply = Reply::html(status, html, pages::headers(form_targets)).with("Vary", "Accept-Language, Cookie");
        if self.is_new { self.remember(platform, reply) } else { reply }
    }

    /// The page about something that went wrong.
    pub(crate) fn problem(&self, platform: &Platform, refusal: &Refusal, restart: Option<&str>) -> Reply {
        let problem = problem(refusal);
        let page = ErrorPage { problem, restart, reference: Some(refusal.kind()) };
        self.page(platform, problem.status(), page.render(self.words), &[])
    }

    /// Sends the browser on, signed in.
    pub(crate) fn signed_in(
        &self,
        platform: &Platform,
        account: &AccountId,
        session: &SessionId,
        username: Option<&str>,
        to: &str,
    ) -> Result<Reply, Fault> {
        let handle = Handle { account: account.clone(), record: session.to_string(), generation: 1 };
        let text = platform.config.handles.write(Kind::Session, &handle);
        let authority = platform.authority();
        // What this sign-in does not satisfy, no other would: the request is not to lead to the sign-in page again.
        let to = match to.strip_prefix("/oauth/authorize?") {
            Some(query) => format!("/oauth/authorize?{}", FreshSignIn::add_to(query, session, platform.now)),
            None => to.to_owned(),
        };
        let reply = Reply::see_other(to).with_cookie(Cookie::Session.set(authority, &text, authority.session_ttl()));
        let nonce = base64url::encode(&random::<16>()?);
        let reply = match username {
            Some(username) => {
                let username = base64url::encode(&Sha256::digest(username));
                let known = format!("{nonce}.{}", platform.config.forms.tag(&["known", &nonce, &username]));
                reply.with_cookie(Cookie::Known.set(authority, &known, REMEMBER_FOR))
            }
            None => reply,
        };
        let tag = platform.config.forms.tag(&["known-account", &nonce, account.as_str()]);
        Ok(reply.with_cookie(Cookie::KnownAccount.set(authority, &format!("{nonce}.{tag}"), REMEMBER_FOR)))
    }

    /// Has a browser whose session was written by the key before this one keep the same, written by this one.
    pub(crate) fn with_session_written_anew(&self, platform: &Platform, reply: Reply) -> Reply {
        let authority = platform.authority();
        let own = format!("{}=", Cookie::Session.of(authority));
        let sets_one = reply.headers.iter().any(|(name, value)| *name == "Set-Cookie" && value.starts_with(&own));
        match &self.session_of_previous_key {
            Some(handle) if !sets_one => {
                let text = platform.config.handles.write(Kind::Session, handle);
                reply.with_cookie(Cookie::Session.set(authority, &text, authority.session_ttl()))
            }
            Some(_) | None => reply,
        }
    }

    /// Has the next account page show a notice, once. In a cookie and not in the address, where a link from anywhere could
    /// make the page claim it; under a MAC with the account, so that no other account sees it.
    pub(crate) fn with_notice(platform: &Platform, reply: Reply, account: &AccountId, word: &str) -> Reply {
        let tag = platform.config.forms.tag(&["notice", account.as_str(), word]);
        reply.with_cookie(Cookie::Notice.set(platform.authority(), &format!("{word}.{tag}"), NOTICE_TTL))
    }

    /// The word of the notice for this account that the browser brings.
    pub(crate) fn notice(&self, platform: &Platform, account: &AccountId) -> Option<&str> {
        let (word, tag) = self.notice.as_deref()?.rsplit_once('.')?;
        platform.config.forms.verifies(&["notice", account.as_str(), word], tag).then_some(word)
    }

    /// Takes the notice from a browser that has brought one.
    pub(crate) fn without_notice(&self, platform: &Platform, reply: Reply) -> Reply {
        match self.notice {
            Some(_) => reply.with_cookie(Cookie::Notice.set(platform.authority(), "", 0)),
            None => reply,
        }
    }

    /// Takes the session from the browser.
    pub(crate) fn signed_out(platform: &Platform, reply: Reply) -> Reply {
        reply.with_cookie(Cookie::Session.set(platform.authority(), "", 0))
    }

    /// Has the browser remember what belongs to one way to the upstream provider and back. Each has a cookie of its own, so that
    /// several tabs may be there at the same time; of too many, the oldest are forgotten.
    pub(crate) fn departs(
        &self,
        platform: &Platform,
        reply: Reply,
        state: &str,
        sealed: &str,
        for_seconds: u64,
    ) -> Reply {
        let authority = platform.authority();
        let too_many = (self.journeys.len() + 1).saturating_sub(MOST_JOURNEYS);
        let reply = self
            .journeys
            .iter()
            .take(too_many)
            .fold(reply, |reply, (name, _)| reply.with_cookie(set_cookie(authority, name, "", 0)));
        reply.with_cookie(set_cookie(authority, &journey_cookie(authority, state), sealed, for_seconds))
    }

    /// What was remembered when the person left with this state. Earlier versions had one cookie for all.
    pub(crate) fn journey(&self, platform: &Platform, state: &str) -> Option<&str> {
        let authority = platform.authority();
        let names = [journey_cookie(authority, state), Cookie::Journey.of(authority).to_owned()];
        let found = names.iter().find_map(|name| self.journeys.iter().find(|(own, _)| own == name));
        found.map(|(_, sealed)| sealed.as_str())
    }

    /// Has the browser forget that way, which counts once.
    pub(crate) fn arrives(platform: &Platform, reply: Reply, state: &str) -> Reply {
        let authority = platform.authority();
        reply.with_cookie(set_cookie(authority, &journey_cookie(authority, state), "", 0))
    }

    fn remember(&self, platform: &Platform, reply: Reply) -> Reply {
        reply.with_cookie(Cookie::Browser.set(platform.authority(), &self.id, REMEMBER_FOR))
    }
}

/// The cookies.
#[derive(Clone, Copy)]
enum Cookie {
    /// Binds forms to the browser.
    Browser,
    /// The way to the upstream provider and back.
    Journey,
    /// Proves that the browser has signed in by a user name and its password before.
    Known,
    /// What was just done, for the next account page.
    Notice,
    /// Proves that the browser has signed in to an account before, by any method.
    KnownAccount,
    /// The session.
    Session,
}

impl Cookie {
    /// Its name. `__Host-`: only this host may set it, only over TLS (RFC 6265bis section 4.1.3.2). Without TLS, on
    /// localhost, some browsers keep no such cookie.
    fn of(self, authority: &Authority) -> &'static str {
        match (self, authority.is_loopback()) {
            (Self::Browser, false) => "__Host-edgemint-browser",
            (Self::Browser, true) => "edgemint-browser",
            (Self::Journey, false) => "__Host-edgemint-journey",
            (Self::Journey, true) => "edgemint-journey",
            (Self::Known, false) => "__Host-edgemint-known",
            (Self::Known, true) => "edgemint-known",
            (Self::Notice, false) => "__Host-edgemint-notice",
            (Self::Notice, true) => "edgemint-notice",
            (Self::KnownAccount, false) => "__Host-edgemint-known-account",
            (Self::KnownAccount, true) => "edgemint-known-account",
            (Self::Session, false) => "__Host-edgemint-session",
            (Self::Session, true) => "edgemint-session",
        }
    }

    fn set(self, authority: &Authority, value: &str, max_age: u64) -> String {
        set_cookie(authority, self.of(authority), value, max_age)
    }
}

fn set_cookie(authority: &Authority, name: &str, value: &str, max_age: u64) -> String {
    let secure = if authority.is_loopback() { "" } else { "; Secure" };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

/// The name of the cookie for one way to the upstream provider and back. It does not tell the state.
fn journey_cookie(authority: &Authority, state: &str) -> String {
    let id: String = base64url::encode(&Sha256::digest(state)).chars().take(12).collect();
    format!("{}-{id}", Cookie::Journey.of(authority))
}

fn journeys(authority: &Authority, header: &str) -> Vec<(String, String)> {
    let prefix = Cookie::Journey.of(authority);
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let own = pairs.filter(|(name, _)| {
        name.strip_prefix(prefix).is_some_and(|id| id.is_empty() || (id.len() == 13 && id.starts_with('-')))
    });
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).take(2 * MOST_JOURNEYS).collect()
}

/// Where a request comes from, as far as the operator's settings trust it to say.
fn address(platform: &Platform, request: &Incoming) -> AddressBlocks {
    AddressBlocks::of(&sent_address(platform, request).unwrap_or_default())
}

/// The text of the address that the request says, in the header that the operator's settings trust.
pub(crate) fn sent_address(platform: &Platform, request: &Incoming) -> Option<String> {
    platform.authority().client_address_header().and_then(|name| request.header(name))
}

/// What a person is told about a refusal.
pub(crate) fn problem(refusal: &Refusal) -> Problem {
    use crate::oauth::grant::GrantRefusal;
    match refusal {
        Refusal::AuthorizeClient => Problem::UnknownClient,
        Refusal::AuthorizeDisabled => Problem::DisabledClient,
        Refusal::AuthorizeRedirect | Refusal::LogoutRedirect => Problem::RedirectMismatch,
        Refusal::FormForeign => Problem::WrongBrowser,
        Refusal::FormStale => Problem::StalePage,
        Refusal::DeviceDecided | Refusal::Grant(GrantRefusal::CodeSpent) => Problem::AlreadyDecided,
        Refusal::NotFound => Problem::NotFound,
        Refusal::SessionMissing => Problem::SignedOutMeanwhile,
        Refusal::SignInThrottled { seconds } => Problem::Throttled { seconds: *seconds },
        Refusal::Upstream | Refusal::UpstreamAuthTime => Problem::UpstreamFailed,
        Refusal::UpstreamAccount => Problem::UpstreamAccount,
        Refusal::UserPending { .. } => Problem::Unavailable,
        other => Problem::BadRequest { reason: other.error().1 },
    }
}
