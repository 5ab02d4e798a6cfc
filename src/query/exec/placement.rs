//! Which samples lie in which windows; found once for series that share their timestamps.

use crate::model::TimeRange;
use crate::query::exec::change::{Reached, reached_of};
use crate::query::window::{for_each_run, rising};

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

/// Returns the windows that hold all samples between two times; nothing where one holds a part.
pub(super) fn windows_around(
    covers: &[TimeRange],
    (first, last): (i64, i64),
) -> Option<Vec<usize>> {
    let mut windows = Vec::new();
    for (base, covers) in rising(covers) {
        let start = covers.partition_point(|cover| cover.end.as_nanos() <= first);
        for (index, cover) in covers.iter().enumerate().skip(start) {
            if cover.start.as_nanos() > last {
                break;
            }
            if cover.start.as_nanos() > first || last >= cover.end.as_nanos() {
                return None;
            }
            windows.push(base + index);
        }
    }
    Some(windows)
}

/// Finds the samples between two times that lie in each window, by what is known of how many lie
/// before a time; nothing where that of a window's start or end is not known.
pub(super) fn runs_by_counts(
    covers: &[TimeRange],
    (first, last): (i64, i64),
    before: impl Fn(i64) -> Option<u32>,
) -> Option<Vec<WindowRun>> {
    let mut runs = Vec::new();
    for (base, covers) in rising(covers) {
        let start = covers.partition_point(|cover| cover.end.as_nanos() <= first);
        // Most windows begin where the one before ends.
        let mut known = (first, 0);
        for (index, cover) in covers.iter().enumerate().skip(start) {
            let (start, end) = (cover.start.as_nanos(), cover.end.as_nanos());
            if start > last {
                break;
            }
            let begin = if start == known.0 { known.1 } else { before(start)? };
            known = (end, before(end)?);
            if begin < known.1 {
                let window = base + index;
                runs.push(WindowRun { window, first: begin as usize, end: known.1 as usize });
            }
        }
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::{Placement, WindowRun, runs_by_counts};
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

    #[test]
    fn counts_before_times_place_samples_as_the_samples_do() {
        let times: Vec<i64> = vec![3, 5, 5, 10, 19, 20, 20, 31, 44];
        let before = |time: i64| {
            let count = times.iter().filter(|known| **known < time).count();
            u32::try_from(count).ok()
        };
        for windows in [covers(&[0, 10, 20, 30, 40, 50]), covers(&[-20, 4, 5, 8, 30, 6, 43, 90])] {
            let mut placement = Placement::default();
            placement.place(&times, (0, &windows), false);
            let placed = runs_by_counts(&windows, (3, 44), before);
            assert_eq!(placed.as_deref(), Some(placement.runs()));
        }
        let none = |time: i64| if time % 10 == 0 { before(time) } else { None };
        assert!(runs_by_counts(&covers(&[0, 10, 20]), (3, 44), none).is_some());
        assert!(runs_by_counts(&covers(&[0, 10, 25]), (3, 44), none).is_none());
    }
}
