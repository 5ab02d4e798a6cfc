//! `silverback bench`: what this machine does with made-up or recorded traffic, in figures.

mod arguments;
mod load;
mod machine;
mod naive;
mod query;
mod questions;
mod recorded;
mod recover;
mod report;
mod write;

use clap::{Args, Subcommand};

use crate::cli::bench::arguments::{LoadArguments, QueryArguments};
use crate::cli::bench::report::Figures;
use crate::cli::{Context, Status};

/// Arguments of `silverback bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Append samples from memory, flush, close and merge: samples a second, memory, bytes on disk
    #[command(before_help = "silverback bench write --samples 100000 --threads 2")]
    Write(LoadArguments),
    /// Open a store after a clean close and as a killed process leaves it: time to the first answer
    #[command(before_help = "silverback bench recover --samples 100000")]
    Recover(LoadArguments),
    /// How many bytes a sample takes, flushed and merged
    #[command(before_help = "silverback bench size --samples 100000 --workload scrape")]
    Size(LoadArguments),
    /// Ask seven questions of a merged store: the time of each
    #[command(before_help = "silverback bench query --samples 100000")]
    Query(QueryArguments),
}

pub(crate) fn run(arguments: &BenchArguments, _: &Context) -> anyhow::Result<Status> {
    let (figures, load): (Figures, _) = match &arguments.verb {
        Verb::Write(load) => (write::run(load)?, load),
        Verb::Recover(load) => (recover::run(load)?, load),
        Verb::Size(load) => (write::size(load)?, load),
        Verb::Query(query) => (query::run(query)?, &query.load),
    };
    figures.print(load.output)?;
    Ok(Status::Done)
}
