//! What reading took: chunks by how they answered, and bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::segment::{ChunkMeta, Segment};

/// Counts what is read. Threads share it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Sealed chunks of the series that meet the range.
    pub(crate) considered: Count,
    /// Those of which the index was enough.
    pub(crate) from_statistics: Count,
    /// Those of which slices were enough.
    pub(crate) from_slices: Count,
    /// Those whose samples were decoded.
    pub(crate) decoded: Count,
    /// Bytes of blocks.
    pub(crate) bytes: Count,
    /// Samples that were decoded, from chunks and from logs.
    pub(crate) samples: Count,
}

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns it.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Who looks on while samples are read.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) tally: &'a Tally,
    /// Called before each chunk; an error ends the reading.
    pub(crate) check: &'a (dyn Fn() -> Result<()> + Sync),
}

impl Watch<'_> {
    /// Counts a chunk that is about to be decoded.
    pub(crate) fn decode(&self, segment: &Segment, chunk: &ChunkMeta, values: bool) -> Result<()> {
        self.tally.decoded.add(1);
        self.tally.samples.add(chunk.count as u64);
        let times = segment.time_block(chunk.time_block)?.block.len;
        self.tally.bytes.add(times + if values { chunk.values.len } else { 0 });
        Ok(())
    }

    /// Counts a chunk that may be read, and asks whether to go on.
    pub(crate) fn consider(&self) -> Result<()> {
        self.tally.considered.add(1);
        (self.check)()
    }
}

/// Looks on and lets everything pass.
pub(crate) fn unwatched<T>(read: impl FnOnce(Watch<'_>) -> T) -> T {
    read(Watch { tally: &Tally::default(), check: &|| Ok(()) })
}
