//! Civil time: zones, calendar arithmetic, and the grids that windows align to.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::lang::ast::Duration;
use crate::model::Timestamp;

/// Nanoseconds of a day without a time zone.
pub(crate) const DAY_NANOS: i64 = 86_400_000_000_000;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Where civil time is reckoned: UTC, unless the query names a zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    zone: TimeZone,
    named: bool,
}

impl Zone {
    /// Returns the zone of queries that name none.
    pub(crate) fn utc() -> Self {
        Self { zone: TimeZone::UTC, named: false }
    }

    /// Returns a zone of the IANA database, or nothing where the name is unknown.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(|zone| Self { zone, named: true })
    }

    /// Returns the names of all zones that are known here.
    pub(crate) fn names() -> Vec<String> {
        jiff::tz::db().available().map(|name| name.to_string()).collect()
    }

    /// Returns true if the query names a zone, so that days are civil days.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Turns a civil time into an instant: in a fold the earlier offset, in a gap shifted forward.
    ///
    /// The flag says that the civil time fell into a fold or a gap.
    pub(crate) fn instant(&self, time: DateTime) -> Option<(Timestamp, bool)> {
        let ambiguous = self.zone.to_ambiguous_timestamp(time);
        let unclear = ambiguous.is_ambiguous();
        let nanos = ambiguous.compatible().ok()?.as_nanosecond();
        Some((Timestamp::from_nanos(i64::try_from(nanos).ok()?), unclear))
    }

    /// Returns the midnight that begins the civil day of `time`, some days later or earlier.
    pub(crate) fn midnight(&self, time: Timestamp, days_later: i64) -> Timestamp {
        let number = self.day_number(time.as_nanos()).saturating_add(days_later);
        Timestamp::from_nanos(self.day_start(number))
    }

    /// Adds a duration, or subtracts it: months, then days, then nanoseconds.
    ///
    /// What leaves the range of timestamps stops at its end.
    pub(crate) fn shift(&self, time: Timestamp, by: Duration, back: bool) -> Timestamp {
        let end = if back { Timestamp::MIN } else { Timestamp::MAX };
        let civil = if by.months == 0 && (by.days == 0 || !self.named) {
            let days = i64::from(by.days).saturating_mul(DAY_NANOS);
            Some(if back { time.saturating_sub(days) } else { time.saturating_add(days) })
        } else {
            self.shift_civil(time, by, back)
        };
        let (Some(civil), Ok(nanos)) = (civil, i64::try_from(by.nanos)) else { return end };
        if back { civil.saturating_sub(nanos) } else { civil.saturating_add(nanos) }
    }

    /// Moves a boundary of windows into the past, so that none of two dates shares a third: a date
    /// that the earlier month lacks becomes the end of that month.
    pub(crate) fn boundary_before(&self, boundary: Timestamp, by: Duration) -> Timestamp {
        let days = Duration { months: 0, ..by };
        if by.months == 0 {
            return self.shift(boundary, days, true);
        }
        let civil = self.zoned(boundary.as_nanos()).datetime();
        let number = month_number(civil.date()).saturating_sub(i64::from(by.months));
        let moved = month_date(number).and_then(|first| {
            if civil.day() > first.days_in_month() {
                return month_date(number + 1).map(|next| next.at(0, 0, 0, 0));
            }
            let date = Date::new(first.year(), first.month(), civil.day()).ok()?;
            Some(DateTime::from_parts(date, civil.time()))
        });
        let instant = moved.and_then(|moved| self.instant(moved));
        instant.map_or(Timestamp::MIN, |(instant, _)| self.shift(instant, days, true))
    }

    fn shift_civil(&self, time: Timestamp, by: Duration, back: bool) -> Option<Timestamp> {
        let span = jiff::Span::new().try_months(by.months).ok()?.try_days(by.days).ok()?;
        let zoned = self.zoned(time.as_nanos());
        let moved = if back { zoned.checked_sub(span) } else { zoned.checked_add(span) };
        let nanos = moved.ok()?.timestamp().as_nanosecond();
        Some(Timestamp::from_nanos(i64::try_from(nanos).ok()?))
    }

    /// Returns an instant as a civil time of the zone.
    pub(crate) fn zoned(&self, nanos: i64) -> jiff::Zoned {
        // Every i64 of nanoseconds lies in the years 1677 to 2262, which jiff covers.
        let instant = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default();
        instant.to_zoned(self.zone.clone())
    }

    /// Returns the first time after `nanos` at which the clocks change, if they do again.
    pub(crate) fn next_change(&self, nanos: i64) -> Option<i64> {
        let instant = jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok()?;
        let change = self.zone.following(instant).next()?.timestamp();
        i64::try_from(change.as_nanosecond()).ok()
    }

    fn day_number(&self, nanos: i64) -> i64 {
        self.zoned(nanos).date().duration_since(EPOCH).as_hours() / 24
    }

    fn day_start(&self, number: i64) -> i64 {
        let date = EPOCH.checked_add(jiff::SignedDuration::from_hours(number.saturating_mul(24)));
        date.map_or(clamp_by_sign(number), |date| self.date_start(date))
    }

    fn date_start(&self, date: Date) -> i64 {
        let nanos = date.to_zoned(self.zone.clone()).map(|day| day.timestamp().as_nanosecond());
        let edge = clamp_by_sign(i64::from(date.year()) - 1970);
        nanos.map_or(edge, |nanos| i64::try_from(nanos).unwrap_or(edge))
    }
}

fn clamp_by_sign(distance: i64) -> i64 {
    if distance < 0 { i64::MIN } else { i64::MAX }
}

/// The boundaries that windows of one length align to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Grid {
    /// Multiples of a length since the epoch.
    Fixed(i64),
    /// Multiples of a length that divides 24 h, since each civil midnight.
    OfDay(i64, Zone),
    /// Civil days; multiples of seven begin on Mondays.
    Days(i64, Zone),
    /// Civil months, counted from January.
    Months(i64, Zone),
}

impl Grid {
    /// Chooses the grid of a window's length; nothing for a length that has no clear boundaries.
    pub(crate) fn of(every: Duration, zone: &Zone) -> Option<Self> {
        let nanos = i64::try_from(every.nanos).ok()?;
        match (every.months, every.days, nanos) {
            (0, 0, 0) => None,
            (0, 0, _) if zone.named && DAY_NANOS % nanos == 0 => {
                Some(Self::OfDay(nanos, zone.clone()))
            }
            (0, days, _) if days == 0 || !zone.named => {
                Some(Self::Fixed(i64::from(days).checked_mul(DAY_NANOS)?.checked_add(nanos)?))
            }
            (0, days, 0) => Some(Self::Days(i64::from(days), zone.clone())),
            (months, 0, 0) => Some(Self::Months(i64::from(months), zone.clone())),
            _ => None,
        }
    }

    /// Returns the last boundary at or before a time.
    pub(crate) fn floor(&self, nanos: i64) -> i64 {
        match self {
            Self::Fixed(step) => floor_to(nanos, *step),
            Self::OfDay(step, zone) => {
                let day = zone.day_start(zone.day_number(nanos));
                day.saturating_add(floor_to(nanos.saturating_sub(day), *step))
            }
            Self::Days(days, zone) => zone.day_start(floor_days(zone.day_number(nanos), *days)),
            Self::Months(months, zone) => {
                let date = zone.zoned(nanos).date();
                month_start(floor_to(month_number(date), *months), zone)
            }
        }
    }

    /// Returns the boundary that follows a boundary.
    pub(crate) fn next(&self, boundary: i64) -> i64 {
        match self {
            Self::Fixed(step) => boundary.saturating_add(*step),
            Self::OfDay(step, zone) => {
                let midnight = zone.day_start(zone.day_number(boundary).saturating_add(1));
                boundary.saturating_add(*step).min(midnight)
            }
            Self::Days(days, zone) => {
                zone.day_start(zone.day_number(boundary).saturating_add(*days))
            }
            Self::Months(months, zone) => {
                let number = month_number(zone.zoned(boundary).date());
                month_start(number.saturating_add(*months), zone)
            }
        }
    }
}

fn floor_to(number: i64, step: i64) -> i64 {
    number.checked_sub(number.rem_euclid(step)).unwrap_or(i64::MIN)
}

fn floor_days(number: i64, days: i64) -> i64 {
    // The epoch was a Thursday, three days after a Monday.
    let shift = if days % 7 == 0 { 3 } else { 0 };
    floor_to(number + shift, days) - shift
}

fn month_number(date: Date) -> i64 {
    (i64::from(date.year()) - 1970) * 12 + i64::from(date.month()) - 1
}

fn month_start(number: i64, zone: &Zone) -> i64 {
    month_date(number).map_or(clamp_by_sign(number), |date| zone.date_start(date))
}

fn month_date(number: i64) -> Option<Date> {
    let year = i16::try_from(number.div_euclid(12).saturating_add(1970)).ok()?;
    let month = i8::try_from(number.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::{DAY_NANOS, Duration, Grid, Timestamp, Zone};

    fn at(text: &str) -> i64 {
        let time: jiff::Timestamp = text.parse().unwrap();
        i64::try_from(time.as_nanosecond()).unwrap()
    }

    fn days(days: u32) -> Duration {
        Duration { days, ..Duration::default() }
    }

    #[test]
    fn fixed_grid_counts_from_the_epoch_on_both_sides() {
        let grid = Grid::of(Duration { nanos: 10, ..Duration::default() }, &Zone::utc()).unwrap();
        assert_eq!((grid.floor(19), grid.floor(-1), grid.next(10)), (10, -10, 20));
    }

    #[test]
    fn civil_days_have_23_and_25_hours() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let grid = Grid::of(days(1), &zone).unwrap();
        let spring = grid.floor(at("2026-03-29T12:00:00Z"));
        assert_eq!(spring, at("2026-03-28T23:00:00Z"));
        assert_eq!(grid.next(spring) - spring, DAY_NANOS / 24 * 23);
        let autumn = grid.floor(at("2026-10-25T12:00:00Z"));
        assert_eq!(grid.next(autumn) - autumn, DAY_NANOS / 24 * 25);
    }

    #[test]
    fn civil_weeks_begin_on_monday_and_fixed_ones_do_not() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let monday = Grid::of(days(7), &berlin).unwrap().floor(at("2026-02-12T00:00:00Z"));
        assert_eq!(monday, at("2026-02-08T23:00:00Z"));
        let thursday = Grid::of(days(7), &Zone::utc()).unwrap().floor(at("2026-02-12T00:00:00Z"));
        assert_eq!(thursday, at("2026-02-12T00:00:00Z"));
    }

    #[test]
    fn months_are_calendar_months_without_a_zone_too() {
        let month = Duration { months: 1, ..Duration::default() };
        let grid = Grid::of(month, &Zone::utc()).unwrap();
        let start = grid.floor(at("2026-02-12T00:00:00Z"));
        assert_eq!(start, at("2026-02-01T00:00:00Z"));
        assert_eq!(grid.next(start), at("2026-03-01T00:00:00Z"));
        let end = Timestamp::from_nanos(at("2026-03-31T00:00:00Z"));
        assert_eq!(Zone::utc().shift(end, month, true).to_string(), "2026-02-28T00:00:00Z");
    }

    #[test]
    fn days_that_a_month_lacks_become_its_end() {
        let month = Duration { months: 1, ..Duration::default() };
        let zone = Zone::named("Europe/Berlin").unwrap();
        for (given, moved) in [
            ("2026-03-28T12:00:00+01:00", "2026-02-28T11:00:00Z"),
            ("2026-03-30T00:00:00+02:00", "2026-02-28T23:00:00Z"),
            ("2026-03-31T09:00:00+02:00", "2026-02-28T23:00:00Z"),
            ("2026-04-01T00:00:00+02:00", "2026-02-28T23:00:00Z"),
            ("2026-01-31T00:00:00+01:00", "2025-12-30T23:00:00Z"),
        ] {
            let boundary = Timestamp::from_nanos(at(given));
            assert_eq!(zone.boundary_before(boundary, month).to_string(), moved, "{given}");
        }
    }

    #[test]
    fn mixed_lengths_have_no_grid() {
        let mixed = Duration { months: 1, days: 1, nanos: 0 };
        assert!(Grid::of(mixed, &Zone::utc()).is_none());
    }

    #[test]
    fn hours_align_to_civil_midnight_of_a_named_zone() {
        let zone = Zone::named("Asia/Kolkata").unwrap();
        let hour = Duration { nanos: 3_600_000_000_000, ..Duration::default() };
        let grid = Grid::of(hour, &zone).unwrap();
        assert_eq!(grid.floor(at("2026-02-12T00:00:00Z")), at("2026-02-11T23:30:00Z"));
    }
}
