//! A day of a bot company's traffic, with an incident.

use crate::model::{TimeRange, Timestamp};
use crate::workload::random::Random;
use crate::workload::traffic::labels::CHANNELS;
use crate::workload::traffic::{Traffic, TrafficOptions, TrafficRow, TrafficStatus, ValueForm};

const MINUTE_NANOS: i64 = 60_000_000_000;
const DAY_MINUTES: i64 = 1_440;
/// How long before the end the incident begins, and how long it lasts.
const INCIDENT_MINUTES: (i64, i64) = (187, 20);
/// What the incident does: answers take so many times as long, and this share of them fails.
const SLOWER: f64 = 6.0;
const INCIDENT_FAILED_SHARE: f64 = 0.25;
/// No request takes longer: it is given up.
const SECONDS_MAX: f64 = 60.0;
/// Requests a second over all bots on average.
const RATE: f64 = 2.5;
/// Series that there may be: so many that each of the bots is asked on every channel.
const SERIES: usize = 2_400;
/// Bots by traffic. The last one answers without a language model.
const BOTS: [&str; 5] = ["support", "shop", "assistant", "booking", "faq"];
/// A bot's intents by traffic; those behind the last have its name.
const INTENTS: [&str; 8] = [
    "order_status",
    "smalltalk",
    "refund",
    "opening_hours",
    "complaint",
    "product_search",
    "human_agent",
    "other",
];
/// Where the incident is, by place in `BOTS` and by name.
const INCIDENT_BOT: u16 = 0;
const INCIDENT_CHANNEL: &str = "slack";
/// The key of the incident's own randomness.
const INCIDENT_STREAM: u64 = 9;

/// One request of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// When it began.
    pub timestamp: Timestamp,
    /// Which bot answered.
    pub bot: &'static str,
    /// Where the user wrote.
    pub channel: &'static str,
    /// What the user wanted.
    pub intent: &'static str,
    /// How it ended: `ok`, or how it failed.
    pub status: &'static str,
    /// The response time in milliseconds.
    pub latency_ms: f64,
    /// The tokens generated; none for a failed request or without a language model.
    pub tokens: f64,
}

/// A day of requests that ends at a given time, about 200,000 of them, in the order they end.
/// They are [`Traffic`] of five bots, but for twenty minutes that begin three hours before the
/// end: the support bot answers six times slower on Slack, and a quarter of its answers there fail.
///
/// ```
/// use silverback::workload::Demo;
/// use silverback::Timestamp;
/// let demo = Demo::new(1, Timestamp::from_secs(1_770_000_000).unwrap_or_default());
/// let incident = demo.incident();
/// assert_eq!(incident.nanos(), 20 * 60_000_000_000);
/// ```
#[derive(Debug, Clone)]
pub struct Demo {
    traffic: Traffic,
    incident: TimeRange,
    random: Random,
    end: i64,
}

impl Demo {
    /// Starts the day before `end`.
    #[must_use]
    pub fn new(seed: u64, end: Timestamp) -> Self {
        let end = end.as_nanos();
        let options = TrafficOptions::default()
            .rows(u64::MAX)
            .rate(RATE)
            .bots(BOTS.len())
            .series(SERIES)
            .start_nanos(end.saturating_sub(DAY_MINUTES * MINUTE_NANOS));
        let (before, minutes) = INCIDENT_MINUTES;
        let whole = Timestamp::from_nanos(end.div_euclid(MINUTE_NANOS) * MINUTE_NANOS);
        let start = whole.saturating_sub(before * MINUTE_NANOS);
        let incident = TimeRange::new(start, start.saturating_add(minutes * MINUTE_NANOS));
        let random = Random::keyed(seed, INCIDENT_STREAM, 0);
        Self { traffic: Traffic::new(seed, &options), incident, random, end }
    }

    /// Returns when the incident is.
    #[must_use]
    pub fn incident(&self) -> TimeRange {
        self.incident
    }

    /// Makes an answer of the incident out of one that it hits.
    fn strike(&mut self, row: &mut TrafficRow) {
        row.seconds = (row.seconds * SLOWER).min(SECONDS_MAX);
        if row.seconds >= SECONDS_MAX {
            row.status = TrafficStatus::Timeout;
        } else if self.random.unit() < INCIDENT_FAILED_SHARE {
            row.status = TrafficStatus::UpstreamError;
        }
        if row.status != TrafficStatus::Ok {
            row.generated_tokens = 0;
        }
    }
}

impl Iterator for Demo {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let mut row = self.traffic.next().filter(|row| row.end < self.end)?;
        // Requests are stamped with whole milliseconds.
        let timestamp = Timestamp::from_nanos(row.start.div_euclid(1_000_000) * 1_000_000);
        let (channel, _) = CHANNELS.get(usize::from(row.channel)).copied()?;
        if row.bot == INCIDENT_BOT
            && channel == INCIDENT_CHANNEL
            && self.incident.contains(timestamp)
        {
            self.strike(&mut row);
        }
        let intent = usize::from(row.intent).min(INTENTS.len() - 1);
        Some(Request {
            timestamp,
            bot: BOTS.get(usize::from(row.bot))?,
            channel,
            intent: INTENTS.get(intent)?,
            status: row.status.as_str(),
            latency_ms: row.latency(ValueForm::Millis),
            tokens: f64::from(row.generated_tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Timestamp;
    use crate::workload::demo::Demo;

    #[test]
    fn the_incident_stands_out_and_the_rest_does_not() {
        for seed in 1..4 {
            let end = Timestamp::from_secs(1_770_000_000).unwrap();
            let demo = Demo::new(seed, end);
            let incident = demo.incident();
            let requests: Vec<_> = demo.collect();
            assert!((120_000..350_000).contains(&requests.len()), "{}", requests.len());
            let (mut hit, mut other) = ((0, 0.0, 0), (0, 0.0, 0));
            for r in requests.iter().filter(|r| r.bot == "support" && r.channel == "slack") {
                let sums = if incident.contains(r.timestamp) { &mut hit } else { &mut other };
                sums.0 += 1;
                sums.1 += r.latency_ms;
                sums.2 += i32::from(r.status != "ok");
            }
            assert!(hit.0 > 20, "{hit:?}");
            let mean = |sums: (i32, f64, i32)| sums.1 / f64::from(sums.0);
            assert!(mean(hit) > 3.0 * mean(other), "{hit:?} {other:?}");
            assert!(hit.2 * 7 > hit.0, "{hit:?}");
            assert!(other.2 * 20 < other.0, "{other:?}");
            let failed = requests.iter().filter(|r| r.status != "ok");
            assert!(failed.clone().all(|r| r.tokens == 0.0));
            assert!(failed.count() * 25 < requests.len());
            // Each bot and each channel has traffic.
            for bot in super::BOTS {
                assert!(requests.iter().any(|r| r.bot == bot), "{bot}");
            }
        }
    }
}
