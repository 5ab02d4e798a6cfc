//! The clauses of a query, each in its place.

use crate::error::{Error, Result};
use crate::lang::ast::{Clause, Duration, Expr, Fill, Grouping, Predicate, Query};
use crate::lang::{Span, closest};
use crate::query::calendar::Zone;
use crate::query::finding::Findings;
use crate::query::plan::tree::Rank;
use crate::query::range::RangeClauses;
use crate::query::window::Past;

/// The clauses of one query.
#[derive(Debug)]
pub(super) struct Clauses<'a> {
    pub(super) range: RangeClauses<'a>,
    pub(super) every: Option<(Duration, Span)>,
    pub(super) over: Option<(Duration, Span)>,
    pub(super) group: Option<(&'a Grouping, Span)>,
    pub(super) filter: Option<&'a Predicate>,
    pub(super) having: Option<(&'a Expr, Span)>,
    pub(super) rank: Option<(Rank, Span)>,
    pub(super) compare: Option<(Past, Span)>,
    pub(super) fill: Option<(Fill, Span)>,
    pub(super) limit: Option<u64>,
    pub(super) zone: Zone,
}

impl<'a> Clauses<'a> {
    /// Sorts the clauses of a query into their places.
    ///
    /// # Errors
    /// Unknown zones, and both `top` and `bottom`.
    pub(super) fn of(query: &'a Query, findings: &Findings<'_>) -> Result<Self> {
        let mut clauses = Self {
            range: RangeClauses::default(),
            every: None,
            over: None,
            group: None,
            filter: None,
            having: None,
            rank: None,
            compare: None,
            fill: None,
            limit: None,
            zone: Zone::utc(),
        };
        for clause in &query.clauses {
            clauses.take(&clause.node, clause.span, findings)?;
        }
        clauses.check_windows(findings)?;
        Ok(clauses)
    }

    fn take(&mut self, clause: &'a Clause, span: Span, findings: &Findings<'_>) -> Result<()> {
        match clause {
            Clause::Last(duration) => self.range.last = Some((*duration, span)),
            Clause::From(from, end) => self.range.from = Some((from, end.as_ref(), span)),
            Clause::Since(time) => self.range.since = Some((time, span)),
            Clause::Until(time) => self.range.until = Some((time, span)),
            Clause::Every(duration) => self.every = Some((*duration, span)),
            Clause::Over(duration) => self.over = Some((*duration, span)),
            Clause::Group(grouping) => self.group = Some((grouping, span)),
            Clause::Where(predicate) => self.filter = Some(predicate),
            Clause::Having(condition) => self.having = Some((condition, span)),
            Clause::Top(count) => self.rank(*count, true, span, findings)?,
            Clause::Bottom(count) => self.rank(*count, false, span, findings)?,
            Clause::Compare(ago) => {
                self.compare = Some((ago.map_or(Past::Previous, Past::Ago), span));
            }
            Clause::Fill(fill) => self.fill = Some((*fill, span)),
            Clause::Limit(limit) => self.limit = Some(*limit),
            Clause::Tz(name) => {
                self.zone = Zone::named(name).ok_or_else(|| no_zone(name, span, findings))?;
            }
        }
        Ok(())
    }

    fn rank(
        &mut self,
        count: u64,
        greatest: bool,
        span: Span,
        findings: &Findings<'_>,
    ) -> Result<()> {
        if self.rank.is_some() {
            let message = "`top` and `bottom` exclude each other".to_owned();
            let help = "keep one of them".to_owned();
            return Err(findings.error("Q133", span, message).help(help).into());
        }
        self.rank = Some((Rank { count, greatest }, span));
        Ok(())
    }

    fn check_windows(&self, findings: &Findings<'_>) -> Result<()> {
        let needs_every = |what: &str, span| {
            let error = findings.error("Q124", span, format!("`{what}` needs `every`"));
            Err(error.help(format!("add the length of a window: `every 1m {what} …`")).into())
        };
        match (self.every, self.over, self.fill) {
            (None, Some((_, span)), _) => needs_every("over", span),
            (None, _, Some((_, span))) => needs_every("fill", span),
            (Some((every, _)), Some((over, span)), _) if is_shorter(over, every) => {
                let message = "`over` is shorter than `every`: samples would be left out";
                let help = "let `over` be as long as `every`, or longer".to_owned();
                Err(findings.error("Q134", span, message.to_owned()).help(help).into())
            }
            _ => Ok(()),
        }
    }

    /// Refuses clauses that mean nothing to a list of raw samples.
    pub(super) fn check_raw(&self, findings: &Findings<'_>) -> Result<()> {
        let given = [
            self.every.map(|(_, span)| ("every", span)),
            self.group.map(|(_, span)| ("by", span)),
            self.having.map(|(_, span)| ("having", span)),
            self.rank.map(|(_, span)| ("top", span)),
            self.compare.map(|(_, span)| ("compare", span)),
        ];
        match given.into_iter().flatten().next() {
            None => Ok(()),
            Some((clause, span)) => {
                let message = format!("a list of raw samples takes no `{clause}`");
                let help = "put a function around the selector, such as `count(…)`".to_owned();
                Err(findings.error("Q130", span, message).help(help).into())
            }
        }
    }
}

fn no_zone(name: &str, span: Span, findings: &Findings<'_>) -> Error {
    let error = findings.error("Q132", span, format!("no time zone is named \"{name}\""));
    let names = Zone::names();
    let Some(near) = closest(name, names.iter().map(String::as_str)) else {
        return error.help("names look like \"Europe/Berlin\" or \"UTC\"".to_owned()).into();
    };
    let clause = Clause::Tz(near.to_owned()).to_string();
    error.label(format!("did you mean \"{near}\"?")).replace_by(&clause).into()
}

fn is_shorter(one: Duration, other: Duration) -> bool {
    // A month counts as 30 days here: close enough to refuse what is clearly too short.
    let nanos = |d: Duration| {
        let days = u128::from(d.months) * 30 + u128::from(d.days);
        days * 86_400_000_000_000 + u128::from(d.nanos)
    };
    nanos(one) < nanos(other)
}
