//! Rows of an input into a store, in batches.

use crate::error::{ErrorKind, Result};
use crate::ingest::report::Rejected;
use crate::ingest::sink::{Row, Sink};
use crate::model::{MetricDef, SeriesKey};
use crate::store::{Batch, Series, Store};

/// How many samples become visible and durable together.
const BATCH_SAMPLES: usize = 1_000;

/// How much of an input lies in the store.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Ingested {
    /// Rows of all inputs.
    pub rows: u64,
    /// Samples of all inputs.
    pub samples: u64,
    /// The line of the last input that they reach to, counted from 1; 0 where there is none yet.
    pub line: u64,
}

/// Appends rows to a store in batches: a row is in one batch whole, with all its metrics.
///
/// Rows of a group cost no look-up of their series. With a producer, each batch is stored once: the
/// store remembers the byte that it ended at, and refuses what stands before it.
///
/// ```
/// use silverback::Store;
/// use silverback::ingest::{IngestOptions, Input, StoreSink, ingest};
///
/// # fn main() -> silverback::Result<()> {
/// let store = Store::in_memory()?;
/// let text = "requests,bot=support ms=842,tokens=412i 1770631200000000000\n";
/// let mut sink = StoreSink::new(&store);
/// let input = Input { name: "requests.lp".to_owned(), bytes: text.as_bytes() };
/// ingest(input, IngestOptions::default(), &mut sink)?;
/// let (stored, outcome) = sink.finish();
/// outcome?;
/// assert_eq!((stored.rows, stored.samples), (1, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StoreSink<'a> {
    store: &'a Store,
    batch: Batch,
    batch_samples: usize,
    /// Handles by group and metric, so that a row costs no look-up.
    handles: Vec<Vec<Option<Series>>>,
    producer: Option<String>,
    is_required: bool,
    stored: Ingested,
    /// What waits in the batch, and the byte that it ends before.
    waiting: Ingested,
    end: u64,
    /// The byte that refused rows reach to, and the one that the store remembers.
    passed: u64,
    committed: u64,
}

impl<'a> StoreSink<'a> {
    /// Appends to a store, 1,000 samples a batch.
    #[must_use]
    pub fn new(store: &'a Store) -> Self {
        Self {
            store,
            batch: store.batch(),
            batch_samples: BATCH_SAMPLES,
            handles: Vec::new(),
            producer: None,
            is_required: false,
            stored: Ingested::default(),
            waiting: Ingested::default(),
            end: 0,
            passed: 0,
            committed: 0,
        }
    }

    /// Sets how many samples a batch has. Default: 1,000.
    #[must_use]
    pub fn batch_samples(mut self, samples: usize) -> Self {
        self.batch_samples = samples.max(1);
        self
    }

    /// Names the input that comes next, so that [`Store::position_of`] tells how far it was stored:
    /// the byte of its plain text. Without a name nothing is remembered of it, nor where the store
    /// has no place for another name, unless `is_required`.
    ///
    /// # Errors
    /// As [`Batch::commit`], for what waits of the input before.
    pub fn producer(&mut self, name: Option<String>, is_required: bool) -> Result<()> {
        self.commit()?;
        self.producer = name;
        self.is_required = is_required;
        Ok(())
    }

    /// Returns how much was stored so far.
    #[must_use]
    pub fn stored(&self) -> Ingested {
        self.stored
    }

    /// Appends what is left, and returns how much was stored, also where that failed.
    pub fn finish(mut self) -> (Ingested, Result<()>) {
        let outcome = self.commit();
        (self.stored, outcome)
    }

    fn commit(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let end = self.end.max(self.passed);
        // Refused rows alone are worth a batch as well: else they would be refused again.
        if waiting.rows == 0 && (self.producer.is_none() || end <= self.committed) {
            return Ok(());
        }
        let once = match &self.producer {
            Some(producer) => self.batch.commit_once_and_clear(producer, end).map(|_| ()),
            None => self.batch.commit_and_clear(),
        };
        match once {
            Err(error) if !self.is_required && is_producers_full(error.kind()) => {
                self.producer = None;
                self.batch.commit_and_clear()?;
            }
            outcome => outcome?,
        }
        self.committed = end;
        self.stored.rows += waiting.rows;
        self.stored.samples += waiting.samples;
        self.stored.line = self.stored.line.max(waiting.line);
        Ok(())
    }

    /// True where the next row makes a batch of what waits before it.
    #[must_use]
    pub fn commits_before(&self, row: &Row<'_>) -> bool {
        // Samples that end at one place are of one row.
        self.batch.len() + row.values.len() > self.batch_samples && row.end != self.end
    }

    /// Finds the series of a row's values.
    fn resolve(&mut self, row: &Row<'_>) -> Result<()> {
        let group = row.group as usize;
        if self.handles.len() <= group {
            self.handles.resize_with(group + 1, Vec::new);
        }
        let Some(handles) = self.handles.get_mut(group) else { return Ok(()) };
        handles.resize(row.metrics.len().max(handles.len()), None);
        for (place, _) in row.values {
            let place = *place as usize;
            let (Some(handle), Some(metric)) = (handles.get_mut(place), row.metrics.get(place))
            else {
                continue;
            };
            if handle.is_none() {
                let labels = row.labels.iter().map(|(name, value)| (&**name, &**value));
                *handle = Some(self.store.series(&SeriesKey::with_labels(metric, labels))?);
            }
        }
        Ok(())
    }

    #[inline]
    fn is_resolved(&self, row: &Row<'_>) -> bool {
        let Some(handles) = self.handles.get(row.group as usize) else { return false };
        row.values
            .iter()
            .all(|(place, _)| handles.get(*place as usize).is_some_and(Option::is_some))
    }
}

impl Sink for StoreSink<'_> {
    fn metric(&mut self, def: &MetricDef) -> Result<()> {
        let metric = self.store.metric(def.name.as_str()).kind(def.kind).duplicates(def.duplicates);
        match &def.unit {
            Some(unit) => metric.unit(unit.as_str()).define(),
            None => metric.define(),
        }
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        if !self.is_resolved(row) {
            self.resolve(row)?;
        }
        if self.commits_before(row) {
            self.commit()?;
        }
        let before = self.batch.len();
        let handles = self.handles.get(row.group as usize).map_or(&[][..], Vec::as_slice);
        for (place, value) in row.values {
            let Some(Some(series)) = handles.get(*place as usize) else { continue };
            if let Err(error) = self.batch.add(series, row.timestamp, *value) {
                // A row is stored whole or not at all.
                self.batch.truncate(before);
                return Err(error);
            }
        }
        self.waiting.rows += u64::from(row.end != self.end || self.waiting.rows == 0);
        self.waiting.samples += row.values.len() as u64;
        self.waiting.line = row.line;
        self.end = row.end;
        Ok(())
    }

    fn input(&mut self) -> Result<()> {
        self.commit()?;
        self.handles.clear();
        self.stored.line = 0;
        (self.end, self.passed, self.committed) = (0, 0, 0);
        Ok(())
    }

    fn refused(&mut self, _: &Rejected, end: Option<u64>) -> Result<()> {
        self.passed = end.unwrap_or(0).max(self.passed);
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        self.commit()
    }
}

/// True for an error that says that the store remembers no further producers.
fn is_producers_full(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Limit { what: "producers", .. })
}
