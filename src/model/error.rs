//! What can be wrong with a metric, a label, a sample or a selector.

use std::fmt;

/// A value that the data model refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// More of something than its limit allows; raise the limit in the options, or send less.
    Limit {
        /// What was counted or measured.
        what: &'static str,
        /// The most that is allowed.
        limit: u64,
        /// What was asked for.
        got: u64,
    },
    /// A name that must not be empty was; give it at least one character.
    EmptyName {
        /// Which name: of a metric or of a label.
        what: &'static str,
    },
    /// A name holds a control character; remove it.
    ControlCharacter {
        /// Which name: of a metric or of a label.
        what: &'static str,
        /// The name as given.
        name: String,
    },
    /// The same label was given twice with different values; decide for one.
    DuplicateLabel {
        /// The label's name.
        name: String,
    },
    /// A value is NaN or infinite; only finite values are stored.
    NotFinite,
    /// A sample lies further in the future than the store accepts; check the unit of its time.
    TooFarInTheFuture {
        /// The sample's time in nanoseconds since the epoch.
        timestamp: i64,
        /// The newest acceptable time at that moment, in nanoseconds since the epoch.
        newest: i64,
    },
    /// A sample is older than what retention keeps; check the unit of its time, or keep more.
    Expired {
        /// The sample's time in nanoseconds since the epoch.
        timestamp: i64,
        /// The oldest time that is kept, in nanoseconds since the epoch.
        oldest: i64,
    },
    /// A metric was defined before with another kind, unit or duplicate policy.
    MetricConflict {
        /// The metric's name.
        name: String,
        /// Which property differs: `kind`, `unit` or `duplicates`.
        property: &'static str,
        /// The stored value of that property.
        stored: String,
        /// The value asked for now.
        asked: String,
    },
    /// A regular expression of a matcher does not compile, or is too large once compiled.
    Regex {
        /// The expression as given.
        pattern: String,
        /// What the compiler said.
        reason: String,
    },
    /// A word is none of the values that are known here.
    UnknownWord {
        /// What the word should name.
        what: &'static str,
        /// The word as given.
        word: String,
        /// The words that are known.
        known: &'static str,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { what, limit, got } => {
                write!(f, "too much: {what} is {got}, the limit is {limit}")
            }
            Self::EmptyName { what } => write!(f, "the name of a {what} is empty"),
            Self::ControlCharacter { what, name } => {
                write!(f, "the name of the {what} {name:?} holds a control character")
            }
            Self::DuplicateLabel { name } => write!(f, "label {name:?} is given twice"),
            Self::NotFinite => {
                f.write_str("the value is NaN or infinite; only finite ones are kept")
            }
            Self::TooFarInTheFuture { timestamp, newest } => write!(
                f,
                "time {timestamp} ns is too far in the future (newest accepted: {newest} ns); \
                 check the unit of the time"
            ),
            Self::Expired { timestamp, oldest } => write!(
                f,
                "time {timestamp} ns is older than what retention keeps (from {oldest} ns on); \
                 check the unit of the time, or keep samples longer"
            ),
            Self::MetricConflict { name, property, stored, asked } => write!(
                f,
                "metric {name:?} is defined with {property} {stored}, not {asked}; use the stored \
                 {property} or another name"
            ),
            Self::Regex { pattern, reason } => {
                write!(f, "regular expression {pattern:?} cannot be used: {reason}")
            }
            Self::UnknownWord { what, word, known } => {
                let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
                write!(f, "{word:?} is not {article} {what}; known are {known}")
            }
        }
    }
}

impl std::error::Error for ModelError {}
