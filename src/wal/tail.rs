//! The end of the log: what the append lock guards.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::checksum::WordCrc;
use crate::format::frame::{
    FrameTag, OpenFrame, SERIES_REFS_MAX, Token, Unsealed, encode_define, encode_delete,
};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::tombstone::Tombstone;
use crate::model::MetricDef;
use crate::vfs::LogFile;
use crate::wal::definitions::Definitions;
use crate::wal::generation::{LogBytes, LogGeneration, PAGE_BYTES};
use crate::wal::series::LogSeries;

/// The most bytes of one DEFINE frame; more records go into more frames.
const DEFINE_BYTES_MAX: usize = 1 << 20;
/// What a DEFINE frame adds to its records: two words and the padding of the last one.
const DEFINE_FRAME_BYTES: u64 = 24;
/// An OPEN frame has four words.
const OPEN_FRAME_BYTES: u64 = 32;

/// A point of the log: everything before it was committed.
#[derive(Debug, Clone)]
pub(crate) struct Watermark {
    /// The log that was current.
    pub log: LogGeneration,
    /// Its end.
    pub end: u64,
}

/// A generation that takes no more frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Which one.
    pub generation: u64,
    /// The end of its frames.
    pub end: u64,
    /// The sequence number of its last frame.
    pub seq: u64,
}

/// Why the log takes no more frames.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// It was closed.
    Closed,
    /// A sync failed: what was stored is to be moved elsewhere before anything goes on.
    SyncFailed { path: PathBuf, loss: String },
    /// A store failed, or a sync whose frames could not be saved.
    Poisoned { path: PathBuf, loss: String },
}

impl Stop {
    pub(crate) fn to_error(&self) -> Error {
        match self {
            Self::Closed => ErrorKind::Closed.into(),
            Self::Poisoned { path, loss } | Self::SyncFailed { path, loss } => {
                ErrorKind::Poisoned { path: path.clone(), loss: loss.clone() }.into()
            }
        }
    }
}

/// A log that holds its header and is on disk, and takes frames from now on.
#[derive(Debug)]
pub(crate) struct NewLog {
    pub file: Arc<dyn LogFile>,
    pub header: LogHeader,
    /// The generation is full here.
    pub len_max: u64,
}

impl NewLog {
    /// Returns the log as one that is read.
    pub(crate) fn generation(&self) -> LogGeneration {
        LogGeneration { header: self.header, bytes: LogBytes::Live(Arc::clone(&self.file)) }
    }
}

/// What a generation says before its first samples.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preface<'a> {
    /// All metrics that are known.
    pub metrics: &'a [MetricDef],
    /// What is deleted of earlier generations.
    pub tombstones: &'a [Tombstone],
}

impl Preface<'_> {
    /// Returns a bound for the bytes of its frames and of OPEN.
    pub(crate) fn bytes_max(&self) -> u64 {
        let metrics: u64 = self.metrics.iter().map(Definitions::metric_bytes_max).sum();
        let tombstones: u64 = self.tombstones.iter().map(delete_bytes).sum();
        OPEN_FRAME_BYTES + metrics + tombstones
    }
}

/// Returns the length of a DELETE frame.
pub(crate) fn delete_bytes(tombstone: &Tombstone) -> u64 {
    let mut body = Vec::new();
    tombstone.encode(&mut body);
    body.len() as u64 + DEFINE_FRAME_BYTES + 8
}

/// How far each producer has come, over all generations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Producers {
    pub positions: BTreeMap<u64, u64>,
    /// More are refused.
    pub count_max: u64,
}

impl Producers {
    /// Returns true where the log has the batch already.
    pub(crate) fn knows(&self, token: Token) -> bool {
        self.positions.get(&token.producer).is_some_and(|position| token.position <= *position)
    }

    /// Makes sure that there is a place for a producer.
    pub(crate) fn check_place(&self, token: Token) -> Result<()> {
        let (limit, count) = (self.count_max, self.positions.len() as u64);
        if count < limit || self.positions.contains_key(&token.producer) {
            return Ok(());
        }
        Err(ErrorKind::Limit { what: "producers", limit, got: count + 1 }.into())
    }
}

/// The current generation and the place where its next frame goes.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) file: Arc<dyn LogFile>,
    pub(crate) header: LogHeader,
    pub(crate) crc: WordCrc,
    /// The generation is full here.
    pub(crate) len_max: u64,
    pub(crate) end: u64,
    pub(crate) seq: u64,
    /// The sequence number before the generation's first sample.
    pub(crate) seq_start: u64,
    /// The end of the last frame with samples: what a sync has to reach.
    pub(crate) samples_end: u64,
    pub(crate) definitions: Definitions,
    pub(crate) producers: Producers,
    pub(crate) stop: Option<Stop>,
    define_words: Vec<u64>,
}

impl Tail {
    /// Starts a generation in a log that holds its header: writes OPEN and the preface.
    pub(crate) fn start(
        log: NewLog,
        open: OpenFrame,
        preface: Preface<'_>,
        producers: Producers,
    ) -> Result<Self> {
        let crc = WordCrc::of_file(log.header.file_id());
        let mut tail = Self {
            file: log.file,
            header: log.header,
            crc,
            len_max: log.len_max,
            end: LOG_HEADER_BYTES as u64,
            seq: open.previous_seq,
            seq_start: open.previous_seq,
            samples_end: 0,
            definitions: Definitions::default(),
            producers,
            stop: None,
            define_words: Vec::new(),
        };
        let words = [0, open.previous_generation, open.previous_end, open.previous_seq];
        let [_, rest @ ..] = words;
        tail.grow_for(8 * words.len() as u64)?;
        let unsealed = Unsealed::new(crc, FrameTag::Open, rest.len() as u64, &rest);
        tail.store(unsealed, &mut words.clone())?;
        let mut records = Vec::new();
        for def in preface.metrics {
            tail.definitions.metric(def, &mut records);
            if records.len() >= DEFINE_BYTES_MAX {
                tail.store_definitions(&records)?;
                records.clear();
            }
        }
        tail.store_definitions(&records)?;
        for tombstone in preface.tombstones {
            tail.store_delete(tombstone)?;
        }
        Ok(tail)
    }

    fn store_delete(&mut self, tombstone: &Tombstone) -> Result<()> {
        let (mut body, mut words) = (Vec::new(), Vec::new());
        tombstone.encode(&mut body);
        let arg = encode_delete(&body, &mut words).map_err(|error| self.refuse(error))?;
        self.grow_for(8 * words.len() as u64)?;
        let seq = self.seq + 1;
        let summed = words.len().saturating_sub(1);
        let rest = words.get(1..summed).unwrap_or(&[]);
        let unsealed = Unsealed::new(self.crc, FrameTag::Delete, arg, rest).word(seq);
        words.iter_mut().skip(summed).for_each(|last| *last = seq);
        let end = self.store(unsealed, &mut words)?;
        self.count(end);
        Ok(())
    }

    pub(crate) fn watermark(&self) -> Watermark {
        let log = LogGeneration { header: self.header, bytes: LogBytes::Live(self.file.clone()) };
        Watermark { log, end: self.end }
    }

    pub(crate) fn sealed(&self) -> Sealed {
        Sealed { generation: self.header.generation, end: self.end, seq: self.seq }
    }

    /// Returns an error if the log was closed or poisoned.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.stop.as_ref().map_or(Ok(()), |stop| Err(stop.to_error()))
    }

    /// True where a frame of this many bytes would pass the generation's maximum.
    pub(crate) fn is_full_for(&self, bytes: u64) -> bool {
        self.end.saturating_add(bytes) > self.len_max
    }

    /// Makes room for a frame; nothing is stored where that fails.
    ///
    /// Growing ends with a sync of the whole file: where that fails, frames stored before may be
    /// lost, and the log takes no more frames.
    pub(crate) fn grow_for(&mut self, bytes: u64) -> Result<()> {
        let end = self.end.saturating_add(bytes);
        if end <= self.file.limit() {
            return Ok(());
        }
        let grown = self.file.grow(end.next_multiple_of(PAGE_BYTES).min(self.len_max.max(end)));
        grown.map_err(|error| if error.is_failed_sync() { self.fail_sync(error) } else { error })
    }

    /// True where a frame of this many bytes needs no growth.
    pub(crate) fn has_room_for(&self, bytes: u64) -> bool {
        self.end.saturating_add(bytes) <= self.file.limit()
    }

    /// Stores a frame behind the last one; room must have been made. `words` miss only word 0.
    ///
    /// An error of the store itself leaves the log in an unknown state, and so poisons it.
    #[inline]
    pub(crate) fn store(&mut self, unsealed: Unsealed, words: &mut [u64]) -> Result<u64> {
        if let Some(first) = words.first_mut() {
            *first = unsealed.seal(self.end);
        }
        match self.file.store(self.end, words) {
            Ok(()) => {
                self.end += 8 * words.len() as u64;
                Ok(self.end)
            }
            Err(error) => Err(self.poison(error)),
        }
    }

    /// Counts a frame with samples that was stored and ends here.
    #[inline]
    pub(crate) fn count(&mut self, end: u64) {
        self.seq += 1;
        self.samples_end = end;
    }

    /// Stops the log after a failed sync, which may have cost frames; returns the failure.
    pub(crate) fn fail_sync(&mut self, error: Error) -> Error {
        let loss = format!("{error}; what was appended since the last sync may be lost");
        let path = self.file.path().to_owned();
        self.stop.get_or_insert(Stop::SyncFailed { path, loss });
        error
    }

    /// Stops the log after a failure that may have cost frames; returns the failure.
    pub(crate) fn poison(&mut self, error: Error) -> Error {
        let loss = format!("{error}; what was appended since the last sync may be lost");
        let path = self.file.path().to_owned();
        self.stop.get_or_insert(Stop::Poisoned { path, loss });
        error
    }

    /// Stores a frame of two words behind word 0: MARK or CLOSE. There must be room.
    pub(crate) fn store_short(&mut self, tag: FrameTag, one: u64, two: u64) -> Result<u64> {
        self.store(Unsealed::new(self.crc, tag, 2, &[one, two]), &mut [0, one, two])
    }

    /// Defines the series that this generation does not know yet.
    ///
    /// Returns false where the generation has no room for them; nothing is stored then.
    pub(crate) fn define_missing<'a>(
        &mut self,
        series: impl Iterator<Item = &'a LogSeries>,
        frame_bytes: u64,
    ) -> Result<bool> {
        let generation = self.header.generation;
        // A batch names a series once a row, and it is defined once.
        let mut found: HashSet<*const LogSeries> = HashSet::new();
        let missing = series.filter(|series| series.reference(generation).is_none());
        let missing: Vec<_> =
            missing.filter(|series| found.insert(ptr::from_ref(*series))).collect();
        let bounds = missing.iter().map(|s| Definitions::series_bytes_max(&s.key, &s.metric.def));
        let bytes: u64 = bounds.sum();
        let frames = bytes / DEFINE_BYTES_MAX as u64 + 1;
        let needed = frame_bytes + bytes + frames * 2 * DEFINE_FRAME_BYTES;
        let references = u64::from(self.definitions.series_count()) + missing.len() as u64;
        if self.is_full_for(needed) || references > SERIES_REFS_MAX {
            return Ok(false);
        }
        self.grow_for(needed)?;
        let mut records = Vec::new();
        for series in missing {
            let reference = self.definitions.series(&series.key, &series.metric.def, &mut records);
            // Others may see the reference before its record, but use it under the lock only.
            series.define(generation, reference);
            if records.len() >= DEFINE_BYTES_MAX {
                self.store_definitions(&records)?;
                records.clear();
            }
        }
        self.store_definitions(&records)?;
        Ok(true)
    }

    /// Stores a DEFINE frame, unless there is nothing to define.
    pub(crate) fn store_definitions(&mut self, records: &[u8]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.grow_for(records.len() as u64 + DEFINE_FRAME_BYTES)?;
        let mut words = std::mem::take(&mut self.define_words);
        let arg = encode_define(records, &mut words).map_err(|error| self.refuse(error))?;
        let unsealed =
            Unsealed::new(self.crc, FrameTag::Define, arg, words.get(1..).unwrap_or(&[]));
        let stored = self.store(unsealed, &mut words);
        self.define_words = words;
        stored.map(|_| ())
    }

    fn refuse(&self, error: FormatError) -> Error {
        Error::corrupt(self.file.path(), self.end, error)
    }
}
