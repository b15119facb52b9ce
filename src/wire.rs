//! Requests and responses as plain values: forms, Basic credentials, JSON. Bounded, strict, without I/O.

use std::str::FromStr;

use data_encoding::BASE64;
use serde::Serialize;

/// The maximum length of a form or of client metadata, bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// The maximum length of an `Authorization` header, bytes.
pub const MAX_AUTHORIZATION: usize = 20 * 1024;
/// The maximum number of parameters in a form.
pub const MAX_PARAMETERS: usize = 64;

/// A parsed `application/x-www-form-urlencoded` body.
#[derive(Debug, Default)]
pub struct Form {
    parameters: Vec<(String, String)>,
}

/// An error in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// A parameter is repeated (RFC 6749 section 3.1).
    Duplicate,
    /// A `%` without two hex digits, or bytes that are not UTF-8.
    Malformed,
    /// There are more than [`MAX_PARAMETERS`] parameters.
    TooMany,
}

/// The parameters that may be repeated (RFC 8707 section 2, RFC 8693 section 2.1).
const REPEATABLE: [&str; 2] = ["audience", "resource"];

impl Form {
    /// Parses a body. Parameters without a value are treated as omitted (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// See [`FormError`].
    pub fn parse(body: &str) -> Result<Self, FormError> {
        let mut form = Self::default();
        for (count, pair) in body.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(FormError::TooMany);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decode(name).ok_or(FormError::Malformed)?;
            let value = form_decode(value).ok_or(FormError::Malformed)?;
            if !REPEATABLE.contains(&name.as_str()) && form.parameters.iter().any(|(seen, _)| *seen == name) {
                return Err(FormError::Duplicate);
            }
            form.parameters.push((name, value));
        }
        Ok(form)
    }

    /// Returns the value of a parameter, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns all parameters in order, including those without a value.
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns all parameters that have a value, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.named().filter(|(_, value)| !value.is_empty())
    }

    /// Returns the values of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.parameters.iter().filter(move |(own, _)| own == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// Decodes form encoding. `None` for a `%` without two hex digits or bytes that are not UTF-8.
fn form_decode(text: &str) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Encodes parameters as a query or a form, which [`Form::parse`] reads.
pub fn encode_parameters<'p>(parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let pairs = parameters.into_iter().map(|(name, value)| format!("{}={}", form_encode(name), form_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Form-encodes one name or value.
pub fn form_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-._~*".contains(&byte) => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Parses a number of decimal digits. `str::parse` also accepts a leading `+`, which no format here allows (ports, lengths,
/// seconds).
pub fn decimal<N: FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Returns whether this is the media type of a form. Parameters such as `charset` are ignored.
pub fn is_form(content_type: Option<&str>) -> bool {
    is_media_type(content_type, "application/x-www-form-urlencoded")
}

/// Returns whether this is the media type of JSON.
pub fn is_json(content_type: Option<&str>) -> bool {
    is_media_type(content_type, "application/json")
}

fn is_media_type(content_type: Option<&str>, expected: &str) -> bool {
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}

/// Returns the credentials after an authentication scheme, whose name is case-insensitive (RFC 9110 section 11.1).
pub fn credentials<'h>(authorization: &'h str, scheme: &str) -> Option<&'h str> {
    let (name, rest) = authorization.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' '))
}

/// A user name and a password.
pub type UserPass = (String, String);

/// Decodes HTTP Basic credentials into client identifier and secret. The reading of RFC 6749 section 2.3.1 comes first.
///
/// The RFC requires both to be form-encoded; many clients omit that. If it makes a difference, both readings are returned.
/// `None` if the text is not base64 of UTF-8 with a colon.
pub fn basic_credentials(encoded: &str) -> Option<(UserPass, Option<UserPass>)> {
    let text = String::from_utf8(BASE64.decode(encoded.trim_end().as_bytes()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = (id.to_owned(), secret.to_owned());
    match form_decode(id).zip(form_decode(secret)) {
        Some(decoded) if decoded != plain => Some((decoded, Some(plain))),
        Some(_) | None => Some((plain, None)),
    }
}

/// A response as a value.
#[derive(Debug, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `None` for none.
    pub body: Option<String>,
}

impl Reply {
    /// Returns a JSON document that must not be cached: every response about a client or a token.
    pub fn json(status: u16, document: &impl Serialize) -> Self {
        // Documents have text keys and finite numbers, so they serialise.
        let body = serde_json::to_string(document).unwrap_or_default();
        let headers = vec![("Content-Type", "application/json".to_owned()), ("Cache-Control", "no-store".to_owned())];
        Self { status, headers, body: Some(body) }
    }

    /// Returns a text of this media type.
    pub fn text(status: u16, media_type: &str, text: String) -> Self {
        Self { status, headers: vec![("Content-Type", media_type.to_owned())], body: Some(text) }
    }

    /// Returns an HTML page.
    pub fn html(status: u16, page: String, headers: Vec<(&'static str, String)>) -> Self {
        Self { status, headers, body: Some(page) }
    }

    /// Redirects a browser to a URL with GET (RFC 9110 section 15.4.4).
    pub fn see_other(location: impl Into<String>) -> Self {
        Self::empty(303).with("Location", location)
    }

    /// Adds a cookie (RFC 6265 section 4.1).
    #[must_use]
    pub fn with_cookie(mut self, cookie: String) -> Self {
        self.headers.push(("Set-Cookie", cookie));
        self
    }

    /// Returns a status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: vec![("Cache-Control", "no-store".to_owned())], body: None }
    }

    /// Sets a header and replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(own, _)| *own != name);
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read() {
        let form = Form::parse("a=1&b=x+y%20z%C3%A9&&empty=&resource=u&resource=v&flag").unwrap();
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), Some("x y z\u{e9}"));
        assert_eq!(form.get("empty"), None);
        assert_eq!(form.get("flag"), None);
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["u", "v"]);
    }

    #[test]
    fn a_number_has_digits_alone() {
        assert_eq!((decimal::<u16>("0"), decimal::<u16>("65535")), (Some(0), Some(65535)));
        for bad in ["", "+1", "-1", "1.0", " 1", "1 ", "1e1", "0x1", "65536", "\u{0661}"] {
            assert_eq!(decimal::<u16>(bad), None, "{bad}");
        }
    }

    #[test]
    fn bad_forms_are_refused() {
        assert_eq!(Form::parse("a=1&a=1").unwrap_err(), FormError::Duplicate);
        assert_eq!(Form::parse("a=1&%61=2").unwrap_err(), FormError::Duplicate);
        for body in ["a=%", "a=%4", "a=%zz", "a=%FF", "%=1", "a=%+1"] {
            assert_eq!(Form::parse(body).unwrap_err(), FormError::Malformed, "{body}");
        }
        let many: Vec<_> = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=1")).collect();
        assert_eq!(Form::parse(&many.join("&")).unwrap_err(), FormError::TooMany);
        assert!(Form::parse(&many[1..].join("&")).is_ok());
    }

    #[test]
    fn basic_credentials_are_read_both_ways() {
        let encode = |text: &str| BASE64.encode(text.as_bytes());
        let pair = |id: &str, secret: &str| (id.to_owned(), secret.to_owned());
        assert_eq!(basic_credentials(&encode("id:a:b")), Some((pair("id", "a:b"), None)));
        assert_eq!(
            basic_credentials(&encode("my%20id:s%2Bt")),
            Some((pair("my id", "s+t"), Some(pair("my%20id", "s%2Bt"))))
        );
        assert_eq!(basic_credentials(&encode("id:100%")), Some((pair("id", "100%"), None)));
        assert_eq!(basic_credentials(&encode("no colon")), None);
        assert_eq!(basic_credentials("***"), None);
    }

    #[test]
    fn media_types_and_schemes_are_case_insensitive() {
        assert!(is_form(Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8")));
        assert!(!is_form(Some("application/json")) && !is_form(None) && !is_form(Some("")));
        assert_eq!(credentials("bearer  x", "Bearer"), Some("x"));
        assert_eq!(credentials("Basic x", "Bearer"), None);
        assert_eq!(credentials("Bearer", "Bearer"), None);
    }

    #[test]
    fn limits_are_those_of_the_manual() {
        assert_eq!((MAX_BODY, MAX_AUTHORIZATION, MAX_PARAMETERS), (65_536, 20_480, 64));
    }

    #[test]
    fn encoded_parameters_are_read_back() {
        let pairs = [("a", "x y"), ("\u{e9}&=", "100%+-._~*"), ("empty", "")];
        let text = encode_parameters(pairs);
        assert_eq!(text, "a=x+y&%C3%A9%26%3D=100%25%2B-._~*&empty=");
        assert_eq!(Form::parse(&text).unwrap().named().collect::<Vec<_>>(), pairs);
        assert_eq!(Form::parse(&text).unwrap().pairs().count(), 2);
        assert!(is_json(Some("application/json;charset=utf-8")) && !is_json(Some("text/json")) && !is_json(None));
    }
}
