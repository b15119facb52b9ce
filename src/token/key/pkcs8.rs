//! Private keys in DER: `PrivateKeyInfo` (RFC 5958 section 2; RFC 8017 appendix A.1.2 for RSA, RFC 5915 section 3 for
//! elliptic curves, RFC 8410 section 7 for Ed25519).

use std::fmt;

use super::algorithm_identifier::{curve_of, shape_of};
use super::der::{Der, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use super::error::KeyError;
use super::material::Material;
use super::numbers::{are_rsa_numbers, is_sound_rsa};
use super::only_alg;
use crate::token::algorithm::{Algorithm, Curve, KeyShape};

/// A private key as its DER, whose structure was found to be right.
///
/// Whether the numbers fit together is arithmetic with a private key, and none of it is done here: the platform that will
/// sign with the key reads it and tells.
#[derive(Clone)]
pub struct Pkcs8 {
    shape: KeyShape,
    der: Vec<u8>,
    public: Option<Vec<u8>>,
}

/// What stands before the 32 bytes of an Ed25519 key in the first version of the structure, which everybody reads.
const ED25519_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The fields that may follow: attributes, and in the second version the public key.
const ATTRIBUTES: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0x81;

/// The fields that may follow the number of an elliptic curve's key.
const EC_PARAMETERS: u8 = 0xa0;
const EC_PUBLIC_KEY: u8 = 0xa1;

impl Pkcs8 {
    /// Reads one private key and nothing after it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for what is not DER, [`KeyError::Unsupported`] for another kind of key,
    /// [`KeyError::Weak`] for RSA numbers that must not sign.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let mut info = Der::only(der, SEQUENCE)?;
        let version = info.take(INTEGER)?;
        let shape = shape_of(&mut info)?;
        let inner = info.take(OCTET_STRING)?;
        let _ = info.try_take(ATTRIBUTES);
        let public = match version {
            [0] => None,
            // Whole bytes: no bit of the last one is left over.
            [1] => match info.try_take(PUBLIC_KEY) {
                Some([0, bytes @ ..]) => Some(bytes),
                _ => return Err(KeyError::Malformed),
            },
            _ => return Err(KeyError::Malformed),
        };
        info.end()?;
        let der = match shape {
            KeyShape::Rsa => check_rsa(inner).map(|()| der.to_vec())?,
            KeyShape::Ec(curve) => check_ec(inner, curve).map(|()| der.to_vec())?,
            KeyShape::Ed25519 | KeyShape::Octets => {
                let mut seed = Der::within(inner);
                let bytes = seed.take(OCTET_STRING)?;
                seed.end()?;
                if bytes.len() != 32 || public.is_some_and(|public| public.len() != 32) {
                    return Err(KeyError::Malformed);
                }
                // Not everybody reads the second version.
                [&ED25519_PREFIX, bytes].concat()
            }
        };
        Ok(Self { shape, der, public: public.map(<[u8]>::to_vec) })
    }

    /// The kind of key.
    pub fn shape(&self) -> KeyShape {
        self.shape
    }

    /// The one algorithm that the key can be for.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMissing`] if there are several.
    pub fn only_alg(&self) -> Result<Algorithm, KeyError> {
        only_alg(self.shape)
    }

    /// The whole structure, for the platform.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the public key that the structure contains, if any: for Ed25519 its 32 bytes. The caller must compare it with the
    /// private key.
    pub fn public_bytes(&self) -> Option<&[u8]> {
        self.public.as_deref()
    }
}

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs8").field("shape", &self.shape).finish_non_exhaustive()
    }
}

fn check_rsa(inner: &[u8]) -> Result<(), KeyError> {
    let mut key = Der::only(inner, SEQUENCE)?;
    match key.take(INTEGER)? {
        [0] => {}
        // More than two primes.
        [1] => return Err(KeyError::Unsupported),
        _ => return Err(KeyError::Malformed),
    }
    let (n, e) = (key.positive()?, key.positive()?);
    if !is_sound_rsa(n, e) {
        return Err(KeyError::Weak);
    }
    let mut numbers = [&[][..]; 6];
    for number in &mut numbers {
        *number = key.positive()?;
    }
    key.end()?;
    if are_rsa_numbers(n.len(), numbers) { Ok(()) } else { Err(KeyError::Malformed) }
}

fn check_ec(inner: &[u8], curve: Curve) -> Result<(), KeyError> {
    let mut key = Der::only(inner, SEQUENCE)?;
    if key.take(INTEGER)? != [1] || key.take(OCTET_STRING)?.len() != curve.coordinate_len() {
        return Err(KeyError::Malformed);
    }
    // It may say once more which curve it is on, and where.
    if let Some(parameters) = key.try_take(EC_PARAMETERS) {
        let mut parameters = Der::within(parameters);
        if curve_of(parameters.take(OBJECT_IDENTIFIER)?) != Some(curve) {
            return Err(KeyError::Malformed);
        }
        parameters.end()?;
    }
    if let Some(public) = key.try_take(EC_PUBLIC_KEY) {
        let mut public = Der::within(public);
        Material::from_raw(public.bit_string()?, KeyShape::Ec(curve))?;
        public.end()?;
    }
    key.end()
}
