//! Reads the series of a scan group by group, and computes its aggregates.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{ErrorKind, Result};
use crate::model::{Columns, Limits, SeriesKey, TimeRange};
use crate::query::budget::Budget;
use crate::query::exec::accumulate::{Accumulator, Marks};
use crate::query::exec::change::REACH_NANOS;
use crate::query::exec::frame::{Frame, Group, GroupKey, Point};
use crate::query::exec::memory;
use crate::query::exec::narrow;
use crate::query::exec::pieces::by_pieces;
use crate::query::exec::workers::for_each;
use crate::query::plan::{Function, Scan, SplitKey};
use crate::query::window::{Timeline, hull};
use crate::snapshot::{Run, SelectedSeries, Snapshot, Wanted};

/// What a scan yields.
#[derive(Debug)]
pub(super) struct Scanned {
    /// One frame an aggregate, all with the same groups.
    pub(super) frames: Vec<Frame>,
    /// For each group, the nanoseconds that each step covers.
    pub(super) covered: Vec<Arc<[u64]>>,
    /// True if some sample lies in the range.
    pub(super) found: bool,
}

/// A group of a scan: its key, the points of each aggregate, and how long each step is.
pub(super) type ScannedGroup = (GroupKey, Vec<Vec<Point>>, Arc<[u64]>);

/// What a scan reads, and over which time.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) scan: &'a Scan,
    pub(super) snapshot: &'a Snapshot,
    pub(super) timeline: &'a Timeline,
    pub(super) budget: &'a Budget,
    /// What each step covers.
    pub(super) covers: Vec<TimeRange>,
    /// The range and all that the steps cover.
    pub(super) asked: TimeRange,
    /// What is read: samples shortly before may count, too.
    pub(super) read: TimeRange,
}

impl Reading<'_> {
    /// Reads the samples of a series that the selection wants.
    pub(super) fn columns(&self, series: &SelectedSeries, columns: &mut Columns) -> Result<()> {
        let snapshot = self.snapshot;
        self.budget.watched(|watch| snapshot.read_watched(series, self.read, watch, columns))?;
        self.scan.selection.filters.of_series(series.key()).keep(columns);
        Ok(())
    }

    /// Visits what is read of a series, run by run.
    pub(super) fn visit(
        &self,
        series: &SelectedSeries,
        wanted: Wanted,
        visit: &mut dyn FnMut(Run<'_>) -> Result<bool>,
    ) -> Result<()> {
        let snapshot = self.snapshot;
        self.budget.watched(|watch| snapshot.visit(series, self.read, (wanted, watch), visit))
    }

    /// Adds the samples of a series that the selection wants; returns whether there are any.
    fn add(
        &self,
        series: &SelectedSeries,
        marks: &Marks,
        accumulator: &mut Accumulator<'_>,
        columns: &mut Columns,
    ) -> Result<bool> {
        let (filter, covers) = (self.scan.selection.filters.of_series(series.key()), &self.covers);
        let wanted = accumulator.wanted(marks, &filter);
        let mut exists = false;
        if !wanted.summaries {
            // Steps go from each sample to the next, whatever run they come in.
            self.columns(series, columns)?;
            exists = !columns.slice(self.asked).0.is_empty();
            accumulator.add((&columns.timestamps, &columns.values), (0, covers), marks);
            return Ok(exists);
        }
        self.visit(series, wanted, &mut |run| match run {
            Run::Chunk(chunk) => match filter.decide_chunk(chunk)? {
                Some(true) => {
                    let is_enough = accumulator.add_chunk(chunk, covers, marks)?;
                    exists |= is_enough;
                    Ok(is_enough)
                }
                Some(false) => Ok(true),
                None => Ok(false),
            },
            Run::Samples(columns) => {
                filter.keep(columns);
                exists |= !columns.slice(self.asked).0.is_empty();
                accumulator.add((&columns.timestamps, &columns.values), (0, covers), marks);
                Ok(true)
            }
        })?;
        Ok(exists)
    }

    /// Returns what is counted of a series besides its samples.
    pub(super) fn marks(&self, series: &SelectedSeries) -> Marks {
        let (key, scan) = (series.key(), self.scan);
        Marks {
            tests: scan.conditions.iter().map(|condition| condition.of_series(key)).collect(),
            labels: scan.labels.iter().map(|label| label_of(key, label)).collect(),
        }
    }

    /// Returns the bytes of what gathers one group.
    pub(super) fn accumulator_bytes(&self) -> usize {
        memory::of_accumulator(self.scan, self.covers.len())
    }

    /// Makes what gathers one group.
    pub(super) fn accumulator(&self) -> Accumulator<'_> {
        Accumulator::new(self.scan, self.covers.len(), self.budget)
    }
}

/// Runs a scan over the steps of a timeline.
///
/// # Errors
/// Errors of reading, and `ErrorKind::Limit` for more groups × steps than allowed.
pub(super) fn scan(
    scan: &Scan,
    timeline: &Timeline,
    snapshot: &Snapshot,
    budget: &Budget,
) -> Result<Scanned> {
    let covers = timeline.covers(scan.length, scan.offset);
    let asked = hull(timeline.moved(timeline.range, scan.offset), &covers);
    let asked = timeline.seen(asked, scan.offset);
    let reach = scan.aggregates.iter().any(|function| function.reaches_back());
    let start = asked.start.saturating_sub(if reach { REACH_NANOS } else { 0 });
    let read = TimeRange::new(start, asked.end);
    let reading = Reading { scan, snapshot, timeline, budget, covers, asked, read };
    let by_calendar = scan.keys.iter().any(|key| matches!(key, SplitKey::Calendar(_)));
    let (groups, found) = if by_calendar || scan.buckets.is_some() {
        let (mut groups, found) = by_pieces(&reading)?;
        groups.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        (groups, found)
    } else {
        by_labels(&reading)?
    };

    let empty = |function: &Function| Frame {
        keys: scan.keys.clone(),
        groups: Vec::new(),
        absent: Point::new(function.of_nothing(), false),
    };
    let mut frames: Vec<Frame> = scan.aggregates.iter().map(empty).collect();
    let mut covered = Vec::with_capacity(groups.len());
    for (key, columns, lengths) in groups {
        for (frame, points) in frames.iter_mut().zip(columns) {
            frame.groups.push(Group { key: key.clone(), points });
        }
        covered.push(lengths);
    }
    Ok(Scanned { frames, covered, found })
}

/// A group that is being read, in batches of its series.
struct OpenGroup<'s, 'r> {
    key: GroupKey,
    members: Vec<&'s SelectedSeries>,
    parts: Mutex<Parts<'r>>,
}

/// A group that was read: its key, the points of each aggregate, whether there is some sample.
type ReadGroup = (GroupKey, Vec<Vec<Point>>, bool);

/// What was gathered of the batches of a group, in their order.
struct Parts<'r> {
    /// The batches that wait for those before them; none for a group of one batch.
    gathered: Vec<Option<Accumulator<'r>>>,
    /// The first ones, merged, and how many these are.
    whole: Option<Accumulator<'r>>,
    merged: usize,
    left: usize,
    exists: bool,
}

/// Groups are read in at most so many batches, and in one of at least so many series. Which series
/// are added up together depends on the group alone, so that sums have the same bits whatever the
/// number of threads.
const BATCHES_MAX: usize = 64;
const BATCH_SERIES_MIN: usize = 8;

fn batches_of(members: usize) -> impl Iterator<Item = Range<usize>> {
    let size = members.div_ceil(BATCHES_MAX).max(BATCH_SERIES_MIN);
    (0..members.max(1)).step_by(size).map(move |first| first..(first + size).min(members))
}

/// Reads the groups, and says whether some sample lies in the range.
fn by_labels<'r>(reading: &'r Reading<'_>) -> Result<(Vec<ScannedGroup>, bool)> {
    let Reading { scan, covers, .. } = reading;
    let groups = groups_of(scan);
    check_rows(reading.snapshot.limits(), groups.len(), covers.len())?;
    let lengths: Arc<[u64]> = covers.iter().map(|cover| cover.nanos()).collect();
    let mut batches = Vec::new();
    let mut open = Vec::with_capacity(groups.len());
    for (key, members) in groups {
        let before = batches.len();
        batches.extend(batches_of(members.len()).map(|range| (open.len(), range)));
        let count = batches.len() - before;
        // One batch is not gathered: it is all.
        let gathered = (0..if count > 1 { count } else { 0 }).map(|_| None).collect();
        let parts =
            Mutex::new(Parts { gathered, whole: None, merged: 0, left: count, exists: false });
        open.push((before, OpenGroup { key, members, parts }));
    }
    let read = |own: &mut (Columns, Accumulator<'r>), batch: usize| {
        let Some((group, range)) = batches.get(batch) else { return Ok(None) };
        let Some((first, group)) = open.get(*group) else { return Ok(None) };
        read_batch(reading, group, (batch - first, range.clone()), own)
    };
    let threads = reading.budget.threads.min(batches.len()).max(1);
    let own_bytes = reading.accumulator_bytes().saturating_mul(threads);
    reading.budget.hold(own_bytes)?;
    let state = || (Columns::default(), reading.accumulator());
    let done = for_each(threads, batches.len(), state, read)?;
    reading.budget.let_go(own_bytes as u64);
    let (mut scanned, mut found) = (Vec::new(), false);
    for (key, points, exists) in done.into_iter().flatten() {
        found |= exists;
        scanned.push((key, points, Arc::clone(&lengths)));
    }
    Ok((scanned, found))
}

/// Reads a batch of a group; the last one to be read yields the group.
fn read_batch<'r>(
    reading: &'r Reading<'_>,
    group: &OpenGroup<'_, 'r>,
    (batch, range): (usize, Range<usize>),
    (columns, accumulator): &mut (Columns, Accumulator<'r>),
) -> Result<Option<ReadGroup>> {
    // Groups of nothing but samples in logs have no chunk before which this is asked.
    reading.budget.check()?;
    accumulator.clear();
    let mut exists = false;
    for series in group.members.get(range).unwrap_or(&[]) {
        let marks = reading.marks(series);
        exists |= reading.add(series, &marks, accumulator, columns)?;
    }
    let mut parts = group.parts.lock().unwrap_or_else(PoisonError::into_inner);
    parts.exists |= exists;
    parts.left -= 1;
    if !parts.gathered.is_empty() {
        gather(reading, &mut parts, batch, accumulator)?;
    }
    if parts.left > 0 {
        return Ok(None);
    }
    let exists = parts.exists;
    drop(parts);
    // The one group of what is not split is always there: nothing counts 0.
    if !exists && !reading.scan.keys.is_empty() {
        return Ok(None);
    }
    reading.budget.hold(memory::of_points(reading.scan.aggregates.len(), reading.covers.len()))?;
    let mut points = if accumulator.overflows() {
        let (counts, asked) = (accumulator.counts().to_vec(), accumulator.asked().to_vec());
        let found = narrow::statistics(reading, &group.members, &counts, &asked)?;
        accumulator.finish_with(found)
    } else {
        accumulator.finish()
    };
    if reading.timeline.is_compared() {
        let now = reading.timeline.covers_now(reading.scan.length);
        for points in &mut points {
            leave_out_no_time(points, &reading.covers, &now);
        }
    }
    Ok(Some((group.key.clone(), points, exists)))
}

/// Merges a batch with those before it, once they are there: few wait for others at a time. The
/// last one to come gets the whole.
fn gather<'r>(
    reading: &'r Reading<'_>,
    parts: &mut Parts<'r>,
    batch: usize,
    accumulator: &mut Accumulator<'r>,
) -> Result<()> {
    let own_bytes = reading.accumulator_bytes();
    let made = usize::from(parts.whole.is_none()) + usize::from(batch != parts.merged);
    reading.budget.hold(own_bytes * made)?;
    let mut whole = parts.whole.take().unwrap_or_else(|| reading.accumulator());
    if batch == parts.merged {
        whole.merge(accumulator);
        parts.merged += 1;
    } else if let Some(place) = parts.gathered.get_mut(batch) {
        *place = Some(std::mem::replace(accumulator, reading.accumulator()));
    }
    while let Some(mut part) = parts.gathered.get_mut(parts.merged).and_then(Option::take) {
        whole.merge(&mut part);
        reading.budget.let_go(own_bytes as u64);
        parts.merged += 1;
    }
    if parts.left == 0 {
        *accumulator = whole;
        reading.budget.let_go(own_bytes as u64);
    } else {
        parts.whole = Some(whole);
    }
    Ok(())
}

/// Takes the value of steps that cover some time now and none in the past that is compared, as 30
/// January does in February.
fn leave_out_no_time(points: &mut [Point], covers: &[TimeRange], now: &[TimeRange]) {
    for (point, (cover, now)) in points.iter_mut().zip(covers.iter().zip(now)) {
        if cover.is_empty() && !now.is_empty() {
            point.value = None;
        }
    }
}

/// Refuses an answer of more groups × steps than allowed, before it is made.
pub(super) fn check_rows(limits: &Limits, groups: usize, steps: usize) -> Result<()> {
    let got = (groups as u64).saturating_mul(steps as u64);
    let limit = limits.rows_max;
    if got > limit {
        return Err(ErrorKind::Limit { what: "the number of rows", limit, got }.into());
    }
    Ok(())
}

/// Returns the series of each group, by key; parts of the calendar stand empty in the keys.
pub(super) fn groups_of(scan: &Scan) -> Vec<(GroupKey, Vec<&SelectedSeries>)> {
    if scan.keys.is_empty() {
        return vec![(Arc::from([]), scan.selection.series.iter().collect())];
    }
    let mut texts: Vec<SharedTexts<'_>> = scan.keys.iter().map(|_| SharedTexts::new()).collect();
    let mut split: Vec<(GroupKey, &SelectedSeries)> =
        Vec::with_capacity(scan.selection.series.len());
    for series in &scan.selection.series {
        let parts = scan.keys.iter().zip(&mut texts);
        let parts = parts.map(|(key, texts)| share(texts, part(key, series.key())));
        split.push((parts.collect(), series));
    }
    // Series of a group stay in their order.
    split.sort_by(|(one, _), (other, _)| compare_shared(one, other));
    let mut groups: Vec<(GroupKey, Vec<&SelectedSeries>)> = Vec::new();
    for (key, series) in split {
        let is_of = |last: &GroupKey| compare_shared(last, &key) == Ordering::Equal;
        match groups.last_mut().filter(|(last, _)| is_of(last)) {
            Some((_, members)) => members.push(series),
            None => groups.push((key, vec![series])),
        }
    }
    groups
}

/// The values of one label among the series, each of them once.
type SharedTexts<'s> = HashMap<&'s str, Arc<str>>;

fn share<'s>(texts: &mut SharedTexts<'s>, text: &'s str) -> Arc<str> {
    Arc::clone(texts.entry(text).or_insert_with(|| Arc::from(text)))
}

/// Compares keys whose texts are shared: equal texts of one place are one.
fn compare_shared(one: &[Arc<str>], other: &[Arc<str>]) -> Ordering {
    let differing = one.iter().zip(other).find(|(a, b)| !Arc::ptr_eq(a, b));
    differing.map_or(Ordering::Equal, |(a, b)| a.cmp(b))
}

fn part<'s>(key: &SplitKey, series: &'s SeriesKey) -> &'s str {
    match key {
        SplitKey::Metric => series.metric(),
        SplitKey::Calendar(_) | SplitKey::Bucket => "",
        SplitKey::Label(label) => series.value_of(label),
    }
}

fn label_of(series: &SeriesKey, label: &str) -> Arc<str> {
    Arc::from(series.value_of(label))
}
