//! `silverback repl`: questions one after the other, with completion from the store.

mod commands;
mod complete;
mod editor;
mod paint;
mod piped;
mod session;
mod talk;

use clap::Args;
use silverback::output::Format;

pub(crate) use crate::cli::repl::talk::run;

/// Arguments of `silverback repl`.
#[derive(Debug, Args)]
pub(crate) struct ReplArguments {
    /// table, csv, json, ndjson, markdown, spark, plot or heatmap; .mode changes it
    #[arg(short, long, default_value = "table")]
    output: Format,
}
