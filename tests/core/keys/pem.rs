//! PEM text.

use super::*;

/// RFC 8410 sections 10.1 and 10.3: a public key, its private key, and the second version of it with an attribute.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const SECOND_VERSION: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";

fn refusal(text: &str) -> KeyError {
    Pem::read(text).map(|key| format!("{key:?}")).expect_err(text)
}

fn private_key(text: &str) -> Pkcs8 {
    match Pem::read(text) {
        Ok(Pem::Private(key)) => key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_keys_of_rfc_8410_section_10() {
    let public = Key::from_pem(PUBLIC).unwrap();
    assert_eq!(public.shape(), KeyShape::Ed25519);
    assert_eq!(public.to_pem().as_deref(), Some(PUBLIC));

    let (first, second) = (private_key(PRIVATE), private_key(SECOND_VERSION));
    assert_eq!(first.only_alg(), Ok(Algorithm::EdDsa));
    // The platform gets the first version of either, and the public key to compare with.
    assert_eq!(first.der(), second.der());
    assert_eq!(first.public_bytes(), None);
    let x = base64url::encode(second.public_bytes().unwrap());
    assert_eq!(public.public_jwk().unwrap()["x"], x);
    assert_eq!(Key::from_pem(PRIVATE), Err(KeyError::Private));
    assert!(!format!("{first:?}").contains("212"), "{first:?}");
}

#[test]
fn every_public_key_comes_back_from_its_pem() {
    let curve = |name: &str, len: usize| json!({ "kty": "EC", "crv": name, "x": base64url::encode(&vec![1; len]), "y": base64url::encode(&vec![2; len]) });
    for jwk in printed().into_iter().chain([curve("P-384", 48), curve("P-521", 66)]) {
        let key = key(&jwk);
        let pem = key.to_pem().unwrap();
        assert!(pem.lines().all(|line| line.len() <= 64) && pem.ends_with("-----END PUBLIC KEY-----\n"));
        assert_eq!(Key::from_pem(&pem), Ok(key.clone()));
        assert_eq!(pem_rfc7468::decode_vec(pem.as_bytes()), Ok(("PUBLIC KEY", key.to_spki().unwrap())));
    }
    let secret = Key::from_secret(&[7; 32], Algorithm::Hs256).unwrap();
    assert!(secret.to_pem().is_none() && secret.to_spki().is_none());
    assert!(Key::from_handle(Algorithm::Es256).to_pem().is_none());
}

#[test]
fn white_space_other_line_ends_and_preceding_text_are_accepted() {
    for text in [
        format!("\n  {PUBLIC}\n\n"),
        PUBLIC.trim_end().to_owned(),
        PUBLIC.replace('\n', "\r\n"),
        PUBLIC.replace("zf6F", "zf6\nF"),
        // RFC 7468 section 2: a line ends with either or both, white space is skipped, and explanatory text may precede.
        PUBLIC.replace('\n', "\r"),
        PUBLIC.replace("=\n", "=\r"),
        PUBLIC.replace('\n', " \t\n"),
        PUBLIC.replace('\n', " \r\n"),
        PUBLIC.replace("\n-", "\n    -").replace("MCow", "    MCow"),
        PUBLIC.replace("zf6F", "zf 6F"),
        PUBLIC.replace("zf6F", "zf\r6F"),
        PUBLIC.replace("zf6F", "zf\u{c}6F"),
        format!("Public-Key: (256 bit)\n{PUBLIC}"),
        format!("Subject: CN=\u{e9}\r\n\r\n  {PUBLIC}"),
        format!("---BEGIN---\r{PUBLIC}"),
    ] {
        assert_eq!(Key::from_pem(&text), Key::from_pem(PUBLIC), "{text}");
    }
}

#[test]
fn anything_but_one_block_without_trailing_text_is_refused() {
    let body = PUBLIC.lines().nth(1).unwrap();
    for text in [
        "",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        body,
        &PUBLIC.replace("-----END", "----END"),
        &PUBLIC.replace("-----END PUBLIC KEY", "-----END PRIVATE KEY"),
        &PUBLIC.replace("END PUBLIC KEY-----", "END PUBLIC KEY----"),
        &PUBLIC.replace("BEGIN PUBLIC KEY-----\n", "BEGIN PUBLIC KEY-----"),
        &PUBLIC.replace('\n', ""),
        &PUBLIC.replace('\n', " "),
        &PUBLIC.replace("=\n", "="),
        &PUBLIC.replace("=\n", "= "),
        &PUBLIC.replace("=\n", "\n"),
        &PUBLIC.replace("=\n", "==\n"),
        &PUBLIC.replace("E=\n", "F=\n"),
        &PUBLIC.replace("zf6F", "zf=F"),
        &PUBLIC.replace("zf6F", "zf\u{a0}F"),
        &PUBLIC.replace("zf6F", "zf-F"),
        &PUBLIC.replace("zf6F", "zf_F"),
        &PUBLIC.replace("zf6F", "zf\u{e9}"),
        &PUBLIC.replace("zf6F", "zf\0F"),
        &PUBLIC.replace("MCow", "Proc-Type: 4,ENCRYPTED\n\nMCow"),
        &format!("Public-Key: (256 bit) {PUBLIC}"),
        &format!("# {PUBLIC}"),
        &format!("{PUBLIC}and more"),
        &format!("\u{feff}{PUBLIC}"),
        &format!("\0{PUBLIC}"),
        &format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", "A".repeat(70_000)),
    ] {
        let refusal = refusal(text);
        let empty = text.len() < 60;
        assert!(
            refusal == KeyError::Pem(PemError::NotPem) || (empty && refusal == KeyError::Malformed),
            "{text}: {refusal}"
        );
    }
}

#[test]
fn other_labels_are_refused_by_name() {
    let labelled = |label: &str| format!("-----BEGIN {label}-----\nMCow\n-----END {label}-----\n");
    for (label, error) in [
        ("CERTIFICATE", PemError::Certificate),
        ("X509 CERTIFICATE", PemError::Certificate),
        ("TRUSTED CERTIFICATE", PemError::Certificate),
        ("CERTIFICATE REQUEST", PemError::Certificate),
        ("NEW CERTIFICATE REQUEST", PemError::Certificate),
        ("ENCRYPTED PRIVATE KEY", PemError::Encrypted),
        ("RSA PRIVATE KEY", PemError::Pkcs1),
        ("RSA PUBLIC KEY", PemError::Pkcs1),
        ("EC PRIVATE KEY", PemError::Sec1),
        ("EC PARAMETERS", PemError::Sec1),
        ("OPENSSH PRIVATE KEY", PemError::OpenSsh),
        ("DSA PRIVATE KEY", PemError::OtherLabel),
        ("SSH2 PUBLIC KEY", PemError::OtherLabel),
        ("public key", PemError::OtherLabel),
        ("PUBLIC  KEY", PemError::OtherLabel),
        ("", PemError::OtherLabel),
    ] {
        assert_eq!(refusal(&labelled(label)), KeyError::Pem(error), "{label}");
    }
    assert_eq!(refusal(&format!("{PUBLIC}{PRIVATE}")), KeyError::Pem(PemError::Several));
    assert_eq!(refusal(&format!("{PUBLIC}{PUBLIC}")), KeyError::Pem(PemError::Several));
    // Advice about the block helps more than the number of blocks.
    assert_eq!(refusal(&format!("{PUBLIC}{}", labelled("CERTIFICATE"))), KeyError::Pem(PemError::Certificate));
    assert_eq!(
        refusal(&format!("{}{}", labelled("EC PARAMETERS"), labelled("EC PRIVATE KEY"))),
        KeyError::Pem(PemError::Sec1)
    );
    assert_eq!(refusal(&PUBLIC.replace('\n', "\\n")), KeyError::Pem(PemError::EscapedLines));
    // The structure must match the label.
    assert_eq!(refusal(&PUBLIC.replace("PUBLIC", "PRIVATE")), KeyError::Malformed);
    assert_eq!(refusal(&PRIVATE.replace("PRIVATE", "PUBLIC")), KeyError::Malformed);
}
