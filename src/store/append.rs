//! Appending: a handle for a series, and batches over several.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, ErrorKind, Result};
use crate::format::frame::Token;
use crate::model::{MetricDef, MetricKind, ModelError, SeriesKey, Timestamp};
use crate::store::core::{Core, Store, locked};
use crate::store::options::Durability;
use crate::wal::{Appended, BatchScratch, LogSeries, Position};

/// A handle for appending to one series. Clones are cheap; any thread may use any of them.
///
/// An append hashes nothing, allocates nothing and makes no system call, except to grow the log.
#[derive(Debug, Clone)]
pub struct Series {
    core: Arc<Core>,
    entry: Arc<LogSeries>,
}

impl Series {
    pub(crate) fn new(core: Arc<Core>, entry: Arc<LogSeries>) -> Self {
        Self { core, entry }
    }

    /// Returns the series' identity.
    #[must_use]
    pub fn key(&self) -> &SeriesKey {
        &self.entry.key
    }

    /// Appends one sample. Late ones are welcome; on return it survives the death of the process,
    /// and with [`Durability::Sync`] a power cut.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`], [`ModelError::TooFarInTheFuture`], [`ModelError::Expired`], a
    /// full disk, a store that is closed or poisoned. Nothing is stored then.
    pub fn append(&self, timestamp: Timestamp, value: f64) -> Result<()> {
        self.core.append(&self.entry, timestamp, value)
    }
}

impl Series {
    /// Records when a counter began to count: a sample of 0 at that time, so that its first value
    /// counts as an increase, as `OpenMetrics` does with creation times. Without it the first
    /// sample of a series counts as nothing, since it may have grown before anyone looked.
    ///
    /// ```
    /// use silverback::{SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// store.metric("requests_total").counter().define()?;
    /// let requests = store.series(&SeriesKey::new("requests_total"))?;
    /// let now = store.now();
    /// requests.start(now)?;
    /// requests.append(now.saturating_add(1), 7.0)?;
    /// let answer = store.snapshot()?.query("increase(requests_total) last 1h")?;
    /// assert_eq!(answer.rows[0][0], silverback::Cell::Number(7.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ModelError::MetricConflict`] for a metric of another kind, and as [`Series::append`].
    pub fn start(&self, timestamp: Timestamp) -> Result<()> {
        let def = &self.entry.metric.def;
        if def.kind != MetricKind::Counter {
            let counter = MetricDef { kind: MetricKind::Counter, ..def.clone() };
            def.check_same(&counter)?;
        }
        self.append(timestamp, 0.0)
    }
}

impl Core {
    /// Appends one sample.
    #[inline]
    pub(crate) fn append(&self, entry: &LogSeries, timestamp: Timestamp, value: f64) -> Result<()> {
        self.check_sample(&entry.key, timestamp, value)?;
        loop {
            match self.wal.append(entry, timestamp.as_nanos(), value) {
                Ok(Some(position)) => return self.acknowledge(position),
                Ok(None) => self.make_room()?,
                Err(error) => self.resume(error)?,
            }
        }
    }

    /// Checks a sample at the door.
    #[inline]
    fn check_sample(&self, key: &SeriesKey, timestamp: Timestamp, value: f64) -> Result<()> {
        if !value.is_finite() {
            return Err(ModelError::NotFinite.into());
        }
        if timestamp.as_nanos() < self.expired_before.load(Ordering::Relaxed) {
            self.check_kept(key.metric(), timestamp)?;
        }
        if timestamp.as_nanos() <= self.newest_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.check_time(timestamp)
    }

    /// Checks a time against the retention of a metric.
    #[cold]
    fn check_kept(&self, metric: &str, timestamp: Timestamp) -> Result<()> {
        let oldest = locked(&self.live).manifest.ledger.retention.expired_before(metric);
        let timestamp = timestamp.as_nanos();
        if timestamp < oldest {
            return Err(ModelError::Expired { timestamp, oldest }.into());
        }
        Ok(())
    }

    /// Checks a time against the clock, and remembers what the clock allows: most samples are older
    /// than that, so that the clock is seldom asked.
    #[cold]
    fn check_time(&self, timestamp: Timestamp) -> Result<()> {
        let ahead = i64::try_from(self.options.limits.future_nanos_max).unwrap_or(i64::MAX);
        // The very last nanosecond belongs to no half-open range.
        let newest = self.options.clock.now().saturating_add(ahead).as_nanos().min(i64::MAX - 1);
        self.newest_known.store(newest, Ordering::Relaxed);
        let timestamp = timestamp.as_nanos();
        if timestamp > newest {
            return Err(ModelError::TooFarInTheFuture { timestamp, newest }.into());
        }
        Ok(())
    }

    /// Moves on to the next log after a failed sync, so that an append can be tried again; returns
    /// any other error.
    #[cold]
    fn resume(&self, error: Error) -> Result<()> {
        let mut error = Some(error);
        self.with_rescue(|| error.take().map_or(Ok(()), Err))
    }

    #[inline]
    fn acknowledge(&self, position: Position) -> Result<()> {
        match self.options.durability {
            Durability::Sync => self.with_rescue(|| self.wal.sync_to(position)),
            Durability::Interval(_) | Durability::Os => Ok(()),
        }
    }
}

/// Samples that become visible all or none, and survive all or none.
///
/// ```
/// use silverback::{SeriesKey, Store};
/// # fn main() -> silverback::Result<()> {
/// let store = Store::in_memory()?;
/// let latency = store.series(&SeriesKey::new("latency").label("bot", "shop"))?;
/// let tokens = store.series(&SeriesKey::new("tokens").label("bot", "shop"))?;
/// let now = store.now();
/// store.batch().push(&latency, now, 842.0).push(&tokens, now, 412.0).commit()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is appended before `commit` is called"]
pub struct Batch {
    core: Arc<Core>,
    rows: Vec<(Arc<LogSeries>, i64, f64)>,
    scratch: BatchScratch,
    /// The first sample that was refused, reported by `commit`.
    refused: Result<()>,
}

impl Store {
    /// Starts a batch.
    pub fn batch(&self) -> Batch {
        Batch {
            core: Arc::clone(&self.handle.core),
            rows: Vec::new(),
            scratch: BatchScratch::new(self.handle.core.options.limits.frame_bytes_max),
            refused: Ok(()),
        }
    }

    /// Returns the position of the last batch that [`Batch::commit_once`] stored for a producer.
    #[must_use]
    pub fn position_of(&self, producer: &str) -> Option<u64> {
        self.handle.core.wal.position_of(producer_id(producer))
    }
}

/// Producers are known by the XXH3-64 of their name.
fn producer_id(producer: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(producer.as_bytes())
}

impl Batch {
    /// Adds a sample; what is wrong with it is reported by [`Batch::commit`].
    pub fn push(mut self, series: &Series, timestamp: Timestamp, value: f64) -> Self {
        if let Err(error) = self.add(series, timestamp, value)
            && self.refused.is_ok()
        {
            self.refused = Err(error);
        }
        self
    }

    /// Adds a sample, or says what is wrong with it and leaves the batch as it was.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`], [`ModelError::TooFarInTheFuture`], [`ModelError::Expired`],
    /// [`ErrorKind::Limit`].
    pub fn add(&mut self, series: &Series, timestamp: Timestamp, value: f64) -> Result<()> {
        self.core.check_sample(series.key(), timestamp, value)?;
        let (limit, got) = (self.core.options.limits.batch_samples_max, self.rows.len() as u64 + 1);
        if got > limit {
            return Err(ErrorKind::Limit { what: "samples of a batch", limit, got }.into());
        }
        if !Arc::ptr_eq(&self.core, &series.core) {
            return Err(ErrorKind::ForeignSeries { series: series.key().to_string() }.into());
        }
        self.rows.push((Arc::clone(&series.entry), timestamp.as_nanos(), value));
        Ok(())
    }

    /// Returns the number of samples added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns true if no sample was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends all samples as one frame of the log. A batch without samples does nothing.
    ///
    /// # Errors
    /// The first sample that [`Batch::push`] refused, [`ErrorKind::Limit`] where the batch is
    /// longer than a log generation, a full disk, a store that is closed or poisoned. Nothing is
    /// stored then.
    pub fn commit(mut self) -> Result<()> {
        std::mem::replace(&mut self.refused, Ok(()))?;
        self.commit_and_clear()
    }

    /// Appends all samples as [`Batch::commit`] does, and keeps the batch's memory for the next.
    ///
    /// # Errors
    /// As [`Batch::commit`], but for refused samples, which [`Batch::add`] reports. The batch is
    /// empty afterwards, also where it failed; but after [`ErrorKind::Backpressure`] it is as it
    /// was.
    pub fn commit_and_clear(&mut self) -> Result<()> {
        let outcome = self.append(None).map(|_| ());
        if !outcome
            .as_ref()
            .is_err_and(|error| matches!(error.kind(), ErrorKind::Backpressure { .. }))
        {
            self.rows.clear();
        }
        outcome
    }

    /// Appends all samples unless the store has this producer's batch of this position, or of a
    /// later one: after an error, a crash or a lost answer the same batch is sent again, and counts
    /// once. Returns true if it was stored now.
    ///
    /// Positions of one producer grow from batch to batch, such as a line of a file or an offset of
    /// a queue; they are remembered for as long as the store exists, also those of batches without
    /// samples.
    ///
    /// ```
    /// use silverback::{SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// let latency = store.series(&SeriesKey::new("latency"))?;
    /// for attempt in 0..2 {
    ///     let batch = store.batch().push(&latency, store.now(), 842.0);
    ///     assert_eq!(batch.commit_once("worker 7", 1)?, attempt == 0);
    /// }
    /// assert_eq!(store.position_of("worker 7"), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Batch::commit`], and [`ErrorKind::Limit`] for too many producers.
    pub fn commit_once(mut self, producer: &str, position: u64) -> Result<bool> {
        std::mem::replace(&mut self.refused, Ok(()))?;
        self.append(Some(Token { producer: producer_id(producer), position }))
    }

    /// Appends all samples as [`Batch::commit_once`] does, and keeps the batch's memory for the
    /// next.
    ///
    /// # Errors
    /// As [`Batch::commit_once`], but for refused samples, which [`Batch::add`] reports. The batch
    /// is empty afterwards; but after an error it is as it was, and may be sent again.
    pub fn commit_once_and_clear(&mut self, producer: &str, position: u64) -> Result<bool> {
        let stored = self.append(Some(Token { producer: producer_id(producer), position }))?;
        self.rows.clear();
        Ok(stored)
    }

    /// Takes back the samples that were added last, so that this many are left.
    pub fn truncate(&mut self, len: usize) {
        self.rows.truncate(len);
    }

    /// Appends the rows; returns false where the log has them already, as their token tells.
    fn append(&mut self, token: Option<Token>) -> Result<bool> {
        if self.rows.is_empty() && token.is_none() {
            return Ok(false);
        }
        let core = &*self.core;
        let mut was_full = false;
        loop {
            match core.wal.append_batch(&self.rows, token, &mut self.scratch) {
                Ok(Some(Appended::Stored(position))) => {
                    return core.acknowledge(position).map(|()| true);
                }
                // It counts as sent once it is as durable as it was asked to be.
                Ok(Some(Appended::Known(position))) => {
                    return core.acknowledge(position).map(|()| false);
                }
                // A batch that does not fit into an empty generation never will.
                Ok(None) if was_full && core.wal.is_fresh() => {
                    let limit = core.generation_bytes_max;
                    let got = self.scratch.frame_bytes().max(limit + 1);
                    return Err(ErrorKind::Limit { what: "bytes of a batch", limit, got }.into());
                }
                Ok(None) => {
                    was_full = true;
                    core.make_room()?;
                }
                Err(error) => core.resume(error)?,
            }
        }
    }
}
