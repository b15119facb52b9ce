//! Where the answer to an authorization request goes, as far as a person has to know.

/// A place that a redirect URI names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination<'u> {
    /// A host on the web, with its port where it has one.
    Site(&'u str),
    /// An application on this device: a loopback address (RFC 8252 section 7.3) or a private-use scheme (section 7.1).
    Device(&'u str),
}

impl<'u> Destination<'u> {
    /// Of a registered redirect URI.
    pub(super) fn of(uri: &'u str) -> Self {
        let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Self::Device(scheme);
        }
        let authority = rest.trim_start_matches('/').split(['/', '?', '#', '\\']).next().unwrap_or_default();
        // Whatever stands before an `@` is not the host, however much it looks like one.
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        if is_loopback(host_and_port) { Self::Device(host_and_port) } else { Self::Site(host_and_port) }
    }
}

fn is_loopback(host_and_port: &str) -> bool {
    let host = match host_and_port.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => host_and_port,
    };
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_devices() {
        for (uri, destination) in [
            ("https://app.example/cb?x=1", Destination::Site("app.example")),
            ("https://app.example:8443", Destination::Site("app.example:8443")),
            ("https://good.example@bad.example/", Destination::Site("bad.example")),
            ("https://bad.example\\@good.example/", Destination::Site("bad.example")),
            ("https://localhost.example/", Destination::Site("localhost.example")),
            ("https://127.0.0.1.example/", Destination::Site("127.0.0.1.example")),
            ("http://127.0.0.1:51004/cb", Destination::Device("127.0.0.1:51004")),
            ("http://[::1]:51004/cb", Destination::Device("[::1]:51004")),
            ("http://[::1]/cb", Destination::Device("[::1]")),
            ("HTTP://LocalHost/", Destination::Device("LocalHost")),
            ("com.example.app:/cb", Destination::Device("com.example.app")),
            ("", Destination::Device("")),
        ] {
            assert_eq!(Destination::of(uri), destination, "{uri}");
        }
    }
}
