//! Conditions on samples: resolved for a metric, then for a series, then tested on values.

use crate::error::Result;
use crate::lang::ast::CompareOp;
use crate::model::{Columns, Matcher, SeriesKey};
use crate::snapshot::SealedChunk;

/// A condition on the samples of one metric.
#[derive(Debug, Clone)]
pub(crate) enum Predicate {
    /// All hold; of none, always.
    All(Vec<Self>),
    /// Any holds; of none, never.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A condition on a label.
    Label(Matcher),
    /// A comparison of the value with a number in the metric's unit.
    Value(CompareOp, f64),
}

impl Predicate {
    /// Returns what is left to test once the series is known.
    pub(crate) fn of_series(&self, key: &SeriesKey) -> Test {
        match self {
            Self::All(parts) => all(parts.iter().map(|part| part.of_series(key))),
            Self::Any(parts) => not(all(parts.iter().map(|part| not(part.of_series(key))))),
            Self::Not(part) => not(part.of_series(key)),
            Self::Label(matcher) if matcher.matches(key.value_of(&matcher.label)) => Test::Always,
            Self::Label(_) => Test::Never,
            Self::Value(op, number) => Test::Value(*op, *number),
        }
    }
}

/// A condition on the values of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Every value passes.
    Always,
    /// No value passes.
    Never,
    /// Values that compare so pass.
    Value(CompareOp, f64),
    /// Values pass that pass all of these.
    All(Vec<Self>),
    /// Values pass that do not pass this.
    Not(Box<Self>),
}

fn all(tests: impl Iterator<Item = Test>) -> Test {
    let mut open = Vec::new();
    for test in tests {
        match test {
            Test::Never => return Test::Never,
            Test::Always => {}
            other => open.push(other),
        }
    }
    match open.len() {
        0 => Test::Always,
        1 => open.pop().unwrap_or(Test::Always),
        _ => Test::All(open),
    }
}

fn not(test: Test) -> Test {
    match test {
        Test::Always => Test::Never,
        Test::Never => Test::Always,
        Test::Not(inner) => *inner,
        other => Test::Not(Box::new(other)),
    }
}

impl Test {
    /// Returns true if a value passes.
    pub(crate) fn holds(&self, value: f64) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Value(op, number) => compare(*op, value, *number),
            Self::All(parts) => parts.iter().all(|part| part.holds(value)),
            Self::Not(part) => !part.holds(value),
        }
    }

    /// Returns whether all values between two pass or none; nothing where it depends on the value.
    pub(crate) fn decide(&self, min: f64, max: f64) -> Option<bool> {
        match self {
            Self::Always => Some(true),
            Self::Never => Some(false),
            Self::Value(op, number) => {
                let (low, high) = (compare(*op, min, *number), compare(*op, max, *number));
                let is_order = !matches!(op, CompareOp::Equal | CompareOp::NotEqual);
                // An equation may hold in between, unless there is nothing in between.
                (low == high && (is_order || min.to_bits() == max.to_bits())).then_some(low)
            }
            Self::All(parts) => {
                let decided = || parts.iter().map(|part| part.decide(min, max));
                if decided().any(|part| part == Some(false)) {
                    return Some(false);
                }
                decided().all(|part| part == Some(true)).then_some(true)
            }
            Self::Not(part) => part.decide(min, max).map(|holds| !holds),
        }
    }

    /// Returns whether all values of a chunk pass or none, as [`decide`](Self::decide) does; its
    /// extremes are asked for only where it depends on them.
    pub(crate) fn decide_chunk(&self, chunk: &SealedChunk<'_>) -> Result<Option<bool>> {
        match self {
            Self::Always => Ok(Some(true)),
            Self::Never => Ok(Some(false)),
            _ => chunk.extremes().map(|(min, max)| self.decide(min, max)),
        }
    }

    /// Returns how many values pass.
    pub(crate) fn count(&self, values: &[f64]) -> u64 {
        match self {
            Self::Always => values.len() as u64,
            Self::Never => 0,
            _ => values.iter().filter(|value| self.holds(**value)).count() as u64,
        }
    }

    /// Keeps the samples whose values pass, in their order.
    pub(crate) fn keep(&self, columns: &mut Columns) {
        match self {
            Self::Always => {}
            Self::Never => columns.clear(),
            _ => {
                let mut kept = columns.values.iter().map(|value| self.holds(*value));
                columns.timestamps.retain(|_| kept.next().unwrap_or(false));
                columns.values.retain(|value| self.holds(*value));
            }
        }
    }
}

/// Compares two numbers as IEEE 754 does: -0 equals 0.
#[expect(clippy::float_cmp, reason = "the query asks for equality")]
pub(crate) fn compare(op: CompareOp, left: f64, right: f64) -> bool {
    match op {
        CompareOp::Greater => left > right,
        CompareOp::GreaterEqual => left >= right,
        CompareOp::Less => left < right,
        CompareOp::LessEqual => left <= right,
        CompareOp::Equal => left == right,
        CompareOp::NotEqual => left != right,
    }
}

#[cfg(test)]
mod tests {
    use super::{Predicate, Test};
    use crate::lang::ast::CompareOp;
    use crate::model::{Columns, Matcher, SeriesKey};

    fn label(value: &str) -> Predicate {
        Predicate::Label(Matcher::equal("bot", value))
    }

    #[test]
    fn labels_are_decided_once_a_series() {
        let key = SeriesKey::new("m").label("bot", "a");
        let above = Predicate::Value(CompareOp::Greater, 1.0);
        let either = Predicate::Any(vec![label("b"), above.clone()]);
        assert_eq!(Predicate::All(vec![label("b"), above.clone()]).of_series(&key), Test::Never);
        assert_eq!(Predicate::Any(vec![label("a"), above]).of_series(&key), Test::Always);
        assert_eq!(either.of_series(&key), Test::Value(CompareOp::Greater, 1.0));
        assert_eq!(Predicate::All(Vec::new()).of_series(&key), Test::Always);
        assert_eq!(Predicate::Any(Vec::new()).of_series(&key), Test::Never);
    }

    #[test]
    fn both_columns_keep_the_same_rows() {
        let key = SeriesKey::new("m");
        let outside = Predicate::Not(Box::new(Predicate::All(vec![
            Predicate::Value(CompareOp::GreaterEqual, 2.0),
            Predicate::Value(CompareOp::Less, 4.0),
        ])));
        let test = outside.of_series(&key);
        let mut columns = Columns::default();
        for n in 0..6 {
            columns.push(n, f64::from(i32::try_from(n).unwrap()));
        }
        assert_eq!(test.count(&columns.values), 4);
        test.keep(&mut columns);
        assert_eq!(columns.timestamps, [0, 1, 4, 5]);
        assert_eq!(columns.values, [0.0, 1.0, 4.0, 5.0]);
    }
}
