//! The frames of the log: little-endian 64-bit words, 8-aligned, zero where nothing was published.
//!
//! ```text
//! word 0: crc u32 (bits 0-31) | tag u8 (32-39) | arg u24 (40-63)
//! SAMPLE 1: arg = series reference; word 1 = timestamp i64 ns; word 2 = f64 bits (24 bytes)
//! MARK   2: arg = 2; word 1 = seq; word 2 = offset proven durable
//! BATCH  3: arg = words after word 0; word 1 = samples u32 | body bytes u32
//!           body: series references (LEB128) · zigzag timestamp differences (LEB128, the first
//!           against 0) · values (f64, 8 bytes each) · zeros to a whole word · last word = seq
//! OPEN   4: arg = 3; word 1 = previous generation; word 2 = its end; word 3 = its last seq
//! DEFINE 5: arg = words after word 0; word 1 = body bytes; body: records · zeros to a whole word
//! DELETE 6: arg = words after word 0; word 1 = body bytes; body: a tombstone · zeros to a
//!           whole word · last word = seq
//! CLOSE  7: arg = 2; word 1 = seq; word 2 = 0
//! ONCE   8: as BATCH, but word 2 = producer; word 3 = position; then the body
//! ```
//!
//! The checksum is the CRC-32 of: file id, `word 0 >> 32`, words 1.., offset of the frame (all as
//! eight little-endian bytes). What is known only under the lock, a batch's number and the offset,
//! comes last, so that an appender sums everything else before it takes the lock. SAMPLE, BATCH,
//! ONCE and DELETE raise the sequence number by one; SAMPLE carries no number, it is counted.
//! DELETE frames stand before the first samples of a generation, and are about all before it.

use byteorder::{ByteOrder, LE};

use crate::codec::varint;
use crate::format::checksum::WordCrc;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// The words of a SAMPLE, MARK or CLOSE frame.
pub const SHORT_FRAME_WORDS: usize = 3;
/// The most words that a frame can have: `arg` has 24 bits.
pub const FRAME_WORDS_MAX: u64 = 1 << 24;
/// References to series must fit the 24 bits of `arg`.
pub const SERIES_REFS_MAX: u64 = 1 << 24;
/// The most bytes that one sample takes in the body of a BATCH frame: 4 + 10 + 8.
pub const BATCH_SAMPLE_BYTES_MAX: usize = 22;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameTag {
    /// One sample.
    Sample = 1,
    /// A durable offset.
    Mark = 2,
    /// Samples that are visible all or none.
    Batch = 3,
    /// The start of a generation.
    Open = 4,
    /// Symbols, metrics and series that later frames refer to.
    Define = 5,
    /// Samples of earlier generations that are gone.
    Delete = 6,
    /// The end of a generation that was shut down in order.
    Close = 7,
    /// A batch that its producer may send again.
    Once = 8,
}

impl FrameTag {
    /// Returns the byte that stands for the tag.
    #[must_use]
    pub fn to_tag(self) -> u8 {
        self as u8
    }

    /// Returns the tag that a byte stands for, if any.
    #[must_use]
    pub fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            1 => Some(Self::Sample),
            2 => Some(Self::Mark),
            3 => Some(Self::Batch),
            4 => Some(Self::Open),
            5 => Some(Self::Define),
            6 => Some(Self::Delete),
            7 => Some(Self::Close),
            8 => Some(Self::Once),
            _ => None,
        }
    }
}

/// The start of a generation: what came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFrame {
    /// The previous generation; 0 before the first.
    pub previous_generation: u64,
    /// Where its valid prefix ends; 0 where its samples lie in segments already.
    pub previous_end: u64,
    /// The sequence number of its last frame.
    pub previous_seq: u64,
}

/// Who sent a batch, and how far it has come: a batch at or below a position that the log has is
/// not stored again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The XXH3-64 of the producer's name.
    pub producer: u64,
    /// A number that grows with each batch of the producer.
    pub position: u64,
}

/// A decoded frame that borrows from the log's bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame<'a> {
    /// One sample.
    Sample {
        /// The series' reference in this generation.
        series: u32,
        /// Nanoseconds since the epoch.
        timestamp: i64,
        /// The value.
        value: f64,
    },
    /// A proof by the sync leader.
    Mark {
        /// The sequence number of the last frame before it.
        seq: u64,
        /// The log is durable up to this offset.
        durable: u64,
    },
    /// Samples that are visible all or none.
    Batch {
        /// The batch's sequence number.
        seq: u64,
        /// Who sent it, where it may be sent again.
        token: Option<Token>,
        /// Its samples.
        batch: BatchBody<'a>,
    },
    /// Samples of earlier generations that are gone.
    Delete {
        /// The frame's sequence number.
        seq: u64,
        /// What is gone, to be read with [`crate::format::tombstone`].
        body: &'a [u8],
    },
    /// The start of a generation.
    Open(OpenFrame),
    /// Definitions, to be read with [`crate::format::definition`].
    Define(&'a [u8]),
    /// The end of a generation that was shut down in order.
    Close {
        /// The sequence number of the last frame before it.
        seq: u64,
    },
}

/// A frame of which all is summed but what is known only under the append lock.
#[derive(Debug, Clone, Copy)]
pub struct Unsealed {
    upper: u64,
    crc: WordCrc,
}

impl Unsealed {
    /// Sums a frame's tag, `arg` and the given words, which follow word 0.
    #[must_use]
    #[inline]
    pub fn new(start: WordCrc, tag: FrameTag, arg: u64, rest: &[u64]) -> Self {
        debug_assert!(arg < FRAME_WORDS_MAX);
        let upper = u64::from(tag.to_tag()) | (arg << 8);
        Self { upper, crc: sum_words(start.word(upper), rest) }
    }

    /// Adds one more word, such as a batch's number.
    #[must_use]
    pub fn word(self, word: u64) -> Self {
        Self { upper: self.upper, crc: self.crc.word(word) }
    }

    /// Returns word 0 of the frame at an offset.
    #[must_use]
    #[inline]
    pub fn seal(self, offset: u64) -> u64 {
        u64::from(self.crc.word(offset).finish()) | (self.upper << 32)
    }
}

#[inline]
fn sum_words(start: WordCrc, words: &[u64]) -> WordCrc {
    if words.len() <= SHORT_FRAME_WORDS {
        return words.iter().fold(start, |crc, &word| crc.word(word));
    }
    // Blocks keep the copy in the first-level cache.
    let mut bytes = [0; 4096];
    words.chunks(512).fold(start, |crc, words| {
        let block = bytes.get_mut(..words.len() * 8).unwrap_or(&mut []);
        LE::write_u64_into(words, block);
        crc.bytes(block)
    })
}

/// The head of a frame, as word 0 tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// What the frame is.
    pub tag: FrameTag,
    /// The 24 bits behind the tag.
    pub arg: u32,
    /// How many words the frame has, word 0 included.
    pub words: usize,
}

impl FrameHead {
    /// Reads word 0, or returns nothing where it cannot begin a frame.
    #[must_use]
    #[inline]
    pub fn of_word(word: u64) -> Option<Self> {
        let [_, _, _, _, tag, a, b, c] = word.to_le_bytes();
        let tag = FrameTag::from_tag(tag)?;
        let arg = u32::from_le_bytes([a, b, c, 0]);
        let words = if tag == FrameTag::Sample { SHORT_FRAME_WORDS } else { arg as usize + 1 };
        let enough = match tag {
            FrameTag::Sample => true,
            FrameTag::Mark | FrameTag::Close => words == SHORT_FRAME_WORDS,
            FrameTag::Open => words == 4,
            FrameTag::Batch | FrameTag::Delete => words >= 3,
            FrameTag::Once => words >= 5,
            FrameTag::Define => words >= 2,
        };
        enough.then_some(Self { tag, arg, words })
    }
}

/// Returns true if the checksum in word 0 matches the words of the frame at this offset.
#[must_use]
#[inline]
pub fn frame_is_intact(start: WordCrc, bytes: &[u8], offset: u64) -> bool {
    let (Some(crc), Some(upper), Some(rest)) = (
        bytes.first_chunk::<4>().copied().map(u32::from_le_bytes),
        bytes.get(4..).and_then(|rest| rest.first_chunk::<4>()).copied().map(u32::from_le_bytes),
        bytes.get(8..),
    ) else {
        return false;
    };
    let start = start.word(u64::from(upper));
    let (words, left) = rest.as_chunks::<8>();
    if !left.is_empty() {
        return false;
    }
    let sum = if words.len() <= SHORT_FRAME_WORDS {
        words.iter().fold(start, |sum, word| sum.word(u64::from_le_bytes(*word)))
    } else {
        start.bytes(rest)
    };
    sum.word(offset).finish() == crc
}

/// Decodes a frame whose checksum holds; `bytes` are exactly its words.
///
/// # Errors
/// [`FormatError`] where an intact frame holds what no writer writes.
pub fn decode_frame(head: FrameHead, bytes: &[u8]) -> Result<Frame<'_>, FormatError> {
    let mut cursor = Cursor::new(bytes);
    cursor.u64()?;
    let frame = match head.tag {
        FrameTag::Sample => Frame::Sample {
            series: head.arg,
            timestamp: cursor.i64()?,
            value: f64::from_bits(cursor.u64()?),
        },
        FrameTag::Mark => Frame::Mark { seq: cursor.u64()?, durable: cursor.u64()? },
        FrameTag::Open => Frame::Open(OpenFrame {
            previous_generation: cursor.u64()?,
            previous_end: cursor.u64()?,
            previous_seq: cursor.u64()?,
        }),
        FrameTag::Close => {
            let (seq, zero) = (cursor.u64()?, cursor.u64()?);
            if zero != 0 {
                return Err(FormatError::OutOfRange { field: "word 2 of CLOSE", got: zero });
            }
            Frame::Close { seq }
        }
        FrameTag::Batch | FrameTag::Once => {
            let (samples, body) = (cursor.u32()?, cursor.u32()?);
            let token = if head.tag == FrameTag::Once {
                Some(Token { producer: cursor.u64()?, position: cursor.u64()? })
            } else {
                None
            };
            let body = padded_body(&mut cursor, u64::from(body), 8)?;
            Frame::Batch { seq: cursor.u64()?, token, batch: BatchBody::new(samples, body)? }
        }
        FrameTag::Delete => {
            let body = cursor.u64()?;
            let body = padded_body(&mut cursor, body, 8)?;
            Frame::Delete { seq: cursor.u64()?, body }
        }
        FrameTag::Define => {
            let body = cursor.u64()?;
            Frame::Define(padded_body(&mut cursor, body, 0)?)
        }
    };
    Ok(frame)
}

/// Takes a body of `len` bytes and the zeros that fill its last word; `behind` bytes follow these.
fn padded_body<'a>(
    cursor: &mut Cursor<'a>,
    len: u64,
    behind: usize,
) -> Result<&'a [u8], FormatError> {
    let bad = FormatError::OutOfRange { field: "body length", got: len };
    let body = cursor.take(usize::try_from(len).map_err(|_| bad.clone())?)?;
    let padding =
        cursor.take(cursor.remaining().checked_sub(behind).ok_or_else(|| bad.clone())?)?;
    if padding.len() >= 8 || padding.iter().any(|&byte| byte != 0) {
        return Err(bad);
    }
    Ok(body)
}

/// The samples of a BATCH frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchBody<'a> {
    samples: u32,
    keys: &'a [u8],
    values: &'a [u8],
}

impl<'a> BatchBody<'a> {
    fn new(samples: u32, body: &'a [u8]) -> Result<Self, FormatError> {
        let bad = FormatError::OutOfRange { field: "batch samples", got: u64::from(samples) };
        let keys_len = body.len().checked_sub(samples as usize * 8).ok_or_else(|| bad.clone())?;
        let (keys, values) = body.split_at_checked(keys_len).ok_or(bad)?;
        Ok(Self { samples, keys, values })
    }

    /// Returns the number of samples, which is bounded by the bytes of the body.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples as usize
    }

    /// Returns true if the batch has no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Calls `row` with series reference, timestamp and value of each sample, in order.
    ///
    /// # Errors
    /// [`FormatError`] where the body holds what no writer writes; rows before it were reported.
    pub fn rows(&self, mut row: impl FnMut(u32, i64, f64)) -> Result<(), FormatError> {
        let mut series = Cursor::new(self.keys);
        let mut times = series.clone();
        for _ in 0..self.samples {
            times.varint()?;
        }
        let series_end = times.remaining();
        let mut time = 0_i64;
        for value in self.values.as_chunks::<8>().0 {
            let reference = series.varint()?;
            let reference = u32::try_from(reference).map_err(|_| FormatError::OutOfRange {
                field: "series reference",
                got: reference,
            })?;
            time = time.wrapping_add(varint::unzigzag(times.varint()?));
            row(reference, time, f64::from_le_bytes(*value));
        }
        if series.remaining() != series_end {
            return Err(FormatError::OutOfRange { field: "batch keys", got: series_end as u64 });
        }
        times.finish()
    }
}

/// Builds the words of a BATCH frame, or with a token of a ONCE frame, but word 0 and the last one,
/// its number; the caller's vectors save allocations. Word 0 and the last word stand as zeros.
/// Returns the frame's `arg`.
///
/// # Errors
/// [`FormatError::OutOfRange`] where the rows do not fit into one frame.
pub fn encode_batch(
    rows: impl Iterator<Item = (u32, i64, f64)> + Clone,
    token: Option<Token>,
    body: &mut Vec<u8>,
    words: &mut Vec<u64>,
) -> Result<u64, FormatError> {
    body.clear();
    let mut count = 0_u64;
    for (series, ..) in rows.clone() {
        varint::put_u64(body, u64::from(series));
        count += 1;
    }
    let mut before = 0_i64;
    for (_, time, _) in rows.clone() {
        varint::put_u64(body, varint::zigzag(time.wrapping_sub(before)));
        before = time;
    }
    for (.., value) in rows {
        body.extend_from_slice(&value.to_bits().to_le_bytes());
    }
    let too_long = FormatError::OutOfRange { field: "batch samples", got: count };
    let samples = u32::try_from(count).map_err(|_| too_long.clone())?;
    let body_len = u32::try_from(body.len()).map_err(|_| too_long.clone())?;
    words.clear();
    words.extend([0, u64::from(samples) | (u64::from(body_len) << 32)]);
    words.extend(token.iter().flat_map(|token| [token.producer, token.position]));
    push_padded(body, words);
    words.push(0);
    frame_arg(words).ok_or(too_long)
}

/// Builds the words of a DELETE frame but word 0 and the last one, its number. Returns its `arg`.
///
/// # Errors
/// [`FormatError::OutOfRange`] where the body does not fit into one frame.
pub fn encode_delete(body: &[u8], words: &mut Vec<u64>) -> Result<u64, FormatError> {
    encode_define(body, words)?;
    words.push(0);
    frame_arg(words)
        .ok_or(FormatError::OutOfRange { field: "tombstone bytes", got: body.len() as u64 })
}

/// Builds the words of a DEFINE frame, word 0 still free, and returns the frame's `arg`.
///
/// # Errors
/// [`FormatError::OutOfRange`] where the body does not fit into one frame.
pub fn encode_define(body: &[u8], words: &mut Vec<u64>) -> Result<u64, FormatError> {
    words.clear();
    words.extend([0, body.len() as u64]);
    push_padded(body, words);
    frame_arg(words)
        .ok_or(FormatError::OutOfRange { field: "definition bytes", got: body.len() as u64 })
}

fn frame_arg(words: &[u64]) -> Option<u64> {
    let arg = words.len() as u64 - 1;
    (arg < FRAME_WORDS_MAX).then_some(arg)
}

fn push_padded(body: &[u8], words: &mut Vec<u64>) {
    let (whole, rest) = body.as_chunks::<8>();
    words.extend(whole.iter().map(|bytes| u64::from_le_bytes(*bytes)));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
        words.push(u64::from_le_bytes(last));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use crate::format::checksum::WordCrc;
    use crate::format::frame::{
        Frame, FrameHead, FrameTag, Unsealed, decode_frame, encode_batch, frame_is_intact,
    };

    fn bytes_of(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn a_sample_frame_is_three_words_as_documented() {
        let rest = [1_700_000_000_000_000_000, 842.5_f64.to_bits()];
        let start = WordCrc::of_file(0x0123_4567_89ab_cdef);
        let first = Unsealed::new(start, FrameTag::Sample, 5, &rest).seal(4096);
        let [one, two] = rest;
        let bytes = bytes_of(&[first, one, two]);
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        assert_eq!(hex, "ac04eae00105000000002a36fe9c97170000000000548a40");
    }

    proptest! {
        #[test]
        fn batches_round_trip(
            rows in proptest::collection::vec((0..1_u32 << 24, any::<i64>(), any::<f64>()), 0..40),
            seq: u64,
            offset: u64,
        ) {
            let (mut body, mut words) = (Vec::new(), Vec::new());
            let arg = encode_batch(rows.iter().copied(), None, &mut body, &mut words).unwrap();
            let start = WordCrc::of_file(9);
            let last = words.len() - 1;
            let unsealed = Unsealed::new(start, FrameTag::Batch, arg, &words[1..last]);
            words[last] = seq;
            words[0] = unsealed.word(seq).seal(offset);
            let bytes = bytes_of(&words);
            let head = FrameHead::of_word(words[0]).unwrap();
            prop_assert_eq!(head.words * 8, bytes.len());
            prop_assert!(frame_is_intact(start, &bytes, offset));
            prop_assert!(!frame_is_intact(start, &bytes, offset ^ 8));
            let frame = decode_frame(head, &bytes).unwrap();
            let Frame::Batch { seq: read_seq, batch, .. } = frame else {
                panic!("not a batch");
            };
            let mut read = Vec::new();
            batch.rows(|series, time, value| read.push((series, time, value.to_bits()))).unwrap();
            let want: Vec<_> = rows.iter().map(|(s, t, v)| (*s, *t, v.to_bits())).collect();
            prop_assert_eq!((read_seq, read), (seq, want));
        }

        #[test]
        fn hostile_frames_never_panic(
            words in proptest::collection::vec(any::<u64>(), 1..40),
            tag in 1..9_u64,
        ) {
            let mut words = words;
            words[0] = (words[0] & 0xffff_ffff) | (tag << 32) | ((words.len() as u64 - 1) << 40);
            if let Some(head) = FrameHead::of_word(words[0]) {
                let bytes = bytes_of(&words);
                let bytes = &bytes[..bytes.len().min(head.words * 8)];
                if let Ok(Frame::Batch { batch, .. }) = decode_frame(head, bytes) {
                    let _ = batch.rows(|_, _, _| ());
                }
            }
        }
    }
}
