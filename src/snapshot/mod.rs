//! A consistent view of a store: what a query sees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::Result;
use crate::model::{Columns, Limits, MetricDef, Selector, SeriesKey, TimeRange, Timestamp};

/// A view of a store at one moment: a prefix of the commit order. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    limits: Limits,
    metrics: BTreeMap<String, MetricDef>,
    series: BTreeMap<SeriesKey, Columns>,
}

/// A series of a snapshot that a selector chose.
#[derive(Debug, Clone)]
pub struct SelectedSeries {
    key: Arc<SeriesKey>,
}

impl SelectedSeries {
    /// Returns the series' identity.
    #[must_use]
    pub fn key(&self) -> &Arc<SeriesKey> {
        &self.key
    }
}

impl Snapshot {
    /// Makes a view of samples in memory, each series in order of arrival.
    #[must_use]
    pub fn of_samples(
        now: Timestamp,
        metrics: Vec<MetricDef>,
        series: Vec<(SeriesKey, Columns)>,
    ) -> Self {
        let metrics = metrics.into_iter().map(|def| (def.name.clone(), def)).collect();
        let mut sorted = BTreeMap::new();
        for (key, mut columns) in series {
            columns.sort_by_time();
            sorted.insert(key, columns);
        }
        Self { inner: Arc::new(Inner { now, limits: Limits::DEFAULT, metrics, series: sorted }) }
    }

    /// Returns the time at which the view was taken.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.now
    }

    /// Returns the limits that queries over this view obey.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Returns the metrics' definitions, sorted by name.
    pub fn metrics(&self) -> Result<Vec<MetricDef>> {
        Ok(self.inner.metrics.values().cloned().collect())
    }

    /// Returns a metric's definition, if the metric is known.
    pub fn metric(&self, name: &str) -> Result<Option<MetricDef>> {
        Ok(self.inner.metrics.get(name).cloned())
    }

    /// Returns the range from the first sample to just after the last, of one metric or of all.
    pub fn extent(&self, metric: Option<&str>) -> Result<Option<TimeRange>> {
        let mut extent: Option<TimeRange> = None;
        for (key, columns) in &self.inner.series {
            let ours = metric.is_none_or(|name| name == &**key.metric());
            if let (true, Some(&first), Some(&last)) =
                (ours, columns.timestamps.first(), columns.timestamps.last())
            {
                let (start, end) =
                    (Timestamp::from_nanos(first), Timestamp::from_nanos(last).saturating_add(1));
                extent = Some(extent.map_or(TimeRange::new(start, end), |e| {
                    TimeRange::new(e.start.min(start), e.end.max(end))
                }));
            }
        }
        Ok(extent)
    }

    /// Returns the names of all labels, sorted.
    pub fn label_names(&self) -> Result<Vec<String>> {
        let names: BTreeSet<String> = self
            .inner
            .series
            .keys()
            .flat_map(|key| key.labels())
            .map(|(n, _)| n.to_string())
            .collect();
        Ok(names.into_iter().collect())
    }

    /// Returns the values of one label, sorted; the empty value of series without it is left out.
    pub fn label_values(&self, label: &str) -> Result<Vec<String>> {
        let values: BTreeSet<String> =
            self.inner.series.keys().map(|key| key.value_of(label).to_owned()).collect();
        Ok(values.into_iter().filter(|value| !value.is_empty()).collect())
    }

    /// Returns the series that a selector chooses, sorted by metric and labels.
    pub fn select(&self, selector: &Selector) -> Result<Vec<SelectedSeries>> {
        let chosen = self.inner.series.keys().filter(|key| selector.matches(key));
        Ok(chosen.map(|key| SelectedSeries { key: Arc::new(key.clone()) }).collect())
    }

    /// Replaces `out` by the samples of one series in `range`, ordered by (timestamp, arrival).
    pub fn read(&self, series: &SelectedSeries, range: TimeRange, out: &mut Columns) -> Result<()> {
        out.clear();
        if let Some(columns) = self.inner.series.get(&*series.key) {
            let (timestamps, values) = columns.slice(range);
            out.timestamps.extend_from_slice(timestamps);
            out.values.extend_from_slice(values);
        }
        Ok(())
    }
}
