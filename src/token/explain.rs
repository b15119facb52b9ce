//! Every check of a token, passed or failed, for a person to read. Never for access control: it tells everything,
//! also about a forged token.

use std::sync::Arc;

use super::claims::{NumericDate, Payload};
use super::error::VerifyError;
use super::json::Outline;
use super::jwks::KeySet;
use super::policy::{CLAIM_CHECKS, Policy};
use super::verify::{Parts, verify};

/// The checks of a token, and its parts as far as they could be read.
#[derive(Debug)]
pub struct Explanation {
    /// The header as JSON, if it could be read.
    pub header: Option<String>,
    /// The claims as JSON, if they could be read. Authentic only if every check passed.
    pub claims: Option<String>,
    /// Each check in the order in which verification runs them.
    pub checks: Vec<Check>,
}

/// One check and how it went.
#[derive(Debug)]
pub struct Check {
    /// A stable word: `format`, `type`, `algorithm`, `key`, `signature`, `claims`, `issuer`, `audience`, `expiry`,
    /// `not_before`, `age`, `required_claims`, `scope`.
    pub name: &'static str,
    /// `None` if it could not be run because something before it failed.
    pub outcome: Option<Result<(), VerifyError>>,
}

/// Runs every check that can be run. `signature_is_valid` is the answer of a real check of what [`verify`] asked for,
/// or `None` if it could not be asked.
pub fn explain(
    text: &str,
    keys: &KeySet,
    policy: &Arc<Policy>,
    now: impl Into<NumericDate>,
    signature_is_valid: Option<bool>,
) -> Explanation {
    let now = now.into();
    let mut checks = Vec::with_capacity(6 + CLAIM_CHECKS.len());
    let mut note = |name, outcome| checks.push(Check { name, outcome });

    let parts = Parts::read(text, policy.max_bytes);
    let on_header = |check: &dyn Fn(&Parts) -> Result<(), VerifyError>| parts.as_ref().ok().map(check);
    note("format", Some(parts.as_ref().map(|_| ()).map_err(Clone::clone)));
    note("type", on_header(&|parts| policy.check_type(&parts.header)));
    note("algorithm", on_header(&|parts| policy.check_algorithm(&parts.header)));
    note("key", on_header(&|parts| keys.choose(&parts.header).map(|_| ())));
    let signature = match signature_is_valid {
        Some(true) => Some(Ok(())),
        Some(false) => Some(Err(VerifyError::BadSignature)),
        // A signature of the wrong length is never asked about.
        None => verify(text, keys, policy, now).err().filter(|error| *error == VerifyError::BadSignature).map(Err),
    };
    note("signature", signature);

    let payload = parts.as_ref().ok().map(|parts| parts.payload().ok_or(VerifyError::Malformed));
    let mut outline = Outline::default();
    let claims = payload.as_ref().map(|payload| match payload {
        Ok(payload) => Payload::read(payload, &mut outline),
        Err(error) => Err(error.clone()),
    });
    note("claims", claims.as_ref().map(|claims| claims.as_ref().map(|_| ()).map_err(Clone::clone)));
    let claims = claims.and_then(Result::ok);
    for check in &CLAIM_CHECKS {
        note(check.name, claims.as_ref().map(|claims| (check.run)(claims, policy, now)));
    }
    Explanation {
        header: parts.ok().map(|parts| parts.header.json().to_owned()),
        claims: claims.map(|claims| claims.json().to_owned()),
        checks,
    }
}
