//! Exit statuses, and how a failure is told.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use silverback::lang::closest;
use silverback::{Diagnostic, Error, ErrorKind, MetricDef};

/// How errors are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    /// A sentence, the line and a caret.
    Human,
    /// One JSON object.
    Json,
}

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// It was done, also where there are no rows.
    Done = 0,
    /// Something unexpected failed.
    Failed = 1,
    /// The arguments or the query are wrong.
    Usage = 2,
    /// A store, file or metric is not there.
    NotFound = 3,
    /// The store is damaged.
    Damaged = 4,
    /// Another writer has the store.
    Locked = 5,
    /// Some input rows were refused.
    RowsRefused = 6,
    /// The condition of `--fail-if` holds.
    GateFails = 7,
    /// The disk is full, or reading or writing failed.
    Io = 8,
    /// The writer of the store did not answer in time, or a question took longer than it may.
    TimedOut = 124,
    /// Ctrl-C ended it; what was done before is kept.
    Interrupted = 130,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Arguments that cannot be used, and how they are written.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) &'static str);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Usage {}

/// A name that the store does not know, and what it knows like it.
#[derive(Debug)]
pub(crate) struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unknown {}

/// Says that there is no such metric, with the nearest name that there is.
pub(crate) fn no_metric(name: &str, known: &[MetricDef]) -> Unknown {
    let nearest = closest(name, known.iter().map(|def| def.name.as_str()));
    let help = nearest.map_or_else(
        || "`silverback metrics` lists those that there are".to_owned(),
        |nearest| format!("did you mean {nearest:?}?"),
    );
    Unknown(format!("there is no metric {name:?}; {help}"))
}

/// Tells a failure on stderr and returns the status it ends with.
pub(crate) fn failure(error: &anyhow::Error, format: ErrorFormat) -> Status {
    let io_kind =
        error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    if io_kind == Some(io::ErrorKind::BrokenPipe) {
        // Whoever read the output has enough: that is no failure.
        return Status::Done;
    }
    let store_error = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let kind = store_error.map(Error::kind);
    let found = match kind {
        Some(ErrorKind::Query(found)) => Some(found),
        // What is parsed by a verb itself has not passed through the library's error.
        _ => error.downcast_ref::<Diagnostic>(),
    };
    // There is nobody to tell where stderr is closed.
    drop(match found {
        Some(found) => tell_query(found, format),
        None => tell(error, format),
    });
    match kind {
        _ if found.is_some() => Status::Usage,
        Some(
            ErrorKind::Model(_)
            | ErrorKind::Limit { .. }
            | ErrorKind::Input { .. }
            | ErrorKind::MetricsDisagree { .. }
            | ErrorKind::SameStore { .. }
            | ErrorKind::NotEmpty { .. },
        ) => Status::Usage,
        Some(ErrorKind::NotAStore { .. } | ErrorKind::NotABackup { .. }) => Status::NotFound,
        Some(ErrorKind::Locked { .. }) => Status::Locked,
        Some(ErrorKind::Unanswered { .. } | ErrorKind::QueryTimeout { .. }) => Status::TimedOut,
        Some(
            ErrorKind::Corrupt { .. } | ErrorKind::LogGap { .. } | ErrorKind::FormatVersion { .. },
        ) => Status::Damaged,
        _ if error.is::<Usage>() => Status::Usage,
        _ if error.is::<Unknown>() => Status::NotFound,
        _ => match io_kind {
            Some(io::ErrorKind::NotFound) => Status::NotFound,
            Some(_) => Status::Io,
            None => Status::Failed,
        },
    }
}

fn tell_query(found: &Diagnostic, format: ErrorFormat) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    match format {
        ErrorFormat::Human => stderr.write_all(found.render().as_bytes()),
        ErrorFormat::Json => {
            let object = serde_json::json!({
                "code": found.code,
                "message": found.message,
                "span": {"start": found.span.start, "end": found.span.end},
                "label": found.label,
                "help": found.help,
                "suggestion": found.suggestion,
            });
            writeln!(stderr, "{object}")
        }
    }
}

fn tell(error: &anyhow::Error, format: ErrorFormat) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    match format {
        ErrorFormat::Human => writeln!(stderr, "error: {error:#}"),
        ErrorFormat::Json => {
            writeln!(stderr, "{}", serde_json::json!({"message": format!("{error:#}")}))
        }
    }
}
