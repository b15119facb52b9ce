//! Which path and method is which endpoint, and what every reply has in common.

use worker::Env;

use crate::oauth::Refusal;
use crate::oauth::bearer::METADATA_PATH;
use crate::wire::Reply;

use super::endpoints::{admin_clients, documents, resource, token};
use super::env::Platform;
use super::http::Incoming;
use super::report::{Fault, Stop, refused};

/// Where something is.
enum Route<'p> {
    Client(&'p str),
    Clients,
    Health,
    Introspect,
    Jwks,
    Keys,
    ResourceMetadata,
    Revoke,
    Rotate,
    ServerMetadata,
    Token,
    Whoami,
}

impl<'p> Route<'p> {
    fn find(path: &'p str) -> Option<Self> {
        Some(match path {
            "/.well-known/jwks.json" => Self::Jwks,
            "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => Self::ServerMetadata,
            METADATA_PATH => Self::ResourceMetadata,
            "/admin/clients" => Self::Clients,
            "/admin/keys" => Self::Keys,
            "/admin/keys/rotate" => Self::Rotate,
            "/api/whoami" => Self::Whoami,
            "/health" => Self::Health,
            "/oauth/introspect" => Self::Introspect,
            "/oauth/revoke" => Self::Revoke,
            "/oauth/token" => Self::Token,
            _ => Self::Client(path.strip_prefix("/admin/clients/").filter(|id| !id.is_empty() && !id.contains('/'))?),
        })
    }

    /// The methods that it has.
    const fn allow(&self) -> &'static str {
        match self {
            Self::Client(_) => "GET, PUT, DELETE",
            Self::Clients => "GET, POST",
            Self::Introspect | Self::Revoke | Self::Rotate | Self::Token => "POST",
            Self::Health | Self::Keys | Self::Whoami => "GET, HEAD",
            Self::Jwks | Self::ResourceMetadata | Self::ServerMetadata => "GET, HEAD, OPTIONS",
        }
    }

    /// Its name in the log: never the path itself, which holds whatever somebody sent.
    const fn name(&self) -> &'static str {
        match self {
            Self::Client(_) | Self::Clients => "/admin/clients",
            Self::Health => "/health",
            Self::Introspect => "/oauth/introspect",
            Self::Jwks => "/.well-known/jwks.json",
            Self::Keys => "/admin/keys",
            Self::ResourceMetadata => METADATA_PATH,
            Self::Revoke => "/oauth/revoke",
            Self::Rotate => "/admin/keys/rotate",
            Self::ServerMetadata => "/.well-known/oauth-authorization-server",
            Self::Token => "/oauth/token",
            Self::Whoami => "/api/whoami",
        }
    }

    /// Public documents, which a page of any origin may read.
    const fn is_public_document(&self) -> bool {
        matches!(self, Self::Jwks | Self::ResourceMetadata | Self::ServerMetadata)
    }
}

/// Answers a request.
pub(crate) async fn answer(request: &Incoming, env: Env) -> Reply {
    let Some(route) = Route::find(&request.path) else {
        return Refusal::NotFound.reply();
    };
    // HEAD is GET whose body is left out at the end.
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    let allow = route.allow();
    if !allow.split(", ").any(|allowed| allowed == request.method) {
        return Refusal::MethodNotAllowed { allow }.reply();
    }
    let reply = match Platform::new(env).await {
        Ok(platform) => dispatch(&route, method, &platform, request).await,
        Err(fault) => settle_without_platform(&route, fault),
    };
    if route.is_public_document() { reply.with("Access-Control-Allow-Origin", "*") } else { reply }
}

async fn dispatch(route: &Route<'_>, method: &str, platform: &Platform, request: &Incoming) -> Reply {
    let outcome = match route {
        Route::Health => Ok(documents::health(platform).await),
        Route::Jwks | Route::ResourceMetadata | Route::ServerMetadata if method == "OPTIONS" => {
            Ok(documents::preflight())
        }
        Route::Jwks => documents::jwks(platform, request).await,
        Route::ResourceMetadata => Ok(documents::resource_metadata(platform, request)),
        Route::ServerMetadata => Ok(documents::server_metadata(platform, request)),
        Route::Introspect => token::introspect(platform, request).await,
        Route::Revoke => token::revoke(platform, request).await,
        Route::Token => token::token(platform, request).await,
        Route::Whoami => resource::whoami(platform, request).await,
        Route::Client(_) | Route::Clients | Route::Keys | Route::Rotate => {
            administer(route, method, platform, request).await
        }
    };
    match outcome {
        Ok(reply) => reply,
        Err(Stop::Failed(fault)) => fault.reply(),
        Err(Stop::Refused(refusal)) => {
            refused(route.name(), &refusal);
            match route {
                Route::Whoami | Route::Client(_) | Route::Clients | Route::Keys | Route::Rotate => {
                    resource::refuse(platform, &refusal)
                }
                _ => refusal.reply(),
            }
        }
    }
}

async fn administer(route: &Route<'_>, method: &str, platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    resource::admin(platform, request).await?;
    match (route, method) {
        (Route::Clients, "POST") => admin_clients::create_client(platform, request).await,
        (Route::Clients, _) => admin_clients::list_clients(platform, request).await,
        (Route::Client(id), "PUT") => admin_clients::replace_client(platform, request, id).await,
        (Route::Client(id), "DELETE") => admin_clients::remove_client(platform, id).await,
        (Route::Client(id), _) => admin_clients::read_client(platform, id).await,
        (Route::Rotate, _) => admin_clients::rotate_keys(platform).await,
        (_, _) => admin_clients::list_keys(platform).await,
    }
}

/// Health says what is wrong with the settings; everything else says that it is not available.
fn settle_without_platform(route: &Route<'_>, fault: Fault) -> Reply {
    match route {
        Route::Health => documents::unhealthy(fault),
        _ => fault.reply(),
    }
}
