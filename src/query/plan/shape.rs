//! Calls that count values of labels, and samples by the size of their value.

use crate::error::Result;
use crate::lang::ast::{Call, Literal, OptionValue};
use crate::query::plan::call::Arguments;
use crate::query::plan::expression::{Measure, Typed};
use crate::query::plan::planner::Planner;
use crate::query::plan::tree::{Buckets, Function};

/// The most buckets of one width.
const BUCKETS_MAX: f64 = 10_000.0;

impl<'a> Planner<'a> {
    /// Plans how many values of a label have samples; samples without the label do not count.
    pub(super) fn distinct(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        self.no_options(&arguments)?;
        self.no_numbers(&arguments, call)?;
        let [(of, _), (label, place)] = arguments.samples.as_slice() else {
            return Err(self.needs(call, "a selector and a label"));
        };
        let selector = &label.selector;
        let is_name = selector.matchers.is_empty()
            && selector.window.is_none()
            && selector.offset.is_none()
            && label.filter.is_none();
        let Some(name) = selector.metric.as_ref().filter(|_| is_name) else {
            let message = "a label's name is wanted".to_owned();
            return Err(self.error("Q140", *place, message));
        };
        let scan = self.scan(of, &arguments.conditions, call.grouping.as_ref())?;
        if let Some(draft) = self.drafts.get(scan) {
            let series = &draft.scan.selection.series;
            self.catalogue.warn_of_label(&name.node, name.span, series)?;
        }
        let label = self.counted_label(scan, &name.node);
        let node = self.aggregate(scan, Function::Distinct(label));
        Ok(Typed::new(node, Measure::Level, None))
    }

    /// Plans the counts of samples by the bucket of their value.
    pub(super) fn histogram(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        let buckets = self.buckets(&arguments)?;
        let scan = self.only_scan(&arguments, call)?;
        let is_new = self.drafts.get(scan).is_some_and(|draft| draft.scan.aggregates.is_empty());
        let scan = if is_new { scan } else { self.another_scan(scan)? };
        if let Some(draft) = self.drafts.get_mut(scan) {
            draft.scan.buckets = Some(buckets);
        }
        Ok(Typed::new(self.aggregate(scan, Function::Count), Measure::Amount, None))
    }
    fn buckets(&self, arguments: &Arguments<'_>) -> Result<Buckets> {
        let Some((name, value)) = arguments.options.first() else { return Ok(Buckets::Decades) };
        if name.node != "buckets" || arguments.options.len() > 1 {
            let wrong = arguments.options.iter().find(|(name, _)| name.node != "buckets");
            return Err(self.unknown_option(wrong.map_or(name, |(name, _)| name)));
        }
        match &value.node {
            OptionValue::Literal(Literal::Number(number))
                if number.fract() == 0.0 && (1.0..=BUCKETS_MAX).contains(number) =>
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a whole number between 1 and 10,000"
                )]
                let count = *number as u64;
                Ok(Buckets::AtMost(count))
            }
            _ => {
                let message = format!("`buckets` is a whole number from 1 to {BUCKETS_MAX}");
                let help = "such as `histogram(latency, buckets=20)`".to_owned();
                Err(self.findings.error("Q139", value.span, message).help(help).into())
            }
        }
    }
}
