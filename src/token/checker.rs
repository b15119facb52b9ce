//! The door of `verify` for many tokens: the same checks in the same order, and nothing that repeats is done twice.
//!
//! Tokens of one issuer share their header to the byte, their key and their policy; and a buffer that was big enough once
//! is so again. No token is built here. What is said of a token lies in the checker until the next one comes.

use std::collections::HashMap;
use std::sync::Arc;

use super::base64url;
use super::claims::{NumericDate, Payload, Registered};
use super::error::VerifyError;
use super::header::Header;
use super::json::Outline;
use super::jwks::{KeySet, MAX_CANDIDATES};
use super::key::Key;
use super::policy::Policy;
use super::portable::Prepared;
use super::verify::Split;

/// A policy and keys, ready for many tokens.
pub struct Checker {
    policy: Arc<Policy>,
    keys: KeySet,
    /// The headers met so far that the policy allows and a key fits, by their bytes.
    places: HashMap<Box<[u8]>, usize>,
    known: Vec<Known>,
    /// How many bytes of headers that is.
    known_bytes: usize,
    /// How many were known and have been forgotten.
    forgotten: u64,
    last: usize,
    /// Which of the keys that fit the last header.
    turn: usize,
    #[cfg(feature = "ed25519")]
    spent: usize,
    outline: Outline,
    payload: Vec<u8>,
    signature: Vec<u8>,
    times: Times,
}

/// What is known after [`Checker::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All is well.
    Good,
    /// The signature is not checked yet: [`Checker::key`] must have signed the text up to its last dot. If it has not, the
    /// reason is [`VerifyError::BadSignature`]; if it has, this result counts. It must not be disclosed before.
    Unsigned(Result<(), VerifyError>),
}

/// When a token begins and ends, in seconds (RFC 7519 section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// When it ends.
    pub exp: Option<f64>,
    /// When it begins.
    pub nbf: Option<f64>,
    /// When it was issued.
    pub iat: Option<f64>,
}

/// A header that was read before.
struct Known {
    encoded: Box<[u8]>,
    header: Header,
    /// The keys of which one has signed it, first of all the one that a `kid` names.
    candidates: Vec<Candidate>,
}

/// A key that fits a header.
struct Candidate {
    place: usize,
    key: Arc<Key>,
    prepared: Option<Prepared>,
    #[cfg(feature = "ed25519")]
    uses: usize,
}

/// How many headers are remembered, and how many bytes of them. A sender that knows a key's name can make up headers: at the
/// limit all are forgotten.
const MAX_KNOWN: usize = 1024;
const MAX_KNOWN_BYTES: usize = 256 * 1024;
/// How many keys get tables, which are large, and how often a key must have been used before.
#[cfg(feature = "ed25519")]
const TABLES: (usize, usize) = (16, 16);

impl Checker {
    /// A checker without keys.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy: Arc::new(policy),
            keys: KeySet::default(),
            places: HashMap::new(),
            known: Vec::new(),
            known_bytes: 0,
            forgotten: 0,
            last: 0,
            turn: 0,
            #[cfg(feature = "ed25519")]
            spent: 0,
            outline: Outline::default(),
            payload: Vec::new(),
            signature: Vec::new(),
            times: Times::default(),
        }
    }

    /// Takes keys in place of those it had, and forgets everything about those.
    pub fn take_keys(&mut self, keys: KeySet) {
        self.keys = keys;
        self.forget();
    }

    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The policy.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Reads a compact JWS as [`verify`](super::verify()) does and checks the signature if this build can.
    ///
    /// # Errors
    /// The first reason to refuse it, in the order of `verify` and [`Pending::complete`](super::Pending::complete).
    pub fn check(&mut self, text: &[u8], now: impl Into<NumericDate>) -> Result<Finding, VerifyError> {
        self.check_from(text, now.into(), 0)
    }

    /// The same without the first `turn` of the keys that fit: those have not signed it, as the platform has found.
    ///
    /// # Errors
    /// As for [`Self::check`]; [`VerifyError::BadSignature`] if no key is left.
    pub fn check_from(&mut self, text: &[u8], now: NumericDate, turn: usize) -> Result<Finding, VerifyError> {
        let split = Split::of(text, self.policy.max_bytes)?;
        base64url::decode_into(split.signature, &mut self.signature).ok_or_else(|| split.reason())?;
        let place = self.find(&split)?;
        self.last = place;
        let known = self.known.get_mut(place).ok_or(VerifyError::Malformed)?;
        let algorithm = known.header.alg();
        let mut signed = None;
        for (turn, candidate) in known.candidates.iter_mut().enumerate().skip(turn) {
            if !candidate.key.admits(algorithm, &self.signature) {
                continue;
            }
            if let Some(prepared) = candidate.prepared.as_mut() {
                #[cfg(feature = "ed25519")]
                if candidate.uses == TABLES.1 && self.spent < TABLES.0 && prepared.prepare_for_many() {
                    self.spent += 1;
                }
                #[cfg(feature = "ed25519")]
                {
                    candidate.uses = candidate.uses.saturating_add(1);
                }
                if !prepared.check(split.signing_input, &self.signature) {
                    continue;
                }
            }
            self.turn = turn;
            signed = Some(candidate.prepared.is_some());
            break;
        }
        let signed = signed.ok_or(VerifyError::BadSignature)?;
        self.times = Times::default();
        let claims = match base64url::decode_into(split.payload, &mut self.payload) {
            Some(()) => Payload::read(&self.payload, &mut self.outline).and_then(|payload| {
                let time = |claim| payload.time(claim);
                self.times =
                    Times { exp: time(Registered::Exp), nbf: time(Registered::Nbf), iat: time(Registered::Iat) };
                payload.check(&self.policy, now)
            }),
            None => Err(VerifyError::Malformed),
        };
        match (signed, claims) {
            (true, Ok(())) => Ok(Finding::Good),
            (true, Err(reason)) => Err(reason),
            (false, claims) => Ok(Finding::Unsigned(claims)),
        }
    }

    /// The number of the header that came last and of the key that goes with it: the same for the same two until they are
    /// forgotten, and no others' ever.
    pub fn number(&self) -> u64 {
        (self.forgotten + self.last as u64) * MAX_CANDIDATES as u64 + self.turn as u64
    }

    /// The header that came last.
    pub fn header(&self) -> Option<&Header> {
        self.known.get(self.last).map(|known| &known.header)
    }

    /// The key that it names, and the key's place in the set.
    pub fn key(&self) -> Option<(usize, &Key)> {
        let candidate = self.known.get(self.last)?.candidates.get(self.turn)?;
        Some((candidate.place, candidate.key.as_ref()))
    }

    /// The signature that came last; for ECDSA in the form r || s.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The payload that came last: JSON if the finding was good.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The times in it.
    pub fn times(&self) -> Times {
        self.times
    }

    /// The place of the header, read now or before.
    fn find(&mut self, split: &Split<'_>) -> Result<usize, VerifyError> {
        let encoded = split.header;
        if self.known.get(self.last).is_some_and(|known| *known.encoded == *encoded) {
            return Ok(self.last);
        }
        if let Some(place) = self.places.get(encoded) {
            return Ok(*place);
        }
        let header = Header::parse(&base64url::decode(encoded).ok_or_else(|| split.reason())?)?;
        // Unlike what is wrong inside, a part too many is told before anything about keys.
        if split.payload.contains(&b'.') {
            return Err(split.reason());
        }
        self.policy.check_type(&header)?;
        self.policy.check_algorithm(&header)?;
        let candidates = self.keys.choose(&header)?.into_iter().map(|(place, key)| Candidate {
            place,
            prepared: Prepared::new(header.alg(), &key),
            key,
            #[cfg(feature = "ed25519")]
            uses: 0,
        });
        let known = Known { encoded: encoded.into(), candidates: candidates.collect(), header };
        if self.known.len() >= MAX_KNOWN || self.known_bytes >= MAX_KNOWN_BYTES {
            self.forget();
        }
        self.known_bytes += encoded.len();
        let place = self.known.len();
        self.places.insert(encoded.into(), place);
        self.known.push(known);
        Ok(place)
    }

    fn forget(&mut self) {
        self.forgotten += self.known.len() as u64;
        self.known_bytes = 0;
        self.places.clear();
        self.known.clear();
        self.last = 0;
        self.turn = 0;
        #[cfg(feature = "ed25519")]
        {
            self.spent = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Algorithm;

    const NOW: NumericDate = NumericDate(0.0);

    #[test]
    fn made_up_headers_fill_no_memory_and_push_out_nothing_for_good() {
        let mut checker = Checker::new(Policy { max_bytes: 1 << 20, ..Policy::access_token("i", "a") });
        checker.take_keys(KeySet::new([Key::from_secret(&[7; 32], Algorithm::Hs256).unwrap()]));
        let token = |name: String| {
            let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","name":"{name}"}}"#);
            format!("{}.e30.{}", base64url::encode(header.as_bytes()), base64url::encode(&[0; 32]))
        };
        let mut numbers = std::collections::HashSet::new();
        for size in [0, 10, 100_000] {
            for round in 0..3_000 / (size / 1_000 + 1) {
                let text = token(format!("{round}{}", "x".repeat(size)));
                assert_eq!(checker.check(text.as_bytes(), NOW), Err(VerifyError::BadSignature));
                assert!(checker.known.len() <= MAX_KNOWN && checker.known_bytes < MAX_KNOWN_BYTES + (1 << 20));
                assert_eq!(checker.known_bytes, checker.known.iter().map(|known| known.encoded.len()).sum::<usize>());
                numbers.insert(checker.number());
            }
        }
        // Each header has a number of its own, also after others were forgotten.
        assert_eq!(numbers.len(), 3_000 + 3_000 + 3_000 / 101);
    }
}
