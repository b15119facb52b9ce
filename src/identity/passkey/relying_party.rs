//! Who passkeys are for: the relying party (Web Authentication Level 3, section 4).

/// A relying party: the host of the issuer is its identifier, the issuer the one origin that may ask for its passkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

impl RelyingParty {
    /// The relying party of an issuer, which is an origin: `https`, or `http` on `localhost`.
    ///
    /// `None` where there can be no passkeys: an address made of numbers is no identifier (section 5.1.2), and no other
    /// `http` is a secure context.
    pub fn of_issuer(issuer: &str) -> Option<Self> {
        let (scheme, authority) = issuer.split_once("://")?;
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return None,
        };
        // Browsers leave the usual port out of an origin.
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        let host = authority.split_once(':').map_or(authority, |(host, _)| host);
        let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic())
            && host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
        let is_secure = scheme == "https" || host == "localhost";
        (is_name && is_secure).then(|| Self { id: host.to_owned(), origin: format!("{scheme}://{authority}") })
    }

    /// The identifier: a host name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origin, as browsers write it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The library's idea of it: one origin, never in a frame of another, no attestation trusted. The last is also why the
    /// library never asks for the time, which wasm does not have.
    pub(super) fn library(&self) -> passki::Passki {
        passki::Passki::new(&self.id, &[&self.origin], &self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_relying_party() {
        for (issuer, id, origin) in [
            ("https://as.example", "as.example", "https://as.example"),
            ("https://as.example:8443", "as.example", "https://as.example:8443"),
            ("https://as.example:443", "as.example", "https://as.example"),
            ("http://localhost:8787", "localhost", "http://localhost:8787"),
            ("http://localhost:80", "localhost", "http://localhost"),
            ("https://localhost", "localhost", "https://localhost"),
        ] {
            let rp = RelyingParty::of_issuer(issuer).unwrap();
            assert_eq!((rp.id(), rp.origin()), (id, origin));
        }
    }

    #[test]
    fn some_issuers_can_have_no_passkeys() {
        for issuer in [
            "http://127.0.0.1:8787",
            "https://127.0.0.1",
            "http://[::1]:8787",
            "https://[fe80::1]",
            "http://as.example",
            "ftp://as.example",
            "as.example",
            "https://",
            "https://As.example",
            "https://as.example/path",
        ] {
            assert_eq!(RelyingParty::of_issuer(issuer), None, "{issuer}");
        }
    }
}
