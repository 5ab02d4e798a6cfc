//! The MANIFEST: which segments are live, and how far the log has been flushed.
//!
//! ```text
//! offset size field                 legal range
//!      0    8 magic                 "SBMAN\r\n\x1a"
//!      8    4 version               1
//!     12    4 flags                 0
//!     16   16 db uuid               any
//!     32    8 edit                  1..2^40, one more with each new MANIFEST
//!     40    8 last flushed generation  ..2^56
//!     48    8 last flushed seq      ..2^56
//!     56    8 begun generation      ..2^56
//!     64    8 segments              number of entries that follow
//!     72   80 each segment, sorted, no generation twice in a partition:
//!             partition start i64 · partition length u64 (0: wide)
//!             · generation lo u64 · generation hi u64 · level u64 · uid u64 · file bytes u64
//!             · samples u64 · first time i64 · last time i64
//!   then      ledger              see `ledger`
//!    end    4 crc                   CRC-32 of file id, all bytes before, offset 0
//! ```
//!
//! The file id is the XXH3-64 of "manifest" and the db uuid.

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;
use crate::format::ledger::Ledger;

const MAGIC: [u8; 8] = *b"SBMAN\r\n\x1a";
const ENTRY_BYTES: usize = 80;
/// Edits lie below this: the unique part of a segment's name is made of one by shifting.
const EDIT_END: u64 = 1 << 40;
/// Generations and sequence numbers lie below this, so that there is room to count on.
pub const SEQ_END: u64 = 1 << 56;

/// The live set of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRecord {
    /// The store's identity.
    pub db_uuid: [u8; 16],
    /// Counts the manifests of this store.
    pub edit: u64,
    /// The samples of all generations up to this one lie in segments.
    pub flushed_generation: u64,
    /// The sequence number of the last of them.
    pub flushed_seq: u64,
    /// The OPEN frame of this generation's log is on disk: until it is flushed, a log without one
    /// was damaged. Nothing is claimed where it is flushed already.
    pub begun_generation: u64,
    /// The live segments, sorted by partition, then generation.
    pub segments: Vec<SegmentRecord>,
    /// What is gone, what is to go, and what was counted.
    pub ledger: Ledger,
}

/// One live segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentRecord {
    /// The start of its partition, in nanoseconds since the epoch.
    pub partition_start: i64,
    /// The length of its partition in nanoseconds; 0 for a segment over several partitions.
    pub partition_nanos: u64,
    /// The first generation whose samples it holds.
    pub generation_lo: u64,
    /// The last generation whose samples it holds.
    pub generation_hi: u64,
    /// How often its samples were merged.
    pub level: u8,
    /// What makes its name unique.
    pub uid: u64,
    /// The file's length.
    pub file_bytes: u64,
    /// How many samples it holds.
    pub samples: u64,
    /// The time of its first sample, in nanoseconds since the epoch.
    pub time_first: i64,
    /// The time of its last sample, in nanoseconds since the epoch.
    pub time_last: i64,
}

impl SegmentRecord {
    /// True where this entry may stand before the other: it sorts lower, and in one partition its
    /// generations end before the other's begin.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        let partition = |record: &Self| (record.partition_start, record.partition_nanos);
        match partition(self).cmp(&partition(other)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => self.generation_hi < other.generation_lo,
            std::cmp::Ordering::Greater => false,
        }
    }
}

impl ManifestRecord {
    fn file_id(db_uuid: [u8; 16]) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        hasher.update(b"manifest");
        hasher.update(&db_uuid);
        hasher.digest()
    }

    /// Returns the generation whose log must have begun, if any.
    #[must_use]
    pub fn claimed(&self) -> Option<u64> {
        (self.begun_generation > self.flushed_generation).then_some(self.begun_generation)
    }

    /// Encodes the whole file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(76 + self.segments.len() * ENTRY_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&self.db_uuid);
        let counts = [
            self.edit,
            self.flushed_generation,
            self.flushed_seq,
            self.begun_generation,
            self.segments.len() as u64,
        ];
        for number in counts {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for segment in &self.segments {
            out.extend_from_slice(&segment.partition_start.to_le_bytes());
            let numbers = [
                segment.partition_nanos,
                segment.generation_lo,
                segment.generation_hi,
                u64::from(segment.level),
                segment.uid,
                segment.file_bytes,
                segment.samples,
            ];
            for number in numbers {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(&segment.time_first.to_le_bytes());
            out.extend_from_slice(&segment.time_last.to_le_bytes());
        }
        self.ledger.encode(&mut out);
        out.extend_from_slice(&block_crc(Self::file_id(self.db_uuid), &out, 0).to_le_bytes());
        out
    }

    /// Decodes the whole file. Allocates at most as much as the bytes that are there.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        cursor.start(MAGIC)?;
        let flags = cursor.u32()?;
        let db_uuid = cursor.array()?;
        check_crc(bytes, db_uuid)?;
        if flags != 0 {
            return Err(FormatError::OutOfRange { field: "flags", got: u64::from(flags) });
        }
        let (edit, flushed_generation, flushed_seq) = (cursor.u64()?, cursor.u64()?, cursor.u64()?);
        let (begun_generation, count) = (cursor.u64()?, cursor.u64()?);
        let entries = cursor.remaining().saturating_sub(4) / ENTRY_BYTES;
        if count > entries as u64 {
            return Err(FormatError::OutOfRange { field: "segments", got: count });
        }
        for (field, got, end) in [
            ("edit", edit, EDIT_END),
            ("last flushed generation", flushed_generation, SEQ_END),
            ("last flushed seq", flushed_seq, SEQ_END),
            ("begun generation", begun_generation, SEQ_END),
        ] {
            if got >= end {
                return Err(FormatError::OutOfRange { field, got });
            }
        }
        let segments = (0..count)
            .map(|_| decode_segment(&mut cursor))
            .collect::<Result<Vec<SegmentRecord>, _>>()?;
        check_order(&segments)?;
        let rest = cursor.take(cursor.remaining().saturating_sub(4))?;
        let ledger = Ledger::decode(Cursor::new(rest))?;
        Ok(Self {
            db_uuid,
            edit,
            flushed_generation,
            flushed_seq,
            begun_generation,
            segments,
            ledger,
        })
    }
}

/// The entries are sorted, and no two of a partition share a generation.
fn check_order(segments: &[SegmentRecord]) -> Result<(), FormatError> {
    for pair in segments.windows(2) {
        let [a, b] = pair else { continue };
        if !a.is_before(b) {
            return Err(FormatError::Misplaced { what: "entry of a segment" });
        }
    }
    Ok(())
}

fn check_crc(bytes: &[u8], db_uuid: [u8; 16]) -> Result<(), FormatError> {
    let mut cursor = Cursor::new(bytes);
    let summed = cursor.take(bytes.len().saturating_sub(4))?;
    let (stored, computed) =
        (cursor.u32()?, block_crc(ManifestRecord::file_id(db_uuid), summed, 0));
    if stored == computed { Ok(()) } else { Err(FormatError::Checksum { stored, computed }) }
}

fn decode_segment(cursor: &mut Cursor<'_>) -> Result<SegmentRecord, FormatError> {
    let (partition_start, partition_nanos) = (cursor.i64()?, cursor.u64()?);
    let (generation_lo, generation_hi) = (cursor.u64()?, cursor.u64()?);
    let level = cursor.u64()?;
    Ok(SegmentRecord {
        partition_start,
        partition_nanos,
        generation_lo,
        generation_hi,
        level: u8::try_from(level)
            .map_err(|_| FormatError::OutOfRange { field: "level", got: level })?,
        uid: cursor.u64()?,
        file_bytes: cursor.u64()?,
        samples: cursor.u64()?,
        time_first: cursor.i64()?,
        time_last: cursor.i64()?,
    })
}

#[cfg(test)]
mod tests {
    use crate::format::ledger::Ledger;
    use crate::format::manifest::{ManifestRecord, SegmentRecord};

    #[test]
    fn round_trips_and_detects_every_flipped_bit_and_truncation() {
        let segment = SegmentRecord {
            partition_start: -86_400,
            partition_nanos: 86_400,
            generation_lo: 1,
            generation_hi: 4,
            level: 2,
            uid: 9,
            file_bytes: 1_000,
            samples: 77,
            time_first: -3,
            time_last: 5,
        };
        let record = ManifestRecord {
            db_uuid: [3; 16],
            edit: 12,
            flushed_generation: 4,
            flushed_seq: 77,
            begun_generation: 6,
            segments: vec![
                segment,
                SegmentRecord { generation_lo: 5, generation_hi: 5, uid: 10, ..segment },
            ],
            ledger: Ledger::default(),
        };
        let bytes = record.encode();
        let mut doubled = record.clone();
        doubled.segments.push(SegmentRecord { uid: 11, ..segment });
        assert!(ManifestRecord::decode(&doubled.encode()).is_err(), "a generation twice");
        let beyond = ManifestRecord { edit: u64::MAX, ..record.clone() };
        assert!(ManifestRecord::decode(&beyond.encode()).is_err(), "no edit can follow");
        assert_eq!(ManifestRecord::decode(&bytes), Ok(record));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(ManifestRecord::decode(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(ManifestRecord::decode(&bytes[..len]).is_err(), "length {len}");
        }
    }
}
