//! A workload of series that come and go, as deployments and containers make them.

use crate::model::SeriesKey;
use crate::workload::random::Random;
use crate::workload::{Generated, START_NANOS, two_decimals};

const STEP_NANOS: i64 = 1_000_000;
/// A series ends after so many samples.
const SAMPLES_A_SERIES: u64 = 20;

/// Response times of containers that each answer 20 requests and are never seen again: a new series
/// every 20 samples, `alive` of them at a time.
///
/// ```
/// use silverback::workload::Churn;
/// let samples: Vec<_> = Churn::new(1, 1_000, 10).collect();
/// assert_eq!(samples.iter().map(|sample| sample.series).max(), Some(49));
/// ```
#[derive(Debug, Clone)]
pub struct Churn {
    random: Random,
    samples: u64,
    alive: u64,
    next: u64,
}

impl Churn {
    /// Starts a stream of this many samples; `alive` series take turns.
    #[must_use]
    pub fn new(seed: u64, samples: u64, alive: u64) -> Self {
        Self { random: Random::new(seed), samples, alive: alive.max(1), next: 0 }
    }

    /// Returns a series' identity.
    #[must_use]
    pub fn key(index: usize) -> SeriesKey {
        let key = SeriesKey::new("latency").label("bot", format!("bot{:02}", index % 20));
        key.label("container", format!("c{index:08x}"))
    }
}

impl Iterator for Churn {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        if self.next == self.samples {
            return None;
        }
        // Each round of `alive` series takes 20 turns.
        let round = self.next / (self.alive * SAMPLES_A_SERIES);
        let series = round * self.alive + self.next % self.alive;
        let step = i64::try_from(self.next).unwrap_or(i64::MAX);
        self.next += 1;
        Some(Generated {
            series: usize::try_from(series).unwrap_or(usize::MAX),
            timestamp: START_NANOS.saturating_add(step.saturating_mul(STEP_NANOS)),
            value: two_decimals(self.random.log_normal(180.0, 0.6)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::workload::churn::Churn;

    #[test]
    fn each_series_has_twenty_samples_and_ends() {
        let mut counts: HashMap<usize, u64> = HashMap::new();
        let samples: Vec<_> = Churn::new(3, 4_000, 50).collect();
        for sample in &samples {
            *counts.entry(sample.series).or_default() += 1;
        }
        assert_eq!(counts.len(), 200);
        assert!(counts.values().all(|count| *count == 20));
        assert!(samples[..1_000].iter().all(|sample| sample.series < 50));
        assert_ne!(Churn::key(1), Churn::key(2));
    }
}
