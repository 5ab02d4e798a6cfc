//! The writer's advisory lock, as a locked file that says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::vfs::LockGuard;

/// Bytes of the holder's text that are read back.
const HOLDER_BYTES_MAX: u64 = 1024;

/// A locked file; the system unlocks it when it is closed, also when the process dies.
#[derive(Debug)]
pub(super) struct OsLock {
    _file: File,
}

impl LockGuard for OsLock {}

impl OsLock {
    pub(super) fn take(path: &Path, holder: &str) -> Result<Self> {
        let error = |source| Error::io("lock", path, source);
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(path).map_err(error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&file);
                return Err(ErrorKind::Locked { path: path.to_owned(), holder }.into());
            }
            Err(TryLockError::Error(source)) if source.kind() == io::ErrorKind::Unsupported => {
                let path = path.to_owned();
                return Err(ErrorKind::Unsupported { what: "locking of files", path }.into());
            }
            Err(TryLockError::Error(source)) => return Err(error(source)),
        }
        file.set_len(0).map_err(error)?;
        file.write_all(holder.as_bytes()).map_err(error)?;
        Ok(Self { _file: file })
    }
}

/// Returns what the holder wrote. It may just be about to write it, which must not hide the lock.
fn read_holder(file: &File) -> String {
    let mut bytes = Vec::new();
    match file.take(HOLDER_BYTES_MAX).read_to_end(&mut bytes) {
        Ok(count) if count > 0 => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        _ => "holder unknown".to_owned(),
    }
}
