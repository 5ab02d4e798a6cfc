//! The file BACKUP: what a backup holds, so that one that has lost something is found out.
//!
//! ```text
//! offset size field     legal range
//!      0    8 magic     "SBBAK\r\n\x1a"
//!      8    4 version   1
//!     12    4 flags     0
//!     16   16 db uuid   any
//!     32    8 created   i64 ns since the epoch, any
//!     40    8 edit      that of the MANIFEST
//!     48    8 seq       ..2^56, the sequence number of the last frame
//!     56    8 samples   those of all segments and log frames
//!     64    8 segments  those of the MANIFEST
//!     72    8 logs      log generations, those behind the flushed one
//!     80    8 log bytes up to the last frame of each
//!     88    4 crc       CRC-32 of file id, bytes 0..88, offset 0
//! ```
//!
//! The file id is the XXH3-64 of "backup" and the db uuid. A log alone cannot tell that its last
//! frames are damaged, since a torn tail looks the same; the sequence number can.

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;
use crate::format::manifest::SEQ_END;

/// The length of the file.
pub const BACKUP_BYTES: usize = 92;
const CRC_AT: usize = BACKUP_BYTES - 4;
const MAGIC: [u8; 8] = *b"SBBAK\r\n\x1a";

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupRecord {
    /// The identity of the store.
    pub db_uuid: [u8; 16],
    /// When the backup was made, in nanoseconds since the epoch.
    pub created: i64,
    /// The edit of the MANIFEST.
    pub edit: u64,
    /// The sequence number of the last frame.
    pub seq: u64,
    /// How many samples there are in segments and logs.
    pub samples: u64,
    /// How many segments there are.
    pub segments: u64,
    /// How many log generations there are.
    pub logs: u64,
    /// How many bytes of these count.
    pub log_bytes: u64,
}

impl BackupRecord {
    fn file_id(db_uuid: [u8; 16]) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        hasher.update(b"backup");
        hasher.update(&db_uuid);
        hasher.digest()
    }

    /// Encodes the whole file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BACKUP_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&self.db_uuid);
        out.extend_from_slice(&self.created.to_le_bytes());
        let numbers = [self.edit, self.seq, self.samples, self.segments, self.logs, self.log_bytes];
        for number in numbers {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&block_crc(Self::file_id(self.db_uuid), &out, 0).to_le_bytes());
        out
    }

    /// Decodes the whole file.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        cursor.start(MAGIC)?;
        let flags = cursor.u32()?;
        let record = Self {
            db_uuid: cursor.array()?,
            created: cursor.i64()?,
            edit: cursor.u64()?,
            seq: cursor.u64()?,
            samples: cursor.u64()?,
            segments: cursor.u64()?,
            logs: cursor.u64()?,
            log_bytes: cursor.u64()?,
        };
        let summed = Cursor::new(bytes).take(CRC_AT)?;
        let (stored, computed) =
            (cursor.u32()?, block_crc(Self::file_id(record.db_uuid), summed, 0));
        if stored != computed {
            return Err(FormatError::Checksum { stored, computed });
        }
        cursor.finish()?;
        if flags != 0 {
            return Err(FormatError::OutOfRange { field: "flags", got: u64::from(flags) });
        }
        if record.seq >= SEQ_END {
            return Err(FormatError::OutOfRange { field: "seq", got: record.seq });
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use crate::format::backup::{BACKUP_BYTES, BackupRecord};

    #[test]
    fn round_trips_and_detects_every_flipped_bit_and_truncation() {
        let record = BackupRecord {
            db_uuid: [3; 16],
            created: -5,
            edit: 12,
            seq: 77,
            samples: 90,
            segments: 2,
            logs: 1,
            log_bytes: 4_200,
        };
        let bytes = record.encode();
        assert_eq!(bytes.len(), BACKUP_BYTES);
        assert_eq!(BackupRecord::decode(&bytes), Ok(record));
        let beyond = BackupRecord { seq: u64::MAX, ..record };
        assert!(BackupRecord::decode(&beyond.encode()).is_err(), "no frame has this number");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(BackupRecord::decode(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(BackupRecord::decode(&bytes[..len]).is_err(), "length {len}");
        }
        assert!(BackupRecord::decode(&[&bytes[..], &[0]].concat()).is_err(), "one byte more");
    }
}
