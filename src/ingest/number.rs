//! Decimal text to the nearest double.

/// The powers of ten that a double holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Up to this whole number every one is a double.
const EXACT_MAX: u64 = 1 << 53;
/// So many digits always fit into 64 bits.
const DIGITS_MAX: usize = 19;

/// Reads a number as [`str::parse`] does, rightly rounded.
///
/// Most are short decimals: a whole number and a power of ten that are both exact, so that one
/// division rounds once and rightly. Others go the long way.
#[inline]
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    short(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

#[inline]
fn short(text: &[u8]) -> Option<f64> {
    let (is_negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.len() > DIGITS_MAX + 1 {
        return None;
    }
    let (mut whole, mut point) = (0_u64, None);
    for (index, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if *byte == b'.' && point.is_none() {
            point = Some(index);
        } else {
            return None;
        }
    }
    let decimals = point.map_or(0, |point| digits.len() - point - 1);
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > DIGITS_MAX || whole > EXACT_MAX {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    let value = whole as f64 / TENS.get(decimals)?;
    Some(if is_negative { -value } else { value })
}

/// The units of durations and how many nanoseconds they are; both signs of micro are in use.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("h", 3.6e12),
];

/// Reads a duration with its unit, such as `1.5ms` or `1m2.5s`, as a number of another unit.
pub(crate) fn duration(text: &[u8], unit: Option<&str>) -> Option<f64> {
    let nanos_of = |name: &str| UNITS.iter().find(|(known, _)| *known == name);
    let (_, wanted) = nanos_of(unit?)?;
    let mut left = std::str::from_utf8(text).ok()?;
    let mut nanos = None;
    while !left.is_empty() {
        let (number, rest) = left.split_at(left.find(|c: char| !matches!(c, '0'..='9' | '.'))?);
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end)?;
        let (_, scale) = nanos_of(name)?;
        nanos = Some(nanos.unwrap_or(0.0) + double(number.as_bytes())? * scale);
        left = rest;
    }
    nanos.map(|nanos| nanos / wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use crate::ingest::number::{double, duration};

    #[test]
    fn durations_tell_their_unit() {
        for (text, unit, value) in [
            ("1.5ms", "ms", Some(1.5)),
            ("250\u{b5}s", "ms", Some(0.25)),
            ("1m2.5s", "s", Some(62.5)),
            ("2h", "ms", Some(7_200_000.0)),
            ("1.5", "ms", None),
            ("ms", "ms", None),
            ("1.5ms", "tokens", None),
            ("", "ms", None),
        ] {
            assert_eq!(duration(text.as_bytes(), Some(unit)), value, "{text}");
        }
    }

    #[test]
    fn numbers_are_what_the_standard_library_reads() {
        for text in [
            "0",
            "-0",
            "1",
            "1.",
            ".5",
            "-.5",
            ".",
            "-",
            "",
            "+1",
            "1e3",
            "1E-3",
            "1_0",
            "0x10",
            "NaN",
            "inf",
            "-inf",
            "1.2.3",
            "9007199254740993",
            "18446744073709551616",
            "0.1",
            "123456.789",
            "99999999999999999999",
            "0.0000000000000000001",
            " 1",
            "1 ",
            "--1",
            "1-",
        ] {
            let wanted = text.parse::<f64>().ok().map(f64::to_bits);
            assert_eq!(double(text.as_bytes()).map(f64::to_bits), wanted, "{text}");
        }
        assert_eq!(double(b"\xff1"), None);
    }

    proptest! {
        #[test]
        fn short_decimals_are_rounded_rightly(text in "-?[0-9]{0,20}\\.?[0-9]{0,20}") {
            let wanted = text.parse::<f64>().ok().map(f64::to_bits);
            prop_assert_eq!(double(text.as_bytes()).map(f64::to_bits), wanted);
        }

        #[test]
        fn every_double_reads_back(value in any::<f64>()) {
            let read = double(format!("{value:?}").as_bytes()).map(f64::to_bits);
            if !value.is_nan() {
                prop_assert_eq!(read, Some(value.to_bits()));
            }
        }
    }
}
