//! How much counters grew and gauges changed, with the sample before a window as its first.

use crate::model::TimeRange;
use crate::query::window::{gallop, rising};
use crate::sketch::DoubleDouble;

/// How far before a window its first sample may lie.
pub(super) const REACH_NANOS: i64 = 300_000_000_000;

/// How a step from one sample to the next counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// A drop is a restart from zero: the new value counts.
    Counter,
    /// A drop is a drop.
    Gauge,
}

/// Samples of one series that make up the change of a window: the one before it where that is in
/// reach, and those in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    window: usize,
    first: usize,
    end: usize,
}

/// Finds what each window from `base` on reaches of timestamps that never fall; windows without
/// are left out.
pub(super) fn reached_of(timestamps: &[i64], base: usize, covers: &[TimeRange]) -> Vec<Reached> {
    let mut found = Vec::new();
    for (part, covers) in rising(covers) {
        add_reached_rising(timestamps, base + part, covers, &mut found);
    }
    found
}

fn add_reached_rising(
    timestamps: &[i64],
    base: usize,
    covers: &[TimeRange],
    found: &mut Vec<Reached>,
) {
    let Some(&oldest) = timestamps.first() else { return };
    let (mut first, mut end) = (0, 0);
    let mut window = covers.partition_point(|cover| cover.end.as_nanos() <= oldest);
    while let Some(cover) = covers.get(window) {
        let start = cover.start.as_nanos();
        first = gallop(timestamps, first, start);
        end = gallop(timestamps, end.max(first), cover.end.as_nanos());
        let before = first.checked_sub(1).filter(|&index| {
            timestamps.get(index).is_some_and(|time| start.saturating_sub(*time) <= REACH_NANOS)
        });
        if first < end || before.is_some() {
            found.push(Reached { window: base + window, first: before.unwrap_or(first), end });
            window += 1;
        } else {
            let Some(&next) = timestamps.get(first) else { return };
            window += 1;
            let rest = covers.get(window..).unwrap_or(&[]);
            window += rest.partition_point(|cover| cover.end.as_nanos() <= next);
        }
    }
}

/// Adds the changes of one series to the windows.
pub(super) fn add_changes(
    steps: Steps,
    reached: &[Reached],
    values: &[f64],
    totals: &mut [Option<DoubleDouble>],
) {
    let drops = if steps == Steps::Counter { drops_of(values) } else { Vec::new() };
    for part in reached {
        let Some(total) = totals.get_mut(part.window) else { continue };
        let total = total.get_or_insert(DoubleDouble::ZERO);
        add_steps(values.get(part.first..part.end).unwrap_or(&[]), total);
        if drops.is_empty() {
            continue;
        }
        let first = drops.partition_point(|at| *at < part.first);
        let inside = drops.get(first..).unwrap_or(&[]).iter().take_while(|at| *at + 1 < part.end);
        for before in inside.filter_map(|at| values.get(*at)) {
            *total += *before;
        }
    }
}

/// Returns which values are greater than the one behind them: few, so that blocks are asked first
/// whether they have one, without a branch a pair.
fn drops_of(values: &[f64]) -> Vec<usize> {
    const BLOCK: usize = 64;
    let mut drops = Vec::new();
    let later = values.get(1..).unwrap_or(&[]);
    for (block, (from, to)) in values.chunks(BLOCK).zip(later.chunks(BLOCK)).enumerate() {
        let falls = |(from, to): (&f64, &f64)| to < from;
        if from.iter().zip(to).fold(false, |any, pair| any | falls(pair)) {
            let at = |(index, pair)| falls(pair).then_some(block * BLOCK + index);
            drops.extend(from.iter().zip(to).enumerate().filter_map(at));
        }
    }
    drops
}

/// Adds up steps, all but the ends of which cancel: what was reached last less what was there
/// first. Of counters the value before each drop is added besides.
#[expect(clippy::float_cmp, reason = "whether a difference is exact is a question of equality")]
fn add_steps(values: &[f64], total: &mut DoubleDouble) {
    let [first, .., last] = values else { return };
    let change = last - first;
    // Exact, as of integers: of the two tests the one that subtracts the greater number decides
    // (Dekker's fast two-sum).
    if change + first == *last && *last - change == *first {
        *total += change;
    } else {
        *total += *last;
        *total += -*first;
    }
}

#[cfg(test)]
mod tests {
    use super::{REACH_NANOS, Steps, add_changes, reached_of};
    use crate::model::{TimeRange, Timestamp};
    use crate::sketch::DoubleDouble;

    const MINUTE: i64 = 60_000_000_000;

    fn changes(steps: Steps, samples: &[(i64, f64)], windows: &[(i64, i64)]) -> Vec<Option<f64>> {
        let times: Vec<i64> = samples.iter().map(|(minute, _)| minute * MINUTE).collect();
        let values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
        let at = |minute| Timestamp::from_nanos(minute * MINUTE);
        let covers: Vec<TimeRange> =
            windows.iter().map(|&(start, end)| TimeRange::new(at(start), at(end))).collect();
        let mut totals = vec![None; covers.len()];
        add_changes(steps, &reached_of(&times, 0, &covers), &values, &mut totals);
        totals.into_iter().map(|total| total.map(DoubleDouble::to_f64)).collect()
    }

    #[test]
    fn windows_telescope_and_drops_add_the_new_value() {
        let samples = [(0, 10.0), (1, 15.0), (2, 3.0), (3, 4.0)];
        let grown = changes(Steps::Counter, &samples, &[(0, 2), (2, 4)]);
        assert_eq!(grown, [Some(5.0), Some(4.0)]);
        let changed = changes(Steps::Gauge, &samples, &[(0, 2), (2, 4)]);
        assert_eq!(changed, [Some(5.0), Some(-11.0)]);
    }

    #[test]
    fn drops_are_found_wherever_they_stand() {
        for at in [1_i32, 2, 62, 63, 64, 65, 127, 128, 199] {
            let grown =
                |minute: i32| f64::from(if minute < at { 100 + minute } else { minute - at });
            let samples: Vec<(i64, f64)> =
                (0..200).map(|minute| (i64::from(minute), grown(minute))).collect();
            let total = f64::from(at - 1 + 199 - at);
            let whole = changes(Steps::Counter, &samples, &[(0, 200)]);
            assert_eq!(whole, [Some(total)], "{at}");
            let windows: Vec<(i64, i64)> = (0..40).map(|n| (n * 5, n * 5 + 5)).collect();
            let parts = changes(Steps::Counter, &samples, &windows);
            let sum: f64 = parts.into_iter().flatten().sum();
            assert_eq!(sum.to_bits(), total.to_bits(), "{at}");
        }
    }

    #[test]
    fn a_sample_five_minutes_before_is_in_reach_and_an_older_one_is_not() {
        assert_eq!(REACH_NANOS, 5 * MINUTE);
        let samples = [(0, 1.0), (30, 9.0)];
        let windows = [(4, 5), (5, 6), (6, 7), (20, 31), (31, 32)];
        let grown = changes(Steps::Counter, &samples, &windows);
        assert_eq!(grown, [Some(0.0), Some(0.0), None, Some(0.0), Some(0.0)]);
    }

    #[test]
    fn windows_that_go_back_see_the_samples_again() {
        let samples = [(0, 10.0), (1, 15.0), (2, 18.0), (3, 20.0)];
        let grown = changes(Steps::Counter, &samples, &[(1, 3), (0, 2), (2, 4)]);
        assert_eq!(grown, [Some(8.0), Some(5.0), Some(5.0)]);
    }

    #[test]
    fn no_sample_means_no_value() {
        assert_eq!(changes(Steps::Counter, &[], &[(0, 1)]), [None]);
        assert_eq!(changes(Steps::Counter, &[(9, 1.0)], &[(0, 1), (1, 2)]), [None, None]);
    }
}
