//! Scans that split groups by parts of the calendar: each stretch of time goes to its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::lang::ast::CalendarPart;
use crate::model::{Columns, TimeRange};
use crate::query::exec::accumulate::Accumulator;
use crate::query::exec::change::REACH_NANOS;
use crate::query::exec::frame::GroupKey;
use crate::query::exec::scan::{Reading, ScannedGroup, check_rows, groups_of};
use crate::query::pieces::{Piece, Pieces};
use crate::query::plan::{Scan, SplitKey};
use crate::query::predicate::Test;
use crate::query::window::rising;

/// Reads the groups of a scan, each split by the parts of the calendar among its keys, and says
/// whether there are any.
///
/// # Errors
/// Errors of reading, and `ErrorKind::Limit` for more groups × steps than allowed.
pub(super) fn by_pieces(reading: &Reading<'_>) -> Result<(Vec<ScannedGroup>, bool)> {
    let Reading { scan, covers, .. } = reading;
    let limits = reading.snapshot.limits();
    let parts = parts_of(scan);
    let Pieces { pieces, keys } =
        reading.timeline.pieces(&parts, scan.length, scan.offset, limits)?;
    let lengths = lengths(&pieces, keys.len(), covers);
    let mut columns = Columns::default();
    let mut scanned = Vec::new();
    for (key, members) in groups_of(scan) {
        let mut open: BTreeMap<usize, Split<'_>> = BTreeMap::new();
        for series in members {
            reading.columns(series, &mut columns)?;
            let tests = reading.tests(series);
            add(reading, &columns, &pieces, &tests, &mut open);
            check_rows(limits, scanned.len() + open.len(), covers.len())?;
        }
        for (index, mut split) in open.into_iter().filter(|(_, split)| split.exists) {
            let (Some(parts), Some(lengths)) = (keys.get(index), lengths.get(index)) else {
                continue;
            };
            let mut points = split.accumulator.finish();
            for points in &mut points {
                // Steps without such a time have no row: no Monday lies in a Tuesday.
                for (point, _) in
                    points.iter_mut().zip(&**lengths).filter(|(_, nanos)| **nanos == 0)
                {
                    (point.value, point.kept) = (None, false);
                }
            }
            scanned.push((with_parts(&key, parts, scan), points, Arc::clone(lengths)));
        }
    }
    let found = !scanned.is_empty();
    Ok((scanned, found))
}

/// One group and combination of parts.
struct Split<'r> {
    accumulator: Accumulator<'r>,
    exists: bool,
}

fn parts_of(scan: &Scan) -> Vec<CalendarPart> {
    let part = |key: &SplitKey| match key {
        SplitKey::Calendar(part) => Some(*part),
        SplitKey::Metric | SplitKey::Label(_) => None,
    };
    scan.keys.iter().filter_map(part).collect()
}

fn with_parts(key: &GroupKey, parts: &[Arc<str>], scan: &Scan) -> GroupKey {
    let mut parts = parts.iter();
    let own = key.iter().zip(&scan.keys);
    own.map(|(text, key)| match key {
        SplitKey::Calendar(_) => Arc::clone(parts.next().unwrap_or(text)),
        SplitKey::Metric | SplitKey::Label(_) => Arc::clone(text),
    })
    .collect()
}

/// Returns how many nanoseconds of each step lie in the pieces of each key.
fn lengths(pieces: &[Piece], keys: usize, covers: &[TimeRange]) -> Vec<Arc<[u64]>> {
    let mut lengths = vec![vec![0; covers.len()]; keys];
    for piece in pieces {
        for (base, part) in meeting(covers, piece.range) {
            let Some(lengths) = lengths.get_mut(piece.key) else { continue };
            let steps = lengths.iter_mut().skip(base).zip(part);
            steps.for_each(|(length, cover)| *length += cover.intersect(piece.range).nanos());
        }
    }
    lengths.into_iter().map(Arc::from).collect()
}

/// Adds the samples of one series to the splits whose pieces they lie in.
fn add<'r>(
    reading: &'r Reading<'_>,
    columns: &Columns,
    pieces: &[Piece],
    tests: &[Test],
    open: &mut BTreeMap<usize, Split<'r>>,
) {
    let reach = reading.read.start != reading.asked.start;
    let reach = if reach { REACH_NANOS } else { 0 };
    let mut from = 0;
    let mut at = 0;
    while let (Some(&oldest), Some(piece)) = (columns.timestamps.get(from), pieces.get(at)) {
        let reached = TimeRange::new(piece.range.start.saturating_sub(reach), piece.range.end);
        if reached.end.as_nanos() <= oldest {
            let rest = pieces.get(at..).unwrap_or(&[]);
            at += rest.partition_point(|piece| piece.range.end.as_nanos() <= oldest).max(1);
            continue;
        }
        at += 1;
        let samples = columns.slice(reached);
        let outside = columns.timestamps.partition_point(|time| *time < reached.start.as_nanos());
        from = from.max(outside);
        if samples.0.is_empty() {
            continue;
        }
        let split = open
            .entry(piece.key)
            .or_insert_with(|| Split { accumulator: reading.accumulator(), exists: false });
        split.exists |= !columns.slice(piece.range.intersect(reading.asked)).0.is_empty();
        for (base, part) in meeting(&reading.covers, piece.range) {
            let covers: Vec<TimeRange> =
                part.iter().map(|cover| cover.intersect(piece.range)).collect();
            split.accumulator.add(samples, (base, &covers), tests);
        }
    }
}

/// Returns the steps that meet a range, as parts whose boundaries rise.
fn meeting(covers: &[TimeRange], range: TimeRange) -> impl Iterator<Item = (usize, &[TimeRange])> {
    rising(covers).filter_map(move |(base, part)| {
        let first = part.partition_point(|cover| cover.end <= range.start);
        let end = part.partition_point(|cover| cover.start < range.end);
        let part = part.get(first..end).filter(|part| !part.is_empty())?;
        Some((base + first, part))
    })
}
