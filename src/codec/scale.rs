//! The common step of a block's timestamps: nanoseconds on disk cost what their clock resolves.

/// Returns the greatest number that divides every difference between neighbours; 1 if all are zero.
///
/// Differences wrap around, so that any two timestamps have one. Runs in O(n) divisions at worst;
/// a difference that repeats the one before, as in a regular series, costs a comparison.
pub(super) fn common_divisor(timestamps: &[i64]) -> u64 {
    let mut divisor = 0;
    let mut step_before = 0;
    for (earlier, later) in timestamps.iter().zip(timestamps.iter().skip(1)) {
        let step = later.wrapping_sub(*earlier);
        if step != step_before {
            divisor = greatest_common_divisor(step.unsigned_abs(), divisor);
            if divisor == 1 {
                return 1;
            }
            step_before = step;
        }
    }
    divisor.max(1)
}

/// Euclid's algorithm; zero is divided by every number.
pub(super) fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Divides a difference by a divisor of it.
#[inline]
pub(super) fn divide_exactly(step: i64, divisor: u64) -> i64 {
    let magnitude = (step.unsigned_abs() / divisor).cast_signed();
    // The magnitude is 2^63 only for the least integer, which is its own negation.
    if step < 0 { magnitude.wrapping_neg() } else { magnitude }
}

/// Multiplies a quotient by its divisor again; wraps around like the differences do.
#[inline]
pub(super) fn multiply(quotient: i64, divisor: u64) -> i64 {
    quotient.wrapping_mul(divisor.cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use crate::codec::scale::{common_divisor, divide_exactly, multiply};

    proptest! {
        #[test]
        fn every_step_is_a_multiple(ts in prop::collection::vec(any::<i64>(), 0..50)) {
            let divisor = common_divisor(&ts);
            for pair in ts.windows(2) {
                let step = pair[1].wrapping_sub(pair[0]);
                assert_eq!(step.unsigned_abs() % divisor, 0);
                assert_eq!(multiply(divide_exactly(step, divisor), divisor), step);
            }
        }

        #[test]
        fn a_planted_divisor_is_found(
            quotients in prop::collection::vec(-1_000_000..1_000_000i64, 1..50),
            divisor in 1..1_000_000i64,
        ) {
            // The steps 0 -> 1 -> 0 make the quotients' own divisor 1.
            let mut ts = vec![7, 7 + divisor, 7];
            ts.extend(quotients.iter().map(|quotient| 7 + quotient * divisor));
            assert_eq!(common_divisor(&ts), divisor.unsigned_abs());
        }
    }

    #[test]
    fn edges() {
        assert_eq!(common_divisor(&[]), 1);
        assert_eq!(common_divisor(&[5, 5, 5]), 1);
        assert_eq!(common_divisor(&[0, i64::MIN]), 1 << 63);
        assert_eq!(common_divisor(&[i64::MIN, i64::MAX]), 1);
        assert_eq!(multiply(divide_exactly(i64::MIN, 1 << 63), 1 << 63), i64::MIN);
    }
}
