//! The material of a key: its public numbers or secret bytes, and their strength.

use super::disguise;
use super::error::KeyError;
use super::jwk::{Jwk, fixed_bytes, required_bytes, required_text, write_bytes, write_text};
use super::numbers::is_sound_rsa;
use crate::token::algorithm::{Algorithm, Curve, KeyShape};

/// The numbers of a public key, or the bytes of a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Material {
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
    /// The platform has the numbers and does not export them, as with a WebCrypto `CryptoKey`.
    Handle {
        shape: KeyShape,
    },
    Octets {
        k: Vec<u8>,
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl Material {
    /// Reads the members that RFC 7518 section 6 and RFC 8037 section 2 name, the private ones aside.
    pub(super) fn from_jwk(jwk: &dyn Jwk) -> Result<Self, KeyError> {
        match &*required_text(jwk, "kty")? {
            "EC" => {
                let curve = Curve::from_name(&required_text(jwk, "crv")?);
                let curve = curve.ok_or(KeyError::Unsupported)?;
                let coordinate = |name| fixed_bytes(jwk, name, curve.coordinate_len());
                Ok(Self::Ec { curve, x: coordinate("x")?, y: coordinate("y")? })
            }
            "OKP" if required_text(jwk, "crv")? == "Ed25519" => Ok(Self::Ed25519 { x: fixed_bytes(jwk, "x", 32)? }),
            "RSA" => Ok(Self::Rsa { n: required_bytes(jwk, "n")?, e: required_bytes(jwk, "e")? }),
            "oct" => Ok(Self::Octets { k: required_bytes(jwk, "k")? }),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// Reads what WebCrypto calls `raw`: the bytes of a secret or of an Ed25519 key, or an EC point that is not
    /// compressed (SEC 1 section 2.3.4).
    pub(super) fn from_raw(bytes: &[u8], shape: KeyShape) -> Result<Self, KeyError> {
        match shape {
            KeyShape::Ec(curve) => {
                let (form, coordinates) = bytes.split_first().ok_or(KeyError::Malformed)?;
                let (x, y) = coordinates.split_at_checked(curve.coordinate_len()).ok_or(KeyError::Malformed)?;
                if *form != 4 || y.len() != curve.coordinate_len() {
                    return Err(KeyError::Malformed);
                }
                Ok(Self::Ec { curve, x: x.to_vec(), y: y.to_vec() })
            }
            KeyShape::Ed25519 if bytes.len() == 32 => Ok(Self::Ed25519 { x: bytes.to_vec() }),
            KeyShape::Ed25519 => Err(KeyError::Malformed),
            KeyShape::Octets => Ok(Self::Octets { k: bytes.to_vec() }),
            KeyShape::Rsa => Err(KeyError::Unsupported),
        }
    }

    pub(super) fn shape(&self) -> KeyShape {
        match self {
            Self::Ec { curve, .. } => KeyShape::Ec(*curve),
            Self::Ed25519 { .. } => KeyShape::Ed25519,
            Self::Handle { shape } => *shape,
            Self::Octets { .. } => KeyShape::Octets,
            Self::Rsa { .. } => KeyShape::Rsa,
        }
    }

    /// The JWK with only the members that make the key, ordered by name (RFC 7638 section 3.2) and still without its closing
    /// brace; empty for a handle.
    pub(super) fn open_jwk(&self) -> String {
        let mut jwk = String::new();
        match self {
            Self::Ec { curve, x, y } => {
                write_text(&mut jwk, "crv", curve.name());
                write_text(&mut jwk, "kty", "EC");
                write_bytes(&mut jwk, "x", x);
                write_bytes(&mut jwk, "y", y);
            }
            Self::Ed25519 { x } => {
                write_text(&mut jwk, "crv", "Ed25519");
                write_text(&mut jwk, "kty", "OKP");
                write_bytes(&mut jwk, "x", x);
            }
            Self::Handle { .. } => {}
            Self::Octets { k } => {
                write_bytes(&mut jwk, "k", k);
                write_text(&mut jwk, "kty", "oct");
            }
            Self::Rsa { n, e } => {
                write_bytes(&mut jwk, "e", e);
                write_text(&mut jwk, "kty", "RSA");
                write_bytes(&mut jwk, "n", n);
            }
        }
        jwk
    }

    /// Whether a point lies on its curve is left to the code that does the arithmetic, which all refuse it.
    pub(super) fn check_strength(&self) -> Result<(), KeyError> {
        match self {
            Self::Ec { .. } | Self::Handle { .. } => Ok(()),
            Self::Ed25519 { x } => strong(is_sound_point(x)),
            Self::Octets { k } if disguise::is_a_key(k) => Err(KeyError::Disguised),
            Self::Octets { .. } => strong(self.is_long_enough(Algorithm::Hs256)),
            Self::Rsa { n, e } => strong(is_sound_rsa(n, e)),
        }
    }

    pub(super) fn admits(&self, signature: &[u8]) -> bool {
        match self {
            // Without leading zeros in the modulus, big-endian bytes of one length order as the numbers do.
            Self::Rsa { n, .. } => signature.len() == n.len() && signature < n.as_slice(),
            Self::Ed25519 { .. } | Self::Handle { shape: KeyShape::Ed25519 } => {
                signature.first_chunk::<32>().is_some_and(|r| is_sound_point(r))
            }
            Self::Ec { .. } | Self::Handle { .. } | Self::Octets { .. } => true,
        }
    }

    /// Is a secret at least as long as the hash (RFC 7518 section 3.2)? No other key is too short for its algorithms.
    pub(super) fn is_long_enough(&self, alg: Algorithm) -> bool {
        !matches!(self, Self::Octets { k } if k.len() < alg.min_secret_len())
    }
}

fn strong(is_strong: bool) -> Result<(), KeyError> {
    if is_strong { Ok(()) } else { Err(KeyError::Weak) }
}

/// The y of the points of small order: 0, 1, -1, and the two of order 8. Under such a key, one signature holds for every
/// message. Checked against curve25519-dalek in a test.
const SMALL_ORDER: [[u8; 32]; 5] = [
    little_endian(0x00, 0x00, 0x00),
    little_endian(0x01, 0x00, 0x00),
    little_endian(0xec, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// 2^255 - 19: a y of this or more is a second spelling of a smaller one (RFC 8032 section 5.1.3).
const PRIME: [u8; 32] = little_endian(0xed, 0xff, 0x7f);

const fn little_endian(low: u8, middle: u8, high: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = low;
    bytes[31] = high;
    bytes
}

/// Is it the one spelling of a point that is not of small order? (Whether there is such a point is not asked.)
fn is_sound_point(x: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(x) else {
        return false;
    };
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    y.iter().rev().lt(PRIME.iter().rev()) && !SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::base64url;

    /// The nineteen y that have a second spelling below 2^255, each with and without the sign bit.
    fn second_spellings() -> impl Iterator<Item = [u8; 32]> {
        (0xed..=0xff).flat_map(|low| [0x7f, 0xff].map(|high| little_endian(low, 0xff, high)))
    }

    #[test]
    fn no_second_spelling_is_a_point() {
        assert_eq!(second_spellings().count(), 38);
        assert!(second_spellings().all(|point| !is_sound_point(&point)));
        assert!(is_sound_point(&base64url::decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap()));
        // The largest y that there is, -3, has nothing to be said against it.
        assert!(is_sound_point(&little_endian(0xea, 0xff, 0x7f)));
        assert!(!is_sound_point(&[7; 31]) && !is_sound_point(&[7; 33]) && !is_sound_point(&[]));
    }

    #[cfg(feature = "ed25519")]
    #[test]
    fn soundness_is_what_dalek_says_of_a_point() {
        use curve25519_dalek::edwards::CompressedEdwardsY;

        // Decoding and encoding again tells whether the spelling was the one.
        let by_dalek = |spelling: [u8; 32]| {
            let point = CompressedEdwardsY(spelling).decompress()?;
            Some(point.compress().0 == spelling && !point.is_small_order())
        };
        let with_sign = |y: [u8; 32]| {
            let mut negative = y;
            negative[31] |= 0x80;
            [y, negative]
        };
        let any = (0..2_000_u16).map(|n| {
            let mut y = [0x55; 32];
            y[..2].copy_from_slice(&n.to_le_bytes());
            y
        });
        let mut points = 0;
        for spelling in any.chain(SMALL_ORDER).flat_map(with_sign).chain(second_spellings()) {
            if let Some(sound) = by_dalek(spelling) {
                points += 1;
                assert_eq!(is_sound_point(&spelling), sound, "{spelling:?}");
            }
        }
        // Every second y has a point.
        assert!((1_800..2_200).contains(&points), "{points}");
    }

    #[cfg(feature = "ed25519")]
    #[test]
    fn the_list_of_small_order_is_whole() {
        use curve25519_dalek::constants::EIGHT_TORSION;

        let mut known: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().0).collect();
        known.iter_mut().for_each(|spelling| spelling[31] &= 0x7f);
        known.sort_unstable();
        known.dedup();
        let mut listed = SMALL_ORDER;
        listed.sort_unstable();
        assert_eq!(listed.to_vec(), known);
    }
}
