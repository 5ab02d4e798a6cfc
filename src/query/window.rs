//! Windows of time: the steps of an answer, and what each step covers of a selector.

use crate::error::{ErrorKind, Result};
use crate::lang::ast::{CalendarPart, Duration};
use crate::model::{Limits, TimeRange, Timestamp};
use crate::query::budget::Budget;
use crate::query::calendar::{Grid, Zone};
use crate::query::pieces::Pieces;

/// What an answer is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    /// The same time, a length of time ago.
    Ago(Duration),
    /// The equal length just before.
    Previous,
}

/// The steps of an answer over a range: one for all of it, or one a window.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// The range that is asked about.
    pub(crate) range: TimeRange,
    /// The windows, not clipped by the range, in order.
    pub(crate) steps: Vec<TimeRange>,
    over: Option<Duration>,
    zone: Zone,
    grid: Option<Grid>,
    /// Groups are there that have a sample from this time on.
    seen: Option<Timestamp>,
    /// True where the windows of a sub-query may begin before the range.
    snaps: bool,
    /// How far everything that is read lies before the steps.
    back: Option<Duration>,
}

impl Timeline {
    /// Makes a timeline of a single step, the whole range.
    pub(crate) fn whole(range: TimeRange, zone: &Zone) -> Self {
        let zone = zone.clone();
        Self {
            range,
            steps: vec![range],
            over: None,
            zone,
            grid: None,
            seen: None,
            snaps: false,
            back: None,
        }
    }

    /// Returns a timeline of one step over the same range.
    pub(crate) fn as_one_step(&self) -> Self {
        Self { back: self.back, ..Self::whole(self.range, &self.zone).snapping(self.snaps) }
    }

    /// Remembers groups for a length of time after their last sample.
    pub(crate) fn remember(&mut self, keep: Duration) {
        self.seen = Some(self.zone.shift(self.range.end, keep, true));
    }

    /// Returns the range in which a sample makes a group: what is covered, and what is remembered.
    pub(crate) fn seen(&self, covered: TimeRange, offset: Option<Duration>) -> TimeRange {
        let Some(seen) = self.seen else { return covered };
        let moved = self.moved(TimeRange::new(seen, self.range.end), offset);
        TimeRange::new(covered.start.min(moved.start), covered.end)
    }

    /// Lets the first window of a sub-query be whole, as `last` does.
    pub(crate) fn snapping(mut self, snaps: bool) -> Self {
        self.snaps = snaps;
        self
    }

    /// Returns the same steps over samples of the past. Of civil days and months, the equal length
    /// just before is as many of them.
    pub(crate) fn compared(&self, past: Past) -> Self {
        let count = self.steps.len() as u64;
        let times = |each: &i64| u32::try_from(each.unsigned_abs().saturating_mul(count));
        let many = |times: std::result::Result<u32, _>| times.unwrap_or(u32::MAX);
        let back = match (past, &self.grid) {
            (Past::Ago(ago), _) => ago,
            (Past::Previous, Some(Grid::Days(days, _))) => {
                Duration { days: many(times(days)), ..NO_TIME }
            }
            (Past::Previous, Some(Grid::Months(months, _))) => {
                Duration { months: many(times(months)), ..NO_TIME }
            }
            (Past::Previous, _) => Duration { nanos: self.range.nanos(), ..NO_TIME },
        };
        Self { back: Some(back), ..self.clone() }
    }

    /// Cuts a range at the boundaries of a grid; `over` is how far each step looks back.
    ///
    /// # Errors
    /// `ErrorKind::Limit` where there are more windows than allowed.
    pub(crate) fn windows(
        range: TimeRange,
        grid: &Grid,
        over: Option<Duration>,
        zone: &Zone,
        limits: &Limits,
    ) -> Result<Self> {
        if let Grid::Fixed(step) = grid {
            let step = step.unsigned_abs().max(1);
            at_most(limits.windows_max, range.nanos() / step)?;
        }
        let mut steps = Vec::new();
        let end = range.end.as_nanos();
        let mut start = grid.floor(range.start.as_nanos());
        while start < end && !range.is_empty() {
            let next = grid.next(start);
            steps.push(TimeRange::new(Timestamp::from_nanos(start), Timestamp::from_nanos(next)));
            at_most(limits.windows_max, steps.len() as u64)?;
            if next <= start {
                break;
            }
            start = next;
        }
        let grid = Some(grid.clone());
        Ok(Self {
            range,
            steps,
            over,
            zone: zone.clone(),
            grid,
            seen: None,
            snaps: false,
            back: None,
        })
    }

    /// Cuts what the steps cover into the windows of a sub-query.
    ///
    /// # Errors
    /// `ErrorKind::Limit` where there are more windows than allowed.
    pub(crate) fn within(&self, grid: &Grid, limits: &Limits) -> Result<Self> {
        let all = self.presented();
        let start = Timestamp::from_nanos(grid.floor(all.start.as_nanos()));
        let range = if self.snaps { TimeRange::new(start, all.end) } else { all };
        let inner = Self::windows(range, grid, None, &self.zone, limits)?;
        Ok(Self { back: self.back, ..inner.snapping(self.snaps) })
    }

    /// Returns for each step the windows of a sub-query that begin in it: from, and up to.
    pub(crate) fn windows_within(&self, inner: &Self) -> Vec<(usize, usize)> {
        let first = self.presented().start;
        let before =
            |time: Timestamp| inner.steps.partition_point(|window| window.start.max(first) < time);
        let covers = self.covers_now(None).into_iter();
        covers.map(|cover| (before(cover.start), before(cover.end))).collect()
    }

    /// Returns all that the steps cover, in their own time.
    fn presented(&self) -> TimeRange {
        hull(self.range, &self.covers_now(None))
    }

    /// Returns true if the range covers only a part of what the step asks for.
    pub(crate) fn is_partial(&self, step: TimeRange) -> bool {
        let early = self.over.is_none() && step.start < self.range.start;
        early || step.end > self.range.end
    }

    /// Returns true if steps are read from the past that the answer is compared with.
    pub(crate) fn is_compared(&self) -> bool {
        self.back.is_some()
    }

    /// Returns what each step covers: itself, or a length that ends with it, never past the range;
    /// all of it moved into the past by `offset`.
    pub(crate) fn covers(
        &self,
        length: Option<Duration>,
        offset: Option<Duration>,
    ) -> Vec<TimeRange> {
        let cover = |step: &TimeRange| {
            let clipped = match length.or(self.over) {
                None => step.intersect(self.range),
                Some(length) => TimeRange::new(
                    self.zone.shift(step.end, length, true),
                    step.end.min(self.range.end),
                ),
            };
            self.moved(clipped, offset)
        };
        self.steps.iter().map(cover).collect()
    }

    /// Returns what each step covers in its own time, whatever past it is compared with.
    pub(crate) fn covers_now(&self, length: Option<Duration>) -> Vec<TimeRange> {
        Self { back: None, ..self.clone() }.covers(length, None)
    }

    /// Cuts what the steps cover where parts of the calendar change.
    ///
    /// The parts are those of the steps' time, also where what is read lies before it.
    ///
    /// # Errors
    /// `ErrorKind::Limit` for more pieces than an answer may have windows; those of the budget.
    pub(crate) fn pieces(
        &self,
        parts: &[CalendarPart],
        length: Option<Duration>,
        offset: Option<Duration>,
        (limits, budget): (&Limits, &Budget),
    ) -> Result<Pieces> {
        let all = hull(self.range, &self.covers_now(length));
        let mut pieces = Pieces::of(all, parts, &self.zone, (limits, budget))?;
        for piece in &mut pieces.pieces {
            piece.range = self.moved(piece.range, offset);
        }
        Ok(pieces)
    }

    /// Returns a range moved into the past by `offset`, and by what the timeline is compared with.
    ///
    /// It is empty where that past has no such time, such as 30 February.
    pub(crate) fn moved(&self, range: TimeRange, offset: Option<Duration>) -> TimeRange {
        let before = |range: TimeRange, by: Duration| {
            let (start, end) = (range.start, range.end);
            let moved = |boundary| self.zone.boundary_before(boundary, by);
            TimeRange::new(moved(start), moved(end))
        };
        self.back.into_iter().chain(offset).fold(range, before)
    }
}

/// Returns the smallest range that covers all of them.
pub(crate) fn hull(range: TimeRange, covers: &[TimeRange]) -> TimeRange {
    covers.iter().filter(|cover| !cover.is_empty()).fold(range, |hull, cover| {
        TimeRange::new(hull.start.min(cover.start), hull.end.max(cover.end))
    })
}

const NO_TIME: Duration = Duration { months: 0, days: 0, nanos: 0 };

fn at_most(limit: u64, got: u64) -> Result<()> {
    if got > limit {
        return Err(ErrorKind::Limit { what: "the number of windows", limit, got }.into());
    }
    Ok(())
}

/// Calls `each(window, first, end)` for the samples `first..end` of every window that holds some.
///
/// Timestamps never fall. Cost grows with the windows that hold samples, times the logarithm of
/// what is skipped between them.
pub(crate) fn for_each_run(
    timestamps: &[i64],
    covers: &[TimeRange],
    mut each: impl FnMut(usize, usize, usize),
) {
    for (base, covers) in rising(covers) {
        for_each_run_rising(timestamps, covers, |window, first, end| {
            each(base + window, first, end);
        });
    }
}

/// Cuts windows where their starts or ends fall, as civil time does by an hour in autumn; gives the
/// index of each part's first window.
pub(crate) fn rising(covers: &[TimeRange]) -> impl Iterator<Item = (usize, &[TimeRange])> {
    let parts = covers.chunk_by(|a, b| a.start <= b.start && a.end <= b.end);
    parts.scan(0, |next, part| {
        let base = *next;
        *next += part.len();
        Some((base, part))
    })
}

fn for_each_run_rising(
    timestamps: &[i64],
    covers: &[TimeRange],
    mut each: impl FnMut(usize, usize, usize),
) {
    let Some(&oldest) = timestamps.first() else { return };
    let mut window = covers.partition_point(|cover| cover.end.as_nanos() <= oldest);
    let (mut first, mut end) = (0, 0);
    while let Some(cover) = covers.get(window) {
        first = gallop(timestamps, first, cover.start.as_nanos());
        end = gallop(timestamps, end.max(first), cover.end.as_nanos());
        window += 1;
        if first < end {
            each(window - 1, first, end);
        } else {
            let Some(&next) = timestamps.get(first) else { return };
            let rest = covers.get(window..).unwrap_or(&[]);
            window += rest.partition_point(|cover| cover.end.as_nanos() <= next);
        }
    }
}

/// Returns the first index from `from` on whose timestamp is not before `bound`, by doubling steps.
pub(crate) fn gallop(timestamps: &[i64], from: usize, bound: i64) -> usize {
    let rest = timestamps.get(from..).unwrap_or(&[]);
    let mut reach = 1;
    while rest.get(reach).is_some_and(|&time| time < bound) {
        reach *= 2;
    }
    let (low, high) = (reach / 2, (reach + 1).min(rest.len()));
    let near = rest.get(low..high).unwrap_or(&[]);
    from + low.min(rest.len()) + near.partition_point(|&time| time < bound)
}

#[cfg(test)]
mod tests {
    use super::{Timeline, for_each_run, gallop};
    use crate::error::ErrorKind;
    use crate::lang::ast::Duration;
    use crate::model::{Limits, TimeRange, Timestamp};
    use crate::query::calendar::{Grid, Zone};

    fn range(start: i64, end: i64) -> TimeRange {
        TimeRange::new(Timestamp::from_nanos(start), Timestamp::from_nanos(end))
    }

    fn length(nanos: u64) -> Duration {
        Duration { nanos, ..Duration::default() }
    }

    #[test]
    fn windows_cover_the_range_without_gap_and_edges_are_partial() {
        let timeline =
            Timeline::windows(range(3, 25), &Grid::Fixed(10), None, &Zone::utc(), &Limits::DEFAULT)
                .unwrap();
        assert_eq!(timeline.steps, [range(0, 10), range(10, 20), range(20, 30)]);
        assert_eq!(timeline.covers(None, None), [range(3, 10), range(10, 20), range(20, 25)]);
        let partial: Vec<bool> = timeline.steps.iter().map(|&s| timeline.is_partial(s)).collect();
        assert_eq!(partial, [true, false, true]);
    }

    #[test]
    fn lengths_end_with_the_step_and_offsets_move_back() {
        let timeline =
            Timeline::windows(range(0, 25), &Grid::Fixed(10), None, &Zone::utc(), &Limits::DEFAULT)
                .unwrap();
        let covers = timeline.covers(Some(length(15)), Some(length(100)));
        assert_eq!(covers, [range(-105, -90), range(-95, -80), range(-85, -75)]);
    }

    #[test]
    fn too_many_windows_are_refused_before_they_are_made() {
        let all = range(0, i64::MAX);
        let error = Timeline::windows(all, &Grid::Fixed(1), None, &Zone::utc(), &Limits::DEFAULT)
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Limit { limit: 1_000_000, .. }));
    }

    #[test]
    fn gallop_finds_what_a_scan_finds() {
        let times: Vec<i64> = (0..50).map(|n| n / 3).collect();
        for from in 0..=50 {
            for bound in -1..20 {
                let expected = (from..50).find(|&i| times[i] >= bound).unwrap_or(50);
                assert_eq!(gallop(&times, from, bound), expected, "{from} {bound}");
            }
        }
    }

    #[test]
    fn runs_equal_a_filter_for_disjoint_and_overlapping_windows() {
        let times = [1, 1, 5, 9, 10, 30, 31, 31, 70];
        for (step, reach) in [(10_i64, 10), (10, 25), (7, 7), (3, 40)] {
            let covers: Vec<_> =
                (0..12_i64).map(|n| range(n * step + step - reach, (n + 1) * step)).collect();
            let mut found = vec![(0, 0); covers.len()];
            for_each_run(&times, &covers, |window, first, end| found[window] = (first, end));
            for (cover, (first, end)) in covers.iter().zip(found) {
                let inside = |&&t: &&i64| cover.contains(Timestamp::from_nanos(t));
                let expected: Vec<&i64> = times.iter().filter(inside).collect();
                assert_eq!(times[first..end].iter().collect::<Vec<_>>(), expected);
            }
        }
    }
}
