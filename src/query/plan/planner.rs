//! Plans a query: range, steps, scans, items.

use crate::error::{Error, Result};
use crate::lang::Span;
use crate::lang::ast::{self, BinaryOp, Duration, ExprKind, Grouping, Predicate as Condition};
use crate::lang::ast::{Sample, Spanned};
use crate::model::{TimeRange, Timestamp};
use crate::query::budget::Budget;
use crate::query::calendar::{Grid, Zone};
use crate::query::finding::Findings;
use crate::query::options::RunOptions;
use crate::query::plan::approximate::is_approximate;
use crate::query::plan::call::is_rank_call;
use crate::query::plan::clauses::Clauses;
use crate::query::plan::expression::{Measure, Typed};
use crate::query::plan::grouping;
use crate::query::plan::selection::{Catalogue, Counted, Selection};
use crate::query::plan::tree::{
    Body, Buckets, Computed, Function, Item, Level, Node, Plan, Rank, Scan, SplitKey,
};
use crate::query::quantile::Decimal;
use crate::query::range::{Asked, Reckoning};
use crate::query::window::Timeline;
use crate::snapshot::Snapshot;

/// The columns that `stats` stands for.
const STATS: [&str; 7] = ["count", "min", "avg", "p50", "p95", "p99", "max"];

/// Plans a query over a snapshot.
///
/// # Errors
/// Diagnostics of what is unknown, unclear, or not executed yet; limits on windows.
pub(crate) fn plan(
    query: &ast::Query,
    snapshot: &Snapshot,
    (options, budget): (&RunOptions, &Budget),
    findings: &Findings<'_>,
) -> Result<Plan> {
    let clauses = Clauses::of(query, findings)?;
    let catalogue = Catalogue::new(snapshot, findings, budget);
    let mut planner = Planner {
        findings,
        catalogue,
        clause_condition: clauses.filter,
        clause_grouping: clauses.group.map(|(grouping, _)| grouping),
        offset: None,
        in_total: false,
        depth: 0,
        zone: &clauses.zone,
        level: 0,
        levels: vec![Level { parent: 0, step: None }],
        drafts: Vec::new(),
    };
    let mut body = match &query.body {
        ast::Body::Items(items) => Body::Items(planner.items(items, &clauses)?),
        ast::Body::Samples(sample) => {
            clauses.check_raw(findings)?;
            Body::Samples(planner.new_scan(sample, &[])?)
        }
    };
    let timeline = timeline(&body, &clauses, snapshot, options, findings)?;
    if let Body::Items(computed) = &mut body {
        computed.windowed = clauses.every.is_some();
    }
    Ok(Plan { timeline, body, limit: clauses.limit })
}

fn timeline(
    body: &Body,
    clauses: &Clauses<'_>,
    snapshot: &Snapshot,
    options: &RunOptions,
    findings: &Findings<'_>,
) -> Result<Timeline> {
    let zone = &clauses.zone;
    let extent = if options.newest || options.whole { extent(body, snapshot)? } else { None };
    let given = options.now.unwrap_or_else(|| snapshot.now());
    let now = if options.newest { extent.map_or(given, |extent| extent.end) } else { given };
    let whole = options.whole.then(|| extent.unwrap_or(TimeRange::new(now, now)));
    let reckoning = Reckoning { now, zone, whole, snapshot, findings };
    let Asked { range, snaps } = reckoning.range(&clauses.range)?;
    let Some((every, span)) = clauses.every else {
        return Ok(Timeline::whole(range, zone).snapping(snaps));
    };
    let Some(grid) = Grid::of(every, zone) else {
        let message = "windows of this length have no clear boundaries".to_owned();
        let help = "use one unit: months, days, or what is shorter than a day".to_owned();
        return Err(findings.error("Q122", span, message).help(help).into());
    };
    let start = Timestamp::from_nanos(grid.floor(range.start.as_nanos()));
    let range = if snaps { TimeRange::new(start, range.end) } else { range };
    let over = clauses.over.map(|(over, _)| over);
    let timeline = Timeline::windows(range, &grid, over, zone, snapshot.limits())?;
    Ok(timeline.snapping(snaps))
}

/// Returns from the first sample to just after the last of all metrics that are asked for.
fn extent(body: &Body, snapshot: &Snapshot) -> Result<Option<TimeRange>> {
    let selections: Vec<&Selection> = match body {
        Body::Samples(scan) => vec![&scan.selection],
        Body::Items(computed) => computed.scans.iter().map(|scan| &scan.selection).collect(),
    };
    let mut all: Option<TimeRange> = None;
    for def in selections.into_iter().flat_map(|selection| &selection.metrics) {
        if let Some(one) = snapshot.extent(Some(&def.name))? {
            all =
                Some(all.map_or(one, |all| {
                    TimeRange::new(all.start.min(one.start), all.end.max(one.end))
                }));
        }
    }
    Ok(all)
}

/// What a query's items share while they are planned.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) findings: &'a Findings<'a>,
    pub(super) catalogue: Catalogue<'a>,
    /// The `where` clause.
    pub(super) clause_condition: Option<&'a Condition>,
    /// The grouping of calls that have none of their own.
    pub(super) clause_grouping: Option<&'a Grouping>,
    /// The shift of the expression that is being planned.
    pub(super) offset: Option<Duration>,
    /// True inside `total`, where nothing is split.
    pub(super) in_total: bool,
    /// How deep the expression that is being planned is nested.
    pub(super) depth: u64,
    /// The zone of civil windows.
    pub(super) zone: &'a Zone,
    /// The level of the windows that the expression is planned for.
    pub(super) level: usize,
    pub(super) levels: Vec<Level>,
    pub(super) drafts: Vec<Draft>,
}

/// A scan, and what makes it the same as another.
#[derive(Debug)]
pub(super) struct Draft {
    sample: Sample,
    conditions: Vec<Condition>,
    pub(super) grouping: Option<Grouping>,
    counted: Vec<Counted>,
    pub(super) scan: Scan,
}

impl<'a> Planner<'a> {
    fn items(&mut self, items: &'a [ast::Item], clauses: &Clauses<'a>) -> Result<Computed> {
        let mut rank = clauses.rank.map(|(rank, _)| rank);
        let mut planned: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            let (expr, own_rank) = self.unwrap_rank(item, items.len(), rank.is_some())?;
            rank = rank.or(own_rank);
            for new in self.item(item, expr)? {
                if planned.iter().any(|other| other.name == new.name) {
                    let span = item.name.as_ref().map_or(item.expr.span, |name| name.span);
                    let message = format!("two columns are named `{}`", new.name);
                    let help = "name one of them: `… as other`".to_owned();
                    return Err(self.findings.error("Q123", span, message).help(help).into());
                }
                planned.push(new);
            }
        }
        let having = clauses.having.map(|(condition, _)| self.having(condition)).transpose()?;
        grouping::resolve(&self.catalogue, &mut self.drafts)?;
        let scans: Vec<Scan> = self.drafts.drain(..).map(|draft| draft.scan).collect();
        for item in &planned {
            grouping::check(&item.node, &scans, self.findings)?;
        }
        let keys = self.check_items_join(&planned, items, &scans)?;
        if let (Some(node), Some((condition, _))) = (&having, clauses.having) {
            grouping::check(node, &scans, self.findings)?;
            let of_condition = grouping::keys(node, &scans);
            if !of_condition.iter().all(|key| keys.contains(key)) {
                let span = condition.span;
                return Err(grouping::join_error(self.findings, span, &keys, &of_condition));
            }
        }
        let fill = clauses.fill.map(|(fill, _)| fill);
        if let (Some((_, span)), true) = (clauses.compare, planned.iter().any(|one| one.is_error)) {
            let message = "approximate answers are not compared: their errors would add up";
            return Err(self.error("Q144", span, message.to_owned()));
        }
        let is_even = |scan: &Scan| matches!(scan.buckets, Some(Buckets::AtMost(_)));
        if let (Some((_, span)), true) = (clauses.compare, scans.iter().any(is_even)) {
            let message = "buckets of one width are chosen for one range, and not compared";
            let help = "leave out `buckets`: those of 1, 2 and 5 are the same at all times";
            let error = self.findings.error("Q145", span, message.to_owned());
            return Err(error.help(help.to_owned()).into());
        }
        let compare = clauses.compare.map(|(past, _)| past);
        let levels = std::mem::take(&mut self.levels);
        Ok(Computed {
            scans,
            levels,
            items: planned,
            windowed: false,
            judged: false,
            having,
            rank,
            compare,
            fill,
        })
    }

    /// Plans the columns of an item: one, and for `stats` seven.
    fn item(&mut self, item: &'a ast::Item, expr: &'a ast::Expr) -> Result<Vec<Item>> {
        if let ExprKind::Call(call) = &*expr.node
            && call.name.node == "stats"
        {
            return self.stats(call, item.name.as_ref().map(|name| name.node.as_str()));
        }
        if let ExprKind::Call(call) = &*expr.node
            && is_approximate(call)
        {
            let name = item.name.as_ref().map_or_else(|| expr.to_string(), |n| n.node.clone());
            return self.approximate(call, name);
        }
        let typed = self.expression(expr)?.resolved(self.findings)?;
        let name = item.name.as_ref().map_or_else(|| expr.to_string(), |name| name.node.clone());
        Ok(vec![Item { name, unit: typed.unit, is_error: false, node: typed.node }])
    }

    /// Plans what `stats` stands for; a name of the item goes before those of its columns.
    fn stats(&mut self, call: &'a ast::Call, named: Option<&str>) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(STATS.len());
        for function in STATS {
            let typed = match function {
                "count" => self.simple(call, Function::Count, Measure::Amount)?,
                "min" => self.simple(call, Function::Min, Measure::Level)?,
                "avg" => self.simple(call, Function::Avg, Measure::Level)?,
                "max" => self.simple(call, Function::Max, Measure::Level)?,
                name => self.quantile(call, Decimal::of_name(name).unwrap_or(Decimal::HALF))?,
            };
            let name = named.map_or_else(|| function.to_owned(), |of| format!("{of} {function}"));
            items.push(Item { name, unit: typed.unit, is_error: false, node: typed.node });
        }
        Ok(items)
    }

    fn having(&mut self, condition: &'a ast::Expr) -> Result<Node> {
        let decides = matches!(
            &*condition.node,
            ExprKind::Binary { op: Spanned { node, .. }, .. } if is_condition(*node)
        );
        if !decides {
            let message = "`having` needs a comparison".to_owned();
            let help = "such as `having count(latency) >= 100`".to_owned();
            return Err(self.findings.error("Q135", condition.span, message).help(help).into());
        }
        Ok(self.expression(condition)?.node)
    }

    fn check_items_join(
        &self,
        planned: &[Item],
        items: &[ast::Item],
        scans: &[Scan],
    ) -> Result<Vec<SplitKey>> {
        let mut widest = Vec::new();
        let span = items.last().map_or(Span::default(), |item| item.expr.span);
        for item in planned {
            let keys = grouping::keys(&item.node, scans);
            widest = grouping::join(widest, keys)
                .map_err(|(one, other)| grouping::join_error(self.findings, span, &one, &other))?;
        }
        Ok(widest)
    }

    fn unwrap_rank(
        &self,
        item: &'a ast::Item,
        count: usize,
        ranked: bool,
    ) -> Result<(&'a ast::Expr, Option<Rank>)> {
        match &*item.expr.node {
            ExprKind::Call(call) if is_rank_call(&call.name.node) => {
                if count > 1 || ranked {
                    let message = format!("`{}` stands alone", call.name.node);
                    let help = "use the clause `top` for several items".to_owned();
                    let error = self.findings.error("Q136", call.name.span, message);
                    return Err(error.help(help).into());
                }
                let (expr, rank) = self.rank_call(call)?;
                Ok((expr, Some(rank)))
            }
            _ => Ok((&item.expr, None)),
        }
    }

    /// Chooses the series of a selector under the `where` clause and more conditions.
    fn select(&self, sample: &Sample, more: &[&Condition]) -> Result<Selection> {
        let mut conditions: Vec<&Condition> = self.clause_condition.into_iter().collect();
        conditions.extend(more);
        self.catalogue.select(sample, &conditions)
    }

    /// Returns the index of the scan of a selector, a new one where none is the same.
    pub(super) fn scan(
        &mut self,
        sample: &Sample,
        conditions: &[&Condition],
        grouping: Option<&Grouping>,
    ) -> Result<usize> {
        if self.in_total && grouping.is_some() {
            let label = "`total` is over all groups: a call inside has none of its own".to_owned();
            return Err(self.error("Q142", sample_span(sample), label));
        }
        let grouping = grouping.or(self.clause_grouping).cloned();
        let offset = self.offset_of(sample);
        let same = |draft: &Draft| {
            draft.sample == *sample
                && draft.conditions.iter().eq(conditions.iter().copied())
                && draft.grouping == grouping
                && draft.scan.offset == offset
                && draft.scan.buckets.is_none()
                && draft.scan.level == self.level
        };
        if let Some(index) = self.drafts.iter().position(same) {
            return Ok(index);
        }
        let scan = self.new_scan(sample, conditions)?;
        self.drafts.push(Draft {
            sample: sample.clone(),
            conditions: conditions.iter().map(|&condition| condition.clone()).collect(),
            grouping,
            counted: Vec::new(),
            scan,
        });
        Ok(self.drafts.len() - 1)
    }

    /// Adds a scan of what another scans, which the two do not share.
    pub(super) fn another_scan(&mut self, scan: usize) -> Result<usize> {
        let Some(draft) = self.drafts.get(scan) else { return Ok(scan) };
        let (sample, grouping) = (draft.sample.clone(), draft.grouping.clone());
        let conditions = draft.conditions.clone();
        let offset = draft.scan.offset;
        let borrowed: Vec<&Condition> = conditions.iter().collect();
        let scan = Scan { offset, ..self.new_scan(&sample, &borrowed)? };
        self.drafts.push(Draft { sample, conditions, grouping, counted: Vec::new(), scan });
        Ok(self.drafts.len() - 1)
    }

    fn new_scan(&self, sample: &Sample, conditions: &[&Condition]) -> Result<Scan> {
        Ok(Scan {
            selection: self.select(sample, conditions)?,
            conditions: Vec::new(),
            level: self.level,
            labels: Vec::new(),
            buckets: None,
            keys: Vec::new(),
            length: sample.selector.window.as_ref().map(|window| window.node),
            offset: self.offset_of(sample),
            aggregates: Vec::new(),
        })
    }

    fn offset_of(&self, sample: &Sample) -> Option<Duration> {
        let own = sample.selector.offset.as_ref().map(|offset| offset.node);
        match (own, self.offset) {
            (Some(own), Some(outer)) => Some(sum(own, outer)),
            (own, outer) => own.or(outer),
        }
    }

    /// Returns the node of an aggregate, adding it to its scan where it is new.
    pub(super) fn aggregate(&mut self, scan: usize, function: Function) -> Node {
        let aggregates = self.drafts.get_mut(scan).map(|draft| &mut draft.scan.aggregates);
        let aggregate = aggregates.map_or(0, |aggregates| {
            aggregates.iter().position(|known| *known == function).unwrap_or_else(|| {
                aggregates.push(function);
                aggregates.len() - 1
            })
        });
        Node::Aggregate { scan, aggregate, per_nanos: None }
    }

    /// Returns the index of a label whose values a scan counts.
    pub(super) fn counted_label(&mut self, scan: usize, label: &str) -> usize {
        let Some(draft) = self.drafts.get_mut(scan) else { return 0 };
        let labels = &mut draft.scan.labels;
        labels.iter().position(|known| known == label).unwrap_or_else(|| {
            labels.push(label.to_owned());
            labels.len() - 1
        })
    }

    /// Returns the index of a condition that a scan counts, a new one where none is the same.
    pub(super) fn counted(&mut self, scan: usize, counted: Counted) -> Result<usize> {
        let Some(draft) = self.drafts.get_mut(scan) else { return Ok(0) };
        if let Some(index) = draft.counted.iter().position(|known| *known == counted) {
            return Ok(index);
        }
        let filters = self.catalogue.condition(&draft.scan.selection, &counted)?;
        draft.scan.conditions.push(filters);
        draft.counted.push(counted);
        Ok(draft.counted.len() - 1)
    }

    /// Makes an error at a place of the text.
    pub(super) fn error(&self, code: &'static str, span: Span, message: String) -> Error {
        self.findings.error(code, span, message).into()
    }
}

fn sample_span(sample: &Sample) -> Span {
    sample.selector.metric.as_ref().map_or(Span::default(), |name| name.span)
}

fn sum(one: Duration, other: Duration) -> Duration {
    Duration {
        months: one.months.saturating_add(other.months),
        days: one.days.saturating_add(other.days),
        nanos: one.nanos.saturating_add(other.nanos),
    }
}

/// Returns true for operators that decide: comparisons, `and`, `or`, `unless`.
pub(crate) fn is_condition(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Compare(_) | BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
}

impl Typed {
    fn resolved(self, findings: &Findings<'_>) -> Result<Self> {
        self.in_unit(findings, ("this item", None), None)
    }
}
