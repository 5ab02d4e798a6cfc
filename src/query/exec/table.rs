//! All items side by side: one line a group, one value an item and step.

use std::sync::Arc;

use crate::error::Result;
use crate::model::Limits;
use crate::query::budget::Budget;
use crate::query::exec::arithmetic::Value;
use crate::query::exec::frame::{Frame, GroupKey, Lookup, Point, union_of_groups, widest};
use crate::query::exec::memory;
use crate::query::exec::scan::check_rows;
use crate::query::plan::SplitKey;

/// The values of all items by group.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) keys: Vec<SplitKey>,
    pub(super) lines: Vec<Line>,
}

/// One group: its key, and the points of each item, one a step.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) key: GroupKey,
    pub(super) items: Vec<Vec<Point>>,
}

impl Line {
    /// Returns true if a comparison left the step out of every item.
    pub(super) fn is_left_out(&self, step: usize) -> bool {
        self.are_left_out(self.items.len(), step)
    }

    /// Returns true if a comparison left the step out of each of the first items.
    pub(super) fn are_left_out(&self, items: usize, step: usize) -> bool {
        let mut items = self.items.iter().take(items);
        items.all(|points| points.get(step).is_some_and(|point| !point.kept))
    }
}

impl Table {
    /// Joins the items on their keys, as the sides of an operator are.
    ///
    /// # Errors
    /// `ErrorKind::Limit` for more groups × steps than allowed, and errors of the budget.
    pub(super) fn join(
        values: &[Value],
        steps: usize,
        (limits, budget): (&Limits, &Budget),
    ) -> Result<Self> {
        let frames: Vec<&Frame> = values
            .iter()
            .filter_map(|value| match value {
                Value::Frame(frame) => Some(frame),
                Value::Constant(_) => None,
            })
            .collect();
        let keys = widest(&frames).to_vec();
        let mut groups = union_of_groups(&frames, &keys);
        if frames.is_empty() {
            groups.push(Arc::from([]));
        }
        check_rows(limits, groups.len(), steps)?;
        let columns: Vec<Column<'_>> =
            values.iter().map(|value| Column::new(value, &keys)).collect();
        budget.hold(memory::of_points(groups.len(), steps).saturating_mul(values.len()))?;
        let pace = budget.pace();
        let lines = groups.into_iter().map(|key| {
            pace.step(columns.len() * steps)?;
            let items = columns.iter().map(|column| column.points(&key, steps)).collect();
            Ok(Line { key, items })
        });
        let lines = lines.collect::<Result<_>>()?;
        Ok(Self { keys, lines })
    }
}

enum Column<'f> {
    Constant(Point),
    Frame(Lookup<'f>),
}

impl<'f> Column<'f> {
    fn new(value: &'f Value, keys: &[SplitKey]) -> Self {
        match value {
            Value::Constant(point) => Self::Constant(*point),
            Value::Frame(frame) => Self::Frame(Lookup::new(frame, keys)),
        }
    }

    fn points(&self, key: &GroupKey, steps: usize) -> Vec<Point> {
        match self {
            Self::Constant(point) => vec![*point; steps],
            Self::Frame(lookup) => {
                let points = lookup.points(key);
                (0..steps).map(|step| lookup.point(points, step)).collect()
            }
        }
    }
}
