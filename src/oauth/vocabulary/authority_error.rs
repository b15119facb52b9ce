//! Errors of the settings.

use std::fmt;

/// A wrong setting. Each has a stable word, shown by the health endpoint and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityError {
    /// `ACCESS_TOKEN_TTL` is not a whole number of seconds from 1 to 86400.
    AccessTokenTtl,
    /// `ADMIN_ACR` is not an authentication context class.
    AdminAcr,
    /// `SIGNING_ALGORITHMS` names another algorithm than ES256, RS256 and EdDSA, or one twice.
    Algorithms,
    /// `CLIENT_ADDRESS_HEADER` is neither the name of a header nor `none`.
    ClientAddressHeader,
    /// `COMPATIBILITY` has an unknown name.
    Compatibility,
    /// `DEFAULT_RESOURCE` is not an absolute URI without fragment.
    DefaultResource,
    /// `DEFAULT_USER_SCOPE` is not a scope, or contains `edgemint:admin`.
    DefaultUserScope,
    /// `EVENT_RETENTION_DAYS` is not a number of days from 0 to 400.
    EventRetention,
    /// `ISSUER` is not an origin: `https://host[:port]`, or `http` on a loopback host.
    Issuer,
    /// `ISSUER` names the default port of its scheme.
    IssuerDefaultPort,
    /// `ISSUER` is not set.
    IssuerMissing,
    /// `KEY_ROTATION_DAYS` is not a whole number of days from 1 to 365.
    KeyRotation,
    /// `REFRESH_TOKEN_TTL`, `REFRESH_TOKEN_IDLE_TTL`, `REFRESH_REPLAY_WINDOW` or `SESSION_TTL` is not a number of
    /// seconds, or too long.
    Lifetimes,
    /// `SAMPLE_SCOPE` is not a scope.
    SampleScope,
    /// `SELF_REGISTRATION` is neither `true` nor `false`.
    SelfRegistration,
    /// `UPSTREAM_ISSUER` is not an issuer identifier, or is set without `UPSTREAM_CLIENT_ID`.
    Upstream,
    /// `UPSTREAM_ACCOUNTS` is neither `known` nor `all` nor a list of domains.
    UpstreamAccounts,
    /// `UPSTREAM_ACR` is not a list of `acr:VALUE=phr` and `amr:VALUE=phr`.
    UpstreamAcr,
}

impl AuthorityError {
    /// Returns the stable word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::AccessTokenTtl => "access_token_ttl_invalid",
            Self::AdminAcr => "admin_acr_invalid",
            Self::Algorithms => "signing_algorithms_invalid",
            Self::ClientAddressHeader => "client_address_header_invalid",
            Self::Compatibility => "compatibility_invalid",
            Self::DefaultResource => "default_resource_invalid",
            Self::DefaultUserScope => "default_user_scope_invalid",
            Self::EventRetention => "event_retention_invalid",
            Self::Issuer => "issuer_invalid",
            Self::IssuerDefaultPort => "issuer_default_port",
            Self::IssuerMissing => "issuer_missing",
            Self::KeyRotation => "key_rotation_days_invalid",
            Self::Lifetimes => "lifetimes_invalid",
            Self::SampleScope => "sample_scope_invalid",
            Self::SelfRegistration => "self_registration_invalid",
            Self::Upstream => "upstream_invalid",
            Self::UpstreamAccounts => "upstream_accounts_invalid",
            Self::UpstreamAcr => "upstream_acr_invalid",
        }
    }
}

impl AuthorityError {
    /// Returns the text of the log: the setting, and what it must be.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AccessTokenTtl => "ACCESS_TOKEN_TTL must be a number of seconds from 1 to 86400",
            Self::AdminAcr => "ADMIN_ACR must be phr or 1, or empty",
            Self::Algorithms => "SIGNING_ALGORITHMS may name ES256, RS256 and EdDSA, each once",
            Self::ClientAddressHeader => "CLIENT_ADDRESS_HEADER must be the name of one request header, or `none`",
            Self::Compatibility => {
                "COMPATIBILITY must be names of items, or oauth2client, separated by spaces or commas; see the manual"
            }
            Self::DefaultResource => "DEFAULT_RESOURCE must be an absolute URI without a fragment",
            Self::DefaultUserScope => {
                "DEFAULT_USER_SCOPE must be scope values separated by spaces, and not hold edgemint:admin"
            }
            Self::EventRetention => "EVENT_RETENTION_DAYS must be a number of days from 0 to 400",
            Self::Issuer => {
                "ISSUER must be an origin without a path or a slash at the end: https://host[:port], or http on localhost"
            }
            Self::IssuerDefaultPort => {
                "ISSUER must not name the default port of its scheme: browsers leave it out of the origin, so leave out :443 after https and :80 after http"
            }
            Self::IssuerMissing => "ISSUER is not set",
            Self::KeyRotation => "KEY_ROTATION_DAYS must be a number of days from 1 to 365",
            Self::Lifetimes => {
                "REFRESH_TOKEN_TTL, REFRESH_TOKEN_IDLE_TTL, REFRESH_REPLAY_WINDOW or SESSION_TTL is not a number of seconds in its range"
            }
            Self::SampleScope => "SAMPLE_SCOPE must be scope values separated by spaces",
            Self::SelfRegistration => "SELF_REGISTRATION must be true or false",
            Self::Upstream => "UPSTREAM_ISSUER must be an issuer identifier, and UPSTREAM_CLIENT_ID must come with it",
            Self::UpstreamAccounts => "UPSTREAM_ACCOUNTS must be known, all, or domains separated by spaces or commas",
            Self::UpstreamAcr => "UPSTREAM_ACR must be acr:VALUE=phr and amr:VALUE=phr, separated by spaces",
        }
    }
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl std::error::Error for AuthorityError {}
