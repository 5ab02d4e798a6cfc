//! Count, sums and extremes of values: what average and deviation are computed from.

use crate::sketch::double_double::DoubleDouble;

/// The count, sum, sum of squares, least and greatest of some values.
///
/// Merging gives what adding all values to one would, exactly for count and extremes, within the
/// bounds that [`DoubleDouble`] states for the sums. The same values added and merged in the same
/// order give the same bits everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// How many values there are.
    pub count: u64,
    /// Their sum.
    pub sum: DoubleDouble,
    /// The sum of their squares, each exact unless a part of it leaves the range of doubles.
    pub sum_squares: DoubleDouble,
    /// The least in the total order of IEEE 754; of no values, the greatest NaN.
    pub min: f64,
    /// The greatest in the total order of IEEE 754; of no values, the least NaN.
    pub max: f64,
}

/// So many sums are made side by side.
const LANES: usize = 4;

/// The last in the total order.
const GREATEST: f64 = f64::from_bits(u64::MAX >> 1);
/// The first in the total order.
const LEAST: f64 = f64::from_bits(u64::MAX);

impl Moments {
    /// The moments of no values: merging them changes nothing.
    pub const EMPTY: Self = Self {
        count: 0,
        sum: DoubleDouble::ZERO,
        sum_squares: DoubleDouble::ZERO,
        min: GREATEST,
        max: LEAST,
    };

    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.sum_squares += DoubleDouble::product(value, value);
        self.keep_extremes(value, value);
    }

    /// Adds values without their squares, which [`stddev`](Self::stddev) alone asks for.
    pub(crate) fn extend_without_squares(&mut self, values: &[f64]) {
        self.count += values.len() as u64;
        // Each addition waits for the one before: four sums are made side by side.
        let mut lanes = [Self::EMPTY; LANES];
        let (groups, rest) = values.as_chunks::<LANES>();
        for group in groups {
            for (lane, value) in lanes.iter_mut().zip(group) {
                lane.sum += *value;
                lane.keep_extremes(*value, *value);
            }
        }
        let used = if groups.is_empty() { 0 } else { LANES };
        for lane in lanes.iter().take(used) {
            self.sum += lane.sum;
            self.keep_extremes(lane.min, lane.max);
        }
        for value in rest {
            self.sum += *value;
            self.keep_extremes(*value, *value);
        }
    }

    /// Adds values of which these are known, without their squares.
    pub(crate) fn add_known(&mut self, count: u64, sum: DoubleDouble, min: f64, max: f64) {
        self.count += count;
        self.sum += sum;
        self.keep_extremes(min, max);
    }

    /// Adds what other moments hold.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.sum_squares += other.sum_squares;
        self.keep_extremes(other.min, other.max);
    }

    #[inline]
    fn keep_extremes(&mut self, min: f64, max: f64) {
        if min.total_cmp(&self.min).is_lt() {
            self.min = min;
        }
        if max.total_cmp(&self.max).is_gt() {
            self.max = max;
        }
    }

    /// Returns the average, within one ulp for values of one sign; `None` of no values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.count_f64().map(|count| self.sum.divided_by(count).to_f64())
    }

    /// Returns the standard deviation of the values as the whole population; `None` of no values.
    ///
    /// It is the root of the mean of squares less the square of the mean, within one ulp but for
    /// what cancels: at most about n 2^-104 of the mean of squares, so that deviations of a
    /// thousandth of the mean are right to the last digit for a billion values, at worst, and those
    /// of a hundred-thousandth for ten thousand. Equal values deviate by zero.
    #[must_use]
    pub fn stddev(&self) -> Option<f64> {
        let count = self.count_f64()?;
        if self.max - self.min == 0.0 {
            return Some(0.0);
        }
        let mean = self.sum.divided_by(count);
        let square_of_mean = mean.times(self.sum);
        let variance = self.sum_squares.minus(square_of_mean).divided_by(count);
        let variance = variance.to_f64();
        // Squares that overflow leave no number, which `max` would turn into zero.
        Some(if variance.is_nan() { variance } else { variance.max(0.0).sqrt() })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn count_f64(&self) -> Option<f64> {
        (self.count > 0).then_some(self.count as f64)
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Extend<f64> for Moments {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        for value in values {
            self.add(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::sketch::moments::Moments;

    #[test]
    fn squares_that_overflow_are_no_deviation_of_zero() {
        let deviation = moments_of(&[1e200, 3e200]).stddev();
        assert!(deviation.is_some_and(|deviation| !deviation.is_finite()), "{deviation:?}");
    }

    fn moments_of(values: &[f64]) -> Moments {
        let mut moments = Moments::EMPTY;
        moments.extend(values.iter().copied());
        moments
    }

    fn assert_close(got: f64, expected: f64, relative: f64) {
        assert!((got - expected).abs() <= expected.abs() * relative, "{got} {expected}");
    }

    proptest! {
        #[test]
        fn moments_are_those_of_exact_integers(
            cents in prop::collection::vec(any::<i32>(), 1..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let values: Vec<f64> = cents.iter().map(|&cents| f64::from(cents)).collect();
            let (left, right) = values.split_at(cut.index(values.len()));
            let mut moments = moments_of(left);
            moments.merge(&moments_of(right));

            let sum: i128 = cents.iter().map(|&v| i128::from(v)).sum();
            let squares: i128 = cents.iter().map(|&v| i128::from(v) * i128::from(v)).sum();
            let count = cents.len() as i128;
            assert_eq!(i128::from(moments.count), count);
            // Integers of fewer than 106 bits are exact in both parts.
            let (high, low) = moments.sum_squares.parts();
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
            let whole = high as i128 + low as i128;
            assert_eq!(whole, squares);
            let variance_numerator = count * squares - sum * sum;
            #[expect(clippy::cast_precision_loss, reason = "rounds to nearest")]
            let (expected_mean, expected_variance) = (
                sum as f64 / count as f64,
                variance_numerator as f64 / (count * count) as f64,
            );
            assert_close(moments.mean().unwrap(), expected_mean, 2f64.powi(-51));
            assert_close(moments.stddev().unwrap(), expected_variance.sqrt(), 2f64.powi(-50));
        }

        #[test]
        fn extremes_follow_the_total_order(bits in prop::collection::vec(any::<u64>(), 1..50)) {
            let mut values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            let moments = moments_of(&values);
            values.sort_by(f64::total_cmp);
            assert_eq!(moments.min.to_bits(), values[0].to_bits());
            assert_eq!(moments.max.to_bits(), values[values.len() - 1].to_bits());
        }
    }

    #[test]
    fn no_values_have_no_average_and_merge_to_nothing() {
        let mut moments = Moments::EMPTY;
        assert_eq!((moments.mean(), moments.stddev()), (None, None));
        moments.merge(&Moments::EMPTY);
        assert_eq!(moments.count, 0);
        assert!(moments.min.is_nan() && moments.max.is_nan());
        let one = moments_of(&[-0.0]);
        moments.merge(&one);
        assert_eq!(moments.min.to_bits(), (-0.0f64).to_bits());
        assert_eq!(moments.max.to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn zeros_are_told_apart() {
        let moments = moments_of(&[0.0, -0.0]);
        assert_eq!(moments.min.to_bits(), (-0.0f64).to_bits());
        assert_eq!(moments.max.to_bits(), 0f64.to_bits());
        assert_eq!(moments.stddev(), Some(0.0));
    }

    #[test]
    fn a_small_deviation_around_a_large_mean_survives() {
        // Sums of squares in doubles give 0 or worse here.
        let moments = moments_of(&[1e9, 1e9 + 1e-6, 1e9, 1e9 + 1e-6]);
        let half_step = (1e9f64 + 1e-6 - 1e9) / 2.0;
        assert_close(moments.stddev().unwrap(), half_step, 1e-9);
        assert_eq!(moments_of(&[842.13; 1000]).stddev(), Some(0.0));
    }
}
