//! Resource indicators (RFC 8707): the protected resource that a token is for.

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::origin::UriParts;

/// The identifier of a protected resource: an absolute URI without fragment, compared by its text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resource(String);

impl Resource {
    /// Parses an identifier. `None` if it is not an absolute URI, has a fragment, or is longer than 512 bytes.
    ///
    /// An origin with the empty path written as `/` is the same resource as without it (RFC 3986 section 6.2.3):
    /// clients that pass URLs through a parser cannot omit it.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let starts_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        let scheme_is_plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let rest_is_plain = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !(starts_well && scheme_is_plain && rest_is_plain && text.len() <= 512) {
            return None;
        }
        let bare_origin = UriParts::split(text).is_some_and(|parts| !parts.authority.is_empty() && parts.rest == "/");
        let text = if bare_origin { text.strip_suffix('/').unwrap_or(text) } else { text };
        Some(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Resource {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a resource indicator")
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_is_checked() {
        let stored = |text: &str| serde_json::from_value::<Resource>(serde_json::json!(text));
        assert_eq!(serde_json::to_value(stored("urn:example:api").unwrap()).unwrap(), "urn:example:api");
        assert!(stored("api").is_err() && stored("https://api.example/#x").is_err());
    }

    #[test]
    fn identifiers() {
        for good in
            ["https://api.example", "https://api.example/v1/", "urn:example:api", "https://api.example?tenant=1"]
        {
            assert_eq!(Resource::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(Resource::parse("https://api.example/"), Resource::parse("https://api.example"));
        assert_ne!(Resource::parse("https://api.example/a/"), Resource::parse("https://api.example/a"));
        for bad in ["", "api", "/api", "https:", "https://api.example/#x", "https://api.example/ x", "1a:b", ":x"] {
            assert_eq!(Resource::parse(bad), None, "{bad}");
        }
    }
}
