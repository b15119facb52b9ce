//! The ring: all keys of one issuer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SIGNING_ALGORITHMS;
use super::key::{RevokedKey, SigningKey, Stage};
use super::key_id::KeyId;
use super::schedule::OVERDUE;
use super::terms::Terms;
use crate::token::{Algorithm, KeySet, UnixTime};

/// All keys of one issuer that are not gone, with their private halves: it is only stored sealed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Ring {
    /// The number of changes: of two rings, the one with more is newer.
    #[serde(default)]
    pub(super) version: u64,
    pub(super) keys: Vec<SigningKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) revoked: Vec<RevokedKey>,
}

impl Ring {
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All keys that are not gone.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The key with this identifier.
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid.as_str() == kid)
    }

    /// The revoked key with this identifier.
    pub fn revoked(&self, kid: &str) -> Option<&RevokedKey> {
        self.revoked.iter().find(|key| key.kid.as_str() == kid)
    }

    /// Returns the key that signs with this algorithm now.
    pub fn signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        let signing = self.of(algorithm).filter(|key| key.stage(now) == Stage::Active);
        signing.max_by_key(|key| key.sign_from)
    }

    /// Returns the key that signs now where no algorithm is requested: of the first configured algorithm that has one, or else of
    /// any algorithm, since a newly configured one waits until its first key is known everywhere. After a compromise a key may
    /// sign before it is known everywhere: then a key of another algorithm that every verifier has is preferred.
    pub fn preferred_signer(&self, configured: &[Algorithm], now: UnixTime) -> Option<&SigningKey> {
        let signers = || configured.iter().chain(&SIGNING_ALGORITHMS).filter_map(|each| self.signer(*each, now));
        signers().find(|key| key.is_known_everywhere(now)).or_else(|| signers().next())
    }

    /// Returns the key that signs now. A requested algorithm is never replaced by another: the resource server would reject the
    /// token.
    pub fn signing_key(
        &self,
        wanted: Option<Algorithm>,
        configured: &[Algorithm],
        now: UnixTime,
    ) -> Option<&SigningKey> {
        match wanted {
            Some(algorithm) => self.signer(algorithm, now),
            None => self.preferred_signer(configured, now),
        }
    }

    /// The keys in the key set now.
    pub fn published(&self, now: UnixTime) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.is_published(now))
    }

    /// The published keys as verifying keys.
    pub fn key_set(&self, now: UnixTime) -> KeySet {
        KeySet::new(self.published(now).filter_map(SigningKey::public))
    }

    /// The JWK Set document (RFC 7517 section 5).
    pub fn jwks(&self, now: UnixTime) -> Value {
        json!({ "keys": self.published(now).map(SigningKey::published_jwk).collect::<Vec<_>>() })
    }

    /// Returns the first key that waits to sign.
    pub fn next(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        self.of(algorithm).filter(|key| key.stage(now) == Stage::Next).min_by_key(|key| key.sign_from)
    }

    /// Whether a key has been due for so long that an isolate should ask the keyring, because cron does not.
    pub fn is_overdue(&self, terms: &Terms<'_>, now: UnixTime) -> bool {
        let overdue = |algorithm: &Algorithm| match self.signer(*algorithm, now) {
            Some(signer) => signer.sign_from.plus(terms.rotate_after + OVERDUE) <= now,
            None => true,
        };
        terms.algorithms.iter().any(|algorithm| overdue(algorithm) && self.next(*algorithm, now).is_none())
    }

    /// Whether it may replace the ring of an isolate. KV may return a ring that is older than the one it returned before.
    pub fn supersedes(&self, known: &Self) -> bool {
        self.version >= known.version
    }

    /// Whether it is the same ring. Two rings of one version can differ where the keyring object continued from a restored backup.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let text = |ring: &Self| serde_json::to_value(ring).ok();
        self.version == other.version && text(self) == text(other)
    }

    /// Revokes the keys that the other ring has revoked. Returns whether one of them was not revoked here.
    pub(super) fn take_revocations(&mut self, other: &Self) -> bool {
        let news: Vec<_> =
            other.revoked.iter().filter(|key| self.revoked(key.kid.as_str()).is_none()).cloned().collect();
        let is_news = !news.is_empty();
        self.keys.retain(|key| !news.iter().any(|gone| gone.thumbprint == key.thumbprint()));
        self.revoked.extend(news);
        self.version += u64::from(is_news);
        is_news
    }

    /// Returns every key with its schedule, without its private half, and the revoked keys, for the operator.
    pub fn describe(&self, now: UnixTime) -> Value {
        let keys = self.keys.iter().map(|key| key.describe(now)).collect::<Vec<_>>();
        match self.revoked.is_empty() {
            true => json!({ "keys": keys }),
            false => json!({
                "keys": keys,
                "revoked": self.revoked.iter().map(RevokedKey::describe).collect::<Vec<_>>(),
            }),
        }
    }

    /// Whether a key with this identifier or thumbprint was revoked.
    pub(super) fn is_revoked(&self, kid: &KeyId, thumbprint: &str) -> bool {
        self.revoked.iter().any(|key| key.kid == *kid || key.thumbprint == thumbprint)
    }

    /// Whether a key with this identifier or thumbprint is in the ring.
    pub(super) fn holds(&self, kid: &KeyId, thumbprint: &str) -> bool {
        self.keys.iter().any(|key| key.kid == *kid || key.thumbprint() == thumbprint)
    }

    pub(super) fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.is_of(algorithm))
    }
}
