//! Decodes a block of values, and what was decoded again.

use silverback::codec::{ValueCodec, ValueSlices, decode_values};

/// Takes the codec's tag from the first byte, the count from the next two, the block from the rest.
pub(crate) fn run(bytes: &[u8]) {
    let [tag, count_low, count_high, block @ ..] = bytes else { return };
    let Some(codec) = ValueCodec::from_tag(*tag) else { return };
    let count = usize::from(u16::from_le_bytes([*count_low, *count_high]));
    let slices = ValueSlices::of(codec, block, count);
    let mut values = Vec::new();
    if decode_values(codec, block, count, &mut values).is_err() {
        assert!(values.is_empty(), "a failed decoder leaves its output as it was");
        return;
    }
    assert_eq!(values.len(), count);
    assert!(slices.is_ok(), "slices are read of whatever decodes");
    if let Ok(Some(slices)) = slices {
        let mut by_bin = Vec::new();
        for bin in 0..slices.bins().len() {
            slices.append_values(bin, &mut by_bin);
        }
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        by_bin.sort_by(f64::total_cmp);
        assert!(by_bin.iter().map(|v| v.to_bits()).eq(sorted.iter().map(|v| v.to_bits())));
    }
    // Every codec that holds these values gives them back, bit for bit.
    for codec in ValueCodec::ALL {
        let (mut again, mut decoded) = (Vec::new(), Vec::new());
        if codec.encode(&values, &mut again) {
            assert_eq!(decode_values(codec, &again, count, &mut decoded), Ok(()), "{codec:?}");
            assert!(decoded.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
            assert_eq!(decoded.len(), count);
        }
    }
}
