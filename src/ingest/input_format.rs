//! The forms of input, and the words for them.

use std::str::FromStr;

use crate::model::ModelError;

/// The forms of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum InputFormat {
    /// Told from the first bytes.
    #[default]
    Auto,
    /// RFC 4180 with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// Influx line protocol.
    Influx,
    /// The text format of Prometheus; integer times are milliseconds.
    Prometheus,
    /// `OpenMetrics`; times are seconds.
    OpenMetrics,
    /// Lines of `StatsD`, and of `DogStatsD`.
    Statsd,
    /// Access logs: common, combined, and with nginx' `$request_time` behind.
    AccessLog,
}

impl FromStr for InputFormat {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        match word {
            "auto" => Ok(Self::Auto),
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::Ndjson),
            "influx" => Ok(Self::Influx),
            "prom" => Ok(Self::Prometheus),
            "openmetrics" => Ok(Self::OpenMetrics),
            "statsd" => Ok(Self::Statsd),
            "access-log" => Ok(Self::AccessLog),
            _ => Err(ModelError::UnknownWord {
                what: "input format",
                word: word.to_owned(),
                known: "auto, csv, ndjson, influx, prom, openmetrics, statsd, access-log",
            }),
        }
    }
}
