//! Texts that are no shared secret, even if they are long enough: the encodings in which keys of other kinds are exchanged.
//!
//! A public key that serves as an HMAC secret lets everybody sign. Where the algorithm comes from a configuration, one wrong
//! word is enough for that.

use super::algorithm_identifier::is_der_of_a_key;
use super::bytes::find;
use crate::token::base64url;

/// How OpenSSH begins the public keys of the kinds that we know (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709
/// section 4).
const SSH: [&[u8]; 3] = [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-nistp"];

/// Is it a key of another kind: PEM (wherever it begins), a JWK, an OpenSSH line, or DER; by itself, with white space around it, or
/// once more in base64, as it is put into environment variables?
pub(super) fn is_a_key(bytes: &[u8]) -> bool {
    let trimmed = bytes.trim_ascii();
    looks_like_a_key(bytes)
        || looks_like_a_key(trimmed)
        || is_der_before_white_space(bytes.trim_ascii_start(), trimmed.len())
        || from_base64(trimmed).is_some_and(|inner| looks_like_a_key(&inner))
}

/// DER may itself end in bytes that look like white space: any of them may be its last one.
fn is_der_before_white_space(bytes: &[u8], shortest: usize) -> bool {
    (shortest..=bytes.len()).filter_map(|len| bytes.get(..len)).any(is_der_of_a_key)
}

fn looks_like_a_key(bytes: &[u8]) -> bool {
    let contains = |part: &[u8]| find(bytes, part).is_some();
    contains(b"-- BEGIN ")
        || contains(b"--BEGIN ")
        || (contains(b"\"kty\"") && contains(b"{"))
        || SSH.iter().any(|start| bytes.starts_with(start))
        || is_der_of_a_key(bytes)
}

/// In either alphabet, with line breaks and with padding or without.
fn from_base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let letters = bytes.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=').map(|byte| match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => *other,
    });
    base64url::decode(&letters.collect::<Vec<_>>())
}
