//! What is read from an input, and where it goes.

use std::io::Read;

use crate::error::Result;
use crate::ingest::report::Rejected;
use crate::model::{MetricDef, Timestamp};

/// What one row of the input says: samples with the same time and labels.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Row<'a> {
    /// When it happened.
    pub timestamp: Timestamp,
    /// A number that rows of one input share if they have the same labels and metrics: what was
    /// looked up for one need not be for the next. Numbers are given from 0 on.
    pub group: u32,
    /// Names and values, in the order of the input.
    pub labels: &'a [(String, String)],
    /// The metrics that rows of this group have; there may be more of them with the next row.
    pub metrics: &'a [String],
    /// Values, each with the place of its metric among `metrics`.
    pub values: &'a [(u32, f64)],
    /// The line that it ends at, counted from 1.
    pub line: u64,
    /// The byte of the plain text that it ends before.
    pub end: u64,
}

impl<'a> Row<'a> {
    /// Returns the names of metrics and their values.
    pub fn samples(&self) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        let metrics = self.metrics;
        self.values.iter().filter_map(move |(place, value)| {
            metrics.get(*place as usize).map(|metric| (metric.as_str(), *value))
        })
    }
}

/// Where rows go.
pub trait Sink {
    /// Takes the definition of a metric, before its first sample. [`crate::ErrorKind::Model`]
    /// refuses the row that names it.
    ///
    /// # Errors
    /// Other errors end the ingestion.
    fn metric(&mut self, def: &MetricDef) -> Result<()>;

    /// Takes a row. [`crate::ErrorKind::Model`] refuses the row alone.
    ///
    /// # Errors
    /// Other errors end the ingestion.
    fn row(&mut self, row: &Row<'_>) -> Result<()>;

    /// Learns that a row was refused, and which byte it ends before, unless its end was not seen:
    /// once that is remembered, it need not be refused again.
    ///
    /// # Errors
    /// Ends the ingestion.
    fn refused(&mut self, _rejected: &Rejected, _end: Option<u64>) -> Result<()> {
        Ok(())
    }

    /// Learns that another input begins, whose groups are numbered anew.
    ///
    /// # Errors
    /// Ends the ingestion.
    fn input(&mut self) -> Result<()> {
        Ok(())
    }

    /// Learns that the input has nothing more for now: what waits should be stored.
    ///
    /// # Errors
    /// Ends the ingestion.
    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// An input that [`crate::ingest::ingest`] reads, and its name in reports.
#[derive(Debug)]
pub struct Input<R: Read> {
    /// What reports call it, such as the file's name.
    pub name: String,
    /// Its bytes.
    pub bytes: R,
}
