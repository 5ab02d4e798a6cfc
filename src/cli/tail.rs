//! `silverback tail`: new samples as they land, from beside the writer.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};
use silverback::{Sample, SeriesKey, Tail};

use crate::cli::interrupt::{sleep, stop_flag};
use crate::cli::listing::in_one_line;
use crate::cli::quantity::duration_of;
use crate::cli::selector::selector;
use crate::cli::{Context, Status, Usage};

/// Arguments of `silverback tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArguments {
    /// The series, such as 'latency{bot="support"}'
    #[arg(value_name = "SELECTOR")]
    selector: String,
    /// One JSON object a sample
    #[arg(long)]
    json: bool,
    /// End after this many samples
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
    /// End after this long
    #[arg(long = "for", value_name = "DURATION")]
    length: Option<String>,
    /// How old a sample may be when it lands
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    late: String,
    /// How often it is looked
    #[arg(long, value_name = "DURATION", default_value = "200ms")]
    every: String,
}

pub(crate) fn run(arguments: &TailArguments, context: &Context) -> anyhow::Result<Status> {
    let chosen = selector(&arguments.selector)?;
    let reader = context.reader()?;
    let mut tail = Tail::new(chosen, duration_of(&arguments.late)?);
    let every = duration_of(&arguments.every)?;
    if every.is_zero() {
        return Err(Usage("--every takes a duration such as 200ms").into());
    }
    let length = arguments.length.as_deref().map(duration_of).transpose()?;
    let stop = stop_flag()?;
    let started = Instant::now();
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let mut snapshot = reader.snapshot()?;
    tail.look(&snapshot)?;
    while left > 0 && length.is_none_or(|length| started.elapsed() < length) {
        sleep(pause(every, length, started), &stop);
        if stop.load(Ordering::Relaxed) {
            return Ok(Status::Interrupted);
        }
        let next = reader.snapshot()?;
        if next.seq() == snapshot.seq() {
            continue;
        }
        snapshot = next;
        let mut out = io::BufWriter::new(io::stdout().lock());
        for (key, sample) in tail.look(&snapshot)? {
            if left > 0 {
                left -= 1;
                write_sample(&key, sample, arguments.json, &mut out)?;
            }
        }
        out.flush()?;
    }
    Ok(Status::Done)
}

/// Returns how long to wait, which ends with the whole.
fn pause(every: Duration, length: Option<Duration>, started: Instant) -> Duration {
    length.map_or(every, |length| every.min(length.saturating_sub(started.elapsed())))
}

fn write_sample(
    key: &SeriesKey,
    sample: Sample,
    is_json: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Sample { timestamp, value } = sample;
    if !is_json {
        return writeln!(out, "{timestamp}  {}  {value}", in_one_line(&key.to_string()));
    }
    let labels: Map<String, Value> =
        key.labels().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let time = timestamp.to_string();
    let metric = key.metric();
    writeln!(out, "{}", json!({"time": time, "metric": metric, "labels": labels, "value": value}))
}
