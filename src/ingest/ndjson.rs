//! JSON lines: an object a row, nested parts by dotted paths.

use serde_json::{Map, Value};

use crate::ingest::csv::utf8;
use crate::ingest::guess;
use crate::ingest::map::Mapping;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows};
use crate::ingest::time;

/// An input of JSON objects; without a mapping, the first one decides what its parts are.
#[derive(Debug, Default)]
pub(crate) struct JsonRows {
    layout: Option<Layout>,
}

/// What the parts of an object are.
#[derive(Debug)]
struct Layout {
    mapping: Mapping,
    /// The names of the mapping's labels, in its order.
    label_names: Vec<String>,
}

impl Rows for JsonRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let text = utf8(row)?;
        let object: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| BadRow::new(error.column(), format!("not a JSON object: {error}")))?;
        let Layout { mapping, label_names } = match &mut self.layout {
            Some(layout) => layout,
            empty => {
                let mapping = decide(&object, feed)?;
                let label_names = label_names(&mapping.labels);
                empty.insert(Layout { mapping, label_names })
            }
        };
        let time_path = mapping.time.as_deref().unwrap_or("");
        let time_text = find(&object, time_path).and_then(text_of);
        let time_text = time_text
            .ok_or_else(|| BadRow::new(0, format!("there is no time at {time_path:?}")))?;
        let timestamp = time::parse(&time_text, feed.options.time_unit, &feed.options.zone)
            .map_err(|reason| BadRow::new(0, reason))?;
        let texts: Vec<(&str, String)> = label_names
            .iter()
            .zip(&mapping.labels)
            .filter_map(|(name, path)| {
                Some((name.as_str(), find(&object, path).and_then(text_of)?))
            })
            .collect();
        let mut labels: Vec<(&str, &str)> =
            texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut samples = Vec::with_capacity(mapping.metrics.len());
        for metric in &mapping.metrics {
            let value = match find(&object, &metric.column) {
                None | Some(Value::Null) => continue,
                Some(Value::Number(number)) => number.as_f64(),
                Some(Value::String(text)) => text.trim().parse().ok(),
                Some(_) => None,
            };
            let value = value
                .ok_or_else(|| BadRow::new(0, format!("{:?} is not a number", metric.column)))?;
            samples.push((metric.def.name.as_str(), value));
        }
        feed.take(timestamp, &mut labels, &mut samples)
    }
}

/// Takes the mapping that was given, or guesses it from the first object.
fn decide(object: &Map<String, Value>, feed: &mut Feed<'_, '_>) -> Result<Mapping, RowError> {
    let mut flat = Vec::new();
    flatten(object, "", 0, &mut flat);
    let columns: Vec<(&str, &str)> =
        flat.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let time_field = feed.options.time_field.clone();
    let mut mapping = match &feed.options.mapping {
        Some(mapping) => mapping.clone(),
        None => guess::mapping(&columns, time_field.as_deref()),
    };
    mapping.time = time_field.or(mapping.time).or_else(|| guess::time_column(&columns));
    if mapping.time.is_none() {
        let reason = "no part looks like a time; name it with --time-field or ts= in --map";
        return Err(BadRow::new(0, reason).into());
    }
    if mapping.metrics.is_empty() {
        return Err(BadRow::new(0, guess::NO_METRIC).into());
    }
    for metric in &mapping.metrics {
        feed.define(&metric.def)?;
    }
    feed.report.mapping = Some(mapping.clone());
    Ok(mapping)
}

/// Objects nested deeper than this are not looked into.
const DEPTH_MAX: usize = 8;

fn flatten(
    object: &Map<String, Value>,
    prefix: &str,
    depth: usize,
    out: &mut Vec<(String, String)>,
) {
    for (name, value) in object {
        let path = format!("{prefix}{name}");
        match value {
            Value::Object(inner) if depth < DEPTH_MAX => {
                flatten(inner, &format!("{path}."), depth + 1, out);
            }
            value => out.extend(text_of(value).map(|text| (path, text))),
        }
    }
}

/// Finds a part by its whole name, else by the names between the dots.
fn find<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let (name, rest) = (path.get(..at)?, path.get(at + 1..)?);
        find(object.get(name)?.as_object()?, rest)
    })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
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
