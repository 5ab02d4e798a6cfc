//! The marks that a snapshot holds.

use crate::error::Result;
use crate::model::{Columns, Mark, Selector, TimeRange, Timestamp};
use crate::snapshot::view::Snapshot;

impl Snapshot {
    /// Returns all marks in order of time; see [`Mark`].
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn marks(&self) -> Result<Vec<Mark>> {
        let mut marks = Vec::new();
        let mut columns = Columns::default();
        for series in self.select(&Selector::metric(Mark::METRIC))? {
            self.read(&series, TimeRange::ALL, &mut columns)?;
            let text = series.key().value_of(Mark::LABEL);
            let times = columns.timestamps.iter().map(|nanos| Timestamp::from_nanos(*nanos));
            marks.extend(times.map(|time| Mark { time, text: text.to_owned() }));
        }
        marks.sort();
        Ok(marks)
    }
}
