//! Which path is which endpoint, and what methods it has.

use crate::oauth::bearer::METADATA_PATH;
use crate::oauth::status::STATUS_PATH;

/// Where something is. The identifiers are segments of the path as they came.
#[derive(Clone, Copy)]
pub(crate) enum Route<'p> {
    Account,
    Authorize,
    Client(&'p str),
    ClientGrants(&'p str),
    ClientTokens(&'p str),
    Clients,
    Consent,
    Events,
    Health,
    Introspect,
    Jwks,
    Key(&'p str),
    KeyDocument(&'p str),
    KeyRevocation(&'p str),
    KeyEncryption,
    Keys,
    Logout,
    Reseal,
    ResourceMetadata,
    Restored,
    Revocation(&'p str),
    Revocations,
    Revoke,
    Rotate,
    ServerMetadata,
    SignIn,
    SignInByPasskey,
    SignUp,
    StatusList(&'p str),
    StatusLists,
    Token,
    Upstream,
    UpstreamCallback,
    User(&'p str),
    UserGrant(&'p str, &'p str),
    UserGrants(&'p str),
    UserPasskey(&'p str, &'p str),
    UserPasskeys(&'p str),
    UserSessions(&'p str),
    Userinfo,
    Users,
    Whoami,
}

/// Who talks to an endpoint, and so how it refuses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A program: JSON.
    Client,
    /// A program that presents an access token: JSON with a challenge.
    Bearer,
    /// An operator's program, which presents an access token that may administer.
    Operator,
    /// A person in a browser: a page.
    Person,
}

impl<'p> Route<'p> {
    /// What is at a path.
    pub(crate) fn find(path: &'p str) -> Option<Self> {
        Some(match path {
            "/.well-known/jwks.json" => Self::Jwks,
            "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => Self::ServerMetadata,
            METADATA_PATH => Self::ResourceMetadata,
            "/account" => Self::Account,
            "/account/sign-in" => Self::SignIn,
            "/account/sign-in/passkey" => Self::SignInByPasskey,
            "/account/sign-in/upstream" => Self::Upstream,
            "/account/sign-in/upstream/callback" => Self::UpstreamCallback,
            "/account/sign-up" => Self::SignUp,
            "/admin/clients" => Self::Clients,
            "/admin/events" => Self::Events,
            "/admin/key-encryption" => Self::KeyEncryption,
            "/admin/key-encryption/reseal" => Self::Reseal,
            "/admin/keys" => Self::Keys,
            "/admin/keys/rotate" => Self::Rotate,
            "/admin/restored" => Self::Restored,
            "/admin/revocations" => Self::Revocations,
            "/admin/users" => Self::Users,
            "/api/whoami" => Self::Whoami,
            "/health" => Self::Health,
            "/oauth/authorize" => Self::Authorize,
            "/oauth/consent" => Self::Consent,
            "/oauth/introspect" => Self::Introspect,
            "/oauth/logout" => Self::Logout,
            "/oauth/revoke" => Self::Revoke,
            STATUS_PATH => Self::StatusLists,
            "/oauth/token" => Self::Token,
            "/oauth/userinfo" => Self::Userinfo,
            _ => Self::with_identifier(path)?,
        })
    }

    fn with_identifier(path: &'p str) -> Option<Self> {
        if let Some(list) = path.strip_prefix(STATUS_PATH).and_then(|rest| rest.strip_prefix('/')) {
            return Some(Self::StatusList(list));
        }
        if let Some(name) = path.strip_prefix("/keys/") {
            return (!name.is_empty() && !name.contains('/')).then_some(Self::KeyDocument(name));
        }
        let segments: Vec<_> = path.strip_prefix("/admin/")?.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        Some(match *segments {
            ["clients", id] => Self::Client(id),
            ["clients", id, "grants"] => Self::ClientGrants(id),
            ["clients", id, "tokens"] => Self::ClientTokens(id),
            ["keys", kid] => Self::Key(kid),
            ["keys", kid, "revoke"] => Self::KeyRevocation(kid),
            ["revocations", id] => Self::Revocation(id),
            ["users", id] => Self::User(id),
            ["users", id, "grants"] => Self::UserGrants(id),
            ["users", id, "grants", grant] => Self::UserGrant(id, grant),
            ["users", id, "passkeys"] => Self::UserPasskeys(id),
            ["users", id, "passkeys", passkey] => Self::UserPasskey(id, passkey),
            ["users", id, "sessions"] => Self::UserSessions(id),
            _ => return None,
        })
    }

    /// The methods that it has.
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Account | Self::SignIn | Self::SignUp => "GET, HEAD, POST",
            Self::Authorize | Self::Logout => "GET, HEAD, POST",
            Self::Client(_) | Self::User(_) => "GET, PUT, DELETE",
            Self::ClientGrants(_) | Self::UserGrants(_) | Self::UserPasskeys(_) | Self::UserSessions(_) => {
                "GET, DELETE"
            }
            Self::Clients | Self::Keys | Self::Users => "GET, POST",
            Self::ClientTokens(_) | Self::UserGrant(..) | Self::UserPasskey(..) => "DELETE",
            Self::Consent | Self::SignInByPasskey | Self::Introspect | Self::Reseal => "POST",
            Self::KeyRevocation(_) | Self::Restored | Self::Revocations | Self::Rotate => "POST",
            Self::Events
            | Self::Health
            | Self::Key(_)
            | Self::KeyEncryption
            | Self::Revocation(_)
            | Self::Upstream
            | Self::UpstreamCallback => "GET, HEAD",
            Self::Jwks
            | Self::KeyDocument(_)
            | Self::ResourceMetadata
            | Self::ServerMetadata
            | Self::StatusList(_)
            | Self::StatusLists
            | Self::Whoami => "GET, HEAD, OPTIONS",
            Self::Revoke | Self::Token => "POST, OPTIONS",
            Self::Userinfo => "GET, HEAD, POST, OPTIONS",
        }
    }

    /// Its name in the log: never the path itself, which holds whatever somebody sent.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Account => "/account",
            Self::Authorize => "/oauth/authorize",
            Self::Client(_) | Self::Clients | Self::ClientGrants(_) | Self::ClientTokens(_) => "/admin/clients",
            Self::Consent => "/oauth/consent",
            Self::Events => "/admin/events",
            Self::Health => "/health",
            Self::Introspect => "/oauth/introspect",
            Self::Jwks => "/.well-known/jwks.json",
            Self::Key(_) | Self::KeyRevocation(_) | Self::Keys => "/admin/keys",
            Self::KeyDocument(_) => "/keys",
            Self::KeyEncryption | Self::Reseal => "/admin/key-encryption",
            Self::Logout => "/oauth/logout",
            Self::ResourceMetadata => METADATA_PATH,
            Self::Restored => "/admin/restored",
            Self::Revocation(_) | Self::Revocations => "/admin/revocations",
            Self::Revoke => "/oauth/revoke",
            Self::Rotate => "/admin/keys/rotate",
            Self::ServerMetadata => "/.well-known/oauth-authorization-server",
            Self::SignIn => "/account/sign-in",
            Self::SignInByPasskey => "/account/sign-in/passkey",
            Self::SignUp => "/account/sign-up",
            Self::StatusList(_) | Self::StatusLists => STATUS_PATH,
            Self::Token => "/oauth/token",
            Self::Upstream => "/account/sign-in/upstream",
            Self::UpstreamCallback => "/account/sign-in/upstream/callback",
            Self::User(_)
            | Self::UserGrant(..)
            | Self::UserGrants(_)
            | Self::UserPasskey(..)
            | Self::UserPasskeys(_)
            | Self::UserSessions(_)
            | Self::Users => "/admin/users",
            Self::Userinfo => "/oauth/userinfo",
            Self::Whoami => "/api/whoami",
        }
    }

    /// Who talks to it.
    pub(crate) const fn audience(self) -> Audience {
        match self {
            Self::Account
            | Self::Authorize
            | Self::Consent
            | Self::Logout
            | Self::SignIn
            | Self::SignInByPasskey
            | Self::SignUp
            | Self::Upstream
            | Self::UpstreamCallback => Audience::Person,
            Self::Client(_)
            | Self::ClientGrants(_)
            | Self::ClientTokens(_)
            | Self::Clients
            | Self::Events
            | Self::Key(_)
            | Self::KeyEncryption
            | Self::KeyRevocation(_)
            | Self::Keys
            | Self::Reseal
            | Self::Restored
            | Self::Revocation(_)
            | Self::Revocations
            | Self::Rotate
            | Self::User(_)
            | Self::UserGrant(..)
            | Self::UserGrants(_)
            | Self::UserPasskey(..)
            | Self::UserPasskeys(_)
            | Self::UserSessions(_)
            | Self::Users => Audience::Operator,
            Self::Userinfo | Self::Whoami => Audience::Bearer,
            Self::Health
            | Self::Introspect
            | Self::Jwks
            | Self::KeyDocument(_)
            | Self::ResourceMetadata
            | Self::Revoke
            | Self::ServerMetadata
            | Self::StatusList(_)
            | Self::StatusLists
            | Self::Token => Audience::Client,
        }
    }

    /// May a page of any origin use it? Whatever takes no cookie and answers to nothing but what it is sent may: public
    /// documents, and what an application in a browser needs (OAuth 2.0 for Browser-Based Applications).
    pub(crate) const fn is_open_to_pages(self) -> bool {
        matches!(
            self,
            Self::Jwks
                | Self::KeyDocument(_)
                | Self::ResourceMetadata
                | Self::Revoke
                | Self::ServerMetadata
                | Self::StatusList(_)
                | Self::StatusLists
                | Self::Token
                | Self::Userinfo
                | Self::Whoami
        )
    }
}
