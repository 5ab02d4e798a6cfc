//! What is polled beside the requests: gauges and counters of each bot.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{MetricDef, MetricKind, SeriesKey};
use crate::workload::random::Random;
use crate::workload::{Generated, START_NANOS, two_decimals};

const SECOND_NANOS: i64 = 1_000_000_000;
const MILLI_NANOS: i64 = 1_000_000;
/// Seconds between polls: one of these a series.
const PERIODS: [i64; 3] = [10, 60, 300];
/// One poll in so many is missed.
const MISSED_ONE_IN: u64 = 500;
/// A gauge moves at one poll in so many, and stands still at the others.
const MOVES_ONE_IN: u64 = 6;
/// Shares of the series whose polls are exact, and whose jitter is of whole seconds; the others'
/// is of milliseconds.
const EXACT_SHARE: f64 = 0.60;
const SECONDS_SHARE: f64 = 0.25;
/// How many gaps of the second kind are not exact.
const OFF_SHARE: f64 = 0.11;
/// Shares of the counters that do not move at all, and that sometimes start again.
const CONSTANT_SHARE: f64 = 0.63;
const FALLING_SHARE: f64 = 0.05;
const RESET_ONE_IN: u64 = 1_000;
const GAUGES: [&str; 2] = ["memory_mib", "queue_length"];
const COUNTERS: [&str; 2] = ["replies_total", "retries_total"];
const METRICS: usize = GAUGES.len() + COUNTERS.len();

/// How a series' polls miss their grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jitter {
    Exact,
    Seconds,
    Millis,
}

/// How a series' values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Gauge,
    Constant,
    Growing,
    Falling,
}

/// Two gauges and two counters of each bot, in the order of time. Memory is that of the series.
///
/// ```
/// use silverback::workload::SideMetrics;
/// let polls = SideMetrics::new(1, 50, 3_600);
/// assert_eq!(polls.series().len(), 200);
/// assert!(polls.count() > 200 * 12);
/// ```
#[derive(Debug, Clone)]
pub struct SideMetrics {
    keys: Vec<SeriesKey>,
    series: Vec<Polled>,
    /// The next poll of each series.
    next: BinaryHeap<Reverse<(i64, usize)>>,
    end: i64,
}

/// A series, and where it is.
#[derive(Debug, Clone)]
struct Polled {
    random: Random,
    jitter: Jitter,
    course: Course,
    period: i64,
    /// The poll's place on the grid.
    grid: i64,
    value: f64,
}

impl SideMetrics {
    /// Starts a stream of so many seconds.
    #[must_use]
    pub fn new(seed: u64, bots: usize, seconds: u32) -> Self {
        let names: Vec<&str> = GAUGES.into_iter().chain(COUNTERS).collect();
        let keys = (0..bots).flat_map(|bot| {
            names.iter().map(move |name| SeriesKey::new(*name).label("bot", format!("bot{bot:02}")))
        });
        let keys: Vec<SeriesKey> = keys.collect();
        let series: Vec<Polled> = (0..keys.len()).map(|index| Polled::new(seed, index)).collect();
        let next = (0..).zip(&series).map(|(index, one)| Reverse((one.grid, index)));
        let next = next.collect();
        Self { keys, series, next, end: START_NANOS + i64::from(seconds) * SECOND_NANOS }
    }

    /// Returns the series that the samples belong to.
    #[must_use]
    pub fn series(&self) -> &[SeriesKey] {
        &self.keys
    }

    /// Returns the definitions of the metrics.
    #[must_use]
    pub fn metrics() -> Vec<MetricDef> {
        let of = |name: &str, kind| MetricDef { kind, ..MetricDef::new(name) };
        let gauges = GAUGES.iter().map(|name| of(name, MetricKind::Gauge));
        gauges.chain(COUNTERS.iter().map(|name| of(name, MetricKind::Counter))).collect()
    }
}

impl Iterator for SideMetrics {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        loop {
            let Reverse((timestamp, index)) = self.next.pop()?;
            let one = self.series.get_mut(index)?;
            let value = one.step();
            let missed = one.random.below(MISSED_ONE_IN) == 0;
            let next = one.next_poll();
            if next < self.end {
                self.next.push(Reverse((next, index)));
            }
            if !missed {
                return Some(Generated { series: index, timestamp, value });
            }
        }
    }
}

impl Polled {
    fn new(seed: u64, index: usize) -> Self {
        let mut random = Random::keyed(seed, STREAM, i64::try_from(index).unwrap_or(0));
        let luck = random.unit();
        let jitter = if luck < EXACT_SHARE {
            Jitter::Exact
        } else if luck < EXACT_SHARE + SECONDS_SHARE {
            Jitter::Seconds
        } else {
            Jitter::Millis
        };
        let luck = random.unit();
        let course = if index % METRICS < GAUGES.len() {
            Course::Gauge
        } else if luck < CONSTANT_SHARE {
            Course::Constant
        } else if luck < CONSTANT_SHARE + FALLING_SHARE {
            Course::Falling
        } else {
            Course::Growing
        };
        let period = usize::try_from(random.below(3)).ok().and_then(|at| PERIODS.get(at));
        let period = period.copied().unwrap_or(60) * SECOND_NANOS;
        let value = (random.unit() * 1_000.0).round();
        Self { random, jitter, course, period, grid: START_NANOS, value }
    }

    /// Returns when the series is polled next.
    fn next_poll(&mut self) -> i64 {
        self.grid += self.period;
        let off =
            match self.jitter {
                // Of a poll that is off both gaps beside it are.
                Jitter::Seconds if self.random.unit() < OFF_SHARE / 2.0 => {
                    if self.random.unit() < 0.5 { SECOND_NANOS } else { -SECOND_NANOS }
                }
                Jitter::Exact | Jitter::Seconds => 0,
                Jitter::Millis => {
                    let luck = self.random.unit();
                    let (low, high) = match luck {
                        0.99.. => (34, 70),
                        0.95.. => (8, 34),
                        _ => (2, 8),
                    };
                    let within = i64::try_from(self.random.below(high - low + 1)).unwrap_or(0);
                    (i64::try_from(low).unwrap_or(0) + within) * MILLI_NANOS
                }
            };
        // A late poll delays those behind it, as a poller that sleeps between polls does.
        if self.jitter == Jitter::Millis {
            self.grid += off;
            return self.grid;
        }
        self.grid + off
    }

    fn step(&mut self) -> f64 {
        let random = &mut self.random;
        match self.course {
            Course::Constant => {}
            Course::Gauge => {
                if random.below(MOVES_ONE_IN) == 0 {
                    self.value = two_decimals((self.value + 5.0 * random.normal()).max(0.0));
                }
            }
            Course::Falling if random.below(RESET_ONE_IN) == 0 => self.value = 0.0,
            Course::Growing | Course::Falling => {
                #[expect(clippy::cast_precision_loss, reason = "below 20")]
                let grown = random.below(20) as f64;
                self.value += grown;
            }
        }
        self.value
    }
}

/// The key of randomness.
const STREAM: u64 = 5;

#[cfg(test)]
mod tests {
    use crate::workload::traffic::side::SideMetrics;

    #[test]
    fn polls_are_exact_jittered_or_missed_in_their_shares() {
        let polls = SideMetrics::new(1, 250, 40_000);
        let mut times = vec![Vec::new(); polls.series().len()];
        let mut still = (0, 0);
        let mut values = vec![None; times.len()];
        let mut last = 0;
        for poll in polls {
            assert!(poll.timestamp >= last);
            last = poll.timestamp;
            times[poll.series].push(poll.timestamp);
            if poll.series % 4 < 2 {
                let before = values[poll.series].replace(poll.value);
                still.0 += i32::from(before == Some(poll.value));
                still.1 += 1;
            }
        }
        let exact = |times: &Vec<i64>| {
            let gap = times.windows(2).map(|two| two[1] - two[0]).min().unwrap_or(1);
            times.windows(2).all(|two| (two[1] - two[0]) % gap == 0)
        };
        let exact = times.iter().filter(|times| exact(times)).count();
        assert!((550..650).contains(&exact), "{exact} of 1000");
        let share = f64::from(still.0) / f64::from(still.1);
        assert!((0.74..0.92).contains(&share), "{share}");
    }
}
