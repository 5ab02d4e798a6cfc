//! Merging: one segment takes the place of several that are adjacent in a partition.
//!
//! What was deleted or has expired is left out, and of samples that share a timestamp those that
//! the metric's policy does not want.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::format::ledger::Ledger;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::format::tombstone::Tombstone;
use crate::manifest;
use crate::model::{Columns, MetricDef, Progress, TimeRange};
use crate::segment::Segment;
use crate::snapshot::{origin_of, read_segment, unwatched};
use crate::store::core::{Core, locked};
use crate::store::flush::uid_of;
use crate::store::partition::partition_range;
use crate::store::segments::{NewSegment, SegmentPlan};
use crate::store::series_union::{Place, SeriesUnion};
use crate::tombstone::{Deletions, Origin, SeriesDeletions};

/// A live segment and its file.
pub(crate) type Input = (SegmentRecord, Arc<Segment>);

/// Segments of which one is made, all that hold samples of their generations in the partition.
#[derive(Debug)]
pub(crate) struct MergeJob {
    /// The start of the partition; nothing for one segment over several.
    pub(crate) partition: Option<i64>,
    /// In order of generation.
    pub(crate) inputs: Vec<Input>,
    /// Leaves out what does not read, and does not count it.
    pub(crate) salvage: bool,
}

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
    /// How many samples were left out because they were deleted or had expired.
    pub samples_purged: u64,
    /// How many samples were left out because their metric wants one of those with a timestamp.
    pub samples_superseded: u64,
}

impl Core {
    /// Merges each job's segments into one, and puts all results into the manifest in one step. A
    /// segment over several partitions must have all of them among the jobs.
    ///
    /// The caller holds the maintenance lock.
    pub(crate) fn run_merges(
        &self,
        jobs: &[MergeJob],
        progress: &Progress,
    ) -> Result<CompactReport> {
        let mut report = CompactReport::default();
        if jobs.is_empty() {
            return Ok(report);
        }
        let before = locked(&self.live).manifest.clone();
        let deletions = Deletions::of_ledger(&before.ledger);
        let (mut retired, mut written) = (Vec::new(), Vec::new());
        progress.expect(jobs.iter().map(MergeJob::bytes).sum());
        for (index, job) in (0_u32..).zip(jobs) {
            retired.extend(job.inputs.iter().map(|(record, _)| *record));
            let plan = job.plan(uid_of(before.edit + 1, index), before.flushed_generation);
            let merged = self.merge(job, &plan, &deletions, &mut report);
            written.extend(self.keep_or_remove(merged, &written)?);
            progress.advance(job.bytes());
        }
        retired.sort_unstable();
        retired.dedup();
        report.segments_before = retired.len() as u64;
        report.bytes_before = retired.iter().map(|record| record.file_bytes).sum();
        report.segments_after = written.len() as u64;
        report.bytes_after = written.iter().map(|new| new.record.file_bytes).sum();
        if jobs.iter().all(|job| !job.salvage) {
            check_kept(&retired, &written, &report);
        }
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
        if !written.is_empty() {
            self.options.vfs.sync_dir(&self.dir.join("seg"))?;
        }
        let mut record = ManifestRecord { edit: before.edit + 1, ..before };
        record.segments.retain(|segment| retired.binary_search(segment).is_err());
        record.segments.extend(written.iter().map(|new| new.record));
        record.segments.sort_unstable();
        let bytes: u64 = written.iter().map(|new| new.record.file_bytes).sum();
        record.ledger.written.merged_bytes += bytes;
        self.publish(record, written)?;
        self.remove_retired(retired);
        Ok(())
    }

    /// Makes a manifest the current one, on disk and in memory, without the deletions that have
    /// been carried out on every segment. The caller holds the maintenance lock.
    pub(crate) fn publish(
        &self,
        mut record: ManifestRecord,
        written: Vec<NewSegment>,
    ) -> Result<()> {
        self.drop_done_tombstones(&mut record, &written)?;
        manifest::publish(&*self.options.vfs, &self.dir, &record)?;
        locked(&self.live).adopt(record, written);
        Ok(())
    }

    /// Drops the deletions that no live segment has samples for any more.
    pub(crate) fn drop_done_tombstones(
        &self,
        record: &mut ManifestRecord,
        written: &[NewSegment],
    ) -> Result<()> {
        if record.ledger.tombstones.is_empty() {
            return Ok(());
        }
        let mut known = self.inputs();
        known.extend(written.iter().map(|new| (new.record, Arc::clone(&new.segment))));
        let mut left = Vec::new();
        for tombstone in std::mem::take(&mut record.ledger.tombstones) {
            let mut is_needed = false;
            for (segment, file) in &known {
                let is_live = record.segments.binary_search(segment).is_ok();
                is_needed = is_needed || (is_live && has_work(&tombstone, segment, file)?);
            }
            if is_needed {
                left.push(tombstone);
            }
        }
        record.ledger.tombstones = left;
        Ok(())
    }

    /// Writes one segment of all samples that the inputs have in a partition.
    fn merge(
        &self,
        job: &MergeJob,
        plan: &SegmentPlan,
        deletions: &Deletions,
        report: &mut CompactReport,
    ) -> Result<Option<NewSegment>> {
        let mut metrics: BTreeMap<String, MetricDef> = BTreeMap::new();
        for (_, segment) in &job.inputs {
            let defs = job.unless_damaged(segment.metrics())?.unwrap_or_default();
            metrics.extend(defs.into_iter().map(|def| (def.name.clone(), def)));
        }
        let mut union = SeriesUnion::new(job)?;
        let (mut places, mut chunk) = (Vec::new(), Columns::default());
        let mut next = |columns: &mut Columns| {
            let Some(key) = union.next(&mut places)? else { return Ok(None) };
            let gone = deletions.of_series(&key);
            report.samples_purged += job.read(&places, &gone, &mut chunk, columns)?;
            columns.sort_by_time();
            if let Some(def) = metrics.get(key.metric()) {
                let before = columns.len();
                def.duplicates.apply(&mut columns.timestamps, &mut columns.values);
                report.samples_superseded += (before - columns.len()) as u64;
            }
            Ok(Some(key))
        };
        let defs: Vec<_> = metrics.values().cloned().collect();
        self.write_segment(plan, &defs, &mut next)
    }
}

impl MergeJob {
    /// Returns nothing for what is damaged, where that is to be left out.
    pub(super) fn unless_damaged<T>(&self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Err(error) if self.salvage && is_damage(&error) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Appends what is left of one series, in order of arrival; returns how many samples are gone.
    fn read(
        &self,
        places: &[Place],
        gone: &SeriesDeletions,
        chunk: &mut Columns,
        columns: &mut Columns,
    ) -> Result<u64> {
        let range = self.partition.map_or(TimeRange::ALL, partition_range);
        let mut purged = 0;
        for place in places {
            let Some((_, segment)) = self.inputs.get(place.input) else { continue };
            let from = columns.len();
            if self.salvage {
                read_what_is_whole(segment, place.series, columns)?;
            } else {
                unwatched(|watch| {
                    read_segment((segment, place.series), range, watch, chunk, columns)
                })?;
            }
            purged += gone.remove(origin_of(segment), columns, from);
        }
        Ok(purged)
    }

    /// The bytes of what is read.
    fn bytes(&self) -> u64 {
        self.inputs.iter().map(|(record, _)| record.file_bytes).sum()
    }

    fn plan(&self, uid: u64, deleted_up_to: u64) -> SegmentPlan {
        let of = |field: fn(&SegmentRecord) -> u64| {
            self.inputs.iter().map(move |(record, _)| field(record))
        };
        let sequences =
            |field: fn(&Segment) -> u64| self.inputs.iter().map(move |(_, segment)| field(segment));
        let level = self.inputs.iter().map(|(record, _)| record.level).max().unwrap_or(0);
        SegmentPlan {
            partition: self.partition,
            generation_lo: of(|record| record.generation_lo).min().unwrap_or(0),
            generation_hi: of(|record| record.generation_hi).max().unwrap_or(0),
            level: level.saturating_add(1),
            uid,
            flush_set_index: 0,
            flush_set_size: 1,
            seq_first: sequences(|segment| segment.meta().seq_first).min().unwrap_or(0),
            seq_last: sequences(|segment| segment.meta().seq_last).max().unwrap_or(0),
            deleted_up_to,
            inputs: of(|record| record.uid).collect(),
        }
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt { .. })
}

/// Appends the chunks of a series that read.
fn read_what_is_whole(segment: &Segment, series: u32, out: &mut Columns) -> Result<()> {
    let chunks = match segment.chunks(series) {
        Err(error) if is_damage(&error) => return Ok(()),
        chunks => chunks?,
    };
    for chunk in chunks {
        match segment.read_chunk(chunk, out) {
            Err(error) if !is_damage(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A merge keeps every sample but those that it counts; otherwise the old segments must stay.
fn check_kept(retired: &[SegmentRecord], written: &[NewSegment], report: &CompactReport) {
    let before: u64 = retired.iter().map(|record| record.samples).sum();
    let after: u64 = written.iter().map(|new| new.record.samples).sum();
    let left_out = report.samples_purged + report.samples_superseded;
    assert_eq!(before, after + left_out, "a merge keeps every sample but those it counts");
}

/// True where a deletion may still hide samples of a segment.
pub(crate) fn has_work(
    tombstone: &Tombstone,
    record: &SegmentRecord,
    segment: &Segment,
) -> Result<bool> {
    let Origin { generation, deleted_up_to } = origin_of(segment);
    let meets = tombstone.range.start.as_nanos() <= record.time_last
        && record.time_first < tombstone.range.end.as_nanos();
    let is_open = meets && tombstone.generation > generation.max(deleted_up_to);
    Ok(is_open && !segment.select(&tombstone.selector)?.is_empty())
}

/// True where a segment holds samples that have expired, or that a deletion is about.
pub(crate) fn has_gone(ledger: &Ledger, record: &SegmentRecord, segment: &Segment) -> Result<bool> {
    for tombstone in &ledger.tombstones {
        if has_work(tombstone, record, segment)? {
            return Ok(true);
        }
    }
    let starts = |before: i64| record.time_first < before;
    if starts(ledger.retention.expired_before) {
        return Ok(true);
    }
    for (metric, rule) in &ledger.retention.rules {
        if starts(rule.expired_before) && segment.first_time_of(metric)?.is_some_and(starts) {
            return Ok(true);
        }
    }
    Ok(false)
}
