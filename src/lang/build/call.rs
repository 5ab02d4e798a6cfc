//! Calls of functions, one function for each of the language.

use crate::lang::ast::{
    Arg, CalendarPart, Call, Duration, Expr, ExprKind, Grouping, Key, Keys, Literal, OptionValue,
    Predicate, Sample, Spanned,
};
use crate::lang::build::{at, name, samples};

/// A call of a function by its name, without arguments yet: for names that are computed.
///
/// ```
/// use silverback::lang::build::call;
/// assert_eq!(call("max").arg("latency").to_string(), "max(latency)");
/// ```
#[must_use]
pub fn call(function: impl Into<String>) -> Call {
    Call { name: name(function.into().to_ascii_lowercase()), grouping: None, args: Vec::new() }
}

impl Call {
    /// Adds an argument: samples, a condition, or a computed value. A text is the name of a metric.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(at(arg.into()));
        self
    }

    /// Adds a named option behind the arguments, such as `interp=linear`.
    ///
    /// ```
    /// use silverback::lang::build::percentile;
    /// let drawn = percentile(99.9, "latency").option("interp", "linear");
    /// assert_eq!(drawn.to_string(), "p99.9(latency, interp=linear)");
    /// ```
    #[must_use]
    pub fn option(self, option: impl Into<String>, value: impl Into<OptionValue>) -> Self {
        self.arg(Arg::Option(name(option), at(value.into())))
    }

    /// `sum by (bot) (tokens)`: splits this call alone.
    #[must_use]
    pub fn by(mut self, keys: impl Into<Keys>) -> Self {
        self.grouping = Some(Grouping { without: false, keys: keys.into() });
        self
    }

    /// `sum without (status) (tokens)`: splits this call alone, by all other labels.
    #[must_use]
    pub fn without(mut self, keys: impl Into<Keys>) -> Self {
        self.grouping = Some(Grouping { without: true, keys: keys.into() });
        self
    }
}

/// Writes functions of one argument.
macro_rules! functions {
    ($($function:ident, $meaning:literal;)+) => {
        $(
            #[doc = $meaning]
            #[must_use]
            pub fn $function(of: impl Into<Arg>) -> Call {
                call(stringify!($function)).arg(of)
            }
        )+
    };
}

functions! {
    count, "How many samples.";
    sum, "The sum of the values.";
    avg, "The mean of the values.";
    min, "The least value.";
    max, "The greatest value.";
    stddev, "The standard deviation of the population.";
    first, "The value of the first sample.";
    last, "The value of the last sample.";
    median, "The value at the nearest rank to the middle.";
    rate, "Samples, amounts or increase a second, by the metric's kind.";
    increase, "Samples, amounts or increase in the window, by the metric's kind.";
    delta, "The change of a gauge.";
    histogram, "Samples by value.";
    stats, "Count, min, avg, p50, p95, p99 and max.";
    total, "A computed value over all groups, beside each of them.";
    abs, "A computed value without its sign.";
    anomaly, "Not available yet.";
}

/// `p99(latency)`: the value at the nearest rank, of a share in percent.
///
/// ```
/// use silverback::lang::build::percentile;
/// assert_eq!(percentile(99.9, "latency").to_string(), "p99.9(latency)");
/// ```
#[must_use]
pub fn percentile(percent: f64, of: impl Into<Arg>) -> Call {
    call(format!("p{percent}")).arg(of)
}

/// `quantile(0.99, latency)`: the value at the nearest rank, of a share up to 1.
#[must_use]
pub fn quantile(share: impl Into<Expr>, of: impl Into<Arg>) -> Call {
    call("quantile").arg(share.into()).arg(of)
}

/// `share(latency, {status="error"})`: the part of the samples for which a condition holds.
#[must_use]
pub fn share(of: impl Into<Sample>, condition: impl Into<Arg>) -> Call {
    call("share").arg(of.into()).arg(condition)
}

/// `apdex(latency, 500ms)`: the part up to a value, and half of the part up to four times that.
/// What failed is a further argument.
#[must_use]
pub fn apdex(of: impl Into<Sample>, satisfied: impl Into<Expr>) -> Call {
    call("apdex").arg(of.into()).arg(satisfied.into())
}

/// `burn(latency, {status="error"}, 99.9%)`: how many times faster than the target allows bad
/// samples come.
#[must_use]
pub fn burn(of: impl Into<Sample>, bad: impl Into<Arg>, target: impl Into<Expr>) -> Call {
    call("burn").arg(of.into()).arg(bad).arg(target.into())
}

/// `distinct(latency, user)`: how many values of a label have samples.
#[must_use]
pub fn distinct(of: impl Into<Sample>, label: impl Into<String>) -> Call {
    call("distinct").arg(of.into()).arg(samples(label))
}

/// `topk(10, count(latency))`: the groups with the greatest values.
#[must_use]
pub fn topk(groups: u32, of: impl Into<Expr>) -> Call {
    call("topk").arg(Expr::from(f64::from(groups))).arg(of.into())
}

/// `bottomk(10, count(latency))`: the groups with the least values.
#[must_use]
pub fn bottomk(groups: u32, of: impl Into<Expr>) -> Call {
    call("bottomk").arg(Expr::from(f64::from(groups))).arg(of.into())
}

/// `round(avg(latency), 0.1)`: the nearest multiple.
#[must_use]
pub fn round(of: impl Into<Expr>, step: impl Into<Expr>) -> Call {
    call("round").arg(of.into()).arg(step.into())
}

/// `clamp(avg(latency), 0, 10s)`: within bounds.
#[must_use]
pub fn clamp(of: impl Into<Expr>, least: impl Into<Expr>, most: impl Into<Expr>) -> Call {
    call("clamp").arg(of.into()).arg(least.into()).arg(most.into())
}

/// `forecast(rate(latency), 24h)`: not available yet.
#[must_use]
pub fn forecast(of: impl Into<Expr>, ahead: impl Into<Duration>) -> Call {
    call("forecast").arg(of.into()).arg(Expr::from(ahead.into()))
}

impl From<Sample> for Arg {
    fn from(sample: Sample) -> Self {
        Self::Sample(sample)
    }
}

impl From<&str> for Arg {
    fn from(metric: &str) -> Self {
        Self::Sample(metric.into())
    }
}

impl From<Predicate> for Arg {
    fn from(condition: Predicate) -> Self {
        Self::Where(condition)
    }
}

impl From<Spanned<Box<ExprKind>>> for Arg {
    fn from(expr: Expr) -> Self {
        Self::Expr(expr)
    }
}

impl From<Call> for Arg {
    fn from(call: Call) -> Self {
        Self::Expr(call.into())
    }
}

impl From<Literal> for OptionValue {
    fn from(literal: Literal) -> Self {
        Self::Literal(literal)
    }
}

impl From<f64> for OptionValue {
    fn from(number: f64) -> Self {
        Self::Literal(Literal::Number(number))
    }
}

impl From<bool> for OptionValue {
    fn from(flag: bool) -> Self {
        Self::Word(flag.to_string())
    }
}

impl From<&str> for OptionValue {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl From<&str> for Key {
    fn from(label: &str) -> Self {
        Self::Label(label.to_owned())
    }
}

impl From<CalendarPart> for Key {
    fn from(part: CalendarPart) -> Self {
        Self::Calendar(part)
    }
}

/// The key of a label, or of a part of the calendar.
impl<K: Into<Key>> From<K> for Keys {
    fn from(key: K) -> Self {
        Self::List(vec![at(key.into())])
    }
}

impl<K: Into<Key>, const COUNT: usize> From<[K; COUNT]> for Keys {
    fn from(keys: [K; COUNT]) -> Self {
        keys.into_iter().collect()
    }
}

impl<K: Into<Key>> FromIterator<K> for Keys {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self::List(keys.into_iter().map(|key| at(key.into())).collect())
    }
}
