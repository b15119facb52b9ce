//! The numbers of RSA keys, as big-endian bytes: their form and their strength.

/// Accepted sizes of RSA moduli, bits. Smaller ones are weak (RFC 7518 section 3.3), larger ones cost too much work; BoringSSL,
/// which Chromium and workerd use, has the same limits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Returns whether modulus `n` and exponent `e` form an acceptable RSA key (RFC 7518 section 3.3, RFC 8017 section 3.1).
pub(super) fn is_sound_rsa(n: &[u8], e: &[u8]) -> bool {
    let sane_exponent = is_odd(e) && e.len() <= 4 && (e.len() > 1 || e.first() != Some(&1));
    sane_exponent && is_canonical(e) && is_canonical(n) && is_odd(n) && RSA_BITS.contains(&bit_len(n))
}

/// Returns whether a number has no leading zero (RFC 7518 section 2, Base64urlUInt). Zero is refused: no key contains it.
fn is_canonical(number: &[u8]) -> bool {
    number.first().is_some_and(|first| *first != 0)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}

fn bit_len(n: &[u8]) -> usize {
    n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize)
}

/// Returns whether `d`, `p`, `q`, `dp`, `dq`, `qi` have the form of the private numbers of an RSA key with a modulus of that many bytes.
/// Whether they belong together is not computed: that arithmetic must not leak timing (RUSTSEC-2023-0071).
pub(super) fn are_rsa_numbers(modulus_len: usize, numbers: [&[u8]; 6]) -> bool {
    let [d, p, q, dp, dq, qi] = numbers;
    let halves = is_odd(p) && is_odd(q) && matches!((p.len() + q.len()).wrapping_sub(modulus_len), 0 | 1);
    let fitting = d.len() <= modulus_len && dp.len().max(qi.len()) <= p.len() && dq.len() <= q.len();
    halves && fitting && numbers.into_iter().all(is_canonical)
}
