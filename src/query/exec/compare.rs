//! Columns of `compare`: what an item was before, and by how much it changed.

use crate::query::exec::frame::Point;
use crate::query::exec::table::Line;
use crate::query::rows::{Column, Role};

/// Puts behind each item what it was, how much it changed, and by how many percent.
///
/// The first half of a line's items are those of now, the second half the same of then.
pub(super) fn add_changes(line: &mut Line) {
    let then = line.items.split_off(line.items.len() / 2);
    let now = std::mem::take(&mut line.items);
    for (now, mut then) in now.into_iter().zip(then) {
        for (then, now) in then.iter_mut().zip(&now) {
            then.kept = now.kept;
        }
        let derived = |of: fn(f64, f64) -> Option<f64>| {
            let pairs = now.iter().zip(&then);
            pairs.map(|(now, then)| combine(*now, *then, of)).collect()
        };
        let change = derived(|now, then| finite(now - then));
        // Relative to the size, so that the sign is that of the change.
        let percent = derived(|now, then| finite((now - then) / then.abs() * 100.0));
        line.items.extend([now, then, change, percent]);
    }
}

fn combine(now: Point, then: Point, of: fn(f64, f64) -> Option<f64>) -> Point {
    let value = now.value.zip(then.value).and_then(|(now, then)| of(now, then));
    Point { value, occupied: now.occupied || then.occupied, kept: now.kept }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Returns the column of an item and those of its changes.
pub(super) fn columns_of(name: &str, unit: Option<&str>) -> [Column; 4] {
    let column = |suffix: &str, unit: Option<&str>| Column {
        name: format!("{name}{suffix}"),
        role: Role::Value,
        unit: unit.map(str::to_owned),
    };
    [
        column("", unit),
        column(" prev", unit),
        column(" change", unit),
        column(" change_pct", Some("%")),
    ]
}
