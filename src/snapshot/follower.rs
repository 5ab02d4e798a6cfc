//! Following a log: its frames become a head, as far as it has been read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::frame::{BatchBody, Token};
use crate::format::tombstone::Tombstone;
use crate::head::{HeadBuilder, HeadView};
use crate::wal::{FrameVisitor, Ignore, LogGeneration, ScanState, find_gap, scan};

/// How often what lies behind the end of a log is looked at that does not grow: its zeros are read.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A generation's log and the head decoded from it so far.
#[derive(Debug)]
pub(crate) struct Follower {
    log: LogGeneration,
    state: ScanState,
    content: Content,
    /// Where the prefix ended last, and when what lies behind it was looked at.
    looked: Option<(u64, Instant)>,
}

/// What the frames say.
#[derive(Debug, Default)]
struct Content {
    head: HeadBuilder,
    tombstones: Vec<Arc<Tombstone>>,
    producers: BTreeMap<u64, u64>,
}

impl Follower {
    /// Starts before the first frame of a log.
    pub(crate) fn new(log: LogGeneration) -> Self {
        Self { log, state: ScanState::new(), content: Content::default(), looked: None }
    }

    /// Returns the log.
    pub(crate) fn log(&self) -> &LogGeneration {
        &self.log
    }

    /// Returns how far the log has been read.
    pub(crate) fn state(&self) -> &ScanState {
        &self.state
    }

    /// Reads on to the end of the valid prefix, at most to `end`. What was read stays read.
    ///
    /// # Errors
    /// I/O errors, and an intact frame that holds what no writer writes.
    pub(crate) fn advance(&mut self, end: u64) -> Result<()> {
        scan(&self.log, &mut self.state, end, &mut self.content)
    }

    /// Reads on to `end`, all frames before which were published.
    ///
    /// # Errors
    /// As [`Follower::advance`], and [`crate::ErrorKind::Corrupt`] where frames are not there any
    /// more, such as pages that the system dropped after a failed sync.
    pub(crate) fn advance_to(&mut self, end: u64) -> Result<()> {
        self.advance(end)?;
        let available = self.state.offset;
        if available >= end {
            return Ok(());
        }
        let error = FormatError::Truncated { needed: end, available };
        Err(Error::corrupt(self.log.bytes.path(), available, error))
    }

    /// Makes sure that what stands behind the valid prefix is a torn tail or what a power cut left,
    /// and not damage to bytes that were proven durable, of which zeros may be all that is left.
    ///
    /// # Errors
    /// [`ErrorKind::LogGap`], and I/O errors.
    pub(crate) fn check_end(&mut self) -> Result<()> {
        let (mut word, offset) = ([0; 8], self.state.offset);
        self.log.bytes.read_at(offset, &mut word)?;
        let is_due = self.looked.is_none_or(|(end, at)| end == offset && at.elapsed() > LOOK_EVERY);
        let looked = self.looked.filter(|_| !is_due).map_or_else(Instant::now, |(_, at)| at);
        self.looked = Some((offset, looked));
        if word == [0; 8] && !is_due {
            return Ok(());
        }
        let Some(gap) = find_gap(&self.log, &self.state)?.filter(|gap| gap.is_corruption) else {
            return Ok(());
        };
        // A live writer may have published the frame meanwhile, and those behind it after it: if it
        // is not there now, it never will be.
        let mut again = self.state;
        scan(&self.log, &mut again, gap.offset, &mut Ignore)?;
        if again.offset > offset {
            return Ok(());
        }
        Err(ErrorKind::LogGap {
            path: self.log.bytes.path().to_owned(),
            offset,
            seq_before: self.state.seq,
            seq_after: gap.seq_after,
        }
        .into())
    }

    /// Returns a view of everything read so far.
    pub(crate) fn view(&mut self) -> HeadView {
        self.content.head.view()
    }

    /// Returns what the generation deletes of earlier ones, as far as the log has been read.
    pub(crate) fn tombstones(&self) -> &[Arc<Tombstone>] {
        &self.content.tombstones
    }

    /// Returns how far each producer has come in this generation, as far as it has been read.
    pub(crate) fn producers(&self) -> &BTreeMap<u64, u64> {
        &self.content.producers
    }
}

impl FrameVisitor for Content {
    #[inline]
    fn sample(&mut self, series: u32, timestamp: i64, value: f64) -> Result<(), FormatError> {
        self.head.sample(series, timestamp, value)
    }

    fn batch(&mut self, batch: &BatchBody<'_>) -> Result<(), FormatError> {
        self.head.batch(batch)
    }

    fn token(&mut self, token: Token) {
        self.producers.insert(token.producer, token.position);
    }

    fn delete(&mut self, tombstone: Tombstone) {
        self.tombstones.push(Arc::new(tombstone));
    }

    fn define(&mut self, body: &[u8]) -> Result<(), FormatError> {
        self.head.define(body)
    }
}
