//! Calls the endpoint of each request and adds the headers that all replies share.

use std::future::ready;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use worker::Env;

use crate::oauth::Refusal;
use crate::oauth::vocabulary::compatibility::Item;
use crate::pages::{self, ErrorPage, Problem, Words};
use crate::routes::{Audience, Bearer, Client, Endpoint, Operator, Person, Route};
use crate::wire::Reply;

use super::browser::Browser;
use super::endpoints::{
    account_page, admin_clients, admin_events, admin_exchange_rules, admin_jobs, admin_keys, admin_passkeys,
    admin_resources, admin_trusted_issuers, admin_users, authorize, device, documents, introspect_revoke, logout,
    resource, sign_in, sign_up, token, upstream,
};
use super::env::{self, Platform};
use super::http::Incoming;
use super::report::{Fault, RequestError};

/// One year from the last response (RFC 6797). Only an https issuer sends it: on localhost it would bind other programs too.
const HSTS: &str = "max-age=31536000";

/// Answers a request.
pub(crate) async fn answer(request: &Incoming, env: Env) -> Reply {
    let is_https = env::is_https(&env);
    let reply = match Route::find(&request.method, &request.path) {
        Some(route) if !is_served(&route, &env) => open_to_pages(not_found(request)),
        Some(route) if route.is_open_to_pages() => open_to_pages(answer_at(route, request, env).await),
        Some(route) => answer_at(route, request, env).await,
        None => open_to_pages(not_found(request)),
    };
    // Not `includeSubDomains`: the issuer's host is not the only one below its name.
    if is_https { reply.with("Strict-Transport-Security", HSTS) } else { reply }
}

/// Returns whether the path exists here: some do only with an item of `COMPATIBILITY`.
fn is_served(route: &Route<'_>, env: &Env) -> bool {
    route.item.is_none_or(|name| {
        let item = Item::from_name(name);
        env::authority(env).is_ok_and(|authority| item.is_some_and(|item| authority.compatibility().permits(item)))
    })
}

/// Answers a request to a path that the Worker serves.
async fn answer_at(route: Route<'_>, request: &Incoming, env: Env) -> Reply {
    let Route { name, allow, audience, endpoint, .. } = route;
    let Some(endpoint) = endpoint else {
        // Before the settings are read: with a failed preflight, a page could not read that they are wrong.
        let is_preflight = request.method == "OPTIONS" && route.is_open_to_pages();
        return if is_preflight { documents::preflight(allow) } else { Refusal::MethodNotAllowed { allow }.reply() };
    };
    let platform = match Platform::new(env).await {
        Ok(platform) => platform,
        Err(fault) => return without_settings(endpoint, request, fault),
    };
    platform.audit.at(name, audience == Audience::Operator);
    let reply = match endpoint {
        Endpoint::Client(endpoint) => serve(audience, &platform, client(endpoint, &platform, request).await),
        Endpoint::Bearer(endpoint) => serve(audience, &platform, bearer(endpoint, &platform, request).await),
        Endpoint::Operator(endpoint) => serve(audience, &platform, operator(endpoint, &platform, request).await),
        Endpoint::Person(endpoint) => show(endpoint, &platform, request).await,
    };
    platform.costs.tell(&platform.env, name);
    reply
}

/// Answers a request to a path that the Worker does not serve. Applications in browsers probe for metadata at several paths below
/// `/.well-known/` (RFC 8414 section 3.1, RFC 9728 section 3.1); they have to be able to see that there is none.
fn not_found(request: &Incoming) -> Reply {
    if request.method == "OPTIONS" && request.path.starts_with("/.well-known/") {
        return documents::preflight("GET, HEAD, OPTIONS");
    }
    Refusal::NotFound.reply()
}

/// Lets a page of any origin read the reply.
fn open_to_pages(reply: Reply) -> Reply {
    reply
        .with("Access-Control-Allow-Origin", "*")
        .with("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
}

/// The reply to a program.
fn serve(audience: Audience, platform: &Platform, outcome: Result<Reply, RequestError>) -> Reply {
    match outcome {
        Ok(reply) => reply,
        Err(RequestError::Failed(fault)) => fault.reply(),
        Err(RequestError::Refused(refusal)) => {
            platform.audit.refused(&refusal);
            match audience {
                Audience::Bearer | Audience::Operator => resource::refuse(platform, &refusal),
                Audience::Client | Audience::Person => refusal.reply(),
            }
        }
    }
}

/// What an endpoint does. Each is compiled apart: an isolate compiles what its requests run, and all endpoints in one function would be a
/// tenth of the module.
type Answer<'r> = LocalBoxFuture<'r, Result<Reply, RequestError>>;

fn client<'r>(endpoint: Client<'r>, platform: &'r Platform, request: &'r Incoming) -> Answer<'r> {
    match endpoint {
        Client::Certificates => documents::certificates(platform, request).boxed_local(),
        Client::DeviceAuthorization => device::authorize(platform, request).boxed_local(),
        Client::Health => documents::health(platform).map(Ok).boxed_local(),
        Client::Introspect => introspect_revoke::introspect(platform, request).boxed_local(),
        Client::Jwks => documents::jwks(platform, request).boxed_local(),
        Client::KeyDocument(name) => admin_keys::read_public(platform, request, name).boxed_local(),
        Client::ResourceMetadata => ready(Ok(documents::resource_metadata(platform, request))).boxed_local(),
        Client::Revoke => introspect_revoke::revoke(platform, request).boxed_local(),
        Client::ServerMetadata => ready(Ok(documents::server_metadata(platform, request))).boxed_local(),
        Client::StatusList(list) => documents::status_list(platform, request, list).boxed_local(),
        Client::StatusLists => documents::status_lists(platform, request).boxed_local(),
        Client::Token => token::token(platform, request).boxed_local(),
    }
}

fn bearer<'r>(endpoint: Bearer, platform: &'r Platform, request: &'r Incoming) -> Answer<'r> {
    match endpoint {
        Bearer::TokenInfo => introspect_revoke::token_info(platform, request).boxed_local(),
        Bearer::Userinfo => resource::userinfo(platform, request).boxed_local(),
        Bearer::Whoami => resource::whoami(platform, request).boxed_local(),
    }
}

async fn operator(endpoint: Operator<'_>, platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    resource::admin(platform, request).await?;
    administer(endpoint, platform, request).await
}

fn administer<'r>(endpoint: Operator<'r>, platform: &'r Platform, request: &'r Incoming) -> Answer<'r> {
    match endpoint {
        Operator::CreateClient => admin_clients::create_client(platform, request).boxed_local(),
        Operator::CreateExchangeRule => admin_exchange_rules::create(platform, request).boxed_local(),
        Operator::CreateResource => admin_resources::create(platform, request).boxed_local(),
        Operator::CreateTrustedIssuer => admin_trusted_issuers::create(platform, request).boxed_local(),
        Operator::CreateUser => admin_users::create(platform, request).boxed_local(),
        Operator::EndClientGrants(id) => admin_users::end_client_grants(platform, request, id).boxed_local(),
        Operator::EndClientTokens(id) => admin_jobs::end_tokens(platform, id).boxed_local(),
        Operator::EndSessions(id) => admin_users::end_sessions(platform, id).boxed_local(),
        Operator::EndUserGrant(id, grant) => admin_users::end_grant(platform, id, grant).boxed_local(),
        Operator::EndUserGrants(id) => admin_users::end_grants(platform, id).boxed_local(),
        Operator::ImportKey => admin_keys::import(platform, request).boxed_local(),
        Operator::ListClientGrants(id) => admin_users::client_grants(platform, request, id).boxed_local(),
        Operator::ListClients => admin_clients::list_clients(platform, request).boxed_local(),
        Operator::ListEvents => admin_events::list(platform, request).boxed_local(),
        Operator::ListKeys => admin_keys::list(platform).boxed_local(),
        Operator::ListPasskeys(id) => admin_passkeys::list(platform, id).boxed_local(),
        Operator::ListResources => admin_resources::list(platform).boxed_local(),
        Operator::ListSessions(id) => admin_users::sessions(platform, id).boxed_local(),
        Operator::ListExchangeRules => admin_exchange_rules::list(platform).boxed_local(),
        Operator::ListTrustedIssuers => admin_trusted_issuers::list(platform, request).boxed_local(),
        Operator::ListUserGrants(id) => admin_users::grants(platform, id).boxed_local(),
        Operator::ListUsers => admin_users::list(platform, request).boxed_local(),
        Operator::ReadClient(id) => admin_clients::read_client(platform, id).boxed_local(),
        Operator::ReadKey(kid) => admin_keys::read(platform, request, kid).boxed_local(),
        Operator::ReadKeyEncryption => admin_jobs::key_encryption(platform).boxed_local(),
        Operator::ReadResource(id) => admin_resources::read(platform, id).boxed_local(),
        Operator::ReadRevocation(id) => admin_jobs::revocation(platform, id).boxed_local(),
        Operator::ReadExchangeRule(id) => admin_exchange_rules::read(platform, id).boxed_local(),
        Operator::ReadTrustedIssuer(id) => admin_trusted_issuers::read(platform, id).boxed_local(),
        Operator::ReadUser(id) => admin_users::read(platform, id).boxed_local(),
        Operator::RemoveClient(id) => admin_clients::remove_client(platform, id).boxed_local(),
        Operator::RemovePasskey(id, passkey) => admin_passkeys::remove(platform, id, passkey).boxed_local(),
        Operator::RemovePasskeys(id) => admin_passkeys::remove_all(platform, id).boxed_local(),
        Operator::RemoveExchangeRule(id) => admin_exchange_rules::remove(platform, id).boxed_local(),
        Operator::RemoveResource(id) => admin_resources::remove(platform, id).boxed_local(),
        Operator::RemoveTrustedIssuer(id) => admin_trusted_issuers::remove(platform, id).boxed_local(),
        Operator::RemoveUser(id) => admin_users::remove(platform, id).boxed_local(),
        Operator::ReplaceClient(id) => admin_clients::replace_client(platform, request, id).boxed_local(),
        Operator::ReplaceExchangeRule(id) => admin_exchange_rules::replace(platform, request, id).boxed_local(),
        Operator::ReplaceResource(id) => admin_resources::replace(platform, request, id).boxed_local(),
        Operator::ReplaceTrustedIssuer(id) => admin_trusted_issuers::replace(platform, request, id).boxed_local(),
        Operator::ReplaceUser(id) => admin_users::replace(platform, request, id).boxed_local(),
        Operator::Reseal => admin_jobs::reseal(platform).boxed_local(),
        Operator::Restored => admin_jobs::restored(platform).boxed_local(),
        Operator::RevokeKey(kid) => admin_keys::revoke(platform, kid).boxed_local(),
        Operator::RotateKeys => admin_keys::rotate(platform).boxed_local(),
        Operator::StartRevocation => admin_jobs::revoke(platform, request).boxed_local(),
    }
}

/// The reply to a person: always a page, also for an error.
async fn show(endpoint: Person, platform: &Platform, request: &Incoming) -> Reply {
    if request.method == "POST" {
        // A parameter of the form may name the language of the reply.
        request.read_ahead().await;
    }
    let browser = match Browser::of(platform, request) {
        Ok(browser) => browser,
        Err(_) => return unavailable_page(request),
    };
    let outcome = person(endpoint, platform, request, &browser).await;
    let reply = match outcome {
        Ok(reply) => reply,
        Err(RequestError::Refused(refusal)) => {
            platform.audit.refused(&refusal);
            browser.problem(platform, &refusal, None)
        }
        Err(RequestError::Failed(fault)) => {
            let page = ErrorPage { problem: Problem::Unavailable, restart: None, reference: Some(fault.kind().name()) };
            let html = page.render(browser.words);
            browser.page(platform, Problem::Unavailable.status(), html, &[]).with("Retry-After", "5")
        }
    };
    browser.with_session_written_anew(platform, reply)
}

fn person<'r>(endpoint: Person, platform: &'r Platform, request: &'r Incoming, browser: &'r Browser) -> Answer<'r> {
    match endpoint {
        Person::AccountPage => account_page::page(platform, request, browser).boxed_local(),
        Person::Authorize => authorize::authorize(platform, request, browser).boxed_local(),
        Person::ChangeAccount => account_page::act(platform, request, browser).boxed_local(),
        Person::Consent => authorize::consent(platform, request, browser).boxed_local(),
        Person::DecideDevice => device::decide(platform, request, browser).boxed_local(),
        Person::DevicePage => device::page(platform, request, browser).boxed_local(),
        Person::EnterDeviceCode => device::enter(platform, request, browser).boxed_local(),
        Person::LeaveForUpstream => upstream::depart(platform, request, browser).boxed_local(),
        Person::Logout => logout::logout(platform, request, browser).boxed_local(),
        Person::ReturnFromUpstream => upstream::arrive(platform, request, browser).boxed_local(),
        Person::SignIn => sign_in::by_password(platform, request, browser).boxed_local(),
        Person::SignInByPasskey => sign_in::by_passkey(platform, request, browser).boxed_local(),
        Person::SignInPage => sign_in::page(platform, request, browser).boxed_local(),
        Person::SignUp => sign_up::sign_up(platform, request, browser).boxed_local(),
        Person::SignUpPage => sign_up::page(platform, request, browser).boxed_local(),
    }
}

/// Replies although the settings are wrong. `/health` says how; to people and programs, the server is unavailable.
fn without_settings(endpoint: Endpoint<'_>, request: &Incoming, fault: Fault) -> Reply {
    match endpoint {
        Endpoint::Client(Client::Health) => documents::unhealthy(fault),
        Endpoint::Person(_) => unavailable_page(request),
        Endpoint::Client(_) | Endpoint::Bearer(_) | Endpoint::Operator(_) => fault.reply(),
    }
}

/// The page for a browser whose cookies cannot be read. Only `/health` says what is wrong.
fn unavailable_page(request: &Incoming) -> Reply {
    let locales = request.query_form().ok().and_then(|query| query.get("ui_locales").map(str::to_owned));
    let words = Words::negotiate(request.header("Accept-Language").as_deref(), locales.as_deref());
    let page = ErrorPage { problem: Problem::Unavailable, restart: None, reference: None };
    Reply::html(Problem::Unavailable.status(), page.render(words), pages::headers(&[]))
        .with("Vary", "Accept-Language")
        .with("Retry-After", "5")
}
