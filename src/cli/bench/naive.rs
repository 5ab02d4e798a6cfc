//! The naive path of a question: collect its samples, then sort or scan them. It shows what the
//! engine saves, and that both give the same answer.

use std::collections::{BTreeMap, HashMap};

use silverback::{Answer, Cell, Columns, Role, Selector, SeriesKey, Snapshot, TimeRange};

/// A counter's window begins with a sample before it that is at most so much older.
const LOOK_BACK_NANOS: i64 = 300_000_000_000;
const SECOND_NANOS: f64 = 1e9;
/// Averages and rates are sums in another order, which may differ in their last digits.
const SUM_TOLERANCE: f64 = 1e-12;

/// What a question asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// These percentiles.
    Percentiles(&'static [usize]),
    /// The share of samples in series whose `status` says that they failed.
    FailedShare,
    /// Increase a second of counters.
    Rate,
    /// Average, least and largest value.
    Moments,
    /// The series with most samples, this many of them.
    Most(usize),
    /// The last value.
    Last,
}

/// How answers are grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    Nothing,
    Label(String),
    Series,
}

/// A question in parts, for who answers it without its text.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) asked: Asked,
    pub(crate) selector: Selector,
    pub(crate) range: TimeRange,
    /// Nanoseconds of a window.
    pub(crate) every: Option<i64>,
    pub(crate) by: By,
}

/// Values by window and group.
pub(crate) type Rows = BTreeMap<(i64, String), Vec<Option<f64>>>;

/// What is collected of one window and group.
#[derive(Debug, Default)]
struct Gathered {
    values: Vec<f64>,
    samples: usize,
    failed: usize,
    increase: f64,
    last: Option<(i64, f64)>,
}

impl Task {
    /// Answers by collecting all samples in question.
    pub(crate) fn answer(&self, snapshot: &Snapshot) -> silverback::Result<Rows> {
        let mut gathered: HashMap<(i64, String), Gathered> = HashMap::new();
        let mut columns = Columns::default();
        for series in snapshot.select(&self.selector)? {
            snapshot.read(&series, self.range, &mut columns)?;
            let group = self.group_of(series.key());
            let has_failed = !matches!(series.key().value_of("status"), "ok" | "");
            let mut rest = (columns.timestamps.as_slice(), columns.values.as_slice());
            let mut before = None;
            while let Some(first) = rest.0.first() {
                let window = self.window_of(*first);
                let len = rest.0.partition_point(|timestamp| self.window_of(*timestamp) == window);
                let (timestamps, later) = rest.0.split_at(len);
                let (values, later_values) = rest.1.split_at(len);
                rest = (later, later_values);
                let place = gathered.entry((window, group.clone())).or_default();
                place.samples += len;
                place.failed += if has_failed { len } else { 0 };
                self.gather(place, timestamps, values, before);
                before = timestamps.last().copied().zip(values.last().copied());
            }
        }
        let mut rows = Rows::new();
        for (place, gathered) in gathered {
            rows.insert(place.clone(), self.values_of(place.0, gathered));
        }
        Ok(rows)
    }

    /// Adds the samples of one series and window; `before` is the series' last one before them.
    fn gather(
        &self,
        place: &mut Gathered,
        timestamps: &[i64],
        values: &[f64],
        before: Option<(i64, f64)>,
    ) {
        match self.asked {
            Asked::Percentiles(_) | Asked::Moments => place.values.extend_from_slice(values),
            Asked::FailedShare | Asked::Most(_) => {}
            Asked::Rate => {
                let window = timestamps.first().map_or(0, |first| self.window_of(*first));
                let near = before.filter(|(at, _)| window - at <= LOOK_BACK_NANOS);
                let mut previous = near.map(|(_, value)| value);
                for value in values {
                    // A counter that fell began again from 0.
                    let step = previous.map_or(0.0, |previous| value - previous);
                    place.increase += if step < 0.0 { *value } else { step };
                    previous = Some(*value);
                }
            }
            Asked::Last => {
                let last = timestamps.last().copied().zip(values.last().copied());
                place.last = last.filter(|_| place.last <= last).or(place.last);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of samples, and lengths of windows")]
    fn values_of(&self, window: i64, mut gathered: Gathered) -> Vec<Option<f64>> {
        let count = gathered.samples as f64;
        match self.asked {
            Asked::Percentiles(percents) => {
                let values = &mut gathered.values;
                values.sort_unstable_by(f64::total_cmp);
                let rank = |percent: &usize| (values.len() * percent).div_ceil(100).max(1);
                percents.iter().map(|percent| values.get(rank(percent) - 1).copied()).collect()
            }
            Asked::FailedShare => vec![Some(gathered.failed as f64 / count)],
            Asked::Rate => {
                let end = self.every.map_or(i64::MAX, |every| window.saturating_add(every));
                let end = end.min(self.range.end.as_nanos());
                let start = window.max(self.range.start.as_nanos());
                vec![Some(gathered.increase * SECOND_NANOS / (end - start) as f64)]
            }
            Asked::Moments => {
                let values = gathered.values.iter().copied();
                let sum: f64 = values.clone().sum();
                let least = values.clone().reduce(f64::min);
                vec![Some(sum / count), least, values.reduce(f64::max)]
            }
            Asked::Most(_) => vec![Some(count)],
            Asked::Last => vec![gathered.last.map(|(_, value)| value)],
        }
    }

    fn window_of(&self, timestamp: i64) -> i64 {
        self.every.map_or(0, |every| timestamp - timestamp.rem_euclid(every))
    }

    fn group_of(&self, key: &SeriesKey) -> String {
        match &self.by {
            By::Nothing => String::new(),
            By::Label(label) => group_text([(label.as_str(), key.value_of(label))].into_iter()),
            By::Series => group_text(key.labels().chain(std::iter::once(("metric", key.metric())))),
        }
    }

    /// Returns true if an answer says the same. Windows and groups without samples have no value,
    /// or 0, in the one and are not in the other; of equally many samples any series may come last.
    pub(crate) fn is_same(&self, naive: &Rows, answer: &Answer) -> bool {
        let told = rows_of(answer);
        let is_same = |(place, values): (&(i64, String), &Vec<Option<f64>>)| match naive.get(place)
        {
            Some(naive) => {
                naive.len() == values.len() && naive.iter().zip(values).all(self.close())
            }
            None => values.iter().all(|value| value.is_none_or(|value| value == 0.0)),
        };
        let is_whole = match self.asked {
            Asked::Most(most) => {
                let counts = |rows: &Rows| -> Vec<f64> {
                    rows.values().filter_map(|values| values.first().copied().flatten()).collect()
                };
                let (mut all, mut chosen) = (counts(naive), counts(&told));
                all.sort_unstable_by(|a, b| b.total_cmp(a));
                all.truncate(most);
                chosen.sort_unstable_by(|a, b| b.total_cmp(a));
                all == chosen
            }
            _ => naive.keys().all(|place| told.contains_key(place)),
        };
        is_whole && told.iter().all(is_same)
    }

    /// Returns what compares two values: bit by bit, sums but for their last digits.
    fn close(&self) -> impl Fn((&Option<f64>, &Option<f64>)) -> bool + use<> {
        let tolerance = match self.asked {
            Asked::Rate | Asked::Moments => SUM_TOLERANCE,
            _ => 0.0,
        };
        move |(a, b)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance * a.abs().max(b.abs()),
            (None, None) => true,
            _ => false,
        }
    }
}

/// Returns the values of an answer by window and group.
fn rows_of(answer: &Answer) -> Rows {
    let mut rows = Rows::new();
    for row in &answer.rows {
        let (mut window, mut group, mut values) = (0, Vec::new(), Vec::new());
        for (column, cell) in answer.columns.iter().zip(row) {
            match (column.role, cell) {
                (Role::Time, Cell::Time(time)) => window = time.as_nanos(),
                (Role::Label, Cell::Text(text)) => group.push((column.name.as_str(), &**text)),
                (Role::Value, Cell::Number(number)) => values.push(Some(*number)),
                (Role::Value, _) => values.push(None),
                _ => {}
            }
        }
        rows.insert((window, group_text(group.into_iter())), values);
    }
    rows
}

/// Writes labels in one order; an empty one is absent.
fn group_text<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut labels: Vec<_> = labels.filter(|(_, value)| !value.is_empty()).collect();
    labels.sort_unstable();
    labels
        .iter()
        .fold(String::new(), |text, (name, value)| text + name + "\u{1f}" + value + "\u{1f}")
}
