//! The device authorization endpoint, and the pages where a user connects a device (RFC 8628).

use std::rc::Rc;

use crate::account::device_grants::{AllowDevice, Tried, TryError, TryUserCode};
use crate::account::grants::AllowError;
use crate::identity::address::AddressBlocks;
use crate::oauth::endpoints::device::{DeviceAuthorization, DeviceAuthorizationResponse, onward};
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::grant::device::{DecideError, DeviceDecision, DeviceOrigin, DeviceStage};
use crate::oauth::grant::device_code::UserCode;
use crate::oauth::grant::gate::{ClientFacts, RequiredSignIn};
use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::compatibility::Item;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::requested_acr::RequestedAcr;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::permitted_scope;
use crate::oauth::{Client, Refusal};
use crate::pages::{DeviceCodeError, DeviceConsent, DeviceDecided, EnterDeviceCode, browser_label};
use crate::wire::{Reply, form_encode};
use crate::worker::browser::{Browser, Purpose, sent_address};
use crate::worker::endpoints::authorize::is_reachable;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::objects::registry_do::IndexAccount;
use crate::worker::report::RequestError;
use crate::worker::services::clients::{self, Authenticated, authenticate};
use crate::worker::services::devices::{self, FoundDevice};
use crate::worker::services::{attempts, catalogue, profiles};
use crate::worker::status;

/// `POST /oauth/device_authorization` (RFC 8628 section 3.1).
pub(crate) async fn authorize(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let (authorization, item) = (request.authorization()?, Item::DeviceWithoutSecret);
    let (client, by) = match clients::without_authentication(platform, authorization, &form, item).await? {
        Some(client) => (client, None),
        None => {
            let Authenticated { client, by } = authenticate(platform, authorization, &form).await?;
            (client, Some(by))
        }
    };
    let authority = platform.authority();
    let catalogue = catalogue::current(platform).await?;
    let authorization = DeviceAuthorization::parse(authority, &catalogue, &client, by, &form)?;
    let address = AddressBlocks::of(&sent_address(platform, request).unwrap_or_default());
    if let Err(throttled) = attempts::for_device(platform, &address, &client.id).await? {
        return Err(Refusal::DeviceThrottled { seconds: throttled.seconds }.into());
    }
    let (code, user_code) = devices::start(platform, &authorization, origin(platform, request)).await?;
    platform.audit.grant(&code.grant).note(EventKind::DeviceCodeIssued);
    let response = DeviceAuthorizationResponse::new(authority, &platform.config.handles, &code, &user_code);
    Ok(Reply::json(200, &response).with("Pragma", "no-cache"))
}

/// `GET /device`: the page where a user enters a code. A code in the address (RFC 8628 section 3.3.1) is filled in and nothing
/// else: the user compares and sends it.
pub(crate) async fn page(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    let user_code = query.get("user_code").and_then(UserCode::parse).map(|code| code.shown());
    if browser.session.is_none() {
        return Ok(sign_in_first(browser, user_code.as_deref()));
    }
    let user_code = user_code.unwrap_or_default();
    show(platform, browser, EnterDeviceCode { prefilled: !user_code.is_empty(), ..entry(browser, &user_code) }, 200)
}

/// `POST /device`: looks up the code, and asks the user.
pub(crate) async fn enter(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let typed = form.get("user_code").unwrap_or_default();
    let again = |error, status| {
        let page = EnterDeviceCode { error: Some(error), ..entry(browser, typed) };
        show(platform, browser, page, status)
    };
    let Some((account, session)) = &browser.session else {
        return Ok(sign_in_first(browser, UserCode::parse(typed).map(|code| code.shown()).as_deref()));
    };
    platform.audit.user(account);
    if let Err(refusal) = browser.check_form(platform, request, &form, Purpose::DeviceCode, "") {
        platform.audit.refused(&refusal);
        return again(DeviceCodeError::Stale, refusal.status());
    }
    // A text that cannot be a code guesses nothing.
    let Some(user_code) = UserCode::parse(typed) else {
        return again(DeviceCodeError::Unknown, 400);
    };
    let tried = match objects::send(platform, account, &TryUserCode { session: session.clone() }).await? {
        Ok(tried) => tried,
        Err(TryError::SessionMissing) => return Ok(sign_in_first(browser, Some(&user_code.shown()))),
        Err(TryError::Throttled { seconds }) => {
            platform.audit.refused(&Refusal::UserCodeThrottled { seconds });
            let reply = again(DeviceCodeError::Throttled { seconds }, 429)?;
            return Ok(reply.with("Retry-After", seconds.to_string()));
        }
    };
    let found = devices::find(platform, &user_code).await?;
    match found.filter(|found| found.request.stage == DeviceStage::Pending) {
        Some(found) => ask(platform, request, browser, &user_code, &found, account, &tried).await,
        None => {
            platform.audit.refused(&Refusal::UserCodeUnknown);
            again(DeviceCodeError::Unknown, 400)
        }
    }
}

/// `POST /device/consent`: the decision of the user.
pub(crate) async fn decide(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let user_code = form.get("user_code").and_then(UserCode::parse).ok_or(Refusal::MissingParameter)?;
    let grant = form.get("grant").ok_or(Refusal::MissingParameter)?;
    let Some((account, session)) = &browser.session else {
        return Ok(sign_in_first(browser, Some(&user_code.shown())));
    };
    platform.audit.user(account);
    // The form proves that this account has entered the code of this very request: it counts as no other try.
    browser.check_form(platform, request, &form, Purpose::DeviceConsent, &question(&user_code, grant))?;
    let found = devices::find(platform, &user_code).await?.filter(|found| found.request.grant.as_str() == grant);
    let Some(found) = found else {
        return gone(platform, browser);
    };
    platform.audit.grant(&found.request.grant);
    match form.get("decision") {
        Some("allow") => allow(platform, browser, &user_code, &found, (account, session)).await,
        Some("deny") => deny(platform, browser, &found).await,
        Some(_) | None => Err(Refusal::MissingParameter.into()),
    }
}

/// Creates the grant, then tells the device: a grant that no device was told of yields no tokens and expires with the code, while a
/// device that was told first could ask for a grant that a crash has prevented.
async fn allow(
    platform: &Platform,
    browser: &Browser,
    user_code: &UserCode,
    found: &FoundDevice,
    (account, session): (&AccountId, &SessionId),
) -> Result<Reply, RequestError> {
    let request = &found.request;
    let decided = |allowed| Ok(browser.page(platform, 200, DeviceDecided { allowed }.render(browser.words), &[]));
    // The form was sent twice.
    if request.stage == DeviceStage::Allowed(account.clone()) {
        return decided(true);
    }
    let Some(client) = client_of(platform, found).await? else {
        return gone(platform, browser);
    };
    // The client's index first: then no grant exists that could not be found when all of the client's are to end.
    objects::send(platform, &client.id, &IndexAccount { account: account.clone() }).await?;
    let catalogue = catalogue::current(platform).await?;
    let rules = ClientFacts::of(platform.authority(), &catalogue, &client, None).rules;
    let command = AllowDevice {
        session: session.clone(),
        scope: request.scope.clone(),
        request: request.clone(),
        status: status::take(platform).await?.entry(),
        rules: rules.clone(),
    };
    match objects::send(platform, account, &command).await? {
        Ok(()) => {}
        Err(AllowError::StepUp) => {
            return step_up(platform, browser, user_code, request.required_sign_in(&request.scope, &rules));
        }
        Err(AllowError::SessionMissing) => return Err(Refusal::SessionMissing.into()),
        Err(AllowError::Grant(refusal)) => return Err(Refusal::Grant(refusal).into()),
    }
    match devices::decide(platform, found, DeviceDecision::Allow(account.clone())).await? {
        Ok(()) => {
            platform.audit.note(EventKind::ConsentGiven);
            decided(true)
        }
        Err(error) => undecided(platform, browser, error),
    }
}

async fn deny(platform: &Platform, browser: &Browser, found: &FoundDevice) -> Result<Reply, RequestError> {
    match devices::decide(platform, found, DeviceDecision::Deny).await? {
        Ok(()) => {
            platform.audit.refused(&Refusal::AccessDenied);
            Ok(browser.page(platform, 200, DeviceDecided { allowed: false }.render(browser.words), &[]))
        }
        Err(error) => undecided(platform, browser, error),
    }
}

/// The reply to a decision that does not count.
fn undecided(platform: &Platform, browser: &Browser, error: DecideError) -> Result<Reply, RequestError> {
    match error {
        DecideError::Expired => gone(platform, browser),
        DecideError::Decided => Err(Refusal::DeviceDecided.into()),
    }
}

/// The reply to a form about a request that no longer waits.
fn gone(platform: &Platform, browser: &Browser) -> Result<Reply, RequestError> {
    platform.audit.refused(&Refusal::UserCodeUnknown);
    let page = EnterDeviceCode { error: Some(DeviceCodeError::Unknown), ..entry(browser, "") };
    show(platform, browser, page, 400)
}

/// The question about a request: always asked, even if the user has allowed its client before.
async fn ask(
    platform: &Platform,
    request: &Incoming,
    browser: &Browser,
    user_code: &UserCode,
    found: &FoundDevice,
    account: &AccountId,
    tried: &Tried,
) -> Result<Reply, RequestError> {
    let Tried { account: record, sign_in } = tried;
    let asked = &found.request;
    platform.audit.grant(&asked.grant);
    let Some(client) = client_of(platform, found).await? else {
        return gone(platform, browser);
    };
    let scope = permitted_scope(&asked.scope, record.scope.as_ref());
    if scope.is_empty() && !asked.scope.is_empty() {
        return deny(platform, browser, found).await;
    }
    let catalogue = catalogue::current(platform).await?;
    let rules = ClientFacts::of(platform.authority(), &catalogue, &client, None).rules;
    if !asked.is_allowed_after(sign_in, &scope, &rules, platform.now) {
        return step_up(platform, browser, user_code, asked.required_sign_in(&scope, &rules));
    }
    let profile = profiles::open(platform, account, record).await?;
    let own = platform.authority().issuer();
    let others: Vec<Resource> = asked.resources.iter().filter(|it| it.as_str() != own).cloned().collect();
    let registered: Vec<_> = others.iter().filter_map(|resource| catalogue.resource(resource)).collect();
    let (shown, grant) = (user_code.shown(), asked.grant.as_str());
    let country = request.located("country");
    let page = DeviceConsent {
        csrf: &browser.form_token(platform, Purpose::DeviceConsent, &question(user_code, grant))?,
        ui_locales: browser.locales.as_deref().unwrap_or_default(),
        user_code: &shown,
        grant,
        continue_to: &onward(Some(&shown), browser.locales.as_deref(), &Wanted::default()),
        client: client.display_name(),
        scope: &scope,
        resources: &others,
        registered: &registered,
        username: &profile.shown_username(),
        origin: &asked.origin,
        requested_at: asked.issued_at,
        country: country.as_deref(),
    };
    Ok(browser.page(platform, 200, page.render(browser.words), &[]))
}

/// The client of a request, if it may still connect devices. A client that may not gets nothing from its next poll either.
async fn client_of(platform: &Platform, found: &FoundDevice) -> Result<Option<Rc<Client>>, RequestError> {
    let client = clients::find_enabled(platform, &found.request.client).await?;
    let client = client.filter(|client| client.enabled && client.may_use(GrantType::DeviceCode));
    Ok(client.inspect(|client| {
        platform.audit.client(&client.id);
    }))
}

/// What the form of the question is about.
fn question(user_code: &UserCode, grant: &str) -> String {
    format!("{} {grant}", user_code.shown())
}

/// The page that asks for a code.
fn entry<'a>(browser: &'a Browser, user_code: &'a str) -> EnterDeviceCode<'a> {
    let ui_locales = browser.locales.as_deref().unwrap_or_default();
    EnterDeviceCode { csrf: "", ui_locales, user_code, prefilled: false, error: None }
}

fn show(platform: &Platform, browser: &Browser, page: EnterDeviceCode<'_>, status: u16) -> Result<Reply, RequestError> {
    let csrf = browser.form_token(platform, Purpose::DeviceCode, "")?;
    let html = EnterDeviceCode { csrf: &csrf, ..page }.render(browser.words);
    Ok(browser.page(platform, status, html, &[]))
}

/// Has the user sign in as the rules require, and return to the page for the code.
fn step_up(
    platform: &Platform,
    browser: &Browser,
    user_code: &UserCode,
    required: Option<RequiredSignIn>,
) -> Result<Reply, RequestError> {
    let wanted = Wanted::new(&RequestedAcr::default(), None, required);
    if !is_reachable(platform, &wanted) {
        return Err(Refusal::AcrUnmet.into());
    }
    Ok(sign_in_for(browser, Some(&user_code.shown()), &wanted))
}

fn sign_in_first(browser: &Browser, user_code: Option<&str>) -> Reply {
    sign_in_for(browser, user_code, &Wanted::default())
}

fn sign_in_for(browser: &Browser, user_code: Option<&str>, wanted: &Wanted) -> Reply {
    let onward = onward(user_code, browser.locales.as_deref(), wanted);
    Reply::see_other(format!("/account/sign-in?continue={}", form_encode(&onward)))
}

/// Where the request of a device comes from, as far as it is known.
fn origin(platform: &Platform, request: &Incoming) -> DeviceOrigin {
    let address = sent_address(platform, request).filter(|address| AddressBlocks::of(address).is_known());
    DeviceOrigin {
        address: address.map(|address| address.trim().to_owned()),
        country: request.located("country"),
        city: request.located("city"),
        agent: browser_label(&request.header("User-Agent").unwrap_or_default()),
    }
}
