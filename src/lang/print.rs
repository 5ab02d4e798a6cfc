//! Syntax tree to text: one canonical form, which reads back to the same tree.

use std::fmt::{self, Display, Formatter};

use crate::lang::ast::{
    Alert, AlertClause, Arg, BinaryOp, Body, CalendarPart, Call, Clause, CompareOp, Duration,
    ExprKind, Fill, Grouping, Item, Key, Keys, LabelMatcher, Literal, MatchOp, OptionValue,
    Predicate, Query, RangeEnd, Record, Sample, SampleSelector, SizeSuffix, Spanned, Statement,
    Time,
};
use crate::lang::lexeme::{MetricName, Name, OptionWord, Quoted, Shortest};
use crate::lang::parser::level;

/// What binds stronger than any binary operator: unary minus, then `per` and `offset`, then atoms.
const UNARY_LEVEL: u8 = 7;
const POSTFIX_LEVEL: u8 = 8;
const ATOM_LEVEL: u8 = 9;

impl<T: Display> Display for Spanned<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(query) => query.fmt(f),
            Self::Explain(query) => write!(f, "explain {query}"),
            Self::Alert(alert) => alert.fmt(f),
            Self::Record(record) => record.fmt(f),
        }
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::Items(items) => write_list(f, items)?,
            Body::Samples(sample) => sample.fmt(f)?,
        }
        write_clauses(f, &self.clauses)
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        match &self.name {
            Some(name) => write!(f, " as {}", Name(&name.node)),
            None => Ok(()),
        }
    }
}

impl Display for Alert {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "alert {} if {}", Name(&self.name.node), self.condition)?;
        write_clauses(f, &self.clauses)
    }
}

impl Display for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "record {} as ", Name(&self.name.node))?;
        write_list(f, &self.items)?;
        write_clauses(f, &self.clauses)
    }
}

fn write_list<T: Display>(f: &mut Formatter<'_>, list: &[T]) -> fmt::Result {
    for (index, element) in list.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        element.fmt(f)?;
    }
    Ok(())
}

fn write_clauses<T: Display>(f: &mut Formatter<'_>, clauses: &[T]) -> fmt::Result {
    clauses.iter().try_for_each(|clause| write!(f, " {clause}"))
}

impl ExprKind {
    fn level(&self) -> u8 {
        match self {
            Self::Literal(_) | Self::Call(_) => ATOM_LEVEL,
            Self::Negate(_) => UNARY_LEVEL,
            Self::Per(..) | Self::Offset(..) => POSTFIX_LEVEL,
            Self::Binary { op, .. } => level(op.node),
        }
    }
}

/// Writes an operand, in parentheses where it binds weaker than it must.
fn write_operand(f: &mut Formatter<'_>, operand: &ExprKind, least: u8) -> fmt::Result {
    if operand.level() < least { write!(f, "({operand})") } else { operand.fmt(f) }
}

impl Display for ExprKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Call(call) => call.fmt(f),
            Self::Negate(inner) => {
                f.write_str("-")?;
                write_operand(f, &inner.node, UNARY_LEVEL)
            }
            Self::Binary { op, left, right } => {
                let level = level(op.node);
                // Comparisons do not chain; the others group to the left.
                let left_least = level + u8::from(matches!(op.node, BinaryOp::Compare(_)));
                write_operand(f, &left.node, left_least)?;
                write!(f, " {op} ")?;
                write_operand(f, &right.node, level + 1)
            }
            Self::Per(inner, length) => {
                write_operand(f, &inner.node, POSTFIX_LEVEL)?;
                write!(f, " per {length}")
            }
            Self::Offset(inner, length) => {
                write_operand(f, &inner.node, POSTFIX_LEVEL)?;
                write!(f, " offset {length}")
            }
        }
    }
}

impl Display for BinaryOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Unless => "unless",
            Self::Compare(op) => return op.fmt(f),
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Default => "default",
        })
    }
}

impl Display for CompareOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        })
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name.node)?;
        if let Some(grouping) = &self.grouping {
            let word = if grouping.without { "without" } else { "by" };
            match &grouping.keys {
                Keys::All => write!(f, " {word} * ")?,
                Keys::List(keys) => {
                    write!(f, " {word} (")?;
                    write_list(f, keys)?;
                    f.write_str(") ")?;
                }
            }
        }
        f.write_str("(")?;
        write_list(f, &self.args)?;
        f.write_str(")")
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample(sample) => sample.fmt(f),
            Self::Expr(expr) => expr.fmt(f),
            Self::SubQuery(expr, length) => write!(f, "{expr} every {length}"),
            Self::Where(predicate) => write!(f, "where {predicate}"),
            Self::Option(name, value) => write!(f, "{}={value}", Name(&name.node)),
        }
    }
}

impl Display for OptionValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Word(word) => OptionWord(word).fmt(f),
        }
    }
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        match &self.filter {
            Some((op, literal)) => write!(f, " {op} {literal}"),
            None => Ok(()),
        }
    }
}

impl Display for SampleSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(metric) = &self.metric {
            MetricName(&metric.node).fmt(f)?;
        }
        if self.metric.is_none() || !self.matchers.is_empty() {
            write_matchers(f, &self.matchers)?;
        }
        if let Some(window) = &self.window {
            write!(f, "[{window}]")?;
        }
        match &self.offset {
            Some(offset) => write!(f, " offset {offset}"),
            None => Ok(()),
        }
    }
}

fn write_matchers(f: &mut Formatter<'_>, matchers: &[Spanned<LabelMatcher>]) -> fmt::Result {
    f.write_str("{")?;
    write_list(f, matchers)?;
    f.write_str("}")
}

impl Display for LabelMatcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Name(&self.label.node).fmt(f)?;
        let op = match self.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Matches => "=~",
            MatchOp::NotMatches => "!~",
            MatchOp::In => " in (",
        };
        f.write_str(op)?;
        for (index, value) in self.values.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            Quoted(&value.node).fmt(f)?;
        }
        f.write_str(if self.op == MatchOp::In { ")" } else { "" })
    }
}

impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let operand = |f: &mut Formatter<'_>, inner: &Self, least: u8| {
            if inner.level() < least { write!(f, "({inner})") } else { inner.fmt(f) }
        };
        match self {
            Self::Or(left, right) => {
                operand(f, left, 1)?;
                f.write_str(" or ")?;
                operand(f, right, 2)
            }
            Self::And(left, right) => {
                operand(f, left, 2)?;
                f.write_str(" and ")?;
                operand(f, right, 3)
            }
            Self::Not(inner) => {
                f.write_str("not ")?;
                operand(f, inner, 3)
            }
            Self::Label(matcher) => matcher.fmt(f),
            Self::Value(op, literal) => write!(f, "value {op} {literal}"),
        }
    }
}

impl Predicate {
    fn level(&self) -> u8 {
        match self {
            Self::Or(..) => 1,
            Self::And(..) => 2,
            Self::Not(_) | Self::Label(_) | Self::Value(..) => 3,
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => Shortest(*number).fmt(f),
            Self::Percent(number) => write!(f, "{}%", Shortest(*number)),
            Self::Size(number, suffix) => write!(f, "{number}{suffix}"),
            Self::Duration(duration) => duration.fmt(f),
            Self::Text(text) => Quoted(text).fmt(f),
        }
    }
}

impl Display for SizeSuffix {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::K => "k",
            Self::M => "M",
            Self::G => "G",
            Self::T => "T",
            Self::Ki => "KiB",
            Self::Mi => "MiB",
            Self::Gi => "GiB",
            Self::Ti => "TiB",
        })
    }
}

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const PARTS: [(u64, &str); 6] = [
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        if *self == Self::default() {
            return f.write_str("0s");
        }
        if self.months > 0 {
            write!(f, "{}mo", self.months)?;
        }
        if self.days > 0 {
            write!(f, "{}d", self.days)?;
        }
        let mut rest = self.nanos;
        for (nanos, unit) in PARTS {
            if rest >= nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

impl Display for Clause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last(length) => write!(f, "last {length}"),
            Self::From(time, None) => write!(f, "from {time}"),
            Self::From(time, Some(RangeEnd::To(end))) => write!(f, "from {time} to {end}"),
            Self::From(time, Some(RangeEnd::For(length))) => write!(f, "from {time} for {length}"),
            Self::Since(time) => write!(f, "since {time}"),
            Self::Until(time) => write!(f, "until {time}"),
            Self::Every(length) => write!(f, "every {length}"),
            Self::Over(length) => write!(f, "over {length}"),
            Self::Group(grouping) => grouping.fmt(f),
            Self::Where(predicate) => write!(f, "where {predicate}"),
            Self::Having(expr) => write!(f, "having {expr}"),
            Self::Top(count) => write!(f, "top {count}"),
            Self::Bottom(count) => write!(f, "bottom {count}"),
            Self::Compare(None) => f.write_str("compare previous"),
            Self::Compare(Some(length)) => write!(f, "compare {length}"),
            Self::Tz(zone) => write!(f, "tz {}", Quoted(zone)),
            Self::Fill(Fill::Number(number)) => write!(f, "fill {}", Shortest(*number)),
            Self::Fill(Fill::Null) => f.write_str("fill null"),
            Self::Fill(Fill::None) => f.write_str("fill none"),
            Self::Fill(Fill::Previous) => f.write_str("fill previous"),
            Self::Fill(Fill::Linear) => f.write_str("fill linear"),
            Self::Limit(count) => write!(f, "limit {count}"),
        }
    }
}

impl Display for AlertClause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(length) => write!(f, "for {length}"),
            Self::Keep(length) => write!(f, "keep {length}"),
            Self::Severity(name) => write!(f, "severity {}", Name(&name.node)),
            Self::Notify(names) => {
                for (index, name) in names.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "notify " } else { ", " }, Name(&name.node))?;
                }
                Ok(())
            }
            Self::Message(text) => write!(f, "message {}", Quoted(text)),
            Self::Labels(matchers) => {
                f.write_str("labels ")?;
                write_matchers(f, matchers)
            }
            Self::Query(clause) => clause.fmt(f),
        }
    }
}

impl Display for Grouping {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.without { "without " } else { "by " })?;
        match &self.keys {
            Keys::All => f.write_str("*"),
            Keys::List(keys) if keys.is_empty() => f.write_str("()"),
            Keys::List(keys) => write_list(f, keys),
        }
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => Name(label).fmt(f),
            Self::Calendar(part) => write!(f, "{part}()"),
        }
    }
}

impl Display for CalendarPart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        })
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(nanos) => match jiff::Timestamp::from_nanosecond(i128::from(*nanos)) {
                Ok(instant) => instant.fmt(f),
                Err(_) => write!(f, "@{nanos}ns"),
            },
            Self::Civil(civil, true) => civil.date().fmt(f),
            Self::Civil(civil, false) => civil.fmt(f),
            Self::Now => f.write_str("now"),
            Self::Today => f.write_str("today"),
            Self::Yesterday => f.write_str("yesterday"),
            Self::Mark(name) => write!(f, "mark({})", Quoted(name)),
            Self::Plus(time, length) => write!(f, "{time} + {length}"),
            Self::Minus(time, length) => write!(f, "{time} - {length}"),
        }
    }
}
