//! The traits between the engine and a file system.

use crate::error::Result;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// A file system, or something that behaves like one.
pub trait Vfs: Send + Sync + Debug {
    /// Creates a directory and its parents; one that exists is fine. Nothing is synced.
    ///
    /// # Errors
    /// The system refuses, or a file stands in the way.
    fn create_dir_all(&self, path: &Path) -> Result<()>;

    /// Lists the names in a directory, sorted.
    ///
    /// # Errors
    /// The directory is absent ([`crate::Error::is_not_found`]), or holds a name that is not UTF-8.
    fn read_dir(&self, path: &Path) -> Result<Vec<String>>;

    /// Returns true if a file or directory stands at the path.
    ///
    /// # Errors
    /// The system cannot tell, such as for want of permission.
    fn exists(&self, path: &Path) -> Result<bool>;

    /// Opens a file for reading. It stays readable after it was removed or replaced.
    ///
    /// # Errors
    /// The file is absent ([`crate::Error::is_not_found`]), is a directory or may not be read.
    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>>;

    /// Creates a file for writing once from start to end.
    ///
    /// # Errors
    /// The file exists, or its directory does not.
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>>;

    /// Creates a log file whose generation may grow to `len_max` bytes, a multiple of 8 above 0.
    /// Its limit is 0 until it is first grown.
    ///
    /// # Errors
    /// The file exists, its directory does not, or `len_max` is refused.
    fn create_log(&self, path: &Path, len_max: u64) -> Result<Arc<dyn LogFile>>;

    /// Renames a file over another, atomically. Durable once the directories are synced.
    ///
    /// # Errors
    /// The source or the target's directory is absent, or the two are on different file systems.
    fn rename(&self, source: &Path, target: &Path) -> Result<()>;

    /// Gives a file a second name, by which it outlives the first. Durable once the new name's
    /// directory is synced.
    ///
    /// # Errors
    /// The source or the target's directory is absent ([`crate::Error::is_not_found`]), something
    /// stands at the target, or the file system cannot: it knows no such links, or the two are on
    /// different ones. Copying may do then.
    fn link(&self, source: &Path, target: &Path) -> Result<()>;

    /// Removes a file. Durable once the directory is synced.
    ///
    /// # Errors
    /// The file is absent ([`crate::Error::is_not_found`]) or a directory.
    fn remove(&self, path: &Path) -> Result<()>;

    /// Makes the names in a directory durable, those of new directories in it included.
    ///
    /// # Errors
    /// The sync fails, or [`crate::ErrorKind::Unsupported`] where directories cannot be synced.
    fn sync_dir(&self, path: &Path) -> Result<()>;

    /// Makes the bytes of a file durable that another process wrote, and length with them.
    ///
    /// # Errors
    /// The sync fails, or the file is absent.
    fn sync_file(&self, path: &Path) -> Result<()>;

    /// Takes the writer's advisory lock, creating the file if needed, and writes `holder` into it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Locked`] with the holder's text where another writer has it, and
    /// [`crate::ErrorKind::Unsupported`] where files cannot be locked.
    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>>;
}

/// A lock that is held until dropped.
pub trait LockGuard: Send + Sync + Debug {}

/// A file opened for reading.
pub trait ReadFile: Send + Sync + Debug {
    /// Returns the path the file was opened by.
    fn path(&self) -> &Path;

    /// Returns the length in bytes at this moment.
    ///
    /// # Errors
    /// The system refuses.
    fn len(&self) -> Result<u64>;

    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file.
    ///
    /// # Errors
    /// The device cannot read the bytes.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;

    /// Returns the whole file as memory, where the file system offers that and the file was made
    /// read-only ([`WriteFile::set_read_only`]) before this was first called.
    ///
    /// Whoever shortens such a file in place kills the processes that read it so, with SIGBUS:
    /// copy out what must be checked before it is used, or choose [`crate::vfs::IoMode::Pread`].
    fn bytes(&self) -> Option<&[u8]>;

    /// Returns true if the file has no bytes.
    ///
    /// # Errors
    /// The system refuses.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A file written once, from start to end. What was not synced when it is dropped may be lost.
pub trait WriteFile: Send + Debug {
    /// Returns the path the file was created at.
    fn path(&self) -> &Path;

    /// Appends bytes. Readers see them after the next sync, and maybe before.
    ///
    /// # Errors
    /// The disk is full or fails, or the file was made read-only. Part of the bytes may be written.
    fn write_all(&mut self, bytes: &[u8]) -> Result<()>;

    /// Makes the file's bytes and length durable; its name needs [`Vfs::sync_dir`].
    ///
    /// # Errors
    /// The sync fails. It must not be tried again on this file: the system may have dropped what
    /// it could not write, and then calls the next sync a success.
    fn sync(&mut self) -> Result<()>;

    /// Forbids writing to the file from now on (mode 0444).
    ///
    /// # Errors
    /// The system refuses, or bytes still buffered cannot be written.
    fn set_read_only(&mut self) -> Result<()>;
}

/// A log of little-endian 64-bit words that are zero until stored.
///
/// `store` makes no system call where the file is mapped, and needs no lock of its own: the caller
/// serialises stores, readers may run at any time. Other processes read the file through
/// [`Vfs::open`]; they may see a frame half stored, which its checksum tells them.
pub trait LogFile: Send + Sync + Debug {
    /// Returns the path the file was created at.
    fn path(&self) -> &Path;

    /// Returns the offset below which stores are safe: the file holds written, synced zeros up to
    /// there.
    fn limit(&self) -> u64;

    /// Grows the safe part to at least `len` bytes (in steps), with zeros that are on disk.
    ///
    /// # Errors
    /// A full disk, or [`crate::ErrorKind::Limit`] for `len` beyond the maximum given at creation:
    /// the limit is unchanged then. An error whose operation is `sync` is a failed sync of the
    /// whole log, see [`LogFile::sync`].
    fn grow(&self, len: u64) -> Result<()>;

    /// Stores a frame at an 8-aligned offset: words 1.. first, then word 0 with release order.
    ///
    /// # Errors
    /// An I/O error where the file is not mapped; the frame is then not published. A frame that
    /// ends past [`LogFile::limit`] is refused with [`crate::ErrorKind::Limit`].
    fn store(&self, offset: u64, words: &[u64]) -> Result<()>;

    /// Reads up to `buffer.len()` bytes at `offset`, fewer only at the limit. A frame stored before
    /// the call is seen whole; one that is being stored may be seen in part, as its checksum tells.
    ///
    /// # Errors
    /// The device cannot read the bytes.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;

    /// Makes all stores that happened before the call durable.
    ///
    /// # Errors
    /// The sync fails. It must not be tried again on this file: the system may have dropped what
    /// it could not write, and then calls the next sync a success.
    fn sync(&self) -> Result<()>;
}
