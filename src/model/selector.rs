//! Which series a question is about: a metric and matchers on labels.

use std::collections::BTreeSet;

use crate::model::error::ModelError;
use crate::model::limits::Limits;
use crate::model::series::SeriesKey;

/// How a matcher compares a label's value.
#[derive(Debug, Clone)]
pub enum MatcherOp {
    /// The value is this text.
    Equal(String),
    /// The value is not this text.
    NotEqual(String),
    /// The whole value matches the expression.
    Matches(regex::Regex),
    /// The whole value does not match the expression.
    NotMatches(regex::Regex),
    /// The value is one of these.
    In(BTreeSet<String>),
}

/// A condition on one label; an absent label counts as the empty string.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// The condition on its value.
    pub op: MatcherOp,
}

impl Matcher {
    /// Makes a matcher for one value.
    #[must_use]
    pub fn equal(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), op: MatcherOp::Equal(value.into()) }
    }

    /// Makes a matcher for a fully anchored regular expression, or for all it does not match.
    ///
    /// # Errors
    /// [`ModelError::Regex`] where the expression does not compile within its size limit.
    pub fn regex(
        label: impl Into<String>,
        pattern: &str,
        negated: bool,
        limits: &Limits,
    ) -> Result<Self, ModelError> {
        let bytes_max = usize::try_from(limits.regex_bytes_max).unwrap_or(usize::MAX);
        let regex = regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(bytes_max)
            .build()
            .map_err(|error| ModelError::Regex {
                pattern: pattern.to_owned(),
                reason: error.to_string(),
            })?;
        let op = if negated { MatcherOp::NotMatches(regex) } else { MatcherOp::Matches(regex) };
        Ok(Self { label: label.into(), op })
    }

    /// Returns a matcher's expression as it was given, without the anchors.
    #[must_use]
    pub fn pattern_of(regex: &regex::Regex) -> &str {
        let anchored = regex.as_str();
        anchored.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(anchored)
    }

    /// Returns true if a label value satisfies the condition.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match &self.op {
            MatcherOp::Equal(text) => value == text,
            MatcherOp::NotEqual(text) => value != text,
            MatcherOp::Matches(regex) => regex.is_match(value),
            MatcherOp::NotMatches(regex) => !regex.is_match(value),
            MatcherOp::In(values) => values.contains(value),
        }
    }
}

/// A metric (or any), and conditions on labels that must all hold.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// The metric's name; nothing selects series of every metric.
    pub metric: Option<String>,
    /// The conditions, all of which must hold.
    pub matchers: Vec<Matcher>,
}

impl Selector {
    /// Selects all series of one metric.
    #[must_use]
    pub fn metric(name: impl Into<String>) -> Self {
        Self { metric: Some(name.into()), matchers: Vec::new() }
    }

    /// Returns true if the series satisfies metric and matchers.
    #[must_use]
    pub fn matches(&self, key: &SeriesKey) -> bool {
        self.matches_parts(key.metric(), |label| key.value_of(label))
    }

    /// Returns true if a metric and the values of labels satisfy metric and matchers.
    pub(crate) fn matches_parts<'a>(
        &self,
        metric: &str,
        value_of: impl Fn(&str) -> &'a str,
    ) -> bool {
        self.metric.as_ref().is_none_or(|wanted| *wanted == metric)
            && self.matchers.iter().all(|matcher| matcher.matches(value_of(&matcher.label)))
    }
}
