//! Identifiers of records that are derived from what the record is about, so that a request leads to the record without an index.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::token::base64url;

/// The identifier of a record: 128 bits of the SHA-256 digest of its subject, in base64url. `K` is the kind of record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent, bound = "")]
pub struct DerivedId<K> {
    text: String,
    #[serde(skip)]
    kind: PhantomData<K>,
}

impl<K> DerivedId<K> {
    /// Returns the identifier of the record about this subject.
    pub fn of(subject: &str) -> Self {
        let digest = Sha256::digest(subject.as_bytes());
        Self { text: base64url::encode(digest.get(..16).unwrap_or_default()), kind: PhantomData }
    }

    /// Parses an identifier. `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        (base64url::decode(text.as_bytes())?.len() == 16).then(|| Self { text: text.to_owned(), kind: PhantomData })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K> fmt::Display for DerivedId<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
