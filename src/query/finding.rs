//! What the planner and the operators say about a query: diagnostics over its text.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::error::Error;
use crate::lang::{Diagnostic, Severity, Span};

/// At most so many warnings are given: further ones, of a list of names that no series has, are
/// counted. Each would hold the text of the query once more.
const WARNINGS_MAX: usize = 16;

/// The text of a query, and the warnings and notes that gather while it is planned and run.
#[derive(Debug)]
pub(crate) struct Findings<'q> {
    text: &'q str,
    warnings: RefCell<Vec<Diagnostic>>,
    /// The places of the warnings beyond those.
    further: RefCell<BTreeSet<(&'static str, usize, usize)>>,
    notes: RefCell<Vec<String>>,
    once: RefCell<BTreeSet<&'static str>>,
}

impl<'q> Findings<'q> {
    /// Starts without findings over the text that spans point into.
    pub(crate) fn new(text: &'q str) -> Self {
        Self {
            text,
            warnings: RefCell::default(),
            further: RefCell::default(),
            notes: RefCell::default(),
            once: RefCell::default(),
        }
    }

    /// Makes an error at a place of the text.
    pub(crate) fn error(&self, code: &'static str, span: Span, message: String) -> Finding {
        Finding(self.diagnostic(Severity::Error, code, span, message))
    }

    /// Makes the error of what the language has and this version does not execute.
    pub(crate) fn not_available(&self, span: Span, what: &str) -> Error {
        self.error("Q401", span, format!("{what} is not available yet")).into()
    }

    /// Adds a warning, unless the same stands already.
    pub(crate) fn warn(&self, code: &'static str, span: Span, message: String) {
        if self.counts(code, span) {
            return;
        }
        self.add(self.diagnostic(Severity::Warning, code, span, message));
    }

    /// Adds a warning with the text that is right if another token stands at its place.
    pub(crate) fn warn_replacing(
        &self,
        code: &'static str,
        span: Span,
        message: String,
        token: &str,
    ) {
        if self.counts(code, span) {
            return;
        }
        let warning = self.diagnostic(Severity::Warning, code, span, message);
        self.add(Finding(warning).replace_by(token).0);
    }

    /// Returns true once so many warnings are given that further ones are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.warnings.borrow().len() >= WARNINGS_MAX
    }

    /// Counts a warning where no more are given.
    fn counts(&self, code: &'static str, span: Span) -> bool {
        let is_full = self.is_full();
        let is_here = |known: &Diagnostic| (known.code, known.span) == (code, span);
        if is_full && !self.warnings.borrow().iter().any(is_here) {
            self.further.borrow_mut().insert((code, span.start, span.end));
        }
        is_full
    }

    fn add(&self, warning: Diagnostic) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Adds a warning that is given once a query, however many places have it.
    pub(crate) fn warn_once(&self, code: &'static str, span: Span, message: &str) {
        if self.once.borrow_mut().insert(code) {
            // There are few of these, and they are of the answer.
            self.add(self.diagnostic(Severity::Warning, code, span, message.to_owned()));
        }
    }

    /// Adds a note, unless the same stands already.
    pub(crate) fn note(&self, note: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// Gives up the warnings and the notes.
    pub(crate) fn into_parts(self) -> (Vec<Diagnostic>, Vec<String>) {
        let further = self.further.into_inner().len();
        if further > 0 {
            let noun = if further == 1 { "warning" } else { "warnings" };
            self.notes.borrow_mut().push(format!("and {further} more {noun}"));
        }
        (self.warnings.into_inner(), self.notes.into_inner())
    }

    fn diagnostic(
        &self,
        severity: Severity,
        code: &'static str,
        span: Span,
        message: String,
    ) -> Diagnostic {
        Diagnostic {
            severity,
            code,
            message,
            text: self.text.to_owned(),
            span,
            label: String::new(),
            help: None,
            suggestion: None,
        }
    }
}

/// An error that is being worded.
#[derive(Debug)]
pub(crate) struct Finding(Diagnostic);

impl Finding {
    /// Sets what stands under the caret.
    pub(crate) fn label(mut self, label: String) -> Self {
        self.0.label = label;
        self
    }

    /// Sets a corrected text: the marked token replaced by another.
    pub(crate) fn replace_by(mut self, token: &str) -> Self {
        let (text, span) = (&self.0.text, self.0.span);
        if let (Some(before), Some(after)) = (text.get(..span.start), text.get(span.end..)) {
            self.0.suggestion = Some(format!("{before}{token}{after}"));
        }
        self
    }

    /// Sets the way out.
    pub(crate) fn help(mut self, help: String) -> Self {
        self.0.help = Some(help);
        self
    }
}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        finding.0.into()
    }
}

/// Words the suggestion for a name that is unknown; empty where nothing comes close.
pub(crate) fn did_you_mean(name: Option<&str>) -> String {
    name.map(|name| format!("did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Findings, WARNINGS_MAX};
    use crate::lang::Span;

    #[test]
    fn further_warnings_are_counted_once_each_and_those_of_the_answer_are_given() {
        let findings = Findings::new("x");
        for _ in 0..2 {
            for place in 0..2_000 {
                findings.warn("Q302", Span::new(place, place + 1), "no such value".to_owned());
            }
        }
        findings.warn_once("Q304", Span::default(), "a division by zero");
        let (warnings, notes) = findings.into_parts();
        assert_eq!(warnings.len(), WARNINGS_MAX + 1);
        assert_eq!(warnings.last().unwrap().code, "Q304");
        assert_eq!(notes, ["and 1984 more warnings"]);
    }
}
