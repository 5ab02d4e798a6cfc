//! Guessing what columns are, from their names and first values.

use crate::ingest::map::{Mapping, MetricMapping};
use crate::ingest::time::{self, TimeUnit, Zone};
use crate::model::MetricDef;

/// The names that times commonly have, the surest first.
const TIME_NAMES: [&str; 12] = [
    "timestamp",
    "@timestamp",
    "time",
    "ts",
    "datetime",
    "date",
    "t",
    "start_time",
    "starttime",
    "start",
    "created_at",
    "event_time",
];
/// Ends of names that tell a unit.
const UNITS: [(&str, &str); 10] = [
    ("_ms", "ms"),
    ("_millis", "ms"),
    ("_us", "us"),
    ("_ns", "ns"),
    ("_s", "s"),
    ("_secs", "s"),
    ("_seconds", "s"),
    ("_bytes", "bytes"),
    ("_tokens", "tokens"),
    ("Tokens", "tokens"),
];
/// Ends of names that identify a request or user: each value would be a series of its own.
const ID_ENDS: [&str; 4] = ["_id", "Id", "uuid", "_hash"];

/// Guesses the mapping of columns with their first values.
pub(crate) fn mapping(columns: &[(&str, &str)], time_field: Option<&str>) -> Mapping {
    let time = time_field.map(str::to_owned).or_else(|| time_column(columns));
    let mut mapping = Mapping { time, ..Mapping::default() };
    for (name, value) in columns {
        if mapping.time.as_deref() == Some(*name) || ID_ENDS.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let unit = UNITS.iter().find(|(end, _)| name.ends_with(end));
        let is_missing = value.trim().is_empty() && unit.is_some();
        if !is_missing && value.trim().parse::<f64>().is_err() {
            mapping.labels.push((*name).to_owned());
            continue;
        }
        let def = MetricDef {
            unit: unit.map(|(_, unit)| (*unit).to_owned()),
            ..MetricDef::new((*name).to_owned())
        };
        mapping.metrics.push(MetricMapping { column: (*name).to_owned(), def });
    }
    mapping
}

/// What is wrong with a row that no mapping can be guessed from: another one may tell.
pub(crate) const NO_METRIC: &str = "no value but the time is a number";

/// Returns the column whose name and value look most like a time.
pub(crate) fn time_column(columns: &[(&str, &str)]) -> Option<String> {
    // What is a time in one zone is one in all, but for the hour that clocks skip.
    let zone = Zone::default();
    let is_time = |value: &str| time::parse(value.as_bytes(), TimeUnit::Auto, None, &zone).is_ok();
    let named = TIME_NAMES.iter().find_map(|time_name| {
        columns.iter().find(|(name, value)| name.eq_ignore_ascii_case(time_name) && is_time(value))
    });
    let hinted = || {
        columns.iter().find(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let hints = ["time", "date", "_ns", "_ms", "ts_", "_at", "ts"];
            hints.iter().any(|hint| name.contains(hint)) && is_time(value)
        })
    };
    // The first row may be a bad one, which must not cost the others.
    let only_named = || {
        TIME_NAMES.iter().find_map(|time_name| {
            columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(time_name))
        })
    };
    named.or_else(hinted).or_else(only_named).map(|(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use crate::ingest::guess::mapping;

    #[test]
    fn common_columns_are_recognised() {
        let columns = [
            ("TIMESTAMP", "2023-11-16 18:15:46.68"),
            ("bot", "support"),
            ("request_id", "77"),
            ("dur_ms", "12.5"),
            ("ContextTokens", "374"),
        ];
        let guessed = mapping(&columns, None).to_string();
        assert_eq!(
            guessed,
            "ts=TIMESTAMP, labels=bot, dur_ms=dur_ms:ms, ContextTokens=ContextTokens:tokens"
        );
    }
}
