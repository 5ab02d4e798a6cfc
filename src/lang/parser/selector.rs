//! Selectors of samples, and conditions on them.

use crate::lang::ast::{
    CompareOp, Ident, LabelMatcher, Literal, MatchOp, Predicate, Sample, SampleSelector, Spanned,
};
use crate::lang::diagnostic::Diagnostic;
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::token::TokenKind;

impl Parser<'_> {
    /// Reads a selector and a filter on values behind it.
    pub(crate) fn sample(&mut self) -> Parsed<Sample> {
        let selector = self.sample_selector()?;
        let filter = match self.compare_op() {
            None => None,
            Some(op) => {
                self.advance();
                Some((op, self.literal()?))
            }
        };
        Ok(Sample { selector, filter })
    }

    /// True where a selector begins here: a metric's name, or braces.
    pub(crate) fn at_selector(&self) -> bool {
        match self.peek() {
            TokenKind::Backquoted(_) | TokenKind::Symbol("{") => true,
            TokenKind::Word(_) => !self.at_call(),
            _ => false,
        }
    }

    pub(crate) fn sample_selector(&mut self) -> Parsed<SampleSelector> {
        let mut metric = self.metric_name();
        let mut matchers = Vec::new();
        if self.is_symbol("{") {
            matchers = self.matchers(&mut metric)?;
        } else if metric.is_none() {
            return Err(self.expected("a metric or `{`"));
        }
        let mut window = None;
        if self.eat_symbol("[") {
            window = Some(self.duration("[", "5m")?);
            self.expect_close("]")?;
        }
        let mut offset = None;
        if self.eat_word("offset") {
            offset = Some(self.duration("offset", "7d")?);
        }
        Ok(SampleSelector { metric, matchers, window, offset })
    }

    fn metric_name(&mut self) -> Option<Ident> {
        let span = self.span();
        let name = match self.peek() {
            TokenKind::Word(name) | TokenKind::Backquoted(name) => name.clone(),
            _ => return None,
        };
        self.advance();
        Some(Spanned::new(name, span))
    }

    /// Reads matchers in braces; a text that stands first is the metric's name.
    pub(crate) fn matchers(
        &mut self,
        metric: &mut Option<Ident>,
    ) -> Parsed<Vec<Spanned<LabelMatcher>>> {
        if metric.is_none() && self.is_symbol("{") && matches!(self.peek_at(1), TokenKind::Text(_))
        {
            self.advance();
            *metric = Some(self.quoted("the metric")?);
            if self.eat_symbol("}") {
                return Ok(Vec::new());
            }
            if !self.eat_symbol(",") {
                return Err(self.unclosed("`,` or `}`", "}"));
            }
            return self.matchers_inside();
        }
        self.label_matchers()
    }

    /// Reads matchers in braces that do not name a metric.
    pub(crate) fn label_matchers(&mut self) -> Parsed<Vec<Spanned<LabelMatcher>>> {
        self.expect_symbol("{")?;
        self.matchers_inside()
    }

    fn matchers_inside(&mut self) -> Parsed<Vec<Spanned<LabelMatcher>>> {
        let mut matchers = Vec::new();
        while !self.eat_symbol("}") {
            matchers.push(self.matcher()?);
            if !self.is_symbol("}") && !self.eat_symbol(",") {
                return Err(self.next_matcher_or_end());
            }
        }
        Ok(matchers)
    }

    /// Makes the error of matchers that neither go on nor are closed; a comma is missing where
    /// another matcher follows.
    fn next_matcher_or_end(&mut self) -> Diagnostic {
        let what = "`,` or `}`";
        if matches!(self.peek(), TokenKind::Word(_) | TokenKind::Backquoted(_))
            && self.is_matcher_at(1)
        {
            let behind = self.behind();
            return self.expected(what).replacing(behind, ",");
        }
        self.unclosed(what, "}")
    }

    /// Reads one condition on a label.
    pub(crate) fn matcher(&mut self) -> Parsed<Spanned<LabelMatcher>> {
        let start = self.span();
        let label = self.ident("a label")?;
        let op = match self.peek() {
            TokenKind::Symbol("=") => MatchOp::Equal,
            TokenKind::Symbol("!=") => MatchOp::NotEqual,
            TokenKind::Symbol("=~") => MatchOp::Matches,
            TokenKind::Symbol("!~") => MatchOp::NotMatches,
            TokenKind::Symbol("==") => {
                let found = self.error("Q001", self.span(), "labels are compared with one `=`");
                return Err(found.with_label("write `=`").replacing(self.span(), "="));
            }
            _ if self.is_word("in") => MatchOp::In,
            _ if self.compare_op().is_some() => {
                let message = "only `value`, which each sample has, is compared with a number";
                let found = self.error("Q001", label.span, message);
                return Err(found.with_label("write `value`").replacing(label.span, "value"));
            }
            _ => return Err(self.expected("`=`, `!=`, `=~`, `!~` or `in`")),
        };
        self.advance();
        let values = if op == MatchOp::In { self.values()? } else { vec![self.label_value()?] };
        Ok(Spanned::new(LabelMatcher { label, op, values }, self.since(start)))
    }

    fn values(&mut self) -> Parsed<Vec<Spanned<String>>> {
        self.expect_symbol("(")?;
        let mut values = vec![self.label_value()?];
        while self.eat_symbol(",") {
            values.push(self.label_value()?);
        }
        self.expect_close(")")?;
        Ok(values)
    }

    fn label_value(&mut self) -> Parsed<Spanned<String>> {
        let span = self.span();
        let bare = match self.peek() {
            TokenKind::Word(_) | TokenKind::Number(_) | TokenKind::Backquoted(_) => {
                self.text.get(span.start..span.end)
            }
            _ => None,
        };
        match bare {
            None => self.quoted("a label's value"),
            Some(bare) => {
                let quoted = format!("\"{}\"", bare.trim_matches('`'));
                Err(self
                    .error("Q012", span, "the value of a label needs quotes")
                    .with_label(format!("write `{quoted}`"))
                    .replacing(span, &quoted))
            }
        }
    }

    /// Returns the comparison that stands here.
    pub(crate) fn compare_op(&self) -> Option<Spanned<CompareOp>> {
        let op = match self.peek() {
            TokenKind::Symbol(">") => CompareOp::Greater,
            TokenKind::Symbol(">=") => CompareOp::GreaterEqual,
            TokenKind::Symbol("<") => CompareOp::Less,
            TokenKind::Symbol("<=") => CompareOp::LessEqual,
            TokenKind::Symbol("==") => CompareOp::Equal,
            TokenKind::Symbol("!=") => CompareOp::NotEqual,
            _ => return None,
        };
        Some(Spanned::new(op, self.span()))
    }

    /// Reads a literal, also a negative number.
    pub(crate) fn literal(&mut self) -> Parsed<Spanned<Literal>> {
        let start = self.span();
        let is_negative = self.eat_symbol("-");
        let literal = match self.peek() {
            TokenKind::Number(number) if is_negative => Literal::Number(-number),
            TokenKind::Number(number) => Literal::Number(*number),
            _ if is_negative => return Err(self.expected("a number")),
            TokenKind::Percent(number) => Literal::Percent(*number),
            TokenKind::Size(number, suffix) => Literal::Size(*number, *suffix),
            TokenKind::Duration(duration) => Literal::Duration(*duration),
            TokenKind::Text(text) => Literal::Text(text.clone()),
            _ => return Err(self.expected("a number, duration, size or text")),
        };
        self.advance();
        Ok(Spanned::new(literal, self.since(start)))
    }

    /// Reads a condition on samples: `or` binds weaker than `and`, `not` strongest.
    pub(crate) fn predicate(&mut self) -> Parsed<Predicate> {
        let mut left = self.predicate_and()?;
        while self.eat_word("or") {
            self.count_operator()?;
            left = Predicate::Or(Box::new(left), Box::new(self.predicate_and()?));
        }
        Ok(left)
    }

    fn predicate_and(&mut self) -> Parsed<Predicate> {
        let mut left = self.predicate_not()?;
        while self.eat_word("and") {
            self.count_operator()?;
            left = Predicate::And(Box::new(left), Box::new(self.predicate_not()?));
        }
        Ok(left)
    }

    fn predicate_not(&mut self) -> Parsed<Predicate> {
        let predicate = if self.is_word("not") && !self.is_matcher_at(1) {
            self.enter()?;
            self.advance();
            let inner = self.predicate_not()?;
            self.leave();
            Predicate::Not(Box::new(inner))
        } else if self.is_symbol("(") {
            self.enter()?;
            self.advance();
            let inner = self.predicate()?;
            self.expect_close(")")?;
            self.leave();
            inner
        } else if self.is_word("value") && !self.is_matcher_at(1) {
            self.advance();
            let Some(op) = self.compare_op() else {
                return Err(self.expected("a comparison, such as `>`"));
            };
            self.advance();
            Predicate::Value(op, self.literal()?)
        } else {
            Predicate::Label(self.matcher()?)
        };
        Ok(predicate)
    }

    /// True where a matcher's operator on a text stands: then the word before it is a label.
    fn is_matcher_at(&self, ahead: usize) -> bool {
        ["=", "=~", "!~"].iter().any(|symbol| self.is_symbol_at(ahead, symbol))
            || (self.is_symbol_at(ahead, "!=")
                && matches!(self.peek_at(ahead + 1), TokenKind::Text(_)))
            || (self.is_word_at(ahead, "in") && self.is_symbol_at(ahead + 1, "("))
    }
}
