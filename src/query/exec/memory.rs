//! How much memory groups × windows and rows take, which the budget is asked for before.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::query::exec::edges::Edges;
use crate::query::exec::frame::{Frame, Point};
use crate::query::plan::{Function, Scan};
use crate::query::rows::Cell;
use crate::sketch::{DoubleDouble, LogBuckets, Moments};

/// Returns the bytes of the points of some groups.
pub(super) fn of_points(groups: usize, steps: usize) -> usize {
    groups.saturating_mul(steps).saturating_mul(size_of::<Point>())
}

/// Returns the bytes of the points of a frame, whose groups all have the same steps.
pub(super) fn of_frame(frame: &Frame) -> usize {
    of_points(frame.groups.len(), frame.groups.first().map_or(0, |group| group.points.len()))
}

/// Returns the bytes of a row.
pub(super) fn of_row(cells: usize) -> usize {
    size_of::<Vec<Cell>>() + cells * size_of::<Cell>()
}

/// Returns the bytes of what gathers one group, before samples come to it.
pub(super) fn of_accumulator(scan: &Scan, windows: usize) -> usize {
    let sized = |bytes: usize, test: fn(Function) -> bool| {
        if scan.aggregates.iter().any(|function| test(*function)) { bytes } else { 0 }
    };
    let moments = sized(size_of::<Moments>(), Function::is_of_moments);
    let logs = sized(size_of::<LogBuckets>(), Function::is_of_buckets);
    let edges = sized(size_of::<Option<Edges>>(), Function::is_of_edges);
    let changes = sized(size_of::<Option<DoubleDouble>>(), Function::reaches_back);
    let counts = (1 + scan.conditions.len()) * size_of::<u64>();
    let labels = scan.labels.len() * size_of::<BTreeSet<Arc<str>>>();
    windows.saturating_mul(moments + logs + edges + changes + counts + labels)
}
