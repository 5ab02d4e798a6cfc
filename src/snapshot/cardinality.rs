//! Which labels make the series many.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::model::Selector;
use crate::snapshot::view::Snapshot;

/// How many values a label has, and how many series there would be without it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cardinality {
    /// The metric.
    pub metric: String,
    /// The label.
    pub label: String,
    /// How many values it has.
    pub values: u64,
    /// How many series the metric has.
    pub series: u64,
    /// How many it would have without this label.
    pub series_without: u64,
}

impl Snapshot {
    /// Returns for each metric and label how many series the label makes, the one first that makes
    /// the most. Takes time and memory linear in the series and their labels.
    ///
    /// ```
    /// use silverback::{SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// for user in 0..100 {
    ///     let key = SeriesKey::new("latency").label("user", user.to_string());
    ///     store.series(&key)?.append(store.now(), 1.0)?;
    /// }
    /// let worst = store.snapshot()?.cardinality()?.swap_remove(0);
    /// assert_eq!((worst.label.as_str(), worst.values, worst.series_without), ("user", 100, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn cardinality(&self) -> Result<Vec<Cardinality>> {
        let mut labels: BTreeMap<(String, String), Seen> = BTreeMap::new();
        let mut series_of: BTreeMap<String, BTreeSet<u128>> = BTreeMap::new();
        for series in self.select(&Selector::default())? {
            let key = series.key();
            let all = series_of.entry(key.metric().to_owned()).or_default();
            all.insert(key.fingerprint().0);
            for (name, value) in key.labels() {
                let place = (key.metric().to_owned(), name.to_owned());
                let seen = labels.entry(place).or_default();
                seen.values.insert(value.to_owned());
                let without = key.clone().label(name, "");
                seen.without.insert(without.fingerprint().0);
            }
        }
        let mut report: Vec<Cardinality> = labels
            .into_iter()
            .map(|((metric, label), seen)| Cardinality {
                series: series_of.get(&metric).map_or(0, |all| all.len() as u64),
                metric,
                label,
                values: seen.values.len() as u64,
                series_without: seen.without.len() as u64,
            })
            .collect();
        report.sort_by_key(|one| std::cmp::Reverse(one.series.saturating_sub(one.series_without)));
        Ok(report)
    }
}

/// What was seen of one label of one metric.
#[derive(Debug, Default)]
struct Seen {
    values: BTreeSet<String>,
    without: BTreeSet<u128>,
}
