//! The keys of many series at once: dictionary and records are checked and read as a whole.

use crate::codec::varint;
use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::segment_sections::SectionId;
use crate::model::SeriesKey;
use crate::segment::reader::Segment;

/// So many of the series, one in this many, are worth reading the dictionary as a whole.
const WORTH_ONE_IN: usize = 16;

/// What keys are made of, all of it in memory.
#[derive(Debug)]
struct KeyTables<'a> {
    segment: &'a Segment,
    symbol_ends: &'a [[u8; 4]],
    symbols: &'a str,
    record_ends: &'a [[u8; 4]],
    records: &'a [u8],
    metrics: Vec<&'a str>,
}

impl Segment {
    /// Calls `each` with the key of each of some series.
    ///
    /// # Errors
    /// I/O errors and damage.
    pub(crate) fn each_key(
        &self,
        series: &[u32],
        mut each: impl FnMut(u32, SeriesKey) -> Result<()>,
    ) -> Result<()> {
        if series.len() < self.series_count() as usize / WORTH_ONE_IN {
            for &series in series {
                each(series, self.key(series)?)?;
            }
            return Ok(());
        }
        let tables = KeyTables::read(self)?;
        let (mut labels, mut text) = (Vec::new(), String::new());
        for &series in series {
            let metric = tables.labels_of(series, &mut labels)?;
            each(series, SeriesKey::of_sorted(metric, &labels, &mut text))?;
        }
        Ok(())
    }

    fn whole(&self, id: SectionId) -> Result<&[u8]> {
        let section = self.section(id);
        self.pages.bytes(section, 0, section.len)
    }
}

impl<'a> KeyTables<'a> {
    fn read(segment: &'a Segment) -> Result<Self> {
        let id = SectionId::SymbolBytes;
        let symbols = std::str::from_utf8(segment.whole(id)?);
        let mut tables = Self {
            segment,
            symbol_ends: segment.whole(SectionId::SymbolOffsets)?.as_chunks().0,
            symbols: symbols.map_err(|_| segment.corrupt(id, FormatError::Utf8))?,
            record_ends: segment.whole(SectionId::SeriesOffsets)?.as_chunks().0,
            records: segment.whole(SectionId::SeriesRecords)?,
            metrics: Vec::new(),
        };
        for metric in 0..segment.metric_count() {
            tables.metrics.push(tables.symbol(segment.metric_symbol(metric)?)?);
        }
        Ok(tables)
    }

    fn out_of_range(&self, id: SectionId, got: u64) -> Error {
        self.segment.corrupt(id, FormatError::OutOfRange { field: "offset", got })
    }

    fn symbol(&self, symbol: u32) -> Result<&'a str> {
        let text =
            bounds(self.symbol_ends, symbol).and_then(|(from, to)| self.symbols.get(from..to));
        text.ok_or_else(|| self.out_of_range(SectionId::SymbolOffsets, symbol.into()))
    }

    /// Replaces `labels` by those of a series, in order; returns its metric.
    fn labels_of(&self, series: u32, labels: &mut Vec<(&'a str, &'a str)>) -> Result<&'a str> {
        let record =
            bounds(self.record_ends, series).and_then(|(from, to)| self.records.get(from..to));
        let record =
            record.ok_or_else(|| self.out_of_range(SectionId::SeriesOffsets, series.into()))?;
        let mut at = 0;
        let mut number = || {
            let number = varint::read_u64(record, &mut at).map_err(FormatError::from);
            let number =
                number.map_err(|error| self.segment.corrupt(SectionId::SeriesRecords, error))?;
            u32::try_from(number).map_err(|_| self.out_of_range(SectionId::SeriesRecords, number))
        };
        let (metric, count) = (number()?, number()?);
        labels.clear();
        for _ in 0..count {
            let (name, value) = (self.symbol(number()?)?, self.symbol(number()?)?);
            if labels.last().is_some_and(|(before, _)| *before >= name) {
                return Err(self.out_of_range(SectionId::SeriesRecords, series.into()));
            }
            labels.push((name, value));
        }
        let metric = self.metrics.get(metric as usize).copied();
        metric.ok_or_else(|| self.out_of_range(SectionId::SeriesRecords, series.into()))
    }
}

/// Returns where entry `index` begins and ends.
fn bounds(ends: &[[u8; 4]], index: u32) -> Option<(usize, usize)> {
    let at = |index: usize| Some(u32::from_le_bytes(*ends.get(index)?) as usize);
    Some((at(index as usize)?, at((index as usize).checked_add(1)?)?))
}
