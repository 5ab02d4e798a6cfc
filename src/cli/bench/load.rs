//! Traffic, made up or recorded, in blocks of memory, and the threads that append it.

use std::num::NonZero;
use std::time::{Duration, Instant};

use silverback::workload::{Churn, Events, Generated, Scrapes, Traffic};
use silverback::{MetricDef, Series, SeriesKey, Store, Timestamp};

use crate::cli::bench::arguments::{LoadArguments, Workload};
use crate::cli::bench::machine::thread_cpu_seconds;
use crate::cli::bench::recorded::Recorded;

/// Samples a block: what is in memory at a time.
const BLOCK: usize = 1 << 20;

/// Makes the key of a series out of its index.
type KeyOf = Box<dyn Fn(usize) -> SeriesKey>;

/// Traffic, block by block.
pub(crate) struct Load {
    samples: Box<dyn Iterator<Item = Generated>>,
    key_of: KeyOf,
    handles: Vec<Series>,
    block: Vec<Generated>,
    rows_refused: Option<u64>,
}

/// What appending took, without the making of the traffic.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) samples: u64,
    pub(crate) wall: Duration,
    /// Of the threads that append.
    pub(crate) cpu_seconds: f64,
    /// The longest time of one block.
    pub(crate) slowest: Duration,
    /// Rows of a file that are no samples.
    pub(crate) rows_refused: Option<u64>,
}

impl Load {
    /// Makes the traffic that the arguments ask for, and defines its metrics.
    pub(crate) fn new(arguments: &LoadArguments, store: &Store) -> anyhow::Result<Self> {
        let LoadArguments { preset, series, seed, .. } = *arguments;
        let samples = arguments.samples_made();
        let mut rows_refused = None;
        let (samples, key_of): (Box<dyn Iterator<Item = Generated>>, KeyOf) =
            match &arguments.workload {
                Workload::Events => {
                    store.metric("latency").unit("ms").define()?;
                    let events = Events::new(seed, samples);
                    let keys = listed(events.series());
                    (Box::new(events), keys)
                }
                Workload::Scrape => {
                    for def in Scrapes::metrics() {
                        store.metric(def.name.as_str()).kind(def.kind).define()?;
                    }
                    let series = usize::try_from(series.max(1)).unwrap_or(usize::MAX);
                    let scrapes = Scrapes::new(seed, series, samples.div_ceil(series as u64));
                    let keys = listed(scrapes.series());
                    (Box::new(scrapes), keys)
                }
                Workload::Churn => {
                    store.metric("latency").unit("ms").define()?;
                    (Box::new(Churn::new(seed, samples, series)), Box::new(Churn::key))
                }
                Workload::Traffic => {
                    let traffic = Traffic::new(seed, &preset.options().rows(samples)).samples();
                    let metric = traffic.metric();
                    store.metric(metric.name).unit(metric.unit.unwrap_or_default()).define()?;
                    let keys = traffic.clone();
                    (Box::new(traffic), Box::new(move |series| keys.key(series)))
                }
                Workload::File(path) => {
                    let samples_max = arguments.samples.map(NonZero::get);
                    let recorded = Recorded::read(path, samples_max, store.now())?;
                    for def in &recorded.metrics {
                        define(def, store)?;
                    }
                    rows_refused = Some(recorded.report.rows_rejected);
                    let keys = listed(&recorded.series);
                    (Box::new(recorded.samples.into_iter()), keys)
                }
            };
        let block = Vec::with_capacity(BLOCK);
        Ok(Self { samples, key_of, handles: Vec::new(), block, rows_refused })
    }

    /// Returns how many series have had a sample.
    pub(crate) fn series(&self) -> usize {
        self.handles.len()
    }

    /// Returns one of the series.
    pub(crate) fn any_series(&self) -> Option<&SeriesKey> {
        self.handles.get(self.handles.len() / 2).map(Series::key)
    }

    /// Makes the next block and appends it; returns false at the end.
    pub(crate) fn append_block(
        &mut self,
        arguments: &LoadArguments,
        store: &Store,
        spent: &mut Spent,
    ) -> anyhow::Result<bool> {
        spent.rows_refused = self.rows_refused;
        self.block.clear();
        self.block.extend(self.samples.by_ref().take(BLOCK));
        let series = self.block.iter().map(|sample| sample.series + 1).max().unwrap_or(0);
        for index in self.handles.len()..series {
            self.handles.push(store.series(&(self.key_of)(index))?);
        }
        let started = Instant::now();
        let threads = arguments.threads.get();
        let (block, handles) = (&self.block, &self.handles);
        let appended: Vec<silverback::Result<f64>> = std::thread::scope(|scope| {
            let part = block.len().div_ceil(threads).max(1);
            let threads: Vec<_> = block
                .chunks(part)
                .map(|part| scope.spawn(|| append(part, handles, arguments.batch, store)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(0.0))).collect()
        });
        let took = started.elapsed();
        for cpu in appended {
            spent.cpu_seconds += cpu?;
        }
        spent.wall += took;
        spent.slowest = spent.slowest.max(took);
        spent.samples += block.len() as u64;
        Ok(!block.is_empty())
    }
}

/// Defines a metric as a file does.
fn define(def: &MetricDef, store: &Store) -> silverback::Result<()> {
    let metric = store.metric(def.name.as_str()).kind(def.kind).duplicates(def.duplicates);
    match &def.unit {
        Some(unit) => metric.unit(unit.as_str()).define(),
        None => metric.define(),
    }
}

/// Takes the keys of a workload that lists them. It names no index beyond its list.
fn listed(keys: &[SeriesKey]) -> KeyOf {
    let keys = keys.to_vec();
    Box::new(move |index| keys.get(index).cloned().unwrap_or_else(|| Churn::key(index)))
}

/// Appends samples one by one or in batches; returns the processor time of this thread.
fn append(
    samples: &[Generated],
    handles: &[Series],
    batch_len: usize,
    store: &Store,
) -> silverback::Result<f64> {
    let started = thread_cpu_seconds();
    if batch_len <= 1 {
        for sample in samples {
            if let Some(handle) = handles.get(sample.series) {
                handle.append(Timestamp::from_nanos(sample.timestamp), sample.value)?;
            }
        }
    } else {
        let mut batch = store.batch();
        for samples in samples.chunks(batch_len) {
            for sample in samples {
                if let Some(handle) = handles.get(sample.series) {
                    batch.add(handle, Timestamp::from_nanos(sample.timestamp), sample.value)?;
                }
            }
            batch.commit_and_clear()?;
        }
    }
    let spent = thread_cpu_seconds().zip(started).map(|(now, then)| now - then);
    Ok(spent.unwrap_or(0.0))
}
