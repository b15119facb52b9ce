//! Numbers as JSON writes them (RFC 8259 section 6). The standard library's reader is exact to the last bit of any double, with
//! tables that weigh more than all the rest of a JSON reader; times and bounds need no such thing.

/// Numbers with more digits before the point than this are refused: a double ends soon after, and readers
/// disagree about what lies beyond (RFC 8259 section 6).
const MAX_MAGNITUDE: i64 = 308;

/// Is the number, which is known to be one of JSON, below 1e308 in size?
pub(super) fn is_within_bounds(written: &[u8]) -> bool {
    // Anything shorter without an exponent is small.
    let small = written.len() < 100 && !written.iter().any(|byte| matches!(byte, b'e' | b'E'));
    small || Decimal::read(written).magnitude() <= MAX_MAGNITUDE
}

/// The number that is written, which is known to be one of JSON: exact for up to 15 digits and a small exponent, within a few
/// parts in 2^52 beyond.
pub(super) fn number(written: &[u8]) -> f64 {
    // Most are whole and short.
    if written.len() <= 15 && written.iter().all(u8::is_ascii_digit) {
        let value = written.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        #[allow(clippy::cast_precision_loss)] // Below 2^53.
        return value as f64;
    }
    let number = Decimal::read(written);
    // Exact below 2^53, and so are the powers of ten up to 22.
    #[allow(clippy::cast_precision_loss)]
    let mut value = number.mantissa as f64;
    let mut left = number.exponent.clamp(-400, 400);
    while left != 0 {
        let step = left.clamp(-22, 22);
        let power = (0..step.abs()).fold(1.0, |power, _| power * 10.0);
        value = if step < 0 { value / power } else { value * power };
        left -= step;
    }
    if number.negative { -value } else { value }
}

/// A number as it is written: `mantissa` times ten to the `exponent`.
struct Decimal {
    negative: bool,
    /// Of the digits, as many as fit; the rest only count.
    mantissa: u64,
    exponent: i64,
}

impl Decimal {
    /// Reads what is known to be a JSON number.
    fn read(written: &[u8]) -> Self {
        let mut number = Self { negative: false, mantissa: 0, exponent: 0 };
        let mut bytes = written.iter();
        let mut after_point = false;
        for byte in bytes.by_ref() {
            match byte {
                b'-' => number.negative = true,
                b'.' => after_point = true,
                b'0'..=b'9' if number.mantissa < 1_000_000_000_000_000_000 => {
                    number.mantissa = number.mantissa * 10 + u64::from(byte - b'0');
                    number.exponent -= i64::from(after_point);
                }
                b'0'..=b'9' => number.exponent += i64::from(!after_point),
                _ => break,
            }
        }
        let exponent = bytes.as_slice();
        let (negative, digits) = match exponent {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] | digits => (false, digits),
        };
        let size = digits.iter().fold(0_i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(1_000_000_000));
        number.exponent += if negative { -size } else { size };
        number
    }

    /// How many digits stand before the point, written without an exponent; zero or less for what is below one.
    fn magnitude(&self) -> i64 {
        match self.mantissa.checked_ilog10() {
            Some(log) => i64::from(log) + 1 + self.exponent,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_others_read_them() {
        for written in [
            "0",
            "-0",
            "1",
            "253402300799",
            "1700000000.25",
            "-12.5e2",
            "1E+3",
            "1e-3",
            "0.1",
            "9007199254740993",
            "123456789012345678901234567890",
            "0.00000000000000000000123456789012345678901",
            "1e-400",
        ] {
            let (read, expected): (f64, f64) = (number(written.as_bytes()), written.parse().unwrap());
            assert!((read - expected).abs() <= expected.abs() * 1e-15, "{written}: {read}");
        }
    }

    #[test]
    fn the_bound_is_where_it_is_said_to_be() {
        for (written, within) in [
            ("9.9e307", true),
            ("1e308", false),
            ("-1e308", false),
            ("0.01e309", true),
            ("0e999999999999", true),
            ("100e306", false),
        ] {
            assert_eq!(is_within_bounds(written.as_bytes()), within, "{written}");
        }
        assert!(is_within_bounds("9".repeat(308).as_bytes()) && !is_within_bounds("9".repeat(309).as_bytes()));
    }
}
