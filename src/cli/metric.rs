//! `silverback metric`: says what a metric is, or shows it.

use std::io::{self, Write};

use clap::Args;
use silverback::{DuplicatePolicy, Error, ErrorKind, MetricDef, MetricKind, Request};

use crate::cli::ask::AskArguments;
use crate::cli::listing::in_one_line;
use crate::cli::status::no_metric;
use crate::cli::{Context, Status};

/// Arguments of `silverback metric`.
#[derive(Debug, Args)]
pub(crate) struct MetricArguments {
    /// The metric's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The unit of its values, such as ms, s, bytes or tokens
    #[arg(long)]
    unit: Option<String>,
    /// event, delta, counter or gauge [default: as stored, or event]
    #[arg(long)]
    kind: Option<MetricKind>,
    /// Which samples count that share a timestamp: keep (all), last, first or max [default: as
    /// stored, or keep]
    #[arg(long, value_name = "POLICY")]
    duplicates: Option<DuplicatePolicy>,
    #[command(flatten)]
    ask: AskArguments,
}

impl MetricArguments {
    /// Returns true where nothing is said about the metric: it is shown, and never made.
    fn only_asks(&self) -> bool {
        self.unit.is_none() && self.kind.is_none() && self.duplicates.is_none()
    }
}

pub(crate) fn run(arguments: &MetricArguments, context: &Context) -> anyhow::Result<Status> {
    let name = arguments.name.as_str();
    if arguments.only_asks() {
        let metrics = context.reader_of_one()?.snapshot()?.metrics()?;
        let stored = metrics.iter().find(|def| def.name == name);
        show(stored.ok_or_else(|| no_metric(name, &metrics))?)?;
        return Ok(Status::Done);
    }
    let stored = match context.reader_of_one() {
        Ok(reader) => reader.snapshot()?.metric(name)?,
        // A metric may be described before the store is there.
        Err(error) if is_not_there(&error) => None,
        Err(error) => return Err(error),
    };
    let stored = stored.unwrap_or_else(|| MetricDef::new(name));
    let def = MetricDef {
        name: name.to_owned(),
        kind: arguments.kind.unwrap_or(stored.kind),
        duplicates: arguments.duplicates.unwrap_or(stored.duplicates),
        unit: arguments.unit.clone().or(stored.unit),
    };
    let request = Request::Define(def.clone());
    if context.ask(&request, &arguments.ask)?.is_some() {
        show(&def)?;
    }
    Ok(Status::Done)
}

fn show(def: &MetricDef) -> io::Result<()> {
    let MetricDef { name, kind, duplicates, unit } = def;
    let unit = unit.as_deref().unwrap_or("none");
    let line = format!("{name}: kind {kind}, unit {unit}, duplicates {duplicates}");
    writeln!(io::stdout().lock(), "{}", in_one_line(&line))
}

fn is_not_there(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<Error>();
    error.is_some_and(|error| matches!(error.kind(), ErrorKind::NotAStore { .. }))
}
