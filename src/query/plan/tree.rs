//! The plan of a query: scans over selected series, and trees of arithmetic over their aggregates.

use crate::lang::Span;
use crate::lang::ast::{BinaryOp, CalendarPart, Duration, Fill};
use crate::query::calendar::Grid;
use crate::query::plan::selection::{Filters, Selection};
use crate::query::quantile::Decimal;
use crate::query::window::{Past, Timeline};

/// A query that is ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The range and its steps.
    pub(crate) timeline: Timeline,
    /// What is asked.
    pub(crate) body: Body,
    /// The most rows of the answer, where the query says so.
    pub(crate) limit: Option<u64>,
}

/// What a query asks.
#[derive(Debug)]
pub(crate) enum Body {
    /// Computed values.
    Items(Computed),
    /// The raw samples of a scan.
    Samples(Scan),
}

/// Computed values, and how their rows are chosen.
#[derive(Debug)]
pub(crate) struct Computed {
    /// The reads that the items share.
    pub(crate) scans: Vec<Scan>,
    /// The windows of sub-queries, after those of the query itself; parents stand before.
    pub(crate) levels: Vec<Level>,
    /// The items, at least one.
    pub(crate) items: Vec<Item>,
    /// True with `every`: a row a window.
    pub(crate) windowed: bool,
    /// True for the condition of an alert: beside it stands whether it holds.
    pub(crate) judged: bool,
    /// Groups stay that this keeps over the whole range.
    pub(crate) having: Option<Node>,
    /// How many groups stay, by the first item's value over the whole range.
    pub(crate) rank: Option<Rank>,
    /// What every item is compared with, where the query says so.
    pub(crate) compare: Option<Past>,
    /// What stands in windows without a value, where the query says so.
    pub(crate) fill: Option<Fill>,
}

/// Windows that a sub-query cuts what the windows around it cover into.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Level {
    /// The level around it.
    pub(crate) parent: usize,
    /// How long the windows are; nothing for those of the query.
    pub(crate) step: Option<Grid>,
}

/// One column of computed values.
#[derive(Debug)]
pub(crate) struct Item {
    /// The column's name.
    pub(crate) name: String,
    /// The unit of its values, where one is known.
    pub(crate) unit: Option<String>,
    /// True for the error that is guaranteed of the item before.
    pub(crate) is_error: bool,
    /// How a value is computed.
    pub(crate) node: Node,
}

/// `top` or `bottom`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rank {
    /// How many groups stay.
    pub(crate) count: u64,
    /// True for `top`.
    pub(crate) greatest: bool,
}

/// One read of a selection, split into groups, that feeds one or more aggregates.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The series and the condition on their samples.
    pub(crate) selection: Selection,
    /// The level whose windows are read.
    pub(crate) level: usize,
    /// The conditions that shares count.
    pub(crate) conditions: Vec<Filters>,
    /// The labels whose values are counted.
    pub(crate) labels: Vec<String>,
    /// The buckets of a histogram, if samples are split by those of their values.
    pub(crate) buckets: Option<Buckets>,
    /// What groups are split by, in the order of columns.
    pub(crate) keys: Vec<SplitKey>,
    /// How far each step looks back from its end, where that is not the step itself.
    pub(crate) length: Option<Duration>,
    /// How far everything is moved into the past.
    pub(crate) offset: Option<Duration>,
    /// What is computed of each group and step.
    pub(crate) aggregates: Vec<Function>,
}

/// Which buckets a histogram has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buckets {
    /// From 1 to 2 to 5 in every power of ten.
    Decades,
    /// So many of one width at most, over the values in the range.
    AtMost(u64),
}

/// One key that groups are split by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SplitKey {
    /// The metric's name, where a selection spans several.
    Metric,
    /// A label's value.
    Label(String),
    /// A part of the civil time of each sample.
    Calendar(CalendarPart),
    /// The bucket of each sample's value.
    Bucket,
}

impl SplitKey {
    /// Returns the name of the key's column.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Metric => "metric",
            Self::Label(name) => name,
            Self::Bucket => "from",
            Self::Calendar(CalendarPart::Minute) => "minute()",
            Self::Calendar(CalendarPart::Hour) => "hour()",
            Self::Calendar(CalendarPart::Weekday) => "weekday()",
            Self::Calendar(CalendarPart::Day) => "day()",
            Self::Calendar(CalendarPart::Week) => "week()",
            Self::Calendar(CalendarPart::Month) => "month()",
        }
    }
}

/// What is computed of the samples of one group in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// How many samples there are.
    Count,
    /// The sum of their values.
    Sum,
    /// The mean of their values.
    Avg,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The standard deviation of the values as a whole population.
    Stddev,
    /// The value of the earliest sample.
    First,
    /// The value of the latest sample.
    Last,
    /// An order statistic; `linear` draws a line between the two that are nearest.
    Quantile {
        /// Which one.
        share: Decimal,
        /// True for `interp=linear`.
        linear: bool,
    },
    /// About an order statistic, from logarithmic buckets.
    Approximate(Decimal),
    /// How far, relative to it, such a value may be from the true one.
    ApproximateError(Decimal),
    /// The share of samples that satisfy a condition of the scan.
    Share(usize),
    /// Half of the samples that satisfy one condition, and half of those that satisfy another, as
    /// a share of all: the satisfied and the tolerating of an apdex.
    Apdex(usize, usize),
    /// How many values a label of the scan has.
    Distinct(usize),
    /// How much counters grew, resets corrected.
    Increase,
    /// How much gauges changed.
    Delta,
}

impl Function {
    /// Returns what the function yields where there is no sample.
    pub(crate) fn of_nothing(self) -> Option<f64> {
        matches!(self, Self::Count | Self::Sum | Self::Distinct(_)).then_some(0.0)
    }

    /// Returns true if it is computed from sums or extremes of the values.
    pub(crate) fn is_of_moments(self) -> bool {
        matches!(self, Self::Sum | Self::Avg | Self::Min | Self::Max | Self::Stddev)
            || self.is_of_buckets()
    }

    /// Returns true if it is computed from logarithmic buckets.
    pub(crate) fn is_of_buckets(self) -> bool {
        matches!(self, Self::Approximate(_) | Self::ApproximateError(_))
    }

    /// Returns true if it is the value of the first or the last sample.
    pub(crate) fn is_of_edges(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }

    /// Returns true if samples shortly before a window count as its first.
    pub(crate) fn reaches_back(self) -> bool {
        matches!(self, Self::Increase | Self::Delta)
    }
}

/// How a value is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    /// The other sign.
    Negate,
    /// Without the sign.
    Abs,
    /// To the nearest multiple of a positive number.
    Round(f64),
    /// Not below one number and not above another.
    Clamp(f64, f64),
}

/// A tree of arithmetic.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A number.
    Constant(f64),
    /// An aggregate of a scan.
    Aggregate {
        /// The index of the scan.
        scan: usize,
        /// The index of the aggregate in the scan.
        aggregate: usize,
        /// The length of time in nanoseconds that an amount is given for: one second for rates.
        per_nanos: Option<u64>,
    },
    /// A change of every value.
    Map(Change, Box<Self>),
    /// A function of the values that the windows of a sub-query have.
    Over(Function, usize, Box<Self>),
    /// An operator over two sides. Comparisons keep the left value where they hold; `and`, `or`,
    /// `unless` combine what both sides keep.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Its place in the text.
        span: Span,
        /// The left side.
        left: Box<Self>,
        /// The right side.
        right: Box<Self>,
    },
}
