//! Taking a snapshot at the writer's watermark.

use std::sync::Arc;

use crate::error::Result;
use crate::snapshot::{Snapshot, SnapshotHead, SnapshotParts};
use crate::store::core::{Core, Store, locked};
use crate::tombstone::Deletions;

impl Store {
    /// Returns a view of everything that was committed before the call.
    ///
    /// Log frames that no snapshot has read yet are decoded: about 20 M samples a second.
    ///
    /// # Errors
    /// I/O errors, and damage to the log.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.handle.core.snapshot()
    }
}

impl Core {
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let (watermark, manifest, mut segments, generations) = {
            let live = locked(&self.live);
            let records = live.manifest.segments.iter().copied();
            let segments: Vec<_> = records.zip(live.segments.iter().map(Arc::clone)).collect();
            let record = &live.manifest;
            let deletions = Deletions::of_ledger(&record.ledger);
            let manifest = (record.flushed_seq, record.ledger.written, deletions);
            (self.wal.watermark(), manifest, segments, live.generations.clone())
        };
        segments.sort_by_key(|(record, _)| (record.generation_lo, record.partition_start));
        let current = watermark.log.header.generation;
        let mut heads = Vec::with_capacity(generations.len());
        let (flushed_seq, written, mut deletions) = manifest;
        let (mut seq, mut log_bytes) = (flushed_seq, 0);
        for generation in &generations {
            let is_current = generation.number == current;
            let sealed_end = generation.sealed_end.unwrap_or(u64::MAX);
            let end = if is_current { watermark.end } else { sealed_end };
            let mut follower = locked(&generation.follower);
            if is_current && self.wal.is_poisoned() {
                // After a failed sync the last frames may be gone: what is there is still a prefix.
                follower.advance(end)?;
            } else {
                follower.advance_to(end)?;
            }
            deletions.extend(follower.tombstones());
            heads.push(SnapshotHead { generation: generation.number, view: follower.view() });
            // Another snapshot may have read on meanwhile; then this one is later than asked.
            seq = follower.state().seq.max(seq);
            log_bytes += follower.state().offset;
        }
        Ok(Snapshot::new(SnapshotParts {
            dir: self.dir.clone(),
            now: self.options.clock.now(),
            limits: self.options.limits.clone(),
            segments: segments.into_iter().map(|(_, segment)| segment).collect(),
            heads,
            deletions,
            written,
            seq,
            log_bytes,
        }))
    }
}
