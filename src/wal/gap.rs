//! Looking for valid frames behind the end of a log's valid prefix.
//!
//! They are what tells a torn tail, which is normal, from a gap that a power cut left, and from
//! bytes that were damaged later.

use crate::error::Result;
use crate::format::checksum::WordCrc;
use crate::format::frame::{Frame, FrameHead, FrameTag, decode_frame, frame_is_intact};
use crate::format::manifest::SEQ_END;
use crate::wal::generation::LogGeneration;
use crate::wal::scan::{BLOCK_BYTES, ScanState};

/// A frame up to this length is summed wherever one may begin.
const SHORT_BYTES: u64 = 4 << 10;
/// No DEFINE frame is longer: one is cut at 1 MiB, and a series' labels have their limits.
const DEFINE_BYTES_MAX: u64 = 16 << 20;
/// Zeros are skipped in pieces of this length.
const ZEROS: [u8; 512] = [0; 512];
/// So many bytes are summed for longer frames that were none: a fraction of a second. A log that
/// was made to look like frames everywhere costs no more; damage by chance stays far below.
const SUMMED_BYTES_MAX: u64 = 4 << 30;
/// A generation holds fewer frames than this.
const FRAMES_END: u64 = 1 << 40;

/// Valid frames behind the end of the valid prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Where the first of them stands.
    pub offset: u64,
    /// How many there are.
    pub frames: u64,
    /// The first sequence number known among them; 0 where none carries one.
    pub seq_after: u64,
    /// True where the missing bytes were proven durable or the log was shut down in order: then
    /// they were damaged later, and not lost in a power cut.
    pub is_corruption: bool,
}

/// Looks for valid frames behind the valid prefix, in time linear in the bytes to the file's end
/// beyond [`SUMMED_BYTES_MAX`].
///
/// # Errors
/// I/O errors.
pub(crate) fn find_gap(log: &LogGeneration, state: &ScanState) -> Result<Option<Gap>> {
    let (crc, proven) = (log.crc_start(), state.durable);
    let mut search = Search { log, crc, state, gap: None, proven, summed_bytes: 0 };
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut at = state.offset;
    loop {
        let got = log.bytes.read_at(at, &mut buffer)?;
        let used = search.block(buffer.get(..got).unwrap_or(&[]), at)?;
        if used == 0 {
            break;
        }
        at += used;
    }
    let proven = search.proven;
    Ok(search
        .gap
        .map(|gap| Gap { is_corruption: gap.is_corruption || proven > state.offset, ..gap }))
}

struct Search<'a> {
    log: &'a LogGeneration,
    crc: WordCrc,
    state: &'a ScanState,
    gap: Option<Gap>,
    /// The log was durable up to here, as a frame says that was found.
    proven: u64,
    /// What was summed of long frames.
    summed_bytes: u64,
}

impl Search<'_> {
    /// Goes through the bytes at `at`; returns how many need not be looked at again.
    fn block(&mut self, block: &[u8], at: u64) -> Result<u64> {
        let mut used = 0;
        while let Some(rest) = block.get(used..)
            && let Some(&word) = rest.first_chunk()
        {
            let offset = at + used as u64;
            let Some(head) = FrameHead::of_word(u64::from_le_bytes(word)) else {
                let pieces = rest.chunks_exact(ZEROS.len());
                used += 8.max(ZEROS.len() * pieces.take_while(|piece| **piece == ZEROS).count());
                continue;
            };
            let bytes = head.words * 8;
            if let Some(frame) = rest.get(..bytes) {
                let is_frame = self.may_be_frame(head, frame.last_chunk(), offset)
                    && frame_is_intact(self.crc, frame, offset);
                if is_frame {
                    self.note(head, frame, offset);
                }
                used += if is_frame { bytes } else { 8 };
            } else if !self.may_be_cut_frame(head, offset)? {
                used += 8;
            } else if used > 0 {
                // It is read again from its start.
                break;
            } else {
                used = self.long_frame(head, offset)?.unwrap_or(8);
            }
        }
        Ok(used as u64)
    }

    /// Reads a frame that is longer than a block; returns its length, if it is one.
    fn long_frame(&mut self, head: FrameHead, offset: u64) -> Result<Option<usize>> {
        // No more than the file has: its last word was there.
        let mut frame = vec![0; head.words * 8];
        let got = self.log.bytes.read_at(offset, &mut frame)?;
        if got < frame.len() || !frame_is_intact(self.crc, &frame, offset) {
            return Ok(None);
        }
        self.note(head, &frame, offset);
        Ok(Some(frame.len()))
    }

    /// True where a frame that goes on behind the bytes at hand may be one; its last word is read.
    fn may_be_cut_frame(&mut self, head: FrameHead, offset: u64) -> Result<bool> {
        let mut last = [0; 8];
        let at = offset + 8 * (head.words as u64 - 1);
        let got = self.log.bytes.read_at(at, &mut last)?;
        Ok(got == last.len() && self.may_be_frame(head, Some(&last), offset))
    }

    /// True where a frame is worth the summing: short, or with an end that fits.
    fn may_be_frame(&mut self, head: FrameHead, last: Option<&[u8; 8]>, offset: u64) -> bool {
        let bytes = 8 * head.words as u64;
        if bytes <= SHORT_BYTES {
            return true;
        }
        let fits = match head.tag {
            FrameTag::Batch | FrameTag::Once | FrameTag::Delete => {
                last.is_some_and(|word| self.may_be_seq(u64::from_le_bytes(*word)))
            }
            FrameTag::Define => bytes <= DEFINE_BYTES_MAX && offset > self.state.offset,
            _ => false,
        };
        if !fits || self.summed_bytes > SUMMED_BYTES_MAX {
            return false;
        }
        self.summed_bytes += bytes;
        true
    }

    /// Frames behind a gap go on counting from those before it, of which OPEN tells.
    fn may_be_seq(&self, seq: u64) -> bool {
        if self.state.open.is_none() {
            return seq < SEQ_END;
        }
        seq.checked_sub(self.state.seq).is_some_and(|more| more > 0 && more < FRAMES_END)
    }

    fn note(&mut self, head: FrameHead, frame: &[u8], offset: u64) {
        let is_corruption = self.state.closed;
        let empty = Gap { offset, frames: 0, seq_after: 0, is_corruption };
        let gap = self.gap.get_or_insert(empty);
        gap.frames += 1;
        let seq = match decode_frame(head, frame) {
            Ok(Frame::Mark { seq, durable }) => {
                self.proven = durable.max(self.proven);
                seq
            }
            Ok(Frame::Close { seq }) => {
                gap.is_corruption = true;
                seq
            }
            Ok(Frame::Batch { seq, .. } | Frame::Delete { seq, .. }) => seq,
            _ => return,
        };
        if gap.seq_after == 0 {
            gap.seq_after = seq;
        }
    }
}
