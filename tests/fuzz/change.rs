//! Inputs derived from valid ones: a part removed, repeated, changed by a bit, replaced by text that often breaks readers; and the
//! same inside of base64url.

use edgemint::token::base64url;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Texts that often break readers of JSON, base64url, PEM and tokens.
const FRAGMENTS: &[&str] = &[
    ".",
    "..",
    "=",
    "-",
    "_",
    "+",
    "/",
    "A",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\u006",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{e9}",
    "\u{1f600}",
    "null",
    "true",
    "-0",
    "0",
    "1e400",
    "1e308",
    "1e-400",
    "1.",
    ".5",
    "9007199254740993",
    "18446744073709551616",
    "253402300799",
    "253402300800",
    "1800000000",
    "\"exp\":1,",
    "\"alg\":\"HS256\",",
    "\"kty\":\"oct\",",
    "\"d\":\"AA\",",
    "\"keys\":",
    "\"__proto__\":1,",
    "HS256",
    "RS256",
    "ES256",
    "EdDSA",
    "none",
    "AQAB",
    "AQ",
    "P-256",
    "-----BEGIN PUBLIC KEY-----\n",
    "-----END PUBLIC KEY-----",
    "-----BEGIN PRIVATE KEY-----\n",
    "[[[[[[[[[[[[[[[[",
    "]]]]]]]]]]]]]]]]",
];

#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    LeaveOut(Index, Index),
    Repeat(Index, Index),
    Splice(Index, Index, Index),
    /// The same, in the part with that number, decoded.
    Inside(Index, Box<Change>),
}

/// One of the seeds, changed a few times; or noise.
pub(crate) fn any_change(seeds: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let fragment = prop_oneof![
        3 => select(FRAGMENTS).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ];
    let outside = prop_oneof![
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (any::<Index>(), fragment).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::LeaveOut(from, to)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (any::<Index>(), any::<Index>(), any::<Index>()).prop_map(|(seed, from, to)| Change::Splice(seed, from, to)),
    ];
    let inside = (any::<Index>(), outside.clone()).prop_map(|(part, change)| Change::Inside(part, Box::new(change)));
    let changes = vec(prop_oneof![outside, inside], 0..5);
    let all = seeds.to_vec();
    let changed = (select(seeds.to_vec()), changes)
        .prop_map(move |(seed, changes)| changes.into_iter().fold(seed, |data, change| change.of(&data, &all)));
    prop_oneof![20 => changed, 1 => vec(any::<u8>(), 0..200)]
}

impl Change {
    fn of(&self, data: &[u8], seeds: &[Vec<u8>]) -> Vec<u8> {
        let place = |at: &Index| at.index(data.len() + 1);
        let span = |a: &Index, b: &Index| (place(a).min(place(b)), place(a).max(place(b)));
        match self {
            Self::Flip(at, bit) => {
                let mut data = data.to_vec();
                if let Some(byte) = data.get_mut(place(at)) {
                    *byte ^= 1 << bit;
                }
                data
            }
            Self::Insert(at, bytes) => [&data[..place(at)], bytes, &data[place(at)..]].concat(),
            Self::LeaveOut(from, to) => {
                let (from, to) = span(from, to);
                // Mostly short, so that something remains.
                let to = to.min(from + 1 + (to - from) / 8);
                [&data[..from], data.get(to..).unwrap_or_default()].concat()
            }
            Self::Repeat(from, to) => {
                let (from, to) = span(from, to);
                [&data[..to], &data[from..]].concat()
            }
            Self::Splice(seed, from, to) => {
                let other = &seeds[seed.index(seeds.len())];
                [&data[..place(from)], &other[to.index(other.len() + 1)..]].concat()
            }
            Self::Inside(part, change) => {
                let mut parts: Vec<_> = data.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect();
                let part = part.index(parts.len());
                if let Some(bytes) = base64url::decode(&parts[part]) {
                    parts[part] = base64url::encode(&change.of(&bytes, seeds)).into_bytes();
                }
                parts.join(&b'.')
            }
        }
    }
}
