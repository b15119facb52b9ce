//! A valid access token, with the keys, the policy and the time to verify it. Each test breaks one thing.

use std::sync::Arc;

use edgemint::token::{
    Algorithm, Checker, Expected, Finding, KeySet, NumericDate, Pending, Policy, Token, UnixTime, VerifyError,
    base64url, verify,
};
use serde_json::{Value, json};

use crate::signer::Signer;

pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const KID: &str = "key-1";
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
/// The issue time and the expiry of the token.
pub(crate) const IAT: u64 = NOW.0 - 60;
pub(crate) const EXP: u64 = NOW.0 + 540;

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) signer: Signer,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) keys: KeySet,
    pub(crate) policy: Policy,
    pub(crate) now: NumericDate,
}

impl Case {
    pub(crate) fn new() -> Self {
        Self::signed_by(Signer::new(Algorithm::Hs256, 7))
    }

    pub(crate) fn signed_by(signer: Signer) -> Self {
        Self {
            signer,
            header: json!({ "alg": signer.algorithm.name(), "kid": KID, "typ": "at+jwt" }),
            claims: json!({
                "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "app", "scope": "read write",
                "iat": IAT, "exp": EXP, "jti": "1",
            }),
            keys: KeySet::new([signer.key(KID)]),
            policy: Policy::access_token(ISSUER, AUDIENCE),
            now: NOW.into(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub(crate) fn without_claim(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn keys(mut self, keys: KeySet) -> Self {
        self.keys = keys;
        self
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn at(self, now: u64) -> Self {
        Self { now: UnixTime(now).into(), ..self }
    }

    pub(crate) fn at_exactly(self, now: f64) -> Self {
        Self { now: NumericDate(now), ..self }
    }

    /// The token with a valid signature.
    pub(crate) fn text(&self) -> String {
        self.with_payload(self.claims.to_string())
    }

    /// The token with another payload and a valid signature.
    pub(crate) fn with_payload(&self, payload: impl AsRef<[u8]>) -> String {
        self.signer.token(self.header.to_string(), payload)
    }

    /// The token with a signature by another key.
    pub(crate) fn forged(&self) -> String {
        let forger = Signer::new(self.signer.algorithm, 99);
        forger.token(self.header.to_string(), self.claims.to_string())
    }

    pub(crate) fn verdict(&self) -> Result<Token, VerifyError> {
        self.verdict_on(&self.text())
    }

    /// The verdict on a text, by these keys and this policy at this time.
    pub(crate) fn verdict_on(&self, text: &str) -> Result<Token, VerifyError> {
        let verdict =
            verify(text, &self.keys, &Arc::new(self.policy.clone()), self.now).and_then(Pending::complete_portable);
        self.agrees(text, &verdict);
        verdict
    }

    /// The checker for many tokens has the same verdict, at first and with the cached header.
    fn agrees(&self, text: &str, verdict: &Result<Token, VerifyError>) {
        let mut checker = Checker::new(self.policy.clone());
        checker.take_keys(self.keys.clone());
        for _ in 0..2 {
            let finding = checker.check(text.as_bytes(), self.now);
            match (verdict, finding) {
                (Ok(_), Ok(Finding::Good | Finding::Unsigned(Ok(())))) => {}
                // This build does not verify signatures of other algorithms.
                (Err(VerifyError::AlgorithmNotAllowed), Ok(Finding::Unsigned(_))) => {}
                (Err(expected), Err(reason)) => assert_eq!(reason, *expected, "{text:.200}"),
                (verdict, finding) => panic!("{verdict:?} is not {finding:?}: {text:.200}"),
            }
        }
        if let Ok(token) = verdict {
            assert_eq!(checker.payload(), token.payload().as_bytes());
            assert_eq!(checker.header(), Some(token.header()));
            let times = checker.times();
            for (name, time) in [("exp", times.exp), ("nbf", times.nbf), ("iat", times.iat)] {
                assert_eq!(time, token.claims().time(name), "{name}");
            }
            let signature = text.rsplit('.').next().and_then(|signature| base64url::decode(signature.as_bytes()));
            assert_eq!(Some(checker.signature()), signature.as_deref());
            let (place, key) = checker.key().unwrap();
            assert_eq!((key, checker.keys().get(place).map(Arc::as_ref)), (token.key(), Some(token.key())));
            assert_eq!(checker.policy().issuers, self.policy.issuers);
        }
    }

    #[track_caller]
    pub(crate) fn passes(&self) {
        if let Err(reason) = self.verdict() {
            panic!("refused: {reason:?}");
        }
    }

    #[track_caller]
    pub(crate) fn refused(&self, reason: VerifyError) {
        self.refuses(&self.text(), reason);
    }

    #[track_caller]
    pub(crate) fn refuses(&self, text: &str, reason: VerifyError) {
        assert_eq!(self.verdict_on(text).map(|token| token.payload().to_owned()), Err(reason), "{text:.200}");
    }
}

/// A policy that leaves the choice of algorithms to the keys.
pub(crate) fn open_policy() -> Policy {
    Policy {
        issuers: Expected::Anything,
        audiences: Expected::Anything,
        types: Expected::Anything,
        required_claims: Vec::new(),
        ..Policy::access_token("", "")
    }
}

pub(crate) fn invalid(claim: &str) -> VerifyError {
    VerifyError::ClaimInvalid { claim: claim.to_owned() }
}

pub(crate) fn missing(claim: &str) -> VerifyError {
    VerifyError::ClaimMissing { claim: claim.to_owned() }
}
