//! Times as inputs write them.

use std::str::FromStr;

use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::{ModelError, Timestamp};

/// The unit of times that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Told by the magnitude: numbers are taken as the unit that puts them into 1990 to 2100.
    #[default]
    Auto,
    /// Seconds since the epoch, with fractions.
    Seconds,
    /// Milliseconds since the epoch.
    Millis,
    /// Microseconds since the epoch.
    Micros,
    /// Nanoseconds since the epoch.
    Nanos,
    /// RFC 3339 only.
    Rfc3339,
}

impl FromStr for TimeUnit {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        match word {
            "auto" => Ok(Self::Auto),
            "s" => Ok(Self::Seconds),
            "ms" => Ok(Self::Millis),
            "us" => Ok(Self::Micros),
            "ns" => Ok(Self::Nanos),
            "rfc3339" => Ok(Self::Rfc3339),
            _ => Err(ModelError::UnknownWord {
                what: "time unit",
                word: word.to_owned(),
                known: "auto, s, ms, us, ns, rfc3339",
            }),
        }
    }
}

/// The time zone of dates and times that name none, such as `2026-02-09 10:00:00`.
///
/// Of two times with the same name, when clocks are set back, the earlier one is taken; a time that
/// clocks skip does not exist, and makes a bad row.
///
/// ```
/// use silverback::ingest::Zone;
/// assert!("Europe/Berlin".parse::<Zone>().is_ok());
/// assert!("Berlin".parse::<Zone>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    /// Returns UTC.
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = ModelError;

    /// Finds a zone by its IANA name.
    fn from_str(name: &str) -> Result<Self, ModelError> {
        TimeZone::get(name).map(Self).map_err(|_| ModelError::UnknownWord {
            what: "time zone",
            word: name.to_owned(),
            known: "IANA names, such as UTC or Europe/Berlin",
        })
    }
}

/// 1990-01-01 and 2100-01-01 in nanoseconds: where the times of requests lie.
const YEARS: std::ops::Range<i64> = 631_152_000_000_000_000..4_102_444_800_000_000_000;
/// The units by length, longest first, and how they are called on the command line.
const UNITS: [(TimeUnit, i64, &str); 4] = [
    (TimeUnit::Seconds, 1_000_000_000, "s"),
    (TimeUnit::Millis, 1_000_000, "ms"),
    (TimeUnit::Micros, 1_000, "us"),
    (TimeUnit::Nanos, 1, "ns"),
];

/// Reads a time: a number since the epoch, RFC 3339, or a date and time in a zone.
pub(crate) fn parse(text: &str, unit: TimeUnit, zone: &Zone) -> Result<Timestamp, String> {
    let text = text.trim();
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && text.bytes().skip(1).all(|b| b != b'-');
    if !is_number || unit == TimeUnit::Rfc3339 {
        return civil(text, zone);
    }
    let known = UNITS.iter().find(|(known, ..)| *known == unit);
    if let Some((_, nanos, _)) = known {
        return in_years(scaled(text, *nanos), text);
    }
    let mut fitting = UNITS.iter().filter_map(|(_, nanos, _)| scaled(text, *nanos));
    fitting.find(|time| YEARS.contains(time)).map(Timestamp::from_nanos).ok_or_else(|| {
        format!("time {text:?} lies outside of 1990 to 2100 in every unit; give --time-unit")
    })
}

/// Checks a time in the unit asked for. One that is no number of nanoseconds is most often in
/// another unit, so that it deserves the hint as well.
fn in_years(time: Option<i64>, text: &str) -> Result<Timestamp, String> {
    if let Some(time) = time.filter(|time| YEARS.contains(time)) {
        return Ok(Timestamp::from_nanos(time));
    }
    let meant = UNITS
        .iter()
        .find(|(_, nanos, _)| scaled(text, *nanos).is_some_and(|time| YEARS.contains(&time)));
    Err(match meant {
        Some((.., name)) => {
            format!("time {text:?} lies outside of 1990 to 2100; is its unit {name}?")
        }
        None => format!("time {text:?} lies outside of 1990 to 2100"),
    })
}

/// Multiplies a decimal by a unit, exactly; digits below a nanosecond are dropped.
fn scaled(text: &str, nanos: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_negative = whole.starts_with('-');
    let whole = whole.parse::<i64>().ok()?.checked_mul(nanos)?;
    let mut rest = 0_i64;
    let mut scale = nanos;
    for digit in fraction.bytes() {
        scale /= 10;
        rest += i64::from(digit.checked_sub(b'0')?) * scale;
    }
    if is_negative { whole.checked_sub(rest) } else { whole.checked_add(rest) }
}

/// Reads RFC 3339, or `YYYY-MM-DD HH:MM:SS[.fraction]` in a zone.
fn civil(text: &str, zone: &Zone) -> Result<Timestamp, String> {
    let bad = || format!("{text:?} is not a time");
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return i64::try_from(instant.as_nanosecond())
            .map(Timestamp::from_nanos)
            .map_err(|_| bad());
    }
    // A named zone would be passed over in silence: `08:30[America/New_York]` is not 08:30 UTC.
    if text.contains('[') {
        return Err(format!("{text:?} has a zone but no offset from UTC"));
    }
    let civil = text.parse::<jiff::civil::DateTime>().map_err(|_| bad())?;
    let found = zone.0.to_ambiguous_timestamp(civil);
    if let AmbiguousOffset::Gap { .. } = found.offset() {
        return Err(format!("{text:?} does not exist in its time zone, whose clocks skip it"));
    }
    let instant = found.compatible().map_err(|_| bad())?;
    i64::try_from(instant.as_nanosecond()).map(Timestamp::from_nanos).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use crate::ingest::time::{self, TimeUnit, Zone};
    use crate::model::Timestamp;

    fn parse(text: &str, unit: TimeUnit) -> Result<Timestamp, String> {
        time::parse(text, unit, &Zone::default())
    }

    #[test]
    fn times_are_read_in_every_form() {
        for (text, unit, nanos) in [
            ("1700000000", TimeUnit::Auto, 1_700_000_000_000_000_000),
            ("1700000000.25", TimeUnit::Auto, 1_700_000_000_250_000_000),
            ("1700000000123", TimeUnit::Auto, 1_700_000_000_123_000_000),
            ("1700000000123456", TimeUnit::Auto, 1_700_000_000_123_456_000),
            ("1700000000123456789", TimeUnit::Nanos, 1_700_000_000_123_456_789),
            ("2023-11-16 18:15:46.6805900", TimeUnit::Auto, 1_700_158_546_680_590_000),
            ("2023-11-16T18:15:46Z", TimeUnit::Auto, 1_700_158_546_000_000_000),
            ("2023-11-16T19:15:46+01:00", TimeUnit::Rfc3339, 1_700_158_546_000_000_000),
        ] {
            assert_eq!(parse(text, unit).map(Timestamp::as_nanos), Ok(nanos), "{text}");
        }
        let hint = parse("1700000000123", TimeUnit::Seconds).unwrap_err();
        assert!(hint.contains("is its unit ms?"), "{hint}");
        for text in ["", "soon", "12", "2023-02-30 00:00:00", "1-2", "99999999999999999999"] {
            assert!(parse(text, TimeUnit::Auto).is_err(), "{text}");
        }
    }

    /// Symptom: `2024-06-30T08:30[America/New_York]` was stored at 08:30 UTC, four hours early.
    /// Cause: jiff reads a civil time from it and passes over the zone. Fix: it is refused.
    #[test]
    fn a_zone_without_an_offset_is_refused() {
        let refused = parse("2024-06-30T08:30[America/New_York]", TimeUnit::Auto).unwrap_err();
        assert!(refused.contains("no offset"), "{refused}");
        let taken = parse("2024-06-30T08:30-04:00[America/New_York]", TimeUnit::Auto).unwrap();
        assert_eq!(taken.as_nanos(), 1_719_750_600_000_000_000);
    }

    #[test]
    fn civil_times_are_taken_in_their_zone() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let read = |text| time::parse(text, TimeUnit::Auto, &berlin);
        for (text, utc) in [
            ("2026-02-09 10:00:00.1234567", "2026-02-09T09:00:00.1234567Z"),
            ("2026-07-01T10:00:00", "2026-07-01T08:00:00Z"),
            // An offset or a number stands over the zone.
            ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z"),
            ("1770631200", "2026-02-09T10:00:00Z"),
            // Clocks go from 3 back to 2: the first of both.
            ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(read(text).map(|time| time.to_string()), Ok(utc.to_owned()), "{text}");
        }
        // Clocks go from 2 to 3.
        let reason = read("2026-03-29 02:30:00").unwrap_err();
        assert!(reason.contains("does not exist"), "{reason}");
    }
}
