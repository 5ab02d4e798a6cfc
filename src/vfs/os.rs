//! Memory maps: of a log as atomic words, and of an immutable file as bytes. All unsafe code of
//! the file layer stands here.
//!
//! What no code can check is that nobody shortens a mapped file: touching a page past its end
//! raises SIGBUS. Logs and segments are never shortened by the store, so this takes a foreign hand.
#![expect(unsafe_code, reason = "a map is memory that the file system gives")]

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use memmap2::{Mmap, MmapOptions, MmapRaw};

/// Bytes of a word.
pub(super) const WORD: u64 = 8;

/// A file mapped for reading and writing as little-endian words, further than it yet reaches.
#[derive(Debug)]
pub(super) struct WordMap {
    file: Arc<File>,
    map: MmapRaw,
    /// The file was seen to be at least this long, and the map is; never falls.
    reach: AtomicU64,
}

impl WordMap {
    /// Maps `len_max` bytes of a file that may be shorter. Nothing can be touched until
    /// [`WordMap::extend`] was called.
    pub(super) fn new(file: Arc<File>, len_max: u64) -> io::Result<Self> {
        let len = usize::try_from(len_max).map_err(|_| io::ErrorKind::InvalidInput)?;
        let map = MmapOptions::new().len(len).map_raw(&*file)?;
        if !map.as_mut_ptr().addr().is_multiple_of(align_of::<AtomicU64>()) {
            return Err(io::ErrorKind::Unsupported.into()); // maps begin at a page everywhere
        }
        Ok(Self { file, map, reach: AtomicU64::new(0) })
    }

    /// Allows access below `len`, to which the file and the map must reach.
    pub(super) fn extend(&self, len: u64) -> io::Result<()> {
        if self.file.metadata()?.len() < len || (self.map.len() as u64) < len {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.reach.fetch_max(len, Release);
        Ok(())
    }

    /// Stores words at an 8-aligned offset: words 1.. first, then word 0 with release order.
    /// Returns false, and stores nothing, where that is not wholly below the allowed length.
    pub(super) fn store(&self, offset: u64, values: &[u64]) -> bool {
        let Some(words) = self.words(offset, values.len()) else { return false };
        for (word, value) in words.iter().zip(values).skip(1) {
            word.store(value.to_le(), Relaxed);
        }
        if let (Some(first), Some(value)) = (words.first(), values.first()) {
            first.store(value.to_le(), Release);
        }
        true
    }

    /// Copies bytes out, up to the allowed length; returns their count.
    ///
    /// Words are loaded in ascending order and with acquire order, so that a frame whose word 0
    /// is seen is seen whole, also by a thread that has not synchronised with the writer.
    pub(super) fn load(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let end = offset.saturating_add(buffer.len() as u64).min(self.reach.load(Acquire));
        if end <= offset {
            return 0;
        }
        let first = offset - offset % WORD;
        let (Ok(len), Ok(count), Ok(mut skip)) = (
            usize::try_from(end - offset),
            usize::try_from((end - first).div_ceil(WORD)),
            usize::try_from(offset - first),
        ) else {
            return 0;
        };
        let Some(words) = self.words(first, count) else { return 0 };
        let mut rest = buffer.get_mut(..len).unwrap_or_default();
        for word in words {
            // Stored as `value.to_le()`, so that this is the order of the bytes in memory.
            let bytes = u64::from_le(word.load(Acquire)).to_le_bytes();
            let bytes = bytes.get(skip..).unwrap_or_default();
            let (target, behind) = rest.split_at_mut(rest.len().min(bytes.len()));
            target.copy_from_slice(bytes.get(..target.len()).unwrap_or_default());
            (rest, skip) = (behind, 0);
        }
        len
    }

    /// Returns `count` words from an 8-aligned offset, where they all lie below the allowed length.
    fn words(&self, offset: u64, count: usize) -> Option<&[AtomicU64]> {
        let end = (count as u64).checked_mul(WORD)?.checked_add(offset)?;
        let reach = self.reach.load(Acquire);
        if !offset.is_multiple_of(WORD) || end > reach {
            return None;
        }
        let start = self.map.as_mut_ptr().wrapping_add(usize::try_from(offset).ok()?);
        #[expect(clippy::cast_ptr_alignment, reason = "both addends are multiples of 8")]
        let start = start.cast::<AtomicU64>();
        // SAFETY: `extend` saw that the map and the file under it reach to `end`; the map is page
        // aligned (checked in `new`) and the offset a multiple of 8; the map lives as long as
        // `self`, and this process touches it through atomics only.
        Some(unsafe { std::slice::from_raw_parts(start, count) })
    }
}

/// An immutable file mapped for reading.
#[derive(Debug)]
pub(super) struct FileMap(Mmap);

impl FileMap {
    /// Maps a whole file that was made read-only; nothing where it is still writable, or where the
    /// system refuses.
    pub(super) fn new(file: &File) -> Option<Self> {
        if !file.metadata().ok()?.permissions().readonly() {
            return None;
        }
        // SAFETY: the bytes must not change while they are borrowed. Files are made read-only
        // after their last write, and the store never makes one writable again nor shortens it.
        let map = unsafe { Mmap::map(file) };
        map.ok().map(Self)
    }

    /// Returns the bytes of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::Arc;

    use super::{FileMap, WordMap};
    use crate::vfs::positioned;

    #[test]
    fn allows_no_access_past_the_file_or_the_map() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let map = WordMap::new(Arc::clone(&file), 8192).unwrap();
        assert!(!map.store(0, &[1]), "the file is empty yet");
        assert!(map.extend(8).is_err());
        file.set_len(20_000).unwrap();
        assert!(map.extend(8200).is_err(), "past the map");
        map.extend(4104).unwrap();
        assert!(map.store(4096, &[7]));
        assert!(!map.store(4096, &[7, 8]), "past what was allowed");
        assert!(!map.store(4, &[7]), "not aligned");
        assert!(!map.store(u64::MAX - 7, &[7]));
        map.extend(16).unwrap();
        assert!(map.store(4096, &[9]), "the allowed length never falls");
    }

    #[test]
    fn loads_bytes_at_any_offset_as_the_file_has_them() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.set_len(64).unwrap();
        let map = WordMap::new(Arc::clone(&file), 64).unwrap();
        map.extend(64).unwrap();
        let words: Vec<u64> =
            (0..8).map(|i| 0x0706_0504_0302_0100 + 0x0808_0808_0808_0808 * i).collect();
        assert!(map.store(0, &words));
        for offset in 0..70 {
            for len in 0..70_usize {
                let (mut mapped, mut read) = (vec![0xee; len], vec![0xee; len]);
                let count = positioned::read_at(&file, offset, &mut read).unwrap();
                assert_eq!(map.load(offset, &mut mapped), count, "{offset} {len}");
                assert_eq!(mapped, read, "{offset} {len}");
            }
        }
        assert_eq!(map.load(u64::MAX, &mut [0; 8]), 0);
    }

    #[test]
    fn maps_no_file_that_may_still_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        assert!(FileMap::new(file.as_file()).is_none());
        let mut permissions = file.as_file().metadata().unwrap().permissions();
        permissions.set_readonly(true);
        file.as_file().set_permissions(permissions).unwrap();
        assert_eq!(FileMap::new(file.as_file()).unwrap().bytes(), b"abc");
    }
}
