//! Influx line protocol: `measurement,tag=value field=1.5,other=2i 1700000000000000000`.

use std::borrow::Cow;

use crate::ingest::csv::utf8;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows};
use crate::ingest::time::{self, TimeUnit};
use crate::model::Timestamp;

/// An input of lines.
#[derive(Debug)]
pub(crate) struct InfluxRows;

impl Rows for InfluxRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let text = utf8(row)?;
        if text.trim_start().starts_with('#') {
            return Ok(());
        }
        let line = Line::parse(text)?;
        let timestamp = match feed.options.time_unit {
            // The protocol's own unit, in which every time is legal.
            TimeUnit::Auto => line.time.parse().map(Timestamp::from_nanos).map_err(|_| {
                format!("{:?} is not a time in nanoseconds; give --time-unit", line.time)
            }),
            unit => time::parse(line.time, unit, &feed.options.zone),
        };
        let timestamp = timestamp.map_err(|reason| BadRow::new(line.time_at, reason))?;
        let names: Vec<(String, f64)> = line
            .fields
            .iter()
            .map(|(field, value)| match field.as_ref() {
                "value" => (line.measurement.to_string(), *value),
                field => (format!("{}_{field}", line.measurement), *value),
            })
            .collect();
        let mut labels: Vec<(&str, &str)> =
            line.tags.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        let mut samples = names.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        feed.take(timestamp, &mut labels, &mut samples)
    }
}

/// True where a line reads as line protocol.
pub(crate) fn looks_like_line_protocol(line: &[u8]) -> bool {
    utf8(line).is_ok_and(|text| Line::parse(text.trim_end()).is_ok())
}

/// One line, its parts unescaped.
#[derive(Debug)]
struct Line<'a> {
    measurement: Cow<'a, str>,
    tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    fields: Vec<(Cow<'a, str>, f64)>,
    time: &'a str,
    time_at: usize,
}

impl<'a> Line<'a> {
    fn parse(text: &'a str) -> Result<Self, BadRow> {
        let column = |part: &str| part.as_ptr().addr() - text.as_ptr().addr() + 1;
        let (series, rest) = cut(text, b' ')
            .ok_or_else(|| BadRow::new(0, "a line is `name,tag=value field=1.5 time`"))?;
        let (measurement, mut tags_left) = cut(series, b',').unwrap_or((series, ""));
        if measurement.is_empty() {
            return Err(BadRow::new(1, "the measurement has no name"));
        }
        let mut tags: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        while !tags_left.is_empty() {
            let (tag, more) = cut(tags_left, b',').unwrap_or((tags_left, ""));
            let (name, value) = cut(tag, b'=')
                .ok_or_else(|| BadRow::new(column(tag), format!("tag {tag:?} has no value")))?;
            let name = unescape(name);
            if tags.iter().any(|(known, _)| *known == name) {
                return Err(BadRow::new(column(tag), format!("tag {name:?} is given twice")));
            }
            tags.push((name, unescape(value)));
            tags_left = more;
        }
        let (fields_text, time) = cut_fields(rest.trim_start());
        let time = time.trim();
        if time.is_empty() {
            return Err(BadRow::new(0, "the line has no time"));
        }
        let fields = parse_fields(fields_text, column)?;
        // A backslash keeps the first character from making the line something else.
        let is_guarded = measurement.starts_with("\\#")
            || measurement.starts_with("\\{")
            || measurement.starts_with("\\\u{feff}");
        let measurement =
            measurement.strip_prefix('\\').filter(|_| is_guarded).unwrap_or(measurement);
        let measurement = unescape(measurement);
        Ok(Self { measurement, tags, fields, time, time_at: column(time) })
    }
}

fn parse_fields(
    text: &str,
    column: impl Fn(&str) -> usize,
) -> Result<Vec<(Cow<'_, str>, f64)>, BadRow> {
    let mut fields = Vec::new();
    let mut left = text;
    while !left.is_empty() {
        let (name, rest) = cut(left, b'=')
            .ok_or_else(|| BadRow::new(column(left), format!("field {left:?} has no value")))?;
        if rest.starts_with('"') {
            let reason = "text fields hold no samples; leave them out or make them tags";
            return Err(BadRow::new(column(rest), reason));
        }
        let (value, more) = cut(rest, b',').unwrap_or((rest, ""));
        let number = number(value)
            .ok_or_else(|| BadRow::new(column(value), format!("{value:?} is not a number")))?;
        fields.push((unescape(name), number));
        left = more;
    }
    Ok(fields)
}

fn number(value: &str) -> Option<f64> {
    match value {
        "t" | "T" | "true" | "True" | "TRUE" => Some(1.0),
        "f" | "F" | "false" | "False" | "FALSE" => Some(0.0),
        _ => value.strip_suffix(['i', 'u']).unwrap_or(value).parse().ok(),
    }
}

/// Cuts at the first occurrence of a byte that no backslash stands before.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        if byte == at && !is_escaped {
            return Some((text.get(..index)?, text.get(index + 1..)?));
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    None
}

/// Cuts at the space before the time, which quotes may hide.
fn cut_fields(text: &str) -> (&str, &str) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => is_quoted = !is_quoted,
            b' ' if !is_quoted && !is_escaped => {
                return text.split_at_checked(index).unwrap_or((text, ""));
            }
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    (text, "")
}

/// Takes backslashes away; before `n` and `r` they stand for line ends, as in Telegraf's writer.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some(next @ ('\\' | ',' | ' ' | '='))) => out.push(next),
            (c, _) => {
                out.push(c);
                continue;
            }
        }
        chars.next();
    }
    Cow::Owned(out)
}
