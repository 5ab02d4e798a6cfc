//! The places of entries in their bins, grouped by bin: a slice for each.

use crate::codec::bits::{BitSink, BitWriter, bits_at};
use crate::codec::dense::BINS_MAX;
use crate::codec::dense::tree::Bin;
use crate::codec::error::CodecError;

/// A field up to this width lies in one load, wherever it begins.
const LOAD_BITS: u32 = 57;

/// Appends the slices of entries, of each of which the bin is known.
pub(super) fn put_slices(entries: &[i64], ids: &[u8], bins: &[Bin], out: &mut Vec<u8>) {
    let mut nexts = starts_of(bins);
    let mut grouped = vec![0; entries.len()];
    for (entry, id) in entries.iter().zip(ids) {
        let Some(next) = nexts.get_mut(usize::from(*id)) else { continue };
        if let Some(place) = grouped.get_mut(*next as usize) {
            *place = *entry;
        }
        *next += 1;
    }
    let mut writer = BitWriter::new(out);
    let mut rest = grouped.as_slice();
    for bin in bins {
        let Some((slice, behind)) = rest.split_at_checked(bin.count as usize) else { break };
        for entry in slice {
            writer.put(entry.wrapping_sub(bin.low).cast_unsigned(), bin.width);
        }
        rest = behind;
    }
    writer.finish();
}

/// Returns for each bin how many entries lie in those below it.
pub(super) fn starts_of(bins: &[Bin]) -> [u32; BINS_MAX] {
    let (mut starts, mut start) = ([0; BINS_MAX], 0_u32);
    for (place, bin) in starts.iter_mut().zip(bins) {
        *place = start;
        start += bin.count;
    }
    starts
}

/// Returns how many bytes the slices at the beginning of `bytes` take.
///
/// # Errors
/// [`CodecError`] where there are too few, or the padding is not zero.
pub(super) fn slices_bytes(bytes: &[u8], bins: &[Bin]) -> Result<usize, CodecError> {
    // At most 2^16 entries of 64 bits.
    let used: u64 = bins.iter().map(Bin::slice_bits).sum();
    let len = usize::try_from(used.div_ceil(8)).map_err(|_| CodecError::Truncated)?;
    let own = bytes.get(..len).ok_or(CodecError::Truncated)?;
    let in_last = used % 8;
    if in_last > 0 && own.last().is_some_and(|last| last >> in_last != 0) {
        return Err(CodecError::OutOfRange { field: "padding" });
    }
    Ok(len)
}

/// Fills `entries` with the first ones of the bin whose slice begins at bit `first_bit`.
pub(super) fn take_slice(bytes: &[u8], first_bit: usize, bin: &Bin, entries: &mut [i64]) {
    let low = bin.low;
    let step = bin.width as usize;
    let mask = u64::MAX.checked_shr(u64::BITS - bin.width).unwrap_or(0);
    let bits = (first_bit..).step_by(step.max(1));
    if bin.width == 0 {
        entries.fill(low);
    } else if bin.width <= LOAD_BITS {
        for (entry, bit) in entries.iter_mut().zip(bits) {
            *entry = low.wrapping_add((bits_at(bytes, bit) & mask).cast_signed());
        }
    } else {
        for (entry, bit) in entries.iter_mut().zip(bits) {
            let lower = bits_at(bytes, bit) & u64::from(u32::MAX);
            let offset = (lower | bits_at(bytes, bit + 32) << 32) & mask;
            *entry = low.wrapping_add(offset.cast_signed());
        }
    }
}
