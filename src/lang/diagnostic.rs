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
        let mut headline = visible(&self.to_string());
        keep_first(&mut headline, LINE_MAX);
        let mut out = format!("{headline}\n");
        if !self.text.is_empty() {
            let (line, from, to) = self.line_of_span();
            let part = |from, to| visible(line.get(from..to).unwrap_or(""));
            let (mut before, mut under, mut after) =
                (part(0, from), part(from, to), part(to, line.len()));
            keep_last(&mut before, BEFORE_MAX);
            keep_first(&mut after, AFTER_MAX);
            keep_first(&mut under, UNDER_MAX);
            let (indent, carets) = (columns(&before), columns(&under).max(1));
            let caret =
                format!("{}{} {}", " ".repeat(indent), "^".repeat(carets), visible(&self.label));
            out.extend(["  | ", &before, &under, &after, "\n  | ", caret.trim_end(), "\n"]);
        }
        let help = [self.help.as_deref(), self.suggestion.as_deref()];
        let help: Vec<&str> = help.into_iter().flatten().collect();
        if !help.is_empty() {
            // A query of several lines stays one that can be pasted.
            let lines: Vec<String> = help.join(":  ").lines().map(visible).collect();
            out.extend(["  = help: ", &lines.join("\n          "), "\n"]);
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

/// How many characters of a long line are shown: before the place, of it, and behind it.
const BEFORE_MAX: usize = 120;
const UNDER_MAX: usize = 120;
const AFTER_MAX: usize = 60;
/// How many characters of a long sentence are shown.
const LINE_MAX: usize = 400;

/// Replaces what a terminal would obey or not show at its place, one column for one character.
fn visible(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// Returns how many columns of a terminal a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Returns 0 for marks that join the character before them, 2 for wide characters (the wide and
/// full-width ranges of Unicode's East Asian Width, annex 11), and 1 for all others.
fn columns_of(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{20d0}'..='\u{20f0}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}'
        | '\u{feff}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Cuts the beginning of a text that has more characters than allowed.
fn keep_last(text: &mut String, chars_max: usize) {
    let excess = text.chars().count().saturating_sub(chars_max);
    if excess > 0 {
        *text = std::iter::once('…').chain(text.chars().skip(excess)).collect();
    }
}

/// Cuts the end of a text that has more characters than allowed.
fn keep_first(text: &mut String, chars_max: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars_max) {
        text.truncate(at);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use crate::lang::diagnostic::{Diagnostic, Span};

    fn rendered(text: &str, under: &str) -> String {
        let start = text.find(under).unwrap();
        Diagnostic::error("Q000", text, Span::new(start, start + under.len()), "odd").render()
    }

    #[test]
    fn the_caret_stands_under_the_place_as_a_terminal_shows_it() {
        assert_eq!(rendered("a bc d", "bc"), "error[Q000]: odd\n  | a bc d\n  |   ^^\n");
        // A tab is shown as one space, a wide character takes two columns, an accent none.
        assert_eq!(rendered("\tbc", "bc"), "error[Q000]: odd\n  |  bc\n  |  ^^\n");
        assert_eq!(rendered("漢 bc", "bc"), "error[Q000]: odd\n  | 漢 bc\n  |    ^^\n");
        assert_eq!(rendered("a 漢字", "漢字"), "error[Q000]: odd\n  | a 漢字\n  |   ^^^^\n");
        assert_eq!(rendered("e\u{301} bc", "bc"), "error[Q000]: odd\n  | e\u{301} bc\n  |   ^^\n");
        assert_eq!(rendered("ü bc", "bc"), "error[Q000]: odd\n  | ü bc\n  |   ^^\n");
    }

    #[test]
    fn one_line_is_shown_and_of_a_long_one_a_part() {
        assert_eq!(rendered("a\r\nb c\r\nd", "c"), "error[Q000]: odd\n  | b c\n  |   ^\n");
        // A place that reaches over the line's end is marked up to there.
        assert_eq!(rendered("a b\nc d", "b\nc"), "error[Q000]: odd\n  | a b\n  |   ^\n");
        let long = format!("{}bc{}", "x".repeat(10_000), "y".repeat(10_000));
        let shown = format!("…{}bc{}…", "x".repeat(120), "y".repeat(60));
        let caret = format!("{}^^", " ".repeat(121));
        let under = rendered(&long, &long);
        assert_eq!(under.lines().map(|line| line.chars().count()).max(), Some(4 + 121));
        assert_eq!(rendered(&long, "bc"), format!("error[Q000]: odd\n  | {shown}\n  | {caret}\n"));
    }

    #[test]
    fn nothing_in_a_query_steers_the_terminal() {
        let text = "a\u{1b}[31m\u{202e}b c";
        let mut found = Diagnostic::error("Q000", text, Span::new(0, 1), text);
        found.label = text.to_owned();
        found.suggestion = Some(text.to_owned());
        assert!(found.render().chars().all(|c| c == '\n' || c == '^' || (' '..='~').contains(&c)));
    }

    #[test]
    fn without_a_text_no_line_is_shown() {
        let found = Diagnostic::error("Q009", "", Span::default(), "too long").with_help("shorten");
        assert_eq!(found.render(), "error[Q009]: too long\n  = help: shorten\n");
    }
}
