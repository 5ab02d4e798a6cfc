//! Doubles as integers in the total order of IEEE 754.

const SIGN: u64 = 1 << 63;

/// Returns an integer that grows with a value as `f64::total_cmp` orders it.
#[inline]
pub(crate) fn key_of(value: f64) -> u64 {
    let bits = value.to_bits();
    bits ^ if bits & SIGN == 0 { SIGN } else { u64::MAX }
}

/// Returns the value of a key.
#[inline]
pub(crate) fn value_of(key: u64) -> f64 {
    f64::from_bits(key ^ if key & SIGN == 0 { u64::MAX } else { SIGN })
}

#[cfg(test)]
mod tests {
    use super::{key_of, value_of};

    #[test]
    fn keys_are_in_the_order_of_values_and_give_them_back() {
        let values =
            [-f64::NAN, f64::NEG_INFINITY, -1.5, -5e-324, -0.0, 0.0, 5e-324, 2.0, f64::NAN];
        for pair in values.windows(2) {
            assert!(key_of(pair[0]) < key_of(pair[1]), "{pair:?}");
        }
        for value in values {
            assert_eq!(value_of(key_of(value)).to_bits(), value.to_bits());
        }
    }
}
