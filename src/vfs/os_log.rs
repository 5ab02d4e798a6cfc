//! The log file of the operating system: mapped words where the file system bears it, else the
//! same words through write calls.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::vfs::LogFile;
use crate::vfs::os::{WORD, WordMap};
use crate::vfs::os_vfs::LogMode;
use crate::vfs::{mounts, positioned};

/// Lengths of the file after its first steps of growth; each later step adds the last one again.
/// A small store stays small, and a busy one grows rarely.
const STEPS: [u64; 3] = [1 << 20, 4 << 20, STEP_LAST];
const STEP_LAST: u64 = 32 << 20;

/// Bytes of zeros in one write call.
const ZEROS_BYTES: u64 = 256 << 10;

/// A log file.
#[derive(Debug)]
pub(super) struct OsLog {
    path: PathBuf,
    file: Arc<File>,
    /// The map, or nothing where stores go through write calls.
    map: Option<WordMap>,
    len_max: u64,
    limit: AtomicU64,
    /// Held while the file grows.
    growing: Mutex<()>,
}

impl OsLog {
    pub(super) fn create(path: &Path, len_max: u64, mode: LogMode) -> Result<Self> {
        let error = |source| Error::io("create", path, source);
        check_len_max(path, len_max)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = Arc::new(file.map_err(error)?);
        let is_mapped = match mode {
            LogMode::Auto => mounts::bears_mapped_logs(&file),
            LogMode::Mapped => true,
            LogMode::Written => false,
        };
        let map = is_mapped.then(|| WordMap::new(Arc::clone(&file), len_max)).transpose();
        let map = map.map_err(|source| Error::io("map", path, source))?;
        let (limit, growing) = (AtomicU64::new(0), Mutex::new(()));
        Ok(Self { path: path.to_owned(), file, map, len_max, limit, growing })
    }

    fn error(&self, operation: &'static str, source: io::Error) -> Error {
        Error::io(operation, &self.path, source)
    }

    /// Writes zeros through write calls, so that the blocks are allocated now or refused now.
    fn write_zeros(&self, mut offset: u64, end: u64) -> io::Result<()> {
        let zeros = vec![0; usize::try_from(ZEROS_BYTES).unwrap_or(usize::MAX)];
        while offset < end {
            let count = ZEROS_BYTES.min(end - offset);
            let some = usize::try_from(count).ok().and_then(|count| zeros.get(..count));
            positioned::write_all_at(&self.file, offset, some.unwrap_or_default())?;
            offset += count;
        }
        Ok(())
    }

    /// Stores words 1.. with one call and word 0 with a second one.
    ///
    /// One call for the whole frame would save half the calls, but a process killed inside it may
    /// leave word 0 without the last words, as may a short write before an error; so a frame would
    /// be published that is not there. Word 0 alone is within a page, which the kernel copies
    /// whole. Readers in other processes may still see the first call half done; they find word 0
    /// zero then.
    fn write(&self, offset: u64, words: &[u64]) -> io::Result<()> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let Some((first, rest)) = bytes.split_at_checked(size_of::<u64>()) else { return Ok(()) };
        positioned::write_all_at(&self.file, offset + WORD, rest)?;
        positioned::write_all_at(&self.file, offset, first)
    }
}

impl LogFile for OsLog {
    fn path(&self) -> &Path {
        &self.path
    }

    fn limit(&self) -> u64 {
        self.limit.load(Acquire)
    }

    fn grow(&self, len: u64) -> Result<()> {
        check_len(len, self.len_max)?;
        let _one_at_a_time = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = self.limit();
        if len <= limit {
            return Ok(());
        }
        let target = grown_len(limit, len, self.len_max);
        self.write_zeros(limit, target).map_err(|source| self.error("write", source))?;
        self.file.sync_data().map_err(|source| self.error("sync", source))?;
        if let Some(map) = &self.map {
            map.extend(target).map_err(|source| self.error("map", source))?;
        }
        self.limit.store(target, Release);
        Ok(())
    }

    fn store(&self, offset: u64, words: &[u64]) -> Result<()> {
        check_store(&self.path, offset, words, self.limit())?;
        match &self.map {
            Some(map) if map.store(offset, words) => Ok(()),
            Some(_) => Err(self.error("store to", io::ErrorKind::InvalidInput.into())),
            None => self.write(offset, words).map_err(|source| self.error("write", source)),
        }
    }

    /// Where the file is mapped, bytes are copied out of the map: that takes no system call, and
    /// needs no argument about whether a read call sees stores into a map in their order.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        if let Some(map) = &self.map {
            return Ok(map.load(offset, buffer));
        }
        let room = self.limit().saturating_sub(offset);
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..count).unwrap_or_default();
        positioned::read_at(&self.file, offset, buffer).map_err(|source| self.error("read", source))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|source| self.error("sync", source))
    }
}

/// Refuses a maximum that is 0 or not of whole words.
pub(super) fn check_len_max(path: &Path, len_max: u64) -> Result<()> {
    if len_max > 0 && len_max.is_multiple_of(WORD) {
        return Ok(());
    }
    Err(Error::io("create", path, io::ErrorKind::InvalidInput.into()))
}

/// Refuses a length beyond a log's maximum.
pub(super) fn check_len(len: u64, len_max: u64) -> Result<()> {
    if len <= len_max {
        return Ok(());
    }
    Err(ErrorKind::Limit { what: "length of a log in bytes", limit: len_max, got: len }.into())
}

/// Refuses a frame that has no words, is not aligned, or ends past the limit.
pub(super) fn check_store(path: &Path, offset: u64, words: &[u64], limit: u64) -> Result<()> {
    if words.is_empty() || !offset.is_multiple_of(WORD) {
        return Err(Error::io("store to", path, io::ErrorKind::InvalidInput.into()));
    }
    let end = offset.saturating_add((words.len() as u64).saturating_mul(WORD));
    if end <= limit {
        return Ok(());
    }
    Err(ErrorKind::Limit { what: "end of a frame in bytes", limit, got: end }.into())
}

/// Returns the first length in the steps of growth after `limit` that is at least `len`.
fn grown_len(limit: u64, len: u64, len_max: u64) -> u64 {
    let wanted = len.max(limit + 1);
    let step = STEPS.into_iter().find(|step| *step >= wanted);
    step.unwrap_or_else(|| wanted.next_multiple_of(STEP_LAST)).min(len_max)
}

#[cfg(test)]
mod tests {
    use super::{OsLog, grown_len};
    use crate::vfs::LogFile;
    use crate::vfs::os_vfs::LogMode;

    const MIB: u64 = 1 << 20;

    #[test]
    fn grows_in_steps_and_never_past_the_maximum() {
        let lens = |len_max: u64| {
            let mut limit = 0;
            std::iter::from_fn(move || {
                (limit < len_max).then(|| {
                    limit = grown_len(limit, limit + 8, len_max);
                    limit / MIB
                })
            })
            .collect::<Vec<u64>>()
        };
        assert_eq!(lens(100 * MIB), [1, 4, 32, 64, 96, 100]);
        assert_eq!(lens(3 * MIB), [1, 3]);
        assert_eq!(grown_len(MIB, 40 * MIB, 100 * MIB), 64 * MIB, "several steps at once");
    }

    #[test]
    fn growth_is_written_and_not_a_hole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = OsLog::create(&path, 8 * MIB, LogMode::Auto).unwrap();
        log.grow(1).unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.len(), log.limit()), (MIB, MIB));
        #[cfg(target_os = "linux")]
        assert!(std::os::linux::fs::MetadataExt::st_blocks(&metadata) * 512 >= MIB);
    }

    #[test]
    fn each_mode_is_the_one_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let create = |name: &str, mode| OsLog::create(&dir.path().join(name), 4096, mode).unwrap();
        assert!(create("written", LogMode::Written).map.is_none());
        #[cfg(target_os = "linux")]
        assert!(create("mapped", LogMode::Mapped).map.is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_modes_leave_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let files = [LogMode::Mapped, LogMode::Written].map(|mode| {
            let path = dir.path().join(format!("{mode:?}"));
            let log = OsLog::create(&path, MIB, mode).unwrap();
            log.grow(MIB).unwrap();
            log.store(0, &[1, 2, 3]).unwrap();
            log.store(4088, &[u64::MAX, 5]).unwrap();
            log.store(MIB - 8, &[6]).unwrap();
            std::fs::read(path).unwrap()
        });
        assert_eq!(files[0], files[1]);
        assert_eq!(files[0][..24], [1_u64, 2, 3].map(u64::to_le_bytes).concat());
    }
}
