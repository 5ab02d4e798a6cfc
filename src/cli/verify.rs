//! `silverback verify`: checks every byte of the store.

use std::io::{self, Write};

use clap::Args;

use crate::cli::{Context, Status};

/// Arguments of `silverback verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {}

pub(crate) fn run(_: &VerifyArguments, context: &Context) -> anyhow::Result<Status> {
    let report = context.reader()?.verify()?;
    let mut out = io::stdout().lock();
    for damage in &report.damages {
        write!(out, "{} at byte {}: {}", damage.path.display(), damage.offset, damage.what)?;
        if let Some(series) = &damage.series {
            write!(out, "; lost {} samples of {series}", damage.samples)?;
        }
        if let Some((first, last)) = damage.times {
            write!(out, " from {first} to {last}")?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "{} segments, {} chunks, {} samples, {} logs checked: {} damaged places",
        report.segments,
        report.chunks,
        report.samples,
        report.logs,
        report.damages.len()
    )?;
    Ok(if report.damages.is_empty() { Status::Done } else { Status::Damaged })
}
