//! Open files of a simulated file system.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::error::{Error, Result};
use crate::vfs::mem_file::doubled_len;
use crate::vfs::os_log::{check_len, check_store};
use crate::vfs::sim::{Machine, State};
use crate::vfs::sim_cache::CachedFile;
use crate::vfs::sim_disk::FileId;
use crate::vfs::sim_fault::{Faults, OperationKind, Outcome, SyncFailure, device_error};
use crate::vfs::sim_loss::Random;
use crate::vfs::{LogFile, ReadFile, WriteFile};

/// The length of a log after its first growth: a few pages, so that growth is part of every run.
const STEP_FIRST: u64 = 16 << 10;

/// An operation on a file that has been numbered.
struct Step<'a> {
    file: &'a mut CachedFile,
    faults: &'a mut Faults,
    random: Random,
    number: u64,
    outcome: Outcome,
}

impl Step<'_> {
    /// Returns how many of `count` bytes are written: all, or what fits on the disk, or what was
    /// done before the cut.
    fn fitting(&mut self, count: u64) -> u64 {
        let fitting = self.faults.take_space(count);
        match self.outcome {
            Outcome::Cut { .. } => self.random.below(fitting.saturating_add(1)),
            _ => fitting,
        }
    }

    fn fail_sync(&mut self, failure: SyncFailure) -> io::Result<()> {
        self.file.fail_sync(failure);
        Err(device_error())
    }
}

fn check_space(is_enough: bool) -> io::Result<()> {
    if is_enough { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}

/// A file in the hands of a process.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) machine: Arc<Machine>,
    pub(super) path: PathBuf,
    pub(super) file: FileId,
}

impl Open {
    fn error(&self, operation: &'static str, source: io::Error) -> Error {
        Error::io(operation, &self.path, source)
    }

    /// Does one numbered operation on the file.
    fn operate(
        &self,
        operation: &'static str,
        kind: OperationKind,
        act: impl FnOnce(&mut Step<'_>) -> io::Result<()>,
    ) -> Result<()> {
        let mut state = self.machine.state();
        let State { disk, faults, seed } = &mut *state;
        let mut operation = operation;
        let outcome = faults.begin(kind, &self.path).and_then(|(number, outcome)| {
            if matches!(outcome, Outcome::SyncFails(_)) {
                operation = "sync"; // also where a sync is only the last part
            }
            let file = disk.file_mut(self.file).ok_or(io::ErrorKind::NotFound)?;
            let random = Random::new(*seed ^ number);
            let done = act(&mut Step { file, faults, random, number, outcome });
            // A cut operation never succeeds, whatever it still did.
            faults.check_up().and(done)
        });
        outcome.map_err(|source| self.error(operation, source))
    }

    pub(super) fn sync(&self, kind: OperationKind) -> Result<()> {
        self.operate("sync", kind, |step| match step.outcome {
            Outcome::SyncFails(failure) => step.fail_sync(failure),
            // Cut: any part of what is dirty may reach the device, as at any other moment.
            Outcome::Cut { .. } | Outcome::Lost => Ok(()),
            Outcome::Done => {
                step.file.sync();
                Ok(())
            }
        })
    }

    fn len(&self) -> Result<u64> {
        let state = self.machine.state();
        state.faults.check_up().map_err(|source| self.error("get length of", source))?;
        Ok(state.disk.file(self.file).map_or(0, |file| file.seen().len()))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let state = self.machine.state();
        let range = offset..offset.saturating_add(buffer.len() as u64);
        let readable = state.faults.check_read(&self.path, &range);
        readable.map_err(|source| self.error("read", source))?;
        Ok(state.disk.file(self.file).map_or(0, |file| file.seen().read_at(offset, buffer)))
    }
}

/// A file opened for reading. It is never given out as memory, so that every read can fail.
#[derive(Debug)]
pub(super) struct SimReadFile(pub(super) Open);

impl ReadFile for SimReadFile {
    fn path(&self) -> &Path {
        &self.0.path
    }

    fn len(&self) -> Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn bytes(&self) -> Option<&[u8]> {
        None
    }
}

/// A file being written.
#[derive(Debug)]
pub(super) struct SimWriteFile(pub(super) Open);

impl WriteFile for SimWriteFile {
    fn path(&self) -> &Path {
        &self.0.path
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.operate("write", OperationKind::Write, |step| {
            if step.file.is_read_only {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            let count = step.fitting(bytes.len() as u64);
            let fitting = usize::try_from(count).ok().and_then(|count| bytes.get(..count));
            let fitting = fitting.unwrap_or_default();
            step.file.write(step.number, step.file.seen().len(), fitting);
            check_space(fitting.len() == bytes.len())
        })
    }

    fn sync(&mut self) -> Result<()> {
        self.0.sync(OperationKind::Sync)
    }

    fn set_read_only(&mut self) -> Result<()> {
        self.0.operate("make read-only", OperationKind::SetReadOnly, |step| {
            step.file.is_read_only |= step.outcome == Outcome::Done;
            Ok(())
        })
    }
}

/// A log.
#[derive(Debug)]
pub(super) struct SimLog {
    pub(super) open: Open,
    pub(super) len_max: u64,
    pub(super) limit: AtomicU64,
}

impl LogFile for SimLog {
    fn path(&self) -> &Path {
        &self.open.path
    }

    fn limit(&self) -> u64 {
        self.limit.load(Acquire)
    }

    /// Grows by zeros that are durable, and promises no more: pages that are dirty stay so.
    fn grow(&self, len: u64) -> Result<()> {
        check_len(len, self.len_max)?;
        let limit = self.limit();
        if len <= limit {
            return Ok(());
        }
        let target = doubled_len(limit, len.max(STEP_FIRST), self.len_max);
        self.open.operate("write", OperationKind::Grow, |step| {
            let start = step.file.seen().len();
            let end = start + step.fitting(target.saturating_sub(start));
            if step.outcome == Outcome::Done && end >= target {
                step.file.grow_durably(target);
                return Ok(());
            }
            step.file.set_len(step.number, end);
            check_space(end >= target)?;
            match step.outcome {
                Outcome::SyncFails(failure) => step.fail_sync(failure),
                _ => Ok(()),
            }
        })?;
        self.limit.store(target, Release);
        Ok(())
    }

    fn store(&self, offset: u64, words: &[u64]) -> Result<()> {
        check_store(&self.open.path, offset, words, self.limit())?;
        let kind = OperationKind::Store { words: words.len() };
        self.open.operate("store to", kind, |step| {
            let done = match step.outcome {
                Outcome::Cut { words } => words,
                _ => words.len(),
            };
            // Words 1.. come first, and word 0 publishes them.
            let in_order = (0_u64..).zip(words).skip(1).chain((0..).zip(words).take(1));
            for (index, word) in in_order.take(done) {
                let (offset, bytes) = (offset + index * 8, word.to_le_bytes());
                match step.outcome {
                    Outcome::Lost => step.file.write_lost(offset, &bytes),
                    _ => step.file.write(step.number, offset, &bytes),
                }
            }
            Ok(())
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let room = self.limit().saturating_sub(offset);
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
        self.open.read_at(offset, buffer.get_mut(..count).unwrap_or_default())
    }

    fn sync(&self) -> Result<()> {
        self.open.sync(OperationKind::SyncLog)
    }
}
