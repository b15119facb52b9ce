//! The text of a token: its length, its parts, its alphabet, the JSON inside.

use edgemint::token::{DEFAULT_MAX_BYTES, VerifyError, base64url};
use serde_json::json;

use crate::case::{Case, invalid};

#[test]
fn the_unchanged_token_is_accepted() {
    Case::new().passes();
}

#[test]
fn nothing_may_surround_it() {
    let case = Case::new();
    let token = case.text();
    for (before, after) in [
        (" ", ""),
        ("", " "),
        ("\n", ""),
        ("", "\n"),
        ("", "\r\n"),
        ("\t", ""),
        ("", "\0"),
        ("\u{feff}", ""),
        ("Bearer ", ""),
        ("\"", "\""),
        ("", "="),
    ] {
        case.refuses(&format!("{before}{token}{after}"), VerifyError::Malformed);
    }
}

#[test]
fn nothing_may_be_between_its_parts() {
    let case = Case::new();
    let token = case.text();
    for filler in ["\n", " ", "=", "?", "\0", "é"] {
        case.refuses(&token.replacen('.', &format!("{filler}."), 1), VerifyError::Malformed);
        case.refuses(&token.replacen('.', &format!(".{filler}"), 1), VerifyError::BadSignature);
        let (input, signature) = token.rsplit_once('.').unwrap();
        case.refuses(&format!("{input}.{filler}{signature}"), VerifyError::Malformed);
        // Even if the signer itself wrote it there.
        case.refuses(&case.signer.seal(&format!("{input}{filler}")), VerifyError::Malformed);
    }
}

#[test]
fn the_alphabet_is_base64url() {
    let case = Case::new();
    // Claims whose encoding has both characters that differ between the two alphabets.
    let payload = base64url::encode(br#"{"a":"<<???>>","b":"~~~"}"#);
    assert!(payload.contains('_') && payload.contains('-'), "{payload}");
    let header = base64url::encode(case.header.to_string().as_bytes());
    let standard = payload.replace('_', "/").replace('-', "+");
    case.refuses(&case.signer.seal(&format!("{header}.{standard}")), VerifyError::Malformed);
    let signature = case.text().rsplit_once('.').unwrap().1.to_owned();
    case.refuses(&case.text().replace(&signature, &format!("+{}", &signature[1..])), VerifyError::Malformed);
}

#[test]
fn unused_bits_at_the_end_of_a_part_must_be_zero() {
    let case = Case::new();
    let header = base64url::encode(case.header.to_string().as_bytes());
    // Two bytes leave two bits of the last character unused, one byte leaves four.
    for (own, twin) in [("e30", "e31"), ("MQ", "MR")] {
        assert!(base64url::decode(own.as_bytes()).is_some() && base64url::decode(twin.as_bytes()).is_none());
        case.refuses(&case.signer.seal(&format!("{header}.{twin}")), VerifyError::Malformed);
        case.refuses(&case.signer.seal(&format!("{twin}.{own}")), VerifyError::Malformed);
    }
    // The last character of a signature of 32 bytes has three variants that differ in unused bits only.
    let text = case.text();
    let (rest, last) = text.split_at(text.len() - 1);
    let place = ALPHABET.find(last).unwrap();
    assert_eq!(place % 4, 0);
    for twin in ALPHABET[place + 1..place + 4].chars() {
        case.refuses(&format!("{rest}{twin}"), VerifyError::Malformed);
    }
}

/// RFC 4648 section 5.
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[test]
fn it_has_three_parts() {
    let case = Case::new();
    let token = case.text();
    for text in ["", ".", "..", "...", "a", "a.b", "a.b.c", ".....", "......"] {
        case.refuses(text, VerifyError::Malformed);
    }
    for text in [format!("{token}."), format!(".{token}"), format!("{token}.{token}")] {
        case.refuses(&text, VerifyError::Malformed);
    }
    let without_header = token.split_once('.').unwrap().1;
    case.refuses(&format!(".{without_header}"), VerifyError::Malformed);
}

#[test]
fn a_detached_payload_is_refused() {
    let case = Case::new();
    let token = case.text();
    let (header, rest) = token.split_once('.').unwrap();
    let signature = rest.split_once('.').unwrap().1;
    case.refuses(&format!("{header}..{signature}"), VerifyError::BadSignature);
    case.refuses(&case.with_payload(""), VerifyError::Malformed);
}

#[test]
fn an_encrypted_token_is_refused_by_name() {
    let case = Case::new();
    // The compact form of RFC 7516 section 7.1: header, key, vector, ciphertext, tag.
    case.refuses(
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA",
        VerifyError::Unsupported,
    );
    case.clone().header("enc", "A256GCM").refused(VerifyError::Unsupported);
}

#[test]
fn the_json_serialisation_is_refused_by_name() {
    let case = Case::new();
    let token = case.text();
    let parts: Vec<_> = token.split('.').collect();
    let flattened = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] });
    let general = json!({ "payload": parts[1], "signatures": [{ "protected": parts[0], "signature": parts[2] }] });
    case.refuses(&flattened.to_string(), VerifyError::Unsupported);
    case.refuses(&general.to_string(), VerifyError::Unsupported);
}

#[test]
fn the_length_is_bounded() {
    let case = Case::new();
    let len = case.text().len();
    case.clone().policy(|policy| policy.max_bytes = len).passes();
    case.clone().policy(|policy| policy.max_bytes = len - 1).refused(VerifyError::TooLarge);

    let sized = |filler: usize| case.clone().claim("filler", "x".repeat(filler));
    let fillers: Vec<_> = (0..DEFAULT_MAX_BYTES).collect();
    let too_many = fillers.partition_point(|filler| sized(*filler).text().len() <= DEFAULT_MAX_BYTES);
    sized(too_many - 1).passes();
    sized(too_many).refused(VerifyError::TooLarge);
    case.refuses(&"A".repeat(10_000_000), VerifyError::TooLarge);
}

#[test]
fn the_payload_is_one_json_object() {
    let case = Case::new();
    for payload in ["foo", "[]", "\"x\"", "1", "null", "{", "{} {}", "{}x", "\u{feff}{}", "{'a':1}", "{\"a\":1,}"] {
        case.refuses(&case.with_payload(payload), VerifyError::Malformed);
    }
    case.refuses(&case.with_payload(b"{\"a\":\"\xff\"}"), VerifyError::Malformed);
    case.refuses(&case.with_payload(r#"{"a":"\ud800"}"#), VerifyError::Malformed);
}

#[test]
fn no_member_is_repeated() {
    let case = Case::new();
    let twice = |more: &str| format!("{{{more},{}", &case.claims.to_string()[1..]);
    for more in [r#""sub":"mallory""#, r#""s\u0075b":"alice""#, r#""x":{"a":1,"a":1}"#, r#""x":[{"a":1,"a":2}]"#] {
        case.refuses(&case.with_payload(twice(more)), VerifyError::Malformed);
    }
    let header = case.header.to_string();
    for more in [r#""alg":"HS256""#, r#""kid":"other""#, r#""x":{"a":1,"a":1}"#] {
        let header = format!("{{{more},{}", &header[1..]);
        case.refuses(&case.signer.token(header, case.claims.to_string()), VerifyError::Malformed);
    }
}

#[test]
fn numbers_that_a_double_cannot_hold_are_refused() {
    let case = Case::new();
    let with = |exp: &str| case.claims.to_string().replace(&case.claims["exp"].to_string(), exp);
    for exp in ["1e400", "-1e400", "NaN", "Infinity", "0x7fffffff", "+1900000000"] {
        case.refuses(&case.with_payload(with(exp)), VerifyError::Malformed);
    }
    for exp in ["1e300", "18446744073709551616", "-1", "253402300800"] {
        case.refuses(&case.with_payload(with(exp)), invalid("exp"));
    }
}

#[test]
fn depth_is_bounded() {
    let case = Case::new();
    let nested = |depth: usize| format!(r#"{{"x":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    for depth in [64, 100, 5_000] {
        case.refuses(&case.with_payload(nested(depth)), VerifyError::Malformed);
        case.refuses(&case.signer.token(nested(depth), "{}"), VerifyError::Malformed);
    }
    let deep = serde_json::from_str::<serde_json::Value>(&nested(62)).unwrap();
    case.claim("deep", deep).passes();
}
