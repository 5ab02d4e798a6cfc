//! `silverback delete`: takes samples out of every answer.

use std::io::{self, Write};

use clap::Args;
use silverback::{Columns, Outcome, Request, Selector, TimeRange};

use crate::cli::ask::{AskArguments, confirmed};
use crate::cli::selector::selector;
use crate::cli::span::SpanArguments;
use crate::cli::{Context, Status};

const NEEDS_YES: &str = "deleting needs --yes here, or --dry-run to see what it would be";

/// Arguments of `silverback delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The series, such as 'latency{bot="test"}'
    #[arg(value_name = "SELECTOR")]
    selector: String,
    #[command(flatten)]
    span: SpanArguments,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Say how many samples it would be, and delete nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    ask: AskArguments,
}

pub(crate) fn run(arguments: &DeleteArguments, context: &Context) -> anyhow::Result<Status> {
    let chosen = selector(&arguments.selector)?;
    let range = arguments.span.range()?;
    let reader = context.reader_of_one()?;
    if arguments.dry_run || !arguments.yes {
        let (series, samples) = count(&reader.snapshot()?, &chosen, range)?;
        let what = format!("{samples} samples of {series} series");
        if arguments.dry_run {
            writeln!(io::stdout().lock(), "{what} would be deleted")?;
            return Ok(Status::Done);
        }
        if !confirmed(&format!("delete {what}"), NEEDS_YES)? {
            return Ok(Status::Done);
        }
    }
    if let Some(Outcome::Deleted(report)) =
        context.ask(&Request::Delete(chosen, range), &arguments.ask)?
    {
        let (series, samples) = (report.series, report.samples);
        writeln!(io::stdout().lock(), "{samples} samples of {series} series deleted")?;
    }
    Ok(Status::Done)
}

fn count(
    snapshot: &silverback::Snapshot,
    chosen: &Selector,
    range: TimeRange,
) -> anyhow::Result<(u64, u64)> {
    let (mut series_count, mut samples) = (0, 0);
    let mut columns = Columns::default();
    for series in snapshot.select(chosen)? {
        snapshot.read(&series, range, &mut columns)?;
        series_count += u64::from(!columns.is_empty());
        samples += columns.len() as u64;
    }
    Ok((series_count, samples))
}
