//! `silverback stats`: how much the store holds, and what its bytes are spent on.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};
use silverback::{Cardinality, MetricStats, StatsReport};

use crate::cli::{Context, Status};

/// Arguments of `silverback stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// table or json
    #[arg(short, long, value_parser = ["table", "json"], default_value = "table")]
    output: String,
    /// Show which labels make the series many, the one that makes the most first
    #[arg(long)]
    cardinality: bool,
}

pub(crate) fn run(arguments: &StatsArguments, context: &Context) -> anyhow::Result<Status> {
    let snapshot = context.reader()?.snapshot()?;
    let mut out = io::stdout().lock();
    if arguments.cardinality {
        write_cardinality(&snapshot.cardinality()?, arguments.output == "json", &mut out)?;
        return Ok(Status::Done);
    }
    let report = snapshot.stats()?;
    if arguments.output == "json" {
        writeln!(out, "{}", to_json(&report))?;
    } else {
        write_table(&report, &mut out)?;
    }
    Ok(Status::Done)
}

fn write_cardinality(report: &[Cardinality], json: bool, out: &mut dyn Write) -> io::Result<()> {
    let object = |one: &Cardinality| {
        json!({
            "metric": one.metric,
            "label": one.label,
            "values": one.values,
            "series": one.series,
            "series_without": one.series_without,
        })
    };
    if json {
        return writeln!(out, "{}", report.iter().map(object).collect::<Value>());
    }
    for one in report {
        writeln!(
            out,
            "{} of {}: {} values; {} series, {} without it",
            one.label, one.metric, one.values, one.series, one.series_without
        )?;
    }
    Ok(())
}

fn to_json(report: &StatsReport) -> Value {
    let metrics: Vec<Value> = report.metrics.iter().map(metric_to_json).collect();
    json!({
        "samples": report.samples,
        "series": report.series,
        "segments": report.segments,
        "log_bytes": report.log_bytes,
        "segment_bytes": report.segment_bytes,
        "bytes_per_sample": report.bytes_per_sample,
        "write_amplification": report.write_amplification,
        "timestamp_blocks": report.timestamp_blocks,
        "timestamp_blocks_shared": report.timestamp_blocks_shared,
        "metrics": metrics,
    })
}

fn metric_to_json(metric: &MetricStats) -> Value {
    json!({
        "name": metric.name,
        "kind": metric.kind.as_str(),
        "unit": metric.unit,
        "samples": metric.samples,
        "series": metric.series,
        "bytes": metric.value_bytes + metric.timestamp_bytes,
        "bits_per_value": metric.bits_per_value(),
        "bits_per_timestamp": metric.bits_per_timestamp(),
        "codecs": metric.codecs,
    })
}

fn write_table(report: &StatsReport, out: &mut dyn Write) -> io::Result<()> {
    let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    writeln!(out, "samples                  {}", report.samples)?;
    writeln!(out, "series                   {}", report.series)?;
    writeln!(out, "segments                 {}", report.segments)?;
    writeln!(out, "log bytes                {}", report.log_bytes)?;
    writeln!(out, "segment bytes            {}", report.segment_bytes)?;
    writeln!(out, "bytes per sample         {}", ratio(report.bytes_per_sample))?;
    writeln!(out, "write amplification      {}", ratio(report.write_amplification))?;
    writeln!(out, "deletions pending        {}", report.deletions)?;
    writeln!(out, "timestamp blocks         {}", report.timestamp_blocks)?;
    writeln!(out, "timestamp blocks shared  {}", report.timestamp_blocks_shared)?;
    for metric in &report.metrics {
        writeln!(
            out,
            "{} ({}, {}): {} samples, {} series, {} bits a value, {} bits a timestamp, chunks {:?}",
            metric.name,
            metric.kind,
            metric.unit.as_deref().unwrap_or("no unit"),
            metric.samples,
            metric.series,
            ratio(metric.bits_per_value()),
            ratio(metric.bits_per_timestamp()),
            metric.codecs,
        )?;
    }
    Ok(())
}
