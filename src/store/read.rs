//! Opening a store for reading: with the parts of the system that are usual, or as options say.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::model::{Clock, Limits};
use crate::snapshot::Reader;
use crate::vfs::{IoMode, OsVfs, SystemClock, Vfs};

impl Reader {
    /// Opens the store in a directory for reading, beside a writer that may be running. It takes no
    /// lock and writes nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotAStore`] where there is none, and I/O errors.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// Opens the stores of several directories for reading as one, such as those of the processes
    /// of one bot.
    ///
    /// Questions are answered as if all samples were in one store. Samples of one series that share
    /// a timestamp stand in the order of the directories. A metric's unit may be known to one store
    /// alone; definitions that differ are refused.
    ///
    /// ```
    /// use silverback::{Reader, SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder for the example");
    /// let paths = ["worker-1", "worker-2"].map(|name| folder.path().join(name));
    /// for path in &paths {
    ///     let store = Store::open(path)?;
    ///     store.series(&SeriesKey::new("latency"))?.append(store.now(), 842.0)?;
    ///     store.close()?;
    /// }
    /// let answer = Reader::open_all(&paths)?.snapshot()?.query("count(latency) last 1h")?;
    /// assert_eq!(answer.rows[0][0], silverback::Cell::Number(2.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Reader::open`] for each of them.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        Self::options().open_all(paths)
    }

    /// Starts from the usual options.
    pub fn options() -> ReaderOptions {
        ReaderOptions::default()
    }
}

/// Options of a reader, built by value.
///
/// ```
/// use silverback::{Reader, Store, vfs::IoMode};
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// Store::open(&path)?.close()?;
/// let reader = Reader::options().io_mode(IoMode::Pread).open(&path)?;
/// assert!(reader.snapshot()?.metrics()?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ReaderOptions {
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        let (vfs, clock) = (Arc::new(OsVfs::default()), Arc::new(SystemClock));
        Self { vfs, clock, limits: Limits::DEFAULT }
    }
}

impl ReaderOptions {
    /// How files are read; instead of [`ReaderOptions::vfs`], which it replaces by an [`OsVfs`].
    /// Default: by a map, where a file that another process truncates ends this one;
    /// [`IoMode::Pread`] copies every byte by a system call, and gets an error.
    pub fn io_mode(self, mode: IoMode) -> Self {
        self.vfs(Arc::new(OsVfs::new().io_mode(mode)))
    }

    /// The file system. Default: that of the operating system.
    pub fn vfs(mut self, vfs: Arc<dyn Vfs>) -> Self {
        self.vfs = vfs;
        self
    }

    /// Where the time comes from. Default: the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How much a question may take. Default: [`Limits::DEFAULT`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens one store; see [`Reader::open`].
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<Reader> {
        Reader::with_system(self.vfs, self.clock, self.limits, path)
    }

    /// Opens several stores as one; see [`Reader::open_all`].
    ///
    /// # Errors
    /// As [`Reader::open_all`].
    pub fn open_all<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Result<Reader> {
        Reader::with_system_all(&self.vfs, &self.clock, &self.limits, paths)
    }
}
