//! Units of metrics, and literals read in them.

use crate::lang::ast::Literal;
use crate::query::calendar::DAY_NANOS;

/// Why a literal cannot be read in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// A duration needs a unit of time, and no unit is known.
    NoUnit,
    /// A duration needs a unit of time, and the unit measures something else.
    NotTime,
    /// Months have no fixed length.
    Months,
    /// A text is not a number.
    Text,
}

/// Reads a literal as a number of a unit: `1s` is 1000 where the unit is `ms`.
pub(crate) fn number_in_unit(literal: &Literal, unit: Option<&str>) -> Result<f64, Mismatch> {
    match literal {
        Literal::Number(number) => Ok(*number),
        Literal::Percent(percent) if unit.is_some_and(is_percent) => Ok(*percent),
        Literal::Percent(percent) => Ok(percent / 100.0),
        Literal::Size(size, suffix) => Ok(size * suffix.factor()),
        Literal::Duration(duration) if duration.months > 0 => Err(Mismatch::Months),
        Literal::Duration(duration) => {
            let unit = unit.ok_or(Mismatch::NoUnit)?;
            let unit_nanos = time_unit_nanos(unit).ok_or(Mismatch::NotTime)?;
            let days = u128::from(duration.days) * u128::from(DAY_NANOS.unsigned_abs());
            let nanos = days + u128::from(duration.nanos);
            // Both are exact below 2^53 ns (104 days), so that the quotient is rounded once.
            #[expect(clippy::cast_precision_loss, reason = "a double holds the quotient anyway")]
            let number = nanos as f64 / unit_nanos as f64;
            Ok(number)
        }
        Literal::Text(_) => Err(Mismatch::Text),
    }
}

/// Returns the length of a unit of time; nothing for units of anything else.
pub(crate) fn time_unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" | "nanoseconds" => 1,
        "us" | "µs" | "μs" | "microseconds" => 1_000,
        "ms" | "milliseconds" => 1_000_000,
        "s" | "sec" | "seconds" => 1_000_000_000,
        "m" | "min" | "minutes" => 60_000_000_000,
        "h" | "hours" => 3_600_000_000_000,
        "d" | "days" => DAY_NANOS.unsigned_abs(),
        _ => return None,
    })
}

/// Names the unit of an amount in a length of time: `tokens/s`.
pub(crate) fn rate_unit(amount: Option<&str>, per_nanos: u64) -> String {
    let amount = amount.unwrap_or("1");
    let known = [
        (1_000_000_000, "s"),
        (60_000_000_000, "min"),
        (3_600_000_000_000, "h"),
        (DAY_NANOS.unsigned_abs(), "d"),
    ];
    match known.into_iter().find(|(nanos, _)| *nanos == per_nanos) {
        Some((_, name)) => format!("{amount}/{name}"),
        None => format!("{amount}/{per_nanos}ns"),
    }
}

fn is_percent(unit: &str) -> bool {
    matches!(unit, "%" | "percent")
}

#[cfg(test)]
mod tests {
    use super::{Mismatch, number_in_unit, rate_unit};
    use crate::lang::ast::{Duration, Literal, SizeSuffix};

    fn nanos(nanos: u64) -> Literal {
        Literal::Duration(Duration { nanos, ..Duration::default() })
    }

    #[test]
    fn durations_convert_to_the_metric_unit() {
        assert_eq!(number_in_unit(&nanos(1_000_000_000), Some("ms")), Ok(1000.0));
        assert_eq!(number_in_unit(&nanos(10_000_000), Some("s")), Ok(0.01));
        let day = Literal::Duration(Duration { days: 1, ..Duration::default() });
        assert_eq!(number_in_unit(&day, Some("h")), Ok(24.0));
    }

    #[test]
    fn durations_without_a_unit_of_time_are_refused() {
        assert_eq!(number_in_unit(&nanos(1), None), Err(Mismatch::NoUnit));
        assert_eq!(number_in_unit(&nanos(1), Some("tokens")), Err(Mismatch::NotTime));
        let month = Literal::Duration(Duration { months: 1, ..Duration::default() });
        assert_eq!(number_in_unit(&month, Some("s")), Err(Mismatch::Months));
        assert_eq!(number_in_unit(&Literal::Text("a".to_owned()), None), Err(Mismatch::Text));
    }

    #[test]
    fn percents_and_sizes_are_plain_numbers() {
        assert_eq!(number_in_unit(&Literal::Percent(5.0), None), Ok(0.05));
        assert_eq!(number_in_unit(&Literal::Percent(5.0), Some("%")), Ok(5.0));
        assert_eq!(number_in_unit(&Literal::Size(2.5, SizeSuffix::M), Some("tokens")), Ok(2.5e6));
        assert_eq!(number_in_unit(&Literal::Size(4.0, SizeSuffix::Ki), None), Ok(4096.0));
    }

    #[test]
    fn rates_name_their_length_of_time() {
        assert_eq!(rate_unit(Some("tokens"), 60_000_000_000), "tokens/min");
        assert_eq!(rate_unit(None, 1_000_000_000), "1/s");
    }
}
