//! Units that large values are easier to read in: milliseconds as seconds, bytes as MiB.

/// Values from here on are shown in a greater unit, where there is one.
const LARGE: f64 = 100_000.0;

const TIMES: [(&str, f64); 4] = [("ns", 1e3), ("us", 1e3), ("ms", 1e3), ("s", 1.0)];
const SIZES: [(&str, f64); 5] =
    [("bytes", 1024.0), ("KiB", 1024.0), ("MiB", 1024.0), ("GiB", 1024.0), ("TiB", 1.0)];

/// A unit, and what values are multiplied by that are shown in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) factor: f64,
    pub(crate) unit: Option<String>,
}

impl Scale {
    /// Chooses one for values of a unit up to `largest`; a rate such as `bytes/s` keeps its `/s`.
    pub(crate) fn of(unit: Option<&str>, largest: f64) -> Self {
        let same = Self { factor: 1.0, unit: unit.map(str::to_owned) };
        let Some(unit) = unit else { return same };
        let (amount, per) = match unit.split_once('/') {
            Some((amount, _)) => (amount, unit.get(amount.len()..).unwrap_or("")),
            None => (unit, ""),
        };
        let amount = if amount == "B" { "bytes" } else { amount };
        let ladder = [&TIMES[..], &SIZES[..]];
        let ladder = ladder.iter().find(|units| units.iter().any(|(name, _)| *name == amount));
        let Some(ladder) = ladder else { return same };
        let mut factor = 1.0;
        let mut shown = amount;
        let steps = ladder.iter().skip_while(|(name, _)| *name != amount);
        for ((_, step), (next, _)) in steps.clone().zip(steps.skip(1)) {
            if largest * factor < LARGE {
                break;
            }
            factor /= step;
            shown = next;
        }
        if shown == amount { same } else { Self { factor, unit: Some(format!("{shown}{per}")) } }
    }
}

#[cfg(test)]
mod tests {
    use crate::output::scale::Scale;

    #[test]
    fn large_values_are_shown_in_a_greater_unit() {
        for (unit, largest, shown, value) in [
            ("ms", 99_999.0, "ms", 99_999.0),
            ("ms", 250_000.0, "s", 250.0),
            ("ns", 2e12, "s", 2_000.0),
            ("s", 1e9, "s", 1e9),
            ("bytes", 1_048_576.0, "KiB", 1_024.0),
            ("B", 5e9, "MiB", 5e9 / 1_048_576.0),
            ("bytes/s", 1_048_576.0, "KiB/s", 1_024.0),
            ("tokens", 1e12, "tokens", 1e12),
        ] {
            let scale = Scale::of(Some(unit), largest);
            assert_eq!(scale.unit.as_deref(), Some(shown), "{unit} {largest}");
            assert!((largest * scale.factor - value).abs() <= value * 1e-12, "{unit} {scale:?}");
        }
        assert_eq!(Scale::of(None, 1e12), Scale { factor: 1.0, unit: None });
    }
}
