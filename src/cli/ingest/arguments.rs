//! The arguments of `silverback ingest`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;
use silverback::Durability;

use crate::cli::ingest::reading::ReadingArguments;
use crate::cli::quantity::duration_of;

/// Arguments of `silverback ingest`.
#[derive(Debug, Args)]
pub(crate) struct IngestArguments {
    /// The files, plain, .gz or .zst; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten, next_help_heading = "How files are read")]
    pub(crate) reading: ReadingArguments,
    /// What a bad row does
    #[arg(long, value_parser = ["skip", "stop"], default_value = "skip")]
    pub(crate) on_error: String,
    /// Keep bad rows in this file, byte for byte
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Go on reading as the files grow, are replaced or begin anew, until Ctrl-C
    #[arg(long)]
    pub(crate) follow: bool,
    /// Go on behind what an earlier run stored of the same files
    #[arg(long)]
    pub(crate) resume: bool,
    /// Store nothing; show the mapping and how three rows read
    #[arg(long, conflicts_with_all = ["follow", "resume"])]
    pub(crate) dry_run: bool,
    /// Samples that become durable together
    #[arg(long, default_value = "1000", value_name = "N")]
    pub(crate) batch: NonZero<usize>,
    /// sync, interval=200ms or os
    #[arg(long, default_value = "interval=200ms", value_parser = durability)]
    pub(crate) durability: Durability,
}

fn durability(text: &str) -> Result<Durability, String> {
    let unknown = || "write sync, os or interval=200ms".to_owned();
    match text.split_once('=') {
        None if text == "sync" => Ok(Durability::Sync),
        None if text == "os" => Ok(Durability::Os),
        Some(("interval", length)) => {
            duration_of(length).map(Durability::Interval).map_err(|_| unknown())
        }
        _ => Err(unknown()),
    }
}
