//! One column's values as bytes and back, and the choice among the ways to do so.

mod error;

pub use crate::codec::error::CodecError;
