//! How an input is read.

use std::io::Write;

use crate::ingest::InputFormat;
use crate::ingest::map::Mapping;
use crate::ingest::time::{TimeUnit, Zone};

/// Options of an ingestion, built by value.
#[derive(Default)]
#[must_use]
pub struct IngestOptions<'a> {
    pub(crate) format: InputFormat,
    pub(crate) mapping: Option<Mapping>,
    pub(crate) time_field: Option<String>,
    pub(crate) time_unit: TimeUnit,
    pub(crate) zone: Zone,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) stop_on_error: bool,
    pub(crate) skip_nan: bool,
    pub(crate) rows_max: Option<u64>,
    pub(crate) rejects: Option<&'a mut dyn Write>,
}

impl std::fmt::Debug for IngestOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IngestOptions")
            .field("format", &self.format)
            .field("mapping", &self.mapping)
            .finish_non_exhaustive()
    }
}

impl<'a> IngestOptions<'a> {
    /// The form of the input. Default: told from its first bytes.
    pub fn format(mut self, format: InputFormat) -> Self {
        self.format = format;
        self
    }

    /// Which columns are time, labels and metrics. Default: guessed from their names and values.
    pub fn mapping(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// The column of the time. Default: that of the mapping, or guessed.
    pub fn time_field(mut self, name: impl Into<String>) -> Self {
        self.time_field = Some(name.into());
        self
    }

    /// The unit of times that are numbers. Default: told by their magnitude.
    pub fn time_unit(mut self, unit: TimeUnit) -> Self {
        self.time_unit = unit;
        self
    }

    /// The time zone of dates and times that name none. Default: UTC.
    pub fn time_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// Adds a label to every row.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Ends at the first bad row, with an error. Default: bad rows are skipped and counted.
    pub fn stop_on_error(mut self, stop: bool) -> Self {
        self.stop_on_error = stop;
        self
    }

    /// Leaves out values that are NaN or infinite and keeps the rest of their row. Default: such a
    /// row is bad.
    pub fn skip_nan(mut self, skip: bool) -> Self {
        self.skip_nan = skip;
        self
    }

    /// Ends after this many good rows.
    pub fn rows_max(mut self, rows: u64) -> Self {
        self.rows_max = Some(rows);
        self
    }

    /// Writes bad rows there, byte for byte.
    pub fn rejects(mut self, out: &'a mut dyn Write) -> Self {
        self.rejects = Some(out);
        self
    }
}
