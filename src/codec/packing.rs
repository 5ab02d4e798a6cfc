//! Fields of one width, side by side: bit packing without padding but of the last byte.
//!
//! Field `i` of width `w` stands at bits `i * w ..` of the stream, least significant bit first, as
//! in [`crate::codec::bits`]. A field can be taken by one load, a shift and a mask.

use crate::codec::bits::{BitSink, BitWriter};
use crate::codec::error::CodecError;
use crate::codec::unpacking::unpack_onto;

/// A field up to this width lies in the eight bytes from its first one, wherever it begins.
const LOAD_BITS: u32 = 57;

/// Returns how many bytes so many fields take.
pub(super) fn packed_bytes(count: usize, width: u32) -> usize {
    (count as u64 * u64::from(width)).div_ceil(8).try_into().unwrap_or(usize::MAX)
}

/// Appends fields, none wider than `width`.
pub(super) fn pack(fields: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mut writer = BitWriter::new(out);
    fields.for_each(|field| writer.put(field, width));
    writer.finish();
}

/// Appends the low `width` bits of each field, as [`pack`] does, a few fields at a time.
pub(super) fn pack_low(fields: &[u64], width: u32, out: &mut Vec<u8>) {
    match width {
        0 => {}
        // What is put at once keeps within the 57 bits that join any rest of a byte in a word.
        1..=14 => pack_joined::<4>(fields, width, out),
        15..=28 => pack_joined::<2>(fields, width, out),
        29..=LOAD_BITS => pack_joined::<1>(fields, width, out),
        _ => pack(fields.iter().map(|field| field & low_bits(width)), width, out),
    }
}

/// Returns a word of which so many bits are set, the lowest ones.
pub(super) fn low_bits(width: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS - width).unwrap_or(0)
}

/// Joins `JOINED` fields to one, and stores a word for each: those bytes of it that are not yet
/// whole are stored again by the next one, which takes no branch.
fn pack_joined<const JOINED: usize>(fields: &[u64], width: u32, out: &mut Vec<u8>) {
    let start = out.len();
    let used = packed_bytes(fields.len(), width);
    // The last word reaches behind the last field.
    out.resize(start + used + size_of::<u64>(), 0);
    let mask = low_bits(width);
    let (mut at, mut pending, mut pending_bits) = (start, 0_u64, 0_u32);
    let mut put = |joined: u64, bits: u32| {
        pending |= joined << pending_bits;
        if let Some(place) = out.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = pending.to_le_bytes();
        }
        let filled = pending_bits + bits;
        at += filled as usize / 8;
        // Whole bytes leave; all eight do where 64 bits are filled.
        pending = pending.checked_shr(filled / 8 * 8).unwrap_or(0);
        pending_bits = filled % 8;
    };
    let joined_width = [width; JOINED].iter().sum();
    let (groups, rest) = fields.as_chunks::<JOINED>();
    for group in groups {
        let join = |joined, field: &u64| joined << width | (field & mask);
        put(group.iter().rev().fold(0, join), joined_width);
    }
    for field in rest {
        put(field & mask, width);
    }
    out.truncate(start + used);
}

/// Fills `fields` from the beginning of `bytes`, and returns how many bytes that took.
///
/// # Errors
/// As [`check_packed`].
pub(super) fn unpack(bytes: &[u8], width: u32, fields: &mut [u64]) -> Result<usize, CodecError> {
    let used = check_packed(bytes, width, fields.len())?;
    unpack_onto(0, bytes, 0, width, fields);
    Ok(used)
}

/// Returns how many bytes so many fields take of the beginning of `bytes`.
///
/// # Errors
/// [`CodecError::Truncated`] where there are too few, [`CodecError::OutOfRange`] for a width above
/// 64 or bits in the padding.
pub(super) fn check_packed(bytes: &[u8], width: u32, fields: usize) -> Result<usize, CodecError> {
    if width > u64::BITS {
        return Err(CodecError::OutOfRange { field: "width" });
    }
    let used = packed_bytes(fields, width);
    let own = bytes.get(..used).ok_or(CodecError::Truncated)?;
    let in_last = (fields * width as usize) % 8;
    if in_last > 0 && own.last().is_some_and(|last| last >> in_last != 0) {
        return Err(CodecError::OutOfRange { field: "padding" });
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::error::CodecError;
    use crate::codec::packing::{pack, pack_low, packed_bytes, unpack};

    proptest! {
        #[test]
        fn fields_come_back_whatever_follows_them(
            fields in prop::collection::vec(any::<u64>(), 0..300),
            width in 0..=64_u32,
            behind in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mask = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            let wider = fields;
            let fields: Vec<u64> = wider.iter().map(|field| field & mask).collect();
            let mut bytes = Vec::new();
            pack(fields.iter().copied(), width, &mut bytes);
            assert_eq!(bytes.len(), packed_bytes(fields.len(), width));
            let own = bytes.len();
            let mut joined = vec![0xA5];
            pack_low(&wider, width, &mut joined);
            assert_eq!(joined.split_first(), Some((&0xA5, bytes.as_slice())));
            bytes.extend(behind);
            let mut read = vec![7; fields.len()];
            assert_eq!(unpack(&bytes, width, &mut read), Ok(own));
            assert_eq!(read, fields);
            if own > 0 {
                assert_eq!(unpack(&bytes[..own - 1], width, &mut read), Err(CodecError::Truncated));
            }
        }
    }

    #[test]
    fn padding_is_zero() {
        assert_eq!(unpack(&[0x0F], 4, &mut [0]), Ok(1));
        let bad = Err(CodecError::OutOfRange { field: "padding" });
        assert_eq!(unpack(&[0x1F], 4, &mut [0]), bad);
    }
}
