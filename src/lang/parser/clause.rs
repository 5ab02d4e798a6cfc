//! Clauses: the parts of a question behind its items.

use std::mem::discriminant;

use crate::lang::ast::{
    CalendarPart, Clause, Duration, Fill, Grouping, Key, Keys, Literal, RangeEnd, Spanned,
};
use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::lexeme::Quoted;
use crate::lang::parser::cursor::{Parsed, Parser};
use crate::lang::suggest::closest;
use crate::lang::token::TokenKind;

/// The words that a clause of a question begins with.
pub(crate) const CLAUSES: [&str; 17] = [
    "last", "from", "since", "until", "every", "over", "group", "by", "without", "where", "having",
    "top", "bottom", "compare", "tz", "fill", "limit",
];

/// Further words that may stand where a clause may.
const BEHIND_ITEMS: [&str; 12] = [
    "and", "or", "unless", "default", "per", "offset", "as", "for", "keep", "severity", "notify",
    "message",
];

impl Parser<'_> {
    /// Reads clauses up to the end.
    pub(crate) fn clauses(&mut self) -> Parsed<Vec<Spanned<Clause>>> {
        let mut clauses: Vec<Spanned<Clause>> = Vec::new();
        while *self.peek() != TokenKind::End {
            let start = self.span();
            let Some(node) = self.clause()? else {
                let what = "a clause, such as `by bot` or `last 1h`";
                return Err(self.no_clause(what, clauses.last()));
            };
            let clause = Spanned::new(node, self.since(start));
            self.check_once(&clauses, &clause)?;
            clauses.push(clause);
        }
        Ok(clauses)
    }

    /// Reads the clause that stands here, if one does.
    pub(crate) fn clause(&mut self) -> Parsed<Option<Clause>> {
        let TokenKind::Word(word) = self.peek() else { return Ok(None) };
        let word = word.to_ascii_lowercase();
        if matches!(word.as_str(), "by" | "without" | "group") {
            self.eat_word("group");
            return self.grouping().map(|grouping| Some(Clause::Group(grouping)));
        }
        if !CLAUSES.contains(&word.as_str()) {
            return Ok(None);
        }
        self.advance();
        let clause = match word.as_str() {
            "last" => Clause::Last(self.duration("last", "1h")?.node),
            "from" => Clause::From(self.time("from")?, self.range_end()?),
            "since" => Clause::Since(self.time("since")?),
            "until" => Clause::Until(self.time("until")?),
            "every" => Clause::Every(self.duration("every", "1m")?.node),
            "over" => Clause::Over(self.duration("over", "5m")?.node),
            "where" => Clause::Where(self.predicate()?),
            "having" => Clause::Having(self.expression()?),
            "top" => Clause::Top(self.count("top")?),
            "bottom" => Clause::Bottom(self.count("bottom")?),
            "limit" => Clause::Limit(self.count("limit")?),
            "tz" => Clause::Tz(self.zone()?),
            "fill" => Clause::Fill(self.fill()?),
            _ => Clause::Compare(self.compare()?),
        };
        Ok(Some(clause))
    }

    fn range_end(&mut self) -> Parsed<Option<RangeEnd>> {
        if self.eat_word("to") {
            return self.time("to").map(|time| Some(RangeEnd::To(time)));
        }
        if self.eat_word("for") {
            return self.duration("for", "1h").map(|length| Some(RangeEnd::For(length)));
        }
        Ok(None)
    }

    fn compare(&mut self) -> Parsed<Option<Duration>> {
        if self.eat_word("previous") {
            return Ok(None);
        }
        let span = self.span();
        let meant = self.meant_word(&["previous"]);
        let length = self.duration("compare", "7d").map_err(|found| match meant {
            Some(meant) => found.replacing(span, meant),
            None => found,
        })?;
        Ok(Some(length.node))
    }

    /// Returns the known word that a misspelt one, or the beginning of one, stands for here.
    fn meant_word(&self, known: &[&'static str]) -> Option<&'static str> {
        let TokenKind::Word(word) = self.peek() else { return None };
        let is_begun = |known: &&&str| known.starts_with(&word.to_ascii_lowercase());
        let begun = known.iter().find(is_begun).copied();
        begun.or_else(|| closest(word, known.iter().copied()))
    }

    /// Reads the name of a time zone; one without quotes is clear as well.
    fn zone(&mut self) -> Parsed<String> {
        let bare = match self.peek() {
            TokenKind::Word(_) => self.zone_without_quotes(),
            _ => None,
        };
        let zone = self.quoted("a time zone, such as \"Europe/Berlin\",");
        zone.map(|zone| zone.node).map_err(|found| match bare {
            Some(bare) => {
                let quoted = self.text.get(bare.start..bare.end).unwrap_or("UTC");
                found.replacing(bare, &Quoted(quoted).to_string())
            }
            None => found,
        })
    }

    /// Returns the place of words that slashes and hyphens join, as in `Africa/Porto-Novo`.
    fn zone_without_quotes(&self) -> Option<Span> {
        let mut place = self.span();
        let mut ahead = 1;
        while let TokenKind::Symbol("/" | "-") = self.peek_at(ahead) {
            let TokenKind::Word(_) = self.peek_at(ahead + 1) else { break };
            place = place.to(self.span_at(ahead + 1));
            ahead += 2;
        }
        // Nothing may stand between: `tz UTC last 1h` goes on with a clause.
        let name = self.text.get(place.start..place.end)?;
        (!name.contains(char::is_whitespace)).then_some(place)
    }

    fn fill(&mut self) -> Parsed<Fill> {
        let fill = match self.peek() {
            TokenKind::Number(_) | TokenKind::Symbol("-") => {
                let literal = self.literal()?;
                let Literal::Number(number) = literal.node else {
                    return Err(self.expected("a number"));
                };
                return Ok(Fill::Number(number));
            }
            _ if self.is_word("null") => Fill::Null,
            _ if self.is_word("none") => Fill::None,
            _ if self.is_word("previous") => Fill::Previous,
            _ if self.is_word("linear") => Fill::Linear,
            _ => {
                let found = self.expected("a number, null, none, previous or linear");
                let words = ["null", "none", "previous", "linear"];
                return Err(match self.meant_word(&words) {
                    Some(meant) => found.replacing(self.span(), meant),
                    None => found,
                });
            }
        };
        self.advance();
        Ok(fill)
    }

    /// Reads `by` or `without` and the keys.
    pub(crate) fn grouping(&mut self) -> Parsed<Grouping> {
        let without = self.eat_word("without");
        if !without && !self.eat_word("by") {
            let behind = self.behind();
            return Err(self.expected("`by` or `without`").replacing(behind, " by"));
        }
        if self.eat_symbol("*") {
            return Ok(Grouping { without, keys: Keys::All });
        }
        let mut keys = Vec::new();
        if self.eat_symbol("(") {
            while !self.eat_symbol(")") {
                keys.push(self.key()?);
                if !self.is_symbol(")") && !self.eat_symbol(",") {
                    return Err(self.unclosed("`,` or `)`", ")"));
                }
            }
        } else {
            keys.push(self.key()?);
            while self.eat_symbol(",") {
                keys.push(self.key()?);
            }
        }
        Ok(Grouping { without, keys: Keys::List(keys) })
    }

    fn key(&mut self) -> Parsed<Spanned<Key>> {
        let start = self.span();
        let part = match self.peek() {
            TokenKind::Word(word) if self.is_symbol_at(1, "(") && self.is_symbol_at(2, ")") => {
                let word = word.to_ascii_lowercase();
                Some(calendar_part(&word).ok_or_else(|| {
                    let message = format!("`{word}()` is no part of the calendar");
                    let parts = ["minute", "hour", "day", "weekday", "week", "month"];
                    let found = self.error("Q006", start, message);
                    match closest(&word, parts) {
                        Some(meant) => found.replacing(start, meant),
                        None => found.with_help("parts are minute hour day weekday week month"),
                    }
                })?)
            }
            _ => None,
        };
        if let Some(part) = part {
            self.advance();
            self.advance();
            self.advance();
            return Ok(Spanned::new(Key::Calendar(part), self.since(start)));
        }
        let label = self.ident("a label")?;
        Ok(Spanned::new(Key::Label(label.node), label.span))
    }

    /// Refuses a clause whose kind has been read before.
    fn check_once(&self, clauses: &[Spanned<Clause>], clause: &Spanned<Clause>) -> Parsed<()> {
        let same =
            |known: &&Spanned<Clause>| discriminant(&known.node) == discriminant(&clause.node);
        let Some(first) = clauses.iter().find(same) else { return Ok(()) };
        Err(self.given_twice(first.span, clause.span))
    }

    /// Makes the error of a clause that stands in two places.
    pub(crate) fn given_twice(&self, first: Span, second: Span) -> Diagnostic {
        let written = |span: Span| self.text.get(span.start..span.end).unwrap_or("");
        let message = format!(
            "`{}` {} stands twice: `{}` {} came first",
            written(second),
            self.place(second),
            written(first),
            self.place(first)
        );
        // The space before the second one goes with it.
        let before = self
            .text
            .get(..second.start)
            .map_or(0, |text| text.trim_end_matches([' ', '\t']).len());
        self.error("Q005", second, message).replacing(Span::new(before, second.end), "")
    }

    /// Says where something stands, with the line where there are several.
    fn place(&self, span: Span) -> String {
        let before = self.text.get(..span.start).unwrap_or("");
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        match before.matches('\n').count() {
            0 if !self.text.trim_end().contains('\n') => format!("at column {column}"),
            line => format!("at line {}, column {column},", line + 1),
        }
    }

    /// Makes the error of something that begins no clause.
    pub(crate) fn no_clause(&mut self, what: &str, last: Option<&Spanned<Clause>>) -> Diagnostic {
        if let Some(found) = last.and_then(|last| self.grouping_too_early(last)) {
            return found;
        }
        let found = self.expected(what);
        let TokenKind::Word(word) = self.peek() else {
            let closes = [")", "]", "}"].iter().any(|symbol| self.is_symbol(symbol));
            return if closes { found.replacing(self.span(), "") } else { found };
        };
        let meant =
            match word.split_at_checked(word.find(|c: char| c.is_ascii_digit()).unwrap_or(0)) {
                // `last1h`
                Some((clause, rest)) if CLAUSES.iter().any(|c| clause.eq_ignore_ascii_case(c)) => {
                    Some(format!("{clause} {rest}"))
                }
                _ => closest(word, CLAUSES.into_iter().chain(BEHIND_ITEMS)).map(str::to_owned),
            };
        match meant {
            Some(meant) => {
                found.with_label(format!("did you mean `{meant}`?")).replacing(self.span(), &meant)
            }
            None => found,
        }
    }
}

fn calendar_part(word: &str) -> Option<CalendarPart> {
    match word {
        "minute" => Some(CalendarPart::Minute),
        "hour" => Some(CalendarPart::Hour),
        "weekday" => Some(CalendarPart::Weekday),
        "day" => Some(CalendarPart::Day),
        "week" => Some(CalendarPart::Week),
        "month" => Some(CalendarPart::Month),
        _ => None,
    }
}
