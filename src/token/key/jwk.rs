//! The members of a JWK (RFC 7517 section 4), wherever they lie: in parsed JSON, or in the text itself.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::KeyError;
use crate::token::base64url;
use crate::token::json::{Kind, Outline, Span};

/// A JSON object that is meant to be a key. A member that is `null` counts as absent: some serialisers write all that they know.
pub(crate) trait Jwk {
    /// Is there a member of that name?
    fn has(&self, name: &str) -> bool;

    /// The member of that name, if there is one; it must be a text.
    fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError>;

    /// Tells each item of the member of that name, `None` for what is no text. False if there is no such member; it must be
    /// an array.
    fn each(&self, name: &str, tell: &mut dyn FnMut(Option<&str>)) -> Result<bool, KeyError>;
}

impl Jwk for Map<String, Value> {
    fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        self.get(name)
            .filter(|value| !value.is_null())
            .map(|value| value.as_str().map(Cow::Borrowed).ok_or(KeyError::Malformed))
            .transpose()
    }

    fn each(&self, name: &str, tell: &mut dyn FnMut(Option<&str>)) -> Result<bool, KeyError> {
        let Some(value) = self.get(name).filter(|value| !value.is_null()) else {
            return Ok(false);
        };
        value.as_array().ok_or(KeyError::Malformed)?.iter().for_each(|item| tell(item.as_str()));
        Ok(true)
    }
}

/// A JWK that was never anything but text.
pub(crate) struct JwkText<'t> {
    text: &'t str,
    outline: Outline,
}

impl<'t> JwkText<'t> {
    /// Reads strict JSON: one object, no member twice.
    pub(crate) fn read(bytes: &'t [u8]) -> Result<Self, KeyError> {
        let mut outline = Outline::default();
        let text = outline.read(bytes).ok_or(KeyError::Malformed)?;
        Ok(Self { text, outline })
    }

    fn find(&self, name: &str) -> Option<Span> {
        self.outline.find(self.text, name).filter(|value| value.kind() != Kind::Null)
    }
}

impl Jwk for JwkText<'_> {
    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        self.find(name).map(|value| value.text(self.text).ok_or(KeyError::Malformed)).transpose()
    }

    fn each(&self, name: &str, tell: &mut dyn FnMut(Option<&str>)) -> Result<bool, KeyError> {
        let Some(value) = self.find(name) else {
            return Ok(false);
        };
        if value.kind() != Kind::Array {
            return Err(KeyError::Malformed);
        }
        value.items(self.text).for_each(|item| tell(item.text(self.text).as_deref()));
        Ok(true)
    }
}

/// Does it hold anything that only the owner of a key pair may see?
#[inline(never)] // This and what follows is called from everywhere.
pub(super) fn is_private(jwk: &dyn Jwk) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.has(name))
}

/// What a key must be allowed to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Sign,
    Verify,
    Both,
}

/// `use` and `key_ops`, where there are any, must allow what is `needed` and nothing but signatures (RFC 7517 sections 4.2
/// and 4.3): a key that also encrypts is used for two things.
#[inline(never)]
pub(super) fn check_use(jwk: &dyn Jwk, needed: Use) -> Result<(), KeyError> {
    if jwk.text("use")?.is_some_and(|usage| usage != "sig") {
        return Err(KeyError::WrongUse);
    }
    let (mut signs, mut verifies, mut others, mut no_texts) = (0, 0, 0, 0);
    let is_limited = jwk.each("key_ops", &mut |operation| match operation {
        Some("sign") => signs += 1,
        Some("verify") => verifies += 1,
        Some(_) => others += 1,
        None => no_texts += 1,
    })?;
    if no_texts > 0 {
        return Err(KeyError::Malformed);
    }
    let allows = match needed {
        Use::Sign => signs == 1 && verifies <= 1,
        Use::Verify => verifies == 1 && signs <= 1,
        Use::Both => signs == 1 && verifies == 1,
    };
    if !is_limited || (allows && others == 0) { Ok(()) } else { Err(KeyError::WrongUse) }
}

pub(super) fn required_text<'j>(jwk: &'j dyn Jwk, name: &str) -> Result<Cow<'j, str>, KeyError> {
    jwk.text(name)?.ok_or(KeyError::Malformed)
}

#[inline(never)]
pub(super) fn required_bytes(jwk: &dyn Jwk, name: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(required_text(jwk, name)?.as_bytes()).ok_or(KeyError::Malformed)
}

pub(super) fn fixed_bytes(jwk: &dyn Jwk, name: &str, len: usize) -> Result<Vec<u8>, KeyError> {
    let bytes = required_bytes(jwk, name)?;
    if bytes.len() == len { Ok(bytes) } else { Err(KeyError::Malformed) }
}

/// A member as JSON. The value is a name or base64url: nothing in it needs an escape.
pub(super) fn write_text(jwk: &mut String, name: &str, value: &str) {
    jwk.push(if jwk.is_empty() { '{' } else { ',' });
    for part in ["\"", name, "\":\"", value, "\""] {
        jwk.push_str(part);
    }
}

/// A member as JSON, encoded.
pub(super) fn write_bytes(jwk: &mut String, name: &str, bytes: &[u8]) {
    write_text(jwk, name, &base64url::encode(bytes));
}
