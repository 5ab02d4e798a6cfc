//! The bytes of a simulated file as shared pages, so that images of a disk are cheap to copy.

use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

/// Bytes of a page: what a device is taken to write whole.
pub(super) const PAGE: usize = 4096;

pub(super) type Page = [u8; PAGE];

/// Bytes in pages; an absent page is all zeros.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    len: u64,
    pages: Vec<Option<Arc<Page>>>,
}

impl Pages {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Sets the length: what is cut off is gone, and what is added is zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        self.pages.resize(usize::try_from(len.div_ceil(PAGE as u64)).unwrap_or(usize::MAX), None);
        let tail = usize::try_from(len % PAGE as u64).unwrap_or_default();
        if len < self.len
            && tail > 0
            && let Some(Some(page)) = self.pages.last_mut()
        {
            Arc::make_mut(page).get_mut(tail..).unwrap_or_default().fill(0);
        }
        self.len = len;
    }

    pub(super) fn page(&self, index: usize) -> Option<Arc<Page>> {
        self.pages.get(index).cloned().flatten()
    }

    /// Replaces a page, also one past the length; the length stays.
    pub(super) fn set_page(&mut self, index: usize, page: Option<Arc<Page>>) {
        if index >= self.pages.len() {
            self.pages.resize(index + 1, None);
        }
        if let Some(slot) = self.pages.get_mut(index) {
            *slot = page;
        }
    }

    /// Writes bytes; the file grows where they end past it.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        if end > self.len {
            self.set_len(end);
        }
        for (index, place, source) in split_by_page(offset, bytes.len()) {
            if let (Some(slot), Some(bytes)) = (self.pages.get_mut(index), bytes.get(source)) {
                write_page(slot, place, bytes);
            }
        }
    }

    /// Reads until the buffer is full or the file ends; returns the count of bytes read.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let room = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = room.min(buffer.len());
        for (index, place, target) in split_by_page(offset, count) {
            let Some(target) = buffer.get_mut(target) else { break };
            match self.pages.get(index) {
                Some(Some(page)) => target.copy_from_slice(page.get(place).unwrap_or_default()),
                _ => target.fill(0),
            }
        }
        count
    }

    /// Adds the length and the bytes to a hash; absent pages and pages of zeros are the same.
    pub(super) fn hash(&self, hash: &mut Xxh3) {
        hash.update(&self.len.to_le_bytes());
        for (index, page) in (0_u64..).zip(&self.pages) {
            if let Some(page) = page.as_deref().filter(|page| **page != [0; PAGE]) {
                hash.update(&index.to_le_bytes());
                hash.update(page);
            }
        }
    }
}

/// Writes bytes to a place within a page, which is copied first where another image shares it.
pub(super) fn write_page(slot: &mut Option<Arc<Page>>, place: Range<usize>, bytes: &[u8]) {
    let page = Arc::make_mut(slot.get_or_insert_with(|| Arc::new([0; PAGE])));
    if let Some(target) = page.get_mut(place).filter(|target| target.len() == bytes.len()) {
        target.copy_from_slice(bytes);
    }
}

/// Cuts a range of bytes at page edges: page, place within the page, place within the range.
pub(super) fn split_by_page(
    offset: u64,
    len: usize,
) -> impl Iterator<Item = (usize, Range<usize>, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = usize::try_from(offset).ok()?.checked_add(done)?;
        let (index, start) = (at / PAGE, at % PAGE);
        let count = (len - done).min(PAGE - start);
        let source = done..done + count;
        done += count;
        (count > 0).then_some((index, start..start + count, source))
    })
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::Xxh3;

    use super::{PAGE, Pages};

    fn hash(pages: &Pages) -> u128 {
        let mut hash = Xxh3::new();
        pages.hash(&mut hash);
        hash.digest128()
    }

    #[test]
    fn agrees_with_plain_bytes() {
        let (mut pages, mut plain) = (Pages::default(), vec![0; 20_000]);
        for (offset, len, byte) in [(0, 1, 1), (4090, 10, 2), (8192, 4096, 3), (4000, 12_000, 4)] {
            pages.write_at(offset as u64, &vec![byte; len]);
            plain[offset..offset + len].fill(byte);
        }
        assert_eq!(pages.len(), 16_000);
        for (offset, len) in [(0, 16_000), (3999, 2), (8191, 4098), (15_999, 10)] {
            let mut buffer = vec![9; len];
            let count = pages.read_at(offset as u64, &mut buffer);
            assert_eq!(count, len.min(16_000 - offset));
            assert_eq!(buffer[..count], plain[offset..offset + count]);
        }
        assert_eq!(pages.read_at(1 << 50, &mut [0; 4]), 0);
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut pages = Pages::default();
        pages.write_at(0, &[7; PAGE + 10]);
        let before = pages.clone();
        pages.set_len(100);
        pages.set_len(PAGE as u64 + 10);
        let mut buffer = [9; PAGE + 10];
        pages.read_at(0, &mut buffer);
        assert_eq!(buffer[..100], [7; 100]);
        assert!(buffer[100..].iter().all(|byte| *byte == 0));
        before.read_at(0, &mut buffer);
        assert_eq!(buffer, [7; PAGE + 10], "a copy is not touched");
    }

    #[test]
    fn equal_bytes_have_equal_hashes() {
        let (mut one, mut other) = (Pages::default(), Pages::default());
        one.set_len(9000);
        other.write_at(8999, &[0]);
        assert_eq!(hash(&one), hash(&other));
        other.write_at(5000, &[1]);
        assert_ne!(hash(&one), hash(&other));
        one.set_len(9001);
        other.write_at(5000, &[0]);
        assert_ne!(hash(&one), hash(&other), "lengths differ");
    }
}
