//! One input to its end: what is good goes into the store, what is bad is told, counted and kept.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use silverback::ingest::{IngestOptions, IngestReport, Ingested, Input, StoreSink, ingest};
use silverback::{Clock, Store, Timestamp};

use crate::cli::ingest::identity::Place;
use crate::cli::ingest::inputs::Inputs;
use crate::cli::ingest::rejects::Rejects;
use crate::cli::ingest::telling::Telling;

/// The clock of a store.
#[derive(Debug)]
pub(crate) struct StoreClock<'a>(pub(crate) &'a Store);

impl Clock for StoreClock<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
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

impl Done {
    /// Adds what was done of another input. Where reading ended first is what is told.
    pub(crate) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.samples += other.samples;
        self.refused += other.refused;
        self.at = self.at.take().or(other.at);
    }
}

impl Inputs<'_> {
    /// Reads one input to its end and stores what is good.
    pub(crate) fn read<R: Read>(
        &self,
        path: &Path,
        bytes: R,
        place: Option<Place>,
        done: &mut Done,
    ) -> anyhow::Result<()> {
        let name = path.display().to_string();
        let mut store = StoreSink::new(self.store).batch_samples(self.arguments.batch.get());
        let is_endless = self.arguments.follow || place.is_none();
        // Whoever goes on leaves a line that is being written until it is.
        let goes_on = self.arguments.follow || self.arguments.resume;
        let leaves = goes_on && place.as_ref().is_some_and(|place| !place.is_packed);
        let offset = place.as_ref().map_or(0, |place| place.offset);
        store.producer(place.map(|place| place.producer), self.arguments.resume)?;
        let mut sink = Telling::new(store, self.rejects.as_ref(), self.context, is_endless);
        let clock = StoreClock(self.store);
        let mut rejects = self.rejects.as_ref().map(Shared);
        let mut options = self.options(offset, &clock).leave_unfinished(leaves);
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
        if let Some(mapping) = &report.mapping {
            self.context.say_more(&format!("{}: read by --map '{mapping}'", path.display()));
        }
        if let Some(line) = report.left {
            let left = "the line has no end yet and is left for later";
            self.context.say(&format!("{}:{line}: {left}", path.display()));
        }
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
