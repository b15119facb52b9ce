//! The policy as the shim writes it.

use crate::token::json::{Outline, Span};
use crate::token::{Algorithm, Expected, Policy};

/// Reads the policy. `null` means "anything"; an absent member or an unknown algorithm is an error.
pub(super) fn read(json: &str) -> Option<Policy> {
    let mut outline = Outline::default();
    outline.read(json.as_bytes())?;
    let find = |name| outline.find(json, name);
    let expected = |name| Some(texts(find(name)?, json)?.map_or(Expected::Anything, Expected::OneOf));
    let algorithms = match texts(find("algorithms")?, json)? {
        Some(names) => Some(names.iter().map(|name| Algorithm::from_name(name)).collect::<Option<_>>()?),
        None => None,
    };
    Some(Policy {
        issuers: expected("issuers")?,
        audiences: expected("audiences")?,
        types: expected("types")?,
        algorithms,
        clock_tolerance: whole(find("clockTolerance")?, json)?,
        max_age: match find("maxTokenAge")? {
            value if is_null(value, json) => None,
            value => Some(whole(value, json)?),
        },
        required_claims: texts(find("requiredClaims")?, json)??,
        scopes: texts(find("scopes")?, json)??,
        max_bytes: usize::try_from(whole(find("maxTokenBytes")?, json)?).ok()?,
    })
}

/// The texts of an array, `Some(None)` for `null`.
pub(super) fn texts(value: Span, json: &str) -> Option<Option<Vec<String>>> {
    if is_null(value, json) {
        return Some(None);
    }
    // A value that is no array has no items, and a text must not count as none.
    if !value.source(json).starts_with('[') {
        return None;
    }
    value.items(json).map(|item| Some(item.text(json)?.into_owned())).collect::<Option<_>>().map(Some)
}

fn is_null(value: Span, json: &str) -> bool {
    value.source(json) == "null"
}

fn whole(value: Span, json: &str) -> Option<u64> {
    value.source(json).parse().ok()
}
