//! Checking a whole segment: every checksum, every chunk, index against data.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::segment::NO_SYMBOL;
use crate::format::segment_sections::SectionId;
use crate::model::{Columns, SeriesKey, Timestamp};
use crate::segment::reader::Segment;
use crate::segment::stats::ChunkStats;

/// What was checked, and what was found.
#[derive(Debug, Default)]
pub(crate) struct SegmentCheck {
    pub(crate) samples: u64,
    pub(crate) chunks: u64,
    pub(crate) damages: Vec<Damage>,
}

/// One damaged structure, and what it costs.
#[derive(Debug)]
pub(crate) struct Damage {
    /// Where it lies in the file.
    pub(crate) offset: u64,
    /// What is wrong.
    pub(crate) error: FormatError,
    /// The series whose samples are lost, and their times; nothing where only the index suffers.
    pub(crate) lost: Option<(SeriesKey, Timestamp, Timestamp)>,
    /// How many samples are lost.
    pub(crate) samples: u64,
}

impl Segment {
    /// Checks everything, and goes on after each damage.
    ///
    /// # Errors
    /// I/O errors only; damage is reported.
    pub(crate) fn verify(&self) -> Result<SegmentCheck> {
        let mut check = SegmentCheck::default();
        for page in 0..self.pages.count() {
            if let Err(error) = self.pages.check(page) {
                check.note(error, self.pages.offset_of(page), None, 0)?;
            }
        }
        let mut before: Option<SeriesKey> = None;
        let mut lists: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        let mut next_chunk = 0;
        for series in 0..self.series_count() {
            let walked = self.walk_series(series, &mut before, &mut next_chunk, &mut check);
            if let Err(error) = walked {
                check.note(error, self.section(SectionId::SeriesRecords).offset, None, 0)?;
                before = None;
            }
        }
        if let Err(error) = self.check_totals(next_chunk, &check) {
            check.note(error, self.footer.offset(), None, 0)?;
        }
        if let Err(error) = self.check_postings(&mut lists) {
            check.note(error, self.footer.blocks_end, None, 0)?;
        }
        Ok(check)
    }

    fn walk_series(
        &self,
        series: u32,
        before: &mut Option<SeriesKey>,
        next_chunk: &mut u32,
        check: &mut SegmentCheck,
    ) -> Result<()> {
        let key = self.key(series)?;
        if before.as_ref().is_some_and(|before| *before >= key) {
            let error = FormatError::OutOfRange { field: "series order", got: u64::from(series) };
            return Err(self.corrupt(SectionId::SeriesRecords, error));
        }
        let chunks = self.chunks(series)?;
        if chunks.start != *next_chunk || chunks.is_empty() {
            let got = u64::from(chunks.start);
            let error = FormatError::OutOfRange { field: "first chunk", got };
            return Err(self.corrupt(SectionId::SeriesChunks, error));
        }
        *next_chunk = chunks.end;
        let mut time_before = Timestamp::MIN;
        for chunk in chunks {
            check.chunks += 1;
            let meta = self.chunk(chunk)?;
            match self.check_chunk(chunk, time_before) {
                Ok(()) => check.samples += meta.count as u64,
                Err(error) => {
                    let lost = Some((key.clone(), meta.time_min, meta.time_max));
                    check.note(error, meta.values.offset, lost, meta.count as u64)?;
                }
            }
            time_before = meta.time_max;
        }
        *before = Some(key);
        Ok(())
    }

    /// Decodes a chunk and compares it with what the index says.
    fn check_chunk(&self, chunk: u32, time_before: Timestamp) -> Result<()> {
        let meta = self.chunk(chunk)?;
        let mut columns = Columns::default();
        self.read_chunk(chunk, &mut columns)?;
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
        if !ChunkStats::of_values(&columns.values).is_same(&self.stats(chunk)?) {
            return wrong("statistics of a chunk");
        }
        Ok(())
    }

    fn check_totals(&self, chunks: u32, check: &SegmentCheck) -> Result<()> {
        let lost: u64 = check.damages.iter().map(|damage| damage.samples).sum();
        if chunks != self.footer.counts.chunks && check.damages.is_empty() {
            let error = FormatError::OutOfRange { field: "chunks", got: u64::from(chunks) };
            return Err(Error::corrupt(self.path(), self.footer.offset(), error));
        }
        if check.samples + lost != self.footer.samples && check.damages.is_empty() {
            let error = FormatError::OutOfRange { field: "samples", got: check.samples };
            return Err(Error::corrupt(self.path(), self.footer.offset(), error));
        }
        Ok(())
    }

    /// Compares the posting lists with the series: each label of each series is in one list, and
    /// the lists hold nothing else.
    fn check_postings(&self, lists: &mut BTreeMap<(u32, u32), u64>) -> Result<()> {
        let wrong = |got: u32| {
            let error = FormatError::OutOfRange { field: "posting", got: u64::from(got) };
            Err(self.corrupt(SectionId::Postings, error))
        };
        let mut before = None;
        for index in 0..self.posting_count() {
            let entry = self.posting(index)?;
            // The metric's lists come last: their name is all ones.
            if before.is_some_and(|before| before >= (entry.name, entry.value)) {
                return wrong(index);
            }
            before = Some((entry.name, entry.value));
            let list = self.read_list(&entry)?;
            for series in &list {
                let key = self.key(*series)?;
                let value = self.symbol(entry.value)?;
                let has = match entry.name {
                    NO_SYMBOL => **key.metric() == *value,
                    name => key.value_of(self.symbol(name)?) == value,
                };
                if !has {
                    return wrong(index);
                }
            }
            lists.insert((entry.name, entry.value), list.len() as u64);
        }
        let mut entries = 0;
        for series in 0..self.series_count() {
            entries += self.key(series)?.labels().len() as u64 + 1;
        }
        if lists.values().sum::<u64>() == entries { Ok(()) } else { wrong(self.posting_count()) }
    }
}

impl SegmentCheck {
    /// Notes a damage; an error of another kind ends the check.
    fn note(
        &mut self,
        error: Error,
        offset: u64,
        lost: Option<(SeriesKey, Timestamp, Timestamp)>,
        samples: u64,
    ) -> Result<()> {
        match error.into_kind() {
            ErrorKind::Corrupt { offset, source, .. } => {
                self.damages.push(Damage { offset, error: source, lost, samples });
            }
            ErrorKind::FormatVersion { got, newest, .. } => {
                let error = FormatError::Version { got, newest };
                self.damages.push(Damage { offset, error, lost, samples });
            }
            other => return Err(other.into()),
        }
        Ok(())
    }
}
