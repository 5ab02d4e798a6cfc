//! The tree that bins are the leaves of, in bits.
//!
//! Bits of a node with `count` entries and a width above 0, in preorder; one of width 0 is a bin
//! and takes no bit. Fields of several bits have their least significant bit first.
//!
//! ```text
//! 0            it is a bin
//! 1 0 left     both halves hold entries: left - 1 in as many bits as count - 2 has; then the left
//!              half and the right half
//! 1 1 levels   all entries lie in one part: levels is how often the width is halved, as a unary
//!     part     count of zeros, a one, and so many bits below its highest one; part is the number
//!              of the part, in `levels` bits; then that part
//! ```

use crate::codec::bits::{BitReader, BitSink, BitWriter};
use crate::codec::dense::BINS_MAX;
use crate::codec::error::CodecError;
use crate::codec::varint;

/// An interval of 2^width integers from `low`, and how many entries of a block lie in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) low: i64,
    pub(super) width: u32,
    /// At least 1.
    pub(super) count: u32,
}

impl Bin {
    /// Returns how many bits the offsets of its entries take.
    pub(super) fn slice_bits(&self) -> u64 {
        u64::from(self.count) * u64::from(self.width)
    }
}

/// A node of the tree, as the encoder writes it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    /// A bin wider than one integer.
    Bin,
    /// So many entries, and so many of them in the left half.
    Split { count: u32, left: u32 },
    /// All entries lie in this part after so many halvings.
    Narrow { levels: u32, part: u64 },
}

impl Node {
    /// Returns how many bits the node takes.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Bin => 1,
            Self::Split { count, .. } => 2 + left_bits(count),
            Self::Narrow { levels, .. } => 2 + 2 * levels.ilog2() + 1 + levels,
        }
    }

    fn put(self, out: &mut impl BitSink) {
        match self {
            Self::Bin => out.put(0, 1),
            Self::Split { count, left } => {
                out.put(0b01, 2);
                out.put(u64::from(left - 1), left_bits(count));
            }
            Self::Narrow { levels, part } => {
                let low_bits = levels.ilog2();
                out.put(0b11, 2);
                out.put(1 << low_bits, low_bits + 1);
                out.put(u64::from(levels) & ((1 << low_bits) - 1), low_bits);
                out.put(part, levels);
            }
        }
    }
}

/// Returns how many bits the left one of two counts takes: 1..count, less one.
fn left_bits(count: u32) -> u32 {
    bit_length(u64::from(count.saturating_sub(2)))
}

/// Returns how many bits a number has.
#[inline]
pub(super) fn bit_length(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

/// The interval that the tree divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) low: i64,
    pub(super) width: u32,
}

impl Root {
    /// Returns the smallest interval around two integers whose halves begin at multiples of their
    /// length.
    pub(super) fn around(least: i64, greatest: i64) -> Self {
        let span = |low: i64| bit_length(greatest.wrapping_sub(low).cast_unsigned());
        let mut width = span(least);
        if width == 0 {
            return Self { low: least, width };
        }
        loop {
            let low = (least >> (width - 1)) << (width - 1);
            if span(low) <= width {
                return Self { low, width };
            }
            width += 1;
        }
    }

    /// Appends width and place.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.width).unwrap_or(u8::MAX));
        varint::put_u64(out, varint::zigzag(self.low >> self.width.saturating_sub(1)));
    }

    fn take(bytes: &[u8], at: &mut usize) -> Result<Self, CodecError> {
        let width = u32::from(*bytes.get(*at).ok_or(CodecError::Truncated)?);
        if width > u64::BITS {
            return Err(CodecError::OutOfRange { field: "root width" });
        }
        *at += 1;
        let place = varint::unzigzag(varint::read_u64(bytes, at)?);
        Ok(Self { low: place << width.saturating_sub(1), width })
    }
}

/// Appends the nodes, in preorder.
pub(super) fn put_nodes(nodes: &[Node], out: &mut Vec<u8>) {
    let mut writer = BitWriter::new(out);
    for node in nodes {
        node.put(&mut writer);
    }
    writer.finish();
}

/// Reads the root and the tree at `*at`, which moves behind them, and returns the bins of `count`
/// entries, at least 1, in ascending order.
///
/// Total over any bytes; at most 256 bins after at most 64 steps each.
///
/// # Errors
/// [`CodecError`] where the bytes are no such tree.
pub(super) fn take_bins(bytes: &[u8], at: &mut usize, count: u32) -> Result<Vec<Bin>, CodecError> {
    let Root { low, width } = Root::take(bytes, at)?;
    if width == 0 {
        return Ok(vec![Bin { low, width, count }]);
    }
    let rest = bytes.get(*at..).unwrap_or(&[]);
    let mut reader = BitReader::new(rest);
    let mut bins = Vec::new();
    // A split leaves its right half here, at most one a level.
    let mut pending = vec![Bin { low, width, count }];
    while let Some(node) = pending.pop() {
        if node.width == 0 || !reader.take_bit()? {
            if bins.len() == BINS_MAX {
                return Err(CodecError::OutOfRange { field: "bins" });
            }
            bins.push(node);
        } else if reader.take_bit()? {
            pending.push(take_part(&mut reader, node)?);
        } else {
            let (left, right) = take_split(&mut reader, node)?;
            pending.extend([right, left]);
        }
    }
    *at += rest.len() - reader.finish_before_rest()?;
    Ok(bins)
}

fn take_split(reader: &mut BitReader<'_>, node: Bin) -> Result<(Bin, Bin), CodecError> {
    const ILLEGAL: CodecError = CodecError::OutOfRange { field: "left count" };
    if node.count < 2 {
        return Err(ILLEGAL);
    }
    let left = u32::try_from(reader.take(left_bits(node.count))?).map_err(|_| ILLEGAL)? + 1;
    let right = node.count.checked_sub(left).filter(|right| *right > 0).ok_or(ILLEGAL)?;
    let width = node.width - 1;
    let middle = node.low.wrapping_add(1 << width);
    Ok((Bin { low: node.low, width, count: left }, Bin { low: middle, width, count: right }))
}

fn take_part(reader: &mut BitReader<'_>, node: Bin) -> Result<Bin, CodecError> {
    const ILLEGAL: CodecError = CodecError::OutOfRange { field: "levels" };
    let mut low_bits = 0;
    while !reader.take_bit()? {
        low_bits += 1;
        if low_bits > u64::BITS.ilog2() {
            return Err(ILLEGAL);
        }
    }
    let levels = (1 << low_bits) | u32::try_from(reader.take(low_bits)?).map_err(|_| ILLEGAL)?;
    let width = node.width.checked_sub(levels).ok_or(ILLEGAL)?;
    let part = reader.take(levels)?;
    // Sixty-four levels leave a width of 0, so the shift is below 64.
    let low = node.low.wrapping_add((part << width).cast_signed());
    Ok(Bin { low, width, count: node.count })
}
