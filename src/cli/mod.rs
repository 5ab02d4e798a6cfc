//! The command line: arguments, one file a verb, and what all verbs share.

mod compact;
mod demo;
mod export;
mod ingest;
mod listing;
mod metric;
mod place;
mod query;
mod rejects;
mod sink;
mod stats;
mod status;
mod terminal;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use crate::cli::status::{ErrorFormat, Status, Usage, failure};
use crate::cli::terminal::Color;

/// silverback query 'p99(latency) by channel every 1m last 1h'
///
/// A store for the performance of bot back ends: append every request as a sample, ask for exact
/// percentiles, rates and error shares while the bot writes.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The store's directory [default: the nearest .silverback upwards]
    #[arg(long, global = true, env = "SILVERBACK_DB", value_name = "DIR")]
    db: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When output is coloured
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Color,
    /// How errors are shown
    #[arg(long, global = true, value_enum, default_value = "human")]
    error_format: ErrorFormat,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a day of made-up bot traffic with an incident, and ask six questions
    #[command(before_help = "silverback demo")]
    Demo(demo::DemoArguments),
    /// Read CSV, JSON lines or line protocol into the store
    #[command(before_help = "silverback ingest requests.csv --map 'ts=time, latency=dur_ms:ms'")]
    Ingest(ingest::IngestArguments),
    /// Ask a question
    #[command(before_help = "silverback query 'p99(latency) by channel every 1m last 1h'")]
    Query(query::QueryArguments),
    /// Write samples as text that `ingest` reads
    #[command(before_help = "silverback export 'latency{bot=\"support\"}' > support.lp")]
    Export(export::ExportArguments),
    /// List the metrics
    #[command(before_help = "silverback metrics -o json")]
    Metrics(listing::ListArguments),
    /// Say what a metric is: its unit, its kind, what equal timestamps mean
    #[command(before_help = "silverback metric latency --unit ms")]
    Metric(metric::MetricArguments),
    /// List the series, all or those of a selector
    #[command(before_help = "silverback series 'latency{bot=\"support\"}'")]
    Series(listing::SelectArguments),
    /// List the names of the labels
    #[command(before_help = "silverback labels")]
    Labels(listing::ListArguments),
    /// List the values of a label
    #[command(before_help = "silverback values channel")]
    Values(listing::ValuesArguments),
    /// Show how much the store holds and what its bytes are spent on
    #[command(before_help = "silverback stats -o json")]
    Stats(stats::StatsArguments),
    /// Check every byte of the store
    #[command(before_help = "silverback verify")]
    Verify(verify::VerifyArguments),
    /// Merge the segments of each day into one
    #[command(before_help = "silverback compact")]
    Compact(compact::CompactArguments),
}

/// What every verb is told.
#[derive(Debug)]
pub(crate) struct Context {
    db: Option<PathBuf>,
    quiet: bool,
    color: Color,
}

impl Arguments {
    pub(crate) fn error_format(&self) -> ErrorFormat {
        self.error_format
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Status> {
    let context = Context { db: arguments.db, quiet: arguments.quiet, color: arguments.color };
    match arguments.verb {
        Verb::Demo(arguments) => demo::run(&arguments, &context),
        Verb::Ingest(arguments) => ingest::run(&arguments, &context),
        Verb::Query(arguments) => query::run(&arguments, &context),
        Verb::Export(arguments) => export::run(&arguments, &context),
        Verb::Metrics(arguments) => listing::metrics(&arguments, &context),
        Verb::Metric(arguments) => metric::run(&arguments, &context),
        Verb::Series(arguments) => listing::series(&arguments, &context),
        Verb::Labels(arguments) => listing::labels(&arguments, &context),
        Verb::Values(arguments) => listing::values(&arguments, &context),
        Verb::Stats(arguments) => stats::run(&arguments, &context),
        Verb::Verify(arguments) => verify::run(&arguments, &context),
        Verb::Compact(arguments) => compact::run(&arguments, &context),
    }
}
