//! What exporters expose: the text format of Prometheus, and `OpenMetrics`.
//!
//! TYPE and UNIT give a metric's kind and unit; a unit is told by the end of the name otherwise, as
//! its conventions have it. Exemplars are passed over. The time that `_created` gives is that of a
//! counter's start, which is a sample of 0.

use std::collections::HashMap;

use memchr::memchr;

use crate::ingest::groups::Group;
use crate::ingest::number;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows, utf8};
use crate::ingest::time::TimeUnit;
use crate::model::{MetricDef, MetricKind, Timestamp};

/// An input of samples, a line each, with comments that say what they are.
#[derive(Debug, Default)]
pub(crate) struct ExpositionRows {
    /// Whole times are seconds; milliseconds otherwise.
    is_open_metrics: bool,
    /// What the comments say of each family of metrics.
    families: HashMap<String, Family>,
    /// The last start that each group of a counter has had.
    starts: HashMap<u32, Timestamp>,
    /// The time of all samples of the input that have none: a scrape has one.
    now: Option<Timestamp>,
    samples: Vec<(u32, f64)>,
}

#[derive(Debug, Default)]
struct Family {
    kind: Option<String>,
    unit: Option<String>,
}

/// The parts of a sample's line.
#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    /// Name and labels, as they stand.
    series: &'a [u8],
    value: &'a [u8],
    /// Empty where the sample has no time.
    time: &'a [u8],
}

impl ExpositionRows {
    pub(crate) fn new(is_open_metrics: bool) -> Self {
        Self { is_open_metrics, ..Self::default() }
    }
}

impl Rows for ExpositionRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        if row.trim_ascii_start().starts_with(b"#") {
            return Ok(self.comment(utf8(row)?)?);
        }
        let parts = parts(row).ok_or_else(|| {
            BadRow::new(0, "a line is `name{label=\"value\"} value`, and a time or none")
        })?;
        let value = number::double(parts.value).or_else(|| special(parts.value));
        let shown = || String::from_utf8_lossy(parts.value).into_owned();
        let column = row.len() - parts.time.len() + 1;
        let value =
            value.ok_or_else(|| BadRow::new(0, format!("{:?} is not a number", shown())))?;
        let timestamp = self.time(parts.time, column, feed)?;
        let group = match feed.groups.find(parts.series) {
            Some(group) => group,
            None => self.add(parts.series, feed)?,
        };
        let is_start = feed.groups.get(group).is_some_and(|group| !group.fields.is_empty());
        self.samples.clear();
        if !is_start {
            self.samples.push((0, value));
            return feed.take(timestamp, group, &mut self.samples);
        }
        let start = feed.time(parts.value, 0)?;
        if self.starts.insert(group, start) == Some(start) {
            return Ok(());
        }
        self.samples.push((0, 0.0));
        feed.take(start, group, &mut self.samples)
    }
}

impl ExpositionRows {
    fn time(
        &mut self,
        text: &[u8],
        column: usize,
        feed: &Feed<'_, '_>,
    ) -> Result<Timestamp, BadRow> {
        if text.is_empty() {
            if self.now.is_none() {
                self.now = Some(feed.now()?);
            }
            return self.now.ok_or_else(|| BadRow::new(0, "the row has no time"));
        }
        if feed.options.time_unit != TimeUnit::Auto || feed.options.time_origin.is_some() {
            return feed.time(text, column);
        }
        // What is exported is in seconds with all nine decimals, so that no year is refused.
        let is_exact = memchr(b'.', text).is_some_and(|point| text.len() - point == 10);
        let nanos = utf8(text)?.replace('.', "").parse().ok().filter(|_| is_exact);
        if let Some(nanos) = nanos {
            return Ok(Timestamp::from_nanos(nanos));
        }
        if !self.is_open_metrics || memchr(b'.', text).is_some() {
            return feed.time(text, column);
        }
        let seconds: Option<i64> = utf8(text)?.parse().ok();
        let nanos = seconds.and_then(|seconds| seconds.checked_mul(1_000_000_000));
        let not_one = || BadRow::new(column, "the time is no number of seconds");
        nanos.map(Timestamp::from_nanos).ok_or_else(not_one)
    }

    /// Learns what a comment says of a metric; others say nothing.
    fn comment(&mut self, text: &str) -> Result<(), BadRow> {
        let text = text.trim().trim_start_matches('#').trim_start();
        let Some((word, rest)) = text.split_once(' ') else { return Ok(()) };
        if word != "TYPE" && word != "UNIT" {
            return Ok(());
        }
        let (name, rest) = if let Some(quoted) = rest.trim_start().strip_prefix('"') {
            read_quoted(quoted)
                .ok_or_else(|| BadRow::new(0, "a quote is opened and never closed"))?
        } else {
            let (name, rest) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
            (name.to_owned(), rest)
        };
        let family = self.families.entry(name).or_default();
        let said = Some(unescaped(rest.trim())).filter(|rest| !rest.is_empty());
        match word {
            "TYPE" => family.kind = said,
            _ => family.unit = said,
        }
        Ok(())
    }

    /// Adds the group of a series, and defines its metric by what the comments say.
    #[cold]
    fn add(&self, series: &[u8], feed: &mut Feed<'_, '_>) -> Result<u32, RowError> {
        let (name, labels) = read_series(utf8(series)?)?;
        let end = ["_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info"]
            .into_iter()
            .find(|end| name.ends_with(end));
        let inner = end.and_then(|end| name.strip_suffix(end)).unwrap_or(&name);
        let own = self.families.get(&name).map(|family| (family, ""));
        let found = own.or_else(|| self.families.get(inner).map(|f| (f, end.unwrap_or(""))));
        let (kind, unit, end) = match found {
            Some((family, end)) => (family.kind.as_deref(), family.unit.as_deref(), end),
            None => (None, None, ""),
        };
        let is_start = end == "_created" && kind == Some("counter");
        let metric = if is_start { started_by(inner) } else { name };
        let counted = match kind {
            Some("counter") => Some(MetricKind::Counter),
            Some("histogram" | "summary") if end == "_created" => Some(MetricKind::Gauge),
            Some("histogram" | "summary") if !end.is_empty() => Some(MetricKind::Counter),
            Some("gauge" | "summary" | "gaugehistogram" | "info" | "stateset") => {
                Some(MetricKind::Gauge)
            }
            // Nothing is said of it but its unit.
            _ => unit.map(|_| MetricKind::Event),
        };
        if let Some(kind) = counted {
            let is_count = matches!(end, "_bucket" | "_count" | "_gcount");
            let unit = unit.map(short_unit).or_else(|| unit_of_name(&metric));
            let unit = unit.filter(|_| !is_count).map(str::to_owned);
            feed.define(&MetricDef { kind, unit, ..MetricDef::new(metric.as_str()) })?;
        }
        // A start is told by a field that no other group here has.
        let fields = if is_start { vec![Box::from(&b"start"[..])] } else { Vec::new() };
        Ok(feed.add_group(series, Group { labels, metrics: vec![metric], fields })?)
    }
}

/// Returns the counter that a `_created` belongs to.
fn started_by(family: &str) -> String {
    let is_plain = family.ends_with("_total");
    if is_plain { family.to_owned() } else { format!("{family}_total") }
}

/// The units of `OpenMetrics` that have a usual short form.
fn short_unit(unit: &str) -> &str {
    match unit {
        "seconds" => "s",
        "milliseconds" => "ms",
        "microseconds" => "us",
        "nanoseconds" => "ns",
        unit => unit,
    }
}

/// Returns the unit that a name ends with, by the conventions of Prometheus.
fn unit_of_name(name: &str) -> Option<&'static str> {
    let name = ["_total", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    [("_seconds", "s"), ("_milliseconds", "ms"), ("_bytes", "bytes")]
        .into_iter()
        .find_map(|(end, unit)| name.ends_with(end).then_some(unit))
}

/// Cuts a line into its parts.
#[inline]
fn parts(row: &[u8]) -> Option<Parts<'_>> {
    let row = row.trim_ascii();
    let end = match row.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t'))? {
        open if row.get(open) == Some(&b'{') => end_of_labels(row, open)?,
        end => end,
    };
    let (series, rest) = row.split_at_checked(end)?;
    // An exemplar stands behind a `#`.
    let rest = memchr(b'#', rest).and_then(|at| rest.get(..at)).unwrap_or(rest);
    let mut words = rest.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let (value, time) = (words.next()?, words.next().unwrap_or(&[]));
    (words.next().is_none() && !series.is_empty()).then_some(Parts { series, value, time })
}

/// Returns where the labels end that a brace opens.
#[inline]
fn end_of_labels(row: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match row.get(at)? {
            b'}' => return Some(at + 1),
            b'"' => at += 2 + end_of_quoted(row.get(at + 1..)?)?,
            _ => at += 1,
        }
    }
}

/// Returns where the quote stands that closes a text.
fn end_of_quoted(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn special(text: &[u8]) -> Option<f64> {
    match text {
        b"+Inf" | b"Inf" => Some(f64::INFINITY),
        b"-Inf" => Some(f64::NEG_INFINITY),
        b"NaN" => Some(f64::NAN),
        _ => None,
    }
}

/// Reads `name{label="value",…}`, or `{"name",label="value",…}`.
fn read_series(text: &str) -> Result<(String, Vec<(String, String)>), BadRow> {
    let bad = |rest: &str| BadRow::new(text.len() - rest.len() + 1, "labels are name=\"value\"");
    let (name, labels) = text.split_once('{').unwrap_or((text, ""));
    let mut name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    let mut rest = labels.strip_suffix('}').unwrap_or(labels).trim();
    let mut pairs: Vec<(String, String)> = Vec::new();
    while !rest.is_empty() {
        let (key, behind, is_quoted) = if let Some(quoted) = rest.strip_prefix('"') {
            let (key, behind) = read_quoted(quoted).ok_or_else(|| bad(rest))?;
            (key, behind, true)
        } else {
            let end = rest.find('=').ok_or_else(|| bad(rest))?;
            let (key, behind) = rest.split_at(end);
            (key.trim().to_owned(), behind, false)
        };
        match behind.trim_start().strip_prefix('=') {
            Some(value) => {
                let quoted = value.trim_start().strip_prefix('"').ok_or_else(|| bad(value))?;
                let (value, behind) = read_quoted(quoted).ok_or_else(|| bad(value))?;
                if pairs.iter().any(|(known, _)| *known == key) {
                    return Err(BadRow::new(0, format!("label {key:?} is given twice")));
                }
                pairs.push((key, value));
                rest = behind;
            }
            None if is_quoted && name.is_none() => {
                name = Some(key);
                rest = behind;
            }
            None => return Err(bad(rest)),
        }
        rest = rest.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err(bad(rest)),
        };
    }
    Ok((name.ok_or_else(|| BadRow::new(1, "the metric has no name"))?, pairs))
}

/// Reads up to the closing quote; returns the text and what stands behind the quote.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let end = end_of_quoted(text.as_bytes())?;
    Some((unescaped(text.get(..end)?), text.get(end + 1..)?))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | '"')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// True for a comment that only an exposition has.
pub(crate) fn is_exposition_comment(line: &[u8]) -> bool {
    let Some(comment) = line.trim_ascii().strip_prefix(b"#") else { return false };
    let comment = comment.trim_ascii_start();
    [&b"TYPE "[..], b"HELP ", b"UNIT "].iter().any(|word| comment.starts_with(word))
        || comment == b"EOF"
}

/// True where a line reads as a sample.
pub(crate) fn looks_like_exposition(line: &[u8]) -> bool {
    let is_number = |text| number::double(text).is_some() || special(text).is_some();
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | b'{');
    parts(line).is_some_and(|parts| {
        parts.series.first().is_some_and(is_name)
            && is_number(parts.value)
            && (parts.time.is_empty() || is_number(parts.time))
            && utf8(parts.series).is_ok_and(|series| {
                !series.split('{').next().unwrap_or("").contains([',', '"', '='])
                    && read_series(series).is_ok()
            })
    })
}
