//! Addresses that clients and operators name, and that this server fetches: which of them it may fetch.
//!
//! A Worker cannot resolve names, so the rules are about the text. Only one spelling of each address is accepted, so that this
//! server and the platform's `fetch` cannot read the host differently.

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::origin::{LOOPBACK_HOSTS, UriParts};

/// The maximum length of an address, bytes.
const MAX_BYTES: usize = 500;
/// The maximum length of a host name and of a label, bytes (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;
/// The last labels of names that no public DNS has, and of those that networks resolve for themselves (RFC 6761, RFC 6762, RFC 8375;
/// `.internal` is reserved by ICANN).
const PRIVATE_SUFFIXES: [&str; 11] =
    ["arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "private"];

/// An address that this server may fetch, in its canonical spelling: `https` on port 443 of a public host name; or `http` or `https` on
/// a loopback host, which only a server on loopback fetches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RemoteUrl(String);

impl RemoteUrl {
    /// Parses an address of at most 500 bytes. `None` for any other address: another scheme or port, an IP address in any
    /// spelling, a name of a private network, user information, a fragment, upper-case or percent-encoded hosts.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = UriParts::split(text)?;
        let is_target = is_loopback(&parts) || (parts.scheme == "https" && is_public(parts.host) && is_443(parts.port));
        (text.len() <= MAX_BYTES && is_target && is_rest(parts.rest)).then(|| Self(text.to_owned()))
    }

    /// Returns whether this server may fetch it: a loopback address only if its own issuer is on loopback.
    pub fn may_be_fetched_by(&self, authority: &Authority) -> bool {
        authority.is_loopback() || !UriParts::split(&self.0).is_none_or(|parts| is_loopback(&parts))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RemoteUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("an address that must not be fetched")
    }
}

impl From<RemoteUrl> for String {
    fn from(url: RemoteUrl) -> Self {
        url.0
    }
}

fn is_loopback(parts: &UriParts<'_>) -> bool {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    ["http", "https"].contains(&parts.scheme) && LOOPBACK_HOSTS.contains(&parts.host) && parts.port.is_none_or(is_port)
}

fn is_443(port: Option<&str>) -> bool {
    port.is_none_or(|port| port == "443")
}

/// Returns whether this is a lower-case host name of at least two labels whose last label is neither a number, which would make it
/// an IPv4 address (WHATWG URL section 3.5), nor that of a private network.
fn is_public(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, last)) = host.rsplit_once('.') else {
        return false;
    };
    host.len() <= MAX_HOST
        && host.split('.').all(is_label)
        && last.starts_with(|first: char| first.is_ascii_lowercase())
        && !PRIVATE_SUFFIXES.contains(&last)
}

/// Returns whether this is a path with an optional query (RFC 3986 sections 3.3 and 3.4), without a fragment. A back slash or white
/// space, which `fetch` would rewrite, is not.
fn is_rest(rest: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    rest.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;

    fn authority(issuer: &str) -> Authority {
        Authority::parse(Settings { issuer, ..Settings::default() }).unwrap()
    }

    fn is_accepted(text: &str) -> bool {
        RemoteUrl::parse(text).is_some()
    }

    #[test]
    fn public_addresses_are_accepted_and_keep_their_text() {
        for good in [
            "https://keys.example.com",
            "https://keys.example.com/",
            "https://keys.example.com:443/jwks",
            "https://a.b-c.xn--bcher-kva.example/jwks.json?v=1&x=%20(y)",
            "https://1.example.com/jwks",
            "https://127.0.0.1.example.com/jwks",
            "https://internal.example.com/",
            "https://localhost.example.com/",
            "https://mylocalhost.com/",
        ] {
            let url = RemoteUrl::parse(good).unwrap();
            assert_eq!(url.as_str(), good);
            assert!(url.may_be_fetched_by(&authority("https://as.example")), "{good}");
            assert!(url.may_be_fetched_by(&authority("http://localhost:8787")), "{good}");
        }
    }

    #[test]
    fn no_ip_address_is_accepted_in_any_spelling() {
        for host in [
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0x7F.0x0.0x0.0x1",
            "017700000001",
            "0177.0.0.1",
            "0177.0.0.01",
            "127.0.0.0x1",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "169.254.43518",
            "0xa9fea9fe",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "8.8.8.8",
            "255.255.255.255",
            "1.2.3.4.5",
            "foo.1",
            "foo.0x1",
            "foo.0x",
            "[::]",
            "[::2]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0000::0001]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[2001:db8::1]",
            "[::1].example.com",
            "::1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "127%2e0%2e0%2e1",
            "%31%32%37.0.0.1",
        ] {
            for url in [format!("https://{host}"), format!("https://{host}/jwks"), format!("https://{host}:443/")] {
                assert!(!is_accepted(&url), "{url}");
            }
        }
    }

    #[test]
    fn no_name_of_a_private_network_is_accepted() {
        for host in [
            "localhost.",
            "LOCALHOST",
            "localhost.localdomain",
            "app.localhost",
            "app.localhost.",
            "LocalHost.example.com",
            "printer.local",
            "printer.local.",
            "metadata.google.internal",
            "metadata.google.internal.",
            "metadata.google.INTERNAL",
            "router.home.arpa",
            "1.0.0.127.in-addr.arpa",
            "db.corp",
            "db.home",
            "db.intranet",
            "db.lan",
            "db.private",
            "db.invalid",
            "metadata",
            "com",
            "a..com",
            ".com",
            "com.",
            "example.com.",
            "-a.example.com",
            "a-.example.com",
            "a_b.example.com",
            "Example.com",
            "ex\u{e4}mple.com",
            "ex%61mple.com",
            "example.com%00.internal",
            "example.com\0",
            "",
            ".",
            "*.example.com",
        ] {
            assert!(!is_accepted(&format!("https://{host}/jwks")), "{host}");
        }
        let label = "a".repeat(63);
        assert!(is_accepted(&format!("https://{label}.example.com/")));
        assert!(!is_accepted(&format!("https://{label}a.example.com/")));
        let long = vec!["a"; 126].join(".");
        assert!(is_accepted(&format!("https://{long}.a/")), "253 bytes");
        assert!(!is_accepted(&format!("https://{long}.aa/")), "254 bytes");
    }

    #[test]
    fn anything_else_that_fetch_could_read_otherwise_is_refused() {
        for bad in [
            "",
            "keys.example.com/jwks",
            "//keys.example.com/jwks",
            "http://keys.example.com/jwks",
            "HTTPS://keys.example.com/jwks",
            "Https://keys.example.com/jwks",
            "ftp://keys.example.com/jwks",
            "file:///etc/passwd",
            "data:application/json,{}",
            "https:keys.example.com/jwks",
            "https:/keys.example.com/jwks",
            "https:///keys.example.com/jwks",
            "https:\\\\keys.example.com/jwks",
            "https://keys.example.com\\@127.0.0.1/",
            "https://keys.example.com/a\\b",
            "https://keys.example.com:80/jwks",
            "https://keys.example.com:8443/jwks",
            "https://keys.example.com:/jwks",
            "https://keys.example.com:0443/jwks",
            "https://keys.example.com:443:443/jwks",
            "https://user@keys.example.com/jwks",
            "https://user:password@keys.example.com/jwks",
            "https://keys.example.com@127.0.0.1/jwks",
            "https://keys.example.com:443@127.0.0.1/jwks",
            "https://:@keys.example.com/jwks",
            "https://keys.example.com/jwks#fragment",
            "https://keys.example.com/jwks#",
            "https://keys.example.com#@127.0.0.1/",
            " https://keys.example.com/jwks",
            "https://keys.example.com/jwks ",
            "https://keys.example.com/a b",
            "https://keys.example.com/\tjwks",
            "https://keys.ex\nample.com/jwks",
            "https://keys.example.com/j\u{fc}rgen",
            "https://keys.example.com/<jwks>",
        ] {
            assert!(!is_accepted(bad), "{bad}");
        }
        let longest = format!("https://keys.example.com/{}", "x".repeat(MAX_BYTES - 25));
        assert!(is_accepted(&longest) && !is_accepted(&format!("{longest}x")));
    }

    #[test]
    fn only_a_server_on_loopback_fetches_from_loopback() {
        for own in [
            "http://localhost/jwks",
            "http://localhost:8080/jwks",
            "http://127.0.0.1:1/jwks",
            "http://[::1]:65535/jwks",
            "https://localhost:8443/jwks",
            "https://127.0.0.1/jwks",
            "https://[::1]/jwks",
        ] {
            let url = RemoteUrl::parse(own).unwrap();
            assert!(url.may_be_fetched_by(&authority("http://localhost:8787")), "{own}");
            assert!(!url.may_be_fetched_by(&authority("https://as.example")), "{own}");
        }
        for bad in [
            "http://localhost:0/jwks",
            "http://localhost:/jwks",
            "http://localhost:08080/jwks",
            "http://localhost:65536/jwks",
            "http://localhost.:8080/jwks",
            "http://app.localhost:8080/jwks",
            "http://user@localhost:8080/jwks",
            "http://127.0.0.2/jwks",
            "http://127.1/jwks",
            "http://[::]/jwks",
            "http://0.0.0.0/jwks",
            "ftp://localhost/jwks",
            "http://localhost:8080/jwks#x",
        ] {
            assert!(!is_accepted(bad), "{bad}");
        }
    }

    #[test]
    fn a_stored_address_is_checked_when_it_is_read() {
        let read = |text: &str| serde_json::from_value::<RemoteUrl>(text.into());
        assert_eq!(read("https://keys.example.com/jwks").unwrap().as_str(), "https://keys.example.com/jwks");
        assert!(read("https://127.0.0.1.nip.internal/").is_err());
    }
}
