//! What traffic is made: presets, and how they are changed.

use crate::workload::START_NANOS;

/// Traffic of a known size.
///
/// ```
/// use silverback::workload::Preset;
/// assert_eq!(Preset::from_name("day"), Some(Preset::Day));
/// assert_eq!(Preset::Day.options().row_count(), 100_000_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// A million requests of about 200 series at 5.5 a second: 2.1 days.
    Tiny,
    /// A hundred million requests of about 2,000 series at 1,157 a second: a day.
    Day,
    /// A thousand million requests of about 20,000 series at 480 a second: 24 days.
    Big,
    /// Ten million requests of five million sessions, each a series, at 116 a second: a day.
    Churn,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tiny, Self::Day, Self::Big, Self::Churn];

    /// Returns the preset's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Day => "day",
            Self::Big => "big",
            Self::Churn => "churn",
        }
    }

    /// Returns the preset of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name)
    }

    /// Returns its options.
    pub fn options(self) -> TrafficOptions {
        let (rows, series, rate) = match self {
            Self::Tiny => (1_000_000, 200, 5.5),
            Self::Day => (100_000_000, 2_000, 1_157.0),
            Self::Big => (1_000_000_000, 20_000, 480.0),
            Self::Churn => (10_000_000, 200, 116.0),
        };
        let labels = if self == Self::Churn { LabelSet::Session } else { LabelSet::Six };
        // 200 series have no room for 50 bots.
        let bots = if self == Self::Tiny { 25 } else { 50 };
        TrafficOptions { rows, series, rate, bots, labels, ..TrafficOptions::default() }
    }
}

/// When a request is written, which is always stamped with its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WriteOrder {
    /// When it ends: rows come out of order, as they do in most services. The default.
    #[default]
    End,
    /// When it starts: rows come in order.
    Start,
}

/// How a response time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ValueForm {
    /// Whole microseconds. The default.
    #[default]
    Micros,
    /// Milliseconds with three decimals.
    Millis,
    /// Seconds with the 16 or 17 digits of a quotient.
    Seconds,
}

impl ValueForm {
    /// Returns the unit of the values.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Micros => "us",
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }
}

/// Which labels a series has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LabelSet {
    /// Bot, channel, intent, model, region and status. The default.
    #[default]
    Six,
    /// Those and seven of the deployment, which follow from the others: 13 in all.
    Thirteen,
    /// The six and a session: a new series about every second request.
    Session,
}

/// Options of traffic, built by value.
///
/// ```
/// use silverback::workload::{Preset, Traffic, ValueForm};
/// let options = Preset::Tiny.options().rows(1_000).value_form(ValueForm::Millis);
/// let traffic = Traffic::new(7, &options);
/// assert_eq!(traffic.count(), 1_000);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct TrafficOptions {
    pub(crate) rows: u64,
    pub(crate) series: usize,
    pub(crate) rate: f64,
    pub(crate) bots: usize,
    pub(crate) start: i64,
    pub(crate) order: WriteOrder,
    pub(crate) form: ValueForm,
    pub(crate) labels: LabelSet,
    pub(crate) steady: bool,
    pub(crate) one_endpoint: bool,
}

impl Default for TrafficOptions {
    fn default() -> Self {
        Self {
            rows: 1_000_000,
            series: 200,
            rate: 5.5,
            bots: 50,
            start: START_NANOS,
            order: WriteOrder::default(),
            form: ValueForm::default(),
            labels: LabelSet::default(),
            steady: false,
            one_endpoint: false,
        }
    }
}

impl TrafficOptions {
    /// How many requests.
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = rows;
        self
    }

    /// About how many series, without sessions.
    pub fn series(mut self, series: usize) -> Self {
        self.series = series.clamp(1, 10_000_000);
        self
    }

    /// How many requests a second on average; at least one a day.
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = if rate.is_finite() { rate.clamp(1.0 / 86_400.0, 1e6) } else { self.rate };
        self
    }

    /// How many bots, from 1 to 1,000.
    pub fn bots(mut self, bots: usize) -> Self {
        self.bots = bots.clamp(1, 1_000);
        self
    }

    /// When it begins, in nanoseconds since the epoch.
    pub fn start_nanos(mut self, start: i64) -> Self {
        self.start = start;
        self
    }

    /// When a request is written.
    pub fn write_order(mut self, order: WriteOrder) -> Self {
        self.order = order;
        self
    }

    /// How response times are written.
    pub fn value_form(mut self, form: ValueForm) -> Self {
        self.form = form;
        self
    }

    /// Which labels series have.
    pub fn label_set(mut self, labels: LabelSet) -> Self {
        self.labels = labels;
        self
    }

    /// The service that was measured: no hours and no days, only the wandering level, and one
    /// endpoint that answers all.
    pub fn as_measured(mut self) -> Self {
        self.steady = true;
        self.one_endpoint = true;
        self
    }

    /// Returns how many requests there will be.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.rows
    }
}
