//! The query language: text to syntax tree and back. No file here knows what a query means.

pub mod ast;
mod diagnostic;

pub use crate::lang::diagnostic::{Diagnostic, Severity, Span};
