//! The public half of a stored key, and its algorithm. Both are parsed once, and written as they were read: a key of a later version
//! stays intact in the ring, though this version can neither sign nor verify with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::token::{Algorithm, Key};

/// The algorithm of a stored key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub(super) enum KeyAlgorithm {
    /// An algorithm by the name that this version writes.
    Known(Algorithm),
    /// A name that a later version wrote: of an algorithm of its own, or another one of a known algorithm.
    Other { name: String, algorithm: Option<Algorithm> },
}

impl KeyAlgorithm {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Known(algorithm) => algorithm.name(),
            Self::Other { name, .. } => name,
        }
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Known(algorithm) => Some(*algorithm),
            Self::Other { algorithm, .. } => *algorithm,
        }
    }
}

impl From<String> for KeyAlgorithm {
    fn from(name: String) -> Self {
        match Algorithm::from_name(&name) {
            Some(algorithm) if algorithm.name() == name => Self::Known(algorithm),
            algorithm => Self::Other { name, algorithm },
        }
    }
}

impl From<KeyAlgorithm> for String {
    fn from(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::Known(algorithm) => algorithm.name().to_owned(),
            KeyAlgorithm::Other { name, .. } => name,
        }
    }
}

/// The public half of a stored key. A clone shares it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(from = "Value", into = "Value")]
pub(super) struct PublicHalf(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    jwk: Value,
    /// `None` for a key of a later version.
    key: Option<Key>,
    /// The RFC 7638 thumbprint; empty for a key of a later version.
    thumbprint: String,
}

impl PublicHalf {
    /// The public half of a key of this version.
    pub(super) fn of(key: &Key) -> Self {
        Self::from(key.public_jwk().unwrap_or_default())
    }

    pub(super) fn jwk(&self) -> &Value {
        &self.0.jwk
    }

    pub(super) fn key(&self) -> Option<&Key> {
        self.0.key.as_ref()
    }

    pub(super) fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }
}

impl From<Value> for PublicHalf {
    fn from(jwk: Value) -> Self {
        let key = jwk.as_object().and_then(|members| Key::from_jwk(members).ok());
        let thumbprint = key.as_ref().map(Key::thumbprint).unwrap_or_default();
        Self(Arc::new(Parsed { jwk, key, thumbprint }))
    }
}

impl From<PublicHalf> for Value {
    fn from(public: PublicHalf) -> Self {
        public.jwk().clone()
    }
}
