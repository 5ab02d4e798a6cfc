//! Checking the index of a segment against itself: symbols, metrics, posting lists, blocks.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::segment::{NO_SYMBOL, SEGMENT_HEADER_BYTES};
use crate::format::segment_sections::SectionId;
use crate::segment::reader::{BlockMeta, Segment};
use crate::segment::select::PostingEntry;
use crate::segment::verify::SegmentCheck;

/// A series' metric, and the symbols of its labels' names and values; nothing if it is damaged.
type Record = Option<(u32, Vec<(u32, u32)>)>;

impl Segment {
    /// Checks that symbols are texts, that they ascend, and that they fill their section.
    pub(crate) fn check_symbols(&self) -> Result<()> {
        let mut before: Option<&str> = None;
        let mut end = 0;
        for symbol in 0..self.footer.counts.symbols {
            let text = self.symbol(symbol)?;
            if before.is_some_and(|before| before >= text) {
                let error = FormatError::OutOfRange { field: "symbol order", got: symbol.into() };
                return Err(self.corrupt(SectionId::SymbolBytes, error));
            }
            before = Some(text);
            end += text.len() as u64;
        }
        self.check_filled(SectionId::SymbolBytes, end)
    }

    /// Checks that metrics are well-formed and ascend by name.
    pub(crate) fn check_metrics(&self) -> Result<()> {
        let metrics = self.metrics()?;
        if metrics.is_sorted_by(|a, b| a.name < b.name) {
            return Ok(());
        }
        let error = FormatError::OutOfRange { field: "metric order", got: metrics.len() as u64 };
        Err(self.corrupt(SectionId::Metrics, error))
    }

    fn check_filled(&self, id: SectionId, end: u64) -> Result<()> {
        let got = self.section(id).len;
        if got == end {
            return Ok(());
        }
        Err(self.corrupt(id, FormatError::OutOfRange { field: "section length", got }))
    }

    /// Compares the posting lists with the series: each label of each series is in one list, and
    /// the lists hold nothing else.
    ///
    /// # Errors
    /// I/O errors only; damage goes to `check`.
    pub(crate) fn check_postings(&self, check: &mut SegmentCheck) -> Result<()> {
        let damages_before = check.damages.len();
        let mut records: Vec<Record> = Vec::new();
        for series in 0..self.series_count() {
            // A damaged record was noted when the series was walked.
            records.push(self.record(series).ok());
        }
        let (mut listed, mut before) = (0, None);
        for index in 0..self.posting_count() {
            let checked = self.posting(index).and_then(|entry| {
                let place = Some((entry.name, entry.value));
                // The metrics' lists come last: their name is all ones.
                if std::mem::replace(&mut before, place) >= place {
                    return Err(self.wrong_posting(index));
                }
                self.check_list(&entry, &records)
            });
            listed += *checked.as_ref().unwrap_or(&0);
            check.note(checked.map(drop), || None)?;
        }
        let whole = records.iter().all(Option::is_some) && check.damages.len() == damages_before;
        let labels = |record: &Record| record.as_ref().map_or(0, |(_, labels)| labels.len() + 1);
        if whole && listed != records.iter().map(labels).sum::<usize>() {
            check.note(Err(self.wrong_posting(self.posting_count())), || None)?;
        }
        Ok(())
    }

    /// Checks that the series of a list have its label or metric; returns how many they are.
    fn check_list(&self, entry: &PostingEntry, records: &[Record]) -> Result<usize> {
        let list = self.read_list(entry)?;
        for &series in &list {
            let Some(Some((metric, labels))) = records.get(series as usize) else { continue };
            let has = if entry.name == NO_SYMBOL {
                self.metric_symbol(*metric)? == entry.value
            } else {
                labels.binary_search(&(entry.name, entry.value)).is_ok()
            };
            if !has {
                return Err(self.wrong_posting(series));
            }
        }
        Ok(list.len())
    }

    fn wrong_posting(&self, got: u32) -> Error {
        let error = FormatError::OutOfRange { field: "posting", got: got.into() };
        self.corrupt(SectionId::Postings, error)
    }

    /// Checks that blocks and posting lists lie one behind the other from the header to the
    /// sections, so that each byte of the file is under exactly one checksum.
    pub(crate) fn check_tiling(&self) -> Result<()> {
        let counts = self.footer.counts;
        let mut blocks = Vec::new();
        let mut used = BTreeSet::new();
        for chunk in 0..counts.chunks {
            let meta = self.chunk(chunk)?;
            blocks.push(meta.values);
            used.insert(meta.time_block);
        }
        for number in 0..counts.time_blocks {
            let block = self.time_block(number)?.block;
            // No chunk stands for its bytes, so that nothing checked them.
            if !used.contains(&number) {
                return Err(self.untiled(block.offset));
            }
            blocks.push(block);
        }
        let mut lists = Vec::new();
        for index in 0..self.posting_count() {
            lists.push(self.posting(index)?.block);
        }
        let blocks_end = self.tiled(SEGMENT_HEADER_BYTES as u64, blocks)?;
        let lists_end = self.tiled(blocks_end, lists)?;
        if (blocks_end, lists_end) == (self.footer.blocks_end, self.footer.sections_start) {
            return Ok(());
        }
        Err(self.untiled(lists_end))
    }

    /// Returns where blocks end that lie one behind the other from `start` on.
    fn tiled(&self, start: u64, mut blocks: Vec<BlockMeta>) -> Result<u64> {
        blocks.sort_unstable_by_key(|block| (block.offset, block.len));
        blocks.iter().try_fold(start, |end, block| {
            let next = if block.offset == end { end.checked_add(block.len) } else { None };
            next.ok_or_else(|| self.untiled(block.offset))
        })
    }

    fn untiled(&self, offset: u64) -> Error {
        let error = FormatError::OutOfRange { field: "block offset", got: offset };
        Error::corrupt(self.path(), offset, error)
    }
}
