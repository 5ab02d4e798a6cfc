//! A column of integers: frame of reference, differences or a line, bit-packed with patches.
//!
//! The column is cut into blocks of 1,024. Each block stores what is left of its integers after a
//! prediction, in fields of one width; the few that are wider leave their upper bits behind the
//! fields (patched frame of reference; Zukowski et al., ICDE 2006).
//!
//! ```text
//! size  field           legal range
//! 1     mode            0..=3
//! 1     width           0..=64, of a field in bits
//! 1..   base            zigzag varint
//! 1..   step            zigzag varint, in modes 1 and 3 only
//! 1..   patches         varint, fewer than fields
//!       fields          bit-packed; as many as integers, one less in modes 1 and 2
//! 1     patch width     1..=64 - width, if there are patches
//!       positions       10 bits each, ascending, if there are patches
//!       upper bits      patch width each, if there are patches
//!
//! mode 0: integer = base + field                       (frame of reference)
//! mode 1: the first is base; each later one = the one before + step + field
//! mode 2: the first is base; each later one = the one before + unzigzag(field)
//! mode 3: integer i = base + step * i + field          (a line)
//! ```
//!
//! All sums wrap around at 64 bits.

use crate::codec::error::CodecError;
use crate::codec::packing::{check_packed, low_bits, pack, pack_low, packed_bytes, unpack};
use crate::codec::simd::{self, Kernel};
use crate::codec::unpacking::field_at;
use crate::codec::varint;

/// The most integers of a block; a position has ten bits.
const BLOCK: usize = 1024;
const POSITION_BITS: u32 = 10;
/// Any number of bits that a word holds, zero included.
const WIDTHS: usize = u64::BITS as usize + 1;
/// Mode, width, base and patches.
const BLOCK_BYTES_MIN: usize = 4;

/// How a block's integers are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mode {
    Frame = 0,
    Delta = 1,
    Zigzag = 2,
    Line = 3,
}

impl Mode {
    fn from_tag(tag: u8) -> Option<Self> {
        [Self::Frame, Self::Delta, Self::Zigzag, Self::Line]
            .into_iter()
            .find(|mode| *mode as u8 == tag)
    }

    fn has_step(self) -> bool {
        matches!(self, Self::Delta | Self::Line)
    }

    /// Returns how many fields so many integers have.
    fn fields(self, integers: usize) -> usize {
        match self {
            Self::Frame | Self::Line => integers,
            Self::Delta | Self::Zigzag => integers.saturating_sub(1),
        }
    }
}

/// How one block is encoded, and what that takes.
#[derive(Debug, Clone, Copy)]
struct BlockPlan {
    mode: Mode,
    base: i64,
    step: i64,
    widths: Widths,
    bytes: u64,
}

/// The width of the fields, and the patches that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Widths {
    width: u32,
    patches: usize,
    patch_width: u32,
}

/// How a column is encoded, and what that takes.
#[derive(Debug)]
pub(super) struct IntegerPlan {
    blocks: Vec<BlockPlan>,
    bytes: u64,
}

impl IntegerPlan {
    /// Chooses for each block what takes the fewest bytes. O(n).
    pub(super) fn of(integers: &[i64]) -> Self {
        let mut fields = Vec::with_capacity(BLOCK);
        let blocks: Vec<BlockPlan> =
            integers.chunks(BLOCK).map(|block| BlockPlan::of(block, &mut fields)).collect();
        let bytes = blocks.iter().map(|block| block.bytes).sum();
        Self { blocks, bytes }
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(super) fn len_bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends the column that the plan was made of.
    pub(super) fn encode(&self, integers: &[i64], out: &mut Vec<u8>) {
        let mut fields = Vec::with_capacity(BLOCK);
        for (plan, block) in self.blocks.iter().zip(integers.chunks(BLOCK)) {
            plan.encode(block, &mut fields, out);
        }
    }
}

impl BlockPlan {
    fn of(block: &[i64], fields: &mut Vec<u64>) -> Self {
        let least = simd::run(Least { mode: Mode::Frame, step: 0, block });
        let mut best = Self::in_mode(Mode::Frame, least, 0, block, fields);
        let Some(&first) = block.first() else { return best };
        if best.widths.width == 0 && best.widths.patches == 0 {
            return best;
        }
        let mut take = |mode, base, step| {
            let plan = Self::in_mode(mode, base, step, block, fields);
            // Of equals the one that decodes with the least work, which is asked first.
            if plan.bytes < best.bytes {
                best = plan;
            }
        };
        if let Some(slope) = slope(block) {
            let least = simd::run(Least { mode: Mode::Line, step: slope, block });
            take(Mode::Line, least, slope);
        }
        if block.len() > 1 {
            take(Mode::Delta, first, simd::run(Least { mode: Mode::Delta, step: 0, block }));
            take(Mode::Zigzag, first, 0);
        }
        best
    }

    fn in_mode(mode: Mode, base: i64, step: i64, block: &[i64], fields: &mut Vec<u64>) -> Self {
        let counts = simd::run(Predicted { mode, base, step, block, fields });
        let (widths, bits_bytes) = Widths::choose(&counts, fields.len());
        let step_bytes =
            if mode.has_step() { varint::len_bytes(varint::zigzag(step)) as u64 } else { 0 };
        let base_bytes = varint::len_bytes(varint::zigzag(base)) as u64;
        let bytes = 2 + base_bytes + step_bytes + bits_bytes;
        Self { mode, base, step, widths, bytes }
    }

    fn encode(&self, block: &[i64], fields: &mut Vec<u64>, out: &mut Vec<u8>) {
        let start = out.len();
        fields_of(self.mode, self.base, self.step, block, fields);
        let Widths { width, patches, patch_width } = self.widths;
        out.extend([self.mode as u8, u8::try_from(width).unwrap_or(u8::MAX)]);
        varint::put_u64(out, varint::zigzag(self.base));
        if self.mode.has_step() {
            varint::put_u64(out, varint::zigzag(self.step));
        }
        varint::put_u64(out, patches as u64);
        let low = low_bits(width);
        pack_low(fields, width, out);
        if patches > 0 {
            out.push(u8::try_from(patch_width).unwrap_or(u8::MAX));
            let wide = || (0_u64..).zip(&*fields).filter(|(_, field)| **field > low);
            pack(wide().map(|(position, _)| position), POSITION_BITS, out);
            pack(wide().map(|(_, field)| field >> width), patch_width, out);
        }
        debug_assert_eq!((out.len() - start) as u64, self.bytes, "plans are exact");
    }
}

/// Returns the slope from the first to the last integer, unless it is none or wraps around.
pub(super) fn slope(block: &[i64]) -> Option<i64> {
    let (first, last) = (*block.first()?, *block.last()?);
    let steps = i64::try_from(block.len()).ok()? - 1;
    let slope = last.checked_sub(first)?.checked_add(steps / 2)?.checked_div_euclid(steps)?;
    (slope != 0).then_some(slope)
}

/// Replaces `fields` by what a prediction leaves of the integers.
#[inline(always)]
#[expect(clippy::inline_always, reason = "part of a kernel")]
fn fields_of(mode: Mode, base: i64, step: i64, block: &[i64], fields: &mut Vec<u64>) {
    fields.clear();
    let steps = || block.iter().zip(block.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
    match mode {
        Mode::Frame => fields.extend(block.iter().map(|x| x.wrapping_sub(base).cast_unsigned())),
        Mode::Delta => fields.extend(steps().map(|d| d.wrapping_sub(step).cast_unsigned())),
        Mode::Zigzag => fields.extend(steps().map(varint::zigzag)),
        Mode::Line => {
            fields.extend((0_i64..).zip(block).map(|(i, x)| {
                x.wrapping_sub(step.wrapping_mul(i)).wrapping_sub(base).cast_unsigned()
            }));
        }
    }
}

/// Finds the least of the integers, in mode `Line` of what the slope leaves of them, in mode
/// `Delta` of their differences; zero where there is none.
struct Least<'a> {
    mode: Mode,
    step: i64,
    block: &'a [i64],
}

impl Kernel for Least<'_> {
    type Output = i64;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) -> i64 {
        let Self { mode, step, block } = self;
        let steps = block.iter().zip(block.iter().skip(1));
        let least = match mode {
            Mode::Frame | Mode::Zigzag => block.iter().copied().min(),
            Mode::Line => (0..).zip(block).map(|(i, x)| x.wrapping_sub(step.wrapping_mul(i))).min(),
            Mode::Delta => steps.map(|(a, b)| b.wrapping_sub(*a)).min(),
        };
        least.unwrap_or(0)
    }
}

/// Replaces `fields` by what a prediction leaves, and counts how many of them are how wide.
struct Predicted<'a, 'b> {
    mode: Mode,
    base: i64,
    step: i64,
    block: &'a [i64],
    fields: &'b mut Vec<u64>,
}

impl Kernel for Predicted<'_, '_> {
    type Output = [u32; WIDTHS];

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) -> [u32; WIDTHS] {
        fields_of(self.mode, self.base, self.step, self.block, self.fields);
        counts_of_widths(self.fields)
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of a kernel")]
fn counts_of_widths(fields: &[u64]) -> [u32; WIDTHS] {
    // Neighbours are often equally wide, and a count waits for the one before it: hence four.
    let mut lanes = [[0_u32; WIDTHS]; 4];
    let mut count = |lane: usize, field: u64| {
        let width = u64::BITS - field.leading_zeros();
        if let Some(count) = lanes.get_mut(lane).and_then(|lane| lane.get_mut(width as usize)) {
            *count += 1;
        }
    };
    let (groups, rest) = fields.as_chunks::<4>();
    for &[a, b, c, d] in groups {
        count(0, a);
        count(1, b);
        count(2, c);
        count(3, d);
    }
    for field in rest {
        count(0, *field);
    }
    let [mut counts, b, c, d] = lanes;
    for (sum, ((b, c), d)) in counts.iter_mut().zip(b.iter().zip(c).zip(d)) {
        *sum += b + c + d;
    }
    counts
}

impl Widths {
    /// Chooses the width that takes the fewest bytes, and returns these: of the number of patches,
    /// the fields and the patches.
    fn choose(counts: &[u32; WIDTHS], fields: usize) -> (Self, u64) {
        let widest = (0..).zip(counts).filter(|(_, count)| **count > 0).map(|(width, _)| width);
        let widest: u32 = widest.last().unwrap_or(0);
        let mut best = Self { width: widest, patches: 0, patch_width: 0 };
        let mut best_bytes = best.bytes(fields);
        let mut patches = 0;
        for (width, count) in (0..widest).zip(counts.iter().skip(1)).rev() {
            patches += *count as usize;
            if patches == fields {
                break;
            }
            let with = Self { width, patches, patch_width: widest - width };
            let bytes = with.bytes(fields);
            if bytes < best_bytes {
                (best, best_bytes) = (with, bytes);
            }
        }
        (best, best_bytes)
    }

    fn bytes(self, fields: usize) -> u64 {
        let count = varint::len_bytes(self.patches as u64) + packed_bytes(fields, self.width);
        let patches = if self.patches == 0 {
            0
        } else {
            1 + packed_bytes(self.patches, POSITION_BITS)
                + packed_bytes(self.patches, self.patch_width)
        };
        (count + patches) as u64
    }
}

/// Checks that so many bytes may hold so many integers: a block of 1,024 takes four or more.
///
/// # Errors
/// [`CodecError::Truncated`] where they are too few.
pub(super) fn check_room(count: usize, bytes: usize) -> Result<(), CodecError> {
    if count.div_ceil(BLOCK) > bytes / BLOCK_BYTES_MIN {
        return Err(CodecError::Truncated);
    }
    Ok(())
}

/// Decodes the `count` integers of the column at `*at`, which moves behind it, and gives them to
/// `put`, a block at a time.
///
/// # Errors
/// [`CodecError`] where the bytes are no such column; `put` may have been given some then.
pub(super) fn decode_integers(
    bytes: &[u8],
    at: &mut usize,
    count: usize,
    mut put: impl FnMut(&mut [i64]),
) -> Result<(), CodecError> {
    check_room(count, bytes.len().saturating_sub(*at))?;
    let (mut fields, mut integers) = (vec![0; count.min(BLOCK)], vec![0; count.min(BLOCK)]);
    let mut rest = count;
    while rest > 0 {
        let block = integers.get_mut(..rest.min(BLOCK)).unwrap_or_default();
        decode_block(bytes, at, block, &mut fields)?;
        put(block);
        rest -= block.len();
    }
    Ok(())
}

fn decode_block(
    bytes: &[u8],
    at: &mut usize,
    block: &mut [i64],
    fields: &mut [u64],
) -> Result<(), CodecError> {
    let mode = Mode::from_tag(take_byte(bytes, at)?);
    let mode = mode.ok_or(CodecError::OutOfRange { field: "mode" })?;
    let width = u32::from(take_byte(bytes, at)?);
    let base = varint::unzigzag(varint::read_u64(bytes, at)?);
    let step = if mode.has_step() { varint::unzigzag(varint::read_u64(bytes, at)?) } else { 0 };
    let patches = varint::read_u64(bytes, at)?;
    let count = mode.fields(block.len());
    let fields = fields.get_mut(..count).unwrap_or_default();
    take_fields(bytes, at, width, fields)?;
    if patches > 0 {
        // A writer patches fewer fields than there are.
        let patches = usize::try_from(patches).ok().filter(|patches| *patches < count);
        let patches = patches.ok_or(CodecError::OutOfRange { field: "patches" })?;
        patch(bytes, at, width, patches, fields)?;
    }
    simd::run(Predict { mode, base, step, fields, block });
    Ok(())
}

fn take_byte(bytes: &[u8], at: &mut usize) -> Result<u8, CodecError> {
    let byte = *bytes.get(*at).ok_or(CodecError::Truncated)?;
    *at += 1;
    Ok(byte)
}

fn take_fields(
    bytes: &[u8],
    at: &mut usize,
    width: u32,
    fields: &mut [u64],
) -> Result<(), CodecError> {
    *at += unpack(bytes.get(*at..).unwrap_or(&[]), width, fields)?;
    Ok(())
}

fn patch(
    bytes: &[u8],
    at: &mut usize,
    width: u32,
    patches: usize,
    fields: &mut [u64],
) -> Result<(), CodecError> {
    let patch_width = u32::from(take_byte(bytes, at)?);
    if patch_width == 0 || patch_width + width > u64::BITS {
        return Err(CodecError::OutOfRange { field: "patch width" });
    }
    let positions = bytes.get(*at..).unwrap_or(&[]);
    *at += check_packed(positions, POSITION_BITS, patches)?;
    let uppers = bytes.get(*at..).unwrap_or(&[]);
    *at += check_packed(uppers, patch_width, patches)?;
    let mut position_min = 0;
    for patch in 0..patches {
        let position = field_at(positions, POSITION_BITS, patch);
        if position < position_min {
            return Err(CodecError::OutOfRange { field: "position" });
        }
        let field = usize::try_from(position).ok().and_then(|position| fields.get_mut(position));
        let field = field.ok_or(CodecError::OutOfRange { field: "position" })?;
        *field |= field_at(uppers, patch_width, patch) << width;
        position_min = position + 1;
    }
    Ok(())
}

/// Adds what was predicted.
struct Predict<'a, 'b> {
    mode: Mode,
    base: i64,
    step: i64,
    fields: &'a [u64],
    block: &'b mut [i64],
}

impl Kernel for Predict<'_, '_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) {
        let Self { mode, base, step, fields, block } = self;
        match mode {
            Mode::Frame => {
                for (integer, field) in block.iter_mut().zip(fields) {
                    *integer = base.wrapping_add(field.cast_signed());
                }
            }
            Mode::Line => {
                for ((integer, field), i) in block.iter_mut().zip(fields).zip(0_i64..) {
                    let line = base.wrapping_add(step.wrapping_mul(i));
                    *integer = line.wrapping_add(field.cast_signed());
                }
            }
            Mode::Delta | Mode::Zigzag => {
                let Some((first, later)) = block.split_first_mut() else { return };
                *first = base;
                let mut before = base;
                if mode == Mode::Delta {
                    for (integer, field) in later.iter_mut().zip(fields) {
                        before = before.wrapping_add(step.wrapping_add(field.cast_signed()));
                        *integer = before;
                    }
                } else {
                    for (integer, field) in later.iter_mut().zip(fields) {
                        before = before.wrapping_add(varint::unzigzag(*field));
                        *integer = before;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use crate::codec::integers::{IntegerPlan, decode_integers};

    fn column() -> impl Strategy<Value = Vec<i64>> {
        let any_width = (any::<i64>(), 0..64_u32).prop_map(|(x, shift)| x >> shift);
        prop_oneof![
            prop::collection::vec(any_width, 0..300),
            // A line with noise and a few far away.
            (any::<i64>(), -1000..1000_i64, prop::collection::vec(0..50_i64, 0..3000)).prop_map(
                |(base, slope, noise)| {
                    let line = (0_i64..).zip(&noise).map(|(i, noise)| {
                        let far = if *noise == 7 { 1 << 40 } else { 0 };
                        base.wrapping_add(slope * i + noise + far)
                    });
                    line.collect()
                }
            ),
            // A walk.
            prop::collection::vec(-9..9_i64, 0..3000).prop_map(|steps| {
                let walk = steps.iter().scan(0_i64, |x, step| {
                    *x += step;
                    Some(*x)
                });
                walk.collect()
            }),
        ]
    }

    proptest! {
        #[test]
        fn columns_come_back_and_plans_are_exact(
            integers in column(),
            behind in prop::collection::vec(any::<u8>(), 0..10),
        ) {
            let plan = IntegerPlan::of(&integers);
            let mut bytes = Vec::new();
            plan.encode(&integers, &mut bytes);
            assert_eq!(bytes.len() as u64, plan.len_bytes());
            let len = bytes.len();
            for cut in (0..len).step_by(len / 40 + 1) {
                let cut = &bytes[..cut];
                assert!(decode_integers(cut, &mut 0, integers.len(), |_| {}).is_err());
            }
            bytes.extend(behind);
            let (mut at, mut read) = (0, Vec::new());
            let put = |block: &mut [i64]| read.extend_from_slice(block);
            assert_eq!(decode_integers(&bytes, &mut at, integers.len(), put), Ok(()));
            assert_eq!((at, read), (len, integers));
        }

        #[test]
        fn hostile_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            count in 0..3000_usize,
            mode in 0..5_u8,
            width in 0..70_u8,
        ) {
            let _ = decode_integers(&bytes, &mut 0, count, |_| {});
            let mut headed = vec![mode, width];
            headed.extend(&bytes);
            let _ = decode_integers(&headed, &mut 0, count, |_| {});
        }
    }

    #[test]
    fn regular_columns_take_a_few_bytes() {
        let of = |integers: &[i64]| IntegerPlan::of(integers).len_bytes();
        assert_eq!(of(&[5; 1024]), 4);
        let line: Vec<i64> = (0..1024).map(|i| i * 15_000).collect();
        assert!(of(&line) <= 8, "{}", of(&line));
        let mut far = vec![5; 1024];
        far[7] = 1 << 50;
        assert!(of(&far) <= 20, "{}", of(&far));
    }
}
