//! `silverback compact`: merges the segments of each day into one.

use std::io::{self, Write};

use clap::Args;
use silverback::{Outcome, Request};

use crate::cli::ask::AskArguments;
use crate::cli::{Context, Status};

/// Arguments of `silverback compact`.
#[derive(Debug, Args)]
pub(crate) struct CompactArguments {
    /// Take samples off the disk that were deleted or have expired
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    ask: AskArguments,
}

pub(crate) fn run(arguments: &CompactArguments, context: &Context) -> anyhow::Result<Status> {
    // A writer would create what is not there.
    drop(context.reader_of_one()?);
    let request = if arguments.purge { Request::Purge } else { Request::Compact };
    if let Some(Outcome::Compacted(report)) = context.ask(&request, &arguments.ask)? {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{} segments with {} bytes became {} with {} bytes",
            report.segments_before, report.bytes_before, report.segments_after, report.bytes_after
        )?;
        if arguments.purge {
            writeln!(out, "{} samples purged", report.samples_purged)?;
        }
    }
    Ok(Status::Done)
}
