//! Algorithm identifiers in DER (RFC 3279 section 2.3.1 for RSA, RFC 5480 section 2 for elliptic curves, RFC 8410 section 3 for
//! Ed25519), and how the DER of keys begins.

use super::der::{BIT_STRING, Der, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use super::error::{KeyError, PemError};
use crate::token::algorithm::{Curve, KeyShape};

/// Object identifiers, in DER.
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
pub(super) const CURVES: [(Curve, &[u8]); 3] = [
    (Curve::P256, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    (Curve::P384, &[0x2b, 0x81, 0x04, 0x00, 0x22]),
    (Curve::P521, &[0x2b, 0x81, 0x04, 0x00, 0x23]),
];

/// The first tags within the sequence of each kind of key: `SubjectPublicKeyInfo`, a certificate (RFC 5280 section 4.1), PKCS#8, RSA
/// numbers (RFC 8017 appendix A.1), and an EC key (RFC 5915 section 3).
const BEGINNINGS: [&[u8]; 5] = [
    &[SEQUENCE, BIT_STRING],
    &[SEQUENCE, SEQUENCE, BIT_STRING],
    &[INTEGER, SEQUENCE, OCTET_STRING],
    &[INTEGER, INTEGER],
    &[INTEGER, OCTET_STRING],
];

/// Returns whether these bytes are the DER of a key of any kind. Only the first tags are read: random bytes never match them.
pub(super) fn is_der_of_a_key(der: &[u8]) -> bool {
    BEGINNINGS.iter().any(|tags| {
        let inside = Der::only(der, SEQUENCE);
        inside.is_ok_and(|mut inside| tags.iter().all(|tag| inside.try_take(*tag).is_some()))
    })
}

/// Reads an `AlgorithmIdentifier` and returns the kind of key. The parameters must be those of the kind.
pub(super) fn shape_of(info: &mut Der<'_>) -> Result<KeyShape, KeyError> {
    let mut algorithm = Der::within(info.take(SEQUENCE)?);
    let shape = match algorithm.take(OBJECT_IDENTIFIER)? {
        EC => {
            let name = algorithm.take(OBJECT_IDENTIFIER).map_err(|_| KeyError::Unsupported)?;
            KeyShape::Ec(curve_of(name).ok_or(KeyError::Unsupported)?)
        }
        ED25519 => KeyShape::Ed25519,
        RSA => match algorithm.take(NULL)? {
            [] => KeyShape::Rsa,
            _ => return Err(KeyError::Malformed),
        },
        RSA_PSS => return Err(KeyError::Pem(PemError::PssOnly)),
        _ => return Err(KeyError::Unsupported),
    };
    algorithm.end()?;
    Ok(shape)
}

pub(super) fn curve_of(name: &[u8]) -> Option<Curve> {
    CURVES.iter().find(|(_, each)| *each == name).map(|(curve, _)| *curve)
}
