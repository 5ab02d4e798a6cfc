//! Values near quotients, bit-packed: what the fast tier makes of averages and rates.
//!
//! ```text
//! size  field       legal range
//! 1..   divisor     varint, 1..2^53
//!       exceptions  as in `exceptions`
//!       integers    as in `scaled`: of the values that are no exceptions
//!       distances   as in `scaled`: as many
//! ```
//!
//! A value is the integer over the divisor, and so many doubles above it as the distance says.

use crate::codec::error::CodecError;
use crate::codec::exceptions::{ValueException, exceptions_bytes, put_exceptions, take_exceptions};
use crate::codec::integers::check_room;
use crate::codec::quotients::{Quotients, insert_exceptions, take_divisor, value_beside};
use crate::codec::scaled::{ScaledPlan, decode_scaled};
use crate::codec::varint;

/// How values are stored near quotients, and what that takes.
#[derive(Debug)]
pub(super) struct NearPlan {
    divisor: u64,
    exceptions: Vec<ValueException>,
    integers: ScaledPlan,
    distances: ScaledPlan,
}

impl NearPlan {
    /// Plans the values; nothing where no divisor saves much. O(n).
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let Quotients { divisor, exceptions, integers, distances } = Quotients::of(values)?;
        let (integers, distances) = (ScaledPlan::of(integers), ScaledPlan::of(distances));
        Some(Self { divisor, exceptions, integers, distances })
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(super) fn len_bytes(&self) -> u64 {
        let columns = self.integers.len_bytes() + self.distances.len_bytes();
        varint::len_bytes(self.divisor) as u64 + exceptions_bytes(&self.exceptions) + columns
    }

    /// Appends the values that the plan was made of.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.divisor);
        put_exceptions(&self.exceptions, out);
        self.integers.encode(out);
        self.distances.encode(out);
    }
}

/// Appends the `count` values of a block.
///
/// # Errors
/// [`CodecError`] where the bytes are no encoding of so many values.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    let mut at = 0;
    let divisor = take_divisor(bytes, &mut at)?;
    let exceptions = take_exceptions(bytes, &mut at, count)?;
    let near = count - exceptions.len();
    let rest = bytes.len().saturating_sub(at);
    check_room(near, rest)?;
    let mut integers = Vec::with_capacity(near);
    decode_scaled(bytes, &mut at, near, |block| integers.extend_from_slice(block))?;
    let mut distances = Vec::with_capacity(near);
    decode_scaled(bytes, &mut at, near, |block| distances.extend_from_slice(block))?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    let start = out.len();
    let pairs = integers.iter().zip(&distances);
    out.extend(pairs.map(|(integer, distance)| value_beside(*integer, divisor, *distance)));
    insert_exceptions(&exceptions, start, out);
    Ok(())
}
