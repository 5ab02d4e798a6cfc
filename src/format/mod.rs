//! The byte layout of every structure on disk: constants, encoders, total decoders, checksums.
//!
//! All integers are little-endian. docs/FORMAT.md describes the same layouts for other readers.

mod error;

pub use crate::format::error::FormatError;
