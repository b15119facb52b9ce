//! Redirect URIs: compared by exact text (RFC 9700 section 4.1.3), except for the port of a loopback address, which a
//! native application is given by its system (RFC 8252 section 7.3).

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::origin::{LOOPBACK_HOSTS, UriParts};
use crate::wire::{decimal, encode_parameters};

/// A redirect URI that a client may register.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// Schemes that a browser runs, reads or handles itself instead of passing them to an application.
const REFUSED_SCHEMES: [&str; 12] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "javascript",
    "mailto",
    "vbscript",
    "view-source",
    "ws",
];

impl RedirectUri {
    /// Parses a redirect URI: `https`; `http` on a loopback host; or the scheme of an application
    /// (RFC 8252 section 7.1). Without a fragment (RFC 6749 section 3.1.2) and without user information, of at most
    /// 2,000 visible ASCII characters. `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"\"<>\\^`{|}#".contains(&byte);
        if text.len() > 2000 || !text.bytes().all(plain) {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        let scheme_char = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(scheme_char) {
            return None;
        }
        // Schemes are case-insensitive (RFC 3986 section 3.1), so every spelling is refused.
        let allowed = match scheme.to_ascii_lowercase().as_str() {
            "https" => host(text).is_some_and(|host| !host.is_empty()),
            "http" => host(text).is_some_and(|host| LOOPBACK_HOSTS.contains(&host)),
            other => !REFUSED_SCHEMES.contains(&other) && !other.starts_with("wss") && !rest.is_empty(),
        };
        allowed.then(|| Self(text.to_owned()))
    }

    /// Returns whether the URI of a request matches this registered one.
    pub fn matches(&self, asked: &Self) -> bool {
        self == asked || (self.is_loopback() && asked.is_loopback() && without_port(&self.0) == without_port(&asked.0))
    }

    /// Returns whether it is on the user's machine, where any program can listen.
    pub fn is_loopback(&self) -> bool {
        self.has_scheme("http")
    }

    /// Returns whether it has the scheme of an application, which any other application can claim too.
    pub fn is_private_use(&self) -> bool {
        !self.has_scheme("https") && !self.is_loopback()
    }

    fn has_scheme(&self, name: &str) -> bool {
        self.scheme().eq_ignore_ascii_case(name)
    }

    fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// Returns the host, or the scheme of an application, for display.
    pub fn host(&self) -> &str {
        if self.is_private_use() { self.scheme() } else { host(&self.0).unwrap_or_default() }
    }

    /// Returns the source for `form-action` of a Content Security Policy: the scheme. Browsers check every redirect after a
    /// form submission, including those with which a client redirects to another of its origins. Only a scheme permits
    /// those; `http:` permits `https:` too.
    pub fn form_target(&self) -> String {
        format!("{}:", self.scheme().to_ascii_lowercase())
    }

    /// Returns the URI with parameters added to its query (RFC 6749 section 4.1.2).
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        if parameters.is_empty() {
            return self.0.clone();
        }
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.0, encode_parameters(parameters.iter().copied()))
    }

    /// Returns the text.
    /// The host of a URI; `None` without
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the host of a URI; `None` without an authority, with user information or with an invalid port.
fn host(uri: &str) -> Option<&str> {
    let UriParts { host, port, .. } = UriParts::split(uri)?;
    let host_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:%".contains(&byte);
    let is_port = port.is_none_or(|port| decimal::<u16>(port).is_some_and(|port| port > 0));
    (host.bytes().all(host_char) && is_port).then_some(host)
}

/// Returns a loopback URI without its port: scheme, host, and path with query.
fn without_port(uri: &str) -> Option<(&str, &str, &str)> {
    let UriParts { scheme, host, rest, .. } = UriParts::split(uri)?;
    Some((scheme, host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/cb?x=1",
            "http://localhost/cb",
            "http://127.0.0.1:3000/cb",
            "http://[::1]:1/",
            "com.example.app:/cb",
            "cursor://anysphere.cursor-mcp/oauth/cb",
            "com.example.MyApp:/cb",
            "MSAL-app+x.1:/cb",
            "HTTPS://app.example/cb",
            "Http://localhost:3000/cb",
        ] {
            uri(good);
        }
        for bad in [
            "",
            "app.example/cb",
            "/cb",
            "http://app.example/cb",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
            "https://user@app.example/",
            "https://app.example/#x",
            "https://app.example/cb#",
            "https:///cb",
            "https:",
            "https://app.example:0/",
            "https://app.example:99999/",
            "https://app.example:/",
            "javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "JavaScript:alert(1)",
            "DATA:text/html,x",
            "View-Source:x",
            "WSS://app.example/",
            "HTTP://app.example/cb",
            "HTTPS://user@app.example/",
            "+app:/cb",
            "App_1:/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:-80/cb",
            "http://[::1]:+80/cb",
            "https://app.example:+443/cb",
            "java\tscript:x",
            "blob:x",
            "https://app.example/a b",
            "https://app.example\\@evil.example/",
            "https://app.example/\u{e9}",
            "1app:/cb",
            "app:",
        ] {
            assert_eq!(RedirectUri::parse(bad), None, "{bad}");
        }
        assert_eq!(RedirectUri::parse(&format!("https://app.example/{}", "x".repeat(2000))), None);
    }

    #[test]
    fn matching_is_exact_but_for_loopback_ports() {
        let matches = |registered: &str, asked: &str| uri(registered).matches(&uri(asked));
        assert!(matches("https://app.example/cb", "https://app.example/cb"));
        assert!(matches("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"));
        assert!(matches("http://localhost:1/cb?x=1", "http://localhost:2/cb?x=1"));
        assert!(matches("http://[::1]/", "http://[::1]:9/"));
        assert!(matches("com.example.App:/cb", "com.example.App:/cb"));
        assert!(matches("HTTP://127.0.0.1/cb", "HTTP://127.0.0.1:8/cb"));
        for (registered, asked) in [
            ("https://app.example/cb", "https://app.example/cb/"),
            ("https://app.example/cb", "https://app.example/cb?x"),
            ("https://app.example/cb", "https://APP.example/cb"),
            ("https://app.example/cb", "https://app.example:8443/cb"),
            ("https://app.example/cb", "https://sub.app.example/cb"),
            ("http://127.0.0.1/cb", "http://localhost/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1/other"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8/cb?x"),
            ("com.example.app:/cb", "com.example.app:/other"),
            ("com.example.App:/cb", "com.example.app:/cb"),
            ("HTTPS://app.example/cb", "https://app.example/cb"),
            ("HTTP://127.0.0.1/cb", "http://127.0.0.1:8/cb"),
        ] {
            assert!(!matches(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn parameters_are_added_and_encoded() {
        assert_eq!(
            uri("https://app.example/cb").with(&[("code", "a b&c"), ("state", "\u{e9}")]),
            "https://app.example/cb?code=a+b%26c&state=%C3%A9"
        );
        assert_eq!(uri("https://app.example/cb?x=1").with(&[("code", "c")]), "https://app.example/cb?x=1&code=c");
    }

    #[test]
    fn hosts_for_display_and_sources_for_policies() {
        let seen = |text: &str| (uri(text).host().to_owned(), uri(text).form_target());
        let pair = |host: &str, target: &str| (host.to_owned(), target.to_owned());
        assert_eq!(seen("https://app.example:8443/cb"), pair("app.example", "https:"));
        assert_eq!(seen("http://[::1]:5/cb"), pair("[::1]", "http:"));
        assert_eq!(seen("com.example.app:/cb"), pair("com.example.app", "com.example.app:"));
        assert!(uri("com.example.app:/cb").is_private_use() && !uri("https://a.example").is_private_use());
        assert_eq!(seen("Com.Example.App:/cb"), pair("Com.Example.App", "com.example.app:"));
        assert_eq!(seen("HTTPS://app.example/cb"), pair("app.example", "https:"));
        assert!(!uri("HTTPS://app.example/cb").is_private_use() && uri("HTTP://[::1]/cb").is_loopback());
    }
}
