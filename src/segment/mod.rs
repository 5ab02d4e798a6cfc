//! Immutable sealed files: columns of samples by series, with their index, statistics and checks.

mod blocks;
mod keys;
mod pages;
mod reader;
mod select;
mod stats;
#[cfg(test)]
mod tests;
mod usage;
mod verify;
mod verify_index;
mod writer;

use crate::format::segment::SegmentOrigin;
use crate::model::Timestamp;

pub(crate) use crate::segment::reader::{BlockMeta, ChunkExtent, ChunkMeta, Segment};
pub(crate) use crate::segment::verify::Damage;
pub(crate) use crate::segment::writer::SegmentWriter;

/// What a segment is, besides its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentMeta {
    /// Whose samples it holds.
    pub(crate) origin: SegmentOrigin,
    /// How many segments the flush wrote.
    pub(crate) flush_set_size: u32,
    /// The first sequence number of its generations.
    pub(crate) seq_first: u64,
    /// The last sequence number of its generations.
    pub(crate) seq_last: u64,
    /// What makes its name unique.
    pub(crate) uid: u64,
    /// Deletions of the generations up to this one were carried out on the samples.
    pub(crate) deleted_up_to: u64,
}

/// How much a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentSummary {
    pub(crate) samples: u64,
    pub(crate) chunks: u32,
    pub(crate) time_min: Timestamp,
    pub(crate) time_max: Timestamp,
    pub(crate) file_bytes: u64,
}
