//! Keys in ascending order, with their places.

/// Bits of a position, beside which a key is sorted as one word.
const POSITION_BITS: u32 = u16::BITS;
/// Fewer keys are sorted by comparison.
const RADIX_MIN: usize = 256;
const DIGIT_BITS_MAX: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS_MAX;

/// Keys, and at the same index where each of them stood.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) keys: Vec<u64>,
    pub(super) positions: Vec<u16>,
}

/// Sorts at most 2^16 keys of so many bits.
pub(super) fn sort(keys: impl Iterator<Item = u64>, key_bits: u32) -> Sorted {
    let positioned = keys.zip(0_u16..=u16::MAX);
    if key_bits + POSITION_BITS > u64::BITS {
        let mut pairs: Vec<(u64, u16)> = positioned.collect();
        pairs.sort_unstable();
        let (keys, positions) = pairs.into_iter().unzip();
        return Sorted { keys, positions };
    }
    let mut words: Vec<u64> =
        positioned.map(|(key, position)| key << POSITION_BITS | u64::from(position)).collect();
    if words.len() < RADIX_MIN {
        words.sort_unstable();
    } else {
        sort_by_digits(&mut words, key_bits);
    }
    Sorted {
        keys: words.iter().map(|word| word >> POSITION_BITS).collect(),
        positions: words.iter().map(|word| low_half(*word)).collect(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are the position")]
fn low_half(word: u64) -> u16 {
    word as u16
}

/// Sorts words that stand in order of position by the bits above: least digit first, stable.
fn sort_by_digits(words: &mut Vec<u64>, key_bits: u32) {
    let passes = key_bits.div_ceil(DIGIT_BITS_MAX).max(1);
    let digit_bits = key_bits.div_ceil(passes);
    let mut sorted = vec![0; words.len()];
    for pass in 0..passes {
        let shift = POSITION_BITS + pass * digit_bits;
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are the digit")]
        let digit = |word: u64| (word >> shift) as usize & ((1 << digit_bits) - 1) & (DIGITS - 1);
        let mut starts = [0_usize; DIGITS];
        for word in &*words {
            if let Some(count) = starts.get_mut(digit(*word)) {
                *count += 1;
            }
        }
        let mut start = 0;
        for count in &mut starts {
            start += std::mem::replace(count, start);
        }
        for word in &*words {
            let Some(start) = starts.get_mut(digit(*word)) else { continue };
            if let Some(place) = sorted.get_mut(*start) {
                *place = *word;
            }
            *start += 1;
        }
        std::mem::swap(words, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::dense::sort::sort;

    proptest! {
        #[test]
        fn keys_come_in_order_with_their_places(
            keys in prop::collection::vec(any::<u64>(), 0..1000),
            bits in 1..=64_u32,
        ) {
            let keys: Vec<u64> = keys.iter().map(|key| key >> (64 - bits)).collect();
            let sorted = sort(keys.iter().copied(), bits);
            let mut pairs: Vec<(u64, u16)> = keys.into_iter().zip(0..).collect();
            pairs.sort_unstable();
            let got: Vec<(u64, u16)> = sorted.keys.into_iter().zip(sorted.positions).collect();
            assert_eq!(got, pairs);
        }
    }
}
