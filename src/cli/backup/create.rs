//! `silverback backup create`: backs the store up as it is now.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use silverback::{Backups, Progress};

use crate::cli::Context;
use crate::cli::backup::sharing;

/// Arguments of `silverback backup create`.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// The directory of the backups of this store
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Copy every segment, so that the backup shares nothing with the store or other backups
    #[arg(long)]
    copy: bool,
}

pub(super) fn run(arguments: &CreateArguments, context: &Context) -> anyhow::Result<()> {
    let reader = context.reader_of_one()?;
    let backups = Backups::in_dir(&arguments.directory);
    let (progress, sharing) = (Progress::default(), sharing(arguments.copy));
    let report =
        context.watched(&progress, || backups.create_watched(&reader, sharing, &progress))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "backup {} with {} samples at {}",
        report.number,
        report.samples,
        report.path.display()
    )?;
    writeln!(
        out,
        "{} segments: {} kept, {} linked, {} copied; {} bytes written",
        report.segments,
        report.segments_kept,
        report.segments_linked,
        report.segments_copied,
        report.bytes_written
    )?;
    Ok(())
}
