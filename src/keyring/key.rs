//! One key of the ring and its schedule, and what is kept of a key that was revoked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key_id::KeyId;
use super::public_half::{KeyAlgorithm, PublicHalf};
use super::schedule::{CLOCK_SKEW, LEAD, TAIL};
use crate::token::{Algorithm, Key, UnixTime};

/// A key and its schedule.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SigningKey {
    /// The identifier.
    pub kid: KeyId,
    pub(super) alg: KeyAlgorithm,
    pub(super) public_jwk: PublicHalf,
    /// A key that only verifies has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) private_jwk: Option<PrivateJwk>,
    pub(super) publish_at: UnixTime,
    pub(super) sign_from: UnixTime,
    pub(super) sign_until: UnixTime,
    pub(super) drop_at: UnixTime,
    /// The version of the ring that it was added in.
    #[serde(default)]
    pub(super) added: u64,
    /// Whether it is one of the first keys of its ring: no verifier can hold a set without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) first: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A private key as a JWK. Its debug output is redacted; only [`Self::expose`] returns it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PrivateJwk(Value);

impl PrivateJwk {
    /// Takes a private JWK.
    pub fn new(jwk: Value) -> Self {
        Self(jwk)
    }

    /// The private key, to import it into the platform.
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
#[derive(Clone, Debug)]
pub struct KeyMaterial {
    /// The algorithm to sign with.
    pub algorithm: Algorithm,
    /// The public half. Its `kid` becomes the identifier; without one, its thumbprint does.
    pub public: Key,
    /// The private half.
    pub private: PrivateJwk,
}

/// The stage of a key's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Published, not signing yet.
    Next,
    /// Signing.
    Active,
    /// No longer signing, or never; tokens that it signed may still be valid.
    Retiring,
    /// No valid token can be signed with it.
    Gone,
}

impl Stage {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
}

impl SigningKey {
    pub(super) fn new(material: KeyMaterial, publish_at: UnixTime, sign_from: UnixTime) -> Self {
        let public = PublicHalf::of(&material.public);
        let kid = material.public.kid().and_then(KeyId::parse);
        Self {
            kid: kid.unwrap_or_else(|| KeyId::of_thumbprint(public.thumbprint())),
            alg: KeyAlgorithm::Known(material.algorithm),
            public_jwk: public,
            private_jwk: Some(material.private),
            publish_at,
            sign_from,
            // Until its end is decided.
            sign_until: sign_from,
            drop_at: sign_from.plus(TAIL),
            added: 0,
            first: false,
        }
    }

    /// The algorithm; `None` for a key of a later version.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.alg.algorithm()
    }

    /// The private half; a key that only verifies has none.
    pub fn private(&self) -> Option<&PrivateJwk> {
        self.private_jwk.as_ref()
    }

    /// The public half, for the key's algorithm and with its identifier; `None` for a key of a later version.
    pub fn public(&self) -> Option<Key> {
        let key = self.public_jwk.key()?.clone();
        Some(key.for_algorithm(self.algorithm()?).ok()?.named(self.kid.as_str()))
    }

    /// When it enters the key set and when it leaves it: a key that signs is in the set. (Earlier versions stored keys that were to
    /// be published after their first signature, where a clock had been ahead.)
    pub fn validity(&self) -> (UnixTime, UnixTime) {
        (self.publish_at.min(self.sign_from), self.drop_at)
    }

    /// Whether it is in the key set.
    pub fn is_published(&self, now: UnixTime) -> bool {
        let (from, until) = self.validity();
        from <= now && now < until
    }

    /// The RFC 7638 thumbprint of its public half: it identifies the key independently of its `kid`.
    pub fn thumbprint(&self) -> &str {
        self.public_jwk.thumbprint()
    }

    /// When it begins to sign, and when it ends.
    pub fn signing(&self) -> (UnixTime, UnixTime) {
        (self.sign_from, self.sign_until)
    }

    /// The stage of its life.
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

    /// Whether every verifier that follows the cache headers has it.
    pub fn is_known_everywhere(&self, now: UnixTime) -> bool {
        // A key that signs from the moment of its publication has both backdated, for the clocks that are behind.
        let backdated = if self.sign_from <= self.publish_at { CLOCK_SKEW } else { 0 };
        self.first || self.publish_at.plus(LEAD + backdated) <= now
    }

    pub(super) fn is_of(&self, algorithm: Algorithm) -> bool {
        self.private_jwk.is_some() && self.alg == KeyAlgorithm::Known(algorithm)
    }

    /// Ends signing at that time, which is decided now: an isolate may sign with the key until the news arrives, so its tail
    /// begins at the later of the two.
    pub(super) fn stop_signing(&mut self, at: UnixTime, now: UnixTime) {
        self.sign_until = at;
        self.drop_at = at.max(now).plus(TAIL);
    }

    /// Returns what is kept of it once it is revoked.
    pub(super) fn to_revoked(&self, now: UnixTime) -> RevokedKey {
        let thumbprint = self.thumbprint().to_owned();
        RevokedKey { kid: self.kid.clone(), alg: self.alg.clone(), thumbprint, revoked_at: now }
    }

    /// The public half as it is published.
    pub fn published_jwk(&self) -> Value {
        let mut jwk = self.public_jwk.jwk().clone();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("alg".to_owned(), json!(self.alg.name()));
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// Returns the key with its schedule, without its private half, for the operator.
    pub fn describe(&self, now: UnixTime) -> Value {
        json!({
            "kid": self.kid,
            "alg": self.alg.name(),
            "use": if self.private_jwk.is_some() { "sign" } else { "verify" },
            "stage": self.stage(now).name(),
            "publish_at": self.validity().0,
            "sign_from": self.sign_from,
            "sign_until": self.sign_until,
            "drop_at": self.drop_at,
            "jwk": self.published_jwk(),
        })
    }
}

/// What is kept of a revoked key: nothing that signs or verifies. It is never deleted, so that the key never returns.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RevokedKey {
    /// The identifier.
    pub kid: KeyId,
    pub(super) alg: KeyAlgorithm,
    /// Identifies the key independently of its `kid`.
    pub(super) thumbprint: String,
    /// When it was revoked.
    pub revoked_at: UnixTime,
}

impl RevokedKey {
    pub(super) fn describe(&self) -> Value {
        json!({ "kid": self.kid, "alg": self.alg.name(), "stage": "revoked", "revoked_at": self.revoked_at })
    }
}
