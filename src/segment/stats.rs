//! What a chunk's values amount to, so that many questions need not decode it.

use crate::error::Result;
use crate::format::segment_sections::SectionId;
use crate::format::sketch::{SKETCH_VALUES_MIN, encode_sketch};
use crate::segment::reader::Segment;
use crate::sketch::{DoubleDouble, LogBuckets, Moments, Resolution};

/// The sections of the statistics, in the order of [`ChunkStats::fields`].
pub(crate) const STAT_SECTIONS: [SectionId; 7] = [
    SectionId::StatSumHigh,
    SectionId::StatSumLow,
    SectionId::StatMin,
    SectionId::StatMax,
    SectionId::StatFirst,
    SectionId::StatLast,
    SectionId::StatIncrease,
];

/// Sum (two parts), least, greatest, first, last, and increase as a counter, of one chunk.
///
/// They stand for the series only where no other chunk of it overlaps in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkStats {
    fields: [f64; 7],
}

/// Appends the sketch of a chunk's values, unless they are so few that it has none.
pub(crate) fn put_sketch(values: &[f64], out: &mut Vec<u8>) {
    if values.len() >= SKETCH_VALUES_MIN {
        let mut buckets = LogBuckets::new(Resolution::OF_ANSWERS);
        for value in values {
            buckets.add(*value);
        }
        encode_sketch(&buckets, out);
    }
}

impl ChunkStats {
    /// Computes the statistics of values, of which there must be one at least.
    pub(crate) fn of_values(values: &[f64]) -> Self {
        let mut moments = Moments::EMPTY;
        moments.extend_without_squares(values);
        let (high, low) = moments.sum.parts();
        let first = values.first().copied().unwrap_or(0.0);
        let last = values.last().copied().unwrap_or(0.0);
        let increase = values.windows(2).fold(0.0, |sum, step| match step {
            [before, after] if after < before => sum + after,
            [before, after] => sum + (after - before),
            _ => sum,
        });
        Self { fields: [high, low, moments.min, moments.max, first, last, increase] }
    }

    /// Takes the statistics as a file has them.
    pub(crate) fn of_fields(fields: [f64; 7]) -> Self {
        Self { fields }
    }

    /// Returns the statistics as a file has them.
    pub(crate) fn fields(&self) -> [f64; 7] {
        self.fields
    }

    /// True where all have the same bits.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.fields.map(f64::to_bits) == other.fields.map(f64::to_bits)
    }
}

impl Segment {
    /// Returns the statistics of a chunk.
    pub(crate) fn stats(&self, chunk: u32) -> Result<ChunkStats> {
        let mut fields = [0.0; 7];
        for (field, id) in fields.iter_mut().zip(STAT_SECTIONS) {
            *field = self.stat(id, chunk)?;
        }
        Ok(ChunkStats::of_fields(fields))
    }

    /// Returns one of the statistics of a chunk.
    pub(crate) fn stat(&self, id: SectionId, chunk: u32) -> Result<f64> {
        self.u64_at(id, chunk).map(f64::from_bits)
    }

    /// Returns the sum of a chunk's values; nothing where it left the range of doubles.
    pub(crate) fn sum_of(&self, chunk: u32) -> Result<Option<DoubleDouble>> {
        let (high, low) = (SectionId::StatSumHigh, SectionId::StatSumLow);
        Ok(DoubleDouble::from_parts(self.stat(high, chunk)?, self.stat(low, chunk)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::segment::stats::ChunkStats;

    #[test]
    fn a_counter_that_starts_again_increases_by_its_new_value() {
        let [high, low, min, max, first, last, increase] =
            ChunkStats::of_values(&[5.0, 7.5, 2.0, 2.0, 3.0]).fields();
        let fields = [high, low, min, max, first, last, increase];
        let expected = [19.5, 0.0, 2.0, 7.5, 5.0, 3.0, 2.5 + 2.0 + 0.0 + 1.0];
        assert_eq!(fields.map(f64::to_bits), expected.map(f64::to_bits));
    }
}
