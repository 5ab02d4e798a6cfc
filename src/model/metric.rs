//! What a metric is: its kind, its unit, and what equal timestamps mean to it.

use std::fmt;
use std::str::FromStr;

use crate::model::error::ModelError;

/// How the values of a metric are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum MetricKind {
    /// One measurement of one event, such as a response time. The default.
    #[default]
    Event = 1,
    /// An amount that happened at this time, such as tokens used by one request.
    Delta = 2,
    /// A running total that only grows, but may start again from zero.
    Counter = 3,
    /// A level that goes up and down.
    Gauge = 4,
}

impl MetricKind {
    /// Returns the byte that stands for this kind on disk.
    #[must_use]
    pub fn to_tag(self) -> u8 {
        self as u8
    }

    /// Returns the kind that a byte stands for, if any.
    #[must_use]
    pub fn from_tag(tag: u8) -> Option<Self> {
        [Self::Event, Self::Delta, Self::Counter, Self::Gauge]
            .into_iter()
            .find(|kind| kind.to_tag() == tag)
    }

    /// Returns the kind's name as users write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Delta => "delta",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DuplicatePolicy {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        [Self::Keep, Self::Last, Self::First, Self::Max]
            .into_iter()
            .find(|policy| policy.as_str() == word)
            .ok_or_else(|| ModelError::UnknownWord {
                what: "duplicate policy",
                word: word.to_owned(),
                known: "keep, last, first, max",
            })
    }
}

impl FromStr for MetricKind {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        [Self::Event, Self::Delta, Self::Counter, Self::Gauge]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| ModelError::UnknownWord {
                what: "metric kind",
                word: word.to_owned(),
                known: "event, delta, counter, gauge",
            })
    }
}

/// What is done with samples of one series that share a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum DuplicatePolicy {
    /// All are kept: a series is a multiset. The default.
    #[default]
    Keep = 1,
    /// The one that arrived last counts.
    Last = 2,
    /// The one that arrived first counts.
    First = 3,
    /// The greatest counts.
    Max = 4,
}

impl DuplicatePolicy {
    /// Returns the byte that stands for this policy on disk.
    #[must_use]
    pub fn to_tag(self) -> u8 {
        self as u8
    }

    /// Returns the policy that a byte stands for, if any.
    #[must_use]
    pub fn from_tag(tag: u8) -> Option<Self> {
        [Self::Keep, Self::Last, Self::First, Self::Max]
            .into_iter()
            .find(|policy| policy.to_tag() == tag)
    }

    /// Returns the policy's name as users write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Last => "last",
            Self::First => "first",
            Self::Max => "max",
        }
    }
}

impl DuplicatePolicy {
    /// Keeps of samples that share a timestamp those that this policy wants. The columns are as
    /// long as each other and ordered by (timestamp, arrival); linear in their length.
    ///
    /// ```
    /// use silverback::DuplicatePolicy;
    ///
    /// let (mut timestamps, mut values) = (vec![1, 1, 2], vec![5.0, 3.0, 4.0]);
    /// DuplicatePolicy::Last.apply(&mut timestamps, &mut values);
    /// assert_eq!((timestamps, values), (vec![1, 2], vec![3.0, 4.0]));
    /// ```
    pub fn apply(self, timestamps: &mut Vec<i64>, values: &mut Vec<f64>) {
        if self == Self::Keep {
            return;
        }
        debug_assert_eq!(timestamps.len(), values.len());
        let mut kept_values: Vec<f64> = Vec::new();
        let mut kept_timestamps: Vec<i64> = Vec::new();
        for (&timestamp, &value) in timestamps.iter().zip(values.iter()) {
            if kept_timestamps.last() == Some(&timestamp)
                && let Some(kept) = kept_values.last_mut()
            {
                *kept = self.choose(*kept, value);
            } else {
                kept_timestamps.push(timestamp);
                kept_values.push(value);
            }
        }
        (*timestamps, *values) = (kept_timestamps, kept_values);
    }

    /// Returns which of two values counts, the first of which arrived before the other.
    fn choose(self, earlier: f64, later: f64) -> f64 {
        match self {
            Self::Keep | Self::Last => later,
            Self::First => earlier,
            Self::Max => {
                if later.total_cmp(&earlier).is_gt() {
                    later
                } else {
                    earlier
                }
            }
        }
    }
}

impl fmt::Display for DuplicatePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The definition of a metric: it is written where the metric is first used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricDef {
    /// The metric's name.
    pub name: String,
    /// How its values are to be read.
    pub kind: MetricKind,
    /// The unit of its values, such as `ms`, if it is known.
    pub unit: Option<String>,
    /// What is done with samples that share a timestamp.
    pub duplicates: DuplicatePolicy,
}

impl MetricDef {
    /// Defines an event metric without a unit that keeps every sample.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: MetricKind::default(),
            unit: None,
            duplicates: DuplicatePolicy::default(),
        }
    }

    /// Checks that a later definition says the same as this one.
    ///
    /// # Errors
    /// [`ModelError::MetricConflict`] names the first property that differs.
    pub fn check_same(&self, later: &Self) -> Result<(), ModelError> {
        let conflict = |property, stored: String, asked: String| {
            Err(ModelError::MetricConflict { name: self.name.clone(), property, stored, asked })
        };
        let unit = |def: &Self| def.unit.clone().unwrap_or_else(|| "none".to_owned());
        if self.kind != later.kind {
            return conflict("kind", self.kind.to_string(), later.kind.to_string());
        }
        if self.unit != later.unit {
            return conflict("unit", unit(self), unit(later));
        }
        if self.duplicates != later.duplicates {
            return conflict(
                "duplicates",
                self.duplicates.to_string(),
                later.duplicates.to_string(),
            );
        }
        Ok(())
    }
}
