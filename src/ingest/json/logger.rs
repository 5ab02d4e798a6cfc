//! The members that common structured loggers write, so that their lines need no mapping.

use crate::ingest::guess;
use crate::ingest::map::{Mapping, MetricMapping};
use crate::ingest::number::duration;
use crate::model::{MetricDef, MetricKind};

/// What one logger writes.
struct Logger {
    /// Members that tell it from others.
    signs: &'static [&'static str],
    time: &'static str,
    level: &'static str,
    /// Members that are durations, and their units.
    durations: &'static [(&'static str, &'static str)],
    /// Members that are neither labels nor metrics: texts for people, processes, versions.
    ignored: &'static [&'static str],
}

/// The loggers, those with the most signs first: bunyan, Serilog's compact form, the Elastic Common
/// Schema, tracing-subscriber, pino, zap, winston and structlog, logrus, slog.
const LOGGERS: [Logger; 10] = [
    Logger {
        signs: &["name", "hostname", "pid", "level", "msg", "time", "v"],
        time: "time",
        level: "level",
        durations: &[("duration", "ms"), ("latency", "ms"), ("req_time", "ms")],
        ignored: &["hostname", "pid", "v"],
    },
    Logger {
        signs: &["@t", "@mt"],
        time: "@t",
        level: "@l",
        durations: &[("Elapsed", "ms"), ("ElapsedMilliseconds", "ms")],
        ignored: &["@mt", "@m", "@i", "@r", "@x", "@tr", "@sp"],
    },
    Logger {
        signs: &["@timestamp", "log.level"],
        time: "@timestamp",
        level: "log.level",
        durations: &[("event.duration", "ns")],
        ignored: &["process.pid", "process.thread.id", "ecs.version", "log.origin.file.line"],
    },
    Logger {
        signs: &["timestamp", "level", "fields.message", "target"],
        time: "timestamp",
        level: "level",
        durations: &[("fields.time.busy", "ms"), ("fields.time.idle", "ms")],
        ignored: &["line_number", "threadId", "filename", "threadName"],
    },
    Logger {
        signs: &["level", "time", "pid", "hostname"],
        time: "time",
        level: "level",
        durations: &[("responseTime", "ms")],
        ignored: &["pid", "hostname"],
    },
    Logger {
        signs: &["level", "ts", "msg"],
        time: "ts",
        level: "level",
        durations: &[("latency", "s"), ("duration", "s"), ("elapsed", "s"), ("took", "s")],
        ignored: &["caller", "stacktrace"],
    },
    Logger {
        signs: &["level", "timestamp", "message"],
        time: "timestamp",
        level: "level",
        durations: &[("duration", "ms"), ("durationMs", "ms"), ("responseTime", "ms")],
        ignored: &["pid"],
    },
    Logger {
        signs: &["event", "level", "timestamp"],
        time: "timestamp",
        level: "level",
        durations: &[("duration", "s"), ("elapsed", "s")],
        ignored: &["lineno", "pid", "process", "thread", "filename", "func_name"],
    },
    Logger {
        signs: &["time", "level", "msg", "source.function"],
        time: "time",
        level: "level",
        durations: SLOG,
        ignored: &["source.file", "source.line", "source.function"],
    },
    Logger {
        signs: &["time", "level", "msg"],
        time: "time",
        level: "level",
        durations: SLOG,
        ignored: &["file", "func"],
    },
];
/// Go writes durations in nanoseconds.
const SLOG: &[(&str, &str)] =
    &[("duration", "ns"), ("latency", "ns"), ("elapsed", "ns"), ("took", "ns")];
/// Ends of paths that hold text for people, which is no label.
const MESSAGES: [&str; 10] = [
    "message",
    "msg",
    "event",
    "error",
    "err",
    "stack",
    "exception",
    "stacktrace",
    "user_agent",
    "url",
];

/// Guesses the mapping of an object's parts, and returns it with the path of a level that may be a
/// number.
pub(crate) fn mapping(
    columns: &[(&str, &str)],
    time_field: Option<&str>,
) -> (Mapping, Option<&'static str>) {
    let has = |name: &str| columns.iter().any(|(column, _)| *column == name);
    let logger = LOGGERS.iter().find(|logger| logger.signs.iter().all(|sign| has(sign)));
    let is_message = |path: &str| MESSAGES.contains(&path.rsplit('.').next().unwrap_or(path));
    let Some(logger) = logger else {
        let told = columns.iter().copied().filter(|(path, _)| !is_message(path));
        return (guess::mapping(&told.collect::<Vec<_>>(), time_field), None);
    };
    let unit = |path: &str| logger.durations.iter().find(|(known, _)| *known == path);
    let is_text = |path: &str| is_message(path) || logger.ignored.contains(&path);
    let is_own = |path: &str| path == logger.level || unit(path).is_some();
    let told: Vec<(&str, &str)> =
        columns.iter().copied().filter(|(path, _)| !is_text(path) && !is_own(path)).collect();
    let mut mapping = guess::mapping(&told, Some(time_field.unwrap_or(logger.time)));
    for (path, value) in columns {
        let Some((_, unit)) = unit(path) else { continue };
        // A text such as `1.5ms` tells its unit itself.
        let is_number = value.parse::<f64>().is_ok();
        if !is_number && duration(value.as_bytes(), Some(unit)).is_none() {
            continue;
        }
        let unit = if is_number { unit } else { "ms" };
        let name = path.rsplit_once("fields.").map_or(*path, |(_, name)| name).replace('.', "_");
        let def = MetricDef { unit: Some(unit.to_owned()), ..MetricDef::new(name) };
        mapping.metrics.push(MetricMapping { column: (*path).to_owned(), def });
    }
    if has(logger.level) {
        mapping.labels.insert(0, logger.level.to_owned());
    }
    if mapping.metrics.is_empty() {
        // Lines without numbers are counted.
        let def = MetricDef { kind: MetricKind::Delta, ..MetricDef::new("log_lines") };
        mapping.metrics.push(MetricMapping { column: Mapping::ONE.to_owned(), def });
    }
    (mapping, Some(logger.level))
}

/// Returns the name of a level that bunyan and pino write as a number.
pub(crate) fn level_name(level: &str) -> Option<&'static str> {
    match level {
        "10" => Some("trace"),
        "20" => Some("debug"),
        "30" => Some("info"),
        "40" => Some("warn"),
        "50" => Some("error"),
        "60" => Some("fatal"),
        _ => None,
    }
}
