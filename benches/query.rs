//! Questions over merged segments: percentiles, shares, rates, counts and last values. Names are
//! `query/question/samples`; throughput is in samples.
//!
//! `silverback bench query` asks the same of more samples, and tells processor time and memory.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use silverback::workload::{Events, Generated, Scrapes};
use silverback::{MetricDef, Query, RunOptions, SeriesKey, Snapshot, Store, Timestamp};

const SAMPLES: usize = 1_000_000;
const SCRAPED_SERIES: usize = 200;

/// A merged store in memory.
fn snapshot(
    metrics: &[MetricDef],
    keys: &[SeriesKey],
    samples: impl Iterator<Item = Generated>,
) -> Snapshot {
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
    store.compact().unwrap();
    store.snapshot().unwrap()
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

criterion_group!(benches, query);
criterion_main!(benches);
