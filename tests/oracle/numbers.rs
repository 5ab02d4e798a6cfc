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

/// Returns the standard deviation of a population, rounded once: the root is searched for in whole
/// numbers, whose squares have 256 bits.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    /// The root is found in units this much finer than those of values.
    const FINER_BITS: u32 = 16;
    let count = values.len() as u128;
    let sum = exact_sum(values);
    // The variance is the sum of these, over the third power of the count.
    let distances = values.iter().map(|&value| (count as i128 * exact(value) - sum).unsigned_abs());
    let squares = distances.map(|distance| product(distance << FINER_BITS, distance << FINER_BITS));
    let squares = squares.fold((0, 0), plus);
    let is_at_most = |root: u128| {
        // root^2 count^3 <= squares, where the last product may leave 256 bits.
        let scaled = root.checked_mul(count).map(|root| product(root, root));
        scaled.and_then(|square| times(square, count)).is_some_and(|square| square <= squares)
    };
    let mut root = 0_u128;
    for bit in (0..126).rev() {
        if is_at_most(root | 1 << bit) {
            root |= 1 << bit;
        }
    }
    root as f64 * 2_f64.powi(-UNIT_BITS - FINER_BITS as i32)
}

/// A whole number of 256 bits: the high half, then the low one.
type Wide = (u128, u128);

fn product(a: u128, b: u128) -> Wide {
    const LOW: u128 = u64::MAX as u128;
    let [low, one, other, high] = [
        (a & LOW) * (b & LOW),
        (a >> 64) * (b & LOW),
        (a & LOW) * (b >> 64),
        (a >> 64) * (b >> 64),
    ];
    let middle = (low >> 64) + (one & LOW) + (other & LOW);
    (high + (one >> 64) + (other >> 64) + (middle >> 64), middle << 64 | (low & LOW))
}

fn plus(a: Wide, b: Wide) -> Wide {
    let (low, carry) = a.1.overflowing_add(b.1);
    (a.0 + b.0 + u128::from(carry), low)
}

fn times(a: Wide, factor: u128) -> Option<Wide> {
    let (carry, low) = product(a.1, factor);
    let high = a.0.checked_mul(factor)?.checked_add(carry)?;
    Some((high, low))
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
    let value = rounded(thousandfold / 1000);
    // Numbers of opposite sign may cancel: what 106 bits of the greater lose stays.
    let within = ulp(value) + low.abs().max(high.abs()) * 2_f64.powi(-98);
    Expected { value: Some(value), within }
}
