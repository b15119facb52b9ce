//! The JOSE header of a signed token (RFC 7515 section 4).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::VerifyError;
use super::json::Outline;

/// A header whose members have the right types and none of which we would have to understand and do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    alg: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    json: String,
}

impl Header {
    /// Reads the decoded header.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] if it is no object or a member has the wrong type,
    /// [`VerifyError::Unsupported`] for `enc` (a JWE), `crit`, `b64` and `zip`: we understand no extension,
    /// and RFC 7515 section 4.1.11 has us refuse what we do not understand,
    /// [`VerifyError::AlgorithmNotAllowed`] for an algorithm that is not on the list, `none` included.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let mut outline = Outline::default();
        let json = outline.read(bytes).ok_or(VerifyError::Malformed)?;
        let member = |name: &str| outline.find(json, name);
        if ["enc", "crit", "b64", "zip"].iter().any(|name| member(name).is_some()) {
            return Err(VerifyError::Unsupported);
        }
        let text = |name: &str| match member(name) {
            None => Ok(None),
            Some(value) => value.text(json).map(Some).ok_or(VerifyError::Malformed),
        };
        let (alg, kid, typ) = (text("alg")?, text("kid")?, text("typ")?);
        let alg = alg.ok_or(VerifyError::Malformed)?;
        let alg = Algorithm::from_name(&alg).ok_or(VerifyError::AlgorithmNotAllowed)?;
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Ok(Self { alg, kid: owned(kid), typ: owned(typ), json: json.to_owned() })
    }

    /// The algorithm.
    pub fn alg(&self) -> Algorithm {
        self.alg
    }

    /// The identifier of the key.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The type as written.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// All members as they came.
    pub fn members(&self) -> Map<String, Value> {
        // It was found to be an object, in stricter terms.
        serde_json::from_str(&self.json).unwrap_or_default()
    }

    /// The JSON text as it came.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Is the token of this type? Compared as media types are: without case, and with or without
    /// `application/` (RFC 7515 section 4.1.9).
    pub fn is_type(&self, expected: &str) -> bool {
        self.typ().is_some_and(|typ| subtype(typ).eq_ignore_ascii_case(subtype(expected)))
    }
}

fn subtype(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        Some(_) | None => typ,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> VerifyError {
        Header::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn types_compare_as_media_types() {
        for typ in ["at+jwt", "at+JWT", "application/at+jwt", "Application/AT+JWT"] {
            let header = format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
            assert!(Header::parse(header.as_bytes()).unwrap().is_type("at+jwt"), "{typ}");
        }
        for header in [r#"{"alg":"ES256"}"#, r#"{"alg":"ES256","typ":"JWT"}"#, r#"{"alg":"ES256","typ":"x/at+jwt"}"#] {
            assert!(!Header::parse(header.as_bytes()).unwrap().is_type("at+jwt"), "{header}");
        }
    }

    #[test]
    fn each_refusal() {
        assert_eq!(refused(r#"{"alg":"none"}"#), VerifyError::AlgorithmNotAllowed);
        assert_eq!(refused(r#"{"alg":"HS1"}"#), VerifyError::AlgorithmNotAllowed);
        assert_eq!(refused(r#"{"alg":"ES256","crit":["exp"],"exp":1}"#), VerifyError::Unsupported);
        assert_eq!(refused(r#"{"alg":"ES256","crit":[]}"#), VerifyError::Unsupported);
        assert_eq!(refused(r#"{"alg":"ES256","b64":false}"#), VerifyError::Unsupported);
        assert_eq!(refused(r#"{"alg":"ES256","zip":"DEF"}"#), VerifyError::Unsupported);
        assert_eq!(refused(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#), VerifyError::Unsupported);
        for header in [r"{}", r#"{"alg":1}"#, r#"{"alg":"ES256","kid":1}"#, r#"{"alg":"ES256","typ":null}"#, "[]", ""] {
            assert_eq!(refused(header), VerifyError::Malformed, "{header}");
        }
    }
}
