//! Which rank a percentile asks for, in exact decimal arithmetic.

use crate::lang::percentile_of;
use crate::sketch::DoubleDouble;

/// A share between 0 and 1 as a decimal: `digits / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Decimal {
    digits: u64,
    scale: u32,
}

impl Decimal {
    /// One half.
    pub(crate) const HALF: Self = Self { digits: 5, scale: 1 };

    /// Reads a function's name: `p99`, `p99.9`, and from the third digit on decimals: `p999`.
    ///
    /// Returns nothing for a name that is no percentile.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        percentile_of(name).and_then(|(digits, scale)| Self::new(&digits.to_string(), scale))
    }

    /// Reads a number as its shortest decimal; `percent` divides it by a hundred, exactly.
    ///
    /// Returns nothing for what lies outside 0 to 1.
    pub(crate) fn of_number(number: f64, percent: bool) -> Option<Self> {
        if number.is_sign_negative() && number != 0.0 {
            return None;
        }
        let text = number.abs().to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let scale = u32::try_from(decimals.len()).ok()? + if percent { 2 } else { 0 };
        Self::new(&format!("{whole}{decimals}"), scale)
    }

    fn new(digits: &str, scale: u32) -> Option<Self> {
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        let dropped = u32::try_from(digits.len() - trimmed.len()).ok()?;
        if trimmed.is_empty() {
            return Some(Self { digits: 0, scale: 0 });
        }
        if trimmed.len() > 18 || !trimmed.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let digits: u64 = trimmed.parse().ok()?;
        let scale = scale.checked_sub(dropped)?;
        // A share above 1 is refused here; 10^18 and more exceed every 18 digits.
        let one = 10_u64.checked_pow(scale);
        one.is_none_or(|one| digits <= one).then_some(Self { digits, scale })
    }

    /// Returns the nearest rank among `count` values, counted from 1: max(1, ceil(q · count)).
    pub(crate) fn nearest_rank(self, count: u64) -> u64 {
        let product = u128::from(self.digits) * u128::from(count);
        // digits < 10^18 and count < 2^64, so that 10^38 exceeds every product.
        let rank = 10_u128.checked_pow(self.scale).map_or(1, |one| product.div_ceil(one));
        u64::try_from(rank).unwrap_or(count).clamp(1, count.max(1))
    }

    /// Returns what is left of one, rounded once: 0.001 of 0.999.
    pub(crate) fn complement(self) -> f64 {
        let Some(one) = 10_u64.checked_pow(self.scale) else { return 1.0 };
        #[expect(clippy::cast_precision_loss, reason = "a quotient of two doubles is wanted")]
        let rest = one.saturating_sub(self.digits) as f64 / one as f64;
        rest
    }

    /// Returns where (count − 1) · q lies: the index below, counted from 0, and the part above it,
    /// which no double has exactly.
    pub(crate) fn position(self, count: u64) -> (u64, DoubleDouble) {
        let product = u128::from(self.digits) * u128::from(count.saturating_sub(1));
        let Some(one) = 10_u128.checked_pow(self.scale) else { return (0, DoubleDouble::ZERO) };
        let below = u64::try_from(product / one).unwrap_or(u64::MAX);
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 10^22; beyond, weights are tiny"
        )]
        let divisor = one as f64;
        (below, wide(product % one).divided_by(divisor))
    }
}

/// Returns a whole number below 2^106 with all its bits.
fn wide(number: u128) -> DoubleDouble {
    const HALF_BITS: u32 = 53;
    #[expect(clippy::cast_precision_loss, reason = "halves of 53 bits are exact")]
    let [high, low] =
        [number >> HALF_BITS, number & ((1 << HALF_BITS) - 1)].map(|half| half as f64);
    let mut sum = DoubleDouble::from(high * f64::from(HALF_BITS).exp2());
    sum += low;
    sum
}

#[cfg(test)]
mod tests {
    use super::Decimal;
    use crate::sketch::DoubleDouble;

    #[test]
    fn p7_of_100_values_is_the_seventh() {
        assert_eq!(Decimal::of_name("p7").unwrap().nearest_rank(100), 7);
        assert_eq!(Decimal::of_number(0.07, false).unwrap().nearest_rank(100), 7);
        assert_eq!(Decimal::of_number(7.0, true).unwrap().nearest_rank(100), 7);
    }

    #[test]
    fn names_read_as_percent_with_decimals_from_the_third_digit() {
        for (name, rank) in [("p0", 1), ("p5", 50), ("p50", 500), ("p99", 990), ("p999", 999)] {
            assert_eq!(Decimal::of_name(name).unwrap().nearest_rank(1000), rank, "{name}");
        }
        assert_eq!(Decimal::of_name("p99.9"), Decimal::of_name("p999"));
        assert_eq!(Decimal::of_name("p100").unwrap().nearest_rank(1000), 1000);
        assert_eq!(Decimal::of_name("p100.0"), Decimal::of_name("p100"));
        assert_eq!(Decimal::of_name("p1000"), Decimal::of_name("p10"));
        for name in ["p", "px", "p1x", "per", "p100.5x", "p9999999999999999999999"] {
            assert_eq!(Decimal::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn shares_outside_zero_to_one_are_refused() {
        for (number, percent) in [(1.5, false), (-0.1, false), (100.1, true), (1e300, true)] {
            assert_eq!(Decimal::of_number(number, percent), None);
        }
        assert_eq!(Decimal::of_number(1.0, false), Decimal::of_number(100.0, true));
        assert_eq!(Decimal::of_number(1e-300, false).unwrap().nearest_rank(u64::MAX), 1);
    }

    #[test]
    fn ranks_hold_at_the_largest_counts() {
        let most = Decimal::of_number(1.0, false).unwrap();
        assert_eq!(most.nearest_rank(u64::MAX), u64::MAX);
        assert_eq!(most.nearest_rank(0), 1);
    }

    #[test]
    fn positions_split_into_index_and_weight() {
        let quarter = Decimal::of_number(0.25, false).unwrap();
        assert_eq!(quarter.position(4), (0, DoubleDouble::from(0.75)));
        assert_eq!(quarter.position(5), (1, DoubleDouble::ZERO));
        let (below, third) = Decimal::of_number(0.1, false).unwrap().position(14);
        assert_eq!((below, third), (1, DoubleDouble::from(3.0).divided_by(10.0)));
    }
}
