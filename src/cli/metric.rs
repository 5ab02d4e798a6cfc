//! `silverback metric`: says what a metric is.

use std::io::{self, Write};

use clap::Args;
use silverback::{DuplicatePolicy, MetricDef, MetricKind, Request};

use crate::cli::ask::AskArguments;
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

pub(crate) fn run(arguments: &MetricArguments, context: &Context) -> anyhow::Result<Status> {
    let name = arguments.name.as_str();
    // A metric may be described before the store is there.
    let stored = match context.reader_of_one() {
        Ok(reader) => reader.snapshot()?.metric(name)?,
        Err(_) => None,
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
        let MetricDef { kind, duplicates, unit, .. } = def;
        let unit = unit.as_deref().unwrap_or("none");
        writeln!(io::stdout().lock(), "{name}: kind {kind}, unit {unit}, duplicates {duplicates}")?;
    }
    Ok(Status::Done)
}
