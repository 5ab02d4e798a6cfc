//! Order statistics of the values of many series, pooled by window.
//!
//! Chunks that lie in a window as a whole are pooled as slices, of which the few near a rank are
//! decoded.

use std::collections::BTreeSet;

use crate::query::quantile::Decimal;
use crate::sketch::DoubleDouble;
use crate::snapshot::ChunkSlices;

/// The values of one group, and which of them lie in which window.
#[derive(Debug, Default)]
pub(super) struct Pool {
    values: Vec<f64>,
    runs: Vec<Run>,
    chunks: Vec<ChunkSlices>,
}

/// A part of the pool that lies in a window.
#[derive(Debug, Clone, Copy)]
struct Run {
    window: usize,
    part: Part,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// The values from the first up to the second.
    Values(usize, usize),
    /// All of a chunk.
    Chunk(usize),
}

/// An order statistic that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Which one.
    pub(super) share: Decimal,
    /// True for a straight line between the two that are nearest.
    pub(super) linear: bool,
}

impl Pool {
    /// Empties the pool and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.runs.clear();
        self.chunks.clear();
    }

    /// Adds the parts of another pool.
    pub(super) fn append(&mut self, other: &mut Self) {
        let (values, chunks) = (self.values.len(), self.chunks.len());
        self.values.append(&mut other.values);
        self.chunks.append(&mut other.chunks);
        self.runs.extend(other.runs.drain(..).map(|Run { window, part }| {
            let part = match part {
                Part::Values(first, end) => Part::Values(first + values, end + values),
                Part::Chunk(index) => Part::Chunk(index + chunks),
            };
            Run { window, part }
        }));
    }

    /// Adds the values of one series; returns where they begin.
    pub(super) fn add_values(&mut self, values: &[f64]) -> usize {
        self.values.extend_from_slice(values);
        self.values.len() - values.len()
    }

    /// Says that values of the pool lie in a window.
    pub(super) fn add_run(&mut self, window: usize, first: usize, end: usize) {
        self.runs.push(Run { window, part: Part::Values(first, end) });
    }

    /// Adds a chunk all of which lies in each of these windows.
    pub(super) fn add_chunk(&mut self, chunk: ChunkSlices, windows: &[usize]) {
        let part = Part::Chunk(self.chunks.len());
        self.runs.extend(windows.iter().map(|&window| Run { window, part }));
        self.chunks.push(chunk);
    }

    /// Calls `each(window, statistics)` for every window that holds values, one number an asked.
    pub(super) fn statistics(&mut self, asked: &[Asked], mut each: impl FnMut(usize, &[f64])) {
        self.runs.sort_by_key(|run| run.window);
        let (mut scratch, mut found, mut chunks) = (Vec::new(), Vec::new(), Vec::new());
        for runs in self.runs.chunk_by(|one, other| one.window == other.window) {
            scratch.clear();
            chunks.clear();
            for run in runs {
                match run.part {
                    Part::Values(first, end) => {
                        scratch.extend_from_slice(self.values.get(first..end).unwrap_or(&[]));
                    }
                    Part::Chunk(index) => chunks.extend(self.chunks.get(index)),
                }
            }
            found.clear();
            select_from(&chunks, &mut scratch, asked, &mut found);
            if let Some(run) = runs.first() {
                each(run.window, &found);
            }
        }
    }
}

/// Appends one statistic of chunks and loose values to `found` for each that is asked.
fn select_from(
    chunks: &[&ChunkSlices],
    loose: &mut Vec<f64>,
    asked: &[Asked],
    found: &mut Vec<f64>,
) {
    let count = chunks.iter().map(|chunk| chunk.count()).sum::<u64>() + loose.len() as u64;
    let ranks = ranks_of(asked, count);
    let sparse =
        if chunks.is_empty() { None } else { ChunkSlices::of_ranks(chunks, loose, &ranks) };
    if let Some(values) = sparse {
        let value_of = |rank: u64| values.get(ranks.partition_point(|known| *known < rank));
        append_statistics(asked, count, |rank| value_of(rank).copied(), found);
        return;
    }
    for chunk in chunks {
        chunk.append_values(loose);
    }
    select(loose, asked, found);
}

/// Appends one statistic of the values to `found` for each that is asked; the values are reordered.
pub(super) fn select(values: &mut [f64], asked: &[Asked], found: &mut Vec<f64>) {
    let count = values.len() as u64;
    if count == 0 {
        return;
    }
    let index_of = |rank: u64| usize::try_from(rank).unwrap_or(usize::MAX);
    let mut from = 0;
    for index in ranks_of(asked, count).into_iter().map(index_of) {
        if let Some(rest) = values.get_mut(from..) {
            rest.select_nth_unstable_by(index - from, f64::total_cmp);
        }
        from = index + 1;
    }
    append_statistics(asked, count, |rank| values.get(index_of(rank)).copied(), found);
}

/// Appends each statistic to `found`, from the values of its ranks.
pub(super) fn append_statistics(
    asked: &[Asked],
    count: u64,
    value_of: impl Fn(u64) -> Option<f64>,
    found: &mut Vec<f64>,
) {
    for one in asked {
        let [low, high] = ranks_of_one(*one, count).map(&value_of);
        let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(0.0));
        let weight = if one.linear { one.share.position(count).1 } else { DoubleDouble::ZERO };
        found.push(between(low, high, weight));
    }
}

/// Returns the ranks, counted from 0, that statistics are made of, in ascending order.
pub(super) fn ranks_of(asked: &[Asked], count: u64) -> Vec<u64> {
    let ranks: BTreeSet<u64> = asked.iter().flat_map(|one| ranks_of_one(*one, count)).collect();
    ranks.into_iter().collect()
}

fn ranks_of_one(asked: Asked, count: u64) -> [u64; 2] {
    let at = |index: u64| index.min(count.saturating_sub(1));
    if asked.linear {
        let (below, _) = asked.share.position(count);
        return [at(below), at(below.saturating_add(1))];
    }
    let rank = asked.share.nearest_rank(count);
    [at(rank - 1), at(rank - 1)]
}

/// Draws a line between two values: exact at both ends, and rounded once in between.
fn between(low: f64, high: f64, weight: DoubleDouble) -> f64 {
    if weight == DoubleDouble::ZERO || low.to_bits() == high.to_bits() {
        return low;
    }
    let mut sum = weight.times(high.into());
    sum += DoubleDouble::from(1.0).minus(weight).times(low.into());
    sum.to_f64().max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::{Asked, Pool, select};
    use crate::query::quantile::Decimal;

    fn of(names: &[&str], linear: bool) -> Vec<Asked> {
        let asked = |name: &&str| Asked { share: Decimal::of_name(name).unwrap(), linear };
        names.iter().map(asked).collect()
    }

    #[test]
    fn every_rank_equals_a_full_sort() {
        let names: Vec<String> = (0..=100).rev().map(|percent| format!("p{percent}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for count in [1_u64, 2, 3, 7, 100, 101] {
            let mut values: Vec<f64> =
                (0..count).map(|n| f64::from(u32::try_from(n * 37 % 101).unwrap())).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let mut found = Vec::new();
            select(&mut values, &of(&names, false), &mut found);
            for (percent, value) in (0..=100_u64).rev().zip(found) {
                let rank = (percent * count).div_ceil(100).max(1);
                let expected = sorted[usize::try_from(rank - 1).unwrap()];
                assert_eq!(value.to_bits(), expected.to_bits(), "p{percent} {count}");
            }
        }
    }

    #[test]
    fn linear_draws_a_line_between_neighbours() {
        let mut found = Vec::new();
        select(&mut [4.0, 1.0, 3.0, 2.0], &of(&["p50", "p25", "p100"], true), &mut found);
        assert_eq!(found, [2.5, 1.75, 4.0]);
        // Nothing that cancels takes digits away.
        for (low, high, share, drawn) in [
            (-1e15 - 0.125, 1e15, "p50", -0.0625),
            (-2_f64.powi(990), 2_f64.powi(990), "p75", 2_f64.powi(989)),
            (1.0, 1.0_f64.next_up(), "p99", 1.0_f64.next_up()),
            (-0.0, -0.0, "p30", -0.0),
        ] {
            found.clear();
            select(&mut [low, high], &of(&[share], true), &mut found);
            assert_eq!(found[0].to_bits(), drawn.to_bits(), "{share} of {low} and {high}");
        }
    }

    #[test]
    fn zeros_are_ordered_by_sign() {
        let mut found = Vec::new();
        select(&mut [0.0, -0.0], &of(&["p0", "p100"], false), &mut found);
        let bits: Vec<u64> = found.iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [(-0.0_f64).to_bits(), 0.0_f64.to_bits()]);
    }

    #[test]
    fn runs_of_several_series_meet_in_their_window() {
        let mut pool = Pool::default();
        let first = pool.add_values(&[1.0, 2.0, 3.0]);
        pool.add_run(0, first, first + 2);
        pool.add_run(4, first + 2, first + 3);
        let second = pool.add_values(&[9.0]);
        pool.add_run(0, second, second + 1);
        let mut seen = Vec::new();
        pool.statistics(&of(&["p100"], false), |window, found| seen.push((window, found[0])));
        assert_eq!(seen, [(0, 9.0), (4, 3.0)]);
    }
}
