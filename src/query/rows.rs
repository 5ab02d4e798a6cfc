//! The answer to a query: typed columns and rows.

use std::sync::Arc;

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
#[derive(Debug, Clone, PartialEq)]
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
}
