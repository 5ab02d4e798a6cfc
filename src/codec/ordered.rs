//! Values by the order of their bits: doubles that are no decimals, but near each other.
//!
//! The bits of a double, read as sign and magnitude, are an integer that grows with the value. The
//! column of these integers is stored as in `scaled`.

use crate::codec::error::CodecError;
use crate::codec::integers::check_room;
use crate::codec::scaled::{ScaledPlan, decode_scaled};

/// Plans the values. O(n).
pub(super) fn plan(values: &[f64]) -> ScaledPlan {
    ScaledPlan::of(orders_of(values))
}

/// Returns the integer that stands for each value.
pub(super) fn orders_of(values: &[f64]) -> Vec<i64> {
    values.iter().map(|value| order_of(value.to_bits())).collect()
}

/// Appends the `count` values of a block.
///
/// # Errors
/// [`CodecError`] where the bytes are no encoding of so many values.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    check_room(count, bytes.len())?;
    let mut at = 0;
    out.reserve(count);
    decode_scaled(bytes, &mut at, count, |integers| {
        out.extend(integers.iter().map(|integer| value_of(*integer)));
    })?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    Ok(())
}

/// Flips the magnitude of negative values, so that integers compare as `total_cmp` does.
#[inline]
pub(super) fn order_of(bits: u64) -> i64 {
    let bits = bits.cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Returns the value that an integer stands for.
#[inline]
pub(super) fn value_of(order: i64) -> f64 {
    // The flip leaves the sign, so it is its own inverse.
    let bits = order ^ ((order >> 63).cast_unsigned() >> 1).cast_signed();
    f64::from_bits(bits.cast_unsigned())
}
