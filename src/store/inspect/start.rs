//! Telling what a file is by its first bytes, and looking at it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::cursor::Cursor;
use crate::store::inspect::part::{FileDamage, Part};
use crate::store::inspect::{log, segment, small};
use crate::vfs::{OsVfs, ReadFile, Vfs};

/// The files of a store and its backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A generation of the log.
    Log,
    /// A segment.
    Segment,
    /// A MANIFEST.
    Manifest,
    /// What a backup says about itself.
    Backup,
    /// A request to a writer.
    Request,
    /// A writer's answer.
    Reply,
}

/// What a file is, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectReport {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// The version of its format.
    pub version: u32,
    /// Its length in bytes.
    pub file_bytes: u64,
    /// How many parts of each name it has.
    pub parts: BTreeMap<&'static str, u64>,
    /// How many samples it holds that can be read.
    pub samples: u64,
    /// What is damaged; nothing where the file is whole.
    pub damages: Vec<FileDamage>,
}

/// What collects the parts of a file while they are shown.
pub(super) struct Inspection<'a> {
    pub(super) report: InspectReport,
    visit: &'a mut dyn FnMut(&Part) -> Result<()>,
}

impl FileKind {
    const ALL: [(Self, &'static [u8; 8]); 6] = [
        (Self::Log, b"SBWAL\r\n\x1a"),
        (Self::Segment, b"SBSEG\r\n\x1a"),
        (Self::Manifest, b"SBMAN\r\n\x1a"),
        (Self::Backup, b"SBBAK\r\n\x1a"),
        (Self::Request, b"SBREQ\r\n\x1a"),
        (Self::Reply, b"SBANS\r\n\x1a"),
    ];

    /// Returns the kind's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Segment => "segment",
            Self::Manifest => "manifest",
            Self::Backup => "backup",
            Self::Request => "request",
            Self::Reply => "reply",
        }
    }

    fn of_magic(magic: &[u8]) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, bytes)| bytes.as_slice() == magic);
        known.map(|(kind, _)| *kind)
    }
}

impl Inspection<'_> {
    /// Counts a part, and shows it.
    pub(super) fn show(&mut self, part: &Part) -> Result<()> {
        *self.report.parts.entry(part.name).or_default() += 1;
        if let Some(error) = &part.damage {
            let (offset, error) = (part.offset, error.clone());
            self.report.damages.push(FileDamage { offset, error });
        }
        (self.visit)(part)
    }

    pub(super) fn note(&mut self, error: Error) -> Result<()> {
        let damage = FileDamage::of_error(error)?;
        if !self.report.damages.contains(&damage) {
            self.report.damages.push(damage);
        }
        Ok(())
    }
}

/// Says what a file of a store is, how much it holds, and what is wrong with it.
///
/// ```
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// # silverback::Store::open(&path)?.close()?;
/// let report = silverback::inspect(path.join("MANIFEST"))?;
/// assert_eq!(report.kind, silverback::FileKind::Manifest);
/// assert!(report.damages.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// I/O errors, and [`crate::ErrorKind::Corrupt`] for a file that is none of a store. Damage to one
/// that is stands in the report.
pub fn inspect(path: impl AsRef<Path>) -> Result<InspectReport> {
    inspect_parts(&OsVfs::default(), path, &mut |_| Ok(()))
}

/// Like [`inspect`], for a file of any file system; calls `visit` with each part, in the order of
/// the file but for blocks, which come in the order of the index.
///
/// # Errors
/// As [`inspect`], and what `visit` returns.
pub fn inspect_parts(
    vfs: &dyn Vfs,
    path: impl AsRef<Path>,
    visit: &mut dyn FnMut(&Part) -> Result<()>,
) -> Result<InspectReport> {
    let path = path.as_ref();
    let file = vfs.open(path)?;
    let mut start = [0; 12];
    let got = file.read_at(0, &mut start)?;
    let file_bytes = file.len()?;
    if got < start.len() {
        let error = FormatError::Truncated { needed: 12, available: file_bytes };
        return Err(Error::corrupt(path, 0, error));
    }
    let mut cursor = Cursor::new(&start);
    let fields = cursor.array().and_then(|magic| Ok((magic, cursor.u32()?)));
    let (magic, version) = fields.map_err(|error| Error::corrupt(path, 0, error))?;
    let Some(kind) = FileKind::of_magic(&magic) else {
        return Err(Error::corrupt(path, 0, FormatError::Magic { got: magic }));
    };
    let report = InspectReport {
        path: path.to_owned(),
        kind,
        version,
        file_bytes,
        parts: BTreeMap::new(),
        samples: 0,
        damages: Vec::new(),
    };
    let mut inspection = Inspection { report, visit };
    match kind {
        FileKind::Log => log::show(&file, &mut inspection)?,
        FileKind::Segment => segment::show(&file, &mut inspection)?,
        _ => small::show(&*file, kind, &mut inspection)?,
    }
    Ok(inspection.report)
}

/// Reads a file that fits into memory; of a longer one, no more than `len_max` bytes.
pub(super) fn read_whole(file: &dyn ReadFile, len_max: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.len()?.min(len_max)).unwrap_or(0)];
    let got = file.read_at(0, &mut bytes)?;
    bytes.truncate(got);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use crate::store::inspect::start::FileKind;

    #[test]
    fn each_kind_has_a_magic_and_a_name_of_its_own() {
        for (kind, magic) in FileKind::ALL {
            assert_eq!(FileKind::of_magic(magic), Some(kind));
            let alike = FileKind::ALL.iter().filter(|(other, _)| other.as_str() == kind.as_str());
            assert_eq!(alike.count(), 1);
        }
        assert_eq!(FileKind::of_magic(b"PAR1PAR1"), None);
    }
}
