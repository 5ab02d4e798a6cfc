//! The symbols, metrics and series that a log generation has defined, by their numbers.

use std::sync::Arc;

use crate::format::FormatError;
use crate::format::definition::{Definition, decode_definitions};
use crate::model::{MetricDef, Selector, SeriesKey, TextTable, Texts};

/// What the DEFINE frames of one generation say; it only grows.
///
/// Series are kept as the numbers that the log has of them: a key is made where one is asked for,
/// so that a million series take about 50 MB.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    symbols: Texts,
    metrics: Vec<Arc<MetricDef>>,
    series: Vec<DefinedSeries>,
    /// The symbols of the names and values of all labels, one series' behind the other's.
    labels: Vec<(u32, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct DefinedSeries {
    metric: u32,
    /// Where its labels end, which begin where those of the series before end.
    labels_end: usize,
}

impl Registry {
    /// Makes one of metrics and series that no DEFINE frame says. Series of unknown metrics get a
    /// metric as [`MetricDef::new`] has it.
    pub(crate) fn of_series<'a>(
        metrics: Vec<MetricDef>,
        keys: impl Iterator<Item = &'a SeriesKey>,
    ) -> Self {
        let mut registry = Self::default();
        registry.metrics.extend(metrics.into_iter().map(Arc::new));
        let mut symbols = TextTable::default();
        for key in keys {
            let known = registry.metrics.iter().position(|def| def.name == key.metric());
            let metric = known.unwrap_or_else(|| {
                registry.metrics.push(Arc::new(MetricDef::new(key.metric())));
                registry.metrics.len() - 1
            });
            for (name, value) in key.labels() {
                let pair = (symbols.intern(name).0, symbols.intern(value).0);
                registry.labels.push(pair);
            }
            let (metric, labels_end) = (number(metric), registry.labels.len());
            registry.series.push(DefinedSeries { metric, labels_end });
        }
        registry.symbols = symbols.into_texts();
        registry
    }

    /// Returns how many series are defined; a reference is less.
    #[must_use]
    pub(crate) fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Returns the metrics in the order of their definition.
    #[must_use]
    pub(crate) fn metrics(&self) -> &[Arc<MetricDef>] {
        &self.metrics
    }

    /// Adds the records of a DEFINE frame.
    ///
    /// # Errors
    /// [`FormatError`] where a record refers to something that is not defined, or names labels out
    /// of order.
    pub(crate) fn define(&mut self, body: &[u8]) -> Result<(), FormatError> {
        decode_definitions(body, |definition| self.add(&definition))
    }

    fn add(&mut self, definition: &Definition<'_>) -> Result<(), FormatError> {
        match definition {
            Definition::Symbol(text) => self.symbols.push(text),
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
                if *metric >= self.metrics.len() {
                    let got = *metric as u64;
                    return Err(FormatError::OutOfRange { field: "metric", got });
                }
                let mut before = None;
                for (name, value) in labels {
                    if self.symbol(*value)?.is_empty() {
                        return Err(FormatError::OutOfRange { field: "bytes of a label", got: 0 });
                    }
                    let text = self.symbol(*name)?;
                    if before.is_some_and(|before| before >= text) {
                        let got = *name as u64;
                        return Err(FormatError::OutOfRange { field: "label order", got });
                    }
                    before = Some(text);
                }
                self.labels.extend(labels.iter().map(|(n, v)| (number(*n), number(*v))));
                let (metric, labels_end) = (number(*metric), self.labels.len());
                self.series.push(DefinedSeries { metric, labels_end });
            }
        }
        Ok(())
    }

    fn symbol(&self, index: usize) -> Result<&str, FormatError> {
        let symbol = self.symbols.get(index);
        symbol.ok_or(FormatError::OutOfRange { field: "symbol", got: index as u64 })
    }

    /// Returns a series' metric and labels as numbers.
    fn series(&self, series: u32) -> Option<(u32, &[(u32, u32)])> {
        let DefinedSeries { metric, labels_end } = *self.series.get(series as usize)?;
        let before = (series as usize).checked_sub(1).and_then(|before| self.series.get(before));
        let start = before.map_or(0, |before| before.labels_end);
        Some((metric, self.labels.get(start..labels_end)?))
    }

    /// Returns a series' metric, and its labels sorted by name.
    fn texts(&self, series: u32) -> Option<(&str, impl Iterator<Item = (&str, &str)> + Clone)> {
        let (metric, labels) = self.series(series)?;
        let text = |symbol: u32| self.symbols.get(symbol as usize).unwrap_or_default();
        let labels = labels.iter().map(move |(name, value)| (text(*name), text(*value)));
        Some((self.metrics.get(metric as usize)?.name.as_str(), labels))
    }

    /// Returns a series' identity.
    #[must_use]
    pub(crate) fn key(&self, series: u32) -> Option<SeriesKey> {
        self.texts(series).map(|(metric, labels)| SeriesKey::with_labels(metric, labels))
    }

    /// Returns the reference of a series. Linear in the series.
    #[must_use]
    pub(crate) fn find(&self, key: &SeriesKey) -> Option<u32> {
        (0..number(self.series.len())).find(|series| {
            let texts = self.texts(*series);
            texts.is_some_and(|(metric, labels)| metric == key.metric() && key.labels().eq(labels))
        })
    }

    /// Returns true for a series that a selector chooses.
    #[must_use]
    pub(crate) fn matches(&self, series: u32, selector: &Selector) -> bool {
        self.texts(series).is_some_and(|(metric, labels)| {
            selector.matches_parts(metric, |label| {
                let found = labels.clone().find(|(name, _)| *name == label);
                found.map_or("", |(_, value)| value)
            })
        })
    }

    /// Sorts references by the keys of their series: texts are compared once, then their ranks.
    pub(crate) fn sort_by_key(&self, series: &mut [u32]) {
        let ranks = self.symbols.ranks(&self.symbols.sorted());
        let rank = |symbol: u32| ranks.get(symbol as usize).copied();
        let parts = |series: u32| {
            let (metric, labels) = self.series(series).unwrap_or_default();
            let name = self.metrics.get(metric as usize).map(|def| def.name.as_str());
            (name, labels.iter().map(move |(name, value)| (rank(*name), rank(*value))))
        };
        series.sort_unstable_by(|a, b| {
            let ((name, labels), (other_name, other_labels)) = (parts(*a), parts(*b));
            name.cmp(&other_name).then_with(|| labels.cmp(other_labels))
        });
    }
}

/// What a log counts fits 32 bits: it holds no more bytes.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
