//! Rules about the text of a token, its header and its claims: `strict-tokens.json`.

use std::collections::BTreeMap;

use edgemint::token::{KeySet, base64url, decode_unverified};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde::Deserialize;
use serde_json::json;

use super::{covers, rules};
use crate::case::{Case, KID};
use crate::signer::key;

const SECRET: &str = "a shared secret of 32 bytes, or more";

/// One row: its changes of a valid token. README.md beside the file says how to read it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    rule: String,
    what: String,
    header: Option<String>,
    payload: Option<String>,
    #[serde(default)]
    members: BTreeMap<String, Option<String>>,
    #[serde(default)]
    claims: BTreeMap<String, Option<String>>,
    signed: Option<String>,
    token: Option<String>,
    secret: Option<String>,
    max_bytes: Option<isize>,
    verdict: String,
    claim: Option<String>,
}

pub(super) fn rows() -> Vec<Row> {
    crate::vectors::read("strict-tokens.json")
}

/// Members of an object as JSON text without its braces: the valid ones, changed as the row says.
fn members(good: &[(&str, &str)], changes: &BTreeMap<String, Option<String>>) -> String {
    let kept = good.iter().filter(|(name, _)| !changes.contains_key(*name));
    let kept = kept.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let set = changes.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    kept.chain(set).map(|(name, value)| format!("{}:{value}", json!(name))).collect::<Vec<_>>().join(",")
}

/// Replaces `$name(argument)` by what `of` makes of the argument.
fn fill(text: &[u8], name: &str, of: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let opening = format!("${name}(");
    let Some(start) = text.windows(opening.len()).position(|part| part == opening.as_bytes()) else {
        return text.to_vec();
    };
    let (before, rest) = (&text[..start], &text[start + opening.len()..]);
    let end = rest.iter().position(|byte| *byte == b')').unwrap();
    let argument = std::str::from_utf8(&rest[..end]).unwrap();
    [before, &of(argument), &fill(&rest[end + 1..], name, of)].concat()
}

fn render(text: &str) -> Vec<u8> {
    let count = |text: &str| text.parse::<usize>().unwrap();
    let text = fill(text.as_bytes(), "hex", |hex| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap());
    let text = fill(&text, "fill", |n| vec![b'x'; count(n)]);
    let text = fill(&text, "open", |n| format!("{{\"x\":{}", "[".repeat(count(n))).into_bytes());
    fill(&text, "deep", |n| format!("{{\"x\":{}{}}}", "[".repeat(count(n)), "]".repeat(count(n))).into_bytes())
}

impl Row {
    pub(super) fn rule(&self) -> &str {
        &self.rule
    }

    fn text(&self) -> String {
        let good_header = [("alg", r#""HS256""#), ("kid", r#""key-1""#), ("typ", r#""at+jwt""#)];
        let good_claims = [
            ("iss", r#""https://as.example""#),
            ("aud", r#""https://api.example""#),
            ("sub", r#""alice""#),
            ("client_id", r#""app""#),
            ("scope", r#""read write""#),
            ("iat", "1799999940"),
            ("exp", "1800000540"),
            ("jti", r#""1""#),
        ];
        let header = self.header.as_deref().unwrap_or("{$header}");
        let payload = self.payload.as_deref().unwrap_or("{$claims}");
        let header = render(&header.replace("$header", &members(&good_header, &self.members)));
        let payload = render(&payload.replace("$claims", &members(&good_claims, &self.claims)));
        let (h, p) = (base64url::encode(&header), base64url::encode(&payload));
        let signed = self.signed.as_deref().unwrap_or("$h.$p").replace("$h", &h).replace("$p", &p);
        let secret = self.secret.as_deref().unwrap_or(SECRET);
        let mac = Hs256.sign(&Hs256Key::new(secret.as_bytes()), signed.as_bytes());
        let mac = base64url::encode(&mac.as_bytes());
        let token = String::from_utf8(render(self.token.as_deref().unwrap_or("$s.$m"))).unwrap();
        let parts = [("$h", &h), ("$p", &p), ("$s", &signed), ("$m", &mac), ("$t", &stray(&mac))];
        parts.into_iter().fold(token, |token, (name, part)| token.replace(name, part))
    }

    /// The verdict: `accepted`, or the code and the claim.
    fn verdict(&self) -> (&'static str, Option<String>) {
        let text = self.text();
        let jwk = json!({ "kty": "oct", "alg": "HS256", "kid": KID, "k": base64url::encode(SECRET.as_bytes()) });
        let case = Case::new().keys(KeySet::new([key(&jwk)])).policy(|policy| {
            if let Some(more) = self.max_bytes {
                policy.max_bytes = text.len().checked_add_signed(more).unwrap();
            }
        });
        match case.verdict_on(&text) {
            Ok(_) => ("accepted", None),
            Err(reason) => (reason.code(), reason.claim().map(str::to_owned)),
        }
    }
}

/// The same bytes with one of the unused bits at the end set.
fn stray(mac: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = mac.split_at(mac.len() - 1);
    let place = ALPHABET.find(last).unwrap();
    format!("{rest}{}", &ALPHABET[place + 1..place + 2])
}

fn holds(rule: &str) {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.rule == rule) {
        let expected = (row.verdict.as_str(), row.claim.clone());
        let verdict = row.verdict();
        if verdict != expected {
            wrong.push(format!("{}: {verdict:?} instead of {expected:?}: {:.300}", row.what, row.text()));
        }
    }
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

rules! { holds:
    the_unchanged_token_is_accepted = "the unchanged token is accepted",
    canonical_unpadded_base64url_only = "canonical unpadded base64url only",
    three_parts = "three parts",
    one_json_object = "one JSON object",
    no_byte_order_mark = "no byte order mark",
    members_must_not_repeat_at_any_depth = "members must not repeat, at any depth",
    strings_must_be_valid_utf_8_and_unicode = "strings must be valid UTF-8 and Unicode",
    depth_is_bounded = "depth is bounded",
    size_is_bounded = "size is bounded",
    numbers_must_fit_every_json_reader = "numbers must fit every JSON reader",
    times_must_be_numbers_in_range = "times must be numbers in range",
    identifiers_must_be_text = "identifiers must be text",
    an_unknown_or_malformed_crit_is_refused = "an unknown or malformed crit is refused",
    b64_is_refused = "b64 is refused",
    zip_is_refused = "zip is refused",
    an_encrypted_token_is_refused_by_name = "an encrypted token is refused by name",
    the_json_serialisation_is_refused_by_name = "the JSON serialisation is refused by name",
    keys_in_the_header_of_a_token_are_never_used = "keys in the header of a token are never used",
    the_algorithm_must_be_on_the_list = "the algorithm must be on the list, with the same spelling",
    the_type_must_be_the_expected_one = "the type must be the expected one",
    the_kid_must_be_text = "the kid must be text",
    prototype_members_are_data = "prototype members are data",
    a_forged_token_reveals_nothing_about_its_claims = "the error for a forged token reveals nothing about its claims",
}

#[test]
fn every_row_has_its_rule() {
    let rows = rows();
    assert!(rows.len() >= 390);
    covers(RULES, rows.iter().map(Row::rule));
}

/// Reading a token without verifying it enforces the same rules of form.
#[test]
fn malformed_tokens_are_malformed_without_a_key_too() {
    let refused: Vec<_> = rows()
        .into_iter()
        .filter(|row| ["malformed", "unsupported", "algorithm_not_allowed"].contains(&&*row.verdict))
        .collect();
    assert!(refused.len() > 150);
    for row in refused {
        let reason = decode_unverified(&row.text(), 16 * 1024).expect_err(&row.what);
        assert_eq!(reason.code(), row.verdict, "{}: {}", row.rule, row.what);
    }
}
