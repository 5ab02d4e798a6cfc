//! A column: its divisor, its order, and its entries.

use crate::codec::dense::DENSE_COUNT_MAX;
use crate::codec::dense::offsets::slices_bytes;
use crate::codec::dense::order::{Order, SLICING_ONE_IN};
use crate::codec::dense::repeats::Known;
use crate::codec::dense::tree::{Bin, take_bins};
use crate::codec::error::CodecError;
use crate::codec::scaled::Scale;
use crate::codec::varint;

const VALUES: u8 = 0;
const DELTAS: u8 = 1;
const LINE: u8 = 2;
/// These bits of the tag are the order, those above say which entries are known.
const ORDER: u8 = 3;

/// An encoded column: to know what it takes is to encode it.
#[derive(Debug)]
pub(in crate::codec) struct DensePlan {
    bytes: Vec<u8>,
}

impl DensePlan {
    /// Encodes 1 to [`DENSE_COUNT_MAX`] integers; nothing where there are none, or more. O(n), or
    /// O(n log n) where the entries span more than 48 bits.
    pub(in crate::codec) fn of(integers: Vec<i64>) -> Option<Self> {
        if !(1..=DENSE_COUNT_MAX).contains(&integers.len()) {
            return None;
        }
        let (scale, quotients) = Scale::divide(integers);
        let order = Order::choose(&quotients);
        let mut entries = Vec::with_capacity(quotients.len());
        order.entries(0, &quotients, &mut entries);
        let mut plan = Self::in_order(scale, order, Known::Nothing, &entries);
        let held = Known::held_in(&quotients).map(|held| (Order::Values, held));
        let constant = Known::constant_of(&entries).map(|constant| (order, constant));
        for (order, known) in [held, constant].into_iter().flatten() {
            let entries = if known == Known::Held { &quotients } else { &entries };
            let repeating = Self::in_order(scale, order, known, entries);
            if repeating.saves_against(&plan) {
                plan = repeating;
            }
        }
        Some(plan)
    }

    /// Returns whether this takes so much less that it pays for slices and for work.
    fn saves_against(&self, other: &Self) -> bool {
        let margin = other.len_bytes() / SLICING_ONE_IN;
        self.len_bytes() < other.len_bytes() - margin
    }

    fn in_order(scale: Scale, order: Order, known: Known, entries: &[i64]) -> Self {
        let mut bytes = Vec::new();
        scale.put(&mut bytes);
        let (tag, parameter) = match order {
            Order::Values => (VALUES, None),
            Order::Deltas(first) => (DELTAS, Some(first)),
            Order::Line(slope) => (LINE, Some(slope)),
        };
        bytes.push(tag | known.tag());
        if let Some(parameter) = parameter {
            varint::put_u64(&mut bytes, varint::zigzag(parameter));
        }
        known.put(entries, order == Order::Values, &mut bytes);
        Self { bytes }
    }

    /// Returns how many bytes [`encode`](Self::encode) appends.
    pub(in crate::codec) fn len_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Appends the column.
    pub(in crate::codec) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }
}

/// Returns the integers of the column at `*at`, which moves behind it.
///
/// Total over any bytes: allocates 17 bytes an integer, and does a bounded amount of work for each.
///
/// # Errors
/// [`CodecError`] where the bytes are no such column.
pub(in crate::codec) fn decode_dense(
    bytes: &[u8],
    at: &mut usize,
    count: usize,
) -> Result<Vec<i64>, CodecError> {
    let mut integers = Vec::new();
    append_dense(bytes, at, count, &mut integers)?;
    Ok(integers)
}

/// Appends the integers of the column at `*at`, which moves behind it. After an error zeros may
/// have been appended.
///
/// # Errors
/// [`CodecError`] where the bytes are no such column.
pub(in crate::codec) fn append_dense(
    bytes: &[u8],
    at: &mut usize,
    count: usize,
    out: &mut Vec<i64>,
) -> Result<(), CodecError> {
    if !(1..=DENSE_COUNT_MAX).contains(&count) {
        return Err(CodecError::OutOfRange { field: "count" });
    }
    let start = out.len();
    out.resize(start + count, 0);
    let integers = out.get_mut(start..).unwrap_or_default();
    let scale = Scale::take(bytes, at)?;
    let (order, known) = take_order(bytes, at)?;
    let skipped = usize::from(matches!(order, Order::Deltas(_)));
    let entries = integers.get_mut(skipped..).unwrap_or_default();
    if !entries.is_empty() {
        known.take_entries(bytes, at, entries)?;
    }
    order.restore(integers);
    scale.multiply(integers);
    Ok(())
}

/// The bins of a column whose integers are not predicted, and the bytes of their slices.
#[derive(Debug)]
pub(super) struct SlicedColumn {
    pub(super) scale: Scale,
    /// Of the quotients, in ascending order.
    pub(super) bins: Vec<Bin>,
    /// A quotient that stands in no slice, and how often it comes.
    pub(super) constant: Option<(i64, u32)>,
    /// Where in the bytes the slices begin.
    pub(super) slices_at: usize,
}

/// Reads the bins of the column at `at`; nothing where its integers are predicted. O(bins).
///
/// # Errors
/// [`CodecError`] where the bytes up to the ids are no such column.
pub(super) fn take_sliced(
    bytes: &[u8],
    mut at: usize,
    count: usize,
) -> Result<Option<SlicedColumn>, CodecError> {
    const ILLEGAL: CodecError = CodecError::OutOfRange { field: "count" };
    if !(1..=DENSE_COUNT_MAX).contains(&count) {
        return Err(ILLEGAL);
    }
    let scale = Scale::take(bytes, &mut at)?;
    let (order, known) = take_order(bytes, &mut at)?;
    if order != Order::Values || known == Known::Held {
        return Ok(None);
    }
    let given = known.take_given(bytes, &mut at, count)?;
    let to_u32 = |count| u32::try_from(count).map_err(|_| ILLEGAL);
    let constant = match known {
        Known::Constant(constant) if given < count => Some((constant, to_u32(count - given)?)),
        _ => None,
    };
    let bins = take_bins(bytes, &mut at, to_u32(given)?)?;
    slices_bytes(bytes.get(at..).unwrap_or(&[]), &bins)?;
    Ok(Some(SlicedColumn { scale, bins, constant, slices_at: at }))
}

fn take_order(bytes: &[u8], at: &mut usize) -> Result<(Order, Known), CodecError> {
    let tag = *bytes.get(*at).ok_or(CodecError::Truncated)?;
    *at += 1;
    let mut parameter = || Ok(varint::unzigzag(varint::read_u64(bytes, at)?));
    let order = match tag & ORDER {
        VALUES => Order::Values,
        DELTAS => Order::Deltas(parameter()?),
        LINE => Order::Line(parameter()?),
        _ => return Err(CodecError::OutOfRange { field: "order" }),
    };
    Ok((order, Known::take(tag & !ORDER, bytes, at)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, any, prop, prop_oneof, proptest};

    use crate::codec::CodecError;
    use crate::codec::dense::DENSE_COUNT_MAX;
    use crate::codec::dense::column::{DensePlan, decode_dense};

    fn encode(integers: &[i64]) -> Vec<u8> {
        let plan = DensePlan::of(integers.to_vec()).unwrap();
        let mut bytes = Vec::new();
        plan.encode(&mut bytes);
        assert_eq!(bytes.len() as u64, plan.len_bytes());
        bytes
    }

    fn check_round_trip(integers: &[i64]) -> usize {
        let mut bytes = encode(integers);
        let len = bytes.len();
        for behind in [0, 1, 100] {
            bytes.resize(len + behind, 0xA5);
            let mut at = 0;
            let read = decode_dense(&bytes, &mut at, integers.len()).unwrap();
            assert!(read == integers, "{} integers", integers.len());
            assert_eq!(at, len);
        }
        len
    }

    /// `SplitMix64` (Steele, Lea, Flood, 2014).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Columns that lead to every sort of tree, code and order.
    fn shapes(count: usize) -> Vec<Vec<i64>> {
        let mut state = count as u64;
        let mut noise = || random(&mut state).cast_signed();
        let mut walk = 0_i64;
        let wide: Vec<i64> = (0..400).map(|_| noise()).collect();
        let of: Vec<Box<dyn FnMut(i64) -> i64>> = vec![
            Box::new(|_| -7),
            Box::new(|i| i % 2 * i64::MAX),
            Box::new(|i| if i % 2 == 0 { i64::MIN } else { i64::MAX }),
            // Far more than 256 places that hold entries.
            Box::new(|i| wide[usize::try_from(i).unwrap() % wide.len()]),
            // Each bin twice as likely as the next: the longest codes.
            Box::new(|i| i64::from((i + 1).trailing_zeros()) << 40),
            Box::new(|i| 1 << (i % 64)),
            Box::new(|i| i * 15_000 + i * i % 11),
            // Entries that are known: a constant, levels, steps of a schedule with gaps.
            Box::new(|i| if i % 23 == 7 { i * i % 1000 } else { 5 }),
            Box::new(|i| (i / 31) * (i / 31) % 1009 * 17),
            Box::new(|i| i * 15 + i / 57 * 4),
        ];
        let mut shapes: Vec<Vec<i64>> =
            of.into_iter().map(|shape| (0..).take(count).map(shape).collect()).collect();
        shapes.push((0..count).map(|_| noise()).collect());
        shapes.push((0..count).map(|_| noise() >> (noise() & 63)).collect());
        let steps = (0..count).map(|_| {
            walk = walk.wrapping_add(noise() >> 54);
            walk
        });
        shapes.push(steps.collect());
        shapes
    }

    #[test]
    fn columns_of_every_length_come_back() {
        let near_limits = [1024, 4096, 8192].map(|limit| limit - 1..=limit + 1);
        let lengths = (1..20).chain(near_limits.into_iter().flatten()).chain([120, 65_535, 65_536]);
        for length in lengths {
            for shape in shapes(length) {
                check_round_trip(&shape);
            }
        }
        assert!(DensePlan::of(Vec::new()).is_none());
        assert!(DensePlan::of(vec![1; DENSE_COUNT_MAX + 1]).is_none());
        let illegal = CodecError::OutOfRange { field: "count" };
        for count in [0, DENSE_COUNT_MAX + 1, 70_000, usize::MAX] {
            assert_eq!(decode_dense(&[1, 0, 0, 0], &mut 0, count), Err(illegal));
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn a_column_takes_little_more_than_its_entropy() {
        // Gaps of Poisson arrivals: geometric, with a mean of about 1,000.
        let mut state = 3;
        let mut gap = || {
            let uniform = (random(&mut state) >> 11) as f64 / (1_u64 << 53) as f64;
            #[expect(clippy::cast_possible_truncation, reason = "at most 37 times 1,000")]
            let gap = (-1000.0 * (1.0 - uniform).ln()) as i64;
            gap
        };
        let entropy = (1000.0 * std::f64::consts::E).log2();
        let gaps: Vec<i64> = (0..8192).map(|_| gap()).collect();
        let arrivals: Vec<i64> = (gaps.iter().scan(0, |time, gap| {
            *time += gap;
            Some(*time)
        }))
        .collect();
        for column in [gaps, arrivals] {
            let bits = encode(&column).len() as f64 * 8.0 / column.len() as f64;
            assert!(bits < entropy + 0.1, "{bits} bits, where the entropy is {entropy}");
        }
    }

    proptest! {
        #[test]
        fn any_column_comes_back(
            integers in prop::collection::vec((any::<i64>(), 0..64_u32), 1..300),
            shared in 0..64_u32,
            repeats in 1..30_usize,
        ) {
            let integers: Vec<i64> =
                integers.iter().map(|(x, shift)| x >> shift.max(&shared)).collect();
            check_round_trip(&integers.repeat(repeats));
        }

        #[test]
        fn a_cut_or_changed_column_is_refused_or_harmless(
            shape in 0..13_usize,
            length in prop_oneof![1..300_usize, Just(1500), Just(5000)],
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = encode(&shapes(length)[shape]);
            let cut = cut.index(bytes.len());
            assert!(decode_dense(&bytes[..cut], &mut 0, length).is_err());
            for (place, byte) in changes {
                // The first bytes hold the lengths and counts.
                let place = place.index(bytes.len().min(60));
                bytes[place] = byte;
                let mut at = 0;
                if let Ok(read) = decode_dense(&bytes, &mut at, length) {
                    assert_eq!(read.len(), length);
                    assert!(at <= bytes.len());
                }
            }
        }

        #[test]
        fn hostile_bytes_never_panic(
            order in 0..12_u8,
            width in 0..66_u8,
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            count in prop_oneof![1..2000_usize, Just(DENSE_COUNT_MAX)],
        ) {
            let mut headed = vec![1, order];
            if order % 4 > 0 {
                headed.push(3);
            }
            headed.extend([width, 9]);
            headed.extend(&bytes);
            let mut at = 0;
            if decode_dense(&headed, &mut at, count).is_ok() {
                assert!(at <= headed.len());
            }
        }
    }

    #[test]
    fn illegal_fields_are_refused() {
        let illegal = |field| Err(CodecError::OutOfRange { field });
        let decode = |bytes: &[u8], count| decode_dense(bytes, &mut 0, count).map(|_| ());
        assert_eq!(decode(&[0, 0, 0, 0], 3), illegal("divisor"));
        assert_eq!(decode(&[1, 3, 0, 0], 3), illegal("order"));
        assert_eq!(decode(&[1, 0, 65, 0], 3), illegal("root width"));
        // Of one entry there are no two halves, and a left half does not hold all.
        assert_eq!(decode(&[1, 0, 4, 0, 0b01], 1), illegal("left count"));
        assert_eq!(decode(&[1, 0, 4, 0, 0b1101], 4), illegal("left count"));
        // A width of 4 cannot be halved 5 times, nor any width 128 times.
        assert_eq!(decode(&[1, 0, 4, 0, 0b0101_0011, 0], 3), illegal("levels"));
        assert_eq!(decode(&[1, 0, 4, 0, 0b0000_0011, 0b10], 3), illegal("levels"));
        assert_eq!(decode(&[1, 0, 4, 0, 0b10], 3), illegal("padding"));
        // Two bins of two and one entries: 10, 01, 0, 0, then offsets of a bit each.
        let whole = [1, 0, 2, 0, 0b0101, 0b011, 0b010];
        assert_eq!(decode_dense(&whole, &mut 0, 3), Ok(vec![1, 2, 1]));
        let changed = |at: usize, byte| {
            let mut bytes = whole;
            bytes[at] = byte;
            decode(&bytes, 3)
        };
        assert_eq!(changed(5, 0b1011), illegal("padding"));
        assert_eq!(changed(6, 0b1010), illegal("padding"));
        assert_eq!(changed(6, 0b011), illegal("ids"));
    }

    #[test]
    fn a_stream_has_exactly_its_length() {
        let integers: Vec<i64> = (0..2000).map(|i| i * i % 5).collect();
        let mut bytes = encode(&integers);
        // Three bins of one integer, so that nothing but ids has a length.
        let lengths = (0..bytes.len() - 3)
            .find(|at| bytes[*at] > 90 && bytes[*at] == bytes[at + 1])
            .expect("streams of like lengths");
        bytes[lengths] -= 1;
        bytes[lengths + 1] += 1;
        let decoded = decode_dense(&bytes, &mut 0, integers.len());
        assert!(matches!(
            decoded,
            Err(CodecError::OutOfRange { field: "stream length" | "padding" | "ids" })
        ));
    }
}
