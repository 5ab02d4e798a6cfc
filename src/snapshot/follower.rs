//! Following a log: its frames become a head, as far as it has been read.

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::frame::BatchBody;
use crate::head::{HeadBuilder, HeadView};
use crate::wal::{FrameVisitor, LogGeneration, ScanState, find_gap, scan};

/// A generation's log and the head decoded from it so far.
#[derive(Debug)]
pub(crate) struct Follower {
    log: LogGeneration,
    state: ScanState,
    head: HeadBuilder,
}

impl Follower {
    /// Starts before the first frame of a log.
    pub(crate) fn new(log: LogGeneration) -> Self {
        Self { log, state: ScanState::new(), head: HeadBuilder::default() }
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
        scan(&self.log, &mut self.state, end, &mut Decode(&mut self.head))
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
    /// and not damage to bytes that were proven durable.
    ///
    /// # Errors
    /// [`ErrorKind::LogGap`], and I/O errors.
    pub(crate) fn check_end(&self) -> Result<()> {
        let (mut word, offset) = ([0; 8], self.state.offset);
        self.log.bytes.read_at(offset, &mut word)?;
        if word == [0; 8] {
            return Ok(());
        }
        match find_gap(&self.log, &self.state)? {
            // A live writer may have published the frame meanwhile: then it stands at the end.
            Some(gap) if gap.is_corruption && gap.offset > offset => Err(ErrorKind::LogGap {
                path: self.log.bytes.path().to_owned(),
                offset,
                seq_before: self.state.seq,
                seq_after: gap.seq_after,
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// Returns a view of everything read so far.
    pub(crate) fn view(&mut self) -> HeadView {
        self.head.view()
    }
}

/// Hands frames to the head, which does not know the log.
struct Decode<'a>(&'a mut HeadBuilder);

impl FrameVisitor for Decode<'_> {
    #[inline]
    fn sample(&mut self, series: u32, timestamp: i64, value: f64) -> Result<(), FormatError> {
        self.0.sample(series, timestamp, value)
    }

    fn batch(&mut self, batch: &BatchBody<'_>) -> Result<(), FormatError> {
        self.0.batch(batch)
    }

    fn define(&mut self, body: &[u8]) -> Result<(), FormatError> {
        self.0.define(body)
    }
}
