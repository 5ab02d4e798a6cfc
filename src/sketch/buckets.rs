//! Counts of values by logarithmic bucket, taken from the bits of a double.
//!
//! Read as an integer after `bits ^ (if negative { !0 } else { 1 << 63 })`, the bits of doubles
//! sort as the total order of IEEE 754 does. Its top bits (sign, exponent and the first `k` bits of
//! the significand) name the bucket: 2^k of equal width between two powers of two. The mapping
//! takes integer operations alone and is monotone; each bucket of one resolution is the union of
//! two of the next, so that counts of different resolutions merge exactly at the coarser one.

use std::collections::BTreeMap;

use crate::sketch::order::{key_of, value_of};

const SIGNIFICAND_BITS: u32 = 52;

/// How many buckets lie between two powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Resolution {
    /// 32 buckets: the middle of one is at most 1.54 % off.
    Percent2 = 5,
    /// 64 buckets: the middle of one is at most 0.78 % off.
    Percent1 = 6,
    /// 128 buckets: the middle of one is at most 0.39 % off.
    PercentHalf = 7,
}

impl Resolution {
    /// That of approximate answers, and of the sketches that they are read from: at most 0.78 %
    /// off. With a coarser one a sketch would answer otherwise than its samples do.
    pub const OF_ANSWERS: Self = Self::Percent1;

    /// All resolutions, the coarsest first.
    pub const ALL: [Self; 3] = [Self::Percent2, Self::Percent1, Self::PercentHalf];

    /// Returns the tag that stands for this resolution on disk: the bits of the significand that
    /// name a bucket.
    #[must_use]
    pub const fn to_tag(self) -> u8 {
        self as u8
    }

    /// Returns the resolution of a tag, if there is one.
    #[must_use]
    pub const fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            5 => Some(Self::Percent2),
            6 => Some(Self::Percent1),
            7 => Some(Self::PercentHalf),
            _ => None,
        }
    }

    /// Returns how far the key of a value is shifted to give its bucket.
    const fn shift(self) -> u32 {
        SIGNIFICAND_BITS - self as u32
    }

    const fn buckets_per_octave(self) -> usize {
        1 << self as u32
    }
}

/// The least and the greatest value of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least value.
    pub low: f64,
    /// The greatest value, itself in the bucket.
    pub high: f64,
}

impl Bounds {
    /// Returns the value whose greatest relative distance to any value within is the least.
    #[must_use]
    pub fn middle(self) -> f64 {
        let sum = self.low + self.high;
        if sum == 0.0 || !sum.is_finite() {
            return self.low;
        }
        2.0 * self.low * (self.high / sum)
    }

    /// Returns how far, relative to it, a value within lies from [`middle`](Self::middle), at
    /// most. Values below the least normal one, 2.3e-308, count as zero.
    #[must_use]
    pub fn relative_error(self) -> f64 {
        let is_zero = |value: f64| value.abs() < f64::MIN_POSITIVE;
        if self.low.total_cmp(&self.high).is_eq() || (is_zero(self.low) && is_zero(self.high)) {
            return 0.0;
        }
        ((self.high - self.low) / (self.high + self.low)).abs()
    }
}

/// Counts of values by logarithmic bucket.
///
/// Takes memory for each octave (sign and power of two) that has a value: 256 to 1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBuckets {
    resolution: Resolution,
    count: u64,
    /// By sign and exponent, in the order of the values.
    octaves: BTreeMap<u64, Box<[u64]>>,
}

impl LogBuckets {
    /// Makes counts of no values.
    #[must_use]
    pub const fn new(resolution: Resolution) -> Self {
        Self { resolution, count: 0, octaves: BTreeMap::new() }
    }

    /// Returns the resolution.
    #[must_use]
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Returns how many values were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Counts a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.add_many(bucket_of(value, self.resolution), 1);
    }

    /// Counts so many values of a bucket, as [`iter`](Self::iter) numbers them; returns false and
    /// counts nothing where there is no such bucket.
    #[must_use]
    pub fn add_count(&mut self, bucket: u64, count: u64) -> bool {
        let exists = bucket <= u64::MAX >> self.resolution.shift();
        if exists {
            self.add_many(bucket, count);
        }
        exists
    }

    /// Adds what other buckets hold. The coarser resolution of both remains.
    pub fn merge(&mut self, other: &Self) {
        if other.resolution < self.resolution {
            *self = self.coarsened(other.resolution);
        }
        if other.resolution == self.resolution {
            return self.merge_octaves(other);
        }
        let shift = other.resolution.shift().abs_diff(self.resolution.shift());
        for (bucket, count) in other.iter() {
            self.add_many(bucket >> shift, count);
        }
    }

    /// Adds buckets of the same resolution.
    fn merge_octaves(&mut self, other: &Self) {
        for (octave, counts) in &other.octaves {
            if let Some(own) = self.octaves.get_mut(octave) {
                for (own, count) in own.iter_mut().zip(counts) {
                    *own += count;
                }
            } else {
                self.octaves.insert(*octave, counts.clone());
            }
        }
        self.count += other.count;
    }

    fn coarsened(&self, resolution: Resolution) -> Self {
        let mut coarse = Self::new(resolution);
        let shift = resolution.shift() - self.resolution.shift();
        for (bucket, count) in self.iter() {
            coarse.add_many(bucket >> shift, count);
        }
        coarse
    }

    #[inline]
    fn add_many(&mut self, bucket: u64, count: u64) {
        let per_octave = self.resolution.buckets_per_octave();
        let octave = bucket >> self.resolution.to_tag();
        let counts =
            self.octaves.entry(octave).or_insert_with(|| vec![0; per_octave].into_boxed_slice());
        #[expect(clippy::cast_possible_truncation, reason = "less than 128 after the mask")]
        let place = (bucket & (per_octave as u64 - 1)) as usize;
        // The mask keeps the place below the length.
        if let Some(slot) = counts.get_mut(place) {
            *slot += count;
            self.count += count;
        }
    }

    /// Returns the buckets that hold a value, and how many, in ascending order of the values.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let bits = self.resolution.to_tag();
        self.octaves.iter().flat_map(move |(octave, counts)| {
            let buckets = octave << bits..;
            buckets.zip(counts.iter().copied()).filter(|&(_, count)| count > 0)
        })
    }

    /// Returns bounds of the value of a rank, counted from 0 in ascending order; `None` if there
    /// are not so many values. The value lies within, ends included. O(buckets).
    #[must_use]
    pub fn bounds_of_rank(&self, rank: u64) -> Option<Bounds> {
        let mut below = 0;
        for (bucket, count) in self.iter() {
            below += count;
            if rank < below {
                return Some(bounds_of(bucket, self.resolution));
            }
        }
        None
    }
}

/// Returns the bucket of a value.
#[inline]
fn bucket_of(value: f64, resolution: Resolution) -> u64 {
    let key = key_of(value);
    key >> resolution.shift()
}

/// Returns the least and the greatest value of a bucket.
fn bounds_of(bucket: u64, resolution: Resolution) -> Bounds {
    let low = bucket << resolution.shift();
    let high = low | ((1 << resolution.shift()) - 1);
    Bounds { low: value_of(low), high: value_of(high) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use crate::sketch::buckets::{Bounds, LogBuckets, Resolution, bounds_of, bucket_of};

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (0..1_000_000i32).prop_map(|cents| f64::from(cents) / 100.0),
            prop::sample::select([0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE].as_slice()),
        ]
    }

    fn resolution() -> impl Strategy<Value = Resolution> {
        prop::sample::select(Resolution::ALL.as_slice())
    }

    fn buckets_of(values: &[f64], resolution: Resolution) -> LogBuckets {
        let mut buckets = LogBuckets::new(resolution);
        for &value in values {
            buckets.add(value);
        }
        buckets
    }

    proptest! {
        #[test]
        fn every_rank_lies_within_its_bounds(
            values in prop::collection::vec(value(), 0..300), resolution in resolution(),
        ) {
            let buckets = buckets_of(&values, resolution);
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            for (rank, value) in (0..).zip(&sorted) {
                let Bounds { low, high } = buckets.bounds_of_rank(rank).unwrap();
                assert!(low.total_cmp(value).is_le() && high.total_cmp(value).is_ge());
            }
            assert_eq!(buckets.count(), sorted.len() as u64);
            assert_eq!(buckets.bounds_of_rank(buckets.count()), None);
        }

        #[test]
        fn the_mapping_is_monotone_and_nests(a in value(), b in value()) {
            for resolution in Resolution::ALL {
                let (bucket_a, bucket_b) = (bucket_of(a, resolution), bucket_of(b, resolution));
                if a.total_cmp(&b).is_le() {
                    assert!(bucket_a <= bucket_b);
                }
                let Bounds { low, high } = bounds_of(bucket_a, resolution);
                assert_eq!(bucket_of(low, resolution), bucket_a);
                assert_eq!(bucket_of(high, resolution), bucket_a);
            }
            let [coarse, middle, fine] = Resolution::ALL.map(|resolution| bucket_of(a, resolution));
            assert_eq!((fine >> 1, middle >> 1), (middle, coarse));
        }

        #[test]
        fn merged_counts_are_the_counts_of_all(
            left in prop::collection::vec(value(), 0..100),
            right in prop::collection::vec(value(), 0..100),
            resolutions in (resolution(), resolution()),
        ) {
            let mut merged = buckets_of(&left, resolutions.0);
            merged.merge(&buckets_of(&right, resolutions.1));
            let all = [left, right].concat();
            assert_eq!(merged, buckets_of(&all, resolutions.0.min(resolutions.1)));
        }

        #[test]
        fn the_middle_keeps_the_promised_error(value in -1e300..1e300f64) {
            let promises = [0.0154, 0.0078, 0.0039];
            for (resolution, promised) in Resolution::ALL.into_iter().zip(promises) {
                if value.abs() < f64::MIN_POSITIVE {
                    continue; // Below it, doubles lose precision themselves.
                }
                let bounds = bounds_of(bucket_of(value, resolution), resolution);
                assert!(bounds.relative_error() <= promised, "{}", bounds.relative_error());
                let distance = ((bounds.middle() - value) / value).abs();
                assert!(distance <= bounds.relative_error() * (1.0 + 1e-9), "{distance}");
            }
        }
    }

    #[test]
    fn tags_are_the_bits_that_name_a_bucket() {
        for tag in 0..=u8::MAX {
            let resolution = Resolution::from_tag(tag);
            assert_eq!(resolution.map(Resolution::to_tag), (5..=7).contains(&tag).then_some(tag));
        }
    }

    #[test]
    fn buckets_stand_where_the_formula_puts_them() {
        // 1.0 has the exponent 1023: sign bit, exponent, no bits of the significand.
        assert_eq!(bucket_of(1.0, Resolution::Percent2), (1 << 16) | (1023 << 5));
        assert_eq!(bucket_of(1.5, Resolution::Percent2), (1 << 16) | (1023 << 5) | 16);
        assert_eq!(bucket_of(-1.0, Resolution::Percent2), 0xFFFF - (1023 << 5));
        let Bounds { low, high } =
            bounds_of(bucket_of(1.0, Resolution::Percent2), Resolution::Percent2);
        assert_eq!(low.to_bits(), 1f64.to_bits());
        assert_eq!(high.to_bits(), (1.0 + 1.0 / 32.0f64).next_down().to_bits());
    }
}
