//! The sections of a segment file and the table that says where they lie.
//!
//! An entry of the table, in the order of the file and of ascending ids:
//! ```text
//! offset size field   legal range
//!      0    4 id      ascending; ids that are not known are skipped
//!      4    4 zero    0
//!      8    8 offset  the end of the section before, up to a multiple of 8 from the first
//!     16    8 length  the last section ends where the table starts
//! ```

use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// The length of an entry of the section table.
pub const SECTION_ENTRY_BYTES: usize = 24;
/// How many sections this version knows; newer writers may add others behind them.
pub const SECTIONS: usize = 32;
/// How many sections every segment has. The others are there where they hold something.
pub const SECTIONS_MIN: usize = 28;
/// The most entries that a section table may have.
pub const SECTIONS_MAX: usize = 256;
/// A section starts at a multiple of this many bytes from the first one.
pub const SECTION_ALIGN: usize = 8;
/// The length of a metric's entry.
pub const METRIC_ENTRY_BYTES: u64 = 12;
/// The length of a posting list's entry.
pub const POSTING_ENTRY_BYTES: u64 = 32;

/// The sections, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SectionId {
    /// u32 × (symbols + 1): where each symbol starts in the symbols' bytes.
    SymbolOffsets = 1,
    /// UTF-8, all symbols one behind the other, sorted bytewise.
    SymbolBytes = 2,
    /// 12 bytes a metric, sorted by name: name symbol u32, unit symbol u32 (all ones: none),
    /// kind u8, duplicates u8, zero u16.
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
    /// u32 × (timestamp blocks + 1): where each one's ticks start. Only where some block has ticks.
    TimeTickOffsets = 29,
    /// The ticks of timestamp blocks, as in `time_ticks`. Only where some block has ticks.
    TimeTickBytes = 30,
    /// u32 × (chunks + 1): where each one's sketch starts. Only where some chunk has one.
    SketchOffsets = 31,
    /// The sketches of chunks, as in `sketch`. Only where some chunk has one.
    SketchBytes = 32,
}

impl SectionId {
    /// All sections, in the order of the file.
    pub const ALL: [Self; SECTIONS] = [
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
        Self::TimeTickOffsets,
        Self::TimeTickBytes,
        Self::SketchOffsets,
        Self::SketchBytes,
    ];

    /// Returns the number that stands for the section on disk.
    #[must_use]
    pub const fn to_tag(self) -> u8 {
        self as u8
    }

    /// Returns whether a segment has this section where it is so long.
    #[must_use]
    pub const fn is_written(self, len: u64) -> bool {
        self as usize <= SECTIONS_MIN || len > 0
    }
}

const _: () = assert!(SECTIONS_MIN <= SECTIONS && SECTIONS <= SECTIONS_MAX);

/// Where a section lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Section {
    /// Its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// Where each section of a segment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sections([Section; SECTIONS]);

impl Sections {
    /// Lays out sections of the given lengths, in the order of [`SectionId::ALL`], from `start` on.
    #[must_use]
    pub fn lay_out(start: u64, lengths: [u64; SECTIONS]) -> Self {
        let mut sections = [Section::default(); SECTIONS];
        let mut end = start;
        for ((section, len), id) in sections.iter_mut().zip(lengths).zip(SectionId::ALL) {
            if !id.is_written(len) {
                continue;
            }
            let offset = start + (end - start).next_multiple_of(SECTION_ALIGN as u64);
            end = offset + len;
            *section = Section { offset, len };
        }
        Self(sections)
    }

    /// Returns the sections that a segment has, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = (SectionId, Section)> + '_ {
        let sections = SectionId::ALL.into_iter().zip(self.0);
        sections.filter(|(id, section)| id.is_written(section.len))
    }

    /// Returns where a section lies.
    #[must_use]
    pub fn get(&self, id: SectionId) -> Section {
        self.0.get(usize::from(id.to_tag()) - 1).copied().unwrap_or_default()
    }

    /// Encodes the table.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SECTIONS * SECTION_ENTRY_BYTES);
        for (id, section) in self.all() {
            out.extend_from_slice(&u32::from(id.to_tag()).to_le_bytes());
            out.extend_from_slice(&0_u32.to_le_bytes());
            out.extend_from_slice(&section.offset.to_le_bytes());
            out.extend_from_slice(&section.len.to_le_bytes());
        }
        out
    }

    /// Decodes the table of the sections that fill the file from `start` to `end`.
    ///
    /// Sections that are not known here are skipped: what an older reader must understand to read
    /// a file right changes the version instead.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8], start: u64, end: u64) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let mut sections = [Section::default(); SECTIONS];
        let (mut needed, mut id_before, mut filled) = (0, 0, start);
        while cursor.remaining() > 0 {
            let (id, zero) = (cursor.u32()?, cursor.u32()?);
            let section = Section { offset: cursor.u64()?, len: cursor.u64()? };
            if zero != 0 || id <= id_before {
                return Err(FormatError::OutOfRange { field: "section id", got: u64::from(id) });
            }
            id_before = id;
            filled = section
                .end_behind(start, filled)
                .filter(|filled| *filled <= end)
                .ok_or(FormatError::OutOfRange { field: "section offset", got: section.offset })?;
            if let Some(slot) = (id as usize).checked_sub(1).and_then(|at| sections.get_mut(at)) {
                *slot = section;
                needed += usize::from(id as usize <= SECTIONS_MIN);
            }
        }
        if needed != SECTIONS_MIN {
            return Err(FormatError::OutOfRange { field: "sections", got: needed as u64 });
        }
        if filled != end {
            return Err(FormatError::OutOfRange { field: "end of the sections", got: filled });
        }
        Ok(Self(sections))
    }

    /// Checks that the sections of fixed width hold what the footer counts.
    ///
    /// Afterwards each count is bounded by the length of the file, so that memory in proportion to
    /// a count is in proportion to bytes that are there.
    ///
    /// # Errors
    /// [`FormatError::OutOfRange`] with the length that does not fit.
    pub fn check_counts(&self, counts: Counts) -> Result<(), FormatError> {
        let all_fit = SectionId::ALL.into_iter().try_for_each(|id| {
            let got = self.get(id).len;
            let is_absent = match id {
                SectionId::TimeTickOffsets => self.get(SectionId::TimeTickBytes).len == 0,
                SectionId::SketchOffsets => self.get(SectionId::SketchBytes).len == 0,
                _ => false,
            };
            if (is_absent && got == 0)
                || id.expected_len(counts).is_none_or(|expected| expected == got)
            {
                return Ok(());
            }
            Err(FormatError::OutOfRange { field: "section length", got })
        });
        let whole = |id, entry| {
            let got = self.get(id).len;
            let fits = got.is_multiple_of(entry) && u32::try_from(got / entry).is_ok();
            fits.then_some(()).ok_or(FormatError::OutOfRange { field: "section length", got })
        };
        all_fit
            .and_then(|()| whole(SectionId::Metrics, METRIC_ENTRY_BYTES))
            .and_then(|()| whole(SectionId::Postings, POSTING_ENTRY_BYTES))
            .and_then(|()| whole(SectionId::Inputs, 8))
    }
}

/// How many entries the sections of fixed width have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// How many symbols.
    pub symbols: u32,
    /// How many series.
    pub series: u32,
    /// How many chunks.
    pub chunks: u32,
    /// How many timestamp blocks.
    pub time_blocks: u32,
}

impl Section {
    /// Returns the section's end if it starts where the one before, which ends at `filled`, says.
    fn end_behind(self, start: u64, filled: u64) -> Option<u64> {
        let padded = filled.checked_sub(start)?.checked_next_multiple_of(SECTION_ALIGN as u64)?;
        let expected = start.checked_add(padded)?;
        if expected == self.offset { self.offset.checked_add(self.len) } else { None }
    }
}

impl SectionId {
    /// Returns the length that the counts ask for, where they decide it.
    fn expected_len(self, counts: Counts) -> Option<u64> {
        let [symbols, series, chunks, time_blocks] =
            [counts.symbols, counts.series, counts.chunks, counts.time_blocks].map(u64::from);
        Some(match self {
            Self::SymbolBytes
            | Self::Metrics
            | Self::SeriesRecords
            | Self::Postings
            | Self::Inputs
            | Self::TimeTickBytes
            | Self::SketchBytes => return None,
            Self::SketchOffsets => 4 * (chunks + 1),
            Self::TimeTickOffsets => 4 * (time_blocks + 1),
            Self::SymbolOffsets => 4 * (symbols + 1),
            Self::SeriesOffsets | Self::SeriesChunks => 4 * (series + 1),
            Self::ChunkValueCodec => chunks,
            Self::ChunkCount
            | Self::ChunkTimeBlock
            | Self::ChunkValueLength
            | Self::ChunkValueCrc => 4 * chunks,
            Self::ChunkTimeMin
            | Self::ChunkTimeMax
            | Self::ChunkValueOffset
            | Self::StatSumHigh
            | Self::StatSumLow
            | Self::StatMin
            | Self::StatMax
            | Self::StatFirst
            | Self::StatLast
            | Self::StatIncrease => 8 * chunks,
            Self::TimeBlockCodec => time_blocks,
            Self::TimeBlockLength | Self::TimeBlockCrc | Self::TimeBlockCount => 4 * time_blocks,
            Self::TimeBlockOffset => 8 * time_blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::format::error::FormatError;
    use crate::format::segment_sections::{
        Counts, SECTION_ENTRY_BYTES, SECTIONS, SECTIONS_MIN, SectionId, Sections,
    };

    const START: u64 = 101;

    fn sections() -> (Sections, u64) {
        let mut len = 0;
        let sections = Sections::lay_out(
            START,
            [(); SECTIONS].map(|()| {
                len = (len + 3) % 10;
                len.max(1)
            }),
        );
        let last = sections.get(SectionId::SketchBytes);
        (sections, last.offset + last.len)
    }

    #[test]
    fn sections_are_aligned_to_the_first_and_come_back() {
        let (sections, end) = sections();
        for id in SectionId::ALL {
            assert_eq!((sections.get(id).offset - START) % 8, 0);
        }
        assert_eq!(Sections::decode(&sections.encode(), START, end), Ok(sections));
    }

    #[test]
    fn sections_that_hold_nothing_and_may_be_absent_are() {
        let mut lengths = [8; SECTIONS];
        assert_eq!(Sections::lay_out(START, lengths).all().count(), SECTIONS);
        lengths[SECTIONS_MIN..].fill(0);
        let sections = Sections::lay_out(START, lengths);
        assert_eq!(sections.all().count(), SECTIONS_MIN);
        let end = START + 8 * SECTIONS_MIN as u64;
        assert_eq!(Sections::decode(&sections.encode(), START, end), Ok(sections));
        // Sketches without ticks.
        lengths[SECTIONS - 2..].fill(8);
        let sections = Sections::lay_out(START, lengths);
        assert_eq!(sections.all().count(), SECTIONS - 2);
        assert_eq!(Sections::decode(&sections.encode(), START, end + 16), Ok(sections));
    }

    #[test]
    fn a_section_that_is_not_known_is_skipped() {
        let (sections, end) = sections();
        let mut table = sections.encode();
        let offset = START + (end - START).next_multiple_of(8);
        table.extend_from_slice(&[99, 0, 0, 0, 0, 0, 0, 0]);
        table.extend_from_slice(&offset.to_le_bytes());
        table.extend_from_slice(&5_u64.to_le_bytes());
        assert_eq!(Sections::decode(&table, START, offset + 5), Ok(sections));
    }

    #[test]
    fn tables_that_no_writer_writes_are_refused() {
        let (sections, end) = sections();
        let table = sections.encode();
        let refused = |at: usize, byte: u8, end: u64| {
            let mut table = table.clone();
            table[at] = byte;
            Sections::decode(&table, START, end).unwrap_err()
        };
        let out = |field, got| FormatError::OutOfRange { field, got };
        // An id that repeats, one that is missing, a gap, an overlap, an end short of the table.
        assert_eq!(refused(SECTION_ENTRY_BYTES, 1, end), out("section id", 1));
        assert_eq!(refused(31 * SECTION_ENTRY_BYTES, 31, end), out("section id", 31));
        let needed = &table[..28 * SECTION_ENTRY_BYTES];
        let mut without = needed.to_vec();
        without[27 * SECTION_ENTRY_BYTES] = 29;
        let inputs = sections.get(SectionId::Inputs);
        let filled = inputs.offset + inputs.len;
        assert!(Sections::decode(needed, START, filled).is_ok());
        assert_eq!(Sections::decode(&without, START, filled), Err(out("sections", 27)));
        assert_eq!(refused(8, table[8] + 8, end), out("section offset", START + 8));
        let second = sections.get(SectionId::SymbolBytes).offset;
        assert_eq!(refused(16, 9, end), out("section offset", second));
        assert_eq!(refused(0, 1, end + 8), out("end of the sections", end));
        assert_eq!(
            refused(0, 1, end - 1),
            out("section offset", sections.get(SectionId::SketchBytes).offset)
        );
        // Lengths that overflow, and bytes that end early.
        assert!(matches!(refused(23, 0xff, end), FormatError::OutOfRange { .. }));
        for len in 0..table.len() {
            assert!(Sections::decode(&table[..len], START, end).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn counts_that_do_not_fit_the_sections_are_refused() {
        let counts = Counts { symbols: 3, series: 2, chunks: 4, time_blocks: 1 };
        let lengths = SectionId::ALL.map(|id| id.expected_len(counts).unwrap_or(0));
        let sections = Sections::lay_out(START, lengths);
        assert_eq!(sections.check_counts(counts), Ok(()));
        for (at, id) in SectionId::ALL.iter().enumerate() {
            let mut lengths = lengths;
            lengths[at] += 1;
            let free = [
                SectionId::SymbolBytes,
                SectionId::SeriesRecords,
                SectionId::TimeTickBytes,
                SectionId::SketchBytes,
            ];
            let free = free.contains(id);
            let fits = Sections::lay_out(START, lengths).check_counts(counts).is_ok();
            assert_eq!(fits, free, "{id:?}");
        }
        for hostile in [
            Counts { symbols: u32::MAX, ..counts },
            Counts { series: u32::MAX, ..counts },
            Counts { chunks: u32::MAX, ..counts },
            Counts { time_blocks: u32::MAX, ..counts },
        ] {
            assert!(sections.check_counts(hostile).is_err());
        }
    }
}
