//! The earliest and the latest sample of a window.

/// The earliest and the latest sample of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    pub(super) first: (i64, f64),
    pub(super) last: (i64, f64),
}

/// Adds samples in order of time. Of those with the earliest timestamp the first that came counts,
/// of those with the latest the last.
pub(super) fn add_edges(edges: &mut Option<Edges>, timestamps: &[i64], values: &[f64]) {
    let (Some(&start), Some(&end)) = (timestamps.first(), timestamps.last()) else { return };
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return };
    let known = edges.get_or_insert(Edges { first: (start, first), last: (end, last) });
    if start < known.first.0 {
        known.first = (start, first);
    }
    if end >= known.last.0 {
        known.last = (end, last);
    }
}
