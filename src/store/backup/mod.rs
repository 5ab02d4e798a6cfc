//! Backups: moments of a store, each kept as a directory of its own that can be read like a store.
//!
//! ```text
//! backups/LOCK              held by who makes one
//! backups/00000001/         a store: MANIFEST, seg, wal, and BACKUP, which says what it holds
//! backups/00000002/         the next one; segments that both have are one file with two names
//! ```
//!
//! A backup counts once it has a MANIFEST, which is written last, after every file was read back
//! and checked. One that was cut short has none: it is never taken for whole, and the next one is
//! made in its place.

mod create;
mod list;
mod place;
mod restore;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Clock;
use crate::vfs::{OsVfs, SystemClock, Vfs};

pub use crate::store::backup::create::BackupReport;
pub use crate::store::backup::list::{BackupEntry, BackupState};
pub use crate::store::backup::restore::RestoreReport;

/// Says what a backup holds; a directory with it is no store to write to.
pub(crate) const BACKUP_NAME: &str = "BACKUP";

/// A directory with the backups of one store.
///
/// ```
/// use silverback::{Backups, Reader, SeriesKey, Sharing, Store};
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// let store = Store::open(&path)?;
/// store.series(&SeriesKey::new("latency"))?.append(store.now(), 842.0)?;
/// // Any process may, while the store is written.
/// let backups = Backups::in_dir(folder.path().join("backups"));
/// let report = backups.create(&Reader::open(&path)?, Sharing::Linked)?;
/// assert_eq!((report.number, report.samples), (1, 1));
///
/// let restored = folder.path().join("restored");
/// backups.restore(None, &restored, Sharing::Copied)?;
/// assert_eq!(Reader::open(&restored)?.snapshot()?.seq(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Backups {
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
}

/// Whether segments, which never change, may be one file with two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Segments are linked where the file system can, which takes neither time nor space, and else
    /// copied. Linked ones share their blocks on the disk: they are no protection against its loss.
    #[default]
    Linked,
    /// All segments are copied.
    Copied,
}

impl Backups {
    /// Takes a directory for backups, which need not exist yet.
    #[must_use]
    pub fn in_dir(dir: impl AsRef<Path>) -> Self {
        Self::with_system(Arc::new(OsVfs::default()), Arc::new(SystemClock), dir)
    }

    /// Takes a directory for backups, with given parts of the system.
    #[must_use]
    pub fn with_system(vfs: Arc<dyn Vfs>, clock: Arc<dyn Clock>, dir: impl AsRef<Path>) -> Self {
        Self { vfs, clock, dir: dir.as_ref().to_owned() }
    }
}
