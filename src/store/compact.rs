//! Compaction: which segments are merged, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::format::manifest::SegmentRecord;
use crate::model::{Columns, Progress, Timestamp};
use crate::segment::Segment;
use crate::store::core::{Core, Store, locked};
use crate::store::merge::{CompactReport, Input, MergeJob, has_gone};
use crate::store::partition::{PARTITION_NANOS, partition_start, partitions_of};

/// A merge in a partition that still grows takes at least this many segments.
const FAN_IN_MIN: usize = 4;
/// So long after its end a partition counts as complete; late samples are written until then.
const SETTLED_NANOS: i64 = 3_600_000_000_000;

impl Store {
    /// Flushes, and merges all segments of each partition into one, in the dense tier of codecs.
    ///
    /// Answers do not change. Appends and snapshots go on meanwhile.
    ///
    /// # Errors
    /// I/O errors, a full disk, damage. The old segments stay in place then.
    pub fn compact(&self) -> Result<CompactReport> {
        self.handle.core.compact(false, &Progress::default())
    }

    /// Compacts, and rewrites every segment that holds samples which were deleted or have expired:
    /// after this they are on the disk no more.
    ///
    /// # Errors
    /// As [`Store::compact`].
    pub fn purge(&self) -> Result<CompactReport> {
        self.handle.core.compact(true, &Progress::default())
    }
}

impl Core {
    pub(crate) fn compact(&self, purge: bool, progress: &Progress) -> Result<CompactReport> {
        self.flush()?;
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        let ledger = locked(&self.live).manifest.ledger.clone();
        let mut jobs = Vec::new();
        for (partition, inputs) in by_partition(&self.inputs())? {
            let mut is_due =
                inputs.len() > 1 || inputs.iter().any(|(r, _)| is_wide(r) || is_fast(r));
            for (record, segment) in &inputs {
                is_due = is_due || (purge && has_gone(&ledger, record, segment)?);
            }
            if is_due {
                jobs.push(MergeJob { partition: Some(partition), inputs, salvage: false });
            }
        }
        self.run_merges(&jobs, progress)
    }

    /// Merges what is due in one partition, the earliest first; returns nothing where none is.
    pub(crate) fn merge_due(&self) -> Result<Option<CompactReport>> {
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        let inputs = self.inputs();
        if inputs.iter().any(|(record, _)| is_wide(record)) {
            // Samples over many days come from a backfill: it is settled as a whole.
            let jobs: Vec<_> = by_partition(&inputs)?
                .into_iter()
                .filter(|(_, inputs)| inputs.iter().any(|(record, _)| is_wide(record)))
                .map(|(partition, inputs)| MergeJob {
                    partition: Some(partition),
                    inputs,
                    salvage: false,
                })
                .collect();
            return self.run_merges(&jobs, &Progress::default()).map(Some);
        }
        let now = self.options.clock.now();
        for (partition, inputs) in by_partition(&inputs)? {
            let end = Timestamp::from_nanos(partition).saturating_add(PARTITION_NANOS);
            let is_settled = end.saturating_add(SETTLED_NANOS) <= now;
            let Some(due) = due_of(&inputs, is_settled) else { continue };
            let inputs = inputs.get(due).unwrap_or(&[]).to_vec();
            let job = MergeJob { partition: Some(partition), inputs, salvage: false };
            return self.run_merges(&[job], &Progress::default()).map(Some);
        }
        Ok(None)
    }

    /// Rewrites the segments that hold samples which were deleted or have expired.
    pub(crate) fn purge_each(&self) -> Result<CompactReport> {
        let ledger = locked(&self.live).manifest.ledger.clone();
        let mut jobs = Vec::new();
        for (record, segment) in self.inputs() {
            if !is_wide(&record) && has_gone(&ledger, &record, &segment)? {
                let partition = record.partition_start;
                let inputs = vec![(record, segment)];
                jobs.push(MergeJob { partition: Some(partition), inputs, salvage: false });
            }
        }
        self.run_merges(&jobs, &Progress::default())
    }

    pub(crate) fn inputs(&self) -> Vec<Input> {
        let live = locked(&self.live);
        let records = live.manifest.segments.iter().copied();
        records.zip(live.segments.iter().map(Arc::clone)).collect()
    }
}

/// Returns which adjacent segments of a partition are to be merged or rewritten.
fn due_of(inputs: &[Input], is_settled: bool) -> Option<std::ops::Range<usize>> {
    let largest = inputs.iter().map(|(record, _)| record).max_by_key(|record| record.file_bytes);
    // What a settled partition mainly consists of is kept: now the dense tier is worth its time.
    if is_settled && largest.is_some_and(is_fast) {
        return Some(0..inputs.len());
    }
    let sizes: Vec<u64> = inputs.iter().map(|(record, _)| record.file_bytes).collect();
    due(&sizes, is_settled)
}

/// Returns which adjacent segments of a partition are to be merged, of which these are the sizes.
///
/// Size-tiered: the output is at least 1.7 times as long as the largest input, so that a byte is
/// rewritten a logarithmic number of times. A settled partition becomes one segment, unless what
/// came late is less than a tenth of it: that waits for more.
fn due(sizes: &[u64], is_settled: bool) -> Option<std::ops::Range<usize>> {
    let total: u64 = sizes.iter().sum();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    if is_settled && sizes.len() > 1 && (total - largest).saturating_mul(10) >= largest {
        return Some(0..sizes.len());
    }
    let count_min = if is_settled { 2 } else { FAN_IN_MIN };
    let mut longest: Option<std::ops::Range<usize>> = None;
    for start in 0..sizes.len() {
        let (mut sum, mut largest) = (0_u64, 0);
        for (index, &size) in sizes.iter().enumerate().skip(start) {
            sum = sum.saturating_add(size);
            largest = size.max(largest);
            let run = start..index + 1;
            let is_worth = sum.saturating_mul(10) >= largest.saturating_mul(17);
            let is_longer = longest.as_ref().is_none_or(|longest| longest.len() < run.len());
            if run.len() >= count_min && is_worth && is_longer {
                longest = Some(run);
            }
        }
    }
    longest
}

/// True for a segment that was flushed and not merged: it is written in the fast tier of codecs.
fn is_fast(record: &SegmentRecord) -> bool {
    record.level == 0
}

fn is_wide(record: &SegmentRecord) -> bool {
    record.partition_nanos == 0
}

/// Lists the segments of each partition, in order of generation; a wide one is in every partition
/// that it touches.
fn by_partition(inputs: &[Input]) -> Result<BTreeMap<i64, Vec<Input>>> {
    let mut by_partition: BTreeMap<i64, Vec<Input>> = BTreeMap::new();
    for (record, segment) in inputs {
        let partitions = if is_wide(record) {
            partitions_touched(segment)?
        } else {
            vec![record.partition_start]
        };
        for partition in partitions {
            by_partition.entry(partition).or_default().push((*record, Arc::clone(segment)));
        }
    }
    for inputs in by_partition.values_mut() {
        inputs.sort_by_key(|(record, _)| record.generation_lo);
    }
    Ok(by_partition)
}

fn partitions_touched(segment: &Segment) -> Result<Vec<i64>> {
    let mut starts = Vec::new();
    let mut columns = Columns::default();
    for chunk in 0..segment.summary().chunks {
        let meta = segment.chunk(chunk)?;
        let (first, last) = (meta.time_min.as_nanos(), meta.time_max.as_nanos());
        if partition_start(first) == partition_start(last) {
            starts.push(partition_start(first));
            continue;
        }
        columns.clear();
        segment.read_chunk(chunk, &mut columns)?;
        partitions_of(&columns.timestamps, &mut starts);
    }
    starts.sort_unstable();
    starts.dedup();
    Ok(starts)
}

#[cfg(test)]
mod tests {
    use crate::store::compact::due;

    #[test]
    fn segments_of_like_size_are_merged_and_a_large_one_waits() {
        assert_eq!(due(&[10, 10, 10], false), None);
        assert_eq!(due(&[10, 10, 10, 10], false), Some(0..4));
        assert_eq!(due(&[1_000, 10, 10, 10, 10], false), Some(1..5));
        assert_eq!(due(&[30, 10, 10, 10, 10], false), Some(0..5));
        assert_eq!(due(&[], true), None);
        assert_eq!(due(&[7], true), None);
    }

    #[test]
    fn a_settled_partition_becomes_one_segment_unless_little_is_late() {
        assert_eq!(due(&[1_000, 10], true), None);
        assert_eq!(due(&[1_000, 100], true), Some(0..2));
        assert_eq!(due(&[1_000, 10, 10], true), Some(1..3));
    }

    #[test]
    fn a_byte_is_rewritten_a_logarithmic_number_of_times() {
        let (mut sizes, mut rewritten) = (Vec::new(), 0_u64);
        for size in std::iter::repeat_n(1_u64, 1_000) {
            sizes.push(size);
            while let Some(run) = due(&sizes, false) {
                let merged: u64 = sizes.drain(run.clone()).sum();
                rewritten += merged;
                sizes.insert(run.start, merged);
            }
        }
        assert!(sizes.len() <= 20, "{sizes:?}");
        assert!(rewritten <= 1_000 * 10, "{rewritten}");
    }
}
