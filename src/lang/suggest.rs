//! The nearest of some known words to a word that is not known.

/// Returns the candidate nearest to a word by edit distance (optimal string alignment: insertion,
/// deletion, replacement, exchange of neighbours), if it is near enough to be what was meant: at
/// most a third of the word's length, and at most 3. The first of equally near ones wins.
///
/// ```
/// use silverback::lang::closest;
/// assert_eq!(closest("latncy", ["latency", "tokens"]), Some("latency"));
/// assert_eq!(closest("x", ["latency", "tokens"]), None);
/// ```
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LENGTH_MAX).flat_map(char::to_lowercase).collect();
    let near = (word.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other: Vec<char> =
            candidate.chars().take(LENGTH_MAX).flat_map(char::to_lowercase).collect();
        if other.len().abs_diff(word.len()) > near {
            continue;
        }
        let distance = distance(&word, &other);
        if distance <= near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Longer words are cut: nobody mistypes them by hand, and the time grows with the square.
const LENGTH_MAX: usize = 64;

fn distance(left: &[char], right: &[char]) -> usize {
    let mut two_before = vec![0; right.len() + 1];
    let mut before: Vec<usize> = (0..=right.len()).collect();
    let mut left_before = None;
    for (row, &a) in (1..).zip(left) {
        let mut current = Vec::with_capacity(right.len() + 1);
        current.push(row);
        let mut right_before = None;
        for (column, &b) in (1_usize..).zip(right) {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&before, column - 1) + usize::from(a != b);
            let mut least = replaced.min(at(&before, column) + 1).min(at(&current, column - 1) + 1);
            if left_before == Some(b) && right_before == Some(a) && column >= 2 {
                least = least.min(at(&two_before, column - 2) + 1);
            }
            current.push(least);
            right_before = Some(b);
        }
        left_before = Some(a);
        two_before = std::mem::replace(&mut before, current);
    }
    before.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::lang::suggest::{closest, distance};

    #[test]
    fn exchanging_neighbours_is_one_edit() {
        let chars = |word: &str| word.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("ab"), &chars("ba")), 1);
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
        assert_eq!(closest("avgg", ["sum", "avg"]), Some("avg"));
    }
}
