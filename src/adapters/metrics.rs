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
//! A value is stamped by the store's clock. What the store refuses is counted in [`Refusals`], also
//! through a handle that it refuses to make, as where a name is used for two kinds of metrics.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata,
    SetRecorderError, SharedString, Unit,
};

use crate::Appender;
use crate::MetricKind;
use crate::Result;
use crate::Series;
use crate::SeriesKey;
use crate::Store;
use crate::adapters::refusals::Refusals;

/// Makes a store the place where all that the facade is told goes; returns what counts refusals.
///
/// The recorder lives as long as the process and does not keep the store open. Whoever opened the
/// store holds it for as long as there is something to measure, in `main` most simply: when its
/// last clone is dropped, by a return or by a panic, all that was recorded is synced and the
/// directory let go. What is recorded afterwards is refused.
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
    appender: Appender,
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
            appender: store.appender(),
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
        let mut metric = self.appender.metric(name.as_str()).kind(kind);
        if let Some(unit) = unit {
            metric = metric.unit(name_of(unit));
        }
        self.refusals.keep(metric.define());
    }

    /// Returns what takes the place of a handle whose series was refused.
    fn refused(&self) -> Arc<Refused> {
        Arc::new(Refused(self.refusals.clone()))
    }

    /// Opens the series of a key; nothing where the store refuses it.
    fn sink(&self, key: &Key, kind: MetricKind) -> Option<Sink> {
        let open = || -> Result<Series> {
            self.appender.metric(key.name()).kind(kind).define()?;
            let labels = key.labels().map(|label| (label.key(), label.value()));
            self.appender.series(&SeriesKey::with_labels(key.name(), labels))
        };
        let series = self.refusals.keep(open())?;
        Some(Sink { series, appender: self.appender.clone(), refusals: self.refusals.clone() })
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
        counter.map_or_else(|| Counter::from_arc(self.refused()), Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let new = |sink| StoredGauge { sink, level: Mutex::new(0.0) };
        let gauge = self.gauges.get(key, || self.sink(key, MetricKind::Gauge).map(new));
        gauge.map_or_else(|| Gauge::from_arc(self.refused()), Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let new = |sink| StoredHistogram { sink };
        let histogram = self.histograms.get(key, || self.sink(key, MetricKind::Event).map(new));
        histogram.map_or_else(|| Histogram::from_arc(self.refused()), Histogram::from_arc)
    }
}

/// Takes the hash that a key carries. Hashing it once more would cost more than the rest of the
/// look-up; keys whose hashes collide on purpose are bounded by the store's limit of series.
#[derive(Debug, Clone, Copy, Default)]
struct CarriedHash(u64);

impl Hasher for CarriedHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys write a word. Other types would be hashed by FNV-1a.
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The handles of one kind, by key.
#[derive(Debug)]
struct Handles<H> {
    known: RwLock<HashMap<Key, Arc<H>, BuildHasherDefault<CarriedHash>>>,
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
    appender: Appender,
    refusals: Refusals,
}

impl Sink {
    #[inline]
    fn append(&self, value: f64) {
        self.refusals.note(self.series.append(self.appender.now(), value));
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
    /// The value it has. Held while its sample is appended, so that the last sample is the level.
    level: Mutex<f64>,
}

impl StoredGauge {
    /// Appends the changed level. One that is not finite is refused and forgotten: a level that
    /// starts from it would never be finite again.
    fn change(&self, change: impl Fn(f64) -> f64) {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(*level);
        if changed.is_finite() {
            *level = changed;
        }
        self.sink.append(changed);
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
        self.change(|_| value);
    }
}

/// Counts what is recorded through a handle whose series the store refused, for as long as the bot
/// holds it. Asking for the handle again asks the store again.
#[derive(Debug)]
struct Refused(Refusals);

impl HistogramFn for Refused {
    fn record(&self, _: f64) {
        self.0.count_one();
    }
}

impl CounterFn for Refused {
    fn increment(&self, _: u64) {
        self.0.count_one();
    }

    fn absolute(&self, _: u64) {
        self.0.count_one();
    }
}

impl GaugeFn for Refused {
    fn increment(&self, _: f64) {
        self.0.count_one();
    }

    fn decrement(&self, _: f64) {
        self.0.count_one();
    }

    fn set(&self, _: f64) {
        self.0.count_one();
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
