//! A block: root, tree, offsets and ids of its entries.

use crate::codec::dense::BINS_MAX;
use crate::codec::dense::huffman::{Code, codes_of};
use crate::codec::dense::ids::{put_ids, take_ids};
use crate::codec::dense::log2::BIT;
use crate::codec::dense::offsets::{deal_slices, put_slices, slices_bytes, take_slice};
use crate::codec::dense::prune::Pruned;
use crate::codec::dense::sort::sort;
use crate::codec::dense::tree::{Bin, Root, put_nodes, take_bins};
use crate::codec::error::CodecError;

/// From so many entries on, those that can be sliced lie in thin bins.
const SLICED_MIN: usize = 4096;
/// Codes may take one bit in so many entries more than their entropy.
const EXCESS_ONE_IN: u64 = 32;

/// Appends a block of 1 to 2^16 entries.
pub(super) fn put_block(entries: &[i64], is_sliced: bool, out: &mut Vec<u8>) {
    let Some(root) = root_of(entries) else { return };
    root.put(out);
    if root.width == 0 {
        return;
    }
    let sorted = sort(keys_of(entries, root), root.width);
    let Coded { pruned, codes, .. } = Coded::choose(&sorted.keys, root, is_sliced);
    let Pruned { nodes, bins } = pruned;
    put_nodes(&nodes, out);
    // A bin is a run of the sorted entries.
    let mut ids = vec![0; entries.len()];
    let mut positions = sorted.positions.iter();
    for (id, bin) in (0..=u8::MAX).zip(&bins) {
        for position in positions.by_ref().take(bin.count as usize) {
            if let Some(place) = ids.get_mut(usize::from(*position)) {
                *place = id;
            }
        }
    }
    put_slices(entries, &ids, &bins, out);
    if bins.len() > 1 {
        put_ids(&ids, &codes, out);
    }
}

/// Bins, their codes, and what entries take in them.
struct Coded {
    pruned: Pruned,
    codes: [Code; BINS_MAX],
    bits: u64,
}

impl Coded {
    /// Chooses the bins. A code takes whole bits, where pruning counts its share of entropy: nine
    /// equal parts as bins of eight and of one take half a bit more. Where that is much, thin bins
    /// are tried, too.
    fn choose(keys: &[u64], root: Root, is_sliced: bool) -> Self {
        let must_be_thin = is_sliced && keys.len() >= SLICED_MIN;
        let best = Self::of(Pruned::of(keys, root, must_be_thin));
        let excess = best.bits.saturating_sub(best.pruned.entry_bits() / BIT);
        if must_be_thin || excess <= keys.len() as u64 / EXCESS_ONE_IN {
            return best;
        }
        let thin = Self::of(Pruned::of(keys, root, true));
        let gain = (best.bits + best.pruned.tree_bits() / BIT)
            .saturating_sub(thin.bits + thin.pruned.tree_bits() / BIT);
        if gain > 0 { thin } else { best }
    }

    fn of(pruned: Pruned) -> Self {
        let codes = codes_of(&pruned.bins);
        let bits_of = |(bin, code): (&Bin, &Code)| {
            bin.slice_bits() + u64::from(bin.count) * u64::from(code.length)
        };
        let bits = pruned.bins.iter().zip(&codes).map(bits_of).sum();
        Self { pruned, codes, bits }
    }
}

/// Returns the bits that all of a block takes if these are some of its entries; about.
pub(super) fn estimate_bits(some: &[i64], entries: usize) -> u64 {
    let Some(root) = root_of(some).filter(|root| root.width > 0) else { return 0 };
    let sorted = sort(keys_of(some, root), root.width);
    let pruned = Pruned::of(&sorted.keys, root, false);
    pruned.tree_bits() + pruned.entry_bits() / some.len() as u64 * entries as u64
}

fn root_of(entries: &[i64]) -> Option<Root> {
    Some(Root::around(*entries.iter().min()?, *entries.iter().max()?))
}

fn keys_of(entries: &[i64], root: Root) -> impl Iterator<Item = u64> {
    entries.iter().map(move |entry| entry.wrapping_sub(root.low).cast_unsigned())
}

/// Fills `entries`, at least one, from the bytes of a block at `*at`, which moves behind it.
///
/// # Errors
/// [`CodecError`] where the bytes are no such block; `entries` hold anything then.
pub(super) fn take_block(
    bytes: &[u8],
    at: &mut usize,
    entries: &mut [i64],
) -> Result<(), CodecError> {
    let count = u32::try_from(entries.len());
    let count = count.map_err(|_| CodecError::OutOfRange { field: "count" })?;
    let bins = take_bins(bytes, at, count)?;
    let slices = bytes.get(*at..).unwrap_or(&[]);
    *at += slices_bytes(slices, &bins)?;
    if let [bin] = bins.as_slice() {
        take_slice(slices, 0, bin, entries);
        return Ok(());
    }
    let mut ids = vec![0; entries.len()];
    take_ids(bytes, at, &bins, &codes_of(&bins), &mut ids)?;
    deal_slices(slices, &bins, &ids, entries)
}
