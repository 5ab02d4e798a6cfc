//! Answers by column hold what their rows hold, in batches of any size, each column of one type.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests"
)]

mod small_store;

use std::mem::discriminant;

use silverback::{Answer, Cell, ColumnBatch, ColumnValues, Snapshot};
use small_store::{ask, key, series, store};

fn bots() -> Snapshot {
    store(
        120,
        vec![
            series(key("latency", "sales").label("status", "ok"), &[(61, 100.0), (95, 300.0)]),
            series(key("latency", "support").label("status", "error"), &[(100, -0.0)]),
            series(key("latency", "idle"), &[(10, 7.0)]),
            series(key("tokens", "sales"), &[(90, 10.0), (91, 20.0)]),
        ],
    )
}

/// Reads a cell out of a batch again.
fn cell(values: &ColumnValues, row: usize) -> Cell {
    match values {
        ColumnValues::Times(times) => Cell::Time(times[row]),
        ColumnValues::Numbers(numbers) if numbers[row].is_nan() => Cell::Null,
        ColumnValues::Numbers(numbers) => Cell::Number(numbers[row]),
        ColumnValues::Flags(flags) => Cell::Flag(flags[row]),
        ColumnValues::Texts { dictionary, codes } => {
            Cell::Text(dictionary[usize::try_from(codes[row]).unwrap()].clone())
        }
    }
}

fn rows_again(batch: &ColumnBatch) -> Vec<Vec<Cell>> {
    let row = |row| batch.columns.iter().map(|values| cell(values, row)).collect();
    (0..batch.row_count).map(row).collect()
}

fn check(answer: &Answer) {
    for rows_max in [0, 1, 2, 3, 7, usize::MAX] {
        let batches: Vec<ColumnBatch> = answer.batches(rows_max).collect();
        assert!(batches.iter().all(|batch| batch.row_count <= rows_max.max(1)));
        let rows: Vec<Vec<Cell>> = batches.iter().flat_map(rows_again).collect();
        assert_eq!(rows, answer.rows, "{}", answer.query);
        for batch in &batches {
            assert_eq!(batch.columns.len(), answer.columns.len());
            for (values, first) in batch.columns.iter().zip(&batches[0].columns) {
                assert_eq!(discriminant(values), discriminant(first), "{}", answer.query);
            }
        }
    }
}

#[test]
fn every_kind_of_answer_is_the_same_by_column() {
    let store = bots();
    for text in [
        "latency last 2h",
        "count(latency), max(latency), avg(tokens) by bot last 1h",
        "max(latency) by bot, status every 10m last 1h",
        "max(latency > 1000), count(latency) by bot last 2h",
        "count(latency) by hour() last 2h tz \"Europe/Berlin\"",
        "histogram(latency) by bot last 2h",
        "p50(latency, approx=true) by bot last 2h",
        "max(latency) last 1h compare previous",
        "alert slow if max(latency) > 200 over 30m for 5m by bot",
        "explain count(latency) last 1h",
    ] {
        let answer = ask(&store, text);
        assert!(!answer.rows.is_empty(), "{text}");
        check(&answer);
    }
}

#[test]
fn an_answer_without_rows_has_typed_columns_all_the_same() {
    let answer = ask(&bots(), "max(latency) by bot every 10m last 10m");
    assert_eq!(answer.rows.len(), 0);
    let batches: Vec<ColumnBatch> = answer.batches(100).collect();
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!(batch.row_count, 0);
    let kinds = |values: &ColumnValues| match values {
        ColumnValues::Times(_) => "times",
        ColumnValues::Numbers(_) => "numbers",
        ColumnValues::Flags(_) => "flags",
        ColumnValues::Texts { .. } => "texts",
    };
    let kinds: Vec<&str> = batch.columns.iter().map(kinds).collect();
    assert_eq!(kinds, ["times", "times", "flags", "texts", "numbers"]);
    check(&answer);
}
