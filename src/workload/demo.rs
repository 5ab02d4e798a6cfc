//! A day of a bot company's traffic, with an incident.

use crate::model::{TimeRange, Timestamp};
use crate::workload::random::Random;
use crate::workload::two_decimals;

const MINUTE_NANOS: i64 = 60_000_000_000;
const DAY_MINUTES: i64 = 1_440;
/// How long before the end the incident begins, and how long it lasts.
const INCIDENT_MINUTES: (i64, i64) = (187, 20);
/// Requests a minute over all bots on average.
const RATE: f64 = 150.0;
/// Traffic by hour of the day, with a mean of 1: measured on a chat model service over 14 days.
const HOURS: [f64; 24] = [
    0.84, 0.71, 0.73, 0.68, 0.71, 0.66, 0.68, 0.85, 1.02, 1.05, 1.13, 1.09, 1.06, 1.07, 1.06, 1.05,
    1.09, 1.08, 1.01, 1.23, 1.46, 1.40, 1.27, 1.06,
];
/// Bots: name, share of the traffic, median response time in ms.
const BOTS: [(&str, f64, f64); 5] = [
    ("support", 0.42, 620.0),
    ("shop", 0.27, 310.0),
    ("assistant", 0.17, 1450.0),
    ("booking", 0.09, 480.0),
    ("faq", 0.05, 140.0),
];
const CHANNELS: [(&str, f64); 4] =
    [("web", 0.48), ("telegram", 0.22), ("whatsapp", 0.17), ("slack", 0.13)];
const INTENTS: [(&str, f64); 8] = [
    ("order_status", 0.31),
    ("smalltalk", 0.19),
    ("refund", 0.14),
    ("opening_hours", 0.11),
    ("complaint", 0.09),
    ("product_search", 0.07),
    ("human_agent", 0.05),
    ("other", 0.04),
];
const ERROR_SHARE: f64 = 0.018;

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
    /// `ok` or `error`.
    pub status: &'static str,
    /// The response time in milliseconds.
    pub latency_ms: f64,
    /// The tokens generated; none for a failed request.
    pub tokens: f64,
}

/// A day of requests that ends at a given time, about 200,000 of them. Twenty minutes of it, three
/// hours before the end, are an incident: the support bot answers eight times slower on Slack, and
/// a quarter of its answers there fail.
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
    random: Random,
    clock: f64,
    start: i64,
    end: i64,
}

impl Demo {
    /// Starts the day before `end`.
    #[must_use]
    pub fn new(seed: u64, end: Timestamp) -> Self {
        let end = end.as_nanos();
        let start = end.saturating_sub(DAY_MINUTES * MINUTE_NANOS);
        Self { random: Random::new(seed), clock: 0.0, start, end }
    }

    /// Returns when the incident is.
    #[must_use]
    pub fn incident(&self) -> TimeRange {
        let (before, minutes) = INCIDENT_MINUTES;
        let whole = self.end.div_euclid(MINUTE_NANOS) * MINUTE_NANOS;
        let start = Timestamp::from_nanos(whole).saturating_sub(before * MINUTE_NANOS);
        TimeRange::new(start, start.saturating_add(minutes * MINUTE_NANOS))
    }
}

/// Returns the requests a minute at a time of day.
fn rate(now: i64) -> f64 {
    let hour = now.div_euclid(60 * MINUTE_NANOS).rem_euclid(24);
    let factor = usize::try_from(hour).ok().and_then(|hour| HOURS.get(hour));
    RATE * factor.copied().unwrap_or(1.0)
}

impl Iterator for Demo {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        #[expect(clippy::cast_possible_truncation, reason = "nanoseconds of one day")]
        let now = self.start.saturating_add(self.clock as i64);
        #[expect(clippy::cast_precision_loss, reason = "a length of time, not an identity")]
        let minute = MINUTE_NANOS as f64;
        self.clock += minute / rate(now) * self.random.exponential();
        #[expect(clippy::cast_possible_truncation, reason = "nanoseconds of one day")]
        let at = self.start.saturating_add(self.clock as i64);
        if at >= self.end {
            return None;
        }
        // Requests are stamped with whole milliseconds.
        let timestamp = Timestamp::from_nanos(at.div_euclid(1_000_000) * 1_000_000);
        let &(bot, _, median) = pick(&BOTS, |bot| bot.1, self.random.unit())?;
        let &(channel, _) = pick(&CHANNELS, |channel| channel.1, self.random.unit())?;
        let &(intent, _) = pick(&INTENTS, |intent| intent.1, self.random.unit())?;
        let hit = self.incident().contains(timestamp) && bot == "support" && channel == "slack";
        let (slower, error_share) = if hit { (8.0, 0.25) } else { (1.0, ERROR_SHARE) };
        let failed = self.random.unit() < error_share;
        let latency = self.random.log_normal(median * slower, 0.55);
        let tokens = self.random.log_normal(130.0, 0.7).round();
        Some(Request {
            timestamp,
            bot,
            channel,
            intent,
            status: if failed { "error" } else { "ok" },
            latency_ms: two_decimals(latency),
            tokens: if failed { 0.0 } else { tokens },
        })
    }
}

/// Returns the entry whose share of the whole a number from 0 to 1 falls into.
fn pick<T>(entries: &[T], share: impl Fn(&T) -> f64, at: f64) -> Option<&T> {
    let mut left = at;
    let hit = entries.iter().find(|entry| {
        left -= share(entry);
        left < 0.0
    });
    hit.or(entries.last())
}

#[cfg(test)]
mod tests {
    use crate::model::Timestamp;
    use crate::workload::demo::Demo;

    #[test]
    fn the_incident_stands_out_and_the_rest_does_not() {
        let end = Timestamp::from_secs(1_770_000_000).unwrap();
        let demo = Demo::new(1, end);
        let incident = demo.incident();
        let requests: Vec<_> = demo.collect();
        assert!((150_000..300_000).contains(&requests.len()), "{}", requests.len());
        assert!(requests.is_sorted_by_key(|request| request.timestamp));
        let (mut hit, mut other) = ((0, 0.0, 0), (0, 0.0, 0));
        for r in requests.iter().filter(|r| r.bot == "support" && r.channel == "slack") {
            let sums = if incident.contains(r.timestamp) { &mut hit } else { &mut other };
            sums.0 += 1;
            sums.1 += r.latency_ms;
            sums.2 += i32::from(r.status == "error");
        }
        assert!(hit.0 > 50, "{hit:?}");
        let mean = |sums: (i32, f64, i32)| sums.1 / f64::from(sums.0);
        assert!(mean(hit) > 6.0 * mean(other), "{hit:?} {other:?}");
        assert!(hit.2 * 8 > hit.0, "{hit:?}");
        assert!(other.2 * 25 < other.0, "{other:?}");
    }
}
