//! Numbers by window, and adding to them.

use crate::query::exec::placement::WindowRun;

/// Adds counts, window by window.
pub(super) fn add_counts(counts: &mut [u64], more: &[u64]) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

/// Changes what some windows have.
pub(super) fn for_each_of<T>(all: &mut [T], windows: &[usize], change: impl Fn(&mut T)) {
    for window in windows {
        if let Some(one) = all.get_mut(*window) {
            change(one);
        }
    }
}

/// Adds how many samples lie in each run to its window.
pub(super) fn add_lengths(counts: &mut [u64], runs: &[WindowRun]) {
    for run in runs {
        if let Some(count) = counts.get_mut(run.window) {
            *count += (run.end - run.first) as u64;
        }
    }
}
