//! Where an axis has its marks, and what is written beside them.

use jiff::Timestamp as Instant;
use jiff::fmt::strtime;

use crate::output::cell::rounded;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;

/// Steps between the marks of an axis of times.
const TIME_STEPS: [i64; 31] = [
    1,
    1_000,
    1_000_000,
    10_000_000,
    100_000_000,
    500_000_000,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    MONTH,
    365 * DAY,
    5 * 365 * DAY,
    50 * 365 * DAY,
    200 * 365 * DAY,
];

/// Values from the bottom of a chart to its top, with the values between that are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueAxis {
    pub(crate) bottom: f64,
    pub(crate) top: f64,
    pub(crate) ticks: Vec<f64>,
}

impl ValueAxis {
    /// Chooses round bounds around all values and about `count` marks; the axis begins at nothing
    /// unless the values lie far from it.
    pub(crate) fn new(least: f64, greatest: f64, count: usize) -> Self {
        /// Values that vary by less than this share of the greatest fill the chart themselves.
        const VARIATION: f64 = 0.2;
        let (mut low, mut high) = (least, greatest);
        if low >= 0.0 && (high - low) >= high * VARIATION {
            low = 0.0;
        }
        if low >= high {
            // One value alone has room above and below.
            let margin = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - margin, high + margin);
        }
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let step = round_step((high - low) / count.max(1) as f64);
        let bottom = (low / step).floor() * step;
        let top = (high / step).ceil() * step;
        let mut ticks = Vec::new();
        let mut number = (bottom / step).round();
        // More than twice the marks asked for are never there: the step is at least the share.
        while number * step <= top + step / 2.0 && ticks.len() <= 2 * count + 2 {
            ticks.push(number * step);
            number += 1.0;
        }
        Self { bottom, top, ticks }
    }

    /// Returns what is written beside a value.
    pub(crate) fn label(&self, value: f64) -> String {
        // Multiples of a step such as 0.1 are off in their last digits.
        let near = if value.abs() < (self.top - self.bottom) * 1e-9 { 0.0 } else { value };
        rounded(format!("{near:.9e}").parse().unwrap_or(near))
    }
}

/// Returns the next 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(power)
}

/// Marks of an axis of times: the columns that they stand at, and their texts.
pub(crate) fn time_ticks(first: i64, last: i64, columns: usize) -> Vec<(usize, String)> {
    let span = i128::from(last) - i128::from(first);
    let Some(columns_last) = i128::try_from(columns.saturating_sub(1)).ok().filter(|_| span > 0)
    else {
        return vec![(0, time_text(first, SECOND))];
    };
    let fits = |step: &&i64| {
        let needed = time_text(first, **step).chars().count() + 2;
        i128::from(**step) * columns_last >= span * i128::try_from(needed).unwrap_or(0)
    };
    let step = TIME_STEPS.iter().find(fits).copied().unwrap_or(i64::MAX);
    let mut ticks = Vec::new();
    let mut at = first.div_euclid(step).saturating_mul(step);
    while at <= last && ticks.len() <= columns {
        if at >= first {
            let column = (i128::from(at) - i128::from(first)) * columns_last / span;
            ticks.push((usize::try_from(column).unwrap_or(0), time_text(at, step)));
        }
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    ticks
}

/// Writes a time in UTC, as finely as its step.
fn time_text(nanos: i64, step: i64) -> String {
    let form = match step {
        MONTH.. => "%Y-%m-%d",
        DAY..MONTH => "%m-%d",
        MINUTE..DAY => "%H:%M",
        SECOND..MINUTE => "%H:%M:%S",
        1_000_000..SECOND => "%H:%M:%S%.3f",
        _ => "%H:%M:%S%.9f",
    };
    let instant = Instant::from_nanosecond(i128::from(nanos)).unwrap_or(Instant::UNIX_EPOCH);
    let text = strtime::format(form, instant);
    text.unwrap_or_else(|_| instant.to_string())
}

#[cfg(test)]
mod tests {
    use crate::output::plot::axis::{ValueAxis, time_ticks};

    fn labels(least: f64, greatest: f64) -> Vec<String> {
        let axis = ValueAxis::new(least, greatest, 4);
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn values_lie_between_round_marks() {
        assert_eq!(labels(3.0, 842.0), ["0", "500", "1000"]);
        assert_eq!(labels(0.0, 0.37), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(-5.0, 5.0), ["-5", "0", "5"]);
        assert_eq!(labels(1_000.0, 1_003.0), ["1000", "1001", "1002", "1003"]);
        assert_eq!(labels(0.0, 0.0), ["-1", "-0.5", "0", "0.5", "1"]);
        assert_eq!(labels(7.0, 7.0).first().map(String::as_str), Some("6"));
    }

    #[test]
    fn extreme_values_have_few_marks_and_no_endless_search() {
        for (least, greatest) in
            [(f64::MIN, f64::MAX), (0.0, f64::MIN_POSITIVE), (0.0, 5e-324), (1e300, 1e300)]
        {
            assert!(ValueAxis::new(least, greatest, 4).ticks.len() <= 10, "{least} {greatest}");
        }
    }

    #[test]
    fn times_are_marked_as_finely_as_there_is_room() {
        let minutes = |count: i64| count * 60_000_000_000;
        let start = minutes(29_510_520); // 2026-02-09T10:00:00Z
        let texts = |nanos, columns| -> Vec<String> {
            time_ticks(start, start + nanos, columns).into_iter().map(|tick| tick.1).collect()
        };
        assert_eq!(texts(minutes(60), 60)[..3], ["10:00", "10:10", "10:20"]);
        assert_eq!(texts(minutes(60), 200)[..3], ["10:00", "10:05", "10:10"]);
        assert_eq!(texts(minutes(3 * 1_440), 40), ["02-10", "02-11", "02-12"]);
        assert_eq!(texts(3_000_000_000, 40), ["10:00:00", "10:00:01", "10:00:02", "10:00:03"]);
        assert_eq!(texts(0, 40), ["10:00:00"]);
        assert_eq!(time_ticks(start, start + minutes(60), 61)[1], (10, "10:10".to_owned()));
        assert!(time_ticks(i64::MIN, i64::MAX, 80).len() < 20);
    }
}
