//! Questions as values, and their text.

use std::fmt;

use crate::oracle::civil::{PARTS, Part, SECOND};
use crate::oracle::store::{LABELS, START};

/// `latency{…}[5m] offset 1h > 50ms`
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    /// Without one, the metric is any that has the labels.
    pub(crate) metric: Option<&'static str>,
    pub(crate) matchers: Vec<Condition>,
    pub(crate) window: Option<i64>,
    pub(crate) offset: Option<i64>,
    pub(crate) above: Option<(&'static str, i64)>,
}

/// A condition on samples.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Equal(usize, &'static str),
    NotEqual(usize, &'static str),
    /// `=~`: what one of these begins with.
    Begins(usize, &'static [&'static str]),
    BeginsNot(usize, &'static [&'static str]),
    In(usize, Vec<&'static str>),
    Value(&'static str, i64),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Debug, Clone)]
pub(crate) enum Function {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Stddev,
    First,
    Last,
    Median,
    /// `p95`
    Percentile(u64),
    /// `quantile(0.951, …)`
    Permille(u64),
    Linear(u64),
    Rate,
    Increase,
    Delta,
    /// An amount or a rate `per` so many seconds.
    Per(Box<Function>, i64),
    Share(Condition),
    Apdex(i64, Option<Condition>),
    /// A condition, a target, and what it allows.
    Burn(Condition, &'static str, f64),
    Distinct(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: Function,
    pub(crate) selector: Selector,
    /// `where …` among the arguments.
    pub(crate) condition: Option<Condition>,
    pub(crate) split: Option<Split>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Default,
    Compare(&'static str),
    And,
    Or,
    Unless,
}

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Number(i64),
    Call(Call),
    Total(Box<Expr>),
    Negate(Box<Expr>),
    Abs(Box<Expr>),
    /// To whole numbers.
    Round(Box<Expr>),
    Clamp(Box<Expr>, i64, i64),
    Binary(Op, Box<Expr>, Box<Expr>),
    Offset(Box<Expr>, i64),
    /// A function of the values in windows of so many seconds.
    Windows(Function, Box<Expr>, i64),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Split {
    Nothing,
    By(Vec<Key>),
    Without(Vec<usize>),
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Label(usize),
    Part(Part),
}

#[derive(Debug, Clone)]
pub(crate) enum Range {
    Last(i64),
    FromTo(i64, i64),
    FromFor(i64, i64),
    Since(i64),
    SinceUntil(i64, i64),
    LastUntil(i64, i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    Number(i64),
    Null,
    None,
    Previous,
    Linear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    Ago(i64),
    Previous,
}

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Expr(Expr),
    /// Seven columns.
    Stats(Call),
}

#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) items: Vec<Item>,
    pub(crate) condition: Option<Condition>,
    pub(crate) split: Split,
    pub(crate) every: Option<i64>,
    pub(crate) over: Option<i64>,
    pub(crate) range: Range,
    pub(crate) rank: Option<(usize, bool)>,
    /// `topk(2, …)` instead of `top 2`.
    pub(crate) rank_as_call: bool,
    pub(crate) having: Option<Expr>,
    pub(crate) fill: Option<Fill>,
    pub(crate) compare: Option<Past>,
    pub(crate) limit: Option<usize>,
    /// In Berlin instead of UTC.
    pub(crate) civil: bool,
}

impl Question {
    /// The items as expressions, one a column.
    pub(crate) fn columns(&self) -> Vec<Expr> {
        let mut columns = Vec::new();
        for item in &self.items {
            match item {
                Item::Expr(expr) => columns.push(expr.clone()),
                Item::Stats(call) => {
                    let functions = [
                        Function::Count,
                        Function::Min,
                        Function::Avg,
                        Function::Percentile(50),
                        Function::Percentile(95),
                        Function::Percentile(99),
                        Function::Max,
                    ];
                    for function in functions {
                        columns.push(Expr::Call(Call { function, ..call.clone() }));
                    }
                }
            }
        }
        columns
    }
}

impl Expr {
    /// All calls within, those of sub-queries too.
    pub(crate) fn calls(&self) -> Vec<&Call> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Call(call) => vec![call],
            Self::Total(inner)
            | Self::Negate(inner)
            | Self::Abs(inner)
            | Self::Round(inner)
            | Self::Clamp(inner, ..)
            | Self::Offset(inner, _)
            | Self::Windows(_, inner, _) => inner.calls(),
            Self::Binary(_, left, right) => [left.calls(), right.calls()].concat(),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[&str], between: &str| {
            let all: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            all.join(between)
        };
        match self {
            Self::Equal(label, value) => write!(f, "{}=\"{value}\"", LABELS[*label]),
            Self::NotEqual(label, value) => write!(f, "{}!=\"{value}\"", LABELS[*label]),
            Self::Begins(label, firsts) => {
                write!(f, "{}=~\"({})[a-z]*\"", LABELS[*label], list(firsts, "|"))
            }
            Self::BeginsNot(label, firsts) => {
                write!(f, "{}!~\"({})[a-z]*\"", LABELS[*label], list(firsts, "|"))
            }
            Self::In(label, values) => {
                write!(f, "{} in (\"{}\")", LABELS[*label], list(values, "\", \""))
            }
            Self::Value(op, number) => write!(f, "value {op} {number}"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::And(left, right) => write!(f, "({left} and {right})"),
            Self::Or(left, right) => write!(f, "({left} or {right})"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric.unwrap_or(""))?;
        if !self.matchers.is_empty() || self.metric.is_none() {
            let all: Vec<String> = self.matchers.iter().map(ToString::to_string).collect();
            write!(f, "{{{}}}", all.join(", "))?;
        }
        if let Some(window) = self.window {
            write!(f, "[{window}s]")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " offset {offset}s")?;
        }
        match self.above {
            // The same as a plain number, which shows that units are read.
            Some((op, ms)) if self.metric == Some("latency") => write!(f, " {op} {ms}ms"),
            Some((op, number)) => write!(f, " {op} {number}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.function {
            Function::Per(inner, _) => name_of(inner),
            function => name_of(function),
        };
        f.write_str(&name)?;
        if let Some(split) = &self.split {
            write!(f, " by ({}) ", split.keys_text())?;
        }
        let of = &self.selector;
        match &self.function {
            Function::Permille(permille) => write!(f, "({}, {of}", *permille as f64 / 1000.0)?,
            Function::Linear(permille) => {
                write!(f, "({}, {of}, interp=linear", *permille as f64 / 1000.0)?;
            }
            Function::Share(condition) => write!(f, "({of}, where {condition}")?,
            Function::Apdex(most, None) => write!(f, "({of}, {most}")?,
            Function::Apdex(most, Some(failed)) => write!(f, "({of}, {most}, where {failed}")?,
            Function::Burn(condition, target, _) => {
                write!(f, "({of}, where {condition}, {target}")?;
            }
            Function::Distinct(label) => write!(f, "({of}, {}", LABELS[*label])?,
            _ => write!(f, "({of}")?,
        }
        if let Some(condition) = &self.condition {
            write!(f, ", where {condition}")?;
        }
        f.write_str(")")?;
        match &self.function {
            Function::Per(_, seconds) => write!(f, " per {seconds}s"),
            _ => Ok(()),
        }
    }
}

fn name_of(function: &Function) -> String {
    match function {
        Function::Count => "count",
        Function::Sum => "sum",
        Function::Avg => "avg",
        Function::Min => "min",
        Function::Max => "max",
        Function::Stddev => "stddev",
        Function::First => "first",
        Function::Last => "last",
        Function::Median => "median",
        Function::Percentile(percent) => return format!("p{percent}"),
        Function::Permille(_) | Function::Linear(_) => "quantile",
        Function::Rate => "rate",
        Function::Increase => "increase",
        Function::Delta => "delta",
        Function::Per(inner, _) => return name_of(inner),
        Function::Share(_) => "share",
        Function::Apdex(..) => "apdex",
        Function::Burn(..) => "burn",
        Function::Distinct(_) => "distinct",
    }
    .to_owned()
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Call(call) => write!(f, "{call}"),
            Self::Total(inner) => write!(f, "total({inner})"),
            Self::Negate(inner) => write!(f, "-({inner})"),
            Self::Abs(inner) => write!(f, "abs({inner})"),
            Self::Round(inner) => write!(f, "round({inner})"),
            Self::Clamp(inner, least, most) => write!(f, "clamp({inner}, {least}, {most})"),
            Self::Binary(op, left, right) => {
                let op = match op {
                    Op::Add => "+",
                    Op::Subtract => "-",
                    Op::Multiply => "*",
                    Op::Divide => "/",
                    Op::Default => "default",
                    Op::Compare(op) => op,
                    Op::And => "and",
                    Op::Or => "or",
                    Op::Unless => "unless",
                };
                write!(f, "({left}) {op} ({right})")
            }
            Self::Offset(inner, seconds) => write!(f, "({inner}) offset {seconds}s"),
            Self::Windows(function, inner, seconds) => {
                let name = name_of(function);
                match function {
                    Function::Permille(permille) => {
                        write!(f, "{name}({}, ({inner}) every {seconds}s)", *permille as f64 / 1e3)
                    }
                    _ => write!(f, "{name}(({inner}) every {seconds}s)"),
                }
            }
        }
    }
}

impl Split {
    fn keys_text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::All => "*".to_owned(),
            Self::Without(labels) => {
                let names: Vec<&str> = labels.iter().map(|&label| LABELS[label]).collect();
                names.join(", ")
            }
            Self::By(keys) => {
                let names: Vec<&str> = keys.iter().map(|key| key.name()).collect();
                names.join(", ")
            }
        }
    }
}

impl Key {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Label(label) => LABELS[label],
            Self::Part(part) => PARTS.iter().find(|(known, _)| *known == part).unwrap().1,
        }
    }
}

fn time_text(seconds: i64) -> String {
    format!("@{}", START / SECOND + seconds)
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<String> = self
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| match (item, self.rank) {
                (Item::Expr(expr), Some((count, greatest))) if self.rank_as_call => {
                    let name = if greatest { "topk" } else { "bottomk" };
                    format!("{name}({count}, {expr}) as i{index}")
                }
                (Item::Expr(expr), _) => format!("{expr} as i{index}"),
                (Item::Stats(call), _) => format!("stats({}) as i{index}", call.selector),
            })
            .collect();
        write!(f, "{}", items.join(", "))?;
        match &self.split {
            Split::Nothing => {}
            Split::Without(_) => write!(f, " without {}", self.split.keys_text())?,
            _ => write!(f, " by {}", self.split.keys_text())?,
        }
        if let Some(condition) = &self.condition {
            write!(f, " where {condition}")?;
        }
        match self.range {
            Range::Last(seconds) => write!(f, " last {seconds}s")?,
            Range::FromTo(from, to) => write!(f, " from {} to {}", time_text(from), time_text(to))?,
            Range::FromFor(from, length) => write!(f, " from {} for {length}s", time_text(from))?,
            Range::Since(from) => write!(f, " since {}", time_text(from))?,
            Range::SinceUntil(from, to) => {
                write!(f, " until {} since {}", time_text(to), time_text(from))?;
            }
            Range::LastUntil(length, to) => {
                write!(f, " until {} last {length}s", time_text(to))?;
            }
        }
        if let Some(every) = self.every {
            if every == 86_400 { f.write_str(" every 1d") } else { write!(f, " every {every}s") }?;
        }
        if let Some(over) = self.over {
            write!(f, " over {over}s")?;
        }
        if let Some(having) = &self.having {
            write!(f, " having {having}")?;
        }
        if let Some((count, greatest)) = self.rank.filter(|_| !self.rank_as_call) {
            write!(f, " {} {count}", if greatest { "top" } else { "bottom" })?;
        }
        match self.fill {
            None => {}
            Some(Fill::Number(number)) => write!(f, " fill {number}")?,
            Some(Fill::Null) => f.write_str(" fill null")?,
            Some(Fill::None) => f.write_str(" fill none")?,
            Some(Fill::Previous) => f.write_str(" fill previous")?,
            Some(Fill::Linear) => f.write_str(" fill linear")?,
        }
        match self.compare {
            None => {}
            Some(Past::Ago(seconds)) => write!(f, " compare {seconds}s")?,
            Some(Past::Previous) => f.write_str(" compare previous")?,
        }
        if let Some(limit) = self.limit {
            write!(f, " limit {limit}")?;
        }
        if self.civil {
            f.write_str(" tz \"Europe/Berlin\"")?;
        }
        Ok(())
    }
}
