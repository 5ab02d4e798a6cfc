//! Integers of variable length: seven bits a byte, least significant first (LEB128).
//!
//! The high bit of a byte says that another follows. Only the shortest form is accepted, so that
//! one number has one encoding.

use crate::codec::error::CodecError;

/// The most bytes that one integer takes.
pub const LEN_BYTES_MAX: usize = 10;

/// Appends an integer, in 1 to [`LEN_BYTES_MAX`] bytes.
///
/// ```
/// use silverback::codec::varint;
///
/// let mut bytes = Vec::new();
/// varint::put_u64(&mut bytes, 300);
/// assert_eq!(bytes, [0xAC, 0x02]);
/// ```
pub fn put_u64(out: &mut Vec<u8>, v: u64) {
    let mut rest = v;
    while rest >= 0x80 {
        out.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

/// Returns how many bytes [`put_u64`] appends.
#[must_use]
pub fn len_bytes(v: u64) -> usize {
    (u64::BITS - (v | 1).leading_zeros()).div_ceil(7) as usize
}

/// Reads the integer at `at` and moves `at` behind it; `None` if there is none in shortest form,
/// and then `at` stays.
///
/// ```
/// use silverback::codec::varint;
///
/// let mut at = 0;
/// assert_eq!(varint::get_u64(&[0xAC, 0x02, 0x80], &mut at), Some(300));
/// assert_eq!(at, 2);
/// assert_eq!(varint::get_u64(&[0xAC, 0x02, 0x80], &mut at), None);
/// ```
pub fn get_u64(bytes: &[u8], at: &mut usize) -> Option<u64> {
    read_u64(bytes, at).ok()
}

/// Reads the integer at `at`, as [`get_u64`] does, if it fits into 32 bits.
pub fn get_u32(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut end = *at;
    let value = u32::try_from(get_u64(bytes, &mut end)?).ok()?;
    *at = end;
    Some(value)
}

/// Reads the integer at `at` and moves `at` behind it.
///
/// # Errors
/// [`CodecError::Truncated`] if the bytes end inside it; [`CodecError::OutOfRange`] if it does not
/// fit into 64 bits or is not in its shortest form. Then `at` stays.
pub fn read_u64(bytes: &[u8], at: &mut usize) -> Result<u64, CodecError> {
    const ILLEGAL: CodecError = CodecError::OutOfRange { field: "varint" };
    let mut value = 0;
    for (index, &byte) in bytes.iter().skip(*at).take(LEN_BYTES_MAX).enumerate() {
        let last = byte < 0x80;
        let overlong = byte == 0 && index > 0;
        let overflow = index + 1 == LEN_BYTES_MAX && byte > 1;
        if overlong || overflow {
            return Err(ILLEGAL);
        }
        value |= u64::from(byte & 0x7F) << (7 * index);
        if last {
            *at += index + 1;
            return Ok(value);
        }
    }
    Err(CodecError::Truncated)
}

/// Maps signed integers to unsigned ones, near zero to near zero: 0, -1, 1, -2 become 0, 1, 2, 3.
#[must_use]
#[inline]
pub const fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)).cast_unsigned()
}

/// Undoes [`zigzag`].
#[must_use]
#[inline]
pub const fn unzigzag(v: u64) -> i64 {
    (v >> 1).cast_signed() ^ -((v & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use crate::codec::error::CodecError;
    use crate::codec::varint::{
        LEN_BYTES_MAX, get_u32, get_u64, len_bytes, put_u64, read_u64, unzigzag, zigzag,
    };

    proptest! {
        #[test]
        fn integers_come_back(v in any::<u64>(), shift in 0..64u32, before in any::<Vec<u8>>()) {
            let v = v >> shift;
            let mut bytes = before.clone();
            put_u64(&mut bytes, v);
            assert_eq!(bytes.len() - before.len(), len_bytes(v));
            let mut at = before.len();
            assert_eq!(get_u64(&bytes, &mut at), Some(v));
            assert_eq!(at, bytes.len());
            for end in before.len()..bytes.len() {
                let mut at = before.len();
                assert_eq!(read_u64(&bytes[..end], &mut at), Err(CodecError::Truncated));
                assert_eq!(at, before.len());
            }
        }

        #[test]
        fn what_is_read_is_what_would_be_written(bytes in any::<[u8; 12]>()) {
            let mut at = 0;
            if let Some(v) = get_u64(&bytes, &mut at) {
                let mut again = Vec::new();
                put_u64(&mut again, v);
                assert_eq!(again, bytes[..at]);
            }
        }

        #[test]
        fn zigzag_comes_back(v in any::<i64>()) {
            assert_eq!(unzigzag(zigzag(v)), v);
            assert!(zigzag(v) / 2 <= v.unsigned_abs());
        }
    }

    #[test]
    fn edges() {
        for v in [0, 0x7F, 0x80, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_u64(&mut bytes, v);
            assert_eq!(bytes.len(), len_bytes(v));
            assert_eq!(get_u64(&bytes, &mut 0), Some(v));
            assert_eq!(get_u32(&bytes, &mut 0).map(u64::from), Some(v).filter(|_| v != u64::MAX));
        }
        assert_eq!(len_bytes(u64::MAX), LEN_BYTES_MAX);
        for v in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(unzigzag(zigzag(v)), v);
        }
        let mut too_large = [0xFF; 10];
        too_large[9] = 0x02;
        for illegal in [&[0x80, 0x00][..], &too_large, &[0xFF; 11]] {
            let got = read_u64(illegal, &mut 0);
            assert_eq!(got, Err(CodecError::OutOfRange { field: "varint" }), "{illegal:?}");
        }
        assert_eq!(read_u64(&[], &mut 7), Err(CodecError::Truncated));
    }
}
