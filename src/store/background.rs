//! The work behind the appends, as steps that a thread or the embedder drives.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::store::core::{Core, Store, WakeState, locked};
use crate::store::options::{Background, Durability};

/// The log grows ahead once less than this is left of its file.
const ROOM_BYTES_MIN: u64 = 16 << 20;
/// How often the thread looks after the log's room and age where no interval asks for more.
const PERIOD: Duration = Duration::from_millis(200);
/// A log that has not used this much grows as its samples come: a quiet store stays small.
const BUSY_BYTES: u64 = 512 << 10;

/// Some 20 samples of a series, which is what its definitions and index entries cost.
const SERIES_BYTES: u64 = 512;
/// How often it is asked whether a partition can be merged for good, in nanoseconds.
const MERGE_PERIOD: i64 = 60_000_000_000;

/// When nothing was to merge.
#[derive(Debug, Default)]
pub(crate) struct MergeCheck {
    /// The edit of the manifest.
    pub(crate) edit: AtomicU64,
    /// The time, in nanoseconds since the epoch.
    pub(crate) asked_at: AtomicI64,
}

/// The background thread.
#[derive(Debug)]
pub(crate) struct Worker {
    thread: JoinHandle<()>,
}

/// What one round of background work did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickReport {
    /// True if the log was synced.
    pub synced: bool,
    /// How many log generations were flushed.
    pub generations_flushed: u64,
    /// How many requests of other processes were carried out.
    pub requests_answered: u64,
    /// How many segments were removed because all their samples have expired.
    pub segments_expired: u64,
    /// How many segments were merged into others.
    pub segments_merged: u64,
}

impl Store {
    /// Does the background work that is due: syncs, grows the log, flushes what is full or old,
    /// removes what has expired, and merges segments of one partition.
    ///
    /// For [`Background::Manual`]; beside a thread it is harmless.
    ///
    /// # Errors
    /// I/O errors, a full disk, a store that is closed or poisoned.
    pub fn tick(&self) -> Result<TickReport> {
        self.handle.core.tick()
    }
}

impl Store {
    /// Waits until the log takes appends again after [`ErrorKind::Backpressure`], at most so long;
    /// returns whether it does. With [`Background::Manual`] another thread must call
    /// [`Store::tick`].
    ///
    /// ```
    /// # fn main() -> silverback::Result<()> {
    /// let store = silverback::Store::in_memory()?;
    /// assert!(store.wait_for_room(std::time::Duration::from_secs(1))?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Closed`].
    pub fn wait_for_room(&self, timeout: Duration) -> Result<bool> {
        self.handle.core.wait_for_room(timeout)
    }
}

impl Core {
    pub(crate) fn is_manual(&self) -> bool {
        self.options.background == Background::Manual
    }

    fn tick(&self) -> Result<TickReport> {
        self.check_lock_held()?;
        let synced = self.with_rescue(|| self.sync_and_grow())?;
        let mut report = TickReport { synced, ..TickReport::default() };
        if self.is_flush_due(self.wal.room().0) {
            self.with_rescue(|| {
                let _one = locked(&self.maintenance);
                self.check_lock_held()?;
                self.rotate().map(|_| ())
            })?;
        }
        report.generations_flushed = self.with_rescue(|| self.flush_sealed())?.generations;
        if report.generations_flushed > 0 {
            self.catalog.forget_idle(self.wal.watermark().log.header.generation);
        }
        report.requests_answered = self.answer_requests()?;
        report.segments_expired = self.expire()?.segments;
        report.segments_merged = self.merge_if_due()?;
        Ok(report)
    }

    /// Merges one partition's segments where that is due; returns how many were.
    ///
    /// Where nothing was due it is asked again once segments have changed, or a partition may have
    /// come to its end meanwhile.
    fn merge_if_due(&self) -> Result<u64> {
        let now = self.options.clock.now().as_nanos();
        let edit = locked(&self.live).manifest.edit;
        let is_known = self.merged.edit.load(Ordering::Relaxed) == edit
            && now < self.merged.asked_at.load(Ordering::Relaxed).saturating_add(MERGE_PERIOD);
        if is_known || !self.options.merges {
            return Ok(0);
        }
        // Noted before: a merge that fails, such as on a full disk, is not tried again at once. One
        // that succeeds changes the edit.
        self.merged.asked_at.store(now, Ordering::Relaxed);
        self.merged.edit.store(edit, Ordering::Relaxed);
        Ok(self.merge_due()?.map_or(0, |report| report.segments_before))
    }

    /// Syncs the log unless its durability is the system's, and makes room ahead of appends;
    /// returns true if it was synced.
    fn sync_and_grow(&self) -> Result<bool> {
        self.synced_at.store(self.options.clock.now().as_nanos(), Ordering::Relaxed);
        let is_asked = self.options.durability != Durability::Os;
        let is_synced = is_asked && self.wal.is_dirty();
        if is_synced {
            self.wal.sync_all()?;
        }
        let (used, left) = self.wal.room();
        if used > BUSY_BYTES && left < ROOM_BYTES_MIN {
            self.wal.grow_ahead(ROOM_BYTES_MIN)?;
        }
        Ok(is_synced)
    }

    /// Syncs and grows the log where that is due, from within work that takes long: appends go on
    /// meanwhile, and their promise with them.
    pub(crate) fn keep_up(&self) -> Result<()> {
        let Durability::Interval(interval) = self.options.durability else { return Ok(()) };
        let interval = i64::try_from(interval.min(PERIOD).as_nanos()).unwrap_or(i64::MAX);
        let due = self.synced_at.load(Ordering::Relaxed).saturating_add(interval);
        if self.options.clock.now().as_nanos() >= due {
            // After a failed sync nothing is acknowledged until the log has been moved, which waits
            // for this work.
            let kept_up = self.sync_and_grow();
            if !self.wal.needs_rescue() {
                kept_up?;
            }
        }
        Ok(())
    }

    /// Returns the length from which the current generation is flushed: of many series it is
    /// longer, so that each leaves a chunk worth its place in the index.
    fn flush_bytes(&self) -> u64 {
        let wanted = u64::from(self.wal.series_count()).saturating_mul(SERIES_BYTES);
        let (least, most) = self.options.flush_bytes_range();
        wanted.clamp(least, most)
    }

    /// True where the current generation is long or old enough to be flushed.
    fn is_flush_due(&self, used: u64) -> bool {
        if self.wal.is_fresh() {
            return false;
        }
        let created = locked(&self.live).generations.last().map(|live| live.created);
        let age_max = i64::try_from(self.options.flush_age.as_nanos()).unwrap_or(i64::MAX);
        let now = self.options.clock.now();
        let is_old = created.is_some_and(|created| created.saturating_add(age_max) <= now);
        used >= self.flush_bytes() || is_old
    }

    /// Starts the thread.
    pub(crate) fn spawn_worker(self: &Arc<Self>) -> Result<Worker> {
        let core = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("silverback".to_owned())
            .spawn(move || core.work())
            .map_err(|error| Error::io("start a thread for", &self.dir, error))?;
        Ok(Worker { thread })
    }

    fn work(&self) {
        let period = match self.options.durability {
            Durability::Interval(interval) => interval.min(PERIOD),
            Durability::Sync | Durability::Os => PERIOD,
        };
        while !self.wait_for_work(period) {
            if let Err(error) = self.tick()
                && !matches!(error.kind(), ErrorKind::Closed)
            {
                locked(&self.background_error).get_or_insert(error);
            }
        }
    }

    /// Waits for a wish or the end of the period; returns true once the thread must end.
    fn wait_for_work(&self, period: Duration) -> bool {
        let state = locked(&self.wake.state);
        let idle = |state: &mut WakeState| !state.stop && !state.work;
        let waited = self.wake.changed.wait_timeout_while(state, period, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.work = false;
        state.stop
    }

    pub(crate) fn wake_for_work(&self) {
        locked(&self.wake.state).work = true;
        self.wake.changed.notify_all();
    }
}

impl Worker {
    /// Tells the thread to end and waits until it has.
    pub(crate) fn stop(self, core: &Core) {
        locked(&core.wake.state).stop = true;
        core.wake.changed.notify_all();
        // A panic of the thread has been reported where it happened; its work is repeatable.
        drop(self.thread.join());
    }
}
