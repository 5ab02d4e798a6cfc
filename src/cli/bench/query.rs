//! `bench query`: the time of seven questions.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use silverback::{Answer, Cell, Query, Reader, RunOptions, Snapshot, Store, TimeRange};

use crate::cli::bench::arguments::{LoadArguments, QueryArguments};
use crate::cli::bench::load::{Load, Spent};
use crate::cli::bench::machine::Usage;
use crate::cli::bench::questions::{Question, questions};
use crate::cli::bench::report::{Figures, Table};
use crate::cli::bench::write::{Place, head};

/// How long each question is asked at least: the processor's time is told in hundredths.
const ASKED_AT_LEAST: Duration = Duration::from_millis(500);

const COLUMNS: &[&str] =
    &["question", "wall_ms", "cpu_ms", "rows", "anonymous_bytes", "chunks", "query"];
const REPORT_COLUMNS: &[&str] = &[
    "question",
    "wall_ms",
    "cpu_ms",
    "naive_ms",
    "times_faster",
    "is_same",
    "rows",
    "anonymous_bytes",
    "chunks",
    "query",
];

/// Measures the questions over a store that is made for it, or one that is there.
pub(crate) fn run(arguments: &QueryArguments) -> anyhow::Result<Figures> {
    let load = &arguments.load;
    let Some(store) = &arguments.store else {
        let place = Place::new(load)?;
        make(load, &place.store())?;
        return measure(arguments, &place.store());
    };
    if !store.exists() {
        make(load, store)?;
    }
    measure(arguments, store)
}

/// Makes a store of merged segments.
fn make(arguments: &LoadArguments, dir: &Path) -> anyhow::Result<()> {
    let store = Store::options().durability(arguments.durability).open(dir)?;
    let mut load = Load::new(arguments, &store)?;
    let mut spent = Spent::default();
    while load.append_block(arguments, &store, &mut spent)? {}
    store.close()?;
    drop(store);
    let store = Store::open(dir)?;
    store.compact()?;
    store.close()?;
    Ok(())
}

fn measure(arguments: &QueryArguments, dir: &Path) -> anyhow::Result<Figures> {
    let opening = Instant::now();
    let snapshot = Reader::open(dir)?.snapshot()?;
    let opened = opening.elapsed();
    let spent = Spent { samples: snapshot.stats()?.samples, ..Spent::default() };
    let mut figures = head("query", &arguments.load, &spent);
    figures.add("runs_at_least", arguments.runs as u64);
    figures.add("open_seconds", opened.as_secs_f64());
    let columns = if arguments.report { REPORT_COLUMNS } else { COLUMNS };
    let mut table = Table::new("questions", columns);
    let whole = snapshot.extent(None)?.unwrap_or(TimeRange::ALL);
    for question in questions(&arguments.load, &snapshot, whole)? {
        table.add(line(&snapshot, &question, arguments)?);
    }
    figures.add("peak_rss_bytes", Usage::now().peak_rss_bytes);
    figures.add_table(table);
    Ok(figures)
}

/// Asks one question again and again, and returns its line of the table.
fn line(
    snapshot: &Snapshot,
    question: &Question,
    arguments: &QueryArguments,
) -> anyhow::Result<Vec<Value>> {
    let options = RunOptions::default();
    let query = Query::parse(&question.text, snapshot.limits())?;
    // The first one warms the page cache.
    let answer = snapshot.run(&query, &options)?;
    let (started, before) = (Instant::now(), Usage::now());
    let mut walls = Vec::new();
    while walls.len() < arguments.runs.max(1) || started.elapsed() < ASKED_AT_LEAST {
        let asking = Instant::now();
        snapshot.run(&query, &options)?;
        walls.push(asking.elapsed());
    }
    let after = Usage::now();
    walls.sort_unstable();
    let wall = walls.get(walls.len() / 2).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let cpu = after
        .cpu_seconds
        .zip(before.cpu_seconds)
        .map(|(after, before)| (after - before) / walls.len() as f64 * 1e3);
    let explained = snapshot.query(&format!("explain {}", question.text))?;
    let wall_ms = wall.as_secs_f64() * 1e3;
    let mut line: Vec<Value> = vec![question.name.into(), wall_ms.into(), cpu.into()];
    if arguments.report {
        let (naive_ms, is_same) = naive(snapshot, question, &answer)?;
        line.extend([naive_ms.into(), (naive_ms / wall_ms).into(), is_same.into()]);
    }
    line.extend([
        answer.rows.len().into(),
        after.anonymous_bytes.into(),
        part_of(&explained, "chunks").into(),
        question.text.as_str().into(),
    ]);
    Ok(line)
}

/// Answers a question the naive way; returns what that takes, and whether the answers are the same.
fn naive(snapshot: &Snapshot, question: &Question, answer: &Answer) -> anyhow::Result<(f64, bool)> {
    let started = Instant::now();
    let mut walls = Vec::new();
    let mut is_same = true;
    while started.elapsed() < ASKED_AT_LEAST {
        let asking = Instant::now();
        let rows = question.task.answer(snapshot)?;
        walls.push(asking.elapsed().as_secs_f64() * 1e3);
        is_same &= question.task.is_same(&rows, answer);
    }
    walls.sort_unstable_by(f64::total_cmp);
    Ok((walls.get(walls.len() / 2).copied().unwrap_or_default(), is_same))
}

/// Returns what `explain` says of a part, of the first scan that has it.
fn part_of(explained: &Answer, part: &str) -> Option<String> {
    explained.rows.iter().find_map(|row| match row.as_slice() {
        [Cell::Text(name), Cell::Text(detail)] if &**name == part => Some(detail.to_string()),
        _ => None,
    })
}
