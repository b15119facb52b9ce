//! Token Status List (draft-ietf-oauth-status-list): what has become of many tokens, a few bits each, compressed.
//!
//! A token names its place in a list (`status`), and the list is a token of its own (`typ` `statuslist+jwt`) that anyone may
//! fetch and keep for a while. So a token that is checked without asking anybody can still be revoked.

use std::fmt;

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde_json::Value;

use super::base64url;
use super::claims::Claims;
use super::verify::Token;

/// The type of a status list token (section 5.1).
pub const STATUS_LIST_TYPE: &str = "statuslist+jwt";
/// The media type that it is served with (section 8.1).
pub const STATUS_LIST_MEDIA_TYPE: &str = "application/statuslist+jwt";

/// The largest list that is read, in bytes once it is inflated: 32 million tokens of one bit.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How hard the compressor tries, of 10: beyond 6 it takes twice the time for one byte in a hundred.
const COMPRESSION: u8 = 6;

/// What has become of a token (section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It counts.
    Valid,
    /// It has been revoked.
    Invalid,
    /// It does not count for now.
    Suspended,
    /// Something that the application has given a meaning.
    Other(u8),
}

impl Status {
    /// The status of this value.
    pub const fn from_value(value: u8) -> Self {
        match value {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            other => Self::Other(other),
        }
    }

    /// Its value.
    pub const fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Other(value) => value,
        }
    }
}

/// Why a list or a place in it cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusError {
    /// `bits` is none of 1, 2, 4 and 8.
    Bits,
    /// `lst` is not base64url of a zlib stream.
    Encoding,
    /// The index is beyond the end of the list.
    Index,
    /// A claim is missing or of the wrong type.
    Malformed,
    /// The list is for another address (section 8.3).
    Subject,
    /// It inflates to more than 4 MiB.
    TooLarge,
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bits => "an entry must have 1, 2, 4 or 8 bits",
            Self::Encoding => "the list must be a zlib stream in base64url",
            Self::Index => "the index is beyond the end of the list",
            Self::Malformed => "a claim of the status list is missing or of the wrong type",
            Self::Subject => "the list has another sub",
            Self::TooLarge => "the list is too large",
        })
    }
}

impl std::error::Error for StatusError {}

/// A token's place in a list: its claim `status` (section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReference {
    /// The index.
    pub idx: u64,
    /// Where the list is.
    pub uri: String,
}

impl StatusReference {
    /// The place that a token names. `None` if it has no `status`.
    ///
    /// # Errors
    /// [`StatusError::Malformed`] if there is one, but no `status_list` with an index and an address in it.
    pub fn of(claims: &Claims) -> Result<Option<Self>, StatusError> {
        let Some(status) = claims.members().get("status") else {
            return Ok(None);
        };
        let list = status.get("status_list").ok_or(StatusError::Malformed)?;
        let idx = list.get("idx").and_then(Value::as_u64).ok_or(StatusError::Malformed)?;
        let uri = list.get("uri").and_then(Value::as_str).ok_or(StatusError::Malformed)?;
        Ok(Some(Self { idx, uri: uri.to_owned() }))
    }
}

/// A status list (section 4.1). Entry 0 is in the lowest bits of the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    bits: u8,
    bytes: Vec<u8>,
}

impl StatusList {
    /// A list in which every token is valid: entries of `bits` bits, `size` of them, rounded up to whole bytes.
    ///
    /// # Errors
    /// [`StatusError::Bits`], [`StatusError::TooLarge`].
    pub fn new(bits: u8, size: usize) -> Result<Self, StatusError> {
        let per_byte = per_byte(bits)?;
        let len = size.div_ceil(per_byte);
        if len > MAX_BYTES { Err(StatusError::TooLarge) } else { Ok(Self { bits, bytes: vec![0; len] }) }
    }

    /// Reads the members of `status_list` (section 4.2).
    ///
    /// # Errors
    /// [`StatusError::Bits`], [`StatusError::Encoding`], [`StatusError::TooLarge`].
    pub fn decode(bits: u8, lst: &str) -> Result<Self, StatusError> {
        per_byte(bits)?;
        let compressed = base64url::decode(lst.as_bytes()).ok_or(StatusError::Encoding)?;
        let bytes = decompress_to_vec_zlib_with_limit(&compressed, MAX_BYTES).map_err(|error| match error.status {
            miniz_oxide::inflate::TINFLStatus::HasMoreOutput => StatusError::TooLarge,
            _ => StatusError::Encoding,
        })?;
        Ok(Self { bits, bytes })
    }

    /// The list of a status list token whose signature, type and times have been checked with
    /// [`verify`](super::verify()); `uri` is the address that the token in question names.
    ///
    /// # Errors
    /// [`StatusError::Subject`] if it is for another address, else as for [`Self::decode`].
    pub fn of_token(token: &Token, uri: &str) -> Result<Self, StatusError> {
        let claims = token.claims();
        if claims.text("sub") != Some(uri) {
            return Err(StatusError::Subject);
        }
        let list = claims.members().get("status_list").filter(|_| claims.time("iat").is_some());
        let list = list.ok_or(StatusError::Malformed)?;
        let bits = list.get("bits").and_then(Value::as_u64).ok_or(StatusError::Malformed)?;
        let lst = list.get("lst").and_then(Value::as_str).ok_or(StatusError::Malformed)?;
        Self::decode(u8::try_from(bits).map_err(|_| StatusError::Bits)?, lst)
    }

    /// The bits of an entry.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.bytes.len() * 8 / usize::from(self.bits)
    }

    /// Is there no entry?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The list as the member `lst` has it: base64url of a zlib stream (section 4.2).
    pub fn encode(&self) -> String {
        base64url::encode(&compress_to_vec_zlib(&self.bytes, COMPRESSION))
    }

    /// What has become of the token at this place.
    ///
    /// # Errors
    /// [`StatusError::Index`].
    pub fn status(&self, idx: u64) -> Result<Status, StatusError> {
        let (byte, shift) = self.place(idx)?;
        let byte = self.bytes.get(byte).ok_or(StatusError::Index)?;
        Ok(Status::from_value((byte >> shift) & self.mask()))
    }

    /// Notes what has become of the token at this place.
    ///
    /// # Errors
    /// [`StatusError::Index`]; [`StatusError::Bits`] if the value does not fit.
    pub fn set(&mut self, idx: u64, status: Status) -> Result<(), StatusError> {
        let (place, shift) = self.place(idx)?;
        let (mask, value) = (self.mask(), status.value());
        if value > mask {
            return Err(StatusError::Bits);
        }
        let byte = self.bytes.get_mut(place).ok_or(StatusError::Index)?;
        *byte = (*byte & !(mask << shift)) | (value << shift);
        Ok(())
    }

    /// The byte, and how far up in it.
    fn place(&self, idx: u64) -> Result<(usize, u8), StatusError> {
        let per_byte = u64::from(8 / self.bits);
        let byte = usize::try_from(idx / per_byte).map_err(|_| StatusError::Index)?;
        #[allow(clippy::cast_possible_truncation)] // Below 8.
        Ok((byte, (idx % per_byte) as u8 * self.bits))
    }

    fn mask(&self) -> u8 {
        u8::MAX >> (8 - self.bits)
    }
}

fn per_byte(bits: u8) -> Result<usize, StatusError> {
    match bits {
        1 | 2 | 4 | 8 => Ok(usize::from(8 / bits)),
        _ => Err(StatusError::Bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        for bits in [1, 2, 4, 8] {
            let mut list = StatusList::new(bits, 1000).unwrap();
            let largest = list.mask();
            for idx in (0..1000).step_by(7) {
                list.set(idx, Status::from_value((idx % 256) as u8 & largest)).unwrap();
            }
            let read = StatusList::decode(bits, &list.encode()).unwrap();
            assert_eq!(read, list);
            for idx in 0..1000 {
                let expected = if idx % 7 == 0 { (idx % 256) as u8 & largest } else { 0 };
                assert_eq!(read.status(idx).unwrap().value(), expected, "{bits} bits, entry {idx}");
            }
        }
    }

    #[test]
    fn the_neighbours_stay() {
        let mut list = StatusList::new(2, 4).unwrap();
        for idx in 0..4 {
            list.set(idx, Status::Other(3)).unwrap();
        }
        list.set(1, Status::Valid).unwrap();
        assert_eq!((0..4).map(|idx| list.status(idx).unwrap().value()).collect::<Vec<_>>(), [3, 0, 3, 3]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(StatusList::new(3, 8), Err(StatusError::Bits));
        assert_eq!(StatusList::new(0, 8), Err(StatusError::Bits));
        assert_eq!(StatusList::new(8, MAX_BYTES + 1), Err(StatusError::TooLarge));
        let mut list = StatusList::new(1, 8).unwrap();
        assert_eq!(list.set(0, Status::Suspended), Err(StatusError::Bits));
        for idx in [8, u64::MAX] {
            assert_eq!(list.status(idx), Err(StatusError::Index));
            assert_eq!(list.set(idx, Status::Invalid), Err(StatusError::Index));
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let good = StatusList::new(1, 8).unwrap().encode();
        for bad in ["", "AAAA", "bm90IHpsaWI", &good[..good.len() - 2], &format!("{good}="), "eNrb uRgAAhcBXQ"] {
            assert_eq!(StatusList::decode(1, bad), Err(StatusError::Encoding), "{bad}");
        }
        let bomb = base64url::encode(&compress_to_vec_zlib(&vec![0; MAX_BYTES + 1], 9));
        assert!(bomb.len() < 10_000);
        assert_eq!(StatusList::decode(1, &bomb), Err(StatusError::TooLarge));
    }

    #[test]
    fn the_place_that_a_token_names() {
        let claims = |json: &str| Claims::parse(json.as_bytes()).unwrap();
        assert_eq!(StatusReference::of(&claims("{}")), Ok(None));
        let good = claims(r#"{"status":{"status_list":{"idx":5,"uri":"https://as.example/1"}}}"#);
        let expected = StatusReference { idx: 5, uri: "https://as.example/1".to_owned() };
        assert_eq!(StatusReference::of(&good), Ok(Some(expected)));
        for bad in [
            r#"{"status":1}"#,
            r#"{"status":{}}"#,
            r#"{"status":{"status_list":{"idx":-1,"uri":"u"}}}"#,
            r#"{"status":{"status_list":{"idx":1.5,"uri":"u"}}}"#,
            r#"{"status":{"status_list":{"idx":"1","uri":"u"}}}"#,
            r#"{"status":{"status_list":{"idx":1}}}"#,
        ] {
            assert_eq!(StatusReference::of(&claims(bad)), Err(StatusError::Malformed), "{bad}");
        }
    }
}
