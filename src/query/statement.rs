//! A question as a value: parsed once, run as often as wanted.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::lang::ast::Statement;
use crate::lang::{Span, parse};
use crate::model::Limits;
use crate::query::finding::Findings;

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

    /// Makes the query of a tree, such as one that [`build`](crate::lang::build) puts together:
    /// the same value that parsing its text is.
    ///
    /// ```
    /// use silverback::Query;
    /// use silverback::lang::ast::Duration;
    /// use silverback::lang::build::{any_samples, ask, label, share};
    ///
    /// # fn main() -> silverback::Result<()> {
    /// let errors = share("latency", any_samples().with(label("status").is("error")));
    /// let query = Query::of(ask(errors).by("bot").last(Duration::hours(1)))?;
    /// assert_eq!(query.to_string(), r#"share(latency, {status="error"}) by bot last 1h"#);
    /// assert_eq!(query, query.to_string().parse()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Query` for a tree that no text means: a function that does not exist, too many
    /// arguments, a number that is not finite, or more depth than the language allows.
    pub fn of(tree: impl Into<Statement>) -> Result<Self, Error> {
        let tree = tree.into();
        // Read back, so that places are places of the text.
        let query = Self::parse(&tree.to_string(), &Limits::DEFAULT)?;
        if query.statement == tree {
            return Ok(query);
        }
        let findings = Findings::new(query.text());
        let whole = Span::new(0, query.text.len());
        let message = "the tree cannot be written: its text means another one".to_owned();
        Err(findings.error("Q152", whole, message).into())
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
