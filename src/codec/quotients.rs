//! Values that are near quotients: integers over one number, and how far beside them a value lies.
//!
//! Averages, rates and ratios are what an integer divided by a count or a period gives, but often a
//! few steps of the last bit beside it, since they were added up or printed on the way: 51.846 as
//! 51.846000000000004. The integer takes few bits and the distance, in the order of doubles, takes
//! fewer. Over a power of ten these are decimals with errors; over 60 or 600, rates of a period.
//!
//! The number is found in the differences of a sorted sample, by Euclid's algorithm on doubles of
//! which the error is known (the idea of the multiplied mode of pco).

use crate::codec::decimal::integer_near;
use crate::codec::error::CodecError;
use crate::codec::exceptions::ValueException;
use crate::codec::ordered::{order_of, value_of};
use crate::codec::varint;

/// So many values, evenly spread, choose the divisor.
const SAMPLE: usize = 96;
/// Integers below this are doubles.
const DIVISOR_MAX: u64 = 1 << 53;
const DECIMALS: u32 = 16;
/// So many differences make one guess at the divisor.
const GROUP: usize = 4;
/// A double has so many bits below its first one; what was printed has a few less.
const ERROR: f64 = 2.0 * 2.0 * 2.0 * f64::EPSILON;
/// So many times its error a remainder must be to count as one.
const DOUBTS: f64 = 16.0;
/// Decimals of so many bits are not taken for quotients.
const NARROW_BITS: u32 = 24;
/// One exception in so many values is too many.
const EXCEPTION_ONE_IN: usize = 8;
/// An average value must save so many bits by its quotient.
const BITS_SAVED_MIN: u64 = 2;

/// Values as integers over a divisor, and as distances from them.
#[derive(Debug)]
pub(super) struct Quotients {
    pub(super) divisor: u64,
    /// At most one value in eight.
    pub(super) exceptions: Vec<ValueException>,
    /// Of the values that are no exceptions.
    pub(super) integers: Vec<i64>,
    /// As many: how many doubles a value lies above its quotient.
    pub(super) distances: Vec<i64>,
}

impl Quotients {
    /// Finds the divisor that leaves the least; nothing where none saves much against the order of
    /// the values' bits. O(n).
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let step = values.len().div_ceil(SAMPLE).max(1);
        let sample: Vec<f64> = values.iter().copied().step_by(step).collect();
        let orders = sample.iter().map(|value| order_of(value.to_bits())).collect();
        let limit = spread_bits(orders).checked_sub(BITS_SAVED_MIN * sample.len() as u64)?;
        let decimals = (0..DECIMALS).map(|exponent| 10_u64.pow(exponent));
        let cheapest = decimals
            .chain(divisors_of(&sample))
            .filter_map(|divisor| Some((bits_of(&sample, divisor)?, divisor)))
            .min()?;
        if cheapest.0 >= limit { None } else { Self::over(values, cheapest.1) }
    }

    fn over(values: &[f64], divisor: u64) -> Option<Self> {
        let (mut integers, mut distances) =
            (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
        let mut exceptions = Vec::new();
        for (position, &value) in values.iter().enumerate() {
            if let Some((integer, distance)) = quotient_near(value, divisor) {
                integers.push(integer);
                distances.push(distance);
                continue;
            }
            if exceptions.len() == values.len() / EXCEPTION_ONE_IN {
                return None;
            }
            exceptions.push(ValueException { position, bits: value.to_bits() });
        }
        Some(Self { divisor, exceptions, integers, distances })
    }
}

/// Returns the value that lies so many doubles above a quotient.
#[inline]
pub(super) fn value_beside(integer: i64, divisor: u64, distance: i64) -> f64 {
    let order = order_of(quotient(integer, divisor).to_bits());
    value_of(order.wrapping_add(distance))
}

/// Reads the divisor at `*at`, which moves behind it.
///
/// # Errors
/// [`CodecError`] where there is none from 1 to 2^53 - 1.
pub(super) fn take_divisor(bytes: &[u8], at: &mut usize) -> Result<u64, CodecError> {
    let divisor = varint::read_u64(bytes, at)?;
    let is_legal = (1..DIVISOR_MAX).contains(&divisor);
    if is_legal { Ok(divisor) } else { Err(CodecError::OutOfRange { field: "divisor" }) }
}

/// Returns whether decimals take so many bits that they may be quotients of fewer.
pub(super) fn may_be_quotients(integers: &[i64]) -> bool {
    let (least, greatest) = (integers.iter().min(), integers.iter().max());
    let span = least.zip(greatest).map_or(0, |(least, greatest)| greatest.abs_diff(*least));
    span >> NARROW_BITS != 0
}

/// Moves the values behind `start` apart, so that the exceptions have their places.
pub(super) fn insert_exceptions(exceptions: &[ValueException], start: usize, out: &mut Vec<f64>) {
    let mut end = out.len();
    let mut behind = end + exceptions.len();
    out.resize(behind, 0.0);
    for (before, exception) in exceptions.iter().enumerate().rev() {
        // So many values that are none stand in front of it.
        let own = start + exception.position - before;
        let place = start + exception.position;
        out.copy_within(own..end, behind - (end - own));
        if let Some(value) = out.get_mut(place) {
            *value = f64::from_bits(exception.bits);
        }
        (end, behind) = (own, place);
    }
}

#[inline]
#[expect(clippy::cast_precision_loss, reason = "a writer stores integers below 2^53")]
fn quotient(integer: i64, divisor: u64) -> f64 {
    integer as f64 / divisor as f64
}

#[expect(clippy::cast_precision_loss, reason = "divisors are below 2^53")]
fn quotient_near(value: f64, divisor: u64) -> Option<(i64, i64)> {
    let integer = integer_near(value * divisor as f64)?;
    let order = order_of(quotient(integer, divisor).to_bits());
    Some((integer, order_of(value.to_bits()).wrapping_sub(order)))
}

/// Returns about how many bits the values take over a divisor.
fn bits_of(sample: &[f64], divisor: u64) -> Option<u64> {
    let near: Vec<(i64, i64)> =
        sample.iter().filter_map(|value| quotient_near(*value, divisor)).collect();
    if sample.len() - near.len() > sample.len() / EXCEPTION_ONE_IN {
        return None;
    }
    let distances = near.iter().map(|(_, distance)| bits_and_sign(*distance)).sum::<u64>();
    Some(spread_bits(near.iter().map(|(integer, _)| *integer).collect()) + distances)
}

/// Returns about how many bits integers take beside their median.
fn spread_bits(mut integers: Vec<i64>) -> u64 {
    integers.sort_unstable();
    let median = integers.get(integers.len() / 2).copied().unwrap_or(0);
    integers.iter().map(|integer| bits_and_sign(integer.saturating_sub(median))).sum()
}

fn bits_and_sign(distance: i64) -> u64 {
    u64::from(u64::BITS - (distance.unsigned_abs() << 1).leading_zeros())
}

/// Returns divisors that the differences of a sample suggest; none is a quotient of another.
fn divisors_of(sample: &[f64]) -> Vec<u64> {
    let mut sorted: Vec<f64> = sample.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let neighbours = sorted.iter().zip(sorted.iter().skip(1));
    let differences: Vec<Inexact> = neighbours
        .map(|(a, b)| Inexact { number: b - a, error: (a.abs() + b.abs()) * ERROR })
        .filter(|difference| difference.is_certain())
        .collect();
    let mut divisors: Vec<u64> = differences.chunks(GROUP).filter_map(divisor_of).collect();
    divisors.sort_unstable();
    divisors.dedup();
    divisors
}

/// Returns the integer of which the reciprocal divides all of these.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked below 2^53")]
#[expect(clippy::cast_precision_loss, reason = "the limit is a power of two")]
fn divisor_of(differences: &[Inexact]) -> Option<u64> {
    let (first, later) = differences.split_first()?;
    let unit = later.iter().try_fold(*first, |unit, other| unit.common_divisor(*other))?;
    let divisor = (1.0 / unit.number).round();
    let is_near = (divisor * unit.number - 1.0).abs() <= DOUBTS * unit.error / unit.number;
    (is_near && divisor > 1.0 && divisor < DIVISOR_MAX as f64).then_some(divisor as u64)
}

/// A number at least zero, and by how much it may be wrong.
#[derive(Debug, Clone, Copy)]
struct Inexact {
    number: f64,
    error: f64,
}

impl Inexact {
    fn is_certain(self) -> bool {
        self.number > DOUBTS * self.error
    }

    /// Euclid's algorithm, until what is left may be nothing; none where its result may be, too.
    fn common_divisor(self, other: Self) -> Option<Self> {
        let (mut a, mut b) = if self.number < other.number { (other, self) } else { (self, other) };
        while b.is_certain() {
            let times = (a.number / b.number).round();
            let number = (a.number - times * b.number).abs();
            (a, b) = (b, Self { number, error: a.error + times * b.error });
        }
        // The last remainder is zero as far as one can tell, so that it tells the error, too.
        (b.number <= b.error && a.is_certain()).then_some(a)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::quotients::{Quotients, value_beside};

    fn check(values: &[f64], divisor: u64) {
        let found = Quotients::of(values).unwrap();
        assert_eq!(found.divisor % divisor, 0, "{} of {divisor}", found.divisor);
        let again = Quotients::over(values, found.divisor).unwrap();
        let pairs = again.integers.iter().zip(&again.distances);
        let read =
            pairs.map(|(integer, distance)| value_beside(*integer, again.divisor, *distance));
        let bits: Vec<u64> = read.map(f64::to_bits).collect();
        assert_eq!(bits, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    }

    fn noise(i: u64) -> u64 {
        i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    fn planted_divisors_are_found() {
        for divisor in [7, 60, 600, 3600, 86_400, 1_048_575] {
            let values: Vec<f64> = (0..1000).map(|i| noise(i) as f64 / divisor as f64).collect();
            check(&values, divisor);
        }
        // A few digits were printed, and read again.
        let printed = (0..1000).map(|i| format!("{:.9}", noise(i) as f64 / 60.0).parse().unwrap());
        check(&printed.collect::<Vec<_>>(), 60);
    }

    #[test]
    fn sums_of_decimals_are_decimals_with_errors() {
        let sums: Vec<f64> = (0..1000).map(|i| 0.001 * f64::from(i) * 1.1 + 40.0).collect();
        check(&sums, 10_000);
    }

    #[test]
    fn noise_has_no_divisor() {
        let noise: Vec<f64> =
            (0..1000).map(|i| f64::from_bits(noise(i) << 20 | 0x3FF << 52)).collect();
        assert!(Quotients::of(&noise).is_none_or(|found| found.distances.iter().all(|d| *d == 0)));
        assert!(Quotients::of(&[f64::NAN; 100]).is_none());
        assert!(Quotients::of(&[]).is_none());
    }

    proptest! {
        #[test]
        fn any_value_comes_back_over_any_divisor(
            bits in prop::collection::vec(any::<u64>(), 1..50),
            divisor in 1..1_u64 << 53,
        ) {
            let values: Vec<f64> = bits.iter().copied().map(f64::from_bits).collect();
            let Some(found) = Quotients::over(&values, divisor) else { return Ok(()) };
            let pairs = found.integers.iter().zip(&found.distances);
            let mut read = pairs.map(|(i, d)| value_beside(*i, divisor, *d).to_bits());
            for (position, bits) in bits.iter().enumerate() {
                if !found.exceptions.iter().any(|exception| exception.position == position) {
                    assert_eq!(read.next(), Some(*bits));
                }
            }
        }
    }
}
