//! JSON Web Keys.

use super::*;

#[test]
fn a_pair_yields_itself_and_its_public_half() {
    for (jwk, alg) in [(ed25519_pair(), "EdDSA"), (ec_pair(), "ES256"), (rsa_pair(), "PS384")] {
        let named = with(jwk.clone(), &[("alg", alg), ("kid", "of the pair"), ("use", "sig")]);
        let pair = private(&named).unwrap();
        assert_eq!(parsed(&pair.to_jwk_text()), jwk);
        let public = with_only(&jwk, &["kty", "crv", "x", "y", "n", "e"]);
        assert_eq!(pair.public().public_jwk(), Some(public.clone()));
        assert_eq!(pair.public().kid(), Some("of the pair"));
        assert_eq!(pair.public().alg().map(Algorithm::name), Some(alg));
        // RFC 7638 section 3.2.1: the thumbprint of a pair is that of its public half.
        assert_eq!(pair.public().thumbprint(), key(&public).thumbprint());
    }
}

#[test]
fn the_thumbprint_of_rfc_8037_appendix_a3() {
    let pair = private(&ed25519_pair()).unwrap();
    assert_eq!(pair.public().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn private_members_make_a_key_private() {
    let secret = json!({ "kty": "oct", "k": base64url::encode(&[7; 32]) });
    for (jwk, kind) in [(ec_pair(), "private"), (printed()[1].clone(), "public"), (secret, "secret")] {
        let key = any(&jwk).unwrap();
        assert_eq!(key.kind(), kind);
        assert_eq!(parsed(&key.to_jwk_text()), jwk);
    }
}

#[test]
fn a_private_key_for_a_public_one_and_the_reverse_are_refused() {
    for jwk in [ed25519_pair(), ec_pair(), rsa_pair()] {
        assert_eq!(Key::from_jwk(jwk.as_object().unwrap()), Err(KeyError::Private));
        assert_eq!(Key::from_jwk_text(jwk.to_string().as_bytes()), Err(KeyError::Private));
    }
    for jwk in printed() {
        assert_eq!(private(&jwk).unwrap_err(), KeyError::Public);
    }
    let secret = json!({ "kty": "oct", "k": base64url::encode(&[7; 32]) });
    assert_eq!(private(&secret).unwrap_err(), KeyError::Public);
    assert_eq!(private(&with(secret, &[("d", "AQAB")])).unwrap_err(), KeyError::Unsupported);
}

#[test]
fn private_numbers_have_the_right_form() {
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        let without = |mut jwk: Value| {
            jwk.as_object_mut().unwrap().remove(name);
            jwk
        };
        assert_eq!(private(&without(rsa_pair())).unwrap_err(), KeyError::Malformed, "without {name}");
        for bad in ["", "AA", "A", "AQAB=", "+/8A", "AP__"] {
            assert_eq!(private(&with(rsa_pair(), &[(name, bad)])).unwrap_err(), KeyError::Malformed, "{name} {bad}");
        }
        let long = base64url::encode(&[0xff; 257]);
        assert_eq!(private(&with(rsa_pair(), &[(name, &long)])).unwrap_err(), KeyError::Malformed, "long {name}");
        let mut jwk = rsa_pair();
        jwk[name] = json!(7);
        assert_eq!(private(&jwk).unwrap_err(), KeyError::Malformed, "{name} is no text");
    }
    let even = base64url::encode(&[0xfe; 128]);
    for name in ["p", "q"] {
        assert_eq!(private(&with(rsa_pair(), &[(name, &even)])).unwrap_err(), KeyError::Malformed, "even {name}");
    }
    let small = [
        ("p", base64url::encode(&[0xff; 64])),
        ("dp", base64url::encode(&[0xff; 64])),
        ("qi", base64url::encode(&[0xff; 64])),
    ];
    let small = small.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(
        private(&with(rsa_pair(), &small)).unwrap_err(),
        KeyError::Malformed,
        "primes too small for the modulus"
    );
    assert_eq!(private(&with(rsa_pair(), &[("oth", "more primes")])).unwrap_err(), KeyError::Unsupported);
    assert_eq!(private(&with(rsa_pair(), &[("e", "AQ")])).unwrap_err(), KeyError::Weak);
    for jwk in [ed25519_pair(), ec_pair()] {
        for len in [0, 1, 31, 33, 64] {
            let d = base64url::encode(&vec![1; len]);
            assert_eq!(private(&with(jwk.clone(), &[("d", &d)])).unwrap_err(), KeyError::Malformed, "{len} bytes");
        }
    }
}

#[test]
fn use_and_operations_of_each_kind() {
    let secret = json!({ "kty": "oct", "k": base64url::encode(&[7; 32]) });
    let judge = |jwk: &Value, ops: &[&str]| {
        let mut jwk = jwk.clone();
        jwk["key_ops"] = json!(ops);
        any(&jwk).map(|_| ())
    };
    let public = printed()[1].clone();
    for (jwk, enough) in [(&public, &["verify"][..]), (&ec_pair(), &["sign"]), (&secret, &["sign", "verify"])] {
        assert_eq!(judge(jwk, enough), Ok(()));
        assert_eq!(judge(jwk, &["verify", "sign"]), Ok(()));
        // Repeated, with an extra value, or empty (RFC 7517 section 4.3).
        for more in ["sign", "verify"] {
            assert_eq!(judge(jwk, &["sign", "verify", more]), Err(KeyError::WrongUse));
        }
        for other in ["encrypt", "deriveKey", "wrapKey", "Sign", ""] {
            assert_eq!(judge(jwk, &[&["sign", "verify"], &[other][..]].concat()), Err(KeyError::WrongUse), "{other}");
        }
        assert_eq!(judge(jwk, &[]), Err(KeyError::WrongUse));
        for other in ["enc", "SIG", ""] {
            assert_eq!(any(&with(jwk.clone(), &[("use", other)])).unwrap_err(), KeyError::WrongUse);
        }
        let no_texts = [("use", json!(1)), ("use", json!(["sig"])), ("kid", json!(1)), ("alg", json!({}))];
        let no_lists = [json!("sign"), json!({}), json!([1]), json!(["sign", "verify", null])];
        for (name, value) in no_texts.into_iter().chain(no_lists.map(|value| ("key_ops", value))) {
            let mut jwk = jwk.clone();
            jwk[name] = value;
            assert_eq!(any(&jwk).unwrap_err(), KeyError::Malformed, "{name}");
        }
        let contradiction = with(jwk.clone(), &[("use", "sig")]);
        assert_eq!(judge(&contradiction, &["encrypt"]), Err(KeyError::WrongUse));
    }
    assert_eq!(judge(&public, &["sign"]), Err(KeyError::WrongUse));
    assert_eq!(judge(&ec_pair(), &["verify"]), Err(KeyError::WrongUse));
    assert_eq!(judge(&secret, &["sign"]), Err(KeyError::WrongUse));
    assert_eq!(judge(&secret, &["verify"]), Err(KeyError::WrongUse));
}

#[test]
fn a_text_that_two_readers_read_differently_is_refused() {
    let good = printed()[2].to_string();
    assert!(AnyKey::from_jwk_text(good.as_bytes()).is_ok());
    for text in [
        good.replacen("{", r#"{"kty":"OKP","#, 1),
        good.replacen("{", r#"{"k\u0074y":"oct","#, 1),
        good.replacen("{", r#"{"a":{"b":1,"b":2},"#, 1),
        good.replacen("{", "\u{feff}{", 1),
        format!("{good} {good}"),
        format!("[{good}]"),
        good.replace("}", ",}"),
        String::new(),
        "null".into(),
    ] {
        assert_eq!(AnyKey::from_jwk_text(text.as_bytes()).unwrap_err(), KeyError::Malformed, "{text}");
    }
    // Names with a special meaning elsewhere are ordinary here.
    let more = good.replacen("{", r#"{"__proto__":{"kty":"oct"},"constructor":1,"ext":true,"#, 1);
    assert_eq!(parsed(&AnyKey::from_jwk_text(more.as_bytes()).unwrap().to_jwk_text()), printed()[2]);
}

#[test]
fn text_and_parsed_json_are_read_alike() {
    let secret = json!({ "kty": "oct", "k": base64url::encode(&[7; 48]), "alg": "HS384", "kid": "\u{e9}\"\n" });
    let [rsa, ec, okp] = printed();
    let ops = |ops: Value| json!({ "kty": "RSA", "n": rsa["n"], "e": "AQAB", "key_ops": ops });
    let all = [
        secret.clone(),
        rsa.clone(),
        ec,
        okp,
        rsa_pair(),
        ops(json!(["verify"])),
        ops(json!(["verify", 1])),
        ops(json!("verify")),
        ops(json!([])),
        with(secret, &[("use", "enc")]),
        with(rsa.clone(), &[("alg", "none")]),
        json!({}),
    ];
    for jwk in all {
        assert_eq!(Key::from_jwk_text(jwk.to_string().as_bytes()), Key::from_jwk(jwk.as_object().unwrap()), "{jwk}");
    }
}

#[test]
fn a_key_is_bound_to_an_algorithm_once() {
    let [rsa, ec, okp] = printed();
    let bound = key(&rsa).for_algorithm(Algorithm::Ps256).unwrap();
    assert_eq!(bound.alg(), Some(Algorithm::Ps256));
    assert!(bound.fits(Algorithm::Ps256) && !bound.fits(Algorithm::Rs256));
    assert_eq!(bound.clone().for_algorithm(Algorithm::Ps256), Ok(bound.clone()));
    assert_eq!(bound.for_algorithm(Algorithm::Rs256), Err(KeyError::Unsupported));
    assert_eq!(key(&ec).for_algorithm(Algorithm::Es384), Err(KeyError::Unsupported));
    let short = json!({ "kty": "oct", "k": base64url::encode(&[7; 47]) });
    assert_eq!(key(&short).for_algorithm(Algorithm::Hs384), Err(KeyError::Weak));

    assert_eq!(key(&ec).only_alg(), Ok(Algorithm::Es256));
    assert_eq!(key(&okp).only_alg(), Ok(Algorithm::EdDsa));
    for several in [&rsa, &short] {
        assert_eq!(key(several).only_alg(), Err(KeyError::AlgorithmMissing));
    }
    assert_eq!(key(&with(okp, &[("alg", "Ed25519")])).alg(), Some(Algorithm::EdDsa));
    assert_eq!(key(&rsa).named("2026").kid(), Some("2026"));
}

#[test]
fn raw_bytes_are_those_of_webcrypto() {
    let [_, ec, okp] = printed();
    let bytes = |jwk: &Value, name: &str| base64url::decode(jwk[name].as_str().unwrap().as_bytes()).unwrap();
    let point = [&[4], &bytes(&ec, "x")[..], &bytes(&ec, "y")].concat();
    assert_eq!(Key::from_raw(&point, Algorithm::Es256).unwrap().public_jwk(), Some(ec));
    assert_eq!(Key::from_raw(&bytes(&okp, "x"), Algorithm::EdDsa).unwrap().public_jwk(), Some(okp.clone()));
    assert_eq!(Key::from_raw(&[7; 32], Algorithm::Hs256), Key::from_secret(&[7; 32], Algorithm::Hs256));

    let compressed = [&[2], &point[1..33]].concat();
    let hybrid = [&[6], &point[1..]].concat();
    for bad in [&point[..64], &[&point[..], &[0]].concat(), &compressed, &hybrid, &point[1..], &[], &[4]] {
        assert_eq!(Key::from_raw(bad, Algorithm::Es256), Err(KeyError::Malformed));
    }
    assert_eq!(Key::from_raw(&point, Algorithm::Es384), Err(KeyError::Malformed));
    assert_eq!(Key::from_raw(&bytes(&okp, "x")[..31], Algorithm::EdDsa), Err(KeyError::Malformed));
    assert_eq!(Key::from_raw(&[0; 32], Algorithm::EdDsa), Err(KeyError::Weak));
    assert_eq!(Key::from_raw(&[7; 32], Algorithm::Rs256), Err(KeyError::Unsupported));
    assert_eq!(Key::from_raw(&[7; 63], Algorithm::Hs512), Err(KeyError::Weak));
}

#[test]
fn the_text_of_a_key_is_refused_as_a_shared_secret() {
    let refused = |secret: &[u8]| {
        assert_eq!(Key::from_secret(secret, Algorithm::Hs256), Err(KeyError::Disguised), "{secret:?}");
        let jwk = json!({ "kty": "oct", "k": base64url::encode(secret) });
        assert_eq!(any(&jwk).unwrap_err(), KeyError::Disguised);
    };
    for jwk in printed() {
        let public = key(&jwk);
        let pem = public.to_pem().unwrap();
        refused(pem.as_bytes());
        for before in ["\n", " ", "\u{feff}", "Bag Attributes\n"] {
            refused(format!("{before}{pem}").as_bytes());
        }
        refused(pem.replace('\n', "\r\n").as_bytes());
        refused(pem.replace('\n', "").as_bytes());
        refused(pem.replace("PUBLIC KEY", "CERTIFICATE").as_bytes());
        refused(&public.to_spki().unwrap());
        refused(jwk.to_string().as_bytes());
        refused(serde_json::to_string_pretty(&jwk).unwrap().as_bytes());
    }
    refused(ec_pair().to_string().as_bytes());
    refused(b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ");
    refused(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI");
    refused(b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY");
    for secret in
        [&b"sk-ssh is how my secret begins, 32"[..], &[0x30; 64], &[0; 32], b"BEGIN PUBLIC KEY is in my secret"]
    {
        assert!(Key::from_secret(secret, Algorithm::Hs256).is_ok(), "{secret:?}");
    }
}

#[test]
fn no_key_prints_its_secret() {
    for jwk in [ed25519_pair(), ec_pair(), rsa_pair()] {
        let printed = format!("{:?} {:?}", private(&jwk).unwrap(), any(&jwk).unwrap());
        for name in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(jwk[name].as_str().is_none_or(|secret| !printed.contains(secret)), "{printed}");
        }
    }
    let secret = any(&json!({ "kty": "oct", "k": base64url::encode(&[0x61; 32]) })).unwrap();
    assert!(!format!("{secret:?}").contains("97, 97") && !format!("{secret:?}").contains("YWFh"));
}

#[test]
fn a_private_number_is_as_long_as_its_curve() {
    for (curve, len) in [("P-256", 32), ("P-384", 48), ("P-521", 66)] {
        for (private_len, is_right) in [(len - 1, false), (len, true), (len + 1, false)] {
            let number = |len: usize| base64url::encode(&vec![1; len]);
            let jwk = json!({
                "kty": "EC", "crv": curve, "x": number(len), "y": number(len), "d": number(private_len),
            });
            assert_eq!(private(&jwk).is_ok(), is_right, "{curve} with {private_len} bytes");
        }
    }
}
