//! A key of another issuer, as an operator sends it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SIGNING_ALGORITHMS;
use super::key::{PrivateJwk, SigningKey};
use super::schedule::{DAY, LEAD, TAIL};
use crate::token::{Algorithm, AnyKey, Key, KeyError, KeyShape, Pem, Pkcs8, PrivateKey, UnixTime};

/// The longest that a key may go on verifying what somebody else signed, seconds.
const MOST_UNTIL: u64 = 400 * DAY;

/// Why a key is not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// `alg` is unknown, or not one that this authority signs with.
    Algorithm,
    /// The key, or another one of its name, is in the ring.
    Exists,
    /// The ring is full.
    Full,
    /// The key itself.
    Key(KeyError),
    /// `key` is neither PEM text nor a JWK.
    KeyMissing,
    /// `kid` cannot be a name.
    Kid,
    /// The public half does not belong to the private one.
    Mismatch,
    /// The key was revoked here.
    Revoked,
    /// `until` is missing, not wanted, past or too far away.
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

    /// The stable word.
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

    /// What the sender is told. It holds no value from the key.
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

    /// Is it about what is there, rather than about what was sent?
    pub const fn is_conflict(self) -> bool {
        matches!(self, Self::Exists | Self::Full | Self::Revoked)
    }
}

impl From<KeyError> for ImportError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// What an imported key is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// It becomes the next key of its algorithm. Its halves are still to be proved to belong together.
    Sign(Private),
    /// Its public half is published until then.
    Verify(UnixTime),
}

/// A private key as it came.
#[derive(Clone, Debug)]
pub enum Private {
    /// From a JWK.
    Jwk(PrivateKey),
    /// From PEM: the platform tells its public half.
    Pkcs8(Pkcs8),
}

/// An import, as far as its text can be checked.
#[derive(Clone, Debug)]
pub struct ImportText {
    /// What the key is called, if the sender said so.
    pub kid: Option<String>,
    /// What it is for.
    pub algorithm: Algorithm,
    /// The public half; of a private key in PEM the platform tells it.
    pub public: Option<Key>,
    /// What is to be done with it.
    pub purpose: Purpose,
}

impl ImportText {
    /// Reads `{"key": PEM text or JWK, "use": "sign" | "verify", "kid"?, "alg"?, "until"?}`.
    ///
    /// # Errors
    /// [`ImportError`] names the first thing that is wrong.
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
        let kid = name.or_else(|| public.as_ref().and_then(Key::kid)).map(str::to_owned);
        if kid.as_deref().is_some_and(|kid| !is_a_name(kid)) {
            return Err(ImportError::Kid);
        }
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

/// What an RSA key is for has to be said; but there is only one thing that we sign with it.
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

/// May a key be called that? It stands in addresses.
fn is_a_name(kid: &str) -> bool {
    (1..=200).contains(&kid.len())
        && kid.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
        && ![".", "..", "rotate"].contains(&kid)
}

/// A key that has been found to be good, on its way into the ring. It holds a private half.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Import {
    /// What it is called.
    pub kid: String,
    /// Which key it is.
    pub thumbprint: String,
    alg: String,
    public_jwk: Value,
    private_jwk: Option<PrivateJwk>,
    until: Option<UnixTime>,
}

impl Import {
    /// A key whose halves belong together, to sign with.
    pub fn to_sign(kid: Option<String>, algorithm: Algorithm, public: &Key, private: PrivateJwk) -> Self {
        Self { private_jwk: Some(private), ..Self::of(kid, algorithm, public) }
    }

    /// A public key, to verify with until then.
    pub fn to_verify(kid: Option<String>, algorithm: Algorithm, public: &Key, until: UnixTime) -> Self {
        Self { until: Some(until), ..Self::of(kid, algorithm, public) }
    }

    fn of(kid: Option<String>, algorithm: Algorithm, public: &Key) -> Self {
        let thumbprint = public.thumbprint();
        Self {
            kid: kid.unwrap_or_else(|| thumbprint.clone()),
            thumbprint,
            alg: algorithm.name().to_owned(),
            public_jwk: public.public_jwk().unwrap_or_default(),
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
