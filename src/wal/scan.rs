//! Reading frames from a log up to the end of its valid prefix.

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::checksum::WordCrc;
use crate::format::definition::decode_definitions;
use crate::format::frame::{
    BatchBody, Frame, FrameHead, FrameTag, OpenFrame, Token, decode_frame, frame_is_intact,
};
use crate::format::log_header::LOG_HEADER_BYTES;
use crate::format::manifest::SEQ_END;
use crate::format::tombstone::Tombstone;
use crate::wal::generation::LogGeneration;

/// How much is read at once; a longer frame makes the buffer grow to its length.
pub(super) const BLOCK_BYTES: usize = 256 << 10;

/// What is called for each frame that holds samples or definitions.
pub(crate) trait FrameVisitor {
    /// Takes one sample; an unknown series reference is an error.
    ///
    /// # Errors
    /// [`FormatError`] where the frame cannot be meant so.
    fn sample(&mut self, series: u32, timestamp: i64, value: f64) -> Result<(), FormatError>;
    /// Takes a batch.
    ///
    /// # Errors
    /// [`FormatError`] where the frame cannot be meant so.
    fn batch(&mut self, batch: &BatchBody<'_>) -> Result<(), FormatError>;
    /// Learns that a producer has come to this position.
    fn token(&mut self, token: Token);
    /// Takes what is deleted of earlier generations.
    fn delete(&mut self, tombstone: Tombstone);
    /// Takes the body of a DEFINE frame.
    ///
    /// # Errors
    /// [`FormatError`] where the frame cannot be meant so.
    fn define(&mut self, body: &[u8]) -> Result<(), FormatError>;
}

/// A visitor that only wants to know how far a log is valid.
#[derive(Debug)]
pub(crate) struct Ignore;

impl FrameVisitor for Ignore {
    fn sample(&mut self, _: u32, _: i64, _: f64) -> Result<(), FormatError> {
        Ok(())
    }

    fn batch(&mut self, batch: &BatchBody<'_>) -> Result<(), FormatError> {
        batch.rows(|_, _, _| ())
    }

    fn token(&mut self, _: Token) {}

    fn delete(&mut self, _: Tombstone) {}

    fn define(&mut self, body: &[u8]) -> Result<(), FormatError> {
        decode_definitions(body, |_| Ok(()))
    }
}

/// How far a log has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanState {
    /// The end of the valid prefix so far.
    pub offset: u64,
    /// The sequence number of the last frame before it.
    pub seq: u64,
    /// What the OPEN frame said, once it was read.
    pub open: Option<OpenFrame>,
    /// The greatest offset that a MARK proves durable.
    pub durable: u64,
    /// How many DELETE frames there are, all before the first samples.
    pub deletes: u64,
    /// True after a CLOSE frame.
    pub closed: bool,
}

impl ScanState {
    /// Starts before the first frame.
    #[must_use]
    pub(crate) fn new() -> Self {
        let offset = LOG_HEADER_BYTES as u64;
        Self { offset, seq: 0, open: None, durable: 0, deletes: 0, closed: false }
    }
}

impl Default for ScanState {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads frames from where `state` stands to the end of the valid prefix, at most to `end`.
///
/// Takes time linear in the bytes read; memory for one block, or for the longest frame (128 MiB).
///
/// # Errors
/// I/O errors, and [`crate::ErrorKind::Corrupt`] where an intact frame holds what no writer writes.
/// A frame that is not intact is no error: it ends the valid prefix.
pub(crate) fn scan(
    log: &LogGeneration,
    state: &mut ScanState,
    end: u64,
    visitor: &mut dyn FrameVisitor,
) -> Result<()> {
    let crc = log.crc_start();
    let mut buffer = vec![0; BLOCK_BYTES];
    while state.offset < end {
        let want = usize::try_from(end - state.offset).unwrap_or(usize::MAX).min(buffer.len());
        let Some(block) = buffer.get_mut(..want) else { break };
        let got = log.bytes.read_at(state.offset, block)?;
        let filled = block.get(..got).unwrap_or(&[]);
        match scan_block(log, crc, filled, state, visitor) {
            Err(error) => return Err(Error::corrupt(log.bytes.path(), state.offset, error)),
            Ok(BlockEnd::Invalid) => break,
            Ok(BlockEnd::Cut { needed }) if got < want || needed as u64 > end - state.offset => {
                break;
            }
            Ok(BlockEnd::Cut { needed }) => {
                if needed > buffer.len() {
                    buffer.resize(needed, 0);
                }
            }
        }
    }
    Ok(())
}

/// Why the reading of a block ended.
enum BlockEnd {
    /// The next frame is not published, torn or damaged.
    Invalid,
    /// The next frame needs this many bytes, more than the block has left.
    Cut { needed: usize },
}

fn scan_block(
    log: &LogGeneration,
    crc: WordCrc,
    block: &[u8],
    state: &mut ScanState,
    visitor: &mut dyn FrameVisitor,
) -> Result<BlockEnd, FormatError> {
    let mut rest = block;
    loop {
        let Some(word) = rest.first_chunk::<8>() else { return Ok(BlockEnd::Cut { needed: 8 }) };
        let Some(head) = FrameHead::of_word(u64::from_le_bytes(*word)) else {
            return Ok(BlockEnd::Invalid);
        };
        let Some((frame, behind)) = rest.split_at_checked(head.words * 8) else {
            return Ok(BlockEnd::Cut { needed: head.words * 8 });
        };
        if !frame_is_intact(crc, frame, state.offset)
            || state.closed
            || (state.open.is_none() != (head.tag == FrameTag::Open))
        {
            return Ok(BlockEnd::Invalid);
        }
        visit(log.header.generation, &decode_frame(head, frame)?, state, visitor)?;
        state.offset += frame.len() as u64;
        rest = behind;
    }
}

fn visit(
    generation: u64,
    frame: &Frame<'_>,
    state: &mut ScanState,
    visitor: &mut dyn FrameVisitor,
) -> Result<(), FormatError> {
    match *frame {
        Frame::Sample { series, timestamp, value } => {
            visitor.sample(series, timestamp, value)?;
            state.seq += 1;
        }
        Frame::Batch { seq, token, ref batch } => {
            expect_seq(state.seq.wrapping_add(1), seq)?;
            visitor.batch(batch)?;
            if let Some(token) = token {
                visitor.token(token);
            }
            state.seq = seq;
        }
        Frame::Delete { seq, body } => {
            expect_seq(state.seq.wrapping_add(1), seq)?;
            // It is about earlier generations alone: no sample of this one may stand before it.
            let start = state.open.map_or(0, |open| open.previous_seq);
            expect_seq(start + state.deletes + 1, seq)?;
            visitor.delete(Tombstone::decode(generation, body)?);
            state.seq = seq;
            state.deletes += 1;
        }
        Frame::Define(body) => visitor.define(body)?,
        Frame::Mark { seq, durable } => {
            expect_seq(state.seq, seq)?;
            state.durable = state.durable.max(durable);
        }
        Frame::Open(open) => {
            if open.previous_seq >= SEQ_END {
                let got = open.previous_seq;
                return Err(FormatError::OutOfRange { field: "previous seq", got });
            }
            state.open = Some(open);
            state.seq = open.previous_seq;
        }
        Frame::Close { seq } => {
            expect_seq(state.seq, seq)?;
            state.closed = true;
        }
    }
    Ok(())
}

fn expect_seq(expected: u64, got: u64) -> Result<(), FormatError> {
    if expected == got { Ok(()) } else { Err(FormatError::OutOfRange { field: "seq", got }) }
}
