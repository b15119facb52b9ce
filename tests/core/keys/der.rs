//! DER, compared with the libraries for it: both accept and refuse the same.

use ::der::asn1::BitStringRef;
use ::der::{Decode as _, Encode as _};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::PrivateKeyInfoRef;
use proptest::prelude::*;
use proptest::sample::Index;
use sec1::EcPrivateKey;
use spki::SubjectPublicKeyInfoRef;

use super::*;

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    base64url::decode(jwk[name].as_str().unwrap().as_bytes()).unwrap()
}

/// One value, with its length in the shortest form.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
    let head = match inside.len() {
        0..=0x7f => vec![tag, length[1]],
        0x80..=0xff => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, inside].concat()
}

fn number(bytes: &[u8]) -> Vec<u8> {
    if bytes[0] > 0x7f { value(2, &[&[0], bytes]) } else { value(2, &[bytes]) }
}

const RSA: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x22];

fn ec(curve: &[u8]) -> Vec<u8> {
    value(0x30, &[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], curve])
}

fn pkcs8(algorithm: &[u8], inner: &[u8]) -> Vec<u8> {
    value(0x30, &[&[2, 1, 0], algorithm, &value(4, &[inner])])
}

fn rsa_inner(version: u8, more: &[u8]) -> Vec<u8> {
    let numbers = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(|name| number(&bytes(&rsa_pair(), name)));
    value(0x30, &[&[2, 1, version], &numbers.concat(), more])
}

fn ec_point() -> Vec<u8> {
    [&[4], &bytes(&ec_pair(), "x")[..], &bytes(&ec_pair(), "y")].concat()
}

fn ec_inner(parameters: &[u8], public: bool) -> Vec<u8> {
    let public = if public { value(0xa1, &[&value(3, &[&[0], &ec_point()])]) } else { Vec::new() };
    value(0x30, &[&[2, 1, 1], &value(4, &[&bytes(&ec_pair(), "d")]), parameters, &public])
}

/// A private key of each kind and form, complete.
fn private_keys() -> Vec<Vec<u8>> {
    let named = value(0xa0, &[P256]);
    let ed25519 =
        [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20], &bytes(&ed25519_pair(), "d")[..]];
    vec![
        pkcs8(RSA, &rsa_inner(0, &[])),
        pkcs8(&ec(P256), &ec_inner(&[], true)),
        pkcs8(&ec(P256), &ec_inner(&[], false)),
        pkcs8(&ec(P256), &ec_inner(&named, true)),
        pkcs8(&ec(P256), &ec_inner(&named, false)),
        ed25519.concat(),
    ]
}

/// Whether the libraries read it, including the structure inside.
fn is_read_by_libraries(der: &[u8]) -> bool {
    PrivateKeyInfoRef::from_der(der).is_ok_and(|info| {
        let inner = info.private_key.as_bytes();
        RsaPrivateKeyRef::from_der(inner).is_ok()
            || EcPrivateKey::from_der(inner).is_ok()
            || <&::der::asn1::OctetStringRef>::from_der(inner).is_ok()
    })
}

#[test]
fn private_keys_of_every_form_are_read() {
    for der in private_keys() {
        assert!(is_read_by_libraries(&der));
        let key = Pkcs8::from_der(&der).unwrap();
        assert_eq!(key.der(), der);
        assert_eq!(key.public_bytes(), None);
    }
}

#[test]
fn public_keys_are_written_as_the_libraries_write_them() {
    for jwk in printed() {
        let der = key(&jwk).to_spki().unwrap();
        let info = SubjectPublicKeyInfoRef::from_der(&der).unwrap();
        assert_eq!(info.to_der().unwrap(), der);
        let bytes = info.subject_public_key.as_bytes().unwrap();
        if let Ok(rsa) = RsaPublicKeyRef::from_der(bytes) {
            assert_eq!(base64url::encode(rsa.modulus.as_bytes()), jwk["n"]);
            assert_eq!(base64url::encode(rsa.public_exponent.as_bytes()), jwk["e"]);
        }
        let other = SubjectPublicKeyInfoRef { subject_public_key: BitStringRef::new(3, &[8]).unwrap(), ..info };
        assert_eq!(Key::from_spki(&other.to_der().unwrap()), Err(KeyError::Malformed));
    }
}

#[test]
fn every_fault_of_a_private_structure_is_refused() {
    let refused = |der: &[u8], error: KeyError| assert_eq!(Pkcs8::from_der(der).unwrap_err(), error, "{der:x?}");
    let seed = value(4, &[&[7; 32]]);
    let ed25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    assert!(Pkcs8::from_der(&pkcs8(ed25519, &seed)).is_ok());
    for (algorithm, error) in [
        // X25519 and Ed448; secp256k1; DSA; RSA for PSS only.
        (&[0x30, 5, 6, 3, 0x2b, 0x65, 0x6e][..], KeyError::Unsupported),
        (&[0x30, 5, 6, 3, 0x2b, 0x65, 0x71], KeyError::Unsupported),
        (&ec(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a]), KeyError::Unsupported),
        (&ec(&[]), KeyError::Unsupported),
        (&ec(&[5, 0]), KeyError::Unsupported),
        (&[0x30, 9, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], KeyError::Unsupported),
        (&[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10, 0x30, 0], KeyError::Pem(PemError::PssOnly)),
        // Parameters that must be absent, or are missing.
        (&[0x30, 7, 6, 3, 0x2b, 0x65, 0x70, 5, 0], KeyError::Malformed),
        (&RSA[..13], KeyError::Malformed),
        (&[&[0x30, 0x0e], &RSA[2..13], &[5, 1, 0]].concat(), KeyError::Malformed),
        (&[&[0x30, 0x0f], &RSA[2..], &[5, 0]].concat(), KeyError::Malformed),
        (&[], KeyError::Malformed),
    ] {
        refused(&pkcs8(algorithm, &seed), error);
    }
    for inner in [&[7; 32][..], &value(4, &[&[7; 31]]), &value(4, &[&[7; 33]]), &[&seed[..], &[0]].concat(), &[]] {
        refused(&pkcs8(ed25519, inner), KeyError::Malformed);
    }
    // More than two primes.
    refused(&pkcs8(RSA, &rsa_inner(1, &value(0x30, &[]))), KeyError::Unsupported);
    for inner in [rsa_inner(2, &[]), rsa_inner(0, &[5, 0]), seed.clone(), value(0x30, &[])] {
        refused(&pkcs8(RSA, &inner), KeyError::Malformed);
    }
    let curve = value(0xa0, &[P384]);
    for inner in [
        ec_inner(&curve, false),
        ec_inner(&value(0xa0, &[P256, P256]), false),
        ec_inner(&value(0xa0, &[]), false),
        ec_inner(&value(0xa1, &[&value(3, &[&[0, 2], &ec_point()[1..33]])]), false),
        ec_inner(&value(0xa1, &[&value(3, &[&[1], &ec_point()])]), false),
        ec_inner(&[5, 0], true),
        [&ec_inner(&[], true)[..], &[0]].concat(),
        value(0x30, &[&[2, 1, 0], &value(4, &[&[7; 32]])]),
        value(0x30, &[&[2, 1, 1], &value(4, &[&[7; 31]])]),
    ] {
        refused(&pkcs8(&ec(P256), &inner), KeyError::Malformed);
    }
    refused(&pkcs8(&ec(P384), &ec_inner(&[], true)), KeyError::Malformed);
    let after_the_bits = value(0xa1, &[&value(3, &[&[0], &ec_point()]), &[5, 0]]);
    refused(&pkcs8(&ec(P256), &ec_inner(&after_the_bits, false)), KeyError::Malformed);
    for null in [&[5, 1, 0][..], &[5, 0, 5, 0], &[]] {
        refused(&pkcs8(&value(0x30, &[&RSA[2..13], null]), &rsa_inner(0, &[])), KeyError::Malformed);
    }
    // The version says whether there is a public key.
    let public = value(0x81, &[&[0], &[7; 32]]);
    let with_version = |version: &[u8], more: &[u8]| value(0x30, &[version, ed25519, &value(4, &[&seed]), more]);
    assert!(Pkcs8::from_der(&with_version(&[2, 1, 1], &public)).is_ok());
    for (version, more) in [
        (&[2, 1, 0][..], &public[..]),
        (&[2, 1, 1], &[]),
        (&[2, 1, 2], &public),
        (&[2, 1, 2], &[]),
        (&[2, 2, 0, 1], &public),
        (&[2, 0], &[]),
        (&[2, 1, 1], &value(0x81, &[&[0], &[7; 31]])),
        (&[2, 1, 1], &value(0x81, &[&[1], &[7; 32]])),
        (&[2, 1, 1], &value(0x81, &[])),
        (&[2, 1, 1], &[&public[..], &public].concat()),
        (&[2, 1, 0], &[5, 0]),
    ] {
        refused(&with_version(version, more), KeyError::Malformed);
    }
}

#[test]
fn weak_rsa_is_refused_in_der_too() {
    let public = |n: &[u8], e: &[u8]| value(0x30, &[RSA, &value(3, &[&[0], &value(0x30, &[&number(n), &number(e)])])]);
    assert!(Key::from_spki(&public(&[0xff; 256], &[1, 0, 1])).is_ok());
    for (n, e) in [
        (&[0xff; 255][..], &[1, 0, 1][..]),
        (&[0xff; 1025], &[1, 0, 1]),
        (&[[0xff; 255].as_slice(), &[0xfe]].concat(), &[1, 0, 1]),
        (&[0xff; 256], &[1]),
        (&[0xff; 256], &[1, 0, 0]),
        (&[0xff; 256], &[1, 0, 0, 0, 1]),
    ] {
        assert_eq!(Key::from_spki(&public(n, e)), Err(KeyError::Weak));
    }
    let private = |change: &[(&str, &[u8])]| {
        let numbers = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(|name| {
            let changed = change.iter().find(|(each, _)| *each == name).map(|(_, bytes)| bytes.to_vec());
            number(&changed.unwrap_or_else(|| bytes(&rsa_pair(), name)))
        });
        Pkcs8::from_der(&pkcs8(RSA, &value(0x30, &[&[2, 1, 0], &numbers.concat()]))).map(|_| ())
    };
    assert_eq!(private(&[]), Ok(()));
    assert_eq!(private(&[("e", &[1])]), Err(KeyError::Weak));
    assert_eq!(private(&[("n", &[0xff; 255])]), Err(KeyError::Weak));
    assert_eq!(private(&[("p", &[0xfe; 128])]), Err(KeyError::Malformed));
    assert_eq!(private(&[("dp", &[0xff; 129])]), Err(KeyError::Malformed));
    // A number that is not in the shortest form, and a negative one.
    for n in [[&[0, 0][..], &[0xff; 256]].concat(), vec![0xff; 256]] {
        let der = value(0x30, &[RSA, &value(3, &[&[0], &value(0x30, &[&value(2, &[&n]), &[2, 3, 1, 0, 1]])])]);
        assert_eq!(Key::from_spki(&der), Err(KeyError::Malformed));
    }
}

#[test]
fn no_der_of_a_key_is_a_shared_secret() {
    let n = bytes(&printed()[0], "n");
    let pkcs1 = value(0x30, &[&number(&n), &[2, 3, 1, 0, 1]]);
    // A certificate begins with the signed part, and ends with the signature.
    let certificate = value(0x30, &[&value(0x30, &[&[2, 1, 1], &n]), RSA, &value(3, &[&[0], &n])]);
    let inner = [pkcs1, certificate, rsa_inner(0, &[]), ec_inner(&[], true), ec_inner(&[], false)];
    let public: Vec<_> = printed().iter().map(|jwk| key(jwk).to_spki().unwrap()).collect();
    for der in [public, private_keys(), inner.to_vec()].concat() {
        assert_eq!(Key::from_secret(&der, Algorithm::Hs256), Err(KeyError::Disguised), "{der:x?}");
        // With an extra byte it is no DER.
        assert!(Key::from_secret(&[&der[..], &[0]].concat(), Algorithm::Hs256).is_ok());
    }
}

#[test]
fn trailing_and_extra_values_are_refused() {
    let numbers = [number(&[0xff; 256]), vec![2, 3, 1, 0, 1]].concat();
    let public =
        |numbers: &[u8], after: &[u8]| value(0x30, &[RSA, &value(3, &[&[0], &value(0x30, &[numbers])]), after]);
    assert!(Key::from_spki(&public(&numbers, &[])).is_ok());
    assert_eq!(Key::from_spki(&public(&numbers, &[5, 0])), Err(KeyError::Malformed));
    assert_eq!(Key::from_spki(&public(&[&numbers[..], &[2, 1, 1]].concat(), &[])), Err(KeyError::Malformed));
    let loose = value(0x30, &[RSA, &value(3, &[&[0], &value(0x30, &[&numbers]), &[0]])]);
    assert_eq!(Key::from_spki(&loose), Err(KeyError::Malformed));
}

#[test]
fn a_length_has_one_encoding() {
    let good = key(&printed()[2]).to_spki().unwrap();
    let inside = &good[2..];
    let length = u8::try_from(inside.len()).unwrap();
    for head in [
        &[0x30, 0x81, length][..],
        &[0x30, 0x82, 0, length],
        &[0x30, 0x83, 0, 0, length],
        &[0x30, 0x80],
        &[0x31, length],
    ] {
        assert_eq!(Key::from_spki(&[head, inside].concat()), Err(KeyError::Malformed), "{head:x?}");
    }
    assert_eq!(Key::from_spki(&[&good[..], &[0]].concat()), Err(KeyError::Malformed));
    let long = value(0x30, &[&[7; 0x90]]);
    assert_eq!(Key::from_spki(&[&[0x30, 0x82, 0, 0x90], &long[3..]].concat()), Err(KeyError::Malformed));
    for len in 0..good.len() {
        assert_eq!(Key::from_spki(&good[..len]), Err(KeyError::Malformed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_read_here_is_read_by_the_libraries(which: Index, place: Index, byte: u8, edit in 0..3) {
        let publics: Vec<_> = printed().iter().map(|jwk| key(jwk).to_spki().unwrap()).collect();
        let privates = private_keys();
        let all = publics.len() + privates.len();
        let which = which.index(all);
        let mut der = publics.iter().chain(&privates).nth(which).unwrap().clone();
        // Most of the structure is at the beginning.
        let place = place.index(der.len().min(80));
        match edit {
            0 => der[place] = byte,
            1 => der.insert(place, byte),
            _ => { der.remove(place); }
        }
        if let Ok(key) = Key::from_spki(&der) {
            prop_assert!(SubjectPublicKeyInfoRef::from_der(&der).is_ok());
            prop_assert_eq!(key.to_spki(), Some(der.clone()), "one key, one spelling");
        }
        if Pkcs8::from_der(&der).is_ok() {
            prop_assert!(is_read_by_libraries(&der), "{:x?}", der);
        }
    }

    #[test]
    fn any_bytes_are_a_key_or_an_error(noise: Vec<u8>, text: String) {
        let _ = (Key::from_spki(&noise), Pkcs8::from_der(&noise), Pem::from_bytes(&noise), AnyKey::from_jwk_text(&noise));
        let _ = Pem::read(&text);
        let _ = Pem::read(&format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"));
        for algorithm in Algorithm::ALL {
            let _ = Key::from_raw(&noise, algorithm);
        }
    }

    #[test]
    fn pem_is_read_as_the_library_reads_it(place: Index, byte in 0_u8..128) {
        let pem = pem_rfc7468::encode_string("PRIVATE KEY", pem_rfc7468::LineEnding::LF, &private_keys()[5]).unwrap();
        prop_assert!(Pem::read(&pem).is_ok());
        let mut changed = pem.clone().into_bytes();
        let place = place.index(changed.len());
        changed[place] = byte;
        if Pem::from_bytes(&changed).is_ok() {
            // Only trailing white space passes here and not in the library.
            let text = String::from_utf8(changed).unwrap();
            prop_assert!(pem_rfc7468::decode_vec(text.trim().as_bytes()).is_ok(), "{}", text);
        }
    }
}
