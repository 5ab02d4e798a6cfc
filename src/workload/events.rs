//! Workload W1: response times of a fleet of bots.

use crate::model::SeriesKey;
use crate::workload::random::Random;
use crate::workload::{Generated, START_NANOS, two_decimals};

const DAY_MILLIS: f64 = 86_400_000.0;
const BOTS: usize = 20;
const CHANNELS: [&str; 5] = ["web", "telegram", "whatsapp", "slack", "voice"];
const STATUSES: [&str; 2] = ["ok", "error"];
/// One request in this many fails.
const ERROR_ONE_IN: u64 = 50;
const MEDIAN_MS: f64 = 180.0;
const SIGMA: f64 = 0.6;

/// Response times in milliseconds with two decimals, log-normal around 180, over one day: Poisson
/// arrivals on whole milliseconds, 200 series of bot × channel × status, 2 % errors.
///
/// ```
/// use silverback::workload::Events;
/// let events = Events::new(1, 1_000);
/// assert_eq!(events.series().len(), 200);
/// assert_eq!(events.count(), 1_000);
/// ```
#[derive(Debug, Clone)]
pub struct Events {
    series: Vec<SeriesKey>,
    random: Random,
    left: u64,
    gap_millis: f64,
    clock_millis: f64,
}

impl Events {
    /// Starts a stream of this many samples, spread over one day.
    #[must_use]
    pub fn new(seed: u64, samples: u64) -> Self {
        let mut series = Vec::with_capacity(BOTS * CHANNELS.len() * STATUSES.len());
        for bot in 0..BOTS {
            for channel in CHANNELS {
                for status in STATUSES {
                    let key = SeriesKey::new("latency").label("bot", format!("bot{bot:02}"));
                    series.push(key.label("channel", channel).label("status", status));
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a mean, not a count")]
        let gap_millis = DAY_MILLIS / samples.max(1) as f64;
        Self { series, random: Random::new(seed), left: samples, gap_millis, clock_millis: 0.0 }
    }

    /// Returns the series that the samples belong to.
    #[must_use]
    pub fn series(&self) -> &[SeriesKey] {
        &self.series
    }
}

impl Iterator for Events {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        self.left = self.left.checked_sub(1)?;
        self.clock_millis += self.gap_millis * self.random.exponential();
        let pairs = (self.series.len() / STATUSES.len()) as u64;
        let pair = usize::try_from(self.random.below(pairs)).unwrap_or(0);
        let failed = usize::from(self.random.below(ERROR_ONE_IN) == 0);
        let value = two_decimals(self.random.log_normal(MEDIAN_MS, SIGMA));
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of about one day")]
        let millis = self.clock_millis as i64;
        let timestamp = START_NANOS + millis * 1_000_000;
        Some(Generated { series: pair * STATUSES.len() + failed, timestamp, value })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::workload::events::Events;
    use crate::workload::fingerprint;

    const EVENTS: u64 = 0xe5c8_5b85_c95d_602e;

    #[test]
    fn the_distribution_is_the_promised_one() {
        let samples: Vec<_> = Events::new(5, 200_000).collect();
        assert!(samples.is_sorted_by_key(|sample| sample.timestamp));
        let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        values.sort_by(f64::total_cmp);
        assert!((values[100_000] / 180.0 - 1.0).abs() < 0.02, "median {}", values[100_000]);
        // One deviation up: 84.13 % of a normal distribution lie below.
        let sigma = (values[168_268] / values[100_000]).ln();
        assert!((sigma - 0.6).abs() < 0.02, "sigma {sigma}");
        let errors = samples.iter().filter(|sample| sample.series % 2 == 1).count();
        assert!((3_600..4_400).contains(&errors), "{errors} errors");
        assert!(samples.iter().all(|sample| sample.timestamp % 1_000_000 == 0));
        assert_eq!(samples, Events::new(5, 200_000).collect::<Vec<_>>());
    }

    /// A store must not take requests of one series in one millisecond for one request. About
    /// 5,560 of 10,000,000 samples are such; their number grows with the square of the samples.
    #[test]
    fn some_samples_share_series_and_millisecond() {
        let mut seen = HashSet::new();
        let samples = 1_000_000;
        let again = Events::new(1, samples).filter(|s| !seen.insert((s.series, s.timestamp)));
        let again = again.count();
        // 55.6 are expected: five deviations of a Poisson number to either side.
        assert!((19..=93).contains(&again), "{again} samples");
    }

    #[test]
    fn the_same_seed_gives_the_same_samples_for_ever() {
        assert_eq!(fingerprint(Events::new(1, 10_000)), EVENTS);
        assert_ne!(fingerprint(Events::new(2, 10_000)), EVENTS);
    }
}
