//! The little of DER that keys are written in (X.690 section 10): a tag, a length in the one way to write it, and a value.
//!
//! The libraries for it would be a sixth of the npm package. The tests hold this against them.

use super::error::KeyError;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// The first field of a certificate.
pub(crate) const VERSION: u8 = 0xa0;

/// Reads values one after another. Every deviation from DER is [`KeyError::Malformed`].
pub(super) struct Der<'d> {
    rest: &'d [u8],
}

impl<'d> Der<'d> {
    /// The inside of a value.
    pub(super) fn within(value: &'d [u8]) -> Self {
        Self { rest: value }
    }

    /// The inside of the one value of that tag, with nothing after it.
    pub(super) fn only(bytes: &'d [u8], tag: u8) -> Result<Self, KeyError> {
        let mut outside = Self { rest: bytes };
        let value = outside.take(tag)?;
        outside.end()?;
        Ok(Self::within(value))
    }

    /// The next value, which must have that tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'d [u8], KeyError> {
        self.try_take(tag).ok_or(KeyError::Malformed)
    }

    /// The next value if it has that tag and is well formed.
    #[inline(never)] // It is called from everywhere.
    pub(super) fn try_take(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (head, rest) = self.rest.split_first_chunk::<2>()?;
        let [found, first] = *head;
        // Two bytes of length are enough for every key, and no length is written with more than it takes.
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => rest.split_first().map(|(len, rest)| (usize::from(*len), rest)).filter(|(len, _)| *len > 0x7f)?,
            0x82 => {
                let (len, rest) = rest.split_first_chunk::<2>()?;
                Some((usize::from(u16::from_be_bytes(*len)), rest)).filter(|(len, _)| *len > 0xff)?
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len).filter(|_| found == tag)?;
        self.rest = rest;
        Some(value)
    }

    /// A whole number above zero, without its sign.
    #[inline(never)]
    pub(super) fn positive(&mut self) -> Result<&'d [u8], KeyError> {
        let number = self.take(INTEGER)?;
        match number {
            [0, unsigned @ ..] if unsigned.first().is_some_and(|first| *first > 0x7f) => Ok(unsigned),
            [1..0x80, ..] => Ok(number),
            _ => Err(KeyError::Malformed),
        }
    }

    /// Whole bytes.
    pub(super) fn bit_string(&mut self) -> Result<&'d [u8], KeyError> {
        match self.take(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(KeyError::Malformed),
        }
    }

    /// There must be nothing more.
    pub(super) fn end(&self) -> Result<(), KeyError> {
        if self.rest.is_empty() { Ok(()) } else { Err(KeyError::Malformed) }
    }
}

/// One value.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let [high, low] = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head = match value.len() {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, value].concat()
}

/// Writes a non-negative INTEGER from its big-endian bytes, which may have leading zeros (X.690 section 8.3).
pub(crate) fn write_integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take(bytes.len().saturating_sub(1)).take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    write(INTEGER, &[sign, digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_integers_are_positive_and_as_short_as_possible() {
        for (bytes, value) in [
            (&[][..], &[0][..]),
            (&[0], &[0]),
            (&[0, 0], &[0]),
            (&[1], &[1]),
            (&[0x7f], &[0x7f]),
            (&[0x80], &[0, 0x80]),
            (&[0, 0, 0x80, 0], &[0, 0x80, 0]),
            (&[0, 1, 2], &[1, 2]),
        ] {
            let expected = [&[INTEGER, u8::try_from(value.len()).unwrap()], value].concat();
            assert_eq!(write_integer(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_length_is_written_and_read_in_its_shortest_form_alone() {
        for (head, len, is_shortest) in [
            (&[0][..], 0, true),
            (&[0x7f], 0x7f, true),
            (&[0x81, 0x7f], 0x7f, false),
            (&[0x80], 0x80, false),
            (&[0x81, 0x80], 0x80, true),
            (&[0x81, 0xff], 0xff, true),
            (&[0x82, 0, 0xff], 0xff, false),
            (&[0x82, 1, 0], 0x100, true),
            (&[0x83, 0, 1, 0], 0x100, false),
        ] {
            let value = vec![7; len];
            let bytes = [&[SEQUENCE], head, &value].concat();
            assert_eq!(Der::only(&bytes, SEQUENCE).is_ok(), is_shortest, "{head:?}");
            assert!(!is_shortest || write(SEQUENCE, &[&value]) == bytes, "{head:?}");
            assert!(Der::only(&[&bytes, &[0][..]].concat(), SEQUENCE).is_err(), "something follows {head:?}");
            assert!(Der::only(&bytes, INTEGER).is_err(), "another tag");
        }
        assert!(Der::only(&[SEQUENCE, 2, 7], SEQUENCE).is_err(), "it is cut off");
    }

    #[test]
    fn integers_are_positive_and_bit_strings_whole_bytes() {
        for (value, number) in [
            (&[1][..], Some(&[1][..])),
            (&[0x7f, 0], Some(&[0x7f, 0])),
            (&[0, 0x80], Some(&[0x80])),
            (&[0, 0xff, 1], Some(&[0xff, 1])),
            (&[], None),
            (&[0], None),
            (&[0, 0x7f], None),
            (&[0x80], None),
            (&[0xff], None),
        ] {
            let bytes = write(INTEGER, &[value]);
            assert_eq!(Der::within(&bytes).positive().ok(), number, "{value:?}");
        }
        for (value, bits) in [(&[0, 5][..], Some(&[5][..])), (&[0], Some(&[])), (&[1, 5], None), (&[], None)] {
            assert_eq!(Der::within(&write(BIT_STRING, &[value])).bit_string().ok(), bits, "{value:?}");
        }
    }
}
