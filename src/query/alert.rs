//! Alerts, judged once: which groups fire now, and which are about to.

use std::collections::BTreeMap;
use std::time;

use crate::error::Result;
use crate::lang::Span;
use crate::lang::ast::{
    Alert, AlertClause, Body, Clause, Duration, ExprKind, Item, Query, Spanned,
};
use crate::model::{TimeRange, Timestamp};
use crate::query::budget::Budget;
use crate::query::exec;
use crate::query::finding::Findings;
use crate::query::options::RunOptions;
use crate::query::plan::{self, is_condition, plan};
use crate::query::rows::{Answer, Cell, Column, Role};
use crate::snapshot::Snapshot;

const MINUTE: Duration = Duration { months: 0, days: 0, nanos: 60_000_000_000 };
/// How long a group is remembered after its last sample.
const KEEP: Duration = Duration { months: 0, days: 1, nanos: 0 };

/// At most so many evaluations are made anew to learn what a group's state was before its data
/// stopped: a day of minutes.
const HISTORY_STEPS_MAX: u64 = 1_440;

/// How often an alert is evaluated, for how long its condition must hold, and whom it remembers.
struct Timing {
    every: Duration,
    holds: Duration,
    keep: Duration,
}

/// What is known of one group.
struct Group {
    labels: Vec<Cell>,
    /// For how many evaluations the condition has held; those that could not tell do not count.
    held: usize,
    /// The value at the last evaluation.
    value: Cell,
    /// True if some evaluation could not tell.
    unsure: bool,
}

/// Evaluates the condition at each step of `for` up to now: a group fires if it always held, and is
/// pending if it held at the last steps. Where there is no value to compare, the state stays what
/// it was: for that, evaluations before `for` are looked at as well.
pub(crate) fn judge(
    alert: &Alert,
    snapshot: &Snapshot,
    canonical: String,
    options: &RunOptions,
    findings: Findings<'_>,
) -> Result<Answer> {
    let decides = match &*alert.condition.node {
        ExprKind::Binary { op, .. } => is_condition(op.node),
        _ => false,
    };
    if !decides {
        let span = alert.condition.span;
        let error = findings.error("Q135", span, "an alert needs a comparison".to_owned());
        return Err(error.help("such as `if p99(latency) > 1s`".to_owned()).into());
    }
    let timing = timing_of(alert);
    let steps = steps_of(&timing);
    let budget = Budget::new(options, snapshot.limits());
    let mut judged = evaluate(alert, &timing, steps, (snapshot, options, &findings, &budget))?;
    if judged.groups.values().any(|group| group.unsure) {
        let history = nanos_of(timing.keep) / nanos_of(timing.every).max(1);
        let history = usize::try_from(history.min(u128::from(HISTORY_STEPS_MAX))).unwrap_or(0);
        let source = (snapshot, options, &findings, &budget);
        judged = evaluate(alert, &timing, steps.max(history), source)?;
    }
    let rows = judged.groups.into_values().filter(|group| group.held > 0).map(|group| {
        let state = if group.held >= steps { "firing" } else { "pending" };
        let mut row = group.labels;
        row.extend([Cell::Text(state.into()), group.value]);
        row
    });
    let rows = rows.collect();
    let (warnings, notes) = findings.into_parts();
    let Judged { range, columns, planned, .. } = judged;
    let stats = budget.stats(planned);
    Ok(Answer { query: canonical, range, columns, rows, warnings, notes, stats })
}

/// The groups, and what is known of them after so many evaluations.
struct Judged {
    range: TimeRange,
    columns: Vec<Column>,
    groups: BTreeMap<Vec<String>, Group>,
    /// When the last plan was ready.
    planned: time::Duration,
}

fn evaluate(
    alert: &Alert,
    timing: &Timing,
    steps: usize,
    (snapshot, options, findings, budget): (&Snapshot, &RunOptions, &Findings<'_>, &Budget),
) -> Result<Judged> {
    let query = query_of(alert, timing, steps);
    let mut plan = plan(&query, snapshot, (options, budget), findings)?;
    plan.timeline.remember(timing.keep);
    if let plan::Body::Items(computed) = &mut plan.body {
        computed.judged = true;
    }
    let planned = budget.elapsed();
    let output = exec::run(&plan, snapshot, findings, budget)?;
    // The last window may still be open.
    let whole = plan.timeline.steps.iter().filter(|step| !plan.timeline.is_partial(**step));
    let mut times: Vec<Timestamp> = whole.map(|step| step.start).collect();
    times.drain(..times.len().saturating_sub(steps));
    let is_label = |column: &Column| column.role == Role::Label;
    let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
    let pace = budget.pace();
    for row in output.rows {
        pace.step(row.len())?;
        let (Some(time), [.., value, holds]) = (row.first(), row.as_slice()) else { continue };
        if !is_in(time, &times) {
            continue;
        }
        let labels = output.columns.iter().zip(&row).filter(|(column, _)| is_label(column));
        let labels: Vec<Cell> = labels.map(|(_, cell)| cell.clone()).collect();
        let key = labels.iter().map(|cell| format!("{cell:?}")).collect();
        let new = || Group { labels, held: 0, value: Cell::Null, unsure: false };
        let group = groups.entry(key).or_insert_with(new);
        group.value = value.clone();
        match holds {
            Cell::Number(0.0) => group.held = 0,
            Cell::Number(_) => group.held += 1,
            _ => group.unsure = true,
        }
    }
    let mut columns: Vec<Column> = output.columns.iter().filter(|c| is_label(c)).cloned().collect();
    columns.push(Column { name: "state".to_owned(), role: Role::Label, unit: None });
    let value = output.columns.len().checked_sub(2).and_then(|at| output.columns.get(at));
    columns.extend(value.cloned());
    Ok(Judged { range: plan.timeline.range, columns, groups, planned })
}

fn is_in(cell: &Cell, times: &[Timestamp]) -> bool {
    matches!(cell, Cell::Time(time) if times.binary_search(time).is_ok())
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
    let steps = nanos_of(timing.holds).div_ceil(nanos_of(timing.every).max(1));
    usize::try_from(steps.max(1)).unwrap_or(usize::MAX)
}

/// Returns about how long a duration is.
fn nanos_of(length: Duration) -> u128 {
    let days = u128::from(length.months) * 30 + u128::from(length.days);
    days * 86_400_000_000_000 + u128::from(length.nanos)
}

/// Makes the question whose windows are the evaluations, and one more that may still be open.
fn query_of(alert: &Alert, timing: &Timing, steps: usize) -> Query {
    let every = timing.every;
    let times = u64::try_from(steps).unwrap_or(u64::MAX).saturating_add(1);
    let few = u32::try_from(times).unwrap_or(u32::MAX);
    let last = Duration {
        months: every.months.saturating_mul(few),
        days: every.days.saturating_mul(few),
        nanos: every.nanos.saturating_mul(times),
    };
    let item = Item { expr: alert.condition.clone(), name: Some(alert.name.clone()) };
    let spanned = |clause| Spanned::new(clause, Span::default());
    let mut clauses = vec![spanned(Clause::Last(last)), spanned(Clause::Every(every))];
    clauses.extend(alert.clauses.iter().filter_map(|clause| match &clause.node {
        AlertClause::Query(Clause::Every(_)) => None,
        AlertClause::Query(own) => Some(Spanned::new(own.clone(), clause.span)),
        _ => None,
    }));
    Query { body: Body::Items(vec![item]), clauses }
}
