//! Questions over merged segments: percentiles, shares, rates, counts and last values, and
//! percentiles alone over segments as a flush and a merge leave them. Names are
//! `query/question/samples` and `percentiles/question/samples`; throughput is in samples.
//!
//! `silverback bench query` asks the same of more samples, and tells processor time and memory.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use silverback::workload::{Events, Generated, Scrapes};
use silverback::{MetricDef, Query, RunOptions, SeriesKey, Snapshot, Store, Timestamp};

const SAMPLES: usize = 1_000_000;
const SCRAPED_SERIES: usize = 200;
/// 20 series with 25 full chunks each.
const RANKED_SAMPLES: usize = 4_100_000;
const BOTS: usize = 20;

/// A merged store in memory.
fn snapshot(
    metrics: &[MetricDef],
    keys: &[SeriesKey],
    samples: impl Iterator<Item = Generated>,
) -> Snapshot {
    let store = flushed(metrics, keys, samples);
    store.compact().unwrap();
    store.snapshot().unwrap()
}

/// A store in memory all of which is flushed.
fn flushed(
    metrics: &[MetricDef],
    keys: &[SeriesKey],
    samples: impl Iterator<Item = Generated>,
) -> Store {
    let store = Store::in_memory().unwrap();
    for def in metrics {
        store.metric(def.name.as_str()).kind(def.kind).define().unwrap();
    }
    let handles: Vec<_> = keys.iter().map(|key| store.series(key).unwrap()).collect();
    for sample in samples {
        if let Some(series) = handles.get(sample.series) {
            series.append(Timestamp::from_nanos(sample.timestamp), sample.value).unwrap();
        }
    }
    store.flush().unwrap();
    store
}

/// Percentiles of response times of 20 bots over a day, flushed and merged.
fn percentiles(criterion: &mut Criterion) {
    let keys: Vec<SeriesKey> = (0..BOTS)
        .map(|bot| SeriesKey::new("latency").label("bot", format!("bot{bot:02}")))
        .collect();
    let events = Events::new(1, RANKED_SAMPLES as u64);
    // The series of a bot stand side by side.
    let of_one = events.series().len() / BOTS;
    let by_bot = events.map(|sample| Generated { series: sample.series / of_one, ..sample });
    let store = flushed(&[], &keys, by_bot);
    let flushed = store.snapshot().unwrap();
    store.compact().unwrap();
    let merged = store.snapshot().unwrap();
    let three = "p50(latency), p95(latency), p99(latency)";
    let windows = format!("{three} by bot every 1m");
    let mut group = criterion.benchmark_group("percentiles");
    group.throughput(Throughput::Elements(RANKED_SAMPLES as u64)).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for (state, snapshot) in [("flushed", &flushed), ("merged", &merged)] {
        for (name, text) in [
            ("p50", "p50(latency)"),
            ("p99", "p99(latency)"),
            ("three", three),
            ("windows", &windows),
            ("p99_approximate", "p99(latency, approx=true)"),
        ] {
            let query = Query::parse(text, snapshot.limits()).unwrap();
            let options = RunOptions::default().whole_range(true);
            let id = BenchmarkId::new(format!("{state}_{name}"), RANKED_SAMPLES);
            group.bench_function(id, |bencher| {
                bencher.iter(|| snapshot.run(black_box(&query), &options).unwrap());
            });
        }
    }
}

fn query(criterion: &mut Criterion) {
    let events = Events::new(1, SAMPLES as u64);
    let keys = events.series().to_vec();
    let events = snapshot(&[], &keys, events);
    let scrapes = Scrapes::new(1, SCRAPED_SERIES, (SAMPLES / SCRAPED_SERIES) as u64);
    let keys = scrapes.series().to_vec();
    let scrapes = snapshot(&Scrapes::metrics(), &keys, scrapes);
    let one = r#"latency{bot="bot07", channel="web", status="ok"}"#;
    let mut group = criterion.benchmark_group("query");
    group.throughput(Throughput::Elements(SAMPLES as u64)).sample_size(20);
    for (name, snapshot, text) in [
        ("percentiles", &events, "p50(latency), p95(latency), p99(latency) by bot every 1m"),
        ("percentile_of_all", &events, "p99(latency)"),
        ("share", &events, r#"share(latency, {status="error"}) by bot every 5m"#),
        ("rate", &scrapes, "rate(requests_total) every 1m"),
        ("one_series", &events, &format!("avg({one}), min({one}), max({one}) every 10m")),
        ("counts", &events, "count({}) by * top 10"),
        ("last_values", &scrapes, "last({}) by *"),
    ] {
        let query = Query::parse(text, snapshot.limits()).unwrap();
        let options = RunOptions::default().whole_range(true);
        group.bench_function(BenchmarkId::new(name, SAMPLES), |bencher| {
            bencher.iter(|| snapshot.run(black_box(&query), &options).unwrap());
        });
    }
}

criterion_group!(benches, query, percentiles);
criterion_main!(benches);
