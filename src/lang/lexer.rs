//! Text to tokens. The longest match wins: time, duration, size and percentage before number.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{opt, recognize};

use crate::lang::diagnostic::{Diagnostic, Span};
use crate::lang::literal::{number_token, time_token};
use crate::lang::token::{Token, TokenKind};

/// Two-character symbols come before their first characters.
const SYMBOLS: [&str; 22] = [
    "==", "!=", "=~", "!~", ">=", "<=", ">", "<", "=", "+", "-", "*", "/", "(", ")", "[", "]", "{",
    "}", ",", ";", "|",
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
        return Ok((after, TokenKind::Word(word.to_owned())));
    }
    if rest.starts_with('"') || rest.starts_with('\'') {
        return quoted(rest).ok_or_else(|| {
            let message = "the text has no closing quote, or an unknown escape".to_owned();
            Diagnostic::error("Q002", text, here(rest.len().min(1)), message)
                .with_label("begins here")
                .with_help("escapes are \\\" \\\\ \\n \\r \\t")
        });
    }
    if let Some(name) = rest.strip_prefix('`') {
        return backquoted(name).ok_or_else(|| {
            let message = "the name has no closing backquote".to_owned();
            Diagnostic::error("Q002", text, here(1), message).with_label("begins here")
        });
    }
    for symbol in SYMBOLS {
        if let Some(after) = rest.strip_prefix(symbol) {
            return Ok((after, TokenKind::Symbol(symbol)));
        }
    }
    let len = rest.chars().next().map_or(0, char::len_utf8);
    let message = "this character means nothing here".to_owned();
    Err(Diagnostic::error("Q002", text, here(len), message))
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

/// A date, a timestamp, or `@` and an epoch.
fn time_text(input: &str) -> IResult<&str, &str> {
    let digits = |count| take_while_m_n(count, count, |c: char| c.is_ascii_digit());
    let date = (digits(4), char('-'), digits(2), char('-'), digits(2));
    let clock = (one_of("Tt"), take_while1(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.')));
    let zone = alt((
        recognize(one_of("Zz")),
        recognize((one_of("+-"), digits(2), opt(char(':')), digits(2))),
    ));
    let civil = recognize((date, opt((clock, opt(zone)))));
    let epoch =
        recognize((char('@'), opt(char('-')), digit1, opt(alt((tag("ms"), tag("us"), tag("ns"))))));
    alt((civil, epoch)).parse(input)
}

/// Reads a text in quotes; `rest` begins with one.
fn quoted(rest: &str) -> Option<(&str, TokenKind)> {
    let mut chars = rest.char_indices();
    let (_, quote) = chars.next()?;
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((rest.get(at + 1..)?, TokenKind::Text(text)));
        }
        text.push(if c == '\\' { unescape(chars.next()?.1)? } else { c });
    }
    None
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

/// Reads a name behind its opening backquote; two backquotes stand for one.
fn backquoted(rest: &str) -> Option<(&str, TokenKind)> {
    let mut name = String::new();
    let mut rest = rest;
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(_) => name.push('`'),
            None if name.is_empty() => return None,
            None => return Some((after, TokenKind::Backquoted(name))),
        }
        rest = after.strip_prefix('`')?;
    }
}
