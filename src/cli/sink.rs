//! Rows of an input into a store.

use std::collections::HashMap;

use silverback::ingest::{Row, Sink};
use silverback::{Batch, MetricDef, Result, Series, SeriesKey, Store};

/// Appends rows in batches: a row is in one batch whole, with all its metrics.
#[derive(Debug)]
pub(crate) struct StoreSink<'a> {
    store: &'a Store,
    batch: Batch,
    batch_samples: usize,
    /// Handles by metric and labels, so that a row costs a look-up and no allocation.
    handles: HashMap<Vec<u8>, Series>,
    lookup: Vec<u8>,
    row: Vec<(Series, f64)>,
    /// Rows and samples that were committed.
    stored: Count,
    /// Rows and samples in the batch.
    waiting: Count,
}

/// How many rows and samples.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) rows: u64,
    pub(crate) samples: u64,
}

impl<'a> StoreSink<'a> {
    /// Appends to a store, this many samples a batch.
    pub(crate) fn new(store: &'a Store, batch_samples: usize) -> Self {
        Self {
            store,
            batch: store.batch(),
            batch_samples,
            handles: HashMap::new(),
            lookup: Vec::new(),
            row: Vec::new(),
            stored: Count::default(),
            waiting: Count::default(),
        }
    }

    /// Appends what is left, and returns how many rows and samples were stored, also where that
    /// failed.
    pub(crate) fn finish(mut self) -> (Count, Result<()>) {
        let outcome = self.commit();
        (self.stored, outcome)
    }

    fn commit(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.batch.commit_and_clear()?;
        self.stored.rows += waiting.rows;
        self.stored.samples += waiting.samples;
        Ok(())
    }

    fn handle(&mut self, metric: &str, labels: &[(&str, &str)]) -> Result<Series> {
        self.lookup.clear();
        let parts = labels.iter().flat_map(|(name, value)| [*name, *value]);
        for part in std::iter::once(metric).chain(parts) {
            // No separator would do: values may hold every character.
            self.lookup.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.lookup.extend_from_slice(part.as_bytes());
        }
        if let Some(known) = self.handles.get(&self.lookup) {
            return Ok(known.clone());
        }
        let key = labels
            .iter()
            .fold(SeriesKey::new(metric), |key, (name, value)| key.label(*name, *value));
        let series = self.store.series(&key)?;
        self.handles.insert(self.lookup.clone(), series.clone());
        Ok(series)
    }
}

impl Sink for StoreSink<'_> {
    fn metric(&mut self, def: &MetricDef) -> Result<()> {
        let metric = self.store.metric(def.name.as_str()).kind(def.kind).duplicates(def.duplicates);
        match &def.unit {
            Some(unit) => metric.unit(unit.as_str()).define(),
            None => metric.define(),
        }
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        let mut handles = std::mem::take(&mut self.row);
        handles.clear();
        for (metric, value) in row.samples {
            handles.push((self.handle(metric, row.labels)?, *value));
        }
        if self.batch.len() + handles.len() > self.batch_samples {
            self.commit()?;
        }
        for (series, value) in &handles {
            self.batch.add(series, row.timestamp, *value)?;
        }
        self.waiting.rows += 1;
        self.waiting.samples += handles.len() as u64;
        self.row = handles;
        Ok(())
    }
}
