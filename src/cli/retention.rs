//! `silverback retention`: how long samples are kept.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use silverback::{MetricDef, Outcome, Request, Retention, RetentionReport};

use crate::cli::ask::{AskArguments, confirmed};
use crate::cli::quantity::{bytes_of, duration_of, write_duration};
use crate::cli::status::no_metric;
use crate::cli::{Context, Status, Usage};

const NEEDS_YES: &str =
    "samples would be removed: that needs --yes here, or --dry-run to see how many";

/// Arguments of `silverback retention`.
#[derive(Debug, Args)]
pub(crate) struct RetentionArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show how long samples are kept
    #[command(before_help = "silverback retention show")]
    Show,
    /// Set how long samples are kept, and remove what has expired
    #[command(before_help = "silverback retention set --keep 90d --dry-run")]
    Set(SetArguments),
    /// Remove what has expired
    #[command(before_help = "silverback retention apply")]
    Apply(ApplyArguments),
}

#[derive(Debug, Args)]
struct SetArguments {
    /// The age at which samples expire, such as 90d; forever keeps them
    #[arg(long, value_name = "DURATION")]
    keep: Option<String>,
    /// The most bytes of all segments, such as 20GiB; the oldest days go first
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// Set the age of this metric alone, which may be shorter than that of all
    #[arg(long, value_name = "NAME", requires = "keep")]
    metric: Option<String>,
    #[command(flatten)]
    apply: ApplyArguments,
}

#[derive(Debug, Args)]
struct ApplyArguments {
    /// Do not ask before what has expired is removed
    #[arg(long)]
    yes: bool,
    /// Show what would be set and removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    ask: AskArguments,
}

pub(crate) fn run(arguments: &RetentionArguments, context: &Context) -> anyhow::Result<Status> {
    let reader = context.reader_of_one()?;
    let snapshot = reader.snapshot()?;
    let stored = snapshot.retention();
    let (retention, request, arguments) = match &arguments.verb {
        Verb::Show => {
            show(&stored)?;
            return Ok(Status::Done);
        }
        Verb::Set(arguments) => {
            let retention = arguments.applied_to(stored, &snapshot.metrics()?)?;
            (retention.clone(), Request::Retain(retention), &arguments.apply)
        }
        Verb::Apply(arguments) => (stored, Request::Expire, arguments),
    };
    let due = reader.expiring(&retention)?;
    if arguments.dry_run {
        show(&retention)?;
        tell(&due, "would expire")?;
    } else if is_wanted(&due, arguments)?
        && let Some(Outcome::Retained(report)) = context.ask(&request, &arguments.ask)?
    {
        show(&retention)?;
        tell(&report, "expired")?;
    }
    Ok(Status::Done)
}

/// Asks where samples would be gone.
fn is_wanted(due: &RetentionReport, arguments: &ApplyArguments) -> anyhow::Result<bool> {
    let question = format!("remove {} samples", due.samples);
    Ok(due.samples == 0 || arguments.yes || confirmed(&question, NEEDS_YES)?)
}

impl SetArguments {
    fn applied_to(
        &self,
        mut retention: Retention,
        known: &[MetricDef],
    ) -> anyhow::Result<Retention> {
        let keep = |text: &str| -> anyhow::Result<Option<Duration>> {
            if text == "forever" {
                return Ok(None);
            }
            let age = duration_of(text)?;
            // Nothing would be left, which is asked for by other means.
            let none = "--keep takes a duration such as 90d; `delete` takes samples out at once";
            if age.is_zero() { Err(Usage(none).into()) } else { Ok(Some(age)) }
        };
        if let Some(metric) = &self.metric {
            // The age of a metric that is gone can still be taken back.
            let is_set = retention.metrics.contains_key(metric);
            if !is_set && !known.iter().any(|def| def.name == *metric) {
                return Err(no_metric(metric, known).into());
            }
        }
        match (&self.metric, self.keep.as_deref().map(keep).transpose()?) {
            (Some(metric), Some(Some(age))) => {
                retention.metrics.insert(metric.clone(), age);
            }
            (Some(metric), _) => {
                retention.metrics.remove(metric);
            }
            (None, Some(age)) => retention.keep = age,
            (None, None) => {}
        }
        if let Some(size) = &self.max_size {
            let bytes = bytes_of(size)?;
            retention.bytes_max = (bytes > 0).then_some(bytes);
        }
        Ok(retention)
    }
}

fn show(retention: &Retention) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let age = |age: Option<Duration>| age.map_or("forever".to_owned(), write_duration);
    writeln!(out, "keep      {}", age(retention.keep))?;
    let size = retention.bytes_max.map_or("any".to_owned(), |bytes| format!("{bytes} bytes"));
    writeln!(out, "max size  {size}")?;
    for (metric, keep) in &retention.metrics {
        writeln!(out, "metric    {metric}: {}", age(Some(*keep)))?;
    }
    Ok(())
}

fn tell(report: &RetentionReport, what: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let RetentionReport { segments, samples, bytes, .. } = report;
    write!(out, "{samples} samples, {segments} segments with {bytes} bytes {what}")?;
    match report.expired_before {
        Some(before) => writeln!(out, "; nothing is left before {before}"),
        None => writeln!(out),
    }
}
