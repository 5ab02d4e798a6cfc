//! `silverback export`: samples as text that `ingest` reads.

use std::io::{self, Write};

use clap::Args;
use silverback::output::{SampleFormat, SampleWriter};
use silverback::{Columns, MetricDef, SelectedSeries, Selector, Snapshot, TimeRange};

use crate::cli::selector::selector;
use crate::cli::span::SpanArguments;
use crate::cli::{Context, Status};

/// Arguments of `silverback export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The series, all of them by default
    #[arg(value_name = "SELECTOR")]
    selector: Option<String>,
    /// The form: influx, csv, ndjson or prom
    #[arg(short, long, default_value = "influx", value_name = "FORM")]
    output: SampleFormat,
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
    write_chosen(&snapshot, &chosen, arguments.span.range()?, arguments.output, &mut out)?;
    out.flush()?;
    Ok(Status::Done)
}

/// Writes all samples of a view as line protocol.
pub(crate) fn write_all(snapshot: &Snapshot, out: &mut dyn Write) -> anyhow::Result<()> {
    write_chosen(snapshot, &Selector::default(), TimeRange::ALL, SampleFormat::Influx, out)
}

fn write_chosen(
    snapshot: &Snapshot,
    chosen: &Selector,
    range: TimeRange,
    format: SampleFormat,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let metrics = snapshot.metrics()?;
    let series = snapshot.select(chosen)?;
    let mut writer = SampleWriter::new(format, series.iter().map(SelectedSeries::key), out);
    let mut columns = Columns::default();
    for series in &series {
        snapshot.read(series, range, &mut columns)?;
        let name = series.key().metric();
        let known = metrics.iter().find(|def| def.name == name);
        let def = known.cloned().unwrap_or_else(|| MetricDef::new(name));
        writer.series(&def, series.key(), columns.iter())?;
    }
    writer.finish()?;
    Ok(())
}
