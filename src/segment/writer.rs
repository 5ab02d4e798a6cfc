//! Writing a segment in one pass: blocks as the series come, the index at the end.

use std::collections::{BTreeMap, HashMap};

use crate::codec::{Tier, TimeCodec, encode_timestamps, encode_values, varint};
use crate::error::{Error, ErrorKind, Result};
use crate::format::checksum::block_crc;
use crate::format::postings::encode_postings;
use crate::format::segment::{CHUNK_SAMPLES_MAX, NO_SYMBOL, PAGE_BYTES};
use crate::format::segment_footer::{SEGMENT_FOOTER_BYTES, SegmentFooter};
use crate::format::segment_sections::{Counts, SECTION_ALIGN, SECTIONS, SectionId, Sections};
use crate::format::time_ticks::encode_time_ticks;
use crate::model::{Columns, MetricDef, MetricKind, SeriesKey, TextTable, Timestamp};
use crate::segment::stats::{ChunkStats, STAT_SECTIONS, put_sketch};
use crate::segment::{SegmentMeta, SegmentSummary};
use crate::vfs::WriteFile;

/// So many bytes of timestamp blocks are remembered, so that later ones can share them.
const KNOWN_BLOCKS_BYTES_MAX: usize = 32 << 20;
/// What remembering a block takes beside its bytes.
const KNOWN_BLOCK_BYTES: usize = 48;

/// Writes a segment.
///
/// Kept in memory are the index (104 bytes a chunk, and the series with their texts) and the
/// encoded timestamp blocks, against which later ones are compared byte by byte.
#[derive(Debug)]
pub(crate) struct SegmentWriter<'a> {
    file: &'a mut dyn WriteFile,
    meta: SegmentMeta,
    tier: Tier,
    file_id: u64,
    offset: u64,
    metrics: BTreeMap<String, MetricDef>,
    symbols: TextTable,
    series: Vec<WrittenSeries>,
    /// The symbols of all series' labels, one series' behind the other's.
    labels: Vec<(u32, u32)>,
    last_key: Option<SeriesKey>,
    /// Each timestamp block by its bytes in the fast tier, behind them its codec and count.
    time_blocks: HashMap<Box<[u8]>, u32>,
    time_blocks_bytes: usize,
    index: Index,
    samples: u64,
    time_min: i64,
    time_max: i64,
    scratch: Vec<u8>,
}

/// A series by the first numbers of its symbols.
#[derive(Debug)]
struct WrittenSeries {
    metric: u32,
    first_chunk: u32,
    /// Where its labels end, which begin where those of the series before end.
    labels_end: usize,
}

/// The sections as they will stand in the file.
#[derive(Debug, Default)]
struct Index {
    /// Their bytes, in the order of their ids.
    sections: [Vec<u8>; SECTIONS],
    chunks: u32,
    time_block_count: u32,
}

impl Index {
    fn put(&mut self, id: SectionId, bytes: &[u8]) {
        if let Some(section) = self.sections.get_mut(usize::from(id.to_tag()) - 1) {
            section.extend_from_slice(bytes);
        }
    }

    fn put_u32(&mut self, id: SectionId, number: u32) {
        self.put(id, &number.to_le_bytes());
    }

    fn put_u64(&mut self, id: SectionId, number: u64) {
        self.put(id, &number.to_le_bytes());
    }

    fn len_of(&self, id: SectionId) -> usize {
        self.sections.get(usize::from(id.to_tag()) - 1).map_or(0, Vec::len)
    }

    /// Adds the next entry of a section that another one says the offsets of.
    fn put_entry(&mut self, offsets: SectionId, bytes: SectionId, entry: &[u8]) -> Result<()> {
        let start = to_u32("bytes of a section", self.len_of(bytes))?;
        self.put_u32(offsets, start);
        self.put(bytes, entry);
        Ok(())
    }

    fn put_ticks(&mut self, ticks: &[u8]) -> Result<()> {
        self.put_entry(SectionId::TimeTickOffsets, SectionId::TimeTickBytes, ticks)
    }

    fn put_sketch(&mut self, sketch: &[u8]) -> Result<()> {
        self.put_entry(SectionId::SketchOffsets, SectionId::SketchBytes, sketch)
    }

    /// Ends ticks and sketches; where there are none, their sections are not written.
    fn finish_entries(&mut self) -> Result<()> {
        for (offsets, bytes) in [
            (SectionId::TimeTickOffsets, SectionId::TimeTickBytes),
            (SectionId::SketchOffsets, SectionId::SketchBytes),
        ] {
            if self.len_of(bytes) > 0 {
                self.put_entry(offsets, bytes, &[])?;
            } else if let Some(offsets) = self.sections.get_mut(offsets as usize - 1) {
                offsets.clear();
            }
        }
        Ok(())
    }

    /// Returns where the sections will lie.
    fn lay_out(&self, start: u64) -> Sections {
        let mut lengths = [0; SECTIONS];
        for (len, bytes) in lengths.iter_mut().zip(&self.sections) {
            *len = bytes.len() as u64;
        }
        Sections::lay_out(start, lengths)
    }
}

/// Writes bytes page by page, and keeps the checksum of each page.
struct PageWriter<'a> {
    file: &'a mut dyn WriteFile,
    file_id: u64,
    offset: u64,
    page: Vec<u8>,
    crcs: Vec<u8>,
}

impl PageWriter<'_> {
    /// Writes zeros up to the next multiple of the alignment, then the bytes.
    fn section(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.page.resize(self.page.len().next_multiple_of(SECTION_ALIGN), 0);
        loop {
            if self.page.len() == PAGE_BYTES {
                self.flush()?;
            }
            let room = (PAGE_BYTES - self.page.len()).min(bytes.len());
            let Some((now, later)) = bytes.split_at_checked(room) else { return Ok(()) };
            self.page.extend_from_slice(now);
            bytes = later;
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        if !self.page.is_empty() {
            let crc = block_crc(self.file_id, &self.page, self.offset);
            self.crcs.extend_from_slice(&crc.to_le_bytes());
            self.file.write_all(&self.page)?;
            self.offset += self.page.len() as u64;
            self.page.clear();
        }
        Ok(())
    }
}

impl<'a> SegmentWriter<'a> {
    /// Starts a segment with its header. `inputs` are the segments that are merged into it; one
    /// that is made of others is written in the dense tier.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn new(
        meta: SegmentMeta,
        inputs: &[u64],
        metrics: &[MetricDef],
        file: &'a mut dyn WriteFile,
    ) -> Result<Self> {
        let header = meta.origin.encode_header();
        file.write_all(&header)?;
        let mut index = Index::default();
        for input in inputs {
            index.put_u64(SectionId::Inputs, *input);
        }
        Ok(Self {
            file,
            file_id: meta.origin.file_id(),
            meta,
            tier: if inputs.is_empty() { Tier::Fast } else { Tier::Dense },
            offset: header.len() as u64,
            metrics: metrics.iter().map(|def| (def.name.clone(), def.clone())).collect(),
            symbols: TextTable::default(),
            series: Vec::new(),
            labels: Vec::new(),
            last_key: None,
            time_blocks: HashMap::new(),
            time_blocks_bytes: 0,
            index,
            samples: 0,
            time_min: i64::MAX,
            time_max: i64::MIN,
            scratch: Vec::new(),
        })
    }

    /// Adds a series; keys must come strictly ascending, samples in order of time. One without
    /// samples leaves no trace. A metric that was not given to [`SegmentWriter::new`] is written
    /// as [`MetricDef::new`] has it.
    ///
    /// # Errors
    /// I/O errors, [`ErrorKind::Limit`] for more than 32 bits can count.
    pub(crate) fn push(&mut self, key: &SeriesKey, columns: &Columns) -> Result<()> {
        self.assert_in_order(key, columns);
        if columns.is_empty() {
            return Ok(());
        }
        let name = key.metric();
        if !self.metrics.contains_key(name) {
            self.metrics.insert(name.to_owned(), MetricDef::new(name));
        }
        let first_chunk = self.index.chunks;
        let metric = self.symbols.intern(name).0;
        let symbols = &mut self.symbols;
        let labels = key.labels().map(|(n, v)| (symbols.intern(n).0, symbols.intern(v).0));
        self.labels.extend(labels);
        let labels_end = self.labels.len();
        self.series.push(WrittenSeries { metric, first_chunk, labels_end });
        to_u32("series of a segment", self.series.len())?;
        let chunks = columns.timestamps.chunks(CHUNK_SAMPLES_MAX);
        // Events are asked for percentiles, of which sketches tell once they are merged.
        let kind = self.metrics.get(name).map(|def| def.kind);
        let has_sketches = kind == Some(MetricKind::Event) && self.tier == Tier::Dense;
        for (timestamps, values) in chunks.zip(columns.values.chunks(CHUNK_SAMPLES_MAX)) {
            self.push_chunk(timestamps, values)?;
            let mut sketch = Vec::new();
            if has_sketches {
                put_sketch(values, &mut sketch);
            }
            self.index.put_sketch(&sketch)?;
        }
        self.last_key = Some(key.clone());
        Ok(())
    }

    fn assert_in_order(&self, key: &SeriesKey, columns: &Columns) {
        assert!(self.last_key.as_ref().is_none_or(|last| last < key), "series come ascending");
        assert!(columns.timestamps.is_sorted(), "samples come in order of time");
        assert_eq!(columns.timestamps.len(), columns.values.len(), "columns are equally long");
    }

    fn push_chunk(&mut self, timestamps: &[i64], values: &[f64]) -> Result<()> {
        let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else {
            return Ok(());
        };
        let time_block = self.time_block(timestamps)?;
        let mut block = std::mem::take(&mut self.scratch);
        block.clear();
        let codec = encode_values(values, self.tier, &mut block);
        let (offset, len, crc) = self.write_block(&block)?;
        self.scratch = block;
        let index = &mut self.index;
        index.put_u64(SectionId::ChunkTimeMin, first.cast_unsigned());
        index.put_u64(SectionId::ChunkTimeMax, last.cast_unsigned());
        index.put_u32(SectionId::ChunkCount, to_u32("samples of a chunk", values.len())?);
        index.put_u32(SectionId::ChunkTimeBlock, time_block);
        index.put_u64(SectionId::ChunkValueOffset, offset);
        index.put_u32(SectionId::ChunkValueLength, len);
        index.put_u32(SectionId::ChunkValueCrc, crc);
        index.put(SectionId::ChunkValueCodec, &[codec.to_tag()]);
        for (id, number) in STAT_SECTIONS.into_iter().zip(ChunkStats::of_values(values).fields()) {
            index.put_u64(id, number.to_bits());
        }
        index.chunks = to_u32("chunks of a segment", index.chunks as usize + 1)?;
        self.samples += values.len() as u64;
        self.time_min = self.time_min.min(first);
        self.time_max = self.time_max.max(last);
        Ok(())
    }

    /// Writes a block of timestamps, or finds the one with the same bytes.
    fn time_block(&mut self, timestamps: &[i64]) -> Result<u32> {
        let count = to_u32("samples of a chunk", timestamps.len())?;
        // What was written before is found by what costs little to encode.
        let mut known_as = Vec::new();
        let mut codec = encode_timestamps(timestamps, Tier::Fast, &mut known_as);
        let encoded_len = known_as.len();
        // Equal bytes of another codec or count mean other timestamps.
        known_as.push(codec.to_tag());
        known_as.extend_from_slice(&count.to_le_bytes());
        if let Some(&known) = self.time_blocks.get(known_as.as_slice()) {
            return Ok(known);
        }
        let number = self.index.time_block_count;
        let (offset, len, crc) = match self.tier {
            Tier::Fast => self.write_block(known_as.get(..encoded_len).unwrap_or(&[]))?,
            Tier::Dense => {
                let mut block = Vec::new();
                codec = encode_timestamps(timestamps, Tier::Dense, &mut block);
                self.write_block(&block)?
            }
        };
        let index = &mut self.index;
        index.put_u64(SectionId::TimeBlockOffset, offset);
        index.put_u32(SectionId::TimeBlockLength, len);
        index.put_u32(SectionId::TimeBlockCrc, crc);
        index.put_u32(SectionId::TimeBlockCount, count);
        index.put(SectionId::TimeBlockCodec, &[codec.to_tag()]);
        index.time_block_count += 1;
        // Where samples lie in time is found in one step throughout without ticks.
        let mut ticks = Vec::new();
        if codec != TimeCodec::Constant {
            encode_time_ticks(timestamps, &mut ticks);
        }
        index.put_ticks(&ticks)?;
        self.time_blocks_bytes += known_as.len() + KNOWN_BLOCK_BYTES;
        if self.time_blocks_bytes <= KNOWN_BLOCKS_BYTES_MAX {
            self.time_blocks.insert(known_as.into(), number);
        }
        Ok(number)
    }

    /// Writes bytes with a checksum of their own; returns offset, length and checksum.
    fn write_block(&mut self, block: &[u8]) -> Result<(u64, u32, u32)> {
        let offset = self.offset;
        self.file.write_all(block)?;
        self.offset += block.len() as u64;
        let len = to_u32("bytes of a block", block.len())?;
        Ok((offset, len, block_crc(self.file_id, block, offset)))
    }

    /// Writes index and footer. The file is neither synced nor closed.
    ///
    /// # Errors
    /// I/O errors, [`ErrorKind::Limit`] for more than 32 bits can count.
    pub(crate) fn finish(mut self) -> Result<SegmentSummary> {
        let blocks_end = self.offset;
        self.time_blocks = HashMap::new();
        let symbols = self.finish_symbols()?;
        self.index.finish_entries()?;
        let sections_start = self.offset;
        let sections = self.index.lay_out(sections_start);
        let (sections_end, pages) = self.write_sections(sections_start)?;
        let table = sections.encode();
        let table_end = sections_end + table.len() as u64;
        let footer = SegmentFooter {
            origin: self.meta.origin,
            flush_set_size: self.meta.flush_set_size,
            seq_first: self.meta.seq_first,
            seq_last: self.meta.seq_last,
            samples: self.samples,
            counts: Counts {
                symbols,
                series: to_u32("series of a segment", self.series.len())?,
                chunks: self.index.chunks,
                time_blocks: self.index.time_block_count,
            },
            time_min: self.time_min,
            time_max: self.time_max,
            uid: self.meta.uid,
            deleted_up_to: self.meta.deleted_up_to,
            blocks_end,
            sections_start,
            sections_end,
            sections: to_u32("sections of a segment", sections.all().count())?,
            pages: to_u32("pages of a segment", pages.len() / 4)?,
            section_table_crc: block_crc(self.file_id, &table, sections_end),
            page_table_crc: block_crc(self.file_id, &pages, table_end),
            file_bytes: table_end + pages.len() as u64 + SEGMENT_FOOTER_BYTES as u64,
        };
        for part in [&table, &pages, &footer.encode()] {
            self.file.write_all(part)?;
        }
        Ok(SegmentSummary {
            samples: self.samples,
            chunks: self.index.chunks,
            time_min: Timestamp::from_nanos(self.time_min),
            time_max: Timestamp::from_nanos(self.time_max),
            file_bytes: footer.file_bytes,
        })
    }

    /// Writes the sections; returns where they end, and the checksums of their pages.
    fn write_sections(&mut self, start: u64) -> Result<(u64, Vec<u8>)> {
        let mut pages = PageWriter {
            file: self.file,
            file_id: self.file_id,
            offset: start,
            page: Vec::with_capacity(PAGE_BYTES),
            crcs: Vec::new(),
        };
        for (section, id) in self.index.sections.iter_mut().zip(SectionId::ALL) {
            if id.is_written(section.len() as u64) {
                pages.section(&std::mem::take(section))?;
            }
        }
        pages.flush()?;
        Ok((pages.offset, pages.crcs))
    }

    /// Lays out everything that refers to symbols, and returns how many there are.
    fn finish_symbols(&mut self) -> Result<u32> {
        let mut symbols = std::mem::take(&mut self.symbols);
        let metrics: Vec<(MetricDef, u32, u32)> = std::mem::take(&mut self.metrics)
            .into_iter()
            .map(|(name, def)| {
                let unit = def.unit.as_ref().map_or(NO_SYMBOL, |unit| symbols.intern(unit).0);
                (def, symbols.intern(&name).0, unit)
            })
            .collect();
        let texts = symbols.into_texts();
        let order = texts.sorted();
        let final_of = texts.ranks(&order);
        // "No symbol" is in no table and stays what it is.
        let last = |earlier: u32| final_of.get(earlier as usize).copied().unwrap_or(NO_SYMBOL);
        self.index.put_u32(SectionId::SymbolOffsets, 0);
        let mut end = 0;
        for text in order.iter().filter_map(|number| texts.get(*number as usize)) {
            self.index.put(SectionId::SymbolBytes, text.as_bytes());
            end += text.len();
            self.index.put_u32(SectionId::SymbolOffsets, to_u32("bytes of symbols", end)?);
        }
        let mut metric_numbers = HashMap::new();
        for (number, (def, name, unit)) in (0_u32..).zip(&metrics) {
            metric_numbers.insert(last(*name), number);
            self.index.put_u32(SectionId::Metrics, last(*name));
            self.index.put_u32(SectionId::Metrics, last(*unit));
            self.index.put(SectionId::Metrics, &[def.kind.to_tag(), def.duplicates.to_tag(), 0, 0]);
        }
        let lists = self.finish_series(&metric_numbers, last)?;
        self.finish_postings(&lists)?;
        to_u32("symbols of a segment", texts.len())
    }

    /// Lays out the series' records; returns (label's name, value, series) for each of them and
    /// for the metrics, sorted.
    fn finish_series(
        &mut self,
        metric_numbers: &HashMap<u32, u32>,
        last: impl Fn(u32) -> u32,
    ) -> Result<Vec<(u32, u32, u32)>> {
        let mut lists = Vec::with_capacity(self.series.len() + self.labels.len());
        let (mut records, mut labels_start) = (Vec::new(), 0);
        self.index.put_u32(SectionId::SeriesOffsets, 0);
        for (number, series) in (0_u32..).zip(&self.series) {
            let metric = last(series.metric);
            lists.push((NO_SYMBOL, metric, number));
            let metric = metric_numbers.get(&metric).copied().unwrap_or(NO_SYMBOL);
            varint::put_u64(&mut records, u64::from(metric));
            let labels = self.labels.get(labels_start..series.labels_end).unwrap_or_default();
            labels_start = series.labels_end;
            varint::put_u64(&mut records, labels.len() as u64);
            for (name, value) in labels {
                let (name, value) = (last(*name), last(*value));
                varint::put_u64(&mut records, u64::from(name));
                varint::put_u64(&mut records, u64::from(value));
                lists.push((name, value, number));
            }
            let end = to_u32("bytes of series records", records.len())?;
            self.index.put_u32(SectionId::SeriesOffsets, end);
            self.index.put_u32(SectionId::SeriesChunks, series.first_chunk);
        }
        self.index.put_u32(SectionId::SeriesChunks, self.index.chunks);
        self.index.put(SectionId::SeriesRecords, &records);
        lists.sort_unstable();
        Ok(lists)
    }

    /// Writes the posting lists of (label's name, value, series), sorted.
    fn finish_postings(&mut self, lists: &[(u32, u32, u32)]) -> Result<()> {
        let (mut list, mut series) = (Vec::new(), Vec::new());
        for run in lists.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some(&(name, value, _)) = run.first() else { continue };
            series.clear();
            series.extend(run.iter().map(|(_, _, series)| *series));
            list.clear();
            encode_postings(&series, &mut list);
            let (offset, len, crc) = self.write_block(&list)?;
            let index = &mut self.index;
            index.put_u32(SectionId::Postings, name);
            index.put_u32(SectionId::Postings, value);
            index.put_u64(SectionId::Postings, offset);
            index.put_u32(SectionId::Postings, len);
            index.put_u32(SectionId::Postings, to_u32("series of a segment", series.len())?);
            index.put_u32(SectionId::Postings, crc);
            index.put_u32(SectionId::Postings, 0);
        }
        Ok(())
    }
}

fn to_u32(what: &'static str, number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| {
        let limit = u64::from(u32::MAX);
        Error::from(ErrorKind::Limit { what, limit, got: number as u64 })
    })
}
