//! A file that grows, until another one takes its place or it begins anew.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::cli::ingest::identity::same_file;

/// How often a file is looked at that has nothing new.
const PAUSE: Duration = Duration::from_millis(100);

/// A reader of one file. Where nothing is new it says [`io::ErrorKind::WouldBlock`]; it ends where
/// the file was replaced, once all of it is read, or is shorter than what was read.
#[derive(Debug)]
pub(crate) struct Followed {
    path: PathBuf,
    file: File,
    offset: u64,
    is_waiting: bool,
    is_replaced: bool,
}

impl Followed {
    /// Follows an open file that is found at a path.
    pub(crate) fn new(path: &Path, file: File) -> Self {
        let path = path.to_owned();
        Self { path, file, offset: 0, is_waiting: false, is_replaced: false }
    }

    /// True where the path leads to another file by now. While it leads to none, the other one is
    /// still to come.
    fn is_left(&self) -> io::Result<bool> {
        let Ok(there) = fs::metadata(&self.path) else { return Ok(false) };
        Ok(!same_file(&there, &self.file.metadata()?))
    }
}

impl Read for Followed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.offset += count as u64;
        if count > 0 {
            self.is_waiting = false;
            return Ok(count);
        }
        if self.is_replaced || self.file.metadata()?.len() < self.offset {
            return Ok(0);
        }
        // What was written before it was replaced is read first: look once more.
        self.is_replaced = self.is_left()?;
        if std::mem::replace(&mut self.is_waiting, true) && !self.is_replaced {
            thread::sleep(PAUSE);
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}
