//! The metrics and series that this process has seen, and the definition of new ones.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{ErrorKind, Result};
use crate::model::{DuplicatePolicy, Limits, MetricDef, MetricKind, SeriesKey};
use crate::store::append::Series;
use crate::store::core::{Core, Store};
use crate::store::options::Overflow;
use crate::wal::{LogSeries, MetricEntry};

/// The label of the series that takes the samples of all that are too many.
const OVERFLOW_LABEL: &str = "__overflow__";

/// Metrics by name and series by key. Appending needs it only to make a handle.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    metrics: RwLock<HashMap<String, Arc<MetricEntry>>>,
    series: RwLock<HashSet<ByKey>>,
}

/// A series that is found by its key.
#[derive(Debug)]
struct ByKey(Arc<LogSeries>);

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

impl Borrow<SeriesKey> for ByKey {
    fn borrow(&self) -> &SeriesKey {
        &self.0.key
    }
}

impl Catalog {
    /// Starts with the metrics of an existing store.
    pub(crate) fn of_metrics(metrics: Vec<MetricDef>) -> Self {
        let entries =
            metrics.into_iter().map(|def| (def.name.clone(), Arc::new(MetricEntry { def })));
        Self { metrics: RwLock::new(entries.collect()), series: RwLock::default() }
    }

    /// Returns the definitions of all metrics, sorted by name.
    pub(crate) fn metrics(&self) -> Vec<MetricDef> {
        let metrics = self.metrics.read().unwrap_or_else(PoisonError::into_inner);
        let mut defs: Vec<_> = metrics.values().map(|entry| entry.def.clone()).collect();
        defs.sort();
        defs
    }

    /// Returns a metric, which is added unless it is known; a known one must agree with `def`, but
    /// for a unit that one of them does not name.
    fn metric(&self, def: MetricDef) -> Result<Arc<MetricEntry>> {
        let mut metrics = self.metrics.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = metrics.get(&def.name) {
            let adds_unit = known.def.unit.is_none() && def.unit.is_some();
            let unit = if adds_unit { None } else { def.unit.clone().or(known.def.unit.clone()) };
            known.def.check_same(&MetricDef { unit, ..def.clone() })?;
            if !adds_unit {
                return Ok(Arc::clone(known));
            }
        }
        let name = def.name.clone();
        let entry = Arc::new(MetricEntry { def });
        metrics.insert(name, Arc::clone(&entry));
        Ok(entry)
    }

    /// Returns the metric of a name, defined as an event without a unit where it is unknown.
    fn metric_named(&self, name: &str) -> Result<Arc<MetricEntry>> {
        let metrics = self.metrics.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = metrics.get(name) {
            return Ok(Arc::clone(known));
        }
        drop(metrics);
        self.metric(MetricDef::new(name))
    }

    /// Forgets the series that nobody has a handle of and that a generation does not define: they
    /// are made anew when they are asked for. Linear in the series.
    pub(crate) fn forget_idle(&self, generation: u64) {
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        // A handle is a clone that is made under this lock.
        series
            .retain(|ByKey(one)| Arc::strong_count(one) > 1 || one.reference(generation).is_some());
        let spare = series.capacity() / 4;
        if series.len() < spare {
            series.shrink_to(spare);
        }
    }

    pub(crate) fn series(
        &self,
        key: &SeriesKey,
        limits: &Limits,
        overflow: Overflow,
    ) -> Result<Arc<LogSeries>> {
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(key) {
            return Ok(Arc::clone(&series.0));
        }
        drop(known);
        key.check(limits)?;
        let metric = self.metric_named(key.metric())?;
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = series.get(key) {
            return Ok(Arc::clone(&series.0));
        }
        let count = series.len() as u64;
        let folded = SeriesKey::new(key.metric()).label(OVERFLOW_LABEL, "true");
        if count >= limits.series_max && overflow == Overflow::Fold {
            if let Some(series) = series.get(&folded) {
                return Ok(Arc::clone(&series.0));
            }
            // One a metric: there is always room for those.
            let entry = Arc::new(LogSeries::new(folded, metric));
            series.insert(ByKey(Arc::clone(&entry)));
            return Ok(entry);
        }
        if count >= limits.series_max {
            let limit = limits.series_max;
            return Err(ErrorKind::Limit { what: "series", limit, got: count + 1 }.into());
        }
        let entry = Arc::new(LogSeries::new(key.clone(), metric));
        series.insert(ByKey(Arc::clone(&entry)));
        Ok(entry)
    }
}

impl Store {
    /// Starts the definition of a metric: an event without a unit that keeps every sample.
    ///
    /// A metric need not be defined: its first series makes it so. A definition that differs from
    /// the stored one is an error, but a unit may be given to a metric that has none.
    pub fn metric(&self, name: impl Into<String>) -> MetricBuilder<'_> {
        MetricBuilder::new(&self.handle.core, name)
    }

    /// Returns a handle for appending to a series, which is created with its first sample.
    ///
    /// # Errors
    /// [`crate::ModelError`] for a key that is refused, [`ErrorKind::Limit`] for too many series.
    pub fn series(&self, key: &SeriesKey) -> Result<Series> {
        Core::series(&self.handle.core, key)
    }
}

/// The definition of a metric, built by value.
#[derive(Debug, Clone)]
#[must_use = "nothing is defined before `define` is called"]
pub struct MetricBuilder<'a> {
    core: &'a Core,
    def: MetricDef,
}

impl<'a> MetricBuilder<'a> {
    pub(crate) fn new(core: &'a Core, name: impl Into<String>) -> Self {
        Self { core, def: MetricDef::new(name) }
    }

    /// Each sample measures one event. The default.
    pub fn event(self) -> Self {
        self.kind(MetricKind::Event)
    }

    /// Each sample is an amount that happened at its time.
    pub fn delta(self) -> Self {
        self.kind(MetricKind::Delta)
    }

    /// The samples are a running total that only grows, but may start again from zero.
    pub fn counter(self) -> Self {
        self.kind(MetricKind::Counter)
    }

    /// The samples are a level that goes up and down.
    pub fn gauge(self) -> Self {
        self.kind(MetricKind::Gauge)
    }

    /// Sets the kind.
    pub fn kind(mut self, kind: MetricKind) -> Self {
        self.def.kind = kind;
        self
    }

    /// Sets the unit of the values, such as `ms`, `s`, `bytes` or `tokens`.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.def.unit = Some(unit.into());
        self
    }

    /// Sets what is done with samples that share a timestamp.
    pub fn duplicates(mut self, policy: DuplicatePolicy) -> Self {
        self.def.duplicates = policy;
        self
    }

    /// Writes the definition into the log, unless it is there. One that names no unit leaves the
    /// stored one as it is.
    ///
    /// # Errors
    /// [`crate::ModelError::MetricConflict`] where the stored one differs, names that are refused,
    /// I/O errors.
    pub fn define(self) -> Result<()> {
        self.core.define(self.def)
    }
}

impl Core {
    /// Returns a handle for appending to a series.
    pub(crate) fn series(core: &Arc<Self>, key: &SeriesKey) -> Result<Series> {
        let entry = core.catalog.series(key, &core.options.limits, core.options.overflow)?;
        Ok(Series::new(Arc::clone(core), entry))
    }

    /// Writes a metric's definition into the log, unless it is there.
    pub(crate) fn define(&self, def: MetricDef) -> Result<()> {
        SeriesKey::new(def.name.as_str()).check(&self.options.limits)?;
        let entry = self.catalog.metric(def)?;
        // The log knows what it has; a definition that could not be written is tried again.
        while !self.with_rescue(|| self.wal.define_metric(&entry.def))? {
            self.make_room()?;
        }
        Ok(())
    }
}
