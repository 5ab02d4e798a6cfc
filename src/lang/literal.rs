//! The values of number, duration, size and time literals.

use jiff::civil::{Date, DateTime};

use crate::lang::ast::{Duration, SizeSuffix, Time};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::token::TokenKind;

/// The units of fixed length, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", DAY_NANOS),
];
const DAY_NANOS: u64 = 86_400_000_000_000;

const SUFFIXES: [(&str, SizeSuffix); 16] = [
    ("k", SizeSuffix::K),
    ("K", SizeSuffix::K),
    ("M", SizeSuffix::M),
    ("G", SizeSuffix::G),
    ("T", SizeSuffix::T),
    ("kB", SizeSuffix::K),
    ("MB", SizeSuffix::M),
    ("GB", SizeSuffix::G),
    ("Ki", SizeSuffix::Ki),
    ("Mi", SizeSuffix::Mi),
    ("Gi", SizeSuffix::Gi),
    ("Ti", SizeSuffix::Ti),
    ("KiB", SizeSuffix::Ki),
    ("MiB", SizeSuffix::Mi),
    ("GiB", SizeSuffix::Gi),
    ("TiB", SizeSuffix::Ti),
];

/// How words that people write for a unit begin, and the unit.
const NEARLY_UNITS: [(&str, &str); 16] = [
    ("nano", "ns"),
    ("nsec", "ns"),
    ("micro", "us"),
    ("usec", "us"),
    ("milli", "ms"),
    ("msec", "ms"),
    ("sec", "s"),
    ("min", "m"),
    ("hour", "h"),
    ("hr", "h"),
    ("day", "d"),
    ("week", "w"),
    ("wk", "w"),
    ("mon", "mo"),
    ("year", "y"),
    ("yr", "y"),
];

/// Why a literal that begins with a digit has no value.
pub(crate) struct BadNumber {
    message: String,
    /// What was probably meant, in place of the literal.
    meant: Option<String>,
}

impl BadNumber {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), meant: None }
    }

    pub(crate) fn into_diagnostic(self, text: &str, span: Span) -> Diagnostic {
        let found = Diagnostic::error("Q003", text, span, self.message);
        match self.meant {
            Some(meant) => found.with_label(format!("write `{meant}`")).replacing(span, &meant),
            None => found.with_help("durations are like 1h30m or 500ms, sizes like 10k or 4MiB"),
        }
    }
}

/// Returns the token of a literal that begins with a digit.
pub(crate) fn number_token(literal: &str) -> Result<TokenKind, BadNumber> {
    if let Some(hex) = literal.strip_prefix("0x") {
        let digits = hex.replace('_', "");
        let value = u32::from_str_radix(&digits, 16).map(f64::from);
        return value
            .map(TokenKind::Number)
            .map_err(|_| BadNumber::new("a hexadecimal number has 1 to 8 digits"));
    }
    if let Some(percent) = literal.strip_suffix('%') {
        return Ok(TokenKind::Percent(plain_number(percent)?));
    }
    if let Ok(value) = plain_number(literal) {
        return Ok(TokenKind::Number(value));
    }
    let unit_at = literal.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_'));
    let (digits, unit) = literal.split_at(unit_at.unwrap_or(literal.len()));
    if let Some((_, suffix)) = SUFFIXES.iter().find(|(known, _)| *known == unit) {
        return Ok(TokenKind::Size(plain_number(digits)?, *suffix));
    }
    duration(literal).map(TokenKind::Duration).map_err(|bad| match with_units_meant(literal) {
        Some((meant, word)) => {
            BadNumber { message: format!("`{word}` is no unit of time"), meant: Some(meant) }
        }
        None => bad,
    })
}

/// Returns the unit that a word stands for, a unit itself or what people write for one.
pub(crate) fn unit_meant(word: &str) -> Option<&'static str> {
    let exact = UNITS.iter().map(|(unit, _)| *unit).chain(["w", "mo", "y"]);
    if let Some(unit) = exact.into_iter().find(|unit| *unit == word) {
        return Some(unit);
    }
    let lower = word.to_ascii_lowercase();
    // `1H` is an hour; `1M` could be a month, a minute or a million.
    if let Some(unit) =
        ["h", "d", "w", "y", "s", "ms", "us", "ns", "mo"].into_iter().find(|unit| *unit == lower)
    {
        return Some(unit);
    }
    NEARLY_UNITS.iter().find(|(written, _)| lower.starts_with(written)).map(|(_, unit)| *unit)
}

/// Returns a duration such as `1h30min` with the units that were meant, and the first word that is
/// no unit.
fn with_units_meant(literal: &str) -> Option<(String, &str)> {
    let (mut meant, mut wrong) = (String::new(), None);
    let mut rest = literal;
    while !rest.is_empty() {
        let unit_at = rest.find(char::is_alphabetic)?;
        let (digits, after) = rest.split_at(unit_at);
        let next = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (word, after) = after.split_at(next);
        let unit = unit_meant(word)?;
        if unit != word {
            wrong = wrong.or(Some(word));
        }
        meant.push_str(digits);
        meant.push_str(unit);
        rest = after;
    }
    wrong.map(|word| (meant, word))
}

fn plain_number(literal: &str) -> Result<f64, BadNumber> {
    let digits = literal.replace('_', "");
    let is_plain =
        digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let value = digits.parse().ok().filter(|value: &f64| is_plain && value.is_finite());
    value.ok_or_else(|| BadNumber::new("this is not a number"))
}

/// Reads one or more of: decimal, unit; as in `1h30m` or `1.5s`.
fn duration(literal: &str) -> Result<Duration, BadNumber> {
    let mut total = Duration::default();
    let mut rest = literal;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_alphabetic()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(unit_at);
        let next = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(next);
        add_part(&mut total, digits, unit)?;
        rest = after;
    }
    Ok(total)
}

fn add_part(total: &mut Duration, digits: &str, unit: &str) -> Result<(), BadNumber> {
    let too_long = || BadNumber::new("the duration is too long");
    let whole = || {
        digits.parse::<u32>().map_err(|_| BadNumber::new("months and years come in whole numbers"))
    };
    let (months, days_a_week) = match unit {
        "mo" => (1, 0),
        "y" => (12, 0),
        "w" => (0, 7),
        _ => (0, 1),
    };
    if months > 0 {
        let added = whole()?.checked_mul(months).and_then(|more| total.months.checked_add(more));
        total.months = added.ok_or_else(too_long)?;
        return Ok(());
    }
    let unit = if unit == "w" { "d" } else { unit };
    if unit.is_empty() {
        let message = format!("`{digits}` has no unit: ns us ms s m h d w mo y");
        return Err(BadNumber::new(message));
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, nanos) = known.ok_or_else(|| BadNumber::new(format!("`{unit}` is no unit of time")))?;
    let nanos = scaled(digits, u128::from(*nanos) * days_a_week)?;
    if unit == "d" {
        let days = u32::try_from(nanos / u128::from(DAY_NANOS)).map_err(|_| too_long())?;
        total.days = total.days.checked_add(days).ok_or_else(too_long)?;
    }
    let nanos = if unit == "d" { nanos % u128::from(DAY_NANOS) } else { nanos };
    let nanos = u64::try_from(nanos).map_err(|_| too_long())?;
    total.nanos = total.nanos.checked_add(nanos).ok_or_else(too_long)?;
    Ok(())
}

/// Multiplies a decimal by a count of nanoseconds, exactly.
fn scaled(digits: &str, nanos: u128) -> Result<u128, BadNumber> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let bad = || BadNumber::new("this is not a duration");
    let power = u32::try_from(fraction.len()).ok().and_then(|len| 10_u128.checked_pow(len));
    let value: u128 = format!("{}{fraction}", whole.replace('_', "")).parse().map_err(|_| bad())?;
    let (product, power) = (value.checked_mul(nanos).ok_or_else(bad)?, power.ok_or_else(bad)?);
    if product % power != 0 {
        return Err(BadNumber::new("a duration is a whole number of nanoseconds"));
    }
    Ok(product / power)
}

/// Returns the token of a date, a timestamp, or `@` and an epoch.
pub(crate) fn time_token(literal: &str) -> Result<TokenKind, String> {
    if let Some(epoch) = literal.strip_prefix('@') {
        let unit_at = epoch.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(epoch.len());
        let (digits, unit) = epoch.split_at(unit_at);
        let nanos: i64 = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            _ => 1_000_000_000,
        };
        let value = digits.parse().ok().and_then(|value: i64| value.checked_mul(nanos));
        let value =
            value.ok_or("this epoch lies outside of the years 1677 to 2262; is its unit right?")?;
        return Ok(TokenKind::Time(Time::Instant(value)));
    }
    if let Ok(date) = literal.parse::<Date>()
        && literal.len() == 10
    {
        return Ok(TokenKind::Time(Time::Civil(
            date.to_datetime(jiff::civil::Time::midnight()),
            true,
        )));
    }
    if let Ok(instant) = literal.parse::<jiff::Timestamp>() {
        let nanos = i64::try_from(instant.as_nanosecond());
        let nanos = nanos.map_err(|_| "times lie in the years 1677 to 2262")?;
        return Ok(TokenKind::Time(Time::Instant(nanos)));
    }
    let civil = literal.parse::<DateTime>();
    civil
        .map(|civil| TokenKind::Time(Time::Civil(civil, false)))
        .map_err(|_| "there is no such date or time".to_owned())
}
