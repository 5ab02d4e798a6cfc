//! Answers about recorded traffic equal those of a naive reader of the same files, to the bit, in
//! every state of a store.
//!
//! The files are not part of the repository: `SILVERBACK_DATA` names the folder that holds them.

#![cfg(feature = "text")]
#![allow(
    clippy::format_collect,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::unused_self,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![allow(clippy::cast_precision_loss, reason = "sums of the data stay far below 2^53")]

mod recorded;

use std::collections::BTreeMap;

use silverback::{
    Answer, Cell, Columns, Role, Selector, SeriesKey, Snapshot, TimeRange, Timestamp,
};

use recorded::{SECOND, append_all, data, in_every_state, lines, nanos_of_civil, open};

const WINDOW: i64 = 300 * SECOND;

/// One row of a file as the naive reader has it; all values in these files are whole numbers.
#[derive(Debug, Clone)]
struct Record {
    time: i64,
    labels: Vec<(&'static str, String)>,
    samples: Vec<(&'static str, i64)>,
}

/// What the questions ask for of each metric, in the order of [`naive`].
fn question(metrics: &[&str], clauses: &str) -> String {
    let functions = ["count", "sum", "min", "max", "p50", "p95", "p99", "rate"];
    let items: Vec<String> = metrics
        .iter()
        .flat_map(|metric| functions.map(|function| format!("{function}({metric})")))
        .collect();
    format!("{} {clauses}", items.join(", "))
}

/// Computes what [`question`] asks for of one group's values; `is_delta` makes the rate that of the
/// sum.
fn naive(values: &[i64], is_delta: bool, length_nanos: i64) -> Vec<Option<f64>> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    // Nearest rank in whole numbers: k = max(1, ceil(q n / 100)).
    let rank = |percent: usize| {
        let k = (percent * sorted.len()).div_ceil(100).max(1);
        sorted.get(k - 1).map(|value| *value as f64)
    };
    let (count, sum) = (values.len() as f64, values.iter().sum::<i64>() as f64);
    let amount = if is_delta { sum } else { count };
    let seconds = length_nanos as f64 / SECOND as f64;
    vec![
        Some(count),
        Some(sum),
        sorted.first().map(|value| *value as f64),
        sorted.last().map(|value| *value as f64),
        rank(50),
        rank(95),
        rank(99),
        Some(amount / seconds),
    ]
}

/// Rows by the start of their window and the values of their labels; bits, so that equal is equal.
type Rows = BTreeMap<(i64, Vec<String>), Vec<Option<u64>>>;

fn rows_of(answer: &Answer) -> Rows {
    let mut rows = Rows::new();
    for row in &answer.rows {
        let (mut start, mut labels, mut values) = (0, Vec::new(), Vec::new());
        for (column, cell) in answer.columns.iter().zip(row) {
            match (column.role, cell) {
                (Role::Time, Cell::Time(time)) => start = time.as_nanos(),
                (Role::Label, Cell::Text(text)) => labels.push(text.to_string()),
                (Role::Value, Cell::Number(number)) => values.push(Some(number.to_bits())),
                (Role::Value, Cell::Null) => values.push(None),
                (Role::Partial, flag) => assert_ne!(*flag, Cell::Flag(true), "whole windows"),
                (Role::End, _) => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(rows.insert((start, labels), values).is_none(), "a row comes once");
    }
    rows
}

/// Computes all rows of an answer; every group has every window.
fn naive_rows(
    records: &[Record],
    metrics: &[(&str, bool)],
    by: &[&str],
    windows: &[(i64, i64)],
) -> Rows {
    let mut groups: BTreeMap<Vec<String>, Vec<&Record>> = BTreeMap::new();
    for record in records {
        let value = |label: &&str| record.labels.iter().find(|(name, _)| name == label).unwrap();
        let group = by.iter().map(|label| value(label).1.clone()).collect();
        groups.entry(group).or_default().push(record);
    }
    let mut rows = Rows::new();
    for (group, records) in &groups {
        for &(start, end) in windows {
            let inside = records.iter().filter(|r| (start..end).contains(&r.time));
            let samples: Vec<_> = inside.flat_map(|r| r.samples.iter()).collect();
            let mut cells = Vec::new();
            for (metric, is_delta) in metrics {
                let own = samples.iter().filter(|(name, _)| name == metric);
                let values: Vec<i64> = own.map(|(_, value)| *value).collect();
                cells.extend(naive(&values, *is_delta, end - start));
            }
            let bits = cells.into_iter().map(|cell| cell.map(f64::to_bits)).collect();
            // An answer without windows has no column of time.
            let stamp = if windows.len() == 1 { 0 } else { start };
            rows.insert((stamp, group.clone()), bits);
        }
    }
    rows
}

/// Asks for all windows and for the whole, grouped by these labels, and returns the answers wanted.
fn questions(records: &[Record], metrics: &[(&str, bool)], by: &[&str]) -> Vec<(String, Rows)> {
    let names: Vec<&str> = metrics.iter().map(|(name, _)| *name).collect();
    let first = records.iter().map(|record| record.time).min().unwrap();
    let last = records.iter().map(|record| record.time).max().unwrap();
    let start = first.div_euclid(WINDOW) * WINDOW;
    let end = (last.div_euclid(WINDOW) + 1) * WINDOW;
    let windows: Vec<_> = (0..(end - start) / WINDOW)
        .map(|n| (start + n * WINDOW, start + (n + 1) * WINDOW))
        .collect();
    let group = if by.is_empty() { String::new() } else { format!("by {}", by.join(", ")) };
    let range = |start, end| {
        let (start, end) = (Timestamp::from_nanos(start), Timestamp::from_nanos(end));
        format!("{group} from {start} to {end}")
    };
    // Half-open and on no boundary: the first sample counts, the last one does not.
    let cut = [(first, last)];
    vec![
        (
            question(&names, &format!("every 5m {}", range(start, end))),
            naive_rows(records, metrics, by, &windows),
        ),
        (question(&names, &range(first, last)), naive_rows(records, metrics, by, &cut)),
    ]
}

/// All samples of the naive reader by series, sorted as a multiset is compared.
fn naive_contents(records: &[Record]) -> BTreeMap<String, Vec<(i64, u64)>> {
    let mut all: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
    for record in records {
        for (metric, value) in &record.samples {
            let named = |key: SeriesKey, (n, v): &(&'static str, String)| key.label(*n, v.as_str());
            let key = record.labels.iter().fold(SeriesKey::new(*metric), named);
            let sample = (record.time, (*value as f64).to_bits());
            all.entry(key.to_string()).or_default().push(sample);
        }
    }
    for samples in all.values_mut() {
        samples.sort_unstable();
    }
    all
}

fn contents(snapshot: &Snapshot) -> BTreeMap<String, Vec<(i64, u64)>> {
    let mut columns = Columns::default();
    let mut all = BTreeMap::new();
    for series in snapshot.select(&Selector::default()).unwrap() {
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        let pairs = columns.iter().map(|s| (s.timestamp.as_nanos(), s.value.to_bits()));
        let mut samples: Vec<_> = pairs.collect();
        samples.sort_unstable();
        all.insert(series.key().to_string(), samples);
    }
    all
}

fn check_all(snapshot: &Snapshot, state: &str, wanted: &[(String, Rows)]) {
    for (question, rows) in wanted {
        let answer = snapshot.query(question).unwrap();
        assert_eq!(answer.warnings, [], "{question}");
        let got = rows_of(&answer);
        assert_eq!(got.len(), rows.len(), "{state}: {question}");
        for (place, values) in rows {
            assert_eq!(got.get(place), Some(values), "{state}: {place:?} of {question}");
        }
    }
}

#[test]
fn tokens_of_a_language_model_are_answered_exactly() {
    let Some(file) = data("llm/azure_llm_2023_conv.csv.gz") else { return };
    let read = |line: &String| {
        let fields: Vec<&str> = line.split(',').collect();
        let value = |index: usize| fields[index].parse().unwrap();
        let samples = vec![("context", value(1)), ("generated", value(2))];
        Record { time: nanos_of_civil(fields[0]), labels: Vec::new(), samples }
    };
    let records: Vec<Record> = lines(&file)[1..].iter().map(read).collect();
    assert_eq!(records.len(), 19_366);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path);
    let map = "ts=TIMESTAMP, context=ContextTokens:tokens, generated=GeneratedTokens:tokens:delta";
    let bytes = std::fs::OpenOptions::new().read(true).open(&file).unwrap();
    let report = append_all(&store, "conv.csv.gz", bytes, map);
    assert_eq!((report.rows_stored, report.rows_rejected, report.samples), (19_366, 0, 38_732));

    let wanted = questions(&records, &[("context", false), ("generated", true)], &[]);
    assert_eq!(wanted[0].1.len(), 12, "an hour in windows of 5 minutes");
    let samples = naive_contents(&records);
    in_every_state(store, &path, &|snapshot, state| {
        check_all(snapshot, state, &wanted);
        assert!(contents(snapshot) == samples, "{state}: the samples differ");
        let stats = snapshot.stats().unwrap();
        assert_eq!((stats.samples, stats.series), (2 * 19_366, 2), "{state}");
        assert_eq!(stats.timestamp_blocks_shared, stats.timestamp_blocks, "{state}");
        assert_eq!(stats.timestamp_blocks > 0, stats.segments > 0, "{state}");
    });
}

#[test]
fn spans_reported_when_they_end_are_answered_exactly() {
    let Some(file) = data("latency/onlineboutique_2022-08-22_spans.csv.gz") else { return };
    let mut lines = lines(&file);
    let header = lines.remove(0);
    let read = |line: &String| {
        let fields: Vec<&str> = line.split(',').collect();
        let labels = vec![("pod", fields[2].to_owned()), ("operation", fields[3].to_owned())];
        let samples = vec![("duration", fields[5].parse().unwrap())];
        Record { time: fields[0].parse().unwrap(), labels, samples }
    };
    // The file is in the order of starts; a tracer reports a span when it ends, which makes more
    // than half of them older than one that came before.
    let end_of = |line: &String| {
        let record = read(line);
        record.time + record.samples[0].1 * 1_000
    };
    lines.sort_by_cached_key(end_of);
    let records: Vec<Record> = lines.iter().map(read).collect();
    assert_eq!(records.len(), 209_413);
    let newest = records.iter().scan(i64::MIN, |newest, record| {
        let is_late = record.time < *newest;
        *newest = record.time.max(*newest);
        Some(is_late)
    });
    let late = newest.filter(|is_late| *is_late).count();
    assert!(late > records.len() / 2, "{late} spans come late");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path);
    let text = format!("{header}\n{}\n", lines.join("\n"));
    let map = "ts=start_unix_ns, labels=pod,operation, duration=duration_us:us";
    let report = append_all(&store, "spans.csv", text.as_bytes(), map);
    assert_eq!((report.rows_stored, report.rows_rejected, report.samples), (209_413, 0, 209_413));

    let mut wanted = questions(&records, &[("duration", false)], &["pod"]);
    wanted.extend(questions(&records, &[("duration", false)], &["operation"]));
    let samples = naive_contents(&records);
    assert_eq!(samples.len(), 55);
    in_every_state(store, &path, &|snapshot, state| {
        check_all(snapshot, state, &wanted);
        assert!(contents(snapshot) == samples, "{state}: the samples differ");
    });
}
