//! Random stores: a list of samples, and the same in a store of the library.

use std::collections::BTreeMap;

use silverback::{
    Background, Columns, MetricDef, MetricKind, SeriesKey, Snapshot, Store, Timestamp,
};

use crate::oracle::civil::{CHANGE, HOUR, SECOND};
use crate::oracle::random::Random;

/// On no boundary of the windows used here, three hours before clocks change in Berlin.
pub(crate) const START: i64 = CHANGE - 3 * HOUR + 20 * SECOND;
pub(crate) const LENGTH_SECONDS: i64 = 6 * 3600;
pub(crate) const LABELS: [&str; 3] = ["bot", "channel", "status"];
pub(crate) const METRICS: [&str; 4] = ["latency", "queue", "requests", "tokens"];

/// One sample of the store.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) metric: &'static str,
    pub(crate) labels: [&'static str; 3],
    pub(crate) time: i64,
    pub(crate) value: f64,
}

impl Row {
    /// The labels that are there, as series are sorted by.
    pub(crate) fn present(&self) -> Vec<(&'static str, &'static str)> {
        LABELS.into_iter().zip(self.labels).filter(|(_, value)| !value.is_empty()).collect()
    }

    pub(crate) fn key(&self) -> SeriesKey {
        let labels = LABELS.iter().zip(self.labels);
        labels.fold(SeriesKey::new(self.metric), |key, (name, value)| key.label(*name, value))
    }
}

pub(crate) fn kind_of(metric: &str) -> MetricKind {
    match metric {
        "latency" => MetricKind::Event,
        "queue" => MetricKind::Gauge,
        "requests" => MetricKind::Counter,
        _ => MetricKind::Delta,
    }
}

pub(crate) fn metrics() -> Vec<MetricDef> {
    METRICS
        .iter()
        .map(|name| {
            let mut def = MetricDef::new(*name);
            def.kind = kind_of(name);
            def.unit = (*name == "latency").then(|| "ms".to_owned());
            def
        })
        .collect()
}

/// How many bits the values of a store have.
#[derive(Debug, Clone, Copy)]
enum Values {
    /// Sixteenths, half of them multiples of ten, so that comparisons meet equal numbers.
    Sixteenths,
    /// Whole milliseconds to two decimals, as measured.
    Decimals,
    /// All bits of a double, over many powers of two, so that sums have to round.
    AllBits,
}

/// Makes the samples of a store, in the order in which they arrive.
pub(crate) fn rows(random: &mut Random) -> Vec<Row> {
    let values = random.one(&[Values::Sixteenths, Values::Decimals, Values::AllBits]);
    // A few long series have chunks that are answered from their statistics.
    let long = random.percent(10);
    let series = if long { random.number(1, 4) } else { random.number(0, 14) };
    let mut known: Vec<(&str, [&str; 3])> = Vec::new();
    let mut rows = Vec::new();
    for _ in 0..series {
        let metric = random.one(&["latency", "latency", "queue", "requests", "tokens"]);
        let labels = [
            random.one(&["alpha", "beta", "gamma", ""]),
            random.one(&["web", "slack", ""]),
            random.one(&["ok", "error", ""]),
        ];
        if known.contains(&(metric, labels)) {
            continue;
        }
        known.push((metric, labels));
        let count = if long { random.number(200, 1500) } else { random.number(0, 40) };
        // Some series are silent for a while.
        let span = (random.number(0, 3) * 3600, random.number(3, 7) * 3600);
        for _ in 0..count {
            let quarters = random.number(span.0 * 4, span.1 * 4);
            let value = value(random, values);
            let value = if metric == "requests" { value.abs() } else { value };
            rows.push(Row { metric, labels, time: START + quarters * SECOND / 4, value });
        }
    }
    // Late samples, and several of one time, are mixed with the rest.
    for at in (1..rows.len()).rev() {
        if random.percent(30) {
            rows.swap(at, at - 1);
        }
    }
    rows
}

fn value(random: &mut Random, values: Values) -> f64 {
    match values {
        Values::Sixteenths if random.percent(50) => (random.number(-10, 100) * 10) as f64,
        Values::Sixteenths => random.number(-1600, 16_000) as f64 / 16.0,
        Values::Decimals => random.number(-10_000, 100_000) as f64 / 100.0,
        Values::AllBits => {
            let mantissa = random.number(1 << 52, 1 << 53) as f64;
            let sign = if random.percent(40) { -1.0 } else { 1.0 };
            sign * mantissa * 2_f64.powi(random.number(-78, -43) as i32)
        }
    }
}

/// The samples in memory alone, without a store.
pub(crate) fn in_memory(rows: &[Row], now: i64) -> Snapshot {
    let mut series: BTreeMap<SeriesKey, Columns> = BTreeMap::new();
    for row in rows {
        series.entry(row.key()).or_default().push(row.time, row.value);
    }
    let series = series.into_iter().collect();
    Snapshot::of_samples(Timestamp::from_nanos(now), metrics(), series)
}

pub(crate) fn empty_store() -> Store {
    let store = Store::options().background(Background::Manual).in_memory().unwrap();
    for def in metrics() {
        let metric = store.metric(def.name).kind(def.kind);
        let metric = match def.unit {
            Some(unit) => metric.unit(unit),
            None => metric,
        };
        metric.define().unwrap();
    }
    store
}

pub(crate) fn append(store: &Store, rows: &[Row]) {
    for row in rows {
        let series = store.series(&row.key()).unwrap();
        series.append(Timestamp::from_nanos(row.time), row.value).unwrap();
    }
}
