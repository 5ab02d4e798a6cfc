//! Which samples are gone though they still lie in a segment or a log.
//!
//! A sample is gone if it lies before the time that retention says for its metric, or if a deletion
//! of a later generation is about it. Segments that a merge wrote hold none of what was deleted in
//! the generations up to a bound that their footer names.

use std::sync::Arc;

use crate::format::ledger::{Ledger, RetentionRecord};
use crate::format::tombstone::Tombstone;
use crate::model::{Columns, Retention, SeriesKey, TimeRange, Timestamp};

/// What retention and deletions say at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletions {
    retention: RetentionRecord,
    /// In order of generation.
    tombstones: Vec<Arc<Tombstone>>,
}

/// Where samples come from, as far as deletions ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The last generation that they were appended in.
    pub generation: u64,
    /// Deletions of the generations up to this one were carried out on them.
    pub deleted_up_to: u64,
}

/// What is gone of one series.
#[derive(Debug, Clone)]
pub(crate) struct SeriesDeletions {
    expired_before: Timestamp,
    tombstones: Vec<Arc<Tombstone>>,
}

impl Deletions {
    /// Takes what a manifest says.
    pub(crate) fn of_ledger(ledger: &Ledger) -> Self {
        let tombstones = ledger.tombstones.iter().map(|one| Arc::new(one.clone())).collect();
        Self { retention: ledger.retention.clone(), tombstones }
    }

    /// Adds the deletions of a later generation.
    pub(crate) fn extend(&mut self, tombstones: &[Arc<Tombstone>]) {
        self.tombstones.extend(tombstones.iter().cloned());
    }

    /// Returns how long samples are kept.
    pub(crate) fn retention(&self) -> Retention {
        self.retention.policy()
    }

    /// Returns true if nothing is gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.tombstones.is_empty() && self.retention == RetentionRecord::default()
    }

    /// Returns how many deletions there are.
    pub(crate) fn count(&self) -> u64 {
        self.tombstones.len() as u64
    }

    /// Returns what is gone of one series.
    pub(crate) fn of_series(&self, key: &SeriesKey) -> SeriesDeletions {
        let about = self.tombstones.iter().filter(|tombstone| tombstone.is_about(key));
        SeriesDeletions {
            expired_before: Timestamp::from_nanos(self.retention.expired_before(key.metric())),
            tombstones: about.cloned().collect(),
        }
    }
}

impl SeriesDeletions {
    /// Returns the part of a range that retention leaves.
    pub(crate) fn kept(&self, range: TimeRange) -> TimeRange {
        TimeRange::new(range.start.max(self.expired_before), range.end)
    }

    /// Returns true if samples may be gone for more than their age.
    pub(crate) fn has_tombstones(&self) -> bool {
        !self.tombstones.is_empty()
    }

    fn hiding(&self, origin: Origin) -> impl Iterator<Item = TimeRange> {
        let done = origin.generation.max(origin.deleted_up_to);
        let later = self.tombstones.iter().filter(move |one| one.generation > done);
        later.map(|tombstone| tombstone.range)
    }

    /// Takes away what is gone of the samples from index `from` on, which are of one origin;
    /// returns how many were.
    pub(crate) fn remove(&self, origin: Origin, columns: &mut Columns, from: usize) -> u64 {
        let ranges: Vec<_> = self.hiding(origin).collect();
        if ranges.is_empty() && self.expired_before == Timestamp::MIN {
            return 0;
        }
        let is_gone = |time: i64| {
            let time = Timestamp::from_nanos(time);
            time < self.expired_before
                || ranges.iter().any(|range| range.start <= time && time < range.end)
        };
        let before = columns.len();
        let added = columns.timestamps.get(from..).unwrap_or(&[]);
        if !added.iter().any(|time| is_gone(*time)) {
            return 0;
        }
        let kept: Vec<(i64, f64)> = added
            .iter()
            .copied()
            .zip(columns.values.get(from..).unwrap_or(&[]).iter().copied())
            .filter(|(time, _)| !is_gone(*time))
            .collect();
        columns.timestamps.truncate(from);
        columns.values.truncate(from);
        for (time, value) in kept {
            columns.push(time, value);
        }
        (before - columns.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::format::ledger::Ledger;
    use crate::format::tombstone::Tombstone;
    use crate::model::{Columns, Selector, SeriesKey, TimeRange, Timestamp};
    use crate::tombstone::{Deletions, Origin};

    #[test]
    fn only_samples_of_earlier_generations_in_range_are_gone() {
        let (start, end) = (Timestamp::from_nanos(2), Timestamp::from_nanos(4));
        let tombstone = Tombstone {
            generation: 5,
            range: TimeRange::new(start, end),
            selector: Selector::metric("latency"),
        };
        let mut ledger = Ledger { tombstones: vec![tombstone], ..Ledger::default() };
        ledger.retention.expired_before = 1;
        let deletions = Deletions::of_ledger(&ledger);
        let left = |metric: &str, generation, deleted_up_to| {
            let times: Vec<i64> = (0..6).collect();
            let mut columns = Columns { values: vec![1.0; times.len()], timestamps: times };
            let series = deletions.of_series(&SeriesKey::new(metric));
            let gone = series.remove(Origin { generation, deleted_up_to }, &mut columns, 0);
            assert_eq!(gone, 6 - columns.len() as u64);
            columns.timestamps
        };
        assert_eq!(left("latency", 4, 0), [1, 4, 5]);
        assert_eq!(left("latency", 5, 0), [1, 2, 3, 4, 5], "appended later");
        assert_eq!(left("latency", 4, 5), [1, 2, 3, 4, 5], "carried out by a merge");
        assert_eq!(left("tokens", 4, 0), [1, 2, 3, 4, 5]);
    }
}
