//! The query language: text to syntax tree and back. No file here knows what a query means.

pub mod ast;
pub mod build;
mod diagnostic;
mod foreign;
mod functions;
mod lexeme;
mod lexer;
mod literal;
mod parser;
mod print;
mod suggest;
mod token;

pub use crate::lang::diagnostic::{Diagnostic, Severity, Span};
pub use crate::lang::functions::{function_names, keywords, percentile_of};
pub use crate::lang::parser::parse;
pub use crate::lang::suggest::closest;
