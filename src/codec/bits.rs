//! Streams of bits, least significant bit first, in little-endian order.
//!
//! The first bit of a stream is bit 0 of its first byte. A field of `width` bits is stored with
//! its least significant bit first, so that eight bytes load as one little-endian word. The last
//! byte is padded with zero bits, and a reader insists on them: one content, one encoding.

use crate::codec::error::CodecError;

/// Bits that one refill of the reader guarantees if the stream holds them.
const REFILL_BITS: u32 = 56;

/// Where an encoder puts its fields: into bytes, or only onto a scale.
pub(super) trait BitSink {
    /// Appends the low `width` bits of `value`; `width` is at most 64 and the rest are zero.
    fn put(&mut self, value: u64, width: u32);
}

/// Counts bits, so that an estimate runs the encoder's own code and is exact.
#[derive(Debug, Default)]
pub(super) struct BitCounter {
    bits: u64,
}

impl BitCounter {
    /// Returns how many bytes the bits put so far take, padding included.
    pub(super) fn len_bytes(&self) -> u64 {
        self.bits.div_ceil(8)
    }
}

impl BitSink for BitCounter {
    #[inline]
    fn put(&mut self, _value: u64, width: u32) {
        self.bits += u64::from(width);
    }
}

/// Appends bits to bytes, a word at a time.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Bits not yet in `out`; those from `pending_bits` upwards are zero.
    pending: u64,
    /// Always less than 64.
    pending_bits: u32,
}

impl<'a> BitWriter<'a> {
    /// Starts a stream at the end of `out`.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, pending: 0, pending_bits: 0 }
    }

    /// Writes out the last, partly filled word.
    pub(super) fn finish(self) {
        let len = self.pending_bits.div_ceil(8) as usize;
        self.out.extend(self.pending.to_le_bytes().iter().take(len));
    }
}

impl BitSink for BitWriter<'_> {
    #[inline]
    fn put(&mut self, value: u64, width: u32) {
        debug_assert!(width <= u64::BITS);
        debug_assert!(value.checked_shr(width).unwrap_or(0) == 0);
        self.pending |= value << self.pending_bits;
        let filled = self.pending_bits + width;
        if filled < u64::BITS {
            self.pending_bits = filled;
            return;
        }
        self.out.extend_from_slice(&self.pending.to_le_bytes());
        let written = u64::BITS - self.pending_bits;
        self.pending = value.checked_shr(written).unwrap_or(0);
        self.pending_bits = filled - u64::BITS;
    }
}

/// Returns the bits from bit `bit` of the bytes on, 57 of them or more; behind their end are zeros.
#[inline]
pub(super) fn bits_at(bytes: &[u8], bit: usize) -> u64 {
    let rest = bytes.get(bit / 8..).unwrap_or(&[]);
    let word = rest.first_chunk::<8>().copied().unwrap_or_else(|| last_word(rest));
    u64::from_le_bytes(word) >> (bit % 8)
}

#[cold]
fn last_word(rest: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    word.iter_mut().zip(rest).for_each(|(byte, given)| *byte = *given);
    word
}

/// Takes bits from untrusted bytes.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    rest: &'a [u8],
    /// The next `buffered` bits of the stream. What lies above them is zero or equals the bits
    /// that `rest` begins with, so that a refill may combine both with "or".
    buffer: u64,
    buffered: u32,
}

impl<'a> BitReader<'a> {
    /// Starts at the first bit of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, buffer: 0, buffered: 0 }
    }

    /// Takes one bit.
    #[inline]
    pub(super) fn take_bit(&mut self) -> Result<bool, CodecError> {
        Ok(self.take(1)? == 1)
    }

    /// Takes a field of `width` bits, at most 64.
    #[inline]
    pub(super) fn take(&mut self, width: u32) -> Result<u64, CodecError> {
        debug_assert!(width <= u64::BITS);
        if width <= REFILL_BITS {
            return self.take_narrow(width);
        }
        let low = self.take_narrow(32)?;
        let high = self.take_narrow(width - 32)?;
        Ok(low | high << 32)
    }

    #[inline]
    fn take_narrow(&mut self, width: u32) -> Result<u64, CodecError> {
        if self.buffered < width {
            self.refill();
            if self.buffered < width {
                return Err(CodecError::Truncated);
            }
        }
        let value = self.buffer & ((1 << width) - 1);
        self.buffer >>= width;
        self.buffered -= width;
        Ok(value)
    }

    /// Fills the buffer to at least `REFILL_BITS` bits, or to the end of the stream.
    #[inline]
    fn refill(&mut self) {
        debug_assert!(self.buffered < REFILL_BITS);
        if let Some(word) = self.rest.first_chunk::<8>() {
            self.buffer |= u64::from_le_bytes(*word) << self.buffered;
            let bytes = (u64::BITS - self.buffered) / 8;
            self.buffered += bytes * 8;
            self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
            return;
        }
        while self.buffered <= REFILL_BITS
            && let Some((&byte, rest)) = self.rest.split_first()
        {
            self.buffer |= u64::from(byte) << self.buffered;
            self.buffered += 8;
            self.rest = rest;
        }
    }

    /// Ends the stream inside of its bytes, behind the padding of the last one; returns how many
    /// bytes are left.
    pub(super) fn finish_before_rest(self) -> Result<usize, CodecError> {
        let padding = self.buffered % 8;
        if self.buffer & ((1 << padding) - 1) != 0 {
            return Err(CodecError::OutOfRange { field: "padding" });
        }
        Ok(self.rest.len() + self.buffered as usize / 8)
    }

    /// Ends the stream: only zero padding of less than a byte may be left.
    pub(super) fn finish(self) -> Result<(), CodecError> {
        if !self.rest.is_empty() || self.buffered >= 8 {
            return Err(CodecError::TrailingBytes);
        }
        if self.buffer != 0 {
            return Err(CodecError::OutOfRange { field: "padding" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, proptest};

    use crate::codec::bits::{BitCounter, BitReader, BitSink, BitWriter};
    use crate::codec::error::CodecError;

    fn fields() -> impl Strategy<Value = Vec<(u64, u32)>> {
        let field = (any::<u64>(), 0..=64u32).prop_map(|(value, width)| {
            (value & 1u64.checked_shl(width).map_or(!0, |b| b - 1), width)
        });
        prop::collection::vec(field, 0..200)
    }

    proptest! {
        #[test]
        fn fields_of_any_width_come_back(fields in fields(), before in any::<Vec<u8>>()) {
            let mut bytes = before.clone();
            let (mut writer, mut counter) = (BitWriter::new(&mut bytes), BitCounter::default());
            for &(value, width) in &fields {
                writer.put(value, width);
                counter.put(value, width);
            }
            writer.finish();
            assert!(bytes.starts_with(&before));
            let bytes = &bytes[before.len()..];
            assert_eq!(bytes.len() as u64, counter.len_bytes());
            let mut reader = BitReader::new(bytes);
            for &(value, width) in &fields {
                assert_eq!(reader.take(width), Ok(value));
            }
            assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn a_stream_ends_where_it_ends(
            bytes in any::<Vec<u8>>(),
            widths in prop::collection::vec(0..=64u32, 0..100),
        ) {
            let mut reader = BitReader::new(&bytes);
            let mut left = bytes.len() as u64 * 8;
            for width in widths {
                let enough = u64::from(width) <= left;
                assert_eq!(reader.take(width).is_ok(), enough);
                if !enough {
                    return Ok(());
                }
                left -= u64::from(width);
            }
        }
    }

    #[test]
    fn a_stream_may_end_before_its_bytes_do() {
        let bytes: Vec<u8> = (1..=20).collect();
        for width in 0..=64 {
            let mut reader = BitReader::new(&bytes);
            let taken = reader.take(width).unwrap();
            let padding = u64::from_le_bytes(*bytes.first_chunk().unwrap()) ^ taken;
            let is_zero = width == 64 || padding.trailing_zeros() >= width.next_multiple_of(8);
            let want = if is_zero {
                Ok(bytes.len() - width.div_ceil(8) as usize)
            } else {
                Err(CodecError::OutOfRange { field: "padding" })
            };
            assert_eq!(reader.finish_before_rest(), want, "{width}");
        }
    }

    #[test]
    fn the_first_bit_is_the_lowest_of_the_first_byte() {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        writer.put(1, 1);
        writer.put(0b011, 3);
        writer.put(0xABC, 12);
        writer.finish();
        assert_eq!(bytes, [0b1100_0111, 0xAB]);
    }

    #[test]
    fn what_is_left_over_is_an_error() {
        let mut reader = BitReader::new(&[0x01, 0x00]);
        assert_eq!(reader.take(4), Ok(1));
        assert_eq!(reader.finish(), Err(CodecError::TrailingBytes));
        let mut reader = BitReader::new(&[0x81]);
        assert_eq!(reader.take(4), Ok(1));
        assert_eq!(reader.finish(), Err(CodecError::OutOfRange { field: "padding" }));
    }
}
