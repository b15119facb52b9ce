//! The proof of work that replaces a wait: a browser that computes it may try a password at once.
//!
//! The server sends a challenge. A proof is [`PARTS`] numbers, in decimal, separated by `.`. The number `n` at position
//! `i` counts if SHA-256 over the challenge's 32 bytes, `i` and `n` (each 4 bytes, big-endian) begins with as many zero
//! bits as the [`Difficulty`] says. Many easy parts take about the same time each time; one hard part does not.
//!
//! This is the arithmetic alone. That a challenge is authentic, belongs to the attempt and is used once is for the
//! caller to check.

use std::num::ParseIntError;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How many numbers make a proof.
pub const PARTS: usize = 32;

/// How hard a proof is: the zero bits that each part's hash begins with.
///
/// One bit more doubles the work. On average a proof takes `PARTS << bits` hashes: 131,072 at the least difficulty and
/// 8,388,608 at the most. See [`threats`](crate::manual::threats) for what that means in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Difficulty(u8);

impl Difficulty {
    /// The least difficulty that is asked for.
    pub const LEAST: Self = Self(12);
    /// The most.
    pub const MOST: Self = Self(18);

    /// Returns the difficulty after this many failed attempts beyond the free ones: one bit more for each, to the most.
    pub fn after(failures: u32) -> Self {
        let more = u8::try_from(failures).unwrap_or(u8::MAX);
        Self(Self::LEAST.0.saturating_add(more)).min(Self::MOST)
    }

    /// Returns the difficulty to ask for where `self` is needed now: enough for two more failures, so that the proof
    /// still counts if others have failed while it was computed. At the most difficulty nothing can outrun it.
    pub fn with_headroom(self) -> Self {
        Self(self.0.saturating_add(2)).min(Self::MOST)
    }

    /// The zero bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads the zero bits.
    pub fn parse(bits: &str) -> Option<Self> {
        let difficulty = Self(decimal(bits)?.try_into().ok()?);
        (Self::LEAST..=Self::MOST).contains(&difficulty).then_some(difficulty)
    }
}

/// Returns whether `proof` answers the challenge with these bytes.
pub fn verifies(challenge: &[u8; 32], difficulty: Difficulty, proof: &str) -> bool {
    let mut numbers = proof.split('.');
    let all = (0..PARTS).all(|part| {
        let number = numbers.next().and_then(decimal);
        number.is_some_and(|number| part_counts(challenge, difficulty, part, number))
    });
    all && numbers.next().is_none()
}

fn part_counts(challenge: &[u8; 32], difficulty: Difficulty, part: usize, number: u32) -> bool {
    let part = u32::try_from(part).unwrap_or(u32::MAX);
    let hash =
        Sha256::new().chain_update(challenge).chain_update(part.to_be_bytes()).chain_update(number.to_be_bytes());
    let zeros = hash
        .finalize()
        .iter()
        .try_fold(0, |zeros, byte| if *byte == 0 { Ok(zeros + 8) } else { Err(zeros + byte.leading_zeros()) });
    let (Ok(zeros) | Err(zeros)) = zeros;
    zeros >= u32::from(difficulty.0)
}

/// A number in the one form that it has in decimal.
fn decimal(text: &str) -> Option<u32> {
    let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    let number: Result<u32, ParseIntError> = text.parse();
    number.ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

    /// The first number of each part that counts.
    fn solve(challenge: &[u8; 32], difficulty: Difficulty) -> Vec<u32> {
        (0..PARTS).map(|part| (0..).find(|number| part_counts(challenge, difficulty, part, *number)).unwrap()).collect()
    }

    fn text(numbers: &[u32]) -> String {
        numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn accepts_a_computed_proof_and_none_for_another_challenge() {
        let proof = text(&solve(&CHALLENGE, Difficulty::LEAST));
        assert!(verifies(&CHALLENGE, Difficulty::LEAST, &proof));
        let mut other = CHALLENGE;
        other[31] ^= 1;
        assert!(!verifies(&other, Difficulty::LEAST, &proof));
        assert!(!verifies(&CHALLENGE, Difficulty::MOST, &proof), "a proof of less work");
    }

    #[test]
    fn counts_the_zero_bits_of_sha_256() {
        // `printf '0123456789abcdef0123456789abcdef\0\0\0\0\0\0\0\0' | sha256sum` begins with c2, which is no zero bit.
        let digest = Sha256::digest([CHALLENGE.as_slice(), &[0; 8]].concat());
        for bits in 0..=20 {
            let zeros = digest.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1));
            let zeros = zeros.take_while(|bit| *bit == 0).count();
            assert_eq!(part_counts(&CHALLENGE, Difficulty(bits), 0, 0), zeros >= usize::from(bits), "{bits}");
        }
    }

    #[test]
    fn refuses_every_other_spelling_of_a_proof() {
        let numbers = solve(&CHALLENGE, Difficulty::LEAST);
        let proof = text(&numbers);
        let mut missing = numbers.clone();
        missing.pop();
        let mut swapped = numbers.clone();
        swapped.swap(0, 1);
        for bad in [
            String::new(),
            ".".repeat(PARTS - 1),
            text(&missing),
            text(&swapped),
            format!("{proof}."),
            format!("{proof}.0"),
            format!("0{proof}"),
            format!("+{proof}"),
            format!(" {proof}"),
            proof.replacen('.', ",", 1),
            format!("4294967296.{}", proof.split_once('.').unwrap().1),
            "9".repeat(100_000),
        ] {
            assert!(!verifies(&CHALLENGE, Difficulty::LEAST, &bad), "{bad}");
        }
    }

    #[test]
    fn difficulty_rises_by_a_bit_a_failure_to_the_cap() {
        let bits: Vec<_> = (0..9).map(|failures| Difficulty::after(failures).bits()).collect();
        assert_eq!(bits, [12, 13, 14, 15, 16, 17, 18, 18, 18]);
        assert_eq!(Difficulty::after(u32::MAX), Difficulty::MOST);
        assert_eq!(Difficulty::LEAST.with_headroom(), Difficulty::after(2));
        assert_eq!(Difficulty::MOST.with_headroom(), Difficulty::MOST);
    }

    #[test]
    fn only_difficulties_that_are_asked_for_are_read() {
        assert_eq!(Difficulty::parse("12"), Some(Difficulty::LEAST));
        assert_eq!(Difficulty::parse("18"), Some(Difficulty::MOST));
        for bad in ["", "0", "11", "19", "012", "+12", "1e1", "268", "256"] {
            assert_eq!(Difficulty::parse(bad), None, "{bad}");
        }
    }
}
