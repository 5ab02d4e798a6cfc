//! Sub-queries: a function of the values that an expression has window by window.

use crate::error::Result;
use crate::lang::ast::{Arg, Call, Duration, Expr, ExprKind, Literal, Spanned};
use crate::query::calendar::Grid;
use crate::query::plan::expression::{Measure, Typed};
use crate::query::plan::planner::Planner;
use crate::query::plan::tree::{Function, Level, Node};
use crate::query::quantile::Decimal;

/// A sub-query among the arguments of a call: what, in which windows, and the share of a quantile.
type SubQuery<'a> = (&'a Expr, Spanned<Duration>, Option<&'a Literal>);

impl<'a> Planner<'a> {
    /// Plans a call of a sub-query; nothing for calls of anything else.
    pub(super) fn sub_query(&mut self, call: &'a Call) -> Result<Option<Typed>> {
        let Some((expr, step, share)) = find(call) else { return Ok(None) };
        if self.in_total && call.grouping.is_some() {
            let message = "`total` is over all groups: a call inside has none of its own";
            return Err(self.error("Q142", call.name.span, message.to_owned()));
        }
        let function = self.function_of_windows(call, share)?;
        self.warn_of_percentiles(function, expr);
        let Some(grid) = Grid::of(step.node, self.zone) else {
            let message = "windows of this length have no clear boundaries".to_owned();
            let help = "use one unit: months, days, or what is shorter than a day".to_owned();
            return Err(self.findings.error("Q122", step.span, message).help(help).into());
        };
        let level = Level { parent: self.level, step: Some(grid) };
        let known = self.levels.iter().position(|known| *known == level);
        let index = known.unwrap_or(self.levels.len());
        if known.is_none() {
            self.levels.push(level);
        }
        let parent = std::mem::replace(&mut self.level, index);
        let grouping = self.clause_grouping;
        self.clause_grouping = call.grouping.as_ref().or(grouping);
        let inner = self
            .expression(expr)
            .and_then(|typed| typed.in_unit(self.findings, ("this value", None), None));
        (self.level, self.clause_grouping) = (parent, grouping);
        let inner = inner?;
        let unit = if function == Function::Count { None } else { inner.unit };
        let node = Node::Over(function, index, Box::new(inner.node));
        Ok(Some(Typed::new(node, Measure::Level, unit)))
    }

    fn function_of_windows(&self, call: &Call, share: Option<&Literal>) -> Result<Function> {
        let name = call.name.node.as_str();
        let share = match share {
            Some(Literal::Number(number)) => Decimal::of_number(*number, false),
            Some(Literal::Percent(percent)) => Decimal::of_number(*percent, true),
            _ if name == "median" => Some(Decimal::HALF),
            _ => Decimal::of_name(name),
        };
        let takes_share = name == "quantile" || share.is_some();
        let function = match (name, share) {
            ("count", None) => Some(Function::Count),
            ("sum", None) => Some(Function::Sum),
            ("avg", None) => Some(Function::Avg),
            ("min", None) => Some(Function::Min),
            ("max", None) => Some(Function::Max),
            ("stddev", None) => Some(Function::Stddev),
            ("first", None) => Some(Function::First),
            ("last", None) => Some(Function::Last),
            (_, Some(share)) if takes_share => Some(Function::Quantile { share, linear: false }),
            _ => None,
        };
        function.ok_or_else(|| {
            let message = format!("`{name}` is not of the values of windows");
            let help = "such as `max(p95(latency) every 1m)` or avg, min, sum, count, p90";
            self.findings.error("Q113", call.name.span, message).help(help.to_owned()).into()
        })
    }

    fn warn_of_percentiles(&self, function: Function, inner: &Expr) {
        let is_percentile = matches!(&*inner.node, ExprKind::Call(call)
            if Decimal::of_name(&call.name.node).is_some()
                || matches!(call.name.node.as_str(), "median" | "quantile"));
        let mixes = matches!(function, Function::Avg | Function::Quantile { .. });
        if is_percentile && mixes {
            let message = "an average of percentiles is not a percentile of the samples";
            self.findings.warn("Q301", inner.span, message.to_owned());
        }
    }
}

/// Finds the sub-query among the arguments, if they are one, or a share and one.
fn find(call: &Call) -> Option<SubQuery<'_>> {
    match call.args.as_slice() {
        [Spanned { node: Arg::SubQuery(expr, step), .. }] => Some((expr, *step, None)),
        [
            Spanned { node: Arg::Expr(share), .. },
            Spanned { node: Arg::SubQuery(expr, step), .. },
        ] if call.name.node == "quantile" => match &*share.node {
            ExprKind::Literal(literal) => Some((expr, *step, Some(literal))),
            _ => None,
        },
        _ => None,
    }
}
