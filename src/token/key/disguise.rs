//! What is no shared secret, whatever its length: the encodings in which keys of other kinds are handed around.
//!
//! A public key that serves as an HMAC secret lets everybody sign. Where the algorithm comes from a configuration, a mistake
//! of one word is enough for that.

use super::pem::find;
use super::spki;

/// How OpenSSH begins the public keys of the kinds that we know (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709
/// section 4).
const SSH: [&[u8]; 3] = [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-nistp"];

/// Is it a key of another kind: PEM (wherever it begins), a JWK, an OpenSSH line, or DER?
pub(super) fn is_a_key(bytes: &[u8]) -> bool {
    let contains = |part: &[u8]| find(bytes, part).is_some();
    contains(b"-----BEGIN ")
        || (contains(b"\"kty\"") && contains(b"{"))
        || SSH.iter().any(|start| bytes.starts_with(start))
        || spki::is_der_of_a_key(bytes)
}
