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

/// Reads a time: a number since the epoch or an origin, RFC 3339, or a date and time in a zone.
#[inline]
pub(crate) fn parse(
    text: &[u8],
    unit: TimeUnit,
    origin: Option<Timestamp>,
    zone: &Zone,
) -> Result<Timestamp, String> {
    let text = text.trim_ascii();
    if let Some(nanos) = fixed(text, zone) {
        return Ok(Timestamp::from_nanos(nanos));
    }
    if let Some(number) = whole(text)
        && unit == TimeUnit::Auto
        && origin.is_none()
        && let Some(nanos) = UNITS
            .iter()
            .filter_map(|(_, nanos, _)| number.checked_mul(*nanos))
            .find(|time| YEARS.contains(time))
    {
        return Ok(Timestamp::from_nanos(nanos));
    }
    any(text, unit, origin, zone)
}

/// Reads a time in any form.
fn any(
    text: &[u8],
    unit: TimeUnit,
    origin: Option<Timestamp>,
    zone: &Zone,
) -> Result<Timestamp, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the time is not UTF-8".to_owned())?;
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && text.bytes().skip(1).all(|b| b != b'-');
    if !is_number || unit == TimeUnit::Rfc3339 {
        return civil(text, zone);
    }
    let known = UNITS.iter().find(|(known, ..)| *known == unit);
    if let Some(origin) = origin {
        // An origin is given for times that nobody can tell the unit of: seconds are most common.
        let nanos = known.map_or(1_000_000_000, |(_, nanos, _)| *nanos);
        let time = scaled(text, nanos).and_then(|since| origin.as_nanos().checked_add(since));
        return time.map(Timestamp::from_nanos).ok_or_else(|| format!("{text:?} is not a time"));
    }
    if let Some((_, nanos, _)) = known {
        return in_years(scaled(text, *nanos), text);
    }
    let mut fitting = UNITS.iter().filter_map(|(_, nanos, _)| scaled(text, *nanos));
    fitting.find(|time| YEARS.contains(time)).map(Timestamp::from_nanos).ok_or_else(|| {
        format!("time {text:?} lies outside of 1990 to 2100 in every unit; give --time-unit")
    })
}

/// Reads a time in nanoseconds, as line protocol has them. One outside of our days is most likely
/// in another unit, or none at all; where it is meant, zeros make it 19 characters long.
#[inline]
pub(crate) fn nanos(text: &[u8]) -> Result<Timestamp, String> {
    const LENGTH_SURE: usize = 19;
    let shown = || String::from_utf8_lossy(text).into_owned();
    let number = whole(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok());
    let number = number
        .ok_or_else(|| format!("{:?} is not a time in nanoseconds; give --time-unit", shown()))?;
    if text.len() < LENGTH_SURE {
        let hint = in_years(Some(number), &shown());
        return hint.map_err(|hint| format!("{hint} (nanoseconds; give --time-unit)"));
    }
    Ok(Timestamp::from_nanos(number))
}

/// Reads digits alone, as far as they fit.
#[inline]
fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut number = 0_u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    i64::try_from(number).ok()
}

/// Reads the usual shape of RFC 3339, `2026-02-09T10:00:00.25Z`, with an offset of hours and
/// minutes, or with none where the zone is UTC. What is seldom, or wrong, is left to the calendar's
/// own reader.
#[inline]
fn fixed(text: &[u8], zone: &Zone) -> Option<i64> {
    let (clock, mut rest) = text.split_at_checked(19)?;
    let digit = |at: usize| clock.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10);
    let pair = |at: usize| Some(i64::from(digit(at)?) * 10 + i64::from(digit(at + 1)?));
    let is = |at: usize, byte: u8| clock.get(at) == Some(&byte);
    if !is(4, b'-') || !is(7, b'-') || !(is(10, b'T') || is(10, b' ')) || !is(13, b':') {
        return None;
    }
    let (year, month, day) = (pair(0)? * 100 + pair(2)?, pair(5)?, pair(8)?);
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    let is_civil = (1970..2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day);
    if !is_civil || !is(16, b':') || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = 0;
    if let Some(digits) = rest.strip_prefix(b".") {
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, behind) = digits.split_at_checked(count)?;
        let scale = [0, 8, 7, 6, 5, 4, 3, 2, 1, 0].get(count).filter(|_| count > 0)?;
        fraction = whole(digits)? * 10_i64.pow(*scale);
        rest = behind;
    }
    let offset = match rest {
        b"Z" => 0,
        b"" if zone.0 == TimeZone::UTC => 0,
        rest => offset_seconds(rest)?,
    };
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some((seconds - offset) * 1_000_000_000 + fraction)
}

/// Reads `+01:00` or `+0100`; `-00:00`, which says that the offset is unknown, is left to others.
pub(crate) fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [a, b, b':', c, d] | [a, b, c, d] => (whole(&[*a, *b])?, whole(&[*c, *d])?),
        _ => return None,
    };
    let seconds = hours * 3_600 + minutes * 60;
    (hours < 24 && minutes < 60 && (sign > 0 || seconds > 0)).then_some(sign * seconds)
}

/// Returns how many days a month has.
pub(crate) fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Counts the days from 1970-01-01 to a date behind it. Years begin in March here, so that the day
/// that leap years add is the last one.
pub(crate) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_before_month = (153 * month + 2) / 5;
    year * 365 + year / 4 - year / 100 + year / 400 + days_before_month + day - 1 - 719_468
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
    use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};

    use crate::ingest::time::{self, TimeUnit, Zone};
    use crate::model::Timestamp;

    fn parse(text: &str, unit: TimeUnit) -> Result<Timestamp, String> {
        time::parse(text.as_bytes(), unit, None, &Zone::default())
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
        let read = |text: &str| time::parse(text.as_bytes(), TimeUnit::Auto, None, &berlin);
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

    /// A part of a civil time that is mostly right.
    fn part(usual: std::ops::Range<u32>, width: usize) -> impl Strategy<Value = String> {
        (usual, 0..9_u32).prop_map(move |(part, odd)| match odd {
            0 => format!("{:0width$}", 99),
            1 => "0".to_owned(),
            _ => format!("{part:0width$}"),
        })
    }

    proptest! {
        /// The quick way takes nothing that the calendar's reader refuses or takes otherwise.
        #[test]
        fn the_usual_shape_is_read_as_the_calendar_reads_it(
            (year, month, day) in (part(1960..2210, 4), part(1..13, 2), part(1..32, 2)),
            (hour, minute, second) in (part(0..25, 2), part(0..61, 2), part(0..61, 2)),
            fraction in "(\\.[0-9]{0,10})?",
            between in prop_oneof![Just("T"), Just(" "), Just("t"), Just("_")],
            offset in "(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|)",
        ) {
            let date = format!("{year}-{month}-{day}");
            let text = format!("{date}{between}{hour}:{minute}:{second}{fraction}{offset}");
            let utc = Zone::default();
            if let Some(nanos) = time::fixed(text.as_bytes(), &utc) {
                let read = time::civil(&text, &utc).map(Timestamp::as_nanos);
                prop_assert_eq!(Ok(nanos), read, "{}", text);
            }
        }
    }

    #[test]
    fn numbers_count_from_an_origin() {
        let origin = Some(Timestamp::from_nanos(1_700_000_000_000_000_000));
        let read = |text: &str, unit| time::parse(text.as_bytes(), unit, origin, &Zone::default());
        for (text, unit, since) in [
            ("0", TimeUnit::Auto, 0),
            ("1.5", TimeUnit::Auto, 1_500_000_000),
            ("-3", TimeUnit::Millis, -3_000_000),
        ] {
            let nanos = read(text, unit).map(|time| time.as_nanos() - 1_700_000_000_000_000_000);
            assert_eq!(nanos, Ok(since), "{text}");
        }
        assert!(read("9999999999999999999", TimeUnit::Auto).is_err());
    }

    #[test]
    fn nanoseconds_in_another_unit_are_told() {
        for (text, hint) in [("1700000000", "unit s?"), ("1700000000000", "unit ms?")] {
            let refused = time::nanos(text.as_bytes()).unwrap_err();
            assert!(refused.contains(hint), "{refused}");
        }
        // Symptom: these were stored in 1970 without a word, as no unit puts them into our days.
        for text in ["0", "-5", "17706312000000", "-1700000000000"] {
            let refused = time::nanos(text.as_bytes()).unwrap_err();
            assert!(refused.contains("outside of 1990 to 2100 (nanoseconds"), "{refused}");
        }
        for (text, nanos) in [
            ("0000001700000000000", 1_700_000_000_000),
            ("0000000000000000000", 0),
            ("-000000000000000005", -5),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(time::nanos(text.as_bytes()).map(Timestamp::as_nanos), Ok(nanos));
        }
    }
}
