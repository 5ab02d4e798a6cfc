//! Runs queries over a snapshot.

use crate::error::Result;
use crate::lang::ast::{self, Statement};
use crate::model::MetricDef;
use crate::query::alert::judge;
use crate::query::budget::Budget;
use crate::query::exec;
use crate::query::explain::explain;
use crate::query::finding::Findings;
use crate::query::options::RunOptions;
use crate::query::plan::{Body, Plan, plan};
use crate::query::rows::Answer;
use crate::query::statement::Query;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Answers a question in the query language with the default options.
    ///
    /// ```
    /// # fn main() -> silverback::Result<()> {
    /// use silverback::{Cell, SeriesKey, Store};
    ///
    /// let store = Store::in_memory()?;
    /// let latency = store.series(&SeriesKey::new("latency").label("bot", "support"))?;
    /// for latency_ms in [180.0, 95.5, 1240.0] {
    ///     latency.append(store.now(), latency_ms)?;
    /// }
    /// let answer = store.snapshot()?.query("p50(latency) by bot since yesterday until now + 1h")?;
    /// assert_eq!(answer.rows, [[Cell::Text("support".into()), Cell::Number(180.0)]]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Query` where the text is wrong, with the place and the way out; limits, and
    /// errors of reading.
    pub fn query(&self, text: &str) -> Result<Answer> {
        self.run(&Query::parse(text, self.limits())?, &RunOptions::default())
    }

    /// Answers a parsed question.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn run(&self, query: &Query, options: &RunOptions) -> Result<Answer> {
        let findings = Findings::new(query.text());
        match query.statement() {
            Statement::Query(tree) => answer(self, tree, query.to_string(), options, findings),
            Statement::Explain(tree) => {
                let budget = Budget::new(options, self.limits());
                let plan = plan(tree, self, (options, &budget), &findings)?;
                explain(&plan, self, query.to_string(), findings, &budget)
            }
            Statement::Alert(alert) => judge(alert, self, query.to_string(), options, findings),
            Statement::Record(record) => {
                let body = ast::Body::Items(record.items.clone());
                let tree = ast::Query { body, clauses: record.clauses.clone() };
                answer(self, &tree, query.to_string(), options, findings)
            }
        }
    }
}

fn answer(
    snapshot: &Snapshot,
    tree: &ast::Query,
    canonical: String,
    options: &RunOptions,
    findings: Findings<'_>,
) -> Result<Answer> {
    let budget = Budget::new(options, snapshot.limits());
    let plan = plan(tree, snapshot, (options, &budget), &findings)?;
    let planned = budget.elapsed();
    let output = exec::run(&plan, snapshot, &findings, &budget)?;
    if !output.found {
        note_empty(&plan, snapshot, &findings)?;
    }
    let (warnings, notes) = findings.into_parts();
    Ok(Answer {
        query: canonical,
        range: plan.timeline.range,
        columns: output.columns,
        rows: output.rows,
        warnings,
        notes,
        stats: budget.stats(planned),
    })
}

/// Says where the samples are that the range does not hold.
fn note_empty(plan: &Plan, snapshot: &Snapshot, findings: &Findings<'_>) -> Result<()> {
    let scans = match &plan.body {
        Body::Samples(scan) => std::slice::from_ref(scan),
        Body::Items(computed) => computed.scans.as_slice(),
    };
    let range = plan.timeline.range;
    for MetricDef { name, .. } in scans.iter().flat_map(|scan| &scan.selection.metrics) {
        findings.note(match snapshot.extent(Some(name))? {
            Some(has) => format!(
                "no sample that was asked for lies between {} and {}; `{name}` has samples from \
                 {} to {}",
                range.start,
                range.end,
                has.start,
                has.end.saturating_sub(1)
            ),
            None => format!("`{name}` has no samples"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::lang::Span;
    use crate::lang::ast::{
        Arg, Body, Call, Clause, Duration, ExprKind, Item, Query, Sample, SampleSelector, Spanned,
    };
    use crate::model::{Columns, MetricDef, SeriesKey, Timestamp};
    use crate::query::finding::Findings;
    use crate::query::options::RunOptions;
    use crate::query::rows::Cell;
    use crate::snapshot::Snapshot;

    const AT: Span = Span::new(0, 14);

    #[test]
    fn a_count_in_windows_is_dense_and_its_last_window_is_partial() {
        let mut columns = Columns::default();
        for nanos in [5, 12, 12, 31] {
            columns.push(nanos, 1.0);
        }
        let now = Timestamp::from_nanos(35);
        let series = vec![(SeriesKey::new("latency"), columns)];
        let snapshot = Snapshot::of_samples(now, vec![MetricDef::new("latency")], series);
        let selector = SampleSelector {
            metric: Some(Spanned::new("latency".to_owned(), AT)),
            matchers: Vec::new(),
            window: None,
            offset: None,
        };
        let call = Call {
            name: Spanned::new("count".to_owned(), AT),
            grouping: None,
            args: vec![Spanned::new(Arg::Sample(Sample { selector, filter: None }), AT)],
        };
        let nanos = |nanos| Duration { nanos, ..Duration::default() };
        let query = Query {
            body: Body::Items(vec![Item {
                expr: Spanned::new(Box::new(ExprKind::Call(call)), AT),
                name: None,
            }]),
            clauses: vec![
                Spanned::new(Clause::Last(nanos(30)), AT),
                Spanned::new(Clause::Every(nanos(10)), AT),
            ],
        };
        let findings = Findings::new("count(latency)");
        let options = RunOptions::default();
        let answer = answer(&snapshot, &query, String::new(), &options, findings).unwrap();
        let rows: Vec<(Cell, Cell)> =
            answer.rows.iter().map(|row| (row[2].clone(), row[3].clone())).collect();
        let row = |partial, count| (Cell::Flag(partial), Cell::Number(count));
        assert_eq!(rows, [row(false, 1.0), row(false, 2.0), row(false, 0.0), row(true, 1.0)]);
    }
}
