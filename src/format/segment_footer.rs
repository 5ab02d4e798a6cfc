//! The footer of a segment: what the file holds, and where.

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;
use crate::format::segment::{PAGE_BYTES, SEGMENT_HEADER_BYTES, SegmentOrigin};
use crate::format::segment_sections::{Counts, SECTION_ENTRY_BYTES, SECTIONS_MAX, SECTIONS_MIN};

/// The length of the footer.
pub const SEGMENT_FOOTER_BYTES: usize = 256;

const FOOTER_MAGIC: [u8; 8] = *b"SBSEGEND";
const FOOTER_CRC_AT: usize = SEGMENT_FOOTER_BYTES - 4;
/// Zeros between the last field and the checksum.
const FOOTER_RESERVED_BYTES: usize = 52;

/// The footer of a segment.
///
/// ```text
/// offset size field              legal range
///      0    8 magic              "SBSEGEND"
///      8    4 version            1
///     12    4 flags              0
///     16   16 db uuid            any
///     32    8 generation lo      any
///     40    8 generation hi      generation lo..
///     48    8 level              0..=255
///     56    8 partition start    i64 ns; 0 if wide
///     64    8 partition nanos    0: wide, over several partitions
///     72    4 flush-set index    0..flush-set size
///     76    4 flush-set size     1..
///     80    8 seq first          any
///     88    8 seq last           any
///     96    8 samples            any
///    104    4 series             as many as their section holds, as all counts here
///    108    4 chunks
///    112    4 timestamp blocks
///    116    4 symbols
///    120    8 time min           i64 ns; the latest if there are no samples
///    128    8 time max           i64 ns, time min..; the earliest if there are no samples
///    136    8 uid                any
///    144    8 blocks end         64..: the end of the blocks, where the posting lists start
///    152    8 sections start     blocks end..
///    160    8 sections end       sections start..: where the section table starts
///    168    4 sections           28..=256
///    172    4 pages              of 4,096 bytes each, from sections start, the last one maybe less
///    176    4 section table crc  over the table that starts at sections end
///    180    4 page table crc     over the page checksums behind the section table
///    184    8 file length        that of the file
///    192    8 deleted up to      deletions of generations up to this one were carried out
///    200   52 reserved           zeros
///    252    4 crc                over bytes 0..252, with the footer's offset
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
    /// How many entries its sections have.
    pub counts: Counts,
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
    /// How many sections there are, known here or not.
    pub sections: u32,
    /// How many pages the sections have.
    pub pages: u32,
    /// The checksum of the section table.
    pub section_table_crc: u32,
    /// The checksum of the page checksums.
    pub page_table_crc: u32,
    /// The length of the file.
    pub file_bytes: u64,
    /// Deletions of the generations up to this one were carried out on the samples.
    pub deleted_up_to: u64,
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
        let Counts { series, chunks, time_blocks, symbols } = self.counts;
        push_u32s(&mut out, &[series, chunks, time_blocks, symbols]);
        push_u64s(&mut out, &[self.time_min.cast_unsigned(), self.time_max.cast_unsigned()]);
        push_u64s(&mut out, &[self.uid, self.blocks_end, self.sections_start, self.sections_end]);
        push_u32s(&mut out, &[self.sections, self.pages]);
        push_u32s(&mut out, &[self.section_table_crc, self.page_table_crc]);
        push_u64s(&mut out, &[self.file_bytes, self.deleted_up_to]);
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

    /// Returns the length of the section table, which stands where the sections end.
    #[must_use]
    pub fn section_table_len(&self) -> u64 {
        u64::from(self.sections) * SECTION_ENTRY_BYTES as u64
    }

    /// Returns the length of the page checksums, which stand behind the section table.
    #[must_use]
    pub fn page_table_len(&self) -> u64 {
        u64::from(self.pages) * 4
    }

    /// Decodes the footer of a file of the given length, and checks that its places fit.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8], file_bytes: u64) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        cursor.start(FOOTER_MAGIC)?;
        let flags = cursor.u32()?;
        let footer = Self::decode_fields(&mut cursor)?;
        let reserved = cursor.take(FOOTER_RESERVED_BYTES)?;
        footer.check_crc(bytes, cursor.u32()?)?;
        if flags != 0 || reserved.iter().any(|byte| *byte != 0) {
            return Err(FormatError::OutOfRange { field: "flags", got: u64::from(flags) });
        }
        if footer.file_bytes != file_bytes {
            let error = FormatError::Truncated { needed: footer.file_bytes, available: file_bytes };
            return Err(error);
        }
        footer.check_ranges()?;
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
            counts: Counts {
                series: cursor.u32()?,
                chunks: cursor.u32()?,
                time_blocks: cursor.u32()?,
                symbols: cursor.u32()?,
            },
            time_min: cursor.i64()?,
            time_max: cursor.i64()?,
            uid: cursor.u64()?,
            blocks_end: cursor.u64()?,
            sections_start: cursor.u64()?,
            sections_end: cursor.u64()?,
            sections: cursor.u32()?,
            pages: cursor.u32()?,
            section_table_crc: cursor.u32()?,
            page_table_crc: cursor.u32()?,
            file_bytes: cursor.u64()?,
            deleted_up_to: cursor.u64()?,
        })
    }

    fn check_crc(&self, bytes: &[u8], stored: u32) -> Result<(), FormatError> {
        let summed = Cursor::new(bytes).take(FOOTER_CRC_AT)?;
        let computed = block_crc(self.origin.file_id(), summed, self.offset());
        if stored == computed { Ok(()) } else { Err(FormatError::Checksum { stored, computed }) }
    }

    fn check_ranges(&self) -> Result<(), FormatError> {
        let origin = &self.origin;
        let wide = origin.partition_nanos == 0;
        let times_fit = if self.samples == 0 {
            (self.time_min, self.time_max) == (i64::MAX, i64::MIN)
        } else {
            self.time_min <= self.time_max
        };
        let ranges = [
            ("generation", origin.generation_hi, origin.generation_lo <= origin.generation_hi),
            (
                "flush-set size",
                self.flush_set_size.into(),
                self.flush_set_size > origin.flush_set_index,
            ),
            (
                "partition",
                origin.partition_start.cast_unsigned(),
                !wide || origin.partition_start == 0,
            ),
            ("time max", self.time_max.cast_unsigned(), times_fit),
        ];
        match ranges.into_iter().find(|(_, _, legal)| !legal) {
            Some((field, got, _)) => Err(FormatError::OutOfRange { field, got }),
            None => Ok(()),
        }
    }

    fn check_places(&self) -> Result<(), FormatError> {
        let in_order = SEGMENT_HEADER_BYTES as u64 <= self.blocks_end
            && self.blocks_end <= self.sections_start
            && self.sections_start <= self.sections_end;
        let tables = self.section_table_len() + self.page_table_len() + SEGMENT_FOOTER_BYTES as u64;
        if !in_order || self.sections_end.checked_add(tables) != Some(self.file_bytes) {
            return Err(FormatError::OutOfRange { field: "sections end", got: self.sections_end });
        }
        let pages = (self.sections_end - self.sections_start).div_ceil(PAGE_BYTES as u64);
        if pages != u64::from(self.pages) {
            return Err(FormatError::OutOfRange { field: "pages", got: self.pages.into() });
        }
        if !(SECTIONS_MIN..=SECTIONS_MAX).contains(&(self.sections as usize)) {
            return Err(FormatError::OutOfRange { field: "sections", got: self.sections.into() });
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use crate::format::error::FormatError;
    use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentOrigin};
    use crate::format::segment_footer::{SEGMENT_FOOTER_BYTES, SegmentFooter};
    use crate::format::segment_sections::{Counts, SECTION_ENTRY_BYTES, SECTIONS_MIN};

    fn footer() -> SegmentFooter {
        let sections_end = 5000 + 4097;
        let tables = SECTIONS_MIN * SECTION_ENTRY_BYTES + 2 * 4 + SEGMENT_FOOTER_BYTES;
        SegmentFooter {
            origin: SegmentOrigin {
                db_uuid: *b"0123456789abcdef",
                generation_lo: 3,
                generation_hi: 4,
                level: 2,
                partition_start: -86_400_000_000_000,
                partition_nanos: 86_400_000_000_000,
                flush_set_index: 1,
            },
            flush_set_size: 2,
            seq_first: 10,
            seq_last: 20,
            samples: 9,
            counts: Counts { symbols: 4, series: 3, chunks: 3, time_blocks: 2 },
            time_min: -7,
            time_max: -7,
            uid: 77,
            blocks_end: 4000,
            sections_start: 5000,
            sections_end,
            sections: u32::try_from(SECTIONS_MIN).unwrap(),
            pages: 2,
            section_table_crc: 1,
            page_table_crc: 2,
            file_bytes: sections_end + tables as u64,
            deleted_up_to: 0,
        }
    }

    #[track_caller]
    fn refused(change: impl Fn(&mut SegmentFooter), field: &str) {
        let mut changed = footer();
        change(&mut changed);
        match SegmentFooter::decode(&changed.encode(), changed.file_bytes) {
            Err(FormatError::OutOfRange { field: got, .. }) => assert_eq!(got, field),
            other => panic!("{field}: {other:?}"),
        }
    }

    #[test]
    fn a_footer_comes_back() {
        let footer = footer();
        let bytes = footer.encode();
        assert_eq!(bytes.len(), SEGMENT_FOOTER_BYTES);
        assert_eq!(SegmentFooter::decode(&bytes, footer.file_bytes), Ok(footer));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_an_error() {
        let footer = footer();
        let bytes = footer.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentFooter::decode(&flipped, footer.file_bytes).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(SegmentFooter::decode(&bytes[..len], footer.file_bytes).is_err(), "{len}");
        }
    }

    #[test]
    fn a_file_of_another_length_is_truncated() {
        let footer = footer();
        let needed = footer.file_bytes;
        let got = SegmentFooter::decode(&footer.encode(), needed - 1);
        assert_eq!(got, Err(FormatError::Truncated { needed, available: needed - 1 }));
    }

    #[test]
    fn fields_outside_their_ranges_are_refused_under_a_right_checksum() {
        refused(|f| f.origin.generation_lo = 5, "generation");
        refused(|f| f.flush_set_size = 1, "flush-set size");
        refused(|f| f.origin.partition_nanos = 0, "partition");
        refused(|f| f.time_max = -8, "time max");
        refused(|f| f.samples = 0, "time max");
        refused(|f| f.blocks_end = SEGMENT_HEADER_BYTES as u64 - 1, "sections end");
        refused(|f| f.blocks_end = 5001, "sections end");
        refused(|f| f.sections_start = 9098, "sections end");
        refused(|f| f.sections_end = u64::MAX, "sections end");
        refused(|f| f.pages = u32::MAX, "sections end");
        refused(|f| f.sections_start = 5001, "pages");
        refused(
            |f| {
                f.sections -= 1;
                f.file_bytes -= SECTION_ENTRY_BYTES as u64;
            },
            "sections",
        );
    }
}
