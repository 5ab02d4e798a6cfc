//! Scans that split the samples of a group: by parts of the calendar, each stretch of time going to
//! its own, and by the bucket of a value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::lang::ast::CalendarPart;
use crate::model::{Columns, TimeRange};
use crate::query::buckets::{Bucket, Scale, Width};
use crate::query::budget::Budget;
use crate::query::exec::accumulate::{Accumulator, Marks};
use crate::query::exec::change::REACH_NANOS;
use crate::query::exec::frame::GroupKey;
use crate::query::exec::memory;
use crate::query::exec::scan::{Reading, ScannedGroup, check_rows, groups_of};
use crate::query::pieces::{Piece, Pieces};
use crate::query::plan::{Buckets, Scan, SplitKey};
use crate::query::window::rising;

/// Reads the groups of a scan, each split by the parts of the calendar and the buckets among its
/// keys, and says whether there are any.
///
/// # Errors
/// Errors of reading, and `ErrorKind::Limit` for more groups × steps than allowed.
pub(super) fn by_pieces(reading: &Reading<'_>) -> Result<(Vec<ScannedGroup>, bool)> {
    let Reading { scan, covers, .. } = reading;
    let limits = reading.snapshot.limits();
    let parts = parts_of(scan);
    let Pieces { pieces, keys } =
        reading.timeline.pieces(&parts, scan.length, scan.offset, (limits, reading.budget))?;
    let lengths = lengths(&pieces, keys.len(), covers, reading.budget)?;
    let pace = reading.budget.pace();
    let scale = scale_of(reading)?;
    let mut columns = Columns::default();
    let mut scanned = Vec::new();
    for (key, members) in groups_of(scan) {
        let mut open: BTreeMap<SplitIndex, Split<'_>> = BTreeMap::new();
        for series in members {
            reading.columns(series, &mut columns)?;
            let marks = reading.marks(series);
            add(reading, &columns, (&pieces, scale), &marks, &mut open)?;
            if open.values().any(|split| split.accumulator.overflows()) {
                return Err(reading.budget.exceeded());
            }
            check_rows(limits, scanned.len() + open.len(), covers.len())?;
        }
        let splits = open.len();
        for ((index, bucket), mut split) in open.into_iter().filter(|(_, split)| split.exists) {
            let (Some(parts), Some(lengths)) = (keys.get(index), lengths.get(index)) else {
                continue;
            };
            pace.step(lengths.len())?;
            reading.budget.hold(memory::of_points(scan.aggregates.len(), lengths.len()))?;
            let mut points = split.accumulator.finish();
            for points in &mut points {
                // Steps without such a time have no row: no Monday lies in a Tuesday.
                for (point, _) in
                    points.iter_mut().zip(&**lengths).filter(|(_, nanos)| **nanos == 0)
                {
                    (point.value, point.kept) = (None, false);
                }
            }
            scanned.push((
                with_parts(&key, parts, bucket.as_ref(), scan),
                points,
                Arc::clone(lengths),
            ));
        }
        reading.budget.let_go((splits * reading.accumulator_bytes()) as u64);
    }
    let found = !scanned.is_empty();
    Ok((scanned, found))
}

/// Chooses the buckets of a histogram: of one width, by the least and the greatest value in the
/// range, which are read for that first.
fn scale_of(reading: &Reading<'_>) -> Result<Option<Scale>> {
    let count = match reading.scan.buckets {
        None => return Ok(None),
        Some(Buckets::Decades) => return Ok(Some(Scale::Decades)),
        Some(Buckets::AtMost(count)) => count,
    };
    let range = reading.timeline.moved(reading.timeline.range, reading.scan.offset);
    let mut columns = Columns::default();
    let mut bounds: Option<(f64, f64)> = None;
    for series in &reading.scan.selection.series {
        reading.columns(series, &mut columns)?;
        for &value in columns.slice(range).1 {
            let (min, max) = bounds.unwrap_or((value, value));
            bounds = Some((min.min(value), max.max(value)));
        }
    }
    let (min, max) = bounds.unwrap_or((0.0, 0.0));
    Ok(Some(Scale::Even(Width::of(min, max, count))))
}

/// Which combination of parts, and of a histogram which bucket.
type SplitIndex = (usize, Option<Arc<str>>);

/// One group and combination of parts.
struct Split<'r> {
    accumulator: Accumulator<'r>,
    exists: bool,
}

fn parts_of(scan: &Scan) -> Vec<CalendarPart> {
    let part = |key: &SplitKey| match key {
        SplitKey::Calendar(part) => Some(*part),
        SplitKey::Metric | SplitKey::Label(_) | SplitKey::Bucket => None,
    };
    scan.keys.iter().filter_map(part).collect()
}

fn with_parts(
    key: &GroupKey,
    parts: &[Arc<str>],
    bucket: Option<&Arc<str>>,
    scan: &Scan,
) -> GroupKey {
    let mut parts = parts.iter();
    let own = key.iter().zip(&scan.keys);
    own.map(|(text, key)| match key {
        SplitKey::Calendar(_) => Arc::clone(parts.next().unwrap_or(text)),
        SplitKey::Bucket => Arc::clone(bucket.unwrap_or(text)),
        SplitKey::Metric | SplitKey::Label(_) => Arc::clone(text),
    })
    .collect()
}

/// Returns how many nanoseconds of each step lie in the pieces of each key.
fn lengths(
    pieces: &[Piece],
    keys: usize,
    covers: &[TimeRange],
    budget: &Budget,
) -> Result<Vec<Arc<[u64]>>> {
    let pace = budget.pace();
    budget.hold(keys.saturating_mul(covers.len()).saturating_mul(size_of::<u64>()))?;
    let mut lengths = vec![vec![0; covers.len()]; keys];
    for piece in pieces {
        for (base, part) in meeting(covers, piece.range) {
            pace.step(part.len())?;
            let Some(lengths) = lengths.get_mut(piece.key) else { continue };
            let steps = lengths.iter_mut().skip(base).zip(part);
            steps.for_each(|(length, cover)| *length += cover.intersect(piece.range).nanos());
        }
    }
    Ok(lengths.into_iter().map(Arc::from).collect())
}

/// Adds the samples of one series to the splits whose pieces they lie in.
fn add<'r>(
    reading: &'r Reading<'_>,
    columns: &Columns,
    (pieces, scale): (&[Piece], Option<Scale>),
    marks: &Marks,
    open: &mut BTreeMap<SplitIndex, Split<'r>>,
) -> Result<()> {
    let pace = reading.budget.pace();
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
        let inside = columns.slice(piece.range.intersect(reading.asked));
        let covers = meeting(&reading.covers, piece.range).map(|(base, part)| {
            pace.step(part.len())?;
            Ok((base, part.iter().map(|cover| cover.intersect(piece.range)).collect()))
        });
        let covers = covers.collect::<Result<Vec<(usize, Vec<TimeRange>)>>>()?;
        pace.step(samples.0.len())?;
        let mut add_to = |bucket: Option<Arc<str>>, samples: (&[i64], &[f64]), exists: bool| {
            let split = match open.entry((piece.key, bucket)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(vacant) => {
                    reading.budget.hold(reading.accumulator_bytes())?;
                    vacant.insert(Split { accumulator: reading.accumulator(), exists: false })
                }
            };
            split.exists |= exists;
            for (base, covers) in &covers {
                split.accumulator.add(samples, (*base, covers), marks);
            }
            Ok::<_, Error>(())
        };
        if let Some(scale) = scale {
            for (bucket, columns) in by_bucket(inside, scale) {
                add_to(Some(bucket), (&columns.timestamps, &columns.values), true)?;
            }
        } else {
            add_to(None, samples, !inside.0.is_empty())?;
        }
    }
    Ok(())
}

/// Deals samples to the buckets of their values.
fn by_bucket((timestamps, values): (&[i64], &[f64]), scale: Scale) -> BTreeMap<Arc<str>, Columns> {
    let mut dealt: Vec<(Bucket, Columns)> = Vec::new();
    for (&timestamp, &value) in timestamps.iter().zip(values) {
        let bucket = scale.bucket_of(value);
        // There are few buckets in one piece, and the last is the likeliest.
        let index = dealt.iter().rposition(|(known, _)| *known == bucket).unwrap_or(dealt.len());
        if index == dealt.len() {
            dealt.push((bucket, Columns::default()));
        }
        if let Some((_, columns)) = dealt.get_mut(index) {
            columns.push(timestamp, value);
        }
    }
    dealt.into_iter().map(|(bucket, columns)| (bucket.to_key(), columns)).collect()
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
