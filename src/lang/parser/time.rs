//! Points in time: timestamps, `now`, `mark("…")`, and durations added to them.

use crate::lang::ast::{Spanned, Time};
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::suggest::closest;
use crate::lang::token::TokenKind;

impl Parser<'_> {
    /// Reads a time.
    pub(crate) fn time(&mut self, after: &str) -> Parsed<Spanned<Time>> {
        let start = self.span();
        let mut time = Spanned::new(self.time_atom(after)?, start);
        time.span = self.since(start);
        while self.is_symbol("+") || self.is_symbol("-") {
            self.count_operator()?;
            let is_plus = self.is_symbol("+");
            self.advance();
            let length = self.duration(if is_plus { "+" } else { "-" }, "1h")?.node;
            let node = if is_plus {
                Time::Plus(Box::new(time), length)
            } else {
                Time::Minus(Box::new(time), length)
            };
            time = Spanned::new(node, self.since(start));
        }
        Ok(time)
    }

    fn time_atom(&mut self, after: &str) -> Parsed<Time> {
        let what = format!("a time after `{after}`, such as 2026-02-09T10:00Z or now");
        match self.peek().clone() {
            TokenKind::Time(time) => {
                self.advance();
                Ok(time)
            }
            TokenKind::Word(word) => {
                let known = match word.to_ascii_lowercase().as_str() {
                    "now" => Some(Time::Now),
                    "today" => Some(Time::Today),
                    "yesterday" => Some(Time::Yesterday),
                    _ => None,
                };
                if let Some(time) = known {
                    self.advance();
                    return Ok(time);
                }
                if word.eq_ignore_ascii_case("mark") {
                    return self.mark();
                }
                let found = self.expected(&what);
                Err(match closest(&word, ["now", "today", "yesterday", "mark"]) {
                    Some(meant) => found.replacing(self.span(), meant),
                    None => found,
                })
            }
            _ => Err(self.expected(&what)),
        }
    }

    fn mark(&mut self) -> Parsed<Time> {
        self.advance();
        self.expect_symbol("(")?;
        let name = self.quoted("the text of the mark")?.node;
        self.expect_close(")")?;
        Ok(Time::Mark(name))
    }
}
