//! Values of sealed chunks as slices: what questions about order and thresholds read of them.

use crate::codec::{ValueSlices, values_of_ranks};

/// The values of one sealed chunk, of which parts can be decoded.
#[derive(Debug)]
pub(crate) struct ChunkSlices(ValueSlices<'static>);

impl ChunkSlices {
    pub(super) fn new(slices: ValueSlices<'static>) -> Self {
        Self(slices)
    }

    /// Returns how many values there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.bins().iter().map(|bin| u64::from(bin.count)).sum()
    }

    /// Returns about how many bytes of memory they take.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.0.memory_bytes() as u64
    }

    /// Returns how many values pass a test: `decide` says it of all values between two where it
    /// can, and `count` of others. Decodes only the slices that `decide` says nothing of.
    pub(crate) fn count_passing(
        &self,
        decide: impl Fn(f64, f64) -> Option<bool>,
        count: impl Fn(&[f64]) -> u64,
    ) -> u64 {
        self.0.count_passing(|bin| decide(bin.least, bin.greatest), count)
    }

    /// Appends all values, in no particular order.
    pub(crate) fn append_values(&self, out: &mut Vec<f64>) {
        for index in 0..self.0.bins().len() {
            self.0.append_values(index, out);
        }
    }

    /// Returns the values that have these ranks, counted from 0, among those of all chunks and
    /// those in `loose`; nothing where there are fewer values.
    pub(crate) fn of_ranks(chunks: &[&Self], loose: &[f64], ranks: &[u64]) -> Option<Vec<f64>> {
        let blocks: Vec<&ValueSlices<'static>> = chunks.iter().map(|chunk| &chunk.0).collect();
        values_of_ranks(&blocks, loose, ranks)
    }
}
