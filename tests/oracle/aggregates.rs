//! What a call yields for the samples of one group in one step.

use std::collections::{BTreeMap, BTreeSet};

use silverback::MetricKind;

use crate::oracle::civil::SECOND;
use crate::oracle::numbers::{
    Expected, about, deviation, exact_sum, exactly, linear, mean, nearest, rounded,
};
use crate::oracle::question::{Condition, Function};
use crate::oracle::store::{Row, kind_of};

const REACH: i64 = 300 * SECOND;

pub(crate) fn holds(condition: &Condition, row: &Row) -> bool {
    let begins = |label: usize, firsts: &[&str]| {
        firsts.iter().any(|first| row.labels[label].starts_with(first))
    };
    match condition {
        Condition::Equal(label, value) => row.labels[*label] == *value,
        Condition::NotEqual(label, value) => row.labels[*label] != *value,
        Condition::Begins(label, firsts) => begins(*label, firsts),
        Condition::BeginsNot(label, firsts) => !begins(*label, firsts),
        Condition::In(label, values) => values.contains(&row.labels[*label]),
        Condition::Value(op, number) => compares(op, row.value, *number as f64),
        Condition::Not(inner) => !holds(inner, row),
        Condition::And(left, right) => holds(left, row) && holds(right, row),
        Condition::Or(left, right) => holds(left, row) || holds(right, row),
    }
}

pub(crate) fn compares(op: &str, value: f64, number: f64) -> bool {
    let order = value.partial_cmp(&number).unwrap();
    match op {
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        _ => panic!("{op}"),
    }
}

/// What stands for a group that is not there.
pub(crate) fn of_nothing(function: &Function, metric: Option<&str>) -> Option<f64> {
    match function {
        Function::Count | Function::Sum | Function::Distinct(_) => Some(0.0),
        Function::Rate | Function::Increase => {
            let kind = kind_of(metric.unwrap());
            matches!(kind, MetricKind::Event | MetricKind::Delta).then_some(0.0)
        }
        Function::Per(inner, _) => of_nothing(inner, metric),
        _ => None,
    }
}

/// Evaluates a function over the stretches of time that a step covers. `rows` stand in the order
/// of their times, then their series, then their arrival.
pub(crate) fn evaluate(
    function: &Function,
    metric: Option<&str>,
    rows: &[&Row],
    stretches: &[(i64, i64)],
) -> Expected {
    let found: Vec<&Row> = rows.iter().copied().filter(|row| lies_in(row, stretches)).collect();
    let values: Vec<f64> = found.iter().map(|row| row.value).collect();
    let count = values.len();
    let some = |value: f64| (count > 0).then_some(value);
    let share = |condition: &Condition| {
        let matched = found.iter().filter(|row| holds(condition, row)).count();
        some(matched as f64 / count as f64)
    };
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    match function {
        Function::Count => exactly(Some(count as f64)),
        Function::Sum => about(Some(rounded(exact_sum(&values))), 1.0),
        Function::Avg | Function::Stddev if count == 0 => exactly(None),
        Function::Avg => about(Some(mean(&values)), 1.0),
        Function::Stddev => about(Some(deviation(&values)), 1.0),
        Function::Min => exactly(sorted.first().copied()),
        Function::Max => exactly(sorted.last().copied()),
        Function::First => exactly(values.first().copied()),
        Function::Last => exactly(values.last().copied()),
        Function::Median => exactly(nearest(&sorted, 500)),
        Function::Percentile(percent) => exactly(nearest(&sorted, *percent * 10)),
        Function::Permille(permille) => exactly(nearest(&sorted, *permille)),
        Function::Linear(permille) => linear(&sorted, *permille),
        Function::Increase => amount(metric.unwrap(), rows, &values, stretches),
        Function::Delta => about(change(rows, stretches, false), 1.0),
        Function::Rate => per(amount(metric.unwrap(), rows, &values, stretches), stretches, 1),
        Function::Per(inner, seconds) => {
            let inner = match &**inner {
                Function::Rate => &Function::Increase,
                other => other,
            };
            per(evaluate(inner, metric, rows, stretches), stretches, *seconds)
        }
        Function::Share(condition) => exactly(share(condition)),
        Function::Burn(condition, _, allowed) => {
            exactly(share(condition).map(|share| share / allowed))
        }
        Function::Apdex(most, failed) => {
            let counts = |row: &&&Row, most: i64| {
                row.value <= most as f64 && !failed.as_ref().is_some_and(|f| holds(f, row))
            };
            let satisfied = found.iter().filter(|row| counts(row, *most)).count();
            let tolerated = found.iter().filter(|row| counts(row, *most * 4)).count();
            exactly(some((satisfied + tolerated) as f64 / (2 * count) as f64))
        }
        Function::Distinct(label) => {
            let known: BTreeSet<&str> = found.iter().map(|row| row.labels[*label]).collect();
            exactly(Some(known.iter().filter(|value| !value.is_empty()).count() as f64))
        }
    }
}

pub(crate) fn lies_in(row: &Row, stretches: &[(i64, i64)]) -> bool {
    stretches.iter().any(|(start, end)| (*start..*end).contains(&row.time))
}

/// Gives an amount for so many seconds.
fn per(amount: Expected, stretches: &[(i64, i64)], seconds: i64) -> Expected {
    let nanos: i64 = stretches.iter().map(|(start, end)| end - start).sum();
    if nanos <= 0 {
        return exactly(None);
    }
    let times = nanos as f64 / (seconds * SECOND) as f64;
    let ulps = if amount.within > 0.0 { 2.0 } else { 0.0 };
    about(amount.value.map(|amount| amount / times), ulps)
}

/// What happened, by the kind of the metric.
fn amount(metric: &str, rows: &[&Row], values: &[f64], stretches: &[(i64, i64)]) -> Expected {
    match kind_of(metric) {
        MetricKind::Event => exactly(Some(values.len() as f64)),
        MetricKind::Delta => about(Some(rounded(exact_sum(values))), 1.0),
        _ => about(change(rows, stretches, true), 1.0),
    }
}

/// The sum of steps from sample to sample, of each series for itself.
fn change(rows: &[&Row], stretches: &[(i64, i64)], resets: bool) -> Option<f64> {
    let mut series: BTreeMap<[&str; 3], Vec<&Row>> = BTreeMap::new();
    for row in rows {
        series.entry(row.labels).or_default().push(row);
    }
    let mut steps = Vec::new();
    let mut reached = false;
    for (members, &(start, end)) in
        series.values().flat_map(|members| stretches.iter().map(move |one| (members, one)))
    {
        if start >= end {
            continue;
        }
        let mut previous: Option<&Row> =
            members.iter().copied().rfind(|row| row.time < start && row.time >= start - REACH);
        reached |= previous.is_some();
        for row in members.iter().filter(|row| (start..end).contains(&row.time)) {
            reached = true;
            if let Some(previous) = previous {
                steps.push(row.value);
                if row.value >= previous.value || !resets {
                    steps.push(-previous.value);
                }
            }
            previous = Some(row);
        }
    }
    reached.then(|| rounded(exact_sum(&steps)))
}
