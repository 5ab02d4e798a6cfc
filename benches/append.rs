//! Appending: one sample a call, batches, batches that count once, and several threads. Names are
//! `append/case/samples`; throughput is in samples.
//!
//! Each iteration appends to a store that lies in the system's temporary directory; a store is
//! opened anew for each measurement, and what is flushed meanwhile is flushed by its thread.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use silverback::workload::{Events, Generated};
use silverback::{Durability, Series, Store, Timestamp};

/// Samples of one iteration: long enough that the start of threads does not count.
const SAMPLES: usize = 10_000;
const BATCH: usize = 1_000;

/// A store in a folder that vanishes, with its series and samples.
struct Place {
    store: Store,
    handles: Vec<Series>,
    samples: Vec<Generated>,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Store::options().durability(Durability::Os);
        let store = options.open(folder.path().join("store")).unwrap();
        let events = Events::new(1, SAMPLES as u64);
        let handles = events.series().iter().map(|key| store.series(key).unwrap()).collect();
        Self { store, handles, samples: events.collect(), _folder: folder }
    }

    fn append(&self, samples: &[Generated]) {
        for sample in black_box(samples) {
            if let Some(series) = self.handles.get(sample.series) {
                series.append(Timestamp::from_nanos(sample.timestamp), sample.value).unwrap();
            }
        }
    }

    fn append_batches(&self, samples: &[Generated]) {
        let mut batch = self.store.batch();
        for samples in black_box(samples).chunks(BATCH) {
            for sample in samples {
                if let Some(series) = self.handles.get(sample.series) {
                    batch
                        .add(series, Timestamp::from_nanos(sample.timestamp), sample.value)
                        .unwrap();
                }
            }
            batch.commit_and_clear().unwrap();
        }
    }

    fn append_once(&self, samples: &[Generated], position: &mut u64) {
        for samples in black_box(samples).chunks(BATCH) {
            let mut batch = self.store.batch();
            for sample in samples {
                if let Some(series) = self.handles.get(sample.series) {
                    batch
                        .add(series, Timestamp::from_nanos(sample.timestamp), sample.value)
                        .unwrap();
                }
            }
            *position += 1;
            assert!(batch.commit_once("bench", *position).unwrap());
        }
    }
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    let place = Place::new();
    group.bench_function(BenchmarkId::new("single", SAMPLES), |bencher| {
        bencher.iter(|| place.append(&place.samples));
    });
    let place = Place::new();
    group.bench_function(BenchmarkId::new("batches_of_1000", SAMPLES), |bencher| {
        bencher.iter(|| place.append_batches(&place.samples));
    });
    let place = Place::new();
    let mut position = 0;
    group.bench_function(BenchmarkId::new("batches_once", SAMPLES), |bencher| {
        bencher.iter(|| place.append_once(&place.samples, &mut position));
    });
    let place = Place::new();
    group.bench_function(BenchmarkId::new("single_by_2_threads", SAMPLES), |bencher| {
        bencher.iter(|| {
            std::thread::scope(|scope| {
                for half in place.samples.chunks(SAMPLES / 2) {
                    scope.spawn(|| place.append(half));
                }
            });
        });
    });
}

criterion_group!(benches, append);
criterion_main!(benches);
