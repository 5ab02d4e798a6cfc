//! Opening a store for reading with the parts of the system that are usual.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::model::{Clock, Limits};
use crate::snapshot::Reader;
use crate::vfs::{OsVfs, SystemClock, Vfs};

impl Reader {
    /// Opens the store in a directory for reading, beside a writer that may be running. It takes no
    /// lock and writes nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotAStore`] where there is none, and I/O errors.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (vfs, clock) = (Arc::new(OsVfs::default()), Arc::new(SystemClock));
        Self::with_system(vfs, clock, Limits::DEFAULT, path)
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
        let vfs: Arc<dyn Vfs> = Arc::new(OsVfs::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self::with_system_all(&vfs, &clock, &Limits::DEFAULT, paths)
    }
}
