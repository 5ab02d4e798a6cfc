//! A posting list: the series that have one label value, ascending.
//!
//! The first series' index, then the difference to each next one, all as LEB128. Differences are at
//! least 1. The number of series stands in the table that points to the list.

use crate::codec::varint;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// Appends a list; `series` must be strictly ascending.
pub fn encode_postings(series: &[u32], out: &mut Vec<u8>) {
    debug_assert!(series.is_sorted_by(|a, b| a < b));
    let mut before = 0;
    for &index in series {
        varint::put_u64(out, u64::from(index - before));
        before = index;
    }
}

/// Decodes a list of `count` series below `bound`. Allocates at most 4 bytes for each byte given.
///
/// # Errors
/// [`FormatError`] where the bytes are no such list.
pub fn decode_postings(bytes: &[u8], count: usize, bound: u32) -> Result<Vec<u32>, FormatError> {
    if count > bytes.len() {
        return Err(FormatError::OutOfRange { field: "posting count", got: count as u64 });
    }
    let mut cursor = Cursor::new(bytes);
    let mut series: Vec<u32> = Vec::with_capacity(count);
    for _ in 0..count {
        let step = cursor.varint()?;
        let index = match series.last() {
            None => Some(step),
            Some(_) if step == 0 => None,
            Some(&before) => step.checked_add(u64::from(before)),
        };
        let index = index.filter(|index| *index < u64::from(bound));
        let index = index.and_then(|index| u32::try_from(index).ok());
        series.push(index.ok_or(FormatError::OutOfRange { field: "posting", got: step })?);
    }
    cursor.finish()?;
    Ok(series)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use crate::format::postings::{decode_postings, encode_postings};

    proptest! {
        #[test]
        fn round_trips(set in btree_set(0..1_000_000_u32, 0..50)) {
            let series: Vec<u32> = set.into_iter().collect();
            let mut bytes = Vec::new();
            encode_postings(&series, &mut bytes);
            prop_assert_eq!(decode_postings(&bytes, series.len(), 1_000_000), Ok(series));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in vec(any::<u8>(), 0..50), count in 0..60_usize) {
            if let Ok(series) = decode_postings(&bytes, count, 1000) {
                assert!(series.is_sorted_by(|a, b| a < b) && series.iter().all(|s| *s < 1000));
            }
        }
    }
}
