//! Files in memory: their bytes, and the three ways to hold one open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::vfs::os_log::{check_len, check_store};
use crate::vfs::{LogFile, ReadFile, WriteFile};

/// The length of a log after its first growth; it doubles with each later one.
const STEP_FIRST: u64 = 64 << 10;

/// The bytes of a file, kept while a name or an open file refers to them.
#[derive(Debug, Default)]
pub(super) struct MemFile {
    bytes: RwLock<Vec<u8>>,
    /// The bytes once the file was made read-only; they have left `bytes` then.
    sealed: OnceLock<Vec<u8>>,
}

impl MemFile {
    /// Replaces the file's bytes; nothing happens to a read-only file.
    pub(super) fn set(&self, bytes: &[u8]) {
        self.edit(|content| bytes.clone_into(content));
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        self.sealed.get().is_none().then(|| edit(&mut bytes))
    }

    fn view<T>(&self, view: impl FnOnce(&[u8]) -> T) -> T {
        let bytes = self.bytes.read().unwrap_or_else(PoisonError::into_inner);
        view(self.sealed.get().unwrap_or(&bytes))
    }

    fn seal(&self) {
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        self.sealed.get_or_init(|| std::mem::take(&mut *bytes));
    }

    fn len(&self) -> u64 {
        self.view(|bytes| bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        self.view(|bytes| copy_out(bytes, offset, buffer))
    }
}

/// Copies bytes from an offset on until the buffer is full or the source ends; returns the count.
fn copy_out(source: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let source = usize::try_from(offset).ok().and_then(|offset| source.get(offset..));
    let source = source.unwrap_or_default();
    let count = source.len().min(buffer.len());
    for (target, source) in buffer.iter_mut().zip(source) {
        *target = *source;
    }
    count
}

/// A file opened for reading.
#[derive(Debug)]
pub(super) struct MemReadFile {
    pub(super) path: PathBuf,
    pub(super) file: Arc<MemFile>,
}

impl ReadFile for MemReadFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        Ok(self.file.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        Ok(self.file.read_at(offset, buffer))
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.file.sealed.get().map(Vec::as_slice)
    }
}

/// A file being written.
#[derive(Debug)]
pub(super) struct MemWriteFile {
    pub(super) path: PathBuf,
    pub(super) file: Arc<MemFile>,
}

impl WriteFile for MemWriteFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        let outcome = self.file.edit(|content| content.extend_from_slice(bytes));
        outcome
            .ok_or_else(|| Error::io("write", &self.path, io::ErrorKind::PermissionDenied.into()))
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn set_read_only(&mut self) -> Result<()> {
        self.file.seal();
        Ok(())
    }
}

/// A log.
#[derive(Debug)]
pub(super) struct MemLog {
    pub(super) path: PathBuf,
    pub(super) file: Arc<MemFile>,
    pub(super) len_max: u64,
}

impl LogFile for MemLog {
    fn path(&self) -> &Path {
        &self.path
    }

    fn limit(&self) -> u64 {
        self.file.len()
    }

    fn grow(&self, len: u64) -> Result<()> {
        check_len(len, self.len_max)?;
        let grown = self.file.edit(|bytes| {
            let limit = bytes.len() as u64;
            let target = doubled_len(limit, len.max(STEP_FIRST), self.len_max);
            if len > limit
                && let Ok(target) = usize::try_from(target)
            {
                bytes.resize(target, 0);
            }
        });
        grown.ok_or_else(|| Error::io("grow", &self.path, io::ErrorKind::PermissionDenied.into()))
    }

    fn store(&self, offset: u64, words: &[u64]) -> Result<()> {
        check_store(&self.path, offset, words, self.limit())?;
        let stored = self.file.edit(|bytes| {
            let target = usize::try_from(offset).ok().and_then(|offset| bytes.get_mut(offset..));
            for (target, word) in target?.chunks_exact_mut(size_of::<u64>()).zip(words) {
                target.copy_from_slice(&word.to_le_bytes());
            }
            Some(())
        });
        stored.flatten().ok_or_else(|| {
            Error::io("store to", &self.path, io::ErrorKind::PermissionDenied.into())
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        Ok(self.file.read_at(offset, buffer))
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

/// Returns twice the limit or more, so that `len` fits, and no more than the maximum.
pub(super) fn doubled_len(limit: u64, len: u64, len_max: u64) -> u64 {
    let wanted = len.max(limit.saturating_mul(2));
    wanted.checked_next_power_of_two().unwrap_or(len_max).min(len_max)
}
