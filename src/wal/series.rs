//! A series as the log knows it: its identity, and its reference in the current generation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::format::frame::SERIES_REFS_MAX;
use crate::model::{MetricDef, SeriesKey};

/// A metric that samples can be appended to.
#[derive(Debug)]
pub(crate) struct MetricEntry {
    /// The definition, which does not change.
    pub def: MetricDef,
}

/// A series that samples can be appended to.
#[derive(Debug)]
pub(crate) struct LogSeries {
    /// Its identity.
    pub key: SeriesKey,
    /// Its metric.
    pub metric: Arc<MetricEntry>,
    /// The generation in which it was last defined, and its reference there in the low 24 bits.
    slot: AtomicU64,
}

impl LogSeries {
    /// Makes a series that is not yet defined in any generation.
    #[must_use]
    pub(crate) fn new(key: SeriesKey, metric: Arc<MetricEntry>) -> Self {
        Self { key, metric, slot: AtomicU64::new(0) }
    }

    /// Returns the reference in a generation, if the series is defined there.
    #[inline]
    #[must_use]
    pub(crate) fn reference(&self, generation: u64) -> Option<u32> {
        let slot = self.slot.load(Ordering::Acquire);
        let reference = u32::try_from(slot & (SERIES_REFS_MAX - 1)).ok()?;
        (slot / SERIES_REFS_MAX == generation).then_some(reference)
    }

    /// Remembers the reference; the DEFINE frame that gives it must be stored before.
    pub(crate) fn define(&self, generation: u64, reference: u32) {
        let slot = generation * SERIES_REFS_MAX + u64::from(reference);
        self.slot.store(slot, Ordering::Release);
    }
}
