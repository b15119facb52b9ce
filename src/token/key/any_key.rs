//! A key of any kind, for callers that only pass keys on.

use super::Key;
use super::error::KeyError;
use super::jwk::{JwkText, Use, check_use, is_private};
use super::private_key::PrivateKey;
use crate::token::algorithm::Algorithm;

/// A key of any kind. Its `Debug` output contains no secret.
#[derive(Clone, Debug)]
pub enum AnyKey {
    /// The public half of a pair: it checks.
    Public(Key),
    /// A pair: it signs.
    Private(PrivateKey),
    /// A shared secret: it does both.
    Secret(Key),
}

impl From<Key> for AnyKey {
    fn from(key: Key) -> Self {
        if key.is_secret() { Self::Secret(key) } else { Self::Public(key) }
    }
}

impl AnyKey {
    /// Reads a JWK from its text: strict JSON, one object, no member twice. Its `use` and `key_ops` must allow all that a
    /// key of the kind can do.
    ///
    /// # Errors
    /// As for [`Key::from_jwk_text`] and [`PrivateKey::from_jwk_text`].
    pub fn from_jwk_text(text: &[u8]) -> Result<Self, KeyError> {
        let jwk = JwkText::read(text)?;
        if is_private(&jwk) {
            return PrivateKey::read(&jwk).map(Self::Private);
        }
        let key = Self::from(Key::read(&jwk)?);
        if matches!(key, Self::Secret(_)) {
            check_use(&jwk, Use::Both)?;
        }
        Ok(key)
    }

    /// The key, for this one algorithm.
    ///
    /// # Errors
    /// As for [`Key::for_algorithm`].
    pub fn for_algorithm(mut self, alg: Algorithm) -> Result<Self, KeyError> {
        self.bind(alg)?;
        Ok(self)
    }

    pub(crate) fn bind(&mut self, alg: Algorithm) -> Result<(), KeyError> {
        match self {
            Self::Public(key) | Self::Secret(key) => key.bind(alg),
            Self::Private(key) => key.bind(alg),
        }
    }

    /// `public`, `private` or `secret`, as WebCrypto says.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Public(_) => "public",
            Self::Private(_) => "private",
            Self::Secret(_) => "secret",
        }
    }

    /// What checks the signatures of this key: the public half of a pair, or the key itself.
    pub const fn verifying(&self) -> &Key {
        match self {
            Self::Public(key) | Self::Secret(key) => key,
            Self::Private(key) => key.public(),
        }
    }

    /// The JWK with only the members that make the key. It is as secret as the key.
    pub fn to_jwk_text(&self) -> String {
        match self {
            Self::Public(key) | Self::Secret(key) => key.whole_jwk_text(),
            Self::Private(key) => key.to_jwk_text(),
        }
    }
}
