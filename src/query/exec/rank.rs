//! Which groups stay, and in what order groups stand.

use std::cmp::{Ordering, Reverse};

use crate::query::plan::Rank;

/// Returns the indices of the groups that stay, ascending: the first by value, nulls last, ties by
/// key, which is the order in which they come.
pub(super) fn best(values: &[Option<f64>], rank: Rank) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..values.len()).collect();
    let value = |group: usize| values.get(group).copied().flatten();
    // Groups of one value stay in their order.
    groups.sort_by(|one, other| by_value(value(*one), value(*other), rank.greatest));
    groups.truncate(usize::try_from(rank.count).unwrap_or(usize::MAX));
    groups.sort_unstable();
    groups
}

/// Compares two values, the greatest (or least) first, nulls last in both directions.
pub(super) fn by_value(one: Option<f64>, other: Option<f64>, greatest: bool) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if greatest => other.total_cmp(&one),
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => Reverse(one.is_some()).cmp(&Reverse(other.is_some())),
    }
}

#[cfg(test)]
mod tests {
    use super::best;
    use crate::query::plan::Rank;

    #[test]
    fn nulls_are_last_both_ways_and_ties_go_by_label() {
        let values = [Some(1.0), Some(1.0), Some(2.0), None];
        let kept = |count, greatest| best(&values, Rank { count, greatest });
        assert_eq!(kept(1, true), [2]);
        assert_eq!(kept(2, true), [0, 2]);
        assert_eq!(kept(3, true), [0, 1, 2]);
        assert_eq!(kept(1, false), [0]);
        assert_eq!(kept(3, false), [0, 1, 2]);
        assert_eq!(kept(9, false), [0, 1, 2, 3]);
    }
}
