//! Closing, and what dropping does instead.

use crate::error::Result;
use crate::store::core::{Handle, Store, locked};
use crate::store::flush::FlushReport;

/// What closing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// The samples that were still in the log and now lie in segments.
    pub flushed: FlushReport,
}

impl Store {
    /// Flushes, ends the log in order and lets the store go. Handles that are left report
    /// [`crate::ErrorKind::Closed`]. Closing twice does nothing the second time.
    ///
    /// # Errors
    /// The first failure of the background work, or of the flush. The store is let go all the same,
    /// and what was acknowledged is in the log.
    pub fn close(&self) -> Result<CloseReport> {
        if locked(&self.handle.core.lock).is_none() {
            return Ok(CloseReport::default());
        }
        let core = &self.handle.core;
        self.handle.stop_worker();
        let flushed = self.flush();
        let closed = {
            // Whoever writes segments or a manifest holds this, and looks at the lock first: none
            // may go on when another process has the store.
            let _one = locked(&core.maintenance);
            let _log = locked(&core.rotation);
            let closed = core.wal.close();
            drop(locked(&core.lock).take());
            closed
        };
        if let Some(error) = locked(&core.background_error).take() {
            return Err(error);
        }
        let flushed = flushed?;
        closed?;
        Ok(CloseReport { flushed })
    }
}

impl Handle {
    fn stop_worker(&self) {
        if let Some(worker) = locked(&self.worker).take() {
            worker.stop(&self.core);
        }
    }
}

impl Drop for Handle {
    /// Syncs what was acknowledged and lets the store go; the log is flushed at the next opening.
    fn drop(&mut self) {
        self.stop_worker();
        if locked(&self.core.lock).is_some() {
            // Nobody is left to be told; what was acknowledged survives the process either way.
            drop(self.core.wal.sync_all());
            let _one = locked(&self.core.maintenance);
            let _log = locked(&self.core.rotation);
            self.core.wal.abandon();
            drop(locked(&self.core.lock).take());
        }
    }
}
