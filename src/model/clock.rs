//! Where the current time comes from.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::model::time::Timestamp;

/// A source of the current time.
///
/// All code that needs "now" asks a clock, so that tests and simulations decide what time it is.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is told to move.
///
/// ```
/// use silverback::{Clock, ManualClock, Timestamp};
/// let clock = ManualClock::new(Timestamp::from_nanos(5));
/// clock.set(Timestamp::from_nanos(7));
/// assert_eq!(clock.now(), Timestamp::from_nanos(7));
/// ```
#[derive(Debug, Default)]
pub struct ManualClock {
    nanos: AtomicI64,
}

impl ManualClock {
    /// Creates a clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { nanos: AtomicI64::new(start.as_nanos()) }
    }

    /// Sets the time that the clock shows.
    pub fn set(&self, now: Timestamp) {
        self.nanos.store(now.as_nanos(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}
