//! Listing backups, and reading what one says about itself.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::backup::{BACKUP_BYTES, BackupRecord};
use crate::format::manifest::ManifestRecord;
use crate::manifest;
use crate::model::Timestamp;
use crate::store::backup::{BACKUP_NAME, Backups};
use crate::vfs::Vfs;

/// The name of the file that is locked by who makes a backup.
pub(super) const LOCK_NAME: &str = "LOCK";
/// Backups are numbered from 1.
const NUMBER_DIGITS: usize = 8;

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupEntry {
    /// Its number; later ones have higher numbers.
    pub number: u64,
    /// Its directory, which can be read like a store.
    pub path: PathBuf,
    /// Whether it can be restored, as far as its MANIFEST and BACKUP tell.
    pub state: BackupState,
    /// When it was made; nothing where it cannot be restored, as for all that follows.
    pub created: Option<Timestamp>,
    /// The sequence number of its last frame.
    pub seq: u64,
    /// Its samples.
    pub samples: u64,
    /// Its segments.
    pub segments: u64,
    /// The bytes of its segments, shared or not, and of its logs.
    pub bytes: u64,
}

/// Whether a backup can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupState {
    /// It was completed.
    Whole,
    /// It was cut short, or is being made.
    Incomplete,
    /// It was completed, and its MANIFEST or BACKUP was damaged or taken away since.
    Damaged {
        /// What is wrong.
        what: String,
    },
}

impl Backups {
    /// Lists the backups, oldest first. Their segments are not read: restoring checks them, and so
    /// does verifying a backup's directory like a store.
    ///
    /// # Errors
    /// [`ErrorKind::NotABackup`] where the directory holds something else, and I/O errors.
    pub fn list(&self) -> Result<Vec<BackupEntry>> {
        self.numbers()?.into_iter().map(|number| self.entry(number)).collect()
    }

    /// Returns the numbers of all backups, ascending.
    pub(super) fn numbers(&self) -> Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for name in self.vfs.read_dir(&self.dir)? {
            match number_of(&name) {
                Some(number) => numbers.push(number),
                None if name == LOCK_NAME => {}
                None => {
                    let found = format!("{name:?} stands in it; backups need one of their own");
                    return Err(ErrorKind::NotABackup { path: self.dir.clone(), found }.into());
                }
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn path_of(&self, number: u64) -> PathBuf {
        self.dir.join(name_of(number))
    }

    fn entry(&self, number: u64) -> Result<BackupEntry> {
        let path = self.path_of(number);
        let state = BackupState::Whole;
        let mut entry = BackupEntry {
            number,
            path,
            state,
            created: None,
            seq: 0,
            samples: 0,
            segments: 0,
            bytes: 0,
        };
        match read_backup(&*self.vfs, &entry.path) {
            Ok(Some((record, manifest))) => {
                entry.created = Some(Timestamp::from_nanos(record.created));
                (entry.seq, entry.samples) = (record.seq, record.samples);
                entry.segments = record.segments;
                let bytes = manifest.segments.iter().map(|segment| segment.file_bytes).sum::<u64>();
                entry.bytes = bytes + record.log_bytes;
            }
            Ok(None) => entry.state = BackupState::Incomplete,
            Err(error) => match error.kind() {
                ErrorKind::Corrupt { path, source, .. } => {
                    let what = format!("{}: {source}", path.display());
                    entry.state = BackupState::Damaged { what };
                }
                ErrorKind::FormatVersion { .. } => {
                    entry.state = BackupState::Damaged { what: error.to_string() };
                }
                _ => return Err(error),
            },
        }
        Ok(entry)
    }
}

/// Reads what a backup says about itself; nothing where it was not completed.
///
/// # Errors
/// I/O errors, and [`ErrorKind::Corrupt`] where BACKUP or MANIFEST are damaged or do not fit.
pub(super) fn read_backup(
    vfs: &dyn Vfs,
    dir: &Path,
) -> Result<Option<(BackupRecord, ManifestRecord)>> {
    let Some(manifest) = manifest::load(vfs, dir)? else { return Ok(None) };
    let path = dir.join(BACKUP_NAME);
    let file = match vfs.open(&path) {
        Err(error) if error.is_not_found() => {
            let error = FormatError::Truncated { needed: BACKUP_BYTES as u64, available: 0 };
            return Err(Error::corrupt(&path, 0, error));
        }
        file => file?,
    };
    // One byte more, so that a longer file does not pass.
    let mut bytes = vec![0; BACKUP_BYTES + 1];
    let got = file.read_at(0, &mut bytes)?;
    bytes.truncate(got);
    let record = BackupRecord::decode(&bytes).map_err(|error| Error::corrupt(&path, 0, error))?;
    let segments = manifest.segments.len() as u64;
    let fits = (record.db_uuid, record.edit, record.segments)
        == (manifest.db_uuid, manifest.edit, segments);
    if !fits {
        return Err(Error::corrupt(&path, 0, FormatError::Misplaced { what: "MANIFEST" }));
    }
    Ok(Some((record, manifest)))
}

fn name_of(number: u64) -> String {
    format!("{number:0NUMBER_DIGITS$}")
}

fn number_of(name: &str) -> Option<u64> {
    let number = name.parse().ok()?;
    (number > 0 && name_of(number) == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use crate::store::backup::list::{name_of, number_of};

    #[test]
    fn names_round_trip_and_foreign_names_are_none() {
        for number in [1, 42, 99_999_999, 100_000_000] {
            assert_eq!(number_of(&name_of(number)), Some(number));
        }
        for name in ["", "1", "00000000", "+0000001", "0000001x", "LOCK"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
