//! Putting the files of a pinned store into another directory, each read back and checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::manifest::SegmentRecord;
use crate::manifest;
use crate::model::Progress;
use crate::segment::Segment;
use crate::snapshot::{PinnedLog, PinnedStore, open_segment};
use crate::store::backup::Sharing;
use crate::vfs::Vfs;
use crate::wal::{Ignore, LogBytes, LogGeneration, ScanState, log_name, scan};

/// How much is copied at once.
const BLOCK_BYTES: usize = 1 << 20;
/// A log's file has whole pages.
const PAGE_BYTES: u64 = 4096;

/// A directory that becomes a copy of a store.
#[derive(Debug)]
pub(super) struct Placing<'a> {
    pub(super) vfs: &'a dyn Vfs,
    pub(super) dir: &'a Path,
    pub(super) sharing: Sharing,
    /// An earlier copy that may have some of the segments.
    pub(super) earlier: Option<&'a Path>,
    pub(super) placed: Placed,
}

/// How the files came into their place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) kept: u64,
    pub(super) linked: u64,
    pub(super) copied: u64,
    /// Bytes written: of copied segments, and of logs.
    pub(super) bytes_written: u64,
}

impl Placing<'_> {
    /// Places all files but the MANIFEST, and makes them and their names durable.
    ///
    /// # Errors
    /// I/O errors, a full disk, and [`crate::ErrorKind::Corrupt`] where the source is damaged.
    pub(super) fn all(&mut self, store: &PinnedStore, progress: &Progress) -> Result<()> {
        for folder in ["wal", "seg", "tmp", "quarantine"] {
            self.vfs.create_dir_all(&self.dir.join(folder))?;
        }
        self.remove_others(store)?;
        let mut partitions = BTreeSet::new();
        progress.expect(store.segments.iter().map(|(record, _)| record.file_bytes).sum());
        for (record, source) in &store.segments {
            let partition = self.dir.join("seg").join(manifest::partition_name(record));
            if partitions.insert(partition.clone()) {
                self.vfs.create_dir_all(&partition)?;
            }
            self.segment(record, source, store.record.db_uuid)?;
            progress.advance(record.file_bytes);
        }
        for log in &store.logs {
            self.log(log)?;
        }
        for partition in &partitions {
            self.vfs.sync_dir(partition)?;
        }
        for folder in ["wal", "seg"] {
            self.vfs.sync_dir(&self.dir.join(folder))?;
        }
        self.vfs.sync_dir(self.dir)
    }

    /// Removes what an attempt that was cut short has left and this one does not need.
    fn remove_others(&self, store: &PinnedStore) -> Result<()> {
        let wanted: BTreeSet<PathBuf> = store
            .segments
            .iter()
            .map(|(record, _)| manifest::segment_path(self.dir, record))
            .collect();
        let segments = self.dir.join("seg");
        let partitions = self.vfs.read_dir(&segments)?;
        let mut folders: Vec<PathBuf> =
            partitions.iter().map(|partition| segments.join(partition)).collect();
        folders.extend(["wal", "tmp"].map(|folder| self.dir.join(folder)));
        for folder in folders {
            for name in self.vfs.read_dir(&folder)? {
                let path = folder.join(name);
                if !wanted.contains(&path) {
                    self.vfs.remove(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Places one segment: kept if it is there already, else linked, else copied.
    fn segment(
        &mut self,
        record: &SegmentRecord,
        source: &Segment,
        db_uuid: [u8; 16],
    ) -> Result<()> {
        let target = manifest::segment_path(self.dir, record);
        if self.vfs.exists(&target)? {
            if self.is_whole(self.dir, record, source)? {
                self.placed.kept += 1;
                return Ok(());
            }
            self.vfs.remove(&target)?;
        }
        if self.sharing == Sharing::Linked {
            if let Some(earlier) = self.earlier
                && self.is_whole(earlier, record, source)?
                && self.vfs.link(&manifest::segment_path(earlier, record), &target).is_ok()
            {
                self.placed.kept += 1;
                return Ok(());
            }
            // The store may have merged the segment meanwhile: then its bytes are still open.
            if self.vfs.link(source.path(), &target).is_ok() {
                if self.is_whole(self.dir, record, source)? {
                    self.placed.linked += 1;
                    return Ok(());
                }
                // The name leads elsewhere, or to damage, about which the copy will tell.
                self.vfs.remove(&target)?;
            }
        }
        self.copy_segment(source, &target)?;
        self.placed.copied += 1;
        self.placed.bytes_written += record.file_bytes;
        self.check(record, source, db_uuid)
    }

    /// True where a directory has the same segment, and all of it is right.
    ///
    /// The footer has the checksums of the tables, these those of the pages, and these those of
    /// the blocks: where the footers agree and every checksum holds, all bytes are the same.
    fn is_whole(&self, dir: &Path, record: &SegmentRecord, source: &Segment) -> Result<bool> {
        let path = manifest::segment_path(dir, record);
        let opened = match self.vfs.open(&path) {
            Err(error) if error.is_not_found() => return Ok(false),
            file => Segment::open(file?),
        };
        // One that is damaged is not taken over; whether the disk fails, copying will tell.
        let Ok(segment) = opened else { return Ok(false) };
        let is_same = segment.footer == source.footer;
        Ok(is_same && segment.verify().is_ok_and(|check| check.damages.is_empty()))
    }

    fn copy_segment(&self, source: &Segment, target: &Path) -> Result<()> {
        let mut file = self.vfs.create(target)?;
        let len = source.summary().file_bytes;
        copy(len, |at, block| source.file.read_at(at, block), &mut |bytes| file.write_all(bytes))?;
        file.sync()?;
        file.set_read_only()
    }

    /// Reads a segment back that was placed; where it is damaged, says whether it came so.
    fn check(&self, record: &SegmentRecord, source: &Segment, db_uuid: [u8; 16]) -> Result<()> {
        let placed = open_segment(self.vfs, self.dir, db_uuid, record)?;
        let Some(damage) = placed.verify()?.damages.into_iter().next() else { return Ok(()) };
        let came_so = source.verify()?.damages.into_iter().next();
        Err(match came_so {
            Some(damage) => Error::corrupt(source.path(), damage.offset, damage.error),
            None => Error::corrupt(placed.path(), damage.offset, damage.error),
        })
    }

    /// Writes the part of a log that counts, with zeros behind it to the end of a page.
    fn log(&mut self, pinned: &PinnedLog) -> Result<()> {
        let header = pinned.log.header;
        let target = self.dir.join("wal").join(log_name(header.generation));
        let mut file = self.vfs.create(&target)?;
        let read = |at, block: &mut [u8]| pinned.log.bytes.read_at(at, block);
        copy(pinned.end, read, &mut |bytes| file.write_all(bytes))?;
        let padding = pinned.end.next_multiple_of(PAGE_BYTES) - pinned.end;
        file.write_all(&vec![0; usize::try_from(padding).unwrap_or(0)])?;
        file.sync()?;
        drop(file);
        self.placed.bytes_written += pinned.end + padding;
        let bytes = LogBytes::Opened(self.vfs.open(&target)?);
        let mut state = ScanState::new();
        if let Some(log) = LogGeneration::open(bytes, header.db_uuid, header.generation)? {
            scan(&log, &mut state, u64::MAX, &mut Ignore)?;
        }
        if state.offset == pinned.end {
            return Ok(());
        }
        let error = FormatError::Truncated { needed: pinned.end, available: state.offset };
        Err(Error::corrupt(&target, state.offset, error))
    }
}

/// Copies bytes from the start of a file up to `len`.
fn copy(
    len: u64,
    read: impl Fn(u64, &mut [u8]) -> Result<usize>,
    write: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut at = 0;
    while at < len {
        let want = usize::try_from(len - at).unwrap_or(usize::MAX).min(BLOCK_BYTES);
        let block = buffer.get_mut(..want).unwrap_or_default();
        let got = read(at, block)?;
        if got == 0 {
            // Shorter than it was; reading the copy back will say what is missing.
            return Ok(());
        }
        write(block.get(..got).unwrap_or(&[]))?;
        at += got as u64;
    }
    Ok(())
}
