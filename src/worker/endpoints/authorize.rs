//! The authorization endpoint, and the consent of the user.

use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::account::grants::{AllowError, AllowRequest, Authorize, Decided};
use crate::account::record::AccountRecord;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Decision, ResponseMode, Target, client_id};
use crate::oauth::endpoints::device;
use crate::oauth::endpoints::logout::Hint;
use crate::oauth::endpoints::onward::{after_sign_in, ui_locales};
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::grant::Acr;
use crate::oauth::grant::gate::ClientFacts;
use crate::oauth::grant::handle::{AccountId, GrantId, Handle, Kind};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::{Client, Refusal};
use crate::pages::{Consent, FormPost};
use crate::wire::{Form, Reply, encode_parameters, form_encode};
use crate::worker::browser::{Browser, Purpose};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::objects::registry_do::IndexAccount;
use crate::worker::random::random;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::{catalogue, clients, passkeys, profiles};
use crate::worker::status;

/// A request that may be answered at its redirect URI.
pub(crate) struct Asked {
    pub(crate) client: Rc<Client>,
    pub(crate) target: Target,
    pub(crate) request: Result<AuthorizationRequest, Refusal>,
}

/// Parses a request: the client, the redirect URI, the parameters.
pub(crate) async fn asked(platform: &Platform, form: &Form) -> Result<Asked, RequestError> {
    let client = clients::find_enabled(platform, &client_id(form)?).await?.ok_or(Refusal::AuthorizeClient)?;
    platform.audit.client(&client.id);
    if !client.enabled {
        return Err(Refusal::AuthorizeDisabled.into());
    }
    let target = Target::parse(&client, form)?;
    let catalogue = catalogue::current(platform).await?;
    let request = AuthorizationRequest::parse(platform.authority(), &catalogue, &client, &target, form);
    let rules = ClientFacts::of(platform.authority(), &catalogue, &client, None).rules;
    Ok(Asked { client, target, request: request.map(|request| request.under(rules)) })
}

impl Asked {
    /// Returns the sign-in that the request wants. Nothing is known of one that is refused.
    pub(crate) fn wanted(&self) -> Wanted {
        self.request.as_ref().map(AuthorizationRequest::wanted).unwrap_or_default()
    }
}

/// Returns whether a user of this server can sign in so that the request goes on.
pub(crate) fn is_reachable(platform: &Platform, wanted: &Wanted) -> bool {
    let upstream = platform.authority().upstream();
    !wanted.needs_passkey()
        || passkeys::are_possible(platform)
        || upstream.is_some_and(|upstream| upstream.acr.reaches(Acr::PhishingResistant))
}

/// `GET /oauth/authorize` (RFC 6749 section 3.1). A POST (OpenID Connect Core section 3.1.2.1) is sent here as a GET, so
/// that a page can be opened again.
pub(crate) async fn authorize(
    platform: &Platform,
    request: &Incoming,
    browser: &Browser,
) -> Result<Reply, RequestError> {
    if request.method == "POST" {
        let form = request.form().await?;
        return Ok(Reply::see_other(format!("/oauth/authorize?{}", encode_parameters(form.pairs()))));
    }
    let form = request.query_form()?;
    let Asked { client, target, request: asked } = asked(platform, &form).await?;
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => return Ok(refuse(platform, browser, &target, &refusal)),
    };
    let hint = match hint(platform, &form).await? {
        Ok(hint) => hint,
        Err(refusal) => return Ok(refuse(platform, browser, &target, &refusal)),
    };
    let is_named = |account: &AccountId| match &asked.claims.subjects {
        Some(subjects) => subjects.iter().any(|subject| subject == account.as_str()),
        None => true,
    };
    let is_wanted =
        |account: &AccountId| is_named(account) && hint.as_ref().is_none_or(|hint| hint.account == *account);
    let session = match &browser.session {
        Some((account, session)) if is_wanted(account) => Some((account, session)),
        // Asked to sign in with the account that the client wants, the user has just chosen another one.
        Some((_, session)) if asked.signed_in.as_ref().is_some_and(|it| it.is_of(session, platform.now)) => {
            return Ok(refuse(platform, browser, &target, &Refusal::HintOther));
        }
        Some(_) | None => None,
    };
    let grant = GrantId::from_bytes(random()?);
    if let Some((id, _)) = session {
        platform.audit.user(id);
    }
    let (decision, known) = match session {
        None => (Decision::SignIn, None),
        Some((id, session)) => {
            let session = Some(session.clone());
            let taken = status::take(platform).await?;
            let (request, status) = (asked.clone(), taken.entry());
            let command = Authorize { session, request, grant: grant.clone(), status };
            let Decided { decision, account } = objects::send(platform, id, &command).await?;
            if !matches!(decision, Decision::Allowed(_)) {
                taken.give_back();
            }
            (decision, account.map(|record| (id, record)))
        }
    };
    match (decision.unless_silent(&asked), known) {
        (Err(refusal), _) => Ok(refuse(platform, browser, &target, &refusal)),
        (Ok(Decision::Allowed(_)), Some((id, _))) => {
            platform.audit.grant(&grant).note(EventKind::CodeIssued);
            Ok(send_code(platform, browser, &target, id, &grant))
        }
        (Ok(Decision::Ask(scope)), Some((id, record))) => {
            let query = encode_parameters(form.pairs());
            consent_page(platform, browser, &Question { client, asked, scope, query }, id, &record).await
        }
        (Ok(_), _) if !is_reachable(platform, &asked.wanted()) => {
            Ok(refuse(platform, browser, &target, &Refusal::AcrUnmet))
        }
        (Ok(_), _) => {
            Ok(Reply::see_other(format!("/account/sign-in?continue={}", form_encode(&encode_parameters(form.pairs())))))
        }
    }
}

/// `POST /oauth/consent`: the decision of the user about a request.
pub(crate) async fn consent(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let query = form.get("request").ok_or(Refusal::MissingParameter)?;
    let Asked { target, request: asked, .. } = asked(platform, &Form::parse(query).map_err(Refusal::from)?).await?;
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => return Ok(refuse(platform, browser, &target, &refusal)),
    };
    let back = format!("/oauth/authorize?{query}");
    let Some((id, session)) = &browser.session else {
        return Ok(browser.problem(platform, &Refusal::SessionMissing, Some(&back)));
    };
    platform.audit.user(id);
    let nonce = match browser.check_form(platform, request, &form, Purpose::Consent, query) {
        Ok(nonce) => nonce,
        Err(refusal) => {
            platform.audit.refused(&refusal);
            return Ok(browser.problem(platform, &refusal, Some(&back)));
        }
    };
    match form.get("decision") {
        Some("allow") => {}
        Some("deny") => return Ok(refuse(platform, browser, &target, &Refusal::AccessDenied)),
        Some(_) | None => return Err(Refusal::MissingParameter.into()),
    }
    // The client's index first: then no grant exists that could not be found when all of the client's are to end.
    objects::send(platform, &asked.client, &IndexAccount { account: id.clone() }).await?;
    // The same form gives the same grant, and so the same code.
    let grant = grant_of_form(&nonce);
    platform.audit.grant(&grant);
    let command = AllowRequest {
        session: session.clone(),
        scope: asked.scope.clone(),
        request: asked,
        grant: grant.clone(),
        status: status::take(platform).await?.entry(),
    };
    match objects::send(platform, id, &command).await? {
        Ok(()) => {
            platform.audit.note(EventKind::ConsentGiven);
            Ok(send_code(platform, browser, &target, id, &grant))
        }
        Err(AllowError::Grant(refusal)) => {
            platform.audit.refused(&Refusal::Grant(refusal));
            Ok(browser.problem(platform, &Refusal::Grant(refusal), Some(&back)))
        }
        Err(AllowError::SessionMissing) => Ok(browser.problem(platform, &Refusal::SessionMissing, Some(&back))),
        // The request is decided again, and leads to the sign-in page.
        Err(AllowError::StepUp) => Ok(Reply::see_other(back)),
    }
}

/// The request that a consent page shows.
struct Question {
    client: Rc<Client>,
    asked: AuthorizationRequest,
    scope: Scope,
    query: String,
}

async fn consent_page(
    platform: &Platform,
    browser: &Browser,
    question: &Question,
    id: &AccountId,
    record: &AccountRecord,
) -> Result<Reply, RequestError> {
    let profile = profiles::open(platform, id, record).await?;
    let own = platform.authority().issuer();
    let others: Vec<_> = question.asked.resources.iter().filter(|it| it.as_str() != own).cloned().collect();
    let catalogue = catalogue::current(platform).await?;
    let registered: Vec<_> = others.iter().filter_map(|resource| catalogue.resource(resource)).collect();
    let page = Consent {
        csrf: &browser.form_token(platform, Purpose::Consent, &question.query)?,
        request: &question.query,
        client: question.client.display_name(),
        redirect_uri: &question.asked.redirect_uri,
        scope: &question.scope,
        resources: &others,
        registered: &registered,
        username: &profile.shown_username(),
    };
    let targets = [question.asked.redirect_uri.form_target()];
    Ok(browser.page(platform, 200, page.render(browser.words), &targets))
}

fn send_code(platform: &Platform, browser: &Browser, target: &Target, id: &AccountId, grant: &GrantId) -> Reply {
    let handle = Handle { account: id.clone(), record: grant.to_string(), generation: 1 };
    let code = platform.config.handles.write(Kind::Code, &handle);
    send(platform, browser, target, &target.success(platform.authority(), &code))
}

pub(crate) fn refuse(platform: &Platform, browser: &Browser, target: &Target, refusal: &Refusal) -> Reply {
    platform.audit.refused(refusal);
    send(platform, browser, target, &target.failure(platform.authority(), refusal))
}

fn send(platform: &Platform, browser: &Browser, target: &Target, parameters: &[(&str, &str)]) -> Reply {
    match target.mode {
        ResponseMode::Query => Reply::see_other(target.redirect_uri.with(parameters)),
        ResponseMode::FormPost => {
            let page = FormPost { redirect_uri: &target.redirect_uri, parameters };
            browser.page(platform, 200, page.render(browser.words), &[target.redirect_uri.form_target()])
        }
    }
}

/// Returns the account that the client requests (`id_token_hint`, OpenID Connect Core section 3.1.2.1). A hint that cannot be read
/// is refused before the sign-in page, since no account would match it.
async fn hint(platform: &Platform, form: &Form) -> Result<Result<Option<Hint>, Refusal>, RequestError> {
    match form.get("id_token_hint") {
        None => Ok(Ok(None)),
        Some(text) => Ok(ring::hint(platform, text).await?.map(Some).ok_or(Refusal::HintUnreadable)),
    }
}

/// Returns the grant of a consent form. It cannot be chosen: this server created the nonce.
fn grant_of_form(nonce: &str) -> GrantId {
    let digest: [u8; 32] = Sha256::digest(format!("grant|{nonce}")).into();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digested)| *byte = digested);
    GrantId::from_bytes(bytes)
}

/// Returns where the browser continues after a sign-in: at the authorization request, at the page for devices, or at the account
/// page in the same language.
pub(crate) fn continuation(query: Option<&str>) -> String {
    match query.and_then(|query| Form::parse(query).ok()) {
        Some(form) if form.get("client_id").is_some() => format!("/oauth/authorize?{}", after_sign_in(&form)),
        Some(form) => {
            device::continuation(&form).unwrap_or_else(|| in_language("/account", ui_locales(&form).as_deref()))
        }
        None => "/account".to_owned(),
    }
}

/// Returns the path of a page in the language that the client requested.
pub(crate) fn in_language(path: &str, locales: Option<&str>) -> String {
    match locales {
        Some(locales) => format!("{path}?{}", encode_parameters([("ui_locales", locales)])),
        None => path.to_owned(),
    }
}
