//! What stands in windows without a value, where the query says so.

use crate::lang::ast::Fill;
use crate::model::TimeRange;
use crate::query::exec::frame::Point;

/// Fills the windows of one group and item that hold no sample or no value.
///
/// `fill none` changes no value: it leaves out the rows in which every item is empty.
pub(super) fn fill(points: &mut [Point], steps: &[TimeRange], how: Fill) {
    if how == Fill::None {
        return;
    }
    for point in points.iter_mut().filter(|point| !point.occupied) {
        point.value = None;
    }
    match how {
        Fill::Null | Fill::None => {}
        Fill::Number(number) => {
            for point in points.iter_mut() {
                point.value = point.value.or(Some(number));
            }
        }
        Fill::Previous => between(points, |before, _, _| before.1),
        Fill::Linear => between(points, |before, after, at| line(steps, before, after, at)),
    }
    for point in points.iter_mut().filter(|point| !point.kept) {
        point.value = None;
    }
}

/// Returns true for what `fill none` leaves out: no value, or none but that of nothing.
pub(super) fn is_empty(point: &Point) -> bool {
    point.value.is_none() || !point.occupied
}

/// Fills between two known values; nothing before the first or after the last.
fn between(points: &mut [Point], value: impl Fn((usize, f64), (usize, f64), usize) -> f64) {
    let known: Vec<(usize, f64)> = points
        .iter()
        .enumerate()
        .filter_map(|(index, point)| point.value.map(|value| (index, value)))
        .collect();
    for pair in known.windows(2) {
        let &[before, after] = pair else { continue };
        let gap = points.iter_mut().enumerate().take(after.0).skip(before.0 + 1);
        for (index, point) in gap {
            point.value = Some(value(before, after, index));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a place between two windows needs 53 bits at most")]
fn line(steps: &[TimeRange], before: (usize, f64), after: (usize, f64), at: usize) -> f64 {
    let start = |index: usize| steps.get(index).map_or(0, |step| step.start.as_nanos());
    let whole = start(after.0).abs_diff(start(before.0)).max(1) as f64;
    let weight = start(at).abs_diff(start(before.0)) as f64 / whole;
    before.1 * (1.0 - weight) + after.1 * weight
}

#[cfg(test)]
mod tests {
    use super::fill;
    use crate::lang::ast::Fill;
    use crate::model::{TimeRange, Timestamp};
    use crate::query::exec::frame::Point;

    /// `None` is a window without samples, whose count is 0.
    fn filled(how: Fill) -> Vec<Option<f64>> {
        let given = [None, Some(2.0), None, None, Some(8.0), None];
        let mut points: Vec<Point> =
            given.iter().map(|value| Point::new(value.or(Some(0.0)), value.is_some())).collect();
        let at = |n: i64| Timestamp::from_nanos(n * 10);
        let steps: Vec<TimeRange> = (0..6).map(|n| TimeRange::new(at(n), at(n + 1))).collect();
        fill(&mut points, &steps, how);
        points.into_iter().map(|point| point.value).collect()
    }

    #[test]
    fn each_way_fills_what_is_empty() {
        let (two, eight) = (Some(2.0), Some(8.0));
        assert_eq!(filled(Fill::Null), [None, two, None, None, eight, None]);
        assert_eq!(
            filled(Fill::Number(7.0)),
            [Some(7.0), two, Some(7.0), Some(7.0), eight, Some(7.0)]
        );
        assert_eq!(filled(Fill::Previous), [None, two, two, two, eight, None]);
        assert_eq!(filled(Fill::Linear), [None, two, Some(4.0), Some(6.0), eight, None]);
    }
}
