//! Which columns of an input are the time, labels and metrics.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};
use crate::model::{MetricDef, MetricKind};

/// Which columns are what.
///
/// ```
/// use silverback::ingest::Mapping;
/// let mapping: Mapping = "ts=@timestamp, labels=bot,channel, latency=dur_ms:ms".parse()?;
/// assert_eq!(mapping.time.as_deref(), Some("@timestamp"));
/// assert_eq!(mapping.labels, ["bot", "channel"]);
/// assert_eq!(mapping.metrics[0].def.unit.as_deref(), Some("ms"));
/// # Ok::<(), silverback::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The column of the time; nothing where it is to be guessed.
    pub time: Option<String>,
    /// The columns that become labels. Nested ones are called by the last part of their path, or by
    /// all of it where two would be called the same.
    pub labels: Vec<String>,
    /// The columns that become metrics.
    pub metrics: Vec<MetricMapping>,
}

/// A column that becomes a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricMapping {
    /// The column, with dots for nested ones.
    pub column: String,
    /// The metric's definition.
    pub def: MetricDef,
}

impl Mapping {
    /// Among the labels, this stands for all columns that are not mapped otherwise.
    pub const ALL_LABELS: &str = "*";
    /// The column of the row's number, which every input has: for rows that are only in order.
    pub const ROW_NUMBER: &str = "@row";
    /// The column that holds 1 in every row: for rows that are only counted.
    pub const ONE: &str = "@one";
}

impl FromStr for Mapping {
    type Err = Error;

    /// Reads `ts=COLUMN, labels=COLUMN,…, METRIC=COLUMN[:UNIT[:KIND]], …`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut mapping = Self::default();
        let mut in_labels = false;
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, column)) = part.split_once('=') else {
                if !in_labels {
                    return Err(bad(&format!("{part:?} is not NAME=COLUMN")));
                }
                mapping.labels.push(part.to_owned());
                continue;
            };
            let (name, column) = (name.trim(), column.trim());
            if name.is_empty() || column.is_empty() {
                return Err(bad(&format!("{part:?} is not NAME=COLUMN")));
            }
            in_labels = name == "labels";
            match name {
                "ts" => mapping.time = Some(column.to_owned()),
                "labels" => mapping.labels.push(column.to_owned()),
                metric => mapping.metrics.push(metric_mapping(metric, column)?),
            }
        }
        if mapping.metrics.is_empty() {
            return Err(bad("it names no metric; write METRIC=COLUMN"));
        }
        Ok(mapping)
    }
}

fn metric_mapping(metric: &str, target: &str) -> Result<MetricMapping, Error> {
    let mut parts = target.split(':');
    let column = parts.next().unwrap_or("").to_owned();
    let unit = parts.next().filter(|unit| !unit.is_empty()).map(str::to_owned);
    let kind = parts.next().map_or(Ok(MetricKind::Event), str::parse)?;
    if parts.next().is_some() {
        return Err(bad(&format!("{target:?} has more than COLUMN:UNIT:KIND")));
    }
    let def = MetricDef { kind, unit, ..MetricDef::new(metric) };
    Ok(MetricMapping { column, def })
}

fn bad(reason: &str) -> Error {
    let reason = format!("the mapping cannot be used: {reason}");
    ErrorKind::Input { line: 1, column: 0, reason }.into()
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(time) = &self.time {
            write!(f, "ts={time}, ")?;
        }
        if !self.labels.is_empty() {
            write!(f, "labels={}, ", self.labels.join(","))?;
        }
        for (index, MetricMapping { column, def }) in self.metrics.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}={column}", def.name)?;
            let unit = def.unit.as_deref().unwrap_or("");
            match def.kind {
                MetricKind::Event if unit.is_empty() => {}
                MetricKind::Event => write!(f, ":{unit}")?,
                kind => write!(f, ":{unit}:{kind}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::map::Mapping;

    #[test]
    fn mappings_read_back_and_bad_ones_are_refused() {
        for text in [
            "ts=@timestamp, labels=bot,channel,intent, latency=dur_ms:ms, \
             tokens=usage.total_tokens:tokens:delta",
            "x=y",
            "ts=t, a=b::gauge",
        ] {
            let mapping: Mapping = text.parse().unwrap();
            assert_eq!(mapping.to_string(), text);
        }
        for text in ["", "ts=t", "bot, x=y", "x=y:ms:odd", "x=a:b:delta:c", "=y", "x="] {
            assert!(text.parse::<Mapping>().is_err(), "{text}");
        }
    }
}
