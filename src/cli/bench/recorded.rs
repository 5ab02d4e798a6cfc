//! A file as traffic: its samples in the order they stand in it, kept in memory.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::path::Path;

use anyhow::Context as _;
use silverback::ingest::{IngestOptions, IngestReport, Input, Row, Sink, ingest};
use silverback::workload::Generated;
use silverback::{Clock, MetricDef, Result, SeriesKey, Timestamp};

use crate::cli::Usage;

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) metrics: Vec<MetricDef>,
    pub(crate) series: Vec<SeriesKey>,
    pub(crate) samples: Vec<Generated>,
    pub(crate) report: IngestReport,
    known: HashMap<SeriesKey, usize>,
    /// The series of each group and metric of the input, so that rows look nothing up.
    places: HashMap<(u32, u32), usize>,
}

/// The time of rows that have none: the beginning of the run.
#[derive(Debug)]
struct Begun(Timestamp);

impl Clock for Begun {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Recorded {
    /// Reads a file as `ingest` does that is told nothing about it, up to so many samples.
    pub(crate) fn read(
        path: &Path,
        samples_max: Option<u64>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let bytes = OpenOptions::new().read(true).open(path);
        let bytes = bytes.with_context(|| format!("cannot read {name}"))?;
        let clock = Begun(now);
        let mut options = IngestOptions::default().skip_nan(true).clock(&clock);
        if let Some(samples) = samples_max {
            // A row has a sample at least.
            options = options.rows_max(samples);
        }
        let mut recorded = Self::default();
        recorded.report = ingest(Input { name, bytes }, options, &mut recorded)?;
        if let Some(samples) = samples_max {
            recorded.samples.truncate(usize::try_from(samples).unwrap_or(usize::MAX));
        }
        if recorded.samples.is_empty() {
            return Err(Usage("the file has no rows to measure with: see ingest --dry-run").into());
        }
        Ok(recorded)
    }

    fn series_of(&mut self, row: &Row<'_>, metric: u32) -> Option<usize> {
        if let Some(known) = self.places.get(&(row.group, metric)) {
            return Some(*known);
        }
        let labels = row.labels.iter().map(|(name, value)| (&**name, &**value));
        let key = SeriesKey::with_labels(row.metrics.get(metric as usize)?, labels);
        let next = self.series.len();
        let series = *self.known.entry(key.clone()).or_insert(next);
        if series == next {
            self.series.push(key);
        }
        self.places.insert((row.group, metric), series);
        Some(series)
    }
}

impl Sink for Recorded {
    fn metric(&mut self, def: &MetricDef) -> Result<()> {
        self.metrics.push(def.clone());
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        let timestamp = row.timestamp.as_nanos();
        for (metric, value) in row.values {
            if let Some(series) = self.series_of(row, *metric) {
                self.samples.push(Generated { series, timestamp, value: *value });
            }
        }
        Ok(())
    }
}
