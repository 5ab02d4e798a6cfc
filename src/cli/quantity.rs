//! Durations and sizes, as the query language writes them.

use std::time::Duration;

use silverback::Limits;
use silverback::lang::ast::{Body, Literal, Statement};
use silverback::lang::parse;

use crate::cli::Usage;

const DAY_SECONDS: u64 = 86_400;

/// Reads a duration such as `90d`; months and years have no length here.
pub(crate) fn duration_of(text: &str) -> anyhow::Result<Duration> {
    match literal(text) {
        Some(Literal::Duration(duration)) if duration.months == 0 => {
            let days = Duration::from_secs(u64::from(duration.days) * DAY_SECONDS);
            Ok(days + Duration::from_nanos(duration.nanos))
        }
        _ => Err(Usage("a duration is like 90d, 12h or 30m").into()),
    }
}

/// Reads a number of bytes such as `20GiB` or `500M`.
pub(crate) fn bytes_of(text: &str) -> anyhow::Result<u64> {
    let bytes = match literal(text) {
        Some(Literal::Size(number, suffix)) => number * suffix.factor(),
        Some(Literal::Number(number)) => number,
        _ => f64::NAN,
    };
    if bytes >= 0.0 && bytes.fract() == 0.0 {
        // Exact: the digits of a whole number, read back.
        return Ok(format!("{bytes:.0}").parse()?);
    }
    Err(Usage("a size is like 20GiB, 500M or 1000000").into())
}

/// Writes a duration in days and hours where it has no smaller parts.
pub(crate) fn write_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(DAY_SECONDS, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let whole = units.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => format!("{duration:?}"),
    }
}

fn literal(text: &str) -> Option<Literal> {
    let statement = parse(&format!("x > {text}"), &Limits::default()).ok()?;
    let Statement::Query(query) = statement else { return None };
    match query.body {
        Body::Samples(sample) if query.clauses.is_empty() => {
            sample.filter.map(|(_, literal)| literal.node)
        }
        _ => None,
    }
}
