//! Corrected queries: each is proven to parse before it is offered.

use crate::lang::ast::{Clause, Grouping, Key, Keys, Spanned};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::functions;
use crate::lang::parser::cursor::Parser;
use crate::lang::parser::statement::read;
use crate::lang::token::TokenKind;
use crate::model::Limits;

/// How many mistakes of one query are put right together. Each costs one more pass over the text.
const MISTAKES_MAX: usize = 8;

/// Keeps a finding's suggestion where it parses; where a further mistake stands in its way that can
/// be put right as well, both are. Without a way to a whole query there is no suggestion.
pub(crate) fn proven(mut found: Diagnostic, limits: &Limits) -> Diagnostic {
    let mut suggestion = found.suggestion.take();
    for _ in 0..MISTAKES_MAX {
        let Some(fixed) = suggestion else { return found };
        match read(&fixed, limits) {
            Ok(_) => {
                found.suggestion = Some(fixed);
                return found;
            }
            Err(next) => suggestion = next.suggestion,
        }
    }
    found
}

impl Parser<'_> {
    /// Makes the error of a list of arguments, keys or matchers that neither goes on nor is closed
    /// here. It is closed in the suggestion; a grouping goes to the end instead.
    pub(crate) fn unclosed(&mut self, what: &str, symbol: &str) -> Diagnostic {
        let start = self.span();
        if !["by", "without", "group"].iter().any(|word| self.is_word(word)) {
            let behind = self.behind();
            return self.expected(what).replacing(behind, symbol);
        }
        self.eat_word("group");
        match self.grouping() {
            Ok(grouping) => self.grouping_in_the_middle(&grouping, self.since(start)),
            Err(found) => found,
        }
    }

    /// Makes the error of a clause that is followed by more of the expression, where it is a
    /// grouping.
    pub(crate) fn grouping_too_early(&mut self, clause: &Spanned<Clause>) -> Option<Diagnostic> {
        let Clause::Group(grouping) = &clause.node else { return None };
        let goes_on = match self.peek() {
            TokenKind::Symbol("(") => return self.key_that_is_a_call(grouping, clause.span),
            TokenKind::Symbol("," | ")" | "=") => true,
            TokenKind::Word(_) => ["per", "offset"].iter().any(|word| self.is_word(word)),
            _ => false,
        };
        let goes_on = goes_on || self.binary_op().is_some();
        goes_on.then(|| self.grouping_in_the_middle(grouping, clause.span))
    }

    /// `by bot, sum(y)`: the last key was meant as the next item.
    fn key_that_is_a_call(&mut self, grouping: &Grouping, span: Span) -> Option<Diagnostic> {
        let Keys::List(keys) = &grouping.keys else { return None };
        let (last, keys) = keys.split_last()?;
        let Key::Label(name) = &last.node else { return None };
        let end = keys.last()?.span.end;
        functions::arity(&name.to_ascii_lowercase())?;
        let shorter = Grouping { without: grouping.without, keys: Keys::List(keys.to_vec()) };
        Some(self.grouping_in_the_middle(&shorter, Span::new(span.start, end)))
    }

    /// Makes the error of a grouping that is followed by more of the expression. Where the same
    /// grouping stands behind each call, or only once, putting it last is what was meant.
    fn grouping_in_the_middle(&mut self, grouping: &Grouping, span: Span) -> Diagnostic {
        let word = if grouping.without { "without" } else { "by" };
        let message = format!("`{word}` applies to the whole query");
        self.seek(span.end);
        let label = format!("cannot be followed by {}", self.found());
        let found = self.error("Q011", span, message).with_label(label);
        let mut spans = vec![span];
        for (other, place) in self.groupings_ahead() {
            if other != *grouping {
                return found
                    .with_help("put one last, or each before its arguments: sum by (bot) (x)");
            }
            spans.push(place);
        }
        let mut found = found.with_help("put it last");
        found.suggestion = self.with_grouping_last(&spans, grouping);
        found
    }

    /// Goes to the end, and returns the groupings that stand behind calls on the way.
    fn groupings_ahead(&mut self) -> Vec<(Grouping, Span)> {
        let mut found = Vec::new();
        while *self.peek() != TokenKind::End {
            let start = self.span();
            let is_behind_a_call = self.text.get(..start.start).is_some_and(|before| {
                before.trim_end().ends_with(')')
                    && ["by", "without", "group"].iter().any(|word| self.is_word(word))
            });
            self.eat_word("group");
            match is_behind_a_call.then(|| self.grouping()) {
                Some(Ok(grouping)) => found.push((grouping, self.since(start))),
                _ => self.advance(),
            }
        }
        found
    }

    /// Returns the text without some places, and with a grouping behind its last token.
    fn with_grouping_last(&self, places: &[Span], grouping: &Grouping) -> Option<String> {
        let mut fixed = String::new();
        let mut from = 0;
        for place in places {
            // A line's end may end a comment, and stays.
            fixed.push_str(self.text.get(from..place.start)?.trim_end_matches([' ', '\t']));
            from = place.end;
        }
        let end = self.span().end;
        fixed.push_str(self.text.get(from..end)?);
        // A comment behind the last token stays behind the grouping.
        Some(format!("{fixed} {grouping}{}", self.text.get(end..)?))
    }
}
