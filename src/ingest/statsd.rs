//! Lines of `StatsD` and `DogStatsD`: `name:value|type|@rate|#tag:value,…|Ttime`.
//!
//! Counts become deltas, times the inverse of their rate; timings, histograms and distributions
//! events; gauges gauges. Sets count distinct texts, and a store of numbers refuses them.

use std::collections::HashMap;

use memchr::memchr;

use crate::ingest::groups::Group;
use crate::ingest::number;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows, utf8};
use crate::model::{MetricDef, MetricKind};

/// An input of lines.
#[derive(Debug, Default)]
pub(crate) struct StatsdRows {
    /// The level of each gauge, for lines that change it.
    levels: HashMap<u32, f64>,
    key: Vec<u8>,
    samples: Vec<(u32, f64)>,
}

/// What a type says of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Count,
    Gauge,
    /// In milliseconds.
    Timing,
    Histogram,
    Set,
}

/// The parts of a line, as they stand.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    name: &'a [u8],
    /// Values with colons between.
    values: &'a [u8],
    of: Type,
    rate: Option<f64>,
    tags: &'a [u8],
    time: &'a [u8],
}

impl Rows for StatsdRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        if row.starts_with(b"#") {
            return Ok(());
        }
        let line = Line::parse(row)?;
        if line.of == Type::Set {
            let reason = "a set counts distinct texts, which no sample holds; send a count";
            return Err(BadRow::new(0, reason).into());
        }
        let timestamp = if line.time.is_empty() { feed.now()? } else { feed.time(line.time, 0)? };
        self.key.clear();
        for part in [line.name, b"\n", line.tags] {
            self.key.extend_from_slice(part);
        }
        let group = match feed.groups.find(&self.key) {
            Some(group) => group,
            None => line.add(&self.key, feed)?,
        };
        self.samples.clear();
        for text in line.values.split(|byte| *byte == b':') {
            let shown = || String::from_utf8_lossy(text).into_owned();
            let value = number::double(text.strip_prefix(b"+").unwrap_or(text))
                .ok_or_else(|| BadRow::new(0, format!("{:?} is not a number", shown())))?;
            let value = match line.of {
                Type::Count => value / line.rate.unwrap_or(1.0),
                Type::Gauge => self.level(group, text, value)?,
                _ => value,
            };
            self.samples.push((0, value));
        }
        feed.take(timestamp, group, &mut self.samples)
    }
}

impl StatsdRows {
    /// Returns the level that a gauge has now: a sign before its value says that it changes by it.
    fn level(&mut self, group: u32, text: &[u8], value: f64) -> Result<f64, BadRow> {
        let is_change = text.starts_with(b"+") || text.starts_with(b"-");
        let level = match (is_change, self.levels.get(&group)) {
            (false, _) => value,
            (true, Some(level)) => level + value,
            (true, None) => {
                let reason = "a change of a gauge whose level was not told before in this input";
                return Err(BadRow::new(0, reason));
            }
        };
        self.levels.insert(group, level);
        Ok(level)
    }
}

impl<'a> Line<'a> {
    fn parse(row: &'a [u8]) -> Result<Self, BadRow> {
        let shape = || BadRow::new(0, "a line is `name:value|type`");
        let row = row.trim_ascii();
        let colon = memchr(b':', row).ok_or_else(shape)?;
        let (name, rest) = row.split_at_checked(colon).ok_or_else(shape)?;
        if row.starts_with(b"_e{") || row.starts_with(b"_sc|") {
            return Err(BadRow::new(1, "events and service checks hold no sample"));
        }
        let mut parts = rest.get(1..).unwrap_or(&[]).split(|byte| *byte == b'|');
        let values = parts.next().filter(|values| !values.is_empty()).ok_or_else(shape)?;
        let word = parts.next().ok_or_else(shape)?;
        let of = match word {
            b"c" | b"m" => Type::Count,
            b"g" => Type::Gauge,
            b"ms" => Type::Timing,
            b"h" | b"d" => Type::Histogram,
            b"s" => Type::Set,
            _ => {
                let word = String::from_utf8_lossy(word).into_owned();
                return Err(BadRow::new(0, format!("unknown type {word:?}; known: c g ms h d s")));
            }
        };
        let mut line = Self { name, values, of, rate: None, tags: &[], time: &[] };
        for part in parts {
            match part.split_first() {
                Some((b'@', rate)) => {
                    let rate = number::double(rate).filter(|rate| *rate > 0.0 && *rate <= 1.0);
                    let refused = || BadRow::new(0, "a rate lies between 0 and 1");
                    line.rate = Some(rate.ok_or_else(refused)?);
                }
                Some((b'#', tags)) => line.tags = tags,
                Some((b'T', time)) => line.time = time,
                // The container that sent it, and what later versions add.
                Some((b'c' | b'e', _)) => {}
                _ => return Err(BadRow::new(0, "unknown part; known: @rate #tags Ttime")),
            }
        }
        Ok(line)
    }

    /// Adds the line's group, and defines its metric.
    #[cold]
    fn add(&self, key: &[u8], feed: &mut Feed<'_, '_>) -> Result<u32, RowError> {
        let (name, inner) = self.labels_in_name()?;
        let mut labels = inner;
        for tag in utf8(self.tags)?.split(',').filter(|tag| !tag.is_empty()) {
            // A tag without a value is a mark that is there.
            let (name, value) = tag.split_once(':').unwrap_or((tag, "true"));
            labels.push((name.to_owned(), value.to_owned()));
        }
        let (kind, unit) = match self.of {
            Type::Count => (MetricKind::Delta, None),
            Type::Gauge => (MetricKind::Gauge, None),
            Type::Timing => (MetricKind::Event, Some("ms".to_owned())),
            Type::Histogram | Type::Set => (MetricKind::Event, None),
        };
        feed.define(&MetricDef { kind, unit, ..MetricDef::new(name.as_str()) })?;
        Ok(feed.add_group(key, Group { labels, metrics: vec![name], fields: Vec::new() })?)
    }

    /// Reads the labels that Telegraf (`name,tag=value`) and Graphite (`name;tag=value`) put into
    /// the name.
    fn labels_in_name(&self) -> Result<(String, Vec<(String, String)>), BadRow> {
        let text = utf8(self.name)?;
        let mut parts = text.split([',', ';']);
        let name = parts.next().unwrap_or("").to_owned();
        let pair = |part: &str| {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| BadRow::new(1, format!("{part:?} is not tag=value")))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        Ok((name, parts.map(pair).collect::<Result<_, BadRow>>()?))
    }
}

/// True where a line reads as one of `StatsD`.
pub(crate) fn looks_like_statsd(line: &[u8]) -> bool {
    Line::parse(line).is_ok_and(|line| {
        let mut values = line.values.split(|byte| *byte == b':');
        line.labels_in_name().is_ok()
            && (line.of == Type::Set
                || values.all(|value| {
                    number::double(value.strip_prefix(b"+").unwrap_or(value)).is_some()
                }))
    })
}
