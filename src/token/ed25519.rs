//! Ed25519 (RFC 8032) with a table per key: a verifier sees few keys and many tokens.
//!
//! The check is the strict one: S below the order of the group, no point of small order, one encoding of each point.

use curve25519_dalek::constants::ED25519_BASEPOINT_TABLE;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::BasepointTable as _;
use sha2::{Digest as _, Sha512};

/// A public key ready to check signatures.
pub(crate) struct PublicKey {
    encoded: [u8; 32],
    /// The key's point with its sign changed: what the equation wants.
    negated: EdwardsPoint,
    table: Option<Box<EdwardsBasepointTable>>,
}

impl PublicKey {
    /// `None` for what is no point, one of small order, or another text for a point that has a shorter one.
    pub(crate) fn new(encoded: &[u8]) -> Option<Self> {
        let encoded: [u8; 32] = encoded.try_into().ok()?;
        let point = CompressedEdwardsY(encoded).decompress()?;
        let canonical = point.compress().0 == encoded;
        (canonical && !point.is_small_order()).then(|| Self { encoded, negated: -point, table: None })
    }

    /// Builds the table: 30 KB for this key, and a good third less time for each check from now on.
    pub(crate) fn prepare(&mut self) {
        if self.table.is_none() {
            self.table = Some(Box::new(EdwardsBasepointTable::create(&self.negated)));
        }
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
            Some(table) => table.mul_base(&k) + ED25519_BASEPOINT_TABLE.mul_base(&s),
            None => EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &self.negated, &s),
        };
        // As bytes, so that another spelling of the same point is another signature, and a wrong one.
        expected.compress().0 == *r
    }
}
