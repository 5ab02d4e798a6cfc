//! One cell as text for people: rounded, printable, and as wide as a terminal shows it.

use unicode_width::UnicodeWidthStr;

use crate::output::number;
use crate::query::Cell;

/// Digits that are shown of a fraction; the forms for machines have all of them.
const DIGITS: i32 = 6;
/// Smaller powers of ten are shown with an exponent.
const MAGNITUDE_MIN: i32 = -5;

/// Returns what stands for a cell; a number is multiplied by `factor` first.
pub(crate) fn text(cell: &Cell, null: &str, factor: f64) -> String {
    match cell {
        Cell::Null => null.to_owned(),
        Cell::Time(time) => time.to_string(),
        Cell::Text(text) => printable(text),
        Cell::Number(value) => rounded(*value * factor),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => String::new(),
    }
}

/// Puts a mark in place of control characters, which must not reach a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Returns how many columns of a terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Rounds to what a person reads, and never to something else where the number is short already.
pub(crate) fn rounded(value: f64) -> String {
    let exact = number::text(value);
    if exact.len() <= 9 || value.fract() == 0.0 {
        return exact;
    }
    #[expect(clippy::cast_possible_truncation, reason = "from -324 to 308 for finite numbers")]
    let magnitude = value.abs().log10().floor() as i32;
    let digits = usize::try_from(DIGITS - 1).unwrap_or(0);
    if magnitude < MAGNITUDE_MIN {
        // Many zeros behind the point are hard to count, and rounding must not make a zero of it.
        let text = format!("{value:.digits$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text.as_str(), "0"));
        return format!("{}e{exponent}", without_zeros(mantissa));
    }
    let decimals = usize::try_from(DIGITS - 1 - magnitude).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// Takes away the zeros at the end of a fraction.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use crate::output::cell::{rounded, width};

    #[test]
    fn wide_characters_take_two_columns_and_joined_marks_none() {
        for (text, columns) in [("bot", 3), ("支援", 4), ("e\u{301}", 1), ("\u{fffd}", 1)] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    /// Symptom: a table showed `0` for 1.23e-20. Cause: at most 12 decimals were printed.
    #[test]
    fn numbers_are_rounded_to_six_digits_and_never_to_zero() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (842.5, "842.5"),
            (123_456_789.123_456, "123456789"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1_234.567_891_23, "1234.57"),
            (-0.123_456_789_012, "-0.123457"),
            (0.000_123_456_79, "0.000123457"),
            (1.234_567_890_123e-20, "1.23457e-20"),
            (-9.999_999_9e-9, "-1e-8"),
            (5e-324, "5e-324"),
            (1.234_567_890_123e300, "1.234567890123e300"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }
}
