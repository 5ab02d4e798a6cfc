//! `silverback metrics`, `series`, `labels` and `values`: what the store knows.

use std::io::{self, Write};

use clap::Args;
use silverback::Selector;
use silverback::lang::ast::{Body, MatchOp, SampleSelector, Statement};
use silverback::lang::parse;
use silverback::{Limits, Matcher, MatcherOp};

use crate::cli::{Context, Status};

/// silverback metrics
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Print how many there are
    #[arg(long)]
    count: bool,
}

/// silverback series 'latency{bot="support"}'
#[derive(Debug, Args)]
pub(crate) struct SelectArguments {
    /// The series, all of them by default
    #[arg(value_name = "SELECTOR")]
    selector: Option<String>,
    /// Print how many there are
    #[arg(long)]
    count: bool,
}

/// silverback values channel
#[derive(Debug, Args)]
pub(crate) struct ValuesArguments {
    /// The label
    label: String,
    /// Print how many there are
    #[arg(long)]
    count: bool,
}

pub(crate) fn metrics(arguments: &ListArguments, context: &Context) -> anyhow::Result<Status> {
    let metrics = context.reader()?.snapshot()?.metrics()?;
    let lines = metrics.iter().map(|def| {
        let unit = def.unit.as_deref().unwrap_or("-");
        format!("{}  {}  {unit}", def.name, def.kind)
    });
    print(lines, arguments.count)
}

pub(crate) fn series(arguments: &SelectArguments, context: &Context) -> anyhow::Result<Status> {
    let chosen = match &arguments.selector {
        Some(text) => selector(text)?,
        None => Selector::default(),
    };
    let series = context.reader()?.snapshot()?.select(&chosen)?;
    print(series.iter().map(|series| series.key().to_string()), arguments.count)
}

pub(crate) fn labels(arguments: &ListArguments, context: &Context) -> anyhow::Result<Status> {
    let names = context.reader()?.snapshot()?.label_names()?;
    print(names.into_iter(), arguments.count)
}

pub(crate) fn values(arguments: &ValuesArguments, context: &Context) -> anyhow::Result<Status> {
    let values = context.reader()?.snapshot()?.label_values(&arguments.label)?;
    print(values.into_iter(), arguments.count)
}

fn print(lines: impl Iterator<Item = String>, only_count: bool) -> anyhow::Result<Status> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if only_count {
        writeln!(out, "{}", lines.count())?;
    } else {
        for line in lines {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(Status::Done)
}

/// Reads a selector of the query language, such as `latency{bot="support"}`.
pub(crate) fn selector(text: &str) -> anyhow::Result<Selector> {
    let statement = parse(text, &Limits::default())?;
    let Statement::Query(query) = statement else {
        anyhow::bail!("a selector is like latency{{bot=\"support\"}}, not a question");
    };
    match query.body {
        Body::Samples(sample) if sample.filter.is_none() && query.clauses.is_empty() => {
            compile(&sample.selector)
        }
        _ => anyhow::bail!("a selector is like latency{{bot=\"support\"}}, without clauses"),
    }
}

fn compile(written: &SampleSelector) -> anyhow::Result<Selector> {
    let metric = written.metric.as_ref().map(|name| name.node.clone());
    let mut selector = Selector { metric, matchers: Vec::new() };
    for matcher in &written.matchers {
        let label = matcher.node.label.node.clone();
        let value = matcher.node.values.first().map_or("", |value| value.node.as_str());
        let limits = Limits::default();
        selector.matchers.push(match matcher.node.op {
            MatchOp::Equal => Matcher::equal(label, value),
            MatchOp::NotEqual => Matcher { label, op: MatcherOp::NotEqual(value.to_owned()) },
            MatchOp::Matches => {
                Matcher::regex(label, value, false, &limits).map_err(silverback::Error::from)?
            }
            MatchOp::NotMatches => {
                Matcher::regex(label, value, true, &limits).map_err(silverback::Error::from)?
            }
            MatchOp::In => {
                let values = matcher.node.values.iter().map(|value| value.node.clone()).collect();
                Matcher { label, op: MatcherOp::In(values) }
            }
        });
    }
    Ok(selector)
}
