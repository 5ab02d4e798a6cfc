//! Asks a small store in memory: with one thread and with two, the same answer or the same error.

#![allow(clippy::expect_used, clippy::panic, reason = "a target fails by panics")]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use silverback::{
    Background, ErrorKind, Limits, ManualClock, MetricKind, Query, RunOptions, SeriesKey, Snapshot,
    Store, Timestamp,
};

const MINUTE: i64 = 60_000_000_000;
/// Asked at this minute, in February 2026.
const NOW_MINUTE: i64 = 29_510_000;

/// Filled once.
static STORE: OnceLock<Snapshot> = OnceLock::new();

/// Takes the bytes as the text of a question, if they are UTF-8.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(query) = Query::parse(text, &limits()) else { return };
    let store = STORE.get_or_init(store);
    let options = RunOptions::default().memory(1 << 20).timeout(Duration::from_secs(10));
    let alone = store.run(&query, &options);
    let shared = store.run(&query, &options.threads(2));
    match (alone, shared) {
        (Ok(alone), Ok(shared)) => {
            // How long it took is part of what `explain` answers.
            assert!(alone == shared || text.trim_start().to_lowercase().starts_with("explain"));
            assert!(alone.rows.iter().all(|row| row.len() == alone.columns.len()));
        }
        (Err(alone), Err(shared)) => {
            let is_time = |kind: &ErrorKind| matches!(kind, ErrorKind::QueryTimeout { .. });
            let is_late = is_time(alone.kind()) || is_time(shared.kind());
            assert!(is_late || alone.to_string() == shared.to_string(), "{alone}\n{shared}");
        }
        (alone, shared) => panic!("{:?}\n{:?}", alone.is_ok(), shared.is_ok()),
    }
}

/// Windows and rows are few, so that no question takes long.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.windows_max = 2_000;
    limits.rows_max = 20_000;
    limits
}

/// Two hours of metrics of every kind.
fn store() -> Snapshot {
    let clock = Arc::new(ManualClock::new(minute(NOW_MINUTE)));
    let options = Store::options().limits(limits()).clock(clock).background(Background::Manual);
    let store = options.in_memory().expect("a store in memory");
    let define = |name: &str, kind| store.metric(name).kind(kind);
    let metrics = [
        ("latency", define("latency", MetricKind::Event).unit("ms")),
        ("tokens", define("tokens", MetricKind::Delta).unit("tokens")),
        ("requests", define("requests", MetricKind::Counter)),
        ("queue", define("queue", MetricKind::Gauge)),
    ];
    for (name, metric) in metrics {
        metric.define().expect("a new metric");
        for (bot, status) in [("sales", "ok"), ("support", "ok"), ("support", "error")] {
            let key = SeriesKey::new(name).label("bot", bot).label("status", status);
            let series = store.series(&key).expect("few series");
            for past in 0..120_u32 {
                let value = f64::from(past * 37 % 100) * if bot == "sales" { 2.5 } else { 0.1 };
                let time = minute(NOW_MINUTE - 120 + i64::from(past));
                series.append(time, value).expect("a sample of the past");
            }
        }
    }
    store.snapshot().expect("a view of memory")
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_nanos(minute * MINUTE)
}
