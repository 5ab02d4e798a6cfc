//! Numbers of about 106 significant bits: the unevaluated sum of two doubles.
//!
//! With the unit roundoff u = 2^-53, adding a double has a relative error of at most 2 u^2, adding
//! two double-doubles at most 3 u^2 / (1 - 4 u) (Joldes, Muller, Popescu, "Tight and Rigorous Error
//! Bounds for Basic Building Blocks of Double-Word Arithmetic", ACM TOMS 44(2), 2017, algorithms 4
//! and 6). The parts are the error-free transformations `TwoSum` (Knuth, "The Art of Computer
//! Programming" 2, 4.2.2) and `TwoProduct` (Dekker, "A Floating-Point Technique for Extending the
//! Available Precision", 1971). Summing n values one by one is therefore off by less than
//! 2 n u^2 times the sum of their magnitudes (compare Ogita, Rump, Oishi, "Accurate Sum and Dot
//! Product", 2005): for values of one sign, up to 2^40 of them, the result rounds to within one ulp
//! of the exactly rounded sum, whatever their order.

use std::ops::AddAssign;

/// The unevaluated sum of two doubles, the second no larger than half an ulp of the first.
///
/// ```
/// use silverback::sketch::DoubleDouble;
///
/// let mut sum = DoubleDouble::ZERO;
/// for value in [1e16, 1.0, -1e16] {
///     sum += value;
/// }
/// assert_eq!(sum.to_f64(), 1.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    /// Zero.
    pub const ZERO: Self = Self { high: 0.0, low: 0.0 };

    /// Returns the number nearest to this one that is a double.
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        self.high
    }

    /// Returns the high and the low part, from which [`from_parts`](Self::from_parts) restores the
    /// number.
    #[must_use]
    pub const fn parts(self) -> (f64, f64) {
        (self.high, self.low)
    }

    /// Restores a number from its parts; `None` if they overlap, which no sum does, or if the low
    /// one is not zero beside an infinity or NaN.
    #[must_use]
    pub fn from_parts(high: f64, low: f64) -> Option<Self> {
        let legal = if high.is_finite() {
            // The sum stays finite: rounding to the next double would be an overlap.
            high + low - high == 0.0
        } else {
            low == 0.0
        };
        legal.then_some(Self { high, low })
    }

    /// Returns the exact product of two doubles, unless a part of it over- or underflows.
    #[must_use]
    pub fn product(a: f64, b: f64) -> Self {
        let (product, error) = two_product(a, b);
        Self::renormalised(product, error)
    }

    /// Returns the difference, as exact as a sum.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let mut difference = self;
        difference += Self { high: -other.high, low: -other.low };
        difference
    }

    /// Returns the product, with a relative error below 8 u^2.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let (product, error) = two_product(self.high, other.high);
        let cross = self.high * other.low + self.low * other.high;
        Self::renormalised(product, error + cross)
    }

    /// Returns the quotient by a double other than zero, with a relative error below 4 u^2.
    #[must_use]
    pub fn divided_by(self, divisor: f64) -> Self {
        let quotient = self.high / divisor;
        let (product_high, product_low) = two_product(quotient, divisor);
        let remainder = (self.high - product_high) - product_low + self.low;
        Self::renormalised(quotient, remainder / divisor)
    }

    /// Adds an error term to the result it belongs to, which is zero or no smaller in magnitude.
    ///
    /// Beyond the range of doubles error terms are NaN and say nothing: the result stands alone.
    #[inline]
    fn renormalised(result: f64, error: f64) -> Self {
        let (high, low) = fast_two_sum(result, error);
        if low.is_finite() {
            return Self { high, low };
        }
        Self { high: if error.is_finite() { high } else { result }, low: 0.0 }
    }
}

impl Default for DoubleDouble {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<f64> for DoubleDouble {
    fn from(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }
}

impl AddAssign<f64> for DoubleDouble {
    #[inline]
    fn add_assign(&mut self, value: f64) {
        let (sum, error) = two_sum(self.high, value);
        *self = Self::renormalised(sum, self.low + error);
    }
}

impl AddAssign for DoubleDouble {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        let (sum, error) = two_sum(self.high, other.high);
        let (low_sum, low_error) = two_sum(self.low, other.low);
        let Self { high, low } = Self::renormalised(sum, error + low_sum);
        *self = Self::renormalised(high, low_error + low);
    }
}

/// Returns the rounded sum and its exact error (Knuth).
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// Returns the rounded sum and its exact error, where `a` is zero or no smaller in magnitude than
/// `b` (Dekker).
#[inline]
fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// Returns the rounded product and its exact error (Dekker).
///
/// A fused multiply-add would do it in two operations, but is a call into a library where the
/// target's baseline has no such instruction.
#[inline]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let error = a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low;
    (product, error)
}

/// Splits a double into two of at most 26 bits each (Veltkamp); overflows above 2^996.
#[inline]
fn split(a: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0; // 2^27 + 1
    let scaled = SPLITTER * a;
    let high = scaled - (scaled - a);
    (high, a - high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, proptest};

    use crate::sketch::double_double::{DoubleDouble, two_product, two_sum};

    /// Sums of multiples of 2^-30 below 2^60 are exact integers of this unit.
    const UNITS_PER_ONE: f64 = 1_073_741_824.0;

    #[expect(clippy::cast_possible_truncation, reason = "the strategy makes whole units")]
    fn units(value: f64) -> i128 {
        (value * UNITS_PER_ONE) as i128
    }

    #[expect(clippy::cast_precision_loss, reason = "rounds to nearest, as the oracle should")]
    fn rounded(units: i128) -> f64 {
        units as f64 / UNITS_PER_ONE
    }

    /// Values of many magnitudes whose sums `i128` holds exactly.
    fn value() -> impl Strategy<Value = f64> {
        (-(1i64 << 53)..1 << 53, -30..7i32).prop_map(|(mantissa, exponent)| {
            #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
            let mantissa = mantissa as f64;
            mantissa * f64::from(exponent).exp2()
        })
    }

    fn sum_of(values: &[f64]) -> DoubleDouble {
        let mut sum = DoubleDouble::ZERO;
        for &value in values {
            sum += value;
        }
        sum
    }

    proptest! {
        #[test]
        fn sums_of_one_sign_are_within_an_ulp_however_they_are_cut(
            values in prop::collection::vec(value(), 1..400),
            chunk_len in 1..50usize,
        ) {
            let values: Vec<f64> = values.iter().map(|value| value.abs()).collect();
            let exact = rounded(values.iter().map(|&value| units(value)).sum());
            let mut merged = DoubleDouble::ZERO;
            for chunk in values.chunks(chunk_len) {
                merged += sum_of(chunk);
            }
            for sum in [sum_of(&values), merged] {
                let sum = sum.to_f64();
                assert!(sum >= exact.next_down() && sum <= exact.next_up(), "{sum} {exact}");
            }
        }

        #[test]
        fn sums_of_mixed_signs_keep_the_bound(values in prop::collection::vec(value(), 1..400)) {
            let sum = sum_of(&values);
            let (high, low) = sum.parts();
            // Both parts are multiples of far smaller units than one, so compare in those.
            let exact: i128 = values.iter().map(|&value| units(value)).sum();
            let magnitude: i128 = values.iter().map(|&value| units(value).abs()).sum();
            let error = (units(high) + units(low) - exact).unsigned_abs();
            let bound = (magnitude.unsigned_abs() >> 104) * values.len() as u128 + 1;
            assert!(error <= bound, "{error} > {bound}");
        }

        #[test]
        fn sums_and_products_of_two_are_exact(
            a in value(), b in value(), m in any::<i32>(), n in any::<i64>(),
        ) {
            let (sum, error) = two_sum(a, b);
            assert_eq!(units(sum) + units(error), units(a) + units(b));
            #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
            let n = (n >> 11) as f64;
            let (product, error) = two_product(f64::from(m), n);
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
            let (product, error, n) = (product as i128, error as i128, n as i128);
            assert_eq!(product + error, i128::from(m) * n);
        }

        #[test]
        fn parts_restore_the_number(values in prop::collection::vec(value(), 0..50)) {
            let sum = sum_of(&values);
            let (high, low) = sum.parts();
            assert_eq!(DoubleDouble::from_parts(high, low), Some(sum));
        }

        #[test]
        fn any_finite_values_give_legal_parts(bits in prop::collection::vec(any::<u64>(), 0..50)) {
            let finite = bits.into_iter().map(f64::from_bits).filter(|value| value.is_finite());
            let values: Vec<f64> = finite.collect();
            let mut whole = sum_of(&values);
            whole += sum_of(&values);
            let (high, low) = whole.parts();
            assert!(DoubleDouble::from_parts(high, low).is_some() , "{high} {low}");
        }
    }

    #[test]
    fn what_a_double_would_lose_is_kept() {
        assert_eq!(sum_of(&[1e16, 1.0, -1e16]).to_f64().to_bits(), 1f64.to_bits());
        let tenths = sum_of(&vec![0.1; 10_000]);
        assert_eq!(tenths.to_f64().to_bits(), 1000f64.to_bits());
        let plain: f64 = vec![0.1; 10_000].iter().sum();
        assert_ne!(plain.to_bits(), 1000f64.to_bits());
    }

    #[test]
    fn quotients_and_products_of_wide_numbers() {
        let third = DoubleDouble::from(1.0).divided_by(3.0);
        let (high, low) = third.parts();
        assert_eq!((high.to_bits(), low != 0.0), ((1.0f64 / 3.0).to_bits(), true));
        let back = third.times(DoubleDouble::from(3.0));
        assert!(back.minus(DoubleDouble::from(1.0)).to_f64().abs() < 1e-31);
    }

    #[test]
    fn overflow_is_an_infinity_and_stays_one() {
        let mut sum = sum_of(&[f64::MAX, f64::MAX]);
        assert_eq!(sum.parts(), (f64::INFINITY, 0.0));
        sum += -1.0;
        sum += DoubleDouble::from(5.0);
        assert_eq!(sum.parts(), (f64::INFINITY, 0.0));
        assert_eq!(DoubleDouble::product(f64::MAX, -2.0).parts(), (f64::NEG_INFINITY, 0.0));
        let infinite = DoubleDouble::from(f64::INFINITY);
        assert_eq!(infinite.divided_by(2.0).parts().0.to_bits(), f64::INFINITY.to_bits());
    }

    #[test]
    fn overlapping_parts_are_refused() {
        assert!(DoubleDouble::from_parts(1.0, 1.0).is_none());
        assert!(DoubleDouble::from_parts(1.0, f64::NAN).is_none());
        assert!(DoubleDouble::from_parts(f64::INFINITY, 1.0).is_none());
        assert!(DoubleDouble::from_parts(f64::MAX, f64::MAX).is_none());
        assert!(DoubleDouble::from_parts(1.0, 1e-17).is_some());
    }
}
