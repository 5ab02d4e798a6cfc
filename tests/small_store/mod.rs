//! A store small enough to check answers by eye, and how its answers are written as text.

#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, of which none uses all of this"
)]

use silverback::{
    Answer, Cell, Column, Columns, Diagnostic, ErrorKind, MetricDef, MetricKind, Query, Role,
    RunOptions, SeriesKey, Snapshot, Timestamp,
};

pub(crate) const MINUTE: i64 = 60_000_000_000;

pub(crate) fn metric(name: &str, kind: MetricKind, unit: Option<&str>) -> MetricDef {
    let mut def = MetricDef::new(name);
    def.kind = kind;
    def.unit = unit.map(str::to_owned);
    def
}

/// `latency` events in ms, `tokens`, the counter `requests` and the gauge `queue`.
pub(crate) fn metrics() -> Vec<MetricDef> {
    vec![
        metric("latency", MetricKind::Event, Some("ms")),
        metric("tokens", MetricKind::Delta, Some("tokens")),
        metric("requests", MetricKind::Counter, None),
        metric("queue", MetricKind::Gauge, None),
        metric("size", MetricKind::Event, None),
    ]
}

/// A series of samples as (minute since the epoch, value).
pub(crate) fn series(key: SeriesKey, samples: &[(i64, f64)]) -> (SeriesKey, Columns) {
    let mut columns = Columns::default();
    for (minute, value) in samples {
        columns.push(minute * MINUTE, *value);
    }
    (key, columns)
}

pub(crate) fn key(metric: &str, bot: &str) -> SeriesKey {
    SeriesKey::new(metric).label("bot", bot)
}

/// A snapshot taken at a minute.
pub(crate) fn store(now_minute: i64, series: Vec<(SeriesKey, Columns)>) -> Snapshot {
    Snapshot::of_samples(Timestamp::from_nanos(now_minute * MINUTE), metrics(), series)
}

pub(crate) fn ask(store: &Snapshot, text: &str) -> Answer {
    let query: Query = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let answer = store.run(&query, &RunOptions::default());
    answer.unwrap_or_else(|error| panic!("{text}: {:?}", error.kind()))
}

/// Rows as text: the minute of a window, labels and values, `-` for no value.
pub(crate) fn rows(store: &Snapshot, text: &str) -> Vec<String> {
    lines(&ask(store, text))
}

pub(crate) fn lines(answer: &Answer) -> Vec<String> {
    let cell = |(column, cell): (&Column, &Cell)| match (column.role, cell) {
        (Role::Time, Cell::Time(time)) => Some((time.as_nanos() / MINUTE).to_string()),
        (Role::Partial, Cell::Flag(true)) => Some("partial".to_owned()),
        (Role::End | Role::Partial, _) => None,
        (_, Cell::Text(text)) => Some(text.to_string()),
        (_, Cell::Number(number)) => Some(number.to_string()),
        (_, Cell::Null) => Some("-".to_owned()),
        other => panic!("{other:?}"),
    };
    let line = |row: &Vec<Cell>| {
        answer.columns.iter().zip(row).filter_map(cell).collect::<Vec<_>>().join(" ")
    };
    answer.rows.iter().map(line).collect()
}

pub(crate) fn names(answer: &Answer) -> Vec<String> {
    answer.columns.iter().map(|column| column.name.clone()).collect()
}

pub(crate) fn refused(store: &Snapshot, text: &str) -> Diagnostic {
    match store.query(text).map_err(silverback::Error::into_kind) {
        Err(ErrorKind::Query(diagnostic)) => diagnostic,
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn refused_as(
    store: &Snapshot,
    text: &str,
    code: &str,
    under_caret: &str,
) -> Diagnostic {
    let diagnostic = refused(store, text);
    assert_eq!(diagnostic.code, code, "{text}: {diagnostic}");
    let marked = &text[diagnostic.span.start..diagnostic.span.end];
    assert!(marked.starts_with(under_caret), "{text}: {marked}");
    diagnostic
}

/// Minutes since the epoch of a time.
pub(crate) fn minute(text: &str) -> i64 {
    let time: jiff::Timestamp = text.parse().unwrap();
    time.as_second() / 60
}
