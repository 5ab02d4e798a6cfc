//! What a question is asked about: stores, or files that are read for it.

use std::fs::OpenOptions;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use silverback::ingest::{Input, StoreSink, ingest};
use silverback::{Clock, Reader, Snapshot, Store, Timestamp};

use crate::cli::Context;
use crate::cli::ingest::ReadingArguments;

/// How many samples of a file are stored at once.
const BATCH_SAMPLES: usize = 1_000;

/// Arguments that say what is asked about.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// Ask about this file instead of a store; may be given several times
    #[arg(long, value_name = "DATA")]
    file: Vec<PathBuf>,
    #[command(flatten, next_help_heading = "How files are read")]
    reading: ReadingArguments,
}

/// What snapshots are taken of, one after the other.
#[derive(Debug)]
pub(crate) enum Source {
    /// A store, which changes.
    Store(Reader),
    /// Files, which were read.
    Files(Snapshot),
}

/// The time of rows that have none: when they were read.
#[derive(Debug)]
struct FileClock(Timestamp);

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl SourceArguments {
    pub(crate) fn open(&self, context: &Context) -> anyhow::Result<Source> {
        if self.file.is_empty() {
            return Ok(Source::Store(context.reader()?));
        }
        Ok(Source::Files(self.read(context)?))
    }

    /// Reads the files into a store in memory.
    fn read(&self, context: &Context) -> anyhow::Result<Snapshot> {
        let store = Store::options().limits(self.reading.limits()).in_memory()?;
        let clock = FileClock(store.now());
        let mapping = self.reading.mapping()?;
        for path in &self.file {
            let name = path.display().to_string();
            let bytes = OpenOptions::new().read(true).open(path);
            let bytes = bytes.with_context(|| format!("cannot read {name}"))?;
            let options = self.reading.options(mapping.as_ref(), true).clock(&clock);
            let mut sink = StoreSink::new(&store).batch_samples(BATCH_SAMPLES);
            let report = ingest(Input { name, bytes }, options, &mut sink)?;
            sink.finish().1?;
            context.say_rejected(&report.rejected, report.rows_rejected);
        }
        Ok(store.snapshot()?)
    }
}

impl Source {
    /// Takes a snapshot of now.
    pub(crate) fn snapshot(&self) -> anyhow::Result<Snapshot> {
        match self {
            Self::Store(reader) => Ok(reader.snapshot()?),
            Self::Files(snapshot) => Ok(snapshot.clone()),
        }
    }

    /// Returns true if questions without a range are about all samples.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Files(_))
    }
}
