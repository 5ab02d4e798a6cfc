//! Functions of the values that the windows of a sub-query have.

use crate::error::Result;
use crate::query::budget::Budget;
use crate::query::exec::frame::{Frame, Group, Point};
use crate::query::exec::memory;
use crate::query::exec::percentile::{Asked, select};
use crate::query::plan::Function;
use crate::sketch::Moments;

/// Makes of the values in a sub-query's windows one value a step; `ranges` are the windows of each.
///
/// # Errors
/// Those of the budget.
pub(super) fn over(
    frame: Frame,
    function: Function,
    ranges: &[(usize, usize)],
    budget: &Budget,
) -> Result<Frame> {
    budget.hold(memory::of_points(frame.groups.len(), ranges.len()))?;
    budget.let_go(memory::of_frame(&frame) as u64);
    let pace = budget.pace();
    let groups = frame.groups.into_iter().map(|Group { key, points }| {
        let points = ranges.iter().map(|&(first, end)| {
            let inside = points.get(first..end.max(first)).unwrap_or(&[]);
            pace.step(inside.len())?;
            let values: Vec<f64> = inside.iter().filter_map(|point| point.value).collect();
            let occupied = inside.iter().any(|point| point.occupied);
            Ok(Point::new(value(function, values), occupied))
        });
        Ok(Group { key, points: points.collect::<Result<_>>()? })
    });
    let groups = groups.collect::<Result<_>>()?;
    let absent = Point::new(function.of_nothing(), false);
    Ok(Frame { keys: frame.keys, groups, absent })
}

#[expect(clippy::cast_precision_loss, reason = "counts of windows stay below 2^53")]
fn value(function: Function, mut values: Vec<f64>) -> Option<f64> {
    let moments = || {
        let mut moments = Moments::EMPTY;
        moments.extend(values.iter().copied());
        moments
    };
    let found = match function {
        Function::Count => Some(values.len() as f64),
        Function::Sum => Some(moments().sum.to_f64()),
        Function::Avg => moments().mean(),
        Function::Stddev => moments().stddev(),
        Function::First => values.first().copied(),
        Function::Last => values.last().copied(),
        Function::Min => values.iter().copied().min_by(f64::total_cmp),
        Function::Max => values.iter().copied().max_by(f64::total_cmp),
        Function::Quantile { share, linear } => {
            let mut found = Vec::new();
            select(&mut values, &[Asked { share, linear }], &mut found);
            found.first().copied()
        }
        // No other is planned.
        _ => None,
    };
    found.filter(|value| value.is_finite())
}
