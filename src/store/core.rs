//! The store object and what its verbs share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::format::manifest::ManifestRecord;
use crate::model::Timestamp;
use crate::segment::Segment;
use crate::snapshot::Follower;
use crate::store::background::{MergeCheck, Worker};
use crate::store::catalog::Catalog;
use crate::store::options::Options;
use crate::store::recover::RecoveryReport;
use crate::vfs::LockGuard;
use crate::wal::{LogGeneration, Wal};

/// A store opened for writing. Clones share it; the last one that is dropped lets it go.
///
/// Dropping without [`Store::close`] loses nothing that was acknowledged; closing reports what
/// dropping would swallow, and flushes.
///
/// ```
/// use silverback::{SeriesKey, Store};
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// let store = Store::open(&path)?;
/// store.metric("latency").unit("ms").define()?;
/// let latency = store.series(&SeriesKey::new("latency").label("bot", "support"))?;
/// latency.append(store.now(), 842.0)?;
/// let answer = store.snapshot()?.query("count(latency) last 1h")?;
/// assert_eq!(answer.rows.len(), 1);
/// store.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) handle: Arc<Handle>,
}

/// Lets the store go when the last clone is dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) core: Arc<Core>,
    pub(crate) worker: Mutex<Option<Worker>>,
}

/// What all parts of an open store share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) dir: PathBuf,
    pub(crate) db_uuid: [u8; 16],
    /// The most bytes of one log generation.
    pub(crate) generation_bytes_max: u64,
    pub(crate) wal: Wal,
    /// Samples up to this time are taken without asking the clock; see [`Core::check_time`].
    pub(crate) newest_known: AtomicI64,
    /// The latest time before which samples of some metric are gone: later ones are taken without
    /// looking further.
    pub(crate) expired_before: AtomicI64,
    pub(crate) merged: MergeCheck,
    pub(crate) catalog: Catalog,
    pub(crate) live: Mutex<Live>,
    /// Held by whoever writes segments and manifests: one at a time.
    pub(crate) maintenance: Mutex<()>,
    /// Held by whoever moves appends to another log, taken after `maintenance` where both are: an
    /// appender that needs the next log does not wait for a flush or a merge.
    pub(crate) rotation: Mutex<()>,
    /// Signalled whenever a generation has been flushed, and when flushing ends; goes with `live`.
    pub(crate) flushed: Condvar,
    pub(crate) is_flushing: AtomicBool,
    /// When the log was last synced by interval, in nanoseconds since the epoch.
    pub(crate) synced_at: AtomicI64,
    /// What the background thread waits on.
    pub(crate) wake: Wake,
    pub(crate) recovery: RecoveryReport,
    /// Gone once the store is closed.
    pub(crate) lock: Mutex<Option<Box<dyn LockGuard>>>,
    /// The first failure of the background thread, until someone asks.
    pub(crate) background_error: Mutex<Option<Error>>,
}

/// The live set: what a snapshot is taken from.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) manifest: ManifestRecord,
    /// In the order of the manifest's entries.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Generations that are not flushed, oldest first; the last one is being written.
    pub(crate) generations: Vec<LiveGeneration>,
}

/// A generation whose samples are in the log only.
#[derive(Debug, Clone)]
pub(crate) struct LiveGeneration {
    pub(crate) number: u64,
    pub(crate) created: Timestamp,
    pub(crate) follower: Arc<Mutex<Follower>>,
    /// Its end, once no more frames are added.
    pub(crate) sealed_end: Option<u64>,
    /// It has valid frames behind a gap: its file is kept when it has been flushed.
    pub(crate) has_gap: bool,
}

impl LiveGeneration {
    /// Takes a log that was begun just now.
    pub(crate) fn begun(log: LogGeneration) -> Self {
        Self {
            number: log.header.generation,
            created: Timestamp::from_nanos(log.header.created),
            follower: Arc::new(Mutex::new(Follower::new(log))),
            sealed_end: None,
            has_gap: false,
        }
    }
}

/// A flag that a thread can wait for.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    pub(crate) state: Mutex<WakeState>,
    pub(crate) changed: Condvar,
}

/// What the background thread is asked for.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct WakeState {
    pub(crate) stop: bool,
    pub(crate) work: bool,
}

/// Locks a mutex; a thread that panicked with it held leaves consistent data in this crate.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the store in a directory with the usual options, or creates it.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// Opens an empty store in memory.
    ///
    /// # Errors
    /// None is expected; the type is that of every way to open a store.
    pub fn in_memory() -> Result<Self> {
        Self::options().in_memory()
    }

    /// Starts from the usual options.
    pub fn options() -> Options {
        Options::default()
    }

    /// Returns the current time by the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.handle.core.options.clock.now()
    }

    /// Returns the store's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.handle.core.dir
    }

    /// Returns what was found when the store was opened.
    #[must_use]
    pub fn recovery(&self) -> &RecoveryReport {
        &self.handle.core.recovery
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// The failure of the sync, after which the store takes no more samples.
    pub fn sync(&self) -> Result<()> {
        let core = &self.handle.core;
        core.with_rescue(|| core.wal.sync_all())
    }
}
