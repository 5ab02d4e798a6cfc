//! Flushing: the samples of a sealed log generation become segments.

use std::sync::atomic::Ordering;

use crate::error::Result;
use crate::format::manifest::ManifestRecord;
use crate::format::tombstone::Tombstone;
use crate::head::HeadView;
use crate::manifest;
use crate::model::{Columns, MetricDef, TimeRange};
use crate::store::core::{Core, Live, LiveGeneration, Store, locked};
use crate::store::partition::{partition_range, partitions_of};
use crate::store::segments::{NewSegment, SegmentPlan};
use crate::wal::log_name;

/// What a flush did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushReport {
    /// How many log generations were flushed.
    pub generations: u64,
    /// How many segments were written.
    pub segments: u64,
    /// How many samples they hold.
    pub samples: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Store {
    /// Writes all samples that are in the log only into segments. Appends go on meanwhile.
    ///
    /// # Errors
    /// I/O errors, a full disk. Nothing is lost then: the samples stay in the log.
    pub fn flush(&self) -> Result<FlushReport> {
        self.handle.core.flush()
    }
}

impl Core {
    /// Flushes everything that was appended before the call.
    pub(crate) fn flush(&self) -> Result<FlushReport> {
        self.check_lock_held()?;
        self.with_rescue(|| {
            if !self.wal.is_fresh() {
                let _one = locked(&self.maintenance);
                self.check_lock_held()?;
                self.rotate()?;
            }
            self.flush_sealed()
        })
    }

    /// Flushes all sealed generations, oldest first.
    pub(crate) fn flush_sealed(&self) -> Result<FlushReport> {
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        self.is_flushing.store(true, Ordering::Relaxed);
        let outcome = self.flush_each_sealed();
        self.is_flushing.store(false, Ordering::Relaxed);
        self.flushed.notify_all();
        outcome
    }

    fn flush_each_sealed(&self) -> Result<FlushReport> {
        let mut report = FlushReport::default();
        loop {
            let oldest = locked(&self.live).generations.first().cloned();
            let Some(generation) = oldest.filter(|oldest| oldest.sealed_end.is_some()) else {
                return Ok(report);
            };
            self.flush_generation(&generation, &mut report)?;
        }
    }

    pub(crate) fn flush_generation(
        &self,
        generation: &LiveGeneration,
        report: &mut FlushReport,
    ) -> Result<()> {
        let mut before = locked(&self.live).manifest.clone();
        before.begun_generation = self.begun_generation(&before)?;
        let (view, state) = {
            let mut follower = locked(&generation.follower);
            // The log is removed below, so none of its frames may be left unread.
            follower.advance_to(generation.sealed_end.unwrap_or(u64::MAX))?;
            let tombstones = follower.tombstones().iter().map(|one| Tombstone::clone(one));
            before.ledger.tombstones.extend(tombstones);
            before.ledger.producers.extend(follower.producers());
            (follower.view(), *follower.state())
        };
        let mut written = Vec::new();
        let outcome =
            self.write_flush_set(generation.number, &view, &before, state.seq, &mut written);
        self.keep_or_remove(outcome, &written)?;
        report.generations += 1;
        for new in &written {
            report.segments += 1;
            report.samples += new.record.samples;
            report.bytes += new.record.file_bytes;
        }
        let mut record = ManifestRecord {
            edit: before.edit + 1,
            flushed_generation: generation.number,
            flushed_seq: state.seq,
            ..before
        };
        let counted = &mut record.ledger.written;
        counted.samples += view.sample_count();
        counted.log_bytes += state.offset;
        counted.flushed_bytes += written.iter().map(|new| new.record.file_bytes).sum::<u64>();
        record.segments.extend(written.iter().map(|new| new.record));
        record.segments.sort_unstable();
        self.drop_done_tombstones(&mut record, &written)?;
        manifest::publish(&*self.options.vfs, &self.dir, &record)?;
        locked(&self.live).replace_generation(generation.number, record, written);
        self.flushed.notify_all();
        self.retire_log(generation)
    }

    /// Returns the generation that the next manifest may claim to have begun: the current one, the
    /// OPEN frame of which is on disk on return. Of a log whose sync failed nothing is claimed
    /// anew.
    pub(crate) fn begun_generation(&self, before: &ManifestRecord) -> Result<u64> {
        if self.wal.is_poisoned() { Ok(before.begun_generation) } else { self.wal.sync_open() }
    }

    /// Writes a segment a partition; what lies in more partitions than allowed shares a wide one.
    fn write_flush_set(
        &self,
        generation: u64,
        view: &HeadView,
        before: &ManifestRecord,
        seq_last: u64,
        written: &mut Vec<NewSegment>,
    ) -> Result<()> {
        let series = view.series_by_key();
        let metrics: Vec<MetricDef> =
            view.metrics().iter().map(|def| MetricDef::clone(def)).collect();
        let ranges = self.flush_ranges(view, &series);
        let size = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
        for (index, (partition, ranges)) in (0_u32..).zip(&ranges) {
            let plan = SegmentPlan {
                partition: *partition,
                generation_lo: generation,
                generation_hi: generation,
                level: 0,
                uid: uid_of(before.edit + 1, index),
                flush_set_index: index,
                flush_set_size: size,
                seq_first: before.flushed_seq + 1,
                seq_last,
                deleted_up_to: 0,
                inputs: Vec::new(),
            };
            let mut rest = series.iter();
            let mut next = |columns: &mut Columns| {
                let Some(&reference) = rest.next() else { return Ok(None) };
                for range in ranges {
                    view.read(reference, *range, columns);
                }
                columns.sort_by_time();
                Ok(view.key(reference))
            };
            written.extend(self.write_segment(&plan, &metrics, &mut next)?);
        }
        if !written.is_empty() {
            self.options.vfs.sync_dir(&self.dir.join("seg"))?;
        }
        Ok(())
    }

    /// Returns the segments to write: a partition each with its range, at last the wide one.
    fn flush_ranges(&self, view: &HeadView, series: &[u32]) -> Vec<(Option<i64>, Vec<TimeRange>)> {
        let mut starts = Vec::new();
        for &reference in series {
            view.each_run(reference, |timestamps| partitions_of(timestamps, &mut starts));
            if starts.len() > 1 << 16 {
                starts.sort_unstable();
                starts.dedup();
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let limit = self.options.limits.flush_segments_max;
        let narrow = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        // The latest partitions are the ones that questions are about: they get their own segments.
        let wide_count = if starts.len() > narrow { starts.len() - (narrow - 1) } else { 0 };
        let (wide, own) = starts.split_at_checked(wide_count).unwrap_or((&[], &starts));
        let mut ranges: Vec<_> =
            own.iter().map(|&start| (Some(start), vec![partition_range(start)])).collect();
        if !wide.is_empty() {
            ranges.push((None, wide.iter().map(|&start| partition_range(start)).collect()));
        }
        ranges
    }

    /// Removes a flushed log; one with frames behind a gap is kept in quarantine for salvage.
    fn retire_log(&self, generation: &LiveGeneration) -> Result<()> {
        let name = log_name(generation.number);
        let path = self.dir.join("wal").join(&name);
        if generation.has_gap {
            let quarantine = self.dir.join("quarantine");
            self.options.vfs.rename(&path, &quarantine.join(name))?;
            return self.options.vfs.sync_dir(&quarantine);
        }
        self.options.vfs.remove(&path)
    }
}

impl Live {
    /// Puts the segments of a flushed generation in its place, in one step: a snapshot between two
    /// would count its samples twice, or not at all.
    fn replace_generation(
        &mut self,
        number: u64,
        record: ManifestRecord,
        written: Vec<NewSegment>,
    ) {
        self.adopt(record, written);
        self.generations.retain(|live| live.number != number);
    }

    /// Takes over a manifest that is on disk, and the segments that it adds.
    pub(crate) fn adopt(&mut self, record: ManifestRecord, added: Vec<NewSegment>) {
        let old = self.manifest.segments.iter().copied().zip(self.segments.drain(..));
        let added = added.into_iter().map(|new| (new.record, new.segment));
        let mut known: Vec<_> = old.chain(added).collect();
        known.sort_by_key(|(segment, _)| *segment);
        known.retain(|(segment, _)| record.segments.binary_search(segment).is_ok());
        self.segments = known.into_iter().map(|(_, segment)| segment).collect();
        debug_assert_eq!(self.segments.len(), record.segments.len());
        self.manifest = record;
    }
}

/// Makes the unique part of a segment's name: no two segments of one manifest edit share it.
pub(crate) fn uid_of(edit: u64, index: u32) -> u64 {
    (edit << 24) | u64::from(index)
}
