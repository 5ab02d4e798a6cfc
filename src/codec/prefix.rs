//! A prefix code for integers that are mostly small: buckets by width, chosen for each block.
//!
//! Gorilla codes a difference as a unary prefix that names a bucket, then as many bits as the
//! bucket is wide. Its widths (0, 7, 9, 12, 32) are fitted to seconds; here each block carries the
//! four that cost least for its own integers, whatever their unit. An integer goes into the first
//! bucket that is wide enough.
//!
//! ```text
//! offset  size  field             legal range
//! 0       4     widths, one byte  0..=64, strictly ascending up to the widest, which is at least
//!               each              1 and repeated to the end; the first of them is the last bucket
//!
//! bits of an integer in bucket j of the last bucket L:
//! j         ones
//! 1         zero, if j < L
//! widths[j] the integer
//! ```

use crate::codec::bits::{BitReader, BitSink};
use crate::codec::error::CodecError;

const BUCKETS: usize = 4;

/// Bytes that the widths take in front of the bits.
pub(super) const WIDTHS_BYTES: usize = BUCKETS;

/// How many integers there are of each width in bits.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: [u64; u64::BITS as usize + 1],
}

impl Histogram {
    /// Counts the integers.
    pub(super) fn of(integers: impl Iterator<Item = u64>) -> Self {
        let mut counts = [0; u64::BITS as usize + 1];
        for integer in integers {
            // The width is at most 64, the last index.
            if let Some(count) = counts.get_mut(width_of(integer) as usize) {
                *count += 1;
            }
        }
        Self { counts }
    }

    fn groups(&self) -> Vec<Group> {
        let widths = (0..).zip(self.counts);
        let present = widths.filter(|&(_, count)| count > 0);
        present.map(|(width, count)| Group { width, count }).collect()
    }
}

/// Integers of one width.
#[derive(Debug, Clone, Copy)]
struct Group {
    width: u8,
    count: u64,
}

/// The widths of a block's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    widths: [u8; BUCKETS],
    /// Index of the last bucket, the first of the greatest width.
    last: usize,
}

/// Widths, and what the integers cost with them.
#[derive(Debug, Clone, Copy)]
struct Plan {
    widths: [u8; BUCKETS],
    bits: u64,
}

impl Buckets {
    /// Chooses the widths that cost the fewest bits, and returns these bits; `None` if all
    /// integers are zero, so that a bucket of no width would hold any number of them.
    pub(super) fn choose(histogram: &Histogram) -> Option<(Self, u64)> {
        let plan = cheapest(&histogram.groups(), 0);
        Some((Self::of_widths(plan.widths)?, plan.bits))
    }

    fn of_widths(widths: [u8; BUCKETS]) -> Option<Self> {
        let [.., widest] = widths;
        let last = widths.iter().position(|&width| width == widest)?;
        let narrower = widths.get(..=last)?;
        let legal = widest >= 1
            && u32::from(widest) <= u64::BITS
            && narrower.is_sorted_by(|narrow, wide| narrow < wide)
            && widths.iter().skip(last).all(|&width| width == widest);
        legal.then_some(Self { widths, last })
    }

    /// Returns the bytes that stand for the widths.
    pub(super) fn to_bytes(self) -> [u8; WIDTHS_BYTES] {
        self.widths
    }

    /// Reads the widths.
    pub(super) fn from_bytes(bytes: [u8; WIDTHS_BYTES]) -> Result<Self, CodecError> {
        Self::of_widths(bytes).ok_or(CodecError::OutOfRange { field: "bucket width" })
    }

    /// Puts an integer, which is no wider than the last bucket.
    #[inline]
    pub(super) fn put(&self, integer: u64, sink: &mut impl BitSink) {
        let needed = width_of(integer);
        let [.., widest] = self.widths;
        for (ones, &width) in (0..).zip(&self.widths) {
            if needed <= u32::from(width) {
                let terminator = u32::from(width < widest);
                sink.put((1 << ones) - 1, ones + terminator);
                sink.put(integer, u32::from(width));
                return;
            }
        }
        debug_assert!(false, "an integer is wider than the histogram said");
    }

    /// Takes an integer.
    #[inline]
    pub(super) fn take(&self, reader: &mut BitReader<'_>) -> Result<u64, CodecError> {
        let (narrower, widest) = self.widths.split_at_checked(self.last).unwrap_or_default();
        for &width in narrower {
            if !reader.take_bit()? {
                return reader.take(u32::from(width));
            }
        }
        reader.take(widest.first().map_or(0, |&width| u32::from(width)))
    }
}

#[inline]
fn width_of(integer: u64) -> u32 {
    u64::BITS - integer.leading_zeros()
}

/// Returns the cheapest way to put groups, sorted by width, into the buckets from `index` on.
///
/// Tries every split into at most four buckets: C(n, 3) of them for n widths, about a thousand for
/// the twenty that a block of jittered nanoseconds has.
fn cheapest(groups: &[Group], index: u8) -> Plan {
    let widest = groups.last().map_or(0, |group| group.width);
    let count: u64 = groups.iter().map(|group| group.count).sum();
    let mut best =
        Plan { widths: [widest; BUCKETS], bits: count * (u64::from(index) + u64::from(widest)) };
    if usize::from(index) + 1 == BUCKETS {
        return best;
    }
    let mut count_here = 0;
    let mut rest = groups;
    while let Some((group, wider)) = rest.split_first()
        && !wider.is_empty()
    {
        count_here += group.count;
        let mut plan = cheapest(wider, index + 1);
        plan.bits += count_here * (u64::from(index) + 1 + u64::from(group.width));
        if plan.bits < best.bits {
            if let Some(width) = plan.widths.get_mut(usize::from(index)) {
                *width = group.width;
            }
            best = plan;
        }
        rest = wider;
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::bits::{BitCounter, BitReader, BitSink, BitWriter};
    use crate::codec::error::CodecError;
    use crate::codec::prefix::{Buckets, Histogram};

    fn bits_of(buckets: Buckets, integers: &[u64]) -> u64 {
        struct Bits(u64);
        impl BitSink for Bits {
            fn put(&mut self, _value: u64, width: u32) {
                self.0 += u64::from(width);
            }
        }
        let mut bits = Bits(0);
        for &integer in integers {
            buckets.put(integer, &mut bits);
        }
        bits.0
    }

    proptest! {
        #[test]
        fn integers_come_back_and_cost_what_was_said(
            integers in prop::collection::vec((any::<u64>(), 0..64u32), 1..200),
        ) {
            let integers: Vec<u64> = integers.iter().map(|(v, shift)| v >> shift).collect();
            let Some((buckets, bits)) = Buckets::choose(&Histogram::of(integers.iter().copied()))
            else {
                assert!(integers.iter().all(|&v| v == 0));
                return Ok(());
            };
            assert_eq!(bits, bits_of(buckets, &integers));
            assert_eq!(Buckets::from_bytes(buckets.to_bytes()), Ok(buckets));
            let (mut bytes, mut counter) = (Vec::new(), BitCounter::default());
            let mut writer = BitWriter::new(&mut bytes);
            for &integer in &integers {
                buckets.put(integer, &mut writer);
                buckets.put(integer, &mut counter);
            }
            writer.finish();
            assert_eq!(bytes.len() as u64, counter.len_bytes());
            let mut reader = BitReader::new(&bytes);
            for &integer in &integers {
                assert_eq!(buckets.take(&mut reader), Ok(integer));
            }
            assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn no_other_widths_cost_less(
            integers in prop::collection::vec((1..1u64 << 12, 0..13u32), 1..60),
        ) {
            let integers: Vec<u64> = integers.iter().map(|(v, shift)| v >> shift).collect();
            let Some((_, bits)) = Buckets::choose(&Histogram::of(integers.iter().copied())) else {
                return Ok(());
            };
            let widest = integers.iter().map(|v| 64 - v.leading_zeros()).max().unwrap();
            let widest = u8::try_from(widest).unwrap();
            for a in 0..=widest {
                for b in a..=widest {
                    for c in b..=widest {
                        if let Ok(buckets) = Buckets::from_bytes([a, b, c, widest]) {
                            assert!(bits <= bits_of(buckets, &integers), "{buckets:?}");
                        }
                    }
                }
            }
        }

        #[test]
        fn illegal_widths_are_refused(widths in any::<[u8; 4]>()) {
            if let Ok(buckets) = Buckets::from_bytes(widths) {
                assert!(widths.is_sorted());
                assert!((1..=64).contains(&widths[3]));
                assert_eq!(widths[buckets.last], widths[3]);
            }
        }
    }

    #[test]
    fn edges() {
        assert!(Buckets::choose(&Histogram::of([0, 0].into_iter())).is_none());
        let illegal = Err(CodecError::OutOfRange { field: "bucket width" });
        for widths in [[0; 4], [0, 0, 1, 1], [3, 2, 4, 4], [1, 2, 3, 65], [4, 4, 4, 3]] {
            assert_eq!(Buckets::from_bytes(widths), illegal, "{widths:?}");
        }
        for widths in [[1; 4], [0, 1, 1, 1], [0, 7, 9, 12], [61, 62, 63, 64]] {
            assert!(Buckets::from_bytes(widths).is_ok(), "{widths:?}");
        }
    }
}
