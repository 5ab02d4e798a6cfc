//! The answer to a query: typed columns and rows.

use std::sync::Arc;
use std::time::Duration;

use crate::lang::Diagnostic;
use crate::model::{TimeRange, Timestamp};

/// What a column of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The start of the row's window, or the time of a raw sample.
    Time,
    /// The end of the row's window.
    End,
    /// Whether the row's window is only partly covered by the range.
    Partial,
    /// The value of a label (or of a split such as `hour()`, or the metric of a raw sample).
    Label,
    /// A computed value.
    Value,
    /// How far, relative to it, the value before may be from the true one: 0.01 is one percent.
    Error,
}

/// One column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name: `time`, `end`, `partial`, a label, an item's name or its canonical text.
    pub name: String,
    /// What the column is.
    pub role: Role,
    /// The unit of its values, where one is known.
    pub unit: Option<String>,
}

/// One value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// There is no value.
    Null,
    /// A point in time.
    Time(Timestamp),
    /// A text, such as a label's value.
    Text(Arc<str>),
    /// A finite number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

/// The answer to one query.
///
/// Two are equal where they say the same, whatever it took to find that out.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The query in its canonical text.
    pub query: String,
    /// The range of time that was asked about.
    pub range: TimeRange,
    /// The columns, in the order of printing.
    pub columns: Vec<Column>,
    /// The rows; each has one cell a column.
    pub rows: Vec<Vec<Cell>>,
    /// What the reader should know before trusting the answer.
    pub warnings: Vec<Diagnostic>,
    /// What is said on the side, such as the range that was taken where none was given.
    pub notes: Vec<String>,
    /// What answering took.
    pub stats: RunStats,
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        let Self { query, range, columns, rows, warnings, notes, stats: _ } = self;
        (query, range, columns, rows) == (&other.query, &other.range, &other.columns, &other.rows)
            && (warnings, notes) == (&other.warnings, &other.notes)
    }
}

/// What a run of a query read, and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStats {
    /// Sealed chunks that meet the range; each is counted again when it is read again.
    pub chunks_considered: u64,
    /// Those of which the statistics in the index were enough.
    pub chunks_from_statistics: u64,
    /// Those of which bins and a few slices of values were enough.
    pub chunks_from_slices: u64,
    /// Those of which all timestamps, or all timestamps and values, were decoded.
    pub chunks_decoded: u64,
    /// Bytes of the blocks that were read for that.
    pub bytes_read: u64,
    /// Samples that were decoded, out of chunks and of logs.
    pub samples_read: u64,
    /// How many threads shared the work, at most.
    pub threads: usize,
    /// How long it took to choose series and plan.
    pub plan_time: Duration,
    /// How long all took.
    pub total_time: Duration,
}
