//! Base64url without padding, canonical only (RFC 7515 section 2, RFC 4648 section 3.5).

use data_encoding::BASE64URL_NOPAD;

/// Encodes bytes.
pub fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Appends the encoding of bytes to a text.
pub fn encode_into(bytes: &[u8], text: &mut String) {
    BASE64URL_NOPAD.encode_append(bytes, text);
}

/// Decodes text. `None` for padding, white space, another alphabet, or stray bits at the end,
/// so that no two texts stand for the same bytes.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_read() {
        assert_eq!(decode(b"_-8").as_deref(), Some(&[0xff, 0xef][..]));
        for text in ["_-8=", "/+8", "_-9", "_", "_- 8", "_-8\n", "é"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
