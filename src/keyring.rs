//! The life of a signing key: next, active, retiring, gone. Pure: the clock and the key material are arguments.
//!
//! A life is a schedule, not a flag: every isolate reads the same four times and its own clock, so that a rotation
//! is one write and nobody has to be told. A new key is published long enough before it signs that every verifier
//! that follows the cache headers has it, and stays published until the last token that it signed has expired.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::token::{Algorithm, Key, KeySet, UnixTime};

/// How long a verifier may keep the key set: the `max-age` of the JWKS response, seconds.
pub const JWKS_MAX_AGE: u64 = 300;
/// How often an isolate looks for a newer ring, seconds.
pub const REFRESH_AFTER: u64 = 60;
/// How long KV may go on answering with the old value, seconds.
const KV_PROPAGATION: u64 = 60;
/// From publishing a key to signing with it: all of the above, and again as much for skewed clocks.
pub const LEAD: u64 = 2 * (JWKS_MAX_AGE + REFRESH_AFTER + KV_PROPAGATION);
/// How long an isolate that cannot reach the store goes on with the ring that it has, seconds.
pub const STALE_LIMIT: u64 = 24 * 3600;
/// The longest lifetime of a token, seconds.
pub const MAX_TOKEN_TTL: u64 = 24 * 3600;
/// When a successor is made, counted from the first signature, seconds: 30 days.
const ROTATE_AFTER: u64 = 30 * 24 * 3600;
/// When a key stops signing even if nothing ever replaced it, counted from its first signature, seconds: 90 days.
/// Whatever makes successors may fail for two months before anybody is refused a token.
const SIGN_FOR: u64 = 90 * 24 * 3600;

/// How far the clocks of the object that makes a key and of the isolate that signs with it may differ, seconds.
const CLOCK_SKEW: u64 = 60;

/// The algorithms that this authority signs with.
pub const SIGNING_ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

/// All keys of one issuer that are not gone, with their private halves: it is only ever stored sealed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Ring {
    keys: Vec<SigningKey>,
}

/// A signing key and its schedule.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SigningKey {
    /// The identifier: the RFC 7638 thumbprint.
    pub kid: String,
    alg: String,
    public_jwk: Value,
    private_jwk: PrivateJwk,
    publish_at: UnixTime,
    sign_from: UnixTime,
    sign_until: UnixTime,
    drop_at: UnixTime,
}

/// A private key as a JWK. It prints as nothing, and only [`Self::expose`] hands it out.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PrivateJwk(Value);

impl PrivateJwk {
    /// Takes a private JWK.
    pub fn new(jwk: Value) -> Self {
        Self(jwk)
    }

    /// The private key, for the one who imports it.
    pub fn expose(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for PrivateJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateJwk(redacted)")
    }
}

/// A key pair as the platform generated it.
#[derive(Debug)]
pub struct KeyMaterial {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public half.
    pub public: Key,
    /// The private half.
    pub private: PrivateJwk,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Published, not signing yet.
    Next,
    /// Signing.
    Active,
    /// Not signing any more; tokens that it signed may still be valid.
    Retiring,
    /// No valid token can bear it.
    Gone,
}

impl Stage {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
}

impl Ring {
    /// The identifiers of all keys.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.kid.as_str())
    }

    /// Is there no key at all?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that signs with this algorithm now.
    pub fn signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        let signing = self.of(algorithm).filter(|key| key.stage(now) == Stage::Active);
        signing.max_by_key(|key| key.sign_from)
    }

    /// The keys that belong in the published set now.
    pub fn published(&self, now: UnixTime) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.publish_at <= now && key.stage(now) != Stage::Gone)
    }

    /// The published keys as verifying keys.
    pub fn key_set(&self, now: UnixTime) -> KeySet {
        let jwks = self.published(now).map(SigningKey::published_jwk);
        KeySet::new(jwks.filter_map(|jwk| Key::from_jwk(jwk.as_object()?).ok()))
    }

    /// The JWK Set document (RFC 7517 section 5).
    pub fn jwks(&self, now: UnixTime) -> Value {
        json!({ "keys": self.published(now).map(SigningKey::published_jwk).collect::<Vec<_>>() })
    }

    /// The algorithms for which a key must be made now: nothing signs and nothing is about to,
    /// or what signs is due for a successor and has none.
    pub fn wanting(&self, algorithms: &[Algorithm], now: UnixTime) -> Vec<Algorithm> {
        let due = |algorithm: &Algorithm| match self.signer(*algorithm, now) {
            Some(signer) => signer.sign_from.plus(ROTATE_AFTER) <= now && self.next(*algorithm, now).is_none(),
            None => self.next(*algorithm, now).is_none(),
        };
        algorithms.iter().copied().filter(due).collect()
    }

    /// The key that waits for its turn.
    pub fn next(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        self.of(algorithm).find(|key| key.stage(now) == Stage::Next)
    }

    /// Takes in new keys, each the successor of what signs with its algorithm, or the first.
    ///
    /// The first keys of a ring sign at once, for nobody can hold an older set. So do keys that arrive when no key of
    /// the ring can sign: waiting would help nobody. Every other waits for [`LEAD`].
    /// A key is dropped if a successor for its algorithm is waiting already.
    pub fn admit(&mut self, materials: impl IntoIterator<Item = KeyMaterial>, now: UnixTime) {
        let nobody_signs = !self.keys.iter().any(|key| key.stage(now) == Stage::Active);
        // A key that signs at once has done so for a while: the isolate that asked for it may have a slower clock.
        let earlier = UnixTime(now.0.saturating_sub(CLOCK_SKEW));
        let (publish_at, sign_from) = if nobody_signs { (earlier, earlier) } else { (now, now.plus(LEAD)) };
        for material in materials {
            if self.next(material.algorithm, now).is_some() {
                continue;
            }
            for key in &mut self.keys {
                if key.algorithm() == Some(material.algorithm) && key.sign_until > sign_from {
                    key.stop_signing(sign_from);
                }
            }
            self.keys.push(SigningKey::new(material, publish_at, sign_from));
        }
    }

    /// Forgets the keys that are gone. Says whether there were any.
    pub fn prune(&mut self, now: UnixTime) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.stage(now) != Stage::Gone);
        self.keys.len() != before
    }

    /// For an operator: every key with its schedule, without its private half.
    pub fn describe(&self, now: UnixTime) -> Value {
        let describe = |key: &SigningKey| {
            json!({
                "kid": key.kid,
                "alg": key.alg,
                "stage": key.stage(now).name(),
                "publish_at": key.publish_at,
                "sign_from": key.sign_from,
                "sign_until": key.sign_until,
                "drop_at": key.drop_at,
                "jwk": key.published_jwk(),
            })
        };
        json!({ "keys": self.keys.iter().map(describe).collect::<Vec<_>>() })
    }

    fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.algorithm() == Some(algorithm))
    }
}

impl SigningKey {
    fn new(material: KeyMaterial, publish_at: UnixTime, sign_from: UnixTime) -> Self {
        let mut key = Self {
            kid: material.public.thumbprint(),
            alg: material.algorithm.name().to_owned(),
            public_jwk: material.public.public_jwk().unwrap_or_default(),
            private_jwk: material.private,
            publish_at,
            sign_from,
            sign_until: sign_from,
            drop_at: sign_from,
        };
        key.stop_signing(sign_from.plus(SIGN_FOR));
        key
    }

    /// What it signs with; `None` only for a record that this version does not know.
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_name(&self.alg)
    }

    /// The private half.
    pub fn private(&self) -> &PrivateJwk {
        &self.private_jwk
    }

    /// Where it is in its life.
    pub fn stage(&self, now: UnixTime) -> Stage {
        if now >= self.drop_at {
            Stage::Gone
        } else if now >= self.sign_until {
            Stage::Retiring
        } else if now >= self.sign_from {
            Stage::Active
        } else {
            Stage::Next
        }
    }

    /// A token may be signed until then, by an isolate that heard of it as late as [`STALE_LIMIT`], and live its longest.
    fn stop_signing(&mut self, at: UnixTime) {
        self.sign_until = at;
        self.drop_at = at.plus(STALE_LIMIT + MAX_TOKEN_TTL);
    }

    /// The public half as it stands in the published set.
    fn published_jwk(&self) -> Value {
        let mut jwk = self.public_jwk.clone();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("alg".to_owned(), json!(self.alg));
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::base64url;

    const T0: UnixTime = UnixTime(1_800_000_000);

    fn material(algorithm: Algorithm, seed: u8) -> KeyMaterial {
        let bytes = base64url::encode(&[seed; 32]);
        let public = match algorithm {
            Algorithm::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": bytes }),
            _ => json!({ "kty": "EC", "crv": "P-256", "x": bytes, "y": bytes }),
        };
        let public = Key::from_jwk(public.as_object().unwrap()).unwrap();
        KeyMaterial { algorithm, public, private: PrivateJwk::new(json!({ "d": "the-secret" })) }
    }

    fn stages(ring: &Ring, now: UnixTime) -> Vec<&'static str> {
        ring.keys.iter().map(|key| key.stage(now).name()).collect()
    }

    #[test]
    fn the_first_key_signs_at_once() {
        let mut ring = Ring::default();
        assert_eq!(ring.wanting(&[Algorithm::Es256], T0), [Algorithm::Es256]);
        ring.admit([material(Algorithm::Es256, 1)], T0);
        assert!(ring.wanting(&[Algorithm::Es256], T0).is_empty());
        // Also for an isolate whose clock is behind.
        for now in [T0, UnixTime(T0.0 - CLOCK_SKEW)] {
            assert!(ring.signer(Algorithm::Es256, now).is_some());
            assert_eq!(ring.key_set(now).len(), 1);
        }
    }

    #[test]
    fn a_successor_is_published_before_it_signs_and_the_old_key_outlives_its_tokens() {
        let mut ring = Ring::default();
        ring.admit([material(Algorithm::Es256, 1)], T0);
        let old = ring.keys[0].kid.clone();
        let rotated = T0.plus(1000);
        ring.admit([material(Algorithm::Es256, 2)], rotated);
        assert_eq!(stages(&ring, rotated), ["active", "next"]);
        assert_eq!(ring.key_set(rotated).len(), 2);

        let before = UnixTime(rotated.0 + LEAD - 1);
        assert_eq!(ring.signer(Algorithm::Es256, before).unwrap().kid, old);
        let after = rotated.plus(LEAD);
        assert_eq!(stages(&ring, after), ["retiring", "active"]);
        assert_ne!(ring.signer(Algorithm::Es256, after).unwrap().kid, old);

        // The last token of the old key, minted by the isolate that heard last, has expired when it goes.
        let gone = after.plus(STALE_LIMIT + MAX_TOKEN_TTL);
        assert_eq!(ring.key_set(UnixTime(gone.0 - 1)).len(), 2);
        assert_eq!(stages(&ring, gone), ["gone", "active"]);
        assert!(ring.prune(gone) && !ring.prune(gone));
        assert_eq!(ring.keys.len(), 1);
    }

    #[test]
    fn rotating_twice_within_the_lead_changes_nothing() {
        let mut ring = Ring::default();
        for seed in 1..=4 {
            ring.admit([material(Algorithm::Es256, seed)], T0.plus(seed.into()));
        }
        assert_eq!(ring.keys.len(), 2);
    }

    #[test]
    fn a_second_algorithm_waits_for_its_turn_beside_the_first() {
        let mut ring = Ring::default();
        ring.admit([material(Algorithm::Es256, 1)], T0);
        ring.admit([material(Algorithm::EdDsa, 2)], T0.plus(5));
        assert!(ring.signer(Algorithm::EdDsa, T0.plus(5)).is_none());
        assert!(ring.signer(Algorithm::EdDsa, T0.plus(5 + LEAD)).is_some());
        assert!(ring.signer(Algorithm::Es256, T0.plus(5 + LEAD)).is_some());
    }

    #[test]
    fn a_ring_left_alone_asks_for_a_successor_and_at_last_for_a_new_start() {
        let mut ring = Ring::default();
        ring.admit([material(Algorithm::Es256, 1)], T0);
        let first = UnixTime(T0.0 - CLOCK_SKEW);
        assert!(ring.wanting(&[Algorithm::Es256], first.plus(ROTATE_AFTER - 1)).is_empty());
        assert_eq!(ring.wanting(&[Algorithm::Es256], first.plus(ROTATE_AFTER)), [Algorithm::Es256]);
        let dead = first.plus(SIGN_FOR);
        assert!(ring.signer(Algorithm::Es256, dead).is_none());
        ring.admit([material(Algorithm::Es256, 2)], dead);
        assert!(ring.signer(Algorithm::Es256, dead).is_some(), "waiting would help nobody");
    }

    #[test]
    fn the_lead_covers_every_cache_on_the_way() {
        const { assert!(LEAD >= JWKS_MAX_AGE + REFRESH_AFTER + KV_PROPAGATION) };
    }

    #[test]
    fn no_description_shows_the_private_half() {
        let mut ring = Ring::default();
        ring.admit([material(Algorithm::Es256, 1)], T0);
        let shown = format!("{ring:?} {} {}", ring.describe(T0), ring.jwks(T0));
        assert!(!shown.contains("the-secret"), "{shown}");
    }
}
