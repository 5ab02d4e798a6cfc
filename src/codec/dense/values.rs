//! Values in bins: decimals and the few values that are none, or the order of their bits.
//!
//! ```text
//! size  field       legal range
//! 1     lane        0..=15: decimals with this exponent of ten; 16: the order of the bits
//!       exceptions  as in `exceptions`, but fewer than values
//!       column      as in `column`, of the values that are no exceptions
//! ```

use crate::codec::decimal::{self, Decimals, power_of};
use crate::codec::dense::column::{DensePlan, decode_dense};
use crate::codec::error::CodecError;
use crate::codec::exceptions::{ValueException, exceptions_bytes, put_exceptions, take_exceptions};
use crate::codec::ordered;

const LANE_ORDERED: u8 = 16;

/// What integers stand for values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lane {
    /// Integers over this power of ten.
    Decimal(f64),
    /// The order of the values' bits.
    Ordered,
}

impl Lane {
    pub(super) fn from_tag(tag: u8) -> Result<Self, CodecError> {
        if tag == LANE_ORDERED { Ok(Self::Ordered) } else { power_of(tag).map(Self::Decimal) }
    }

    #[inline]
    pub(super) fn value_of(self, integer: i64) -> f64 {
        match self {
            Self::Decimal(power) => decimal::value_of(integer, power),
            Self::Ordered => ordered::value_of(integer),
        }
    }

    pub(super) fn put_values(self, integers: &[i64], out: &mut Vec<f64>) {
        match self {
            Self::Decimal(power) => {
                out.extend(integers.iter().map(|integer| decimal::value_of(*integer, power)));
            }
            Self::Ordered => {
                out.extend(integers.iter().map(|integer| ordered::value_of(*integer)));
            }
        }
    }
}

/// Encoded values.
#[derive(Debug)]
pub(in crate::codec) struct DenseValuesPlan {
    lane: u8,
    exceptions: Vec<ValueException>,
    column: DensePlan,
}

impl DenseValuesPlan {
    /// Encodes the values; nothing where there are none, or more than
    /// [`DENSE_COUNT_MAX`](crate::codec::DENSE_COUNT_MAX).
    pub(in crate::codec) fn of(values: &[f64]) -> Option<Self> {
        let (lane, exceptions, integers) = match Decimals::of(values) {
            Some(Decimals { exponent, exceptions, integers }) => (exponent, exceptions, integers),
            None => (LANE_ORDERED, Vec::new(), ordered::orders_of(values)),
        };
        Some(Self { lane, exceptions, column: DensePlan::of(integers)? })
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(in crate::codec) fn len_bytes(&self) -> u64 {
        1 + exceptions_bytes(&self.exceptions) + self.column.len_bytes()
    }

    /// Appends the values that the plan was made of.
    pub(in crate::codec) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.lane);
        put_exceptions(&self.exceptions, out);
        self.column.encode(out);
    }
}

/// Appends the `count` values of a block.
///
/// # Errors
/// [`CodecError`] where the bytes are no encoding of so many values.
pub(in crate::codec) fn decode_values(
    bytes: &[u8],
    count: usize,
    out: &mut Vec<f64>,
) -> Result<(), CodecError> {
    let lane = Lane::from_tag(*bytes.first().ok_or(CodecError::Truncated)?)?;
    let mut at = 1;
    let exceptions = take_exceptions(bytes, &mut at, count)?;
    let integers = decode_dense(bytes, &mut at, count - exceptions.len())?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    out.reserve(count);
    let mut rest = integers.as_slice();
    let mut next = 0;
    for exception in exceptions {
        let (own, behind) = rest.split_at_checked(exception.position - next).unwrap_or((rest, &[]));
        lane.put_values(own, out);
        out.push(f64::from_bits(exception.bits));
        (rest, next) = (behind, exception.position + 1);
    }
    lane.put_values(rest, out);
    Ok(())
}
