//! The menu of codecs for timestamps, and the choice among them.

use crate::codec::dense::{DensePlan, append_dense};
use crate::codec::error::CodecError;
use crate::codec::gorilla_timestamps::{self, Plan as GorillaPlan};
use crate::codec::integers::check_room;
use crate::codec::raw;
use crate::codec::scaled::{ScaledPlan, decode_scaled};
use crate::codec::varint;
use crate::codec::{CONSTANT_COUNT_MAX, Tier};

/// From so many timestamps on, runs of them say what a codec takes, about.
const SAMPLED_MIN: usize = 2048;
const SAMPLE_RUNS: usize = 4;
const SAMPLE_RUN: usize = 128;
/// A codec is left out where its sample takes more than so many times what is needed.
const SAMPLE_DOUBT: u64 = 2;

/// How a block's timestamps are encoded. The numbers are part of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeCodec {
    /// Eight bytes a timestamp: i64 nanoseconds, little-endian.
    Raw = 1,
    /// One step throughout: the first timestamp in eight bytes, little-endian, then, if there is a
    /// second, the step in nanoseconds as zigzag varint.
    Constant = 2,
    /// The change of each step, in units of their common divisor (after VLDB 2015).
    Gorilla = 3,
    /// Integers in units of their common divisor, bit-packed as steps or on a line.
    Packed = 4,
    /// Integers in units of their common divisor, as steps or about a line, in bins.
    Dense = 5,
}

impl TimeCodec {
    /// All codecs, those that decode with the least work first: of two that take as many bytes,
    /// the earlier one is chosen.
    pub const ALL: [Self; 5] =
        [Self::Constant, Self::Raw, Self::Packed, Self::Dense, Self::Gorilla];

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
            4 => Some(Self::Packed),
            5 => Some(Self::Dense),
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
            Self::Packed => "packed",
            Self::Dense => "dense",
        }
    }

    /// Returns how many bytes [`encode`](Self::encode) would append; `None` if this codec does not
    /// hold these timestamps. Exact; O(n), with a division a timestamp for all that look for a
    /// common divisor.
    #[must_use]
    pub fn estimate(self, timestamps: &[i64]) -> Option<u64> {
        Plan::of(self, timestamps).map(|plan| plan.len_bytes(timestamps))
    }

    /// Appends the timestamps in this codec, whatever it costs. Returns whether the codec holds
    /// them; if not, nothing is appended.
    #[must_use]
    pub fn encode(self, timestamps: &[i64], out: &mut Vec<u8>) -> bool {
        let Some(plan) = Plan::of(self, timestamps) else { return false };
        plan.encode(timestamps, out);
        true
    }

    /// Returns whether a tier chooses this codec.
    const fn is_of(self, tier: Tier) -> bool {
        match tier {
            Tier::Fast => !matches!(self, Self::Dense),
            Tier::Dense => true,
        }
    }
}

/// What a codec found out about timestamps while it estimated them.
#[derive(Debug)]
enum Plan {
    Raw,
    Constant(Line),
    Gorilla(GorillaPlan),
    Packed(ScaledPlan),
    Dense(DensePlan),
}

impl Plan {
    fn of(codec: TimeCodec, timestamps: &[i64]) -> Option<Self> {
        match codec {
            TimeCodec::Raw => Some(Self::Raw),
            TimeCodec::Constant => Line::through(timestamps).map(Self::Constant),
            TimeCodec::Gorilla => GorillaPlan::of(timestamps).map(Self::Gorilla),
            TimeCodec::Packed if timestamps.len() > CONSTANT_COUNT_MAX => None,
            TimeCodec::Packed => Some(Self::Packed(ScaledPlan::of(timestamps.to_vec()))),
            TimeCodec::Dense => DensePlan::of(timestamps.to_vec()).map(Self::Dense),
        }
    }

    fn codec(&self) -> TimeCodec {
        match self {
            Self::Raw => TimeCodec::Raw,
            Self::Constant(_) => TimeCodec::Constant,
            Self::Gorilla(_) => TimeCodec::Gorilla,
            Self::Packed(_) => TimeCodec::Packed,
            Self::Dense(_) => TimeCodec::Dense,
        }
    }

    fn len_bytes(&self, timestamps: &[i64]) -> u64 {
        match self {
            Self::Raw => (timestamps.len() as u64).saturating_mul(raw::ENTRY_BYTES as u64),
            Self::Constant(line) => line.len_bytes(),
            Self::Gorilla(plan) => plan.len_bytes(),
            Self::Packed(plan) => plan.len_bytes(),
            Self::Dense(plan) => plan.len_bytes(),
        }
    }

    fn encode(&self, timestamps: &[i64], out: &mut Vec<u8>) {
        match self {
            Self::Raw => {
                raw::encode(timestamps.iter().map(|timestamp| timestamp.cast_unsigned()), out);
            }
            Self::Constant(line) => line.encode(out),
            Self::Gorilla(plan) => plan.encode(timestamps, out),
            Self::Packed(plan) => plan.encode(out),
            Self::Dense(plan) => plan.encode(out),
        }
    }
}

/// Timestamps of one step throughout.
#[derive(Debug, Clone, Copy)]
struct Line {
    first: i64,
    /// In nanoseconds; `None` where the first timestamp is the only one.
    step: Option<i64>,
}

impl Line {
    fn through(timestamps: &[i64]) -> Option<Self> {
        let (&first, later) = timestamps.split_first()?;
        let step = later.first().map(|second| second.wrapping_sub(first));
        let constant = timestamps
            .iter()
            .zip(later)
            .all(|(earlier, later)| Some(later.wrapping_sub(*earlier)) == step);
        (constant && timestamps.len() <= CONSTANT_COUNT_MAX).then_some(Self { first, step })
    }

    fn len_bytes(self) -> u64 {
        let step_bytes = self.step.map_or(0, |step| varint::len_bytes(varint::zigzag(step)));
        (raw::ENTRY_BYTES + step_bytes) as u64
    }

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first.to_le_bytes());
        if let Some(step) = self.step {
            varint::put_u64(out, varint::zigzag(step));
        }
    }
}

/// Appends the timestamps, in nanoseconds, and returns in which codec: constant where that holds
/// them in no more bytes than raw, else the one of the tier that takes the fewest bytes; of equals,
/// the one that decodes with the least work. No timestamp is encoded to no bytes.
///
/// Any sequence comes back as it was, sorted or not. Timestamps of a coarse clock cost what its
/// unit costs: a block is scaled by the greatest common divisor of its steps.
pub fn encode_timestamps(timestamps: &[i64], tier: Tier, out: &mut Vec<u8>) -> TimeCodec {
    let raw_bytes = Plan::Raw.len_bytes(timestamps);
    let (mut best, mut least) = (Plan::Raw, raw_bytes);
    for codec in TimeCodec::ALL.into_iter().filter(|codec| codec.is_of(tier)) {
        if !may_take_less(codec, timestamps, least) {
            continue;
        }
        let Some(plan) = Plan::of(codec, timestamps) else { continue };
        let bytes = plan.len_bytes(timestamps);
        if codec == TimeCodec::Constant && bytes <= raw_bytes {
            best = plan;
            break;
        }
        // Of equals the first one stays.
        if bytes < least {
            (best, least) = (plan, bytes);
        }
    }
    best.encode(timestamps, out);
    best.codec()
}

/// Returns whether a codec is worth a plan where another takes `least` bytes: runs of timestamps
/// say so of Gorilla, which looks at each in turn.
fn may_take_less(codec: TimeCodec, timestamps: &[i64], least: u64) -> bool {
    if codec != TimeCodec::Gorilla || timestamps.len() < SAMPLED_MIN {
        return true;
    }
    let step = timestamps.len() / SAMPLE_RUNS;
    let runs = timestamps.chunks_exact(step).filter_map(|part| part.get(..SAMPLE_RUN));
    let of_runs: u64 = runs.filter_map(|run| TimeCodec::Gorilla.estimate(run)).sum();
    let about = of_runs.saturating_mul(timestamps.len() as u64) / (SAMPLE_RUNS * SAMPLE_RUN) as u64;
    about / SAMPLE_DOUBT <= least
}

/// Appends the `count` timestamps of a block.
///
/// Total over any bytes. Allocates at most 4 KiB for each byte of the block, for a dense one at
/// most 32 bytes a timestamp, of which there are up to
/// [`DENSE_COUNT_MAX`](crate::codec::DENSE_COUNT_MAX), and for a constant one at most eight times
/// [`CONSTANT_COUNT_MAX`] bytes; a caller that knows a lower bound for `count` checks it first.
///
/// # Errors
/// [`CodecError`] if the bytes are no encoding of `count` timestamps; then `out` is as it was.
pub fn decode_timestamps(
    codec: TimeCodec,
    bytes: &[u8],
    count: usize,
    out: &mut Vec<i64>,
) -> Result<(), CodecError> {
    let start = out.len();
    let decoded = match codec {
        TimeCodec::Raw => {
            raw::decode(bytes, count).map(|words| out.extend(words.map(u64::cast_signed)))
        }
        TimeCodec::Constant => decode_constant(bytes, count, out),
        TimeCodec::Gorilla => gorilla_timestamps::decode(bytes, count, out),
        TimeCodec::Packed => decode_packed(bytes, count, out),
        TimeCodec::Dense => decode_in_bins(bytes, count, out),
    };
    if decoded.is_err() {
        out.truncate(start);
    }
    debug_assert!(decoded.is_err() || out.len() - start == count);
    decoded
}

fn decode_packed(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), CodecError> {
    if count > CONSTANT_COUNT_MAX {
        return Err(CodecError::OutOfRange { field: "count" });
    }
    check_room(count, bytes.len())?;
    let mut at = 0;
    out.reserve(count);
    decode_scaled(bytes, &mut at, count, |timestamps| out.extend_from_slice(timestamps))?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    Ok(())
}

fn decode_in_bins(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), CodecError> {
    let mut at = 0;
    append_dense(bytes, &mut at, count, out)?;
    if at != bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    Ok(())
}

fn decode_constant(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), CodecError> {
    if !(1..=CONSTANT_COUNT_MAX).contains(&count) {
        return Err(CodecError::OutOfRange { field: "count" });
    }
    let first = bytes.first_chunk().ok_or(CodecError::Truncated)?;
    let mut at = first.len();
    let step = if count == 1 { 0 } else { varint::unzigzag(varint::read_u64(bytes, &mut at)?) };
    if at < bytes.len() {
        return Err(CodecError::TrailingBytes);
    }
    let mut timestamp = i64::from_le_bytes(*first);
    out.extend((0..count).map(|_| {
        let current = timestamp;
        timestamp = timestamp.wrapping_add(step);
        current
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use crate::codec::simd::tests::on_any_processor;
    use crate::codec::timestamps::{TimeCodec, decode_timestamps, encode_timestamps};
    use crate::codec::{CONSTANT_COUNT_MAX, CodecError, DENSE_COUNT_MAX, Tier};

    const SPECIAL: [i64; 8] =
        [i64::MIN, i64::MIN + 1, -1, 0, 1, 1_700_000_000_000_000_000, i64::MAX - 1, i64::MAX];

    fn timestamp() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), prop::sample::select(SPECIAL.as_slice())]
    }

    fn column() -> impl Strategy<Value = Vec<i64>> {
        let unit = prop::sample::select([1i64, 100, 1_000_000, 1_000_000_000, 1 << 40].as_slice());
        prop_oneof![
            prop::collection::vec(timestamp(), 0..100),
            // Regular, with any step, so that the sum wraps around.
            (timestamp(), timestamp(), 0..5000usize).prop_map(|(first, step, len)| {
                let line = std::iter::successors(Some(first), |ts| Some(ts.wrapping_add(step)));
                line.take(len).collect()
            }),
            // Steps in a unit, some of them back in time, some zero.
            (timestamp(), unit, prop::collection::vec(-20..500i64, 0..5000)).prop_map(
                |(first, unit, steps)| {
                    let walk = steps.iter().scan(first, |ts, step| {
                        *ts = ts.wrapping_add(step.wrapping_mul(unit));
                        Some(*ts)
                    });
                    walk.collect()
                }
            ),
            // Steps of every magnitude.
            (timestamp(), prop::collection::vec((any::<i64>(), 0..64u32), 0..300)).prop_map(
                |(first, steps)| {
                    let walk = steps.iter().scan(first, |ts, (step, shift)| {
                        *ts = ts.wrapping_add(step >> shift);
                        Some(*ts)
                    });
                    walk.collect()
                }
            ),
        ]
    }

    fn check_round_trip(timestamps: &[i64]) {
        let mut chosen_bytes = vec![0xA5];
        let chosen = encode_timestamps(timestamps, Tier::Dense, &mut chosen_bytes);
        let estimates: Vec<(TimeCodec, u64)> = TimeCodec::ALL
            .into_iter()
            .filter_map(|codec| Some((codec, codec.estimate(timestamps)?)))
            .collect();
        let least = estimates.iter().min_by_key(|(_, bytes)| *bytes).unwrap();
        let constant = estimates.iter().find(|(codec, _)| *codec == TimeCodec::Constant);
        let constant = constant.filter(|(_, bytes)| *bytes <= timestamps.len() as u64 * 8);
        let want = *constant.unwrap_or(least);
        assert_eq!((chosen, chosen_bytes.len() as u64 - 1), want, "{estimates:?}");
        for codec in TimeCodec::ALL {
            let mut bytes = vec![0xA5];
            let held = codec.encode(timestamps, &mut bytes);
            let len_bytes = bytes.len() as u64 - 1;
            assert_eq!(codec.estimate(timestamps), held.then_some(len_bytes), "{codec:?}");
            assert_eq!(bytes[0], 0xA5);
            if !held {
                assert_eq!(bytes.len(), 1);
                continue;
            }
            let mut decoded = vec![7];
            decode_timestamps(codec, &bytes[1..], timestamps.len(), &mut decoded).unwrap();
            assert_eq!(decoded[0], 7);
            assert_eq!(&decoded[1..], timestamps, "{codec:?}");
            if codec == chosen {
                assert_eq!(bytes, chosen_bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn any_column_comes_back(timestamps in column()) {
            check_round_trip(&timestamps);
            // What is written and read is the same on processors without extensions.
            for codec in TimeCodec::ALL {
                let (mut bytes, mut plain_bytes, mut plain) = (Vec::new(), Vec::new(), Vec::new());
                let held = codec.encode(&timestamps, &mut bytes);
                let encode = || codec.encode(&timestamps, &mut plain_bytes);
                assert_eq!(on_any_processor(encode), held);
                assert_eq!(plain_bytes, bytes, "{codec:?}");
                if held {
                    let count = timestamps.len();
                    let decode = || decode_timestamps(codec, &bytes, count, &mut plain);
                    on_any_processor(decode).unwrap();
                    assert_eq!(plain, timestamps, "{codec:?}");
                }
            }
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
            timestamps in column(),
            flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            for codec in TimeCodec::ALL {
                let mut bytes = Vec::new();
                if !codec.encode(&timestamps, &mut bytes) || bytes.is_empty() {
                    continue;
                }
                check_hostile(&bytes[..cut.index(bytes.len())], timestamps.len());
                for flip in &flips {
                    let bit = flip.index(bytes.len() * 8);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    check_hostile(&bytes, timestamps.len());
                }
            }
        }
    }

    /// Decodes with every codec, and checks what the decoder promises about its result.
    fn check_hostile(bytes: &[u8], count: usize) {
        for codec in TimeCodec::ALL {
            let mut out = Vec::new();
            match decode_timestamps(codec, bytes, count, &mut out) {
                Ok(()) => assert_eq!(out.len(), count),
                Err(_) => assert!(out.is_empty()),
            }
            let per_byte = match codec {
                TimeCodec::Constant => continue,
                // A block of 1,024 integers takes four bytes or more.
                TimeCodec::Packed => 256,
                TimeCodec::Raw | TimeCodec::Gorilla | TimeCodec::Dense => 8,
            };
            let bound = match codec {
                TimeCodec::Dense => DENSE_COUNT_MAX,
                _ => bytes.len() * per_byte,
            };
            assert!(out.capacity() <= bound, "{codec:?}");
        }
    }

    #[test]
    fn extremes_come_back_next_to_each_other() {
        let mut timestamps = Vec::new();
        for first in SPECIAL {
            for second in SPECIAL {
                timestamps.extend([first, second, second]);
                check_round_trip(&[first, second]);
            }
        }
        for len in 0..timestamps.len() {
            check_round_trip(&timestamps[..len]);
        }
        for len in 0..20 {
            check_round_trip(&[i64::MIN, 0].repeat(len));
        }
    }

    #[test]
    fn the_choice_is_the_smallest_and_then_the_simplest() {
        let choose =
            |timestamps: &[i64]| encode_timestamps(timestamps, Tier::Fast, &mut Vec::new());
        assert_eq!(choose(&[]), TimeCodec::Raw);
        assert_eq!(choose(&[5]), TimeCodec::Constant);
        assert_eq!(choose(&[5, 5, 5]), TimeCodec::Constant);
        assert_eq!(choose(&[0x7000_0000_0000_0001, -0x6ABC_DEF0_1234_5679]), TimeCodec::Raw);
        assert_eq!(choose(&[10, 20, 30, 40]), TimeCodec::Constant);
        let jittered: Vec<i64> = (0..100).map(|i| i * 15_000 + i % 7).collect();
        assert_eq!(choose(&jittered), TimeCodec::Packed);
    }

    #[test]
    fn a_coarse_clock_costs_what_its_unit_costs() {
        let steps = (0..1000i64).map(|i| i * i % 997);
        let millis: Vec<i64> = steps
            .scan(0, |ts, step| {
                *ts += step;
                Some(*ts)
            })
            .collect();
        let nanos: Vec<i64> =
            millis.iter().map(|ms| 1_700_000_000_000_000_001 + ms * 1_000_000).collect();
        let (mut of_millis, mut of_nanos) = (Vec::new(), Vec::new());
        assert_eq!(encode_timestamps(&millis, Tier::Fast, &mut of_millis), TimeCodec::Packed);
        assert_eq!(encode_timestamps(&nanos, Tier::Fast, &mut of_nanos), TimeCodec::Packed);
        // Divisor and offset take twelve bytes, against one.
        assert_eq!(of_nanos.len(), of_millis.len() + 11);
    }

    #[test]
    fn a_block_has_exactly_its_length() {
        let check = |codec: TimeCodec, timestamps: &[i64]| {
            let mut bytes = Vec::new();
            assert!(codec.encode(timestamps, &mut bytes));
            let count = timestamps.len();
            let decode = |bytes: &[u8]| decode_timestamps(codec, bytes, count, &mut Vec::new());
            for end in 0..bytes.len() {
                assert_eq!(decode(&bytes[..end]), Err(CodecError::Truncated), "{codec:?} {end}");
            }
            bytes.push(0);
            assert_eq!(decode(&bytes), Err(CodecError::TrailingBytes), "{codec:?}");
        };
        check(TimeCodec::Raw, &[3, 1, 2]);
        check(TimeCodec::Constant, &[1]);
        check(TimeCodec::Constant, &[1, 1001]);
        check(TimeCodec::Gorilla, &[1, 1001, 2002, 3003, 3999]);
    }

    #[test]
    fn illegal_fields_are_refused() {
        let illegal = |field| Err(CodecError::OutOfRange { field });
        let decode = |codec, header: &[u8], count| {
            let bytes = [&[0; 8], header].concat();
            decode_timestamps(codec, &bytes, count, &mut Vec::new())
        };
        for count in [0, CONSTANT_COUNT_MAX + 1, usize::MAX] {
            assert_eq!(decode(TimeCodec::Constant, &[2], count), illegal("count"));
        }
        for count in 0..3 {
            assert_eq!(decode(TimeCodec::Gorilla, &[1, 2, 1, 1, 1, 1, 1], count), illegal("count"));
        }
        assert_eq!(decode(TimeCodec::Gorilla, &[1, 2, 1, 1, 1, 1, 1], 3), Ok(()));
        assert_eq!(decode(TimeCodec::Gorilla, &[0, 2, 1, 1, 1, 1, 1], 3), illegal("scale"));
        assert_eq!(decode(TimeCodec::Gorilla, &[0x81, 0, 2, 1, 1, 1, 1, 1], 3), illegal("varint"));
        assert_eq!(decode(TimeCodec::Gorilla, &[1, 2, 0, 0, 0, 0, 1], 3), illegal("bucket width"));
        assert_eq!(decode(TimeCodec::Gorilla, &[1, 2, 1, 1, 1, 1, 3], 3), illegal("padding"));
    }

    #[test]
    fn tags_are_those_of_the_format() {
        for tag in 0..=u8::MAX {
            let codec = TimeCodec::from_tag(tag);
            assert_eq!(codec.map(TimeCodec::to_tag), (1..=5).contains(&tag).then_some(tag));
        }
        assert_eq!(
            TimeCodec::ALL.map(TimeCodec::as_str),
            ["constant", "raw", "packed", "dense", "gorilla"]
        );
    }
}
