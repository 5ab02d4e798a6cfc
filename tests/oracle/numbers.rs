//! Exact sums, and how far a computed number may be from the true one.

/// A number, and how far the engine may be off; by nothing, it is equal to the bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) value: Option<f64>,
    pub(crate) within: f64,
}

/// Expects a number to the bit.
pub(crate) fn exactly(value: Option<f64>) -> Expected {
    Expected { value, within: 0.0 }
}

/// Expects a number within some units in its last place.
pub(crate) fn about(value: Option<f64>, ulps: f64) -> Expected {
    Expected { value, within: value.map_or(0.0, |value| ulps * ulp(value)) }
}

pub(crate) fn ulp(value: f64) -> f64 {
    let magnitude = value.abs().max(f64::MIN_POSITIVE);
    f64::from_bits(magnitude.to_bits() + 1) - magnitude
}

/// Returns true for an answer that is what was expected, or near enough.
pub(crate) fn is_met(got: Option<f64>, expected: Expected) -> bool {
    match (got, expected.value) {
        (None, None) => true,
        (Some(got), Some(value)) => {
            let near = (got - value).abs() <= expected.within;
            got.to_bits() == value.to_bits() || (expected.within > 0.0 && near)
        }
        _ => false,
    }
}

/// The unit of exact sums is 2^-82, so that they hold values between 2^-30 and 2^20.
const UNIT_BITS: i32 = 82;

/// Returns a value as a whole number of units.
pub(crate) fn exact(value: f64) -> i128 {
    let scaled = value * 2_f64.powi(UNIT_BITS);
    assert!(scaled.fract() == 0.0 && scaled.abs() < 2_f64.powi(103), "{value}");
    scaled as i128
}

pub(crate) fn exact_sum(values: &[f64]) -> i128 {
    values.iter().map(|&value| exact(value)).sum()
}

/// Returns the double nearest to a number of units.
pub(crate) fn rounded(units: i128) -> f64 {
    units as f64 * 2_f64.powi(-UNIT_BITS)
}

/// Returns the mean: exact but for less than a unit, and the last rounding.
pub(crate) fn mean(values: &[f64]) -> f64 {
    rounded(exact_sum(values) / values.len() as i128)
}

/// Returns the standard deviation of a population from exact distances to the mean.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as i128;
    let sum = exact_sum(values);
    let mut squares: Vec<f64> = values
        .iter()
        .map(|&value| rounded(count * exact(value) - sum))
        .map(|distance| distance * distance)
        .collect();
    // The least first, with what each addition loses carried along.
    squares.sort_by(f64::total_cmp);
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for square in squares {
        let next = total + square;
        lost += if total >= square { (total - next) + square } else { (square - next) + total };
        total = next;
    }
    ((total + lost) / count as f64).sqrt() / count as f64
}

/// Returns the value at the nearest rank.
pub(crate) fn nearest(sorted: &[f64], permille: u64) -> Option<f64> {
    let rank = (permille * sorted.len() as u64).div_ceil(1000).max(1);
    sorted.get(usize::try_from(rank - 1).unwrap()).copied()
}

/// Draws a line between the two nearest ranks.
pub(crate) fn linear(sorted: &[f64], permille: u64) -> Expected {
    let Some(last) = (sorted.len() as u64).checked_sub(1) else { return exactly(None) };
    let (below, part) = (permille * last / 1000, permille * last % 1000);
    let low = sorted[usize::try_from(below).unwrap()];
    let high = sorted.get(usize::try_from(below + 1).unwrap()).copied().unwrap_or(low);
    let thousandfold = exact(low) * i128::from(1000 - part) + exact(high) * i128::from(part);
    // Numbers of opposite sign may cancel: the error is that of the greater.
    let within = 2.0 * ulp(low.abs().max(high.abs()));
    Expected { value: Some(rounded(thousandfold / 1000)), within }
}
