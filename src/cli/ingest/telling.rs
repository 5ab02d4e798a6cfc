//! A sink that stores rows, and keeps and tells refused ones no later than what stands behind them.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use silverback::ingest::{Ingested, Rejected, Row, Sink, StoreSink};
use silverback::{ErrorKind, MetricDef, Result};

use crate::cli::Context;
use crate::cli::ingest::rejects::Rejects;

/// How many refused rows are told with their reason at once.
const REASONS_MAX: usize = 10;
/// How often they are told while others come.
const PAUSE: Duration = Duration::from_secs(1);

/// Passes rows on to a store. The file of refused rows is written before the store remembers that
/// they were passed, so that whatever ends the process loses none.
pub(crate) struct Telling<'a> {
    store: StoreSink<'a>,
    rejects: Option<&'a Mutex<Rejects>>,
    context: &'a Context,
    /// True for an input that has no end to tell them at.
    is_endless: bool,
    /// The first refused rows that were not told, and how many there are.
    untold: Vec<Rejected>,
    count: u64,
    told_at: Option<Instant>,
    is_unwritten: bool,
}

impl<'a> Telling<'a> {
    /// Passes rows on; of an endless input refused ones are told as they come.
    pub(crate) fn new(
        store: StoreSink<'a>,
        rejects: Option<&'a Mutex<Rejects>>,
        context: &'a Context,
        is_endless: bool,
    ) -> Self {
        let (untold, count, told_at, is_unwritten) = (Vec::new(), 0, None, false);
        Self { store, rejects, context, is_endless, untold, count, told_at, is_unwritten }
    }

    /// Stores what is left, and tells what was not told.
    pub(crate) fn finish(mut self) -> (Ingested, Result<()>) {
        self.tell();
        if let Err(error) = self.write() {
            return (self.store.stored(), Err(error));
        }
        self.store.finish()
    }

    fn tell(&mut self) {
        self.context.say_rejected(&self.untold, self.count);
        self.untold.clear();
        self.count = 0;
        self.told_at = Some(Instant::now());
    }

    fn write(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_unwritten) {
            return Ok(());
        }
        let Some(rejects) = self.rejects else { return Ok(()) };
        let written = rejects.lock().unwrap_or_else(PoisonError::into_inner).flush();
        written.map_err(|source| {
            let path = Path::new("rejects").to_owned();
            ErrorKind::Io { operation: "write", path, source }.into()
        })
    }
}

impl Sink for Telling<'_> {
    fn metric(&mut self, def: &MetricDef) -> Result<()> {
        self.store.metric(def)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        if self.store.commits_before(row) {
            self.write()?;
            let is_due = self.told_at.is_none_or(|told_at| told_at.elapsed() > PAUSE);
            if self.is_endless && self.count > 0 && is_due {
                self.tell();
            }
        }
        self.store.row(row)
    }

    fn refused(&mut self, rejected: &Rejected, end: Option<u64>) -> Result<()> {
        self.is_unwritten = true;
        self.count += 1;
        if self.untold.len() < REASONS_MAX {
            self.untold.push(rejected.clone());
        }
        self.store.refused(rejected, end)
    }

    fn input(&mut self) -> Result<()> {
        self.store.input()
    }

    fn idle(&mut self) -> Result<()> {
        self.write()?;
        if self.is_endless {
            self.tell();
        }
        self.store.idle()
    }
}
