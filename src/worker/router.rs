//! Calls the endpoint of each request and adds the headers that all replies share.

use worker::Env;

use crate::oauth::Refusal;
use crate::pages::{self, ErrorPage, Problem, Words};
use crate::routes::{Audience, Bearer, Client, Endpoint, Operator, Person, Route};
use crate::wire::Reply;

use super::browser::Browser;
use super::endpoints::{
    account_page, admin_clients, admin_events, admin_jobs, admin_keys, admin_passkeys, admin_users, authorize, device,
    documents, introspect_revoke, logout, resource, sign_in, sign_up, token, upstream,
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
        Some(route) if route.is_open_to_pages() => open_to_pages(answer_at(route, request, env).await),
        Some(route) => answer_at(route, request, env).await,
        None => open_to_pages(not_found(request)),
    };
    // Not `includeSubDomains`: the issuer's host is not the only one below its name.
    if is_https { reply.with("Strict-Transport-Security", HSTS) } else { reply }
}

/// Answers a request to a path that the Worker serves.
async fn answer_at(route: Route<'_>, request: &Incoming, env: Env) -> Reply {
    let Route { name, allow, audience, endpoint } = route;
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

async fn client(endpoint: Client<'_>, platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    match endpoint {
        Client::DeviceAuthorization => device::authorize(platform, request).await,
        Client::Health => Ok(documents::health(platform).await),
        Client::Introspect => introspect_revoke::introspect(platform, request).await,
        Client::Jwks => documents::jwks(platform, request).await,
        Client::KeyDocument(name) => admin_keys::read_public(platform, request, name).await,
        Client::ResourceMetadata => Ok(documents::resource_metadata(platform, request)),
        Client::Revoke => introspect_revoke::revoke(platform, request).await,
        Client::ServerMetadata => Ok(documents::server_metadata(platform, request)),
        Client::StatusList(list) => documents::status_list(platform, request, list).await,
        Client::StatusLists => documents::status_lists(platform, request).await,
        Client::Token => token::token(platform, request).await,
    }
}

async fn bearer(endpoint: Bearer, platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    match endpoint {
        Bearer::Userinfo => resource::userinfo(platform, request).await,
        Bearer::Whoami => resource::whoami(platform, request).await,
    }
}

async fn operator(endpoint: Operator<'_>, platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    resource::admin(platform, request).await?;
    match endpoint {
        Operator::CreateClient => admin_clients::create_client(platform, request).await,
        Operator::CreateUser => admin_users::create(platform, request).await,
        Operator::EndClientGrants(id) => admin_users::end_client_grants(platform, request, id).await,
        Operator::EndClientTokens(id) => admin_jobs::end_tokens(platform, id).await,
        Operator::EndSessions(id) => admin_users::end_sessions(platform, id).await,
        Operator::EndUserGrant(id, grant) => admin_users::end_grant(platform, id, grant).await,
        Operator::EndUserGrants(id) => admin_users::end_grants(platform, id).await,
        Operator::ImportKey => admin_keys::import(platform, request).await,
        Operator::ListClientGrants(id) => admin_users::client_grants(platform, request, id).await,
        Operator::ListClients => admin_clients::list_clients(platform, request).await,
        Operator::ListEvents => admin_events::list(platform, request).await,
        Operator::ListKeys => admin_keys::list(platform).await,
        Operator::ListPasskeys(id) => admin_passkeys::list(platform, id).await,
        Operator::ListSessions(id) => admin_users::sessions(platform, id).await,
        Operator::ListUserGrants(id) => admin_users::grants(platform, id).await,
        Operator::ListUsers => admin_users::list(platform, request).await,
        Operator::ReadClient(id) => admin_clients::read_client(platform, id).await,
        Operator::ReadKey(kid) => admin_keys::read(platform, request, kid).await,
        Operator::ReadKeyEncryption => admin_jobs::key_encryption(platform).await,
        Operator::ReadRevocation(id) => admin_jobs::revocation(platform, id).await,
        Operator::ReadUser(id) => admin_users::read(platform, id).await,
        Operator::RemoveClient(id) => admin_clients::remove_client(platform, id).await,
        Operator::RemovePasskey(id, passkey) => admin_passkeys::remove(platform, id, passkey).await,
        Operator::RemovePasskeys(id) => admin_passkeys::remove_all(platform, id).await,
        Operator::RemoveUser(id) => admin_users::remove(platform, id).await,
        Operator::ReplaceClient(id) => admin_clients::replace_client(platform, request, id).await,
        Operator::ReplaceUser(id) => admin_users::replace(platform, request, id).await,
        Operator::Reseal => admin_jobs::reseal(platform).await,
        Operator::Restored => admin_jobs::restored(platform).await,
        Operator::RevokeKey(kid) => admin_keys::revoke(platform, kid).await,
        Operator::RotateKeys => admin_keys::rotate(platform).await,
        Operator::StartRevocation => admin_jobs::revoke(platform, request).await,
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
    let outcome = match endpoint {
        Person::AccountPage => account_page::page(platform, request, &browser).await,
        Person::Authorize => authorize::authorize(platform, request, &browser).await,
        Person::ChangeAccount => account_page::act(platform, request, &browser).await,
        Person::Consent => authorize::consent(platform, request, &browser).await,
        Person::DecideDevice => device::decide(platform, request, &browser).await,
        Person::DevicePage => device::page(platform, request, &browser).await,
        Person::EnterDeviceCode => device::enter(platform, request, &browser).await,
        Person::LeaveForUpstream => upstream::depart(platform, request, &browser).await,
        Person::Logout => logout::logout(platform, request, &browser).await,
        Person::ReturnFromUpstream => upstream::arrive(platform, request, &browser).await,
        Person::SignIn => sign_in::by_password(platform, request, &browser).await,
        Person::SignInByPasskey => sign_in::by_passkey(platform, request, &browser).await,
        Person::SignInPage => sign_in::page(platform, request, &browser).await,
        Person::SignUp => sign_up::sign_up(platform, request, &browser).await,
        Person::SignUpPage => sign_up::page(platform, request, &browser).await,
    };
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
