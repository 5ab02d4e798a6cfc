//! Calls of functions and their arguments.

use crate::lang::ast::{Arg, Call, Expr, Ident, Literal, OptionValue, Spanned};
use crate::lang::diagnostic::Span;
use crate::lang::foreign;
use crate::lang::functions;
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::suggest::closest;
use crate::lang::token::TokenKind;

impl Parser<'_> {
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

    /// Reads a call.
    pub(crate) fn call(&mut self) -> Parsed<Call> {
        self.enter()?;
        let start = self.span();
        let name = self.function()?;
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
        self.check_arity(&name.node, &args, self.since(start))?;
        self.leave();
        Ok(Call { name, grouping, args })
    }

    /// Reads the name of a function that exists.
    fn function(&mut self) -> Parsed<Ident> {
        let span = self.span();
        let TokenKind::Word(written) = self.peek() else {
            return Err(self.expected("a function"));
        };
        let name = written.to_ascii_lowercase();
        if functions::arity(&name).is_some() {
            self.advance();
            return Ok(Spanned::new(name, span));
        }
        let found = self.error("Q006", span, format!("there is no function `{written}`"));
        let meant = foreign::function(&name).or_else(|| closest(&name, functions::names()));
        let is_digit = |c: char| c.is_ascii_digit();
        Err(match meant {
            Some(meant) => {
                found.with_label(format!("did you mean `{meant}`?")).replacing(span, meant)
            }
            None if name.strip_prefix('p').is_some_and(|p| p.starts_with(is_digit)) => {
                found.with_help("percentiles go from p0 to p100, as in p99 or p99.9")
            }
            None => found.with_help("functions are like count, avg, p99, rate, share"),
        })
    }

    /// Refuses too few or too many arguments; named options do not count.
    fn check_arity(&self, name: &str, args: &[Spanned<Arg>], span: Span) -> Parsed<()> {
        let given = args.iter().filter(|arg| !matches!(arg.node, Arg::Option(..))).count();
        let Some((least, most)) = functions::arity(name) else { return Ok(()) };
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let needs = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        let noun = if most == 1 { "argument" } else { "arguments" };
        let message = format!("`{name}` takes {needs} {noun}, not {given}");
        let found = self.error("Q007", span, message);
        // `share(latency, status="error")` was read as an option.
        let bare = args.iter().find(|arg| match &arg.node {
            Arg::Option(_, value) => matches!(value.node, OptionValue::Literal(Literal::Text(_))),
            _ => false,
        });
        if let Some(bare) = bare.filter(|_| given + 1 == least) {
            let condition = self.text.get(bare.span.start..bare.span.end).unwrap_or("");
            let braced = format!("{{{condition}}}");
            let found = self.error("Q007", bare.span, "a condition on labels stands in braces");
            return Err(found
                .with_label(format!("write `{braced}`"))
                .replacing(bare.span, &braced));
        }
        Err(found.with_help(format!("write it like {}", functions::example(name))))
    }

    fn arg(&mut self) -> Parsed<Spanned<Arg>> {
        let start = self.span();
        let is_option = self.is_symbol_at(1, "=")
            && matches!(self.peek(), TokenKind::Word(_) | TokenKind::Backquoted(_));
        let arg = if is_option {
            self.named_option()?
        } else if self.is_word("where") || self.is_symbol("*") || self.at_selector() {
            self.samples_arg()?
        } else {
            self.computed_arg()?
        };
        Ok(Spanned::new(arg, self.since(start)))
    }

    /// Reads an expression, or a sub-query. Apart from the other arguments, since calls nest here
    /// and each level takes the stack of this function.
    fn computed_arg(&mut self) -> Parsed<Arg> {
        let inner = self.expression()?;
        if self.eat_word("every") { self.sub_query(inner) } else { Ok(Arg::Expr(inner)) }
    }

    fn sub_query(&mut self, inner: Expr) -> Parsed<Arg> {
        self.duration("every", "1m").map(|step| Arg::SubQuery(inner, step))
    }

    /// Reads a condition or a selector.
    fn samples_arg(&mut self) -> Parsed<Arg> {
        let start = self.span();
        if self.eat_word("where") {
            return self.predicate().map(Arg::Where);
        }
        if self.is_symbol("*") {
            let found = self.error("Q001", start, "a call is of one metric, not of `*`");
            return Err(found.with_label("name the metric").with_help("as in count(latency)"));
        }
        self.check_called()?;
        let sample = self.sample()?;
        self.check_chain()?;
        let place = self.selector_span(start, &sample);
        if self.is_word("every") {
            return Err(self.raw_samples(place));
        }
        if self.binary_op().is_some() {
            let found = self.error("Q008", place, "raw samples cannot be computed with");
            let help = "compute with the result of the call, as in sum(tokens) / 1000";
            return Err(found.with_label("stands inside of a call").with_help(help));
        }
        Ok(Arg::Sample(sample))
    }

    fn named_option(&mut self) -> Parsed<Arg> {
        let name = self.ident("an option")?;
        self.expect_symbol("=")?;
        Ok(Arg::Option(name, self.option_value()?))
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
