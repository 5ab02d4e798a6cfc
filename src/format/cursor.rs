//! Reading fixed-width and variable-width fields from untrusted bytes.

use crate::codec::varint;
use crate::format::FORMAT_VERSION;
use crate::format::error::FormatError;

/// A position in bytes that may end at any point.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns how many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] where fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], FormatError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(FormatError::Truncated {
            needed: (self.at as u64).saturating_add(count as u64),
            available: self.bytes.len() as u64,
        })?;
        self.at += count;
        Ok(taken)
    }

    /// Takes the next `N` bytes as an array.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] where fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// Takes a byte.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Takes a little-endian u32.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] where fewer bytes are left.
    pub fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Takes a little-endian u64.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] where fewer bytes are left.
    pub fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes a little-endian i64.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] where fewer bytes are left.
    pub fn i64(&mut self) -> Result<i64, FormatError> {
        self.array().map(i64::from_le_bytes)
    }

    /// Takes a LEB128 number of at most 64 bits.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] where it does not end, or is longer than 64 bits.
    pub fn varint(&mut self) -> Result<u64, FormatError> {
        varint::get_u64(self.bytes, &mut self.at).ok_or(FormatError::Truncated {
            needed: self.bytes.len() as u64 + 1,
            available: self.bytes.len() as u64,
        })
    }

    /// Takes a LEB128 number that must be below `bound`.
    ///
    /// # Errors
    /// [`FormatError::OutOfRange`] names the field where it is not.
    pub fn index(&mut self, field: &'static str, bound: usize) -> Result<usize, FormatError> {
        let got = self.varint()?;
        let index = usize::try_from(got).ok().filter(|index| *index < bound);
        index.ok_or(FormatError::OutOfRange { field, got })
    }

    /// Takes text: its length as LEB128, then UTF-8.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] or [`FormatError::Utf8`].
    pub fn text(&mut self) -> Result<&'a str, FormatError> {
        let len = self.index("text length", self.bytes.len().saturating_add(1))?;
        std::str::from_utf8(self.take(len)?).map_err(|_| FormatError::Utf8)
    }

    /// Takes what every file and its ends begin with: the magic and the version of the format.
    ///
    /// # Errors
    /// [`FormatError::Magic`], [`FormatError::Version`], or [`FormatError::Truncated`].
    pub fn start(&mut self, magic: [u8; 8]) -> Result<(), FormatError> {
        let got = self.array()?;
        if got != magic {
            return Err(FormatError::Magic { got });
        }
        match self.u32()? {
            FORMAT_VERSION => Ok(()),
            got => Err(FormatError::Version { got, newest: FORMAT_VERSION }),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`FormatError::OutOfRange`] where bytes are left over.
    pub fn finish(self) -> Result<(), FormatError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(FormatError::OutOfRange { field: "bytes left over", got: left as u64 }),
        }
    }
}

/// Appends text as [`Cursor::text`] takes it: its length as LEB128, then UTF-8.
pub fn put_text(text: &str, out: &mut Vec<u8>) {
    varint::put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
