//! Codes for the bins that follow from their counts: nothing of them is stored.
//!
//! Huffman's algorithm with every tie decided: the two lightest nodes become one, over and over; of
//! equal weight a bin comes before a node that was made, the bin of lower number first, the node
//! made earlier first. If a code is longer than 11 bits, all is done again with every weight halved
//! (rounded down, but at least 1). Codes are canonical: ascending by length, then by number, each
//! one more than the one before, and stored with their first bit lowest.

use crate::codec::dense::BINS_MAX;
use crate::codec::dense::tree::Bin;

/// The longest code: five of them lie in one load.
pub(super) const LENGTH_MAX: u32 = 11;
const NODES_MAX: usize = 2 * BINS_MAX;

/// The code of one bin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    /// In the order of the stream: the first bit is the lowest.
    pub(super) bits: u16,
    /// 1..=11.
    pub(super) length: u8,
}

/// Returns the code of each bin; there are at least two, and at most 256.
pub(super) fn codes_of(bins: &[Bin]) -> [Code; BINS_MAX] {
    let mut codes = [Code::default(); BINS_MAX];
    for halvings in 0..u32::BITS {
        if put_lengths(bins, halvings, &mut codes) <= LENGTH_MAX {
            break;
        }
    }
    let mut next = 0_u16;
    for length in 1..=LENGTH_MAX {
        let of_length = codes.iter_mut().filter(|code| u32::from(code.length) == length);
        for code in of_length {
            code.bits = next.reverse_bits() >> (u16::BITS - length);
            next += 1;
        }
        next <<= 1;
    }
    codes
}

/// Sets the length of each bin's code, and returns the greatest one.
fn put_lengths(bins: &[Bin], halvings: u32, codes: &mut [Code; BINS_MAX]) -> u32 {
    let weight = |bin: &Bin| (bin.count >> halvings).max(1);
    let mut bins: Vec<(u32, u8)> = bins.iter().map(weight).zip(0..=u8::MAX).collect();
    bins.sort_unstable();
    let parents = parents_of(&bins);
    // A parent stands behind its children, so that its depth is known before theirs.
    let mut depths = [0_u8; NODES_MAX];
    let nodes = (2 * bins.len()).saturating_sub(2);
    for node in (0..nodes.min(NODES_MAX)).rev() {
        let parent = parents.get(node).copied().unwrap_or(0);
        let depth = depths.get(usize::from(parent)).copied().unwrap_or(0) + 1;
        if let Some(place) = depths.get_mut(node) {
            *place = depth;
        }
    }
    let mut longest = 0;
    for ((_, bin), depth) in bins.iter().zip(depths) {
        if let Some(code) = codes.get_mut(usize::from(*bin)) {
            code.length = depth;
        }
        longest = longest.max(depth);
    }
    u32::from(longest)
}

/// Returns for each node by which one it and another were made one. First come the bins as given,
/// in order of weight, then the nodes that were made, in that order.
fn parents_of(bins: &[(u32, u8)]) -> [u16; NODES_MAX] {
    let mut weights = [0_u32; NODES_MAX];
    let mut parents = [0_u16; NODES_MAX];
    for (weight, (of_bin, _)) in weights.iter_mut().zip(bins) {
        *weight = *of_bin;
    }
    // Both queues ascend by weight.
    let (mut bin, mut made) = (0, bins.len());
    for node in bins.len()..(2 * bins.len()).saturating_sub(1) {
        let mut sum = 0_u32;
        for _ in 0..2 {
            let of_bin = weights.get(bin).filter(|_| bin < bins.len());
            let of_made = weights.get(made).filter(|_| made < node);
            let is_bin = match (of_bin, of_made) {
                (Some(of_bin), Some(of_made)) => of_bin <= of_made,
                (of_bin, _) => of_bin.is_some(),
            };
            let lightest = if is_bin { &mut bin } else { &mut made };
            sum += weights.get(*lightest).copied().unwrap_or(0);
            if let Some(parent) = parents.get_mut(*lightest) {
                *parent = u16::try_from(node).unwrap_or(u16::MAX);
            }
            *lightest += 1;
        }
        if let Some(weight) = weights.get_mut(node) {
            *weight = sum;
        }
    }
    parents
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::dense::huffman::{LENGTH_MAX, codes_of};
    use crate::codec::dense::tree::Bin;

    fn bins(counts: &[u32]) -> Vec<Bin> {
        counts.iter().map(|&count| Bin { low: 0, width: 0, count }).collect()
    }

    fn lengths(counts: &[u32]) -> Vec<u8> {
        codes_of(&bins(counts)).iter().take(counts.len()).map(|code| code.length).collect()
    }

    proptest! {
        #[test]
        fn every_stream_begins_with_one_code(
            counts in prop::collection::vec((any::<u32>(), 17..32_u32), 2..=256),
        ) {
            let counts: Vec<u32> = counts.iter().map(|(x, shift)| (x >> shift).max(1)).collect();
            let codes = codes_of(&bins(&counts));
            let codes = &codes[..counts.len()];
            let mut seen = vec![0; 1 << LENGTH_MAX];
            for code in codes {
                assert!((1..=LENGTH_MAX).contains(&u32::from(code.length)));
                let first = usize::from(code.bits);
                seen.iter_mut().skip(first).step_by(1 << code.length).for_each(|n| *n += 1);
            }
            assert!(seen.iter().all(|codes| *codes == 1), "{codes:?}");
        }
    }

    #[test]
    fn codes_are_as_short_as_the_counts_allow() {
        assert_eq!(lengths(&[1, 1]), [1, 1]);
        assert_eq!(lengths(&[8, 1, 2, 4]), [1, 3, 3, 2]);
        assert_eq!(lengths(&[5, 5, 5, 5]), [2, 2, 2, 2]);
        // Fibonacci's numbers would take codes of up to 19 bits, before they are halved.
        let counts: Vec<u32> = std::iter::successors(Some((1, 1)), |&(a, b)| Some((b, a + b)))
            .map(|p| p.0)
            .take(20)
            .collect();
        assert_eq!(lengths(&counts).iter().max(), Some(&9));
    }

    #[test]
    fn canonical_codes_ascend_by_length_and_number() {
        let codes = codes_of(&bins(&[8, 1, 2, 4]));
        let bits: Vec<u16> = codes.iter().take(4).map(|code| code.bits).collect();
        assert_eq!(bits, [0b0, 0b011, 0b111, 0b01]);
    }
}
