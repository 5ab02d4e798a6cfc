//! `silverback metric`: says what a metric is.

use std::io::{self, Write};

use clap::Args;
use silverback::{DuplicatePolicy, MetricDef, MetricKind};

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
}

pub(crate) fn run(arguments: &MetricArguments, context: &Context) -> anyhow::Result<Status> {
    let store = context.writer()?;
    let name = arguments.name.as_str();
    let stored = store.snapshot()?.metric(name)?.unwrap_or_else(|| MetricDef::new(name));
    let kind = arguments.kind.unwrap_or(stored.kind);
    let duplicates = arguments.duplicates.unwrap_or(stored.duplicates);
    let unit = arguments.unit.clone().or(stored.unit);
    let metric = store.metric(name).kind(kind).duplicates(duplicates);
    match &unit {
        Some(unit) => metric.unit(unit.as_str()).define()?,
        None => metric.define()?,
    }
    store.close()?;
    let unit = unit.as_deref().unwrap_or("none");
    writeln!(io::stdout().lock(), "{name}: kind {kind}, unit {unit}, duplicates {duplicates}")?;
    Ok(Status::Done)
}
