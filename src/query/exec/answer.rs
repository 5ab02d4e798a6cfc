//! Runs a plan: scans, arithmetic, the choice of groups, and the rows in their order.

use std::sync::Arc;

use crate::error::Result;
use crate::lang::ast::Fill;
use crate::query::buckets::Bucket;
use crate::query::budget::Budget;
use crate::query::exec::arithmetic::{Evaluation, Mode, Value};
use crate::query::exec::compare::{add_changes, columns_of};
use crate::query::exec::fill::{fill, is_empty};
use crate::query::exec::frame::{GroupKey, Lookup, Point};
use crate::query::exec::memory;
use crate::query::exec::rank::{best, by_value};
use crate::query::exec::raw;
use crate::query::exec::scan::{Scanned, scan};
use crate::query::exec::table::{Line, Table};
use crate::query::finding::Findings;
use crate::query::pieces::shown;
use crate::query::plan::{Body, Computed, Item, Node, Plan, Scan, SplitKey};
use crate::query::rows::{Cell, Column, Role};
use crate::query::window::Timeline;
use crate::snapshot::Snapshot;

/// The columns and rows of an answer.
#[derive(Debug)]
pub(crate) struct Output {
    /// The columns, in the order of printing.
    pub(crate) columns: Vec<Column>,
    /// The rows, one cell a column.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// True if some sample lies in the range.
    pub(crate) found: bool,
}

/// Runs a plan over a snapshot.
///
/// # Errors
/// Errors of reading, and `ErrorKind::Limit` for more rows than allowed.
pub(crate) fn run(
    plan: &Plan,
    snapshot: &Snapshot,
    findings: &Findings<'_>,
    budget: &Budget,
) -> Result<Output> {
    let mut output = match &plan.body {
        Body::Samples(scan) => raw::list(scan, &plan.timeline, plan.limit, (snapshot, budget))?,
        Body::Items(computed) => items(computed, &plan.timeline, (snapshot, budget), findings)?,
    };
    if let Some(limit) = plan.limit {
        output.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(output)
}

fn items(
    computed: &Computed,
    timeline: &Timeline,
    source: (&Snapshot, &Budget),
    findings: &Findings<'_>,
) -> Result<Output> {
    let scanned = scan_all(computed, timeline, source)?;
    let budget = source.1;
    let scanned_bytes = budget.held();
    let evaluation = scanned.evaluation((findings, budget), Mode::Filter);
    let mut values = evaluate_items(computed, evaluation)?;
    if computed.judged {
        // Beside each condition whether it holds: rows that it leaves out stay.
        let evaluation = scanned.evaluation((findings, budget), Mode::Truth);
        values.extend(evaluate_items(computed, evaluation)?);
    }
    if let Some(past) = computed.compare {
        let before = budget.held();
        let then = scan_all(computed, &timeline.compared(past), source)?;
        let then_bytes = budget.held() - before;
        let evaluation = then.evaluation((findings, budget), Mode::Show);
        values.extend(evaluate_items(computed, evaluation)?);
        drop(then);
        budget.let_go(then_bytes);
    }
    let values_bytes = budget.held() - scanned_bytes;
    let mut table = Table::join(&values, timeline.steps.len(), (source.0.limits(), budget))?;
    drop(values);
    budget.let_go(values_bytes);
    if computed.having.is_some() || computed.rank.is_some() {
        // Without windows, what was scanned is the whole range already.
        let whole = if computed.windowed {
            Some(scan_all(computed, &timeline.as_one_step(), source)?)
        } else {
            None
        };
        let scanned = whole.as_ref().unwrap_or(&scanned);
        choose(&mut table, computed, scanned, (findings, budget))?;
    }
    if let Some(how) = computed.fill {
        fill_all(&mut table, timeline, how, budget)?;
    }
    if computed.compare.is_some() {
        compare_all(&mut table, budget)?;
    }
    let found = scanned.scans.iter().any(|scanned| scanned.found);
    let rows = if computed.windowed {
        windowed_rows(&table, timeline, computed.fill, budget)?
    } else {
        plain_rows(&mut table, budget)?
    };
    Ok(Output { columns: columns(&table, computed), rows, found })
}

fn fill_all(table: &mut Table, timeline: &Timeline, how: Fill, budget: &Budget) -> Result<()> {
    let pace = budget.pace();
    for points in table.lines.iter_mut().flat_map(|line| &mut line.items) {
        pace.step(points.len())?;
        fill(points, &timeline.steps, how);
    }
    Ok(())
}

fn compare_all(table: &mut Table, budget: &Budget) -> Result<()> {
    let pace = budget.pace();
    for line in &mut table.lines {
        let points = line.items.iter().map(Vec::len).sum();
        pace.step(points)?;
        // Change and percent stand beside as many points of now and then.
        budget.hold(memory::of_points(1, points))?;
        add_changes(line);
    }
    Ok(())
}

fn evaluate_items(computed: &Computed, evaluation: Evaluation<'_>) -> Result<Vec<Value>> {
    computed.items.iter().map(|item| evaluation.of(&item.node)).collect()
}

/// What all scans of a query yielded.
struct Reads {
    scans: Vec<Scanned>,
    windows: Vec<Vec<(usize, usize)>>,
}

impl Reads {
    fn evaluation<'a>(
        &'a self,
        (findings, budget): (&'a Findings<'a>, &'a Budget),
        mode: Mode,
    ) -> Evaluation<'a> {
        Evaluation { scans: &self.scans, windows: &self.windows, findings, mode, budget }
    }
}

fn scan_all(
    computed: &Computed,
    timeline: &Timeline,
    (snapshot, budget): (&Snapshot, &Budget),
) -> Result<Reads> {
    let mut timelines = vec![timeline.clone()];
    let mut windows = vec![Vec::new()];
    for level in &computed.levels {
        let (Some(parent), Some(grid)) = (timelines.get(level.parent), &level.step) else {
            continue;
        };
        let inner = parent.within(grid, snapshot.limits())?;
        windows.push(parent.windows_within(&inner));
        timelines.push(inner);
    }
    let timeline_of = |one: &Scan| timelines.get(one.level).unwrap_or(timeline);
    let scans = computed.scans.iter().map(|one| scan(one, timeline_of(one), snapshot, budget));
    Ok(Reads { scans: scans.collect::<Result<_>>()?, windows })
}

/// Keeps the groups that `having` and `top` choose by what was scanned of the whole range.
fn choose(
    table: &mut Table,
    computed: &Computed,
    scanned: &Reads,
    (findings, budget): (&Findings<'_>, &Budget),
) -> Result<()> {
    let pace = budget.pace();
    let one_point = |node: &Node, mode: Mode, table: &Table| -> Result<Vec<Point>> {
        let value = scanned.evaluation((findings, budget), mode).of(node)?;
        let keys = table.lines.iter().map(|line| &line.key);
        match &value {
            Value::Constant(point) => Ok(keys.map(|_| *point).collect()),
            Value::Frame(frame) => {
                let lookup = Lookup::new(frame, &table.keys);
                let point = |key: &GroupKey| {
                    pace.step(1)?;
                    Ok(lookup.point(lookup.points(key), 0))
                };
                keys.map(point).collect()
            }
        }
    };
    if let Some(having) = &computed.having {
        let mut holds = one_point(having, Mode::Filter, table)?.into_iter();
        table.lines.retain(|_| holds.next().is_some_and(|point| point.kept));
    }
    if let (Some(rank), Some(first)) = (computed.rank, computed.items.first()) {
        // What comparisons left out takes no place among the first; what is left is ranked by its
        // value, whether or not a comparison holds over the whole range. What an item was before,
        // which stands behind the items of now, is left out where it is now.
        let items = computed.items.len();
        table.lines.retain(|line| {
            let steps = line.items.first().map_or(0, Vec::len);
            !(0..steps).all(|step| line.are_left_out(items, step))
        });
        let values =
            one_point(&first.node, Mode::Show, table)?.into_iter().map(|point| point.value);
        let values: Vec<Option<f64>> = values.collect();
        // Lines stand in the order of their keys.
        let kept = best(&values, rank);
        let (mut line, mut kept) = (0.., kept.into_iter().peekable());
        table.lines.retain(|_| {
            let index = line.next();
            kept.next_if(|kept| Some(*kept) == index).is_some()
        });
    }
    Ok(())
}

/// Returns rows by time, then group.
fn windowed_rows(
    table: &Table,
    timeline: &Timeline,
    fill: Option<Fill>,
    budget: &Budget,
) -> Result<Vec<Vec<Cell>>> {
    let pace = budget.pace();
    let mut rows = Vec::new();
    for (index, step) in timeline.steps.iter().enumerate() {
        for line in &table.lines {
            pace.step(line.items.len())?;
            if line.is_left_out(index) {
                continue;
            }
            let points: Vec<Option<&Point>> =
                line.items.iter().map(|points| points.get(index)).collect();
            if matches!(fill, Some(Fill::None))
                && points.iter().flatten().all(|point| is_empty(point))
            {
                continue;
            }
            budget.hold(memory::of_row(3 + line.key.len() + line.items.len()))?;
            let mut cells = vec![
                Cell::Time(step.start),
                Cell::Time(step.end),
                Cell::Flag(timeline.is_partial(*step)),
            ];
            push_labels(line, &table.keys, &mut cells);
            cells.extend(points.into_iter().map(cell));
            rows.push(cells);
        }
    }
    Ok(rows)
}

/// Returns a row a group, the greatest first value first.
fn plain_rows(table: &mut Table, budget: &Budget) -> Result<Vec<Vec<Cell>>> {
    let pace = budget.pace();
    pace.step(table.lines.len())?;
    let first = |line: &Line| {
        line.items.first().and_then(|points| points.first()).and_then(|point| point.value)
    };
    // Histograms are read from the least bucket on.
    let by_key = table.keys.contains(&SplitKey::Bucket);
    table.lines.sort_by(|one, other| {
        if by_key {
            return one.key.cmp(&other.key);
        }
        by_value(first(one), first(other), true).then_with(|| one.key.cmp(&other.key))
    });
    let row = |line: &Line| {
        pace.step(line.items.len())?;
        budget.hold(memory::of_row(line.key.len() + line.items.len()))?;
        let mut cells = Vec::with_capacity(table.keys.len() + 1 + line.items.len());
        push_labels(line, &table.keys, &mut cells);
        cells.extend(line.items.iter().map(|points| cell(points.first())));
        Ok(cells)
    };
    table.lines.iter().filter(|line| !line.is_left_out(0)).map(row).collect()
}

/// Appends the values of a line's keys.
fn push_labels(line: &Line, keys: &[SplitKey], cells: &mut Vec<Cell>) {
    for (text, key) in line.key.iter().zip(keys) {
        match key {
            SplitKey::Calendar(part) => cells.push(Cell::Text(shown(*part, text))),
            SplitKey::Metric | SplitKey::Label(_) => cells.push(Cell::Text(Arc::clone(text))),
            SplitKey::Bucket => {
                let bucket = Bucket::from_key(text).unwrap_or(Bucket { from: 0.0, to: 0.0 });
                cells.extend([Cell::Number(bucket.from), Cell::Number(bucket.to)]);
            }
        }
    }
}

fn cell(point: Option<&Point>) -> Cell {
    point.and_then(|point| point.value).map_or(Cell::Null, Cell::Number)
}

fn columns(table: &Table, computed: &Computed) -> Vec<Column> {
    let plain = |name: &str, role| Column { name: name.to_owned(), role, unit: None };
    let mut columns = Vec::new();
    let values: Vec<Column> =
        computed.items.iter().flat_map(|item| value_columns(item, computed)).collect();
    let mut taken: Vec<&str> = values.iter().map(|column| column.name.as_str()).collect();
    if table.keys.contains(&SplitKey::Bucket) {
        taken.extend(["from", "to"]);
    }
    if computed.windowed {
        columns.push(plain("time", Role::Time));
        columns.push(plain("end", Role::End));
        columns.push(plain("partial", Role::Partial));
        taken.extend(["time", "end", "partial"]);
    }
    for key in &table.keys {
        if *key == SplitKey::Bucket {
            columns.extend([plain("from", Role::Label), plain("to", Role::Label)]);
        } else {
            columns.push(label_column(key.name(), &taken));
        }
    }
    columns.extend(values);
    if computed.judged {
        let holds = computed.items.iter().map(|_| plain("holds", Role::Value));
        columns.extend(holds);
    }
    columns
}

fn value_columns(item: &Item, computed: &Computed) -> Vec<Column> {
    if computed.compare.is_some() {
        return columns_of(&item.name, item.unit.as_deref()).to_vec();
    }
    let role = if item.is_error { Role::Error } else { Role::Value };
    vec![Column { name: item.name.clone(), role, unit: item.unit.clone() }]
}

/// Makes the column of a label; one whose name another column has is called `label.NAME`.
pub(super) fn label_column(name: &str, taken: &[&str]) -> Column {
    let name = if taken.contains(&name) { format!("label.{name}") } else { name.to_owned() };
    Column { name, role: Role::Label, unit: None }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{compare_all, fill_all, plain_rows, windowed_rows};
    use crate::error::{ErrorKind, Result};
    use crate::lang::ast::Fill;
    use crate::model::{Columns, Limits, MetricDef, SeriesKey, TimeRange, Timestamp};
    use crate::query::budget::{Budget, CancelToken};
    use crate::query::calendar::Zone;
    use crate::query::exec::arithmetic::Value;
    use crate::query::exec::frame::Point;
    use crate::query::exec::table::{Line, Table};
    use crate::query::options::RunOptions;
    use crate::query::statement::Query;
    use crate::query::window::Timeline;
    use crate::snapshot::Snapshot;

    fn table() -> Table {
        let points = vec![Point::new(Some(1.0), true)];
        let line = Line { key: Arc::from([]), items: vec![points.clone(), points] };
        Table { keys: Vec::new(), lines: vec![line] }
    }

    #[test]
    fn each_stage_behind_the_scan_ends_once_the_run_is_canceled() {
        let range = TimeRange::new(Timestamp::from_nanos(0), Timestamp::from_nanos(10));
        let timeline = Timeline::whole(range, &Zone::utc());
        let (canceled, limits) = (Budget::canceled(), Limits::DEFAULT);
        let values = [Value::Constant(Point::new(Some(1.0), true))];
        let ends: [Result<()>; 5] = [
            Table::join(&values, 1, (&limits, &canceled)).map(drop),
            fill_all(&mut table(), &timeline, Fill::Null, &canceled),
            compare_all(&mut table(), &canceled),
            windowed_rows(&table(), &timeline, None, &canceled).map(drop),
            plain_rows(&mut table(), &canceled).map(drop),
        ];
        for (stage, end) in ends.into_iter().enumerate() {
            assert!(matches!(end.unwrap_err().kind(), ErrorKind::Canceled), "{stage}");
        }
        let ample = Budget::ample();
        assert_eq!(windowed_rows(&table(), &timeline, None, &ample).unwrap().len(), 1);
        assert_eq!(plain_rows(&mut table(), &ample).unwrap().len(), 1);
    }

    /// Returns how often a run asks whether it may go on; each answer `no` must end it.
    fn questions(text: &str) -> u64 {
        let mut columns = Columns::default();
        (0..600).for_each(|second| columns.push(second * 1_000_000_000, 1.0));
        let series = vec![(SeriesKey::new("latency").label("bot", "sales"), columns)];
        let now = Timestamp::from_nanos(600_000_000_000);
        let snapshot = Snapshot::of_samples(now, vec![MetricDef::new("latency")], series);
        let query: Query = text.parse().unwrap();
        let may_end = |asked: u64| {
            let token = CancelToken::after(asked);
            match snapshot.run(&query, &RunOptions::default().cancel(&token)) {
                Ok(_) => true,
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Canceled), "{text}: {error}");
                    false
                }
            }
        };
        (0..1_000).find(|asked| may_end(*asked)).unwrap()
    }

    #[test]
    fn every_operator_asks_whether_the_run_may_go_on() {
        for (less, more) in [
            ("count(latency) by bot last 5m", "-count(latency) by bot last 5m"),
            ("count(latency) by bot last 5m", "count(latency) + 1 by bot last 5m"),
            ("count(latency), sum(latency) last 5m", "count(latency) / sum(latency) last 5m"),
            ("count(latency) last 5m", "max(count(latency) every 1m) last 5m"),
            (
                "count(latency) by bot last 5m",
                "count(latency) by bot last 5m having count(latency) > 1",
            ),
            ("count(latency) by bot last 5m", "count(latency) by bot last 5m top 1"),
            ("count(latency) by bot last 5m", "count(latency) by bot, hour() last 5m"),
            ("count(latency) every 1m last 5m", "count(latency) every 1m last 5m fill null"),
            ("count(latency) last 5m", "count(latency) last 5m compare 1m"),
        ] {
            assert!(questions(more) > questions(less), "{more}");
        }
        assert!(questions("latency last 5m") > 1);
        assert!(questions("alert slow if count(latency) > 1 for 5m") > 1);
    }
}
