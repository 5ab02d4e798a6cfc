//! The inputs of `silverback ingest`, one after the other or side by side as they grow.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context as _;
use silverback::ingest::Mapping;
use silverback::{Progress, Store};

use crate::cli::Context;
use crate::cli::ingest::arguments::IngestArguments;
use crate::cli::ingest::follow::Followed;
use crate::cli::ingest::identity::place;
use crate::cli::ingest::intake::Done;
use crate::cli::ingest::piped::Piped;
use crate::cli::ingest::rejects::Rejects;
use crate::cli::progress::Counted;

/// The inputs, and what they share.
pub(crate) struct Inputs<'a> {
    pub(crate) arguments: &'a IngestArguments,
    pub(crate) mapping: Option<Mapping>,
    pub(crate) store: &'a Store,
    pub(crate) rejects: Option<Mutex<Rejects>>,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) context: &'a Context,
    pub(crate) progress: &'a Progress,
}

/// Opens a file.
pub(crate) fn open(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().read(true).open(path);
    file.with_context(|| format!("cannot read {}", path.display()))
}

impl Inputs<'_> {
    /// Reads the inputs one after the other.
    pub(crate) fn read_all(&self, done: &mut Done) -> anyhow::Result<()> {
        self.expect_files();
        for path in &self.arguments.files {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            if path.as_os_str() == "-" {
                let stdin = Counted { inner: Piped::stdin()?, progress: self.progress };
                self.read(path, stdin, None, done)?;
                continue;
            }
            let mut file = open(path)?;
            let found = place(self.store, &mut file, self.arguments.resume);
            let found = found.with_context(|| format!("cannot read {}", path.display()))?;
            let file = Counted { inner: file, progress: self.progress };
            self.read(path, file, Some(found), done)?;
        }
        Ok(())
    }

    /// Says how many bytes all files have, unless one input is a pipe, whose end nobody knows.
    fn expect_files(&self) {
        let length =
            |path| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|of| of.len());
        let lengths: Option<Vec<u64>> = self.arguments.files.iter().map(length).collect();
        self.progress.expect(lengths.unwrap_or_default().iter().sum());
    }

    /// Follows the inputs side by side.
    pub(crate) fn follow_all(&self, done: &mut Done) -> anyhow::Result<()> {
        let outcomes: Vec<(Done, anyhow::Result<()>)> = thread::scope(|scope| {
            let follow = |path: &'_ Path| {
                let path = path.to_owned();
                scope.spawn(move || self.follow(&path))
            };
            let threads: Vec<_> = self.arguments.files.iter().map(|path| follow(path)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let mut first = Ok(());
        for (of, outcome) in outcomes {
            done.add(of);
            first = first.and(outcome);
        }
        first
    }

    /// Follows one path from file to file.
    fn follow(&self, path: &Path) -> (Done, anyhow::Result<()>) {
        let (mut done, mut resumes) = (Done::default(), self.arguments.resume);
        loop {
            let outcome = open(path).and_then(|mut file| {
                let found = place(self.store, &mut file, resumes)?;
                let followed = Followed::new(path, file);
                self.read(path, followed, Some(found), &mut done)
            });
            // What comes next is another file, or the same one from its beginning.
            resumes = true;
            if outcome.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            if self.stop.load(Ordering::Relaxed) {
                return (done, outcome);
            }
        }
    }
}
