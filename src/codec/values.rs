//! The menu of codecs for values, and the choice among them.

use crate::codec::decimal::{self, DecimalPlan};
use crate::codec::dense::{self, DenseValuesPlan};
use crate::codec::error::CodecError;
use crate::codec::gorilla_values;
use crate::codec::near::{self, NearPlan};
use crate::codec::ordered;
use crate::codec::raw;
use crate::codec::scaled::ScaledPlan;
use crate::codec::{CONSTANT_COUNT_MAX, Tier};

/// What takes no more bytes a value is not tried as quotients, which decode with more work.
const NARROW_BYTES: u64 = 3;

/// From so many values on, runs of them say what a codec takes, about.
const SAMPLED_MIN: usize = 2048;
const SAMPLE_RUNS: usize = 8;
const SAMPLE_RUN: usize = 32;
/// A codec is left out where its sample takes more than so many times what is needed.
const SAMPLE_DOUBT: u64 = 2;

/// How a block's values are encoded. The numbers are part of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ValueCodec {
    /// Eight bytes a value: its bits, little-endian.
    Raw = 1,
    /// One value for the whole block: its bits in eight bytes, little-endian.
    Constant = 2,
    /// Each value's bits by their difference from the one before (VLDB 2015).
    Gorilla = 3,
    /// Integers over a power of ten, bit-packed, and the few values that are none.
    Decimal = 4,
    /// The order of the values' bits, bit-packed.
    Ordered = 5,
    /// Integers over a power of ten or a number, or the order of the values' bits, in bins.
    Dense = 6,
    /// Integers over a number and how far beside it the values lie, bit-packed.
    Near = 7,
}

impl ValueCodec {
    /// All codecs, those that decode with the least work first: of two that take as many bytes,
    /// the earlier one is chosen.
    pub const ALL: [Self; 7] = [
        Self::Constant,
        Self::Raw,
        Self::Decimal,
        Self::Ordered,
        Self::Near,
        Self::Dense,
        Self::Gorilla,
    ];

    /// Returns the tag that stands for this codec on disk.
    #[must_use]
    pub const fn to_tag(self) -> u8 {
        self as u8
    }

    /// Returns the codec of a tag, if there is one.
    #[must_use]
    pub const fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            1 => Some(Self::Raw),
            2 => Some(Self::Constant),
            3 => Some(Self::Gorilla),
            4 => Some(Self::Decimal),
            5 => Some(Self::Ordered),
            6 => Some(Self::Dense),
            7 => Some(Self::Near),
            _ => None,
        }
    }

    /// Returns the codec's name, as reports print it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Constant => "constant",
            Self::Gorilla => "gorilla",
            Self::Decimal => "decimal",
            Self::Ordered => "ordered",
            Self::Dense => "dense",
            Self::Near => "near",
        }
    }

    /// Returns whether a tier chooses this codec.
    const fn is_of(self, tier: Tier) -> bool {
        match tier {
            Tier::Fast => !matches!(self, Self::Dense),
            // Bins hold near quotients in less.
            Tier::Dense => !matches!(self, Self::Near),
        }
    }

    /// Returns how many bytes [`encode`](Self::encode) would append; `None` if this codec does not
    /// hold these values. Exact; O(n).
    #[must_use]
    pub fn estimate(self, values: &[f64]) -> Option<u64> {
        Plan::of(self, values).map(|plan| plan.len_bytes(values))
    }

    /// Appends the values in this codec, whatever it costs. Returns whether the codec holds them;
    /// if not, nothing is appended.
    #[must_use]
    pub fn encode(self, values: &[f64], out: &mut Vec<u8>) -> bool {
        let Some(plan) = Plan::of(self, values) else { return false };
        plan.encode(values, out);
        true
    }
}

/// What a codec found out about values while it estimated them.
#[derive(Debug)]
enum Plan {
    Raw,
    Constant(f64),
    Gorilla,
    Decimal(DecimalPlan),
    Ordered(ScaledPlan),
    Dense(DenseValuesPlan),
    Near(NearPlan),
}

impl Plan {
    fn of(codec: ValueCodec, values: &[f64]) -> Option<Self> {
        match codec {
            ValueCodec::Raw => Some(Self::Raw),
            ValueCodec::Constant => the_one_value(values).map(Self::Constant),
            ValueCodec::Gorilla => Some(Self::Gorilla),
            ValueCodec::Decimal if values.len() <= CONSTANT_COUNT_MAX => {
                DecimalPlan::of(values).map(Self::Decimal)
            }
            ValueCodec::Ordered if values.len() <= CONSTANT_COUNT_MAX => {
                Some(Self::Ordered(ordered::plan(values)))
            }
            ValueCodec::Near if values.len() <= CONSTANT_COUNT_MAX => {
                NearPlan::of(values).map(Self::Near)
            }
            ValueCodec::Decimal | ValueCodec::Ordered | ValueCodec::Near => None,
            ValueCodec::Dense => DenseValuesPlan::of(values).map(Self::Dense),
        }
    }

    fn codec(&self) -> ValueCodec {
        match self {
            Self::Raw => ValueCodec::Raw,
            Self::Constant(_) => ValueCodec::Constant,
            Self::Gorilla => ValueCodec::Gorilla,
            Self::Decimal(_) => ValueCodec::Decimal,
            Self::Ordered(_) => ValueCodec::Ordered,
            Self::Dense(_) => ValueCodec::Dense,
            Self::Near(_) => ValueCodec::Near,
        }
    }

    fn len_bytes(&self, values: &[f64]) -> u64 {
        match self {
            Self::Raw => (values.len() as u64).saturating_mul(raw::ENTRY_BYTES as u64),
            Self::Constant(_) => raw::ENTRY_BYTES as u64,
            Self::Gorilla => gorilla_values::len_bytes(values),
            Self::Decimal(plan) => plan.len_bytes(),
            Self::Ordered(plan) => plan.len_bytes(),
            Self::Dense(plan) => plan.len_bytes(),
            Self::Near(plan) => plan.len_bytes(),
        }
    }

    fn encode(&self, values: &[f64], out: &mut Vec<u8>) {
        match self {
            Self::Raw => raw::encode(values.iter().map(|value| value.to_bits()), out),
            Self::Constant(value) => raw::encode([value.to_bits()].into_iter(), out),
            Self::Gorilla => gorilla_values::encode(values, out),
            Self::Decimal(plan) => plan.encode(out),
            Self::Ordered(plan) => plan.encode(out),
            Self::Dense(plan) => plan.encode(out),
            Self::Near(plan) => plan.encode(out),
        }
    }
}

/// Returns the value that all values are, bit for bit.
fn the_one_value(values: &[f64]) -> Option<f64> {
    let (first, later) = values.split_first()?;
    let constant = later.iter().all(|value| value.to_bits() == first.to_bits());
    (constant && values.len() <= CONSTANT_COUNT_MAX).then_some(*first)
}

/// Appends the values and returns in which codec: constant where that holds them, else the one of
/// the tier that takes the fewest bytes; of equals, the one that decodes with the least work. No
/// value is encoded to no bytes.
///
/// Every bit pattern comes back as it was: negative zero, infinities, NaNs with their payloads.
pub fn encode_values(values: &[f64], tier: Tier, out: &mut Vec<u8>) -> ValueCodec {
    let mut best: Option<(Plan, u64)> = None;
    for codec in ValueCodec::ALL.into_iter().filter(|codec| codec.is_of(tier)) {
        let least = best.as_ref().map_or(u64::MAX, |(_, least)| *least);
        if !may_take_less(codec, values, least) {
            continue;
        }
        let Some(plan) = Plan::of(codec, values) else { continue };
        let bytes = plan.len_bytes(values);
        if codec == ValueCodec::Constant {
            best = Some((plan, bytes));
            break;
        }
        // Of equals the first one stays.
        if best.as_ref().is_none_or(|(_, least)| bytes < *least) {
            best = Some((plan, bytes));
        }
    }
    let (plan, len_bytes) = best.unwrap_or((Plan::Raw, 0));
    let start = out.len();
    plan.encode(values, out);
    debug_assert_eq!((out.len() - start) as u64, len_bytes, "estimates are exact");
    plan.codec()
}

/// Returns whether a codec is worth a plan where another takes `least` bytes.
fn may_take_less(codec: ValueCodec, values: &[f64], least: u64) -> bool {
    match codec {
        ValueCodec::Near => least / NARROW_BYTES > values.len() as u64,
        ValueCodec::Ordered | ValueCodec::Gorilla if values.len() >= SAMPLED_MIN => {
            let step = values.len() / SAMPLE_RUNS;
            let runs = values.chunks_exact(step).filter_map(|part| part.get(..SAMPLE_RUN));
            let sample: Vec<f64> = runs.flatten().copied().collect();
            let of_sample = codec.estimate(&sample).unwrap_or(0);
            let about =
                of_sample.saturating_mul(values.len() as u64) / (sample.len() as u64).max(1);
            about / SAMPLE_DOUBT <= least
        }
        _ => true,
    }
}

/// Appends the `count` values of a block.
///
/// Total over any bytes. Allocates at most 8 KiB for each byte of the block, for a dense one at
/// most 32 bytes a value, of which there are up to
/// [`DENSE_COUNT_MAX`](crate::codec::DENSE_COUNT_MAX), and for a constant one at most eight times
/// [`CONSTANT_COUNT_MAX`] bytes; a caller that knows a lower bound for `count` checks it first.
///
/// # Errors
/// [`CodecError`] if the bytes are no encoding of `count` values; then `out` is as it was.
pub fn decode_values(
    codec: ValueCodec,
    bytes: &[u8],
    count: usize,
    out: &mut Vec<f64>,
) -> Result<(), CodecError> {
    let start = out.len();
    let decoded = match codec {
        ValueCodec::Raw => {
            raw::decode(bytes, count).map(|words| out.extend(words.map(f64::from_bits)))
        }
        ValueCodec::Constant => decode_constant(bytes, count, out),
        ValueCodec::Gorilla => gorilla_values::decode(bytes, count, out),
        ValueCodec::Decimal | ValueCodec::Ordered | ValueCodec::Near
            if count > CONSTANT_COUNT_MAX =>
        {
            Err(CodecError::OutOfRange { field: "count" })
        }
        ValueCodec::Decimal => decimal::decode(bytes, count, out),
        ValueCodec::Ordered => ordered::decode(bytes, count, out),
        ValueCodec::Dense => dense::decode_values(bytes, count, out),
        ValueCodec::Near => near::decode(bytes, count, out),
    };
    if decoded.is_err() {
        out.truncate(start);
    }
    debug_assert!(decoded.is_err() || out.len() - start == count);
    decoded
}

fn decode_constant(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    if !(1..=CONSTANT_COUNT_MAX).contains(&count) {
        return Err(CodecError::OutOfRange { field: "count" });
    }
    for bits in raw::decode(bytes, 1)? {
        out.resize(out.len() + count, f64::from_bits(bits));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use crate::codec::simd::tests::on_any_processor;
    use crate::codec::values::{ValueCodec, decode_values, encode_values};
    use crate::codec::{CONSTANT_COUNT_MAX, CodecError, DENSE_COUNT_MAX, Tier};

    /// Bit patterns that formulas on floats tend to lose.
    const SPECIAL: [u64; 12] = [
        0,                     // zero
        1 << 63,               // negative zero
        1,                     // the least subnormal
        0x000F_FFFF_FFFF_FFFF, // the greatest subnormal
        0x7FEF_FFFF_FFFF_FFFF, // the greatest finite
        0x7FF0_0000_0000_0000, // infinity
        0xFFF0_0000_0000_0000, // negative infinity
        0x7FF8_0000_0000_0000, // the quiet NaN
        0x7FF0_0000_0000_0001, // a signalling NaN
        0xFFF8_DEAD_BEEF_CAFE, // a NaN with sign and payload
        0x3FF0_0000_0000_0000, // one
        u64::MAX,
    ];

    fn from_bits(bits: &[u64]) -> Vec<f64> {
        bits.iter().copied().map(f64::from_bits).collect()
    }

    fn to_bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    fn bit_pattern() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            prop::sample::select(SPECIAL.as_slice()),
            (-100_000..100_000i32).prop_map(|cents| (f64::from(cents) / 100.0).to_bits()),
            (0..64u32).prop_map(|shift| 1 << shift),
        ]
    }

    fn column() -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![
            prop::collection::vec(bit_pattern(), 0..100),
            // Runs, so that windows are kept, widened and repeated.
            prop::collection::vec((bit_pattern(), 1..40usize), 0..130).prop_map(|runs| {
                runs.iter().flat_map(|&(bits, len)| [bits].repeat(len)).collect()
            }),
            (bit_pattern(), 0..5000usize).prop_map(|(bits, len)| vec![bits; len]),
            // Rates of a period, and sums of decimals, which miss them by a few steps.
            (1..1000u32, prop::collection::vec(0..1_000_000u32, 0..1500)).prop_map(
                |(period, counts)| {
                    let rate = |count: &u32| (f64::from(*count) / f64::from(period)).to_bits();
                    counts.iter().map(rate).collect()
                }
            ),
            prop::collection::vec(0..1_000_000u32, 0..1500).prop_map(|thousandths| {
                let sum = |x: &u32| (f64::from(*x) * 0.001 + 0.1).to_bits();
                thousandths.iter().map(sum).collect()
            }),
            // A random walk of two decimals, as gauges make.
            (Just(()), prop::collection::vec(-50..50i32, 0..5000)).prop_map(|((), steps)| {
                let walk = steps.iter().scan(20_000, |cents, step| {
                    *cents += step;
                    Some((f64::from(*cents) / 100.0).to_bits())
                });
                walk.collect()
            }),
        ]
    }

    fn check_round_trip(bits: &[u64]) {
        let values = from_bits(bits);
        let mut chosen_bytes = vec![0xA5];
        let chosen = encode_values(&values, Tier::Dense, &mut chosen_bytes);
        for codec in ValueCodec::ALL {
            let mut bytes = vec![0xA5];
            let held = codec.encode(&values, &mut bytes);
            let len_bytes = bytes.len() as u64 - 1;
            assert_eq!(codec.estimate(&values), held.then_some(len_bytes), "{codec:?}");
            assert_eq!(bytes[0], 0xA5);
            if !held {
                assert_eq!(bytes.len(), 1);
                continue;
            }
            // Quotients are for the fast tier, which does not ask for them where others do.
            let is_least = chosen_bytes.len() <= bytes.len()
                || matches!((chosen, codec), (ValueCodec::Constant, _) | (_, ValueCodec::Near));
            assert!(is_least, "{chosen:?} is larger than {codec:?}");
            let mut decoded = vec![7.0];
            decode_values(codec, &bytes[1..], values.len(), &mut decoded).unwrap();
            assert_eq!(decoded[0].to_bits(), 7f64.to_bits());
            assert_eq!(to_bits(&decoded[1..]), bits, "{codec:?}");
            if codec == chosen {
                assert_eq!(bytes, chosen_bytes);
            }
        }
    }

    /// What is written and read is the same on processors without extensions.
    fn check_any_processor(bits: &[u64]) {
        let values = from_bits(bits);
        for codec in ValueCodec::ALL {
            let (mut bytes, mut plain_bytes) = (Vec::new(), Vec::new());
            let held = codec.encode(&values, &mut bytes);
            assert_eq!(on_any_processor(|| codec.encode(&values, &mut plain_bytes)), held);
            assert_eq!(plain_bytes, bytes, "{codec:?}");
            if held {
                let mut plain = Vec::new();
                let decode = || decode_values(codec, &bytes, values.len(), &mut plain);
                on_any_processor(decode).unwrap();
                assert_eq!(to_bits(&plain), bits, "{codec:?}");
            }
        }
    }

    #[test]
    fn columns_of_every_length_come_back() {
        let noise = |i: u32| i.wrapping_mul(0x9E37_79B9) >> 7;
        let shapes: [fn(u32, u32) -> f64; 5] = [
            |_, noise| f64::from(noise) / 600.0,
            |_, noise| f64::from(noise % 100_000) * 0.001 + 0.1,
            |i, noise| if i % 29 == 5 { f64::from(noise) } else { 0.25 },
            |i, _| f64::from(i / 40),
            |_, noise| f64::from(noise).sqrt(),
        ];
        let near_limits = [1024, 4096, 8192].map(|limit| limit - 1..=limit + 1);
        let lengths = (0..12).chain(near_limits.into_iter().flatten());
        for length in lengths.chain([65_535, 65_536, 65_537, 70_000]) {
            for shape in shapes {
                let bits: Vec<u64> = (0..length).map(|i| shape(i, noise(i)).to_bits()).collect();
                check_round_trip(&bits);
            }
        }
    }

    proptest! {
        #[test]
        fn any_column_comes_back_bit_for_bit(bits in column()) {
            check_round_trip(&bits);
            check_any_processor(&bits);
        }

        #[test]
        fn any_bytes_decode_or_fail_without_harm(
            bytes in any::<Vec<u8>>(),
            count in prop_oneof![0..2000usize, Just(usize::MAX), Just(1 << 40)],
        ) {
            check_hostile(&bytes, count);
        }

        #[test]
        fn damaged_blocks_decode_or_fail_without_harm(
            bits in column(),
            flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let values = from_bits(&bits);
            for codec in ValueCodec::ALL {
                let mut bytes = Vec::new();
                if !codec.encode(&values, &mut bytes) || bytes.is_empty() {
                    continue;
                }
                check_hostile(&bytes[..cut.index(bytes.len())], values.len());
                for flip in &flips {
                    let bit = flip.index(bytes.len() * 8);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    check_hostile(&bytes, values.len());
                }
            }
        }
    }

    /// Decodes with every codec, and checks what the decoder promises about its result.
    fn check_hostile(bytes: &[u8], count: usize) {
        for codec in ValueCodec::ALL {
            if codec == ValueCodec::Constant && bytes.len() == 8 && count > 5000 {
                continue; // Legal up to its limit, which a test of its own covers.
            }
            let mut out = Vec::new();
            match decode_values(codec, bytes, count, &mut out) {
                Ok(()) => assert_eq!(out.len(), count),
                Err(_) => assert!(out.is_empty()),
            }
            let per_byte = match codec {
                ValueCodec::Constant => continue,
                // A block of 1,024 integers takes four bytes or more.
                ValueCodec::Decimal | ValueCodec::Ordered | ValueCodec::Near => 256,
                ValueCodec::Raw | ValueCodec::Gorilla | ValueCodec::Dense => 8,
            };
            let bound = match codec {
                ValueCodec::Dense => DENSE_COUNT_MAX,
                _ => bytes.len() * per_byte,
            };
            assert!(out.capacity() <= bound, "{codec:?}");
        }
    }

    #[test]
    fn special_values_come_back_next_to_each_other() {
        let mut bits = Vec::new();
        for first in SPECIAL {
            for second in SPECIAL {
                bits.extend([first, second, second]);
            }
        }
        for len in 0..bits.len() {
            check_round_trip(&bits[..len]);
        }
    }

    #[test]
    fn every_window_comes_back() {
        let mut bits = vec![0];
        for leading in 0..64 {
            for trailing in 0..64 - leading {
                let difference = (u64::MAX >> leading) & (u64::MAX << trailing);
                bits.push(bits[bits.len() - 1] ^ difference);
            }
        }
        check_round_trip(&bits);
        bits.reverse();
        check_round_trip(&bits);
    }

    #[test]
    fn the_choice_is_the_smallest_and_then_the_simplest() {
        let choose = |values: &[f64]| encode_values(values, Tier::Fast, &mut Vec::new());
        assert_eq!(choose(&[]), ValueCodec::Raw);
        assert_eq!(choose(&[842.0]), ValueCodec::Constant);
        assert_eq!(choose(&[f64::NAN; 3]), ValueCodec::Constant);
        assert_eq!(choose(&[0.0, -0.0]), ValueCodec::Ordered);
        assert_eq!(choose(&[21.5, 21.25, 21.5]), ValueCodec::Decimal);
        let mut thirds = vec![1.0 / 3.0; 40];
        thirds.push(2.0 / 3.0);
        assert_eq!(choose(&thirds), ValueCodec::Gorilla);
        let noise: Vec<f64> = (1..100u64)
            .map(|i| f64::from_bits(i.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)))
            .collect();
        assert_eq!(choose(&noise), ValueCodec::Raw);
    }

    #[test]
    fn a_block_has_exactly_its_length() {
        let values = [21.5, 21.5, 21.75, -3.0];
        for codec in [ValueCodec::Raw, ValueCodec::Gorilla] {
            let mut bytes = Vec::new();
            assert!(codec.encode(&values, &mut bytes));
            let decode = |bytes: &[u8]| decode_values(codec, bytes, 4, &mut Vec::new());
            for end in 0..bytes.len() {
                assert_eq!(decode(&bytes[..end]), Err(CodecError::Truncated), "{codec:?} {end}");
            }
            bytes.push(0);
            assert_eq!(decode(&bytes), Err(CodecError::TrailingBytes), "{codec:?}");
        }
        let decode = |len, count| {
            decode_values(ValueCodec::Constant, &[0; 9][..len], count, &mut Vec::new())
        };
        assert_eq!(decode(8, 4), Ok(()));
        assert_eq!(decode(7, 4), Err(CodecError::Truncated));
        assert_eq!(decode(9, 4), Err(CodecError::TrailingBytes));
        for count in [0, CONSTANT_COUNT_MAX + 1, usize::MAX] {
            assert_eq!(decode(8, count), Err(CodecError::OutOfRange { field: "count" }));
        }
    }

    #[test]
    fn a_block_without_its_first_value_allocates_nothing() {
        // Room for the values was once made before the first of them was read.
        for len in 0..8 {
            let mut out = Vec::new();
            let decoded = decode_values(ValueCodec::Gorilla, &[0; 8][..len], 1, &mut out);
            assert_eq!((decoded, out.capacity()), (Err(CodecError::Truncated), 0));
        }
    }

    #[test]
    fn illegal_windows_are_refused() {
        let illegal = Err(CodecError::OutOfRange { field: "window" });
        let decode = |bits: u64, count| {
            let mut bytes = 21.5f64.to_bits().to_le_bytes().to_vec();
            bytes.extend(bits.to_le_bytes());
            decode_values(ValueCodec::Gorilla, &bytes, count, &mut Vec::new())
        };
        // "1 0" where no window was opened, then 31 leading zeros and a width of 64.
        assert_eq!(decode(0b01, 2), illegal);
        assert_eq!(decode(0b11 | 31 << 2 | 63 << 7, 2), illegal);
    }

    #[test]
    fn tags_are_those_of_the_format() {
        for tag in 0..=u8::MAX {
            let codec = ValueCodec::from_tag(tag);
            assert_eq!(codec.map(ValueCodec::to_tag), (1..=7).contains(&tag).then_some(tag));
        }
        assert_eq!(
            ValueCodec::ALL.map(ValueCodec::as_str),
            ["constant", "raw", "decimal", "ordered", "near", "dense", "gorilla"]
        );
    }
}
