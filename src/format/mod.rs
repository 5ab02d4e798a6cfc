//! The byte layout of every structure on disk: constants, encoders, total decoders, checksums.
//!
//! All integers are little-endian. docs/FORMAT.md describes the same layouts for other readers.

pub mod backup;
pub mod checksum;
pub mod cursor;
pub mod definition;
mod error;
pub mod frame;
pub mod ledger;
pub mod log_header;
pub mod manifest;
pub mod postings;
pub mod request;
pub mod segment;
pub mod segment_footer;
pub mod segment_sections;
pub mod sketch;
pub mod time_ticks;
pub mod tombstone;

pub use crate::format::error::FormatError;

/// The version of the on-disk format that this build writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
