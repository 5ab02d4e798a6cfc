//! The parser's place in the tokens, and the errors of what stands there.

use crate::lang::ast::{Ident, SizeSuffix, Spanned};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::lexer::tokens;
use crate::lang::token::{Token, TokenKind};
use crate::model::Limits;

/// The most operators of one statement: a chain of them nests as deep on the left.
const OPERATORS_MAX: usize = 1_000;

/// Deeper than this no query may nest, whatever the limits say: a debug build takes 20 KiB of the
/// stack for a call inside of a call, and a thread has 2 MiB. A release build takes a fraction.
const DEPTH_CEILING: u64 = 64;

/// What every part of the parser returns.
pub(crate) type Parsed<T> = Result<T, Diagnostic>;

/// The tokens of a text, and how far they have been read.
#[derive(Debug)]
pub(crate) struct Parser<'t> {
    pub(crate) text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: u64,
    depth_max: u64,
    operators: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, limits: &Limits) -> Parsed<Self> {
        let whole = Span::new(0, text.chars().next().map_or(0, char::len_utf8));
        if text.len() as u64 > limits.query_bytes_max {
            let message = format!(
                "the query has {} bytes, the limit is {}",
                text.len(),
                limits.query_bytes_max
            );
            // The text is not repeated: it is long.
            return Err(Diagnostic::error("Q009", "", Span::default(), message));
        }
        let tokens = tokens(text)?;
        if tokens.len() == 1 {
            let help = "p99(latency) by bot every 1m last 1h";
            return Err(
                Diagnostic::error("Q001", text, whole, "the query is empty").with_help(help)
            );
        }
        let depth_max = limits.query_depth_max.min(DEPTH_CEILING);
        Ok(Self { text, tokens, at: 0, depth: 0, depth_max, operators: 0 })
    }

    /// Returns the token at hand; behind the last one stands the end for ever.
    pub(crate) fn peek(&self) -> &TokenKind {
        self.peek_at(0)
    }

    /// Returns a token further on.
    pub(crate) fn peek_at(&self, ahead: usize) -> &TokenKind {
        self.tokens.get(self.at + ahead).map_or(&TokenKind::End, |token| &token.kind)
    }

    /// Returns the place of the token at hand.
    pub(crate) fn span(&self) -> Span {
        let last = self.tokens.last().map_or(Span::default(), |token| token.span);
        self.tokens.get(self.at).map_or(last, |token| token.span)
    }

    /// Returns the place of a token further on.
    pub(crate) fn span_at(&self, ahead: usize) -> Span {
        self.tokens.get(self.at + ahead).map_or(self.span(), |token| token.span)
    }

    /// Returns the place of the token before the one at hand.
    pub(crate) fn span_before(&self) -> Span {
        let index = self.at.checked_sub(1);
        index.and_then(|index| self.tokens.get(index)).map_or(Span::default(), |token| token.span)
    }

    /// Goes to the first token that begins at an offset or behind it.
    pub(crate) fn seek(&mut self, offset: usize) {
        self.at = self.tokens.partition_point(|token| token.span.start < offset);
    }

    /// Goes on to the next token.
    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    /// Returns the place from a start to the last token read.
    pub(crate) fn since(&self, start: Span) -> Span {
        start.to(self.span_before())
    }

    /// Makes an error at the token at hand: what was expected, and what stands there.
    pub(crate) fn expected(&self, what: &str) -> Diagnostic {
        let message = format!("expected {what}, found {}", self.found());
        Diagnostic::error("Q001", self.text, self.span(), message)
            .with_label(format!("expected {what}"))
    }

    /// Returns the place right behind the token before the one at hand: something is missing there.
    pub(crate) fn behind(&self) -> Span {
        let end = self.span_before().end;
        Span::new(end, end)
    }

    /// Says what stands here: as written, where that is short.
    pub(crate) fn found(&self) -> String {
        const LENGTH_MAX: usize = 40;
        let span = self.span();
        let written = self.text.get(span.start..span.end).unwrap_or("");
        let is_literal = !matches!(self.peek(), TokenKind::Backquoted(_) | TokenKind::End);
        if is_literal && written.len() <= LENGTH_MAX && !written.contains(char::is_control) {
            return format!("`{written}`");
        }
        self.peek().describe()
    }

    /// Makes an error at a place.
    pub(crate) fn error(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, self.text, span, message)
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol)
    }

    pub(crate) fn is_symbol_at(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.peek_at(ahead), TokenKind::Symbol(found) if *found == symbol)
    }

    /// Reads a symbol if it stands here.
    pub(crate) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    pub(crate) fn expect_symbol(&mut self, symbol: &'static str) -> Parsed<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    /// Reads a closing parenthesis, bracket or brace behind all that it can hold.
    pub(crate) fn expect_close(&mut self, symbol: &'static str) -> Parsed<()> {
        let what = format!("`{symbol}`");
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unclosed(&what, symbol)) }
    }

    /// True where a word stands here, whatever its case.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    pub(crate) fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), TokenKind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Reads a word if it stands here.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Reads the name of a label, an item, an alert: narrower than that of a metric.
    pub(crate) fn ident(&mut self, what: &str) -> Parsed<Ident> {
        let span = self.span();
        let name = match self.peek() {
            TokenKind::Word(word) if !word.contains(['.', ':']) => word.clone(),
            TokenKind::Word(word) => {
                let message = format!("the name of {what} has no `.` or `:`");
                let quoted = format!("`{word}`");
                return Err(self
                    .error("Q001", span, message)
                    .with_label("put it in backquotes")
                    .replacing(span, &quoted));
            }
            TokenKind::Backquoted(name) => name.clone(),
            _ => return Err(self.expected(&format!("the name of {what}"))),
        };
        self.advance();
        Ok(Spanned::new(name, span))
    }

    /// Reads a quoted text.
    pub(crate) fn quoted(&mut self, what: &str) -> Parsed<Spanned<String>> {
        let span = self.span();
        match self.peek() {
            TokenKind::Text(text) => {
                let text = text.clone();
                self.advance();
                Ok(Spanned::new(text, span))
            }
            _ => Err(self.expected(&format!("{what} in quotes"))),
        }
    }

    /// Reads a positive whole number.
    pub(crate) fn count(&mut self, after: &str) -> Parsed<u64> {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        let found = match self.peek() {
            TokenKind::Number(number) => *number,
            TokenKind::Size(number, SizeSuffix::K) => number * 1e3,
            _ => -1.0,
        };
        if (1.0..=EXACT_MAX).contains(&found) && found.fract() == 0.0 {
            self.advance();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and between 1 and 2^53"
            )]
            return Ok(found as u64);
        }
        let behind = self.behind();
        let found = self.expected(&format!("a whole number from 1 after `{after}`"));
        let is_missing = matches!(self.peek(), TokenKind::Word(_) | TokenKind::End);
        Err(if is_missing { found.replacing(behind, " 10") } else { found })
    }

    /// Enters a level of nesting; [`Parser::leave`] leaves it.
    pub(crate) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > self.depth_max {
            let message = format!("the query nests deeper than {} levels", self.depth_max);
            return Err(self.error("Q009", self.span(), message));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Counts an operator.
    pub(crate) fn count_operator(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > OPERATORS_MAX {
            let message = format!("the query has more than {OPERATORS_MAX} operators");
            return Err(self.error("Q009", self.span(), message));
        }
        Ok(())
    }

    /// Returns how many tokens on the parenthesis is closed that opens here, if it is.
    pub(crate) fn closing_parenthesis(&self, ahead: usize) -> Option<usize> {
        let mut open = 0_usize;
        for (index, token) in self.tokens.get(self.at + ahead..)?.iter().enumerate() {
            match token.kind {
                TokenKind::Symbol("(") => open += 1,
                TokenKind::Symbol(")") => {
                    open = open.checked_sub(1)?;
                    if open == 0 {
                        return Some(ahead + index);
                    }
                }
                // A list of keys has no parentheses but those of `hour()`, and is short.
                TokenKind::Word(_) | TokenKind::Backquoted(_) | TokenKind::Symbol("," | "*") => {}
                _ => return None,
            }
        }
        None
    }
}
