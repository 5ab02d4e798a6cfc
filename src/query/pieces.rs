//! Stretches of time in which parts of the calendar stay the same: each hour, each Monday.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::lang::ast::CalendarPart;
use crate::model::{Limits, TimeRange, Timestamp};
use crate::query::budget::Budget;
use crate::query::calendar::Zone;

const MINUTE_NANOS: i64 = 60_000_000_000;
const HOUR_NANOS: i64 = 60 * MINUTE_NANOS;
/// A piece takes about as long as so many points: its time is told by the calendar.
const PIECE_POINTS: usize = 16;
const DAY_NANOS: i64 = 24 * HOUR_NANOS;

/// A range of time cut where the parts of the calendar change.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// The stretches, in order and without gaps.
    pub(crate) pieces: Vec<Piece>,
    /// What the parts are in them, each combination once.
    pub(crate) keys: Vec<Vec<Arc<str>>>,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// From where to where it goes.
    pub(crate) range: TimeRange,
    /// Which of the keys its parts are.
    pub(crate) key: usize,
}

impl Pieces {
    /// Cuts a range.
    ///
    /// # Errors
    /// `ErrorKind::Limit` for more pieces than an answer may have windows; those of the budget.
    pub(crate) fn of(
        range: TimeRange,
        parts: &[CalendarPart],
        zone: &Zone,
        (limits, budget): (&Limits, &Budget),
    ) -> Result<Self> {
        let length = match parts.iter().min() {
            Some(CalendarPart::Minute) => MINUTE_NANOS,
            Some(CalendarPart::Hour) => HOUR_NANOS,
            _ => DAY_NANOS,
        };
        let mut known: BTreeMap<Vec<Arc<str>>, usize> = BTreeMap::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let end = range.end.as_nanos();
        let mut start = range.start.as_nanos();
        let mut change = zone.next_change(start);
        let pace = budget.pace();
        while start < end {
            pace.step(PIECE_POINTS)?;
            let got = pieces.len() as u64;
            if got >= limits.windows_max {
                let (what, limit) = ("the number of parts of the calendar", limits.windows_max);
                return Err(ErrorKind::Limit { what, limit, got: got + 1 }.into());
            }
            let civil = zone.zoned(start);
            let of_day = civil.time().duration_since(jiff::civil::Time::midnight()).as_nanos();
            let into = i64::try_from(of_day).unwrap_or(0) % length;
            let next = start.saturating_add(length - into).min(change.unwrap_or(i64::MAX)).min(end);
            let key: Vec<Arc<str>> = parts.iter().map(|part| text_of(*part, &civil)).collect();
            let count = known.len();
            let key = *known.entry(key).or_insert(count);
            match pieces.last_mut().filter(|last| last.key == key) {
                Some(last) => last.range.end = Timestamp::from_nanos(next),
                None => pieces.push(Piece {
                    range: TimeRange::new(
                        Timestamp::from_nanos(start),
                        Timestamp::from_nanos(next),
                    ),
                    key,
                }),
            }
            if change.is_some_and(|change| change <= next) {
                change = zone.next_change(next);
            }
            start = next;
        }
        let mut keys = vec![Vec::new(); known.len()];
        for (key, index) in known {
            if let Some(slot) = keys.get_mut(index) {
                *slot = key;
            }
        }
        Ok(Self { pieces, keys })
    }
}

/// Returns a text that sorts as the parts follow each other.
fn text_of(part: CalendarPart, civil: &jiff::Zoned) -> Arc<str> {
    let text = match part {
        CalendarPart::Minute => format!("{:02}", civil.minute()),
        CalendarPart::Hour => format!("{:02}", civil.hour()),
        CalendarPart::Weekday => civil.weekday().to_monday_one_offset().to_string(),
        CalendarPart::Day => civil.date().to_string(),
        CalendarPart::Week => {
            let week = civil.date().iso_week_date();
            format!("{}-W{:02}", week.year(), week.week())
        }
        CalendarPart::Month => format!("{}-{:02}", civil.year(), civil.month()),
    };
    Arc::from(text)
}

/// Returns how a part is shown: weekdays by name.
pub(crate) fn shown(part: CalendarPart, text: &Arc<str>) -> Arc<str> {
    const DAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let day = text.parse().ok().and_then(|day: usize| DAYS.get(day.checked_sub(1)?));
    match (part, day) {
        (CalendarPart::Weekday, Some(day)) => Arc::from(*day),
        _ => Arc::clone(text),
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;
    use crate::error::ErrorKind;
    use crate::lang::ast::CalendarPart;
    use crate::model::{Limits, TimeRange, Timestamp};
    use crate::query::budget::Budget;
    use crate::query::calendar::Zone;

    fn pieces(zone: &str, from: &str, to: &str, parts: &[CalendarPart]) -> Vec<(String, u64)> {
        let at = |text: &str| {
            let time: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_nanos(i64::try_from(time.as_nanosecond()).unwrap())
        };
        let (zone, range) = (Zone::named(zone).unwrap(), TimeRange::new(at(from), at(to)));
        let source = (&Limits::DEFAULT, &Budget::ample());
        let Pieces { pieces, keys } = Pieces::of(range, parts, &zone, source).unwrap();
        let seconds = |range: TimeRange| range.nanos() / 1_000_000_000;
        pieces.iter().map(|piece| (keys[piece.key].join(" "), seconds(piece.range))).collect()
    }

    #[test]
    fn hours_that_come_twice_or_last_half_are_told_apart() {
        let hours = [CalendarPart::Hour];
        let autumn =
            pieces("Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T02:10:00Z", &hours);
        let expected = [("01", 1800), ("02", 7200), ("03", 600)];
        assert_eq!(autumn, expected.map(|(hour, seconds)| (hour.to_owned(), seconds)));
        // Lord Howe moves its clocks from 02:00 back to 01:30.
        let half =
            pieces("Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z", &hours);
        let expected = [("01", 5400), ("02", 1800)];
        assert_eq!(half, expected.map(|(hour, seconds)| (hour.to_owned(), seconds)));
    }

    #[test]
    fn weeks_are_those_of_iso_and_parts_combine() {
        let parts = [CalendarPart::Week, CalendarPart::Weekday];
        let days = pieces("UTC", "2026-12-31T12:00:00Z", "2027-01-02T00:00:00Z", &parts);
        assert_eq!(days, [("2026-W53 4".to_owned(), 43_200), ("2026-W53 5".to_owned(), 86_400)]);
    }
    #[test]
    fn cutting_ends_once_the_run_is_canceled() {
        let range = TimeRange::new(Timestamp::from_nanos(0), Timestamp::from_nanos(1));
        let (zone, source) = (Zone::utc(), (&Limits::DEFAULT, &Budget::canceled()));
        let error = Pieces::of(range, &[CalendarPart::Hour], &zone, source).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Canceled), "{error}");
    }
}
