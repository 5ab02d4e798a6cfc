//! `silverback metrics`, `series`, `labels` and `values`: what the store knows.

use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use silverback::{MetricDef, Selector, SeriesKey};

use crate::cli::selector::selector;
use crate::cli::{Context, Status};

/// Arguments of `silverback metrics`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    shape: Shape,
}

/// Arguments of `silverback series` and `silverback labels`.
#[derive(Debug, Args)]
pub(crate) struct SelectArguments {
    /// The series, all of them by default
    #[arg(value_name = "SELECTOR")]
    selector: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

/// Arguments of `silverback values`.
#[derive(Debug, Args)]
pub(crate) struct ValuesArguments {
    /// The label
    label: String,
    #[command(flatten)]
    shape: Shape,
}

impl SelectArguments {
    fn chosen(&self) -> anyhow::Result<Selector> {
        self.selector.as_deref().map_or_else(|| Ok(Selector::default()), selector)
    }
}

/// How a list is printed.
#[derive(Debug, Args)]
struct Shape {
    /// Print how many there are
    #[arg(long)]
    count: bool,
    /// A line each, one JSON array, or a JSON value a line
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
    Ndjson,
}

pub(crate) fn metrics(arguments: &ListArguments, context: &Context) -> anyhow::Result<Status> {
    let metrics = context.reader()?.snapshot()?.metrics()?;
    let line = |def: &MetricDef| {
        let unit = def.unit.as_deref().unwrap_or("-");
        format!("{}  {}  {unit}", def.name, def.kind)
    };
    let object = |def: &MetricDef| {
        let (kind, duplicates) = (def.kind.as_str(), def.duplicates.as_str());
        json!({"name": def.name, "kind": kind, "unit": def.unit, "duplicates": duplicates})
    };
    print(&metrics, line, object, &arguments.shape)
}

pub(crate) fn series(arguments: &SelectArguments, context: &Context) -> anyhow::Result<Status> {
    let series = context.reader()?.snapshot()?.select(&arguments.chosen()?)?;
    let object = |key: &SeriesKey| {
        let pairs = key.labels().map(|(name, value)| (name.to_owned(), json!(value)));
        let labels: Map<String, Value> = pairs.collect();
        json!({"metric": key.metric(), "labels": labels})
    };
    print(
        &series,
        |series| series.key().to_string(),
        |series| object(series.key()),
        &arguments.shape,
    )
}

pub(crate) fn labels(arguments: &SelectArguments, context: &Context) -> anyhow::Result<Status> {
    let snapshot = context.reader()?.snapshot()?;
    let names = if arguments.selector.is_none() {
        snapshot.label_names()?
    } else {
        let series = snapshot.select(&arguments.chosen()?)?;
        let names = series.iter().flat_map(|series| series.key().labels()).map(|(name, _)| name);
        let names: BTreeSet<&str> = names.collect();
        names.into_iter().map(str::to_owned).collect()
    };
    print(&names, String::clone, |name| json!(name), &arguments.shape)
}

pub(crate) fn values(arguments: &ValuesArguments, context: &Context) -> anyhow::Result<Status> {
    let values = context.reader()?.snapshot()?.label_values(&arguments.label)?;
    print(&values, String::clone, |value| json!(value), &arguments.shape)
}

fn print<T>(
    items: &[T],
    line: impl Fn(&T) -> String,
    value: impl Fn(&T) -> Value,
    shape: &Shape,
) -> anyhow::Result<Status> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match shape.output {
        _ if shape.count => writeln!(out, "{}", items.len())?,
        Output::Json => writeln!(out, "{}", items.iter().map(value).collect::<Value>())?,
        Output::Ndjson => {
            for item in items {
                writeln!(out, "{}", value(item))?;
            }
        }
        Output::Table => {
            for item in items {
                writeln!(out, "{}", in_one_line(&line(item)))?;
            }
        }
    }
    out.flush()?;
    Ok(Status::Done)
}

/// Writes control characters as escapes: one item is one line, and none of it reaches a terminal.
pub(crate) fn in_one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
