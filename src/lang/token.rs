//! The tokens of the query language.

use crate::lang::ast::{Duration, SizeSuffix, Time};
use crate::lang::diagnostic::Span;

/// A token and its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A word as written: a name, function or keyword.
    Word(String),
    /// A name in backquotes, without them.
    Backquoted(String),
    /// A quoted text, unescaped.
    Text(String),
    /// A plain number.
    Number(f64),
    /// A number before a percent sign.
    Percent(f64),
    /// A number with a suffix such as `k` or `MiB`.
    Size(f64, SizeSuffix),
    /// A duration.
    Duration(Duration),
    /// A date, a timestamp, or `@` and an epoch.
    Time(Time),
    /// Punctuation or an operator.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

impl TokenKind {
    /// Says in words what the token is, for "expected …, found …".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Backquoted(_) => "a name in backquotes".to_owned(),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(_) => "a number".to_owned(),
            Self::Percent(_) => "a percentage".to_owned(),
            Self::Size(..) => "a size".to_owned(),
            Self::Duration(_) => "a duration".to_owned(),
            Self::Time(_) => "a time".to_owned(),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end".to_owned(),
        }
    }
}
