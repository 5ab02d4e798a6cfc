//! `silverback export`: samples as text that `ingest` reads.

use std::io::{self, Write};

use clap::Args;
use silverback::output::line::write_samples;
use silverback::{Columns, Selector, Snapshot, TimeRange};

use crate::cli::selector::selector;
use crate::cli::span::SpanArguments;
use crate::cli::{Context, Status};

/// Arguments of `silverback export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The series, all of them by default
    #[arg(value_name = "SELECTOR")]
    selector: Option<String>,
    /// The form: influx line protocol
    #[arg(short, long, value_parser = ["influx"], default_value = "influx")]
    output: String,
    #[command(flatten)]
    span: SpanArguments,
}

pub(crate) fn run(arguments: &ExportArguments, context: &Context) -> anyhow::Result<Status> {
    let snapshot = context.reader()?.snapshot()?;
    let chosen = match &arguments.selector {
        Some(text) => selector(text)?,
        None => Selector::default(),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    write_chosen(&snapshot, &chosen, arguments.span.range()?, &mut out)?;
    out.flush()?;
    Ok(Status::Done)
}

/// Writes all samples of a view.
pub(crate) fn write_all(snapshot: &Snapshot, out: &mut dyn Write) -> anyhow::Result<()> {
    write_chosen(snapshot, &Selector::default(), TimeRange::ALL, out)
}

fn write_chosen(
    snapshot: &Snapshot,
    chosen: &Selector,
    range: TimeRange,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut columns = Columns::default();
    for series in snapshot.select(chosen)? {
        snapshot.read(&series, range, &mut columns)?;
        write_samples(series.key(), columns.iter(), out)?;
    }
    Ok(())
}
