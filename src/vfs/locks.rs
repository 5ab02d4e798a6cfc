//! Advisory locks within one file system in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{ErrorKind, Result};
use crate::vfs::LockGuard;
use crate::vfs::names;

/// The locks that are held, each with its holder's text.
#[derive(Debug, Clone, Default)]
pub(super) struct Locks {
    held: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl Locks {
    /// Takes the lock of a path, or refuses with the holder's text.
    pub(super) fn take(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>> {
        let path = names::plain(path);
        let mut held = self.held();
        if let Some(holder) = held.get(&path) {
            return Err(ErrorKind::Locked { holder: holder.clone(), path }.into());
        }
        held.insert(path.clone(), holder.to_owned());
        Ok(Box::new(Lock { locks: self.clone(), path }))
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<PathBuf, String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Lock {
    locks: Locks,
    path: PathBuf,
}

impl LockGuard for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.locks.held().remove(&self.path);
    }
}
