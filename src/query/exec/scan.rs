//! Reads the series of a scan group by group, and computes its aggregates.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::model::{Columns, Limits, SeriesKey, TimeRange};
use crate::query::exec::accumulate::Accumulator;
use crate::query::exec::change::REACH_NANOS;
use crate::query::exec::frame::{Frame, Group, GroupKey, Point};
use crate::query::plan::{Function, Scan, SplitKey};
use crate::query::window::Timeline;
use crate::snapshot::{SelectedSeries, Snapshot};

/// What a scan yields.
#[derive(Debug)]
pub(super) struct Scanned {
    /// One frame an aggregate.
    pub(super) frames: Vec<Frame>,
    /// What each step covers.
    pub(super) covers: Vec<TimeRange>,
    /// True if some sample lies in the range.
    pub(super) found: bool,
}

/// Runs a scan over the steps of a timeline.
///
/// # Errors
/// Errors of reading, and `ErrorKind::Limit` for more groups × steps than allowed.
pub(super) fn scan(scan: &Scan, timeline: &Timeline, snapshot: &Snapshot) -> Result<Scanned> {
    let covers = timeline.covers(scan.length, scan.offset);
    let asked = hull(timeline.moved(timeline.range, scan.offset), &covers);
    let reach = scan.aggregates.iter().any(|function| function.reaches_back());
    let start = asked.start.saturating_sub(if reach { REACH_NANOS } else { 0 });
    let read = TimeRange::new(start, asked.end);
    let groups = groups_of(scan);
    check_rows(snapshot.limits(), groups.len(), covers.len())?;

    let empty = |function: &Function| Frame {
        keys: scan.keys.clone(),
        groups: Vec::new(),
        absent: Point::new(function.of_nothing(), false),
    };
    let mut frames: Vec<Frame> = scan.aggregates.iter().map(empty).collect();
    let mut accumulator = Accumulator::new(&scan.aggregates, scan.conditions.len(), covers.len());
    let mut columns = Columns::default();
    let mut found = false;
    for (key, members) in groups {
        accumulator.clear();
        let mut exists = false;
        for series in members {
            snapshot.read(series, read, &mut columns)?;
            scan.selection.filters.of_series(series.key()).keep(&mut columns);
            exists |= holds_sample(&columns, asked);
            let tests: Vec<_> =
                scan.conditions.iter().map(|condition| condition.of_series(series.key())).collect();
            accumulator.add(&columns, &covers, &tests);
        }
        found |= exists;
        // The one group of what is not split is always there: nothing counts 0.
        if exists || scan.keys.is_empty() {
            for (frame, mut points) in frames.iter_mut().zip(accumulator.finish()) {
                if timeline.is_compared() {
                    leave_out_no_time(&mut points, &covers);
                }
                frame.groups.push(Group { key: key.clone(), points });
            }
        }
    }
    Ok(Scanned { frames, covers, found })
}

/// Takes the value of steps that cover no time, as 30 February compared with January does not.
fn leave_out_no_time(points: &mut [Point], covers: &[TimeRange]) {
    for (point, _) in points.iter_mut().zip(covers).filter(|(_, cover)| cover.is_empty()) {
        point.value = None;
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

fn holds_sample(columns: &Columns, range: TimeRange) -> bool {
    !columns.slice(range).0.is_empty()
}

/// Returns the smallest range that covers all of them.
fn hull(range: TimeRange, covers: &[TimeRange]) -> TimeRange {
    covers.iter().filter(|cover| !cover.is_empty()).fold(range, |hull, cover| {
        TimeRange::new(hull.start.min(cover.start), hull.end.max(cover.end))
    })
}

fn groups_of(scan: &Scan) -> BTreeMap<GroupKey, Vec<&SelectedSeries>> {
    let mut groups: BTreeMap<GroupKey, Vec<&SelectedSeries>> = BTreeMap::new();
    if scan.keys.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for series in &scan.selection.series {
        let key = scan.keys.iter().map(|key| part(key, series.key())).collect();
        groups.entry(key).or_default().push(series);
    }
    groups
}

fn part(key: &SplitKey, series: &SeriesKey) -> Arc<str> {
    match key {
        SplitKey::Metric => Arc::clone(series.metric()),
        SplitKey::Label(label) => {
            let labels = series.labels();
            let found = labels.binary_search_by(|(name, _)| (**name).cmp(label));
            let value = found.ok().and_then(|index| labels.get(index));
            value.map_or_else(|| Arc::from(""), |(_, value)| Arc::clone(value))
        }
    }
}
