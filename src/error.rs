//! The crate's error: what went wrong, where, and what can be done about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::format::FormatError;
use crate::lang::Diagnostic;
use crate::model::ModelError;

/// What every fallible call of the crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the store; [`Error::kind`] says which.
///
/// It is one word wide, so that `Result` stays cheap on the append path.
#[derive(Debug)]
pub struct Error(Box<ErrorKind>);

/// The kinds of errors, with typed fields.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused an operation on a file; see the source for its reason.
    Io {
        /// What was tried, such as `open` or `sync`.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Bytes on disk are not what was written. Run `verify`; other data stays readable.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The offset in bytes of the damaged structure.
        offset: u64,
        /// What is wrong with it.
        source: FormatError,
    },
    /// The log has valid frames behind damaged ones; the file is kept for salvage.
    LogGap {
        /// The log file.
        path: PathBuf,
        /// Where its valid prefix ends.
        offset: u64,
        /// The last sequence number before the gap.
        seq_before: u64,
        /// The first sequence number known after it.
        seq_after: u64,
    },
    /// Another process writes to this store. Read beside it, or give this writer its own directory.
    Locked {
        /// The lock file.
        path: PathBuf,
        /// What the holder wrote about itself, such as its process id.
        holder: String,
    },
    /// The directory is not a store and not empty, or does not exist where only reading was asked.
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// What stands there that should not, or what is missing.
        found: String,
    },
    /// The store was written by a newer format than this build reads; use a newer build.
    FormatVersion {
        /// The file that says so.
        path: PathBuf,
        /// Its version.
        got: u32,
        /// The newest version read here.
        newest: u32,
    },
    /// The data model refuses a metric, label, sample or selector.
    Model(ModelError),
    /// A query is wrong; the diagnostic shows where, and often the way out.
    Query(Diagnostic),
    /// More of something than a limit allows; raise the limit or ask for less.
    Limit {
        /// What was counted or measured.
        what: &'static str,
        /// The most that is allowed.
        limit: u64,
        /// What was needed.
        got: u64,
    },
    /// A query took longer than
    /// [`RunOptions::timeout`](crate::RunOptions::timeout) allows; allow more, or ask for less:
    /// a shorter range, fewer series.
    QueryTimeout {
        /// How long it might have taken.
        timeout: Duration,
        /// How long it took until it was stopped.
        elapsed: Duration,
    },
    /// A query was stopped through its [`CancelToken`](crate::CancelToken).
    Canceled,
    /// Appends come faster than samples can be flushed, and
    /// [`Backpressure::Refuse`](crate::Backpressure::Refuse) was asked for. Nothing was stored;
    /// wait with [`Store::wait_for_room`](crate::Store::wait_for_room), or append later.
    Backpressure {
        /// How many logs are not flushed.
        unflushed: u64,
    },
    /// A sync failed and could not be made good: nothing more is accepted until the store is
    /// opened again. Reading goes on.
    Poisoned {
        /// The file whose sync failed.
        path: PathBuf,
        /// What may be lost.
        loss: String,
    },
    /// Stores that are to be read as one define a metric differently: define it alike in both, or
    /// read them apart.
    MetricsDisagree {
        /// The metric.
        metric: String,
        /// What differs: `kind`, `unit` or `duplicates`.
        property: &'static str,
        /// The directory of the store that comes first.
        first: PathBuf,
        /// What it says.
        first_value: String,
        /// The directory of the other store.
        second: PathBuf,
        /// What that one says.
        second_value: String,
    },
    /// Two directories that are to be read as one hold the same store, such as one and its copy:
    /// each sample would count twice. Name one of them.
    SameStore {
        /// The directory that comes first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// The directory is none of backups, or has none that can be restored.
    NotABackup {
        /// The directory.
        path: PathBuf,
        /// What stands there that should not, or what is missing.
        found: String,
    },
    /// A store is restored into an empty or absent directory only; choose another one.
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What stands in it.
        found: String,
    },
    /// A batch got a handle of another store; make the handle with the store of the batch.
    ForeignSeries {
        /// The series.
        series: String,
    },
    /// The store was closed.
    Closed,
    /// Files changed faster than a reader could open them, for longer than its patience.
    Busy {
        /// The store.
        path: PathBuf,
        /// How long the reader tried, in milliseconds.
        waited_ms: u64,
    },
    /// The writer of the store refused a request that was laid into its inbox.
    Refused {
        /// Why, in its words.
        reason: String,
    },
    /// The writer of the store has not answered a request in time; it may be busy, or gone: then
    /// open the store here.
    Unanswered {
        /// The store.
        path: PathBuf,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
    /// The file system cannot do what the store needs, such as locks.
    Unsupported {
        /// What is missing.
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// A row of an input text cannot be used.
    Input {
        /// The line, counted from 1.
        line: u64,
        /// The column in bytes, counted from 1; 0 where the whole line is meant.
        column: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Returns what went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns what went wrong, and gives up the error.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// Makes an error of an operation on a file that the system refused.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        ErrorKind::Io { operation, path: path.to_owned(), source }.into()
    }

    /// Makes an error of bytes that are not what was written. A foreign version keeps its own kind.
    pub(crate) fn corrupt(path: &Path, offset: u64, source: FormatError) -> Self {
        if let FormatError::Version { got, newest } = source {
            return ErrorKind::FormatVersion { path: path.to_owned(), got, newest }.into();
        }
        ErrorKind::Corrupt { path: path.to_owned(), offset, source }.into()
    }

    /// Returns true if a sync failed: what was to be made durable may be lost, and the system may
    /// call the next sync of the same file a success all the same.
    pub(crate) fn is_failed_sync(&self) -> bool {
        matches!(self.kind(), ErrorKind::Io { operation: "sync", .. })
    }

    /// True where the system denies the access, or the file system does not know the operation.
    pub(crate) fn is_refused(&self) -> bool {
        match self.kind() {
            ErrorKind::Unsupported { .. } => true,
            ErrorKind::Io { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }

    /// Returns true if a file or directory was not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self.kind() {
            ErrorKind::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Io { operation, path, .. } => {
                write!(f, "cannot {operation} {}", path.display())
            }
            ErrorKind::Corrupt { path, offset, .. } => {
                let path = path.display();
                write!(f, "damaged file {path} at byte {offset}; `verify` shows what it costs")
            }
            ErrorKind::LogGap { path, offset, seq_before, seq_after } => write!(
                f,
                "gap in log {} at byte {offset}: sequence {seq_before} is followed by {seq_after}; \
                 keep the file for salvage",
                path.display()
            ),
            ErrorKind::Locked { path, holder } => write!(
                f,
                "store is locked by another writer ({holder}) through {}; read beside it, or give \
                 this writer a directory of its own",
                path.display()
            ),
            ErrorKind::NotAStore { path, found } => {
                write!(f, "{} is not a silverback store: {found}", path.display())
            }
            ErrorKind::FormatVersion { path, got, newest } => write!(
                f,
                "{} has format version {got}; this build reads up to {newest}: use a newer build",
                path.display()
            ),
            ErrorKind::Model(error) => error.fmt(f),
            ErrorKind::Query(diagnostic) => diagnostic.fmt(f),
            ErrorKind::Limit { what, limit, got } => {
                write!(f, "too much: {what} is {got}, the limit is {limit}")
            }
            ErrorKind::QueryTimeout { .. }
            | ErrorKind::Canceled
            | ErrorKind::Backpressure { .. }
            | ErrorKind::Unanswered { .. }
            | ErrorKind::Busy { .. } => write_wait(self.kind(), f),
            ErrorKind::Poisoned { path, loss } => write!(
                f,
                "store is closed for writing since {} could not be synced: {loss}",
                path.display()
            ),
            ErrorKind::MetricsDisagree { .. }
            | ErrorKind::SameStore { .. }
            | ErrorKind::NotABackup { .. }
            | ErrorKind::NotEmpty { .. } => write_conflict(self.kind(), f),
            ErrorKind::ForeignSeries { series } => {
                write!(f, "series {series} belongs to another store than the batch")
            }
            ErrorKind::Closed => f.write_str("store is closed"),
            ErrorKind::Refused { reason } => write!(f, "the writer of the store refused: {reason}"),
            ErrorKind::Unsupported { what, path } => {
                write!(f, "{what} is not supported at {}", path.display())
            }
            ErrorKind::Input { line, column, reason } => match column {
                0 => write!(f, "line {line}: {reason}"),
                _ => write!(f, "line {line}, column {column}: {reason}"),
            },
        }
    }
}

/// Writes what was not waited for any longer.
fn write_wait(kind: &ErrorKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        ErrorKind::QueryTimeout { timeout, elapsed } => write!(
            f,
            "the query was stopped after {:.3} s, it may take {:.3} s; ask about a shorter range \
             or fewer series, or allow more",
            elapsed.as_secs_f64(),
            timeout.as_secs_f64()
        ),
        ErrorKind::Canceled => f.write_str("the query was canceled"),
        ErrorKind::Backpressure { unflushed } => write!(
            f,
            "the log is full and {unflushed} logs wait to be flushed: nothing was stored, wait for \
             room or append later"
        ),
        ErrorKind::Unanswered { path, waited_ms } => {
            write!(f, "the writer of {} has not answered within {waited_ms} ms", path.display())
        }
        ErrorKind::Busy { path, waited_ms } => write!(
            f,
            "store {} kept changing for {waited_ms} ms while it was being opened",
            path.display()
        ),
        _ => Ok(()),
    }
}

/// Writes why directories cannot be what they are to be.
fn write_conflict(kind: &ErrorKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        ErrorKind::MetricsDisagree {
            metric,
            property,
            first,
            first_value,
            second,
            second_value,
        } => {
            let (first, second) = (first.display(), second.display());
            write!(
                f,
                "stores disagree about metric {metric}: {property} is {first_value} in {first} \
                 and {second_value} in {second}"
            )
        }
        ErrorKind::SameStore { first, second } => {
            let (first, second) = (first.display(), second.display());
            write!(f, "{first} and {second} hold the same store: read one of them")
        }
        ErrorKind::NotABackup { path, found } => {
            write!(f, "{} is no directory of backups to use: {found}", path.display())
        }
        ErrorKind::NotEmpty { path, found } => {
            write!(f, "{} is not empty: {found:?} stands in it", path.display())
        }
        _ => Ok(()),
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } => Some(source),
            ErrorKind::Corrupt { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        ErrorKind::Model(error).into()
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        ErrorKind::Query(diagnostic).into()
    }
}
