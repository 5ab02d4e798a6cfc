//! Retention: samples expire by age, by metric and by the size of the whole.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::error::{ErrorKind, Result};
use crate::format::ledger::RetentionRecord;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::manifest;
use crate::model::{Columns, Retention, Selector, TimeRange, Timestamp};
use crate::snapshot::Reader;
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

impl Reader {
    /// Returns what [`Store::set_retention`] would remove at once, and removes nothing: segments
    /// that go whole, and samples of a metric whose own age takes them out of segments that stay.
    /// What logs hold that are not flushed is not counted in the former.
    ///
    /// # Errors
    /// I/O errors, a manifest that cannot be read, and [`ErrorKind::Limit`] for a reader of several
    /// stores, each of which has a retention of its own.
    pub fn expiring(&self, retention: &Retention) -> Result<RetentionReport> {
        let [store] = self.stores() else {
            let got = self.stores().len() as u64;
            return Err(ErrorKind::Limit { what: "stores of a retention", limit: 1, got }.into());
        };
        let snapshot = self.snapshot()?;
        let (vfs, dir) = (store.vfs(), store.dir());
        let manifest = manifest::load(vfs, dir)?.ok_or_else(|| manifest::missing(dir))?;
        let mut record = manifest.ledger.retention;
        record.set_policy(retention);
        record.advance(snapshot.now(), &manifest.segments);
        let mut report = RetentionReport::default();
        report.note_edge(&record);
        for segment in manifest.segments.iter().filter(|segment| record.retires(segment)) {
            report.note(segment);
        }
        let mut columns = Columns::default();
        for (metric, rule) in &record.rules {
            let edges = (record.expired_before, rule.expired_before.max(record.expired_before));
            let (start, end) = (Timestamp::from_nanos(edges.0), Timestamp::from_nanos(edges.1));
            for series in snapshot.select(&Selector::metric(metric))? {
                snapshot.read(&series, TimeRange::new(start, end), &mut columns)?;
                report.samples += columns.len() as u64;
            }
        }
        Ok(report)
    }
}

impl RetentionReport {
    fn note_edge(&mut self, retention: &RetentionRecord) {
        if retention.expired_before > i64::MIN {
            self.expired_before = Some(Timestamp::from_nanos(retention.expired_before));
        }
    }

    fn note(&mut self, segment: &SegmentRecord) {
        self.segments += 1;
        self.bytes += segment.file_bytes;
        self.samples += segment.samples;
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
        report.note_edge(&retention);
        let (retired, kept): (Vec<SegmentRecord>, Vec<_>) =
            before.segments.iter().partition(|segment| retention.retires(segment));
        if retention == before.ledger.retention && retired.is_empty() {
            return Ok(report);
        }
        for segment in &retired {
            report.note(segment);
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
    /// True of a segment all of whose samples have expired.
    fn retires(&self, segment: &SegmentRecord) -> bool {
        segment.time_last < self.expired_before
    }

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
