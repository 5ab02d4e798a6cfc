//! Percentiles of recorded traffic are the nearest rank of all raw samples together: at every
//! share of a sweep, in every split and window, in every state of a store.

#![cfg(feature = "text")]
#![allow(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use silverback::{Answer, Cell, Role, Snapshot, Timestamp};

use recorded::{SECOND, append_all, data, in_every_state, lines, nanos_of_civil, open};

/// One sample, with the values of all labels in the order of [`Traffic::labels`].
struct Sample {
    time: i64,
    labels: Vec<String>,
    value: u32,
}

/// All samples of one metric.
struct Traffic {
    metric: &'static str,
    labels: &'static [&'static str],
    samples: Vec<Sample>,
}

/// What is asked, and the share in millionths: the names of functions and shares as they are
/// written, so that decimals are read by the engine and never computed here.
fn sweep(metric: &str) -> Vec<(String, u64)> {
    let whole = (0..=100).map(|percent| (format!("p{percent}({metric})"), percent * 10_000));
    let decimals = [
        ("p0.1", 1_000),
        ("p2.5", 25_000),
        ("p33.3", 333_000),
        ("p66.67", 666_700),
        ("p97.5", 975_000),
        ("p99.5", 995_000),
        ("p999", 999_000),
        ("p99.95", 999_500),
        ("p9999", 999_900),
        ("p99.9999", 999_999),
        ("median", 500_000),
    ];
    let decimals = decimals.map(|(name, share)| (format!("{name}({metric})"), share));
    let shares = [
        ("0", 0),
        ("0.000001", 1),
        ("0.07", 70_000),
        ("0.29", 290_000),
        ("0.58", 580_000),
        ("99.9%", 999_000),
        ("1", 1_000_000),
    ];
    let shares = shares.map(|(text, share)| (format!("quantile({text}, {metric})"), share));
    whole.chain(decimals).chain(shares).collect()
}

/// Returns the value at the nearest rank, k = max(1, ceil(q n)), in whole numbers.
fn nearest_rank(sorted: &[u32], millionths: u64) -> Option<u64> {
    let rank = (millionths * sorted.len() as u64).div_ceil(1_000_000).max(1);
    let value = sorted.get(usize::try_from(rank - 1).unwrap())?;
    Some(f64::from(*value).to_bits())
}

/// Sorted values by the start of their window and the group.
type Groups = BTreeMap<(i64, Vec<String>), Vec<u32>>;

/// Sorts samples into groups and windows; every group has every window.
fn groups_of(traffic: &Traffic, by: &[usize], range: (i64, i64), every: Option<i64>) -> Groups {
    let (start, end) = range;
    let length = every.unwrap_or(end - start);
    let count = usize::try_from((end - start) / length).unwrap();
    let mut windows: Vec<BTreeMap<&[String], Vec<u32>>> = vec![BTreeMap::new(); count];
    for sample in traffic.samples.iter().filter(|s| (start..end).contains(&s.time)) {
        let window = &mut windows[usize::try_from((sample.time - start) / length).unwrap()];
        window.entry(&sample.labels[..]).or_default().push(sample.value);
    }
    let mut groups = Groups::new();
    let group = |labels: &[String]| -> Vec<String> {
        by.iter().map(|label| labels[*label].clone()).collect()
    };
    let series: Vec<&[String]> = windows.iter().flat_map(|window| window.keys().copied()).collect();
    let all: BTreeSet<Vec<String>> = series.into_iter().map(group).collect();
    // An answer without windows has no column of time.
    let stamp = |index: i64| if every.is_some() { start + index * length } else { 0 };
    for (index, window) in (0..).zip(windows) {
        for group in &all {
            groups.entry((stamp(index), group.clone())).or_default();
        }
        for (labels, values) in window {
            groups.entry((stamp(index), group(labels))).or_default().extend(values);
        }
    }
    for values in groups.values_mut() {
        values.sort_unstable();
    }
    groups
}

/// Compares each row with its group; returns how many numbers were compared.
fn compare(answer: &Answer, groups: &Groups, sweep: &[(String, u64)], what: &str) -> u64 {
    assert_eq!(answer.rows.len(), groups.len(), "{what}");
    let mut compared = 0;
    for row in &answer.rows {
        let (mut start, mut labels, mut values) = (0, Vec::new(), Vec::new());
        for (column, cell) in answer.columns.iter().zip(row) {
            match (column.role, cell) {
                (Role::Time, Cell::Time(time)) => start = time.as_nanos(),
                (Role::Label, Cell::Text(text)) => labels.push(text.to_string()),
                (Role::Value, Cell::Number(number)) => values.push(Some(number.to_bits())),
                (Role::Value, Cell::Null) => values.push(None),
                (Role::End | Role::Partial, _) => {}
                other => panic!("{other:?}"),
            }
        }
        let place = (start, labels);
        let sorted = groups.get(&place).unwrap_or_else(|| panic!("{place:?} of {what}"));
        assert_eq!(values.len(), sweep.len(), "{what}");
        for (got, (text, share)) in values.iter().zip(sweep) {
            assert_eq!(*got, nearest_rank(sorted, *share), "{text} at {place:?} of {what}");
            compared += 1;
        }
    }
    compared
}

/// One question and the groups that it has.
struct Question {
    /// A number such that equal ones are of different splits and different ranges.
    diagonal: usize,
    text: String,
    groups: Groups,
}

/// Every split by labels, of all the time, in windows, and in a range that cuts through both ends.
fn questions(traffic: &Traffic, sweep: &[(String, u64)]) -> Vec<Question> {
    let first = traffic.samples.iter().map(|sample| sample.time).min().unwrap();
    let last = traffic.samples.iter().map(|sample| sample.time).max().unwrap();
    let items: Vec<&str> = sweep.iter().map(|(text, _)| text.as_str()).collect();
    let aligned = |nanos: i64| {
        let start = first.div_euclid(nanos) * nanos;
        (start, (last.div_euclid(nanos) + 1) * nanos)
    };
    let third = (last - first) / 3;
    let mut questions = Vec::new();
    for split in 0..1_usize << traffic.labels.len() {
        let by: Vec<usize> = (0..traffic.labels.len()).filter(|n| split >> n & 1 == 1).collect();
        let names: Vec<&str> = by.iter().map(|label| traffic.labels[*label]).collect();
        let group = if by.is_empty() { String::new() } else { format!("by {}", names.join(", ")) };
        let windows = [
            ((first, last + 1), None),
            ((first + third, last - third), None),
            (aligned(300 * SECOND), Some(300)),
            (aligned(900 * SECOND), Some(900)),
        ];
        for (place, (range, every)) in windows.into_iter().enumerate() {
            let (start, end) = (Timestamp::from_nanos(range.0), Timestamp::from_nanos(range.1));
            let every_clause = every.map_or(String::new(), |seconds| format!("every {seconds}s"));
            let items = items.join(", ");
            let text = format!("{items} {group} {every_clause} from {start} to {end}");
            let groups = groups_of(traffic, &by, range, every.map(|seconds| seconds * SECOND));
            questions.push(Question { diagonal: split + place, text, groups });
        }
    }
    questions
}

/// The states of a store, as [`in_every_state`] names them.
const STATES: [&str; 4] =
    ["before the flush", "after the flush", "after reopening", "after the merge"];

/// Asks in one state; without optimisation a fourth of the questions, so that all of them are
/// asked over all states, and every split and every range in each.
fn check(snapshot: &Snapshot, state: &str, sweep: &[(String, u64)], asked: &[Question]) {
    let index = STATES.iter().position(|name| *name == state).unwrap();
    let is_turn = |one: &&Question| !cfg!(debug_assertions) || one.diagonal % STATES.len() == index;
    let asked: Vec<&Question> = asked.iter().filter(is_turn).collect();
    assert!(asked.len() >= 4 || asked.len() == 1, "{}", asked.len());
    let mut compared = 0;
    for Question { text, groups, .. } in &asked {
        let answer = snapshot.query(text).unwrap();
        assert_eq!(answer.warnings, [], "{text}");
        let clauses = text.rsplit_once(") ").map_or(text.as_str(), |(_, clauses)| clauses);
        compared += compare(&answer, groups, sweep, &format!("{clauses:?}, {state}"));
    }
    let rows: usize = asked.iter().map(|question| question.groups.len()).sum();
    assert_eq!(compared, rows as u64 * sweep.len() as u64);
    assert!(asked.iter().all(|question| !question.groups.is_empty()));
}

#[test]
fn percentiles_of_tokens_are_nearest_ranks() {
    let Some(file) = data("llm/azure_llm_2023_conv.csv.gz") else { return };
    for (metric, column) in [("context", 1), ("generated", 2)] {
        let read = |line: &String| {
            let fields: Vec<&str> = line.split(',').collect();
            let value = fields[column].parse().unwrap();
            Sample { time: nanos_of_civil(fields[0]), labels: Vec::new(), value }
        };
        let samples: Vec<Sample> = lines(&file)[1..].iter().map(read).collect();
        assert_eq!(samples.len(), 19_366);
        let traffic = Traffic { metric, labels: &[], samples };

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let store = open(&path);
        let map = "ts=TIMESTAMP, context=ContextTokens:tokens, generated=GeneratedTokens:tokens";
        let bytes = std::fs::OpenOptions::new().read(true).open(&file).unwrap();
        append_all(&store, "conv.csv.gz", bytes, map);
        let sweep = sweep(traffic.metric);
        let asked = questions(&traffic, &sweep);
        in_every_state(store, &path, &|snapshot, state| check(snapshot, state, &sweep, &asked));
    }
}

#[test]
fn percentiles_of_spans_are_nearest_ranks() {
    let Some(file) = data("latency/onlineboutique_2022-08-22_spans.csv.gz") else { return };
    let read = |line: &String| {
        let fields: Vec<&str> = line.split(',').collect();
        let labels = [2, 3].map(|field: usize| fields[field].to_owned()).to_vec();
        Sample { time: fields[0].parse().unwrap(), labels, value: fields[5].parse().unwrap() }
    };
    let samples: Vec<Sample> = lines(&file)[1..].iter().map(read).collect();
    assert_eq!(samples.len(), 209_413);
    let labels = &["pod", "operation"];
    let traffic = Traffic { metric: "duration", labels, samples };

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path);
    let map = "ts=start_unix_ns, labels=pod,operation, duration=duration_us:us";
    let bytes = std::fs::OpenOptions::new().read(true).open(&file).unwrap();
    append_all(&store, "spans.csv.gz", bytes, map);
    let sweep = sweep(traffic.metric);
    let asked = questions(&traffic, &sweep);
    assert_eq!(asked.len(), 16, "every split by two labels, in four ranges and windows");
    in_every_state(store, &path, &|snapshot, state| check(snapshot, state, &sweep, &asked));
}
