//! Origins and the parts of a URI: the one place that splits scheme, host, port and path.

use std::fmt;

/// The parts of a URI with an authority (RFC 3986 section 3). They are split, not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriParts<'u> {
    /// The scheme.
    pub scheme: &'u str,
    /// Host and port, as written.
    pub authority: &'u str,
    /// The host; an IPv6 address with its brackets.
    pub host: &'u str,
    /// The port, if there is a colon after the host.
    pub port: Option<&'u str>,
    /// Path, query and fragment.
    pub rest: &'u str,
}

impl<'u> UriParts<'u> {
    /// Splits a URI. `None` without `//` after the scheme: such a URI has no authority.
    pub fn split(uri: &'u str) -> Option<Self> {
        let (scheme, hierarchy) = uri.split_once(':')?;
        let hierarchy = hierarchy.strip_prefix("//")?;
        let end = hierarchy.find(['/', '?', '#']).unwrap_or(hierarchy.len());
        let (authority, rest) = hierarchy.split_at(end);
        // The last group of an IPv6 address is followed by a bracket, so it is never taken for a port.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            Some(_) | None => (authority, None),
        };
        Some(Self { scheme, authority, host, port, rest })
    }
}

/// The hosts of this machine (RFC 8252 section 7.3).
pub const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// An origin in its canonical spelling: `https://host[:port]`, or `http` on a loopback host. Its text can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Parses an origin of at most 200 bytes: a lower-case host, a port without leading zeros, nothing after it.
    pub fn parse(text: &str) -> Option<Self> {
        let UriParts { scheme, host, port, rest, .. } = UriParts::split(text)?;
        let is_loopback = LOOPBACK_HOSTS.contains(&host);
        let is_host = is_loopback
            || (!host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)));
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
        let is_secure = scheme == "https" || (scheme == "http" && is_loopback);
        (is_secure && is_host && is_port && rest.is_empty() && text.len() <= 200).then(|| Self(text.to_owned()))
    }

    /// Returns whether it names the default port of its scheme. Browsers omit that port (RFC 6454 section 6.2), so such an
    /// origin never equals the one that they send.
    pub fn has_default_port(&self) -> bool {
        let default = if self.is_https() { "443" } else { "80" };
        UriParts::split(&self.0).is_some_and(|parts| parts.port == Some(default))
    }

    /// Returns whether the scheme is `https`; otherwise it is `http` on a loopback host.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_split_into_parts() {
        for (uri, expected) in [
            ("https://as.example", ("https", "as.example", None, "")),
            ("https://as.example:8443/a?b#c", ("https", "as.example", Some("8443"), "/a?b#c")),
            ("https://as.example?b", ("https", "as.example", None, "?b")),
            ("https://as.example#c", ("https", "as.example", None, "#c")),
            ("http://[::1]:5/cb", ("http", "[::1]", Some("5"), "/cb")),
            ("http://[::1]", ("http", "[::1]", None, "")),
            ("https://as.example:", ("https", "as.example", Some(""), "")),
            ("https:///cb", ("https", "", None, "/cb")),
            ("https://user@as.example:1", ("https", "user@as.example", Some("1"), "")),
        ] {
            let parts = UriParts::split(uri).unwrap();
            assert_eq!((parts.scheme, parts.host, parts.port, parts.rest), expected, "{uri}");
        }
        for uri in ["", "as.example", "urn:x", "com.example.app:/cb", "https:x://as.example", "https:/as.example"] {
            assert_eq!(UriParts::split(uri), None, "{uri}");
        }
    }

    #[test]
    fn an_origin_has_one_spelling() {
        let longest = format!("https://{}", "x".repeat(192));
        for good in ["https://as.example", "https://as.example:0", "http://localhost:8787", "http://[::1]:1", &longest]
        {
            assert_eq!(Origin::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "as.example",
            "http://as.example",
            "http://localhost.evil.example",
            "https://As.example",
            "https://as_example",
            "HTTPS://as.example",
            "https://as.example/",
            "https://as.example?x",
            "https://as.example#x",
            "https://user@as.example",
            "https://as.example:",
            "https://as.example:08443",
            "https://as.example:+1",
            "https://as.example:65536",
            "https://",
            "https://[::2]",
            "ftp://as.example",
            &format!("{longest}x"),
        ] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn default_ports_are_recognised() {
        let has_default_port = |text| Origin::parse(text).unwrap().has_default_port();
        for text in ["https://as.example:443", "http://localhost:80", "http://[::1]:80"] {
            assert!(has_default_port(text), "{text}");
        }
        for text in ["https://as.example", "https://as.example:80", "http://localhost:443", "http://[::1]"] {
            assert!(!has_default_port(text), "{text}");
        }
        assert!(Origin::parse("https://as.example").unwrap().is_https());
        assert!(!Origin::parse("http://localhost").unwrap().is_https());
    }
}
