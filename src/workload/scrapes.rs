//! Workload W2: gauges and counters read every 15 seconds.

use crate::model::{MetricDef, MetricKind, SeriesKey};
use crate::workload::random::Random;
use crate::workload::{Generated, START_NANOS, two_decimals};

const STEP_NANOS: i64 = 15_000_000_000;
/// A counter starts again from zero once in this many reads.
const RESET_ONE_IN: u64 = 2_000;

/// Samples of many series at the same times: the first half gauges (a random walk with two
/// decimals), the second half counters that sometimes start again.
///
/// ```
/// use silverback::workload::Scrapes;
/// assert_eq!(Scrapes::new(1, 10, 5).count(), 50);
/// ```
#[derive(Debug, Clone)]
pub struct Scrapes {
    series: Vec<SeriesKey>,
    values: Vec<f64>,
    random: Random,
    reads: u64,
    read: u64,
    next: usize,
}

impl Scrapes {
    /// Starts a stream of `reads` samples for each of `series` series.
    #[must_use]
    pub fn new(seed: u64, series: usize, reads: u64) -> Self {
        let mut random = Random::new(seed);
        let gauges = series / 2;
        let keys = (0..series).map(|index| {
            let metric = if index < gauges { "cpu_usage" } else { "requests_total" };
            SeriesKey::new(metric).label("instance", format!("node{index:04}"))
        });
        let series = keys.collect::<Vec<_>>();
        let values = (0..series.len())
            .map(|index| if index < gauges { two_decimals(random.unit() * 100.0) } else { 0.0 })
            .collect();
        Self { series, values, random, reads, read: 0, next: 0 }
    }

    /// Returns the series that the samples belong to.
    #[must_use]
    pub fn series(&self) -> &[SeriesKey] {
        &self.series
    }

    /// Returns the definitions of the two metrics.
    #[must_use]
    pub fn metrics() -> [MetricDef; 2] {
        let of = |name: &str, kind| MetricDef { kind, ..MetricDef::new(name) };
        [of("cpu_usage", MetricKind::Gauge), of("requests_total", MetricKind::Counter)]
    }
}

impl Iterator for Scrapes {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        if self.next == self.series.len() {
            self.next = 0;
            self.read += 1;
        }
        if self.read >= self.reads {
            return None;
        }
        let is_gauge = self.next < self.series.len() / 2;
        let value = self.values.get_mut(self.next)?;
        *value = if is_gauge {
            two_decimals((*value + self.random.normal()).clamp(0.0, 100.0))
        } else if self.random.below(RESET_ONE_IN) == 0 {
            0.0
        } else {
            #[expect(clippy::cast_precision_loss, reason = "below 20")]
            let step = self.random.below(20) as f64;
            *value + step
        };
        let read = i64::try_from(self.read).unwrap_or(i64::MAX);
        let timestamp = START_NANOS.saturating_add(read.saturating_mul(STEP_NANOS));
        let sample = Generated { series: self.next, timestamp, value: *value };
        self.next += 1;
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::fingerprint;
    use crate::workload::scrapes::Scrapes;

    const SCRAPES: u64 = 0x01fc_d839_f136_db1d;

    #[test]
    fn counters_grow_or_start_again_and_gauges_stay_in_range() {
        let samples: Vec<_> = Scrapes::new(9, 4, 10_000).collect();
        let of = |series| samples.iter().filter(move |s| s.series == series).map(|s| s.value);
        assert!(of(0).all(|value| (0.0..=100.0).contains(&value)));
        let counter: Vec<f64> = of(3).collect();
        let resets = counter.windows(2).filter(|step| step[1] < step[0]).count();
        assert!((1..20).contains(&resets), "{resets} resets");
        assert!(counter.windows(2).all(|step| step[1] >= step[0] || step[1] == 0.0));
        assert_eq!(samples[0].timestamp, samples[3].timestamp);
        assert_eq!(samples[4].timestamp - samples[0].timestamp, 15_000_000_000);
    }

    #[test]
    fn the_same_seed_gives_the_same_samples_for_ever() {
        assert_eq!(fingerprint(Scrapes::new(1, 100, 100)), SCRAPES);
        assert_ne!(fingerprint(Scrapes::new(2, 100, 100)), SCRAPES);
    }
}
