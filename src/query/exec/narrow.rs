//! Exact ranks of more values than memory holds: the samples are read several times, each time
//! counting in narrower intervals, until the values that are left fit.
//!
//! Each reading divides the interval that a rank lies in by 1,024; values with few different
//! leading bits, as times are, take two or three readings. (Munro and Paterson, "Selection and
//! Sorting with Limited Storage", 1980.)

use crate::error::Result;
use crate::query::exec::percentile::{Asked, append_statistics, ranks_of};
use crate::query::exec::placement::Placement;
use crate::query::exec::scan::Reading;
use crate::sketch::{key_of, value_of};
use crate::snapshot::{Run, SelectedSeries, Wanted};

const CELLS: usize = 1024;
/// So many ranks are looked for at once: their cells take 8 MiB.
const TARGETS: usize = 1024;
/// The last reading collects values that take this part of the memory.
const COLLECTED_ONE_IN: u64 = 4;

/// A rank of one window that is looked for.
#[derive(Debug)]
struct Target {
    window: usize,
    rank: u64,
    /// The value's key lies between these.
    low: u64,
    high: u64,
    /// How many values do.
    inside: u64,
    /// Its rank among them.
    rest: u64,
}

impl Target {
    fn is_found(&self) -> bool {
        self.low == self.high
    }

    /// A cell holds 2^shift keys.
    fn shift(&self) -> u32 {
        let bits = u64::BITS - (self.high - self.low).leading_zeros();
        bits.saturating_sub(CELLS.ilog2())
    }

    /// Takes the cell that the rank lies in.
    fn narrow(&mut self, cells: &[u64]) {
        let shift = self.shift();
        for (cell, count) in (0_u64..).zip(cells) {
            if self.rest < *count {
                self.low += cell << shift;
                self.high = self.high.min(self.low.saturating_add((1 << shift) - 1));
                self.inside = *count;
                return;
            }
            self.rest -= count;
        }
    }
}

/// Returns the statistics of the values of some series: one column an asked, one value a window,
/// of each of which `counts` says how many values it holds.
///
/// # Errors
/// Errors of reading, and of the budget.
pub(super) fn statistics(
    reading: &Reading<'_>,
    members: &[&SelectedSeries],
    counts: &[u64],
    asked: &[Asked],
) -> Result<Vec<Vec<Option<f64>>>> {
    let mut targets: Vec<Target> = Vec::new();
    for (window, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        targets.extend(ranks_of(asked, *count).into_iter().map(|rank| Target {
            window,
            rank,
            low: 0,
            high: u64::MAX,
            inside: *count,
            rest: rank,
        }));
    }
    for some in targets.chunks_mut(TARGETS) {
        find(reading, members, some)?;
    }
    let mut columns = vec![vec![None; counts.len()]; asked.len()];
    for (window, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let first = targets.partition_point(|target| target.window < window);
        let own = targets.get(first..).unwrap_or(&[]);
        let value_of_rank = |rank: u64| {
            let mut own = own.iter().take_while(|target| target.window == window);
            own.find(|target| target.rank == rank).map(|target| value_of(target.low))
        };
        let mut found = Vec::new();
        append_statistics(asked, *count, value_of_rank, &mut found);
        for (column, value) in columns.iter_mut().zip(found) {
            if let Some(slot) = column.get_mut(window) {
                *slot = Some(value);
            }
        }
    }
    Ok(columns)
}

/// Narrows all targets down to their values.
fn find(reading: &Reading<'_>, members: &[&SelectedSeries], targets: &mut [Target]) -> Result<()> {
    let collected_max = reading.budget.bytes_max() / COLLECTED_ONE_IN / size_of::<u64>() as u64;
    loop {
        let open = || targets.iter().filter(|target| !target.is_found());
        if open().next().is_none() {
            return Ok(());
        }
        if open().map(|target| target.inside).sum::<u64>() <= collected_max {
            return collect(reading, members, targets);
        }
        let mut cells = vec![0_u64; targets.len() * CELLS];
        for_each_value(reading, members, targets, |index, target, key| {
            let cell = usize::try_from((key - target.low) >> target.shift()).unwrap_or(0);
            if let Some(count) = cells.get_mut(index * CELLS + cell) {
                *count += 1;
            }
        })?;
        for (target, cells) in targets.iter_mut().zip(cells.chunks(CELLS)) {
            if !target.is_found() {
                target.narrow(cells);
            }
        }
    }
}

/// Collects the values near each target, and selects among them.
fn collect(
    reading: &Reading<'_>,
    members: &[&SelectedSeries],
    targets: &mut [Target],
) -> Result<()> {
    let mut near: Vec<Vec<u64>> = vec![Vec::new(); targets.len()];
    for_each_value(reading, members, targets, |index, _, key| {
        if let Some(near) = near.get_mut(index) {
            near.push(key);
        }
    })?;
    for (target, mut near) in targets.iter_mut().zip(near) {
        let rest = usize::try_from(target.rest).unwrap_or(usize::MAX);
        if !target.is_found() && rest < near.len() {
            let key = *near.select_nth_unstable(rest).1;
            (target.low, target.high) = (key, key);
        }
    }
    Ok(())
}

/// Calls `each(index, target, key)` for every value that lies in the interval of an open target.
fn for_each_value(
    reading: &Reading<'_>,
    members: &[&SelectedSeries],
    targets: &[Target],
    mut each: impl FnMut(usize, &Target, u64),
) -> Result<()> {
    let wanted = Wanted { summaries: false, values: true };
    let mut placement = Placement::default();
    for series in members {
        let filter = reading.scan.selection.filters.of_series(series.key());
        reading.visit(series, wanted, &mut |run| {
            let Run::Samples(columns) = run else { return Ok(false) };
            filter.keep(columns);
            placement.place(&columns.timestamps, (0, &reading.covers), false);
            for run in placement.runs() {
                let first = targets.partition_point(|target| target.window < run.window);
                let values = columns.values.get(run.first..run.end).unwrap_or(&[]);
                let own = targets.iter().enumerate().skip(first);
                for (index, target) in own.take_while(|(_, target)| target.window == run.window) {
                    if target.is_found() {
                        continue;
                    }
                    for key in values.iter().map(|value| key_of(*value)) {
                        if target.low <= key && key <= target.high {
                            each(index, target, key);
                        }
                    }
                }
            }
            Ok(true)
        })?;
    }
    Ok(())
}
