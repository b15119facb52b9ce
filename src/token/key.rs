//! Keys as JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2): public keys and shared secrets.
//!
//! Private keys never pass through here: whoever signs holds them as opaque handles.

use std::fmt;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::algorithm::{Algorithm, Curve, KeyShape};
use super::base64url;

/// A key that can check signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kid: Option<String>,
    alg: Option<Algorithm>,
    material: Material,
}

/// The numbers of a key.
#[derive(Clone, PartialEq, Eq)]
enum Material {
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
    /// The platform has the numbers and shows them to nobody, as a WebCrypto `CryptoKey` may.
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

/// Why a JWK was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A member is missing, of the wrong type, or not canonical base64url of the right length.
    Malformed,
    /// Private members where a public key was meant.
    Private,
    /// `kty`, `crv` or `alg` is not on the list, or they contradict each other.
    Unsupported,
    /// `use` or `key_ops` does not allow checking signatures.
    WrongUse,
    /// RSA below 2048 bits or with an odd exponent, a small-order Ed25519 point, a secret shorter than its hash.
    Weak,
}

impl KeyError {
    /// A sentence for whoever sent the key.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "a JWK member is missing or malformed",
            Self::Private => "the JWK holds a private key where a public one belongs",
            Self::Unsupported => "the JWK's kty, crv and alg are unknown or contradict each other",
            Self::WrongUse => "the JWK's use or key_ops does not allow verifying signatures",
            Self::Weak => "the JWK is too weak",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for KeyError {}

/// RSA moduli below this are refused (RFC 7518 section 3.3), and above the other for the work they cost.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

impl Key {
    /// Reads a JWK: a public key, or a shared secret (`oct`).
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with it.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyError::Private);
        }
        let kid = optional_text(jwk, "kid")?.map(str::to_owned);
        let alg = match optional_text(jwk, "alg")? {
            Some(name) => Some(Algorithm::from_name(name).ok_or(KeyError::Unsupported)?),
            None => None,
        };
        check_use(jwk)?;
        let material = Material::from_jwk(jwk)?;
        if alg.is_some_and(|alg| alg.key_shape() != material.shape()) {
            return Err(KeyError::Unsupported);
        }
        material.check_strength(alg)?;
        Ok(Self { kid, alg, material })
    }

    /// A shared secret for one HMAC algorithm.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] if the algorithm is not an HMAC, [`KeyError::Weak`] if the secret is
    /// shorter than the hash (RFC 7518 section 3.2).
    pub fn from_secret(secret: &[u8], alg: Algorithm) -> Result<Self, KeyError> {
        if alg.key_shape() != KeyShape::Octets {
            return Err(KeyError::Unsupported);
        }
        let material = Material::Octets { k: secret.to_vec() };
        material.check_strength(Some(alg))?;
        Ok(Self { kid: None, alg: Some(alg), material })
    }

    /// Stands for a key that the platform holds as an opaque handle, for one algorithm. Whoever made the handle
    /// answers for its strength.
    pub fn from_handle(alg: Algorithm) -> Self {
        Self { kid: None, alg: Some(alg), material: Material::Handle { shape: alg.key_shape() } }
    }

    /// The key's identifier.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that the key says it is for.
    pub fn alg(&self) -> Option<Algorithm> {
        self.alg
    }

    /// The shape that decides which algorithms can use it.
    pub fn shape(&self) -> KeyShape {
        self.material.shape()
    }

    /// May a signature with this algorithm be checked with this key?
    /// The key decides; the token's `alg` only has to agree.
    pub fn fits(&self, alg: Algorithm) -> bool {
        self.shape() == alg.key_shape()
            && self.alg.is_none_or(|own| own == alg)
            && self.material.check_strength(Some(alg)).is_ok()
    }

    /// Is it a shared secret, which must never come from a published set?
    pub fn is_secret(&self) -> bool {
        self.shape() == KeyShape::Octets
    }

    /// The bytes of a shared secret; `None` for a public key, so that one can never serve as the other,
    /// and for a handle.
    pub fn secret_bytes(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Octets { k } => Some(k),
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Handle { .. } | Material::Rsa { .. } => None,
        }
    }

    /// The key as a JWK with only the members that make it (what WebCrypto imports); `None` for a shared secret
    /// and for a handle.
    pub fn public_jwk(&self) -> Option<Value> {
        let encode = base64url::encode;
        match &self.material {
            Material::Ec { curve, x, y } => {
                Some(json!({ "crv": curve.name(), "kty": "EC", "x": encode(x), "y": encode(y) }))
            }
            Material::Ed25519 { x } => Some(json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(x) })),
            Material::Rsa { n, e } => Some(json!({ "e": encode(e), "kty": "RSA", "n": encode(n) })),
            Material::Handle { .. } | Material::Octets { .. } => None,
        }
    }

    /// The JWK thumbprint with SHA-256 (RFC 7638), base64url: what we use as `kid`. Empty for a handle, whose
    /// numbers are not here to be hashed.
    pub fn thumbprint(&self) -> String {
        let canonical = match &self.material {
            Material::Handle { .. } => return String::new(),
            Material::Octets { k } => json!({ "k": base64url::encode(k), "kty": "oct" }),
            // serde_json's map is sorted by name, which is the canonical order of section 3.
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Rsa { .. } => {
                self.public_jwk().unwrap_or_default()
            }
        };
        base64url::encode(&Sha256::digest(canonical.to_string()))
    }
}

// A key may be a shared secret: it never prints its material.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

impl Material {
    fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        match required_text(jwk, "kty")? {
            "EC" => {
                let curve = Curve::from_name(required_text(jwk, "crv")?);
                let curve = curve.ok_or(KeyError::Unsupported)?;
                let coordinate = |name| fixed_bytes(jwk, name, curve.coordinate_len());
                Ok(Self::Ec { curve, x: coordinate("x")?, y: coordinate("y")? })
            }
            "OKP" if required_text(jwk, "crv")? == "Ed25519" => Ok(Self::Ed25519 { x: fixed_bytes(jwk, "x", 32)? }),
            "RSA" => Ok(Self::Rsa { n: bytes(jwk, "n")?, e: bytes(jwk, "e")? }),
            "oct" => Ok(Self::Octets { k: bytes(jwk, "k")? }),
            _ => Err(KeyError::Unsupported),
        }
    }

    fn shape(&self) -> KeyShape {
        match self {
            Self::Ec { curve, .. } => KeyShape::Ec(*curve),
            Self::Ed25519 { .. } => KeyShape::Ed25519,
            Self::Handle { shape } => *shape,
            Self::Octets { .. } => KeyShape::Octets,
            Self::Rsa { .. } => KeyShape::Rsa,
        }
    }

    /// Whether a point lies on its curve is left to the code that does the arithmetic, which all refuse it.
    fn check_strength(&self, alg: Option<Algorithm>) -> Result<(), KeyError> {
        let strong = match self {
            Self::Ec { .. } | Self::Handle { .. } => true,
            Self::Ed25519 { x } => !is_small_order(x),
            Self::Octets { k } => k.len() >= alg.map_or(32, Algorithm::min_secret_len),
            Self::Rsa { n, e } => {
                let odd_and_sane = e.last().is_some_and(|low| low & 1 == 1)
                    && (e.len() > 1 || e.first().is_some_and(|e| *e >= 3))
                    && e.len() <= 4;
                let canonical = n.first() != Some(&0) && e.first() != Some(&0);
                let odd_modulus = n.last().is_some_and(|low| low & 1 == 1);
                odd_and_sane && canonical && odd_modulus && RSA_BITS.contains(&bit_len(n))
            }
        };
        if strong { Ok(()) } else { Err(KeyError::Weak) }
    }
}

/// The encodings of the eight points of small order and their non-canonical twins, the sign bit aside:
/// under such a key, one signature holds for every message. Checked against curve25519-dalek in a test.
const SMALL_ORDER: [[u8; 32]; 7] = [
    little_endian(0x00, 0x00, 0x00),
    little_endian(0x01, 0x00, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

const fn little_endian(low: u8, middle: u8, high: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = low;
    bytes[31] = high;
    bytes
}

fn is_small_order(x: &[u8]) -> bool {
    let Some((last, rest)) = x.split_last() else {
        return true;
    };
    SMALL_ORDER
        .iter()
        .filter_map(|point| point.split_last())
        .any(|(low_last, low_rest)| low_rest == rest && *low_last == last & 0x7f)
}

fn bit_len(n: &[u8]) -> usize {
    n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize)
}

fn check_use(jwk: &Map<String, Value>) -> Result<(), KeyError> {
    if optional_text(jwk, "use")?.is_some_and(|usage| usage != "sig") {
        return Err(KeyError::WrongUse);
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => Ok(()),
        Some(Value::Array(_)) => Err(KeyError::WrongUse),
        Some(_) => Err(KeyError::Malformed),
    }
}

fn optional_text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, KeyError> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Malformed),
    }
}

fn required_text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<&'j str, KeyError> {
    optional_text(jwk, name)?.ok_or(KeyError::Malformed)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(required_text(jwk, name)?.as_bytes()).ok_or(KeyError::Malformed)
}

fn fixed_bytes(jwk: &Map<String, Value>, name: &str, len: usize) -> Result<Vec<u8>, KeyError> {
    let bytes = bytes(jwk, name)?;
    if bytes.len() == len { Ok(bytes) } else { Err(KeyError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(jwk: Value) -> Result<Key, KeyError> {
        Key::from_jwk(jwk.as_object().unwrap())
    }

    fn rsa(bits: usize, e: &str) -> Value {
        json!({ "kty": "RSA", "n": base64url::encode(&vec![0xff; bits / 8]), "e": e })
    }

    #[test]
    fn a_private_key_is_not_taken_for_a_public_one() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(parse(jwk), Err(KeyError::Private));
    }

    #[test]
    fn strength() {
        assert!(parse(rsa(2048, "AQAB")).is_ok());
        assert_eq!(parse(rsa(1024, "AQAB")), Err(KeyError::Weak));
        assert_eq!(parse(rsa(16384, "AQAB")), Err(KeyError::Weak));
        for exponent in ["AQ", "AQAC", "AAEAAQ", "AQAAAAAAAQ"] {
            assert_eq!(parse(rsa(2048, exponent)), Err(KeyError::Weak), "{exponent}");
        }
        let secret = |len: usize| json!({ "kty": "oct", "alg": "HS256", "k": base64url::encode(&vec![7; len]) });
        assert!(parse(secret(32)).is_ok());
        assert_eq!(parse(secret(31)), Err(KeyError::Weak));
        let long = Key::from_secret(&[7; 64], Algorithm::Hs512).unwrap();
        assert!(long.fits(Algorithm::Hs512) && !long.fits(Algorithm::Hs256));
    }

    #[test]
    fn use_and_operations_must_allow_it() {
        let with = |name: &str, value: Value| {
            let mut jwk = rsa(2048, "AQAB");
            jwk.as_object_mut().unwrap().insert(name.into(), value);
            parse(jwk)
        };
        assert!(with("use", json!("sig")).is_ok());
        assert!(with("key_ops", json!(["verify"])).is_ok());
        assert_eq!(with("use", json!("enc")), Err(KeyError::WrongUse));
        assert_eq!(with("key_ops", json!(["encrypt"])), Err(KeyError::WrongUse));
        assert_eq!(with("key_ops", json!("verify")), Err(KeyError::Malformed));
        assert_eq!(with("alg", json!("ES256")), Err(KeyError::Unsupported));
        assert_eq!(with("alg", json!("none")), Err(KeyError::Unsupported));
        assert_eq!(with("kid", json!(1)), Err(KeyError::Malformed));
    }

    #[test]
    fn a_secret_never_shows_its_bytes() {
        let key = Key::from_secret(b"0123456789abcdef0123456789abcdef", Algorithm::Hs256).unwrap();
        assert!(!format!("{key:?}").contains("0123"));
        assert_eq!(key.public_jwk(), None);
    }

    #[test]
    fn a_handle_is_for_its_one_algorithm_and_shows_nothing() {
        let key = Key::from_handle(Algorithm::Hs256);
        assert!(key.fits(Algorithm::Hs256) && !key.fits(Algorithm::Hs512) && !key.fits(Algorithm::Es256));
        assert!(key.is_secret() && key.secret_bytes().is_none() && key.public_jwk().is_none());
        assert!(key.thumbprint().is_empty());
    }

    #[cfg(feature = "portable")]
    #[test]
    fn every_listed_point_is_of_small_order_and_no_other_is_listed() {
        for mut point in SMALL_ORDER {
            for sign in [0, 0x80] {
                point[31] = (point[31] & 0x7f) | sign;
                // Some non-canonical encodings are no point at all to dalek; none may be a strong key.
                let weak = ed25519_dalek::VerifyingKey::from_bytes(&point).is_ok_and(|key| !key.is_weak());
                assert!(!weak, "{point:?}");
                assert!(is_small_order(&point));
            }
        }
        let strong = base64url::decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert!(!is_small_order(&strong));
    }
}
