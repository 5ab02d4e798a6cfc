//! Timestamps by the change of their step (Gorilla's delta of delta), on a block's own scale.
//!
//! After Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015,
//! section 4.1.1, with two changes: steps are divided by their greatest common divisor, and the
//! bucket widths are the block's own (`codec/prefix.rs`).
//!
//! ```text
//! offset  size   field                                           legal range
//! 0       8      first timestamp, i64 ns                         any
//! 8       1..10  scale in ns, varint                             1..=2^63
//!         1..10  first step in units of the scale, zigzag varint any
//!         4      bucket widths                                   see codec/prefix.rs
//! then for each timestamp after the second, as a stream of bits
//!                change of the step, zigzag, in its bucket       any
//! ```
//!
//! All arithmetic wraps around at 64 bits, so that any sequence of timestamps comes back, sorted
//! or not. Blocks of fewer than three timestamps, or of one step throughout, have another codec.

use crate::codec::bits::{BitReader, BitWriter};
use crate::codec::error::CodecError;
use crate::codec::prefix::{Buckets, Histogram, WIDTHS_BYTES};
use crate::codec::scale;
use crate::codec::varint;

/// Timestamps that the header stands for.
const HEADER_COUNT: usize = 2;
const FIRST_BYTES: usize = 8;
const SCALE_MAX: u64 = 1 << 63;

/// What stands in front of the bits, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    first: i64,
    scale: u64,
    /// In units of `scale`.
    step: i64,
    buckets: Buckets,
    bits: u64,
}

impl Plan {
    /// Looks through the timestamps; `None` if this codec does not hold them.
    pub(super) fn of(timestamps: &[i64]) -> Option<Self> {
        let [first, second, ..] = *timestamps else { return None };
        let scale = scale::common_divisor(timestamps);
        let step = scale::divide_exactly(second.wrapping_sub(first), scale);
        let (buckets, bits) = Buckets::choose(&Histogram::of(changes(timestamps, scale)))?;
        Some(Self { first, scale, step, buckets, bits })
    }

    /// Returns the exact size of the encoding.
    pub(super) fn len_bytes(&self) -> u64 {
        let header = FIRST_BYTES
            + varint::len_bytes(self.scale)
            + varint::len_bytes(varint::zigzag(self.step))
            + WIDTHS_BYTES;
        header as u64 + self.bits.div_ceil(8)
    }

    /// Appends the encoding of the timestamps that the plan was made for.
    pub(super) fn encode(&self, timestamps: &[i64], out: &mut Vec<u8>) {
        debug_assert_eq!(timestamps.first(), Some(&self.first));
        out.extend_from_slice(&self.first.to_le_bytes());
        varint::put_u64(out, self.scale);
        varint::put_u64(out, varint::zigzag(self.step));
        out.extend_from_slice(&self.buckets.to_bytes());
        let mut writer = BitWriter::new(out);
        for change in changes(timestamps, self.scale) {
            self.buckets.put(change, &mut writer);
        }
        writer.finish();
    }
}

/// Returns by how much each step, in units of the scale, differs from the one before, as zigzag.
fn changes(timestamps: &[i64], scale: u64) -> impl Iterator<Item = u64> {
    let later = timestamps.iter().skip(1);
    let mut steps = timestamps.iter().zip(later).map(move |(earlier, later)| {
        let step = later.wrapping_sub(*earlier);
        if scale == 1 { step } else { scale::divide_exactly(step, scale) }
    });
    let mut before = steps.next().unwrap_or(0);
    steps.map(move |step| {
        let change = step.wrapping_sub(before);
        before = step;
        varint::zigzag(change)
    })
}

/// Appends `count` timestamps. Allocates 64 bytes for each byte of the block, at most.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), CodecError> {
    let Some(later) = count.checked_sub(HEADER_COUNT).filter(|&later| later > 0) else {
        return Err(CodecError::OutOfRange { field: "count" });
    };
    let first = bytes.first_chunk::<FIRST_BYTES>().ok_or(CodecError::Truncated)?;
    let mut at = FIRST_BYTES;
    let scale = varint::read_u64(bytes, &mut at)?;
    if !(1..=SCALE_MAX).contains(&scale) {
        return Err(CodecError::OutOfRange { field: "scale" });
    }
    let step = varint::unzigzag(varint::read_u64(bytes, &mut at)?);
    let rest = bytes.get(at..).ok_or(CodecError::Truncated)?;
    let (widths, bits) = rest.split_first_chunk().ok_or(CodecError::Truncated)?;
    let buckets = Buckets::from_bytes(*widths)?;
    // A change takes a bit at least, so that the bytes at hand bound the count.
    if later > bits.len().saturating_mul(8) {
        return Err(CodecError::Truncated);
    }
    out.reserve(count);
    let mut timestamp = i64::from_le_bytes(*first);
    let mut step = scale::multiply(step, scale);
    out.push(timestamp);
    timestamp = timestamp.wrapping_add(step);
    out.push(timestamp);
    let mut reader = BitReader::new(bits);
    for _ in 0..later {
        let change = varint::unzigzag(buckets.take(&mut reader)?);
        step = step.wrapping_add(scale::multiply(change, scale));
        timestamp = timestamp.wrapping_add(step);
        out.push(timestamp);
    }
    reader.finish()
}
