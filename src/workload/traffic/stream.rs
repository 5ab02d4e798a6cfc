//! The stream of requests: arrivals, what becomes of each, and the order they are written in.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::model::{MetricDef, SeriesKey};
use crate::workload::Generated;
use crate::workload::random::Random;
use crate::workload::traffic::choice::Choice;
use crate::workload::traffic::labels::Places;
use crate::workload::traffic::options::{LabelSet, TrafficOptions, ValueForm, WriteOrder};
use crate::workload::traffic::outcome::{Outcomes, TrafficStatus, failed_after};
use crate::workload::traffic::quantiles::{CONTEXT_TOKENS, GENERATED_TOKENS, Quantiles};
use crate::workload::traffic::rate::{Gaps, Level};
use crate::workload::traffic::response::{MEASURED, MODELS, plain_answer};
use crate::workload::traffic::row::TrafficRow;

/// A rate holds for so long.
const MINUTE_NANOS: i64 = 60_000_000_000;
const MINUTE_SECONDS: f64 = 60.0;
/// The bots' shares hold for so many minutes.
const SHARES_MINUTES: i64 = 10;
/// No request takes longer: it is given up.
const SECONDS_MAX: f64 = 60.0;
/// Sessions that may go on at a time.
const SESSIONS: usize = 1_024;
/// The keys of randomness.
const LEVEL_STREAM: u64 = 3;
const MINUTE_STREAM: u64 = 4;

/// Requests of a bot company, as an iterator in the order they are written.
///
/// Each minute has random numbers of its own, that follow from the seed and the minute. Memory is
/// that of the labels and of the requests that are under way, which last a minute at most.
///
/// ```
/// use silverback::workload::{Preset, Traffic};
/// let mut traffic = Traffic::new(1, &Preset::Tiny.options());
/// let row = traffic.next().expect("a million requests");
/// assert!(row.end >= row.start);
/// assert!(traffic.key("latency", row.series).to_string().contains("bot="));
/// ```
#[derive(Debug, Clone)]
pub struct Traffic {
    options: TrafficOptions,
    seed: u64,
    places: Places,
    gaps: Gaps,
    context: Quantiles,
    generated: Quantiles,
    level: Level,
    level_random: Random,
    random: Random,
    bots: Choice,
    outcomes: Outcomes,
    /// The minute that is being made, and what is left of it.
    minute: i64,
    minute_start: i64,
    rate: f64,
    /// Seconds into the minute.
    clock: f64,
    /// Requests that have begun.
    begun: u64,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    /// The next request to begin, in the order of the ends.
    coming: Option<TrafficRow>,
    sessions: VecDeque<u64>,
    session_count: u64,
}

/// A request that has begun, ordered by its end.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    number: u64,
    row: TrafficRow,
}

impl UnderWay {
    fn order(&self) -> (i64, u64) {
        (self.row.end, self.number)
    }
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for UnderWay {}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl Traffic {
    /// Starts a stream.
    #[must_use]
    pub fn new(seed: u64, options: &TrafficOptions) -> Self {
        let places = Places::new(seed, options);
        let mut level_random = Random::keyed(seed, LEVEL_STREAM, 0);
        let level = Level::new(&mut level_random, options.rate, options.steady);
        let mut traffic = Self {
            options: options.clone(),
            seed,
            bots: places.bots_for(0),
            places,
            gaps: Gaps::new(),
            context: Quantiles::new(&CONTEXT_TOKENS),
            generated: Quantiles::new(&GENERATED_TOKENS),
            level,
            level_random,
            random: Random::keyed(seed, MINUTE_STREAM, 0),
            outcomes: Outcomes::new(MODELS.len() + 1),
            minute: 0,
            minute_start: options.start,
            rate: 0.0,
            clock: 0.0,
            begun: 0,
            under_way: BinaryHeap::new(),
            coming: None,
            sessions: VecDeque::with_capacity(SESSIONS),
            session_count: 0,
        };
        traffic.rate = traffic.level.next(&mut traffic.level_random, traffic.minute_start);
        traffic
    }

    /// Returns the identity of a metric's series.
    #[must_use]
    pub fn key(&self, metric: &str, series: usize) -> SeriesKey {
        self.places.key(metric, series)
    }

    /// Returns how many series there may be; `None` where they do not end, as with sessions.
    #[must_use]
    pub fn series_max(&self) -> Option<usize> {
        let count = self.places.count() * TrafficStatus::ALL.len();
        (self.options.labels != LabelSet::Session).then_some(count)
    }

    /// Returns how many requests are under way: those that have begun and are not written.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Returns the response times alone, as samples of the metric `latency`.
    #[must_use]
    pub fn samples(self) -> TrafficSamples {
        TrafficSamples { traffic: self }
    }

    /// Makes the next request, in the order they begin.
    fn begin(&mut self) -> Option<TrafficRow> {
        if self.begun == self.options.rows {
            return None;
        }
        self.begun += 1;
        let mut gap = self.gaps.draw(&mut self.random);
        // A gap is in requests: it takes the longer the lower the rate of each minute it crosses.
        loop {
            let left = (MINUTE_SECONDS - self.clock) * self.rate;
            if gap < left {
                self.clock += gap / self.rate;
                break;
            }
            gap -= left.max(0.0);
            self.next_minute();
        }
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of one minute")]
        let start = self.minute_start.saturating_add((self.clock * 1e6) as i64 * 1_000);
        Some(self.answer(start))
    }

    fn next_minute(&mut self) {
        self.minute += 1;
        self.minute_start = self.minute_start.saturating_add(MINUTE_NANOS);
        self.clock = 0.0;
        self.rate = self.level.next(&mut self.level_random, self.minute_start);
        self.random = Random::keyed(self.seed, MINUTE_STREAM, self.minute);
        if self.minute % SHARES_MINUTES == 0 {
            self.bots = self.places.bots_for(self.minute / SHARES_MINUTES);
        }
    }

    /// Decides what becomes of a request that begins at a time.
    fn answer(&mut self, start: i64) -> TrafficRow {
        let random = &mut self.random;
        let session = (self.options.labels == LabelSet::Session).then(|| {
            // Every second request goes on with a session.
            if random.unit() < 0.5 && !self.sessions.is_empty() {
                let at = usize::try_from(random.below(self.sessions.len() as u64)).unwrap_or(0);
                return self.sessions.get(at).copied().unwrap_or(0);
            }
            let session = self.session_count;
            self.session_count += 1;
            if self.sessions.len() == SESSIONS {
                self.sessions.pop_front();
            }
            self.sessions.push_back(session);
            session
        });
        let of_session = session.map(|session| self.places.session(session));
        let index = of_session.map_or_else(|| self.places.pick(&self.bots, random), |it| it.0);
        let place = self.places.place(index);
        let model = place.and_then(|place| place.model).map(usize::from);
        let endpoint = model.unwrap_or(MODELS.len());
        let status =
            of_session.map_or_else(|| self.outcomes.next(endpoint, random), |(_, status)| status);
        let answered = status == TrafficStatus::Ok;
        let context = model.map_or(0, |_| self.context.count_at(random.unit()));
        let tokens = model.map_or(0, |_| self.generated.count_at(random.unit()));
        let (first, whole) = match model.and_then(|model| MODELS.get(model)) {
            _ if self.options.one_endpoint => MEASURED.answer(random, tokens),
            Some(model) => model.answer(random, tokens),
            None => {
                let seconds = plain_answer(random);
                (seconds, seconds)
            }
        };
        let whole = if answered { whole } else { failed_after(status, first, random) };
        // What would take longer is given up, and counts as a timeout.
        let is_given_up = answered && whole >= SECONDS_MAX && session.is_none();
        let status = if is_given_up { TrafficStatus::Timeout } else { status };
        let seconds = whole.min(SECONDS_MAX);
        let generated_tokens = if status == TrafficStatus::Ok { tokens } else { 0 };
        let slot = TrafficStatus::ALL.iter().position(|known| *known == status).unwrap_or(0);
        let of_place = index * TrafficStatus::ALL.len() + slot;
        #[expect(clippy::cast_possible_truncation, reason = "at most a minute")]
        let end = start.saturating_add((seconds * 1e6).round() as i64 * 1_000);
        TrafficRow {
            start,
            end,
            series: session.map_or(of_place, |it| usize::try_from(it).unwrap_or(usize::MAX)),
            bot: place.map_or(0, |place| place.bot),
            channel: place.map_or(0, |place| place.channel),
            intent: place.map_or(0, |place| place.intent),
            status,
            seconds,
            first_token_seconds: first.min(seconds),
            context_tokens: context,
            generated_tokens,
        }
    }
}

impl Iterator for Traffic {
    type Item = TrafficRow;

    fn next(&mut self) -> Option<TrafficRow> {
        if self.options.order == WriteOrder::Start {
            return self.begin();
        }
        loop {
            if self.coming.is_none() {
                self.coming = self.begin();
            }
            let first = self.under_way.peek().map(|Reverse(first)| first.row.end);
            // Requests that begin later end later than one that has ended by then.
            match (first, self.coming) {
                (Some(end), Some(coming)) if coming.start >= end => break,
                (_, None) => break,
                (_, Some(row)) => {
                    self.under_way.push(Reverse(UnderWay { number: self.begun, row }));
                    self.coming = None;
                }
            }
        }
        self.under_way.pop().map(|Reverse(first)| first.row)
    }
}

/// The response times of [`Traffic`], as samples.
///
/// ```
/// use silverback::workload::{Preset, Traffic};
/// let samples = Traffic::new(1, &Preset::Tiny.options().rows(100)).samples();
/// assert_eq!(samples.metric().unit.as_deref(), Some("us"));
/// assert_eq!(samples.count(), 100);
/// ```
#[derive(Debug, Clone)]
pub struct TrafficSamples {
    traffic: Traffic,
}

impl TrafficSamples {
    /// Returns the definition of the metric.
    #[must_use]
    pub fn metric(&self) -> MetricDef {
        let form: ValueForm = self.traffic.options.form;
        MetricDef { unit: Some(form.unit().to_owned()), ..MetricDef::new("latency") }
    }

    /// Returns the identity of a series.
    #[must_use]
    pub fn key(&self, series: usize) -> SeriesKey {
        self.traffic.key("latency", series)
    }

    /// Returns the requests themselves.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}

impl Iterator for TrafficSamples {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        let row = self.traffic.next()?;
        let value = row.latency(self.traffic.options.form);
        Some(Generated { series: row.series, timestamp: row.start, value })
    }
}
