//! Values by group and step, and how the groups of several frames find each other.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::query::plan::SplitKey;

/// The values of a group's keys. It is shared by all that speaks of the group.
pub(super) type GroupKey = Arc<[Arc<str>]>;

/// What one group has in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// The value, always finite.
    pub(super) value: Option<f64>,
    /// True if some sample lies in the step.
    pub(super) occupied: bool,
    /// False where a comparison left it out; it has no value then.
    pub(super) kept: bool,
}

impl Point {
    /// Makes a point that no comparison left out.
    pub(super) fn new(value: Option<f64>, occupied: bool) -> Self {
        Self { value, occupied, kept: true }
    }
}

/// One group and its values, one a step.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) points: Vec<Point>,
}

/// The values of an expression by group and step.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// What the groups are split by.
    pub(super) keys: Vec<SplitKey>,
    /// The groups, sorted by key.
    pub(super) groups: Vec<Group>,
    /// What a group has that is not here.
    pub(super) absent: Point,
}

/// Finds the groups of a frame by the keys of a wider one, or of the same keys in another order.
#[derive(Debug)]
pub(super) struct Lookup<'f> {
    frame: &'f Frame,
    /// For each key of the frame, its index among the wider keys.
    positions: Vec<usize>,
    in_order: bool,
    /// Where the next group is likely to be: most are asked for in their order.
    next: Cell<usize>,
}

impl<'f> Lookup<'f> {
    /// Prepares for keys of which the frame's are a part.
    pub(super) fn new(frame: &'f Frame, wide: &[SplitKey]) -> Self {
        let position = |key| wide.iter().position(|other| other == key);
        let positions: Vec<usize> = frame.keys.iter().filter_map(position).collect();
        let in_order = frame.keys == wide;
        Self { frame, positions, in_order, next: Cell::new(0) }
    }

    /// Returns the points of the group that a wide key belongs to, if it is here.
    pub(super) fn points(&self, key: &[Arc<str>]) -> Option<&'f [Point]> {
        let groups = &self.frame.groups;
        let next = self.next.get();
        let found = if self.in_order && groups.get(next).is_some_and(|group| *group.key == *key) {
            Ok(next)
        } else if self.in_order {
            groups.binary_search_by(|group| (*group.key).cmp(key))
        } else {
            let narrow: Vec<&Arc<str>> =
                self.positions.iter().filter_map(|&p| key.get(p)).collect();
            groups.binary_search_by(|group| group.key.iter().cmp(narrow.iter().copied()))
        };
        let found = found.ok()?;
        self.next.set(found + 1);
        groups.get(found).map(|group| group.points.as_slice())
    }

    /// Returns the point of a step, or what stands for a group that is not here.
    pub(super) fn point(&self, points: Option<&[Point]>, step: usize) -> Point {
        points.and_then(|points| points.get(step)).copied().unwrap_or(self.frame.absent)
    }
}

/// Returns the keys of all groups of the frames that are split by all of the wide keys, sorted.
pub(super) fn union_of_groups(frames: &[&Frame], wide: &[SplitKey]) -> Vec<GroupKey> {
    if let Some(groups) = shared_groups(frames, wide) {
        return groups.iter().map(|group| Arc::clone(&group.key)).collect();
    }
    let mut union: BTreeSet<GroupKey> = BTreeSet::new();
    for frame in frames.iter().filter(|frame| frame.keys.len() == wide.len()) {
        let order: Vec<usize> = wide
            .iter()
            .filter_map(|key| frame.keys.iter().position(|other| other == key))
            .collect();
        for group in &frame.groups {
            union.insert(order.iter().filter_map(|&index| group.key.get(index).cloned()).collect());
        }
    }
    union.into_iter().collect()
}

/// Returns the groups of all frames that are split by the wide keys where they are the same, as
/// those of one scan are.
fn shared_groups<'f>(frames: &[&'f Frame], wide: &[SplitKey]) -> Option<&'f [Group]> {
    let mut split = frames.iter().filter(|frame| frame.keys.len() == wide.len());
    let first = split.next().filter(|frame| frame.keys == wide)?;
    let is_same = split.all(|frame| {
        frame.keys == wide
            && frame.groups.len() == first.groups.len()
            && first.groups.iter().zip(&frame.groups).all(|(a, b)| Arc::ptr_eq(&a.key, &b.key))
    });
    is_same.then_some(first.groups.as_slice())
}

/// Returns the most keys that one of the frames is split by.
pub(super) fn widest<'f>(frames: &[&'f Frame]) -> &'f [SplitKey] {
    let mut wide: &[SplitKey] = &[];
    for frame in frames {
        if frame.keys.len() > wide.len() {
            wide = &frame.keys;
        }
    }
    wide
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Frame, Group, Lookup, Point, union_of_groups};
    use crate::query::plan::SplitKey;

    fn key(names: &[&str]) -> Arc<[Arc<str>]> {
        names.iter().map(|&name| Arc::from(name)).collect()
    }

    fn frame(names: &[&str], groups: &[(&[&str], f64)]) -> Frame {
        let point = |value| Point::new(Some(value), true);
        Frame {
            keys: names.iter().map(|&name| SplitKey::Label(name.to_owned())).collect(),
            groups: groups
                .iter()
                .map(|(names, value)| Group { key: key(names), points: vec![point(*value)] })
                .collect(),
            absent: Point::new(Some(0.0), false),
        }
    }

    #[test]
    fn keys_in_another_order_and_fewer_keys_find_their_groups() {
        let wide = frame(&["bot", "model"], &[(&["a", "x"], 1.0), (&["b", "y"], 2.0)]);
        let turned = frame(&["model", "bot"], &[(&["x", "a"], 3.0), (&["z", "c"], 4.0)]);
        let narrow = frame(&["model"], &[(&["x"], 5.0)]);
        let union = union_of_groups(&[&wide, &turned, &narrow], &wide.keys);
        assert_eq!(union, [key(&["a", "x"]), key(&["b", "y"]), key(&["c", "z"])]);
        let value = |frame: &Frame, at: &[&str]| {
            let lookup = Lookup::new(frame, &wide.keys);
            lookup.point(lookup.points(&key(at)), 0).value
        };
        assert_eq!(value(&turned, &["a", "x"]), Some(3.0));
        assert_eq!(value(&turned, &["b", "y"]), Some(0.0));
        assert_eq!(value(&narrow, &["q", "x"]), Some(5.0));
    }
}
