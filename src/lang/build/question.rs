//! Questions: what is asked, and the clauses behind it.

use std::mem::discriminant;

use crate::lang::ast::{
    Body, Clause, Duration, Expr, Fill, Grouping, Item, Keys, Predicate, Query, RangeEnd, Sample,
    Spanned, Statement, Time,
};
use crate::lang::build::at;

/// Asks for a computed value; [`also`](Query::also) asks for more.
#[must_use]
pub fn ask(item: impl Into<Item>) -> Query {
    Query { body: Body::Items(vec![item.into()]), clauses: Vec::new() }
}

/// Asks for the samples themselves.
#[must_use]
pub fn list(samples: impl Into<Sample>) -> Query {
    Query { body: Body::Samples(samples.into()), clauses: Vec::new() }
}

/// Sets a clause: it takes the place of one of the same kind.
pub(super) fn set<C>(clauses: &mut Vec<Spanned<C>>, clause: C, is_same: impl Fn(&C, &C) -> bool) {
    match clauses.iter_mut().find(|known| is_same(&known.node, &clause)) {
        Some(known) => *known = at(clause),
        None => clauses.push(at(clause)),
    }
}

pub(super) fn is_same_clause(left: &Clause, right: &Clause) -> bool {
    discriminant(left) == discriminant(right)
}

/// Writes the clauses that alerts and records have as well, by way of a method `clause`.
macro_rules! shared_clauses {
    () => {
        /// `every 1m`: cuts the range into windows.
        #[must_use]
        pub fn every(self, step: impl Into<Duration>) -> Self {
            self.clause(Clause::Every(step.into()))
        }

        /// `over 5m`: how far each window looks back.
        #[must_use]
        pub fn over(self, length: impl Into<Duration>) -> Self {
            self.clause(Clause::Over(length.into()))
        }

        /// `by bot, hour()`: splits by labels and parts of the calendar; [`Keys::All`] by series.
        #[must_use]
        pub fn by(self, keys: impl Into<Keys>) -> Self {
            self.clause(Clause::Group(Grouping { without: false, keys: keys.into() }))
        }

        /// `without status`: splits by all other labels.
        #[must_use]
        pub fn without(self, keys: impl Into<Keys>) -> Self {
            self.clause(Clause::Group(Grouping { without: true, keys: keys.into() }))
        }

        /// `where bot = "support"`: a condition on all samples.
        #[must_use]
        pub fn filter(self, condition: impl Into<Predicate>) -> Self {
            self.clause(Clause::Where(condition.into()))
        }

        /// `tz "Europe/Berlin"`
        #[must_use]
        pub fn tz(self, zone: impl Into<String>) -> Self {
            self.clause(Clause::Tz(zone.into()))
        }
    };
}

pub(super) use shared_clauses;

/// Each clause is there once: what is set again takes the place of what was set before.
impl Query {
    /// Sets a clause.
    #[must_use]
    pub fn clause(mut self, clause: Clause) -> Self {
        set(&mut self.clauses, clause, is_same_clause);
        self
    }

    /// Asks for a further item; a list of samples has none, and is given up for it.
    #[must_use]
    pub fn also(mut self, item: impl Into<Item>) -> Self {
        match &mut self.body {
            Body::Items(items) => items.push(item.into()),
            Body::Samples(_) => self.body = Body::Items(vec![item.into()]),
        }
        self
    }

    shared_clauses!();

    /// `last 1h`
    #[must_use]
    pub fn last(self, length: impl Into<Duration>) -> Self {
        self.clause(Clause::Last(length.into()))
    }

    /// `from 2026-02-09`: up to now.
    #[must_use]
    pub fn from_time(self, start: impl Into<Time>) -> Self {
        self.clause(Clause::From(at(start.into()), None))
    }

    /// `from 2026-02-09 to now - 1h`
    #[must_use]
    pub fn from_to(self, start: impl Into<Time>, end: impl Into<Time>) -> Self {
        self.clause(Clause::From(at(start.into()), Some(RangeEnd::To(at(end.into())))))
    }

    /// `from 2026-02-09 for 1h`
    #[must_use]
    pub fn from_for(self, start: impl Into<Time>, length: impl Into<Duration>) -> Self {
        self.clause(Clause::From(at(start.into()), Some(RangeEnd::For(at(length.into())))))
    }

    /// `since yesterday`
    #[must_use]
    pub fn since(self, start: impl Into<Time>) -> Self {
        self.clause(Clause::Since(at(start.into())))
    }

    /// `until today`
    #[must_use]
    pub fn until(self, end: impl Into<Time>) -> Self {
        self.clause(Clause::Until(at(end.into())))
    }

    /// `having count(latency) >= 100`: the groups that stay.
    #[must_use]
    pub fn having(self, condition: impl Into<Expr>) -> Self {
        self.clause(Clause::Having(condition.into()))
    }

    /// `top 10`: the groups with the greatest first item.
    #[must_use]
    pub fn top(self, groups: u64) -> Self {
        self.clause(Clause::Top(groups))
    }

    /// `bottom 10`: the groups with the least first item.
    #[must_use]
    pub fn bottom(self, groups: u64) -> Self {
        self.clause(Clause::Bottom(groups))
    }

    /// `compare 7d`: what each item was, beside it.
    #[must_use]
    pub fn compare(self, ago: impl Into<Duration>) -> Self {
        self.clause(Clause::Compare(Some(ago.into())))
    }

    /// `compare previous`: with the equal length just before.
    #[must_use]
    pub fn compare_previous(self) -> Self {
        self.clause(Clause::Compare(None))
    }

    /// `fill 0`, or another [`Fill`]: what stands where a window has no value.
    #[must_use]
    pub fn fill(self, fill: impl Into<Fill>) -> Self {
        self.clause(Clause::Fill(fill.into()))
    }

    /// `limit 50`: the most rows.
    #[must_use]
    pub fn limit(self, rows: u64) -> Self {
        self.clause(Clause::Limit(rows))
    }

    /// `explain …`: what answering it reads and takes.
    #[must_use]
    pub fn explain(self) -> Statement {
        Statement::Explain(self)
    }
}

impl From<Query> for Statement {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}

impl From<f64> for Fill {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
