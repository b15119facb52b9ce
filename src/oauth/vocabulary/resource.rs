//! Resource indicators (RFC 8707): for which protected resource a token is.

use serde::{Deserialize, Serialize};

/// The identifier of a protected resource: an absolute URI without fragment, compared by its text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Resource(String);

impl Resource {
    /// Reads an identifier. `None` if it is no absolute URI, has a fragment, or is longer than 512 bytes.
    ///
    /// An origin with the empty path written as `/` is the same resource as without it (RFC 3986 section 6.2.3):
    /// clients that pass addresses through a URL parser cannot leave it out.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let starts_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        let scheme_is_plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let rest_is_plain = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !(starts_well && scheme_is_plain && rest_is_plain && text.len() <= 512) {
            return None;
        }
        let bare_origin = rest
            .strip_prefix("//")
            .and_then(|rest| rest.strip_suffix('/'))
            .is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '?']));
        let text = if bare_origin { text.strip_suffix('/').unwrap_or(text) } else { text };
        Some(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
