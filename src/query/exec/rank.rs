//! Which groups stay, and in what order groups stand.

use std::cmp::{Ordering, Reverse};

use crate::query::exec::frame::GroupKey;
use crate::query::plan::Rank;

/// Returns the keys of the groups that stay: the first by value, nulls last, ties by key.
pub(super) fn best(mut groups: Vec<(GroupKey, Option<f64>)>, rank: Rank) -> Vec<GroupKey> {
    groups.sort_by(|(one_key, one), (other_key, other)| {
        by_value(*one, *other, rank.greatest).then_with(|| one_key.cmp(other_key))
    });
    groups.truncate(usize::try_from(rank.count).unwrap_or(usize::MAX));
    groups.into_iter().map(|(key, _)| key).collect()
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
    use std::sync::Arc;

    use super::best;
    use crate::query::plan::Rank;

    #[test]
    fn nulls_are_last_both_ways_and_ties_go_by_label() {
        let groups = || {
            [("d", None), ("b", Some(1.0)), ("a", Some(1.0)), ("c", Some(2.0))]
                .map(|(name, value)| (Arc::from([Arc::from(name)]), value))
                .to_vec()
        };
        let names = |count, greatest| -> String {
            let kept = best(groups(), Rank { count, greatest });
            kept.iter().map(|key| &*key[0]).collect()
        };
        assert_eq!(names(9, true), "cabd");
        assert_eq!(names(9, false), "abcd");
        assert_eq!(names(2, true), "ca");
        assert_eq!(names(2, false), "ab");
    }
}
