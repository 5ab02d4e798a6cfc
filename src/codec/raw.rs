//! Columns as plain words of eight bytes: what random bits cost, and what no codec may exceed.

use crate::codec::error::CodecError;

/// Bytes of one entry.
pub(super) const ENTRY_BYTES: usize = 8;

/// Appends each word, little-endian.
pub(super) fn encode(words: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    out.extend(words.flat_map(u64::to_le_bytes));
}

/// Returns the words of a block, after checking that it holds `count` of them.
pub(super) fn decode(
    bytes: &[u8],
    count: usize,
) -> Result<impl ExactSizeIterator<Item = u64>, CodecError> {
    let (words, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if words.len() < count {
        return Err(CodecError::Truncated);
    }
    if words.len() > count || !rest.is_empty() {
        return Err(CodecError::TrailingBytes);
    }
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)))
}
