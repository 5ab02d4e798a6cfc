//! What a segment is: its header, and the id that every checksum of the file begins with.
//!
//! ```text
//! header (64 bytes) · timestamp and value blocks · posting lists · sections · section table
//! · page checksums · footer (256 bytes)
//! ```
//!
//! Header:
//! ```text
//! offset size field       legal range
//!      0    8 magic       "SBSEG\r\n\x1a"
//!      8    4 version     1
//!     12    4 flags       0
//!     16   16 db uuid     any
//!     32    8 file id     XXH3-64 of "seg" and the fields of `SegmentOrigin`
//!     40   20 reserved    zeros
//!     60    4 crc         CRC-32 of file id, bytes 0..60, offset 0
//! ```

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// The length of the header.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// The length of a page of the sections, each of which has its own checksum.
pub const PAGE_BYTES: usize = 4096;
/// The most samples of a chunk.
pub const CHUNK_SAMPLES_MAX: usize = 8192;
/// All ones: "no unit" in a metric, "metric" in a posting list's name.
pub const NO_SYMBOL: u32 = u32::MAX;

const HEADER_MAGIC: [u8; 8] = *b"SBSEG\r\n\x1a";
const HEADER_CRC_AT: usize = SEGMENT_HEADER_BYTES - 4;

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
        check_segment_start(bytes)?;
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

/// Says whether a file begins as a segment of a version that is read here.
///
/// # Errors
/// [`FormatError::Magic`] or [`FormatError::Version`].
pub fn check_segment_start(bytes: &[u8]) -> Result<(), FormatError> {
    let mut cursor = Cursor::new(bytes);
    let (magic, version) = (cursor.array()?, cursor.u32()?);
    if magic != HEADER_MAGIC {
        return Err(FormatError::Magic { got: magic });
    }
    if version != FORMAT_VERSION {
        return Err(FormatError::Version { got: version, newest: FORMAT_VERSION });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::format::error::FormatError;
    use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentOrigin, check_segment_start};

    const ORIGIN: SegmentOrigin = SegmentOrigin {
        db_uuid: [7; 16],
        generation_lo: 1,
        generation_hi: 2,
        level: 0,
        partition_start: 0,
        partition_nanos: 0,
        flush_set_index: 0,
    };

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_header_is_an_error() {
        let header = ORIGIN.encode_header();
        assert_eq!(header.len(), SEGMENT_HEADER_BYTES);
        assert_eq!(ORIGIN.check_header(&header), Ok(()));
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(ORIGIN.check_header(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..header.len() {
            assert!(ORIGIN.check_header(&header[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn each_part_of_the_origin_makes_another_file_id() {
        let others = [
            SegmentOrigin { db_uuid: [8; 16], ..ORIGIN },
            SegmentOrigin { generation_lo: 0, ..ORIGIN },
            SegmentOrigin { generation_hi: 3, ..ORIGIN },
            SegmentOrigin { level: 1, ..ORIGIN },
            SegmentOrigin { partition_start: 1, ..ORIGIN },
            SegmentOrigin { partition_nanos: 1, ..ORIGIN },
            SegmentOrigin { flush_set_index: 1, ..ORIGIN },
        ];
        for other in others {
            assert_ne!(other.file_id(), ORIGIN.file_id(), "{other:?}");
            assert!(ORIGIN.check_header(&other.encode_header()).is_err(), "{other:?}");
        }
    }

    #[test]
    fn foreign_files_and_newer_versions_are_told_apart() {
        let header = ORIGIN.encode_header();
        let (mut foreign, mut newer) = (header.clone(), header);
        foreign[..4].copy_from_slice(b"PAR1");
        newer[8] = 2;
        assert!(matches!(check_segment_start(&foreign), Err(FormatError::Magic { .. })));
        let version = FormatError::Version { got: 2, newest: 1 };
        assert_eq!(check_segment_start(&newer), Err(version));
        assert!(matches!(check_segment_start(b"SBSEG"), Err(FormatError::Truncated { .. })));
    }
}
