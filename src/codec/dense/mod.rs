//! A column of integers in bins: small, and open to questions about order without decoding.
//!
//! What a prediction leaves of the integers (nothing is predicted, or they are differences, or lie
//! about a line) falls into at most 256 **bins** `[low, low + 2^width)`. They are the leaves of a
//! binary tree over a root interval, with exact counts. An integer is stored as its bin in the
//! order of time, in a Huffman code that follows from the counts, and as its offset in the bin,
//! grouped by bin. So the tree is dictionary, entropy model and histogram at once, and the values
//! of one bin are one contiguous **slice** whose place follows from the counts.
//!
//! ```text
//! size  field      legal range
//! 1     order      0..=2; plus 4 or 8 where most entries are known, as in `repeats`
//! 1..   parameter  zigzag varint: the first integer (order 1) or the slope (order 2)
//!       block      of all entries, in order 1 of the differences; absent if there are none. Where
//!                  most are known, see `repeats`
//!
//! order 0: integer = entry                      (can be sliced)
//! order 1: the first is the parameter; each later one = the one before + entry
//! order 2: integer i = parameter * i + entry
//!
//! block:
//! 1     width      0..=64, of the root in bits
//! 1..   root       zigzag varint: its low end >> (width - 1), or the only entry where width is 0
//!       tree       bits, as in `tree`; absent where width is 0
//!       offsets    bits: bin by bin, count * width of the bin, in order of time inside of a bin
//!       ids        as in `ids`; absent with one bin
//! ```
//!
//! All sums wrap around at 64 bits.

mod block;
mod column;
mod huffman;
mod ids;
mod log2;
mod offsets;
mod order;
mod prune;
mod ranks;
mod repeats;
mod slices;
mod sort;
mod tree;
mod values;

pub use crate::codec::dense::ranks::values_of_ranks;
pub use crate::codec::dense::slices::{ValueBin, ValueSlices};

pub(super) use crate::codec::dense::column::{DensePlan, append_dense};
pub(super) use crate::codec::dense::values::{DenseValuesPlan, decode_values};

/// The most integers of a column; the position of one takes 16 bits.
pub const DENSE_COUNT_MAX: usize = 1 << 16;
/// The most bins of a block: the number of one is a byte.
const BINS_MAX: usize = 256;
