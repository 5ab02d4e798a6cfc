//! How requests end: failures come in runs.

use crate::workload::random::Random;
use crate::workload::traffic::choice::Choice;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrafficStatus {
    /// It was answered.
    Ok,
    /// It was refused for its rate.
    RateLimited,
    /// It was given up after exactly 30 or 60 seconds.
    Timeout,
    /// What it asked failed.
    UpstreamError,
    /// It was wrong.
    ClientError,
    /// The bot failed.
    Internal,
}

impl TrafficStatus {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::RateLimited,
        Self::Timeout,
        Self::UpstreamError,
        Self::ClientError,
        Self::Internal,
    ];

    /// Returns the value of the label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::UpstreamError => "upstream_error",
            Self::ClientError => "client_error",
            Self::Internal => "internal",
        }
    }
}

/// How failures split, in the order of [`TrafficStatus::ALL`] behind its first.
const SPLIT: [f64; 5] = [0.40, 0.25, 0.20, 0.10, 0.05];
/// The share of requests that fail.
const FAILED_SHARE: f64 = 0.018;
/// Requests of one run on average: a median of 5 and a 90th percentile of 16.
const RUN_MEAN: f64 = 7.0;

/// What each endpoint does at the moment: a chain that stays as it is or changes, request by
/// request.
#[derive(Debug, Clone)]
pub(crate) struct Outcomes {
    now: Vec<TrafficStatus>,
    split: Choice,
}

impl Outcomes {
    pub(crate) fn new(endpoints: usize) -> Self {
        Self { now: vec![TrafficStatus::Ok; endpoints], split: Choice::new(&SPLIT) }
    }

    /// Returns how an endpoint's next request ends.
    pub(crate) fn next(&mut self, endpoint: usize, random: &mut Random) -> TrafficStatus {
        let Some(now) = self.now.get_mut(endpoint) else { return TrafficStatus::Ok };
        let luck = random.unit();
        if *now == TrafficStatus::Ok {
            // In balance as many runs begin as end.
            if luck < FAILED_SHARE / (1.0 - FAILED_SHARE) / RUN_MEAN {
                let kind = self.split.pick(random.unit());
                *now = TrafficStatus::ALL.get(kind + 1).copied().unwrap_or(TrafficStatus::Internal);
            }
        } else if luck < 1.0 / RUN_MEAN {
            *now = TrafficStatus::Ok;
        }
        *now
    }
}

/// Returns the seconds that a failed request takes, where an answer would have begun after `first`.
pub(crate) fn failed_after(status: TrafficStatus, first: f64, random: &mut Random) -> f64 {
    match status {
        TrafficStatus::Ok | TrafficStatus::UpstreamError => first,
        TrafficStatus::Timeout => {
            [30.0, 60.0].get(usize::from(random.unit() < 0.5)).map_or(30.0, |it| *it)
        }
        TrafficStatus::RateLimited => random.log_normal(0.012, 0.5),
        TrafficStatus::ClientError => random.log_normal(0.006, 0.6),
        TrafficStatus::Internal => random.log_normal(0.060, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::random::Random;
    use crate::workload::traffic::outcome::{Outcomes, TrafficStatus};

    #[test]
    fn failures_come_in_runs_of_the_measured_lengths() {
        let (mut outcomes, mut random) = (Outcomes::new(1), Random::new(4));
        let statuses: Vec<_> = (0..2_000_000).map(|_| outcomes.next(0, &mut random)).collect();
        let failed = statuses.iter().filter(|status| **status != TrafficStatus::Ok).count();
        assert!((32_000..40_000).contains(&failed), "{failed}");
        let runs = statuses.split(|status| *status == TrafficStatus::Ok).filter(|r| !r.is_empty());
        let mut lengths: Vec<usize> = runs.map(<[_]>::len).collect();
        lengths.sort_unstable();
        let median = lengths[lengths.len() / 2];
        let high = lengths[lengths.len() * 9 / 10];
        assert!((4..=6).contains(&median) && (14..=18).contains(&high), "{median} {high}");
    }
}
