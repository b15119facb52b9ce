//! The strings of a JSON text: found, compared and read with their escapes, and written.

use std::borrow::Cow;
use std::cmp::Ordering;

/// An odd number without a pattern, by which small differences become large ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the text as a JSON string, with its quotes.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => {
                quoted.push_str("\\u00");
                let digit = |bits: u32| char::from_digit(bits & 15, 16).unwrap_or('0');
                quoted.extend([digit(u32::from(character) >> 4), digit(u32::from(character))]);
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The inside of a string. Its places count for the text that was read.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    escaped: bool,
    start: usize,
    end: usize,
    /// Its length and its first bytes: texts without escapes that differ here are different.
    tag: u64,
}

impl Text {
    /// Finds the string that begins with the quote at this place. `None` if there is none, or it is not strict.
    pub(super) fn scan(text: &str, quote: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        bytes.get(quote).filter(|byte| **byte == b'"')?;
        let start = quote + 1;
        let (mut escaped, mut end) = (false, start);
        loop {
            end += bytes.get(end..)?.iter().position(|byte| ends_plain(*byte))?;
            match bytes.get(end)? {
                b'"' => break,
                b'\\' => end = after_escape(text, end + 1)?,
                _ => return None,
            }
            escaped = true;
        }
        let inside = bytes.get(start..end)?;
        let tag = inside.iter().take(7).fold(inside.len() as u64, |tag, byte| tag << 8 | u64::from(*byte));
        Some(Self { escaped, start, end, tag })
    }

    /// The inside of a string between these places that was found to be strict. It is read, never compared.
    pub(super) fn between(start: usize, end: usize, escaped: bool) -> Self {
        Self { escaped, start, end, tag: 0 }
    }

    /// Returns whether there is a backslash in it.
    pub(super) fn is_escaped(self) -> bool {
        self.escaped
    }

    /// Returns the place of its closing quote.
    pub(super) fn end(self) -> usize {
        self.end
    }

    /// Returns one of 64 bits: texts without a bit in common are different. One with escapes has all of them.
    pub(super) fn bit(self) -> u64 {
        if self.escaped { u64::MAX } else { 1 << (self.tag.wrapping_mul(SPREAD) >> 58) }
    }

    /// Returns whether both are the same text, however they are escaped.
    pub(super) fn same(self, other: Self, text: &str) -> bool {
        let plain = !self.escaped && !other.escaped;
        !(plain && self.tag != other.tag) && self.order(other, text).is_eq()
    }

    /// Compares them with their escapes resolved.
    pub(super) fn order(self, other: Self, text: &str) -> Ordering {
        // UTF-8 orders as the characters do.
        if self.escaped || other.escaped {
            self.chars(text).cmp(other.chars(text))
        } else {
            self.raw(text).cmp(other.raw(text))
        }
    }

    /// Returns the text with its escapes resolved.
    pub fn read(self, text: &str) -> Cow<'_, str> {
        let raw = self.raw(text);
        if self.escaped { Cow::Owned(self.chars(text).collect()) } else { Cow::Borrowed(raw) }
    }

    /// Returns whether it is this text.
    pub fn is(self, text: &str, other: &str) -> bool {
        if self.escaped { self.chars(text).eq(other.chars()) } else { self.raw(text) == other }
    }

    fn raw(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Only for a text that was found to be strict.
    fn chars(self, text: &str) -> impl Iterator<Item = char> {
        let mut rest = self.raw(text);
        std::iter::from_fn(move || {
            let mut chars = rest.chars();
            let mut next = chars.next()?;
            if next == '\\' {
                next = match chars.next()? {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let (unit, after) = code_unit(chars.as_str())?;
                        chars = after.chars();
                        match unit {
                            0xd800..=0xdbff => {
                                let (low, after) = code_unit(chars.as_str().strip_prefix("\\u")?)?;
                                chars = after.chars();
                                char::from_u32(0x10000 + ((unit - 0xd800) << 10 | low.checked_sub(0xdc00)?))?
                            }
                            unit => char::from_u32(unit)?,
                        }
                    }
                    itself => itself,
                };
            }
            rest = chars.as_str();
            Some(next)
        })
    }
}

/// Returns whether a byte ends a stretch of a string that is written as it is. By table: most of a token goes through here.
#[allow(clippy::indexing_slicing)] // A byte into 256 places.
fn ends_plain(byte: u8) -> bool {
    const ENDS: [bool; 256] = {
        let mut ends = [false; 256];
        let mut control = 0;
        while control < 0x20 {
            ends[control] = true;
            control += 1;
        }
        ends[b'"' as usize] = true;
        ends[b'\\' as usize] = true;
        ends
    };
    ENDS[usize::from(byte)]
}

/// Returns where the text goes on after an escape, whose letter is at this place.
fn after_escape(text: &str, letter: usize) -> Option<usize> {
    let after = letter + 1;
    match text.as_bytes().get(letter)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(after),
        b'u' => {
            let (unit, rest) = code_unit(text.get(after..)?)?;
            match unit {
                // Half of a pair of surrogates is no character (RFC 8259 section 8.2).
                0xd800..=0xdbff => {
                    let (low, _) = code_unit(rest.strip_prefix("\\u")?)?;
                    (0xdc00..=0xdfff).contains(&low).then_some(after + "d83d\\ude00".len())
                }
                0xdc00..=0xdfff => None,
                _ => Some(after + "0041".len()),
            }
        }
        _ => None,
    }
}

/// Reads four hexadecimal digits at the start of a text, and returns what follows them too.
fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    let value = digits.bytes().try_fold(0, |value, digit| Some(value << 4 | char::from(digit).to_digit(16)?));
    Some((value?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_again() {
        for text in ["", "plain", "\"\\/\u{8}\n\t\u{1f}\u{7f}", "é😀", "\0"] {
            assert_eq!(serde_json::from_str::<String>(&quote(text)).unwrap(), text);
        }
    }
}
