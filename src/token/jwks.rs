//! A set of keys (RFC 7517 section 5), and which of them a token means.

use std::collections::HashMap;
use std::sync::Arc;

use super::algorithm::Algorithm;
use super::error::VerifyError;
use super::header::Header;
use super::json::{Kind, Outline};
use super::key::Key;

/// The keys that an issuer signs with.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// Does a key without a name answer to other names? As a caller hands it in, it does.
    only_named: bool,
    by_kid: HashMap<String, Vec<usize>>,
}

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut set = Self::default();
        for key in keys {
            if let Some(kid) = key.kid() {
                let places = set.by_kid.entry(kid.to_owned()).or_default();
                places.push(set.keys.len());
            }
            set.keys.push(Arc::new(key));
        }
        set
    }

    /// Reads a published JWK Set. Keys that this library cannot use are passed over (RFC 7517 section 5),
    /// and so is every shared secret: one that anybody can fetch is none.
    ///
    /// `None` if it is not a JWK Set at all.
    pub fn from_published(text: &[u8]) -> Option<Self> {
        let mut outline = Outline::default();
        let text = outline.read(text)?;
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

    /// The place of the one key that a token with this header must have been signed with (RFC 7515 section 6).
    /// Only `alg` and `kid` choose: keys that a header brings along (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
    ///
    /// # Errors
    /// [`VerifyError::KeyNotFound`], [`VerifyError::KeyMismatch`] or [`VerifyError::KeyAmbiguous`].
    pub(crate) fn choose(&self, header: &Header) -> Result<(usize, &Arc<Key>), VerifyError> {
        let all = || self.keys.iter().enumerate();
        match header.kid() {
            Some(kid) => match self.by_kid.get(kid) {
                Some(places) => {
                    let mut named = places.iter().filter_map(|place| Some((*place, self.keys.get(*place)?)));
                    only(&mut named, header.alg(), VerifyError::KeyMismatch)
                }
                None if self.only_named => Err(VerifyError::KeyNotFound),
                // A key without a name, as a caller hands it in, answers to every name.
                None => only(&mut all().filter(|(_, key)| key.kid().is_none()), header.alg(), VerifyError::KeyNotFound),
            },
            None => only(&mut all(), header.alg(), VerifyError::KeyNotFound),
        }
    }
}

fn only<'k>(
    keys: &mut dyn Iterator<Item = (usize, &'k Arc<Key>)>,
    alg: Algorithm,
    none: VerifyError,
) -> Result<(usize, &'k Arc<Key>), VerifyError> {
    let mut fitting = keys.filter(|(_, key)| key.fits(alg));
    match (fitting.next(), fitting.next()) {
        (Some(chosen), None) => Ok(chosen),
        (Some(_), Some(_)) => Err(VerifyError::KeyAmbiguous),
        (None, _) => Err(none),
    }
}
