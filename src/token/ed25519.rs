//! Ed25519 signatures checked with tables (RFC 8032 section 5.1.7): a verifier sees few keys and many tokens.
//!
//! The check is the strict one: S below the order of the group, no point of small order, one spelling of each point. All
//! that is worked with is public, so that time may depend on it. The arithmetic is curve25519-dalek's; the tables are ours,
//! since its own are for secrets, and are read in full at every step.

use std::sync::OnceLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use sha2::{Digest as _, Sha512};

/// A public key ready to check signatures.
pub(crate) struct PublicKey {
    encoded: [u8; 32],
    /// The key's point with its sign changed: what the equation wants.
    negated: EdwardsPoint,
    table: Option<Table>,
}

/// Bits of a window in the table of a key: 220 KB.
const KEY_WINDOW: usize = 6;
/// Bits of a window in the table of the base point, which is made once: 655 KB.
const BASE_WINDOW: usize = 8;

impl PublicKey {
    /// `None` for what is no point, one of small order, or another spelling of a point.
    pub(crate) fn new(encoded: &[u8]) -> Option<Self> {
        let encoded: [u8; 32] = encoded.try_into().ok()?;
        let point = CompressedEdwardsY(encoded).decompress()?;
        let canonical = point.compress().0 == encoded;
        (canonical && !point.is_small_order()).then(|| Self { encoded, negated: -point, table: None })
    }

    /// Makes the tables, which takes as long as some twenty checks; each check takes half as long from now on.
    pub(crate) fn prepare(&mut self) {
        let (point, _) = (self.negated, base_table());
        self.table.get_or_insert_with(|| Table::new(point, KEY_WINDOW));
    }

    /// Is this the key's signature of the message? Anything of another length than 64 bytes is none. That R is not of small
    /// order has been found out by `Key::admits`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((r, s)) = signature.split_first_chunk::<32>() else {
            return false;
        };
        let Some(s) = s.try_into().ok().and_then(|s| Option::from(Scalar::from_canonical_bytes(s))) else {
            return false;
        };
        let hash = Sha512::new_with_prefix(r).chain_update(self.encoded).chain_update(message).finalize();
        let k = Scalar::from_bytes_mod_order_wide(&hash.into());
        let expected = match &self.table {
            Some(table) => table.add_multiple(base_table().add_multiple(EdwardsPoint::identity(), &s), &k),
            None => EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &self.negated, &s),
        };
        // As bytes, so that another spelling of the same point is another signature, and a wrong one.
        expected.compress().0 == *r
    }
}

fn base_table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::new(ED25519_BASEPOINT_POINT, BASE_WINDOW))
}

/// Multiples of a point, by which any multiple is a sum of few: for each window of so many bits of the factor, the point at
/// the window's place times 1 to half of what a window can hold. The other half is subtracted from the next window.
struct Table {
    window: usize,
    half: usize,
    points: Vec<EdwardsPoint>,
}

impl Table {
    fn new(point: EdwardsPoint, window: usize) -> Self {
        let half = 1 << (window - 1);
        let windows = 256_usize.div_ceil(window);
        let mut points = Vec::with_capacity(windows * half);
        let mut at_place = point;
        for _ in 0..windows {
            let mut multiple = at_place;
            for _ in 0..half {
                points.push(multiple);
                multiple += at_place;
            }
            for _ in 0..window {
                at_place += at_place;
            }
        }
        Self { window, half, points }
    }

    /// The sum and the factor's multiple of the point. A scalar is below 2^253, so that nothing is left over at the end.
    fn add_multiple(&self, mut sum: EdwardsPoint, factor: &Scalar) -> EdwardsPoint {
        let bytes = factor.as_bytes();
        let mut carry = 0;
        for (number, multiples) in self.points.chunks_exact(self.half).enumerate() {
            let bit = number * self.window;
            let byte = |place: usize| usize::from(bytes.get(place).copied().unwrap_or_default());
            let two = byte(bit / 8) | byte(bit / 8 + 1) << 8;
            let digit = ((two >> (bit % 8)) & (2 * self.half - 1)) + carry;
            carry = usize::from(digit > self.half);
            let (negative, size) = if carry == 1 { (true, 2 * self.half - digit) } else { (false, digit) };
            // Nothing to be added is the multiple before the first.
            match size.checked_sub(1).and_then(|place| multiples.get(place)) {
                Some(multiple) if negative => sum -= multiple,
                Some(multiple) => sum += multiple,
                None => {}
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(seed: u64) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&Sha512::digest(seed.to_le_bytes()).into())
    }

    #[test]
    fn a_table_gives_the_multiples_that_the_library_gives() {
        let edges =
            [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(31_u8), Scalar::from(32_u8), Scalar::from(33_u8)];
        let windows = (0..252).map(|bit| (0..bit).fold(Scalar::ONE, |power, _| power + power));
        for (window, seed) in [(KEY_WINDOW, 1), (BASE_WINDOW, 2), (5, 3), (7, 4)] {
            let point = EdwardsPoint::mul_base(&scalar(seed));
            let table = Table::new(point, window);
            let near = windows.clone().flat_map(|power| [power, power - Scalar::ONE, power + Scalar::ONE]);
            for factor in edges.into_iter().chain(near).chain((0..500).map(scalar)) {
                assert_eq!(table.add_multiple(EdwardsPoint::identity(), &factor), point * factor, "{factor:?}");
            }
        }
    }

    #[test]
    fn with_tables_and_without_a_signature_is_the_same() {
        use ed25519_dalek::{Signer as _, SigningKey};

        for seed in 0..20 {
            let signing = SigningKey::from_bytes(&[seed; 32]);
            let mut key = PublicKey::new(&signing.verifying_key().to_bytes()).unwrap();
            let message = vec![seed; usize::from(seed) * 7];
            let good = signing.sign(&message).to_bytes();
            let cases: Vec<_> = (0..512)
                .map(|bit| {
                    let mut bad = good;
                    bad[bit / 8] ^= 1 << (bit % 8);
                    bad
                })
                .collect();
            for prepared in [false, true] {
                if prepared {
                    key.prepare();
                }
                assert!(key.verify(&message, &good));
                assert!(!key.verify(b"another message", &good));
                assert!(cases.iter().all(|bad| !key.verify(&message, bad)));
            }
        }
    }
}
