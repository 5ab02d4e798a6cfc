//! Appending: many threads, one order, no system call on the way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{ErrorKind, Result};
use crate::format::checksum::WordCrc;
use crate::format::frame::{FrameTag, OpenFrame, SHORT_FRAME_WORDS, Token, Unsealed, encode_batch};
use crate::model::MetricDef;
use crate::wal::definitions::Definitions;
use crate::wal::series::LogSeries;
use crate::wal::sync::SyncState;
use crate::wal::tail::{NewLog, Preface, Producers, Sealed, Stop, Tail, Watermark};

pub(super) const SHORT_FRAME_BYTES: u64 = 8 * SHORT_FRAME_WORDS as u64;

/// The end of a frame that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The generation that holds the frame.
    pub generation: u64,
    /// The end of the frame in it.
    pub end: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It was stored, and ends here.
    Stored(Position),
    /// Its producer had sent it before: it lies before this end.
    Known(Position),
}

/// Memory that batches reuse.
#[derive(Debug)]
pub(crate) struct BatchScratch {
    body: Vec<u8>,
    words: Vec<u64>,
    frame_bytes_max: u64,
}

impl BatchScratch {
    /// Starts with no memory; longer frames than this are refused.
    pub(crate) fn new(frame_bytes_max: u64) -> Self {
        Self { body: Vec::new(), words: Vec::new(), frame_bytes_max }
    }

    /// Returns the length of the frame that was encoded last.
    pub(crate) fn frame_bytes(&self) -> u64 {
        8 * self.words.len() as u64
    }

    /// Encodes a batch; returns the argument of its frame.
    fn encode(
        &mut self,
        rows: impl Iterator<Item = (u32, i64, f64)> + Clone,
        token: Option<Token>,
    ) -> Result<u64> {
        let arg = encode_batch(rows, token, &mut self.body, &mut self.words);
        let (limit, encoded) = (self.frame_bytes_max, self.frame_bytes());
        match arg {
            Ok(arg) if encoded <= limit => Ok(arg),
            // A frame whose length has no place in its head is longer than any limit.
            _ => {
                let got = encoded.max(self.body.len() as u64).max(limit + 1);
                Err(ErrorKind::Limit { what: "bytes of a batch", limit, got }.into())
            }
        }
    }
}

/// The writer's side of the log.
#[derive(Debug)]
pub(crate) struct Wal {
    pub(super) tail: Mutex<Tail>,
    /// The current generation (upper 32 bits) and its checksum start, as a hint: appenders sum
    /// their frame with it before they take the lock, and check under the lock that it still holds.
    pub(super) hint: AtomicU64,
    pub(super) sync: Mutex<SyncState>,
    pub(super) synced: Condvar,
}

impl Wal {
    /// Starts appending to a new generation whose file holds its header and is on disk.
    ///
    /// # Errors
    /// I/O errors of the first frames.
    pub(crate) fn start(
        log: NewLog,
        open: OpenFrame,
        preface: Preface<'_>,
        producers: Producers,
    ) -> Result<Self> {
        let durable = Position { generation: log.header.generation, end: 0 };
        let tail = Tail::start(log, open, preface, producers)?;
        Ok(Self {
            hint: AtomicU64::new(hint_of(&tail)),
            tail: Mutex::new(tail),
            sync: Mutex::new(SyncState { is_led: false, durable }),
            synced: Condvar::new(),
        })
    }

    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one sample. On return it survives the death of the process, as does all before it.
    ///
    /// Returns nothing where the generation is full: the caller rotates and tries again.
    ///
    /// # Errors
    /// I/O errors, a full disk, a log that is closed or poisoned; nothing is stored then.
    #[inline]
    pub(crate) fn append(
        &self,
        series: &LogSeries,
        timestamp: i64,
        value: f64,
    ) -> Result<Option<Position>> {
        let hint = self.hint.load(Ordering::Acquire);
        let generation = hint >> 32;
        if let Some(reference) = series.reference(generation) {
            let rest = [timestamp.cast_unsigned(), value.to_bits()];
            let unsealed =
                Unsealed::new(crc_of(hint), FrameTag::Sample, u64::from(reference), &rest);
            let mut tail = self.tail();
            if hint_of(&tail) == hint
                && tail.stop.is_none()
                && tail.end + SHORT_FRAME_BYTES <= tail.file.limit()
            {
                let [one, two] = rest;
                let end = tail.store(unsealed, &mut [0, one, two])?;
                tail.count(end);
                return Ok(Some(Position { generation, end }));
            }
        }
        self.append_with_care(series, timestamp, value)
    }

    /// Appends one sample where something is missing: a definition, room, or a fresh hint.
    #[cold]
    fn append_with_care(
        &self,
        series: &LogSeries,
        timestamp: i64,
        value: f64,
    ) -> Result<Option<Position>> {
        let mut tail = self.tail();
        tail.check_open()?;
        if !tail.define_missing(std::iter::once(series), SHORT_FRAME_BYTES)? {
            return Ok(None);
        }
        let generation = tail.header.generation;
        let Some(reference) = series.reference(generation) else { return Ok(None) };
        let (one, two) = (timestamp.cast_unsigned(), value.to_bits());
        tail.grow_for(SHORT_FRAME_BYTES)?;
        let unsealed = Unsealed::new(tail.crc, FrameTag::Sample, u64::from(reference), &[one, two]);
        let end = tail.store(unsealed, &mut [0, one, two])?;
        tail.count(end);
        Ok(Some(Position { generation, end }))
    }

    /// Appends a batch as one frame, visible all or nothing; it must not be empty. With a token it
    /// is stored only where the log does not know it yet.
    ///
    /// Returns nothing where the generation is full: the caller rotates and tries again.
    ///
    /// # Errors
    /// I/O errors, a full disk, a log that is closed or poisoned; nothing is stored then.
    pub(crate) fn append_batch(
        &self,
        rows: &[(Arc<LogSeries>, i64, f64)],
        token: Option<Token>,
        scratch: &mut BatchScratch,
    ) -> Result<Option<Appended>> {
        loop {
            let hint = self.hint.load(Ordering::Acquire);
            let generation = hint >> 32;
            let all_known = rows.iter().all(|(series, ..)| series.reference(generation).is_some());
            if !all_known {
                let mut tail = self.tail();
                tail.check_open()?;
                let series = rows.iter().map(|(series, ..)| &**series);
                if !tail.define_missing(series, 0)? {
                    return Ok(None);
                }
                continue;
            }
            let encoded = rows.iter().map(|(series, timestamp, value)| {
                (series.reference(generation).unwrap_or(u32::MAX), *timestamp, *value)
            });
            let arg = scratch.encode(encoded, token)?;
            let words = &mut scratch.words;
            let summed = words.len().saturating_sub(1);
            let unsealed = Unsealed::new(
                crc_of(hint),
                if token.is_some() { FrameTag::Once } else { FrameTag::Batch },
                arg,
                words.get(1..summed).unwrap_or(&[]),
            );
            let mut tail = self.tail();
            tail.check_open()?;
            if hint_of(&tail) != hint {
                continue;
            }
            return tail.store_batch(unsealed, words, token);
        }
    }

    /// Returns the point up to which everything is committed.
    #[must_use]
    pub(crate) fn watermark(&self) -> Watermark {
        self.tail().watermark()
    }

    /// Returns how far a producer has come.
    pub(crate) fn position_of(&self, producer: u64) -> Option<u64> {
        self.tail().producers.positions.get(&producer).copied()
    }

    /// Returns how many series the current generation has defined.
    pub(crate) fn series_count(&self) -> u32 {
        self.tail().definitions.series_count()
    }

    /// Returns true if the current generation holds no sample yet.
    pub(crate) fn is_fresh(&self) -> bool {
        let tail = self.tail();
        tail.seq == tail.seq_start
    }

    /// Returns true if a store or a sync has failed.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.tail().check_unpoisoned().is_err()
    }

    /// Returns how many bytes of the current generation are used, and how many it can still take
    /// before the file must grow.
    #[must_use]
    pub(crate) fn room(&self) -> (u64, u64) {
        let tail = self.tail();
        (tail.end, tail.file.limit().saturating_sub(tail.end))
    }

    /// Grows the current generation's file ahead of need; a full generation is left as it is.
    ///
    /// # Errors
    /// What the system says, such as a full disk.
    pub(crate) fn grow_ahead(&self, bytes: u64) -> Result<()> {
        let (file, len) = {
            let tail = self.tail();
            (Arc::clone(&tail.file), tail.end.saturating_add(bytes).min(tail.len_max))
        };
        if len <= file.limit() {
            return Ok(());
        }
        file.grow(len).map_err(|error| {
            // The sync that growing ends with covers the frames of this file too.
            if error.is_failed_sync() { self.tail().fail_sync(error) } else { error }
        })
    }

    /// Moves appending to the next generation, whose file holds its header and is on disk.
    ///
    /// The current one is synced before the OPEN frame names its end; appenders wait meanwhile.
    ///
    /// # Errors
    /// The failure of the sync or of the first frames, after which the log is poisoned.
    pub(crate) fn rotate(&self, log: NewLog, preface: Preface<'_>) -> Result<Sealed> {
        self.sync_all()?;
        let mut tail = self.tail();
        tail.check_open()?;
        // What came since sync_all is little: appenders wait for one short sync.
        tail.file.sync().map_err(|error| tail.fail_sync(error))?;
        let sealed = tail.sealed();
        let open = OpenFrame {
            previous_generation: sealed.generation,
            previous_end: sealed.end,
            previous_seq: sealed.seq,
        };
        let next = Position { generation: log.header.generation, end: 0 };
        let producers = std::mem::take(&mut tail.producers);
        *tail = Tail::start(log, open, preface, producers).map_err(|error| tail.poison(error))?;
        self.hint.store(hint_of(&tail), Ordering::Release);
        drop(tail);
        let mut state = self.sync_state();
        state.durable = state.durable.max(next);
        self.synced.notify_all();
        Ok(sealed)
    }

    /// Writes definitions of metrics, so that they are known before their first sample.
    ///
    /// Returns false where the generation is full.
    ///
    /// # Errors
    /// I/O errors, a full disk, a log that is closed or poisoned.
    pub(crate) fn define_metric(&self, def: &MetricDef) -> Result<bool> {
        let mut tail = self.tail();
        tail.check_open()?;
        if tail.definitions.has_metric(def) {
            return Ok(true);
        }
        let bytes = Definitions::metric_bytes_max(def);
        if tail.is_full_for(bytes) {
            return Ok(false);
        }
        tail.grow_for(bytes)?;
        let mut records = Vec::new();
        tail.definitions.metric(def, &mut records);
        tail.store_definitions(&records)?;
        Ok(true)
    }

    /// Takes no more frames: syncs, and writes CLOSE. A second call does nothing.
    ///
    /// # Errors
    /// The failure of the sync.
    pub(crate) fn close(&self) -> Result<()> {
        if matches!(self.tail().stop, Some(Stop::Closed)) {
            return Ok(());
        }
        let synced = self.sync_all();
        let mut tail = self.tail();
        let closed = synced.and_then(|()| tail.store_close());
        // Whatever failed, the lock is let go after this, so nothing may be stored any more.
        tail.stop = Some(Stop::Closed);
        closed
    }

    /// Takes no more frames, and leaves the log as a killed process would.
    pub(crate) fn abandon(&self) {
        self.tail().stop.get_or_insert(Stop::Closed);
    }
}

impl Tail {
    pub(super) fn check_unpoisoned(&self) -> Result<()> {
        match &self.stop {
            Some(stop @ (Stop::Poisoned { .. } | Stop::SyncFailed { .. })) => Err(stop.to_error()),
            Some(Stop::Closed) | None => Ok(()),
        }
    }

    /// Stores CLOSE and syncs it; a log without room for it ends as one that was not closed.
    fn store_close(&mut self) -> Result<()> {
        if self.stop.is_some() || !self.has_room_for(SHORT_FRAME_BYTES) {
            return Ok(());
        }
        self.store_short(FrameTag::Close, self.seq, 0)?;
        self.file.sync()
    }

    fn store_batch(
        &mut self,
        unsealed: Unsealed,
        words: &mut [u64],
        token: Option<Token>,
    ) -> Result<Option<Appended>> {
        let generation = self.header.generation;
        if let Some(token) = token {
            if self.producers.knows(token) {
                return Ok(Some(Appended::Known(Position { generation, end: self.end })));
            }
            self.producers.check_place(token)?;
        }
        let bytes = 8 * words.len() as u64;
        if self.is_full_for(bytes) {
            return Ok(None);
        }
        self.grow_for(bytes)?;
        let seq = self.seq + 1;
        if let Some(last) = words.last_mut() {
            *last = seq;
        }
        let end = self.store(unsealed.word(seq), words)?;
        self.count(end);
        if let Some(Token { producer, position }) = token {
            self.producers.positions.insert(producer, position);
        }
        Ok(Some(Appended::Stored(Position { generation, end })))
    }
}

pub(super) fn hint_of(tail: &Tail) -> u64 {
    (tail.header.generation << 32) | u64::from(tail.crc.state())
}

fn crc_of(hint: u64) -> WordCrc {
    let [a, b, c, d, ..] = hint.to_le_bytes();
    WordCrc::of_state(u32::from_le_bytes([a, b, c, d]))
}
