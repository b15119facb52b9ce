//! A token. The oracle is a verifier of a few lines over serde_json, data-encoding and hmac, which knows one key.
//!
//! No fuzzer guesses an HMAC, so every input is verified twice: unchanged, and with a valid signature in place of its
//! own. Only then are the checks after the signature reached.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use edgemint::token::{
    Algorithm, Checker, Expected, Finding, Key, KeySet, Pending, Policy, UnixTime, VerifyError, base64url,
    decode_unverified, explain, verify,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::json::{is_huge, oracle};

const SECRET: &[u8] = b"a shared secret of 32 bytes, or more";
const KID: &str = "key-1";
const NOW: UnixTime = UnixTime(1_800_000_000);
const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";

pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.split('.').any(|part| base64url::decode(part.as_bytes()).is_some_and(|json| is_huge(&json))) {
        return;
    }
    judge(&text);
    if let Some((signed, _)) = text.rsplit_once('.') {
        judge(&format!("{signed}.{}", base64url::encode(&mac(signed))));
    }
}

fn mac(signed: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.chain_update(signed).finalize().into_bytes().to_vec()
}

fn judge(text: &str) {
    let keys = KeySet::new([Key::from_secret(SECRET, Algorithm::Hs256).unwrap().named(KID)]);
    let lenient = Policy {
        issuers: Expected::Anything,
        audiences: Expected::Anything,
        types: Expected::Anything,
        required_claims: Vec::new(),
        ..Policy::access_token("", "")
    };
    let strict = Policy {
        max_age: Some(3_600),
        scopes: vec!["read".to_owned()],
        clock_tolerance: 5,
        ..Policy::access_token(ISSUER, AUDIENCE)
    };
    let ours = read(text);
    let expected_of = |strict: bool| {
        let tolerance = if strict { 5.0 } else { 0.0 };
        ours.as_ref().is_some_and(|(header, claims)| {
            is_current(claims, tolerance) && (!strict || is_access_token(header, claims, tolerance))
        })
    };
    for (policy, expected) in [(lenient, expected_of(false)), (strict, expected_of(true))] {
        let policy = Arc::new(policy);
        let pending = verify(text, &keys, &policy, NOW);
        let signed = pending.as_ref().ok().map(|pending| pending.signature_is_valid().unwrap());
        let verdict = pending.and_then(Pending::complete_portable);
        let reason = verdict.as_ref().map(|_| ()).map_err(Clone::clone);
        assert_eq!(reason.is_ok(), expected, "{reason:?}: {text}");
        if let Ok(token) = &verdict {
            assert_eq!(text, respell(text), "a second spelling of a token");
            assert_eq!(decode_unverified(text, policy.max_bytes).unwrap().1, *token.claims());
            assert_eq!(token.claims().members(), &oracle(token.payload().as_bytes()).unwrap());
        }
        if signed == Some(false) {
            assert_eq!(reason, Err(VerifyError::BadSignature), "a forged token is told nothing else");
        }
        let explanation = explain(text, &keys, &policy, NOW, signed);
        let first = explanation.checks.iter().find(|check| check.outcome != Some(Ok(())));
        assert_eq!(first.map_or(Some(Ok(())), |check| check.outcome.clone()), Some(reason.clone()), "{text}");

        let mut checker = Checker::new(Policy::clone(&policy));
        checker.take_keys(keys.clone());
        // The second time the header is cached.
        for _ in 0..2 {
            let finding = checker.check(text.as_bytes(), NOW);
            assert_eq!(finding, reason.clone().map(|()| Finding::Good), "{text}");
        }
    }
}

/// Decoded and encoded again.
fn respell(text: &str) -> String {
    let parts = text.split('.').map(|part| BASE64URL_NOPAD.encode(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()));
    parts.collect::<Vec<_>>().join(".")
}

type Object = Map<String, Value>;

/// The header and the claims, if the signature is ours and the form is valid.
fn read(text: &str) -> Option<(Object, Object)> {
    let parts: Vec<_> = text.split('.').collect();
    let [header, payload, signature] = parts[..] else { return None };
    let bytes = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let (header, claims) = (oracle(&bytes(header)?)?, oracle(&bytes(payload)?)?);
    let known = header.get("alg") == Some(&json!("HS256")) && header.get("kid").is_none_or(|kid| kid == KID);
    let typ_is_text = header.get("typ").is_none_or(Value::is_string);
    let plain = !["enc", "crit", "b64", "zip"].iter().any(|name| header.contains_key(*name));
    let signed = bytes(signature)? == mac(text.rsplit_once('.')?.0);
    let typed = claims.iter().all(|(name, value)| match name.as_str() {
        "iss" | "sub" | "jti" | "client_id" | "scope" => value.is_string(),
        "aud" => value.is_string() || value.as_array().is_some_and(|many| many.iter().all(Value::is_string)),
        "exp" | "nbf" | "iat" | "auth_time" => value.as_f64().is_some_and(|time| (0.0..=LATEST).contains(&time)),
        _ => true,
    });
    (text.len() <= 16 * 1024 && known && typ_is_text && plain && signed && typed).then_some((header, claims))
}

/// The last second of the year 9999.
const LATEST: f64 = 253_402_300_799.0;

fn seconds(claims: &Object, name: &str) -> Option<f64> {
    claims.get(name)?.as_f64()
}

fn is_current(claims: &Object, tolerance: f64) -> bool {
    let now = NOW.0 as f64;
    seconds(claims, "exp").is_none_or(|exp| now < exp + tolerance)
        && seconds(claims, "nbf").is_none_or(|nbf| nbf <= now + tolerance)
}

/// The further requirements of the strict policy above.
fn is_access_token(header: &Object, claims: &Object, tolerance: f64) -> bool {
    let typ = header.get("typ").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let age = seconds(claims, "iat").map(|iat| NOW.0 as f64 - iat);
    let aud = claims.get("aud").cloned().unwrap_or_default();
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    ["at+jwt", "application/at+jwt"].contains(&&*typ)
        && ["exp", "sub", "client_id", "iat", "jti"].iter().all(|name| claims.contains_key(*name))
        && claims.get("iss").is_some_and(|iss| iss == ISSUER)
        && (aud == AUDIENCE || aud.as_array().is_some_and(|many| many.contains(&json!(AUDIENCE))))
        && age.is_some_and(|age| (-tolerance..=3_600.0 + tolerance).contains(&age))
        && scope.split(' ').any(|value| value == "read")
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let header = json!({ "alg": "HS256", "kid": KID, "typ": "at+jwt" });
    let claims = json!({
        "iss": ISSUER, "aud": [AUDIENCE, "x"], "sub": "alice", "client_id": "app", "scope": "read write",
        "iat": NOW.0 - 60, "nbf": NOW.0, "exp": NOW.0 + 540, "jti": "1",
    });
    let token = |header: &str, payload: &str| {
        let signed = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()));
        format!("{signed}.{}", base64url::encode(&mac(&signed)))
    };
    let (header, claims) = (header.to_string(), claims.to_string());
    let mut seeds = vec![
        token(&header, &claims),
        token(&header, "{}"),
        token(r#"{"alg":"HS256"}"#, r#"{"exp":1.8000005e9,"aud":"https://api.example"}"#),
        token(r#"{"alg":"HS256","typ":"application/AT+JWT","crit":["x"],"x":1}"#, &claims),
        token(r#"{"alg":"RS256","kid":"other"}"#, &claims),
        token(r#"{"alg":"none"}"#, &claims),
        token(&header, r#"{"exp":"1800000540","nbf":-1,"iss":1}"#),
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        r#"{"payload":"e30","signatures":[]}"#.to_owned(),
    ];
    seeds.extend(super::json::seeds().iter().map(|payload| token(&header, &String::from_utf8_lossy(payload))));
    seeds.into_iter().map(String::into_bytes).collect()
}
