//! Retention: samples expire by age, by metric and by the size of the whole.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::error::Result;
use crate::format::ledger::RetentionRecord;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::model::{Retention, Timestamp};
use crate::store::core::{Core, Store, locked};
use crate::store::partition::{PARTITION_NANOS, partition_start};

/// What has expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetentionReport {
    /// How many segments were removed whole.
    pub segments: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// How many samples they had.
    pub samples: u64,
    /// Samples before this time are gone, if any are, of all metrics.
    pub expired_before: Option<Timestamp>,
}

impl Store {
    /// Returns how long samples are kept.
    #[must_use]
    pub fn retention(&self) -> Retention {
        locked(&self.handle.core.live).manifest.ledger.retention.policy()
    }

    /// Sets how long samples are kept, and removes what has expired by it.
    ///
    /// What is gone stays gone, also when samples are to be kept longer again.
    ///
    /// ```
    /// use std::time::Duration;
    /// use silverback::{Retention, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// store.set_retention(&Retention::forever().keep(Duration::from_hours(24 * 90)))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// I/O errors, a full disk, a store that is closed.
    pub fn set_retention(&self, retention: &Retention) -> Result<RetentionReport> {
        self.handle.core.set_retention(retention)
    }

    /// Removes what has expired; the background work does so by itself.
    ///
    /// # Errors
    /// As [`Store::set_retention`].
    pub fn expire(&self) -> Result<RetentionReport> {
        self.handle.core.expire()
    }
}

impl Core {
    pub(crate) fn set_retention(&self, retention: &Retention) -> Result<RetentionReport> {
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        let mut record = locked(&self.live).manifest.ledger.retention.clone();
        record.set_policy(retention);
        self.apply_retention(record)
    }

    /// Removes what has expired by now.
    pub(crate) fn expire(&self) -> Result<RetentionReport> {
        let _one = locked(&self.maintenance);
        self.check_lock_held()?;
        let record = locked(&self.live).manifest.ledger.retention.clone();
        if record == RetentionRecord::default() {
            return Ok(RetentionReport::default());
        }
        self.apply_retention(record)
    }

    /// Moves the times before which samples are gone, and removes segments that are older whole.
    ///
    /// The caller holds the maintenance lock.
    fn apply_retention(&self, mut retention: RetentionRecord) -> Result<RetentionReport> {
        let before = locked(&self.live).manifest.clone();
        retention.advance(self.options.clock.now(), &before.segments);
        let mut report = RetentionReport::default();
        if retention.expired_before > i64::MIN {
            report.expired_before = Some(Timestamp::from_nanos(retention.expired_before));
        }
        let (retired, kept): (Vec<SegmentRecord>, Vec<_>) = before
            .segments
            .iter()
            .partition(|segment| segment.time_last < retention.expired_before);
        if retention == before.ledger.retention && retired.is_empty() {
            return Ok(report);
        }
        for segment in &retired {
            report.segments += 1;
            report.bytes += segment.file_bytes;
            report.samples += segment.samples;
        }
        let has_rules = retention.rules != before.ledger.retention.rules;
        self.refuse_expired(&retention);
        let mut record = ManifestRecord { edit: before.edit + 1, segments: kept, ..before };
        record.ledger.retention = retention;
        self.publish(record, Vec::new())?;
        self.remove_retired(&retired);
        if has_rules {
            self.purge_each()?;
        }
        Ok(report)
    }

    /// From now on samples that would be gone at once are refused at the door.
    pub(crate) fn refuse_expired(&self, retention: &RetentionRecord) {
        let rules = retention.rules.values().map(|rule| rule.expired_before);
        let latest = rules.fold(retention.expired_before, i64::max);
        self.expired_before.store(latest, Ordering::Relaxed);
    }
}

impl RetentionRecord {
    /// Moves the times before which samples are gone; they never go back.
    fn advance(&mut self, now: Timestamp, segments: &[SegmentRecord]) {
        let edge = |keep_nanos: u64| {
            let keep = i64::try_from(keep_nanos).unwrap_or(i64::MAX);
            if keep == 0 { i64::MIN } else { partition_start(now.saturating_sub(keep).as_nanos()) }
        };
        self.expired_before = self.expired_before.max(edge(self.keep_nanos));
        for rule in self.rules.values_mut() {
            rule.expired_before = rule.expired_before.max(edge(rule.keep_nanos));
        }
        if self.bytes_max > 0 {
            let edge = edge_by_size(segments, self.expired_before, self.bytes_max);
            self.expired_before = self.expired_before.max(edge);
        }
    }
}

/// Returns the end of the last day that has to go for the segments to fit; the newest one stays.
fn edge_by_size(segments: &[SegmentRecord], expired_before: i64, bytes_max: u64) -> i64 {
    let mut by_day: BTreeMap<i64, u64> = BTreeMap::new();
    for segment in segments.iter().filter(|segment| segment.time_last >= expired_before) {
        // A segment over several days goes with its last one.
        *by_day.entry(partition_start(segment.time_last)).or_default() += segment.file_bytes;
    }
    let mut total: u64 = by_day.values().sum();
    let mut edge = i64::MIN;
    let newest = by_day.last_key_value().map(|(day, _)| *day);
    for (day, bytes) in by_day {
        if total <= bytes_max || Some(day) == newest {
            break;
        }
        total -= bytes;
        edge = day.saturating_add(PARTITION_NANOS);
    }
    edge
}
