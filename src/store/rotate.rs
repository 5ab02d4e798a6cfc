//! Rotation: the next log generation takes the appends.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::{ErrorKind, Result};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::tombstone::Tombstone;
use crate::store::core::{Core, Live, LiveGeneration, locked};
use crate::store::options::{Backpressure, Options};
use crate::wal::{FIRST_STEP_BYTES, NewLog, Preface, Sealed, log_name};

/// Creates a log that holds its header; file and directory are on disk on return.
///
/// A file of the same name that has no OPEN frame must have been removed before.
pub(crate) fn create_log(
    options: &Options,
    dir: &std::path::Path,
    header: LogHeader,
    len_max: u64,
) -> Result<NewLog> {
    let logs = dir.join("wal");
    let file = options.vfs.create_log(&logs.join(log_name(header.generation)), len_max)?;
    file.grow(FIRST_STEP_BYTES)?;
    file.store(0, &header.encode())?;
    file.sync()?;
    options.vfs.sync_dir(&logs)?;
    Ok(NewLog { file, header, len_max })
}

impl Core {
    /// Moves appends to the next generation.
    ///
    /// Appends go on while the file is made, and wait for one short sync only.
    pub(crate) fn rotate(&self) -> Result<Sealed> {
        self.rotate_with(&|_| None)
    }

    /// Moves appends to the next generation, which begins with a deletion of what stands in all
    /// before it.
    pub(crate) fn rotate_with(&self, delete: &dyn Fn(u64) -> Option<Tombstone>) -> Result<Sealed> {
        let _log = locked(&self.rotation);
        self.check_lock_held()?;
        self.begin_next(delete)
    }

    /// The caller holds the rotation lock.
    fn begin_next(&self, delete: &dyn Fn(u64) -> Option<Tombstone>) -> Result<Sealed> {
        let generation = self.wal.watermark().log.header.generation + 1;
        let next = self.create_next_log(generation)?;
        // Snapshots wait, so that none sees the new generation before it is listed.
        let mut live = locked(&self.live);
        let metrics = self.catalog.metrics();
        // A disk that is full says so here, while the current generation can still go on.
        let tombstones: Vec<_> = delete(generation).into_iter().collect();
        let preface = Preface { metrics: &metrics, tombstones: &tombstones };
        next.file.grow(LOG_HEADER_BYTES as u64 + preface.bytes_max())?;
        let begun = LiveGeneration::begun(next.generation());
        let sealed = self.wal.rotate(next, preface)?;
        if let Some(current) = live.generations.last_mut() {
            current.sealed_end = Some(sealed.end);
        }
        live.generations.push(begun);
        Ok(sealed)
    }

    /// Creates the log of a generation that nothing has been appended to.
    pub(crate) fn create_next_log(&self, generation: u64) -> Result<NewLog> {
        let created = self.options.clock.now().as_nanos();
        let header = LogHeader { db_uuid: self.db_uuid, generation, created };
        let path = self.dir.join("wal").join(log_name(generation));
        if self.options.vfs.exists(&path)? {
            // Left by a rotation that failed before its OPEN frame: it holds nothing.
            self.options.vfs.remove(&path)?;
        }
        create_log(&self.options, &self.dir, header, self.generation_bytes_max)
    }

    /// Makes room where the current generation is full: rotates, which waits for no merge.
    ///
    /// Where an earlier one is being flushed the appender waits for that, so that logs do not pile
    /// up; one that is to be refused instead may fill as many as may wait for their flush.
    ///
    /// # Errors
    /// [`ErrorKind::Backpressure`], I/O errors, a full disk.
    pub(crate) fn make_room(&self) -> Result<()> {
        self.with_rescue(|| self.try_to_make_room())
    }

    fn try_to_make_room(&self) -> Result<()> {
        let full = self.wal.watermark().log.header.generation;
        let waits = self.options.backpressure == Backpressure::Wait;
        if !waits && self.unflushed_count() >= UNFLUSHED_MAX {
            self.wake_for_work();
            return Err(ErrorKind::Backpressure { unflushed: self.unflushed_count() as u64 }.into());
        }
        while waits && self.is_flushing.load(Ordering::Relaxed) && self.unflushed_count() > 1 {
            let live = locked(&self.live);
            drop(self.flushed.wait_timeout(live, FLUSH_WAIT));
        }
        let log = locked(&self.rotation);
        if self.wal.watermark().log.header.generation == full {
            self.check_lock_held()?;
            self.begin_next(&|_| None)?;
        }
        drop(log);
        self.wake_for_work();
        if waits && (self.is_manual() || self.unflushed_count() > UNFLUSHED_MAX) {
            self.flush_sealed()?;
        }
        Ok(())
    }

    /// Waits until fewer generations wait for their flush than may, at most so long.
    pub(crate) fn wait_for_room(&self, timeout: Duration) -> Result<bool> {
        self.check_lock_held()?;
        self.wake_for_work();
        let is_full = |live: &mut Live| live.generations.len() >= UNFLUSHED_MAX;
        let waited = self.flushed.wait_timeout_while(locked(&self.live), timeout, is_full);
        let (mut live, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Ok(!is_full(&mut live))
    }

    /// Returns how many generations are not flushed, the current one included.
    pub(crate) fn unflushed_count(&self) -> usize {
        locked(&self.live).generations.len()
    }

    /// Returns an error once the store is closed.
    pub(crate) fn check_lock_held(&self) -> Result<()> {
        let is_held = locked(&self.lock).is_some();
        if is_held { Ok(()) } else { Err(ErrorKind::Closed.into()) }
    }
}

/// An appender looks so often whether a flush has ended: the signal may come just before it waits.
const FLUSH_WAIT: Duration = Duration::from_millis(20);

/// The most generations that may wait for their flush, the current one included.
pub(crate) const UNFLUSHED_MAX: usize = 4;
