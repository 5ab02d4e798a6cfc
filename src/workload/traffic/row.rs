//! One request of traffic.

use crate::workload::traffic::options::ValueForm;
use crate::workload::traffic::outcome::TrafficStatus;

/// A request, with what a bot would measure of it. Labels are indexes; [`super::Traffic::key`]
/// has their texts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrafficRow {
    /// When it began, in nanoseconds since the epoch; whole microseconds. It is stamped so.
    pub start: i64,
    /// When it ended and was written.
    pub end: i64,
    /// The index of its series.
    pub series: usize,
    /// The index of its bot, by traffic.
    pub bot: u16,
    /// The index of its channel, by traffic.
    pub channel: u8,
    /// The index of its intent among those of the bot, by traffic.
    pub intent: u8,
    /// How it ended.
    pub status: TrafficStatus,
    /// Seconds from its start to its end, as computed.
    pub seconds: f64,
    /// Seconds until the first token.
    pub first_token_seconds: f64,
    /// Tokens of the question and what goes with it; 0 for a bot without a language model.
    pub context_tokens: u32,
    /// Tokens of the answer; 0 for a failed request.
    pub generated_tokens: u32,
}

impl TrafficRow {
    /// Returns the response time as it is written.
    #[must_use]
    pub fn latency(&self, form: ValueForm) -> f64 {
        match form {
            ValueForm::Micros => (self.seconds * 1e6).round(),
            ValueForm::Millis => (self.seconds * 1e6).round() / 1e3,
            ValueForm::Seconds => self.seconds,
        }
    }
}
