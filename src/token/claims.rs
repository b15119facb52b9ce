//! The claims of a token (RFC 7519 section 4, RFC 9068 section 2.2), with the registered ones of the right type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::VerifyError;
use super::json;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// That many seconds later.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
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
        let members = json::parse_object(payload).ok_or(VerifyError::Malformed)?;
        for (name, value) in &members {
            let well_typed = match name.as_str() {
                "iss" | "sub" | "jti" | "client_id" | "scope" => value.is_string(),
                "aud" => is_audience(value),
                "exp" | "nbf" | "iat" | "auth_time" => time(value).is_some(),
                _ => true,
            };
            if !well_typed {
                return Err(VerifyError::ClaimInvalid { claim: name.clone() });
            }
        }
        Ok(Self { members })
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
        time(self.members.get(name)?)
    }

    /// Whom the token is for: `aud`, one or many.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self.members.get("aud") {
            Some(Value::String(one)) => (Some(one.as_str()), None),
            Some(Value::Array(many)) => (None, Some(many)),
            Some(_) | None => (None, None),
        };
        let many = many.into_iter().flatten().filter_map(Value::as_str);
        one.into_iter().chain(many)
    }

    /// The scope values (RFC 6749 section 3.3).
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scope = self.text("scope").unwrap_or_default();
        scope.split(' ').filter(|value| !value.is_empty())
    }
}

fn time(value: &Value) -> Option<f64> {
    let seconds = value.as_f64()?;
    (0.0..=LATEST).contains(&seconds).then_some(seconds)
}

fn is_audience(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(many) => many.iter().all(Value::is_string),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
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
            ("scope", r#"{"scope":["a"]}"#),
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
    }
}
