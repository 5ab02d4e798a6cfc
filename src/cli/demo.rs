//! `silverback demo`: a day of bot traffic with an incident, and six questions about it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use silverback::output::Format;
use silverback::workload::{Demo, Request};
use silverback::{Durability, Series, SeriesKey, Store};

use crate::cli::{Context, Status};

/// Arguments of `silverback demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The seed of the traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Where the demonstration's stores are put unless `--db` says otherwise.
const FOLDER: &str = "silverback-demo";
/// Samples a batch.
const BATCH: usize = 1_000;

pub(crate) fn run(arguments: &DemoArguments, context: &Context) -> anyhow::Result<Status> {
    let directory = fresh_directory(context)?;
    let store = Store::options()
        .durability(Durability::Os)
        .open(&directory)
        .with_context(|| format!("cannot write to {}", directory.display()))?;
    let demo = Demo::new(arguments.seed, store.now());
    let incident = demo.incident();
    let requests = fill(&store, demo)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{requests} requests of one day written to {}", directory.display())?;
    writeln!(out, "An incident is hidden in it from {} to {}.", incident.start, incident.end)?;
    let around = format!(
        "from {} to {}",
        incident.start.saturating_sub(600_000_000_000),
        incident.end.saturating_add(600_000_000_000)
    );
    let errors = "p95(latency) as p95, share(latency, {status!=\"ok\"}) as errors";
    let questions = [
        "count(latency) as requests, p50(latency) as p50, p99(latency) as p99 by bot last 24h"
            .to_owned(),
        format!("{errors} every 5m where bot = \"support\" and channel = \"slack\" {around}"),
        format!("{errors} by bot, channel top 5 {around}"),
        format!("rate(latency) per 1m as requests_per_minute by channel {around}"),
        "sum(tokens) as tokens, avg(tokens) as tokens_per_answer by intent top 5 last 24h"
            .to_owned(),
        "share(latency, where value > 10s) as slow by bot last 24h".to_owned(),
    ];
    let snapshot = store.snapshot()?;
    for question in questions {
        writeln!(out, "\n$ silverback --db {} query '{question}'", directory.display())?;
        context.write_answer(&snapshot.query(&question)?, Format::Table, None, &mut out)?;
    }
    drop(snapshot);
    store.close()?;
    writeln!(out, "\nAsk your own: silverback --db {} query '...'", directory.display())?;
    Ok(Status::Done)
}

/// Returns a directory that does not exist yet, so that the demonstration can be run again.
fn fresh_directory(context: &Context) -> anyhow::Result<PathBuf> {
    let base = match context.db.as_slice() {
        [] => PathBuf::from(FOLDER),
        _ => context.directory()?,
    };
    let numbered = (2..).map(|number| base.with_file_name(numbered_name(&base, number)));
    let fresh = std::iter::once(base.clone()).chain(numbered).find(|path| !path.exists());
    Ok(fresh.unwrap_or(base))
}

fn numbered_name(base: &std::path::Path, number: u32) -> String {
    let name = base.file_name().map_or(FOLDER.into(), |name| name.to_string_lossy());
    format!("{name}-{number}")
}

/// Appends all requests; a request's latency and tokens are in one batch.
fn fill(store: &Store, demo: Demo) -> anyhow::Result<u64> {
    store.metric("latency").event().unit("ms").define()?;
    store.metric("tokens").delta().unit("tokens").define()?;
    let mut handles: HashMap<[&'static str; 4], (Series, Series)> = HashMap::new();
    let mut batch = store.batch();
    let mut requests = 0;
    for request in demo {
        let Request { timestamp, bot, channel, intent, status, latency_ms, tokens } = request;
        let labels = [bot, channel, intent, status];
        let (latency_series, token_series) = match handles.entry(labels) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let key = |metric: &'static str| {
                    let key = SeriesKey::new(metric).label("bot", bot).label("channel", channel);
                    key.label("intent", intent).label("status", status)
                };
                let both = (store.series(&key("latency"))?, store.series(&key("tokens"))?);
                place.insert(both)
            }
        };
        batch.add(latency_series, timestamp, latency_ms)?;
        batch.add(token_series, timestamp, tokens)?;
        requests += 1;
        if batch.len() >= BATCH {
            batch.commit_and_clear()?;
        }
    }
    batch.commit_and_clear()?;
    store.flush()?;
    Ok(requests)
}
