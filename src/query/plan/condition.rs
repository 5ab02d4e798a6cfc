//! Calls that count samples by a condition: shares, apdex and burn rates.

use crate::error::{Error, Result};
use crate::lang::Span;
use crate::lang::ast::{BinaryOp, Call, Literal, Sample, Spanned};
use crate::query::plan::call::Arguments;
use crate::query::plan::expression::{Measure, Typed};
use crate::query::plan::planner::Planner;
use crate::query::plan::selection::Counted;
use crate::query::plan::tree::{Function, Node};
use crate::query::quantile::Decimal;

/// The samples that a call is of, and the condition that it counts.
struct Counting {
    scan: usize,
    samples: Vec<Sample>,
    arguments_hold: bool,
}

impl<'a> Planner<'a> {
    /// Plans the share of the samples for which a condition holds.
    pub(super) fn share(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        self.no_numbers(&arguments, call)?;
        let node = self.share_of(call, &arguments)?;
        Ok(Typed::new(node, Measure::Level, None))
    }

    fn share_of(&mut self, call: &'a Call, arguments: &Arguments<'a>) -> Result<Node> {
        let counting = self.counting(call, arguments)?;
        if !counting.arguments_hold {
            let name = &call.name.node;
            let message = format!("`{name}` needs a selector and a condition");
            let help = "such as `{status=\"error\"}` or `where value > 1s`".to_owned();
            return Err(self.findings.error("Q141", call.name.span, message).help(help).into());
        }
        let conditions = arguments.conditions.iter().map(|&condition| condition.clone());
        let samples = counting.samples;
        let counted = Counted { samples, conditions: conditions.collect(), within: None };
        let condition = self.counted(counting.scan, counted)?;
        Ok(self.aggregate(counting.scan, Function::Share(condition)))
    }

    /// Plans `apdex(x, T)`: satisfied up to T, tolerating up to 4 T, and neither where it failed.
    pub(super) fn apdex(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        let Counting { scan, samples, .. } = self.counting(call, &arguments)?;
        let most = self.only_number(call, &arguments, "a selector and a time, `500ms`")?;
        let conditions: Vec<_> = arguments.conditions.iter().map(|&one| one.clone()).collect();
        let mut counted = |times: f64| {
            let within = Some((most.clone(), times));
            let (samples, conditions) = (samples.clone(), conditions.clone());
            self.counted(scan, Counted { samples, conditions, within })
        };
        let (satisfied, tolerating) = (counted(1.0)?, counted(4.0)?);
        let node = self.aggregate(scan, Function::Apdex(satisfied, tolerating));
        Ok(Typed::new(node, Measure::Level, None))
    }

    /// Plans `burn(x, bad, 99.9%)`: how many times faster than allowed bad samples come.
    pub(super) fn burn(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        let target = self.only_number(call, &arguments, "a selector, a condition and a target")?;
        let share = match target.node {
            Literal::Number(number) => Decimal::of_number(number, false),
            Literal::Percent(percent) => Decimal::of_number(percent, true),
            _ => None,
        };
        let allowed = share.map_or(0.0, Decimal::complement);
        if allowed <= 0.0 {
            let message = "a target lies between 0 and 1, and below 1".to_owned();
            let help = "write 99.9% or 0.999".to_owned();
            return Err(self.findings.error("Q114", target.span, message).help(help).into());
        }
        let bad = Box::new(self.share_of(call, &arguments)?);
        let right = Box::new(Node::Constant(allowed));
        let node = Node::Binary { op: BinaryOp::Divide, span: call.name.span, left: bad, right };
        Ok(Typed::new(node, Measure::Level, None))
    }

    fn counting(&mut self, call: &'a Call, arguments: &Arguments<'a>) -> Result<Counting> {
        self.no_options(arguments)?;
        let Some((of, more)) = arguments.samples.split_first() else {
            return Err(self.needs(call, "a selector"));
        };
        for (sample, span) in more {
            self.check_labels_alone(sample, *span)?;
        }
        let scan = self.scan(of.0, &[], call.grouping.as_ref())?;
        let samples: Vec<Sample> = more.iter().map(|(sample, _)| (*sample).clone()).collect();
        let arguments_hold = !(samples.is_empty() && arguments.conditions.is_empty());
        Ok(Counting { scan, samples, arguments_hold })
    }

    fn check_labels_alone(&self, sample: &Sample, span: Span) -> Result<()> {
        let selector = &sample.selector;
        if selector.metric.is_none() && selector.window.is_none() && selector.offset.is_none() {
            return Ok(());
        }
        let message = "the condition names no metric, window or offset".to_owned();
        let help = "write labels alone: `{status=\"error\"}`".to_owned();
        Err(self.findings.error("Q141", span, message).help(help).into())
    }

    fn only_number(
        &self,
        call: &Call,
        arguments: &Arguments<'a>,
        needs: &str,
    ) -> Result<Spanned<Literal>> {
        match arguments.numbers.as_slice() {
            [(literal, span)] => Ok(Spanned::new((*literal).clone(), *span)),
            _ => Err(self.needs(call, needs)),
        }
    }

    /// Makes the error of a call that lacks an argument.
    pub(super) fn needs(&self, call: &Call, what: &str) -> Error {
        let message = format!("`{}` needs {what}", call.name.node);
        self.error("Q140", call.name.span, message)
    }
}
