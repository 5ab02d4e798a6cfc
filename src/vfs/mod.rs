//! The seam between the engine and the system: everything that touches a file goes through here.
//!
//! `os` is the real thing, `mem` keeps files in memory, and `sim` injects faults and power cuts.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;

/// A file system, or something that behaves like one.
pub trait Vfs: Send + Sync + Debug {
    /// Creates a directory and its parents; one that exists is fine. Nothing is synced.
    fn create_dir_all(&self, path: &Path) -> Result<()>;
    /// Lists the names in a directory, sorted; an absent directory is a not-found error.
    fn read_dir(&self, path: &Path) -> Result<Vec<String>>;
    /// Returns true if a file or directory stands at the path.
    fn exists(&self, path: &Path) -> Result<bool>;
    /// Opens a file for reading; an absent one is a not-found error.
    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>>;
    /// Creates a file for writing once from start to end; one that exists is an error.
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>>;
    /// Creates a log file whose generation may grow to `len_max` bytes; one that exists is an error.
    fn create_log(&self, path: &Path, len_max: u64) -> Result<Arc<dyn LogFile>>;
    /// Renames a file over another, atomically. Durable once the directories are synced.
    fn rename(&self, source: &Path, target: &Path) -> Result<()>;
    /// Removes a file. Durable once the directory is synced.
    fn remove(&self, path: &Path) -> Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> Result<()>;
    /// Takes the writer's advisory lock, creating the file if needed, and writes `holder` into it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Locked`] with the holder's text where another writer has it.
    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>>;
}

/// A lock that is held until dropped.
pub trait LockGuard: Send + Sync + Debug {}

/// A file opened for reading.
pub trait ReadFile: Send + Sync + Debug {
    /// Returns the path the file was opened by.
    fn path(&self) -> &Path;
    /// Returns the length in bytes at this moment.
    fn len(&self) -> Result<u64>;
    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;
    /// Returns the whole file as mapped memory, where the file can be mapped and was opened so.
    fn bytes(&self) -> Option<&[u8]>;
    /// Returns true if the file has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A file written once, from start to end.
pub trait WriteFile: Send + Debug {
    /// Returns the path the file was created at.
    fn path(&self) -> &Path;
    /// Appends bytes.
    fn write_all(&mut self, bytes: &[u8]) -> Result<()>;
    /// Makes the file's bytes and length durable.
    fn sync(&mut self) -> Result<()>;
    /// Forbids writing to the file from now on (mode 0444).
    fn set_read_only(&mut self) -> Result<()>;
}

/// A log of little-endian 64-bit words that are zero until stored.
///
/// `store` makes no system call where the file is mapped, and needs no lock of its own: the caller
/// serialises stores, readers may run at any time.
pub trait LogFile: Send + Sync + Debug {
    /// Returns the path the file was created at.
    fn path(&self) -> &Path;
    /// Returns the offset below which stores are safe: the file holds written, synced zeros up to
    /// there.
    fn limit(&self) -> u64;
    /// Grows the safe part to at least `len` bytes (in steps), with zeros that are on disk.
    ///
    /// # Errors
    /// A full disk, or `len` beyond the maximum given at creation; nothing is changed then.
    fn grow(&self, len: u64) -> Result<()>;
    /// Stores a frame at an 8-aligned offset: words 1.. first, then word 0 with release order.
    ///
    /// # Errors
    /// An I/O error where the file is not mapped; the frame is then not published. Offsets past
    /// [`LogFile::limit`] are refused.
    fn store(&self, offset: u64, words: &[u64]) -> Result<()>;
    /// Reads up to `buffer.len()` bytes at `offset`; a frame stored before the call is seen whole.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;
    /// Makes all stores that happened before the call durable.
    fn sync(&self) -> Result<()>;
}
