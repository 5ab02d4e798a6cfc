//! Which range of time a query asks about.

use crate::error::Result;
use crate::lang::ast::{Duration, RangeEnd, Spanned, Time};
use crate::lang::{Span, closest};
use crate::model::{TimeRange, Timestamp};
use crate::query::calendar::Zone;
use crate::query::finding::Findings;
use crate::snapshot::Snapshot;

const HOUR: Duration = Duration { months: 0, days: 0, nanos: 3_600_000_000_000 };

/// The clauses of a query that choose its range.
#[derive(Debug, Default)]
pub(crate) struct RangeClauses<'a> {
    /// `last 1h`
    pub(crate) last: Option<(Duration, Span)>,
    /// `from t to t`
    pub(crate) from: Option<(&'a Spanned<Time>, Option<&'a RangeEnd>, Span)>,
    /// `since t`
    pub(crate) since: Option<(&'a Spanned<Time>, Span)>,
    /// `until t`
    pub(crate) until: Option<(&'a Spanned<Time>, Span)>,
}

/// A range, and whether its start may snap to a window's boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The range.
    pub(crate) range: TimeRange,
    /// True for `last`: the first window is made whole.
    pub(crate) snaps: bool,
}

/// What points in time are reckoned from.
#[derive(Debug)]
pub(crate) struct Reckoning<'a> {
    /// The time that `now` means.
    pub(crate) now: Timestamp,
    /// The zone of civil times.
    pub(crate) zone: &'a Zone,
    /// The range of queries that name none; nothing means the last hour.
    pub(crate) whole: Option<TimeRange>,
    /// Where marks are found.
    pub(crate) snapshot: &'a Snapshot,
    /// Where findings go.
    pub(crate) findings: &'a Findings<'a>,
}

impl Reckoning<'_> {
    /// Resolves the clauses to a range.
    ///
    /// # Errors
    /// Clauses that exclude each other, times that mean nothing, and empty ranges.
    pub(crate) fn range(&self, clauses: &RangeClauses<'_>) -> Result<Asked> {
        self.check_exclusive(clauses)?;
        let end = match &clauses.until {
            Some((time, _)) => self.instant(time)?,
            None => self.now,
        };
        if let Some((duration, span)) = clauses.last {
            let start = self.zone.shift(end, duration, true);
            return self.not_empty(TimeRange::new(start, end), span, true);
        }
        if let Some((from, to, span)) = clauses.from {
            let start = self.instant(from)?;
            let end = match to {
                None => end,
                Some(RangeEnd::To(time)) => self.instant(time)?,
                Some(RangeEnd::For(length)) => self.zone.shift(start, length.node, false),
            };
            return self.not_empty(TimeRange::new(start, end), span, false);
        }
        if let Some((since, span)) = clauses.since {
            return self.not_empty(TimeRange::new(self.instant(since)?, end), span, false);
        }
        if let (Some(whole), None) = (self.whole, clauses.until) {
            return Ok(Asked { range: whole, snaps: false });
        }
        self.findings.note("no range is given: the answer is about the last 1h".to_owned());
        let start = self.zone.shift(end, HOUR, true);
        Ok(Asked { range: TimeRange::new(start, end), snaps: true })
    }

    fn check_exclusive(&self, clauses: &RangeClauses<'_>) -> Result<()> {
        let starts = [
            clauses.last.map(|(_, span)| (span, "last")),
            clauses.from.map(|(_, _, span)| (span, "from")),
            clauses.since.map(|(_, span)| (span, "since")),
        ];
        let mut given: Vec<(Span, &str)> = starts.into_iter().flatten().collect();
        if let (Some((_, Some(_), from)), Some((_, until))) = (clauses.from, clauses.until) {
            given.extend([(from, "from … to"), (until, "until")]);
            given.dedup_by_key(|(span, _)| *span);
        }
        given.sort_by_key(|(span, _)| span.start);
        if let [(_, first), (span, second), ..] = given.as_slice() {
            let message = format!("`{first}` and `{second}` both choose the range");
            let error = self.findings.error("Q120", *span, message);
            return Err(error.help("keep one of them".to_owned()).into());
        }
        Ok(())
    }

    fn not_empty(&self, range: TimeRange, span: Span, snaps: bool) -> Result<Asked> {
        if range.is_empty() {
            let message = format!("the range from {} to {} holds no time", range.start, range.end);
            let error = self.findings.error("Q121", span, message);
            return Err(error.help("the end must lie after the start".to_owned()).into());
        }
        Ok(Asked { range, snaps })
    }

    fn instant(&self, time: &Spanned<Time>) -> Result<Timestamp> {
        match &time.node {
            Time::Instant(nanos) => Ok(Timestamp::from_nanos(*nanos)),
            Time::Now => Ok(self.now),
            Time::Today => Ok(self.zone.midnight(self.now, 0)),
            Time::Yesterday => Ok(self.zone.midnight(self.now, -1)),
            Time::Plus(base, by) => Ok(self.zone.shift(self.instant(base)?, *by, false)),
            Time::Minus(base, by) => Ok(self.zone.shift(self.instant(base)?, *by, true)),
            Time::Mark(text) => self.mark(text, time.span),
            Time::Civil(civil, date_only) => {
                if !date_only && !self.zone.is_named() {
                    let message = "a time without a zone is unclear".to_owned();
                    let error = self.findings.error("Q128", time.span, message);
                    let help = "end it with `Z` for UTC, or add a clause such as `tz \
                                \"Europe/Berlin\"`";
                    return Err(error.help(help.to_owned()).into());
                }
                let Some((instant, unclear)) = self.zone.instant(*civil) else {
                    let message = format!("`{civil}` lies outside the years 1678 to 2261");
                    return Err(self.findings.error("Q129", time.span, message).into());
                };
                if unclear {
                    self.findings.note(format!("the clocks change at {civil}: taken as {instant}"));
                }
                Ok(instant)
            }
        }
    }

    /// Returns the newest mark of this text that is not in the future.
    fn mark(&self, text: &str, span: Span) -> Result<Timestamp> {
        let marks = self.snapshot.marks()?;
        let mut same = marks.iter().rev().filter(|mark| mark.text == text).peekable();
        let first = same.peek().map(|mark| mark.time);
        if let Some(mark) = same.find(|mark| mark.time <= self.now) {
            return Ok(mark.time);
        }
        if let Some(first) = first {
            let message = format!("the mark \"{text}\" lies in the future, at {first}");
            return Err(self.findings.error("Q150", span, message).into());
        }
        let error = self.findings.error("Q150", span, format!("no mark is called \"{text}\""));
        Err(match closest(text, marks.iter().map(|mark| mark.text.as_str())) {
            Some(near) => error
                .label(format!("did you mean \"{near}\"?"))
                .replace_by(&Time::Mark(near.to_owned()).to_string()),
            None => error.help(format!("set it:  silverback mark {text:?} --at TIME")),
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, RangeClauses, Reckoning};
    use crate::error::{ErrorKind, Result};
    use crate::lang::Span;
    use crate::lang::ast::{Duration, RangeEnd, Spanned, Time};
    use crate::model::{Columns, Mark, TimeRange, Timestamp};
    use crate::query::calendar::Zone;
    use crate::query::finding::Findings;
    use crate::snapshot::Snapshot;

    const AT: Span = Span::new(0, 1);

    fn spanned<T>(node: T) -> Spanned<T> {
        Spanned::new(node, AT)
    }

    fn resolve(clauses: &RangeClauses<'_>, zone: &Zone) -> Result<Asked> {
        let findings = Findings::new("x");
        let now = Timestamp::from_nanos(1_000_000_000_000_000);
        let mark = |text: &str| Mark { time: now, text: text.to_owned() }.series();
        let at = |nanos: &[i64]| {
            let mut columns = Columns::default();
            for nanos in nanos {
                columns.push(*nanos, Mark::VALUE);
            }
            columns
        };
        let later = 2_000_000_000_000_000;
        let marks = vec![(mark("deploy"), at(&[3, 5, later])), (mark("release"), at(&[later]))];
        let snapshot = Snapshot::of_samples(now, Vec::new(), marks);
        let whole = None;
        Reckoning { now, zone, whole, snapshot: &snapshot, findings: &findings }.range(clauses)
    }

    fn code(result: Result<Asked>) -> &'static str {
        match result.unwrap_err().into_kind() {
            ErrorKind::Query(diagnostic) => diagnostic.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn last_ends_now_and_snaps() {
        let nanos = Duration { nanos: 7, ..Duration::default() };
        let clauses = RangeClauses { last: Some((nanos, AT)), ..RangeClauses::default() };
        let asked = resolve(&clauses, &Zone::utc()).unwrap();
        assert_eq!((asked.range.nanos(), asked.snaps), (7, true));
    }

    #[test]
    fn from_for_adds_a_length_and_does_not_snap() {
        let (from, length) =
            (spanned(Time::Instant(5)), Duration { nanos: 9, ..Duration::default() });
        let end = RangeEnd::For(spanned(length));
        let from = Some((&from, Some(&end), AT));
        let asked =
            resolve(&RangeClauses { from, ..RangeClauses::default() }, &Zone::utc()).unwrap();
        let range = TimeRange::new(Timestamp::from_nanos(5), Timestamp::from_nanos(14));
        assert_eq!(asked, Asked { range, snaps: false });
    }

    #[test]
    fn ranges_that_exclude_each_other_or_are_empty_are_errors() {
        let (early, late) = (spanned(Time::Instant(5)), spanned(Time::Instant(9)));
        let hour = Duration { nanos: 9, ..Duration::default() };
        let both = RangeClauses {
            last: Some((hour, AT)),
            since: Some((&early, AT)),
            ..RangeClauses::default()
        };
        assert_eq!(code(resolve(&both, &Zone::utc())), "Q120");
        let end = RangeEnd::To(early.clone());
        let backwards =
            RangeClauses { from: Some((&late, Some(&end), AT)), ..RangeClauses::default() };
        assert_eq!(code(resolve(&backwards, &Zone::utc())), "Q121");
    }

    #[test]
    fn a_mark_is_the_newest_of_its_text_that_is_not_in_the_future() {
        let since = |text: &str| {
            let time = spanned(Time::Mark(text.to_owned()));
            let since = Some((&time, AT));
            resolve(&RangeClauses { since, ..RangeClauses::default() }, &Zone::utc())
        };
        assert_eq!(since("deploy").unwrap().range.start, Timestamp::from_nanos(5));
        assert_eq!(code(since("release")), "Q150");
        assert_eq!(code(since("deploi")), "Q150");
    }

    #[test]
    fn civil_times_need_a_zone_and_dates_do_not() {
        let date = jiff::civil::date(1970, 1, 2).at(0, 0, 0, 0);
        let (time, day) = (spanned(Time::Civil(date, false)), spanned(Time::Civil(date, true)));
        let since = |time| RangeClauses { since: Some((time, AT)), ..RangeClauses::default() };
        assert_eq!(code(resolve(&since(&time), &Zone::utc())), "Q128");
        let asked = resolve(&since(&day), &Zone::utc()).unwrap();
        assert_eq!(asked.range.start.to_string(), "1970-01-02T00:00:00Z");
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let asked = resolve(&since(&time), &berlin).unwrap();
        assert_eq!(asked.range.start.to_string(), "1970-01-01T23:00:00Z");
    }
}
