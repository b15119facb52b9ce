//! Private keys as JSON Web Keys (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
//!
//! Nothing is computed with them here, because it would have to take the same time for every key (RUSTSEC-2023-0071): the
//! platform signs. Only their form is checked; the platform checks that the private half belongs to the public one.

use std::fmt;

use super::Key;
use super::error::KeyError;
use super::jwk::{Jwk, JwkText, Use, check_use, is_private, required_bytes, write_bytes};
use super::numbers::are_rsa_numbers;
use crate::token::algorithm::{Algorithm, KeyShape};

/// A key pair of an asymmetric algorithm. It never prints its private half.
#[derive(Clone)]
pub struct PrivateKey {
    public: Key,
    secrets: Vec<(&'static str, Vec<u8>)>,
}

/// All of them are asked for: a signature without them takes several times as long (RFC 7518 section 6.3.2).
const RSA: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

impl PrivateKey {
    /// Reads a private JWK from its text: strict JSON, one object, no member twice.
    ///
    /// # Errors
    /// [`KeyError::Public`] if there is no private half, else as for [`Key::from_jwk`].
    pub fn from_jwk_text(text: &[u8]) -> Result<Self, KeyError> {
        Self::read(&JwkText::read(text)?)
    }

    pub(crate) fn read(jwk: &dyn Jwk) -> Result<Self, KeyError> {
        if !is_private(jwk) {
            return Err(KeyError::Public);
        }
        check_use(jwk, Use::Sign)?;
        let public = Key::read_public_half(jwk)?;
        let names = match public.shape() {
            KeyShape::Rsa if jwk.has("oth") => return Err(KeyError::Unsupported),
            KeyShape::Rsa => &RSA[..],
            KeyShape::Ec(_) | KeyShape::Ed25519 => &RSA[..1],
            // A secret has no halves.
            KeyShape::Octets => return Err(KeyError::Unsupported),
        };
        let mut secrets = Vec::with_capacity(names.len());
        for name in names {
            secrets.push((*name, required_bytes(jwk, name)?));
        }
        let fitting = match (public.shape(), &secrets[..]) {
            (KeyShape::Ec(curve), [(_, d)]) => d.len() == curve.coordinate_len(),
            (KeyShape::Rsa, [(_, d), (_, p), (_, q), (_, dp), (_, dq), (_, qi)]) => {
                are_rsa_numbers(public.modulus_len(), [d, p, q, dp, dq, qi])
            }
            (_, [(_, d)]) => d.len() == 32,
            _ => false,
        };
        if fitting { Ok(Self { public, secrets }) } else { Err(KeyError::Malformed) }
    }

    /// The public half, with the name and the algorithm of the pair.
    pub const fn public(&self) -> &Key {
        &self.public
    }

    /// The pair, for this one algorithm.
    ///
    /// # Errors
    /// As for [`Key::for_algorithm`].
    pub fn for_algorithm(mut self, alg: Algorithm) -> Result<Self, KeyError> {
        self.bind(alg)?;
        Ok(self)
    }

    pub(super) fn bind(&mut self, alg: Algorithm) -> Result<(), KeyError> {
        self.public.bind(alg)
    }

    /// The JWK with only the members that make it: what WebCrypto imports. It is as secret as the key.
    pub fn to_jwk_text(&self) -> String {
        let mut jwk = self.public.open_jwk();
        self.secrets.iter().for_each(|(name, bytes)| write_bytes(&mut jwk, name, bytes));
        jwk.push('}');
        jwk
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}
