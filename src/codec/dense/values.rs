//! Values in bins: decimals or quotients and the few values that are none, or the order of bits.
//!
//! ```text
//! size  field       legal range
//! 1     lane        0..=15: decimals with this exponent of ten; 16: the order of the bits;
//!                   17: quotients; 18: near quotients
//! 1..   divisor     varint, 1..2^53, in lanes 17 and 18 only
//!       exceptions  as in `exceptions`, but fewer than values
//!       column      as in `column`, of the values that are no exceptions
//!       distances   as in `column`, as many, in lane 18 only
//! ```
//!
//! In lanes 17 and 18 a value is the integer over the divisor, in lane 18 so many doubles above it
//! as the distance says.

use crate::codec::decimal::{self, Decimals, power_of};
use crate::codec::dense::column::{DensePlan, decode_dense};
use crate::codec::dense::order::SLICING_ONE_IN;
use crate::codec::error::CodecError;
use crate::codec::exceptions::{ValueException, exceptions_bytes, put_exceptions, take_exceptions};
use crate::codec::ordered;
use crate::codec::quotients::{
    Quotients, insert_exceptions, may_be_quotients, take_divisor, value_beside,
};
use crate::codec::varint;

const LANE_ORDERED: u8 = 16;
const LANE_QUOTIENTS: u8 = 17;
const LANE_NEAR_QUOTIENTS: u8 = 18;

/// What integers stand for values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lane {
    /// Integers over this number: a power of ten, or an integer.
    Decimal(f64),
    /// The order of the values' bits.
    Ordered,
    /// Integers over this number, and in a column of its own how far beside it the values lie.
    Near(u64),
}

impl Lane {
    /// Reads the lane at `*at`, which moves behind it.
    ///
    /// # Errors
    /// [`CodecError`] where there is none.
    pub(super) fn take(bytes: &[u8], at: &mut usize) -> Result<Self, CodecError> {
        let tag = *bytes.get(*at).ok_or(CodecError::Truncated)?;
        *at += 1;
        match tag {
            LANE_ORDERED => Ok(Self::Ordered),
            LANE_QUOTIENTS | LANE_NEAR_QUOTIENTS => {
                let divisor = take_divisor(bytes, at)?;
                #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
                let power = divisor as f64;
                Ok(if tag == LANE_QUOTIENTS { Self::Decimal(power) } else { Self::Near(divisor) })
            }
            exponent => power_of(exponent).map(Self::Decimal),
        }
    }

    #[inline]
    pub(super) fn value_of(self, integer: i64) -> f64 {
        match self {
            Self::Decimal(power) => decimal::value_of(integer, power),
            Self::Ordered => ordered::value_of(integer),
            Self::Near(divisor) => value_beside(integer, divisor, 0),
        }
    }

    pub(super) fn put_values(self, integers: &[i64], out: &mut Vec<f64>) {
        match self {
            Self::Decimal(power) => decimal::put_values(integers, power, out),
            Self::Ordered => {
                out.extend(integers.iter().map(|integer| ordered::value_of(*integer)));
            }
            Self::Near(_) => out.extend(integers.iter().map(|integer| self.value_of(*integer))),
        }
    }
}

/// Encoded values.
#[derive(Debug)]
pub(in crate::codec) struct DenseValuesPlan {
    lane: u8,
    /// Of the quotients; nothing in other lanes.
    divisor: Option<u64>,
    exceptions: Vec<ValueException>,
    column: DensePlan,
    /// From their quotients; nothing where all are zero, and in other lanes.
    distances: Option<DensePlan>,
}

impl DenseValuesPlan {
    /// Encodes the values; nothing where there are none, or more than
    /// [`DENSE_COUNT_MAX`](crate::codec::DENSE_COUNT_MAX).
    pub(in crate::codec) fn of(values: &[f64]) -> Option<Self> {
        let (lane, exceptions, integers) = match Decimals::of(values) {
            Some(Decimals { exponent, exceptions, integers }) => (exponent, exceptions, integers),
            None => (LANE_ORDERED, Vec::new(), ordered::orders_of(values)),
        };
        let is_worth_it = lane == LANE_ORDERED || may_be_quotients(&integers);
        let column = DensePlan::of(integers)?;
        let plan = Self { lane, divisor: None, exceptions, column, distances: None };
        let quotients = if is_worth_it { Self::of_quotients(values) } else { None };
        // What cannot be sliced, and decodes with more work, must save its share.
        let limit = plan.len_bytes() - plan.len_bytes() / SLICING_ONE_IN;
        Some(quotients.filter(|quotients| quotients.len_bytes() < limit).unwrap_or(plan))
    }

    fn of_quotients(values: &[f64]) -> Option<Self> {
        let Quotients { divisor, exceptions, integers, distances } = Quotients::of(values)?;
        let column = DensePlan::of(integers)?;
        let are_exact = distances.iter().all(|distance| *distance == 0);
        let (lane, distances) = if are_exact {
            (LANE_QUOTIENTS, None)
        } else {
            (LANE_NEAR_QUOTIENTS, Some(DensePlan::of(distances)?))
        };
        Some(Self { lane, divisor: Some(divisor), exceptions, column, distances })
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(in crate::codec) fn len_bytes(&self) -> u64 {
        let divisor_bytes = self.divisor.map_or(0, varint::len_bytes) as u64;
        let distances_bytes = self.distances.as_ref().map_or(0, DensePlan::len_bytes);
        let column_bytes = self.column.len_bytes() + distances_bytes;
        1 + divisor_bytes + exceptions_bytes(&self.exceptions) + column_bytes
    }

    /// Appends the values that the plan was made of.
    pub(in crate::codec) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.lane);
        if let Some(divisor) = self.divisor {
            varint::put_u64(out, divisor);
        }
        put_exceptions(&self.exceptions, out);
        self.column.encode(out);
        if let Some(distances) = &self.distances {
            distances.encode(out);
        }
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
    let mut at = 0;
    let lane = Lane::take(bytes, &mut at)?;
    let exceptions = take_exceptions(bytes, &mut at, count)?;
    let integers = decode_dense(bytes, &mut at, count - exceptions.len())?;
    let start = out.len();
    out.reserve(count);
    if let Lane::Near(divisor) = lane {
        let distances = decode_dense(bytes, &mut at, integers.len())?;
        let pairs = integers.iter().zip(&distances);
        out.extend(pairs.map(|(integer, distance)| value_beside(*integer, divisor, *distance)));
    } else if exceptions.is_empty() {
        lane.put_values(&integers, out);
    } else {
        let mut values = Vec::with_capacity(integers.len());
        lane.put_values(&integers, &mut values);
        out.append(&mut values);
    }
    if at != bytes.len() {
        out.truncate(start);
        return Err(CodecError::TrailingBytes);
    }
    insert_exceptions(&exceptions, start, out);
    Ok(())
}
