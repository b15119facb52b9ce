//! The ring: all keys of one issuer, and what may be read from it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SIGNING_ALGORITHMS;
use super::change::Terms;
use super::key::{RevokedKey, SigningKey, Stage};
use super::schedule::OVERDUE;
use crate::token::{Algorithm, KeySet, UnixTime};

/// All keys of one issuer that are not gone, with their private halves: it is only ever stored sealed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Ring {
    /// Counts the changes: what has more of them is the newer one.
    #[serde(default)]
    pub(super) version: u64,
    pub(super) keys: Vec<SigningKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) revoked: Vec<RevokedKey>,
}

impl Ring {
    /// Is there no key at all?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many changes it has seen.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Every key that is not gone.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// When the key of this name was revoked, if it was.
    pub fn revoked(&self, kid: &str) -> Option<&RevokedKey> {
        self.revoked.iter().find(|key| key.kid == kid)
    }

    /// The key that signs with this algorithm now.
    pub fn signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        let signing = self.of(algorithm).filter(|key| key.stage(now) == Stage::Active);
        signing.max_by_key(|key| key.sign_from)
    }

    /// The key that signs now for whoever asked for no algorithm: of the first that is configured, or else of any that is, or
    /// else of any at all, since a newly configured algorithm has to wait until its first key is known everywhere. After a
    /// compromise a key may sign before it is: then one of another algorithm that every verifier has goes first.
    pub fn preferred_signer(&self, configured: &[Algorithm], now: UnixTime) -> Option<&SigningKey> {
        let signers = || configured.iter().chain(&SIGNING_ALGORITHMS).filter_map(|each| self.signer(*each, now));
        signers().find(|key| key.is_known_everywhere(now)).or_else(|| signers().next())
    }

    /// The key that signs now. Whoever wants an algorithm gets it or nothing: another one would be refused where the
    /// token is meant for.
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

    /// The keys that belong in the published set now.
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

    /// The first key that waits for its turn.
    pub fn next(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        self.of(algorithm).filter(|key| key.stage(now) == Stage::Next).min_by_key(|key| key.sign_from)
    }

    /// Has a key been due for so long that whoever sees it should ask the keyring, because cron does not?
    pub fn is_overdue(&self, terms: &Terms<'_>, now: UnixTime) -> bool {
        let overdue = |algorithm: &Algorithm| match self.signer(*algorithm, now) {
            Some(signer) => signer.sign_from.plus(terms.rotate_after + OVERDUE) <= now,
            None => true,
        };
        terms.algorithms.iter().any(|algorithm| overdue(algorithm) && self.next(*algorithm, now).is_none())
    }

    /// May it take the place of what an isolate has? KV may answer with a ring that is older than the last answer.
    pub fn supersedes(&self, known: &Self) -> bool {
        self.version >= known.version
    }

    /// Is it the same ring? Two rings of one count can differ where the keyring object went on from a restored backup.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let text = |ring: &Self| serde_json::to_value(ring).ok();
        self.version == other.version && text(self) == text(other)
    }

    /// Revokes here what the other ring has revoked. Says whether that is news.
    pub(super) fn take_revocations(&mut self, other: &Self) -> bool {
        let news: Vec<_> = other.revoked.iter().filter(|key| self.revoked(&key.kid).is_none()).cloned().collect();
        let is_news = !news.is_empty();
        self.keys.retain(|key| !news.iter().any(|gone| gone.thumbprint == key.thumbprint()));
        self.revoked.extend(news);
        self.version += u64::from(is_news);
        is_news
    }

    /// For an operator: every key with its schedule, without its private half, and those that were revoked.
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

    /// Is this key, whatever it is called, among those that were revoked?
    pub(super) fn is_revoked(&self, kid: &str, thumbprint: &str) -> bool {
        self.revoked.iter().any(|key| key.kid == kid || key.thumbprint == thumbprint)
    }

    /// Is this key, whatever it is called, in the ring?
    pub(super) fn holds(&self, kid: &str, thumbprint: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid || key.thumbprint() == thumbprint)
    }

    pub(super) fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.is_of(algorithm))
    }
}
