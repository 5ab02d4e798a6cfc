//! A question as a value: parsed once, run as often as wanted.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::lang::ast::Statement;
use crate::lang::parse;
use crate::model::Limits;

/// A parsed statement of the query language.
///
/// Two queries are equal if they mean the same canonical text, which `Display` writes.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    statement: Statement,
}

impl Query {
    /// Returns the text that the query was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Parses a query within limits on its length and depth.
    ///
    /// # Errors
    /// `ErrorKind::Query` with what is wrong, where, and the way out.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Error> {
        let statement = parse(text, limits)?;
        Ok(Self { text: text.to_owned(), statement })
    }

    pub(crate) fn statement(&self) -> &Statement {
        &self.statement
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.statement == other.statement
    }
}

impl FromStr for Query {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, &Limits::DEFAULT)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statement.fmt(f)
    }
}
