use ciborium::Value as Cbor;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::token::base64url::{decode, encode};

use super::authenticator::{Authenticator, BACKED_UP, ELIGIBLE, PRESENT, PrivateKey, VERIFIED, cose_key, to_bytes};
use super::*;

const CHALLENGE: &[u8] = b"a challenge of the caller";
const USER: UserHandle = *b"a user handle 16";
const KEYS: [PrivateKey; 2] = [PrivateKey::Ed25519([7; 32]), PrivateKey::Es256([7; 32])];

fn rp() -> RelyingParty {
    RelyingParty::of_issuer("https://as.example").unwrap()
}

fn authenticator() -> Authenticator {
    Authenticator::new(KEYS[1].clone(), USER)
}

fn register(authenticator: &Authenticator) -> Result<StoredPasskey, PasskeyError> {
    verify_registration(&rp(), CHALLENGE, &authenticator.create(CHALLENGE).to_string())
}

fn sign_in(authenticator: &Authenticator, passkey: &StoredPasskey) -> Result<Assertion, PasskeyError> {
    verify_authentication(&rp(), &USER, CHALLENGE, passkey, &authenticator.get(CHALLENGE).to_string())
}

/// The changes that make a good response a bad one of either ceremony, and the reason that each must give.
fn bad_ones() -> Vec<(PasskeyError, Authenticator)> {
    let good = authenticator();
    let with = |member: &str, value: Value| Authenticator { client_data: json!({ member: value }), ..good.clone() };
    vec![
        (PasskeyError::Challenge, with("challenge", json!(encode(b"a challenge of another user")))),
        (PasskeyError::Challenge, with("challenge", json!(""))),
        (PasskeyError::Ceremony, with("type", json!("payment.get"))),
        (PasskeyError::Origin, Authenticator { origin: "https://as.example:8443", ..good.clone() }),
        (PasskeyError::Origin, Authenticator { origin: "http://as.example", ..good.clone() }),
        (PasskeyError::Origin, Authenticator { origin: "https://as.example.evil.example", ..good.clone() }),
        (PasskeyError::Origin, with("crossOrigin", json!(true))),
        (PasskeyError::RelyingParty, Authenticator { rp_id: "example", ..good.clone() }),
        (PasskeyError::NotPresent, Authenticator { flags: VERIFIED, ..good.clone() }),
        (PasskeyError::NotVerified, Authenticator { flags: PRESENT, ..good.clone() }),
        (PasskeyError::Backup, Authenticator { flags: PRESENT | VERIFIED | BACKED_UP, ..good.clone() }),
        (PasskeyError::Malformed, with("challenge", json!(7))),
        (PasskeyError::Malformed, with("challenge", json!("***"))),
    ]
}

#[test]
fn a_passkey_is_registered_and_signs_in() {
    for key in KEYS {
        let mut authenticator = Authenticator::new(key, USER);
        authenticator.flags |= ELIGIBLE;
        authenticator.count = 3;
        let mut passkey = register(&authenticator).unwrap();
        assert_eq!(passkey.id, CredentialId::from_bytes(b"credential one".to_vec()).unwrap());
        assert_eq!((passkey.backup_eligible, passkey.backed_up), (true, false));
        assert_eq!(passkey.transports, ["internal", "hybrid"]);
        assert_eq!(passkey.aaguid, "6d6f6465-6c20-6f66-2064-657669636573");

        let stored = serde_json::to_string(&passkey).unwrap();
        assert_eq!(serde_json::from_str::<StoredPasskey>(&stored).unwrap(), passkey);

        authenticator.flags |= BACKED_UP;
        authenticator.count = 4;
        let response = authenticator.get(CHALLENGE).to_string();
        assert_eq!(claimed(&response), Some((passkey.id.clone(), USER)));
        let assertion = sign_in(&authenticator, &passkey).unwrap();
        let expected = Assertion { sign_count: 4, backup_eligible: true, backed_up: true, user_verified: true };
        assert_eq!(assertion, expected);
        assert_eq!(passkey.accept(&assertion), Ok(Counter::Increased));
        assert!(passkey.backed_up);
    }
}

#[test]
fn an_rsa_passkey_signs_in() {
    // Recorded once from a key whose private half is gone: none has a place here.
    let n = "s-oFrrLtD5aEU3YTdKcZSHkfxNbq_yY9SHjKgKRMb-s_MBh8kJ5LD1INP3LYF3KITDX26M24sI3c5usKNSWwCDGeDW1y6JFbLKnO\
            61pH1Y7g_7LoIPiRE5FYdstDNHaldYeqPrSvRRD6Ws6nUzePNEVKdERa7yKzFdLlkwJESMfHf4aZ2fWgiwx3C0NK9labKcAPg21H\
            foTwwAyFjPx5qvuMI00xq8yStJ7FMqNElwuTVXcgtZHl6tFHa9XnGPEVEIdguo5k0yzA3XUyceuQwJDgVT-CyI0akoWsf3i2WEx7\
            EEiLz2glmGlzl5isaERUTTU7Cg8uCEJKDkLmw8kkaw";
    let key = cose_key(&[
        (1, 3.into()),
        (3, (-257).into()),
        (-1, Cbor::Bytes(decode(n.as_bytes()).unwrap())),
        (-2, Cbor::Bytes(vec![1, 0, 1])),
    ]);
    let passkey = register(&Authenticator { cose_key: Some(key), ..authenticator() }).unwrap();
    let mut response = Authenticator { count: 7, ..authenticator() }.get(CHALLENGE);
    let client_data = r#"{"type":"webauthn.get","challenge":"YSBjaGFsbGVuZ2Ugb2YgdGhlIGNhbGxlcg","origin":"https://as.example","crossOrigin":false}"#;
    response["response"]["clientDataJSON"] = json!(encode(client_data.as_bytes()));
    response["response"]["signature"] = json!(
        "UvAtHGdfplCWT1dzB91ZG0jn0YCKoEJmT8uf1CGV-8dibJL4mFWNvKi6YoZ9I0MawpqUTxVAnRRV-7YsfhQW1Zd5dmPH9zLZUx7g\
            kZ1wHTVKkK0POCu4o26Qy6hcO11Fy6TR4_2DvgvXZgmKfUvafSuf_Go-KbgEDX8IeLPwqPPF7ZtsU3aH0CUFVtin7T6skSUGxAn6\
            FC_Mbz7Ae0d5bRA3HqOfn9jYajjLraZ8wKmsidiYNk9kJHo1W3pWe9-W31iGdS-IkUSJjAS1X7AkdZkprJRp9SsVYLxMEHxLn19D\
            kYcjhZaC-byayPk5vQyVeYEe7TaZEPVnqkiw4WUn9w"
    );
    let verify = |response: &Value| verify_authentication(&rp(), &USER, CHALLENGE, &passkey, &response.to_string());
    assert_eq!(verify(&response).unwrap().sign_count, 7);
    response["response"]["clientDataJSON"] = json!(encode(client_data.replace("false", "null").as_bytes()));
    assert_eq!(verify(&response).unwrap_err(), PasskeyError::Signature);
}

#[test]
fn bad_registrations_are_refused() {
    let good = authenticator();
    for (error, bad) in bad_ones() {
        assert_eq!(register(&bad).unwrap_err(), error);
    }
    let undiscoverable = Authenticator { results: json!({ "credProps": { "rk": false } }), ..good.clone() };
    assert_eq!(register(&undiscoverable).unwrap_err(), PasskeyError::NotDiscoverable);
    assert!(register(&Authenticator { results: json!({}), ..good.clone() }).is_ok(), "not every browser says");

    let attested = Authenticator { format: "packed", ..good.clone() };
    assert_eq!(register(&attested).unwrap_err(), PasskeyError::Attestation);
    let attested = Authenticator { format: "telepathy", ..good.clone() };
    assert_eq!(register(&attested).unwrap_err(), PasskeyError::Attestation);

    let mut other = good.create(CHALLENGE);
    other["rawId"] = json!(encode(b"credential two"));
    assert_eq!(verify_registration(&rp(), CHALLENGE, &other.to_string()).unwrap_err(), PasskeyError::Credential);
    let no_id = Authenticator { id: Vec::new(), ..good.clone() };
    assert_eq!(register(&no_id).unwrap_err(), PasskeyError::Malformed);
    let long_id = Authenticator { id: vec![7; 1024], ..good.clone() };
    assert_eq!(register(&long_id).unwrap_err(), PasskeyError::Malformed);
    assert_eq!(
        verify_registration(&rp(), CHALLENGE, &good.get(CHALLENGE).to_string()).unwrap_err(),
        PasskeyError::Malformed
    );
}

#[test]
fn keys_of_other_kinds_and_weak_ones_are_refused() {
    let x = |byte| Cbor::Bytes(vec![byte; 32]);
    let zero_point = cose_key(&[(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, x(0))]);
    let ed448 = cose_key(&[(1, 1.into()), (3, (-8).into()), (-1, 7.into()), (-2, x(7))]);
    let es384 = cose_key(&[(1, 2.into()), (3, (-35).into()), (-1, 2.into()), (-2, x(7)), (-3, x(7))]);
    let wrong_curve = cose_key(&[(1, 2.into()), (3, (-7).into()), (-1, 2.into()), (-2, x(7)), (-3, x(7))]);
    let short = cose_key(&[(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, Cbor::Bytes(vec![7; 31]))]);
    let twice = cose_key(&[(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, x(7)), (-2, x(9))]);
    let rsa = |n: Vec<u8>, e: Vec<u8>| {
        cose_key(&[(1, 3.into()), (3, (-257).into()), (-1, Cbor::Bytes(n)), (-2, Cbor::Bytes(e))])
    };
    let small_rsa = rsa(vec![0xff; 128], vec![1, 0, 1]);
    let trivial_rsa = rsa(vec![0xff; 256], vec![1]);
    let no_algorithm = cose_key(&[(1, 1.into()), (-1, 6.into()), (-2, x(7))]);
    for key in [zero_point, ed448, es384, wrong_curve, short, twice, small_rsa, trivial_rsa, no_algorithm] {
        let refused = register(&Authenticator { cose_key: Some(key.clone()), ..authenticator() });
        assert_eq!(refused.unwrap_err(), PasskeyError::Key, "{key:?}");
    }
    let no_map = register(&Authenticator { cose_key: Some(7.into()), ..authenticator() });
    assert_eq!(no_map.unwrap_err(), PasskeyError::Key);
    assert!(
        register(&Authenticator { cose_key: Some(rsa(vec![0xff; 256], vec![1, 0, 1])), ..authenticator() }).is_ok()
    );
    assert_eq!(cose::algorithm(&to_bytes(&KEYS[0].cose())), Some(-8));
    assert_eq!(cose::algorithm(b""), None);
}

#[test]
fn bad_sign_ins_are_refused() {
    let good = authenticator();
    let passkey = register(&good).unwrap();
    assert!(sign_in(&good, &passkey).is_ok());
    for (error, bad) in bad_ones() {
        assert_eq!(sign_in(&bad, &passkey).unwrap_err(), error);
    }

    let forger = Authenticator { key: PrivateKey::Es256([9; 32]), ..good.clone() };
    assert_eq!(sign_in(&forger, &passkey).unwrap_err(), PasskeyError::Signature);
    let other_credential = Authenticator { id: b"credential two".to_vec(), ..good.clone() };
    assert_eq!(sign_in(&other_credential, &passkey).unwrap_err(), PasskeyError::Credential);
    let other_user = Authenticator { user_handle: Some(*b"another user, 16"), ..good.clone() };
    assert_eq!(sign_in(&other_user, &passkey).unwrap_err(), PasskeyError::User);
    let no_user = Authenticator { user_handle: None, ..good.clone() };
    assert_eq!(sign_in(&no_user, &passkey).unwrap_err(), PasskeyError::User);
    assert_eq!(claimed(&no_user.get(CHALLENGE).to_string()), None);

    let mut response = good.get(CHALLENGE);
    response["response"]["signature"] = json!("");
    let verify = |response: &Value| verify_authentication(&rp(), &USER, CHALLENGE, &passkey, &response.to_string());
    assert_eq!(verify(&response).unwrap_err(), PasskeyError::Signature);
    response["response"]["authenticatorData"] = json!(encode(&[0; 36]));
    assert_eq!(verify(&response).unwrap_err(), PasskeyError::Malformed);
    let elsewhere = RelyingParty::of_issuer("https://other.example").unwrap();
    let at_another = verify_authentication(&elsewhere, &USER, CHALLENGE, &passkey, &good.get(CHALLENGE).to_string());
    assert_eq!(at_another.unwrap_err(), PasskeyError::Origin);
}

#[test]
fn a_counter_that_does_not_increase_is_refused_for_a_device_bound_passkey_alone() {
    use Counter::{Increased, Restarted};
    let refused = Err(PasskeyError::Counter);
    for (stored, sent, bound, synced) in [
        (0, 0, Ok(Increased), Ok(Increased)),
        (0, 1, Ok(Increased), Ok(Increased)),
        (5, 6, Ok(Increased), Ok(Increased)),
        (5, 5, refused, Ok(Restarted)),
        (5, 4, refused, Ok(Restarted)),
        (5, 0, refused, Ok(Restarted)),
        (u32::MAX, 0, refused, Ok(Restarted)),
    ] {
        for (flags, expected) in [(0, bound), (ELIGIBLE, synced)] {
            let authenticator =
                Authenticator { flags: PRESENT | VERIFIED | flags, count: sent, ..self::authenticator() };
            let mut passkey = StoredPasskey { sign_count: stored, ..register(&authenticator).unwrap() };
            // The signature is good in any case: the account decides about the counter.
            let assertion = sign_in(&authenticator, &passkey).unwrap();
            assert_eq!(passkey.accept(&assertion), expected, "{stored} {sent}");
            assert_eq!(passkey.sign_count, if expected.is_ok() { sent } else { stored });
        }
    }
}

#[test]
fn a_changed_backup_eligibility_is_not_taken_for_a_copied_key() {
    let bound = register(&authenticator()).unwrap();
    let mut passkey = StoredPasskey { sign_count: 5, ..bound };
    let assertion = Assertion { sign_count: 4, backup_eligible: true, backed_up: true, user_verified: true };
    assert_eq!(passkey.accept(&assertion), Err(PasskeyError::Backup));
}

#[test]
fn the_backup_eligibility_never_changes() {
    for (flags, later) in [(0, ELIGIBLE), (ELIGIBLE, 0), (ELIGIBLE | BACKED_UP, 0)] {
        let at = |flags| Authenticator { flags: PRESENT | VERIFIED | flags, ..authenticator() };
        let mut passkey = register(&at(flags)).unwrap();
        let before = passkey.clone();
        let assertion = sign_in(&at(later), &passkey).unwrap();
        assert_eq!(passkey.accept(&assertion), Err(PasskeyError::Backup));
        assert_eq!(passkey, before);
    }
}

#[test]
fn malformed_responses_are_refused() {
    let passkey = register(&authenticator()).unwrap();
    let (created, got) = (authenticator().create(CHALLENGE).to_string(), authenticator().get(CHALLENGE).to_string());
    let refusals = |text: &str| {
        let created = verify_registration(&rp(), CHALLENGE, text).unwrap_err();
        assert_eq!(verify_authentication(&rp(), &USER, CHALLENGE, &passkey, text).unwrap_err(), created);
        assert_eq!(claimed(text), None);
        created
    };
    for text in ["", "null", "[]", "{}", "{\"rawId\":1}", "\u{0}", &"[".repeat(16_000), &created[1..], &got[1..]] {
        assert_eq!(refusals(text), PasskeyError::Malformed, "{text:.40}");
    }
    for end in (0..created.len()).step_by(7) {
        assert_eq!(verify_registration(&rp(), CHALLENGE, &created[..end]).unwrap_err(), PasskeyError::Malformed);
    }
    let padded = |text: &str, len: usize| format!("{text}{}", " ".repeat(len - text.len()));
    assert!(verify_registration(&rp(), CHALLENGE, &padded(&created, MAX_RESPONSE)).is_ok());
    assert_eq!(refusals(&padded(&created, MAX_RESPONSE + 1)), PasskeyError::TooLarge);
    assert_eq!(refusals(&padded(&got, MAX_RESPONSE + 1)), PasskeyError::TooLarge);
}

#[test]
fn the_options_ask_for_what_is_checked() {
    let passkey = register(&authenticator()).unwrap();
    let options = creation_options(&rp(), &USER, "demo", "Demo", [&passkey], CHALLENGE);
    assert_eq!(
        options,
        json!({
            "rp": { "id": "as.example", "name": "as.example" },
            "user": { "id": "YSB1c2VyIGhhbmRsZSAxNg", "name": "demo", "displayName": "Demo" },
            "challenge": "YSBjaGFsbGVuZ2Ugb2YgdGhlIGNhbGxlcg",
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [
                { "type": "public-key", "id": "Y3JlZGVudGlhbCBvbmU", "transports": ["internal", "hybrid"] },
            ],
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
            },
            "attestation": "none",
            "extensions": { "credProps": true },
        })
    );
    assert_eq!(
        request_options(&rp(), CHALLENGE),
        json!({
            "challenge": "YSBjaGFsbGVuZ2Ugb2YgdGhlIGNhbGxlcg",
            "rpId": "as.example",
            "timeout": 300_000,
            "allowCredentials": [],
            "userVerification": "required",
        })
    );
}

#[test]
fn each_reason_has_a_word_and_each_library_error_a_reason() {
    use passki::PasskiError as E;
    let text = || "x".to_owned();
    for (error, kind) in [
        (E::ChallengeMismatch, "challenge"),
        (E::InvalidClientDataType(text()), "ceremony"),
        (E::CrossOriginNotAllowed, "origin"),
        (E::RpIdHashMismatch, "relying_party"),
        (E::UserNotPresent, "not_present"),
        (E::UserVerificationRequired, "not_verified"),
        (E::InvalidBackupFlags, "backup"),
        (E::CounterRegression, "counter"),
        (E::CredentialNotAllowed, "credential"),
        (E::CredentialIdMismatch, "credential"),
        (E::UnsupportedAlgorithm(-47), "key"),
        (E::InvalidCoseKey(text()), "key"),
        (E::SignatureVerificationFailed, "signature"),
        (E::UnsupportedAttestationFormat(text()), "attestation"),
        (E::InvalidAttestation(text()), "attestation"),
    ] {
        assert_eq!(PasskeyError::from(error).kind(), kind);
    }
    for (error, kind) in [
        (PasskeyError::Malformed, "malformed"),
        (PasskeyError::NotDiscoverable, "not_discoverable"),
        (PasskeyError::TooLarge, "too_large"),
        (PasskeyError::User, "user"),
    ] {
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn the_challenge_and_the_owner_are_read_from_a_response() {
    let response = authenticator().get(CHALLENGE).to_string();
    assert_eq!(answered(&response).as_deref(), Some(CHALLENGE));
    assert_eq!(claimed(&response), Some((CredentialId::from_bytes(b"credential one".to_vec()).unwrap(), USER)));
    for text in ["", "{}", r#"{"response":{"clientDataJSON":"e30"}}"#, r#"{"response":{"clientDataJSON":"*"}}"#] {
        assert_eq!(answered(text), None, "{text}");
    }
    assert_eq!(answered(&response.replace("clientDataJSON", "clientData")), None);
}

#[test]
fn a_credential_id_has_1_to_1023_bytes() {
    for (length, fits) in [(0, false), (1, true), (1023, true), (1024, false)] {
        assert_eq!(CredentialId::from_bytes(vec![7; length]).is_some(), fits, "{length}");
    }
    let id = CredentialId::parse("Y3JlZGVudGlhbCBvbmU").unwrap();
    assert_eq!((id.to_text(), String::from(id.clone())), ("Y3JlZGVudGlhbCBvbmU".to_owned(), id.to_text()));
    assert_eq!(CredentialId::parse("***"), None);
    assert!(serde_json::from_str::<CredentialId>("\"\"").is_err());
    assert_eq!(MAX_RESPONSE, 16_384);
}

#[test]
fn localhost_works_with_a_port() {
    let rp = RelyingParty::of_issuer("http://localhost:8787").unwrap();
    let authenticator = Authenticator { rp_id: "localhost", origin: "http://localhost:8787", ..authenticator() };
    let passkey = verify_registration(&rp, CHALLENGE, &authenticator.create(CHALLENGE).to_string()).unwrap();
    let response = authenticator.get(CHALLENGE).to_string();
    assert!(verify_authentication(&rp, &USER, CHALLENGE, &passkey, &response).is_ok());
}

/// Changes one byte inside of one of the base64url members of a response.
fn damage(mut response: Value, member: &str, at: prop::sample::Index, to: u8) -> Value {
    let mut bytes = decode(response["response"][member].as_str().unwrap().as_bytes()).unwrap();
    let at = at.index(bytes.len());
    bytes[at] = to;
    response["response"][member] = json!(encode(&bytes));
    response
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No key or attestation, however malformed, causes a panic.
    #[test]
    fn no_registration_panics(
        at in any::<prop::sample::Index>(), to in any::<u8>(), garbage in prop::collection::vec(any::<u8>(), 0..200),
        format in prop::sample::select(&["none", "packed", "tpm", "android-key", "fido-u2f"][..]),
    ) {
        let mut response = Authenticator { format, ..authenticator() }.create(CHALLENGE);
        let _ = verify_registration(&rp(), CHALLENGE, &damage(response.clone(), "attestationObject", at, to).to_string());
        let _ = verify_registration(&rp(), CHALLENGE, &damage(response.clone(), "clientDataJSON", at, to).to_string());
        response["response"]["attestationObject"] = json!(encode(&garbage));
        prop_assert!(verify_registration(&rp(), CHALLENGE, &response.to_string()).is_err());
        let _ = cose::algorithm(&garbage);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A changed byte in the signed data or in the signature is refused.
    #[test]
    fn no_damaged_sign_in_passes(
        at in any::<prop::sample::Index>(), to in any::<u8>(),
        member in prop::sample::select(&["clientDataJSON", "authenticatorData", "signature"][..]),
    ) {
        let passkey = register(&authenticator()).unwrap();
        let good = authenticator().get(CHALLENGE);
        let damaged = damage(good.clone(), member, at, to);
        let verified = verify_authentication(&rp(), &USER, CHALLENGE, &passkey, &damaged.to_string());
        prop_assert_eq!(verified.is_ok(), damaged == good);
    }
}
