//! What an operator configures, parsed once: who this authority is and how it signs.

use std::fmt;

use crate::keyring::{MAX_TOKEN_TTL, SIGNING_ALGORITHMS};
use crate::token::Algorithm;

use super::resource::Resource;
use super::scope::Scope;

/// The scope that the admin endpoints ask for.
pub const ADMIN_SCOPE: &str = "edgemint:admin";

/// This authorization server's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    issuer: String,
    default_resource: Resource,
    algorithms: Vec<Algorithm>,
    access_token_ttl: u64,
    sample_scope: Scope,
}

/// The settings as texts, as they come from the environment; empty means the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'s> {
    /// The issuer identifier; required.
    pub issuer: &'s str,
    /// The audience of tokens asked for without `resource`; by default the issuer.
    pub default_resource: &'s str,
    /// Signing algorithms, separated by spaces or commas; by default ES256.
    pub algorithms: &'s str,
    /// Lifetime of access tokens, seconds; by default 600.
    pub access_token_ttl: &'s str,
    /// The scope that the sample resource asks for; by default none.
    pub sample_scope: &'s str,
}

/// Which setting is wrong. Each has a stable word, shown by the health endpoint and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityError {
    /// `ACCESS_TOKEN_TTL` is not a whole number of seconds from 1 to 86400.
    AccessTokenTtl,
    /// `SIGNING_ALGORITHMS` names something else than ES256, RS256 and EdDSA, or one twice.
    Algorithms,
    /// `DEFAULT_RESOURCE` is not an absolute URI without fragment.
    DefaultResource,
    /// `ISSUER` is not an origin: `https://host[:port]`, or `http` on a loopback host.
    Issuer,
    /// `ISSUER` is not set.
    IssuerMissing,
    /// `SAMPLE_SCOPE` is not a scope.
    SampleScope,
}

impl AuthorityError {
    /// The stable word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::AccessTokenTtl => "access_token_ttl_invalid",
            Self::Algorithms => "signing_algorithms_invalid",
            Self::DefaultResource => "default_resource_invalid",
            Self::Issuer => "issuer_invalid",
            Self::IssuerMissing => "issuer_missing",
            Self::SampleScope => "sample_scope_invalid",
        }
    }
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl std::error::Error for AuthorityError {}

impl Authority {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`AuthorityError`] names the first setting that is wrong.
    pub fn parse(settings: Settings<'_>) -> Result<Self, AuthorityError> {
        let issuer = parse_issuer(settings.issuer)?;
        let default_resource = match settings.default_resource {
            "" => issuer,
            resource => resource,
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            default_resource: Resource::parse(default_resource).ok_or(AuthorityError::DefaultResource)?,
            algorithms: parse_algorithms(settings.algorithms)?,
            access_token_ttl: parse_ttl(settings.access_token_ttl)?,
            sample_scope: Scope::parse(settings.sample_scope).ok_or(AuthorityError::SampleScope)?,
        })
    }

    /// The issuer identifier (RFC 8414 section 2).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Is this authority for the machine that it runs on alone?
    pub fn is_loopback(&self) -> bool {
        self.issuer.starts_with("http://")
    }

    /// The address of one of our endpoints.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The audience of tokens asked for without `resource`.
    pub fn default_resource(&self) -> &Resource {
        &self.default_resource
    }

    /// The signing algorithms; the first signs access tokens.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The lifetime of access tokens, seconds.
    pub fn access_token_ttl(&self) -> u64 {
        self.access_token_ttl
    }

    /// The scope that the sample resource asks for; may be empty.
    pub fn sample_scope(&self) -> &Scope {
        &self.sample_scope
    }
}

/// An origin and nothing else: every endpoint is at a fixed path below it, and text comparison is safe.
fn parse_issuer(issuer: &str) -> Result<&str, AuthorityError> {
    if issuer.is_empty() {
        return Err(AuthorityError::IssuerMissing);
    }
    let (scheme, authority) = issuer.split_once("://").ok_or(AuthorityError::Issuer)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let host_is_plain = loopback
        || (!host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)));
    let port_is_plain = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
    let scheme_is_safe = scheme == "https" || (scheme == "http" && loopback);
    if scheme_is_safe && host_is_plain && port_is_plain && issuer.len() <= 200 {
        Ok(issuer)
    } else {
        Err(AuthorityError::Issuer)
    }
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
    }

    #[test]
    fn the_other_settings() {
        let good = Settings { issuer: "https://as.example", ..Settings::default() };
        let authority = Authority::parse(good).unwrap();
        assert_eq!(authority.algorithms(), [Algorithm::Es256]);
        assert_eq!(authority.access_token_ttl(), 600);
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
        assert_eq!(refused(Settings { default_resource: "api", ..good }), AuthorityError::DefaultResource);
        assert_eq!(refused(Settings { sample_scope: "a\"b", ..good }), AuthorityError::SampleScope);
    }
}
