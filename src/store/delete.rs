//! Deleting: a frame of the log that says what is gone of everything before it.

use crate::error::{ErrorKind, Result};
use crate::format::tombstone::Tombstone;
use crate::model::{Columns, Selector, TimeRange};
use crate::store::core::{Core, Store, locked};
use crate::wal::delete_bytes;

/// What a deletion took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteReport {
    /// How many series lost samples.
    pub series: u64,
    /// How many samples are gone.
    pub samples: u64,
}

impl Store {
    /// Deletes the samples that a selector and a half-open range choose, as of this call: samples
    /// that are appended later stay, whatever their time.
    ///
    /// They are gone from every answer at once and for good; the next merge of their segments, or
    /// [`Store::purge`], takes them off the disk. On return the deletion is durable. Takes the time
    /// of reading the samples in the range, which it counts.
    ///
    /// ```
    /// use silverback::{Selector, SeriesKey, Store, TimeRange, Timestamp};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// let latency = store.series(&SeriesKey::new("latency").label("bot", "test"))?;
    /// latency.append(Timestamp::from_nanos(5), 842.0)?;
    /// let range = TimeRange::new(Timestamp::from_nanos(0), Timestamp::from_nanos(10));
    /// assert_eq!(store.delete(&Selector::metric("latency"), range)?.samples, 1);
    /// assert!(store.snapshot()?.samples(latency.key(), range)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] for too many deletions that are not carried out yet (then purge) or too
    /// long a selector, a full disk, a store that is closed or poisoned. Nothing is gone then.
    pub fn delete(&self, selector: &Selector, range: TimeRange) -> Result<DeleteReport> {
        self.handle.core.delete(selector, range)
    }

    /// Returns what [`Store::delete`] would take away.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn count(&self, selector: &Selector, range: TimeRange) -> Result<DeleteReport> {
        self.handle.core.count(selector, range)
    }
}

impl Core {
    pub(crate) fn delete(&self, selector: &Selector, range: TimeRange) -> Result<DeleteReport> {
        let tombstone = Tombstone { generation: 0, range, selector: selector.clone() };
        let limits = &self.options.limits;
        let (limit, got) = (limits.tombstone_bytes_max, delete_bytes(&tombstone));
        if got > limit {
            return Err(ErrorKind::Limit { what: "bytes of a deletion", limit, got }.into());
        }
        let report = self.count(selector, range)?;
        self.with_rescue(|| self.store_deletion(&tombstone))?;
        self.with_rescue(|| self.wal.sync_all())?;
        self.wake_for_work();
        Ok(report)
    }

    fn count(&self, selector: &Selector, range: TimeRange) -> Result<DeleteReport> {
        let snapshot = self.snapshot()?;
        let mut report = DeleteReport::default();
        let mut columns = Columns::default();
        for series in snapshot.select(selector)? {
            snapshot.read(&series, range, &mut columns)?;
            report.series += u64::from(!columns.is_empty());
            report.samples += columns.len() as u64;
        }
        Ok(report)
    }

    fn store_deletion(&self, tombstone: &Tombstone) -> Result<()> {
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        let (limit, got) = (self.options.limits.tombstones_max, self.tombstone_count() + 1);
        if got > limit {
            return Err(ErrorKind::Limit { what: "deletions", limit, got }.into());
        }
        self.rotate_with(&|generation| Some(Tombstone { generation, ..tombstone.clone() }))?;
        Ok(())
    }

    /// Returns how many deletions are not carried out yet.
    fn tombstone_count(&self) -> u64 {
        let live = locked(&self.live);
        let in_logs = live.generations.iter();
        let in_logs = in_logs.map(|generation| locked(&generation.follower).tombstones().len());
        (live.manifest.ledger.tombstones.len() + in_logs.sum::<usize>()) as u64
    }
}
