//! How a store is opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::model::{Clock, Limits};
use crate::store::core::Store;
use crate::vfs::{IoMode, MemVfs, OsVfs, SystemClock, Vfs};

/// Who asks for shorter logs than this wants them short.
const ADAPTIVE_BYTES_MIN: u64 = 32 << 20;

/// When an append is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Once it is on disk: it survives a power cut. Threads that wait share one sync.
    Sync,
    /// At once: it survives the death of the process, and a power cut after this interval. Beside
    /// a flush or merge the interval may be longer, by the time that one series or the check of
    /// one segment takes.
    Interval(Duration),
    /// At once: it survives the death of the process; the system decides when it reaches the disk.
    Os,
}

/// Who does the work behind the appends: syncing by interval, flushing, growing the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Background {
    /// One thread named `silverback`.
    Thread,
    /// The caller, by [`Store::tick`]; no thread is started.
    Manual,
}

/// What becomes of an append while the log is full and earlier logs still wait for their flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backpressure {
    /// It waits until one was flushed. The default.
    #[default]
    Wait,
    /// It is refused with [`crate::ErrorKind::Backpressure`], and nothing of it is stored: for a
    /// bot that must answer in time. [`Store::wait_for_room`] waits until appends are taken again.
    Refuse,
}

/// What becomes of series beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// Their handle is an error. The default.
    #[default]
    Refuse,
    /// Their samples go to one series of their metric with the label `__overflow__="true"`, so that
    /// totals stay right.
    Fold,
}

/// Options of a store, built by value.
///
/// ```
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// let store = silverback::Store::options().durability(silverback::Durability::Sync).open(&path)?;
/// store.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) durability: Durability,
    pub(crate) background: Background,
    pub(crate) limits: Limits,
    pub(crate) flush_bytes: u64,
    pub(crate) flush_age: Duration,
    pub(crate) merges: bool,
    pub(crate) overflow: Overflow,
    pub(crate) backpressure: Backpressure,
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) uuid: Option<[u8; 16]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Interval(Duration::from_millis(200)),
            background: Background::Thread,
            limits: Limits::DEFAULT,
            flush_bytes: 64 << 20,
            flush_age: Duration::from_hours(1),
            merges: true,
            overflow: Overflow::default(),
            backpressure: Backpressure::default(),
            vfs: Arc::new(OsVfs::default()),
            clock: Arc::new(SystemClock),
            uuid: None,
        }
    }
}

impl Options {
    /// When an append is acknowledged. Default: an interval of 200 ms.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Who does the work behind the appends. Default: a thread.
    pub fn background(mut self, background: Background) -> Self {
        self.background = background;
        self
    }

    /// How much of anything is accepted. Default: [`Limits::DEFAULT`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The log's length in bytes from which it is flushed into segments. Default: 64 MiB; at least
    /// 64 KiB, at most 1 GiB. From 32 MiB on a log of very many series may grow to three times
    /// that.
    pub fn flush_bytes(mut self, bytes: u64) -> Self {
        self.flush_bytes = bytes.clamp(64 << 10, 1 << 30);
        self
    }

    /// The age from which samples in the log are flushed into segments. Default: one hour.
    pub fn flush_age(mut self, age: Duration) -> Self {
        self.flush_age = age;
        self
    }

    /// What becomes of series beyond [`Limits::series_max`]. Default: they are refused.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// What becomes of an append that comes faster than samples can be flushed. Default: it waits.
    pub fn backpressure(mut self, backpressure: Backpressure) -> Self {
        self.backpressure = backpressure;
        self
    }

    /// How files are read; instead of [`Options::vfs`], which it replaces by an
    /// [`OsVfs`](crate::vfs::OsVfs). Default: by a map, where a file that another process truncates
    /// ends this one; [`IoMode::Pread`] copies every byte by a system call, and gets an error.
    pub fn io_mode(self, mode: IoMode) -> Self {
        self.vfs(Arc::new(OsVfs::new().io_mode(mode)))
    }

    /// Whether the background work merges segments; without it [`Store::compact`] does. Default:
    /// true.
    pub fn merges(mut self, merges: bool) -> Self {
        self.merges = merges;
        self
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

    /// The identity of a store that is created, for tests whose bytes must repeat. Default: random.
    pub fn uuid(mut self, uuid: [u8; 16]) -> Self {
        self.uuid = Some(uuid);
        self
    }

    /// Returns the least and the most bytes that a log has when it is flushed.
    pub(crate) fn flush_bytes_range(&self) -> (u64, u64) {
        let is_large = self.flush_bytes >= ADAPTIVE_BYTES_MIN;
        let most = if is_large { self.flush_bytes.saturating_mul(3) } else { self.flush_bytes };
        (self.flush_bytes, most)
    }

    /// Opens the store in a directory, or creates it where the directory is absent or empty.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Locked`] where another writer has it, [`crate::ErrorKind::NotAStore`]
    /// where something else stands there, [`crate::ErrorKind::FormatVersion`], damage, I/O errors.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Store> {
        Store::open_with(self, path.as_ref())
    }

    /// Opens an empty store in memory.
    ///
    /// # Errors
    /// None is expected; the type is that of every way to open a store.
    pub fn in_memory(mut self) -> Result<Store> {
        self.vfs = Arc::new(MemVfs::default());
        self.open("memory")
    }
}
