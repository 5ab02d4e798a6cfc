//! Expressions and calls.

use crate::lang::ast::{Arg, BinaryOp, Call, Expr, ExprKind, Literal, OptionValue, Spanned};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::foreign;
use crate::lang::functions;
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::suggest::closest;
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

impl Parser<'_> {
    /// Reads an expression.
    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        self.binary(1)
    }

    /// Reads operators that bind at least as strongly as `least`.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        self.enter()?;
        let start = self.span();
        let mut left = self.unary()?;
        while let Some(op) = self.binary_op().filter(|op| level(op.node) >= least) {
            self.count_operator()?;
            self.advance();
            let strength = level(op.node);
            let right = self.binary(strength + 1)?;
            left = expr(ExprKind::Binary { op, left, right }, self.since(start));
            if strength == COMPARE_LEVEL
                && let Some(second) = self.compare_op()
            {
                let message = "comparisons do not chain";
                return Err(self
                    .error("Q014", second.span, message)
                    .with_help("join two comparisons with `and`"));
            }
        }
        self.leave();
        Ok(left)
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
        if self.eat_symbol("-") {
            self.enter()?;
            let inner = self.unary()?;
            self.leave();
            return Ok(expr(ExprKind::Negate(inner), self.since(start)));
        }
        let mut inner = self.atom()?;
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
        match self.peek() {
            TokenKind::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                self.expect_close(")")?;
                Ok(Spanned::new(inner.node, self.since(start)))
            }
            TokenKind::Number(_)
            | TokenKind::Percent(_)
            | TokenKind::Size(..)
            | TokenKind::Duration(_)
            | TokenKind::Text(_) => {
                let literal: Spanned<Literal> = self.literal()?;
                Ok(expr(ExprKind::Literal(literal.node), literal.span))
            }
            TokenKind::Word(_) | TokenKind::Backquoted(_) | TokenKind::Symbol("{") => {
                self.check_called()?;
                self.sample()?;
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

    /// True where a call begins: a word before `(`, or before `by (…) (`.
    pub(crate) fn at_call(&self) -> bool {
        self.is_call_at(0)
    }

    /// True where a call begins at a token further on.
    pub(crate) fn is_call_at(&self, ahead: usize) -> bool {
        let is_grouping = |at| self.is_word_at(at, "by") || self.is_word_at(at, "without");
        if !matches!(self.peek_at(ahead), TokenKind::Word(_)) {
            return false;
        }
        if self.is_symbol_at(ahead + 1, "(") {
            return !is_grouping(ahead);
        }
        let keys = ahead + 2;
        is_grouping(ahead + 1)
            && self.is_symbol_at(keys, "(")
            && self.closing_parenthesis(keys).is_some_and(|at| self.is_symbol_at(at + 1, "("))
    }

    /// Refuses `p99 latency`: a function's name before a metric's.
    pub(crate) fn check_called(&self) -> Parsed<()> {
        let TokenKind::Word(name) = self.peek() else { return Ok(()) };
        let is_function = functions::arity(&name.to_ascii_lowercase()).is_some();
        let is_metric = match self.peek_at(1) {
            TokenKind::Word(next) => !functions::is_keyword(next),
            TokenKind::Backquoted(_) => true,
            _ => false,
        };
        if !is_function || !is_metric {
            return Ok(());
        }
        let (function, metric) = (self.span(), self.span_at(1));
        let called = self.text.get(metric.start..metric.end).unwrap_or("latency");
        let message = format!("`{name}` is a function: what it is of stands in parentheses");
        Err(self
            .error("Q010", function, message)
            .with_label(format!("write `{name}({called})`"))
            .replacing(function.to(metric), &format!("{name}({called})")))
    }

    fn call(&mut self) -> Parsed<Call> {
        self.enter()?;
        let span = self.span();
        let TokenKind::Word(written) = self.peek().clone() else {
            return Err(self.expected("a function"));
        };
        self.advance();
        let name = written.to_ascii_lowercase();
        let Some((least, most)) = functions::arity(&name) else {
            let found = self.error("Q006", span, format!("there is no function `{written}`"));
            let meant = foreign::function(&name).or_else(|| closest(&name, functions::names()));
            return Err(match meant {
                Some(meant) => {
                    found.with_label(format!("did you mean `{meant}`?")).replacing(span, meant)
                }
                None => found.with_help("functions are like count, avg, p99, rate, share"),
            });
        };
        let grouping = if self.is_word("by") || self.is_word("without") {
            Some(self.grouping()?)
        } else {
            None
        };
        self.expect_symbol("(")?;
        let mut args = Vec::new();
        while !self.eat_symbol(")") {
            args.push(self.arg()?);
            if !self.is_symbol(")") && !self.eat_symbol(",") {
                return Err(self.unclosed("`,` or `)`", ")"));
            }
        }
        let given = args.iter().filter(|arg| !matches!(arg.node, Arg::Option(..))).count();
        if given < least || given > most {
            let needs =
                if least == most { format!("{least}") } else { format!("{least} to {most}") };
            let noun = if most == 1 { "argument" } else { "arguments" };
            let message = format!("`{name}` takes {needs} {noun}, not {given}");
            let found = self.error("Q007", self.since(span), message);
            return Err(found.with_help(format!("write it like {}", functions::example(&name))));
        }
        self.leave();
        Ok(Call { name: Spanned::new(name, span), grouping, args })
    }

    fn arg(&mut self) -> Parsed<Spanned<Arg>> {
        let start = self.span();
        let arg = if self.eat_word("where") {
            Arg::Where(self.predicate()?)
        } else if self.is_symbol_at(1, "=")
            && matches!(self.peek(), TokenKind::Word(_) | TokenKind::Backquoted(_))
        {
            let name = self.ident("an option")?;
            self.advance();
            Arg::Option(name, self.option_value()?)
        } else if self.at_selector() {
            self.check_called()?;
            let sample = self.sample()?;
            if self.binary_op().is_some() {
                return Err(self.raw_samples(self.since(start)));
            }
            Arg::Sample(sample)
        } else {
            let inner = self.expression()?;
            if self.eat_word("every") {
                Arg::SubQuery(inner, self.duration("every", "1m")?)
            } else {
                Arg::Expr(inner)
            }
        };
        Ok(Spanned::new(arg, self.since(start)))
    }

    fn option_value(&mut self) -> Parsed<Spanned<OptionValue>> {
        let span = self.span();
        let word = match self.peek() {
            TokenKind::Word(word) => Some(word.to_ascii_lowercase()),
            TokenKind::Backquoted(word) => Some(word.clone()),
            _ => None,
        };
        if let Some(word) = word {
            self.advance();
            return Ok(Spanned::new(OptionValue::Word(word), span));
        }
        let literal = self.literal()?;
        Ok(Spanned::new(OptionValue::Literal(literal.node), literal.span))
    }
}
