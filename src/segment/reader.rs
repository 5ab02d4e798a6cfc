//! Reading a segment: opened by its footer and tables, the rest checked as it is touched.

use std::path::Path;
use std::sync::Arc;

use crate::codec::{TimeCodec, ValueCodec, ValueSlices, decode_timestamps, decode_values};
use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::segment::{
    CHUNK_SAMPLES_MAX, NO_SYMBOL, SEGMENT_HEADER_BYTES, check_segment_start,
};
use crate::format::segment_footer::{SEGMENT_FOOTER_BYTES, SegmentFooter};
use crate::format::segment_sections::{METRIC_ENTRY_BYTES, Section, SectionId, Sections};
use crate::format::sketch::decode_sketch;
use crate::format::time_ticks::{TimeOutline, TimeTicks};
use crate::model::{Columns, DuplicatePolicy, MetricDef, MetricKind, SeriesKey, Timestamp};
use crate::segment::blocks::Blocks;
use crate::segment::pages::{Pages, read_exact};
use crate::segment::{SegmentMeta, SegmentSummary};
use crate::sketch::LogBuckets;
use crate::vfs::ReadFile;

/// An immutable segment file.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) file: Arc<dyn ReadFile>,
    pub(crate) footer: SegmentFooter,
    pub(crate) file_id: u64,
    pub(crate) pages: Pages,
    blocks: Blocks,
    sections: Sections,
}

/// One chunk, as the index has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkMeta {
    pub(crate) time_min: Timestamp,
    pub(crate) time_max: Timestamp,
    pub(crate) count: usize,
    pub(crate) time_block: u32,
    pub(crate) values: BlockMeta,
    pub(crate) value_codec: ValueCodec,
}

/// How many samples a chunk has, and the times of the first and the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkExtent {
    pub(crate) time_min: Timestamp,
    pub(crate) time_max: Timestamp,
    pub(crate) count: usize,
}

/// Where a block lies, and its checksum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockMeta {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) crc: u32,
}

/// One block of timestamps, as the index has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeBlockMeta {
    pub(crate) block: BlockMeta,
    pub(crate) count: usize,
    pub(crate) codec: TimeCodec,
}

impl Segment {
    /// Opens a segment: reads footer, header, section table and page checksums.
    ///
    /// # Errors
    /// I/O errors, [`crate::ErrorKind::Corrupt`], [`crate::ErrorKind::FormatVersion`].
    pub(crate) fn open(file: Arc<dyn ReadFile>) -> Result<Self> {
        let path = file.path().to_owned();
        let corrupt = |offset, error| Error::corrupt(&path, offset, error);
        let file_bytes = file.len()?;
        let ends = (SEGMENT_HEADER_BYTES + SEGMENT_FOOTER_BYTES) as u64;
        if file_bytes < ends {
            let error = FormatError::Truncated { needed: ends, available: file_bytes };
            return Err(corrupt(0, error));
        }
        let header = read_exact(&*file, 0, SEGMENT_HEADER_BYTES as u64)?;
        check_segment_start(&header).map_err(|error| corrupt(0, error))?;
        let footer_at = file_bytes - SEGMENT_FOOTER_BYTES as u64;
        let footer = read_exact(&*file, footer_at, SEGMENT_FOOTER_BYTES as u64)?;
        let footer = SegmentFooter::decode(&footer, file_bytes)
            .map_err(|error| corrupt(footer_at, error))?;
        footer.origin.check_header(&header).map_err(|error| corrupt(0, error))?;
        let file_id = footer.origin.file_id();
        let tables = Tables::read(&*file, &footer)?;
        let (start, end) = (footer.sections_start, footer.sections_end);
        let pages = Pages::new(Arc::clone(&file), file_id, start, end, tables.page_crcs);
        let blocks = Blocks::new(Arc::clone(&file), footer.blocks_end);
        Ok(Self { file, footer, file_id, pages, blocks, sections: tables.sections })
    }

    /// Returns what the segment is.
    pub(crate) fn meta(&self) -> SegmentMeta {
        SegmentMeta {
            origin: self.footer.origin,
            flush_set_size: self.footer.flush_set_size,
            seq_first: self.footer.seq_first,
            seq_last: self.footer.seq_last,
            uid: self.footer.uid,
            deleted_up_to: self.footer.deleted_up_to,
        }
    }

    /// Returns how much it holds.
    pub(crate) fn summary(&self) -> SegmentSummary {
        SegmentSummary {
            samples: self.footer.samples,
            chunks: self.footer.counts.chunks,
            time_min: Timestamp::from_nanos(self.footer.time_min),
            time_max: Timestamp::from_nanos(self.footer.time_max),
            file_bytes: self.footer.file_bytes,
        }
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Returns how many series there are; they are numbered in the order of their keys.
    pub(crate) fn series_count(&self) -> u32 {
        self.footer.counts.series
    }

    pub(crate) fn section(&self, id: SectionId) -> Section {
        self.sections.get(id)
    }

    /// Returns the sections that the segment has, in the order of the file.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (SectionId, Section)> + '_ {
        self.sections.all()
    }

    fn array<const N: usize>(&self, id: SectionId, index: u32) -> Result<[u8; N]> {
        let at = u64::from(index) * N as u64;
        let bytes = self.pages.bytes(self.section(id), at, N as u64)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    pub(crate) fn u8_at(&self, id: SectionId, index: u32) -> Result<u8> {
        self.array::<1>(id, index).map(|[byte]| byte)
    }

    pub(crate) fn u32_at(&self, id: SectionId, index: u32) -> Result<u32> {
        self.array(id, index).map(u32::from_le_bytes)
    }

    pub(crate) fn u64_at(&self, id: SectionId, index: u32) -> Result<u64> {
        self.array(id, index).map(u64::from_le_bytes)
    }

    /// Makes an error of a structure in a section.
    pub(crate) fn corrupt(&self, id: SectionId, error: FormatError) -> Error {
        Error::corrupt(self.path(), self.section(id).offset, error)
    }

    /// Returns bytes `offsets[index]..offsets[index + 1]` of another section.
    fn slice(&self, offsets: SectionId, bytes: SectionId, index: u32) -> Result<&[u8]> {
        let start = u64::from(self.u32_at(offsets, index)?);
        let end = u64::from(self.u32_at(offsets, index.saturating_add(1))?);
        let len = end.checked_sub(start);
        let len = len.ok_or_else(|| {
            self.corrupt(offsets, FormatError::OutOfRange { field: "offset", got: end })
        })?;
        self.pages.bytes(self.section(bytes), start, len)
    }

    /// Returns a symbol's text.
    pub(crate) fn symbol(&self, symbol: u32) -> Result<&str> {
        let bytes = self.slice(SectionId::SymbolOffsets, SectionId::SymbolBytes, symbol)?;
        std::str::from_utf8(bytes)
            .map_err(|_| self.corrupt(SectionId::SymbolBytes, FormatError::Utf8))
    }

    /// Finds the symbol of a text by binary search.
    pub(crate) fn find_symbol(&self, text: &str) -> Result<Option<u32>> {
        let (mut low, mut high) = (0, self.footer.counts.symbols);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.symbol(middle)?.cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Returns the metrics, sorted by name.
    pub(crate) fn metrics(&self) -> Result<Vec<MetricDef>> {
        (0..self.metric_count()).map(|metric| self.metric(metric)).collect()
    }

    /// Returns how many metrics there are.
    pub(crate) fn metric_count(&self) -> u32 {
        let count = self.section(SectionId::Metrics).len / METRIC_ENTRY_BYTES;
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Returns the symbol of a metric's name.
    pub(crate) fn metric_symbol(&self, metric: u32) -> Result<u32> {
        let [a, b, c, d, ..] = self.array::<12>(SectionId::Metrics, metric)?;
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    fn metric(&self, metric: u32) -> Result<MetricDef> {
        let entry: [u8; 12] = self.array(SectionId::Metrics, metric)?;
        let decoded = || {
            let mut cursor = Cursor::new(&entry);
            let (name, unit) = (cursor.u32()?, cursor.u32()?);
            let (kind, duplicates) = (cursor.u8()?, cursor.u8()?);
            check_zero(cursor.array::<2>()?)?;
            let kind = MetricKind::from_tag(kind)
                .ok_or(FormatError::Tag { what: "metric kind", tag: kind })?;
            let duplicates = DuplicatePolicy::from_tag(duplicates)
                .ok_or(FormatError::Tag { what: "duplicate policy", tag: duplicates })?;
            Ok((name, unit, kind, duplicates))
        };
        let (name, unit, kind, duplicates) =
            decoded().map_err(|error| self.corrupt(SectionId::Metrics, error))?;
        let name = self.symbol(name)?.to_owned();
        let unit = if unit == NO_SYMBOL { None } else { Some(self.symbol(unit)?.to_owned()) };
        Ok(MetricDef { name, kind, unit, duplicates })
    }

    /// Returns a series' metric, and the symbols of its labels' names and values.
    pub(crate) fn record(&self, series: u32) -> Result<(u32, Vec<(u32, u32)>)> {
        let record = self.slice(SectionId::SeriesOffsets, SectionId::SeriesRecords, series)?;
        decode_record(record).map_err(|error| self.corrupt(SectionId::SeriesRecords, error))
    }

    /// Returns a series' identity.
    pub(crate) fn key(&self, series: u32) -> Result<SeriesKey> {
        let (metric, labels) = self.record(series)?;
        let metric = self.symbol(self.metric_symbol(metric)?)?;
        let pair = |(name, value)| Ok((self.symbol(name)?, self.symbol(value)?));
        let labels: Result<Vec<(&str, &str)>> = labels.into_iter().map(pair).collect();
        Ok(SeriesKey::with_labels(metric, labels?))
    }

    /// Returns the chunks of a series, in order of time.
    pub(crate) fn chunks(&self, series: u32) -> Result<std::ops::Range<u32>> {
        let first = self.u32_at(SectionId::SeriesChunks, series)?;
        let last = self.u32_at(SectionId::SeriesChunks, series.saturating_add(1))?;
        if first > last || last > self.footer.counts.chunks {
            let error = FormatError::OutOfRange { field: "first chunk", got: u64::from(last) };
            return Err(self.corrupt(SectionId::SeriesChunks, error));
        }
        Ok(first..last)
    }

    /// Returns the extent of a chunk: a part of what [`Segment::chunk`] reads.
    pub(crate) fn extent_of(&self, chunk: u32) -> Result<ChunkExtent> {
        let time =
            |id| self.u64_at(id, chunk).map(|nanos| Timestamp::from_nanos(nanos.cast_signed()));
        Ok(ChunkExtent {
            time_min: time(SectionId::ChunkTimeMin)?,
            time_max: time(SectionId::ChunkTimeMax)?,
            count: self.count_at(SectionId::ChunkCount, chunk)?,
        })
    }

    /// Returns what the index says of a chunk.
    pub(crate) fn chunk(&self, chunk: u32) -> Result<ChunkMeta> {
        let codec = self.u8_at(SectionId::ChunkValueCodec, chunk)?;
        let ChunkExtent { time_min, time_max, count } = self.extent_of(chunk)?;
        Ok(ChunkMeta {
            time_min,
            time_max,
            count,
            time_block: self.u32_at(SectionId::ChunkTimeBlock, chunk)?,
            values: BlockMeta {
                offset: self.u64_at(SectionId::ChunkValueOffset, chunk)?,
                len: u64::from(self.u32_at(SectionId::ChunkValueLength, chunk)?),
                crc: self.u32_at(SectionId::ChunkValueCrc, chunk)?,
            },
            value_codec: ValueCodec::from_tag(codec).ok_or_else(|| {
                let error = FormatError::Tag { what: "value codec", tag: codec };
                self.corrupt(SectionId::ChunkValueCodec, error)
            })?,
        })
    }

    /// Returns what the index says of a timestamp block.
    pub(crate) fn time_block(&self, block: u32) -> Result<TimeBlockMeta> {
        let codec = self.u8_at(SectionId::TimeBlockCodec, block)?;
        Ok(TimeBlockMeta {
            block: BlockMeta {
                offset: self.u64_at(SectionId::TimeBlockOffset, block)?,
                len: u64::from(self.u32_at(SectionId::TimeBlockLength, block)?),
                crc: self.u32_at(SectionId::TimeBlockCrc, block)?,
            },
            count: self.count_at(SectionId::TimeBlockCount, block)?,
            codec: TimeCodec::from_tag(codec).ok_or_else(|| {
                let error = FormatError::Tag { what: "timestamp codec", tag: codec };
                self.corrupt(SectionId::TimeBlockCodec, error)
            })?,
        })
    }

    /// Returns the ticks of a chunk's timestamps, if they have some.
    pub(crate) fn time_ticks(&self, meta: &ChunkMeta) -> Result<Option<TimeTicks>> {
        let id = SectionId::TimeTickBytes;
        if self.section(id).len == 0 {
            return Ok(None);
        }
        let bytes = self.slice(SectionId::TimeTickOffsets, id, meta.time_block)?;
        let outline = TimeOutline {
            count: u32::try_from(meta.count).unwrap_or(u32::MAX),
            first: meta.time_min.as_nanos(),
            last: meta.time_max.as_nanos(),
        };
        TimeTicks::decode(bytes, outline).map_err(|error| self.corrupt(id, error))
    }

    /// Returns the bytes of a chunk's sketch, if it has one.
    pub(crate) fn sketch_bytes(&self, chunk: u32) -> Result<Option<&[u8]>> {
        if self.section(SectionId::SketchBytes).len == 0 {
            return Ok(None);
        }
        let bytes = self.slice(SectionId::SketchOffsets, SectionId::SketchBytes, chunk)?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Returns the sketch of a chunk of so many values, if it has one.
    pub(crate) fn sketch(&self, chunk: u32, values: u64) -> Result<Option<LogBuckets>> {
        let Some(bytes) = self.sketch_bytes(chunk)? else { return Ok(None) };
        let sketch = decode_sketch(bytes, values);
        sketch.map(Some).map_err(|error| self.corrupt(SectionId::SketchBytes, error))
    }

    fn count_at(&self, id: SectionId, index: u32) -> Result<usize> {
        let count = self.u32_at(id, index)?;
        if count == 0 || count as usize > CHUNK_SAMPLES_MAX {
            let error = FormatError::OutOfRange { field: "sample count", got: u64::from(count) };
            return Err(self.corrupt(id, error));
        }
        Ok(count as usize)
    }

    /// Copies a block and checks it; its length is bounded by that of the file.
    pub(crate) fn read_block(&self, block: BlockMeta) -> Result<Vec<u8>> {
        let bytes = self.blocks.read(block.offset, block.len)?;
        let computed = block_crc(self.file_id, &bytes, block.offset);
        if computed != block.crc {
            let error = FormatError::Checksum { stored: block.crc, computed };
            return Err(Error::corrupt(self.path(), block.offset, error));
        }
        Ok(bytes)
    }

    /// Appends the samples of a chunk.
    ///
    /// # Errors
    /// I/O errors, and [`crate::ErrorKind::Corrupt`] with the offset of the damaged block.
    pub(crate) fn read_chunk(&self, chunk: u32, out: &mut Columns) -> Result<()> {
        let meta = self.chunk(chunk)?;
        let before = out.len();
        self.read_times(&meta, &mut out.timestamps)?;
        let read = self.read_values(&meta, &mut out.values);
        if read.is_err() {
            out.timestamps.truncate(before);
        }
        read
    }

    /// Appends the values of a chunk, without its timestamps.
    ///
    /// # Errors
    /// As [`Segment::read_chunk`].
    pub(crate) fn read_values(&self, meta: &ChunkMeta, out: &mut Vec<f64>) -> Result<()> {
        let before = out.len();
        let bytes = self.read_block(meta.values)?;
        let read = decode_values(meta.value_codec, &bytes, meta.count, out);
        read.map_err(|error| {
            out.truncate(before);
            Error::corrupt(self.path(), meta.values.offset, error.into())
        })
    }

    /// Reads the values of a chunk as slices; nothing where they are not stored so.
    ///
    /// # Errors
    /// As [`Segment::read_chunk`].
    pub(crate) fn read_slices(&self, meta: &ChunkMeta) -> Result<Option<ValueSlices<'static>>> {
        if meta.value_codec != ValueCodec::Dense {
            return Ok(None);
        }
        let bytes = self.read_block(meta.values)?;
        ValueSlices::of(meta.value_codec, bytes, meta.count)
            .map_err(|error| Error::corrupt(self.path(), meta.values.offset, error.into()))
    }

    /// Appends the timestamps of a chunk, and zeros in place of its values.
    ///
    /// # Errors
    /// As [`Segment::read_chunk`].
    pub(crate) fn read_chunk_times(&self, chunk: u32, out: &mut Columns) -> Result<()> {
        self.read_times(&self.chunk(chunk)?, &mut out.timestamps)?;
        out.values.resize(out.timestamps.len(), 0.0);
        Ok(())
    }

    fn read_times(&self, meta: &ChunkMeta, out: &mut Vec<i64>) -> Result<()> {
        let times = self.time_block(meta.time_block)?;
        let corrupt = |offset, error| Error::corrupt(self.path(), offset, error);
        if times.count != meta.count {
            let error = FormatError::OutOfRange { field: "sample count", got: meta.count as u64 };
            return Err(corrupt(times.block.offset, error));
        }
        let before = out.len();
        let bytes = self.read_block(times.block)?;
        let read = decode_timestamps(times.codec, &bytes, meta.count, out);
        read.map_err(|error| {
            out.truncate(before);
            corrupt(times.block.offset, error.into())
        })
    }
}

/// Decodes a series' record: its metric, and the symbols of its labels' names and values.
///
/// Symbols are sorted as their texts are, so that labels in order have ascending symbols.
fn decode_record(record: &[u8]) -> Result<(u32, Vec<(u32, u32)>), FormatError> {
    let mut cursor = Cursor::new(record);
    let metric = symbol_of(&mut cursor)?;
    let count = cursor.index("label count", record.len())?;
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, value) = (symbol_of(&mut cursor)?, symbol_of(&mut cursor)?);
        if labels.last().is_some_and(|(before, _)| *before >= name) {
            return Err(FormatError::OutOfRange { field: "label order", got: name.into() });
        }
        labels.push((name, value));
    }
    cursor.finish()?;
    Ok((metric, labels))
}

/// Checks that reserved bytes are zeros.
pub(crate) fn check_zero<const N: usize>(reserved: [u8; N]) -> Result<(), FormatError> {
    match reserved.into_iter().find(|byte| *byte != 0) {
        Some(byte) => Err(FormatError::OutOfRange { field: "reserved", got: byte.into() }),
        None => Ok(()),
    }
}

fn symbol_of(cursor: &mut Cursor<'_>) -> Result<u32, FormatError> {
    let got = cursor.varint()?;
    u32::try_from(got).map_err(|_| FormatError::OutOfRange { field: "symbol", got })
}

/// The tables between sections and footer.
struct Tables {
    sections: Sections,
    page_crcs: Vec<u32>,
}

impl Tables {
    fn read(file: &dyn ReadFile, footer: &SegmentFooter) -> Result<Self> {
        let file_id = footer.origin.file_id();
        let checked = |offset, len, stored| {
            let bytes = read_exact(file, offset, len)?;
            let computed = block_crc(file_id, &bytes, offset);
            if stored == computed {
                return Ok(bytes);
            }
            Err(Error::corrupt(file.path(), offset, FormatError::Checksum { stored, computed }))
        };
        let end = footer.sections_end;
        let table_len = footer.section_table_len();
        let table = checked(end, table_len, footer.section_table_crc)?;
        let sections = Sections::decode(&table, footer.sections_start, end)
            .and_then(|sections| sections.check_counts(footer.counts).map(|()| sections))
            .map_err(|error| Error::corrupt(file.path(), end, error))?;
        let pages = checked(end + table_len, footer.page_table_len(), footer.page_table_crc)?;
        let page_crcs = pages.as_chunks::<4>().0.iter().map(|crc| u32::from_le_bytes(*crc));
        Ok(Self { sections, page_crcs: page_crcs.collect() })
    }
}
