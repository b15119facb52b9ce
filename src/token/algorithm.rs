//! The closed list of signature algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1).
//!
//! `none` is not on it, so no value of this type can stand for an unsigned token.

use std::fmt;

/// A JWS signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// EdDSA with Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

/// The shape of key that an algorithm works with; a key of another shape is never tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShape {
    /// An elliptic curve of that name.
    Ec(Curve),
    /// Ed25519.
    Ed25519,
    /// A shared secret.
    Octets,
    /// RSA.
    Rsa,
}

/// A NIST curve (RFC 7518 section 6.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// P-256, 32-byte coordinates.
    P256,
    /// P-384, 48-byte coordinates.
    P384,
    /// P-521, 66-byte coordinates.
    P521,
}

impl Algorithm {
    /// Every algorithm, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The asymmetric ones: what a published key may name.
    pub const ASYMMETRIC: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// Reads an `alg` value. `Ed25519` (RFC 9864) is the same algorithm as `EdDSA` with that key.
    /// `None` for anything not on the list, `none` included.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// The registered name, as it stands in `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The shape of key that this algorithm needs.
    pub const fn key_shape(self) -> KeyShape {
        match self {
            Self::EdDsa => KeyShape::Ed25519,
            Self::Es256 => KeyShape::Ec(Curve::P256),
            Self::Es384 => KeyShape::Ec(Curve::P384),
            Self::Es512 => KeyShape::Ec(Curve::P521),
            Self::Hs256 | Self::Hs384 | Self::Hs512 => KeyShape::Octets,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => KeyShape::Rsa,
        }
    }

    /// The bytes of a signature where the algorithm fixes them; `None` for RSA, where the key does.
    pub const fn signature_len(self) -> Option<usize> {
        match self {
            Self::EdDsa | Self::Es256 => Some(64),
            Self::Es384 => Some(96),
            Self::Es512 => Some(132),
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => None,
        }
    }

    /// The least bytes that a shared secret must have: the size of the hash (RFC 7518 section 3.2).
    /// Zero for the asymmetric algorithms.
    pub const fn min_secret_len(self) -> usize {
        match self.key_shape() {
            KeyShape::Octets => match self.signature_len() {
                Some(len) => len,
                None => 0,
            },
            KeyShape::Ec(_) | KeyShape::Ed25519 | KeyShape::Rsa => 0,
        }
    }
}

impl Curve {
    /// The registered name, as it stands in `crv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The bytes of one coordinate.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Reads a `crv` value.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_none_is_no_algorithm() {
        for alg in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(alg.name()), Some(alg));
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
        for name in ["none", "None", "NONE", "es256", "ES256K", "", "HS1"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn asymmetric_is_all_without_the_shared_secrets() {
        let expected: Vec<_> = Algorithm::ALL.into_iter().filter(|alg| alg.key_shape() != KeyShape::Octets).collect();
        assert_eq!(Algorithm::ASYMMETRIC.to_vec(), expected);
    }
}
