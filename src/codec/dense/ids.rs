//! The bins of entries in order of time, in prefix codes.
//!
//! From 1,024 entries on they are cut into four streams, which are decoded side by side: the first
//! three have a quarter of the entries each, rounded down, the last one the rest.
//!
//! ```text
//! size  field    legal range
//! 1..   lengths  three varints: bytes of the first three streams; absent where there is but one
//!       streams  bits: a code for each entry; each stream ends at a byte
//! ```

use crate::codec::bits::{BitSink, BitWriter, bits_at};
use crate::codec::dense::BINS_MAX;
use crate::codec::dense::huffman::{Code, LENGTH_MAX};
use crate::codec::dense::tree::Bin;
use crate::codec::error::CodecError;
use crate::codec::simd::{self, Kernel};
use crate::codec::varint;

const STREAMS: usize = 4;
const STREAMED_MIN: usize = 1024;
const CODES: usize = 1 << LENGTH_MAX;
/// So many of the longest codes lie in one load of 57 bits.
const CODES_A_LOAD: usize = 5;

/// Appends the ids.
pub(super) fn put_ids(ids: &[u8], codes: &[Code; BINS_MAX], out: &mut Vec<u8>) {
    if ids.len() < STREAMED_MIN {
        return put_stream(ids, codes, out);
    }
    let quarter = ids.len() / STREAMS;
    let mut streams = Vec::new();
    let (mut rest, mut start) = (ids, 0);
    for _ in 1..STREAMS {
        let (stream, behind) = rest.split_at(quarter);
        put_stream(stream, codes, &mut streams);
        varint::put_u64(out, (streams.len() - start) as u64);
        (rest, start) = (behind, streams.len());
    }
    put_stream(rest, codes, &mut streams);
    out.append(&mut streams);
}

fn put_stream(ids: &[u8], codes: &[Code; BINS_MAX], out: &mut Vec<u8>) {
    let mut writer = BitWriter::new(out);
    for id in ids {
        let code = codes.get(usize::from(*id)).copied().unwrap_or_default();
        writer.put(u64::from(code.bits), u32::from(code.length));
    }
    writer.finish();
}

/// What each sequence of 11 bits begins with: the id in the low byte, above it the code's length.
struct Lookup {
    entries: [u16; CODES],
}

impl Lookup {
    fn of(bins: &[Bin], codes: &[Code; BINS_MAX]) -> Self {
        let mut entries = [0; CODES];
        for (id, (_, code)) in (0_u16..).zip(bins.iter().zip(codes)) {
            let entry = u16::from(code.length) << u8::BITS | id;
            let places = entries.get_mut(usize::from(code.bits)..).unwrap_or_default();
            places.iter_mut().step_by(1 << code.length).for_each(|place| *place = entry);
        }
        Self { entries }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are looked up")]
    fn entry(&self, bits: u64) -> u16 {
        self.entries.get(bits as usize & (CODES - 1)).copied().unwrap_or(0)
    }
}

/// A stream that is being read. It may run over its end: that is checked when it is done.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    /// From the first stream to the end of the block and beyond.
    bytes: &'a [u8],
    bit: usize,
}

impl Cursor<'_> {
    fn fill(&mut self, lookup: &Lookup, ids: &mut [u8]) {
        for id in ids {
            let entry = lookup.entry(bits_at(self.bytes, self.bit));
            *id = entry.to_le_bytes()[0];
            self.bit += usize::from(entry >> u8::BITS);
        }
    }

    /// Returns the byte behind the stream, after the padding was found to be zero.
    fn finish(self) -> Result<usize, CodecError> {
        let end = self.bit.div_ceil(8);
        if end > self.bytes.len() {
            return Err(CodecError::Truncated);
        }
        let padding = end * 8 - self.bit;
        if bits_at(self.bytes, self.bit) & ((1 << padding) - 1) != 0 {
            return Err(CodecError::OutOfRange { field: "padding" });
        }
        Ok(end)
    }
}

/// Fills `ids` from the streams at `*at`, which moves behind them. There are two bins or more.
///
/// # Errors
/// [`CodecError`] where the bytes are no such streams.
pub(super) fn take_ids(
    bytes: &[u8],
    at: &mut usize,
    bins: &[Bin],
    codes: &[Code; BINS_MAX],
    ids: &mut [u8],
) -> Result<(), CodecError> {
    let lookup = Lookup::of(bins, codes);
    if ids.len() < STREAMED_MIN {
        let mut cursor = Cursor { bytes: bytes.get(*at..).unwrap_or(&[]), bit: 0 };
        cursor.fill(&lookup, ids);
        *at += cursor.finish()?;
        return Ok(());
    }
    let mut ends = [0; STREAMS - 1];
    let mut end = 0_usize;
    for place in &mut ends {
        let len = usize::try_from(varint::read_u64(bytes, at)?).unwrap_or(usize::MAX);
        end = end.saturating_add(len);
        *place = end;
    }
    let bytes = bytes.get(*at..).unwrap_or(&[]);
    if end > bytes.len() {
        return Err(CodecError::Truncated);
    }
    let [first, second, third] = ends;
    let mut cursors = [0, first, second, third].map(|start| Cursor { bytes, bit: start * 8 });
    simd::run(TakeStreams { cursors: &mut cursors, lookup: &lookup, ids });
    let [a, b, c, last] = cursors;
    for (cursor, end) in [a, b, c].into_iter().zip(ends) {
        if cursor.finish()? != end {
            return Err(CodecError::OutOfRange { field: "stream length" });
        }
    }
    *at += last.finish()?;
    Ok(())
}

/// Reads four streams side by side, so that their look-ups overlap.
struct TakeStreams<'a, 'b> {
    cursors: &'b mut [Cursor<'a>; STREAMS],
    lookup: &'b Lookup,
    ids: &'b mut [u8],
}

impl Kernel for TakeStreams<'_, '_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(self) {
        let Self { cursors, lookup, ids } = self;
        let quarter = ids.len() / STREAMS;
        let (first, rest) = ids.split_at_mut(quarter);
        let (second, rest) = rest.split_at_mut(quarter);
        let (third, fourth) = rest.split_at_mut(quarter);
        let (first_loads, first_rest) = first.as_chunks_mut::<CODES_A_LOAD>();
        let (second_loads, second_rest) = second.as_chunks_mut::<CODES_A_LOAD>();
        let (third_loads, third_rest) = third.as_chunks_mut::<CODES_A_LOAD>();
        // The last stream may be longer; the loads that are taken side by side are as many.
        let side_by_side = fourth.split_at_mut(first_loads.len() * CODES_A_LOAD);
        let (fourth_loads, fourth_rest) =
            (side_by_side.0.as_chunks_mut::<CODES_A_LOAD>().0, side_by_side.1);
        let loads = first_loads.iter_mut().zip(second_loads).zip(third_loads).zip(fourth_loads);
        for (((a, b), c), d) in loads {
            let mut words = cursors.map(|cursor| bits_at(cursor.bytes, cursor.bit));
            let mut used = [0; STREAMS];
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                for ((id, word), used) in [a, b, c, d].into_iter().zip(&mut words).zip(&mut used) {
                    let entry = lookup.entry(*word);
                    *id = entry.to_le_bytes()[0];
                    *word >>= entry >> u8::BITS;
                    *used += usize::from(entry >> u8::BITS);
                }
            }
            for (cursor, used) in cursors.iter_mut().zip(used) {
                cursor.bit += used;
            }
        }
        let rests = [first_rest, second_rest, third_rest, fourth_rest];
        for (cursor, ids) in cursors.iter_mut().zip(rests) {
            cursor.fill(lookup, ids);
        }
    }
}
