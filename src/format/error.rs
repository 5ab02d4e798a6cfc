//! Why bytes are not a structure of this format.

use std::fmt;

use crate::codec::CodecError;

/// Bytes that are not what their place in a file promises.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The file does not begin with the magic bytes of its type: it is not ours, or overwritten.
    Magic {
        /// The bytes found.
        got: [u8; 8],
    },
    /// The file was written by a format version that this build does not read; use a newer build.
    Version {
        /// The version found.
        got: u32,
        /// The newest version that this build reads.
        newest: u32,
    },
    /// The checksum over a block does not match: the bytes changed after they were written.
    Checksum {
        /// The checksum stored in the file.
        stored: u32,
        /// The checksum of the bytes found.
        computed: u32,
    },
    /// The bytes end inside a structure.
    Truncated {
        /// How many bytes the structure needs.
        needed: u64,
        /// How many there are.
        available: u64,
    },
    /// A tag names nothing that this version knows.
    Tag {
        /// What the tag should name.
        what: &'static str,
        /// The tag found.
        tag: u8,
    },
    /// A field holds a value outside its legal range.
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The value found.
        got: u64,
    },
    /// Text is not UTF-8.
    Utf8,
    /// The file belongs to another store, generation or place than its name says.
    Misplaced {
        /// Which property differs.
        what: &'static str,
    },
    /// What was proven to be on disk is not there.
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// An encoded column does not decode.
    Codec(CodecError),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic { got } => write!(f, "unknown file type (it begins with {got:02x?})"),
            Self::Version { got, newest } => {
                write!(f, "format version {got} is newer than {newest}, the newest read here")
            }
            Self::Checksum { stored, computed } => {
                write!(f, "checksum mismatch: stored {stored:08x}, computed {computed:08x}")
            }
            Self::Truncated { needed, available } => {
                write!(f, "truncated: {needed} bytes needed, {available} found")
            }
            Self::Tag { what, tag } => write!(f, "unknown {what} tag {tag}"),
            Self::OutOfRange { field, got } => write!(f, "{field} has the illegal value {got}"),
            Self::Utf8 => f.write_str("text is not UTF-8"),
            Self::Misplaced { what } => write!(f, "file does not belong here: {what} differs"),
            Self::Missing { what } => write!(f, "{what} was on disk and is gone"),
            Self::Codec(_) => f.write_str("a column does not decode"),
        }
    }
}

impl std::error::Error for FormatError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Codec(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CodecError> for FormatError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}
