//! Text to tokens. The longest match wins: time, duration, size and percentage before number.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1, one_of, space1};
use nom::combinator::{opt, recognize};

use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::foreign;
use crate::lang::lexeme::Quoted;
use crate::lang::literal::{number_token, time_token};
use crate::lang::token::{Token, TokenKind};

/// Two-character symbols come before their first characters.
const SYMBOLS: [&str; 20] = [
    "==", "!=", "=~", "!~", ">=", "<=", ">", "<", "=", "+", "-", "*", "/", "(", ")", "[", "]", "{",
    "}", ",",
];

/// Splits a text into tokens; the last one is [`TokenKind::End`]. Takes linear time.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, Diagnostic> {
    let mut tokens = Vec::new();
    let mut rest = skip_space(text);
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let (after, kind) = token(text, rest)?;
        tokens.push(Token { kind, span: Span::new(start, text.len() - after.len()) });
        rest = skip_space(after);
    }
    // The end lies behind the last token: that is where something is missing.
    let end = tokens.last().map_or(0, |last| last.span.end);
    tokens.push(Token { kind: TokenKind::End, span: Span::new(end, end) });
    Ok(tokens)
}

/// Skips white space and comments, which reach from `#` to the end of the line.
fn skip_space(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix('#') {
        rest = comment.split_once('\n').map_or("", |(_, next)| next).trim_start();
    }
    rest
}

/// Reads one token at the start of `rest`, which is not empty.
fn token<'a>(text: &str, rest: &'a str) -> Result<(&'a str, TokenKind), Diagnostic> {
    let start = text.len() - rest.len();
    let here = |len: usize| Span::new(start, start + len);
    if let Ok((after, literal)) = time_text(rest) {
        if let Ok((_, (_, clock))) = (space1, clock_text).parse(after) {
            let meant = format!("{literal}T{clock}");
            let span = here(rest.len() - after.trim_start().len() + clock.len());
            let found =
                Diagnostic::error("Q016", text, span, "a date and a time are joined by `T`");
            return Err(found.with_label(format!("write {meant}")).replacing(span, &meant));
        }
        let kind = time_token(literal)
            .map_err(|problem| Diagnostic::error("Q016", text, here(literal.len()), problem))?;
        return Ok((after, kind));
    }
    if let Ok((after, literal)) = number_text(rest) {
        let kind = number_token(literal)
            .map_err(|problem| problem.into_diagnostic(text, here(literal.len())))?;
        return Ok((after, kind));
    }
    if let Ok((after, word)) = word(rest) {
        if after.starts_with(char::is_alphanumeric) {
            return Err(foreign_name(text, start));
        }
        return Ok((after, TokenKind::Word(word.to_owned())));
    }
    match rest.chars().next() {
        Some('"' | '\'') => return quoted(text, rest),
        Some('`') => return backquoted(text, rest),
        Some(c) if c.is_alphabetic() => return Err(foreign_name(text, start)),
        _ => {}
    }
    if !rest.starts_with("<>")
        && let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol))
        && let Some(after) = rest.get(symbol.len()..)
    {
        return Ok((after, TokenKind::Symbol(symbol)));
    }
    Err(no_token(text, start, rest))
}

/// Makes the error of characters that no token begins with.
fn no_token(text: &str, start: usize, rest: &str) -> Diagnostic {
    let error = |len: usize, message: String| {
        Diagnostic::error("Q002", text, Span::new(start, start + len), message)
    };
    if let Some((inside, len)) = foreign::quotation(rest) {
        let meant = Quoted(inside).to_string();
        let found = error(len, "a text stands in plain quotes".to_owned());
        let span = found.span;
        return found.with_label(format!("write {meant}")).replacing(span, &meant);
    }
    if let Some((written, meant)) = foreign::symbol(rest) {
        let found = error(written.len(), format!("`{written}` means nothing here"));
        let label = match meant.trim_end() {
            "" => "leave it out".to_owned(),
            meant => format!("write `{meant}`"),
        };
        let span = found.span;
        return found.with_label(label).replacing(span, meant);
    }
    if rest.starts_with('.') && rest.get(1..).is_some_and(|t| t.starts_with(digit)) {
        let found = error(1, "a number begins with a digit".to_owned());
        let span = found.span;
        return found.with_label("write `0.`").replacing(span, "0.");
    }
    let len = rest.chars().next().map_or(0, char::len_utf8);
    error(len, "this character means nothing here".to_owned())
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Makes the error of a name with letters that need backquotes.
fn foreign_name(text: &str, start: usize) -> Diagnostic {
    let rest = text.get(start..).unwrap_or("");
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
    let name = rest.split(|c| !is_inside(c)).next().unwrap_or("");
    let span = Span::new(start, start + name.len());
    let quoted = format!("`{name}`");
    Diagnostic::error("Q002", text, span, "a name with such letters needs backquotes")
        .with_label(format!("write {quoted}"))
        .replacing(span, &quoted)
}

/// `[A-Za-z_][A-Za-z0-9_.:]*`: a metric's name, of which labels and functions are narrower forms.
fn word(input: &str) -> IResult<&str, &str> {
    let first = take_while_m_n(1, 1, |c: char| c.is_ascii_alphabetic() || c == '_');
    let more = take_while(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'));
    recognize((first, more)).parse(input)
}

/// Digits with all that may belong to them: a fraction, an exponent, a unit, a percent sign.
fn number_text(input: &str) -> IResult<&str, &str> {
    let exponent = recognize((one_of("eE"), one_of("+-"), digit1));
    let plain = recognize((
        digit1,
        take_while(|c: char| c.is_ascii_digit() || c == '_'),
        opt((char('.'), take_while1(|c: char| c.is_ascii_digit()))),
    ));
    let unit = take_while(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
    recognize((plain, alt((exponent, unit)), opt(char('%')))).parse(input)
}

/// A time of the day with an optional zone.
fn clock_text(input: &str) -> IResult<&str, &str> {
    let digits = take_while_m_n(2, 2, |c: char| c.is_ascii_digit());
    let more = take_while1(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.'));
    recognize((digits, char(':'), more, opt(zone_text))).parse(input)
}

fn zone_text(input: &str) -> IResult<&str, &str> {
    let digits = || take_while_m_n(2, 2, |c: char| c.is_ascii_digit());
    let distance = recognize((one_of("+-"), digits(), opt(char(':')), digits()));
    alt((recognize(one_of("Zz")), distance)).parse(input)
}

/// A date, a timestamp, or `@` and an epoch.
fn time_text(input: &str) -> IResult<&str, &str> {
    let digits = |count| take_while_m_n(count, count, |c: char| c.is_ascii_digit());
    let date = (digits(4), char('-'), digits(2), char('-'), digits(2));
    let clock = (one_of("Tt"), take_while1(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.')));
    let civil = recognize((date, opt((clock, opt(zone_text)))));
    let epoch =
        recognize((char('@'), opt(char('-')), digit1, opt(alt((tag("ms"), tag("us"), tag("ns"))))));
    alt((civil, epoch)).parse(input)
}

/// Reads a text in quotes; `rest` begins with one.
fn quoted<'a>(text: &str, rest: &'a str) -> Result<(&'a str, TokenKind), Diagnostic> {
    let start = text.len() - rest.len();
    let unclosed = || {
        let message = "the text has no closing quote";
        Diagnostic::error("Q002", text, Span::new(start, start + 1), message)
            .with_label("begins here")
    };
    let mut chars = rest.char_indices();
    let (_, quote) = chars.next().ok_or_else(unclosed)?;
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let after = rest.get(at + 1..).unwrap_or("");
            return Ok((after, TokenKind::Text(value)));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        let (_, escaped) = chars.next().ok_or_else(unclosed)?;
        let c = unescape(escaped).ok_or_else(|| {
            let span = Span::new(start + at, start + at + 1 + escaped.len_utf8());
            let meant = format!("\\\\{escaped}");
            Diagnostic::error("Q002", text, span, format!("`\\{escaped}` is no escape"))
                .with_label(format!("a backslash is written twice: `{meant}`"))
                .replacing(span, &meant)
        })?;
        value.push(c);
    }
    Err(unclosed())
}

fn unescape(c: char) -> Option<char> {
    match c {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '"' | '\'' | '\\' => Some(c),
        _ => None,
    }
}

/// Reads a name in backquotes; `rest` begins with one. Two backquotes stand for one.
fn backquoted<'a>(text: &str, rest: &'a str) -> Result<(&'a str, TokenKind), Diagnostic> {
    let start = text.len() - rest.len();
    let error = |len: usize, message: &str| {
        Diagnostic::error("Q002", text, Span::new(start, start + len), message)
    };
    let mut name = String::new();
    let mut rest = rest.get(1..).unwrap_or("");
    loop {
        let Some((part, after)) = rest.split_once('`') else {
            let message = "the name has no closing backquote";
            return Err(error(1, message).with_label("begins here"));
        };
        name.push_str(part);
        rest = after;
        match rest.strip_prefix('`') {
            Some(after) => {
                name.push('`');
                rest = after;
            }
            None if name.is_empty() => return Err(error(2, "a name is not empty")),
            None => return Ok((rest, TokenKind::Backquoted(name))),
        }
    }
}
