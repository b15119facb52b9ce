//! An authenticator and its browser, for the tests: they do as they are told, right or wrong.

use ciborium::Value as Cbor;
use ed25519_dalek::Signer as _;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _, alg, jwk::JsonWebKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::token::base64url::{decode, encode};

use super::UserHandle;

pub(super) const PRESENT: u8 = 1;
pub(super) const VERIFIED: u8 = 1 << 2;
pub(super) const ELIGIBLE: u8 = 1 << 3;
pub(super) const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;

#[derive(Clone)]
pub(super) enum PrivateKey {
    Ed25519([u8; 32]),
    Es256([u8; 32]),
}

#[derive(Clone)]
pub(super) struct Authenticator {
    pub(super) key: PrivateKey,
    pub(super) id: Vec<u8>,
    pub(super) user_handle: Option<UserHandle>,
    pub(super) flags: u8,
    pub(super) count: u32,
    pub(super) rp_id: &'static str,
    pub(super) origin: &'static str,
    pub(super) client_data: Value,
    pub(super) cose_key: Option<Cbor>,
    pub(super) results: Value,
    pub(super) format: &'static str,
}

impl Authenticator {
    pub(super) fn new(key: PrivateKey, user_handle: UserHandle) -> Self {
        Self {
            key,
            id: b"credential one".to_vec(),
            user_handle: Some(user_handle),
            flags: PRESENT | VERIFIED,
            count: 0,
            rp_id: "as.example",
            origin: "https://as.example",
            client_data: json!({ "crossOrigin": false }),
            cose_key: None,
            results: json!({ "credProps": { "rk": true } }),
            format: "none",
        }
    }

    /// What `create()` gives, as JSON.
    pub(super) fn create(&self, challenge: &[u8]) -> Value {
        let mut data = self.authenticator_data(ATTESTED);
        data.extend(*b"model of devices");
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(to_bytes(&self.cose_key.clone().unwrap_or_else(|| self.key.cose())));
        let attestation = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from(self.format)),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]);
        let mut response = self.response("webauthn.create", challenge);
        response["response"]["attestationObject"] = json!(encode(&to_bytes(&attestation)));
        response["response"]["transports"] = json!(["internal", "hybrid", "telepathy"]);
        response
    }

    /// What `get()` gives, as JSON.
    pub(super) fn get(&self, challenge: &[u8]) -> Value {
        let mut response = self.response("webauthn.get", challenge);
        let data = self.authenticator_data(0);
        let client_data = decode(response["response"]["clientDataJSON"].as_str().unwrap().as_bytes()).unwrap();
        let signed = [data.as_slice(), &Sha256::digest(client_data)[..]].concat();
        response["response"]["authenticatorData"] = json!(encode(&data));
        response["response"]["signature"] = json!(encode(&self.key.sign(&signed)));
        response["response"]["userHandle"] = json!(self.user_handle.map(|handle| encode(&handle)));
        response
    }

    fn response(&self, ceremony: &str, challenge: &[u8]) -> Value {
        let mut client_data = json!({ "type": ceremony, "challenge": encode(challenge), "origin": self.origin });
        client_data.as_object_mut().unwrap().extend(self.client_data.as_object().unwrap().clone());
        json!({
            "type": "public-key",
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "authenticatorAttachment": "platform",
            "clientExtensionResults": self.results,
            "response": { "clientDataJSON": encode(client_data.to_string().as_bytes()) },
        })
    }

    fn authenticator_data(&self, more_flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id).to_vec();
        data.push(self.flags | more_flags);
        data.extend(self.count.to_be_bytes());
        data
    }
}

impl PrivateKey {
    fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(seed) => ed25519_dalek::SigningKey::from_bytes(seed).sign(input).to_bytes().to_vec(),
            Self::Es256(seed) => der(alg::Es256.sign(&es256(seed), input).as_bytes().as_ref()),
        }
    }

    /// The public key as a `COSE_Key`.
    pub(super) fn cose(&self) -> Cbor {
        match self {
            Self::Ed25519(seed) => {
                let x = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes().to_vec();
                cose_key(&[(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, Cbor::Bytes(x))])
            }
            Self::Es256(seed) => {
                let jwk = serde_json::to_value(JsonWebKey::from(es256(seed).verifying_key())).unwrap();
                let member = |name: &str| Cbor::Bytes(decode(jwk[name].as_str().unwrap().as_bytes()).unwrap());
                let numbers = [(1, 2.into()), (3, (-7).into()), (-1, 1.into())];
                cose_key(&[&numbers[..], &[(-2, member("x")), (-3, member("y"))]].concat())
            }
        }
    }
}

pub(super) fn cose_key(members: &[(i32, Cbor)]) -> Cbor {
    Cbor::Map(members.iter().map(|(label, value)| (Cbor::from(*label), value.clone())).collect())
}

pub(super) fn to_bytes(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn es256(seed: &[u8; 32]) -> <alg::Es256 as jwt_compact::Algorithm>::SigningKey {
    alg::SigningKey::<alg::Es256>::from_slice(seed).unwrap()
}

/// Two numbers of 32 bytes as the DER sequence that WebAuthn has (RFC 3279 section 2.2.3).
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap();
        let sign = if number[start] >= 0x80 { &[0][..] } else { &[] };
        let number = [sign, &number[start..]].concat();
        [&[2, u8::try_from(number.len()).unwrap()], number.as_slice()].concat()
    };
    let numbers = [integer(&raw[..32]), integer(&raw[32..])].concat();
    [&[0x30, u8::try_from(numbers.len()).unwrap()], numbers.as_slice()].concat()
}
