//! The questions of `bench query`, by workload: their text, and their parts.

use std::collections::{BTreeMap, BTreeSet};

use silverback::workload::Traffic;
use silverback::{MetricKind, SelectedSeries, Selector, SeriesKey, Snapshot, TimeRange};

use crate::cli::bench::arguments::{LoadArguments, Workload};
use crate::cli::bench::naive::{Asked, By, Task};
use crate::cli::selector::selector;

const SECOND_NANOS: i64 = 1_000_000_000;
const MINUTE_NANOS: i64 = 60 * SECOND_NANOS;
const HOUR_NANOS: i64 = 60 * MINUTE_NANOS;
/// Windows of a file: the shortest of these that give no more of them than a day has minutes.
const WINDOWS: [(&str, i64); 6] = [
    ("1s", SECOND_NANOS),
    ("10s", 10 * SECOND_NANOS),
    ("1m", MINUTE_NANOS),
    ("5m", 5 * MINUTE_NANOS),
    ("1h", HOUR_NANOS),
    ("1d", 24 * HOUR_NANOS),
];
const WINDOWS_MAX: i64 = 1_440;
/// A label with more values than this is none to group by.
const GROUPS_MAX: usize = 100;

/// A question with its name.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) task: Task,
}

/// What the questions are about.
#[derive(Debug)]
struct Subject {
    metric: String,
    is_counter: bool,
    by: By,
    /// The condition on series that have failed, where the metric tells.
    failed: Option<&'static str>,
    /// The series of Q5.
    one: String,
    every: (&'static str, i64),
    every_share: (&'static str, i64),
}

/// Returns the questions of a workload: those of response times, or those of scrapes.
pub(crate) fn questions(
    load: &LoadArguments,
    snapshot: &Snapshot,
    whole: TimeRange,
) -> anyhow::Result<Vec<Question>> {
    let subject = subject(load, snapshot, whole)?;
    let range = format!("from @{}ns to @{}ns", whole.start.as_nanos(), whole.end.as_nanos());
    let (metric, by) = (&subject.metric, subject.by.clause());
    let mut questions = Vec::new();
    let mut add = |name, text: String, asked, selector: Selector, range, every, by: &By| {
        let task = Task { asked, selector, range, every, by: by.clone() };
        questions.push(Question { name, text, task });
    };
    let all = || selector(metric);
    let (every, nanos) = subject.every;
    if subject.is_counter {
        let text = format!("rate({metric}) every {every} {range}");
        add("Q4", text, Asked::Rate, all()?, whole, Some(nanos), &By::Nothing);
    } else {
        let text = format!("p50({metric}), p95({metric}), p99({metric}){by} every {every} {range}");
        let asked = Asked::Percentiles(&[50, 95, 99]);
        add("Q1", text, asked, all()?, whole, Some(nanos), &subject.by);
        let (text, asked) = (format!("p99({metric}) {range}"), Asked::Percentiles(&[99]));
        add("Q2", text, asked, all()?, whole, None, &By::Nothing);
    }
    if let Some(failed) = subject.failed {
        let (every, nanos) = subject.every_share;
        let text = format!("share({metric}, {{{failed}}}){by} every {every} {range}");
        add("Q3", text, Asked::FailedShare, all()?, whole, Some(nanos), &subject.by);
    }
    let one = &subject.one;
    let half = (whole.end.as_nanos() - whole.start.as_nanos()) / 2;
    let noon = whole.start.saturating_add(half - half % HOUR_NANOS);
    let hour = TimeRange::new(noon, noon.saturating_add(HOUR_NANOS));
    let every = format!("every 10s from @{}ns for 1h", noon.as_nanos());
    let text = format!("avg({one}), min({one}), max({one}) {every}");
    let ten_seconds = Some(10 * SECOND_NANOS);
    add("Q5", text, Asked::Moments, selector(one)?, hour, ten_seconds, &By::Nothing);
    let any = Selector::default;
    let text = format!("count({{}}) by * top 10 {range}");
    add("Q6", text, Asked::Most(10), any(), whole, None, &By::Series);
    let text = format!("last({{}}) by * {range}");
    add("Q7", text, Asked::Last, any(), whole, None, &By::Series);
    Ok(questions)
}

impl By {
    fn clause(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Label(label) => format!(" by {label}"),
            Self::Series => " by *".to_owned(),
        }
    }
}

fn subject(load: &LoadArguments, snapshot: &Snapshot, whole: TimeRange) -> anyhow::Result<Subject> {
    let minute = ("1m", MINUTE_NANOS);
    let latencies = |one: String, failed| Subject {
        metric: "latency".to_owned(),
        is_counter: false,
        by: By::Label("bot".to_owned()),
        failed: Some(failed),
        one,
        every: minute,
        every_share: ("5m", 5 * MINUTE_NANOS),
    };
    let known = "latency{bot=\"bot07\", channel=\"web\", status=\"ok\"}".to_owned();
    Ok(match &load.workload {
        Workload::Events | Workload::Churn => latencies(known, "status=\"error\""),
        Workload::Traffic => {
            // The first series is that of the busiest place; failures have several names.
            let traffic = Traffic::new(load.seed, &load.preset.options());
            latencies(traffic.key("latency", 0).to_string(), "status!=\"ok\"")
        }
        Workload::Scrape => Subject {
            metric: "requests_total".to_owned(),
            is_counter: true,
            by: By::Nothing,
            failed: None,
            one: "cpu_usage{instance=\"node0007\"}".to_owned(),
            every: minute,
            every_share: minute,
        },
        Workload::File(_) => found(snapshot, whole)?,
    })
}

/// Looks for what a file can be asked: about its metric with most samples.
fn found(snapshot: &Snapshot, whole: TimeRange) -> anyhow::Result<Subject> {
    let stats = snapshot.stats()?;
    let largest = stats.metrics.iter().max_by_key(|metric| metric.samples);
    let (name, is_counter) = largest.map_or((String::new(), false), |metric| {
        (metric.name.clone(), metric.kind == MetricKind::Counter)
    });
    let series = snapshot.select(&Selector::metric(&name))?;
    let keys: Vec<&SeriesKey> = series.iter().map(SelectedSeries::key).collect();
    let has_status = keys.iter().all(|key| !key.value_of("status").is_empty());
    let nanos = whole.end.as_nanos() - whole.start.as_nanos();
    let every = WINDOWS.into_iter().find(|(_, window)| nanos / window <= WINDOWS_MAX);
    let every = every.unwrap_or(("1d", 24 * HOUR_NANOS));
    Ok(Subject {
        metric: SeriesKey::new(&name).to_string(),
        is_counter,
        by: label_of(&keys).map_or(By::Nothing, By::Label),
        failed: has_status.then_some("status!=\"ok\""),
        one: keys.get(keys.len() / 2).map(ToString::to_string).unwrap_or_default(),
        every,
        every_share: every,
    })
}

/// Returns the label to group by: that with most values, if they are not too many.
fn label_of(keys: &[&SeriesKey]) -> Option<String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in keys.iter().flat_map(|key| key.labels()) {
        values.entry(name).or_default().insert(value);
    }
    let is_plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let groups = values
        .into_iter()
        .filter(|(name, values)| is_plain(name) && (2..=GROUPS_MAX).contains(&values.len()));
    groups.max_by_key(|(_, values)| values.len()).map(|(name, _)| name.to_owned())
}
