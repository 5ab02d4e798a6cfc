//! The plan of a simulation's faults, and the count of operations that they are tied to.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::vfs::names;

/// One operation that changes a file system, as it was numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What was done.
    pub kind: OperationKind,
    /// To which file; the source of a rename or link.
    pub path: PathBuf,
}

/// The operations that are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// [`crate::vfs::Vfs::create_dir_all`].
    CreateDir,
    /// [`crate::vfs::Vfs::create`].
    Create,
    /// [`crate::vfs::WriteFile::write_all`].
    Write,
    /// [`crate::vfs::WriteFile::sync`] and [`crate::vfs::Vfs::sync_file`].
    Sync,
    /// [`crate::vfs::WriteFile::set_read_only`].
    SetReadOnly,
    /// [`crate::vfs::Vfs::rename`].
    Rename,
    /// [`crate::vfs::Vfs::link`].
    Link,
    /// [`crate::vfs::Vfs::remove`].
    Remove,
    /// [`crate::vfs::Vfs::sync_dir`].
    SyncDir,
    /// [`crate::vfs::Vfs::create_log`].
    CreateLog,
    /// [`crate::vfs::LogFile::store`].
    Store {
        /// The words of the frame.
        words: usize,
    },
    /// [`crate::vfs::LogFile::grow`], where it has to do something.
    Grow,
    /// [`crate::vfs::LogFile::sync`].
    SyncLog,
    /// [`crate::vfs::Vfs::lock`].
    Lock,
}

impl OperationKind {
    /// Returns true if the operation is a sync, or ends with one.
    #[must_use]
    pub fn is_sync(self) -> bool {
        matches!(self, Self::Sync | Self::SyncDir | Self::SyncLog | Self::Grow)
    }
}

/// What a failed sync leaves in the page cache. Either way the device gets nothing, and the pages
/// count as clean: later syncs succeed and do not write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyncFailure {
    /// Processes still see what they wrote (ext4, xfs).
    PagesKept,
    /// Processes see again what the device holds (btrfs, or the page was evicted and read again).
    PagesDropped,
}

/// How a numbered operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The power is cut, or the process killed, inside the operation. The words of a store that
    /// are still done stand with it.
    Cut {
        words: usize,
    },
    /// The store is seen by this process and will never reach the device.
    Lost,
    SyncFails(SyncFailure),
}

/// Why no further operation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    PowerLost,
    Killed,
}

impl Down {
    fn error(self) -> io::Error {
        io::Error::other(match self {
            Self::PowerLost => "power lost",
            Self::Killed => "process killed",
        })
    }
}

/// Faults to come, and those that have come.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub(super) trace: Vec<Operation>,
    pub(super) down: Option<Down>,
    /// The operation that is cut, and how many words of it are done if it is a store.
    pub(super) crash: Option<(u64, usize)>,
    pub(super) errors: BTreeMap<u64, io::ErrorKind>,
    pub(super) sync_failures: BTreeMap<u64, SyncFailure>,
    /// From this operation on, the file system is dead.
    pub(super) death: Option<u64>,
    /// Bytes that may still be written.
    pub(super) space: Option<u64>,
    unreadable: Vec<(PathBuf, Range<u64>)>,
}

impl Faults {
    /// Returns the number of operations so far.
    pub(super) fn operations(&self) -> u64 {
        self.trace.len() as u64
    }

    /// Numbers an operation, and says how it goes.
    pub(super) fn begin(&mut self, kind: OperationKind, path: &Path) -> io::Result<(u64, Outcome)> {
        self.check_up()?;
        let number = self.operations();
        self.trace.push(Operation { kind, path: path.to_owned() });
        let is_store = matches!(kind, OperationKind::Store { .. });
        if let Some((_, words)) = self.crash.filter(|(at, _)| *at == number) {
            self.down = Some(Down::PowerLost);
            return Ok((number, Outcome::Cut { words }));
        }
        if let Some(error) = self.errors.remove(&number) {
            return Err(error.into());
        }
        if let Some(failure) = self.sync_failures.remove(&number).filter(|_| kind.is_sync()) {
            return Ok((number, Outcome::SyncFails(failure)));
        }
        if self.death.is_some_and(|death| death <= number) {
            return if is_store { Ok((number, Outcome::Lost)) } else { Err(device_error()) };
        }
        Ok((number, Outcome::Done))
    }

    /// Refuses everything once the power is lost or the process killed.
    pub(super) fn check_up(&self) -> io::Result<()> {
        self.down.map_or(Ok(()), |down| Err(down.error()))
    }

    /// Makes a range of a file unreadable.
    pub(super) fn fail_reads(&mut self, path: &Path, range: Range<u64>) {
        self.unreadable.push((names::plain(path), range));
    }

    /// Refuses reads that meet an unreadable range.
    pub(super) fn check_read(&self, path: &Path, range: &Range<u64>) -> io::Result<()> {
        self.check_up()?;
        let path = names::plain(path);
        let is_bad = self
            .unreadable
            .iter()
            .any(|(of, bad)| *of == path && bad.start < range.end && range.start < bad.end);
        if is_bad { Err(device_error()) } else { Ok(()) }
    }

    /// Takes space for bytes to be written; returns how many of them fit.
    pub(super) fn take_space(&mut self, bytes: u64) -> u64 {
        let Some(space) = &mut self.space else { return bytes };
        let taken = bytes.min(*space);
        *space -= taken;
        taken
    }

    /// Gives back the space of a file that was removed.
    pub(super) fn give_space(&mut self, bytes: u64) {
        if let Some(space) = &mut self.space {
            *space = space.saturating_add(bytes);
        }
    }

    /// Returns the faults of the device, which stay when a process dies.
    pub(super) fn of_device(&self) -> Self {
        let (space, unreadable) = (self.space, self.unreadable.clone());
        Self { space, unreadable, ..Self::default() }
    }
}

/// Returns the error of a device that fails (EIO).
pub(super) fn device_error() -> io::Error {
    io::Error::other("input/output error")
}
