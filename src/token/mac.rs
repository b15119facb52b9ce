//! HMAC with SHA-2 (RFC 7518 section 3.2), the key's part of the work done once.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

use super::algorithm::Algorithm;

/// A shared secret ready to sign and to check.
#[derive(Clone)]
pub(crate) enum Mac {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl Mac {
    /// `None` if the algorithm is no HMAC.
    pub(crate) fn new(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Hs256 => Hmac::new_from_slice(secret).ok().map(Self::Sha256),
            Algorithm::Hs384 => Hmac::new_from_slice(secret).ok().map(Self::Sha384),
            Algorithm::Hs512 => Hmac::new_from_slice(secret).ok().map(Self::Sha512),
            _ => None,
        }
    }

    /// Compares in constant time; a tag of another length is none.
    pub(crate) fn verify(&self, input: &[u8], tag: &[u8]) -> bool {
        self.sign(input).as_bytes().ct_eq(tag).into()
    }

    // One copy of the code for three hashes and two uses: it is long.
    #[inline(never)]
    pub(crate) fn sign(&self, input: &[u8]) -> Tag {
        match self {
            Self::Sha256(mac) => Tag::of(&mac.clone().chain_update(input).finalize().into_bytes()),
            Self::Sha384(mac) => Tag::of(&mac.clone().chain_update(input).finalize().into_bytes()),
            Self::Sha512(mac) => Tag::of(&mac.clone().chain_update(input).finalize().into_bytes()),
        }
    }
}

/// An HMAC of up to 64 bytes.
pub(crate) struct Tag {
    bytes: [u8; 64],
    len: usize,
}

impl Tag {
    fn of(tag: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(tag).for_each(|(to, from)| *to = *from);
        Self { bytes, len: tag.len() }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
