//! Objects whose parts are labels unless they are known to be more: `{"metric":"latency",
//! "time":…,"value":842.5,"labels":{"bot":"support"}}`, and those of `VictoriaMetrics`, which hold
//! many samples of one series: `{"metric":{"__name__":…},"values":[…],"timestamps":[…]}`.

use crate::ingest::groups::Group;
use crate::ingest::json::mapped::{raw, text_of};
use crate::ingest::json::scan::{Scanner, Value, unescaped};
use crate::ingest::map::Mapping;
use crate::ingest::number;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError};
use crate::ingest::time::TimeUnit;
use crate::model::Timestamp;

/// How such objects are read.
#[derive(Debug, Default)]
pub(crate) struct LongRows {
    /// The member that is the time, if it is not told by one of the usual names.
    time: Option<String>,
    /// Members that are values, and their metrics; none where a member names the metric.
    metrics: Vec<(String, String)>,
    key: Vec<u8>,
    samples: Vec<(u32, f64)>,
    timestamps: Vec<Timestamp>,
}

/// What a row holds besides its labels.
#[derive(Debug, Default)]
struct Parts<'a> {
    metric: Option<Value<'a>>,
    time: Option<Value<'a>>,
    labels: Option<Value<'a>>,
    values: Option<Value<'a>>,
    timestamps: Option<Value<'a>>,
}

const TIME_NAMES: [&[u8]; 4] = [b"time", b"timestamp", b"ts", b"@timestamp"];

impl LongRows {
    /// Reads objects with this time, and these members as the values of metrics.
    pub(crate) fn new(time: Option<String>, metrics: Vec<(String, String)>) -> Self {
        Self { time, metrics, ..Self::default() }
    }

    pub(crate) fn take(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let parts = self.read(row, feed.row_number())?;
        if let (Some(values), Some(timestamps)) = (parts.values, parts.timestamps) {
            self.read_many(values, timestamps, feed)?;
            let group = self.group_of(row, &parts, feed)?;
            return feed.take_many(group, &self.timestamps, &mut self.samples);
        }
        let timestamp = match parts.time {
            Some(Value::Number(text) | Value::Text(text, _)) => feed.time(text, 0)?,
            None if self.time.as_deref() == Some(Mapping::ROW_NUMBER) => {
                feed.time(feed.row_number().to_string().as_bytes(), 0)?
            }
            _ => return Err(BadRow::new(0, "there is no time").into()),
        };
        let group = self.group_of(row, &parts, feed)?;
        feed.take(timestamp, group, &mut self.samples)
    }

    fn group_of(
        &self,
        row: &[u8],
        parts: &Parts<'_>,
        feed: &mut Feed<'_, '_>,
    ) -> Result<u32, BadRow> {
        match feed.groups.find(&self.key) {
            Some(group) => Ok(group),
            None => feed.add_group(&self.key, self.group(row, parts)?),
        }
    }

    /// Reads a row: its labels into the key, its values into the samples.
    fn read<'a>(&mut self, row: &'a [u8], number: u64) -> Result<Parts<'a>, BadRow> {
        let mut parts = Parts::default();
        self.key.clear();
        self.samples.clear();
        for (index, (column, _)) in (0..).zip(&self.metrics) {
            match column.as_str() {
                Mapping::ONE => self.samples.push((index, 1.0)),
                #[expect(clippy::cast_precision_loss, reason = "no file has 2^53 rows")]
                Mapping::ROW_NUMBER => self.samples.push((index, number as f64)),
                _ => {}
            }
        }
        let mut scanner = Scanner::new(row);
        let mut has_more = scanner.open_object()?;
        while has_more {
            let (name, _) = scanner.name()?;
            let value = scanner.value()?;
            self.member(name, value, &mut parts)?;
            has_more = scanner.more_members()?;
        }
        scanner.end()?;
        Ok(parts)
    }

    fn member<'a>(
        &mut self,
        name: &'a [u8],
        value: Value<'a>,
        parts: &mut Parts<'a>,
    ) -> Result<(), BadRow> {
        let place = self.place_of(name, value);
        let twice =
            || BadRow::new(0, format!("{:?} is given twice", String::from_utf8_lossy(name)));
        let known = match place {
            Place::Metric => &mut parts.metric,
            Place::Time => &mut parts.time,
            Place::Labels => &mut parts.labels,
            Place::Values => &mut parts.values,
            Place::Timestamps => &mut parts.timestamps,
            Place::Value(index) => {
                let number = match value {
                    Value::Number(text) | Value::Text(text, _) => number::double(text.trim_ascii()),
                    Value::Null => return Ok(()),
                    _ => None,
                };
                let shown = || format!("{:?} is not a number", String::from_utf8_lossy(name));
                if self.samples.iter().any(|(known, _)| *known == index) {
                    return Err(twice());
                }
                self.samples.push((index, number.ok_or_else(|| BadRow::new(0, shown()))?));
                return Ok(());
            }
            Place::Label => {
                for part in [name, raw(value)] {
                    self.key.extend_from_slice(part);
                    self.key.push(b'\n');
                }
                return Ok(());
            }
        };
        if known.replace(value).is_some() {
            return Err(twice());
        }
        if matches!(place, Place::Metric | Place::Labels) {
            let (Value::Object(text) | Value::Text(text, _)) = value else { return Ok(()) };
            self.key.extend_from_slice(text);
            self.key.push(b'\n');
        }
        Ok(())
    }

    fn place_of(&self, name: &[u8], value: Value<'_>) -> Place {
        let is_time = match &self.time {
            Some(time) => time.as_bytes() == name,
            None => TIME_NAMES.contains(&name),
        };
        if is_time {
            return Place::Time;
        }
        if self.metrics.is_empty() {
            return match (name, value) {
                (b"metric", Value::Text(..) | Value::Object(_)) => Place::Metric,
                (b"value", _) => Place::Value(0),
                (b"labels", Value::Object(_)) => Place::Labels,
                (b"values", Value::Array(_)) => Place::Values,
                (b"timestamps", Value::Array(_)) => Place::Timestamps,
                _ => Place::Label,
            };
        }
        let found = (0..).zip(&self.metrics).find(|(_, (column, _))| column.as_bytes() == name);
        found.map_or(Place::Label, |(index, _)| Place::Value(index))
    }

    /// Reads samples that stand side by side.
    fn read_many(
        &mut self,
        values: Value<'_>,
        timestamps: Value<'_>,
        feed: &Feed<'_, '_>,
    ) -> Result<(), BadRow> {
        let not_numbers = || BadRow::new(0, "values and timestamps are arrays of numbers");
        let samples = &mut self.samples;
        let taken = each(values, |text| {
            samples.push((0, number::double(text)?));
            Some(())
        });
        taken.ok_or_else(not_numbers)?;
        let times = &mut self.timestamps;
        times.clear();
        let mut bad = None;
        // They are milliseconds unless something else is said.
        let is_plain = feed.options.time_unit == TimeUnit::Auto;
        let taken = each(timestamps, |text| {
            let time = match feed.time(text, 0) {
                Ok(time) => time,
                Err(_) if is_plain => {
                    let millis: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
                    Timestamp::from_nanos(millis.checked_mul(1_000_000)?)
                }
                Err(error) => {
                    bad = Some(error);
                    return None;
                }
            };
            times.push(time);
            Some(())
        });
        taken.ok_or_else(|| bad.unwrap_or_else(not_numbers))?;
        if self.samples.len() == self.timestamps.len() {
            return Ok(());
        }
        let (values, times) = (self.samples.len(), self.timestamps.len());
        Err(BadRow::new(0, format!("{values} values have {times} timestamps")))
    }

    /// Reads which labels and metrics a row has.
    #[cold]
    fn group(&self, row: &[u8], parts: &Parts<'_>) -> Result<Group, BadRow> {
        let metrics = self.metrics.iter().map(|(_, metric)| metric.clone()).collect();
        let mut group = Group { metrics, ..Group::default() };
        let mut all = vec![];
        members(Value::Object(row), &mut |name, value| {
            if matches!(self.place_of(&name, value), Place::Label) {
                all.push((name, value));
            }
        })?;
        for nested in [parts.metric, parts.labels].into_iter().flatten() {
            members(nested, &mut |name, value| all.push((name, value)))?;
        }
        let mut metric = match parts.metric {
            Some(named @ Value::Text(..)) => text_of(named)?,
            _ => None,
        };
        for (name, value) in all {
            let name = String::from_utf8(name).unwrap_or_default();
            let Some(text) = text_of(value)? else { continue };
            if name == "__name__" && self.metrics.is_empty() {
                metric = Some(text);
            } else {
                group.labels.push((name, text));
            }
        }
        if self.metrics.is_empty() {
            let metric = metric.ok_or_else(|| BadRow::new(0, "the row names no metric"))?;
            group.metrics.push(metric);
        }
        Ok(group)
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Metric,
    Time,
    Labels,
    Values,
    Timestamps,
    /// The value of the metric at this place.
    Value(u32),
    Label,
}

/// Calls for each member of an object; other values have none.
fn members<'a>(value: Value<'a>, each: &mut dyn FnMut(Vec<u8>, Value<'a>)) -> Result<(), BadRow> {
    let Value::Object(text) = value else { return Ok(()) };
    let mut scanner = Scanner::new(text);
    let mut has_more = scanner.open_object()?;
    while has_more {
        let (name, is_escaped) = scanner.name()?;
        let name = unescaped(name, is_escaped)?.into_bytes();
        each(name, scanner.value()?);
        has_more = scanner.more_members()?;
    }
    Ok(())
}

/// Calls for each number of an array until one is refused; returns nothing then, or for what is no
/// array of numbers.
fn each<'a>(value: Value<'a>, mut take: impl FnMut(&'a [u8]) -> Option<()>) -> Option<()> {
    let Value::Array(text) = value else { return None };
    let inner = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
    if inner.trim_ascii().is_empty() {
        return Some(());
    }
    inner.split(|byte| *byte == b',').try_for_each(|item| take(item.trim_ascii()))
}
