//! Values by the difference of their bits from the value before (Gorilla).
//!
//! After Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015,
//! section 4.1.2. The first value is stored whole; each later one as the exclusive or with its
//! predecessor, whose zero ends are cut off:
//!
//! ```text
//! bits      field                                              legal range
//! 64        bits of the first value                            any
//! then for each later value
//! 0         the value equals the one before
//! 1 0       the difference lies in the window before
//!   w         bits of the difference inside the window         w = width of that window
//! 1 1       the difference opens a new window
//!   5         leading zero bits of the window                  0..=31
//!   6         width of the window - 1                          leading + width <= 64
//!   w         bits of the difference inside the window         any
//! ```
//!
//! Bits run as `codec/bits.rs` says. Unlike the paper, a window is not kept merely because the
//! difference fits: a new one is opened where its header costs less than the bits it saves. Over
//! twenty columns (the ALP paper's samples and response times in whole microseconds) that takes
//! 24.1 bits a value in the geometric mean, against 27.6.

use crate::codec::bits::{BitCounter, BitReader, BitSink, BitWriter};
use crate::codec::error::CodecError;

const FIRST_BITS: u32 = 64;
const LEADING_BITS: u32 = 5;
const LEADING_MAX: u32 = (1 << LEADING_BITS) - 1;
const WIDTH_BITS: u32 = 6;
const WINDOW_HEADER_BITS: u32 = LEADING_BITS + WIDTH_BITS;

/// The place of the bits that may differ, in a word whose other bits are zero.
#[derive(Debug, Clone, Copy)]
struct Window {
    leading: u32,
    /// 1 to 64; 0 before the first window.
    width: u32,
}

impl Window {
    const NONE: Self = Self { leading: 0, width: 0 };

    /// Returns the narrowest window that holds a difference other than zero.
    #[inline]
    fn around(difference: u64) -> Self {
        debug_assert!(difference != 0);
        let leading = difference.leading_zeros().min(LEADING_MAX);
        Self { leading, width: u64::BITS - leading - difference.trailing_zeros() }
    }

    /// Returns how far the window's lowest bit lies from bit 0; only for a window other than none.
    #[inline]
    fn shift(self) -> u32 {
        u64::BITS - self.leading - self.width
    }

    #[inline]
    fn contains(self, inner: Self) -> bool {
        self.width > 0 && self.leading <= inner.leading && self.shift() <= inner.shift()
    }
}

/// Returns the exact size of the encoding.
pub(super) fn len_bytes(values: &[f64]) -> u64 {
    let mut counter = BitCounter::default();
    put_values(values, &mut counter);
    counter.len_bytes()
}

/// Appends the encoding.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) {
    let mut writer = BitWriter::new(out);
    put_values(values, &mut writer);
    writer.finish();
}

#[inline]
fn put_values(values: &[f64], sink: &mut impl BitSink) {
    let Some((first, later)) = values.split_first() else { return };
    let mut before = first.to_bits();
    sink.put(before, FIRST_BITS);
    let mut window = Window::NONE;
    for value in later {
        let bits = value.to_bits();
        window = put_difference(bits ^ before, window, sink);
        before = bits;
    }
}

/// Puts one difference and returns the window that the next one may use.
#[inline]
fn put_difference(difference: u64, window: Window, sink: &mut impl BitSink) -> Window {
    if difference == 0 {
        sink.put(0, 1);
        return window;
    }
    let narrow = Window::around(difference);
    if window.contains(narrow) && window.width <= narrow.width + WINDOW_HEADER_BITS {
        sink.put(0b01, 2);
        sink.put(difference >> window.shift(), window.width);
        return window;
    }
    let header = u64::from(narrow.leading) | u64::from(narrow.width - 1) << LEADING_BITS;
    sink.put(0b11 | header << 2, 2 + WINDOW_HEADER_BITS);
    sink.put(difference >> narrow.shift(), narrow.width);
    narrow
}

/// Appends `count` values. Allocates 64 bytes for each byte of the block, at most.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    let Some(later) = count.checked_sub(1) else { return BitReader::new(bytes).finish() };
    let mut reader = BitReader::new(bytes);
    let mut bits = reader.take(FIRST_BITS)?;
    // A value after the first takes a bit at least, so that the bytes at hand bound the count.
    if later > bytes.len().saturating_mul(8) - FIRST_BITS as usize {
        return Err(CodecError::Truncated);
    }
    out.reserve(count);
    out.push(f64::from_bits(bits));
    let mut window = Window::NONE;
    for _ in 0..later {
        if reader.take_bit()? {
            if reader.take_bit()? {
                window = take_window(&mut reader)?;
            } else if window.width == 0 {
                return Err(CodecError::OutOfRange { field: "window" });
            }
            bits ^= reader.take(window.width)? << window.shift();
        }
        out.push(f64::from_bits(bits));
    }
    reader.finish()
}

#[inline]
fn take_window(reader: &mut BitReader<'_>) -> Result<Window, CodecError> {
    let header = reader.take(WINDOW_HEADER_BITS)?;
    #[expect(clippy::cast_possible_truncation, reason = "the header has 11 bits")]
    let header = header as u32;
    let window = Window { leading: header & LEADING_MAX, width: (header >> LEADING_BITS) + 1 };
    if window.leading + window.width > u64::BITS {
        return Err(CodecError::OutOfRange { field: "window" });
    }
    Ok(window)
}
