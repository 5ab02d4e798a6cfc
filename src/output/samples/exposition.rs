//! Samples as `OpenMetrics`, with times in seconds to the nanosecond.
//!
//! It has no kind for events and deltas, which are `unknown` to it; names that it does not allow
//! stand in quotes, as its later versions have it.

use std::io;

use crate::model::{MetricDef, MetricKind, Sample, SeriesKey, Timestamp};
use crate::output::number;

/// Writes what a metric is.
pub(crate) fn write_comments(def: &MetricDef, out: &mut dyn io::Write) -> io::Result<()> {
    let (name, kind) = (name(&def.name), kind(def.kind));
    writeln!(out, "# TYPE {name} {kind}")?;
    match &def.unit {
        Some(unit) => writeln!(out, "# UNIT {name} {}", escaped(unit)),
        None => Ok(()),
    }
}

fn kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Event | MetricKind::Delta => "unknown",
    }
}

/// Writes the samples of a series, a line each.
pub(crate) fn write(
    key: &SeriesKey,
    samples: impl Iterator<Item = Sample>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let is_plain = is_plain(key.metric());
    let own = (!is_plain).then(|| name(key.metric()));
    let label = |(label, value): (&str, &str)| format!("{}=\"{}\"", name(label), escaped(value));
    let parts: Vec<String> = own.into_iter().chain(key.labels().map(label)).collect();
    let outside = if is_plain { key.metric() } else { "" };
    let series = if parts.is_empty() {
        outside.to_owned()
    } else {
        format!("{outside}{{{}}}", parts.join(","))
    };
    for sample in samples {
        let (value, time) = (number::text(sample.value), seconds(sample.timestamp));
        writeln!(out, "{series} {value} {time}")?;
    }
    Ok(())
}

/// Writes what stands behind the last sample.
pub(crate) fn write_end(out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(b"# EOF\n")
}

/// Returns a time in seconds with all nine decimals, by which its reader knows that it is exact.
fn seconds(time: Timestamp) -> String {
    const NANOS: u64 = 1_000_000_000;
    let nanos = time.as_nanos().unsigned_abs();
    let sign = if time.as_nanos() < 0 { "-" } else { "" };
    format!("{sign}{}.{:09}", nanos / NANOS, nanos % NANOS)
}

/// Returns a name as it stands where the format allows that, else in quotes.
fn name(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("\"{}\"", escaped(name)) }
}

fn is_plain(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
