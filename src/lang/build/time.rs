//! Lengths of time and points in time.

use crate::lang::ast::{Duration, Time};
use crate::lang::build::at;
use crate::model::Timestamp;

const SECOND_NANOS: u64 = 1_000_000_000;

impl Duration {
    const fn of_nanos(count: u64, each: u64) -> Self {
        Self { months: 0, days: 0, nanos: count.saturating_mul(each) }
    }

    /// `250ms`
    #[must_use]
    pub const fn millis(count: u64) -> Self {
        Self::of_nanos(count, 1_000_000)
    }

    /// `30s`
    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self::of_nanos(count, SECOND_NANOS)
    }

    /// `5m`
    #[must_use]
    pub const fn minutes(count: u64) -> Self {
        Self::of_nanos(count, 60 * SECOND_NANOS)
    }

    /// `1h`
    #[must_use]
    pub const fn hours(count: u64) -> Self {
        Self::of_nanos(count, 3600 * SECOND_NANOS)
    }

    /// `7d`: of 24 h each, or civil days where the question has a zone.
    #[must_use]
    pub const fn days(count: u32) -> Self {
        Self { months: 0, days: count, nanos: 0 }
    }

    /// `2w`: of 7 days each.
    #[must_use]
    pub const fn weeks(count: u32) -> Self {
        Self::days(count.saturating_mul(7))
    }

    /// `3mo`, by the calendar.
    #[must_use]
    pub const fn months(count: u32) -> Self {
        Self { months: count, days: 0, nanos: 0 }
    }

    /// `1y`, by the calendar.
    #[must_use]
    pub const fn years(count: u32) -> Self {
        Self::months(count.saturating_mul(12))
    }
}

/// As hours, minutes, seconds and parts of these; up to 584 years.
impl From<std::time::Duration> for Duration {
    fn from(length: std::time::Duration) -> Self {
        Self::of_nanos(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX), 1)
    }
}

impl Time {
    /// `mark("deploy v42")`
    #[must_use]
    pub fn mark(name: impl Into<String>) -> Self {
        Self::Mark(name.into())
    }

    /// `now + 1h`
    #[must_use]
    pub fn plus(self, length: impl Into<Duration>) -> Self {
        Self::Plus(Box::new(at(self)), length.into())
    }

    /// `now - 1h`
    #[must_use]
    pub fn minus(self, length: impl Into<Duration>) -> Self {
        Self::Minus(Box::new(at(self)), length.into())
    }
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self::Instant(time.as_nanos())
    }
}
