//! The sections of a segment in memory, each page checked when it is first touched.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::checksum::block_crc;
use crate::format::segment::PAGE_BYTES;
use crate::format::segment_sections::Section;
use crate::vfs::ReadFile;

/// The region of the sections: mapped where the file is, else read when it is first touched.
#[derive(Debug)]
pub(crate) struct Pages {
    file: Arc<dyn ReadFile>,
    file_id: u64,
    start: u64,
    len: u64,
    crcs: Vec<u32>,
    /// A bit a page: its checksum was found right.
    checked: Vec<AtomicU64>,
    /// The region's bytes where the file is not mapped.
    copy: OnceLock<Vec<u8>>,
}

impl Pages {
    /// Takes the region from `start` to `end`, and the checksum of each of its pages.
    pub(crate) fn new(
        file: Arc<dyn ReadFile>,
        file_id: u64,
        start: u64,
        end: u64,
        crcs: Vec<u32>,
    ) -> Self {
        let len = end.saturating_sub(start);
        let checked = (0..crcs.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { file, file_id, start, len, crcs, checked, copy: OnceLock::new() }
    }

    fn region(&self) -> Result<&[u8]> {
        let mapped = || {
            let start = usize::try_from(self.start).ok()?;
            let end = usize::try_from(self.start.checked_add(self.len)?).ok()?;
            self.file.bytes()?.get(start..end)
        };
        if let Some(region) = mapped().or_else(|| self.copy.get().map(Vec::as_slice)) {
            return Ok(region);
        }
        let copy = read_exact(&*self.file, self.start, self.len)?;
        Ok(self.copy.get_or_init(|| copy))
    }

    /// Returns bytes of a section, after the checksums of their pages were found right once.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] where they are not, or the section ends before.
    pub(crate) fn bytes(&self, section: Section, at: u64, len: u64) -> Result<&[u8]> {
        let truncated = || {
            self.corrupt(
                section.offset,
                FormatError::Truncated { needed: at.saturating_add(len), available: section.len },
            )
        };
        if at.checked_add(len).is_none_or(|end| end > section.len) {
            return Err(truncated());
        }
        let from = section.offset.saturating_sub(self.start).saturating_add(at);
        let first = from / PAGE_BYTES as u64;
        let last = (from + len.max(1) - 1) / PAGE_BYTES as u64;
        for page in first..=last {
            self.check(page)?;
        }
        let range = usize::try_from(from).ok().zip(usize::try_from(from + len).ok());
        let region = self.region()?;
        range.and_then(|(from, to)| region.get(from..to)).ok_or_else(truncated)
    }

    /// Checks a page unless it was found right before.
    ///
    /// # Errors
    /// I/O errors, and [`crate::ErrorKind::Corrupt`] with the offset of the page.
    pub(crate) fn check(&self, page: u64) -> Result<()> {
        let index = usize::try_from(page).unwrap_or(usize::MAX);
        let bit = 1_u64 << (page % 64);
        let word = self.checked.get(index / 64);
        if word.is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0) {
            return Ok(());
        }
        let offset = self.offset_of(page);
        let bytes = self.region()?.chunks(PAGE_BYTES).nth(index);
        let (Some(bytes), Some(&stored)) = (bytes, self.crcs.get(index)) else {
            // An empty section at the very end touches no page.
            return Ok(());
        };
        let computed = block_crc(self.file_id, bytes, offset);
        if stored != computed {
            return Err(self.corrupt(offset, FormatError::Checksum { stored, computed }));
        }
        if let Some(word) = word {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns how many pages there are.
    pub(crate) fn count(&self) -> u64 {
        self.crcs.len() as u64
    }

    /// Returns where a page starts in the file.
    pub(crate) fn offset_of(&self, page: u64) -> u64 {
        self.start + page * PAGE_BYTES as u64
    }

    fn corrupt(&self, offset: u64, error: FormatError) -> Error {
        Error::corrupt(self.file.path(), offset, error)
    }
}

/// Copies bytes of a file, from its map where there is one.
///
/// # Errors
/// I/O errors, and [`crate::ErrorKind::Corrupt`] where the file is shorter.
pub(crate) fn read_exact(file: &dyn ReadFile, offset: u64, len: u64) -> Result<Vec<u8>> {
    let file_bytes = match file.bytes() {
        Some(bytes) => bytes.len() as u64,
        None => file.len()?,
    };
    let truncated = || {
        let needed = offset.saturating_add(len);
        Error::corrupt(
            file.path(),
            offset,
            FormatError::Truncated { needed, available: file_bytes },
        )
    };
    if offset.checked_add(len).is_none_or(|end| end > file_bytes) {
        return Err(truncated());
    }
    let (Ok(start), Ok(len)) = (usize::try_from(offset), usize::try_from(len)) else {
        return Err(truncated());
    };
    if let Some(mapped) = file.bytes() {
        return mapped.get(start..start + len).map(<[u8]>::to_vec).ok_or_else(truncated);
    }
    let mut bytes = vec![0; len];
    if file.read_at(offset, &mut bytes)? < len {
        return Err(truncated());
    }
    Ok(bytes)
}
