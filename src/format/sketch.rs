//! The sketch of a chunk: how many of its values lie in which logarithmic bucket.
//!
//! ```text
//! size  field       legal range
//! 1     resolution  5..=7: the bits of the significand that name a bucket
//! 1..   bucket      varint: the first one that holds a value
//! 1..   values      varint: twice how many values the bucket holds, at least one; plus one if the
//!                   next bucket that holds values is not the next one
//! 1..   gap         varint, only then: how many buckets lie between, at least one
//!       and so on, until as many values as the chunk has are counted
//! ```

use crate::codec::varint;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;
use crate::sketch::{LogBuckets, Resolution};

/// Chunks of fewer values have no sketch: to decode them costs as little.
pub const SKETCH_VALUES_MIN: usize = 1024;

/// Appends buckets that hold a value, or nothing.
pub fn encode_sketch(buckets: &LogBuckets, out: &mut Vec<u8>) {
    let mut counts = buckets.iter().peekable();
    let Some((first, _)) = counts.peek().copied() else { return };
    out.push(buckets.resolution().to_tag());
    varint::put_u64(out, first);
    while let Some((bucket, count)) = counts.next() {
        let gap = counts.peek().map_or(0, |(next, _)| next - bucket - 1);
        varint::put_u64(out, count << 1 | u64::from(gap > 0));
        if gap > 0 {
            varint::put_u64(out, gap);
        }
    }
}

/// Decodes the sketch of a chunk of so many values.
///
/// Total over any bytes: allocates at most 2 KiB for each of them.
///
/// # Errors
/// [`FormatError`] where the bytes are no such sketch.
pub fn decode_sketch(bytes: &[u8], values: u64) -> Result<LogBuckets, FormatError> {
    let mut cursor = Cursor::new(bytes);
    let tag = cursor.u8()?;
    let resolution = Resolution::from_tag(tag);
    let resolution = resolution.ok_or(FormatError::Tag { what: "sketch resolution", tag })?;
    let mut buckets = LogBuckets::new(resolution);
    let mut bucket = cursor.varint()?;
    let mut rest = values;
    while rest > 0 {
        let token = cursor.varint()?;
        let count = token >> 1;
        let out_of_range = |field, got| FormatError::OutOfRange { field, got };
        rest = match rest.checked_sub(count) {
            Some(behind) if count > 0 => behind,
            _ => return Err(out_of_range("values of a bucket", count)),
        };
        if !buckets.add_count(bucket, count) {
            return Err(out_of_range("bucket", bucket));
        }
        let has_gap = token & 1 == 1;
        let gap = if has_gap { cursor.varint()? } else { 0 };
        if has_gap && (gap == 0 || rest == 0) {
            return Err(out_of_range("gap between buckets", gap));
        }
        bucket = bucket.saturating_add(gap).saturating_add(1);
    }
    cursor.finish()?;
    Ok(buckets)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop, proptest};

    use crate::format::sketch::{decode_sketch, encode_sketch};
    use crate::sketch::{LogBuckets, Resolution};

    fn buckets_of(values: &[f64], resolution: Resolution) -> LogBuckets {
        let mut buckets = LogBuckets::new(resolution);
        for value in values {
            buckets.add(*value);
        }
        buckets
    }

    proptest! {
        #[test]
        fn sketches_come_back(
            bits in vec((any::<u64>(), 1..5_usize), 1..200),
            near in vec(1.0..3.0_f64, 0..200),
            resolution in prop::sample::select(Resolution::ALL.as_slice()),
        ) {
            let far = bits.iter().flat_map(|(bits, times)| vec![f64::from_bits(*bits); *times]);
            let values: Vec<f64> = far.chain(near).collect();
            let buckets = buckets_of(&values, resolution);
            let mut bytes = Vec::new();
            encode_sketch(&buckets, &mut bytes);
            let count = values.len() as u64;
            assert_eq!(decode_sketch(&bytes, count), Ok(buckets));
            assert!(decode_sketch(&bytes, count - 1).is_err());
            assert!(decode_sketch(&bytes, count + 1).is_err());
            for len in 0..bytes.len() {
                assert!(decode_sketch(&bytes[..len], count).is_err());
            }
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in vec(any::<u8>(), 0..60), values in 0..300_u64) {
            if let Ok(buckets) = decode_sketch(&bytes, values) {
                assert_eq!(buckets.count(), values);
            }
        }
    }

    #[test]
    fn values_of_a_distribution_take_little_more_than_a_byte_a_bucket() {
        let values: Vec<f64> = (1..=8192).map(|rank| 180.0 * (8192.0 / f64::from(rank))).collect();
        let mut bytes = Vec::new();
        encode_sketch(&buckets_of(&values, Resolution::Percent1), &mut bytes);
        assert!(bytes.len() < 900, "{} bytes", bytes.len());
    }
}
