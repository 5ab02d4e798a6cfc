//! A part of a file, with what it says.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::model::Timestamp;

/// A part of a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// What it is, such as `header` or `SAMPLE`.
    pub name: &'static str,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub len: u64,
    /// True for one of many: a frame, a block, a posting list.
    pub is_detail: bool,
    /// What it says.
    pub fields: Vec<Field>,
    /// What is wrong with it.
    pub damage: Option<FormatError>,
}

/// Something that a part of a file says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// Its name, as docs/FORMAT.md has it.
    pub name: &'static str,
    /// What it says.
    pub value: FieldValue,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FieldValue {
    /// A count, a length, an offset or a number that names something.
    Number(u64),
    /// A time.
    Time(Timestamp),
    /// A value of a sample, or a statistic of such.
    Float(f64),
    /// A text, such as a series or the name of a codec.
    Text(String),
    /// An identity.
    Bytes([u8; 16]),
}

/// A damaged place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDamage {
    /// Where, in bytes.
    pub offset: u64,
    /// What is wrong.
    pub error: FormatError,
}

impl Part {
    pub(super) fn new(name: &'static str, offset: u64, len: u64) -> Self {
        Self { name, offset, len, is_detail: false, fields: Vec::new(), damage: None }
    }

    pub(super) fn detail(name: &'static str, offset: u64, len: u64) -> Self {
        Self { is_detail: true, ..Self::new(name, offset, len) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<FieldValue>) -> Self {
        self.fields.push(Field { name, value: value.into() });
        self
    }

    /// Takes over the fields of a decoded structure, or why it does not decode.
    pub(super) fn fill<T>(
        mut self,
        decoded: Result<T, FormatError>,
        fields: impl FnOnce(Self, T) -> Self,
    ) -> Self {
        match decoded {
            Ok(decoded) => fields(self, decoded),
            Err(error) => {
                self.damage = Some(error);
                self
            }
        }
    }
}

impl FileDamage {
    /// Takes a damage of a file that is being looked at; an error of another kind stays one.
    pub(super) fn of_error(error: Error) -> Result<Self> {
        match error.into_kind() {
            ErrorKind::Corrupt { offset, source, .. } => Ok(Self { offset, error: source }),
            ErrorKind::FormatVersion { got, newest, .. } => {
                Ok(Self { offset: 8, error: FormatError::Version { got, newest } })
            }
            other => Err(other.into()),
        }
    }
}

impl fmt::Display for FieldValue {
    /// Writes a value in one line, unless a text has several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Time(time) => time.fmt(f),
            Self::Float(float) => write!(f, "{float:?}"),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl From<u64> for FieldValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for FieldValue {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Timestamp> for FieldValue {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl From<f64> for FieldValue {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<[u8; 16]> for FieldValue {
    fn from(bytes: [u8; 16]) -> Self {
        Self::Bytes(bytes)
    }
}
