//! How far a long work has come.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a long work has come, in bytes: filled by what does it, read by who shows it.
///
/// The total may still grow while the work finds more to do, and is nothing where nobody knows it.
///
/// ```
/// use silverback::{Progress, Reader, Store};
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// # Store::open(&path)?.close()?;
/// let progress = Progress::default();
/// Reader::open(&path)?.verify_watched(&progress)?;
/// assert_eq!(progress.bytes_done(), progress.bytes_total());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Adds bytes that are to be done.
    pub fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds bytes that are done.
    pub fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes are done.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Returns how many bytes there are in all, as far as is known.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}
