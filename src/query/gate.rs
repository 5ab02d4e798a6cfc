//! Gates: a condition that is judged with the range and the groups of a question.

use crate::error::Result;
use crate::lang::Span;
use crate::lang::ast::{
    self, BinaryOp, Body, Clause, Expr, ExprKind, Item, Sample, Spanned, Statement,
};
use crate::lang::parse;
use crate::model::Limits;
use crate::query::finding::Findings;
use crate::query::rows::{Answer, Cell, Role};
use crate::query::statement::Query;

impl Query {
    /// Makes the question that tells where a condition holds, for the range, windows, groups and
    /// zone of this one. A condition compares: `p99(latency) > 800ms`, also with `and`, `or` and
    /// `unless`; or it compares an item by its name behind `as`: `errors > 5%`.
    ///
    /// ```
    /// use silverback::{Query, SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// store.series(&SeriesKey::new("latency").label("bot", "shop"))?.append(store.now(), 842.5)?;
    /// let question: Query = "p99(latency) as slow by bot last 1h".parse()?;
    /// let snapshot = store.snapshot()?;
    /// let holds = |condition: &str| -> silverback::Result<bool> {
    ///     let gate = question.gate(condition)?;
    ///     Ok(snapshot.run(&gate, &Default::default())?.has_value())
    /// };
    /// assert!(holds("slow > 800")?);
    /// assert!(!holds("max(latency) > 900 or count(latency) > 10")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Query` where the condition cannot be read, or compares nothing, or this is no
    /// question with items.
    pub fn gate(&self, condition: &str) -> Result<Self> {
        let findings = Findings::new(condition);
        let whole = Span::new(0, condition.len());
        let refused = |message: &str| {
            let error = findings.error("Q151", whole, message.to_owned());
            error.help("a condition is like  p99(latency) > 800ms".to_owned())
        };
        let (Statement::Query(asked) | Statement::Explain(asked)) = self.statement() else {
            return Err(refused("only questions have conditions, not alerts and records").into());
        };
        let Statement::Query(gate) = parse(condition, &Limits::DEFAULT)? else {
            return Err(refused("this is no condition").into());
        };
        if !gate.clauses.is_empty() {
            return Err(
                refused("a condition has no clauses: it takes those of the question").into()
            );
        }
        let expr = match gate.body {
            Body::Samples(sample) => named(&sample, &asked.body),
            Body::Items(mut items) if items.len() == 1 => items.pop().map(|item| item.expr),
            Body::Items(_) => None,
        };
        let Some(expr) = expr.filter(compares) else {
            return Err(refused("this compares nothing").into());
        };
        let body = Body::Items(vec![Item { expr, name: None }]);
        let kept = asked.clauses.iter().filter(|clause| is_shared(&clause.node));
        let tree = ast::Query { body, clauses: kept.cloned().collect() };
        // Printed and read, so that places in it are places of its own text.
        Self::parse(&Statement::Query(tree).to_string(), &Limits::DEFAULT)
    }
}

impl Answer {
    /// Returns true if any row has a value: for a gate, if its condition holds anywhere.
    #[must_use]
    pub fn has_value(&self) -> bool {
        self.rows_with_value().next().is_some()
    }

    /// Returns the rows that have a value.
    pub fn rows_with_value(&self) -> impl Iterator<Item = &Vec<Cell>> {
        self.rows.iter().filter(|row| {
            let mut cells = self.columns.iter().zip(row.iter());
            cells
                .any(|(column, cell)| column.role == Role::Value && matches!(cell, Cell::Number(_)))
        })
    }
}

/// Reads `NAME > literal` as a comparison of the item of that name.
fn named(sample: &Sample, body: &Body) -> Option<Expr> {
    let Body::Items(items) = body else { return None };
    let (metric, (op, literal)) = (sample.selector.metric.as_ref()?, sample.filter.as_ref()?);
    let is_named = |item: &&Item| item.name.as_ref().is_some_and(|name| name.node == metric.node);
    let item = items.iter().find(is_named)?;
    let right = Box::new(ExprKind::Literal(literal.node.clone()));
    let compared = ExprKind::Binary {
        op: Spanned::new(BinaryOp::Compare(op.node), op.span),
        left: item.expr.clone(),
        right: Spanned::new(right, literal.span),
    };
    Some(Spanned::new(Box::new(compared), metric.span))
}

fn compares(expr: &Expr) -> bool {
    match &*expr.node {
        ExprKind::Binary { op, .. } => matches!(
            op.node,
            BinaryOp::Compare(_) | BinaryOp::And | BinaryOp::Or | BinaryOp::Unless
        ),
        _ => false,
    }
}

/// What chooses rows for showing does not choose those that are judged.
fn is_shared(clause: &Clause) -> bool {
    match clause {
        Clause::Having(_)
        | Clause::Top(_)
        | Clause::Bottom(_)
        | Clause::Compare(_)
        | Clause::Fill(_)
        | Clause::Limit(_) => false,
        Clause::Last(_)
        | Clause::From(..)
        | Clause::Since(_)
        | Clause::Until(_)
        | Clause::Every(_)
        | Clause::Over(_)
        | Clause::Group(_)
        | Clause::Where(_)
        | Clause::Tz(_) => true,
    }
}
