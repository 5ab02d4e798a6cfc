//! Which symbols, metrics and series a generation has defined, and the records for new ones.

use std::collections::HashMap;

use crate::format::definition::Definition;
use crate::model::{MetricDef, SeriesKey, TextTable};

/// The most bytes that the records of a series add beside its text: tags and LEB128 numbers.
const RECORD_BYTES_MAX: u64 = 12;

/// The definitions of one generation.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    symbols: TextTable,
    metrics: HashMap<Box<str>, DefinedMetric>,
    metric_count: usize,
    series: u32,
}

/// The newest definition of a metric in a generation.
#[derive(Debug, Clone, Copy)]
struct DefinedMetric {
    number: usize,
    has_unit: bool,
}

impl DefinedMetric {
    /// True where it says all that a definition says: a unit may be added to one without.
    fn says(self, def: &MetricDef) -> bool {
        self.has_unit || def.unit.is_none()
    }
}

impl Definitions {
    /// Returns how many series are defined, which is the next one's reference.
    pub(crate) fn series_count(&self) -> u32 {
        self.series
    }

    /// Returns a bound for the bytes that defining a series appends.
    pub(crate) fn series_bytes_max(key: &SeriesKey, metric: &MetricDef) -> u64 {
        let text: usize = key.labels().map(|(name, value)| name.len() + value.len()).sum();
        let unit = metric.unit.as_ref().map_or(0, String::len);
        let records = 4 + 4 * key.labels().count() as u64;
        (text + key.metric().len() + unit) as u64 + records * RECORD_BYTES_MAX
    }

    /// Returns a bound for the bytes of the frame that defines a metric.
    pub(crate) fn metric_bytes_max(metric: &MetricDef) -> u64 {
        (metric.name.len() + metric.unit.as_ref().map_or(0, String::len)) as u64 + 128
    }

    /// Returns true if a metric is defined, and its unit where it has one.
    pub(crate) fn has_metric(&self, def: &MetricDef) -> bool {
        self.metrics.get(def.name.as_str()).is_some_and(|known| known.says(def))
    }

    /// Appends the records of a series and what it refers to; returns its reference.
    pub(crate) fn series(&mut self, key: &SeriesKey, def: &MetricDef, out: &mut Vec<u8>) -> u32 {
        let metric = self.metric(def, out);
        let labels = key
            .labels()
            .map(|(name, value)| (self.symbol(name, out), self.symbol(value, out)))
            .collect();
        Definition::Series { metric, labels }.encode(out);
        let reference = self.series;
        self.series += 1;
        reference
    }

    /// Appends the records of a metric unless it is defined so; returns its number. The last
    /// definition of a name counts.
    pub(crate) fn metric(&mut self, def: &MetricDef, out: &mut Vec<u8>) -> usize {
        if let Some(known) = self.metrics.get(def.name.as_str()).filter(|known| known.says(def)) {
            return known.number;
        }
        let name = self.symbol(&def.name, out);
        let unit = def.unit.as_ref().map(|unit| self.symbol(unit, out));
        Definition::Metric { name, kind: def.kind, duplicates: def.duplicates, unit }.encode(out);
        let number = self.metric_count;
        self.metric_count += 1;
        self.metrics
            .insert(def.name.as_str().into(), DefinedMetric { number, has_unit: unit.is_some() });
        number
    }

    fn symbol(&mut self, text: &str, out: &mut Vec<u8>) -> usize {
        let (symbol, is_new) = self.symbols.intern(text);
        if is_new {
            Definition::Symbol(text).encode(out);
        }
        symbol as usize
    }
}
