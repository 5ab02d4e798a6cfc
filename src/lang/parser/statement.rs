//! Whole statements: questions, alerts and records.

use std::mem::discriminant;

use crate::lang::ast::{Alert, AlertClause, Body, Clause, Item, Query, Record, Spanned, Statement};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::functions::is_keyword;
use crate::lang::parser::clause::CLAUSES;
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::parser::repair::proven;
use crate::lang::token::TokenKind;
use crate::model::Limits;

/// Reads a statement.
///
/// Takes time linear in the text; nesting is bounded by [`Limits::query_depth_max`].
///
/// ```
/// use silverback::Limits;
/// use silverback::lang::parse;
/// let statement = parse("P99( latency )  LAST 60m by bot", &Limits::default())?;
/// assert_eq!(statement.to_string(), "p99(latency) last 1h by bot");
/// # Ok::<(), silverback::Diagnostic>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, with its place and often the way out: a suggested query parses.
pub fn parse(text: &str, limits: &Limits) -> Result<Statement, Diagnostic> {
    read(text, limits).map_err(|found| proven(found, limits))
}

/// Reads a statement; what an error suggests may hold further mistakes.
pub(crate) fn read(text: &str, limits: &Limits) -> Parsed<Statement> {
    let mut parser = Parser::new(text, limits)?;
    parser.check_language()?;
    parser.statement()
}

impl Parser<'_> {
    /// Refuses SQL with a line of this language.
    fn check_language(&self) -> Parsed<()> {
        const VERBS: [&str; 6] = ["select", "insert", "update", "delete", "show", "create"];
        let goes_on_as_sql = match self.peek_at(1) {
            // A metric named like a verb may be followed by `from` and a time.
            TokenKind::Word(_) if self.is_word_at(1, "from") => {
                let times = ["now", "today", "yesterday", "mark"];
                matches!(self.peek_at(2), TokenKind::Word(_))
                    && !times.iter().any(|time| self.is_word_at(2, time))
            }
            TokenKind::Word(next) => !is_keyword(next),
            TokenKind::Backquoted(_) | TokenKind::Text(_) | TokenKind::Number(_) => true,
            _ => self.is_symbol_at(1, "*"),
        };
        if !goes_on_as_sql || !VERBS.iter().any(|verb| self.is_word(verb)) {
            return Ok(());
        }
        let mut found = self.error("Q201", self.span(), "this looks like SQL");
        found.suggestion = Some("p99(latency) by bot every 1m last 1h".to_owned());
        Err(found)
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let is_named =
            |word: &TokenKind| matches!(word, TokenKind::Word(_) | TokenKind::Backquoted(_));
        if self.is_word("alert") && is_named(self.peek_at(1)) {
            self.advance();
            return self.alert().map(Statement::Alert);
        }
        if self.is_word("record") && is_named(self.peek_at(1)) {
            self.advance();
            return self.record().map(Statement::Record);
        }
        if self.is_explained() {
            self.advance();
            return self.query().map(Statement::Explain);
        }
        self.query().map(Statement::Query)
    }

    /// True where `explain` and a question stand here, not a metric of that name.
    fn is_explained(&self) -> bool {
        let is_clause = || CLAUSES.iter().any(|clause| self.is_word_at(1, clause));
        self.is_word("explain")
            && match self.peek_at(1) {
                TokenKind::End => false,
                TokenKind::Symbol(symbol) => matches!(*symbol, "(" | "{" | "-"),
                TokenKind::Word(_) => {
                    self.is_call_at(1) || !(is_clause() || self.is_word_at(1, "offset"))
                }
                _ => true,
            }
    }

    fn query(&mut self) -> Parsed<Query> {
        let body = self.body()?;
        Ok(Query { body, clauses: self.clauses()? })
    }

    fn body(&mut self) -> Parsed<Body> {
        if !self.at_selector() {
            return self.items().map(Body::Items);
        }
        self.check_called()?;
        let start = self.span();
        let sample = self.sample()?;
        self.check_chain()?;
        let is_computed = self.binary_op().is_some() || self.is_symbol(",");
        if is_computed || ["per", "as"].iter().any(|word| self.is_word(word)) {
            return Err(self.raw_samples(self.selector_span(start, &sample)));
        }
        Ok(Body::Samples(sample))
    }

    fn items(&mut self) -> Parsed<Vec<Item>> {
        let mut items = vec![self.item()?];
        while self.eat_symbol(",") {
            items.push(self.item()?);
        }
        Ok(items)
    }

    fn item(&mut self) -> Parsed<Item> {
        let expr = self.expression()?;
        let name = if self.eat_word("as") { Some(self.ident("the column")?) } else { None };
        Ok(Item { expr, name })
    }

    fn record(&mut self) -> Parsed<Record> {
        let name = self.ident("the record")?;
        if !self.eat_word("as") {
            return Err(self.missing("as", "what to record"));
        }
        let items = self.items()?;
        let clauses = self.clauses()?;
        for clause in &clauses {
            self.check_belongs(&clause.node, clause.span, "a record")?;
        }
        Ok(Record { name, items, clauses })
    }

    fn alert(&mut self) -> Parsed<Alert> {
        if self.is_word("if") && !self.is_word_at(1, "if") {
            let found = self.expected("the name of the alert");
            let behind = self.behind();
            return Err(found.replacing(behind, " my_alert"));
        }
        let name = self.ident("the alert")?;
        if !self.eat_word("if") {
            return Err(self.missing("if", "a condition"));
        }
        let condition = self.expression()?;
        let mut clauses: Vec<Spanned<AlertClause>> = Vec::new();
        while *self.peek() != TokenKind::End {
            let start = self.span();
            let Some(node) = self.alert_clause()? else {
                let last = clauses.last().and_then(|last| match &last.node {
                    AlertClause::Query(clause) => Some(Spanned::new(clause.clone(), last.span)),
                    _ => None,
                });
                let what = "a part of an alert, such as `for 10m` or `notify slack`";
                return Err(self.no_clause(what, last.as_ref()));
            };
            let clause = Spanned::new(node, self.since(start));
            let same = |known: &&Spanned<AlertClause>| is_same_kind(&known.node, &clause.node);
            if let Some(first) = clauses.iter().find(same) {
                return Err(self.given_twice(first.span, clause.span));
            }
            clauses.push(clause);
        }
        Ok(Alert { name, condition, clauses })
    }

    /// Makes the error of a word that is left out between two parts of a statement.
    fn missing(&self, word: &str, part: &str) -> Diagnostic {
        let behind = self.behind();
        self.expected(&format!("`{word}` and {part}")).replacing(behind, &format!(" {word}"))
    }

    fn alert_clause(&mut self) -> Parsed<Option<AlertClause>> {
        let start = self.span();
        if self.eat_word("for") {
            return Ok(Some(AlertClause::For(self.duration("for", "10m")?.node)));
        }
        if self.eat_word("keep") {
            return Ok(Some(AlertClause::Keep(self.duration("keep", "24h")?.node)));
        }
        if self.eat_word("severity") {
            return Ok(Some(AlertClause::Severity(self.ident("the severity")?)));
        }
        if self.eat_word("notify") {
            let mut names = vec![self.ident("whom to notify")?];
            while self.eat_symbol(",") {
                names.push(self.ident("whom to notify")?);
            }
            return Ok(Some(AlertClause::Notify(names)));
        }
        if self.eat_word("message") {
            return Ok(Some(AlertClause::Message(self.quoted("the message")?.node)));
        }
        if self.eat_word("labels") {
            return Ok(Some(AlertClause::Labels(self.label_matchers()?)));
        }
        let Some(clause) = self.clause()? else { return Ok(None) };
        self.check_belongs(&clause, self.since(start), "an alert")?;
        Ok(Some(AlertClause::Query(clause)))
    }

    /// Refuses clauses of questions that have no meaning elsewhere.
    fn check_belongs(&self, clause: &Clause, span: Span, place: &str) -> Parsed<()> {
        let belongs = matches!(
            clause,
            Clause::Every(_)
                | Clause::Over(_)
                | Clause::Group(_)
                | Clause::Where(_)
                | Clause::Tz(_)
        );
        if belongs {
            return Ok(());
        }
        let written = self.text.get(span.start..span.end).unwrap_or("");
        let word_len = written.find(char::is_whitespace).unwrap_or(written.len());
        let word = written.get(..word_len).unwrap_or("");
        let before =
            self.text.get(..span.start).map_or(0, |text| text.trim_end_matches([' ', '\t']).len());
        let word_span = Span::new(span.start, span.start + word_len);
        Err(self
            .error("Q013", word_span, format!("`{word}` does not belong in {place}"))
            .with_help(format!("{place} always looks at now; leave it out"))
            .replacing(Span::new(before, span.end), ""))
    }
}

fn is_same_kind(left: &AlertClause, right: &AlertClause) -> bool {
    match (left, right) {
        (AlertClause::Query(left), AlertClause::Query(right)) => {
            discriminant(left) == discriminant(right)
        }
        _ => discriminant(left) == discriminant(right),
    }
}
