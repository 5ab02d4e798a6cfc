//! A column of integers that are all the same step apart: divided by their common divisor.
//!
//! ```text
//! size  field    legal range
//! 1..   divisor  varint, 1..
//! 1..   offset   zigzag varint, if the divisor is not 1
//!       column   as in `integers`: (integer - offset) / divisor
//! ```

use crate::codec::error::CodecError;
use crate::codec::integers::{IntegerPlan, decode_integers};
use crate::codec::scale::greatest_common_divisor;
use crate::codec::varint;

/// The step of a column, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    divisor: u64,
    offset: i64,
}

impl Scale {
    /// Finds the divisor, and returns the integers divided. O(n), with a division an integer at
    /// worst.
    pub(super) fn divide(integers: Vec<i64>) -> (Self, Vec<i64>) {
        let divisor = common_divisor(&integers);
        let Some(&offset) = integers.first().filter(|_| divisor > 1) else {
            return (Self { divisor: 1, offset: 0 }, integers);
        };
        let mut quotients = integers;
        let exact = Exact::of(divisor);
        for integer in &mut quotients {
            // No difference wraps around where there is a divisor.
            *integer = exact.quotient(integer.wrapping_sub(offset));
        }
        (Self { divisor, offset }, quotients)
    }

    /// Returns how many bytes [`put`](Self::put) appends.
    fn len_bytes(self) -> u64 {
        let offset_bytes = match self.divisor {
            1 => 0,
            _ => varint::len_bytes(varint::zigzag(self.offset)),
        };
        (varint::len_bytes(self.divisor) + offset_bytes) as u64
    }

    /// Appends divisor and offset.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.divisor);
        if self.divisor != 1 {
            varint::put_u64(out, varint::zigzag(self.offset));
        }
    }

    /// Reads divisor and offset at `*at`, which moves behind them.
    ///
    /// # Errors
    /// [`CodecError`] where there are none.
    pub(super) fn take(bytes: &[u8], at: &mut usize) -> Result<Self, CodecError> {
        let divisor = varint::read_u64(bytes, at)?;
        if divisor == 0 {
            return Err(CodecError::OutOfRange { field: "divisor" });
        }
        let offset = if divisor == 1 { 0 } else { varint::unzigzag(varint::read_u64(bytes, at)?) };
        Ok(Self { divisor, offset })
    }

    /// Returns what was divided, or the nearest integer of 64 bits.
    pub(super) fn multiply_saturating(self, quotient: i128) -> i64 {
        let product = quotient.saturating_mul(i128::from(self.divisor));
        let sum = product.saturating_add(i128::from(self.offset));
        let nearest = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(nearest).unwrap_or(self.offset)
    }

    /// Replaces quotients by what was divided.
    pub(super) fn multiply(self, quotients: &mut [i64]) {
        if self.divisor > 1 {
            for quotient in quotients {
                let product = quotient.wrapping_mul(self.divisor.cast_signed());
                *quotient = product.wrapping_add(self.offset);
            }
        }
    }
}

/// Division of multiples by a multiplication: with the inverse of the divisor's odd part modulo
/// 2^64 (Granlund and Montgomery, PLDI 1994, section 9).
#[derive(Debug, Clone, Copy)]
struct Exact {
    inverse: u64,
    shift: u32,
    quotient_max: u64,
}

impl Exact {
    /// Prepares a divisor other than zero.
    fn of(divisor: u64) -> Self {
        let shift = divisor.trailing_zeros();
        let odd = divisor.checked_shr(shift).unwrap_or(1);
        // Right in three bits; Newton's method doubles them: 6, 12, 24, 48, 96.
        let mut inverse = odd;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Self { inverse, shift, quotient_max: u64::MAX / divisor.max(1) }
    }

    /// Returns whether a number is a multiple of the divisor: other numbers become too great.
    #[inline]
    fn divides(self, number: u64) -> bool {
        number.wrapping_mul(self.inverse).rotate_right(self.shift) <= self.quotient_max
    }

    /// Returns the quotient of a multiple of the divisor.
    #[inline]
    fn quotient(self, multiple: i64) -> i64 {
        multiple.wrapping_mul(self.inverse.cast_signed()) >> self.shift
    }
}

/// How a column is divided and encoded, and what that takes.
#[derive(Debug)]
pub(super) struct ScaledPlan {
    scale: Scale,
    quotients: Vec<i64>,
    column: IntegerPlan,
}

impl ScaledPlan {
    /// Finds the divisor and plans the column. O(n), with a division an integer at worst.
    pub(super) fn of(integers: Vec<i64>) -> Self {
        let (scale, quotients) = Scale::divide(integers);
        let column = IntegerPlan::of(&quotients);
        Self { scale, quotients, column }
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(super) fn len_bytes(&self) -> u64 {
        self.scale.len_bytes() + self.column.len_bytes()
    }

    /// Appends the column.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.scale.put(out);
        self.column.encode(&self.quotients, out);
    }
}

/// Returns the greatest number that divides every difference from the first integer; 1 where one of
/// them wraps around, or where all are zero.
fn common_divisor(integers: &[i64]) -> u64 {
    let Some((&first, later)) = integers.split_first() else { return 1 };
    let (mut divisor, mut exact) = (0_u64, Exact::of(1));
    for integer in later {
        let Some(difference) = integer.checked_sub(first) else { return 1 };
        let difference = difference.unsigned_abs();
        if divisor == 0 || !exact.divides(difference) {
            divisor = greatest_common_divisor(difference, divisor);
            if divisor == 1 {
                return 1;
            }
            exact = Exact::of(divisor.max(1));
        }
    }
    // Signed division must hold it.
    if divisor == 0 || divisor > i64::MAX as u64 { 1 } else { divisor }
}

/// Decodes the `count` integers of the column at `*at`, which moves behind it, and gives them to
/// `put`, a block at a time.
///
/// # Errors
/// [`CodecError`] where the bytes are no such column; `put` may have been given some then.
pub(super) fn decode_scaled(
    bytes: &[u8],
    at: &mut usize,
    count: usize,
    mut put: impl FnMut(&[i64]),
) -> Result<(), CodecError> {
    let scale = Scale::take(bytes, at)?;
    decode_integers(bytes, at, count, |block| {
        scale.multiply(block);
        put(block);
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::scaled::{Exact, ScaledPlan, decode_scaled};

    proptest! {
        #[test]
        fn multiplication_divides_as_division_does(
            quotient: i64,
            number: u64,
            divisor in 1..=i64::MAX,
            shift in 0..63_u32,
        ) {
            let divisor = (divisor >> shift).max(1);
            let exact = Exact::of(divisor.unsigned_abs());
            assert_eq!(exact.divides(number), number % divisor.unsigned_abs() == 0);
            let quotient = quotient / divisor;
            let multiple = quotient * divisor;
            assert!(exact.divides(multiple.unsigned_abs()));
            assert_eq!(exact.quotient(multiple), quotient);
        }

        #[test]
        fn columns_come_back_and_plans_are_exact(
            quotients in prop::collection::vec((any::<i64>(), 0..64_u32), 0..200),
            divisor in 1..1_000_000_i64,
            offset: i64,
        ) {
            let integers: Vec<i64> = quotients
                .iter()
                .map(|(x, shift)| (x >> shift).wrapping_mul(divisor).wrapping_add(offset))
                .collect();
            let plan = ScaledPlan::of(integers.clone());
            let mut bytes = Vec::new();
            plan.encode(&mut bytes);
            assert_eq!(bytes.len() as u64, plan.len_bytes());
            let (mut at, mut read) = (0, Vec::new());
            let put = |block: &[i64]| read.extend_from_slice(block);
            assert_eq!(decode_scaled(&bytes, &mut at, integers.len(), put), Ok(()));
            assert_eq!((at, read), (bytes.len(), integers));
        }
    }

    #[test]
    fn a_planted_divisor_is_found() {
        let integers = |divisor: i64| (0..500).map(|i| 17 + divisor * (i * i % 97)).collect();
        let of = |divisor| ScaledPlan::of(integers(divisor)).len_bytes();
        assert!(of(1_000_003) <= of(1) + 8, "{} and {}", of(1_000_003), of(1));
    }
}
