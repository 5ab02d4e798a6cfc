//! One sample, and samples as columns.

use crate::model::time::{TimeRange, Timestamp};

/// One value at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it happened.
    pub timestamp: Timestamp,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// Makes a sample of a time and a value.
    #[must_use]
    pub fn new(timestamp: Timestamp, value: f64) -> Self {
        Self { timestamp, value }
    }
}

/// The samples of one series as two columns of equal length, ordered by (timestamp, arrival).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Nanoseconds since the epoch, never falling.
    pub timestamps: Vec<i64>,
    /// The values, in the same order.
    pub values: Vec<f64>,
}

impl Columns {
    /// Returns the number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Returns true if there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Empties both columns and keeps their memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
    }

    /// Adds a sample at the end.
    pub fn push(&mut self, timestamp: i64, value: f64) {
        self.timestamps.push(timestamp);
        self.values.push(value);
    }

    /// Returns the sub-slices that lie in `range`; the columns must be in order.
    #[must_use]
    pub fn slice(&self, range: TimeRange) -> (&[i64], &[f64]) {
        let start = self.timestamps.partition_point(|&t| t < range.start.as_nanos());
        let end = self.timestamps.partition_point(|&t| t < range.end.as_nanos()).max(start);
        (self.timestamps.get(start..end).unwrap_or(&[]), self.values.get(start..end).unwrap_or(&[]))
    }

    /// Keeps what lies in `range`; the columns must be in order.
    pub(crate) fn cut(&mut self, range: TimeRange) {
        let start = self.timestamps.partition_point(|&t| t < range.start.as_nanos());
        let end = self.timestamps.partition_point(|&t| t < range.end.as_nanos()).max(start);
        self.timestamps.truncate(end);
        self.values.truncate(end);
        self.timestamps.drain(..start);
        self.values.drain(..start);
    }

    /// Returns the samples one by one.
    pub fn iter(&self) -> impl Iterator<Item = Sample> + '_ {
        self.timestamps
            .iter()
            .zip(&self.values)
            .map(|(&t, &value)| Sample::new(Timestamp::from_nanos(t), value))
    }

    /// Orders the samples by timestamp and keeps the order of arrival among equal ones.
    pub fn sort_by_time(&mut self) {
        if self.timestamps.is_sorted() {
            return;
        }
        let mut rows: Vec<(i64, f64)> =
            self.timestamps.iter().copied().zip(self.values.iter().copied()).collect();
        rows.sort_by_key(|(timestamp, _)| *timestamp);
        self.clear();
        for (timestamp, value) in rows {
            self.push(timestamp, value);
        }
    }
}
