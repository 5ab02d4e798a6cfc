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

impl Diagnostic {
    /// Makes an error without label, help and suggestion.
    #[must_use]
    pub fn error(code: &'static str, text: &str, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            text: text.to_owned(),
            span,
            label: String::new(),
            help: None,
            suggestion: None,
        }
    }

    /// Sets what stands under the caret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Suggests the query with one place replaced.
    #[must_use]
    pub fn replacing(mut self, span: Span, replacement: &str) -> Self {
        if let (Some(before), Some(after)) =
            (self.text.get(..span.start), self.text.get(span.end..))
        {
            self.suggestion = Some(format!("{before}{replacement}{after}"));
        }
        self
    }

    /// Returns the finding as it is shown: code and sentence, the line, a caret under the place,
    /// and the way out.
    ///
    /// ```
    /// use silverback::Limits;
    /// use silverback::lang::parse;
    /// let found = parse("p99(latency) last 1hour", &Limits::default()).unwrap_err();
    /// assert_eq!(found.render(), "\
    /// error[Q003]: `hour` is no unit of time
    ///   | p99(latency) last 1hour
    ///   |                   ^^^^^ write `1h`
    ///   = help: p99(latency) last 1h
    /// ");
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        let (line, from, to) = self.line_of_span();
        let width = |part: &str| part.chars().count();
        let before = line.get(..from).unwrap_or("");
        let under = width(line.get(from..to).unwrap_or("")).max(1);
        let shown: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let carets = format!("{}{} {}", " ".repeat(width(before)), "^".repeat(under), self.label);
        let mut out = format!("{self}\n  | {shown}\n  | {}\n", carets.trim_end());
        let help = [self.help.as_deref(), self.suggestion.as_deref()];
        let help: Vec<&str> = help.into_iter().flatten().collect();
        if !help.is_empty() {
            out.push_str("  = help: ");
            out.push_str(&help.join(":  "));
            out.push('\n');
        }
        out
    }

    /// Returns the line that the span begins in, and the span's bytes in it.
    fn line_of_span(&self) -> (&str, usize, usize) {
        let start = self.span.start.min(self.text.len());
        let line_start = self.text.get(..start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
        let line = self.text.get(line_start..).unwrap_or("");
        let line = line.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let from = start.saturating_sub(line_start).min(line.len());
        let to = self.span.end.saturating_sub(line_start).clamp(from, line.len());
        (line, from, to)
    }
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
