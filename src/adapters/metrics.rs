//! A recorder for the [`metrics`] facade: every value of a histogram is kept as a sample, so that
//! percentiles are exact and can be split by any label.
//!
//! ```
//! use silverback::Store;
//! use silverback::adapters::metrics::install;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("data");
//! let store = Store::open(&path)?;
//! install(&store)?;
//!
//! metrics::describe_histogram!("latency", metrics::Unit::Milliseconds, "time to the reply");
//! metrics::histogram!("latency", "bot" => "support").record(842.0);
//! metrics::counter!("replies", "bot" => "support").increment(1);
//!
//! let answer = store.snapshot()?.query("p99(latency), sum(replies) by bot last 1h")?;
//! assert_eq!(answer.rows.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! | facade | metric |
//! |---|---|
//! | histogram | event: a sample a value |
//! | counter | delta: a sample an increment, which is what it grew by |
//! | gauge | gauge: a sample a change, which is the new value |
//!
//! Units come from `describe_*`, durations as `ns`, `us`, `ms` or `s`. Descriptions are not kept.
//! A value is stamped by the store's clock. What the store refuses is counted in [`Refusals`]; so
//! is a name that is used for two kinds of metrics.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata,
    SetRecorderError, SharedString, Unit,
};

use crate::MetricKind;
use crate::Result;
use crate::Series;
use crate::SeriesKey;
use crate::Store;
use crate::adapters::refusals::Refusals;

/// Makes a store the place where all that the facade is told goes; returns what counts refusals.
///
/// The recorder keeps a clone of the store for as long as the process lives:
/// [`Store::close`] lets the directory go, dropping the store does not.
///
/// # Errors
/// Another recorder was installed before.
pub fn install(store: &Store) -> std::result::Result<Refusals, SetRecorderError<Recorder>> {
    let recorder = Recorder::new(store);
    let refusals = recorder.refusals();
    metrics::set_global_recorder(recorder)?;
    Ok(refusals)
}

/// Records what the facade is told into a store. Give it to [`metrics::with_local_recorder`], or
/// [`install`] one for the process.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    refusals: Refusals,
    // A handle costs an allocation and a look into the store: each is made once.
    counters: Handles<StoredCounter>,
    gauges: Handles<StoredGauge>,
    histograms: Handles<StoredHistogram>,
}

impl Recorder {
    /// Makes a recorder into a store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            refusals: Refusals::default(),
            counters: Handles::default(),
            gauges: Handles::default(),
            histograms: Handles::default(),
        }
    }

    /// Returns what counts the samples that the store refuses.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.refusals.clone()
    }

    fn describe(&self, name: &KeyName, kind: MetricKind, unit: Option<Unit>) {
        let mut metric = self.store.metric(name.as_str()).kind(kind);
        if let Some(unit) = unit {
            metric = metric.unit(name_of(unit));
        }
        self.refusals.note(metric.define());
    }

    /// Opens the series of a key; nothing where the store refuses it.
    fn sink(&self, key: &Key, kind: MetricKind) -> Option<Sink> {
        let open = || -> Result<Series> {
            self.store.metric(key.name()).kind(kind).define()?;
            let labels = key.labels().map(|label| (label.key(), label.value()));
            self.store.series(&SeriesKey::with_labels(key.name(), labels))
        };
        let series = self.refusals.note(open())?;
        Some(Sink { series, store: self.store.clone(), refusals: self.refusals.clone() })
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, MetricKind::Delta, unit);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, MetricKind::Gauge, unit);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&key, MetricKind::Event, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let new = |sink| StoredCounter { sink, total: AtomicU64::new(0) };
        let counter = self.counters.get(key, || self.sink(key, MetricKind::Delta).map(new));
        counter.map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let new = |sink| StoredGauge { sink, bits: AtomicU64::new(0) };
        let gauge = self.gauges.get(key, || self.sink(key, MetricKind::Gauge).map(new));
        gauge.map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let new = |sink| StoredHistogram { sink };
        let histogram = self.histograms.get(key, || self.sink(key, MetricKind::Event).map(new));
        histogram.map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

/// The handles of one kind, by key.
#[derive(Debug)]
struct Handles<H> {
    known: RwLock<HashMap<Key, Arc<H>>>,
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self { known: RwLock::default() }
    }
}

impl<H> Handles<H> {
    /// Returns the handle of a key, made where there is none.
    fn get(&self, key: &Key, new: impl FnOnce() -> Option<H>) -> Option<Arc<H>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(key) {
            return Some(Arc::clone(known));
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(key) {
            return Some(Arc::clone(known));
        }
        let handle = Arc::new(new()?);
        known.insert(key.clone(), Arc::clone(&handle));
        Some(handle)
    }
}

/// Where the samples of one key go.
#[derive(Debug)]
struct Sink {
    series: Series,
    store: Store,
    refusals: Refusals,
}

impl Sink {
    #[inline]
    fn append(&self, value: f64) {
        self.refusals.note(self.series.append(self.store.now(), value));
    }
}

#[derive(Debug)]
struct StoredHistogram {
    sink: Sink,
}

impl HistogramFn for StoredHistogram {
    fn record(&self, value: f64) {
        self.sink.append(value);
    }
}

#[derive(Debug)]
struct StoredCounter {
    sink: Sink,
    /// What was counted by this process, for [`CounterFn::absolute`].
    total: AtomicU64,
}

impl StoredCounter {
    #[expect(clippy::cast_precision_loss, reason = "counts up to 2^53 are exact")]
    fn append(&self, more: u64) {
        self.sink.append(more as f64);
    }
}

impl CounterFn for StoredCounter {
    fn increment(&self, value: u64) {
        self.total.fetch_add(value, Ordering::Relaxed);
        self.append(value);
    }

    fn absolute(&self, value: u64) {
        let before = self.total.fetch_max(value, Ordering::Relaxed);
        if value > before {
            self.append(value - before);
        }
    }
}

#[derive(Debug)]
struct StoredGauge {
    sink: Sink,
    /// Of the value it has.
    bits: AtomicU64,
}

impl StoredGauge {
    fn change(&self, change: impl Fn(f64) -> f64) {
        let changed = |bits| Some(change(f64::from_bits(bits)).to_bits());
        let before = self.bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
        self.sink.append(change(f64::from_bits(before.unwrap_or_else(|bits| bits))));
    }
}

impl GaugeFn for StoredGauge {
    fn increment(&self, value: f64) {
        self.change(|before| before + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|before| before - value);
    }

    fn set(&self, value: f64) {
        self.bits.store(value.to_bits(), Ordering::Relaxed);
        self.sink.append(value);
    }
}

/// Returns a unit's name as questions write it.
fn name_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "us",
        Unit::Nanoseconds => "ns",
        other => other.as_str(),
    }
}
