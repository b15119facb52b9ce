//! A set of keys (RFC 7517 section 5), and which of them a token means.

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::error::VerifyError;
use super::header::Header;
use super::json::{Kind, Outline};
use super::key::Key;

/// How many different keys are tried for a token that does not say which one signed it. Each costs a check of a signature,
/// also for a forged token.
pub(crate) const MAX_CANDIDATES: usize = 4;

/// A byte order mark, which an editor may have left before a published set (RFC 8259 section 8.1 lets a parser ignore it).
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A key, and its place among all of them.
pub(crate) type Candidate = (usize, Arc<Key>);

/// The keys that an issuer signs with.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// Does a key without a name answer to other names? As a caller hands it in, it does.
    only_named: bool,
}

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self { keys: keys.into_iter().map(Arc::new).collect(), only_named: false }
    }

    /// Reads a published JWK Set. Keys that this library cannot use are passed over (RFC 7517 section 5),
    /// and so is every shared secret: one that anybody can fetch is none.
    ///
    /// `None` if it is not a JWK Set at all.
    pub fn from_published(text: &[u8]) -> Option<Self> {
        let mut outline = Outline::default();
        let text = outline.read(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))?;
        let keys = outline.find(text, "keys").filter(|keys| keys.kind() == Kind::Array)?;
        let usable = keys
            .items(text)
            .filter_map(|jwk| Key::from_jwk_text(jwk.source(text).as_bytes()).ok())
            .filter(|key| !key.is_secret());
        // A published key without a name answers to no name: one that is not there may be that of a newer key.
        Some(Self { only_named: true, ..Self::new(usable) })
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter()
    }

    /// The key at a place, counted from zero in the order in which they came.
    pub fn get(&self, place: usize) -> Option<&Arc<Key>> {
        self.keys.get(place)
    }

    /// The keys of which one must have signed a token with this header (RFC 7515 section 6), in their order: at least one, and no key
    /// twice. Only `alg` and `kid` choose: keys that a header brings along (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
    ///
    /// # Errors
    /// [`VerifyError::KeyNotFound`], [`VerifyError::KeyMismatch`], or [`VerifyError::KeyAmbiguous`] if there are more than
    /// [`MAX_CANDIDATES`].
    pub(crate) fn choose(&self, header: &Header) -> Result<Vec<Candidate>, VerifyError> {
        // Keys are few, and a verifier of many tokens remembers their headers.
        match header.kid() {
            Some(kid) if self.keys.iter().any(|key| key.kid() == Some(kid)) => {
                self.fitting(Some(Some(kid)), header.alg(), VerifyError::KeyMismatch)
            }
            Some(_) if self.only_named => Err(VerifyError::KeyNotFound),
            // A key without a name, as a caller hands it in, answers to every name.
            Some(_) => self.fitting(Some(None), header.alg(), VerifyError::KeyNotFound),
            None => self.fitting(None, header.alg(), VerifyError::KeyNotFound),
        }
    }

    /// The keys that fit the algorithm, of those with this `kid` if there is one to be had.
    fn fitting(
        &self,
        kid: Option<Option<&str>>,
        alg: Algorithm,
        none: VerifyError,
    ) -> Result<Vec<Candidate>, VerifyError> {
        let mut found: Vec<Candidate> = Vec::new();
        for (place, key) in self.keys.iter().enumerate() {
            let is_meant = kid.is_none_or(|kid| key.kid() == kid);
            if !is_meant || !key.fits(alg) || found.iter().any(|(_, other)| other.is_same(key)) {
                continue;
            }
            if found.len() == MAX_CANDIDATES {
                return Err(VerifyError::KeyAmbiguous);
            }
            found.push((place, Arc::clone(key)));
        }
        if found.is_empty() { Err(none) } else { Ok(found) }
    }
}
