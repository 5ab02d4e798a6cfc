//! The inputs of `silverback ingest`, one after the other or side by side as they grow.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use silverback::ingest::{
    IngestOptions, IngestReport, Ingested, Input, Mapping, StoreSink, ingest,
};
use silverback::{Clock, Store, Timestamp};

use crate::cli::Context;
use crate::cli::ingest::arguments::IngestArguments;
use crate::cli::ingest::follow::Followed;
use crate::cli::ingest::identity::place;
use crate::cli::ingest::piped::Piped;
use crate::cli::ingest::rejects::Rejects;

/// The clock of a store.
#[derive(Debug)]
pub(crate) struct StoreClock<'a>(pub(crate) &'a Store);

impl Clock for StoreClock<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The inputs, and what they share.
pub(crate) struct Inputs<'a> {
    pub(crate) arguments: &'a IngestArguments,
    pub(crate) mapping: Option<Mapping>,
    pub(crate) store: &'a Store,
    pub(crate) rejects: Option<Mutex<Rejects>>,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) context: &'a Context,
}

/// What was done, over all inputs.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) rows: u64,
    pub(crate) samples: u64,
    pub(crate) refused: u64,
    /// Where reading ended: the line, and the input's name.
    pub(crate) at: Option<(u64, String)>,
}

/// Opens a file.
pub(crate) fn open(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().read(true).open(path);
    file.with_context(|| format!("cannot read {}", path.display()))
}

impl Inputs<'_> {
    /// Reads the inputs one after the other.
    pub(crate) fn read_all(&self, done: &mut Done) -> anyhow::Result<()> {
        for path in &self.arguments.files {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            if path.as_os_str() == "-" {
                self.read(path, Piped::stdin()?, None, 0, done)?;
                continue;
            }
            let mut file = open(path)?;
            let found = place(self.store, &mut file, self.arguments.resume);
            let found = found.with_context(|| format!("cannot read {}", path.display()))?;
            self.read(path, file, Some(found.producer), found.offset, done)?;
        }
        Ok(())
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
            done.rows += of.rows;
            done.samples += of.samples;
            done.refused += of.refused;
            done.at = done.at.take().or(of.at);
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
                self.read(path, followed, Some(found.producer), found.offset, &mut done)
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

    /// Reads one input to its end and stores what is good.
    fn read<R: Read>(
        &self,
        path: &Path,
        bytes: R,
        producer: Option<String>,
        offset: u64,
        done: &mut Done,
    ) -> anyhow::Result<()> {
        let name = path.display().to_string();
        let mut sink = StoreSink::new(self.store).batch_samples(self.arguments.batch);
        sink.producer(producer, self.arguments.resume)?;
        let clock = StoreClock(self.store);
        let mut rejects = self.rejects.as_ref().map(Shared);
        let mut options = self.options(offset, &clock);
        if let Some(rejects) = &mut rejects {
            options = options.rejects(rejects);
        }
        let outcome = ingest(Input { name: name.clone(), bytes }, options, &mut sink);
        // What was read before an error is good, and is kept: it can be gone on from there.
        let (Ingested { rows, samples, line, .. }, finished) = sink.finish();
        done.rows += rows;
        done.samples += samples;
        done.at = Some((line, name));
        let report: IngestReport = outcome?;
        finished?;
        self.context.say_rejected(&report);
        done.refused += report.rows_rejected;
        if let Some(Shared(rejects)) = &rejects {
            rejects.lock().unwrap_or_else(PoisonError::into_inner).end_row();
        }
        Ok(())
    }

    fn options<'b>(&'b self, offset: u64, clock: &'b StoreClock<'_>) -> IngestOptions<'b> {
        let options = self.arguments.reading.options(self.mapping.as_ref(), false);
        options
            .stop_on_error(self.arguments.on_error == "stop")
            .resume_at(offset)
            .clock(clock)
            .stop_flag(self.stop)
    }
}

/// The refused rows of several inputs, in one file.
struct Shared<'a>(&'a Mutex<Rejects>);

impl Write for Shared<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
