//! Which samples lie in which windows; found once for series that share their timestamps.

use crate::model::TimeRange;
use crate::query::exec::change::{Reached, reached_of};
use crate::query::window::for_each_run;

/// Samples `first..end` lie in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowRun {
    pub(super) window: usize,
    pub(super) first: usize,
    pub(super) end: usize,
}

/// The windows of the samples that were placed last.
///
/// The series of one scrape have the same timestamps, and comparing them is cheaper than looking
/// for each window's first and last sample again: of Q4 of `bench query --workload scrape` a sixth
/// is left of what that took.
#[derive(Debug, Default)]
pub(super) struct Placement {
    /// Empty until two in a row looked alike.
    timestamps: Vec<i64>,
    /// How many there were, the first and the last.
    outline: (usize, Option<i64>, Option<i64>),
    /// The first window, and what the windows cover.
    base: usize,
    covers: Vec<TimeRange>,
    runs: Vec<WindowRun>,
    reached: Vec<Reached>,
    /// Whether `reached` was asked for.
    reaches: bool,
}

impl Placement {
    /// Places samples by their timestamps, which never fall, in the windows from `base` on; also
    /// finds what windows reach where `reaches` is set.
    pub(super) fn place(
        &mut self,
        timestamps: &[i64],
        (base, covers): (usize, &[TimeRange]),
        reaches: bool,
    ) {
        let ends = (timestamps.first().copied(), timestamps.last().copied());
        let outline = (timestamps.len(), ends.0, ends.1);
        let is_alike = self.outline == outline;
        if is_alike
            && (self.base, self.reaches) == (base, reaches)
            && self.timestamps == timestamps
            && self.covers == covers
        {
            return;
        }
        (self.base, self.reaches) = (base, reaches);
        self.outline = outline;
        self.timestamps.clear();
        if is_alike {
            self.timestamps.extend_from_slice(timestamps);
        }
        if self.covers != covers {
            self.covers.clear();
            self.covers.extend_from_slice(covers);
        }
        self.runs.clear();
        for_each_run(timestamps, covers, |window, first, end| {
            self.runs.push(WindowRun { window: base + window, first, end });
        });
        self.reached = if reaches { reached_of(timestamps, base, covers) } else { Vec::new() };
    }

    /// Returns the samples of every window that holds some.
    pub(super) fn runs(&self) -> &[WindowRun] {
        &self.runs
    }

    /// Returns the samples that make up the change of every window that reaches some.
    pub(super) fn reached(&self) -> &[Reached] {
        &self.reached
    }
}

#[cfg(test)]
mod tests {
    use super::{Placement, WindowRun};
    use crate::model::{TimeRange, Timestamp};

    fn covers(starts: &[i64]) -> Vec<TimeRange> {
        let range = |start: &i64| {
            TimeRange::new(Timestamp::from_nanos(*start), Timestamp::from_nanos(start + 10))
        };
        starts.iter().map(range).collect()
    }

    #[test]
    fn what_is_remembered_is_forgotten_with_other_times_windows_or_needs() {
        let mut placement = Placement::default();
        let run = |window, first, end| WindowRun { window, first, end };
        let windows = covers(&[0, 10]);
        placement.place(&[1, 2, 11], (0, &windows), false);
        assert_eq!(placement.runs(), [run(0, 0, 2), run(1, 2, 3)]);
        assert!(placement.reached().is_empty());
        placement.place(&[1, 2, 11], (0, &windows), true);
        assert_eq!(placement.reached().len(), 2);
        placement.place(&[1, 12, 13], (0, &windows), true);
        assert_eq!(placement.runs(), [run(0, 0, 1), run(1, 1, 3)]);
        placement.place(&[1, 12, 13], (4, &windows), true);
        assert_eq!(placement.runs(), [run(4, 0, 1), run(5, 1, 3)]);
        placement.place(&[1, 12, 13], (4, &covers(&[5])), true);
        assert_eq!(placement.runs(), [run(4, 1, 3)]);
        placement.place(&[], (4, &covers(&[5])), true);
        assert!(placement.runs().is_empty());
    }
}
