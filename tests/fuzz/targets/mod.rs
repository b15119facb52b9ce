//! Properties of every byte string: a function for each kind of external text, and its seeds.
//! Each function panics if its subject is wrong, and names an oracle that is independent of the subject.

pub(crate) mod base64url;
pub(crate) mod json;
pub(crate) mod jwk;
pub(crate) mod jwks;
pub(crate) mod pem;
pub(crate) mod token;

/// A target: its name, its check of some bytes, and valid inputs to change.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&[u8]),
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

pub(crate) const ALL: [Target; 6] = [
    Target { name: "base64url", check: base64url::check, seeds: base64url::seeds },
    Target { name: "json", check: json::check, seeds: json::seeds },
    Target { name: "jwk", check: jwk::check, seeds: jwk::seeds },
    Target { name: "jwks", check: jwks::check, seeds: jwks::seeds },
    Target { name: "pem", check: pem::check, seeds: pem::seeds },
    Target { name: "token", check: token::check, seeds: token::seeds },
];
