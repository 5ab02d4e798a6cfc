//! Text to samples: CSV, JSON lines and Influx line protocol, plain or gzipped.
//!
//! A row becomes one sample for each mapped value, all with the row's labels and time. A bad row
//! costs that row: it is counted, reported with line and column, and can be kept byte for byte.

mod csv;
mod guess;
mod influx;
mod lines;
mod map;
mod ndjson;
mod options;
mod record;
mod report;
mod source;
mod time;

use std::io::Read;
use std::str::FromStr;

use crate::error::Result;
use crate::model::{MetricDef, ModelError, Timestamp};

pub use crate::ingest::map::{Mapping, MetricMapping};
pub use crate::ingest::options::IngestOptions;
pub use crate::ingest::report::{IngestReport, Rejected};
pub use crate::ingest::source::ingest;
pub use crate::ingest::time::{TimeUnit, Zone};

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
}

impl FromStr for InputFormat {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        match word {
            "auto" => Ok(Self::Auto),
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::Ndjson),
            "influx" => Ok(Self::Influx),
            _ => Err(ModelError::UnknownWord {
                what: "input format",
                word: word.to_owned(),
                known: "auto, csv, ndjson, influx",
            }),
        }
    }
}

/// What one row of the input says: samples with the same time and labels.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// When it happened.
    pub timestamp: Timestamp,
    /// Names and values, in the order of the input.
    pub labels: &'a [(&'a str, &'a str)],
    /// Metrics and values.
    pub samples: &'a [(&'a str, f64)],
}

/// Where rows go.
pub trait Sink {
    /// Takes the definition of a metric, before its first sample.
    ///
    /// # Errors
    /// Ends the ingestion.
    fn metric(&mut self, def: &MetricDef) -> Result<()>;

    /// Takes a row. [`crate::ErrorKind::Model`] refuses the row alone.
    ///
    /// # Errors
    /// Other errors end the ingestion.
    fn row(&mut self, row: &Row<'_>) -> Result<()>;
}

/// An input that [`ingest`] reads, and its name in reports.
#[derive(Debug)]
pub struct Input<R: Read> {
    /// What reports call it, such as the file's name.
    pub name: String,
    /// Its bytes.
    pub bytes: R,
}
