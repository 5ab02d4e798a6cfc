//! Calls of functions: which aggregate of which scan each stands for.

use crate::error::{Error, Result};
use crate::lang::ast::{Arg, Call, Expr, ExprKind, Ident, Literal, OptionValue, Spanned};
use crate::lang::ast::{Predicate as Condition, Sample};
use crate::lang::{Span, closest};
use crate::model::MetricKind;
use crate::query::finding::did_you_mean;
use crate::query::plan::expression::{Measure, Typed, set_per};
use crate::query::plan::planner::Planner;
use crate::query::plan::tree::{Function, Rank};
use crate::query::quantile::Decimal;

const SECOND_NANOS: u64 = 1_000_000_000;

/// The names of options.
const OPTIONS: [&str; 4] = ["interp", "approx", "exact", "buckets"];

/// What the language has beyond that.
const LATER: [&str; 2] = ["anomaly", "forecast"];

/// Returns true for the calls that stand for `top` and `bottom`.
pub(super) fn is_rank_call(name: &str) -> bool {
    matches!(name, "topk" | "bottomk")
}

/// The arguments of a call by their form.
pub(super) struct Arguments<'a> {
    pub(super) samples: Vec<(&'a Sample, Span)>,
    pub(super) numbers: Vec<(&'a Literal, Span)>,
    pub(super) conditions: Vec<&'a Condition>,
    pub(super) options: Vec<(&'a Ident, &'a Spanned<OptionValue>)>,
}

impl<'a> Planner<'a> {
    /// Plans a call.
    pub(super) fn call(&mut self, call: &'a Call) -> Result<Typed> {
        let name = call.name.node.as_str();
        if is_rank_call(name) {
            let message = format!("`{name}` stands around the whole item");
            let help = "use the clause `top` or `bottom`".to_owned();
            return Err(self.findings.error("Q136", call.name.span, message).help(help).into());
        }
        if LATER.contains(&name) {
            return Err(self.findings.not_available(call.name.span, &format!("`{name}`")));
        }
        if let Some(of_windows) = self.sub_query(call)? {
            return Ok(of_windows);
        }
        if let Some(share) = Decimal::of_name(name) {
            return self.quantile(call, share);
        }
        match name {
            "median" => self.quantile(call, Decimal::HALF),
            "quantile" => {
                let arguments = self.arguments(call)?;
                let share = self.quantile_share(&arguments, call)?;
                self.quantile(call, share)
            }
            "share" => self.share(call),
            "apdex" => self.apdex(call),
            "burn" => self.burn(call),
            "distinct" => self.distinct(call),
            "histogram" => self.histogram(call),
            "total" => self.total(call),
            "abs" | "round" | "clamp" => self.change(call),
            "stats" => {
                let message = "`stats` stands for seven items".to_owned();
                let help = "write it alone, as in `stats(latency) by bot`".to_owned();
                Err(self.findings.error("Q136", call.name.span, message).help(help).into())
            }
            "rate" => {
                let mut rate = self.increase(call)?;
                set_per(&mut rate.node, SECOND_NANOS);
                let unit = format!("{}/s", rate.unit.as_deref().unwrap_or("1"));
                Ok(Typed::new(rate.node, Measure::Rate, Some(unit)))
            }
            "increase" => self.increase(call),
            "delta" => self.delta(call),
            "count" => self.simple(call, Function::Count, Measure::Amount),
            "sum" => self.simple(call, Function::Sum, Measure::Amount),
            "avg" => self.simple(call, Function::Avg, Measure::Level),
            "min" => self.simple(call, Function::Min, Measure::Level),
            "max" => self.simple(call, Function::Max, Measure::Level),
            "stddev" => self.simple(call, Function::Stddev, Measure::Level),
            "first" => self.simple(call, Function::First, Measure::Level),
            "last" => self.simple(call, Function::Last, Measure::Level),
            _ => Err(self.unknown_function(&call.name)),
        }
    }

    /// The parser knows the functions' names; trees that were built otherwise may hold any.
    fn unknown_function(&self, name: &Ident) -> Error {
        self.error("Q006", name.span, format!("there is no function `{}`", name.node))
    }

    pub(super) fn simple(
        &mut self,
        call: &'a Call,
        function: Function,
        measure: Measure,
    ) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        self.no_options(&arguments)?;
        let scan = self.only_scan(&arguments, call)?;
        let unit = match function {
            Function::Count => None,
            _ => self.unit_of(scan),
        };
        Ok(Typed::new(self.aggregate(scan, function), measure, unit))
    }

    pub(super) fn quantile(&mut self, call: &'a Call, share: Decimal) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        let mut linear = false;
        for (name, value) in &arguments.options {
            match (name.node.as_str(), &value.node) {
                ("interp", OptionValue::Word(word)) if word == "linear" => linear = true,
                ("interp", OptionValue::Word(word)) if word == "nearest" => linear = false,
                ("exact", OptionValue::Word(word)) if word == "true" => {}
                ("approx", OptionValue::Word(word)) if word == "false" => {}
                ("approx" | "exact", OptionValue::Word(word)) if is_truth(word) => {
                    let message = "an approximate answer stands as a whole item".to_owned();
                    let help = "leave out `approx` to compute with it".to_owned();
                    return Err(self.findings.error("Q144", value.span, message).help(help).into());
                }
                ("interp" | "approx" | "exact", _) => {
                    let message = format!("this is no value of `{}`", name.node);
                    let known =
                        if name.node == "interp" { "linear, nearest" } else { "true, false" };
                    let error = self.findings.error("Q139", value.span, message);
                    return Err(error.help(format!("known are {known}")).into());
                }
                _ => return Err(self.unknown_option(name)),
            }
        }
        let scan = self.only_scan(&arguments, call)?;
        let unit = self.unit_of(scan);
        let node = self.aggregate(scan, Function::Quantile { share, linear });
        Ok(Typed::new(node, Measure::Level, unit))
    }

    pub(super) fn quantile_share(&self, arguments: &Arguments<'a>, call: &Call) -> Result<Decimal> {
        let [(literal, span)] = arguments.numbers.as_slice() else {
            let message = "`quantile` needs a share and a selector".to_owned();
            let help = "such as `quantile(0.99, latency)`".to_owned();
            return Err(self.findings.error("Q140", call.name.span, message).help(help).into());
        };
        let share = match literal {
            Literal::Number(number) => Decimal::of_number(*number, false),
            Literal::Percent(percent) => Decimal::of_number(*percent, true),
            _ => None,
        };
        share.ok_or_else(|| {
            let message = "a quantile lies between 0 and 1".to_owned();
            let help = "write 0.99 or 99%".to_owned();
            self.findings.error("Q114", *span, message).help(help).into()
        })
    }

    /// Plans what happened over a window, by the kind of the metrics.
    fn increase(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        self.no_options(&arguments)?;
        let scan = self.only_scan(&arguments, call)?;
        let place = arguments.samples.first().map_or(call.name.span, |(_, span)| *span);
        let name = &call.name.node;
        let function = match self.kind(scan, place, name)? {
            MetricKind::Event => Function::Count,
            MetricKind::Delta => Function::Sum,
            MetricKind::Counter => Function::Increase,
            MetricKind::Gauge => {
                let message = format!("`{name}` has no meaning for a gauge, which is a level");
                let help = "use delta() for its change, or avg()".to_owned();
                return Err(self.findings.error("Q110", place, message).help(help).into());
            }
        };
        if function == Function::Increase {
            self.no_value_filter(scan, place)?;
        }
        let unit = if function == Function::Count { None } else { self.unit_of(scan) };
        Ok(Typed::new(self.aggregate(scan, function), Measure::Amount, unit))
    }

    fn delta(&mut self, call: &'a Call) -> Result<Typed> {
        let arguments = self.arguments(call)?;
        self.no_options(&arguments)?;
        let scan = self.only_scan(&arguments, call)?;
        let place = arguments.samples.first().map_or(call.name.span, |(_, span)| *span);
        let kind = self.kind(scan, place, "delta")?;
        if kind != MetricKind::Gauge {
            let message =
                format!("`delta` is the change of a gauge, and this is {}", article(kind));
            let help = "use increase()".to_owned();
            return Err(self.findings.error("Q110", place, message).help(help).into());
        }
        self.no_value_filter(scan, place)?;
        let unit = self.unit_of(scan);
        Ok(Typed::new(self.aggregate(scan, Function::Delta), Measure::Amount, unit))
    }

    fn kind(&self, scan: usize, place: Span, function: &str) -> Result<MetricKind> {
        let Some(draft) = self.drafts.get(scan) else { return Ok(MetricKind::default()) };
        let metrics = &draft.scan.selection.metrics;
        let kind = metrics.first().map(|def| def.kind).unwrap_or_default();
        if let Some(other) = metrics.iter().find(|def| def.kind != kind) {
            let first = metrics.first().map_or("", |def| def.name.as_str());
            let message = format!(
                "`{function}` over metrics of different kinds: `{first}` is {}, `{}` is {}",
                article(kind),
                other.name,
                article(other.kind)
            );
            let help = "select metrics of one kind".to_owned();
            return Err(self.findings.error("Q111", place, message).help(help).into());
        }
        Ok(kind)
    }

    fn no_value_filter(&self, scan: usize, place: Span) -> Result<()> {
        let filtered =
            self.drafts.get(scan).is_some_and(|draft| draft.scan.selection.filters_values);
        if filtered {
            let message = "steps between samples have no meaning where values are left out";
            let help = "choose by labels alone, or ask for count(), min() or max()".to_owned();
            let error = self.findings.error("Q112", place, message.to_owned());
            return Err(error.help(help).into());
        }
        Ok(())
    }

    pub(super) fn unit_of(&self, scan: usize) -> Option<String> {
        self.drafts.get(scan).and_then(|draft| draft.scan.selection.unit()).map(str::to_owned)
    }

    pub(super) fn only_scan(&mut self, arguments: &Arguments<'a>, call: &'a Call) -> Result<usize> {
        let takes_number = matches!(call.name.node.as_str(), "quantile" | "apdex" | "burn");
        if !takes_number {
            self.no_numbers(arguments, call)?;
        }
        match arguments.samples.as_slice() {
            [(sample, _)] => self.scan(sample, &arguments.conditions, call.grouping.as_ref()),
            [] => {
                let message = format!("`{}` needs a selector", call.name.node);
                let help = format!("such as `{}(latency)`", call.name.node);
                Err(self.findings.error("Q140", call.name.span, message).help(help).into())
            }
            [_, (_, span), ..] => {
                let message = format!("`{}` takes one selector", call.name.node);
                let help = "put the condition behind the metric: `latency{status=\"error\"}`";
                Err(self.findings.error("Q126", *span, message).help(help.to_owned()).into())
            }
        }
    }

    pub(super) fn no_numbers(&self, arguments: &Arguments<'_>, call: &Call) -> Result<()> {
        match arguments.numbers.first() {
            None => Ok(()),
            Some((_, span)) => {
                let message = format!("`{}` takes no number", call.name.node);
                Err(self.error("Q140", *span, message))
            }
        }
    }

    pub(super) fn no_options(&self, arguments: &Arguments<'_>) -> Result<()> {
        arguments.options.first().map_or(Ok(()), |(name, _)| Err(self.unknown_option(name)))
    }

    pub(super) fn unknown_option(&self, name: &Ident) -> Error {
        let message = format!("no option `{}` is known here", name.node);
        let error = self.findings.error("Q139", name.span, message);
        match closest(&name.node, OPTIONS) {
            Some(near) if near != name.node => {
                error.label(did_you_mean(Some(near))).replace_by(near).into()
            }
            _ => {
                let help = "percentiles take interp, approx and exact, histogram takes buckets";
                error.help(help.to_owned()).into()
            }
        }
    }

    pub(super) fn arguments(&self, call: &'a Call) -> Result<Arguments<'a>> {
        let mut arguments = Arguments {
            samples: Vec::new(),
            numbers: Vec::new(),
            conditions: Vec::new(),
            options: Vec::new(),
        };
        for arg in &call.args {
            match &arg.node {
                Arg::Sample(sample) => arguments.samples.push((sample, arg.span)),
                Arg::Where(condition) => arguments.conditions.push(condition),
                Arg::Option(name, value) => arguments.options.push((name, value)),
                Arg::SubQuery(..) => {
                    let message = format!("`{}` takes no windows here", call.name.node);
                    return Err(self.error("Q113", arg.span, message));
                }
                Arg::Expr(expr) => match &*expr.node {
                    ExprKind::Literal(literal) => arguments.numbers.push((literal, arg.span)),
                    _ => return Err(self.not_samples(call, arg.span)),
                },
            }
        }
        Ok(arguments)
    }

    fn not_samples(&self, call: &Call, span: Span) -> Error {
        let name = &call.name.node;
        let message = format!("`{name}` is computed from samples, not from a computed value");
        let help = format!("write a metric, as in `{name}(latency)`");
        self.findings.error("Q113", span, message).help(help).into()
    }

    /// Takes `topk(10, expr)` apart.
    pub(super) fn rank_call(&self, call: &'a Call) -> Result<(&'a Expr, Rank)> {
        let wrong = || {
            let message = format!("`{}` needs a whole number and an expression", call.name.node);
            let help = format!("such as `{}(10, count(latency))`", call.name.node);
            self.findings.error("Q140", call.name.span, message).help(help).into()
        };
        let (None, [count, of]) = (&call.grouping, call.args.as_slice()) else {
            return Err(wrong());
        };
        let (Arg::Expr(count), Arg::Expr(of)) = (&count.node, &of.node) else {
            return Err(wrong());
        };
        let ExprKind::Literal(Literal::Number(count)) = &*count.node else { return Err(wrong()) };
        if count.fract() != 0.0 || !(1.0..=1e9).contains(count) {
            return Err(wrong());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number between 1 and 10^9"
        )]
        let count = *count as u64;
        Ok((of, Rank { count, greatest: call.name.node == "topk" }))
    }
}

fn is_truth(word: &str) -> bool {
    matches!(word, "true" | "false")
}

fn article(kind: MetricKind) -> String {
    let article = if kind == MetricKind::Event { "an" } else { "a" };
    format!("{article} {kind}")
}
