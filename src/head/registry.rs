//! The symbols, metrics and series that a log generation has defined, by their numbers.

use std::sync::Arc;

use crate::format::FormatError;
use crate::format::definition::{Definition, decode_definitions};
use crate::model::{MetricDef, SeriesKey};

/// What the DEFINE frames of one generation say; it only grows.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    symbols: Vec<Box<str>>,
    metrics: Vec<Arc<MetricDef>>,
    series: Vec<SeriesKey>,
}

impl Registry {
    /// Returns the series' identities; a reference is an index.
    #[must_use]
    pub(crate) fn series(&self) -> &[SeriesKey] {
        &self.series
    }

    /// Returns the metrics in the order of their definition.
    #[must_use]
    pub(crate) fn metrics(&self) -> &[Arc<MetricDef>] {
        &self.metrics
    }

    /// Adds the records of a DEFINE frame.
    ///
    /// # Errors
    /// [`FormatError`] where a record refers to something that is not defined.
    pub(crate) fn define(&mut self, body: &[u8]) -> Result<(), FormatError> {
        decode_definitions(body, |definition| self.add(&definition))
    }

    /// Adds a metric that no DEFINE frame says.
    pub(crate) fn add_metric(&mut self, def: MetricDef) {
        self.metrics.push(Arc::new(def));
    }

    /// Adds a series that no DEFINE frame says, and its metric where that is unknown.
    pub(crate) fn add_series(&mut self, key: SeriesKey) {
        if self.metrics.iter().all(|def| *def.name != *key.metric()) {
            self.add_metric(MetricDef::new(key.metric()));
        }
        self.series.push(key);
    }

    fn add(&mut self, definition: &Definition<'_>) -> Result<(), FormatError> {
        match definition {
            Definition::Symbol(text) => self.symbols.push(Box::from(*text)),
            Definition::Metric { name, kind, duplicates, unit } => {
                let unit = unit.map(|unit| self.symbol(unit)).transpose()?;
                let def = MetricDef {
                    name: self.symbol(*name)?.to_owned(),
                    kind: *kind,
                    unit: unit.map(str::to_owned),
                    duplicates: *duplicates,
                };
                self.metrics.push(Arc::new(def));
            }
            Definition::Series { metric, labels } => {
                let def = self
                    .metrics
                    .get(*metric)
                    .ok_or(FormatError::OutOfRange { field: "metric", got: *metric as u64 })?;
                let pair = |(name, value): &(usize, usize)| {
                    Ok((self.symbol(*name)?, self.symbol(*value)?))
                };
                let labels: Result<Vec<_>, FormatError> = labels.iter().map(pair).collect();
                self.series.push(SeriesKey::with_labels(&def.name, labels?));
            }
        }
        Ok(())
    }

    fn symbol(&self, index: usize) -> Result<&str, FormatError> {
        let symbol = self.symbols.get(index).map(|symbol| &**symbol);
        symbol.ok_or(FormatError::OutOfRange { field: "symbol", got: index as u64 })
    }
}
