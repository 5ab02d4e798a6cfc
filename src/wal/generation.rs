//! One log file: its name, its header, and its bytes as a reader sees them.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::checksum::WordCrc;
use crate::format::frame::{FrameHead, FrameTag, frame_is_intact};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::vfs::{LogFile, ReadFile};

/// An OPEN frame has four words.
const OPEN_FRAME_BYTES: usize = 32;

/// The first step of a new log, made before its header is stored.
pub(crate) const FIRST_STEP_BYTES: u64 = LOG_HEADER_BYTES as u64 + 8;

/// A log's file grows by whole pages.
pub(crate) const PAGE_BYTES: u64 = 4096;

/// Returns the error for a log that is known to have begun and has no OPEN frame, or is not there.
pub(crate) fn beginning_lost(path: &Path) -> Error {
    Error::corrupt(path, 0, FormatError::Missing { what: "the log's beginning" })
}

/// Returns the file name of a generation.
#[must_use]
pub(crate) fn log_name(generation: u64) -> String {
    format!("w-{generation:016}.sbw")
}

/// Returns the generation that a file name stands for, if it is one of a log.
#[must_use]
pub(crate) fn generation_of_name(name: &str) -> Option<u64> {
    let generation = name.strip_prefix("w-")?.strip_suffix(".sbw")?.parse().ok()?;
    (log_name(generation) == name).then_some(generation)
}

/// The bytes of a log: of the writer's own file, or of a file opened for reading.
#[derive(Debug, Clone)]
pub(crate) enum LogBytes {
    /// The log that this process writes.
    Live(Arc<dyn LogFile>),
    /// A log that another process writes, or that nobody writes any more.
    Opened(Arc<dyn ReadFile>),
}

impl LogBytes {
    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Live(file) => file.read_at(offset, buffer),
            Self::Opened(file) => file.read_at(offset, buffer),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Live(file) => file.path(),
            Self::Opened(file) => file.path(),
        }
    }
}

/// A log file with a header that was checked.
#[derive(Debug, Clone)]
pub(crate) struct LogGeneration {
    /// The header.
    pub header: LogHeader,
    /// The file's bytes.
    pub bytes: LogBytes,
}

impl LogGeneration {
    /// Reads the header of an existing log, or returns nothing where the log never began: the
    /// header is synced before the OPEN frame is stored, so without either nothing was appended.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] where the header is of another store or generation, or
    /// damaged in a log that has begun; [`crate::ErrorKind::FormatVersion`].
    pub(crate) fn open(
        bytes: LogBytes,
        db_uuid: [u8; 16],
        generation: u64,
    ) -> Result<Option<Self>> {
        let mut page = vec![0; LOG_HEADER_BYTES];
        let got = bytes.read_at(0, &mut page)?;
        page.truncate(got);
        let corrupt = |error| Error::corrupt(bytes.path(), 0, error);
        let header = match LogHeader::decode(&page) {
            Ok(header) => header,
            Err(error @ FormatError::Version { .. }) => return Err(corrupt(error)),
            Err(_) if got < LOG_HEADER_BYTES && page.iter().any(|byte| *byte != 0) => {
                // The file has its first length, on disk, before the header is stored.
                let (needed, available) = (LOG_HEADER_BYTES as u64, got as u64);
                return Err(corrupt(FormatError::Truncated { needed, available }));
            }
            Err(error) => {
                let log = Self::unread(bytes, db_uuid, generation);
                return if log.has_open_frame()? {
                    Err(log.corrupt_header(error))
                } else {
                    Ok(None)
                };
            }
        };
        if header.db_uuid != db_uuid {
            return Err(corrupt(FormatError::Misplaced { what: "store" }));
        }
        if header.generation != generation {
            return Err(corrupt(FormatError::Misplaced { what: "generation" }));
        }
        let got = bytes.read_at(LOG_HEADER_BYTES as u64, &mut [0; 8])?;
        if got < 8 {
            // The file had its first length before it had this header.
            let available = (LOG_HEADER_BYTES + got) as u64;
            return Err(corrupt(FormatError::Truncated { needed: FIRST_STEP_BYTES, available }));
        }
        Ok(Some(Self { header, bytes }))
    }

    /// Returns the log as its name says it must be, where its header cannot be read.
    pub(crate) fn unread(bytes: LogBytes, db_uuid: [u8; 16], generation: u64) -> Self {
        Self { header: LogHeader { db_uuid, generation, created: 0 }, bytes }
    }

    /// Returns the error for a header that is not what was written.
    pub(crate) fn corrupt_header(&self, error: FormatError) -> Error {
        Error::corrupt(self.bytes.path(), 0, error)
    }

    /// Makes sure that the file does not end inside of what was stored at `end`, the end of the
    /// valid prefix: a log is lengthened by zeros that are on disk before a frame is stored there.
    ///
    /// # Errors
    /// I/O errors, and [`crate::ErrorKind::Corrupt`] where the file was cut short.
    pub(crate) fn check_not_cut(&self, end: u64) -> Result<()> {
        let mut word = [0; 8];
        let got = self.bytes.read_at(end, &mut word)?;
        let mut needed = end + 8;
        if got == word.len() {
            let Some(head) = FrameHead::of_word(u64::from_le_bytes(word)) else { return Ok(()) };
            needed = end + 8 * head.words as u64;
            if self.bytes.read_at(needed - 1, &mut [0])? == 1 {
                return Ok(());
            }
        } else if end.is_multiple_of(PAGE_BYTES) && word.iter().all(|byte| *byte == 0) {
            // Full to the last byte, which is where a page ends.
            return Ok(());
        }
        let available = end + got as u64;
        Err(Error::corrupt(self.bytes.path(), end, FormatError::Truncated { needed, available }))
    }

    /// True where the first frame is an intact OPEN.
    fn has_open_frame(&self) -> Result<bool> {
        let (mut frame, offset) = ([0; OPEN_FRAME_BYTES], LOG_HEADER_BYTES as u64);
        let got = self.bytes.read_at(offset, &mut frame)?;
        let head =
            frame.first_chunk().and_then(|word| FrameHead::of_word(u64::from_le_bytes(*word)));
        let is_open = head.is_some_and(|head| head.tag == FrameTag::Open);
        Ok(got == frame.len() && is_open && frame_is_intact(self.crc_start(), &frame, offset))
    }

    /// Returns the start of every checksum in this file.
    #[must_use]
    pub(crate) fn crc_start(&self) -> WordCrc {
        WordCrc::of_file(self.header.file_id())
    }
}

#[cfg(test)]
mod tests {
    use crate::wal::generation::{generation_of_name, log_name};

    #[test]
    fn names_round_trip_and_foreign_names_are_none() {
        assert_eq!(generation_of_name(&log_name(42)), Some(42));
        for name in ["w-42.sbw", "w-.sbw", "x", "w-0000000000000042.sbw.tmp"] {
            assert_eq!(generation_of_name(name), None, "{name}");
        }
    }
}
