//! Tokens to syntax tree, by recursive descent with a bound on depth.
//!
//! | code | meaning |
//! |---|---|
//! | Q001 | something else was expected here |
//! | Q002 | a character, text or name that cannot be read |
//! | Q003 | a number, size or duration that cannot be read |
//! | Q005 | a clause stands twice |
//! | Q006 | there is no such function |
//! | Q007 | a function has too few or too many arguments |
//! | Q008 | arithmetic on raw samples |
//! | Q009 | the query is too long or too deep |
//! | Q010 | a function without parentheses |
//! | Q011 | `by` stands in the middle, but applies to the whole query |
//! | Q012 | a label's value needs quotes |
//! | Q013 | a clause that does not belong in an alert or a record |
//! | Q014 | comparisons do not chain |
//! | Q016 | a date or time that does not exist |
//! | Q201 | this looks like SQL |

mod call;
mod clause;
mod cursor;
mod expression;
mod repair;
mod selector;
mod statement;
mod time;

pub(crate) use crate::lang::parser::expression::level;
pub use crate::lang::parser::statement::parse;
