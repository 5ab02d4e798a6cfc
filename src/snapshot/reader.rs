//! What reads stores: one, or several as if they were one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::model::{Clock, Limits};
use crate::snapshot::store_reader::StoreReader;
use crate::snapshot::view::Snapshot;
use crate::vfs::Vfs;

/// A store opened for reading, beside a writer that may be running, or several stores read as one.
///
/// It keeps what it has read: a later snapshot reads only what was appended since.
///
/// ```
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// # silverback::Store::open(&path)?.close()?;
/// let reader = silverback::Reader::open(&path)?;
/// assert!(reader.snapshot()?.metrics()?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    /// At least one.
    stores: Vec<StoreReader>,
}

impl Reader {
    /// Opens a store for reading with given parts of the system; `Reader::open` chooses the usual.
    ///
    /// # Errors
    /// [`ErrorKind::NotAStore`] where there is none, and I/O errors.
    pub fn with_system(
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        dir: impl AsRef<Path>,
    ) -> Result<Self> {
        Ok(Self { stores: vec![StoreReader::open(vfs, clock, limits, dir.as_ref())?] })
    }

    /// Opens several stores as one with given parts of the system; `Reader::open_all` chooses the
    /// usual.
    ///
    /// # Errors
    /// As [`Reader::with_system`] for each of them; [`ErrorKind::NotAStore`] where none is named.
    pub fn with_system_all<P: AsRef<Path>>(
        vfs: &Arc<dyn Vfs>,
        clock: &Arc<dyn Clock>,
        limits: &Limits,
        dirs: impl IntoIterator<Item = P>,
    ) -> Result<Self> {
        let open = |dir: P| {
            StoreReader::open(Arc::clone(vfs), Arc::clone(clock), limits.clone(), dir.as_ref())
        };
        let stores = dirs.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        if stores.is_empty() {
            let found = "no directory was named".to_owned();
            return Err(ErrorKind::NotAStore { path: PathBuf::new(), found }.into());
        }
        Ok(Self { stores })
    }

    /// Returns a view of everything that the writer has committed when the call begins; of several
    /// stores, what each had committed when its turn came.
    ///
    /// # Errors
    /// Damage, I/O errors, and [`ErrorKind::Busy`] where files kept changing for five seconds. Of
    /// several stores [`ErrorKind::MetricsDisagree`] and [`ErrorKind::SameStore`].
    pub fn snapshot(&self) -> Result<Snapshot> {
        if let [store] = self.stores.as_slice() {
            return Ok(Snapshot::new(store.view()?.0));
        }
        let (mut views, mut seen) = (Vec::new(), Vec::<([u8; 16], &Path)>::new());
        for store in &self.stores {
            let (view, db_uuid) = store.view()?;
            if let Some((_, first)) = seen.iter().find(|(before, _)| *before == db_uuid) {
                let (first, second) = (first.to_path_buf(), store.dir().to_owned());
                return Err(ErrorKind::SameStore { first, second }.into());
            }
            seen.push((db_uuid, store.dir()));
            views.push(view);
        }
        Snapshot::of_stores(views)
    }

    pub(crate) fn stores(&self) -> &[StoreReader] {
        &self.stores
    }
}
