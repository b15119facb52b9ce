//! What a verifier requires of a token. Issuer and audience have no default: code that omits them does not compile.

use super::algorithm::Algorithm;
use super::claims::{NumericDate, Payload, Registered};
use super::error::VerifyError;
use super::header::Header;

/// Which values a claim may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// One of these.
    OneOf(Vec<String>),
    /// Dangerous: every value, or none. Only where something else binds the token.
    Anything,
}

/// What a token must be, beyond well signed. Times are seconds.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Who may have issued it (`iss`).
    pub issuers: Expected,
    /// For whom it must be (`aud`, RFC 7519 section 4.1.3).
    pub audiences: Expected,
    /// Its type (`typ`), such as `at+jwt` (RFC 9068 section 2.1, RFC 8725 section 3.11).
    pub types: Expected,
    /// The algorithms allowed; `None` leaves it to the keys.
    pub algorithms: Option<Vec<Algorithm>>,
    /// How far the clocks may differ.
    pub clock_tolerance: u64,
    /// How long ago it may have been issued at most; makes `iat` required.
    pub max_age: Option<u64>,
    /// Claims that must be present, with any value.
    pub required_claims: Vec<String>,
    /// Scope values that must all be granted.
    pub scopes: Vec<String>,
    /// The longest text that is looked at, in bytes.
    pub max_bytes: usize,
}

/// 16 KiB: what a header of a common server carries at most.
pub const DEFAULT_MAX_BYTES: usize = 16 * 1024;

impl Policy {
    /// An RFC 9068 access token of this issuer for this audience: type `at+jwt`, and every claim that
    /// RFC 9068 section 2.2 requires, no clock tolerance.
    pub fn access_token(issuer: &str, audience: &str) -> Self {
        Self {
            issuers: Expected::one(issuer),
            audiences: Expected::one(audience),
            types: Expected::one("at+jwt"),
            algorithms: None,
            clock_tolerance: 0,
            max_age: None,
            required_claims: ["exp", "sub", "client_id", "iat", "jti"].map(str::to_owned).to_vec(),
            scopes: Vec::new(),
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }

    pub(crate) fn check_algorithm(&self, header: &Header) -> Result<(), VerifyError> {
        match &self.algorithms {
            Some(allowed) if !allowed.contains(&header.alg()) => Err(VerifyError::AlgorithmNotAllowed),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn check_type(&self, header: &Header) -> Result<(), VerifyError> {
        match &self.types {
            Expected::Anything => Ok(()),
            Expected::OneOf(types) if types.iter().any(|typ| header.is_type(typ)) => Ok(()),
            Expected::OneOf(_) => Err(VerifyError::TypeMismatch),
        }
    }
}

impl Expected {
    /// Exactly this value.
    pub fn one(value: &str) -> Self {
        Self::OneOf(vec![value.to_owned()])
    }
}

/// One check of the claims: its name for a reader, and the check.
pub(crate) struct ClaimCheck {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Payload<'_>, &Policy, NumericDate) -> Result<(), VerifyError>,
}

/// The checks in the order in which they run. `verify` stops at the first that fails, `explain` runs them all.
pub(crate) const CLAIM_CHECKS: [ClaimCheck; 7] = [
    ClaimCheck { name: "issuer", run: issuer },
    ClaimCheck { name: "audience", run: audience },
    ClaimCheck { name: "expiry", run: expiry },
    ClaimCheck { name: "not_before", run: not_before },
    ClaimCheck { name: "age", run: age },
    ClaimCheck { name: "required_claims", run: required_claims },
    ClaimCheck { name: "scope", run: scope },
];

impl Payload<'_> {
    /// All of them; the first that fails is the reason.
    pub(crate) fn check(&self, policy: &Policy, now: NumericDate) -> Result<(), VerifyError> {
        CLAIM_CHECKS.iter().try_for_each(|check| (check.run)(self, policy, now))
    }
}

fn issuer(claims: &Payload<'_>, policy: &Policy, _: NumericDate) -> Result<(), VerifyError> {
    let Expected::OneOf(issuers) = &policy.issuers else {
        return Ok(());
    };
    let iss = claims.text(Registered::Iss).ok_or_else(|| missing("iss"))?;
    // Exact text, no normalising: RFC 8414 section 3.3.
    if issuers.iter().any(|issuer| *issuer == iss) { Ok(()) } else { Err(VerifyError::IssuerMismatch) }
}

fn audience(claims: &Payload<'_>, policy: &Policy, _: NumericDate) -> Result<(), VerifyError> {
    let Expected::OneOf(audiences) = &policy.audiences else {
        return Ok(());
    };
    if !claims.has("aud") {
        return Err(missing("aud"));
    }
    let ours = claims.any_text(Registered::Aud, &mut |aud| audiences.iter().any(|audience| audience == aud));
    if ours { Ok(()) } else { Err(VerifyError::AudienceMismatch) }
}

fn expiry(claims: &Payload<'_>, policy: &Policy, now: NumericDate) -> Result<(), VerifyError> {
    match claims.time(Registered::Exp) {
        Some(exp) if now.0 >= exp + policy.tolerance() => Err(VerifyError::Expired),
        Some(_) | None => Ok(()),
    }
}

fn not_before(claims: &Payload<'_>, policy: &Policy, now: NumericDate) -> Result<(), VerifyError> {
    match claims.time(Registered::Nbf) {
        Some(nbf) if now.0 + policy.tolerance() < nbf => Err(VerifyError::NotYetValid),
        Some(_) | None => Ok(()),
    }
}

fn age(claims: &Payload<'_>, policy: &Policy, now: NumericDate) -> Result<(), VerifyError> {
    let Some(max_age) = policy.max_age else {
        return Ok(());
    };
    let iat = claims.time(Registered::Iat).ok_or_else(|| missing("iat"))?;
    let age = now.0 - iat;
    if age > exact(max_age) + policy.tolerance() {
        Err(VerifyError::TooOld)
    } else if age < -policy.tolerance() {
        Err(VerifyError::NotYetValid)
    } else {
        Ok(())
    }
}

fn required_claims(claims: &Payload<'_>, policy: &Policy, _: NumericDate) -> Result<(), VerifyError> {
    let absent = policy.required_claims.iter().find(|name| !claims.has(name));
    absent.map_or(Ok(()), |name| Err(missing(name)))
}

fn scope(claims: &Payload<'_>, policy: &Policy, _: NumericDate) -> Result<(), VerifyError> {
    if policy.scopes.iter().all(|wanted| claims.has_scope(wanted)) {
        Ok(())
    } else {
        Err(VerifyError::ScopeInsufficient)
    }
}

fn missing(claim: &str) -> VerifyError {
    VerifyError::ClaimMissing { claim: claim.to_owned() }
}

impl Policy {
    fn tolerance(&self) -> f64 {
        exact(self.clock_tolerance)
    }
}

/// Whole seconds as a double: exact below 2^53, which is 285 million years.
#[allow(clippy::cast_precision_loss)]
fn exact(seconds: u64) -> f64 {
    seconds as f64
}
