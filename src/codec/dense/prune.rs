//! Which bins: the tree that takes the fewest bits, decided from the leaves upwards.

use crate::codec::dense::BINS_MAX;
use crate::codec::dense::log2::{BIT, log2};
use crate::codec::dense::tree::{Bin, Node, Root, bit_length};

/// From so many entries on, time is worth more than the last bits.
const LARGE_BLOCK: usize = 8192;
/// Nodes with no more entries are not split, which costs under 0.01 bit an entry each.
const UNSPLIT_MAX: usize = 8;
const UNSPLIT_MAX_OF_LARGE: usize = 12;
/// A thin bin, but that of one integer, holds no more than this part of the entries. Where they are
/// sliced, that costs 0.02 bit an entry.
const THIN_ONE_IN: usize = 32;

/// The bins of a block, in ascending order, and the tree whose leaves they are.
#[derive(Debug, Default)]
pub(super) struct Pruned {
    pub(super) nodes: Vec<Node>,
    pub(super) bins: Vec<Bin>,
}

impl Pruned {
    /// Divides entries, given as sorted distances from the root's low end.
    pub(super) fn of(keys: &[u64], root: Root, is_thin: bool) -> Self {
        let unsplit_max = if keys.len() < LARGE_BLOCK { UNSPLIT_MAX } else { UNSPLIT_MAX_OF_LARGE };
        let mut pruner = Pruner {
            root_low: root.low,
            log_entries: log2(to_u32(keys.len())),
            unsplit_max,
            bin_entries_max: usize::MAX,
            fee: BIT,
            tree: Self::default(),
        };
        if is_thin {
            pruner.bin_entries_max = keys.len() / THIN_ONE_IN + 1;
        }
        loop {
            pruner.cheapest(keys, root.width);
            if pruner.tree.bins.len() <= BINS_MAX {
                return pruner.tree;
            }
            // With a high enough fee there is but one bin.
            pruner.bin_entries_max = usize::MAX;
            pruner.fee = pruner.fee * 2 + 8 * BIT;
            pruner.tree = Self::default();
        }
    }

    /// Returns how many bits ids and offsets take if ids take their entropy, in units of [`BIT`].
    pub(super) fn entry_bits(&self) -> u64 {
        let log_entries = log2(self.bins.iter().map(|bin| bin.count).sum());
        let bits = |bin: &Bin| entropy(bin.count, log_entries) + bin.slice_bits() * BIT;
        self.bins.iter().map(bits).sum()
    }

    /// Returns how many bits the tree takes, in units of [`BIT`].
    pub(super) fn tree_bits(&self) -> u64 {
        self.nodes.iter().map(|node| u64::from(node.bits()) * BIT).sum()
    }
}

struct Pruner {
    root_low: i64,
    log_entries: u64,
    unsplit_max: usize,
    bin_entries_max: usize,
    /// What a bin must earn on top of the bits that it takes.
    fee: u64,
    tree: Pruned,
}

impl Pruner {
    /// Appends the cheapest bins for a node of this width around the keys; returns their cost.
    fn cheapest(&mut self, keys: &[u64], width: u32) -> u64 {
        let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else { return 0 };
        let as_bin = self.cost_of_bin(keys.len(), width);
        let is_too_large = keys.len() > self.bin_entries_max;
        let limit = if is_too_large { u64::MAX } else { as_bin };
        let mark = (self.tree.nodes.len(), self.tree.bins.len());
        let needed = bit_length(first ^ last);
        let divided = if needed < width {
            self.narrow(keys, width - needed, needed)
        } else if width > 0 && (is_too_large || keys.len() > self.unsplit_max) {
            self.split(keys, width, limit)
        } else {
            u64::MAX
        };
        if divided < limit {
            return divided;
        }
        self.tree.nodes.truncate(mark.0);
        self.tree.bins.truncate(mark.1);
        if width > 0 {
            self.tree.nodes.push(Node::Bin);
        }
        let start = first.checked_shr(width).unwrap_or(0).checked_shl(width).unwrap_or(0);
        let low = self.root_low.wrapping_add(start.cast_signed());
        self.tree.bins.push(Bin { low, width, count: to_u32(keys.len()) });
        as_bin
    }

    fn narrow(&mut self, keys: &[u64], levels: u32, width: u32) -> u64 {
        let part = keys.first().map_or(0, |first| first >> width) & (u64::MAX >> (64 - levels));
        let node = Node::Narrow { levels, part };
        self.tree.nodes.push(node);
        u64::from(node.bits()) * BIT + self.cheapest(keys, width)
    }

    /// Gives up above the limit.
    fn split(&mut self, keys: &[u64], width: u32, limit: u64) -> u64 {
        let half = width - 1;
        let middle = keys.last().map_or(0, |last| last >> half << half);
        let (left, right) = keys.split_at(keys.partition_point(|key| *key < middle));
        let node = Node::Split { count: to_u32(keys.len()), left: to_u32(left.len()) };
        self.tree.nodes.push(node);
        let cost = u64::from(node.bits()) * BIT + self.cheapest(left, half);
        if cost < limit { cost + self.cheapest(right, half) } else { cost }
    }

    fn cost_of_bin(&self, count: usize, width: u32) -> u64 {
        let count = to_u32(count);
        let node = u64::from(width > 0) * BIT;
        let offsets = u64::from(count) * u64::from(width) * BIT;
        entropy(count, self.log_entries) + offsets + node + self.fee
    }
}

/// Returns how many bits the ids of one bin take, in units of [`BIT`].
fn entropy(count: u32, log_entries: u64) -> u64 {
    u64::from(count) * log_entries.saturating_sub(log2(count))
}

/// A block has at most 2^16 entries.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
