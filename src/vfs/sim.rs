//! A file system in memory that fails on demand, and forgets what was not synced.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::vfs::locks::Locks;
use crate::vfs::os_log::check_len_max;
use crate::vfs::sim_disk::{Disk, FileId};
use crate::vfs::sim_fault::{
    Down, Faults, Operation, OperationKind, Outcome, SyncFailure, device_error,
};
use crate::vfs::sim_file::{Open, SimLog, SimReadFile, SimWriteFile};
use crate::vfs::sim_loss::{LossPattern, Random};
use crate::vfs::{LockGuard, LogFile, ReadFile, Vfs, WriteFile};

/// A simulated file system with a page cache: processes see what was written, the device keeps
/// what was synced, and a power cut decides about the rest by a [`LossPattern`].
///
/// Every operation that changes something is numbered from 0; faults are tied to these numbers, so
/// that a run can be repeated with the next operation failing. Clones share the file system.
///
/// ```
/// use silverback::vfs::{LossPattern, SimVfs, Vfs};
/// let vfs = SimVfs::new(1);
/// let path = "/motd".as_ref();
/// vfs.create(path)?.write_all(b"hello")?; // neither the file nor its name is synced
/// assert!(vfs.power_loss(LossPattern::Everything).exists(path)?);
/// assert!(!vfs.power_loss(LossPattern::Nothing).exists(path)?);
/// # Ok::<(), silverback::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SimVfs {
    machine: Arc<Machine>,
    locks: Locks,
}

/// What all handles of one running machine share.
#[derive(Debug)]
pub(super) struct Machine {
    state: Mutex<State>,
}

/// A machine's disk, and what will happen to it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) disk: Disk,
    pub(super) faults: Faults,
    pub(super) seed: u64,
}

impl Machine {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimVfs {
    /// Creates an empty file system without faults. The seed decides how far an operation that is
    /// cut got; equal seeds and operations give equal states.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::start(Disk::new(), Faults::default(), seed)
    }

    fn start(disk: Disk, faults: Faults, seed: u64) -> Self {
        let state = Mutex::new(State { disk, faults, seed });
        Self { machine: Arc::new(Machine { state }), locks: Locks::default() }
    }

    /// Returns the number of numbered operations so far; the next one has this number.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.machine.state().faults.operations()
    }

    /// Returns the operations so far, by number.
    #[must_use]
    pub fn trace(&self) -> Vec<Operation> {
        self.machine.state().faults.trace.clone()
    }

    /// Cuts the operation of this number: of a write and of growth a random part is done, of all
    /// else nothing. It and everything after it fail; [`SimVfs::power_loss`] and [`SimVfs::kill`]
    /// say what comes next.
    pub fn crash_at(&self, operation: u64) {
        self.crash_at_store(operation, 0);
    }

    /// Like [`SimVfs::crash_at`], for a store that is cut after so many of its words. Words 1..
    /// are stored first, and word 0 is the last.
    pub fn crash_at_store(&self, operation: u64, words_done: usize) {
        self.machine.state().faults.crash = Some((operation, words_done));
    }

    /// Returns true once an operation was cut or the process killed.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.machine.state().faults.down.is_some()
    }

    /// Makes the operation of this number fail with an error and without effect.
    pub fn fail_at(&self, operation: u64, error: io::ErrorKind) {
        self.machine.state().faults.errors.insert(operation, error);
    }

    /// Makes the operation of this number fail if it is a sync or growth, which ends with one. The
    /// file's dirty pages are clean then, but not on the device. Names stay as they were: a later
    /// sync of the directory makes them durable.
    pub fn fail_sync_at(&self, operation: u64, failure: SyncFailure) {
        self.machine.state().faults.sync_failures.insert(operation, failure);
    }

    /// Makes the device fail for good from the operation of this number on. Stores into a log still
    /// succeed, and are lost; all other operations fail; reads show what was seen before.
    pub fn die_at(&self, operation: u64) {
        self.machine.state().faults.death = Some(operation);
    }

    /// Limits the bytes that can be written or grown from now on; removing a file gives back its
    /// length. What does not fit is written in part, and fails with
    /// [`io::ErrorKind::StorageFull`].
    pub fn limit_space(&self, bytes: u64) {
        self.machine.state().faults.space = Some(bytes);
    }

    /// Makes reads fail that meet a range of bytes of the file opened by this path.
    pub fn fail_reads(&self, path: &Path, range: Range<u64>) {
        self.machine.state().faults.fail_reads(path, range);
    }

    /// Kills the processes: all handles fail from now on and locks are free, but the page cache
    /// lives. Returns the file system as the next process finds it, with operations numbered
    /// from 0 and no faults but those of the device: space and unreadable ranges.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.machine.state();
        state.faults.down.get_or_insert(Down::Killed);
        Self::start(state.disk.clone(), state.faults.of_device(), state.seed)
    }

    /// Returns the file system as it is after a power cut at this moment, like [`SimVfs::kill`],
    /// but with what the device holds under the pattern. This file system stays as it is, so that
    /// several patterns can be tried on one moment.
    #[must_use]
    pub fn power_loss(&self, pattern: LossPattern) -> Self {
        let state = self.machine.state();
        let now = state.faults.operations();
        let salt = Random::new(state.seed ^ now.rotate_left(17)).below(u64::MAX);
        let disk = state.disk.after_power_loss(pattern, salt, now);
        Self::start(disk, state.faults.of_device(), state.seed)
    }

    /// Returns true where a power cut now could lose something.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.machine.state().disk.is_dirty()
    }

    /// Returns a hash of what the device holds for certain: paths and bytes, but no history. Equal
    /// after [`SimVfs::power_loss`] means that the crash left the same state.
    #[must_use]
    pub fn durable_hash(&self) -> u128 {
        self.machine.state().disk.durable_hash()
    }

    /// Does one numbered operation on names; nothing is done where it is cut.
    fn operate<T>(
        &self,
        operation: &'static str,
        kind: OperationKind,
        path: &Path,
        act: impl FnOnce(&mut State, u64) -> io::Result<T>,
    ) -> Result<T> {
        let mut state = self.machine.state();
        let outcome = state.faults.begin(kind, path).and_then(|(number, outcome)| match outcome {
            Outcome::SyncFails(_) => Err(device_error()),
            _ => state.faults.check_up().and_then(|()| act(&mut state, number)),
        });
        outcome.map_err(|source| Error::io(operation, path, source))
    }

    /// Looks at the file system as processes see it.
    fn look<T>(
        &self,
        operation: &'static str,
        path: &Path,
        look: impl FnOnce(&State) -> io::Result<T>,
    ) -> Result<T> {
        let state = self.machine.state();
        let seen = state.faults.check_up().and_then(|()| look(&state));
        seen.map_err(|source| Error::io(operation, path, source))
    }

    fn open_file(&self, path: &Path, file: FileId) -> Open {
        Open { machine: Arc::clone(&self.machine), path: path.to_owned(), file }
    }
}

impl State {
    /// Gives back the space of a file that lost a name, if that was the last one.
    fn give_space_of(&mut self, file: FileId) {
        if self.disk.names().files().any(|(_, named)| *named == file) {
            return;
        }
        let len = self.disk.file(file).map_or(0, |file| file.seen().len());
        self.faults.give_space(len);
    }
}

impl Vfs for SimVfs {
    fn create_dir_all(&self, path: &Path) -> Result<()> {
        self.operate("create directory", OperationKind::CreateDir, path, |state, number| {
            state.disk.create_dir_all(number, path)
        })
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<String>> {
        self.look("list", path, |state| state.disk.names().list(path))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.look("look for", path, |state| Ok(state.disk.names().contains(path)))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        let file = self.look("open", path, |state| state.disk.names().get(path).copied())?;
        Ok(Arc::new(SimReadFile(self.open_file(path, file))))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = self.operate("create", OperationKind::Create, path, |state, number| {
            state.disk.create(number, path)
        })?;
        Ok(Box::new(SimWriteFile(self.open_file(path, file))))
    }

    fn create_log(&self, path: &Path, len_max: u64) -> Result<Arc<dyn LogFile>> {
        check_len_max(path, len_max)?;
        let file = self.operate("create", OperationKind::CreateLog, path, |state, number| {
            state.disk.create(number, path)
        })?;
        Ok(Arc::new(SimLog { open: self.open_file(path, file), len_max, limit: AtomicU64::new(0) }))
    }

    fn rename(&self, source: &Path, target: &Path) -> Result<()> {
        self.operate("rename", OperationKind::Rename, source, |state, number| {
            let replaced = state.disk.rename(number, source, target)?;
            if let Some(file) = replaced {
                state.give_space_of(file);
            }
            Ok(())
        })
    }

    fn link(&self, source: &Path, target: &Path) -> Result<()> {
        self.operate("link", OperationKind::Link, source, |state, number| {
            state.disk.link(number, source, target)
        })
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.operate("remove", OperationKind::Remove, path, |state, number| {
            let file = state.disk.remove(number, path)?;
            state.give_space_of(file);
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.operate("sync", OperationKind::SyncDir, path, |state, _| state.disk.sync_dir(path))
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        let file = self.look("open", path, |state| state.disk.names().get(path).copied())?;
        self.open_file(path, file).sync(OperationKind::Sync)
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>> {
        let guard = self.locks.take(path, holder)?;
        self.operate("lock", OperationKind::Lock, path, |state, number| {
            let file = match state.disk.names().get(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    state.disk.create(number, path)?
                }
                named => *named?,
            };
            if let Some(file) = state.disk.file_mut(file) {
                file.set_len(number, 0);
                file.write(number, 0, holder.as_bytes());
            }
            Ok(())
        })?;
        Ok(guard)
    }
}
