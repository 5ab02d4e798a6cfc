//! Conditions on samples: on their labels and on their values.

use std::ops::{BitAnd, BitOr, Not};

use crate::lang::ast::{CompareOp, LabelMatcher, Literal, MatchOp, Predicate, Spanned};
use crate::lang::build::{at, comparisons, name};

/// A label that a condition is about to be made of.
#[derive(Debug, Clone)]
pub struct Label(String);

/// The label of a name.
#[must_use]
pub fn label(name: impl Into<String>) -> Label {
    Label(name.into())
}

impl Label {
    fn matcher(self, op: MatchOp, values: Vec<Spanned<String>>) -> LabelMatcher {
        LabelMatcher { label: name(self.0), op, values }
    }

    /// `bot = "support"`
    #[must_use]
    pub fn is(self, value: impl Into<String>) -> LabelMatcher {
        self.matcher(MatchOp::Equal, vec![at(value.into())])
    }

    /// `bot != "support"`
    #[must_use]
    pub fn is_not(self, value: impl Into<String>) -> LabelMatcher {
        self.matcher(MatchOp::NotEqual, vec![at(value.into())])
    }

    /// `bot =~ "sup.*"`: the whole value matches.
    #[must_use]
    pub fn matches(self, pattern: impl Into<String>) -> LabelMatcher {
        self.matcher(MatchOp::Matches, vec![at(pattern.into())])
    }

    /// `bot !~ "sup.*"`
    #[must_use]
    pub fn does_not_match(self, pattern: impl Into<String>) -> LabelMatcher {
        self.matcher(MatchOp::NotMatches, vec![at(pattern.into())])
    }

    /// `bot in ("sales", "support")`
    #[must_use]
    pub fn is_one_of<V: Into<String>>(self, values: impl IntoIterator<Item = V>) -> LabelMatcher {
        self.matcher(MatchOp::In, values.into_iter().map(|value| at(value.into())).collect())
    }
}

/// The value of each sample, that a condition is about to be made of.
#[derive(Debug, Clone, Copy)]
pub struct Value;

/// The value of each sample.
///
/// ```
/// use silverback::lang::build::{label, value};
/// let bad = label("status").is("error") | value().above(5e3);
/// assert_eq!((!bad).to_string(), r#"not (status="error" or value > 5000)"#);
/// ```
#[must_use]
pub const fn value() -> Value {
    Value
}

impl Value {
    /// `value > 1s`
    #[must_use]
    pub fn compare(self, op: CompareOp, bound: impl Into<Literal>) -> Predicate {
        Predicate::Value(at(op), at(bound.into()))
    }

    comparisons!(Literal, Predicate);
}

impl From<LabelMatcher> for Predicate {
    fn from(matcher: LabelMatcher) -> Self {
        Self::Label(at(matcher))
    }
}

/// Writes `&`, `|` and `!` of a type.
macro_rules! connectives {
    ($type:ty) => {
        impl<P: Into<Predicate>> BitAnd<P> for $type {
            type Output = Predicate;

            fn bitand(self, other: P) -> Predicate {
                Predicate::And(Box::new(self.into()), Box::new(other.into()))
            }
        }

        impl<P: Into<Predicate>> BitOr<P> for $type {
            type Output = Predicate;

            fn bitor(self, other: P) -> Predicate {
                Predicate::Or(Box::new(self.into()), Box::new(other.into()))
            }
        }

        impl Not for $type {
            type Output = Predicate;

            fn not(self) -> Predicate {
                Predicate::Not(Box::new(self.into()))
            }
        }
    };
}

connectives!(Predicate);
connectives!(LabelMatcher);
