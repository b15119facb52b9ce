//! The protected resources of this server: the tokens that they accept, and their refusals (RFC 6750, RFC 9068 section 4,
//! RFC 9728 section 5.1).

use crate::token::Policy;
use crate::wire::{Reply, credentials};

use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::scope::ADMIN_SCOPE;
use crate::oauth::vocabulary::scope::OPENID;

/// The path of the protected resource metadata (RFC 9728 section 3).
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// Returns the token that a request presents.
///
/// # Errors
/// [`Refusal::BearerInQuery`] for a token in the query, [`Refusal::BearerMissing`] for none in the header.
pub fn presented_token<'r>(authorization: Option<&'r str>, query: &str) -> Result<&'r str, Refusal> {
    if query.split('&').any(|pair| pair.split('=').next() == Some("access_token")) {
        return Err(Refusal::BearerInQuery);
    }
    let token = authorization.and_then(|header| credentials(header, "Bearer"));
    token.filter(|token| !token.is_empty()).ok_or(Refusal::BearerMissing)
}

/// Returns the policy of this server's resources: issued by this server, for this server.
pub fn policy(authority: &Authority) -> Policy {
    Policy::access_token(authority.issuer(), authority.issuer())
}

/// Returns the policy of introspection and revocation: issued by this server, for any audience.
pub fn any_audience_policy(authority: &Authority) -> Policy {
    Policy { audiences: crate::token::Expected::Anything, ..policy(authority) }
}

/// Returns the policy for `id_token_hint`: an ID token of this server, for any client. It may have expired (OpenID Connect
/// RP-Initiated Logout section 4), within `HINT_AGE`.
pub fn hint_policy(authority: &Authority) -> Policy {
    Policy {
        types: crate::token::Expected::one("JWT"),
        required_claims: ["sub", "aud", "exp", "sid"].map(str::to_owned).to_vec(),
        clock_tolerance: HINT_AGE,
        ..any_audience_policy(authority)
    }
}

/// How long after its expiry an ID token is accepted as a hint, seconds.
const HINT_AGE: u64 = 365 * 24 * 3600;

/// Checks that a token may administer this server.
///
/// # Errors
/// [`Refusal::BearerScope`].
pub fn check_admin(token: &AccessToken) -> Result<(), Refusal> {
    if token.scope.contains(ADMIN_SCOPE) { Ok(()) } else { Err(Refusal::BearerScope { needed: ADMIN_SCOPE }) }
}

/// Checks that a token may read claims about its user.
///
/// # Errors
/// [`Refusal::BearerScope`].
pub fn check_openid(token: &AccessToken) -> Result<(), Refusal> {
    if token.scope.contains(OPENID) { Ok(()) } else { Err(Refusal::BearerScope { needed: OPENID }) }
}

/// Checks that a token may use the sample resource.
///
/// # Errors
/// [`Refusal::BearerSampleScope`].
pub fn check_sample(authority: &Authority, token: &AccessToken) -> Result<(), Refusal> {
    if token.scope.covers(authority.sample_scope()) { Ok(()) } else { Err(Refusal::BearerSampleScope) }
}

/// Returns the response of a protected resource that refuses, with its challenge. The challenge names the kind of refusal and
/// the metadata of the resource, never the check that failed.
pub fn refuse(authority: &Authority, refusal: &Refusal) -> Reply {
    let mut challenge = format!("Bearer resource_metadata=\"{}\"", authority.endpoint(METADATA_PATH));
    if let Some((error, sentence)) = refusal.bearer_error() {
        challenge.push_str(&format!(", error=\"{error}\", error_description=\"{sentence}\""));
    }
    match refusal {
        Refusal::BearerScope { needed } => challenge.push_str(&format!(", scope=\"{needed}\"")),
        Refusal::BearerSampleScope => challenge.push_str(&format!(", scope=\"{}\"", authority.sample_scope())),
        _ => {}
    }
    refusal.reply().with("WWW-Authenticate", challenge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;

    #[test]
    fn tokens_come_in_the_header_alone() {
        assert_eq!(presented_token(Some("Bearer abc"), ""), Ok("abc"));
        assert_eq!(presented_token(Some("bearer abc"), "x=1"), Ok("abc"));
        for header in [None, Some("Bearer "), Some("Bearer"), Some("Basic abc"), Some("")] {
            assert_eq!(presented_token(header, ""), Err(Refusal::BearerMissing), "{header:?}");
        }
        assert_eq!(presented_token(Some("Bearer abc"), "x=1&access_token=abc"), Err(Refusal::BearerInQuery));
    }

    #[test]
    fn challenges() {
        let settings = Settings { issuer: "https://as.example", sample_scope: "read", ..Settings::default() };
        let authority = Authority::parse(settings).unwrap();
        let challenge = |refusal: Refusal| {
            let reply = refuse(&authority, &refusal);
            let header = reply.headers.into_iter().find(|(name, _)| *name == "WWW-Authenticate");
            (reply.status, header.unwrap().1)
        };
        let metadata = "Bearer resource_metadata=\"https://as.example/.well-known/oauth-protected-resource\"";
        assert_eq!(challenge(Refusal::BearerMissing), (401, metadata.to_owned()));
        let (status, header) = challenge(Refusal::BearerInvalid);
        assert!(status == 401 && header.starts_with(metadata) && header.contains("error=\"invalid_token\""));
        let (status, header) = challenge(Refusal::BearerSampleScope);
        assert!(status == 403 && header.contains("error=\"insufficient_scope\"") && header.ends_with("scope=\"read\""));
    }
}
