//! Opening a store for reading with the parts of the system that are usual.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::model::Limits;
use crate::snapshot::Reader;
use crate::vfs::{OsVfs, SystemClock};

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
}
