//! Decodes a block of timestamps, and what was decoded again.

use silverback::codec::{TimeCodec, decode_timestamps};

/// Takes the codec's tag from the first byte, the count from the next two, the block from the rest.
pub(crate) fn run(bytes: &[u8]) {
    let [tag, count_low, count_high, block @ ..] = bytes else { return };
    let Some(codec) = TimeCodec::from_tag(*tag) else { return };
    let count = usize::from(u16::from_le_bytes([*count_low, *count_high]));
    let mut timestamps = Vec::new();
    if decode_timestamps(codec, block, count, &mut timestamps).is_err() {
        assert!(timestamps.is_empty(), "a failed decoder leaves its output as it was");
        return;
    }
    assert_eq!(timestamps.len(), count);
    // Every codec that holds these timestamps gives them back.
    for codec in TimeCodec::ALL {
        let (mut again, mut decoded) = (Vec::new(), Vec::new());
        if codec.encode(&timestamps, &mut again) {
            assert_eq!(decode_timestamps(codec, &again, count, &mut decoded), Ok(()), "{codec:?}");
            assert_eq!(decoded, timestamps);
        }
    }
}
