//! Durations, and points in time: timestamps, `now`, `mark("…")`, and durations added to them.

use crate::lang::ast::{Duration, Spanned, Time};
use crate::lang::diagnostic::Diagnostic;
use crate::lang::literal::{time_token, unit_meant};
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::suggest::closest;
use crate::lang::token::TokenKind;

impl Parser<'_> {
    /// Reads a duration; `example` completes the query where one is missing.
    pub(crate) fn duration(&mut self, after: &str, example: &str) -> Parsed<Spanned<Duration>> {
        let span = self.span();
        if let TokenKind::Duration(duration) = self.peek() {
            let duration = *duration;
            self.advance();
            return Ok(Spanned::new(duration, span));
        }
        Err(self.no_duration(after, example))
    }

    /// Makes the error of something that is no duration; `last 1 hour` and `last hour` are clear.
    fn no_duration(&self, after: &str, example: &str) -> Diagnostic {
        let span = self.span();
        let found = self.expected(&format!("a duration after `{after}`, such as {example}"));
        let written = self.text.get(span.start..span.end).unwrap_or("");
        let unit = |ahead| match self.peek_at(ahead) {
            TokenKind::Word(word) => unit_meant(word),
            _ => None,
        };
        let meant = match self.peek() {
            TokenKind::Number(_) => unit(1).map(|unit| (span.to(self.span_at(1)), unit)),
            TokenKind::Word(_) => unit(0).map(|unit| (span, unit)),
            _ => None,
        };
        if let Some((place, unit)) = meant {
            let number = if place == span { "1" } else { written };
            let meant = format!("{number}{unit}");
            let message = "a duration is a number with a unit, without a space between";
            return self
                .error("Q003", place, message)
                .with_label(format!("write `{meant}`"))
                .replacing(place, &meant);
        }
        match self.peek() {
            TokenKind::Number(_) => {
                found.with_help("a duration has a unit: ns us ms s m h d w mo y")
            }
            TokenKind::Size(..) => {
                found.with_help("`m` stands for minutes, `mo` for months; `M` is a million")
            }
            _ => {
                let behind = self.behind();
                found.replacing(behind, &format!(" {example}"))
            }
        }
    }

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
            TokenKind::Text(text) => {
                let found = self.expected(&what);
                Err(match time_token(&text) {
                    Ok(_) => found.with_label("without quotes").replacing(self.span(), &text),
                    Err(_) => found,
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
