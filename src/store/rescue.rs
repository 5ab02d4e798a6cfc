//! Moving off a log whose sync failed: its samples go into segments, and the next log takes over.
//!
//! A failed sync is never tried again on the same file: the system may have dropped the pages and
//! called them clean. What the log still reads is flushed instead; where that is less than what was
//! published, or fails too, the store takes no more samples.

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::log_header::LOG_HEADER_BYTES;
use crate::store::core::{Core, LiveGeneration, locked};
use crate::store::flush::FlushReport;
use crate::wal::{Preface, Sealed, log_name};

/// So often in a row is a new log tried, each of whose syncs fails too.
const RESCUES_MAX: u32 = 3;

impl Core {
    /// Does something with the log; where a sync of it fails, moves on to the next log first.
    ///
    /// The caller must not hold the maintenance lock.
    ///
    /// # Errors
    /// What `attempt` returns, and the failed sync where the log could not be saved.
    pub(crate) fn with_rescue<T>(&self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        for _ in 0..RESCUES_MAX {
            match attempt() {
                Err(error) if self.wal.needs_rescue() => self.rescue(error)?,
                done => return done,
            }
        }
        attempt()
    }

    fn rescue(&self, failed: Error) -> Result<()> {
        let _one = locked(&self.maintenance);
        let _log = locked(&self.rotation);
        self.check_lock_held()?;
        // Another thread may have done so meanwhile.
        let Some(sealed) = self.wal.sealed_for_rescue() else { return Ok(()) };
        self.move_to_next_log(sealed).map_err(|_| {
            // Its frames are not all there: it stays in the log for who reads on.
            let mut live = locked(&self.live);
            let current = live.generations.iter_mut().find(|g| g.number == sealed.generation);
            if let Some(current) = current {
                current.sealed_end = None;
            }
            drop(live);
            self.wal.give_up(failed)
        })
    }

    fn move_to_next_log(&self, sealed: Sealed) -> Result<()> {
        if let Some(current) = locked(&self.live).generations.last_mut() {
            current.sealed_end = Some(sealed.end);
        }
        let mut report = FlushReport::default();
        loop {
            let oldest = locked(&self.live).generations.first().cloned();
            let Some(generation) = oldest else { break };
            self.flush_generation(&generation, &mut report)?;
        }
        self.check_all_flushed(sealed)?;
        let next = self.create_next_log(sealed.generation + 1)?;
        let mut live = locked(&self.live);
        let metrics = self.catalog.metrics();
        let preface = Preface { metrics: &metrics, tombstones: &[] };
        next.file.grow(LOG_HEADER_BYTES as u64 + preface.bytes_max())?;
        let begun = LiveGeneration::begun(next.generation());
        self.wal.restart(next, preface)?;
        live.generations.push(begun);
        Ok(())
    }

    /// Every frame that was published must have been read back; fewer were lost with their pages.
    fn check_all_flushed(&self, sealed: Sealed) -> Result<()> {
        let available = locked(&self.live).manifest.flushed_seq;
        if available == sealed.seq {
            return Ok(());
        }
        let path = self.dir.join("wal").join(log_name(sealed.generation));
        Err(Error::corrupt(&path, 0, FormatError::Truncated { needed: sealed.seq, available }))
    }
}
