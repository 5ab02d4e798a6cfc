//! Numbers drawn by the quantiles of what was measured.

/// Knots of a distribution: per cent of the samples, and the value below which they lie.
type Knots = [(f64, f64); 24];

/// Tokens of the context of 19,366 requests of a conversation service.
pub(crate) const CONTEXT_TOKENS: Knots = knots([
    2.0, 8.0, 16.0, 29.0, 91.0, 181.0, 207.0, 387.0, 396.0, 403.0, 703.0, 1020.0, 1071.0, 1130.0,
    1189.0, 1315.0, 2734.0, 4083.0, 4098.0, 4142.0, 4831.0, 6179.0, 7667.0, 14050.0,
]);
/// Tokens that were generated for them.
pub(crate) const GENERATED_TOKENS: Knots = knots([
    7.0, 12.0, 14.0, 16.0, 24.0, 41.0, 54.0, 77.0, 85.0, 91.0, 103.0, 129.0, 177.0, 384.0, 395.0,
    400.0, 424.0, 451.0, 540.0, 601.0, 643.0, 954.0, 1000.0, 1000.0,
]);
const PERCENTS: [f64; 24] = [
    0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 90.0,
    95.0, 98.0, 99.0, 99.5, 99.9, 99.99, 100.0,
];

#[expect(clippy::indexing_slicing, reason = "three arrays of one length")]
const fn knots(values: [f64; 24]) -> Knots {
    let mut knots = [(0.0, 0.0); 24];
    let mut at = 0;
    while at < 24 {
        knots[at] = (PERCENTS[at], values[at]);
        at += 1;
    }
    knots
}

/// The inverse of a distribution: straight between its knots, on a logarithmic scale.
#[derive(Debug, Clone)]
pub(crate) struct Quantiles {
    /// Shares from 0 to 1, and logarithms of values.
    knots: Vec<(f64, f64)>,
}

impl Quantiles {
    pub(crate) fn new(knots: &[(f64, f64)]) -> Self {
        Self { knots: knots.iter().map(|(at, value)| (at / 100.0, value.ln())).collect() }
    }

    /// Returns the value below which a share of the samples lies.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let above = self.knots.partition_point(|(at, _)| *at <= share);
        let last = || self.knots.last().copied().unwrap_or((1.0, 0.0));
        let (high, high_ln) = self.knots.get(above).copied().unwrap_or_else(last);
        let (low, low_ln) =
            self.knots.get(above.saturating_sub(1)).copied().unwrap_or((high, high_ln));
        let width = high - low;
        let within = if width > 0.0 { (share - low) / width } else { 0.0 };
        (low_ln + (high_ln - low_ln) * within.clamp(0.0, 1.0)).exp()
    }

    /// Returns a whole number below which a share of the samples lies.
    pub(crate) fn count_at(&self, share: f64) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "tokens of one request"
        )]
        let count = self.at(share).round() as u32;
        count
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::Random;
    use crate::workload::traffic::quantiles::{CONTEXT_TOKENS, GENERATED_TOKENS, Quantiles};

    #[test]
    fn every_quantile_of_many_draws_is_the_measured_one() {
        // One draw from each of so many strata: plain draws leave too few beyond 99.9 %.
        const DRAWS: u32 = 400_000;
        for knots in [CONTEXT_TOKENS, GENERATED_TOKENS] {
            let (tokens, mut random) = (Quantiles::new(&knots), Random::new(1));
            let share = |draw: u32| (f64::from(draw) + random.unit()) / f64::from(DRAWS);
            let draws: Vec<u32> =
                (0..DRAWS).map(share).map(|share| tokens.count_at(share)).collect();
            assert!(draws.is_sorted());
            for (percent, wanted) in knots {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "test")]
                let at = (percent / 100.0 * f64::from(DRAWS - 1)).round() as usize;
                let got = f64::from(draws[at]);
                assert!((got / wanted - 1.0).abs() <= 0.05, "{percent}: {got}, not {wanted}");
            }
        }
    }

    #[test]
    fn knots_are_hit_and_between_them_it_is_straight_in_logarithms() {
        let tokens = Quantiles::new(&CONTEXT_TOKENS);
        for (percent, value) in CONTEXT_TOKENS {
            assert!((tokens.at(percent / 100.0) / value - 1.0).abs() < 1e-9, "{percent}");
        }
        let between = tokens.at(0.15);
        assert!((between - (207.0_f64 * 387.0).sqrt()).abs() < 1e-6, "{between}");
        assert_eq!(tokens.count_at(2.0), 14_050);
        assert_eq!(tokens.count_at(-1.0), 2);
    }
}
