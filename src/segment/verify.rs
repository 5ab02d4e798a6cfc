//! Checking a whole segment: every checksum, every chunk, the index against the data.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::segment_sections::SectionId;
use crate::model::{Columns, SeriesKey, Timestamp};
use crate::segment::reader::{ChunkMeta, Segment};
use crate::segment::stats::{ChunkStats, put_sketch};

/// What was checked, and what was found.
#[derive(Debug, Default)]
pub(crate) struct SegmentCheck {
    /// Samples that were decoded and agree with the index.
    pub(crate) samples: u64,
    /// Chunks that were looked at.
    pub(crate) chunks: u64,
    /// What is damaged, in the order of the checks.
    pub(crate) damages: Vec<Damage>,
    /// Where something is damaged that costs no sample.
    offsets: BTreeSet<u64>,
}

/// One damaged structure, and what it costs.
///
/// A structure that several chunks need, such as a shared timestamp block or a page of the index,
/// is listed for each of them; one that costs no sample is listed once.
#[derive(Debug)]
pub(crate) struct Damage {
    /// Where it lies in the file.
    pub(crate) offset: u64,
    /// What is wrong.
    pub(crate) error: FormatError,
    /// Whose samples are lost; nothing where only the index suffers.
    pub(crate) lost: Option<Lost>,
}

/// Samples that cannot be read any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Their series, unless its name is lost too.
    pub(crate) key: Option<SeriesKey>,
    /// The time of the first one, or the segment's if that is lost too.
    pub(crate) time_min: Timestamp,
    /// The time of the last one, or the segment's if that is lost too.
    pub(crate) time_max: Timestamp,
    /// How many, or 0 if that is lost too.
    pub(crate) samples: u64,
}

impl Segment {
    /// Checks everything, and goes on after each damage.
    ///
    /// Takes the time of decoding all samples, and memory in proportion to the index.
    ///
    /// # Errors
    /// I/O errors only; damage is reported.
    pub(crate) fn verify(&self) -> Result<SegmentCheck> {
        let mut check = SegmentCheck::default();
        for page in 0..self.pages.count() {
            check.note(self.pages.check(page), || None)?;
        }
        check.note(self.check_symbols(), || None)?;
        check.note(self.check_metrics(), || None)?;
        let mut walk = Walk::default();
        for series in 0..self.series_count() {
            self.walk_series(series, &mut walk, &mut check)?;
        }
        self.check_postings(&mut check)?;
        // What is damaged explains any difference that these would find.
        if check.damages.is_empty() {
            check.note(self.check_totals(&walk, &check), || None)?;
        }
        if check.damages.is_empty() {
            check.note(self.check_tiling(), || None)?;
        }
        Ok(check)
    }

    fn walk_series(&self, series: u32, walk: &mut Walk, check: &mut SegmentCheck) -> Result<()> {
        check.note(self.check_record(series, walk), || None)?;
        let chunks = match self.chunks(series) {
            Ok(chunks) => chunks,
            Err(error) => return check.note(Err(error), || Some(self.lost_series(series))),
        };
        if (walk.next_chunk.is_some_and(|next| next != chunks.start)) || chunks.is_empty() {
            let got = u64::from(chunks.start);
            let error = FormatError::OutOfRange { field: "first chunk", got };
            let error = self.corrupt(SectionId::SeriesChunks, error);
            check.note(Err(error), || Some(self.lost_series(series)))?;
        }
        walk.next_chunk = Some(chunks.end);
        walk.chunk_time_max = Timestamp::MIN;
        for chunk in chunks {
            check.chunks += 1;
            let checked = self.check_chunk(chunk, walk);
            if checked.is_ok() {
                check.samples += walk.columns.len() as u64;
                check.note(self.check_stats(chunk, &walk.columns), || None)?;
                check.note(self.check_ticks(chunk, &walk.columns), || None)?;
                check.note(self.check_sketch(chunk, &walk.columns), || None)?;
            }
            check.note(checked, || Some(self.lost_chunk(series, chunk)))?;
        }
        Ok(())
    }

    /// Compares a series with the one before it.
    fn check_record(&self, series: u32, walk: &mut Walk) -> Result<()> {
        let before = walk.record.take();
        let record = self.record(series)?;
        if record.0 >= self.metric_count() {
            let error = FormatError::OutOfRange { field: "metric", got: record.0.into() };
            return Err(self.corrupt(SectionId::SeriesRecords, error));
        }
        // Symbols and metrics are sorted, so that keys compare as their numbers do.
        if before.is_some_and(|before| before >= record) {
            let error = FormatError::OutOfRange { field: "series order", got: series.into() };
            return Err(self.corrupt(SectionId::SeriesRecords, error));
        }
        walk.record = Some(record);
        Ok(())
    }

    /// Decodes a chunk into the walk's columns and compares it with what the index says.
    fn check_chunk(&self, chunk: u32, walk: &mut Walk) -> Result<()> {
        let meta = self.chunk(chunk)?;
        let time_before = std::mem::replace(&mut walk.chunk_time_max, meta.time_max);
        walk.time_min = walk.time_min.min(meta.time_min);
        walk.time_max = walk.time_max.max(meta.time_max);
        let columns = &mut walk.columns;
        columns.clear();
        self.read_chunk(chunk, columns)?;
        let wrong = |what| {
            let error = FormatError::Misplaced { what };
            Err(Error::corrupt(self.path(), meta.values.offset, error))
        };
        let first = columns.timestamps.first().copied().map(Timestamp::from_nanos);
        let last = columns.timestamps.last().copied().map(Timestamp::from_nanos);
        if (first, last) != (Some(meta.time_min), Some(meta.time_max)) {
            return wrong("time of a chunk");
        }
        if !columns.timestamps.is_sorted() || meta.time_min < time_before {
            return wrong("order of timestamps");
        }
        Ok(())
    }

    /// Computes the statistics of a chunk again; no sample is lost where they differ.
    fn check_stats(&self, chunk: u32, columns: &Columns) -> Result<()> {
        if ChunkStats::of_values(&columns.values).is_same(&self.stats(chunk)?) {
            return Ok(());
        }
        let error = FormatError::Misplaced { what: "statistics of a chunk" };
        Err(self.corrupt(SectionId::StatSumHigh, error))
    }

    /// Counts again what ticks say of a chunk's timestamps; no sample is lost where they differ.
    fn check_ticks(&self, chunk: u32, columns: &Columns) -> Result<()> {
        let ticks = self.time_ticks(&self.chunk(chunk)?)?;
        if ticks.is_none_or(|ticks| ticks.are_of(&columns.timestamps)) {
            return Ok(());
        }
        let error = FormatError::Misplaced { what: "ticks of timestamps" };
        Err(self.corrupt(SectionId::TimeTickBytes, error))
    }

    /// Makes the sketch of a chunk again, if it has one; no sample is lost where they differ.
    fn check_sketch(&self, chunk: u32, columns: &Columns) -> Result<()> {
        let offsets = SectionId::SketchOffsets;
        if self.section(offsets).len > 0 && self.u32_at(offsets, 0)? != 0 {
            return Err(self.corrupt(offsets, FormatError::Misplaced { what: "first sketch" }));
        }
        let Some(bytes) = self.sketch_bytes(chunk)? else { return Ok(()) };
        let mut again = Vec::new();
        put_sketch(&columns.values, &mut again);
        if again == bytes {
            return Ok(());
        }
        let error = FormatError::Misplaced { what: "sketch of a chunk" };
        Err(self.corrupt(SectionId::SketchBytes, error))
    }

    fn check_totals(&self, walk: &Walk, check: &SegmentCheck) -> Result<()> {
        let wrong = |field, got| {
            let error = FormatError::OutOfRange { field, got };
            Err(Error::corrupt(self.path(), self.footer.offset(), error))
        };
        if check.chunks != u64::from(self.footer.counts.chunks) {
            return wrong("chunks", check.chunks);
        }
        if check.samples != self.footer.samples {
            return wrong("samples", check.samples);
        }
        let summary = self.summary();
        if (walk.time_min, walk.time_max) != (summary.time_min, summary.time_max) {
            return wrong("time max", walk.time_max.as_nanos().cast_unsigned());
        }
        Ok(())
    }

    /// Says as well as the index still can what a chunk held.
    fn lost_chunk(&self, series: u32, chunk: u32) -> Lost {
        let meta = self.chunk(chunk);
        let extent = |meta: ChunkMeta| (meta.time_min, meta.time_max, meta.count as u64);
        let unknown = |_| (self.summary().time_min, self.summary().time_max, 0);
        let (time_min, time_max, samples) = meta.map_or_else(unknown, extent);
        Lost { key: self.key(series).ok(), time_min, time_max, samples }
    }

    fn lost_series(&self, series: u32) -> Lost {
        let (time_min, time_max) = (self.summary().time_min, self.summary().time_max);
        Lost { key: self.key(series).ok(), time_min, time_max, samples: 0 }
    }
}

/// What the walk over the series has seen.
#[derive(Debug)]
struct Walk {
    /// The record of the series before.
    record: Option<(u32, Vec<(u32, u32)>)>,
    /// The chunk that the next series starts with, if that is known.
    next_chunk: Option<u32>,
    /// The end of the chunk before, in the same series.
    chunk_time_max: Timestamp,
    /// The earliest time of all chunks.
    time_min: Timestamp,
    /// The latest time of all chunks.
    time_max: Timestamp,
    /// Decoded samples; emptied for each chunk.
    columns: Columns,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            record: None,
            next_chunk: Some(0),
            chunk_time_max: Timestamp::MIN,
            time_min: Timestamp::MAX,
            time_max: Timestamp::MIN,
            columns: Columns::default(),
        }
    }
}

impl SegmentCheck {
    /// Notes a damage and what it costs; an error of another kind ends the check.
    pub(crate) fn note(
        &mut self,
        outcome: Result<()>,
        lost: impl FnOnce() -> Option<Lost>,
    ) -> Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        match error.into_kind() {
            ErrorKind::Corrupt { offset, source, .. } => {
                let lost = lost();
                if lost.is_some() || self.offsets.insert(offset) {
                    self.damages.push(Damage { offset, error: source, lost });
                }
                Ok(())
            }
            other => Err(other.into()),
        }
    }
}
