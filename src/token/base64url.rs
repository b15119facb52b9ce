//! Base64url without padding, canonical only (RFC 7515 section 2, RFC 4648 section 3.5).
//!
//! Every token passes through here twice and the npm package carries it over the network, so it is a table and a loop: a
//! library for every base there is was a fifth of the package and took a third of the time. Token text is no secret to the
//! one who sent it; what is secret here (the `k` of a shared secret) is read once, when a key is set up.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What no digit has: a digit is below 64.
const INVALID: u8 = 0x80;

#[allow(clippy::indexing_slicing)] // Checked by the compiler.
const DIGITS: [u8; 256] = {
    let mut digits = [INVALID; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// Encodes bytes.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(encoded_len(bytes.len()));
    encode_into(bytes, &mut text);
    text
}

/// Appends the encoding of bytes to a text.
pub fn encode_into(bytes: &[u8], text: &mut String) {
    let (triples, rest) = bytes.as_chunks::<3>();
    text.reserve(encoded_len(bytes.len()));
    text.extend(triples.iter().flat_map(|triple| four(*triple)).map(char::from));
    encode_rest(rest, |letters| text.extend(letters.iter().map(|letter| char::from(*letter))));
}

/// Appends the encoding of bytes to a text that is kept as bytes, which is faster.
pub fn encode_onto(bytes: &[u8], text: &mut Vec<u8>) {
    let (triples, rest) = bytes.as_chunks::<3>();
    let start = text.len();
    text.resize(start + triples.len() * 4, 0);
    let (quads, _) = text.get_mut(start..).unwrap_or_default().as_chunks_mut::<4>();
    for (triple, quad) in triples.iter().zip(quads) {
        *quad = four(*triple);
    }
    encode_rest(rest, |letters| text.extend_from_slice(letters));
}

/// Decodes text. `None` for padding, white space, another alphabet, or stray bits at the end,
/// so that no two texts stand for the same bytes.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decode_into(text, &mut bytes)?;
    Some(bytes)
}

/// Decodes text into a buffer in place of what it held. `None` as for [`decode`]; the buffer's content then means nothing.
pub fn decode_into(text: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let (quads, rest) = text.as_chunks::<4>();
    bytes.clear();
    bytes.resize(quads.len() * 3, 0);
    let mut found = 0;
    let (triples, _) = bytes.as_chunks_mut::<3>();
    for (quad, triple) in quads.iter().zip(triples) {
        let bits = quad_bits(*quad);
        found |= bits;
        let [_, a, b, c] = bits.to_be_bytes();
        *triple = [a, b, c];
    }
    let mut seen = if found < 1 << 24 { 0 } else { INVALID };
    match rest {
        [] => {}
        [a, b] => {
            let [a, b] = [digit(*a), digit(*b)];
            seen |= a | b | stray(b, 0b1111);
            bytes.push(a << 2 | b >> 4);
        }
        [a, b, c] => {
            let [a, b, c] = [digit(*a), digit(*b), digit(*c)];
            seen |= a | b | c | stray(c, 0b11);
            bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2]);
        }
        _ => return None,
    }
    (seen & INVALID == 0).then_some(())
}

const fn encoded_len(len: usize) -> usize {
    len.div_ceil(3).saturating_mul(4)
}

fn four([a, b, c]: [u8; 3]) -> [u8; 4] {
    [letter(a >> 2), letter(a << 4 | b >> 4), letter(b << 2 | c >> 6), letter(c)]
}

fn encode_rest(rest: &[u8], push: impl FnOnce(&[u8])) {
    match rest {
        [a] => push(&[letter(a >> 2), letter(a << 4)]),
        [a, b] => push(&[letter(a >> 2), letter(a << 4 | b >> 4), letter(b << 2)]),
        _ => {}
    }
}

/// What each letter means at each of the four places, with a bit above the 24 for what is no digit.
#[allow(clippy::indexing_slicing)] // Checked by the compiler.
const PLACES: [[u32; 256]; 4] = {
    let mut places = [[1 << 24; 256]; 4];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        let mut place = 0;
        while place < 4 {
            places[place][ALPHABET[digit] as usize] = (digit as u32) << (18 - 6 * place);
            place += 1;
        }
        digit += 1;
    }
    places
};

#[allow(clippy::indexing_slicing)] // Four places, and a byte into 256 letters.
fn quad_bits([a, b, c, d]: [u8; 4]) -> u32 {
    PLACES[0][usize::from(a)] | PLACES[1][usize::from(b)] | PLACES[2][usize::from(c)] | PLACES[3][usize::from(d)]
}

#[allow(clippy::indexing_slicing)] // Six bits into 64 letters.
fn letter(bits: u8) -> u8 {
    ALPHABET[usize::from(bits & 0x3f)]
}

#[allow(clippy::indexing_slicing)] // A byte into 256 digits.
fn digit(letter: u8) -> u8 {
    DIGITS[usize::from(letter)]
}

/// `INVALID` if the last digit has bits that stand for no byte.
fn stray(digit: u8, unused: u8) -> u8 {
    if digit & unused == 0 { 0 } else { INVALID }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_section_10() {
        for (bytes, text) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
            let mut onto = b"x".to_vec();
            encode_onto(bytes.as_bytes(), &mut onto);
            assert_eq!(onto, format!("x{text}").into_bytes());
        }
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        assert_eq!(decode(b"_-8").as_deref(), Some(&[0xff, 0xef][..]));
        for text in ["_-8=", "/+8", "_-9", "_", "_- 8", "_-8\n", "é", "AAAA_", "AAA\0", "AB"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_short_text_is_read_as_a_library_reads_it() {
        let letters: Vec<u8> = (0..=255).collect();
        for len in 1..=3 {
            for seed in 0..40_000_usize {
                // All texts of one letter, and a spread of the longer ones.
                let text: Vec<u8> = (0..len).map(|place| letters[((seed * 7919) >> (place * 5)) & 0xff]).collect();
                assert_eq!(decode(&text), data_encoding::BASE64URL_NOPAD.decode(&text).ok(), "{text:?}");
            }
        }
    }
}
