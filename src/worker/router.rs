//! Hands each request to its endpoint, and gives every reply what all have in common.

use worker::Env;

use crate::oauth::Refusal;
use crate::pages::{self, ErrorPage, Problem, Words};
use crate::wire::{Form, Reply};

use super::browser::Browser;
use super::endpoints::{
    account_page, admin_clients, admin_events, admin_jobs, admin_keys, admin_passkeys, admin_users, authorize,
    documents, introspect_revoke, logout, resource, sign_in, sign_up, token, upstream,
};
use super::env::{self, Platform};
use super::http::Incoming;
use super::report::{Fault, Stop};
use super::routes::{Audience, Route};

/// Browsers keep to https for a year after the last answer (RFC 6797). Of an https issuer alone: the answers of one on
/// localhost must not bind other programs there.
const HSTS: &str = "max-age=31536000";

/// Answers a request.
pub(crate) async fn answer(request: &Incoming, env: Env) -> Reply {
    let is_https = env::is_https(&env);
    let reply = match Route::find(&request.path) {
        Some(route) if route.is_open_to_pages() => open_to_pages(answer_at(route, request, env).await),
        Some(route) => answer_at(route, request, env).await,
        None => open_to_pages(nothing_at(request)),
    };
    // Not `includeSubDomains`: the issuer's host is not the only one below its name.
    if is_https { reply.with("Strict-Transport-Security", HSTS) } else { reply }
}

/// Answers a request to a path that has an endpoint.
async fn answer_at(route: Route<'_>, request: &Incoming, env: Env) -> Reply {
    let allow = route.allow();
    if !allow.split(", ").any(|allowed| allowed == request.method) {
        return Refusal::MethodNotAllowed { allow }.reply();
    }
    // Before the settings are read: a page could not read that they are wrong if the preflight failed.
    if request.method == "OPTIONS" {
        return documents::preflight(allow);
    }
    // HEAD is GET whose body is left out at the end.
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    match Platform::new(env).await {
        Ok(platform) => {
            platform.audit.at(route.name(), route.audience() == Audience::Operator);
            let reply = match route.audience() {
                Audience::Person => show(route, method, &platform, request).await,
                Audience::Client | Audience::Bearer | Audience::Operator => {
                    serve(route, method, &platform, request).await
                }
            };
            platform.costs.tell(&platform.env, route.name());
            reply
        }
        Err(fault) => settle_without_platform(route, request, fault),
    }
}

/// Answers a request to a path without an endpoint. Applications in browsers probe for metadata at several paths below
/// `/.well-known/` (RFC 8414 section 3.1, RFC 9728 section 3.1); they have to be able to see that there is none.
fn nothing_at(request: &Incoming) -> Reply {
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

/// What programs talk to.
async fn serve(route: Route<'_>, method: &str, platform: &Platform, request: &Incoming) -> Reply {
    let outcome = match route {
        Route::Health => Ok(documents::health(platform).await),
        Route::Jwks => documents::jwks(platform, request).await,
        Route::KeyDocument(name) => admin_keys::read_public(platform, request, name).await,
        Route::ResourceMetadata => Ok(documents::resource_metadata(platform, request)),
        Route::ServerMetadata => Ok(documents::server_metadata(platform, request)),
        Route::Introspect => introspect_revoke::introspect(platform, request).await,
        Route::Revoke => introspect_revoke::revoke(platform, request).await,
        Route::StatusList(list) => documents::status_list(platform, request, list).await,
        Route::StatusLists => documents::status_lists(platform, request).await,
        Route::Token => token::token(platform, request).await,
        Route::Userinfo => resource::userinfo(platform, request).await,
        Route::Whoami => resource::whoami(platform, request).await,
        _ => administer(route, method, platform, request).await,
    };
    match outcome {
        Ok(reply) => reply,
        Err(Stop::Failed(fault)) => fault.reply(),
        Err(Stop::Refused(refusal)) => {
            platform.audit.refused(&refusal);
            match route.audience() {
                Audience::Bearer | Audience::Operator => resource::refuse(platform, &refusal),
                Audience::Client | Audience::Person => refusal.reply(),
            }
        }
    }
}

/// What operators talk to.
async fn administer(route: Route<'_>, method: &str, platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    resource::admin(platform, request).await?;
    match (route, method) {
        (Route::Clients, "POST") => admin_clients::create_client(platform, request).await,
        (Route::Clients, _) => admin_clients::list_clients(platform, request).await,
        (Route::Client(id), "PUT") => admin_clients::replace_client(platform, request, id).await,
        (Route::Client(id), "DELETE") => admin_clients::remove_client(platform, id).await,
        (Route::Client(id), _) => admin_clients::read_client(platform, id).await,
        (Route::ClientGrants(id), "DELETE") => admin_users::end_client_grants(platform, request, id).await,
        (Route::ClientGrants(id), _) => admin_users::client_grants(platform, request, id).await,
        (Route::ClientTokens(id), _) => admin_jobs::end_tokens(platform, id).await,
        (Route::KeyEncryption, _) => admin_jobs::key_encryption(platform).await,
        (Route::Reseal, _) => admin_jobs::reseal(platform).await,
        (Route::Restored, _) => admin_jobs::restored(platform).await,
        (Route::Revocation(id), _) => admin_jobs::revocation(platform, id).await,
        (Route::Revocations, _) => admin_jobs::revoke(platform, request).await,
        (Route::Events, _) => admin_events::list(platform, request).await,
        (Route::Keys, "POST") => admin_keys::import(platform, request).await,
        (Route::Keys, _) => admin_keys::list(platform).await,
        (Route::Key(kid), _) => admin_keys::read(platform, request, kid).await,
        (Route::KeyRevocation(kid), _) => admin_keys::revoke(platform, kid).await,
        (Route::Rotate, _) => admin_keys::rotate(platform).await,
        (Route::Users, "POST") => admin_users::create(platform, request).await,
        (Route::Users, _) => admin_users::list(platform, request).await,
        (Route::User(id), "PUT") => admin_users::replace(platform, request, id).await,
        (Route::User(id), "DELETE") => admin_users::remove(platform, id).await,
        (Route::User(id), _) => admin_users::read(platform, id).await,
        (Route::UserGrant(id, grant), _) => admin_users::end_grant(platform, id, grant).await,
        (Route::UserGrants(id), "DELETE") => admin_users::end_grants(platform, id).await,
        (Route::UserGrants(id), _) => admin_users::grants(platform, id).await,
        (Route::UserPasskey(id, passkey), _) => admin_passkeys::remove(platform, id, passkey).await,
        (Route::UserPasskeys(id), "DELETE") => admin_passkeys::remove_all(platform, id).await,
        (Route::UserPasskeys(id), _) => admin_passkeys::list(platform, id).await,
        (Route::UserSessions(id), "DELETE") => admin_users::end_sessions(platform, id).await,
        (Route::UserSessions(id), _) => admin_users::sessions(platform, id).await,
        _ => Err(Refusal::NotFound.into()),
    }
}

/// What people see.
async fn show(route: Route<'_>, method: &str, platform: &Platform, request: &Incoming) -> Reply {
    if method == "POST" {
        // What the form carries along says in which language to answer.
        request.read_ahead().await;
    }
    let browser = match Browser::of(platform, request) {
        Ok(browser) => browser,
        Err(_) => return unavailable_page(request),
    };
    let outcome = match (route, method) {
        (Route::Account, "POST") => account_page::act(platform, request, &browser).await,
        (Route::Account, _) => account_page::page(platform, request, &browser).await,
        (Route::Authorize, _) => authorize::authorize(platform, request, &browser).await,
        (Route::Consent, _) => authorize::consent(platform, request, &browser).await,
        (Route::Logout, _) => logout::logout(platform, request, &browser).await,
        (Route::SignIn, "POST") => sign_in::by_password(platform, request, &browser).await,
        (Route::SignIn, _) => sign_in::page(platform, request, &browser).await,
        (Route::SignInByPasskey, _) => sign_in::by_passkey(platform, request, &browser).await,
        (Route::Upstream, _) => upstream::depart(platform, request, &browser).await,
        (Route::UpstreamCallback, _) => upstream::arrive(platform, request, &browser).await,
        (Route::SignUp, "POST") => sign_up::sign_up(platform, request, &browser).await,
        (Route::SignUp, _) => sign_up::page(platform, request, &browser).await,
        _ => Err(Refusal::NotFound.into()),
    };
    let reply = match outcome {
        Ok(reply) => reply,
        Err(Stop::Refused(refusal)) => {
            platform.audit.refused(&refusal);
            browser.problem(platform, &refusal, None)
        }
        Err(Stop::Failed(fault)) => {
            let page = ErrorPage { problem: Problem::Unavailable, restart: None, reference: Some(fault.kind().name()) };
            let html = page.render(browser.words);
            browser.page(platform, Problem::Unavailable.status(), html, &[]).with("Retry-After", "5")
        }
    };
    browser.with_session_written_anew(platform, reply)
}

/// `/health` says what is wrong with the settings; everything else that it is not available: to people in a page.
fn settle_without_platform(route: Route<'_>, request: &Incoming, fault: Fault) -> Reply {
    match (route, route.audience()) {
        (Route::Health, _) => documents::unhealthy(fault),
        (_, Audience::Person) => unavailable_page(request),
        (_, Audience::Client | Audience::Bearer | Audience::Operator) => fault.reply(),
    }
}

/// The page for a browser of which nothing is known but its request. What is wrong is told by `/health` alone.
fn unavailable_page(request: &Incoming) -> Reply {
    let locales = Form::parse(&request.query).ok().and_then(|query| query.get("ui_locales").map(str::to_owned));
    let words = Words::negotiate(request.header("Accept-Language").as_deref(), locales.as_deref());
    let page = ErrorPage { problem: Problem::Unavailable, restart: None, reference: None };
    Reply::html(Problem::Unavailable.status(), page.render(words), pages::headers(&[]))
        .with("Vary", "Accept-Language")
        .with("Retry-After", "5")
}
