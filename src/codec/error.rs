//! Why bytes are not an encoded column.

use std::fmt;

/// Bytes that no encoder of this crate writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes end before the promised number of values is complete.
    Truncated,
    /// Bytes are left after the promised number of values.
    TrailingBytes,
    /// A field holds a value outside its legal range.
    OutOfRange {
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("encoded column ends too early"),
            Self::TrailingBytes => f.write_str("encoded column has bytes left over"),
            Self::OutOfRange { field } => write!(f, "encoded column has an illegal {field}"),
        }
    }
}

impl std::error::Error for CodecError {}
