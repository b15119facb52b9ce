//! The settings of this authorization server, parsed once.

use std::ops::RangeInclusive;

use crate::keyring::{MAX_TOKEN_TTL, SIGNING_ALGORITHMS};
use crate::limits::CODE_TTL;
use crate::token::Algorithm;

pub use crate::oauth::vocabulary::authority_error::AuthorityError;
use crate::oauth::vocabulary::compatibility::Compatibility;
use crate::oauth::vocabulary::lifetimes::Lifetimes;
use crate::oauth::vocabulary::origin::{Origin, UriParts};
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{ADMIN_SCOPE, Scope, openid_scopes};
pub use crate::oauth::vocabulary::settings::Settings;
use crate::oauth::vocabulary::sign_in::Acr;
use crate::oauth::vocabulary::upstream_policy::{AcrMapping, UpstreamAccounts};

const DAY: u64 = 24 * 3600;
/// The maximum lifetime of a grant or a session, seconds.
const MAX_GRANT: u64 = 400 * DAY;
/// The maximum retention of events, days.
const MAX_EVENT_RETENTION: u64 = 400;
/// The maximum replay window of refresh tokens, seconds.
const MAX_REPLAY_WINDOW: u64 = 600;
/// The maximum time between two signing keys, days.
const MAX_ROTATION_DAYS: u64 = 365;

/// The settings of this authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    issuer: Origin,
    default_resource: Resource,
    algorithms: Vec<Algorithm>,
    key_rotation: u64,
    access_token_ttl: u64,
    sample_scope: Scope,
    lifetimes: Lifetimes,
    session_ttl: u64,
    event_retention: u64,
    self_registration: bool,
    default_user_scope: Scope,
    upstream: Option<Upstream>,
    client_address_header: Option<String>,
    admin_acr: Option<Acr>,
    compatibility: Compatibility,
}

/// An OpenID provider whose users may sign in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its issuer identifier.
    pub issuer: String,
    /// This server's `client_id` at the provider.
    pub client_id: String,
    /// The name that users see.
    pub name: String,
    /// The users of the provider who may sign in here.
    pub accounts: UpstreamAccounts,
    /// The statements about a sign-in that are accepted from the provider.
    pub acr: AcrMapping,
}

impl Upstream {
    /// Returns the host and port of an issuer, the prefix of its users' names.
    pub fn host(issuer: &str) -> &str {
        UriParts::split(issuer).map_or(issuer, |parts| parts.authority)
    }
}

impl Authority {
    /// Parses the settings.
    ///
    /// # Errors
    /// [`AuthorityError`] names the first setting that is wrong.
    pub fn parse(settings: Settings<'_>) -> Result<Self, AuthorityError> {
        let issuer = parse_issuer(settings.issuer)?;
        let default_resource = match settings.default_resource {
            "" => issuer.as_str(),
            resource => resource,
        };
        let access_token_ttl = parse_ttl(settings.access_token_ttl)?;
        let lifetimes = Lifetimes {
            code: CODE_TTL,
            replay_window: seconds(settings.refresh_replay_window, 30, 0..=MAX_REPLAY_WINDOW)?,
            refresh: seconds(settings.refresh_token_ttl, 90 * DAY, 1..=MAX_GRANT)?,
            refresh_idle: seconds(settings.refresh_token_idle_ttl, 14 * DAY, 1..=MAX_GRANT)?,
            access: access_token_ttl,
        };
        Ok(Self {
            default_resource: Resource::parse(default_resource).ok_or(AuthorityError::DefaultResource)?,
            issuer,
            algorithms: parse_algorithms(settings.algorithms)?,
            key_rotation: parse_rotation(settings.key_rotation_days)?,
            access_token_ttl,
            sample_scope: Scope::parse(settings.sample_scope).ok_or(AuthorityError::SampleScope)?,
            lifetimes,
            session_ttl: seconds(settings.session_ttl, 7 * DAY, 60..=MAX_GRANT)?,
            event_retention: match settings.event_retention {
                "" => 30,
                days => {
                    let days = days.parse().ok().filter(|days| *days <= MAX_EVENT_RETENTION);
                    days.ok_or(AuthorityError::EventRetention)?
                }
            },
            self_registration: match settings.self_registration {
                "" | "false" => false,
                "true" => true,
                _ => return Err(AuthorityError::SelfRegistration),
            },
            default_user_scope: parse_default_user_scope(settings.default_user_scope)?,
            upstream: parse_upstream(&settings)?,
            client_address_header: parse_header_name(settings.client_address_header)?,
            admin_acr: parse_admin_acr(settings.admin_acr)?,
            compatibility: Compatibility::parse(settings.compatibility).ok_or(AuthorityError::Compatibility)?,
        })
    }

    /// Returns the issuer identifier (RFC 8414 section 2).
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Returns whether this server is reachable only from its own machine.
    pub fn is_loopback(&self) -> bool {
        !self.issuer.is_https()
    }

    /// Returns the URL of an endpoint.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Returns the audience of tokens requested without `resource`.
    pub fn default_resource(&self) -> &Resource {
        &self.default_resource
    }

    /// Returns the signing algorithms; the first signs access tokens.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Returns the time after which a signing key gets a successor, seconds.
    pub fn key_rotation(&self) -> u64 {
        self.key_rotation
    }

    /// Returns the lifetime of access tokens, seconds.
    pub fn access_token_ttl(&self) -> u64 {
        self.access_token_ttl
    }

    /// Returns the lifetimes of grants.
    pub fn lifetimes(&self) -> &Lifetimes {
        &self.lifetimes
    }

    /// Returns the lifetime of a session, seconds.
    pub fn session_ttl(&self) -> u64 {
        self.session_ttl
    }

    /// Returns the retention of events, days; 0 for none.
    pub fn event_retention(&self) -> u64 {
        self.event_retention
    }

    /// Returns whether users can create their own accounts.
    pub fn self_registration(&self) -> bool {
        self.self_registration
    }

    /// Returns the scope that new accounts may allow to clients.
    pub fn default_user_scope(&self) -> &Scope {
        &self.default_user_scope
    }

    /// Returns the OpenID provider whose users may sign in here.
    pub fn upstream(&self) -> Option<&Upstream> {
        self.upstream.as_ref()
    }

    /// Returns the request header with the client's address; `None` if no header is trusted.
    pub fn client_address_header(&self) -> Option<&str> {
        self.client_address_header.as_deref()
    }

    /// Returns the authentication context class that a user's sign-in needs for the administration of this server; `None` if there
    /// is no rule.
    pub fn admin_acr(&self) -> Option<Acr> {
        self.admin_acr
    }

    /// Returns what is permitted to client software that cannot change.
    pub fn compatibility(&self) -> &Compatibility {
        &self.compatibility
    }

    /// Returns the algorithm for the ID tokens of a client that registered none: RS256, the default of OpenID Connect
    /// Registration section 2, if it is configured.
    pub fn id_token_algorithm(&self) -> Algorithm {
        let default = self.algorithms.iter().find(|algorithm| **algorithm == Algorithm::Rs256);
        default.or(self.algorithms.first()).copied().unwrap_or(Algorithm::Es256)
    }

    /// Returns the scope that the sample resource requires; may be empty.
    pub fn sample_scope(&self) -> &Scope {
        &self.sample_scope
    }
}

/// Parses the name of a header (RFC 9110 section 5.1), or `none`.
fn parse_header_name(name: &str) -> Result<Option<String>, AuthorityError> {
    let token_char = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match name {
        "" => Ok(Some("CF-Connecting-IP".to_owned())),
        "none" => Ok(None),
        name if name.len() <= 100 && name.bytes().all(token_char) => Ok(Some(name.to_owned())),
        _ => Err(AuthorityError::ClientAddressHeader),
    }
}

/// Parses the issuer, an origin: every endpoint is at a fixed path below it, and text comparison is safe.
fn parse_issuer(issuer: &str) -> Result<Origin, AuthorityError> {
    if issuer.is_empty() {
        return Err(AuthorityError::IssuerMissing);
    }
    let issuer = Origin::parse(issuer).ok_or(AuthorityError::Issuer)?;
    // Browsers send `Origin` without the default port (RFC 6454 section 6.2), so no form would ever be accepted.
    if issuer.has_default_port() { Err(AuthorityError::IssuerDefaultPort) } else { Ok(issuer) }
}

fn parse_algorithms(text: &str) -> Result<Vec<Algorithm>, AuthorityError> {
    let mut algorithms = Vec::new();
    for name in text.split([' ', ',']).filter(|name| !name.is_empty()) {
        let algorithm = Algorithm::from_name(name).filter(|algorithm| SIGNING_ALGORITHMS.contains(algorithm));
        let algorithm = algorithm.ok_or(AuthorityError::Algorithms)?;
        if algorithms.contains(&algorithm) {
            return Err(AuthorityError::Algorithms);
        }
        algorithms.push(algorithm);
    }
    Ok(if algorithms.is_empty() { vec![Algorithm::Es256] } else { algorithms })
}

fn parse_rotation(text: &str) -> Result<u64, AuthorityError> {
    let days = if text.is_empty() { Some(30) } else { text.parse().ok() };
    let days = days.filter(|days| (1..=MAX_ROTATION_DAYS).contains(days));
    days.map(|days| days * DAY).ok_or(AuthorityError::KeyRotation)
}

fn seconds(text: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64, AuthorityError> {
    let value = if text.is_empty() { Some(default) } else { text.parse().ok() };
    value.filter(|value| range.contains(value)).ok_or(AuthorityError::Lifetimes)
}

fn parse_default_user_scope(text: &str) -> Result<Scope, AuthorityError> {
    let scope = if text.is_empty() { Some(openid_scopes()) } else { Scope::parse(text) };
    scope.filter(|scope| !scope.contains(ADMIN_SCOPE)).ok_or(AuthorityError::DefaultUserScope)
}

fn parse_admin_acr(text: &str) -> Result<Option<Acr>, AuthorityError> {
    let parse = |text| Acr::parse(text).ok_or(AuthorityError::AdminAcr);
    Some(text).filter(|text| !text.is_empty()).map(parse).transpose()
}

fn parse_upstream(settings: &Settings<'_>) -> Result<Option<Upstream>, AuthorityError> {
    let accounts = UpstreamAccounts::parse(settings.upstream_accounts).ok_or(AuthorityError::UpstreamAccounts)?;
    let acr = AcrMapping::parse(settings.upstream_acr).ok_or(AuthorityError::UpstreamAcr)?;
    if settings.upstream_issuer.is_empty() {
        return Ok(None);
    }
    // The identifier of a provider may have a path, unlike this server's.
    let issuer = settings.upstream_issuer;
    let parts = UriParts::split(issuer).ok_or(AuthorityError::Upstream)?;
    let (scheme, host) = (parts.scheme, parts.authority);
    let path_is_plain = parts.rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte));
    if Origin::parse(&format!("{scheme}://{host}")).is_none()
        || !path_is_plain
        || settings.upstream_client_id.is_empty()
    {
        return Err(AuthorityError::Upstream);
    }
    let name = if settings.upstream_name.is_empty() { host } else { settings.upstream_name };
    Ok(Some(Upstream {
        issuer: issuer.to_owned(),
        client_id: settings.upstream_client_id.to_owned(),
        name: name.to_owned(),
        accounts,
        acr,
    }))
}

fn parse_ttl(text: &str) -> Result<u64, AuthorityError> {
    if text.is_empty() {
        return Ok(600);
    }
    let ttl = text.parse().map_err(|_| AuthorityError::AccessTokenTtl)?;
    if (1..=MAX_TOKEN_TTL).contains(&ttl) { Ok(ttl) } else { Err(AuthorityError::AccessTokenTtl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(issuer: &str) -> Result<Authority, AuthorityError> {
        Authority::parse(Settings { issuer, ..Settings::default() })
    }

    #[test]
    fn issuers() {
        for good in ["https://as.example", "https://as.example:8443", "http://localhost:8787", "http://[::1]:1"] {
            assert!(issuer(good).is_ok(), "{good}");
        }
        for bad in [
            "http://as.example",
            "https://as.example/",
            "https://as.example/tenant",
            "https://As.example",
            "https://user@as.example",
            "https://as.example?x",
            "https://as.example#x",
            "https://as.example:08443",
            "https://as.example:",
            "https://",
            "ftp://as.example",
            "as.example",
            "http://localhost.evil.example",
        ] {
            assert_eq!(issuer(bad), Err(AuthorityError::Issuer), "{bad}");
        }
        assert_eq!(issuer(""), Err(AuthorityError::IssuerMissing));
        for bad in ["https://as.example:443", "http://localhost:80", "http://127.0.0.1:80", "http://[::1]:80"] {
            assert_eq!(issuer(bad), Err(AuthorityError::IssuerDefaultPort), "{bad}");
        }
        for good in ["https://as.example:80", "https://localhost:8443", "http://localhost:443", "http://[::1]"] {
            assert!(issuer(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_other_settings() {
        let good = Settings { issuer: "https://as.example", ..Settings::default() };
        let authority = Authority::parse(good).unwrap();
        assert_eq!(authority.algorithms(), [Algorithm::Es256]);
        assert_eq!(authority.access_token_ttl(), 600);
        assert_eq!(authority.key_rotation(), 30 * DAY);
        assert_eq!(authority.default_resource().as_str(), "https://as.example");
        let several = Authority::parse(Settings { algorithms: "EdDSA, ES256 RS256", ..good }).unwrap();
        assert_eq!(several.algorithms(), [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256]);

        let refused = |settings| Authority::parse(settings).unwrap_err();
        for algorithms in ["HS256", "none", "ES256 ES256", "ES512"] {
            assert_eq!(refused(Settings { algorithms, ..good }), AuthorityError::Algorithms, "{algorithms}");
        }
        for access_token_ttl in ["0", "-1", "86401", "1.5", "ten"] {
            assert_eq!(refused(Settings { access_token_ttl, ..good }), AuthorityError::AccessTokenTtl);
        }
        for key_rotation_days in ["0", "366", "1.5", "-1", "monthly"] {
            assert_eq!(refused(Settings { key_rotation_days, ..good }), AuthorityError::KeyRotation);
        }
        assert_eq!(refused(Settings { default_resource: "api", ..good }), AuthorityError::DefaultResource);
        for settings in [
            Settings { refresh_token_ttl: "0", ..good },
            Settings { refresh_token_idle_ttl: "x", ..good },
            Settings { refresh_replay_window: "601", ..good },
            Settings { session_ttl: "59", ..good },
        ] {
            assert_eq!(refused(settings), AuthorityError::Lifetimes);
        }
        for admin_acr in ["passkey", "PHR", "phr 1", "2", " "] {
            assert_eq!(refused(Settings { admin_acr, ..good }), AuthorityError::AdminAcr, "{admin_acr}");
        }
        for (admin_acr, expected) in [("", None), ("1", Some(Acr::SignedIn)), ("phr", Some(Acr::PhishingResistant))] {
            assert_eq!(Authority::parse(Settings { admin_acr, ..good }).unwrap().admin_acr(), expected);
        }
        for event_retention in ["-1", "401", "1.5", "a month"] {
            assert_eq!(refused(Settings { event_retention, ..good }), AuthorityError::EventRetention);
        }
        assert_eq!(authority.event_retention(), 30);
        assert_eq!(refused(Settings { self_registration: "yes", ..good }), AuthorityError::SelfRegistration);
        for upstream_issuer in ["idp.example", "http://idp.example", "https://idp.example/?x", "https://"] {
            let settings = Settings { upstream_issuer, upstream_client_id: "em", ..good };
            assert_eq!(refused(settings), AuthorityError::Upstream, "{upstream_issuer}");
        }
        let upstream_issuer = "https://idp.example/tenant";
        assert_eq!(refused(Settings { upstream_issuer, ..good }), AuthorityError::Upstream);
        let federated = Settings { upstream_issuer, upstream_client_id: "em", ..good };
        assert_eq!(Authority::parse(federated).unwrap().upstream().unwrap().name, "idp.example");
        // A provider's identifier is compared with its `iss` as text, so it may name the default port.
        let with_port = Settings { upstream_issuer: "https://idp.example:443", ..federated };
        assert_eq!(Authority::parse(with_port).unwrap().upstream().unwrap().issuer, "https://idp.example:443");
        assert_eq!(refused(Settings { sample_scope: "a\"b", ..good }), AuthorityError::SampleScope);
        for default_user_scope in ["a\"b", "openid edgemint:admin"] {
            assert_eq!(refused(Settings { default_user_scope, ..good }), AuthorityError::DefaultUserScope);
        }
        assert_eq!(authority.default_user_scope().to_string(), "openid profile email offline_access");
        assert_eq!(refused(Settings { upstream_accounts: "any", ..good }), AuthorityError::UpstreamAccounts);
        assert_eq!(refused(Settings { upstream_acr: "amr:pop", ..good }), AuthorityError::UpstreamAcr);
        assert_eq!(refused(Settings { compatibility: "oauth1client", ..good }), AuthorityError::Compatibility);
        assert_eq!(*authority.compatibility(), Compatibility::default());
    }

    #[test]
    fn settings_at_their_bounds_are_accepted() {
        fn parse(settings: Settings<'_>) -> Authority {
            Authority::parse(settings).unwrap()
        }
        let good = Settings { issuer: "https://as.example", ..Settings::default() };
        for (access_token_ttl, expected) in [("1", 1), ("86400", 86_400)] {
            let authority = parse(Settings { access_token_ttl, ..good });
            assert_eq!((authority.access_token_ttl(), authority.lifetimes().access), (expected, expected));
        }
        for (key_rotation_days, expected) in [("1", DAY), ("365", 365 * DAY)] {
            assert_eq!(parse(Settings { key_rotation_days, ..good }).key_rotation(), expected);
        }
        for (event_retention, expected) in [("0", 0), ("400", 400)] {
            assert_eq!(parse(Settings { event_retention, ..good }).event_retention(), expected);
        }
        for (refresh_replay_window, expected) in [("0", 0), ("600", 600)] {
            let authority = parse(Settings { refresh_replay_window, ..good });
            assert_eq!(authority.lifetimes().replay_window, expected);
        }
        for (ttl, expected) in [("60", 60), ("34560000", 400 * DAY)] {
            let authority =
                parse(Settings { session_ttl: ttl, refresh_token_ttl: ttl, refresh_token_idle_ttl: ttl, ..good });
            let Lifetimes { refresh, refresh_idle, .. } = *authority.lifetimes();
            assert_eq!((authority.session_ttl(), refresh, refresh_idle), (expected, expected, expected));
        }
    }

    #[test]
    fn the_client_address_is_read_from_the_header_that_is_set() {
        let long = "x".repeat(100);
        for (client_address_header, expected) in [
            ("", Some("CF-Connecting-IP")),
            ("none", None),
            ("X-Real-IP", Some("X-Real-IP")),
            (long.as_str(), Some(long.as_str())),
        ] {
            let settings = Settings { issuer: "https://as.example", client_address_header, ..Settings::default() };
            assert_eq!(Authority::parse(settings).unwrap().client_address_header(), expected);
        }
        for client_address_header in ["X Real IP", "X-Real-IP:", "\u{e9}", &"x".repeat(101)] {
            let settings = Settings { issuer: "https://as.example", client_address_header, ..Settings::default() };
            assert_eq!(Authority::parse(settings).unwrap_err(), AuthorityError::ClientAddressHeader);
        }
    }
}
