//! Importing a key of another issuer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SIGNING_ALGORITHMS;
use super::key::{PrivateJwk, SigningKey};
use super::key_id::KeyId;
use super::public_half::{KeyAlgorithm, PublicHalf};
use super::schedule::{DAY, LEAD, TAIL};
use crate::token::{Algorithm, AnyKey, Key, KeyError, KeyShape, Pem, Pkcs8, PrivateKey, UnixTime};

/// The longest time for which a key may verify tokens of another issuer, seconds.
const MOST_UNTIL: u64 = 400 * DAY;

/// Why a key is not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// `alg` is unknown, or this authorization server does not sign with it.
    Algorithm,
    /// A key with this identifier or thumbprint is in the ring.
    Exists,
    /// The ring is full.
    Full,
    /// The key is invalid.
    Key(KeyError),
    /// `key` is neither PEM text nor a JWK.
    KeyMissing,
    /// `kid` is not a valid identifier.
    Kid,
    /// The public half does not belong to the private one.
    Mismatch,
    /// The key was revoked here.
    Revoked,
    /// `until` is missing, not allowed, past or too far ahead.
    Until,
    /// `use` is neither `sign` nor `verify`.
    Use,
}

impl ImportError {
    /// One of each.
    pub const ALL: [Self; 10] = [
        Self::Algorithm,
        Self::Exists,
        Self::Full,
        Self::Key(KeyError::Weak),
        Self::KeyMissing,
        Self::Kid,
        Self::Mismatch,
        Self::Revoked,
        Self::Until,
        Self::Use,
    ];

    /// The stable name.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Algorithm => "key_algorithm",
            Self::Exists => "key_exists",
            Self::Full => "key_ring_full",
            Self::Key(_) => "key_unusable",
            Self::KeyMissing => "key_missing",
            Self::Kid => "key_kid",
            Self::Mismatch => "key_mismatch",
            Self::Revoked => "key_revoked",
            Self::Until => "key_until",
            Self::Use => "key_use",
        }
    }

    /// The description in the response. It holds no value from the key.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Algorithm => {
                "alg must be a JWS algorithm of the key's kind; to sign, one that this authority signs with."
            }
            Self::Exists => "This key, or another one of this kid, is there already.",
            Self::Full => "There are too many keys. Wait until old ones are gone.",
            Self::Key(error) => error.sentence(),
            Self::KeyMissing => "key must be PEM text or a JWK.",
            Self::Kid => "kid must be 1 to 200 visible ASCII characters, and neither ., .. nor rotate.",
            Self::Mismatch => "The public half of the key does not belong to its private half.",
            Self::Revoked => "This key, or another one of this kid, was revoked here.",
            Self::Until => {
                "until must be the time, in seconds since 1970, at which a key for verify goes: in the future, within 400 days; a key for sign has none."
            }
            Self::Use => "use must be sign or verify.",
        }
    }

    /// Whether the cause is the state of the ring, not the request.
    pub const fn is_conflict(self) -> bool {
        matches!(self, Self::Exists | Self::Full | Self::Revoked)
    }
}

impl From<KeyError> for ImportError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// The purpose of an imported key.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// It becomes the next key of its algorithm. That its halves belong together is still to be proved.
    Sign(Private),
    /// Its public half is published until then.
    Verify(UnixTime),
}

/// A private key as it was sent.
#[derive(Clone, Debug)]
pub enum Private {
    /// From a JWK.
    Jwk(PrivateKey),
    /// From PEM: the platform computes its public half.
    Pkcs8(Pkcs8),
}

/// An import whose text has been checked.
#[derive(Clone, Debug)]
pub struct ImportText {
    /// The identifier, if the request has one.
    pub kid: Option<KeyId>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The public half; `None` for a private key in PEM.
    pub public: Option<Key>,
    /// The purpose.
    pub purpose: Purpose,
}

impl ImportText {
    /// Reads `{"key": PEM text or JWK, "use": "sign" | "verify", "kid"?, "alg"?, "until"?}`.
    ///
    /// # Errors
    /// [`ImportError`] names the first violation.
    pub fn parse(body: &Map<String, Value>, signs: &[Algorithm], now: UnixTime) -> Result<Self, ImportError> {
        let is_to_sign = match body.get("use").and_then(Value::as_str) {
            Some("sign") => true,
            Some("verify") => false,
            _ => return Err(ImportError::Use),
        };
        let name = body.get("kid").map(|kid| kid.as_str().ok_or(ImportError::Kid)).transpose()?;
        let named = |alg: &Value| alg.as_str().and_then(Algorithm::from_name).ok_or(ImportError::Algorithm);
        let alg = body.get("alg").map(named).transpose()?;
        let (public, private) = read(body.get("key").ok_or(ImportError::KeyMissing)?)?;
        match (is_to_sign, &private) {
            (true, None) => return Err(KeyError::Public.into()),
            (false, Some(_)) => return Err(KeyError::Private.into()),
            (true, Some(_)) | (false, None) => {}
        }
        let (shape, own) = match (&public, &private) {
            (Some(key), _) => (key.shape(), key.alg()),
            (None, Some(Private::Pkcs8(key))) => (key.shape(), None),
            (None, _) => return Err(ImportError::KeyMissing),
        };
        let algorithm = algorithm(alg.or(own), shape, is_to_sign)?;
        if own.is_some_and(|own| own != algorithm) || (is_to_sign && !signs.contains(&algorithm)) {
            return Err(ImportError::Algorithm);
        }
        let public = public.map(|key| key.for_algorithm(algorithm)).transpose()?;
        let kid = name.or_else(|| public.as_ref().and_then(Key::kid));
        let kid = kid.map(|kid| KeyId::parse(kid).ok_or(ImportError::Kid)).transpose()?;
        let purpose = match (private, until(body.get("until"), now)?) {
            (Some(private), None) => Purpose::Sign(private),
            (None, Some(until)) => Purpose::Verify(until),
            _ => return Err(ImportError::Until),
        };
        Ok(Self { kid, algorithm, public, purpose })
    }
}

type Halves = (Option<Key>, Option<Private>);

fn read(key: &Value) -> Result<Halves, ImportError> {
    match key {
        Value::String(text) => Ok(match Pem::read(text)? {
            Pem::Public(key) => (Some(key), None),
            Pem::Private(key) => (None, Some(Private::Pkcs8(key))),
        }),
        Value::Object(_) => match AnyKey::from_jwk_text(key.to_string().as_bytes())? {
            AnyKey::Public(key) => Ok((Some(key), None)),
            AnyKey::Private(key) => Ok((Some(key.public().clone()), Some(Private::Jwk(key)))),
            AnyKey::Secret(_) => Err(KeyError::Unsupported.into()),
        },
        _ => Err(ImportError::KeyMissing),
    }
}

/// An RSA key must name its algorithm, unless it is to sign: this server signs with one RSA algorithm.
fn algorithm(said: Option<Algorithm>, shape: KeyShape, is_to_sign: bool) -> Result<Algorithm, ImportError> {
    let fits = |algorithm: &Algorithm| algorithm.key_shape() == shape;
    let among = if is_to_sign { &SIGNING_ALGORITHMS[..] } else { &Algorithm::ASYMMETRIC[..] };
    match said {
        Some(algorithm) if fits(&algorithm) => Ok(algorithm),
        Some(_) => Err(ImportError::Algorithm),
        None => {
            let mut fitting = among.iter().copied().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(algorithm), None) => Ok(algorithm),
                (Some(_), Some(_)) => Err(KeyError::AlgorithmMissing.into()),
                (None, _) => Err(ImportError::Algorithm),
            }
        }
    }
}

fn until(value: Option<&Value>, now: UnixTime) -> Result<Option<UnixTime>, ImportError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let until = UnixTime(value.as_u64().ok_or(ImportError::Until)?);
    if now < until && until <= now.plus(MOST_UNTIL) { Ok(Some(until)) } else { Err(ImportError::Until) }
}

/// A checked key on its way into the ring. It may hold a private half.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Import {
    /// The identifier.
    pub kid: KeyId,
    /// The RFC 7638 thumbprint.
    pub thumbprint: String,
    alg: KeyAlgorithm,
    public_jwk: PublicHalf,
    private_jwk: Option<PrivateJwk>,
    until: Option<UnixTime>,
}

impl Import {
    /// A key to sign with, whose halves belong together.
    pub fn to_sign(kid: Option<KeyId>, algorithm: Algorithm, public: &Key, private: PrivateJwk) -> Self {
        Self { private_jwk: Some(private), ..Self::of(kid, algorithm, public) }
    }

    /// A public key, to verify with until then.
    pub fn to_verify(kid: Option<KeyId>, algorithm: Algorithm, public: &Key, until: UnixTime) -> Self {
        Self { until: Some(until), ..Self::of(kid, algorithm, public) }
    }

    fn of(kid: Option<KeyId>, algorithm: Algorithm, public: &Key) -> Self {
        let thumbprint = public.thumbprint();
        Self {
            kid: kid.unwrap_or_else(|| KeyId::of_thumbprint(&thumbprint)),
            thumbprint,
            alg: KeyAlgorithm::Known(algorithm),
            public_jwk: PublicHalf::of(public),
            private_jwk: None,
            until: None,
        }
    }

    pub(super) fn to_key(&self, now: UnixTime) -> SigningKey {
        let sign_from = if self.private_jwk.is_some() { now.plus(LEAD) } else { now };
        SigningKey {
            kid: self.kid.clone(),
            alg: self.alg.clone(),
            public_jwk: self.public_jwk.clone(),
            private_jwk: self.private_jwk.clone(),
            publish_at: now,
            sign_from,
            sign_until: sign_from,
            drop_at: self.until.unwrap_or_else(|| sign_from.plus(TAIL)),
            added: 0,
            first: false,
        }
    }
}

#[cfg(test)]
mod tests;
