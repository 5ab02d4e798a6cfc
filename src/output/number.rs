//! Numbers as the shortest decimal that reads back to the same double.

/// Returns the number's text: plain decimals where they are short, else with an exponent.
pub(crate) fn text(number: f64) -> String {
    // `Debug` is the shortest form that reads back and uses exponents for extremes, but writes a
    // fraction of `.0` that nobody needs.
    let text = format!("{number:?}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text.replace(".0e", "e"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use crate::output::number::text;

    #[test]
    fn short_numbers_are_short() {
        for (number, expected) in [
            (842.5, "842.5"),
            (3.0, "3"),
            (-0.0, "-0"),
            (1e300, "1e300"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    proptest! {
        #[test]
        fn every_finite_number_reads_back(number: f64) {
            if number.is_finite() {
                prop_assert_eq!(text(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
            }
        }
    }
}
