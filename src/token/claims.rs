//! The claims of a token (RFC 7519 section 4, RFC 9068 section 2.2), with the registered ones of the right type.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::VerifyError;
use super::json::{Kind, Outline, Span};

/// Seconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

/// A time in seconds since 1970-01-01T00:00:00Z, with its fraction (RFC 7519 section 2, NumericDate): what times in a token
/// are compared with. A caller with whole seconds passes a [`UnixTime`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct NumericDate(pub f64);

impl From<UnixTime> for NumericDate {
    /// Exact below 2^53 seconds, which is 285 million years.
    #[allow(clippy::cast_precision_loss)]
    fn from(time: UnixTime) -> Self {
        Self(time.0 as f64)
    }
}

impl UnixTime {
    /// That many seconds later.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Is it less than that many seconds away from the other, after it or before? What was kept by a clock that was ahead is not
    /// taken for new until that time comes.
    pub const fn is_within(self, seconds: u64, of: Self) -> bool {
        self.0.abs_diff(of.0) < seconds
    }
}

/// The last second of the year 9999: a time beyond it is a mistake or an attack.
const LATEST: f64 = 253_402_300_799.0;

/// A claims set whose registered claims, where present, have the right types.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    members: Map<String, Value>,
}

impl Claims {
    /// Reads the decoded payload.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] if it is no JSON object, [`VerifyError::ClaimInvalid`] if a registered
    /// claim has the wrong type or a time is out of range.
    pub fn parse(payload: &[u8]) -> Result<Self, VerifyError> {
        Payload::read(payload, &mut Outline::default())?.to_claims()
    }

    /// All claims.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// A claim that is a time, in seconds; fractions are allowed (RFC 7519 section 2, NumericDate).
    pub fn time(&self, name: &str) -> Option<f64> {
        self.members.get(name)?.as_f64().filter(is_time)
    }

    /// Whom the token is for: `aud`, one or many.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.texts("aud")
    }

    /// The scope values (RFC 6749 section 3.3): of one text, or of an array of texts.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.texts("scope").flat_map(scope_values)
    }

    /// The texts of a claim that is one, or an array of them.
    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let (one, many) = match self.members.get(name) {
            Some(Value::String(one)) => (Some(one.as_str()), None),
            Some(Value::Array(many)) => (None, Some(many)),
            Some(_) | None => (None, None),
        };
        let many = many.into_iter().flatten().filter_map(Value::as_str);
        one.into_iter().chain(many)
    }
}

/// The claims set where it lies in the payload, types checked, nothing copied: what the policy looks at.
pub(crate) struct Payload<'p> {
    text: &'p str,
    outline: &'p Outline,
    registered: [Option<Span>; Registered::COUNT],
    times: [Option<f64>; Registered::COUNT],
}

/// The claims whose types are known here.
#[derive(Clone, Copy)]
pub(crate) enum Registered {
    Aud,
    AuthTime,
    ClientId,
    Exp,
    Iat,
    Iss,
    Jti,
    Nbf,
    Scope,
    Sub,
}

impl Registered {
    const COUNT: usize = 10;

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "aud" => Self::Aud,
            "auth_time" => Self::AuthTime,
            "client_id" => Self::ClientId,
            "exp" => Self::Exp,
            "iat" => Self::Iat,
            "iss" => Self::Iss,
            "jti" => Self::Jti,
            "nbf" => Self::Nbf,
            "scope" => Self::Scope,
            "sub" => Self::Sub,
            _ => return None,
        })
    }
}

impl<'p> Payload<'p> {
    /// Reads the decoded payload; errors as for [`Claims::parse`].
    pub(crate) fn read(payload: &'p [u8], outline: &'p mut Outline) -> Result<Self, VerifyError> {
        let text = outline.read(payload).ok_or(VerifyError::Malformed)?;
        let (mut registered, mut times) = ([None; Registered::COUNT], [None; Registered::COUNT]);
        for member in outline.members() {
            let name = member.name.read(text);
            let Some(claim) = Registered::from_name(&name) else {
                continue;
            };
            let value = member.value;
            let well_typed = match claim {
                Registered::Aud | Registered::Scope => is_text(value) || is_list_of_texts(value, text),
                Registered::AuthTime | Registered::Exp | Registered::Iat | Registered::Nbf => {
                    let time = value.number(text).filter(is_time);
                    place(&mut times, claim, time);
                    time.is_some()
                }
                Registered::ClientId | Registered::Iss | Registered::Jti | Registered::Sub => is_text(value),
            };
            if !well_typed {
                return Err(VerifyError::ClaimInvalid { claim: name.into_owned() });
            }
            place(&mut registered, claim, Some(value));
        }
        Ok(Self { text, outline, registered, times })
    }

    /// The JSON text.
    pub(crate) fn json(&self) -> &'p str {
        self.text
    }

    pub(crate) fn to_claims(&self) -> Result<Claims, VerifyError> {
        let members = serde_json::from_str(self.text).map_err(|_| VerifyError::Malformed)?;
        Ok(Claims { members })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match Registered::from_name(name) {
            Some(claim) => self.find(claim).is_some(),
            None => self.outline.find(self.text, name).is_some(),
        }
    }

    pub(crate) fn text(&self, claim: Registered) -> Option<Cow<'p, str>> {
        self.find(claim)?.text(self.text)
    }

    /// In seconds.
    pub(crate) fn time(&self, claim: Registered) -> Option<f64> {
        self.times.get(claim as usize).copied().flatten()
    }

    /// Does this hold for a text of the claim, which is one or an array of them?
    #[inline(never)] // It is called from several places.
    pub(crate) fn any_text(&self, claim: Registered, holds: &mut dyn FnMut(&str) -> bool) -> bool {
        let Some(value) = self.find(claim) else {
            return false;
        };
        match value.text(self.text) {
            Some(one) => holds(&one),
            None => value.items(self.text).filter_map(|item| item.text(self.text)).any(|one| holds(&one)),
        }
    }

    /// Is the claim an array?
    pub(crate) fn is_array(&self, claim: Registered) -> bool {
        self.find(claim).is_some_and(|value| value.kind() == Kind::Array)
    }

    /// Is this scope value granted?
    pub(crate) fn has_scope(&self, wanted: &str) -> bool {
        self.any_text(Registered::Scope, &mut |scope| scope_values(scope).any(|value| value == wanted))
    }

    fn find(&self, claim: Registered) -> Option<Span> {
        self.registered.get(claim as usize).copied().flatten()
    }
}

fn place<T>(places: &mut [T; Registered::COUNT], claim: Registered, value: T) {
    if let Some(place) = places.get_mut(claim as usize) {
        *place = value;
    }
}

fn scope_values(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|value| !value.is_empty())
}

fn is_time(seconds: &f64) -> bool {
    (0.0..=LATEST).contains(seconds)
}

fn is_text(value: Span) -> bool {
    matches!(value.kind(), Kind::String { .. })
}

fn is_list_of_texts(value: Span, text: &str) -> bool {
    value.kind() == Kind::Array && value.items(text).all(is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_named() {
        for (claim, text) in [
            ("exp", r#"{"exp":"1"}"#),
            ("exp", r#"{"exp":-1}"#),
            ("exp", r#"{"exp":1e300}"#),
            ("nbf", r#"{"nbf":null}"#),
            ("iat", r#"{"iat":[1]}"#),
            ("sub", r#"{"sub":1}"#),
            ("iss", r#"{"iss":["a"]}"#),
            ("aud", r#"{"aud":1}"#),
            ("aud", r#"{"aud":["a",1]}"#),
            ("scope", r#"{"scope":1}"#),
            ("scope", r#"{"scope":null}"#),
            ("scope", r#"{"scope":["a",1]}"#),
            ("scope", r#"{"scope":[["a"]]}"#),
        ] {
            let claim = claim.to_owned();
            assert_eq!(Claims::parse(text.as_bytes()), Err(VerifyError::ClaimInvalid { claim }), "{text}");
        }
    }

    #[test]
    fn audiences_and_scopes() {
        let claims = Claims::parse(br#"{"aud":["a","b"],"scope":"read  write"}"#).unwrap();
        assert_eq!(claims.audiences().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["read", "write"]);
        let claims = Claims::parse(br#"{"aud":"a"}"#).unwrap();
        assert_eq!(claims.audiences().collect::<Vec<_>>(), ["a"]);
        assert_eq!(claims.scopes().count(), 0);
        let claims = Claims::parse(br#"{"scope":["read","write all"]}"#).unwrap();
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["read", "write", "all"]);
    }
}
