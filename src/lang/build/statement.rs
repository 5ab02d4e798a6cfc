//! Alerts and records.

use std::mem::discriminant;

use crate::lang::ast::{
    Alert, AlertClause, Clause, Duration, Expr, Grouping, Item, Keys, LabelMatcher, Predicate,
    Record, Statement,
};
use crate::lang::build::question::{is_same_clause, set, shared_clauses};
use crate::lang::build::{at, name};

/// `alert slow if p95(latency) > 1s`
///
/// ```
/// use silverback::lang::ast::Duration;
/// use silverback::lang::build::{alert, percentile};
/// let slow = alert("slow", percentile(95.0, "latency").above(Duration::seconds(1)))
///     .holding(Duration::minutes(10))
///     .by("bot")
///     .severity("page")
///     .notify(["slack"]);
/// let text = "alert slow if p95(latency) > 1s for 10m by bot severity page notify slack";
/// assert_eq!(slow.to_string(), text);
/// ```
#[must_use]
pub fn alert(alert: impl Into<String>, condition: impl Into<Expr>) -> Alert {
    Alert { name: name(alert), condition: condition.into(), clauses: Vec::new() }
}

/// `record bot_p95 as p95(latency)`
#[must_use]
pub fn record(metric: impl Into<String>, item: impl Into<Item>) -> Record {
    Record { name: name(metric), items: vec![item.into()], clauses: Vec::new() }
}

/// Each clause is there once: what is set again takes the place of what was set before.
impl Alert {
    fn part(mut self, part: AlertClause) -> Self {
        set(&mut self.clauses, part, |left, right| match (left, right) {
            (AlertClause::Query(left), AlertClause::Query(right)) => is_same_clause(left, right),
            _ => discriminant(left) == discriminant(right),
        });
        self
    }

    /// Sets a clause that questions have as well.
    #[must_use]
    pub fn clause(self, clause: Clause) -> Self {
        self.part(AlertClause::Query(clause))
    }

    shared_clauses!();

    /// `for 10m`: how long the condition must hold.
    #[must_use]
    pub fn holding(self, length: impl Into<Duration>) -> Self {
        self.part(AlertClause::For(length.into()))
    }

    /// `keep 24h`: how long a group is remembered after its last sample.
    #[must_use]
    pub fn keep(self, length: impl Into<Duration>) -> Self {
        self.part(AlertClause::Keep(length.into()))
    }

    /// `severity page`
    #[must_use]
    pub fn severity(self, word: impl Into<String>) -> Self {
        self.part(AlertClause::Severity(name(word)))
    }

    /// `notify slack, email`
    #[must_use]
    pub fn notify<W: Into<String>>(self, words: impl IntoIterator<Item = W>) -> Self {
        self.part(AlertClause::Notify(words.into_iter().map(name).collect()))
    }

    /// `message "…"`
    #[must_use]
    pub fn message(self, text: impl Into<String>) -> Self {
        self.part(AlertClause::Message(text.into()))
    }

    /// `labels {team="bots"}`
    #[must_use]
    pub fn labels(self, labels: impl IntoIterator<Item = LabelMatcher>) -> Self {
        self.part(AlertClause::Labels(labels.into_iter().map(at).collect()))
    }
}

impl Record {
    /// Records a further item.
    #[must_use]
    pub fn also(mut self, item: impl Into<Item>) -> Self {
        self.items.push(item.into());
        self
    }

    /// Sets a clause: it takes the place of one of the same kind.
    #[must_use]
    pub fn clause(mut self, clause: Clause) -> Self {
        set(&mut self.clauses, clause, is_same_clause);
        self
    }

    shared_clauses!();
}

impl From<Alert> for Statement {
    fn from(alert: Alert) -> Self {
        Self::Alert(alert)
    }
}

impl From<Record> for Statement {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}
