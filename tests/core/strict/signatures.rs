//! Rules about signatures: `strict-signatures.json`, tokens that are valid in every other way.

use std::collections::BTreeMap;
use std::io::Write as _;

use edgemint::token::{Checker, Finding, KeySet, verify};
use serde::Deserialize;
use serde_json::Value;

use super::{covers, rules};
use crate::case::Case;
use crate::signer::key;

#[derive(Deserialize)]
struct File {
    keys: BTreeMap<String, Value>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    rule: String,
    what: String,
    key: String,
    token: String,
    verdict: String,
}

impl Row {
    /// `None` if this build cannot check a signature of that kind.
    fn verdict(&self, keys: &BTreeMap<String, Value>) -> Option<&'static str> {
        let case = Case::new().keys(KeySet::new([key(&keys[&self.key])]));
        if let Ok(pending) = verify(&self.token, &case.keys, &case.policy.clone().into(), case.now) {
            pending.signature_is_valid()?;
        }
        Some(case.verdict_on(&self.token).map_or_else(|reason| reason.code(), |_| "accepted"))
    }
}

fn holds(rule: &str) {
    let File { keys, rows } = crate::vectors::read("strict-signatures.json");
    let (mut wrong, mut open) = (Vec::new(), 0);
    for row in rows.iter().filter(|row| row.rule == rule) {
        match row.verdict(&keys) {
            Some(verdict) if verdict == row.verdict => {}
            Some(verdict) => wrong.push(format!("{}: {verdict} instead of {}: {}", row.what, row.verdict, row.token)),
            None => open += 1,
        }
    }
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
    if open > 0 {
        // Straight to the terminal, because the test harness captures output.
        let note = format!(
            "NOT CHECKED NATIVELY, but through the package: {open} rows of \"{rule}\"
"
        );
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
}

rules! { holds:
    ecdsa_r_and_s_must_be_in_range = "ECDSA: r and s must be in range",
    ecdsa_a_high_s_is_accepted = "ECDSA: a high S is accepted",
    ecdsa_a_signature_in_der_is_refused = "ECDSA: a signature in DER is refused",
    a_key_verifies_its_own_algorithm_only = "a key verifies its own algorithm only",
    a_token_signed_with_the_key_in_its_header_is_refused =
        "a token signed with the key in its header is refused",
    rsa_a_signature_must_be_below_the_modulus_and_as_long_as_it =
        "RSA: a signature must be below the modulus, and as long as it",
    rsa_pss_the_salt_must_be_as_long_as_the_hash = "RSA-PSS: the salt must be as long as the hash",
    rsa_another_scheme_or_hash_is_refused = "RSA: another scheme or hash is refused",
    a_public_key_is_refused_as_an_hmac_secret = "a public key is refused as an HMAC secret",
    ed25519_s_must_be_below_the_order_of_the_group = "Ed25519: S must be below the order of the group",
    ed25519_a_signature_must_have_64_bytes = "Ed25519: a signature must have 64 bytes",
    ed25519_a_commitment_or_key_of_small_order_is_refused = "Ed25519: a commitment or key of small order is refused",
}

#[test]
fn every_row_has_its_rule() {
    let File { rows, .. } = crate::vectors::read("strict-signatures.json");
    assert!(rows.len() >= 270);
    covers(RULES, rows.iter().map(|row| &*row.rule));
}

/// A key that is used often gets tables of its own multiples: the verdict is the same with and without them.
#[cfg(feature = "portable")]
#[test]
fn a_key_with_tables_says_the_same() {
    let File { keys, rows } = crate::vectors::read("strict-signatures.json");
    let case = Case::new();
    for (name, jwk) in keys.iter().filter(|(_, jwk)| jwk["kty"] == "OKP") {
        let mut checker = Checker::new(case.policy.clone());
        checker.take_keys(KeySet::new([key(jwk)]));
        for round in 0..8 {
            for row in rows.iter().filter(|row| row.key == *name) {
                let finding = checker.check(row.token.as_bytes(), case.now);
                let word = finding.map_or_else(
                    |reason| reason.code(),
                    |finding| match finding {
                        Finding::Good => "accepted",
                        Finding::Unsigned(_) => "not checked",
                    },
                );
                assert_eq!(word, row.verdict, "{name}, round {round}: {}", row.what);
            }
        }
    }
}
