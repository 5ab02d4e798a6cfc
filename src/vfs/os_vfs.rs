//! The file system of the operating system.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::vfs::os_file::{OsReadFile, OsWriteFile};
use crate::vfs::os_lock::OsLock;
use crate::vfs::os_log::OsLog;
use crate::vfs::positioned;
use crate::vfs::{LockGuard, LogFile, ReadFile, Vfs, WriteFile};

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IoMode {
    /// Read-only files are mapped when their bytes are first asked for. Shortening such a file in
    /// place kills the processes that read it, with SIGBUS.
    #[default]
    Mmap,
    /// Everything is read through read calls, which return an error where a file was shortened.
    Pread,
}

/// How logs are written. The bytes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogMode {
    /// Mapped on ext2, ext3, ext4, xfs and tmpfs under Linux, else written.
    #[default]
    Auto,
    /// Mapped on any file system. Where that one does not reserve what was written (btrfs and other
    /// copy-on-write ones) or is remote, a store may raise SIGBUS or be lost: for tests.
    Mapped,
    /// Two write calls a frame: slower, and right everywhere.
    Written,
}

/// The file system of the operating system, with the modes of reading and logging.
///
/// ```
/// use silverback::vfs::{IoMode, OsVfs, Vfs};
/// let vfs = OsVfs::new().io_mode(IoMode::Pread);
/// assert!(vfs.exists(std::env::temp_dir().as_path())?);
/// # Ok::<(), silverback::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct OsVfs {
    io_mode: IoMode,
    log_mode: LogMode,
}

impl OsVfs {
    /// Creates a view of the file system with the default modes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how files are read; by default [`IoMode::Mmap`].
    #[must_use]
    pub fn io_mode(mut self, mode: IoMode) -> Self {
        self.io_mode = mode;
        self
    }

    /// Sets how logs are written; by default [`LogMode::Auto`].
    #[must_use]
    pub fn log_mode(mut self, mode: LogMode) -> Self {
        self.log_mode = mode;
        self
    }
}

impl Vfs for OsVfs {
    fn create_dir_all(&self, path: &Path) -> Result<()> {
        std::fs::create_dir_all(path).map_err(|source| Error::io("create directory", path, source))
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<String>> {
        let error = |source| Error::io("list", path, source);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(error)? {
            let name = entry.map_err(error)?.file_name();
            // The store makes no such name, and a caller could not say which file is meant.
            names.push(name.into_string().map_err(|_| error(io::ErrorKind::InvalidData.into()))?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        std::fs::exists(path).map_err(|source| Error::io("look for", path, source))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        Ok(Arc::new(OsReadFile::open(path, self.io_mode)?))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        Ok(Box::new(OsWriteFile::create(path)?))
    }

    fn create_log(&self, path: &Path, len_max: u64) -> Result<Arc<dyn LogFile>> {
        Ok(Arc::new(OsLog::create(path, len_max, self.log_mode)?))
    }

    fn rename(&self, source: &Path, target: &Path) -> Result<()> {
        std::fs::rename(source, target).map_err(|error| Error::io("rename", source, error))
    }

    fn link(&self, source: &Path, target: &Path) -> Result<()> {
        std::fs::hard_link(source, target).map_err(|error| Error::io("link", source, error))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        std::fs::remove_file(path).map_err(|source| Error::io("remove", path, source))
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        positioned::sync_dir(path).map_err(|source| match source.kind() {
            io::ErrorKind::Unsupported => {
                let path = path.to_owned();
                ErrorKind::Unsupported { what: "syncing of directories", path }.into()
            }
            _ => Error::io("sync", path, source),
        })
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        let opened = OpenOptions::new().read(true).open(path);
        opened.and_then(|file| file.sync_data()).map_err(|source| Error::io("sync", path, source))
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>> {
        Ok(Box::new(OsLock::take(path, holder)?))
    }
}
