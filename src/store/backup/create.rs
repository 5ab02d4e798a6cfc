//! Making a backup of a store, from any process, while it is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::backup::BackupRecord;
use crate::manifest;
use crate::model::{Limits, Progress, Timestamp};
use crate::snapshot::{PinnedStore, Reader, StoreReader};
use crate::store::backup::list::{LOCK_NAME, read_backup};
use crate::store::backup::place::{Placed, Placing};
use crate::store::backup::{BACKUP_NAME, Backups, Sharing};
use crate::store::open::sync_ancestors;

/// What a backup holds, and how its files came there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Its number.
    pub number: u64,
    /// Its directory, which can be read like a store.
    pub path: PathBuf,
    /// When it was made.
    pub created: Timestamp,
    /// The sequence number of its last frame: all that was committed before it was begun.
    pub seq: u64,
    /// Its samples.
    pub samples: u64,
    /// Its segments.
    pub segments: u64,
    /// Of these, those that an earlier backup had, or an attempt that was cut short.
    pub segments_kept: u64,
    /// Those that are linked to the store's.
    pub segments_linked: u64,
    /// Those that were copied.
    pub segments_copied: u64,
    /// Its log generations.
    pub logs: u64,
    /// The bytes that were written for it: of copied segments, and of logs.
    pub bytes_written: u64,
}

impl Backups {
    /// Backs a store up as it is at this moment, beside a writer that may be running.
    ///
    /// Each file is read back and every checksum and chunk checked; then the backup is completed by
    /// its MANIFEST. Segments that the backup before has, by name and checksums, are not copied
    /// again. Takes the time of decoding all samples.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] where the store is damaged, which `verify` tells more about;
    /// [`ErrorKind::NotABackup`] where the directory holds something else or the backups of another
    /// store; [`ErrorKind::Locked`] while another process makes one; [`ErrorKind::Limit`] for a
    /// reader of several stores, each of which needs backups of its own. What was begun is
    /// incomplete then, and the next attempt goes on with it.
    pub fn create(&self, source: &Reader, sharing: Sharing) -> Result<BackupReport> {
        self.create_watched(source, sharing, &Progress::default())
    }

    /// Backs a store up as [`Backups::create`] does, and says meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Backups::create`].
    pub fn create_watched(
        &self,
        source: &Reader,
        sharing: Sharing,
        progress: &Progress,
    ) -> Result<BackupReport> {
        let [source] = source.stores() else {
            let got = source.stores().len() as u64;
            return Err(ErrorKind::Limit { what: "stores of a backup", limit: 1, got }.into());
        };
        let vfs = &*self.vfs;
        vfs.create_dir_all(&self.dir)?;
        self.numbers()?;
        let holder = format!("process {}", std::process::id());
        let _lock = vfs.lock(&self.dir.join(LOCK_NAME), &holder)?;
        let pinned = source.pin()?;
        let (number, earlier) = self.next(pinned.record.db_uuid)?;
        let path = self.path_of(number);
        vfs.create_dir_all(&path)?;
        sync_ancestors(vfs, &path)?;
        let created = self.clock.now();
        let earlier = earlier.as_deref();
        let mut placing = Placing { vfs, dir: &path, sharing, earlier, placed: Placed::default() };
        placing.all(&pinned, progress)?;
        let placed = placing.placed;
        self.complete(&path, &pinned, created)?;
        Ok(BackupReport {
            number,
            path,
            created,
            seq: pinned.seq,
            samples: pinned.samples,
            segments: pinned.segments.len() as u64,
            segments_kept: placed.kept,
            segments_linked: placed.linked,
            segments_copied: placed.copied,
            logs: pinned.logs.len() as u64,
            bytes_written: placed.bytes_written,
        })
    }

    /// Returns the number of the next backup, and the directory of the last whole one.
    fn next(&self, db_uuid: [u8; 16]) -> Result<(u64, Option<PathBuf>)> {
        let numbers = self.numbers()?;
        let last = numbers.last().copied().unwrap_or(0);
        let mut next = last + 1;
        for number in numbers.into_iter().rev() {
            let path = self.path_of(number);
            match read_backup(&*self.vfs, &path) {
                Ok(Some((record, _))) if record.db_uuid == db_uuid => {
                    return Ok((next, Some(path)));
                }
                Ok(Some(_)) => {
                    let found = "it holds the backups of another store".to_owned();
                    let path = self.dir.clone();
                    return Err(ErrorKind::NotABackup { path, found }.into());
                }
                // One that was cut short is gone on with.
                Ok(None) if number == last => next = number,
                Ok(None) => {}
                // A damaged one is kept for salvage, and passed over.
                Err(error) if !matches!(error.kind(), ErrorKind::Io { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((next, None))
    }

    /// Writes BACKUP, then MANIFEST, and reads the whole as a reader does.
    fn complete(&self, path: &Path, pinned: &PinnedStore, created: Timestamp) -> Result<()> {
        let vfs = &*self.vfs;
        let record = BackupRecord {
            db_uuid: pinned.record.db_uuid,
            created: created.as_nanos(),
            edit: pinned.record.edit,
            seq: pinned.seq,
            samples: pinned.samples,
            segments: pinned.segments.len() as u64,
            logs: pinned.logs.len() as u64,
            log_bytes: pinned.logs.iter().map(|log| log.end).sum(),
        };
        let name = path.join(BACKUP_NAME);
        if vfs.exists(&name)? {
            vfs.remove(&name)?;
        }
        let mut file = vfs.create(&name)?;
        file.write_all(&record.encode())?;
        file.sync()?;
        drop(file);
        // Without this, a power cut could leave a MANIFEST without a BACKUP.
        vfs.sync_dir(path)?;
        manifest::replace(vfs, path, &pinned.record)?;
        self.pin_whole(path, &record).map(drop).inspect_err(|_| {
            // It is not whole, and must not look so. What failed first is what is told.
            drop(manifest::remove(vfs, path));
        })
    }

    /// Opens all files of a copy of a backup, and checks that a reader finds all that it must hold.
    pub(super) fn pin_whole(&self, dir: &Path, record: &BackupRecord) -> Result<PinnedStore> {
        let (vfs, clock) = (Arc::clone(&self.vfs), Arc::clone(&self.clock));
        let found = StoreReader::open(vfs, clock, Limits::DEFAULT, dir)?.pin()?;
        let log_bytes = found.logs.iter().map(|log| log.end).sum::<u64>();
        for (field, got, expected) in [
            ("seq", found.seq, record.seq),
            ("samples", found.samples, record.samples),
            ("logs", found.logs.len() as u64, record.logs),
            ("log bytes", log_bytes, record.log_bytes),
        ] {
            if got != expected {
                let error = FormatError::OutOfRange { field, got };
                let last = found.logs.last();
                let path = last.map_or(dir, |last| last.log.bytes.path());
                return Err(Error::corrupt(path, last.map_or(0, |last| last.end), error));
            }
        }
        Ok(found)
    }
}
