//! Influx line protocol: `measurement,tag=value field=1.5,other=2i 1700000000000000000`.

use std::borrow::Cow;

use memchr::memchr2;

use crate::ingest::groups::Group;
use crate::ingest::number;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows, utf8};
use crate::ingest::time::{self, TimeUnit};
use crate::model::Timestamp;

/// An input of lines.
#[derive(Debug, Default)]
pub(crate) struct InfluxRows {
    samples: Vec<(u32, f64)>,
}

impl Rows for InfluxRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        if let Some((timestamp, group)) = self.known(row, feed)? {
            return feed.take(timestamp, group, &mut self.samples);
        }
        let text = utf8(row)?;
        if text.trim_start().starts_with('#') {
            return Ok(());
        }
        let line = Line::parse(text, feed.options.string_fields)?;
        let timestamp = time_of(line.time.as_bytes(), line.time_at, feed)?;
        let group = line.group(feed)?;
        self.samples.clear();
        for (field, value) in &line.fields {
            let place = place_of(group, field, &line, feed)?;
            self.samples.push((place, *value));
        }
        feed.take(timestamp, group, &mut self.samples)
    }
}

impl InfluxRows {
    /// Reads a line of which nothing is new: measurement, tags and fields were seen before, and
    /// nothing is escaped behind the tags. Returns nothing for another one.
    #[inline]
    fn known(
        &mut self,
        row: &[u8],
        feed: &Feed<'_, '_>,
    ) -> Result<Option<(Timestamp, u32)>, RowError> {
        let Some(end) = end_of_series(row) else { return Ok(None) };
        let (series, mut rest) = row.split_at_checked(end).unwrap_or((row, &[]));
        let Some(number) = feed.groups.find(series) else { return Ok(None) };
        let Some(group) = feed.groups.get(number) else { return Ok(None) };
        self.samples.clear();
        let mut place = 0;
        loop {
            // Each field stands behind a space or a comma.
            rest = rest.get(1..).unwrap_or(&[]);
            let mut tail = after_name(rest, group, place);
            if tail.is_none() {
                let others = 0..group.fields.len();
                (place, tail) = others
                    .map(|other| (other, after_name(rest, group, other)))
                    .find(|(_, tail)| tail.is_some())
                    .unwrap_or((0, None));
            }
            let Some(tail) = tail else { return Ok(None) };
            let end = tail.iter().position(|byte| matches!(byte, b',' | b' '));
            let Some((value, behind)) = end.and_then(|end| tail.split_at_checked(end)) else {
                return Ok(None);
            };
            let Some(value) = plain_number(value) else { return Ok(None) };
            self.samples.push((u32::try_from(place).unwrap_or(u32::MAX), value));
            place += 1;
            rest = behind;
            if rest.first() == Some(&b' ') {
                break;
            }
        }
        let text = rest.get(1..).unwrap_or(&[]);
        let column = row.len() - text.len() + 1;
        Ok(Some((time_of(text.trim_ascii(), column, feed)?, number)))
    }
}

/// Returns where the space stands that ends measurement and tags.
#[inline]
fn end_of_series(row: &[u8]) -> Option<usize> {
    let first = memchr2(b' ', b'\\', row)?;
    if row.get(first) == Some(&b' ') {
        return Some(first);
    }
    let mut at = first;
    loop {
        match row.get(at)? {
            b'\\' => at += 2,
            b' ' => return Some(at),
            _ => at += 1,
        }
    }
}

/// Returns what stands behind `name=`, if the name is that of a group's field.
#[inline]
fn after_name<'a>(text: &'a [u8], group: &Group, place: usize) -> Option<&'a [u8]> {
    text.strip_prefix(&**group.fields.get(place)?)?.strip_prefix(b"=")
}

/// Reads a field's value that is a finite number, whole or not.
#[inline]
fn plain_number(text: &[u8]) -> Option<f64> {
    let text = text.strip_suffix(b"i").unwrap_or(text);
    text.last().filter(|byte| byte.is_ascii_digit())?;
    number::double(text)
}

#[inline]
fn time_of(text: &[u8], column: usize, feed: &Feed<'_, '_>) -> Result<Timestamp, BadRow> {
    match feed.options.time_unit {
        // The protocol's own unit.
        TimeUnit::Auto if feed.options.time_origin.is_none() => {
            time::nanos(text).map_err(|reason| BadRow::new(column, reason))
        }
        _ => feed.time(text, column),
    }
}

/// Returns the place of a field's metric in the group, which may be new to it.
fn place_of(
    number: u32,
    field: &str,
    line: &Line<'_>,
    feed: &mut Feed<'_, '_>,
) -> Result<u32, BadRow> {
    let known = feed
        .groups
        .get(number)
        .and_then(|group| group.fields.iter().position(|known| **known == *field.as_bytes()));
    if let Some(place) = known {
        return Ok(u32::try_from(place).unwrap_or(u32::MAX));
    }
    let metric = match &*unescape(field) {
        "value" => line.measurement.to_string(),
        name => format!("{}_{name}", line.measurement),
    };
    feed.groups.add_field(number, field.as_bytes(), metric)
}

/// True where a line reads as line protocol.
pub(crate) fn looks_like_line_protocol(line: &[u8]) -> bool {
    utf8(line).is_ok_and(|text| Line::parse(text.trim_end(), true).is_ok())
}

/// One line, its parts unescaped but for the names of fields.
#[derive(Debug)]
struct Line<'a> {
    /// Measurement and tags as they stand.
    series: &'a str,
    measurement: Cow<'a, str>,
    tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    fields: Vec<(&'a str, f64)>,
    /// Fields with text, where they are taken as labels.
    texts: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    time: &'a str,
    time_at: usize,
}

impl<'a> Line<'a> {
    fn parse(text: &'a str, takes_text: bool) -> Result<Self, BadRow> {
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
        let (mut fields, mut texts) = (Vec::new(), Vec::new());
        let mut left = fields_text;
        while !left.is_empty() {
            let (field, more) = parse_field(left, takes_text, column)?;
            match field {
                Field::Number(name, number) => fields.push((name, number)),
                Field::Text(name, text) => texts.push((name, text)),
            }
            left = more;
        }
        // A backslash keeps the first character from making the line something else.
        let is_guarded = measurement.starts_with("\\#")
            || measurement.starts_with("\\{")
            || measurement.starts_with("\\\u{feff}");
        let measurement =
            measurement.strip_prefix('\\').filter(|_| is_guarded).unwrap_or(measurement);
        let measurement = unescape(measurement);
        Ok(Self { series, measurement, tags, fields, texts, time, time_at: column(time) })
    }

    /// Returns the number of the line's group. Text that is taken as labels makes a group of its
    /// own, which the quick way does not find: it is no group of that measurement and those tags.
    fn group(&self, feed: &mut Feed<'_, '_>) -> Result<u32, BadRow> {
        let mut key = Cow::Borrowed(self.series.as_bytes());
        for part in self.texts.iter().flat_map(|(name, text)| [name, text]) {
            // No row holds a line end, so that this is no other group's key.
            key.to_mut().push(b'\n');
            key.to_mut().extend_from_slice(part.as_bytes());
        }
        if let Some(number) = feed.groups.find(&key) {
            return Ok(number);
        }
        let labels = self.tags.iter().chain(&self.texts);
        let labels = labels.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        feed.add_group(&key, Group { labels, ..Group::default() })
    }
}

/// A field, its name as it stands.
enum Field<'a> {
    Number(&'a str, f64),
    Text(Cow<'a, str>, Cow<'a, str>),
}

/// Reads a field, and returns it with what stands behind its comma.
fn parse_field(
    text: &str,
    takes_text: bool,
    column: impl Fn(&str) -> usize,
) -> Result<(Field<'_>, &str), BadRow> {
    let (name, rest) = cut(text, b'=')
        .ok_or_else(|| BadRow::new(column(text), format!("field {text:?} has no value")))?;
    if let Some(quoted) = rest.strip_prefix('"') {
        if !takes_text {
            let reason = "text fields hold no samples; leave them out, or take them as labels with \
                          --string-fields label";
            return Err(BadRow::new(column(rest), reason));
        }
        let (value, more) = cut(quoted, b'"')
            .ok_or_else(|| BadRow::new(column(rest), "a quote is opened and never closed"))?;
        let more = more.strip_prefix(',').unwrap_or(more);
        let value = value.replace("\\\"", "\"").replace("\\\\", "\\");
        return Ok((Field::Text(unescape(name), Cow::Owned(value)), more));
    }
    let (value, more) = cut(rest, b',').unwrap_or((rest, ""));
    let number = number(value)
        .ok_or_else(|| BadRow::new(column(value), format!("{value:?} is not a number")))?;
    Ok((Field::Number(name, number), more))
}

fn number(value: &str) -> Option<f64> {
    match value {
        "t" | "T" | "true" | "True" | "TRUE" => Some(1.0),
        "f" | "F" | "false" | "False" | "FALSE" => Some(0.0),
        _ => number::double(value.strip_suffix(['i', 'u']).unwrap_or(value).as_bytes()),
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
