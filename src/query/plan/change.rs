//! Calls over computed values: `abs`, `round`, `clamp`, `total`.

use crate::error::{Error, Result};
use crate::lang::Span;
use crate::lang::ast::{Arg, Call, Expr, ExprKind, Literal, Spanned};
use crate::query::plan::expression::{Measure, Typed};
use crate::query::plan::planner::Planner;
use crate::query::plan::selection::unit_error;
use crate::query::plan::tree::{Change, Node};
use crate::query::units::number_in_unit;

impl<'a> Planner<'a> {
    /// Plans a change of every value.
    pub(super) fn change(&mut self, call: &'a Call) -> Result<Typed> {
        let inner = self.value_of(call)?;
        let unit = inner.unit.clone();
        let mut numbers = Vec::new();
        for arg in call.args.iter().skip(1) {
            numbers.push(self.number_of(call, arg, unit.as_deref())?);
        }
        let change = match (call.name.node.as_str(), numbers.as_slice()) {
            ("abs", []) => Change::Abs,
            ("round", []) => Change::Round(1.0),
            ("round", [step]) if *step > 0.0 => Change::Round(*step),
            ("clamp", [least, most]) if least <= most => Change::Clamp(*least, *most),
            _ => {
                let span = call.args.last().map_or(call.name.span, |arg| arg.span);
                let message = match call.name.node.as_str() {
                    "clamp" => "the least is greater than the most",
                    _ => "values are rounded to multiples of a number above 0",
                };
                return Err(self.error("Q142", span, message.to_owned()));
            }
        };
        Ok(Typed::new(Node::Map(change, Box::new(inner.node)), Measure::Level, unit))
    }

    /// Plans an expression over all groups, which stands beside each of them.
    pub(super) fn total(&mut self, call: &'a Call) -> Result<Typed> {
        let grouping = self.clause_grouping.take();
        let is_total = std::mem::replace(&mut self.in_total, true);
        let inner = self.value_of(call);
        self.clause_grouping = grouping;
        self.in_total = is_total;
        inner
    }

    fn value_of(&mut self, call: &'a Call) -> Result<Typed> {
        if call.grouping.is_some() {
            let message = format!("`{}` is of computed values, which are split", call.name.node);
            return Err(self.error("Q142", call.name.span, message));
        }
        match call.args.first().map(|arg| (&arg.node, arg.span)) {
            Some((Arg::Expr(expr), _)) => {
                self.expression(expr)?.in_unit(self.findings, ("this value", None), None)
            }
            Some((_, span)) => Err(self.not_computed(call, span)),
            None => Err(self.not_computed(call, call.name.span)),
        }
    }

    fn number_of(&self, call: &Call, arg: &Spanned<Arg>, unit: Option<&str>) -> Result<f64> {
        let (literal, negative) = match &arg.node {
            Arg::Expr(expr) => match literal_of(expr) {
                Some(literal) => literal,
                None => return Err(self.error("Q142", arg.span, "a number is wanted".to_owned())),
            },
            _ => return Err(self.not_computed(call, arg.span)),
        };
        let number = number_in_unit(literal, unit).map_err(|mismatch| {
            let literal = Spanned::new(literal.clone(), arg.span);
            unit_error(self.findings, mismatch, &literal, ("this value", unit), None)
        })?;
        Ok(if negative { -number } else { number })
    }

    fn not_computed(&self, call: &Call, span: Span) -> Error {
        let name = &call.name.node;
        let message = format!("`{name}` is of a computed value, not of samples");
        let help = format!("write a function inside, as in `{name}(avg(latency))`");
        self.findings.error("Q142", span, message).help(help).into()
    }
}

fn literal_of(expr: &Expr) -> Option<(&Literal, bool)> {
    match &*expr.node {
        ExprKind::Literal(literal) => Some((literal, false)),
        ExprKind::Negate(inner) => match &*inner.node {
            ExprKind::Literal(literal) => Some((literal, true)),
            _ => None,
        },
        _ => None,
    }
}
