//! Expressions: operators by precedence, and what they join.

use crate::lang::ast::{BinaryOp, Expr, ExprKind, Literal, Sample, Spanned};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::token::TokenKind;

/// How strongly a comparison binds: `or` is 1, `and` and `unless` 2, `+` 4, `*` 5, `default` 6.
const COMPARE_LEVEL: u8 = 3;

/// Returns the strength of a binary operator.
pub(crate) fn level(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Compare(_) => COMPARE_LEVEL,
        BinaryOp::Add | BinaryOp::Subtract => 4,
        BinaryOp::Multiply | BinaryOp::Divide => 5,
        BinaryOp::Default => 6,
    }
}

fn expr(kind: ExprKind, span: Span) -> Expr {
    Spanned::new(Box::new(kind), span)
}

/// What others write for numbers that are none here. Metrics of these names stand in calls.
fn is_not_finite(word: &str) -> bool {
    ["nan", "inf", "infinity"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

impl Parser<'_> {
    /// Reads an expression.
    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        let inner = self.binary(1)?;
        if self.is_symbol("=") { Err(self.single_equals()) } else { Ok(inner) }
    }

    fn single_equals(&self) -> Diagnostic {
        let found = self.error("Q001", self.span(), "values are compared with `==`");
        found.with_label("write `==`").replacing(self.span(), "==")
    }

    /// Reads operators that bind at least as strongly as `least`.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let start = self.span();
        let mut left = self.unary()?;
        while let Some(op) = self.binary_op().filter(|op| level(op.node) >= least) {
            self.count_operator()?;
            self.advance();
            let strength = level(op.node);
            // The right side takes as much of the stack as a parenthesis does.
            self.enter()?;
            let right = self.binary(strength + 1)?;
            self.leave();
            left = expr(ExprKind::Binary { op, left, right }, self.since(start));
            if strength == COMPARE_LEVEL {
                self.check_chain()?;
            }
        }
        Ok(left)
    }

    /// Refuses a second comparison behind a first.
    pub(crate) fn check_chain(&self) -> Parsed<()> {
        let Some(second) = self.compare_op() else { return Ok(()) };
        let found = self.error("Q014", second.span, "comparisons do not chain");
        Err(found.with_help("join two comparisons with `and`"))
    }

    pub(crate) fn binary_op(&self) -> Option<Spanned<BinaryOp>> {
        let op = match self.peek() {
            TokenKind::Symbol("+") => BinaryOp::Add,
            TokenKind::Symbol("-") => BinaryOp::Subtract,
            TokenKind::Symbol("*") => BinaryOp::Multiply,
            TokenKind::Symbol("/") => BinaryOp::Divide,
            TokenKind::Word(_) if self.is_word("or") => BinaryOp::Or,
            TokenKind::Word(_) if self.is_word("and") => BinaryOp::And,
            TokenKind::Word(_) if self.is_word("unless") => BinaryOp::Unless,
            TokenKind::Word(_) if self.is_word("default") => BinaryOp::Default,
            _ => BinaryOp::Compare(self.compare_op()?.node),
        };
        Some(Spanned::new(op, self.span()))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.is_symbol("-") {
            self.enter()?;
            self.advance();
            let inner = self.unary()?;
            self.leave();
            return Ok(expr(ExprKind::Negate(inner), self.since(start)));
        }
        let inner = self.atom()?;
        self.postfix(inner, start)
    }

    /// Reads what may stand behind an atom: `per` and `offset`.
    fn postfix(&mut self, mut inner: Expr, start: Span) -> Parsed<Expr> {
        loop {
            if self.eat_word("per") {
                self.count_operator()?;
                let length = self.duration("per", "1m")?;
                inner = expr(ExprKind::Per(inner, length), self.since(start));
            } else if self.eat_word("offset") {
                self.count_operator()?;
                let length = self.duration("offset", "7d")?;
                inner = expr(ExprKind::Offset(inner, length), self.since(start));
            } else {
                return Ok(inner);
            }
        }
    }

    fn atom(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.at_call() {
            let call = self.call()?;
            return Ok(expr(ExprKind::Call(call), self.since(start)));
        }
        if !self.is_symbol("(") {
            return self.leaf();
        }
        self.enter()?;
        self.advance();
        let inner = self.expression()?;
        self.expect_close(")")?;
        self.leave();
        Ok(Spanned::new(inner.node, self.since(start)))
    }

    /// Reads a literal, or says why what stands here begins no expression.
    fn leaf(&mut self) -> Parsed<Expr> {
        let start = self.span();
        match self.peek() {
            TokenKind::Number(_)
            | TokenKind::Percent(_)
            | TokenKind::Size(..)
            | TokenKind::Duration(_)
            | TokenKind::Text(_) => {
                let literal: Spanned<Literal> = self.literal()?;
                Ok(expr(ExprKind::Literal(literal.node), literal.span))
            }
            TokenKind::Word(word) if is_not_finite(word) => {
                let message = format!("`{word}` is no value: all numbers are finite");
                Err(self.error("Q001", start, message))
            }
            TokenKind::Word(_) | TokenKind::Backquoted(_) | TokenKind::Symbol("{") => {
                self.check_called()?;
                self.sample_selector()?;
                Err(self.raw_samples(self.since(start)))
            }
            _ => Err(self.expected("a function, a number or `(`")),
        }
    }

    /// Makes the error of raw samples where a value is needed.
    pub(crate) fn raw_samples(&self, span: Span) -> Diagnostic {
        let raw = self.text.get(span.start..span.end).unwrap_or("latency");
        self.error("Q008", span, "raw samples cannot be computed with")
            .with_label("put a function around it")
            .replacing(span, &format!("avg({raw})"))
    }

    /// Returns the place of a sample's selector, without the filter behind it.
    pub(crate) fn selector_span(&self, start: Span, sample: &Sample) -> Span {
        let whole = self.since(start);
        let Some((op, _)) = &sample.filter else { return whole };
        let selector = self.text.get(..op.span.start).unwrap_or("").trim_end();
        Span::new(whole.start, selector.len())
    }
}
