//! `silverback backup restore`: a new store of a backup.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use silverback::Backups;

use crate::cli::Context;
use crate::cli::backup::sharing;

/// Arguments of `silverback backup restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The directory of the backups
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Which backup [default: the newest]
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    /// Copy every segment, so that the store shares nothing with the backup
    #[arg(long)]
    copy: bool,
}

pub(super) fn run(arguments: &RestoreArguments, context: &Context) -> anyhow::Result<()> {
    let backups = Backups::in_dir(&arguments.directory);
    let target = context.directory()?;
    let report = backups.restore(arguments.number, target, sharing(arguments.copy))?;
    writeln!(
        io::stdout().lock(),
        "backup {} of {} restored: {} samples in {} segments, at {}",
        report.number,
        report.created,
        report.samples,
        report.segments,
        report.path.display()
    )?;
    Ok(())
}
