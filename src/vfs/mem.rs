//! A file system in memory, for stores that need no disk and for tests.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::vfs::locks::Locks;
use crate::vfs::mem_file::{MemFile, MemLog, MemReadFile, MemWriteFile};
use crate::vfs::names::Names;
use crate::vfs::os_log;
use crate::vfs::{LockGuard, LogFile, ReadFile, Vfs, WriteFile};

/// A file system in memory. Clones share it; it is gone with the last of them and of its files.
///
/// Every file can be read as memory once it is read-only, and a sync does nothing.
///
/// ```
/// use silverback::vfs::{MemVfs, Vfs};
/// let vfs = MemVfs::new();
/// vfs.create("/motd".as_ref())?.write_all(b"hello")?;
/// assert_eq!(vfs.clone().open("/motd".as_ref())?.len()?, 5);
/// # Ok::<(), silverback::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemVfs {
    names: Arc<Mutex<Names<Arc<MemFile>>>>,
    locks: Locks,
}

impl MemVfs {
    /// Creates an empty file system.
    #[must_use]
    pub fn new() -> Self {
        Self { names: Arc::new(Mutex::new(Names::new())), locks: Locks::default() }
    }

    fn names(&self) -> MutexGuard<'_, Names<Arc<MemFile>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an empty file.
    fn insert(&self, path: &Path) -> Result<Arc<MemFile>> {
        let file = Arc::<MemFile>::default();
        let outcome = self.names().insert(path, Arc::clone(&file));
        outcome.map_err(|source| Error::io("create", path, source))?;
        Ok(file)
    }
}

impl Default for MemVfs {
    fn default() -> Self {
        Self::new()
    }
}

impl Vfs for MemVfs {
    fn create_dir_all(&self, path: &Path) -> Result<()> {
        let outcome = self.names().create_dir_all(path);
        outcome.map(drop).map_err(|source| Error::io("create directory", path, source))
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<String>> {
        self.names().list(path).map_err(|source| Error::io("list", path, source))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        Ok(self.names().contains(path))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        let file = self.names().get(path).map(Arc::clone);
        let file = file.map_err(|source| Error::io("open", path, source))?;
        Ok(Arc::new(MemReadFile { path: path.to_owned(), file }))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = self.insert(path)?;
        Ok(Box::new(MemWriteFile { path: path.to_owned(), file }))
    }

    fn create_log(&self, path: &Path, len_max: u64) -> Result<Arc<dyn LogFile>> {
        os_log::check_len_max(path, len_max)?;
        let file = self.insert(path)?;
        Ok(Arc::new(MemLog { path: path.to_owned(), file, len_max }))
    }

    fn rename(&self, source: &Path, target: &Path) -> Result<()> {
        let outcome = self.names().rename(source, target);
        outcome.map(drop).map_err(|error| Error::io("rename", source, error))
    }

    fn link(&self, source: &Path, target: &Path) -> Result<()> {
        let mut names = self.names();
        let linked = names.get(source).map(Arc::clone);
        let linked = linked.and_then(|file| names.insert(target, file));
        linked.map_err(|error| Error::io("link", source, error))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let outcome = self.names().remove(path);
        outcome.map(drop).map_err(|source| Error::io("remove", path, source))
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        let outcome = self.names().list(path);
        outcome.map(drop).map_err(|source| Error::io("sync", path, source))
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        self.open(path).map(drop)
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>> {
        let guard = self.locks.take(path, holder)?;
        if !self.exists(path)? {
            self.insert(path)?;
        }
        let file = self.names().get(path).map(Arc::clone);
        file.map_err(|source| Error::io("lock", path, source))?.set(holder.as_bytes());
        Ok(guard)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::MemVfs;
    use crate::vfs::Vfs;

    #[test]
    fn file_systems_are_apart() {
        let (one, other) = (MemVfs::new(), MemVfs::new());
        let guard = one.lock(Path::new("/LOCK"), "one").unwrap();
        assert!(other.lock(Path::new("/LOCK"), "other").is_ok());
        assert!(one.clone().lock(Path::new("/LOCK"), "clone").is_err(), "clones share locks");
        assert!(!other.exists(Path::new("/f")).unwrap());
        drop(guard);
        assert!(one.lock(Path::new("/LOCK"), "again").is_ok());
    }

    #[test]
    fn only_read_only_files_are_memory() {
        let vfs = MemVfs::new();
        let mut file = vfs.create(Path::new("/f")).unwrap();
        file.write_all(b"abc").unwrap();
        let reader = vfs.open(Path::new("/f")).unwrap();
        assert_eq!(reader.bytes(), None);
        file.set_read_only().unwrap();
        assert_eq!(reader.bytes(), Some(&b"abc"[..]));
    }
}
