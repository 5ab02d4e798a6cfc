//! Which samples: a metric, labels, a window, an offset, a filter on values.

use crate::lang::ast::{CompareOp, Duration, LabelMatcher, Literal, Sample, SampleSelector};
use crate::lang::build::{at, comparisons, name};

/// All samples of a metric: `latency`.
#[must_use]
pub fn samples(metric: impl Into<String>) -> Sample {
    let Sample { mut selector, filter } = any_samples();
    selector.metric = Some(name(metric));
    Sample { selector, filter }
}

/// The samples of any metric; with labels, `{bot="support"}`. Such a selector is also the condition
/// of `share`, `apdex` and `burn`.
#[must_use]
pub fn any_samples() -> Sample {
    let selector =
        SampleSelector { metric: None, matchers: Vec::new(), window: None, offset: None };
    Sample { selector, filter: None }
}

impl Sample {
    /// Of these, the samples whose series meet a condition as well.
    ///
    /// ```
    /// use silverback::lang::build::{label, samples};
    /// let slack = samples("latency").with(label("channel").matches("sl.*"));
    /// assert_eq!(slack.to_string(), r#"latency{channel=~"sl.*"}"#);
    /// ```
    #[must_use]
    pub fn with(mut self, matcher: LabelMatcher) -> Self {
        self.selector.matchers.push(at(matcher));
        self
    }

    /// `[5m]`: those of the time up to the end of the range or window, whatever its length.
    #[must_use]
    pub fn window(mut self, length: impl Into<Duration>) -> Self {
        self.selector.window = Some(at(length.into()));
        self
    }

    /// `offset 7d`: those of an earlier time.
    #[must_use]
    pub fn offset(mut self, back: impl Into<Duration>) -> Self {
        self.selector.offset = Some(at(back.into()));
        self
    }

    /// Of these, the samples whose value compares so; a later filter takes the place of this one.
    ///
    /// ```
    /// use silverback::lang::ast::Duration;
    /// use silverback::lang::build::samples;
    /// let slow = samples("latency").above(Duration::seconds(1));
    /// assert_eq!(slow.to_string(), "latency > 1s");
    /// ```
    #[must_use]
    pub fn compare(mut self, op: CompareOp, bound: impl Into<Literal>) -> Self {
        self.filter = Some((at(op), at(bound.into())));
        self
    }

    comparisons!(Literal, Self);
}

impl From<&str> for Sample {
    fn from(metric: &str) -> Self {
        samples(metric)
    }
}

impl From<String> for Sample {
    fn from(metric: String) -> Self {
        samples(metric)
    }
}

impl From<f64> for Literal {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl<D: Into<Duration>> From<D> for Literal {
    fn from(length: D) -> Self {
        Self::Duration(length.into())
    }
}
