//! A self-signed X.509 certificate (RFC 5280 section 4.1) around a key of the ring, for software that takes keys in no other form.
//!
//! It states nothing that the key set does not: the key signs it itself. Written with the DER writer of the other keys: the
//! libraries for certificates sign by themselves, and here the platform signs.

use sha2::{Digest as _, Sha256};

use super::key::SigningKey;
use crate::token::{Algorithm, Calendar, UnixTime, der, write_pem};

/// A certificate that is still to be signed.
pub struct Certificate {
    algorithm: Algorithm,
    identifier: Vec<u8>,
    tbs: Vec<u8>,
}

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

impl Certificate {
    /// The certificate of a key under the name of a host, valid for as long as the key is in the set. `None` for a key that
    /// cannot sign.
    pub fn of(key: &SigningKey, host: &str) -> Option<Self> {
        let algorithm = key.algorithm().filter(|_| key.private().is_some())?;
        let identifier = match algorithm {
            Algorithm::Es256 => der::write(der::OBJECT_IDENTIFIER, &[ECDSA_SHA256]),
            Algorithm::EdDsa => der::write(der::OBJECT_IDENTIFIER, &[ED25519]),
            Algorithm::Rs256 => {
                [der::write(der::OBJECT_IDENTIFIER, &[RSA_SHA256]), der::write(der::NULL, &[])].concat()
            }
            _ => return None,
        };
        let identifier = der::write(der::SEQUENCE, &[&identifier]);
        let (from, until) = key.validity();
        // Equal contents have equal serial numbers, and others another (RFC 5280 section 4.1.2.2): the end of a key moves. The first
        // bit is clear and the second is set: the number is positive, and has one encoding.
        let contents = format!("{} {} {}", key.kid, from.0, until.0);
        let mut serial = Sha256::digest(contents).iter().take(16).copied().collect::<Vec<_>>();
        if let Some(first) = serial.first_mut() {
            *first = *first & 0x7f | 0x40;
        }
        let validity = der::write(der::SEQUENCE, &[&time(from), &time(until)]);
        let name = name(host);
        let spki = key.public()?.to_spki()?;
        let version = der::write(der::VERSION, &[&der::write_integer(&[2])]);
        let serial = der::write_integer(&serial);
        let tbs = der::write(der::SEQUENCE, &[&version, &serial, &identifier, &name, &validity, &name, &spki]);
        Some(Self { algorithm, identifier, tbs })
    }

    /// The bytes that the key signs.
    pub fn signing_input(&self) -> &[u8] {
        &self.tbs
    }

    /// Returns the certificate with the platform's signature as PEM (RFC 7468 section 5). `None` for a signature of the wrong
    /// length.
    pub fn seal(&self, signature: &[u8]) -> Option<String> {
        let signature = match self.algorithm {
            Algorithm::Es256 => ecdsa(signature)?,
            _ => signature.to_vec(),
        };
        let bits = der::write(der::BIT_STRING, &[&[0], &signature]);
        let der = der::write(der::SEQUENCE, &[&self.tbs, &self.identifier, &bits]);
        Some(write_pem("CERTIFICATE", &der))
    }
}

/// One common name. It is cut at the length that X.520 allows: it is for readers.
fn name(host: &str) -> Vec<u8> {
    let host = host.get(..64).unwrap_or(host);
    let value = der::write(der::UTF8_STRING, &[host.as_bytes()]);
    let attribute = der::write(der::SEQUENCE, &[&der::write(der::OBJECT_IDENTIFIER, &[COMMON_NAME]), &value]);
    der::write(der::SEQUENCE, &[&der::write(der::SET, &[&attribute])])
}

/// r and s as whole numbers (RFC 3279 section 2.2.3).
fn ecdsa(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32)?;
    Some(der::write(der::SEQUENCE, &[&der::write_integer(r), &der::write_integer(s)]))
}

/// RFC 5280 section 4.1.2.5: two digits of the year until 2049, four from then on.
fn time(at: UnixTime) -> Vec<u8> {
    let Calendar { year, month, day, hour, minute, second } = at.into();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        ..2050 => der::write(der::UTC_TIME, &[format!("{:02}{rest}", year % 100).as_bytes()]),
        _ => der::write(der::GENERALIZED_TIME, &[format!("{year:04}{rest}").as_bytes()]),
    }
}

#[cfg(test)]
mod tests;
