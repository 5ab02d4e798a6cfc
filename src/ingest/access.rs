//! Access logs of web servers: the common and the combined form, and what `nginx` is often told
//! to put behind them, `$request_time`.
//!
//! `host - - [10/Oct/2026:13:55:36 +0200] "GET /u/123 HTTP/1.1" 200 2326 "referer" "agent" 0.042`
//! becomes the metrics `response_bytes` and `request_time`, with the labels method, path, status
//! and `status_class`. Numbers, UUIDs and long hexadecimal parts of a path become `:id`.

use std::collections::HashSet;

use memchr::memchr;

use crate::ingest::groups::Group;
use crate::ingest::number;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows, utf8};
use crate::ingest::time;
use crate::model::{Limits, MetricDef, Timestamp};

/// An input of lines.
#[derive(Debug, Default)]
pub(crate) struct AccessRows {
    /// The paths that were seen, as patterns.
    paths: HashSet<Box<[u8]>>,
    pattern: Vec<u8>,
    key: Vec<u8>,
    samples: Vec<(u32, f64)>,
}

/// The parts of a line, as they stand.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    time: &'a [u8],
    method: &'a [u8],
    /// Without its query.
    path: &'a [u8],
    status: &'a [u8],
    bytes: &'a [u8],
    /// How long the request took, if it is told.
    took: Option<Took<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Took<'a> {
    /// With decimals, as nginx writes it.
    Seconds(&'a [u8]),
    /// A whole number, as Apache writes it.
    Micros(&'a [u8]),
}

/// The metrics of a line, by place, and their units.
const METRICS: [(&str, &str); 3] =
    [("response_bytes", "bytes"), ("request_time", "s"), ("request_time_us", "us")];

impl Rows for AccessRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        if row.starts_with(b"#") {
            return Ok(());
        }
        let line = Line::parse(row)?;
        let timestamp = read_time(line.time)
            .ok_or_else(|| BadRow::new(0, "the time is not like [10/Oct/2026:13:55:36 +0200]"))?;
        self.samples.clear();
        self.samples.push((0, value(line.bytes)?));
        match line.took {
            Some(Took::Seconds(text)) => self.samples.push((1, value(text)?)),
            Some(Took::Micros(text)) => self.samples.push((2, value(text)?)),
            None => {}
        }
        self.find_pattern(line.path);
        self.key.clear();
        for part in [line.method, line.status, &self.pattern] {
            self.key.extend_from_slice(part);
            self.key.push(b' ');
        }
        let group = match feed.groups.find(&self.key) {
            Some(group) => group,
            None => self.add(&line, feed)?,
        };
        feed.take(timestamp, group, &mut self.samples)
    }
}

impl AccessRows {
    /// Finds the pattern of a path; those of scanners are too many to be told apart.
    fn find_pattern(&mut self, path: &[u8]) {
        const OTHER: &[u8] = b":other";
        write_pattern(path, &mut self.pattern);
        if self.paths.contains(&*self.pattern) {
            return;
        }
        if self.paths.len() as u64 >= Limits::DEFAULT.input_paths_max {
            self.pattern.clear();
            self.pattern.extend_from_slice(OTHER);
        } else {
            self.paths.insert(self.pattern.as_slice().into());
        }
    }

    #[cold]
    fn add(&self, line: &Line<'_>, feed: &mut Feed<'_, '_>) -> Result<u32, RowError> {
        let class =
            line.status.first().map_or(String::new(), |digit| format!("{}xx", *digit as char));
        let labels = [("method", line.method), ("path", &*self.pattern), ("status", line.status)];
        let mut labels: Vec<(String, String)> = labels
            .into_iter()
            .map(|(name, text)| Ok((name.to_owned(), utf8(text)?.to_owned())))
            .collect::<Result<_, BadRow>>()?;
        labels.push(("status_class".to_owned(), class));
        for (place, (name, unit)) in (0..).zip(METRICS) {
            if self.samples.iter().any(|(known, _)| *known == place) {
                let unit = Some(unit.to_owned());
                feed.define(&MetricDef { unit, ..MetricDef::new(name) })?;
            }
        }
        let metrics = METRICS.map(|(name, _)| name.to_owned()).to_vec();
        Ok(feed.add_group(&self.key, Group { labels, metrics, fields: Vec::new() })?)
    }
}

impl<'a> Line<'a> {
    fn parse(row: &'a [u8]) -> Result<Self, BadRow> {
        let bad = |at: usize, reason: &str| BadRow::new(at + 1, reason);
        let open = memchr(b'[', row).ok_or_else(|| bad(0, "there is no [time]"))?;
        let rest = row.get(open + 1..).unwrap_or(&[]);
        let close = memchr(b']', rest).ok_or_else(|| bad(open, "there is no [time]"))?;
        let (time, rest) = rest.split_at_checked(close).unwrap_or((rest, &[]));
        let at = open + close + 2;
        let quoted =
            rest.strip_prefix(b"] \"").ok_or_else(|| bad(at, "there is no \"request\""))?;
        let end = end_of_quoted(quoted).ok_or_else(|| bad(at, "the request is not closed"))?;
        let (request, rest) = quoted.split_at_checked(end).unwrap_or((quoted, &[]));
        let mut words = rest.get(1..).unwrap_or(&[]).trim_ascii_start().splitn(3, |b| *b == b' ');
        let status = words.next().unwrap_or(&[]);
        if status.len() != 3 || !status.iter().all(u8::is_ascii_digit) {
            return Err(bad(at + end + 4, "there is no status of three digits"));
        }
        let bytes = words.next().unwrap_or(&[]);
        let took = took(words.next().unwrap_or(&[]));
        let (method, path) = request_parts(request);
        Ok(Self { time, method, path, status, bytes, took })
    }
}

/// Returns method and path; a request that is none, such as the start of a TLS session, has none.
fn request_parts(request: &[u8]) -> (&[u8], &[u8]) {
    let mut words = request.split(|byte| *byte == b' ');
    let is_method = |word: &&[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_uppercase);
    let (Some(method), Some(path)) = (words.next().filter(is_method), words.next()) else {
        return (b"-", b"-");
    };
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#' | b';')).unwrap_or(path.len());
    (method, path.get(..end).unwrap_or(path))
}

/// Returns how long a request took, from what stands behind its size: the last word that is a
/// number, such as `0.042`, `"0.042"` or `rt=0.042`.
fn took(rest: &[u8]) -> Option<Took<'_>> {
    let mut left = rest.trim_ascii();
    // Referer and agent are in quotes and hold anything.
    while let Some(quoted) = left.strip_prefix(b"\"") {
        let end = end_of_quoted(quoted)?;
        let (inner, behind) = quoted.split_at_checked(end)?;
        let behind = behind.get(1..).unwrap_or(&[]).trim_ascii_start();
        if behind.is_empty() {
            return seconds_or_micros(inner);
        }
        left = behind;
    }
    left.split(|byte| *byte == b' ').find_map(|word| {
        let start = memchr(b'=', word).map_or(0, |at| at + 1);
        let word = word.get(start..)?;
        let inner = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\""));
        seconds_or_micros(inner.unwrap_or(word))
    })
}

fn seconds_or_micros(word: &[u8]) -> Option<Took<'_>> {
    let is_plain = word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    number::double(word).filter(|_| is_plain)?;
    let has_decimals = memchr(b'.', word).is_some();
    Some(if has_decimals { Took::Seconds(word) } else { Took::Micros(word) })
}

fn value(text: &[u8]) -> Result<f64, BadRow> {
    if text == b"-" {
        return Ok(0.0);
    }
    let shown = || format!("{:?} is not a number", String::from_utf8_lossy(text));
    number::double(text).ok_or_else(|| BadRow::new(0, shown()))
}

/// Returns where the quote stands that closes a text; one behind a backslash does not.
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

/// Reads `10/Oct/2026:13:55:36 +0200`.
fn read_time(text: &[u8]) -> Option<Timestamp> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let (civil, offset) = text.split_at_checked(20)?;
    let digits = |at: usize, count: usize| {
        civil.get(at..at + count)?.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let month = MONTHS.iter().position(|month| civil.get(3..6) == Some(*month))?;
    let month = i64::try_from(month).ok()? + 1;
    let (day, year) = (digits(0, 2)?, digits(7, 4)?);
    let (hour, minute, second) = (digits(12, 2)?, digits(15, 2)?, digits(18, 2)?);
    let separators = [2, 6, 11, 14, 17].map(|at| civil.get(at).copied());
    let is_shaped = separators == [b'/', b'/', b':', b':', b':'].map(Some);
    let is_civil = (1970..2200).contains(&year)
        && (1..=time::days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_shaped || !is_civil {
        return None;
    }
    let offset = match offset.trim_ascii() {
        b"-0000" => 0,
        offset => time::offset_seconds(offset)?,
    };
    let days = time::days_since_epoch(year, month, day);
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Some(Timestamp::from_nanos(seconds * 1_000_000_000))
}

/// Writes a path with `:id` in place of what names one thing among many.
fn write_pattern(path: &[u8], pattern: &mut Vec<u8>) {
    pattern.clear();
    for (index, part) in path.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            pattern.push(b'/');
        }
        pattern.extend_from_slice(if is_id(part) { b":id" } else { part });
    }
}

/// True for numbers, UUIDs, and long tokens that hold digits.
fn is_id(part: &[u8]) -> bool {
    const HEX_MIN: usize = 8;
    const TOKEN_MIN: usize = 20;
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_hex = part.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let is_token = part.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    (digits > 0 && digits == part.len())
        || (digits > 0 && is_hex && part.len() >= HEX_MIN)
        || (digits > 1 && is_token && part.len() >= TOKEN_MIN)
}

/// True where a line reads as one of an access log.
pub(crate) fn looks_like_access_log(line: &[u8]) -> bool {
    Line::parse(line).is_ok_and(|line| read_time(line.time).is_some())
}

#[cfg(test)]
mod tests {
    use crate::ingest::access::{read_time, write_pattern};
    use crate::model::Timestamp;

    #[test]
    fn paths_become_patterns() {
        for (path, pattern) in [
            ("/", "/"),
            ("/u/123", "/u/:id"),
            ("/u/123/", "/u/:id/"),
            ("/v1/orders/6f1e2d3c-0a1b-4c5d-8e9f-001122334455/items", "/v1/orders/:id/items"),
            ("/blob/deadbeef01", "/blob/:id"),
            ("/decade/facade", "/decade/facade"),
            ("/t/eyJhbGciOiJIUzI1NiJ9abc", "/t/:id"),
        ] {
            let mut out = Vec::new();
            write_pattern(path.as_bytes(), &mut out);
            assert_eq!(out, pattern.as_bytes(), "{path}");
        }
    }

    #[test]
    fn times_are_read_in_their_offset() {
        let nanos = |text: &str| read_time(text.as_bytes()).map(Timestamp::as_nanos);
        assert_eq!(nanos("10/Oct/2000:13:55:36 -0700"), Some(971_211_336_000_000_000));
        assert_eq!(nanos("10/Oct/2000:20:55:36 +0000"), Some(971_211_336_000_000_000));
        for text in ["", "10/Okt/2000:13:55:36 -0700", "31/Feb/2000:13:55:36 +0000", "10/Oct/2000"]
        {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
