//! Expressions: arithmetic over calls, with units and what each value measures.

use crate::error::{Error, Result};
use crate::lang::Span;
use crate::lang::ast::{BinaryOp, Duration, Expr, ExprKind, Literal, Spanned};
use crate::query::calendar::DAY_NANOS;
use crate::query::finding::Findings;
use crate::query::plan::planner::Planner;
use crate::query::plan::selection::{check_depth, unit_error};
use crate::query::plan::tree::{Change, Function, Node};
use crate::query::units::{number_in_unit, rate_unit};

/// What a value measures, which decides whether `per` has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// A plain number of the query.
    Constant,
    /// An amount over the covered time: a count or a sum.
    Amount,
    /// An amount for a length of time.
    Rate,
    /// Anything else, such as an average.
    Level,
}

/// A planned expression and what is known of its values.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) measure: Measure,
    pub(super) unit: Option<String>,
    /// A literal whose number depends on the unit of the other side.
    literal: Option<Spanned<Literal>>,
    /// True for such a literal behind a minus.
    negative: bool,
}

impl Typed {
    pub(super) fn new(node: Node, measure: Measure, unit: Option<String>) -> Self {
        Self { node, measure, unit, literal: None, negative: false }
    }

    /// Reads a literal that waits for a unit in this one, which is that of `what`.
    pub(super) fn in_unit(
        self,
        findings: &Findings<'_>,
        (what, unit): (&str, Option<&str>),
        metric: Option<&str>,
    ) -> Result<Self> {
        let Some(literal) = self.literal else { return Ok(self) };
        let number = number_in_unit(&literal.node, unit)
            .map_err(|mismatch| unit_error(findings, mismatch, &literal, (what, unit), metric))?;
        let number = if self.negative { -number } else { number };
        Ok(Self::new(Node::Constant(number), Measure::Constant, None))
    }
}

impl<'a> Planner<'a> {
    /// Plans an expression.
    ///
    /// # Errors
    /// Diagnostics, and `ErrorKind::Limit` for chains of operators that are too long to walk.
    pub(super) fn expression(&mut self, expr: &'a Expr) -> Result<Typed> {
        check_depth(self.catalogue.snapshot.limits(), self.depth)?;
        self.depth += 1;
        let typed = self.one_expression(expr);
        self.depth -= 1;
        typed
    }

    fn one_expression(&mut self, expr: &'a Expr) -> Result<Typed> {
        match &*expr.node {
            ExprKind::Literal(literal) => Ok(Typed {
                node: Node::Constant(0.0),
                measure: Measure::Constant,
                unit: None,
                literal: Some(Spanned::new(literal.clone(), expr.span)),
                negative: false,
            }),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Negate(inner) => {
                let inner = self.expression(inner)?;
                if inner.literal.is_some() {
                    return Ok(Typed { negative: !inner.negative, ..inner });
                }
                let node = Node::Map(Change::Negate, Box::new(inner.node));
                Ok(Typed::new(node, inner.measure, inner.unit))
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right),
            ExprKind::Per(inner, length) => {
                let inner = self.expression(inner)?;
                self.per(inner, *length, expr.span)
            }
            ExprKind::Offset(inner, by) => {
                let outer = self.offset;
                self.offset = Some(match outer {
                    None => by.node,
                    Some(outer) => Duration {
                        months: outer.months.saturating_add(by.node.months),
                        days: outer.days.saturating_add(by.node.days),
                        nanos: outer.nanos.saturating_add(by.node.nanos),
                    },
                });
                let inner = self.expression(inner);
                self.offset = outer;
                inner
            }
        }
    }

    fn binary(&mut self, op: Spanned<BinaryOp>, one: &'a Expr, other: &'a Expr) -> Result<Typed> {
        let (left, right) = (self.expression(one)?, self.expression(other)?);
        let (left_unit, right_unit) = (left.unit.clone(), right.unit.clone());
        let metrics = (self.metric_without_unit(&left), self.metric_without_unit(&right));
        // Only a literal asks for the other side's words.
        let words = |expr: &Expr, asks: bool| if asks { expr.to_string() } else { String::new() };
        let of_right = words(other, left.literal.is_some());
        let of_left = words(one, right.literal.is_some());
        let of = (of_right.as_str(), right_unit.as_deref());
        let left = left.in_unit(self.findings, of, metrics.1.as_deref())?;
        let of = (of_left.as_str(), left_unit.as_deref());
        let right = right.in_unit(self.findings, of, metrics.0.as_deref())?;
        let (measure, unit) = result_of(op.node, &left, &right);
        let node = Node::Binary {
            op: op.node,
            span: op.span,
            left: Box::new(left.node),
            right: Box::new(right.node),
        };
        Ok(Typed::new(node, measure, unit))
    }

    /// Returns the metric whose unit an expression would have, if it had one.
    fn metric_without_unit(&self, typed: &Typed) -> Option<String> {
        let Node::Aggregate { scan, aggregate, .. } = &typed.node else { return None };
        let scan = &self.drafts.get(*scan)?.scan;
        let takes_unit = !matches!(
            scan.aggregates.get(*aggregate)?,
            Function::Count | Function::Share(_) | Function::Apdex(..) | Function::Distinct(_)
        );
        let [metric] = scan.selection.metrics.as_slice() else { return None };
        (takes_unit && metric.unit.is_none()).then(|| metric.name.clone())
    }

    fn per(&self, mut inner: Typed, length: Spanned<Duration>, whole: Span) -> Result<Typed> {
        let nanos = self.fixed_nanos(length)?;
        if !matches!(inner.measure, Measure::Amount | Measure::Rate) {
            let message = "`per` needs an amount or a rate".to_owned();
            let help = "such as `sum(tokens) per 1m` or `rate(latency) per 1m`".to_owned();
            return Err(self.findings.error("Q138", whole, message).help(help).into());
        }
        let amount = match (inner.measure, &inner.unit) {
            (Measure::Rate, Some(unit)) => unit.split('/').next().map(str::to_owned),
            (_, unit) => unit.clone(),
        };
        set_per(&mut inner.node, nanos);
        let unit = rate_unit(amount.as_deref(), nanos);
        Ok(Typed::new(inner.node, Measure::Rate, Some(unit)))
    }

    fn fixed_nanos(&self, length: Spanned<Duration>) -> Result<u64> {
        let Duration { months, days, nanos } = length.node;
        let total = u64::from(days)
            .checked_mul(DAY_NANOS.unsigned_abs())
            .and_then(|days| days.checked_add(nanos))
            .filter(|&nanos| nanos > 0 && months == 0);
        total.ok_or_else(|| -> Error {
            let message = "months and years have no fixed length".to_owned();
            let help = "write days: 30d".to_owned();
            self.findings.error("Q106", length.span, message).help(help).into()
        })
    }
}

/// Gives every amount of a tree for a length of time.
///
/// Only trees that are linear in their aggregates are amounts or rates, so that this rescales them.
pub(super) fn set_per(node: &mut Node, nanos: u64) {
    match node {
        // A sub-query's value is no amount.
        Node::Constant(_) | Node::Over(..) => {}
        Node::Aggregate { per_nanos, .. } => *per_nanos = Some(nanos),
        Node::Map(_, inner) => set_per(inner, nanos),
        Node::Binary { left, right, .. } => {
            set_per(left, nanos);
            set_per(right, nanos);
        }
    }
}

fn result_of(op: BinaryOp, left: &Typed, right: &Typed) -> (Measure, Option<String>) {
    let constant = |side: &Typed| side.measure == Measure::Constant;
    let same_unit = if left.unit == right.unit || constant(right) {
        left.unit.clone()
    } else if constant(left) {
        right.unit.clone()
    } else {
        None
    };
    match op {
        BinaryOp::Add | BinaryOp::Subtract => {
            let same = left.measure == right.measure;
            (if same { left.measure } else { Measure::Level }, same_unit)
        }
        BinaryOp::Multiply if constant(left) => (right.measure, right.unit.clone()),
        BinaryOp::Multiply | BinaryOp::Divide if constant(right) => {
            (left.measure, left.unit.clone())
        }
        BinaryOp::Multiply | BinaryOp::Divide => (Measure::Level, None),
        BinaryOp::Default | BinaryOp::Or => (Measure::Level, same_unit),
        BinaryOp::Compare(_) if constant(left) => (Measure::Level, right.unit.clone()),
        BinaryOp::Compare(_) | BinaryOp::And | BinaryOp::Unless => {
            (Measure::Level, left.unit.clone())
        }
    }
}
