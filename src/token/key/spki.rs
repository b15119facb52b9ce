//! Public keys in DER: `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7; RFC 3279 section 2.3.1 for RSA, RFC 5480 section 2
//! for elliptic curves, RFC 8410 section 4 for Ed25519).

use super::algorithm_identifier::{CURVES, EC, ED25519, RSA, shape_of};
use super::der::{BIT_STRING, Der, NULL, OBJECT_IDENTIFIER, SEQUENCE, write, write_integer};
use super::error::KeyError;
use super::material::Material;
use crate::token::algorithm::KeyShape;

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
            let names = [write(OBJECT_IDENTIFIER, &[RSA]), write(NULL, &[])];
            (names.concat(), write(SEQUENCE, &[&write_integer(n), &write_integer(e)]))
        }
        Material::Handle { .. } | Material::Octets { .. } => return None,
    };
    Some(write(SEQUENCE, &[&write(SEQUENCE, &[&algorithm]), &write(BIT_STRING, &[&[0], &key])]))
}
