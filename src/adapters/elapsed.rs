//! Something that takes time: recorded when it ends, whichever way that is.

use std::thread;
use std::time::Instant;

use crate::Appender;
use crate::Result;
use crate::SeriesKey;
use crate::Store;
use crate::Timestamp;
use crate::adapters::refusals::Refusals;

/// The label that says how something ended.
pub(super) const STATUS: &str = "status";
/// The status of what a panic ended.
pub(super) const PANIC: &str = "panic";

/// Where times go: a metric of events in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Times {
    appender: Appender,
    refusals: Refusals,
}

/// When something began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    at: Timestamp,
    since: Instant,
}

impl Times {
    /// Defines the metric.
    pub(super) fn new(store: &Store, metric: &str) -> Result<Self> {
        store.metric(metric).event().unit("ms").define()?;
        Ok(Self { appender: store.appender(), refusals: Refusals::default() })
    }

    pub(super) fn refusals(&self) -> Refusals {
        self.refusals.clone()
    }

    /// Begins to measure.
    pub(super) fn begin(&self) -> Begun {
        Begun { at: self.appender.now(), since: Instant::now() }
    }

    /// Records what ends now; the sample is stamped with its beginning. A panic that unwinds
    /// through it is its status, whatever else was meant to be.
    pub(super) fn end(&self, begun: Begun, key: SeriesKey, status: &str) {
        let elapsed_ms = begun.since.elapsed().as_secs_f64() * 1e3;
        let status = if thread::panicking() { PANIC } else { status };
        let series = self.appender.series(&key.label(STATUS, status));
        self.refusals.note(series.and_then(|series| series.append(begun.at, elapsed_ms)));
    }
}
