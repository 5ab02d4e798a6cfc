//! Files of the operating system: one reads at offsets, one writes once from start to end.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::vfs::os::FileMap;
use crate::vfs::os_vfs::IoMode;
use crate::vfs::positioned;
use crate::vfs::{ReadFile, WriteFile};

/// A file opened for reading.
#[derive(Debug)]
pub(super) struct OsReadFile {
    path: PathBuf,
    file: File,
    io_mode: IoMode,
    /// The map, made when bytes are first asked for; nothing where the file cannot be mapped.
    map: OnceLock<Option<FileMap>>,
}

impl OsReadFile {
    pub(super) fn open(path: &Path, io_mode: IoMode) -> Result<Self> {
        let error = |source| Error::io("open", path, source);
        let file = OpenOptions::new().read(true).open(path).map_err(error)?;
        if file.metadata().map_err(error)?.is_dir() {
            return Err(error(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self { path: path.to_owned(), file, io_mode, map: OnceLock::new() })
    }
}

impl ReadFile for OsReadFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|source| Error::io("get length of", &self.path, source))?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        positioned::read_at(&self.file, offset, buffer)
            .map_err(|source| Error::io("read", &self.path, source))
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self.io_mode {
            IoMode::Mmap => self.map.get_or_init(|| FileMap::new(&self.file)).as_ref(),
            IoMode::Pread => None,
        }
        .map(FileMap::bytes)
    }
}

/// A file being written.
#[derive(Debug)]
pub(super) struct OsWriteFile {
    path: PathBuf,
    file: BufWriter<File>,
    is_read_only: bool,
}

/// Bytes gathered before they are written: large enough that the calls cost nothing beside the
/// copying, small beside one chunk column.
const BUFFER_BYTES: usize = 128 << 10;

impl OsWriteFile {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|source| Error::io("create", path, source))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { path: path.to_owned(), file, is_read_only: false })
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|source| Error::io("write", &self.path, source))
    }
}

impl WriteFile for OsWriteFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        let error = |source| Error::io("write", &self.path, source);
        if self.is_read_only {
            return Err(error(io::ErrorKind::PermissionDenied.into()));
        }
        self.file.write_all(bytes).map_err(error)
    }

    fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let outcome = self.file.get_ref().sync_data();
        outcome.map_err(|source| Error::io("sync", &self.path, source))
    }

    fn set_read_only(&mut self) -> Result<()> {
        self.flush()?;
        let file = self.file.get_ref();
        let outcome = file.metadata().and_then(|metadata| {
            let mut permissions = metadata.permissions();
            make_read_only(&mut permissions);
            file.set_permissions(permissions)
        });
        outcome.map_err(|source| Error::io("make read-only", &self.path, source))?;
        self.is_read_only = true;
        Ok(())
    }
}

/// Readable for all, writable for none: readers may run as another user.
#[cfg(unix)]
fn make_read_only(permissions: &mut std::fs::Permissions) {
    std::os::unix::fs::PermissionsExt::set_mode(permissions, 0o444);
}

#[cfg(not(unix))]
fn make_read_only(permissions: &mut std::fs::Permissions) {
    permissions.set_readonly(true);
}

#[cfg(test)]
mod tests {
    use super::{OsReadFile, OsWriteFile};
    use crate::vfs::os_vfs::IoMode;
    use crate::vfs::{ReadFile, WriteFile};

    #[test]
    fn maps_only_where_the_mode_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut file = OsWriteFile::create(&path).unwrap();
        file.write_all(b"0123456789").unwrap();
        file.sync().unwrap();
        file.set_read_only().unwrap();
        let mapped = OsReadFile::open(&path, IoMode::Mmap).unwrap();
        assert_eq!(mapped.bytes(), Some(&b"0123456789"[..]));
        assert_eq!(OsReadFile::open(&path, IoMode::Pread).unwrap().bytes(), None);
    }

    #[cfg(unix)]
    #[test]
    fn read_only_is_mode_0444() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        OsWriteFile::create(&path).unwrap().set_read_only().unwrap();
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
        assert_eq!(mode & 0o7777, 0o444);
    }
}
