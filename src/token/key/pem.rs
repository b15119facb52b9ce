//! Keys as PEM text (RFC 7468): `PUBLIC KEY` (section 13) and `PRIVATE KEY` (section 10), one in a text.
//!
//! Other labels name other structures. They are refused by name, with advice on how to get at the key.

use std::fmt;

use data_encoding::BASE64;

use super::Key;
use super::bytes::find;
use super::error::{KeyError, PemError};
use super::pkcs8::Pkcs8;
use crate::token::base64url;

/// A key that came as PEM text.
#[derive(Clone, Debug)]
pub enum Pem {
    /// From `PUBLIC KEY`.
    Public(Key),
    /// From `PRIVATE KEY`.
    Private(Pkcs8),
}

/// The longest text that is looked at, in bytes: an RSA private key of 8192 bits takes 6400.
const MAX_LEN: usize = 64 * 1024;

impl Pem {
    /// Reads PEM text as RFC 7468 section 2 has it: text may stand in lines before the block, and white space around and in it.
    /// Two blocks, two labels, and anything after the block are refused.
    ///
    /// # Errors
    /// [`KeyError::Pem`] if it is not PEM of the two kinds, else as for [`Key::from_jwk`] and [`Pkcs8::from_der`].
    pub fn read(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(text.as_bytes())
    }

    /// Reads PEM text that came as bytes. What is not ASCII in the block is not PEM.
    ///
    /// # Errors
    /// As for [`Pem::read`].
    pub fn from_bytes(text: &[u8]) -> Result<Self, KeyError> {
        let (is_private, der) = decode(text.trim_ascii()).map_err(KeyError::Pem)?;
        if is_private { Pkcs8::from_der(&der).map(Self::Private) } else { Key::from_spki(&der).map(Self::Public) }
    }
}

/// Writes PEM text with this label, in lines of 64 (RFC 7468 section 2).
pub(crate) fn write_pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    // 48 bytes are 64 letters.
    for bytes in der.chunks(48) {
        BASE64.encode_append(bytes, &mut text);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

const BEGIN: &[u8] = b"-----BEGIN ";
/// What follows [`BEGIN`], and what ends the block.
const PUBLIC: [&[u8]; 2] = [b"PUBLIC KEY-----", b"-----END PUBLIC KEY-----"];
const PRIVATE: [&[u8]; 2] = [b"PRIVATE KEY-----", b"-----END PRIVATE KEY-----"];

/// What other labels begin with.
const ADVICE: [(&[u8], PemError); 10] = [
    (b"CERTIFICATE", PemError::Certificate),
    (b"X509 CERTIFICATE", PemError::Certificate),
    (b"TRUSTED CERTIFICATE", PemError::Certificate),
    (b"NEW CERTIFICATE", PemError::Certificate),
    (b"ENCRYPTED PRIVATE KEY", PemError::Encrypted),
    (b"RSA PRIVATE KEY", PemError::Pkcs1),
    (b"RSA PUBLIC KEY", PemError::Pkcs1),
    (b"EC PRIVATE KEY", PemError::Sec1),
    (b"EC PARAMETERS", PemError::Sec1),
    (b"OPENSSH PRIVATE KEY", PemError::OpenSsh),
];

/// Is it a private key, and its DER.
fn decode(text: &[u8]) -> Result<(bool, Vec<u8>), PemError> {
    if text.len() > MAX_LEN {
        return Err(PemError::NotPem);
    }
    if find(text, b"\\n").is_some() {
        return Err(PemError::EscapedLines);
    }
    // The advice about the kind of a block goes before the error that there are two: it is the more useful one.
    let (mut rest, mut blocks) = (text, 0);
    while let Some((_, after)) = find(rest, BEGIN) {
        if let Some((_, advice)) = ADVICE.iter().find(|(label, _)| after.starts_with(label)) {
            return Err(*advice);
        }
        (rest, blocks) = (after, blocks + 1);
    }
    if blocks > 1 {
        return Err(PemError::Several);
    }
    let (before, block) = find(text, BEGIN).ok_or(PemError::NotPem)?;
    // What stands before is explanatory text, in lines of its own.
    if !without_blanks(before).last().is_none_or(|last| is_line_end(*last)) {
        return Err(PemError::NotPem);
    }
    let body_of = |[begin, end]: [&[u8]; 2]| block.strip_prefix(begin).map(|text| text.strip_suffix(end));
    let (is_private, body) = match (body_of(PUBLIC), body_of(PRIVATE)) {
        (Some(body), _) => (false, body),
        (None, Some(body)) => (true, body),
        (None, None) => return Err(PemError::OtherLabel),
    };
    let der = body.and_then(decode_body).ok_or(PemError::NotPem)?;
    Ok((is_private, der))
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The text without the blanks at its end.
fn without_blanks(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// Lines of the other alphabet, and padded (RFC 4648 section 4), between line ends, with white space anywhere.
fn decode_body(body: &[u8]) -> Option<Vec<u8>> {
    let first = body.iter().find(|byte| !is_blank(**byte))?;
    let last = without_blanks(body).last()?;
    if !is_line_end(*first) || !is_line_end(*last) {
        return None;
    }
    let mut letters = Vec::with_capacity(body.len());
    for letter in body {
        letters.push(match *letter {
            letter if letter.is_ascii_whitespace() => continue,
            b'+' => b'-',
            b'/' => b'_',
            b'-' | b'_' => return None,
            letter => letter,
        });
    }
    if !letters.len().is_multiple_of(4) {
        return None;
    }
    for _ in 0..2 {
        letters.pop_if(|letter| *letter == b'=');
    }
    base64url::decode(&letters)
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for PemError {}
