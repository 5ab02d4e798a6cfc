//! Writing segments: to a temporary file, checked, then moved into place.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::manifest::SegmentRecord;
use crate::format::segment::SegmentOrigin;
use crate::manifest;
use crate::model::{Columns, MetricDef, SeriesKey};
use crate::segment::{Segment, SegmentMeta, SegmentSummary, SegmentWriter};
use crate::snapshot::open_segment;
use crate::store::core::Core;
use crate::store::partition::PARTITION_NANOS;

/// What a new segment is to hold.
#[derive(Debug, Clone)]
pub(crate) struct SegmentPlan {
    /// The start of its partition; nothing for a segment over several partitions.
    pub(crate) partition: Option<i64>,
    pub(crate) generation_lo: u64,
    pub(crate) generation_hi: u64,
    pub(crate) level: u8,
    pub(crate) uid: u64,
    pub(crate) deleted_up_to: u64,
    pub(crate) flush_set_index: u32,
    pub(crate) flush_set_size: u32,
    pub(crate) seq_first: u64,
    pub(crate) seq_last: u64,
    pub(crate) inputs: Vec<u64>,
}

/// Gives the next series, and appends its samples in order of time; nothing at the end.
pub(crate) type NextSeries<'a> = dyn FnMut(&mut Columns) -> Result<Option<SeriesKey>> + 'a;

/// A segment that is in place and on disk, but not yet in the manifest.
#[derive(Debug)]
pub(crate) struct NewSegment {
    pub(crate) record: SegmentRecord,
    pub(crate) segment: Arc<Segment>,
}

impl SegmentPlan {
    fn meta(&self, db_uuid: [u8; 16]) -> SegmentMeta {
        SegmentMeta {
            origin: SegmentOrigin {
                db_uuid,
                generation_lo: self.generation_lo,
                generation_hi: self.generation_hi,
                level: self.level,
                partition_start: self.partition.unwrap_or(0),
                partition_nanos: self.partition_nanos(),
                flush_set_index: self.flush_set_index,
            },
            flush_set_size: self.flush_set_size,
            seq_first: self.seq_first,
            seq_last: self.seq_last,
            uid: self.uid,
            deleted_up_to: self.deleted_up_to,
        }
    }

    fn partition_nanos(&self) -> u64 {
        self.partition.map_or(0, |_| PARTITION_NANOS.unsigned_abs())
    }

    fn record(&self) -> SegmentRecord {
        SegmentRecord {
            partition_start: self.partition.unwrap_or(0),
            partition_nanos: self.partition_nanos(),
            generation_lo: self.generation_lo,
            generation_hi: self.generation_hi,
            level: self.level,
            uid: self.uid,
            file_bytes: 0,
            samples: 0,
            time_first: 0,
            time_last: 0,
        }
    }
}

impl Core {
    /// Writes a segment of what `next` gives, one series after the other in the order of their
    /// keys, and puts it in place.
    ///
    /// The file is opened again and checked whole before it gets its name. Returns nothing where
    /// there are no samples. The caller makes the directory `seg` durable.
    pub(crate) fn write_segment(
        &self,
        plan: &SegmentPlan,
        metrics: &[MetricDef],
        next: &mut NextSeries<'_>,
    ) -> Result<Option<NewSegment>> {
        let vfs = &*self.options.vfs;
        let mut record = plan.record();
        let source = self.dir.join("tmp").join(manifest::segment_name(&record));
        if vfs.exists(&source)? {
            vfs.remove(&source)?;
        }
        let written = self.write_temporary(&source, plan, metrics, next);
        let Ok(Some(summary)) = written else {
            // Half a segment must not keep the space that a full disk lacks.
            drop(vfs.remove(&source));
            return written.map(|_| None);
        };
        record.file_bytes = summary.file_bytes;
        record.samples = summary.samples;
        record.time_first = summary.time_min.as_nanos();
        record.time_last = summary.time_max.as_nanos();
        self.move_into_place(&source, &record)?;
        let segment = open_segment(vfs, &self.dir, self.db_uuid, &record)?;
        Ok(Some(NewSegment { record, segment }))
    }

    /// Writes a segment that is on disk and was read back; nothing where there are no samples.
    fn write_temporary(
        &self,
        source: &Path,
        plan: &SegmentPlan,
        metrics: &[MetricDef],
        next: &mut NextSeries<'_>,
    ) -> Result<Option<SegmentSummary>> {
        let mut file = self.options.vfs.create(source)?;
        let mut writer =
            SegmentWriter::new(plan.meta(self.db_uuid), &plan.inputs, metrics, &mut *file)?;
        let mut columns = Columns::default();
        while let Some(key) = next(&mut columns)? {
            if !columns.is_empty() {
                writer.push(&key, &columns)?;
                self.keep_up()?;
            }
            columns.clear();
        }
        let summary = writer.finish()?;
        if summary.samples == 0 {
            return Ok(None);
        }
        file.sync()?;
        self.keep_up()?;
        self.check_written(source)?;
        self.keep_up()?;
        file.set_read_only()?;
        Ok(Some(summary))
    }

    /// Reads a new segment back, every checksum and every chunk of it.
    fn check_written(&self, path: &Path) -> Result<()> {
        let report = Segment::open(self.options.vfs.open(path)?)?.verify()?;
        match report.damages.first() {
            None => Ok(()),
            Some(damage) => Err(Error::corrupt(path, damage.offset, damage.error.clone())),
        }
    }

    fn move_into_place(&self, source: &Path, record: &SegmentRecord) -> Result<()> {
        let vfs = &*self.options.vfs;
        let target = manifest::segment_path(&self.dir, record);
        let partition = self.dir.join("seg").join(manifest::partition_name(record));
        vfs.create_dir_all(&partition)?;
        vfs.rename(source, &target)?;
        vfs.sync_dir(&partition)
    }

    /// Removes what was written of a set that could not be finished: no manifest will name it, and
    /// a full disk needs the space.
    pub(crate) fn keep_or_remove<T>(
        &self,
        outcome: Result<T>,
        written: &[NewSegment],
    ) -> Result<T> {
        if outcome.is_err() {
            let records: Vec<_> = written.iter().map(|new| new.record).collect();
            self.remove_retired(&records);
        }
        outcome
    }

    /// Removes files that no manifest names any more; what cannot be removed now is an orphan that
    /// the next opening removes.
    pub(crate) fn remove_retired(&self, retired: &[SegmentRecord]) {
        for record in retired {
            let removed = self.options.vfs.remove(&manifest::segment_path(&self.dir, record));
            drop(removed);
        }
    }
}
