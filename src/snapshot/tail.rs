//! Following series: which samples one view has that the view before had not.

use std::collections::HashMap;
use std::time::Duration;

use crate::error::Result;
use crate::model::{Columns, Sample, Selector, SeriesKey, TimeRange, Timestamp};
use crate::snapshot::view::Snapshot;

/// Tells new samples of the series that a selector chooses, view by view.
///
/// A sample is new that was not there before, wherever its time lies: late ones are found up to an
/// age. It keeps the samples of that age in memory, and a look reads as many.
///
/// ```
/// use std::time::Duration;
/// use silverback::{Selector, SeriesKey, Store, Tail};
/// # fn main() -> silverback::Result<()> {
/// let store = Store::in_memory()?;
/// let latency = store.series(&SeriesKey::new("latency"))?;
/// latency.append(store.now(), 842.5)?;
/// let mut tail = Tail::new(Selector::metric("latency"), Duration::from_secs(3_600));
/// tail.look(&store.snapshot()?)?;
/// latency.append(store.now().saturating_sub(1_000_000_000), 120.0)?;
/// let new = tail.look(&store.snapshot()?)?;
/// assert_eq!(new.len(), 1);
/// assert_eq!(new[0].1.value, 120.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Tail {
    selector: Selector,
    age_nanos: i64,
    seen: HashMap<SeriesKey, Columns>,
}

impl Tail {
    /// Starts with nothing seen. Samples are found that are at most `age` old when they land.
    #[must_use]
    pub fn new(selector: Selector, age: Duration) -> Self {
        let age_nanos = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        Self { selector, age_nanos, seen: HashMap::new() }
    }

    /// Returns the samples that this view has and the last one had not, in order of time.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn look(&mut self, snapshot: &Snapshot) -> Result<Vec<(SeriesKey, Sample)>> {
        let start = snapshot.now().saturating_sub(self.age_nanos);
        let range = TimeRange::new(start, Timestamp::MAX);
        let mut new = Vec::new();
        let mut seen = HashMap::with_capacity(self.seen.len());
        for series in snapshot.select(&self.selector)? {
            let mut columns = Columns::default();
            snapshot.read(&series, range, &mut columns)?;
            let key = series.key();
            let before = self.seen.get(key);
            let added = added(before.unwrap_or(&Columns::default()), &columns);
            new.extend(added.into_iter().map(|sample| (key.clone(), sample)));
            if !columns.is_empty() {
                seen.insert(key.clone(), columns);
            }
        }
        self.seen = seen;
        new.sort_by_key(|(_, sample)| sample.timestamp);
        Ok(new)
    }
}

/// Returns the samples of `after` that `before` lacks: both are in order of (timestamp, arrival),
/// and what is left of `before` stands in `after` in the same order.
fn added(before: &Columns, after: &Columns) -> Vec<Sample> {
    let mut known = before.iter().peekable();
    let mut new = Vec::new();
    for sample in after.iter() {
        // What is gone meanwhile, deleted or too old.
        while known.next_if(|known| known.timestamp < sample.timestamp).is_some() {}
        let is_same = |known: &Sample| {
            known.timestamp == sample.timestamp && known.value.to_bits() == sample.value.to_bits()
        };
        if known.next_if(is_same).is_none() {
            new.push(sample);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::added;
    use crate::model::Columns;

    fn columns(samples: &[(i64, f64)]) -> Columns {
        let mut columns = Columns::default();
        for (timestamp, value) in samples {
            columns.push(*timestamp, *value);
        }
        columns
    }

    #[test]
    fn new_are_those_that_were_not_there_late_equal_or_beside_what_is_gone() {
        let before = [(1, 1.0), (5, 5.0), (5, 5.0), (9, 9.0)];
        for (after, expected) in [
            (&before[..], &[][..]),
            (&[(1, 1.0), (5, 5.0), (5, 5.0), (5, 5.0), (9, 9.0)], &[(5, 5.0)]),
            (&[(0, 0.0), (1, 1.0), (5, 5.0), (5, 5.0), (9, 9.0)], &[(0, 0.0)]),
            (&[(5, 4.0), (5, 5.0), (5, 5.0), (9, 9.0), (9, 9.5)], &[(5, 4.0), (9, 9.5)]),
            (&[(9, 9.0), (10, 1.0)], &[(10, 1.0)]),
            (&[], &[]),
        ] {
            let new = added(&columns(&before), &columns(after));
            let new: Vec<(i64, f64)> =
                new.iter().map(|sample| (sample.timestamp.as_nanos(), sample.value)).collect();
            assert_eq!(new, expected, "{after:?}");
        }
    }
}
