//! What is wrong with a query: a code, a sentence, a place in its text, and a way out.

use std::fmt;

/// A place in the query's text, in bytes: `start` belongs to it, `end` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The first byte behind it.
    pub end: usize,
}

impl Span {
    /// Makes a span of two byte offsets.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Returns the smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Whether a diagnostic stops the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The query cannot run.
    Error,
    /// The query runs, and its answer may not be what was meant.
    Warning,
}

/// One finding about a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the query can run all the same.
    pub severity: Severity,
    /// The stable code, such as `Q011`.
    pub code: &'static str,
    /// One sentence that says what is wrong.
    pub message: String,
    /// The whole text of the query.
    pub text: String,
    /// The exact token that is meant.
    pub span: Span,
    /// What stands under the caret, such as what was expected; may be empty.
    pub label: String,
    /// What to do, shown after `= help:`.
    pub help: Option<String>,
    /// A corrected query that runs, where that is sure.
    pub suggestion: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)
    }
}

impl std::error::Error for Diagnostic {}
