//! Rules about signatures: `strict-signatures.json`, tokens that are well formed and good in every other way.

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
        // Straight to the terminal: the test harness would keep it to itself.
        let note = format!(
            "NOT CHECKED NATIVELY, but through the package: {open} rows of \"{rule}\"
"
        );
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
}

rules! { holds:
    ecdsa_r_and_s_in_range = "ECDSA: r and s in range",
    ecdsa_a_high_s_is_accepted = "ECDSA: a high S is accepted",
    ecdsa_in_the_form_r_and_s_never_der = "ECDSA: in the form r and s, never DER",
    another_algorithm_is_another_key = "another algorithm is another key",
    a_token_signed_with_the_key_that_it_brings_along_is_refused =
        "a token signed with the key that it brings along is refused",
    rsa_a_signature_below_the_modulus_and_as_long_as_it = "RSA: a signature below the modulus, and as long as it",
    rsa_pss_the_salt_is_as_long_as_the_hash = "RSA-PSS: the salt is as long as the hash",
    rsa_one_scheme_or_hash_does_not_stand_for_another = "RSA: one scheme or hash does not stand for another",
    a_public_key_is_no_hmac_secret = "a public key is no HMAC secret",
    ed25519_s_below_the_order_of_the_group = "Ed25519: S below the order of the group",
    ed25519_64_bytes = "Ed25519: 64 bytes",
    ed25519_no_commitment_and_no_key_of_small_order = "Ed25519: no commitment and no key of small order",
}

#[test]
fn every_row_has_its_rule() {
    let File { rows, .. } = crate::vectors::read("strict-signatures.json");
    assert!(rows.len() >= 270);
    covers(RULES, rows.iter().map(|row| &*row.rule));
}

/// A key that is used often gets tables of its own multiples: the same is said with them as without.
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
