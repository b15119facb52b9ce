//! One key of the ring and its schedule, and what is kept of a key that was revoked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schedule::{CLOCK_SKEW, LEAD, TAIL};
use crate::token::{Algorithm, Key, UnixTime};

/// A key and its schedule.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SigningKey {
    /// The identifier: the RFC 7638 thumbprint, or what the issuer that it was imported from called it.
    pub kid: String,
    pub(super) alg: String,
    pub(super) public_jwk: Value,
    /// A key that only verifies has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) private_jwk: Option<PrivateJwk>,
    pub(super) publish_at: UnixTime,
    pub(super) sign_from: UnixTime,
    pub(super) sign_until: UnixTime,
    pub(super) drop_at: UnixTime,
    /// In which version of the ring it came.
    #[serde(default)]
    pub(super) added: u64,
    /// One of the first keys of its ring: nobody can hold a set without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) first: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
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
#[derive(Clone, Debug)]
pub struct KeyMaterial {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public half; it is called by its thumbprint unless it has a name.
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
    /// Not signing any more, or never; tokens that it signed may still be valid.
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

impl SigningKey {
    pub(super) fn new(material: KeyMaterial, publish_at: UnixTime, sign_from: UnixTime) -> Self {
        Self {
            kid: material.public.kid().map_or_else(|| material.public.thumbprint(), str::to_owned),
            alg: material.algorithm.name().to_owned(),
            public_jwk: material.public.public_jwk().unwrap_or_default(),
            private_jwk: Some(material.private),
            publish_at,
            sign_from,
            // For as long as nobody has said when it ends.
            sign_until: sign_from,
            drop_at: sign_from.plus(TAIL),
            added: 0,
            first: false,
        }
    }

    /// What it signs with; `None` only for a record that this version does not know.
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_name(&self.alg)
    }

    /// The private half; a key that only verifies has none.
    pub fn private(&self) -> Option<&PrivateJwk> {
        self.private_jwk.as_ref()
    }

    /// The public half.
    pub fn public(&self) -> Option<Key> {
        Key::from_jwk(self.published_jwk().as_object()?).ok()
    }

    /// From when to when it is in the set: a key that signs is in it. (Earlier versions stored keys that were to be
    /// published after their first signature, where a clock had been ahead.)
    pub fn validity(&self) -> (UnixTime, UnixTime) {
        (self.publish_at.min(self.sign_from), self.drop_at)
    }

    /// Is it in the set?
    pub fn is_published(&self, now: UnixTime) -> bool {
        let (from, until) = self.validity();
        from <= now && now < until
    }

    /// The RFC 7638 thumbprint of its public half: it identifies the key independently of its `kid`.
    pub fn thumbprint(&self) -> String {
        thumbprint_of(&self.public_jwk)
    }

    /// When it begins to sign, and when it ends.
    pub fn signing(&self) -> (UnixTime, UnixTime) {
        (self.sign_from, self.sign_until)
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

    /// Does every verifier that follows the cache headers have it?
    pub fn is_known_everywhere(&self, now: UnixTime) -> bool {
        // A key that signs from the moment of its publication has both backdated, for the clocks that are behind.
        let backdated = if self.sign_from <= self.publish_at { CLOCK_SKEW } else { 0 };
        self.first || self.publish_at.plus(LEAD + backdated) <= now
    }

    pub(super) fn is_of(&self, algorithm: Algorithm) -> bool {
        self.private_jwk.is_some() && self.alg == algorithm.name()
    }

    /// It stops then, which is decided now: whoever signs with it until the news arrives is counted from the later of the two.
    pub(super) fn stop_signing(&mut self, at: UnixTime, now: UnixTime) {
        self.sign_until = at;
        self.drop_at = at.max(now).plus(TAIL);
    }

    /// What is kept of it once it is revoked.
    pub(super) fn to_revoked(&self, now: UnixTime) -> RevokedKey {
        RevokedKey { kid: self.kid.clone(), alg: self.alg.clone(), thumbprint: self.thumbprint(), revoked_at: now }
    }

    /// The public half as it stands in the published set.
    pub fn published_jwk(&self) -> Value {
        let mut jwk = self.public_jwk.clone();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("alg".to_owned(), json!(self.alg));
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// For an operator: the key with its schedule, without its private half.
    pub fn describe(&self, now: UnixTime) -> Value {
        json!({
            "kid": self.kid,
            "alg": self.alg,
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

/// The RFC 7638 thumbprint of a public JWK; empty for a key that this version does not know.
pub(super) fn thumbprint_of(jwk: &Value) -> String {
    let key = jwk.as_object().and_then(|jwk| Key::from_jwk(jwk).ok());
    key.map(|key| key.thumbprint()).unwrap_or_default()
}

/// What is kept of a key that was revoked: nothing that signs or verifies. It stays, so that the key never comes back.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RevokedKey {
    /// What it was called.
    pub kid: String,
    pub(super) alg: String,
    /// Which key it was, whatever it is called.
    pub(super) thumbprint: String,
    /// When.
    pub revoked_at: UnixTime,
}

impl RevokedKey {
    pub(super) fn describe(&self) -> Value {
        json!({ "kid": self.kid, "alg": self.alg, "stage": "revoked", "revoked_at": self.revoked_at })
    }
}
