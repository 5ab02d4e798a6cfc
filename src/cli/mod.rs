//! The command line: arguments, one file a verb, and what all verbs share.

mod ask;
mod backup;
mod bench;
mod compact;
mod delete;
mod demo;
mod export;
mod help;
mod ingest;
mod inspect;
mod interrupt;
mod listing;
mod manual;
mod mark;
mod metric;
mod place;
mod progress;
mod quantity;
mod query;
mod repl;
mod retention;
mod selector;
mod settings;
mod span;
mod stats;
mod status;
mod tail;
mod terminal;
mod verb;
mod verify;

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::cli::place::check_together;
pub(crate) use crate::cli::status::{ErrorFormat, Status, Usage, failure};
use crate::cli::terminal::Color;
use crate::cli::verb::Verb;

/// The heading of what every verb takes.
const EVERYWHERE: &str = "Everywhere";

/// A store for the performance of bot back ends: append every request as a sample, ask for exact
/// percentiles, rates and error shares while the bot writes.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(next_help_heading = EVERYWHERE)]
#[command(before_help = "silverback query 'p99(latency) by channel every 1m last 1h'")]
pub(crate) struct Arguments {
    /// The store's directory; several are read as one store [default: the nearest .silverback
    /// upwards]
    #[arg(long, global = true, env = "SILVERBACK_DB", value_name = "DIR")]
    db: Vec<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say which store is meant, and how files were read
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When output is coloured
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Color,
    /// How errors are shown
    #[arg(long, global = true, value_enum, default_value = "human")]
    error_format: ErrorFormat,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb is told.
#[derive(Debug)]
pub(crate) struct Context {
    /// The directories that were given.
    db: Vec<PathBuf>,
    quiet: bool,
    verbose: bool,
    color: Color,
}

impl Arguments {
    /// Reads the arguments of the process, with what the settings say where they are silent. Ends
    /// the process where it was asked for help, or for what is not there.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let matches = settings::applied(Self::command())?.get_matches();
        Self::from_arg_matches(&matches).map_err(|error| error.exit())
    }

    pub(crate) fn error_format(&self) -> ErrorFormat {
        self.error_format
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Status> {
    check_together(&arguments.db, std::env::args_os())?;
    let Arguments { db, quiet, verbose, color, .. } = arguments;
    let context = Context { db, quiet, verbose, color };
    arguments.verb.run(&context)
}
