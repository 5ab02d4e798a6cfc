//! How many requests a second come, minute by minute, and the gaps between them.

use crate::workload::random::Random;

/// Traffic by hour of the day, with a mean of 1: measured on a chat model service over 14 days.
const HOURS: [f64; 24] = [
    0.84, 0.71, 0.73, 0.68, 0.71, 0.66, 0.68, 0.85, 1.02, 1.05, 1.13, 1.09, 1.06, 1.07, 1.06, 1.05,
    1.09, 1.08, 1.01, 1.23, 1.46, 1.40, 1.27, 1.06,
];
/// Traffic by day, over those 14 days.
const DAYS: [f64; 14] =
    [0.84, 0.79, 0.97, 0.98, 0.87, 0.97, 0.91, 0.99, 1.04, 1.22, 1.15, 1.21, 1.00, 1.04];
/// How the level of a minute hangs on that of the one before, and how far it wanders in
/// logarithms: measured over 58 minutes of a conversation service.
const LEVEL_KEPT: f64 = 0.90;
const LEVEL_SIGMA: f64 = 0.22;
/// The shape of the gaps' Gamma distribution: a coefficient of variation of 1.05.
const GAP_SHAPE: f64 = 0.90;

const MINUTE_NANOS: i64 = 60_000_000_000;

/// The level that wanders around the service's rate.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    log: f64,
    base: f64,
    steady: bool,
}

impl Level {
    /// Starts somewhere; `steady` leaves out hours and days.
    pub(crate) fn new(random: &mut Random, base: f64, steady: bool) -> Self {
        Self { log: LEVEL_SIGMA * random.normal(), base, steady }
    }

    /// Moves on to the minute that begins at a time; returns its requests a second.
    pub(crate) fn next(&mut self, random: &mut Random, start: i64) -> f64 {
        let fresh = LEVEL_SIGMA * (1.0 - LEVEL_KEPT * LEVEL_KEPT).sqrt();
        self.log = LEVEL_KEPT * self.log + fresh * random.normal();
        // The mean of a log-normal number lies above its median.
        let wandering = (self.log - LEVEL_SIGMA * LEVEL_SIGMA / 2.0).exp();
        let calendar = if self.steady { 1.0 } else { calendar(start) };
        self.base * calendar * wandering
    }
}

/// Returns the factor of the hour and the day that a time is in.
fn calendar(start: i64) -> f64 {
    let hours = start.div_euclid(60 * MINUTE_NANOS);
    let of = |factors: &[f64], index: i64| {
        let index = usize::try_from(index).ok();
        index.and_then(|index| factors.get(index)).copied().unwrap_or(1.0)
    };
    of(&HOURS, hours.rem_euclid(24)) * of(&DAYS, hours.div_euclid(24).rem_euclid(14))
}

/// Gaps of the Gamma distribution with a mean of 1, from a table over exponential numbers: of a
/// shape near 1 the one is almost a straight line over the other.
#[derive(Debug, Clone)]
pub(crate) struct Gaps {
    table: Vec<f64>,
}

/// Entries for each unit of an exponential number, and how many units: beyond lies one gap in 10^8.
const STEPS_A_UNIT: u32 = 32;
const UNITS: u32 = 18;

impl Gaps {
    pub(crate) fn new() -> Self {
        let all = unscaled_gamma(60.0);
        let table = (0..=STEPS_A_UNIT * UNITS).map(|step| {
            let exponential = f64::from(step) / f64::from(STEPS_A_UNIT);
            let wanted = -(-exponential).exp_m1() * all;
            let (mut low, mut high) = (0.0, 40.0);
            for _ in 0..50 {
                let middle = f64::midpoint(low, high);
                if unscaled_gamma(middle) < wanted {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            f64::midpoint(low, high) / GAP_SHAPE
        });
        Self { table: table.collect() }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> f64 {
        let place = random.exponential() * f64::from(STEPS_A_UNIT);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an exponential number of 53 random bits is below 37"
        )]
        let step = (place as usize).min(self.table.len().saturating_sub(2));
        let entry = |at: usize| self.table.get(at).copied().unwrap_or(0.0);
        let (low, high) = (entry(step), entry(step + 1));
        #[expect(clippy::cast_precision_loss, reason = "below the length of the table")]
        let within = place - step as f64;
        low + (high - low) * within
    }
}

/// Returns the lower incomplete Gamma function, by its series.
fn unscaled_gamma(x: f64) -> f64 {
    let (mut term, mut sum, mut divisor) = (1.0 / GAP_SHAPE, 1.0 / GAP_SHAPE, GAP_SHAPE);
    while term > sum * 1e-16 {
        divisor += 1.0;
        term *= x / divisor;
        sum += term;
    }
    x.powf(GAP_SHAPE) * (-x).exp() * sum
}

#[cfg(test)]
mod tests {
    use crate::workload::random::Random;
    use crate::workload::traffic::rate::{Gaps, calendar};

    #[test]
    fn gaps_have_their_moments() {
        let (gaps, mut random) = (Gaps::new(), Random::new(2));
        let draws: Vec<f64> = (0..400_000).map(|_| gaps.draw(&mut random)).collect();
        let mean = draws.iter().sum::<f64>() / 4e5;
        let variance = draws.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 4e5;
        let skew = draws.iter().map(|gap| (gap - mean).powi(3)).sum::<f64>() / 4e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((variance * 0.9 - 1.0).abs() < 0.03, "{variance}");
        assert!((skew / variance.powf(1.5) - 2.0 / 0.9_f64.sqrt()).abs() < 0.15, "{skew}");
    }

    #[test]
    fn an_average_day_and_fortnight_is_one() {
        let hour = 3_600_000_000_000;
        let mean = (0..24 * 14).map(|at| calendar(at * hour)).sum::<f64>() / (24.0 * 14.0);
        assert!((mean - 1.0).abs() < 0.005, "{mean}");
    }
}
