//! `bench query`: the time of seven questions.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use silverback::workload::Traffic;
use silverback::{Answer, Cell, Query, Reader, RunOptions, Snapshot, Store, TimeRange};

use crate::cli::bench::arguments::{LoadArguments, QueryArguments, Workload};
use crate::cli::bench::load::{Load, Spent};
use crate::cli::bench::machine::Usage;
use crate::cli::bench::report::{Figures, Table};
use crate::cli::bench::write::{Place, head};

/// How long each question is asked at least: the processor's time is told in hundredths.
const ASKED_AT_LEAST: Duration = Duration::from_millis(500);
const HOUR_NANOS: i64 = 3_600_000_000_000;

/// A question with its name.
#[derive(Debug)]
struct Question {
    name: &'static str,
    text: String,
}

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
    let mut table = Table::new(
        "questions",
        &["question", "wall_ms", "cpu_ms", "rows", "anonymous_bytes", "chunks", "query"],
    );
    let whole = snapshot.extent(None)?.unwrap_or(TimeRange::ALL);
    for question in questions(&arguments.load, whole) {
        table.add(line(&snapshot, &question, arguments)?);
    }
    figures.add("peak_rss_bytes", Usage::now().peak_rss_bytes);
    figures.add_table(table);
    Ok(figures)
}

/// Returns the questions of a workload: those of response times, or those of scrapes.
fn questions(load: &LoadArguments, whole: TimeRange) -> Vec<Question> {
    let range = format!("from @{}ns to @{}ns", whole.start.as_nanos(), whole.end.as_nanos());
    let half = (whole.end.as_nanos() - whole.start.as_nanos()) / 2;
    let noon = whole.start.as_nanos() + half - half % HOUR_NANOS;
    let hour = format!("every 10s from @{noon}ns for 1h");
    let question = |name, text: String| Question { name, text };
    let one = match load.workload {
        Workload::Events | Workload::Churn => {
            "latency{bot=\"bot07\", channel=\"web\", status=\"ok\"}".to_owned()
        }
        Workload::Scrape => "cpu_usage{instance=\"node0007\"}".to_owned(),
        // The first series is that of the busiest place.
        Workload::Traffic => {
            Traffic::new(load.seed, &load.preset.options()).key("latency", 0).to_string()
        }
    };
    let mut questions = match load.workload {
        Workload::Scrape => {
            vec![question("Q4", format!("rate(requests_total) every 1m {range}"))]
        }
        Workload::Events | Workload::Churn | Workload::Traffic => {
            let ranks = "p50(latency), p95(latency), p99(latency) by bot every 1m";
            // Traffic has failures of several names.
            let failed = match load.workload {
                Workload::Traffic => "status!=\"ok\"",
                _ => "status=\"error\"",
            };
            let share = format!("share(latency, {{{failed}}}) by bot every 5m");
            vec![
                question("Q1", format!("{ranks} {range}")),
                question("Q2", format!("p99(latency) {range}")),
                question("Q3", format!("{share} {range}")),
            ]
        }
    };
    questions.push(question("Q5", format!("avg({one}), min({one}), max({one}) {hour}")));
    questions.push(question("Q6", format!("count({{}}) by * top 10 {range}")));
    questions.push(question("Q7", format!("last({{}}) by * {range}")));
    questions
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
    Ok(vec![
        question.name.into(),
        (wall.as_secs_f64() * 1e3).into(),
        cpu.into(),
        answer.rows.len().into(),
        after.anonymous_bytes.into(),
        part_of(&explained, "chunks").into(),
        question.text.as_str().into(),
    ])
}

/// Returns what `explain` says of a part, of the first scan that has it.
fn part_of(explained: &Answer, part: &str) -> Option<String> {
    explained.rows.iter().find_map(|row| match row.as_slice() {
        [Cell::Text(name), Cell::Text(detail)] if &**name == part => Some(detail.to_string()),
        _ => None,
    })
}
