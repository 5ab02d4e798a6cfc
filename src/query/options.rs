//! How a query is run.

use std::time::Duration;

use crate::model::Timestamp;
use crate::query::budget::CancelToken;

/// Options of one run of a query, built by value.
///
/// ```
/// use silverback::{RunOptions, Timestamp};
///
/// let options = RunOptions::default()
///     .now(Timestamp::from_nanos(0))
///     .threads(2)
///     .timeout(std::time::Duration::from_secs(30));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    pub(crate) now: Option<Timestamp>,
    pub(crate) newest: bool,
    pub(crate) whole: bool,
    pub(crate) threads: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) cancel: Option<CancelToken>,
}

impl RunOptions {
    /// Sets the time that `now` and `last` mean; by default the time of the snapshot.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Lets `now` mean just after the newest sample of the metrics asked for; by default it does
    /// not. It goes before [`now`](Self::now), which stays for metrics without samples.
    #[must_use]
    pub fn now_is_newest(mut self, newest: bool) -> Self {
        self.newest = newest;
        self
    }

    /// Lets queries that name no range ask about all samples of their metrics; by default they ask
    /// about the last hour.
    #[must_use]
    pub fn whole_range(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }

    /// Sets how many threads read and compute, the caller's among them; the others end with the
    /// run. By default there is the caller's alone. Answers have the same bits with any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets how long the run may take; by default as long as it takes. It is looked at before each
    /// chunk that is read, and every few thousand points that are computed.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how many bytes of samples the run may hold at a time; by default
    /// [`Limits::query_memory_bytes_max`](crate::Limits::query_memory_bytes_max), 512 MiB.
    ///
    /// As many bytes, and at least 1 MiB, it may hold of the answer: groups × windows, and rows.
    /// More is refused before it is made.
    ///
    /// Percentiles of more samples than fit stay exact: the samples are read several times then.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = Some(bytes);
        self
    }

    /// Lets a token stop the run from another thread.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }
}
