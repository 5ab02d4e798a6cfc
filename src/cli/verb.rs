//! The verbs, and an example of each that runs.

use clap::Subcommand;

use crate::cli::{
    Context, Status, backup, bench, compact, delete, demo, export, help, ingest, inspect, listing,
    manual, mark, metric, query, repl, retention, stats, tail, verify,
};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Write a day of made-up bot traffic with an incident, and ask six questions
    #[command(before_help = "silverback demo")]
    Demo(demo::DemoArguments),
    /// Read CSV, JSON lines, line protocol, metrics or access logs into the store
    #[command(before_help = "silverback ingest requests.csv --map 'ts=time, latency=dur_ms:ms'")]
    Ingest(Box<ingest::IngestArguments>),
    /// Ask a question
    #[command(before_help = "silverback query 'p99(latency) by channel every 1m last 1h'")]
    Query(Box<query::QueryArguments>),
    /// Show new samples as they land, also beside a live writer
    #[command(before_help = "silverback tail 'latency{bot=\"support\"}' --for 1s")]
    Tail(tail::TailArguments),
    /// Ask questions one after the other, with completion
    #[command(before_help = "silverback repl")]
    Repl(repl::ReplArguments),
    /// Write samples as text that `ingest` reads
    #[command(before_help = "silverback export 'latency{bot=\"support\"}' > support.lp")]
    Export(export::ExportArguments),
    /// List the metrics
    #[command(before_help = "silverback metrics -o json")]
    Metrics(listing::ListArguments),
    /// Say what a metric is: its unit, its kind, what equal timestamps mean
    #[command(before_help = "silverback metric latency --unit ms")]
    Metric(metric::MetricArguments),
    /// Name an instant for mark("...") in questions, or list those that have names
    #[command(before_help = "silverback mark 'deploy v42'")]
    Mark(mark::MarkArguments),
    /// List the series, all or those of a selector
    #[command(before_help = "silverback series 'latency{bot=\"support\"}'")]
    Series(listing::SelectArguments),
    /// List the names of the labels, of all series or of those of a selector
    #[command(before_help = "silverback labels latency")]
    Labels(listing::SelectArguments),
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
    /// Show what one file of a store says, part by part
    #[command(before_help = "silverback inspect .silverback/MANIFEST --chunks")]
    Inspect(inspect::InspectArguments),
    /// Back the store up, list backups, restore one
    #[command(before_help = "silverback backup create backups")]
    Backup(backup::BackupArguments),
    /// Measure what this machine does with made-up traffic
    #[command(before_help = "silverback bench write --samples 100000")]
    Bench(bench::BenchArguments),
    /// Delete samples
    #[command(before_help = "silverback delete 'latency{bot=\"test\"}' --to 2026-02-09 --dry-run")]
    Delete(delete::DeleteArguments),
    /// Show or set how long samples are kept
    #[command(before_help = "silverback retention show")]
    Retention(retention::RetentionArguments),
    /// Write a script that completes verbs and flags in a shell
    #[command(before_help = "silverback completions bash > silverback.bash")]
    Completions(manual::CompletionArguments),
    /// Write a manual page, of all or of a verb
    #[command(before_help = "silverback man query > silverback-query.1")]
    Man(manual::ManArguments),
    /// Tell about a verb, or about language, input, output, durability, settings, status
    #[command(before_help = "silverback help language")]
    Help(help::HelpArguments),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<Status> {
        match self {
            Self::Demo(arguments) => demo::run(arguments, context),
            Self::Ingest(arguments) => ingest::run(arguments, context),
            Self::Query(arguments) => query::run(arguments, context),
            Self::Tail(arguments) => tail::run(arguments, context),
            Self::Repl(arguments) => repl::run(arguments, context),
            Self::Export(arguments) => export::run(arguments, context),
            Self::Metrics(arguments) => listing::metrics(arguments, context),
            Self::Metric(arguments) => metric::run(arguments, context),
            Self::Mark(arguments) => mark::run(arguments, context),
            Self::Series(arguments) => listing::series(arguments, context),
            Self::Labels(arguments) => listing::labels(arguments, context),
            Self::Values(arguments) => listing::values(arguments, context),
            Self::Stats(arguments) => stats::run(arguments, context),
            Self::Verify(arguments) => verify::run(arguments, context),
            Self::Compact(arguments) => compact::run(arguments, context),
            Self::Inspect(arguments) => inspect::run(arguments, context),
            Self::Backup(arguments) => backup::run(arguments, context),
            Self::Bench(arguments) => bench::run(arguments, context),
            Self::Delete(arguments) => delete::run(arguments, context),
            Self::Retention(arguments) => retention::run(arguments, context),
            Self::Completions(arguments) => manual::completions(arguments, context),
            Self::Man(arguments) => manual::man(arguments, context),
            Self::Help(arguments) => help::run(arguments, context),
        }
    }
}
