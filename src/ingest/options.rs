//! How an input is read.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ingest::InputFormat;
use crate::ingest::map::Mapping;
use crate::ingest::time::{TimeUnit, Zone};
use crate::model::{Clock, Limits, Timestamp};

/// Options of an ingestion, built by value.
#[must_use]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
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
    pub(crate) time_origin: Option<Timestamp>,
    pub(crate) string_fields: bool,
    pub(crate) clock: Option<&'a dyn Clock>,
    pub(crate) series_max: u64,
    pub(crate) skip_to: u64,
    pub(crate) stop: Option<&'a AtomicBool>,
    pub(crate) leaves_unfinished: bool,
}

impl Default for IngestOptions<'_> {
    fn default() -> Self {
        Self {
            format: InputFormat::default(),
            mapping: None,
            time_field: None,
            time_unit: TimeUnit::default(),
            zone: Zone::default(),
            labels: Vec::new(),
            stop_on_error: false,
            skip_nan: false,
            rows_max: None,
            rejects: None,
            time_origin: None,
            string_fields: false,
            clock: None,
            series_max: Limits::DEFAULT.input_series_max,
            skip_to: 0,
            stop: None,
            leaves_unfinished: false,
        }
    }
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

    /// Takes times as numbers of the unit since then, such as the seconds of a test run. Default:
    /// since the epoch. With the unit told by magnitude they are seconds.
    pub fn time_origin(mut self, origin: Timestamp) -> Self {
        self.time_origin = Some(origin);
        self
    }

    /// Takes text fields of line protocol as labels. Default: a row that has one is bad.
    pub fn string_fields_as_labels(mut self, take: bool) -> Self {
        self.string_fields = take;
        self
    }

    /// Tells the time of rows that have none, as those of `StatsD` and of a scrape. Default: such
    /// rows are bad.
    pub fn clock(mut self, clock: &'a dyn Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// How many series one input may have; rows of further ones are bad. Default: a million.
    pub fn series_max(mut self, series: u64) -> Self {
        self.series_max = series;
        self
    }

    /// Passes over what stands before this byte of the plain text: it was taken before. Rows there
    /// are read for what they say about others, such as a header, and not counted. Default: 0.
    pub fn resume_at(mut self, byte: u64) -> Self {
        self.skip_to = byte;
        self
    }

    /// Ends between two rows once this is true. Default: nothing ends it but the input.
    pub fn stop_flag(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Leaves a last line that has no end for later, as one that is still being written, and says
    /// so in [`IngestReport::left`](crate::ingest::IngestReport::left). Default: it is a row.
    pub fn leave_unfinished(mut self, leave: bool) -> Self {
        self.leaves_unfinished = leave;
        self
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}
