//! The first object of an input decides how its objects are read.

use serde_json::{Map, Value};

use crate::ingest::guess;
use crate::ingest::json::logger;
use crate::ingest::json::long::LongRows;
use crate::ingest::json::mapped::MappedRows;
use crate::ingest::json::rows::Form;
use crate::ingest::map::Mapping;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, utf8};

/// Objects nested deeper than this are not looked into.
const DEPTH_MAX: usize = 8;

/// Decides by what was asked for, else by the first object.
pub(crate) fn decide(row: &[u8], feed: &mut Feed<'_, '_>) -> Result<Form, RowError> {
    let object: Map<String, Value> = serde_json::from_str(utf8(row)?)
        .map_err(|error| BadRow::new(error.column(), format!("not a JSON object: {error}")))?;
    let time_field = feed.options.time_field.clone();
    if feed.options.mapping.is_none() && is_long(&object) {
        return Ok(Form::Long(LongRows::new(time_field, Vec::new())));
    }
    let mut flat = Vec::new();
    flatten(&object, "", 0, &mut flat);
    let columns: Vec<(&str, &str)> =
        flat.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let (mut mapping, level) = match &feed.options.mapping {
        Some(mapping) => (mapping.clone(), None),
        None => logger::mapping(&columns, time_field.as_deref()),
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
    if mapping.labels.iter().any(|label| label == Mapping::ALL_LABELS) {
        let metrics = mapping.metrics.into_iter().map(|m| (m.column, m.def.name)).collect();
        return Ok(Form::Long(LongRows::new(mapping.time, metrics)));
    }
    Ok(Form::Mapped(MappedRows::new(mapping, level)))
}

/// True for an object that names its metric, or holds many samples.
fn is_long(object: &Map<String, Value>) -> bool {
    match object.get("metric") {
        Some(Value::String(_)) => object.get("value").is_some_and(Value::is_number),
        Some(Value::Object(_)) => {
            object.contains_key("values") && object.contains_key("timestamps")
        }
        _ => false,
    }
}

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

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
