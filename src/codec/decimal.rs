//! Values that are decimals: integers over a power of ten.
//!
//! People and clocks write decimals, and a double that was read from one is the double nearest to
//! `integer / 10^exponent`. Where that division gives the value back bit for bit, the integer is
//! stored in its place; division is correctly rounded, so that it is the same everywhere. The few
//! values for which it does not are stored whole (the idea of ALP; Afroozeh, Kuffo and Boncz,
//! SIGMOD 2024).
//!
//! ```text
//! size  field       legal range
//! 1     exponent    0..=15
//! 1..   exceptions  varint, at most as many as values
//! each  gap         varint: how many values lie between the exception and the one before
//!       bits        8 bytes, of the value
//!       column      as in `scaled`: an integer a value; at exceptions anything
//! ```

use crate::codec::error::CodecError;
use crate::codec::integers::room_for;
use crate::codec::scaled::{ScaledPlan, decode_scaled};
use crate::codec::varint;

/// Sums with this round to an integer: at 1.5 * 2^52 doubles are one apart.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// Integers below this have doubles of their own, also after the sum.
const INTEGER_END: f64 = 2_251_799_813_685_248.0;
const EXPONENTS: usize = 16;
const POWERS: [f64; EXPONENTS] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// So many values, evenly spread, choose the exponent.
const SAMPLE: usize = 96;
/// One exception in so many values is too many.
const EXCEPTION_ONE_IN: usize = 8;

/// How values are stored as decimals, and what that takes.
#[derive(Debug)]
pub(super) struct DecimalPlan {
    exponent: u8,
    /// Positions and bits.
    exceptions: Vec<(usize, u64)>,
    column: ScaledPlan,
}

impl DecimalPlan {
    /// Plans the values; nothing where too few of them are decimals. O(n).
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let exponent = exponent_of(values)?;
        let power = *POWERS.get(exponent)?;
        let mut integers = Vec::with_capacity(values.len());
        let mut exceptions = Vec::new();
        let exceptions_max = values.len() / EXCEPTION_ONE_IN;
        let mut before = 0;
        for (position, &value) in values.iter().enumerate() {
            if let Some(integer) = integer_of(value, power) {
                before = integer;
            } else {
                if exceptions.len() == exceptions_max {
                    return None;
                }
                exceptions.push((position, value.to_bits()));
            }
            // What stands for an exception is whatever costs nothing.
            integers.push(before);
        }
        fill_leading(&mut integers, &exceptions);
        let exponent = u8::try_from(exponent).ok()?;
        Some(Self { exponent, exceptions, column: ScaledPlan::of(integers) })
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(super) fn len_bytes(&self) -> u64 {
        let gaps = gaps_of(&self.exceptions).map(|(gap, _)| varint::len_bytes(gap) + 8);
        let exceptions: usize = gaps.sum();
        let count = varint::len_bytes(self.exceptions.len() as u64);
        (1 + count + exceptions) as u64 + self.column.len_bytes()
    }

    /// Appends the values that the plan was made of.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.exponent);
        varint::put_u64(out, self.exceptions.len() as u64);
        for (gap, bits) in gaps_of(&self.exceptions) {
            varint::put_u64(out, gap);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        self.column.encode(out);
    }
}

/// Returns the integer whose quotient by the power is this value, bit for bit.
#[inline]
fn integer_of(value: f64, power: f64) -> Option<i64> {
    let scaled = value * power;
    let rounded = (scaled + ROUNDING) - ROUNDING;
    let is_exact = scaled.abs() < INTEGER_END && (rounded / power).to_bits() == value.to_bits();
    #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^51")]
    is_exact.then_some(rounded as i64)
}

/// Returns the least exponent for which nearly all of a sample are decimals.
fn exponent_of(values: &[f64]) -> Option<usize> {
    let step = values.len().div_ceil(SAMPLE).max(1);
    let sample = || values.iter().step_by(step);
    let enough = sample().count() - sample().count() / EXCEPTION_ONE_IN;
    POWERS.iter().position(|power| {
        sample().filter(|value| integer_of(**value, *power).is_some()).count() >= enough
    })
}

/// Gives exceptions that no decimal stands before the integer of the first one.
fn fill_leading(integers: &mut [i64], exceptions: &[(usize, u64)]) {
    let leading = exceptions.iter().enumerate().take_while(|(i, (at, _))| i == at).count();
    let first = integers.get(leading).copied().unwrap_or(0);
    integers.iter_mut().take(leading).for_each(|integer| *integer = first);
}

/// Returns for each exception how many values lie between it and the one before, and its bits.
fn gaps_of(exceptions: &[(usize, u64)]) -> impl Iterator<Item = (u64, u64)> {
    let mut next = 0;
    exceptions.iter().map(move |(position, bits)| {
        let gap = (position - next) as u64;
        next = position + 1;
        (gap, *bits)
    })
}

/// Appends the `count` values of a block.
///
/// # Errors
/// [`CodecError`] where the bytes are no encoding of so many values.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    let exponent = usize::from(*bytes.first().ok_or(CodecError::Truncated)?);
    let power = *POWERS.get(exponent).ok_or(CodecError::OutOfRange { field: "exponent" })?;
    let mut at = 1;
    let exceptions = varint::read_u64(bytes, &mut at)?;
    if exceptions > count as u64 {
        return Err(CodecError::OutOfRange { field: "exceptions" });
    }
    let exceptions_at = at;
    for _ in 0..exceptions {
        varint::read_u64(bytes, &mut at)?;
        at += 8;
    }
    let mut integers = room_for(count, bytes.len().saturating_sub(at))?;
    decode_scaled(bytes, &mut at, &mut integers)?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    let start = out.len();
    #[expect(clippy::cast_precision_loss, reason = "a writer stores integers below 2^51")]
    out.extend(integers.iter().map(|integer| *integer as f64 / power));
    put_exceptions(bytes, exceptions_at, exceptions, out.get_mut(start..).unwrap_or_default())
}

fn put_exceptions(
    bytes: &[u8],
    mut at: usize,
    exceptions: u64,
    values: &mut [f64],
) -> Result<(), CodecError> {
    let mut position = 0_u64;
    for _ in 0..exceptions {
        position = position.saturating_add(varint::read_u64(bytes, &mut at)?);
        let bits = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        let bits = bits.ok_or(CodecError::Truncated)?;
        at += 8;
        let value = usize::try_from(position).ok().and_then(|position| values.get_mut(position));
        *value.ok_or(CodecError::OutOfRange { field: "gap" })? =
            f64::from_bits(u64::from_le_bytes(*bits));
        position = position.saturating_add(1);
    }
    Ok(())
}
