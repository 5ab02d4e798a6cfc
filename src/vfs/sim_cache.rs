//! A simulated file: the bytes that processes see, the bytes on the device, and every state that
//! lies between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::vfs::sim_fault::SyncFailure;
use crate::vfs::sim_loss::Survival;
use crate::vfs::sim_pages::{Page, Pages, split_by_page, write_page};

/// A file behind a page cache.
#[derive(Debug, Clone, Default)]
pub(super) struct CachedFile {
    /// What processes see.
    seen: Pages,
    /// What the device holds for certain.
    durable: Pages,
    /// Pages that write-back may bring to the device at any time, by index.
    dirty: BTreeMap<usize, DirtyPage>,
    /// Lengths since the last sync, each with the operation that made it.
    lens: Vec<(u64, u64)>,
    pub(super) is_read_only: bool,
}

/// A page with the writes since it became dirty. Write-back takes the whole page as it is at that
/// moment, so that any number of the first writes may be on the device.
#[derive(Debug, Clone, Default)]
struct DirtyPage {
    /// The page as it was seen before the first of these writes. It differs from the durable one
    /// where a failed sync has left the page clean, but not written.
    base: Option<Arc<Page>>,
    writes: Vec<PageWrite>,
    /// The bytes of the writes, one behind the other.
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct PageWrite {
    operation: u64,
    /// Where in the page.
    start: usize,
    len: usize,
}

impl CachedFile {
    /// Creates a file whose bytes are on the device.
    pub(super) fn durable(pages: Pages, is_read_only: bool) -> Self {
        Self { seen: pages.clone(), durable: pages, is_read_only, ..Self::default() }
    }

    /// Returns the bytes that processes see.
    pub(super) fn seen(&self) -> &Pages {
        &self.seen
    }

    /// Returns the bytes that the device holds for certain.
    pub(super) fn certain(&self) -> &Pages {
        &self.durable
    }

    /// Writes bytes as part of an operation.
    pub(super) fn write(&mut self, operation: u64, offset: u64, bytes: &[u8]) {
        for (index, place, source) in split_by_page(offset, bytes.len()) {
            let base = || DirtyPage { base: self.seen.page(index), ..DirtyPage::default() };
            let page = self.dirty.entry(index).or_insert_with(base);
            page.writes.push(PageWrite { operation, start: place.start, len: place.len() });
            page.bytes.extend_from_slice(bytes.get(source).unwrap_or_default());
        }
        self.set_len(operation, self.seen.len().max(offset + bytes.len() as u64));
        self.seen.write_at(offset, bytes);
    }

    /// Writes bytes that processes see, and that no write-back will ever take.
    pub(super) fn write_lost(&mut self, offset: u64, bytes: &[u8]) {
        self.seen.write_at(offset, bytes);
    }

    /// Sets the length as part of an operation.
    pub(super) fn set_len(&mut self, operation: u64, len: u64) {
        if len != self.seen.len() {
            self.seen.set_len(len);
            self.lens.push((operation, len));
        }
    }

    /// Appends zeros that are on the device at once; dirty pages stay dirty.
    pub(super) fn grow_durably(&mut self, len: u64) {
        // An attempt that failed before may have left the file longer than this.
        let len = len.max(self.seen.len());
        self.seen.set_len(len);
        self.durable.set_len(len);
        self.lens.clear();
    }

    /// Brings all dirty pages and the length to the device.
    pub(super) fn sync(&mut self) {
        for index in std::mem::take(&mut self.dirty).into_keys() {
            self.durable.set_page(index, self.seen.page(index));
        }
        self.durable.set_len(self.seen.len());
        self.lens.clear();
    }

    /// Fails to: no dirty page reaches the device, and all of them are clean from now on.
    pub(super) fn fail_sync(&mut self, failure: SyncFailure) {
        for index in std::mem::take(&mut self.dirty).into_keys() {
            if failure == SyncFailure::PagesDropped {
                self.seen.set_page(index, self.durable.page(index));
            }
        }
    }

    /// Returns true where a power cut may lose something.
    pub(super) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.lens.is_empty()
    }

    /// Returns the operations whose effect a power cut may lose.
    pub(super) fn unsynced(&self) -> impl Iterator<Item = u64> {
        let writes = self.dirty.values().flat_map(|page| &page.writes);
        writes.map(|write| write.operation).chain(self.lens.iter().map(|(by, _)| *by))
    }

    /// Returns what the device holds after a power cut.
    pub(super) fn after_power_loss(&self, survival: &mut Survival) -> Pages {
        let mut pages = self.durable.clone();
        let len = survival.len(self.durable.len(), &self.lens);
        for (index, dirty) in &self.dirty {
            let operations = dirty.writes.iter().map(|write| write.operation);
            let count = survival.writes(*index, operations);
            if count > 0 {
                pages.set_page(*index, dirty.after(count));
            }
        }
        // Data behind the surviving length is out of reach, also if the file grows again.
        pages.set_len(len);
        pages
    }
}

impl DirtyPage {
    /// Returns the page after the first `count` writes.
    fn after(&self, count: usize) -> Option<Arc<Page>> {
        let (mut page, mut bytes) = (self.base.clone(), self.bytes.as_slice());
        for write in self.writes.iter().take(count) {
            let (head, tail) = bytes.split_at(write.len.min(bytes.len()));
            write_page(&mut page, write.start..write.start + write.len, head);
            bytes = tail;
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::CachedFile;
    use crate::vfs::sim_fault::SyncFailure;
    use crate::vfs::sim_loss::{LossPattern, Survival};

    fn after(file: &CachedFile, pattern: LossPattern) -> Vec<u8> {
        let pages = file.after_power_loss(&mut Survival::new(pattern, 0, 0..100));
        let mut bytes = vec![0; usize::try_from(pages.len()).unwrap()];
        pages.read_at(0, &mut bytes);
        bytes
    }

    #[test]
    fn a_page_passes_through_every_prefix_of_its_writes() {
        let mut file = CachedFile::default();
        file.grow_durably(16);
        for (operation, byte) in [(1, b'a'), (2, b'b'), (3, b'c')] {
            file.write(operation, operation, &[byte]);
        }
        let mut states: Vec<Vec<u8>> = (0..100)
            .map(|seed| after(&file, LossPattern::EarlierStates(seed))[1..4].to_vec())
            .collect();
        states.sort();
        states.dedup();
        assert_eq!(states, [b"\0\0\0", b"a\0\0", b"ab\0", b"abc"]);
    }

    #[test]
    fn a_failed_sync_loses_pages_until_they_are_written_again() {
        let mut file = CachedFile::default();
        file.grow_durably(8192);
        file.write(1, 0, b"one");
        file.write(2, 4096, b"two");
        file.fail_sync(SyncFailure::PagesKept);
        file.sync();
        assert_eq!(after(&file, LossPattern::Everything), vec![0; 8192], "the sync after it lies");
        let mut seen = [0; 3];
        file.seen().read_at(0, &mut seen);
        assert_eq!(&seen, b"one");
        file.write(3, 8, b"new");
        assert_eq!(&after(&file, LossPattern::Everything)[..11], b"one\0\0\0\0\0new");
        file.sync();
        let bytes = after(&file, LossPattern::Nothing);
        assert_eq!(&bytes[..11], b"one\0\0\0\0\0new", "write-back takes whole pages");
        assert_eq!(bytes[4096..4099], [0; 3]);
    }

    #[test]
    fn a_failed_sync_may_drop_what_processes_see() {
        let mut file = CachedFile::default();
        file.write(0, 0, b"synced");
        file.sync();
        file.write(1, 0, b"UNSYNC");
        file.fail_sync(SyncFailure::PagesDropped);
        let mut seen = [0; 6];
        file.seen().read_at(0, &mut seen);
        assert_eq!(&seen, b"synced");
    }

    #[test]
    fn length_and_bytes_are_lost_apart() {
        let mut file = CachedFile::default();
        file.write(0, 0, b"kept");
        file.sync();
        file.write(1, 4, b"more");
        assert_eq!(after(&file, LossPattern::Nothing), b"kept");
        assert_eq!(after(&file, LossPattern::Everything), b"keptmore");
        assert_eq!(after(&file, LossPattern::MetadataOnly), b"kept\0\0\0\0");
        assert_eq!(after(&file, LossPattern::DataOnly), b"kept");
    }
}
