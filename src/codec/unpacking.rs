//! Fields of one width taken from any bit of a stream: eight at a time, as many as fit of one load.

use crate::codec::bits::bits_at;
use crate::codec::packing::low_bits;
use crate::codec::simd::{self, Kernel};

/// A field up to this width lies in the eight bytes from its first one, wherever it begins.
const LOAD_BITS: u32 = 57;
const GROUP: usize = 8;
/// Eight fields of 57 bits, of which the first begins at bit seven, end inside of so many bytes.
const WINDOW: usize = 64;

/// What fields become.
pub(super) trait Word: Copy {
    /// Returns the integer of these bits.
    fn of_bits(bits: u64) -> Self;
}

impl Word for u64 {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "part of a kernel")]
    fn of_bits(bits: u64) -> Self {
        bits
    }
}

impl Word for i64 {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "part of a kernel")]
    fn of_bits(bits: u64) -> Self {
        bits.cast_signed()
    }
}

/// Replaces each of `fields` by `base` and the next `width` bits, at most 64, from bit `first_bit`
/// on; sums wrap around. Behind the end of the bytes are zeros.
#[inline]
pub(super) fn unpack_onto<W: Word>(
    base: u64,
    bytes: &[u8],
    first_bit: usize,
    width: u32,
    fields: &mut [W],
) {
    if width == 0 {
        fields.fill(W::of_bits(base));
    } else {
        simd::run(Unpack { base, bytes, bit: first_bit, width, fields });
    }
}

struct Unpack<'a, 'b, W> {
    base: u64,
    bytes: &'a [u8],
    bit: usize,
    width: u32,
    fields: &'b mut [W],
}

impl<W: Word> Kernel for Unpack<'_, '_, W> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a kernel")]
    fn run(mut self) {
        let done = match self.width {
            // What comes of one load begins at any bit of a byte and ends inside of 64.
            1..=7 => self.run_joined::<8>(),
            8..=14 => self.run_joined::<4>(),
            15..=28 => self.run_joined::<2>(),
            29..=LOAD_BITS => self.run_joined::<1>(),
            _ => 0,
        };
        let mask = low_bits(self.width);
        for field in self.fields.iter_mut().skip(done) {
            let bits = if self.width <= LOAD_BITS {
                bits_at(self.bytes, self.bit)
            } else {
                wide_bits_at(self.bytes, self.bit)
            };
            *field = W::of_bits(self.base.wrapping_add(bits & mask));
            self.bit += self.width as usize;
        }
    }
}

impl<W: Word> Unpack<'_, '_, W> {
    /// Unpacks whole groups while a window lies inside of the bytes; returns how many fields that
    /// were.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "part of a kernel")]
    fn run_joined<const JOINED: usize>(&mut self) -> usize {
        // As the compiler cannot know it: no index below leaves the window.
        let width = self.width as usize % 64;
        let mask = low_bits(self.width);
        let (groups, _) = self.fields.as_chunks_mut::<GROUP>();
        let mut done = 0;
        for group in groups {
            let rest = self.bytes.get(self.bit / 8..);
            let Some(window) = rest.and_then(<[u8]>::first_chunk::<WINDOW>) else { break };
            let (parts, _) = group.as_chunks_mut::<JOINED>();
            for (part, index) in parts.iter_mut().zip((0..).step_by(JOINED)) {
                let bit = self.bit % 8 + index * width;
                let word = word_in(window, bit / 8) >> (bit % 8);
                for (place, index) in part.iter_mut().zip(0..) {
                    let bits = (word >> (index * width % 64)) & mask;
                    *place = W::of_bits(self.base.wrapping_add(bits));
                }
            }
            self.bit += GROUP * width;
            done += GROUP;
        }
        done
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of a kernel")]
fn word_in(window: &[u8; WINDOW], at: usize) -> u64 {
    let word = window.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

/// Returns the field of this index, of at most 64 bits.
#[inline]
pub(super) fn field_at(bytes: &[u8], width: u32, index: usize) -> u64 {
    let bit = index * width as usize;
    let bits = if width <= LOAD_BITS { bits_at(bytes, bit) } else { wide_bits_at(bytes, bit) };
    bits & low_bits(width)
}

/// Returns 64 bits.
fn wide_bits_at(bytes: &[u8], bit: usize) -> u64 {
    (bits_at(bytes, bit) & u64::from(u32::MAX)) | bits_at(bytes, bit + 32) << 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::simd::tests::on_any_processor;
    use crate::codec::unpacking::{field_at, unpack_onto};

    /// Bit by bit.
    fn field_of(bytes: &[u8], first_bit: usize, width: u32) -> u64 {
        (0..width).fold(0, |field, bit| {
            let at = first_bit + bit as usize;
            let byte = bytes.get(at / 8).copied().unwrap_or(0);
            field | u64::from(byte >> (at % 8) & 1) << bit
        })
    }

    proptest! {
        #[test]
        fn fields_are_the_bits_that_they_begin_with(
            bytes in prop::collection::vec(any::<u8>(), 0..1500),
            base: u64,
            first_bit in 0..200_usize,
            width in 0..=64_u32,
            count in 0..300_usize,
        ) {
            let mut fields = vec![7_u64; count];
            unpack_onto(base, &bytes, first_bit, width, &mut fields);
            for (index, field) in fields.iter().enumerate() {
                let bits = field_of(&bytes, first_bit + index * width as usize, width);
                assert_eq!(*field, base.wrapping_add(bits));
                let alone = field_of(&bytes, index * width as usize, width);
                assert_eq!(field_at(&bytes, width, index), alone);
            }
            let mut plain = vec![7_i64; count];
            on_any_processor(|| unpack_onto(base, &bytes, first_bit, width, &mut plain));
            assert!(plain.iter().map(|field| field.cast_unsigned()).eq(fields));
        }
    }
}
