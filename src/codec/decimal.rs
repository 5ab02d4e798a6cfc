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
//!       exceptions  as in `exceptions`
//!       column      as in `scaled`: an integer a value; at exceptions anything
//! ```

use crate::codec::error::CodecError;
use crate::codec::exceptions::{ValueException, exceptions_bytes, put_exceptions, take_exceptions};
use crate::codec::integers::check_room;
use crate::codec::scaled::{ScaledPlan, decode_scaled};
use crate::codec::simd::{self, Kernel};

/// Sums with this round to an integer: at 1.5 * 2^52 doubles are one apart.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// Integers below this have doubles of their own, also after the sum.
const INTEGER_END: f64 = 2_251_799_813_685_248.0;
/// The same as an integer.
const HALF: i64 = 1 << 51;
const EXPONENTS: usize = 16;
const POWERS: [f64; EXPONENTS] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// So many values, evenly spread, choose the exponent.
const SAMPLE: usize = 96;
/// So many values are divided without a branch.
const RUN: usize = 64;
/// One exception in so many values is too many.
const EXCEPTION_ONE_IN: usize = 8;

/// Values as integers over a power of ten.
#[derive(Debug)]
pub(super) struct Decimals {
    pub(super) exponent: u8,
    /// At most one value in eight.
    pub(super) exceptions: Vec<ValueException>,
    /// Of the values that are no exceptions.
    pub(super) integers: Vec<i64>,
}

impl Decimals {
    /// Finds the exponent and the integers; nothing where too few values are decimals. O(n).
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let exponent = exponent_of(values)?;
        let power = *POWERS.get(exponent)?;
        let mut integers = Vec::with_capacity(values.len());
        let mut exceptions = Vec::new();
        let exceptions_max = values.len() / EXCEPTION_ONE_IN;
        let mut read = [0; RUN];
        for (run, start) in values.chunks(RUN).zip((0..).step_by(RUN)) {
            let read_of = |values| simd::run(ReadRun { values, power, integers: &mut read });
            if run.first_chunk().is_some_and(read_of) {
                integers.extend_from_slice(&read);
                continue;
            }
            for (position, &value) in (start..).zip(run) {
                if let Some(integer) = integer_of(value, power) {
                    integers.push(integer);
                    continue;
                }
                if exceptions.len() == exceptions_max {
                    return None;
                }
                exceptions.push(ValueException { position, bits: value.to_bits() });
            }
        }
        Some(Self { exponent: u8::try_from(exponent).ok()?, exceptions, integers })
    }
}

/// Returns the power of ten that the integers are divided by.
///
/// # Errors
/// [`CodecError::OutOfRange`] for an exponent above 15.
pub(super) fn power_of(exponent: u8) -> Result<f64, CodecError> {
    let power = POWERS.get(usize::from(exponent)).copied();
    power.ok_or(CodecError::OutOfRange { field: "exponent" })
}

/// Returns the value that an integer stands for.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "a writer stores integers below 2^51")]
pub(super) fn value_of(integer: i64, power: f64) -> f64 {
    integer as f64 / power
}

/// Appends the values that integers stand for.
pub(super) fn put_values(integers: &[i64], power: f64, out: &mut Vec<f64>) {
    let start = out.len();
    out.resize(start + integers.len(), 0.0);
    let values = out.get_mut(start..).unwrap_or_default();
    if !simd::run(Divide { integers, power, values }) {
        for (value, integer) in values.iter_mut().zip(integers) {
            *value = value_of(*integer, power);
        }
    }
}

/// Divides integers of less than 51 bits by a power of ten; returns whether all were, or else
/// `values` hold anything.
struct Divide<'a, 'b> {
    integers: &'a [i64],
    power: f64,
    values: &'b mut [f64],
}

impl Kernel for Divide<'_, '_> {
    type Output = bool;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) -> bool {
        let mut wide = 0;
        for (value, integer) in self.values.iter_mut().zip(self.integers) {
            wide |= integer.wrapping_add(HALF) & !(2 * HALF - 1);
            // Doubles between 2^52 and 2^53 are one apart, and so are their bits.
            let bits = ROUNDING.to_bits().wrapping_add(integer.cast_unsigned());
            *value = (f64::from_bits(bits) - ROUNDING) / self.power;
        }
        wide == 0
    }
}

/// How values are stored as decimals, and what that takes.
#[derive(Debug)]
pub(super) struct DecimalPlan {
    exponent: u8,
    exceptions: Vec<ValueException>,
    column: ScaledPlan,
}

impl DecimalPlan {
    /// Plans the values; nothing where too few of them are decimals. O(n).
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let Decimals { exponent, exceptions, integers } = Decimals::of(values)?;
        let integers = with_substitutes(integers, &exceptions);
        Some(Self { exponent, exceptions, column: ScaledPlan::of(integers) })
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(super) fn len_bytes(&self) -> u64 {
        1 + exceptions_bytes(&self.exceptions) + self.column.len_bytes()
    }

    /// Appends the values that the plan was made of.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.exponent);
        put_exceptions(&self.exceptions, out);
        self.column.encode(out);
    }
}

/// Puts an integer that costs nothing in the place of each exception: the one before it, or the
/// first one of all.
fn with_substitutes(integers: Vec<i64>, exceptions: &[ValueException]) -> Vec<i64> {
    if exceptions.is_empty() {
        return integers;
    }
    let count = integers.len() + exceptions.len();
    let mut before = integers.first().copied().unwrap_or(0);
    let (mut integers, mut exceptions) = (integers.into_iter(), exceptions.iter().peekable());
    let place = |position| {
        if exceptions.next_if(|exception| exception.position == position).is_none() {
            before = integers.next().unwrap_or(before);
        }
        before
    };
    (0..count).map(place).collect()
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

/// Fills in what [`integer_of`] returns for each value; returns whether all values are integers
/// over the power, else what is filled in means nothing. Without branches, so that it works on
/// several values at once.
struct ReadRun<'a, 'b> {
    values: &'a [f64; RUN],
    power: f64,
    integers: &'b mut [i64; RUN],
}

impl Kernel for ReadRun<'_, '_> {
    type Output = bool;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) -> bool {
        let mut differences = 0;
        for (value, integer) in self.values.iter().zip(self.integers) {
            let scaled = value * self.power;
            let shifted = scaled + ROUNDING;
            let rounded = shifted - ROUNDING;
            *integer = shifted.to_bits().wrapping_sub(ROUNDING.to_bits()).cast_signed();
            differences |= (rounded / self.power).to_bits() ^ value.to_bits();
            // Not a number is not near, either.
            let is_near = scaled.abs() < INTEGER_END;
            differences |= u64::from(!is_near);
        }
        differences == 0
    }
}

/// Returns the integer nearest to a number, of which the doubles lie far enough apart.
#[inline]
pub(super) fn integer_near(scaled: f64) -> Option<i64> {
    let rounded = (scaled + ROUNDING) - ROUNDING;
    #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^51")]
    (scaled.abs() < INTEGER_END).then_some(rounded as i64)
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

/// Appends the `count` values of a block.
///
/// # Errors
/// [`CodecError`] where the bytes are no encoding of so many values.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    let power = power_of(*bytes.first().ok_or(CodecError::Truncated)?)?;
    let mut at = 1;
    let exceptions = take_exceptions(bytes, &mut at, count)?;
    check_room(count, bytes.len().saturating_sub(at))?;
    let start = out.len();
    out.reserve(count);
    decode_scaled(bytes, &mut at, count, |integers| put_values(integers, power, out))?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    let values = out.get_mut(start..).unwrap_or_default();
    for exception in exceptions {
        if let Some(value) = values.get_mut(exception.position) {
            *value = f64::from_bits(exception.bits);
        }
    }
    Ok(())
}
