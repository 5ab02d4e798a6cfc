//! Which series a selector chooses, and the condition on their samples in each metric's unit.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::lang::ast::{CompareOp, Ident, LabelMatcher, Literal, MatchOp, Predicate as Condition};
use crate::lang::ast::{Sample, Spanned};
use crate::lang::{Span, closest};
use crate::model::{Limits, Matcher, MatcherOp, MetricDef, ModelError, Selector, SeriesKey};
use crate::query::budget::Budget;
use crate::query::finding::{Findings, did_you_mean};
use crate::query::predicate::{Predicate, Test};
use crate::query::units::{Mismatch, number_in_unit};
use crate::snapshot::{SelectedSeries, Snapshot};

/// The series that a selector chooses, and the condition on their samples.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The series, sorted by metric and labels.
    pub(crate) series: Vec<SelectedSeries>,
    /// The condition on their samples.
    pub(crate) filters: Filters,
    /// The metrics of the series, and the one that was named.
    pub(crate) metrics: Vec<MetricDef>,
    /// True if the selector names its metric.
    pub(crate) names_metric: bool,
    /// True if values are filtered.
    pub(crate) filters_values: bool,
}

impl Selection {
    /// Returns the unit that all metrics share, if there is one.
    pub(crate) fn unit(&self) -> Option<&str> {
        let unit = self.metrics.first()?.unit.as_deref()?;
        self.metrics.iter().all(|def| def.unit.as_deref() == Some(unit)).then_some(unit)
    }
}

/// A condition on samples, resolved for each metric it may meet.
#[derive(Debug)]
pub(crate) struct Filters(BTreeMap<String, Predicate>);

impl Filters {
    /// Returns what is left to test of the samples of one series.
    pub(crate) fn of_series(&self, key: &SeriesKey) -> Test {
        self.0.get(key.metric()).map_or(Test::Never, |predicate| predicate.of_series(key))
    }
}

/// A condition whose samples are counted: labels and values, and for an apdex the most that
/// satisfies.
#[derive(Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) samples: Vec<Sample>,
    pub(super) conditions: Vec<Condition>,
    /// Values count up to some times a literal, and only where the rest does not hold.
    pub(super) within: Option<(Spanned<Literal>, f64)>,
}

/// Looks up what selectors name.
#[derive(Debug)]
pub(super) struct Catalogue<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) findings: &'a Findings<'a>,
    budget: &'a Budget,
    /// The regular expressions, each compiled once, however many selectors and metrics it is for.
    regexes: RefCell<BTreeMap<(String, bool), MatcherOp>>,
}

impl<'a> Catalogue<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        findings: &'a Findings<'a>,
        budget: &'a Budget,
    ) -> Self {
        Self { snapshot, findings, budget, regexes: RefCell::default() }
    }

    /// Chooses the series of a selector whose samples may satisfy all conditions.
    pub(super) fn select(&self, sample: &Sample, conditions: &[&Condition]) -> Result<Selection> {
        let named = sample.selector.metric.as_ref();
        let named_def = named.map(|name| self.metric(name)).transpose()?;
        let mut matchers = Vec::new();
        for matcher in &sample.selector.matchers {
            matchers.push(self.matcher(&matcher.node)?);
        }
        for condition in conditions {
            check_depth(self.snapshot.limits(), depth_of(condition))?;
            self.push_down(condition, &mut matchers)?;
        }
        let metric = named.map(|name| name.node.clone());
        let selector = Selector { metric, matchers };
        let series = self.snapshot.select_while(&selector, &|| self.budget.check())?;
        self.warn_of_matchers(&sample.selector.matchers, &series)?;
        for condition in conditions {
            self.warn_of_condition(condition, &series)?;
        }
        let metrics = self.metrics_of(&series, named_def)?;
        let filters = filters(&metrics, |unit| {
            let mut parts = Vec::new();
            if let Some((op, literal)) = &sample.filter {
                parts.push(self.value(*op, literal, unit)?);
            }
            for condition in conditions {
                parts.push(self.predicate(condition, unit)?);
            }
            Ok(Predicate::All(parts))
        })?;
        let filters_values =
            sample.filter.is_some() || conditions.iter().any(|condition| has_value(condition));
        Ok(Selection { series, filters, metrics, names_metric: named.is_some(), filters_values })
    }

    /// Resolves a condition for the selection whose samples it counts.
    pub(super) fn condition(&self, selection: &Selection, counted: &Counted) -> Result<Filters> {
        let Counted { samples, conditions, within } = counted;
        for condition in conditions {
            check_depth(self.snapshot.limits(), depth_of(condition))?;
        }
        for sample in samples {
            self.warn_of_matchers(&sample.selector.matchers, &selection.series)?;
        }
        for condition in conditions {
            self.warn_of_condition(condition, &selection.series)?;
        }
        filters(&selection.metrics, |unit| {
            let mut parts = Vec::new();
            for sample in samples {
                for matcher in &sample.selector.matchers {
                    parts.push(Predicate::Label(self.matcher(&matcher.node)?));
                }
                if let Some((op, literal)) = &sample.filter {
                    parts.push(self.value(*op, literal, unit)?);
                }
            }
            for condition in conditions {
                parts.push(self.predicate(condition, unit)?);
            }
            let all = Predicate::All(parts);
            let Some((literal, times)) = within else { return Ok(all) };
            let most = self.number(literal, unit)? * times;
            let within = Predicate::Value(CompareOp::LessEqual, most);
            let fails = !(samples.is_empty() && conditions.is_empty());
            let fails = if fails { vec![Predicate::Not(Box::new(all))] } else { Vec::new() };
            Ok(Predicate::All(std::iter::once(within).chain(fails).collect()))
        })
    }

    fn metric(&self, name: &Ident) -> Result<MetricDef> {
        if let Some(def) = self.snapshot.metric(&name.node)? {
            return Ok(def);
        }
        let known: Vec<String> = self.snapshot.metrics()?.into_iter().map(|def| def.name).collect();
        let near = closest(&name.node, known.iter().map(String::as_str));
        let message = format!("no metric named `{}`", name.node);
        let mut error = self.findings.error("Q104", name.span, message).label(did_you_mean(near));
        if let Some(only) = near
            && is_plain(only)
        {
            error = error.replace_by(only);
        }
        Err(match (near, known.as_slice()) {
            (Some(_), _) => error,
            (None, []) => error.help("the store holds no metrics yet".to_owned()),
            (None, known) => error.help(format!("the store has {}", few(known))),
        }
        .into())
    }

    fn metrics_of(
        &self,
        series: &[SelectedSeries],
        named: Option<MetricDef>,
    ) -> Result<Vec<MetricDef>> {
        if let Some(def) = named {
            return Ok(vec![def]);
        }
        let mut metrics: Vec<MetricDef> = Vec::new();
        let mut last: Option<&str> = None;
        for metric in series.iter().map(|series| series.key().metric()) {
            if last != Some(metric) {
                let def = self.snapshot.metric(metric)?;
                metrics.push(def.unwrap_or_else(|| MetricDef::new(metric)));
                last = Some(metric);
            }
        }
        Ok(metrics)
    }

    fn predicate(&self, condition: &Condition, metric: &MetricDef) -> Result<Predicate> {
        Ok(match condition {
            Condition::Or(left, right) => {
                Predicate::Any(vec![self.predicate(left, metric)?, self.predicate(right, metric)?])
            }
            Condition::And(left, right) => {
                Predicate::All(vec![self.predicate(left, metric)?, self.predicate(right, metric)?])
            }
            Condition::Not(inner) => Predicate::Not(Box::new(self.predicate(inner, metric)?)),
            Condition::Label(matcher) => Predicate::Label(self.matcher(&matcher.node)?),
            Condition::Value(op, literal) => self.value(*op, literal, metric)?,
        })
    }

    fn value(
        &self,
        op: Spanned<CompareOp>,
        literal: &Spanned<Literal>,
        metric: &MetricDef,
    ) -> Result<Predicate> {
        Ok(Predicate::Value(op.node, self.number(literal, metric)?))
    }

    fn number(&self, literal: &Spanned<Literal>, metric: &MetricDef) -> Result<f64> {
        let unit = metric.unit.as_deref();
        number_in_unit(&literal.node, unit).map_err(|mismatch| {
            let of = (metric.name.as_str(), unit);
            unit_error(self.findings, mismatch, literal, of, Some(&metric.name))
        })
    }

    /// Refuses lists of more values than allowed, and asks whether the run may go on.
    pub(super) fn check_values(&self, matcher: &LabelMatcher) -> Result<()> {
        let (limit, got) = (self.snapshot.limits().values_max, matcher.values.len() as u64);
        if got > limit {
            let what = "the number of values of one list";
            return Err(ErrorKind::Limit { what, limit, got }.into());
        }
        self.budget.check()
    }

    fn matcher(&self, matcher: &LabelMatcher) -> Result<Matcher> {
        self.check_values(matcher)?;
        let first = matcher.values.first();
        let text = first.map(|value| value.node.clone()).unwrap_or_default();
        let op = match matcher.op {
            MatchOp::Equal => MatcherOp::Equal(text),
            MatchOp::NotEqual => MatcherOp::NotEqual(text),
            MatchOp::In => {
                MatcherOp::In(matcher.values.iter().map(|value| value.node.clone()).collect())
            }
            MatchOp::Matches | MatchOp::NotMatches => {
                let span = first.map_or(matcher.label.span, |value| value.span);
                self.regex(text, matcher.op == MatchOp::NotMatches, span)?
            }
        };
        Ok(Matcher { label: matcher.label.node.clone(), op })
    }

    /// Compiles a regular expression, unless this query has it already.
    fn regex(&self, pattern: String, negated: bool, span: Span) -> Result<MatcherOp> {
        let mut regexes = self.regexes.borrow_mut();
        let key = (pattern, negated);
        if let Some(known) = regexes.get(&key) {
            return Ok(known.clone());
        }
        self.budget.check()?;
        let limits: &Limits = self.snapshot.limits();
        let (limit, got) = (limits.regexes_max, regexes.len() as u64 + 1);
        if got > limit {
            let what = "the number of regular expressions of the query";
            return Err(ErrorKind::Limit { what, limit, got }.into());
        }
        let matcher = Matcher::regex("", &key.0, negated, limits).map_err(|error| {
            Error::from(self.findings.error("Q109", span, words_of_regex(&error)))
        })?;
        Ok(regexes.entry(key).or_insert(matcher.op).clone())
    }

    fn push_down(&self, condition: &Condition, matchers: &mut Vec<Matcher>) -> Result<()> {
        match condition {
            Condition::And(left, right) => {
                self.push_down(left, matchers)?;
                self.push_down(right, matchers)
            }
            Condition::Label(matcher) => {
                matchers.push(self.matcher(&matcher.node)?);
                Ok(())
            }
            Condition::Or(..) | Condition::Not(_) | Condition::Value(..) => Ok(()),
        }
    }
}

/// Refuses what is nested deeper than chains of operators may be: four times the parentheses.
pub(super) fn check_depth(limits: &Limits, depth: u64) -> Result<()> {
    let limit = limits.query_depth_max.saturating_mul(4);
    if depth > limit {
        let what = "the number of operators in a row";
        return Err(ErrorKind::Limit { what, limit, got: depth }.into());
    }
    Ok(())
}

fn filters(
    metrics: &[MetricDef],
    resolve: impl Fn(&MetricDef) -> Result<Predicate>,
) -> Result<Filters> {
    let resolved = metrics.iter().map(|def| Ok((def.name.clone(), resolve(def)?)));
    Ok(Filters(resolved.collect::<Result<_>>()?))
}

/// Returns true for a metric's name that needs no backquotes.
fn is_plain(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    name.chars().all(inside) && !name.starts_with(|c: char| !c.is_ascii_alphabetic() && c != '_')
}

fn depth_of(condition: &Condition) -> u64 {
    // Walked with a stack of its own: how deep it goes is what is not known yet.
    let mut deepest = 0;
    let mut open = vec![(condition, 0)];
    while let Some((condition, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match condition {
            Condition::Or(left, right) | Condition::And(left, right) => {
                open.extend([(&**left, depth + 1), (&**right, depth + 1)]);
            }
            Condition::Not(inner) => open.push((inner, depth + 1)),
            Condition::Label(_) | Condition::Value(..) => {}
        }
    }
    deepest
}

fn has_value(condition: &Condition) -> bool {
    match condition {
        Condition::Or(left, right) | Condition::And(left, right) => {
            has_value(left) || has_value(right)
        }
        Condition::Not(inner) => has_value(inner),
        Condition::Label(_) => false,
        Condition::Value(..) => true,
    }
}

/// Names at most three of some names, and says how many more there are.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// Words what is wrong with a regular expression in one line; the compiler draws it over several.
fn words_of_regex(error: &ModelError) -> String {
    match error {
        ModelError::Regex { pattern, reason } => {
            let reason = reason.rsplit("error: ").next().unwrap_or(reason).trim();
            format!("the regular expression {pattern:?} cannot be used: {reason}")
        }
        other => other.to_string(),
    }
}

/// Words why a literal cannot be compared with values of a metric or an item; `metric` is whose
/// unit would settle it.
pub(super) fn unit_error(
    findings: &Findings<'_>,
    mismatch: Mismatch,
    literal: &Spanned<Literal>,
    (what, unit): (&str, Option<&str>),
    metric: Option<&str>,
) -> Error {
    let span = literal.span;
    let (code, message, help) = match mismatch {
        Mismatch::NoUnit => {
            let message = format!("`{what}` has no unit, so `{}` is unclear", literal.node);
            let help = match (metric, number_in_unit(&literal.node, Some("ms"))) {
                (Some(metric), Ok(number)) => format!(
                    "write {number} if it holds milliseconds, or set it once: silverback metric \
                     {metric} --unit ms"
                ),
                _ => "write a plain number".to_owned(),
            };
            ("Q107", message, help)
        }
        Mismatch::NotTime => {
            let unit = unit.unwrap_or("no unit");
            let message = format!("`{what}` is measured in {unit}, which is no unit of time");
            ("Q108", message, "write a plain number".to_owned())
        }
        Mismatch::Months => {
            let message = "months and years have no fixed length".to_owned();
            ("Q106", message, "write days: 30d".to_owned())
        }
        Mismatch::Text => {
            let message = "a text cannot be compared with a value".to_owned();
            ("Q127", message, "write a number".to_owned())
        }
    };
    findings.error(code, span, message).help(help).into()
}
