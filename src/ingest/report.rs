//! What an ingestion did, and the rows that it refused.

use crate::ingest::map::Mapping;

/// How many refused rows are told with their reason.
const REASONS_MAX: usize = 10;

/// What an ingestion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IngestReport {
    /// Rows read, without the header and empty lines.
    pub rows: u64,
    /// Rows whose samples were taken.
    pub rows_stored: u64,
    /// Samples taken.
    pub samples: u64,
    /// Rows refused.
    pub rows_rejected: u64,
    /// Values that were NaN or infinite and left out.
    pub values_skipped: u64,
    /// The first refused rows.
    pub rejected: Vec<Rejected>,
    /// Which columns were taken as what, where the format has columns.
    pub mapping: Option<Mapping>,
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The input's name.
    pub input: String,
    /// The line, counted from 1.
    pub line: u64,
    /// The column in bytes, counted from 1; 0 where the whole row is meant.
    pub column: u64,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input, line, column, reason } = self;
        match column {
            0 => write!(f, "{input}:{line}: {reason}"),
            _ => write!(f, "{input}:{line}:{column}: {reason}"),
        }
    }
}

impl IngestReport {
    pub(crate) fn reject(&mut self, input: &str, line: u64, bad: &BadRow) {
        self.rows_rejected += 1;
        if self.rejected.len() < REASONS_MAX {
            let (column, reason) = (bad.column, bad.reason.clone());
            self.rejected.push(Rejected { input: input.to_owned(), line, column, reason });
        }
    }
}

/// Why a row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) column: u64,
    pub(crate) reason: String,
}

impl BadRow {
    pub(crate) fn new(column: usize, reason: impl Into<String>) -> Self {
        Self { column: column as u64, reason: reason.into() }
    }
}
