//! The first page of a log file.
//!
//! ```text
//! offset size field        legal range
//!      0    8 magic        "SBWAL\r\n\x1a"
//!      8    4 version      1
//!     12    4 flags        0
//!     16   16 db uuid      any
//!     32    8 generation   1..
//!     40    8 file id      XXH3-64 of "wal", db uuid, generation
//!     48    8 created      i64 ns since the epoch, any
//!     56 4036 reserved     zeros
//!   4092    4 crc          CRC-32 of file id, bytes 0..4092, offset 0
//! ```

use byteorder::{ByteOrder, LE};

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// The size of the header, and the offset of the first frame.
pub const LOG_HEADER_BYTES: usize = 4096;
const WORDS: usize = LOG_HEADER_BYTES / 8;
const CRC_AT: usize = LOG_HEADER_BYTES - 4;
const MAGIC: [u8; 8] = *b"SBWAL\r\n\x1a";

/// What a log file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHeader {
    /// The store that the log belongs to.
    pub db_uuid: [u8; 16],
    /// The log's place in the chain of generations, from 1.
    pub generation: u64,
    /// When it was created, in nanoseconds since the epoch.
    pub created: i64,
}

impl LogHeader {
    /// Returns the id that every checksum of this file begins with.
    #[must_use]
    pub fn file_id(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        hasher.update(b"wal");
        hasher.update(&self.db_uuid);
        hasher.update(&self.generation.to_le_bytes());
        hasher.digest()
    }

    /// Encodes the page, as the words that are stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u64> {
        let mut page = Vec::with_capacity(LOG_HEADER_BYTES);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        page.extend_from_slice(&0_u32.to_le_bytes());
        page.extend_from_slice(&self.db_uuid);
        page.extend_from_slice(&self.generation.to_le_bytes());
        page.extend_from_slice(&self.file_id().to_le_bytes());
        page.extend_from_slice(&self.created.to_le_bytes());
        page.resize(CRC_AT, 0);
        page.extend_from_slice(&block_crc(self.file_id(), &page, 0).to_le_bytes());
        let mut words = vec![0; WORDS];
        LE::read_u64_into(&page, &mut words);
        words
    }

    /// Decodes the page.
    ///
    /// # Errors
    /// [`FormatError`] says which field is wrong; an all-zero page has no magic.
    pub fn decode(page: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(page);
        cursor.start(MAGIC)?;
        let flags = cursor.u32()?;
        let header = Self {
            db_uuid: cursor.array()?,
            generation: cursor.u64()?,
            created: {
                cursor.u64()?;
                cursor.i64()?
            },
        };
        let mut tail = Cursor::new(page);
        let summed = tail.take(CRC_AT)?;
        let (stored, computed) = (tail.u32()?, block_crc(header.file_id(), summed, 0));
        if stored != computed {
            return Err(FormatError::Checksum { stored, computed });
        }
        if flags != 0 {
            return Err(FormatError::OutOfRange { field: "flags", got: u64::from(flags) });
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};

    #[test]
    fn round_trips_and_detects_every_flipped_bit() {
        let header = LogHeader { db_uuid: [7; 16], generation: 3, created: -5 };
        let page: Vec<u8> = header.encode().iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(page.len(), LOG_HEADER_BYTES);
        assert_eq!(LogHeader::decode(&page), Ok(header));
        for bit in 0..page.len() * 8 {
            let mut flipped = page.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(LogHeader::decode(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..page.len() {
            assert!(LogHeader::decode(&page[..len]).is_err(), "length {len}");
        }
    }
}
