//! How long samples are kept.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long a store keeps samples. It is stored with them, and holds until it is set anew.
///
/// Samples expire by whole UTC days, when the last moment of a day is older than asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// The age at which all samples expire; nothing keeps them for ever.
    pub keep: Option<Duration>,
    /// The most bytes of all segments: the oldest days expire until the rest has no more.
    pub bytes_max: Option<u64>,
    /// Metrics whose samples expire earlier than all.
    pub metrics: BTreeMap<String, Duration>,
}

impl Retention {
    /// Keeps everything.
    #[must_use]
    pub fn forever() -> Self {
        Self::default()
    }

    /// Sets the age at which all samples expire.
    #[must_use]
    pub fn keep(mut self, age: Duration) -> Self {
        self.keep = Some(age);
        self
    }

    /// Sets the age at which the samples of one metric expire, if that is earlier.
    #[must_use]
    pub fn keep_metric(mut self, metric: impl Into<String>, age: Duration) -> Self {
        self.metrics.insert(metric.into(), age);
        self
    }

    /// Sets the most bytes of all segments; the newest day is kept whatever its size.
    #[must_use]
    pub fn bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = Some(bytes);
        self
    }
}
