//! The places of entries in their bins, grouped by bin: a slice for each.

use crate::codec::bits::{BitSink, BitWriter};
use crate::codec::dense::BINS_MAX;
use crate::codec::dense::tree::Bin;
use crate::codec::error::CodecError;
use crate::codec::simd::{self, Kernel};
use crate::codec::unpacking::unpack_onto;

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
fn starts_of(bins: &[Bin]) -> [u32; BINS_MAX] {
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
    unpack_onto(bin.low.cast_unsigned(), bytes, first_bit, bin.width, entries);
}

/// Gives each entry the next one of its bin.
///
/// The slices are unpacked one by one, and then dealt from both ends at once: of two entries in a
/// row that lie in the same bin the second waits for the first.
///
/// # Errors
/// [`CodecError`] where a bin comes more or less often than it has entries.
pub(super) fn deal_slices(
    bytes: &[u8],
    bins: &[Bin],
    ids: &[u8],
    entries: &mut [i64],
) -> Result<(), CodecError> {
    let mut grouped = vec![0; entries.len()];
    let (mut firsts, mut ends) = ([0; BINS_MAX], [0; BINS_MAX]);
    let (mut rest, mut end, mut first_bit) = (grouped.as_mut_slice(), 0, 0);
    for ((bin, first), last) in bins.iter().zip(&mut firsts).zip(&mut ends) {
        let (slice, behind) = rest.split_at_mut((bin.count as usize).min(rest.len()));
        take_slice(bytes, first_bit, bin, slice);
        (*first, *last) = (end, end + bin.count);
        first_bit += bin.count as usize * bin.width as usize;
        (rest, end) = (behind, *last);
    }
    let (firsts_left, ends_left) = (&mut firsts, &mut ends);
    simd::run(Deal { grouped: &grouped, ids, entries, firsts: firsts_left, ends: ends_left });
    // Each bin is used up where what came from its front meets what came from its back.
    if firsts != ends {
        return Err(CodecError::OutOfRange { field: "ids" });
    }
    Ok(())
}

/// Deals the first half of the entries from the fronts of the bins, and the second half, backwards,
/// from their backs.
struct Deal<'a, 'b> {
    grouped: &'a [i64],
    ids: &'a [u8],
    entries: &'b mut [i64],
    firsts: &'b mut [u32; BINS_MAX],
    ends: &'b mut [u32; BINS_MAX],
}

impl Kernel for Deal<'_, '_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) {
        let Self { grouped, ids, entries, firsts, ends } = self;
        let half = entries.len() / 2;
        let (front, back) = entries.split_at_mut(half);
        let (front_ids, back_ids) = ids.split_at(half.min(ids.len()));
        let mut from_back = |(entry, id): (&mut i64, &u8)| {
            if let Some(end) = ends.get_mut(usize::from(*id)) {
                *end = end.wrapping_sub(1);
                *entry = grouped.get(*end as usize).copied().unwrap_or(0);
            }
        };
        let mut backwards = back.iter_mut().rev().zip(back_ids.iter().rev());
        for (front, back) in front.iter_mut().zip(front_ids).zip(&mut backwards) {
            let (entry, id) = front;
            if let Some(first) = firsts.get_mut(usize::from(*id)) {
                *entry = grouped.get(*first as usize).copied().unwrap_or(0);
                *first = first.wrapping_add(1);
            }
            from_back(back);
        }
        backwards.for_each(from_back);
    }
}
