//! `silverback compact`: merges the segments of each day into one.

use std::io::{self, Write};

use clap::Args;

use crate::cli::{Context, Status};

/// Arguments of `silverback compact`.
#[derive(Debug, Args)]
pub(crate) struct CompactArguments {}

pub(crate) fn run(_: &CompactArguments, context: &Context) -> anyhow::Result<Status> {
    // A writer would create what is not there.
    drop(context.reader()?);
    let store = context.writer()?;
    let report = store.compact()?;
    store.close()?;
    writeln!(
        io::stdout().lock(),
        "{} segments with {} bytes became {} with {} bytes",
        report.segments_before,
        report.bytes_before,
        report.segments_after,
        report.bytes_after
    )?;
    Ok(Status::Done)
}
