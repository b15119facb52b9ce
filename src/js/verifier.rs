//! The verifier: one call for each token.

use wasm_bindgen::prelude::*;

use super::policy;
use super::refusal::Refusal;
use super::row::{self, GOOD, REASONS, ROW_LENGTH, UNSIGNED};
use crate::token::json::{Outline, quote};
use crate::token::{self, Checker, Finding, Key, KeyError, KeySet, NumericDate, VerifyError};

/// A policy, the current keys, and the last result.
#[wasm_bindgen]
pub struct Verifier {
    checker: Checker,
    /// The buffer for the token. Never grows, because the shim knows its address.
    input: Vec<u8>,
    row: Box<[f64; ROW_LENGTH]>,
    claim: Option<String>,
}

#[wasm_bindgen]
impl Verifier {
    /// Takes the policy as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str) -> Result<Self, Refusal> {
        let policy = policy::read(policy).ok_or_else(Refusal::of_options)?;
        // One more, to distinguish a token that is too long from one that just fits.
        let input = vec![0; policy.max_bytes + 1];
        Ok(Self { checker: Checker::new(policy), input, row: Box::default(), claim: None })
    }

    /// Replaces the keys by those of a fetched JWK Set. `false` if it is invalid; then nothing changes.
    #[wasm_bindgen(js_name = takePublished)]
    pub fn take_published(&mut self, jwks: &[u8]) -> bool {
        let keys = KeySet::from_published(jwks);
        keys.map(|keys| self.checker.take_keys(keys)).is_some()
    }

    /// Reads the keys of a JWK Set from the options: shared secrets too, private keys never.
    #[wasm_bindgen(js_name = takeGiven)]
    pub fn take_given(&mut self, jwks: &str) -> Result<(), Refusal> {
        self.checker.take_keys(KeySet::new(given_keys(jwks)?));
        Ok(())
    }

    /// Records a `CryptoKey`, which the shim holds.
    #[wasm_bindgen(js_name = takeHandle)]
    pub fn take_handle(&mut self, algorithm: &str) -> Result<(), Refusal> {
        let algorithm = token::Algorithm::from_name(algorithm).ok_or(KeyError::Unsupported)?;
        self.checker.take_keys(KeySet::new([Key::from_handle(algorithm)]));
        Ok(())
    }

    /// The address of the buffer for the token.
    #[wasm_bindgen(getter)]
    pub fn input(&self) -> usize {
        self.input.as_ptr() as usize
    }

    /// The address of the results of `check`: doubles, at the positions that `row.rs` names.
    #[wasm_bindgen(getter)]
    pub fn row(&self) -> usize {
        self.row.as_ptr() as usize
    }

    /// Checks the token of `len` bytes in the input: everything but a signature that wasm does not verify.
    ///
    /// Returns 0 if it is valid; 1 if the platform must verify the signature; else 2 + the number of the reason. With 1, the row
    /// has 0 or 2 + the number of the reason that counts if the signature is valid. The first `turn` of the matching keys are
    /// skipped: the platform has found that they did not sign it.
    pub fn check(&mut self, len: usize, now: f64, turn: usize) -> u32 {
        let text = self.input.get(..len).unwrap_or_default();
        let signed_len = text.iter().rposition(|byte| *byte == b'.').unwrap_or_default();
        let (answer, deferred) = match self.checker.check_from(text, NumericDate(now), turn) {
            Ok(Finding::Good) => (GOOD, GOOD),
            Ok(Finding::Unsigned(Ok(()))) => (UNSIGNED, GOOD),
            Ok(Finding::Unsigned(Err(reason))) => (UNSIGNED, self.note(&reason)),
            Err(reason) => return self.note(&reason),
        };
        let place = |bytes: &[u8]| [bytes.as_ptr() as usize as f64, bytes.len() as f64];
        let [payload, payload_len] = place(self.checker.payload());
        let [signature, signature_len] = place(self.checker.signature());
        // A missing limit is NaN, for which every comparison is false.
        let token::Times { exp, nbf, iat } = self.checker.times();
        let results: &mut [f64; ROW_LENGTH] = &mut self.row;
        results[row::KNOWN] = self.checker.number() as f64;
        results[row::DEFERRED] = f64::from(deferred);
        results[row::PAYLOAD] = payload;
        results[row::PAYLOAD_LENGTH] = payload_len;
        results[row::SIGNATURE] = signature;
        results[row::SIGNATURE_LENGTH] = signature_len;
        results[row::SIGNED_LENGTH] = signed_len as f64;
        results[row::EXP] = exp.unwrap_or(f64::NAN);
        results[row::NBF] = nbf.unwrap_or(f64::NAN);
        results[row::IAT] = iat.unwrap_or(f64::NAN);
        answer
    }

    /// The claim of the last reason.
    #[wasm_bindgen(getter)]
    pub fn claim(&self) -> Option<String> {
        self.claim.clone()
    }

    /// A JSON array about the last token that reached the check of its signature: the header; the identifier of its key or `null`, the
    /// algorithm, the position among the current keys, and the public JWK, or `null` for a key that is not public or that the shim holds.
    #[wasm_bindgen(getter)]
    pub fn known(&self) -> Option<String> {
        let (header, (place, key)) = (self.checker.header()?, self.checker.key()?);
        let kid = key.kid().map_or_else(null, quote);
        let jwk = key.public_jwk_text().unwrap_or_else(null);
        Some(format!(r#"[{},{kid},"{}",{place},{jwk}]"#, header.json(), header.alg()))
    }

    /// Every check as text for developers, as JSON. `signature_is_valid` is the platform's result, if it verified the signature; else
    /// wasm verifies it if it can.
    pub fn explain(&self, text: &str, now: f64, signature_is_valid: Option<bool>) -> String {
        let (keys, policy) = (self.checker.keys(), self.checker.policy());
        let now = NumericDate(now);
        let check_here = || token::verify(text, keys, policy, now).ok()?.signature_is_valid();
        let explanation = token::explain(text, keys, policy, now, signature_is_valid.or_else(check_here));
        let checks = explanation.checks.iter().map(|check| {
            let outcome = match &check.outcome {
                None => null(),
                Some(Ok(())) => "true".to_owned(),
                Some(Err(reason)) => {
                    format!("[{},{}]", REASONS + reason.number(), quote(reason.claim().unwrap_or_default()))
                }
            };
            format!(r#"["{}",{outcome}]"#, check.name)
        });
        let checks: Vec<_> = checks.collect();
        let json = |text: Option<String>| text.unwrap_or_else(null);
        let (header, claims) = (json(explanation.header), json(explanation.claims));
        format!(r#"{{"header":{header},"claims":{claims},"checks":[{}]}}"#, checks.join(","))
    }
}

impl Verifier {
    fn note(&mut self, reason: &VerifyError) -> u32 {
        self.claim = reason.claim().map(str::to_owned);
        REASONS + reason.number()
    }
}

fn null() -> String {
    "null".to_owned()
}

fn given_keys(jwks: &str) -> Result<Vec<Key>, Refusal> {
    let mut outline = Outline::default();
    outline.read(jwks.as_bytes()).ok_or(KeyError::Malformed)?;
    let list = outline.find(jwks, "keys").ok_or(KeyError::Malformed)?;
    let (mut keys, mut first_error) = (Vec::new(), None);
    for jwk in list.items(jwks) {
        match Key::from_jwk_text(jwk.source(jwks).as_bytes()) {
            Ok(key) => keys.push(key),
            // A private key in a verifier's configuration is a leak that must be reported, not an unknown kind to skip.
            Err(KeyError::Private) => return Err(KeyError::Private.into()),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    // Public keys are published: a set that has some may be published with the secrets in it.
    if keys.iter().any(Key::is_secret) && !keys.iter().all(Key::is_secret) {
        return Err(Refusal::of_key("mixed", "the JWK Set must not mix shared secrets and public keys"));
    }
    match first_error {
        Some(error) if keys.is_empty() => Err(error.into()),
        Some(_) | None => Ok(keys),
    }
}
