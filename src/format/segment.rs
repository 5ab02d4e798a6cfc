//! The fixed parts of a segment file: header, section table, footer.
//!
//! ```text
//! header (64 bytes) · timestamp and value blocks · posting lists · sections, each at a multiple of 8
//! from the first
//! · section table · page checksums · footer (256 bytes)
//! ```
//!
//! Header:
//! ```text
//! offset size field       legal range
//!      0    8 magic       "SBSEG\r\n\x1a"
//!      8    4 version     1
//!     12    4 flags       0
//!     16   16 db uuid     any
//!     32    8 file id     XXH3-64 of "seg", db uuid, generations, level, partition, flush-set index
//!     40   20 reserved    zeros
//!     60    4 crc         CRC-32 of file id, bytes 0..60, offset 0
//! ```

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// The length of the header.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// The length of the footer.
pub const SEGMENT_FOOTER_BYTES: usize = 256;
/// The length of a page of the sections, each of which has its own checksum.
pub const PAGE_BYTES: u64 = 4096;
/// The most samples of a chunk.
pub const CHUNK_SAMPLES_MAX: usize = 8192;
/// The length of an entry of the section table: id u32, zero u32, offset u64, length u64.
pub const SECTION_ENTRY_BYTES: usize = 24;

/// All ones: "no unit" in a metric, "metric" in a posting list's name.
pub const NO_SYMBOL: u32 = u32::MAX;

const HEADER_MAGIC: [u8; 8] = *b"SBSEG\r\n\x1a";
const FOOTER_MAGIC: [u8; 8] = *b"SBSEGEND";
const HEADER_CRC_AT: usize = SEGMENT_HEADER_BYTES - 4;
const FOOTER_CRC_AT: usize = SEGMENT_FOOTER_BYTES - 4;

/// The sections, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SectionId {
    /// u32 × (symbols + 1): where each symbol starts in the symbols' bytes.
    SymbolOffsets = 1,
    /// UTF-8, all symbols one behind the other, sorted bytewise.
    SymbolBytes = 2,
    /// 12 bytes a metric, sorted by name: name symbol u32, unit symbol u32 (all ones: none), kind u8,
    /// duplicates u8, zero u16.
    Metrics = 3,
    /// u32 × (series + 1): where each series' record starts.
    SeriesOffsets = 4,
    /// LEB128 a series: metric, label count, (name symbol, value symbol) each, sorted by name.
    SeriesRecords = 5,
    /// u32 × (series + 1): the first chunk of each series.
    SeriesChunks = 6,
    /// 32 bytes a list, sorted: name symbol u32 (all ones: metric), value symbol u32, offset u64,
    /// length u32, series u32, crc u32, zero u32.
    Postings = 7,
    /// i64 a chunk: the time of its first sample.
    ChunkTimeMin = 8,
    /// i64 a chunk: the time of its last sample.
    ChunkTimeMax = 9,
    /// u32 a chunk: samples, 1 to 8,192.
    ChunkCount = 10,
    /// u32 a chunk: its timestamp block.
    ChunkTimeBlock = 11,
    /// u64 a chunk: the offset of its value block.
    ChunkValueOffset = 12,
    /// u32 a chunk: the length of its value block.
    ChunkValueLength = 13,
    /// u32 a chunk: the checksum of its value block.
    ChunkValueCrc = 14,
    /// u8 a chunk: the codec of its value block.
    ChunkValueCodec = 15,
    /// u64 a timestamp block: its offset.
    TimeBlockOffset = 16,
    /// u32 a timestamp block: its length.
    TimeBlockLength = 17,
    /// u32 a timestamp block: its checksum.
    TimeBlockCrc = 18,
    /// u32 a timestamp block: its timestamps, 1 to 8,192.
    TimeBlockCount = 19,
    /// u8 a timestamp block: its codec.
    TimeBlockCodec = 20,
    /// f64 a chunk: the sum of its values, rounded.
    StatSumHigh = 21,
    /// f64 a chunk: what the rounding of the sum left.
    StatSumLow = 22,
    /// f64 a chunk: its least value by total order.
    StatMin = 23,
    /// f64 a chunk: its greatest value by total order.
    StatMax = 24,
    /// f64 a chunk: its first value.
    StatFirst = 25,
    /// f64 a chunk: its last value.
    StatLast = 26,
    /// f64 a chunk: the sum of its steps as a counter; a step down counts as the new value.
    StatIncrease = 27,
    /// u64 each: the unique numbers of the segments that were merged into this one.
    Inputs = 28,
}

impl SectionId {
    /// All sections, in the order of the file.
    pub const ALL: [Self; 28] = [
        Self::SymbolOffsets,
        Self::SymbolBytes,
        Self::Metrics,
        Self::SeriesOffsets,
        Self::SeriesRecords,
        Self::SeriesChunks,
        Self::Postings,
        Self::ChunkTimeMin,
        Self::ChunkTimeMax,
        Self::ChunkCount,
        Self::ChunkTimeBlock,
        Self::ChunkValueOffset,
        Self::ChunkValueLength,
        Self::ChunkValueCrc,
        Self::ChunkValueCodec,
        Self::TimeBlockOffset,
        Self::TimeBlockLength,
        Self::TimeBlockCrc,
        Self::TimeBlockCount,
        Self::TimeBlockCodec,
        Self::StatSumHigh,
        Self::StatSumLow,
        Self::StatMin,
        Self::StatMax,
        Self::StatFirst,
        Self::StatLast,
        Self::StatIncrease,
        Self::Inputs,
    ];

    /// Returns the number that stands for the section on disk.
    #[must_use]
    pub fn to_tag(self) -> u8 {
        self as u8
    }
}

/// Where a section lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Section {
    /// Its first byte, a multiple of 8 behind the first section's.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// Whose samples a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentOrigin {
    /// The store.
    pub db_uuid: [u8; 16],
    /// The first log generation.
    pub generation_lo: u64,
    /// The last log generation.
    pub generation_hi: u64,
    /// How often the samples were merged.
    pub level: u8,
    /// The start of the partition, in nanoseconds since the epoch.
    pub partition_start: i64,
    /// The length of the partition in nanoseconds; 0 for several partitions.
    pub partition_nanos: u64,
    /// Its place among the segments of one flush.
    pub flush_set_index: u32,
}

impl SegmentOrigin {
    /// Returns the id that every checksum of the file begins with.
    #[must_use]
    pub fn file_id(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        hasher.update(b"seg");
        hasher.update(&self.db_uuid);
        hasher.update(&self.generation_lo.to_le_bytes());
        hasher.update(&self.generation_hi.to_le_bytes());
        hasher.update(&[self.level]);
        hasher.update(&self.partition_start.to_le_bytes());
        hasher.update(&self.partition_nanos.to_le_bytes());
        hasher.update(&self.flush_set_index.to_le_bytes());
        hasher.digest()
    }

    /// Encodes the header.
    #[must_use]
    pub fn encode_header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        out.extend_from_slice(&HEADER_MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&self.db_uuid);
        out.extend_from_slice(&self.file_id().to_le_bytes());
        out.resize(HEADER_CRC_AT, 0);
        out.extend_from_slice(&block_crc(self.file_id(), &out, 0).to_le_bytes());
        out
    }

    /// Checks that the bytes are the header of this segment.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn check_header(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let (magic, version) = decode_start(bytes)?;
        if magic != HEADER_MAGIC {
            return Err(FormatError::Magic { got: magic });
        }
        if version != FORMAT_VERSION {
            return Err(FormatError::Version { got: version, newest: FORMAT_VERSION });
        }
        if bytes == self.encode_header() {
            return Ok(());
        }
        let mut cursor = Cursor::new(bytes);
        let summed = cursor.take(HEADER_CRC_AT)?;
        let (stored, computed) = (cursor.u32()?, block_crc(self.file_id(), summed, 0));
        if stored == computed {
            return Err(FormatError::Misplaced { what: "header" });
        }
        Err(FormatError::Checksum { stored, computed })
    }
}

fn decode_start(bytes: &[u8]) -> Result<([u8; 8], u32), FormatError> {
    let mut cursor = Cursor::new(bytes);
    Ok((cursor.array()?, cursor.u32()?))
}

/// Says whether a file begins as a segment of a version that is read here.
///
/// # Errors
/// [`FormatError::Magic`] or [`FormatError::Version`].
pub fn check_segment_start(bytes: &[u8]) -> Result<(), FormatError> {
    let (magic, version) = decode_start(bytes)?;
    if magic != HEADER_MAGIC {
        return Err(FormatError::Magic { got: magic });
    }
    if version != FORMAT_VERSION {
        return Err(FormatError::Version { got: version, newest: FORMAT_VERSION });
    }
    Ok(())
}

/// The footer of a segment.
///
/// ```text
/// offset size field
///      0    8 magic "SBSEGEND"
///      8    4 version                    12 4 flags, 0
///     16   16 db uuid                    32 8 generation lo      40 8 generation hi
///     48    8 level (0-255)              56 8 partition start i64
///     64    8 partition nanos (0: wide)  72 4 flush-set index    76 4 flush-set size
///     80    8 seq first                  88 8 seq last
///     96    8 samples                   104 4 series            108 4 chunks
///    112    4 timestamp blocks          116 4 symbols
///    120    8 time min i64              128 8 time max i64
///    136    8 uid                       144 8 blocks end: posting lists start here
///    152    8 sections start            160 8 sections end: the section table starts here
///    168    4 sections, 28              172 4 pages
///    176    4 section table crc         180 4 page table crc
///    184    8 file length
///    192   60 reserved, zeros           252 4 crc of file id, bytes 0..252, footer's offset
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFooter {
    /// Whose samples these are.
    pub origin: SegmentOrigin,
    /// How many segments the flush wrote.
    pub flush_set_size: u32,
    /// The first sequence number of the generations.
    pub seq_first: u64,
    /// The last sequence number of the generations.
    pub seq_last: u64,
    /// How many samples the segment holds.
    pub samples: u64,
    /// How many series.
    pub series: u32,
    /// How many chunks.
    pub chunks: u32,
    /// How many timestamp blocks.
    pub time_blocks: u32,
    /// How many symbols.
    pub symbols: u32,
    /// The time of the first sample.
    pub time_min: i64,
    /// The time of the last sample.
    pub time_max: i64,
    /// What makes the file's name unique.
    pub uid: u64,
    /// The end of the blocks, where the posting lists start.
    pub blocks_end: u64,
    /// The start of the sections.
    pub sections_start: u64,
    /// The end of the sections, where the section table starts.
    pub sections_end: u64,
    /// How many pages the sections have.
    pub pages: u32,
    /// The checksum of the section table.
    pub section_table_crc: u32,
    /// The checksum of the page checksums.
    pub page_table_crc: u32,
    /// The length of the file.
    pub file_bytes: u64,
}

impl SegmentFooter {
    /// Encodes the footer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let origin = &self.origin;
        let mut out = Vec::with_capacity(SEGMENT_FOOTER_BYTES);
        out.extend_from_slice(&FOOTER_MAGIC);
        push_u32s(&mut out, &[FORMAT_VERSION, 0]);
        out.extend_from_slice(&origin.db_uuid);
        let level = u64::from(origin.level);
        push_u64s(&mut out, &[origin.generation_lo, origin.generation_hi, level]);
        push_u64s(&mut out, &[origin.partition_start.cast_unsigned(), origin.partition_nanos]);
        push_u32s(&mut out, &[origin.flush_set_index, self.flush_set_size]);
        push_u64s(&mut out, &[self.seq_first, self.seq_last, self.samples]);
        push_u32s(&mut out, &[self.series, self.chunks, self.time_blocks, self.symbols]);
        push_u64s(&mut out, &[self.time_min.cast_unsigned(), self.time_max.cast_unsigned()]);
        push_u64s(&mut out, &[self.uid, self.blocks_end, self.sections_start, self.sections_end]);
        let sections =
            u32::from(SectionId::ALL.map(SectionId::to_tag).into_iter().max().unwrap_or(0));
        push_u32s(&mut out, &[sections, self.pages, self.section_table_crc, self.page_table_crc]);
        push_u64s(&mut out, &[self.file_bytes]);
        out.resize(FOOTER_CRC_AT, 0);
        let crc = block_crc(origin.file_id(), &out, self.offset());
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Returns the offset of the footer in the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.file_bytes.saturating_sub(SEGMENT_FOOTER_BYTES as u64)
    }

    /// Decodes the footer of a file of the given length, and checks that its places fit.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8], file_bytes: u64) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let magic = cursor.array()?;
        if magic != FOOTER_MAGIC {
            return Err(FormatError::Magic { got: magic });
        }
        let (version, flags) = (cursor.u32()?, cursor.u32()?);
        if version != FORMAT_VERSION {
            return Err(FormatError::Version { got: version, newest: FORMAT_VERSION });
        }
        let footer = Self::decode_fields(&mut cursor)?;
        footer.check_crc(bytes)?;
        if flags != 0 {
            return Err(FormatError::OutOfRange { field: "flags", got: u64::from(flags) });
        }
        if footer.file_bytes != file_bytes {
            return Err(FormatError::Truncated {
                needed: footer.file_bytes,
                available: file_bytes,
            });
        }
        footer.check_places()?;
        Ok(footer)
    }

    fn decode_fields(cursor: &mut Cursor<'_>) -> Result<Self, FormatError> {
        let db_uuid = cursor.array()?;
        let (generation_lo, generation_hi) = (cursor.u64()?, cursor.u64()?);
        let level = cursor.u64()?;
        let origin = SegmentOrigin {
            db_uuid,
            generation_lo,
            generation_hi,
            level: u8::try_from(level)
                .map_err(|_| FormatError::OutOfRange { field: "level", got: level })?,
            partition_start: cursor.i64()?,
            partition_nanos: cursor.u64()?,
            flush_set_index: cursor.u32()?,
        };
        Ok(Self {
            origin,
            flush_set_size: cursor.u32()?,
            seq_first: cursor.u64()?,
            seq_last: cursor.u64()?,
            samples: cursor.u64()?,
            series: cursor.u32()?,
            chunks: cursor.u32()?,
            time_blocks: cursor.u32()?,
            symbols: cursor.u32()?,
            time_min: cursor.i64()?,
            time_max: cursor.i64()?,
            uid: cursor.u64()?,
            blocks_end: cursor.u64()?,
            sections_start: cursor.u64()?,
            sections_end: cursor.u64()?,
            pages: {
                let sections = cursor.u32()?;
                if sections as usize != SectionId::ALL.len() {
                    let got = u64::from(sections);
                    return Err(FormatError::OutOfRange { field: "sections", got });
                }
                cursor.u32()?
            },
            section_table_crc: cursor.u32()?,
            page_table_crc: cursor.u32()?,
            file_bytes: cursor.u64()?,
        })
    }

    fn check_crc(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let mut cursor = Cursor::new(bytes);
        let summed = cursor.take(FOOTER_CRC_AT)?;
        let stored = cursor.u32()?;
        let computed = block_crc(self.origin.file_id(), summed, self.offset());
        if stored == computed { Ok(()) } else { Err(FormatError::Checksum { stored, computed }) }
    }

    fn check_places(&self) -> Result<(), FormatError> {
        let tables = SectionId::ALL.len() as u64 * SECTION_ENTRY_BYTES as u64
            + u64::from(self.pages) * 4
            + SEGMENT_FOOTER_BYTES as u64;
        let in_order = SEGMENT_HEADER_BYTES as u64 <= self.blocks_end
            && self.blocks_end <= self.sections_start
            && self.sections_start <= self.sections_end
            && self.sections_end.checked_add(tables) == Some(self.file_bytes)
            && (self.sections_end - self.sections_start).div_ceil(PAGE_BYTES)
                == u64::from(self.pages);
        if in_order {
            Ok(())
        } else {
            Err(FormatError::OutOfRange { field: "sections end", got: self.sections_end })
        }
    }
}

/// Encodes the section table: the sections in the order of their ids.
#[must_use]
pub fn encode_sections(sections: &[Section; 28]) -> Vec<u8> {
    let mut out = Vec::with_capacity(SectionId::ALL.len() * SECTION_ENTRY_BYTES);
    for (id, section) in SectionId::ALL.iter().zip(sections) {
        push_u32s(&mut out, &[u32::from(id.to_tag()), 0]);
        push_u64s(&mut out, &[section.offset, section.len]);
    }
    out
}

/// Decodes the section table; every section must lie between the given bounds.
///
/// # Errors
/// [`FormatError`] says what is wrong.
pub fn decode_sections(bytes: &[u8], start: u64, end: u64) -> Result<[Section; 28], FormatError> {
    let mut cursor = Cursor::new(bytes);
    let mut sections = [Section::default(); 28];
    for (id, section) in SectionId::ALL.iter().zip(&mut sections) {
        let (tag, zero) = (cursor.u32()?, cursor.u32()?);
        if (tag, zero) != (u32::from(id.to_tag()), 0) {
            return Err(FormatError::OutOfRange { field: "section id", got: u64::from(tag) });
        }
        *section = Section { offset: cursor.u64()?, len: cursor.u64()? };
        let fits = section.offset >= start
            && section.offset.checked_add(section.len).is_some_and(|last| last <= end);
        if !fits {
            let got = section.offset;
            return Err(FormatError::OutOfRange { field: "section offset", got });
        }
    }
    cursor.finish()?;
    Ok(sections)
}

fn push_u32s(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn push_u64s(out: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}
