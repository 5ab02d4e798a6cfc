//! Alerts, judged once: which groups fire now, and which are about to.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::lang::Span;
use crate::lang::ast::{Alert, AlertClause, Body, Clause, Duration, Item, Query, Spanned};
use crate::model::Timestamp;
use crate::query::exec;
use crate::query::finding::Findings;
use crate::query::options::RunOptions;
use crate::query::plan::plan;
use crate::query::rows::{Answer, Cell, Column, Role};
use crate::snapshot::Snapshot;

const MINUTE: Duration = Duration { months: 0, days: 0, nanos: 60_000_000_000 };
/// How long a group is remembered after its last sample.
const KEEP: Duration = Duration { months: 0, days: 1, nanos: 0 };

/// How often an alert is evaluated, for how long its condition must hold, and whom it remembers.
struct Timing {
    every: Duration,
    holds: Duration,
    keep: Duration,
}

/// Evaluates the condition at each step of `for` up to now: a group fires if it always held, and is
/// pending if it holds at the last step.
pub(crate) fn judge(
    alert: &Alert,
    snapshot: &Snapshot,
    canonical: String,
    options: &RunOptions,
    findings: Findings<'_>,
) -> Result<Answer> {
    let timing = timing_of(alert);
    let steps = steps_of(&timing);
    let query = query_of(alert, &timing);
    let mut plan = plan(&query, snapshot, options, &findings)?;
    plan.timeline.remember(timing.keep);
    let output = exec::run(&plan, snapshot, &findings)?;
    let whole = plan.timeline.steps.iter().filter(|step| !plan.timeline.is_partial(**step));
    let mut judged: Vec<Timestamp> = whole.map(|step| step.start).collect();
    judged.drain(..judged.len().saturating_sub(steps));
    let is_label = |column: &Column| column.role == Role::Label;
    let mut held: BTreeMap<Vec<String>, (Vec<Cell>, Vec<Timestamp>, Cell)> = BTreeMap::new();
    for row in output.rows {
        let Some(Cell::Time(time)) = row.first().filter(|cell| is_in(cell, &judged)) else {
            continue;
        };
        let labels = output.columns.iter().zip(&row).filter(|(column, _)| is_label(column));
        let labels: Vec<Cell> = labels.map(|(_, cell)| cell.clone()).collect();
        let key = labels.iter().map(|cell| format!("{cell:?}")).collect();
        let entry = held.entry(key).or_insert_with(|| (labels, Vec::new(), Cell::Null));
        entry.1.push(*time);
        entry.2 = row.last().cloned().unwrap_or(Cell::Null);
    }
    let mut rows = Vec::new();
    for (labels, times, value) in held.into_values() {
        if times.last() != judged.last() {
            continue;
        }
        let state = if times.len() == judged.len() { "firing" } else { "pending" };
        let mut row = labels;
        row.extend([Cell::Text(state.into()), value]);
        rows.push(row);
    }
    let mut columns: Vec<Column> = output.columns.iter().filter(|c| is_label(c)).cloned().collect();
    columns.push(Column { name: "state".to_owned(), role: Role::Label, unit: None });
    columns.extend(output.columns.last().cloned());
    let (warnings, notes) = findings.into_parts();
    let range = plan.timeline.range;
    Ok(Answer { query: canonical, range, columns, rows, warnings, notes })
}

fn is_in(cell: &Cell, times: &[Timestamp]) -> bool {
    matches!(cell, Cell::Time(time) if times.contains(time))
}

fn timing_of(alert: &Alert) -> Timing {
    let mut timing = Timing { every: MINUTE, holds: Duration::default(), keep: KEEP };
    for clause in &alert.clauses {
        match &clause.node {
            AlertClause::For(holds) => timing.holds = *holds,
            AlertClause::Keep(keep) => timing.keep = *keep,
            AlertClause::Query(Clause::Every(every)) => timing.every = *every,
            _ => {}
        }
    }
    timing
}

/// Returns how many evaluations there are in `for`, at least one.
fn steps_of(timing: &Timing) -> usize {
    let nanos = |length: Duration| {
        let days = u128::from(length.months) * 30 + u128::from(length.days);
        days * 86_400_000_000_000 + u128::from(length.nanos)
    };
    let steps = nanos(timing.holds).div_ceil(nanos(timing.every).max(1));
    usize::try_from(steps.max(1)).unwrap_or(usize::MAX)
}

/// Makes the question whose windows are the evaluations; the last may still be open.
fn query_of(alert: &Alert, timing: &Timing) -> Query {
    let Timing { every, holds, .. } = timing;
    let last = Duration {
        months: every.months.saturating_add(holds.months),
        days: every.days.saturating_add(holds.days),
        nanos: every.nanos.saturating_add(holds.nanos),
    };
    let item = Item { expr: alert.condition.clone(), name: Some(alert.name.clone()) };
    let spanned = |clause| Spanned::new(clause, Span::default());
    let mut clauses = vec![spanned(Clause::Last(last)), spanned(Clause::Every(*every))];
    clauses.extend(alert.clauses.iter().filter_map(|clause| match &clause.node {
        AlertClause::Query(Clause::Every(_)) => None,
        AlertClause::Query(own) => Some(Spanned::new(own.clone(), clause.span)),
        _ => None,
    }));
    Query { body: Body::Items(vec![item]), clauses }
}
