//! What is gathered of one group, window by window, and the aggregates read from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Result;
use crate::model::TimeRange;
use crate::query::budget::Budget;
use crate::query::exec::change::{Steps, add_changes};
use crate::query::exec::counts::{add_counts, add_lengths, for_each_of};
use crate::query::exec::edges::{Edges, add_edges};
use crate::query::exec::frame::Point;
use crate::query::exec::percentile::{Asked, Pool};
use crate::query::exec::placement::{Placement, WindowRun, runs_by_counts, windows_around};
use crate::query::plan::{Function, Scan};
use crate::query::predicate::Test;
use crate::query::quantile::Decimal;
use crate::sketch::{Bounds, DoubleDouble, LogBuckets, Moments, Resolution};
use crate::snapshot::{ChunkSlices, SealedChunk, Wanted};

/// What the samples of one group add up to in each window.
///
/// Only what the aggregates need is gathered; the other parts stay empty.
#[derive(Debug)]
pub(super) struct Accumulator<'p> {
    functions: &'p [Function],
    budget: &'p Budget,
    counts: Vec<u64>,
    moments: Vec<Moments>,
    matched: Vec<Vec<u64>>,
    /// By label, the values that samples of each window have.
    distinct: Vec<Vec<BTreeSet<Arc<str>>>>,
    edges: Vec<Option<Edges>>,
    changes: Vec<Option<DoubleDouble>>,
    steps: Option<Steps>,
    placement: Placement,
    /// Of the chunk that was read last without its timestamps.
    values: Vec<f64>,
    logs: Vec<LogBuckets>,
    pool: Pool,
    /// What the pool has of the budget.
    pool_bytes: u64,
    /// True where the pool did not fit into the memory: ranks are found in another way.
    overflows: bool,
    asked: Vec<Asked>,
}

/// What the samples of one series share.
#[derive(Debug)]
pub(super) struct Marks {
    /// The conditions that are counted.
    pub(super) tests: Vec<Test>,
    /// The values of the labels that are counted.
    pub(super) labels: Vec<Arc<str>>,
}

impl<'p> Accumulator<'p> {
    /// Prepares for the aggregates of a scan.
    pub(super) fn new(scan: &'p Scan, windows: usize, budget: &'p Budget) -> Self {
        let functions = scan.aggregates.as_slice();
        let sized = |test: fn(Function) -> bool| {
            if functions.iter().any(|function| test(*function)) { windows } else { 0 }
        };
        let steps = functions.iter().find_map(|function| match function {
            Function::Increase => Some(Steps::Counter),
            Function::Delta => Some(Steps::Gauge),
            _ => None,
        });
        let asked = functions.iter().filter_map(|function| match function {
            Function::Quantile { share, linear } => Some(Asked { share: *share, linear: *linear }),
            _ => None,
        });
        Self {
            functions,
            budget,
            counts: vec![0; windows],
            moments: vec![Moments::EMPTY; sized(Function::is_of_moments)],
            matched: vec![vec![0; windows]; scan.conditions.len()],
            distinct: vec![vec![BTreeSet::new(); windows]; scan.labels.len()],
            edges: vec![None; sized(Function::is_of_edges)],
            changes: vec![None; sized(Function::reaches_back)],
            steps,
            placement: Placement::default(),
            values: Vec::new(),
            logs: vec![LogBuckets::new(Resolution::OF_ANSWERS); sized(Function::is_of_buckets)],
            pool: Pool::default(),
            pool_bytes: 0,
            overflows: false,
            asked: asked.collect(),
        }
    }

    /// Forgets the group and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.moments.fill(Moments::EMPTY);
        self.matched.iter_mut().for_each(|counts| counts.fill(0));
        self.distinct.iter_mut().flatten().for_each(BTreeSet::clear);
        self.logs.fill(LogBuckets::new(Resolution::OF_ANSWERS));
        self.edges.fill(None);
        self.changes.fill(None);
        self.empty_pool();
        self.overflows = false;
    }

    fn empty_pool(&mut self) {
        self.pool.clear();
        self.budget.give_back(std::mem::take(&mut self.pool_bytes));
    }

    /// Makes room for more of the pool; where there is none, the pool is given up.
    fn pools(&mut self, bytes: u64) -> bool {
        if self.asked.is_empty() || self.overflows {
            return false;
        }
        self.overflows = !self.budget.take(bytes);
        if self.overflows {
            self.empty_pool();
            self.pool = Pool::default();
        } else {
            self.pool_bytes += bytes;
        }
        !self.overflows
    }

    /// Returns true where statistics of ranks must be found by reading again.
    pub(super) fn overflows(&self) -> bool {
        self.overflows
    }

    /// Returns how many samples each window holds.
    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Returns the order statistics that are asked for.
    pub(super) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Adds what another one gathered of later series of the same group, which is empty then.
    pub(super) fn merge(&mut self, other: &mut Self) {
        add_counts(&mut self.counts, &other.counts);
        for (own, other) in self.moments.iter_mut().zip(&other.moments) {
            own.merge(other);
        }
        for (own, other) in self.matched.iter_mut().zip(&other.matched) {
            add_counts(own, other);
        }
        let sets = self.distinct.iter_mut().flatten();
        for (own, other) in sets.zip(other.distinct.iter_mut().flatten()) {
            own.append(other);
        }
        for (own, other) in self.logs.iter_mut().zip(&other.logs) {
            own.merge(other);
        }
        for (own, other) in self.edges.iter_mut().zip(&other.edges) {
            if let Some(Edges { first, last }) = other {
                add_edges(own, &[first.0, last.0], &[first.1, last.1]);
            }
        }
        for (own, other) in self.changes.iter_mut().zip(&other.changes) {
            if let Some(other) = other {
                *own.get_or_insert(DoubleDouble::ZERO) += *other;
            }
        }
        self.overflows |= other.overflows;
        if self.overflows {
            self.empty_pool();
            self.pool = Pool::default();
        } else {
            self.pool.append(&mut other.pool);
            self.pool_bytes += std::mem::take(&mut other.pool_bytes);
        }
        other.clear();
    }

    /// Returns what is looked at of runs: summary, sketch and slices of a chunk say nothing of
    /// squares, and of steps from one sample to the next.
    pub(super) fn wanted(&self, series: &Marks, filter: &Test) -> Wanted {
        let is_fixed = |test: &Test| matches!(test, Test::Always | Test::Never);
        let summaries = self.steps.is_none() && !self.functions.contains(&Function::Stddev);
        let values = !summaries
            || !self.asked.is_empty()
            || !self.moments.is_empty()
            || !self.edges.is_empty()
            || !series.tests.iter().chain([filter]).all(is_fixed);
        Wanted { summaries, values }
    }

    /// Adds a whole chunk of one series, if each window holds all of it or nothing, or a part that
    /// ticks of its timestamps tell; returns false where its samples are needed.
    pub(super) fn add_chunk(
        &mut self,
        chunk: &SealedChunk<'_>,
        covers: &[TimeRange],
        series: &Marks,
    ) -> Result<bool> {
        let decided = series.tests.iter().map(|test| test.decide_chunk(chunk));
        let decided: Vec<_> = decided.collect::<Result<_>>()?;
        let Some(windows) = windows_around(covers, chunk.times) else {
            return self.add_between_ticks(chunk, covers, (series, &decided));
        };
        if windows.is_empty() {
            return Ok(true);
        }
        let slices = if !self.asked.is_empty() || decided.contains(&None) {
            let Some(slices) = chunk.slices()? else { return Ok(false) };
            Some(slices)
        } else {
            None
        };
        let sketch = if self.logs.is_empty() { None } else { chunk.sketch()? };
        if sketch.is_none() && !self.logs.is_empty() {
            return Ok(false);
        }
        let tests = series.tests.iter().zip(decided);
        let matched: Vec<u64> = tests
            .map(|(test, decided)| match (decided, &slices) {
                (Some(true), _) => chunk.count,
                (None, Some(slices)) => count_passing(slices, test),
                _ => 0,
            })
            .collect();
        if !self.add_summary(&windows, chunk, &matched)? {
            return Ok(false);
        }
        for window in &windows {
            if let (Some(log), Some(sketch)) = (self.logs.get_mut(*window), &sketch) {
                log.merge(sketch);
            }
            self.add_labels(*window, series);
        }
        if let Some(slices) = slices
            && self.pools(slices.memory_bytes())
        {
            self.pool.add_chunk(slices, &windows);
        }
        Ok(true)
    }

    /// Adds a chunk that windows cut at ticks, without its timestamps.
    fn add_between_ticks(
        &mut self,
        chunk: &SealedChunk<'_>,
        covers: &[TimeRange],
        (series, decided): (&Marks, &[Option<bool>]),
    ) -> Result<bool> {
        if !self.edges.is_empty() {
            // The first and the last of a window are told with their times.
            return Ok(false);
        }
        let Some(ticks) = chunk.ticks()? else { return Ok(false) };
        let Some(runs) = runs_by_counts(covers, chunk.times, |time| ticks.before(time)) else {
            return Ok(false);
        };
        add_lengths(&mut self.counts, &runs);
        if self.asked.is_empty() && self.moments.is_empty() && !decided.contains(&None) {
            let passing = self.matched.iter_mut().zip(decided);
            for (counts, _) in passing.filter(|(_, decided)| **decided == Some(true)) {
                add_lengths(counts, &runs);
            }
            for run in &runs {
                self.add_labels(run.window, series);
            }
            return Ok(true);
        }
        let mut values = std::mem::take(&mut self.values);
        chunk.read_values(&mut values)?;
        self.add_values(&runs, &values, series);
        self.values = values;
        Ok(true)
    }

    /// Adds what the index says of a chunk to each window; returns false, and adds nothing, where
    /// it does not say enough.
    fn add_summary(
        &mut self,
        windows: &[usize],
        chunk: &SealedChunk<'_>,
        matched: &[u64],
    ) -> Result<bool> {
        if !self.moments.is_empty() {
            let Some(sum) = chunk.sum()? else { return Ok(false) };
            let (min, max) = chunk.extremes()?;
            let known = |moments: &mut Moments| moments.add_known(chunk.count, sum, min, max);
            for_each_of(&mut self.moments, windows, known);
        }
        if !self.edges.is_empty() {
            let ((start, end), (first, last)) = (chunk.times, chunk.edges()?);
            let add = |edges: &mut _| add_edges(edges, &[start, end], &[first, last]);
            for_each_of(&mut self.edges, windows, add);
        }
        for (counts, more) in self.matched.iter_mut().zip(matched) {
            for_each_of(counts, windows, |count| *count += more);
        }
        for_each_of(&mut self.counts, windows, |count| *count += chunk.count);
        Ok(true)
    }

    fn add_labels(&mut self, window: usize, series: &Marks) {
        for (sets, value) in self.distinct.iter_mut().zip(&series.labels) {
            if let Some(set) = sets.get_mut(window).filter(|_| !value.is_empty()) {
                set.insert(Arc::clone(value));
            }
        }
    }

    /// Adds samples of one series, in order of time; `covers` are of the windows from `base` on.
    pub(super) fn add(
        &mut self,
        (timestamps, values): (&[i64], &[f64]),
        (base, covers): (usize, &[TimeRange]),
        series: &Marks,
    ) {
        let mut placement = std::mem::take(&mut self.placement);
        placement.place(timestamps, (base, covers), self.steps.is_some());
        add_lengths(&mut self.counts, placement.runs());
        self.add_values(placement.runs(), values, series);
        if !self.edges.is_empty() {
            for run in placement.runs() {
                let times = timestamps.get(run.first..run.end).unwrap_or(&[]);
                if let Some(edges) = self.edges.get_mut(run.window) {
                    add_edges(edges, times, values.get(run.first..run.end).unwrap_or(&[]));
                }
            }
        }
        if let Some(steps) = self.steps {
            add_changes(steps, placement.reached(), values, &mut self.changes);
        }
        self.placement = placement;
    }

    /// Adds what does not depend on the time of samples; one loop for each aggregate.
    fn add_values(&mut self, runs: &[WindowRun], values: &[f64], series: &Marks) {
        let inside = |run: &WindowRun| values.get(run.first..run.end).unwrap_or(&[]);
        if !self.moments.is_empty() {
            let needs_squares = self.functions.contains(&Function::Stddev);
            for run in runs {
                let Some(moments) = self.moments.get_mut(run.window) else { continue };
                if needs_squares {
                    moments.extend(inside(run).iter().copied());
                } else {
                    moments.extend_without_squares(inside(run));
                }
            }
        }
        if !self.logs.is_empty() {
            for run in runs {
                let Some(log) = self.logs.get_mut(run.window) else { continue };
                for value in inside(run) {
                    log.add(*value);
                }
            }
        }
        for (counts, test) in self.matched.iter_mut().zip(&series.tests) {
            if *test == Test::Never {
                continue;
            }
            for run in runs {
                if let Some(count) = counts.get_mut(run.window) {
                    *count += test.count(inside(run));
                }
            }
        }
        if !self.distinct.is_empty() {
            for run in runs {
                self.add_labels(run.window, series);
            }
        }
        if self.pools((size_of_val(values) + size_of_val(runs)) as u64) {
            let offset = self.pool.add_values(values);
            for run in runs {
                self.pool.add_run(run.window, offset + run.first, offset + run.end);
            }
        }
    }

    /// Returns the values of every aggregate, in their order, one a window.
    pub(super) fn finish(&mut self) -> Vec<Vec<Point>> {
        let statistics = self.statistics();
        self.finish_with(statistics)
    }

    /// As [`finish`](Self::finish), with statistics of ranks that were found elsewhere.
    pub(super) fn finish_with(&self, statistics: Vec<Vec<Option<f64>>>) -> Vec<Vec<Point>> {
        let mut statistics = statistics.into_iter();
        let functions = self.functions;
        let mut columns = Vec::with_capacity(functions.len());
        for function in functions {
            let column = match function {
                Function::Quantile { .. } => statistics.next().unwrap_or_default(),
                _ => (0..self.counts.len()).map(|window| self.value(*function, window)).collect(),
            };
            let points = column.into_iter().zip(&self.counts);
            let point = |(value, &count): (_, &u64)| Point::new(value, count > 0);
            columns.push(points.map(point).collect());
        }
        columns
    }

    /// Returns bounds of an order statistic: those of its bucket, within all values.
    fn bounds(&self, share: Decimal, window: usize) -> Option<Bounds> {
        let (log, moments) = (self.logs.get(window)?, self.moments.get(window)?);
        let Bounds { low, high } = log.bounds_of_rank(share.nearest_rank(log.count()) - 1)?;
        Some(Bounds { low: low.max(moments.min), high: high.min(moments.max) })
    }

    fn statistics(&mut self) -> Vec<Vec<Option<f64>>> {
        let mut columns = vec![vec![None; self.counts.len()]; self.asked.len()];
        self.pool.statistics(&self.asked, |window, found| {
            for (column, value) in columns.iter_mut().zip(found) {
                if let Some(slot) = column.get_mut(window) {
                    *slot = Some(*value);
                }
            }
        });
        columns
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of samples stay below 2^53")]
    fn value(&self, function: Function, window: usize) -> Option<f64> {
        let count = self.counts.get(window).copied().unwrap_or(0);
        let moments = self.moments.get(window);
        let some = |value: f64| (count > 0).then_some(value);
        let edges = || self.edges.get(window).copied().flatten();
        match function {
            Function::Count => Some(count as f64),
            Function::Sum => moments.map(|moments| moments.sum.to_f64()),
            Function::Avg => moments.and_then(Moments::mean),
            Function::Stddev => moments.and_then(Moments::stddev),
            Function::Min => moments.and_then(|moments| some(moments.min)),
            Function::Max => moments.and_then(|moments| some(moments.max)),
            Function::First => edges().map(|edges| edges.first.1),
            Function::Last => edges().map(|edges| edges.last.1),
            Function::Share(condition) => {
                let matched = self.matched.get(condition).and_then(|counts| counts.get(window));
                matched.and_then(|&matched| some(matched as f64 / count as f64))
            }
            Function::Approximate(share) => self.bounds(share, window).map(Bounds::middle),
            Function::ApproximateError(share) => {
                self.bounds(share, window).map(Bounds::relative_error)
            }
            Function::Distinct(label) => {
                let sets = self.distinct.get(label)?;
                sets.get(window).map(|set| set.len() as f64)
            }
            Function::Apdex(satisfied, tolerating) => {
                let matched = |condition: usize| self.matched.get(condition)?.get(window).copied();
                let halves = matched(satisfied)? + matched(tolerating)?;
                some(halves as f64 / 2.0 / count as f64)
            }
            Function::Increase | Function::Delta => {
                self.changes.get(window).copied().flatten().map(DoubleDouble::to_f64)
            }
            // Read from the pool, all at once.
            Function::Quantile { .. } => None,
        }
    }
}

fn count_passing(slices: &ChunkSlices, test: &Test) -> u64 {
    slices
        .count_passing(|least, greatest| test.decide(least, greatest), |values| test.count(values))
}

impl Drop for Accumulator<'_> {
    fn drop(&mut self) {
        self.budget.give_back(self.pool_bytes);
    }
}
