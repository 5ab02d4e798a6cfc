//! Objects of which some parts are metrics and some are labels, as a mapping says.

use crate::ingest::groups::Group;
use crate::ingest::json::logger::level_name;
use crate::ingest::json::scan::{Value, unescaped};
use crate::ingest::json::tree::{Found, Tree};
use crate::ingest::map::Mapping;
use crate::ingest::number::{self, duration};
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError};

/// Rows with this many parts that are wanted need no memory of their own.
const PARTS_FEW: usize = 12;

/// How the parts of objects are read.
#[derive(Debug)]
pub(crate) struct MappedRows {
    mapping: Mapping,
    /// The names of the mapping's labels, in its order.
    label_names: Vec<String>,
    /// Which of the labels is a level that is a number.
    level: Option<usize>,
    metric_names: Vec<String>,
    /// The time, labels and metrics.
    tree: Tree,
    key: Vec<u8>,
    samples: Vec<(u32, f64)>,
}

impl MappedRows {
    /// Reads objects by a mapping; `level` is the path of a level that may be a number.
    pub(crate) fn new(mapping: Mapping, level: Option<&str>) -> Self {
        let time = mapping.time.as_deref().unwrap_or("");
        let columns = mapping.metrics.iter().map(|metric| metric.column.as_str());
        let labels = mapping.labels.iter().map(String::as_str);
        Self {
            label_names: label_names(&mapping.labels),
            level: level.and_then(|level| mapping.labels.iter().position(|path| path == level)),
            metric_names: mapping.metrics.iter().map(|m| m.def.name.clone()).collect(),
            tree: Tree::new(std::iter::once(time).chain(labels).chain(columns)),
            key: Vec::new(),
            samples: Vec::new(),
            mapping,
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let parts = 1 + self.mapping.labels.len() + self.mapping.metrics.len();
        let mut few = [None; PARTS_FEW];
        if let Some(slots) = few.get_mut(..parts) {
            return self.take_with(row, slots, feed);
        }
        self.take_with(row, &mut vec![None; parts], feed)
    }

    #[inline]
    fn take_with<'a>(
        &mut self,
        row: &'a [u8],
        slots: &mut [Option<Found<'a>>],
        feed: &mut Feed<'_, '_>,
    ) -> Result<(), RowError> {
        self.tree.find(row, slots)?;
        let Some((time, slots)) = slots.split_first() else { return Ok(()) };
        let Some((labels, metrics)) = slots.split_at_checked(self.label_names.len()) else {
            return Ok(());
        };
        let timestamp = match time.map(|found| found.value) {
            Some(Value::Number(text) | Value::Text(text, _)) => feed.time(text, 0)?,
            None if self.mapping.time.as_deref() == Some(Mapping::ROW_NUMBER) => {
                feed.time(feed.row_number().to_string().as_bytes(), 0)?
            }
            _ => {
                let path = self.mapping.time.as_deref().unwrap_or("");
                return Err(BadRow::new(0, format!("there is no time at {path:?}")).into());
            }
        };
        self.key.clear();
        for found in labels {
            self.key.extend_from_slice(found.map_or(&[], |found| raw(found.value)));
            // No row holds a line end.
            self.key.push(b'\n');
        }
        self.samples.clear();
        for (index, (found, metric)) in (0..).zip(metrics.iter().zip(&self.mapping.metrics)) {
            let unit = metric.def.unit.as_deref();
            let value = match found.map(|found| found.value) {
                Some(Value::Number(text)) => number::double(text),
                None if metric.column == Mapping::ONE => Some(1.0),
                #[expect(clippy::cast_precision_loss, reason = "no file has 2^53 rows")]
                None if metric.column == Mapping::ROW_NUMBER => Some(feed.row_number() as f64),
                None | Some(Value::Null) => continue,
                Some(Value::Text(text, _)) => {
                    let text = text.trim_ascii();
                    number::double(text).or_else(|| duration(text, unit))
                }
                Some(_) => None,
            };
            let value = value
                .ok_or_else(|| BadRow::new(0, format!("{:?} is not a number", metric.column)))?;
            self.samples.push((index, value));
        }
        let group = match feed.groups.find(&self.key) {
            Some(group) => group,
            None => feed.add_group(&self.key, self.group(labels)?)?,
        };
        feed.take(timestamp, group, &mut self.samples)
    }

    /// Reads which labels and metrics a row has.
    #[cold]
    fn group(&self, found: &[Option<Found<'_>>]) -> Result<Group, BadRow> {
        let mut labels = Vec::with_capacity(found.len());
        for (index, (name, found)) in self.label_names.iter().zip(found).enumerate() {
            let Some(text) = found.map_or(Ok(None), |found| text_of(found.value))? else {
                continue;
            };
            let level = Some(&text).filter(|_| self.level == Some(index));
            let text =
                level.and_then(|level| level_name(level)).map_or(text.clone(), str::to_owned);
            labels.push((name.clone(), text));
        }
        Ok(Group { labels, metrics: self.metric_names.clone(), fields: Vec::new() })
    }
}

/// Returns a value that can be a label as it stands; others are no label.
#[inline]
pub(crate) fn raw(value: Value<'_>) -> &[u8] {
    match value {
        Value::Text(text, _) | Value::Number(text) | Value::Flag(text) => text,
        Value::Null | Value::Object(_) | Value::Array(_) => &[],
    }
}

/// Returns the text of a value that can be a label.
pub(crate) fn text_of(value: Value<'_>) -> Result<Option<String>, BadRow> {
    match value {
        Value::Text(text, is_escaped) => unescaped(text, is_escaped).map(Some),
        Value::Number(text) | Value::Flag(text) => unescaped(text, false).map(Some),
        Value::Null | Value::Object(_) | Value::Array(_) => Ok(None),
    }
}

/// Returns what labels at these paths are called: by the last part of the path, and by all of it
/// where two would be called the same, since a series has a label once.
fn label_names(paths: &[String]) -> Vec<String> {
    let last_part = |path: &String| path.rsplit('.').next().unwrap_or(path).to_owned();
    let is_alone =
        |name: &String| paths.iter().filter(|path| last_part(path) == *name).count() == 1;
    let name = |path: &String| Some(last_part(path)).filter(is_alone).unwrap_or(path.clone());
    paths.iter().map(name).collect()
}
