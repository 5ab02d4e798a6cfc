//! What the planner and the operators say about a query: diagnostics over its text.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::error::Error;
use crate::lang::{Diagnostic, Severity, Span};

/// The text of a query, and the warnings and notes that gather while it is planned and run.
#[derive(Debug)]
pub(crate) struct Findings<'q> {
    text: &'q str,
    warnings: RefCell<Vec<Diagnostic>>,
    notes: RefCell<Vec<String>>,
    once: RefCell<BTreeSet<&'static str>>,
}

impl<'q> Findings<'q> {
    /// Starts without findings over the text that spans point into.
    pub(crate) fn new(text: &'q str) -> Self {
        Self {
            text,
            warnings: RefCell::default(),
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
        let warning = self.diagnostic(Severity::Warning, code, span, message);
        self.add(Finding(warning).replace_by(token).0);
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
            self.warn(code, span, message.to_owned());
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
