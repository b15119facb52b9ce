//! Public keys in DER: `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7; RFC 3279 section 2.3.1 for RSA, RFC 5480 section 2
//! for elliptic curves, RFC 8410 section 4 for Ed25519).

use super::der::{BIT_STRING, Der, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, write};
use super::error::KeyError;
use super::error::PemError;
use super::material::Material;
use crate::token::algorithm::{Curve, KeyShape};

/// Object identifiers, as they stand in DER.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const CURVES: [(Curve, &[u8]); 3] = [
    (Curve::P256, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    (Curve::P384, &[0x2b, 0x81, 0x04, 0x00, 0x22]),
    (Curve::P521, &[0x2b, 0x81, 0x04, 0x00, 0x23]),
];

/// Reads one public key and nothing after it.
pub(super) fn read(der: &[u8]) -> Result<Material, KeyError> {
    let mut info = Der::only(der, SEQUENCE)?;
    let shape = shape_of(&mut info)?;
    let bytes = info.bit_string()?;
    info.end()?;
    if shape != KeyShape::Rsa {
        return Material::from_raw(bytes, shape);
    }
    let mut numbers = Der::only(bytes, SEQUENCE)?;
    let (n, e) = (numbers.positive()?.to_vec(), numbers.positive()?.to_vec());
    numbers.end()?;
    Ok(Material::Rsa { n, e })
}

/// Writes a public key; `None` for a secret and for a handle.
pub(super) fn to_der(material: &Material) -> Option<Vec<u8>> {
    let (algorithm, key) = match material {
        Material::Ec { curve, x, y } => {
            let (_, name) = CURVES.iter().find(|(each, _)| each == curve)?;
            let names = [write(OBJECT_IDENTIFIER, &[EC]), write(OBJECT_IDENTIFIER, &[name])];
            (names.concat(), [&[4], &x[..], &y[..]].concat())
        }
        Material::Ed25519 { x } => (write(OBJECT_IDENTIFIER, &[ED25519]), x.clone()),
        Material::Rsa { n, e } => {
            let number = |bytes: &[u8]| {
                let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { &[0][..] } else { &[] };
                write(INTEGER, &[sign, bytes])
            };
            let names = [write(OBJECT_IDENTIFIER, &[RSA]), write(NULL, &[])];
            (names.concat(), write(SEQUENCE, &[&number(n), &number(e)]))
        }
        Material::Handle { .. } | Material::Octets { .. } => return None,
    };
    Some(write(SEQUENCE, &[&write(SEQUENCE, &[&algorithm]), &write(BIT_STRING, &[&[0], &key])]))
}

/// How keys of all kinds begin, within their sequence: as this structure, a certificate (RFC 5280 section 4.1), PKCS#8, RSA
/// numbers (RFC 8017 appendix A.1), and an EC key (RFC 5915 section 3).
const BEGINNINGS: [&[u8]; 5] = [
    &[SEQUENCE, BIT_STRING],
    &[SEQUENCE, SEQUENCE, BIT_STRING],
    &[INTEGER, SEQUENCE, OCTET_STRING],
    &[INTEGER, INTEGER],
    &[INTEGER, OCTET_STRING],
];

/// Is it the DER of a key, of whatever kind and algorithm? Not every part is looked at: what is random never looks like it.
pub(super) fn is_der_of_a_key(der: &[u8]) -> bool {
    BEGINNINGS.iter().any(|tags| {
        let inside = Der::only(der, SEQUENCE);
        inside.is_ok_and(|mut inside| tags.iter().all(|tag| inside.try_take(*tag).is_some()))
    })
}

/// Takes the identifier of the algorithm: which kind of key is it? The parameters must be those that belong to it.
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
