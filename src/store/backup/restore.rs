//! Restoring a backup as a store.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::manifest;
use crate::model::{Progress, Timestamp};
use crate::store::backup::list::read_backup;
use crate::store::backup::place::{Placed, Placing};
use crate::store::backup::{Backups, Sharing};
use crate::store::open::sync_ancestors;

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The backup's number.
    pub number: u64,
    /// The store's directory.
    pub path: PathBuf,
    /// When the backup was made.
    pub created: Timestamp,
    /// The sequence number of the last frame.
    pub seq: u64,
    /// The store's samples.
    pub samples: u64,
    /// The store's segments.
    pub segments: u64,
    /// Of these, those that are linked to the backup's.
    pub segments_linked: u64,
    /// The bytes that were written: of copied segments, and of logs.
    pub bytes_written: u64,
}

impl Backups {
    /// Makes a store of a backup, the newest whole one if no number is given.
    ///
    /// The target is absent or empty. Every file is checked whole before the store's MANIFEST is
    /// written: without it the directory is no store. The new store has the identity of the old
    /// one, and is no addition to it: reading both as one is refused.
    ///
    /// # Errors
    /// [`ErrorKind::NotABackup`] where there is none, or not that one; [`ErrorKind::NotEmpty`];
    /// [`ErrorKind::Corrupt`] where the backup is damaged, and I/O errors.
    pub fn restore(
        &self,
        number: Option<u64>,
        target: impl AsRef<Path>,
        sharing: Sharing,
    ) -> Result<RestoreReport> {
        let (vfs, target) = (&*self.vfs, target.as_ref());
        let number = number.map_or_else(|| self.newest(), Ok)?;
        let path = self.path_of(number);
        let (record, _) = read_backup(vfs, &path)?
            .ok_or_else(|| self.none_such("it has no such whole backup"))?;
        let pinned = self.pin_whole(&path, &record)?;
        check_empty(self, target)?;
        vfs.create_dir_all(target)?;
        sync_ancestors(vfs, target)?;
        let holder = format!("process {}", std::process::id());
        let _lock = vfs.lock(&target.join("LOCK"), &holder)?;
        let mut placing =
            Placing { vfs, dir: target, sharing, earlier: None, placed: Placed::default() };
        placing.all(&pinned, &Progress::default())?;
        let placed = placing.placed;
        manifest::replace(vfs, target, &pinned.record)?;
        self.pin_whole(target, &record)?;
        Ok(RestoreReport {
            number,
            path: target.to_owned(),
            created: Timestamp::from_nanos(record.created),
            seq: record.seq,
            samples: record.samples,
            segments: record.segments,
            segments_linked: placed.linked,
            bytes_written: placed.bytes_written,
        })
    }

    fn newest(&self) -> Result<u64> {
        for number in self.numbers()?.into_iter().rev() {
            if manifest::load(&*self.vfs, &self.path_of(number))?.is_some() {
                return Ok(number);
            }
        }
        Err(self.none_such("it has no whole backup"))
    }

    fn none_such(&self, found: &str) -> Error {
        ErrorKind::NotABackup { path: self.dir.clone(), found: found.to_owned() }.into()
    }
}

fn check_empty(backups: &Backups, target: &Path) -> Result<()> {
    match backups.vfs.read_dir(target) {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(names) => match names.into_iter().next() {
            None => Ok(()),
            Some(found) => Err(ErrorKind::NotEmpty { path: target.to_owned(), found }.into()),
        },
    }
}
