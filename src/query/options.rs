//! How a query is run.

use crate::model::Timestamp;

/// Options of one run of a query, built by value.
///
/// ```
/// use silverback::{RunOptions, Timestamp};
///
/// let options = RunOptions::default().now(Timestamp::from_nanos(0)).whole_range(true);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RunOptions {
    pub(crate) now: Option<Timestamp>,
    pub(crate) newest: bool,
    pub(crate) whole: bool,
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
}
