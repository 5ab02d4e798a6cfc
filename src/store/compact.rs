//! Compaction: all segments of a partition become one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::manifest;
use crate::model::{Columns, MetricDef, SeriesKey};
use crate::segment::Segment;
use crate::snapshot::read_segment;
use crate::store::core::{Core, Store, locked};
use crate::store::flush::uid_of;
use crate::store::partition::{partition_range, partition_start, partitions_of};
use crate::store::segments::{NewSegment, SegmentPlan};

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactReport {
    /// How many segments were read.
    pub segments_before: u64,
    /// How many segments took their place.
    pub segments_after: u64,
    /// How many bytes the segments had that were read.
    pub bytes_before: u64,
    /// How many bytes the segments have that took their place.
    pub bytes_after: u64,
}

/// A live segment and its file.
type Input = (SegmentRecord, Arc<Segment>);

impl Store {
    /// Flushes, and merges all segments of each partition into one.
    ///
    /// Answers do not change. Appends and snapshots go on meanwhile.
    ///
    /// # Errors
    /// I/O errors, a full disk, damage. The old segments stay in place then.
    pub fn compact(&self) -> Result<CompactReport> {
        self.flush()?;
        self.handle.core.compact()
    }
}

impl Core {
    fn compact(&self) -> Result<CompactReport> {
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        let (before, inputs) = {
            let live = locked(&self.live);
            let records = live.manifest.segments.iter().copied();
            let inputs: Vec<Input> = records.zip(live.segments.iter().map(Arc::clone)).collect();
            (live.manifest.clone(), inputs)
        };
        let by_partition = group(&inputs)?;
        let mut report = CompactReport::default();
        let (mut retired, mut written) = (Vec::new(), Vec::new());
        for (index, (partition, inputs)) in (0_u32..).zip(&by_partition) {
            let is_done = inputs.len() == 1 && inputs.iter().all(|(r, _)| r.partition_nanos != 0);
            if is_done {
                continue;
            }
            retired.extend(inputs.iter().map(|(record, _)| *record));
            let uid = uid_of(before.edit + 1, index);
            let merged = self.merge(*partition, inputs, uid);
            written.extend(self.keep_or_remove(merged, &written)?);
        }
        retired.sort_unstable();
        retired.dedup();
        if retired.is_empty() {
            return Ok(report);
        }
        report.segments_before = retired.len() as u64;
        report.bytes_before = retired.iter().map(|record| record.file_bytes).sum();
        report.segments_after = written.len() as u64;
        report.bytes_after = written.iter().map(|new| new.record.file_bytes).sum();
        self.replace_segments(before, &retired, written)?;
        Ok(report)
    }

    /// Puts merged segments into the manifest in place of their inputs, in one step.
    fn replace_segments(
        &self,
        before: ManifestRecord,
        retired: &[SegmentRecord],
        written: Vec<NewSegment>,
    ) -> Result<()> {
        let samples = |records: &[SegmentRecord]| records.iter().map(|r| r.samples).sum::<u64>();
        let added: Vec<_> = written.iter().map(|new| new.record).collect();
        check_kept(samples(retired), samples(&added));
        self.options.vfs.sync_dir(&self.dir.join("seg"))?;
        let mut record = ManifestRecord { edit: before.edit + 1, ..before };
        record.segments.retain(|segment| retired.binary_search(segment).is_err());
        record.segments.extend(added);
        record.segments.sort_unstable();
        manifest::replace(&*self.options.vfs, &self.dir, &record)?;
        locked(&self.live).adopt(record, written);
        self.remove_retired(retired);
        Ok(())
    }

    /// Writes one segment of all samples that the inputs have in a partition.
    fn merge(&self, partition: i64, inputs: &[Input], uid: u64) -> Result<Option<NewSegment>> {
        let mut places: BTreeMap<SeriesKey, Vec<(usize, u32)>> = BTreeMap::new();
        let mut metrics: BTreeMap<String, MetricDef> = BTreeMap::new();
        for (index, (_, segment)) in inputs.iter().enumerate() {
            metrics.extend(segment.metrics()?.into_iter().map(|def| (def.name.clone(), def)));
            for series in 0..segment.series_count() {
                places.entry(segment.key(series)?).or_default().push((index, series));
            }
        }
        let metrics: Vec<_> = metrics.into_values().collect();
        let (keys, places): (Vec<_>, Vec<_>) =
            places.into_iter().map(|(key, places)| (Arc::new(key), places)).unzip();
        let range = partition_range(partition);
        let mut chunk_columns = Columns::default();
        let mut fill = |index: usize, columns: &mut Columns| {
            for &(input, series) in places.get(index).into_iter().flatten() {
                if let Some((_, segment)) = inputs.get(input) {
                    read_segment(segment, series, range, &mut chunk_columns, columns)?;
                }
            }
            columns.sort_by_time();
            Ok(())
        };
        self.write_segment(&merge_plan(partition, inputs, uid), &metrics, &keys, &mut fill)
    }
}

/// A merge keeps every sample; where it does not, the old segments must stay.
fn check_kept(before: u64, after: u64) {
    assert_eq!(before, after, "a merge keeps every sample");
}

fn merge_plan(partition: i64, inputs: &[Input], uid: u64) -> SegmentPlan {
    let of = |field: fn(&SegmentRecord) -> u64| inputs.iter().map(move |(record, _)| field(record));
    let sequences =
        |field: fn(&Segment) -> u64| inputs.iter().map(move |(_, segment)| field(segment));
    SegmentPlan {
        partition: Some(partition),
        generation_lo: of(|record| record.generation_lo).min().unwrap_or(0),
        generation_hi: of(|record| record.generation_hi).max().unwrap_or(0),
        level: inputs.iter().map(|(record, _)| record.level).max().unwrap_or(0).saturating_add(1),
        uid,
        flush_set_index: 0,
        flush_set_size: 1,
        seq_first: sequences(|segment| segment.meta().seq_first).min().unwrap_or(0),
        seq_last: sequences(|segment| segment.meta().seq_last).max().unwrap_or(0),
        inputs: of(|record| record.uid).collect(),
    }
}

/// Lists the segments of each partition, in order of generation; a wide one is in every partition
/// that it touches.
fn group(inputs: &[Input]) -> Result<BTreeMap<i64, Vec<Input>>> {
    let mut by_partition: BTreeMap<i64, Vec<Input>> = BTreeMap::new();
    for (record, segment) in inputs {
        let partitions = if record.partition_nanos == 0 {
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
