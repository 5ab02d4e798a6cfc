//! Random questions over random stores are answered as a naive evaluator answers them.
//!
//! The evaluator shares no code with the engine: it keeps all samples in one list, walks it anew
//! for every group, window and item, sorts for percentiles, and sums in exact integers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::format_push_string,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    reason = "tests"
)]

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop, prop_oneof, proptest};
use proptest::test_runner::Config;
use silverback::{
    Answer, Background, Cell, Columns, MetricDef, MetricKind, Query, Role, RunOptions, SeriesKey,
    Snapshot, Store, Timestamp,
};

const SECOND: i64 = 1_000_000_000;
/// 2023-11-14T22:13:20Z, on no boundary of the windows used here.
const START: i64 = 1_700_000_000 * SECOND;
const LENGTH_SECONDS: i64 = 3 * 3600;
const LABELS: [&str; 2] = ["bot", "channel"];

/// One sample of the store.
#[derive(Debug, Clone)]
struct Row {
    metric: &'static str,
    labels: [&'static str; 2],
    time: i64,
    value: f64,
}

/// `latency{…} > 50ms`
#[derive(Debug, Clone)]
struct Selector {
    metric: &'static str,
    matcher: Option<Condition>,
    above: Option<(&'static str, i64)>,
}

/// A condition on samples.
#[derive(Debug, Clone)]
enum Condition {
    Equal(usize, &'static str),
    NotEqual(usize, &'static str),
    Prefix(usize, char),
    In(usize, Vec<&'static str>),
    Value(&'static str, i64),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Debug, Clone)]
enum Function {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Stddev,
    Percentile(u64),
    Permille(u64),
    Linear(u64),
    Rate,
    Increase,
    RatePerMinute,
    Share(Condition),
}

#[derive(Debug, Clone)]
struct Call {
    function: Function,
    selector: Selector,
}

/// Arithmetic is over calls whose values are exact, so that its results are, too.
#[derive(Debug, Clone)]
enum Item {
    Call(Call),
    Scaled(Call, i64),
    Pair(Call, char, Call),
    Default(Call, i64),
}

#[derive(Debug, Clone)]
enum Split {
    Nothing,
    By(Vec<usize>),
    Without(usize),
    All,
}

#[derive(Debug, Clone)]
enum Range {
    Last(i64),
    FromTo(i64, i64),
    FromFor(i64, i64),
}

#[derive(Debug, Clone)]
struct Question {
    items: Vec<Item>,
    condition: Option<Condition>,
    split: Split,
    every: Option<i64>,
    over: Option<i64>,
    range: Range,
    rank: Option<(usize, bool)>,
    having: Option<(Selector, u64)>,
    drop_empty: bool,
}

// ------------------------------------------------------------------------------ text of a question

fn condition_text(condition: &Condition, unit: &str) -> String {
    match condition {
        Condition::Equal(label, value) => format!("{}=\"{value}\"", LABELS[*label]),
        Condition::NotEqual(label, value) => format!("{}!=\"{value}\"", LABELS[*label]),
        Condition::Prefix(label, first) => format!("{}=~\"{first}.*\"", LABELS[*label]),
        Condition::In(label, values) => {
            let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            format!("{} in ({})", LABELS[*label], quoted.join(", "))
        }
        Condition::Value(op, number) => format!("value {op} {number}{unit}"),
        Condition::Not(inner) => format!("not ({})", condition_text(inner, unit)),
        Condition::And(left, right) => {
            format!("({} and {})", condition_text(left, unit), condition_text(right, unit))
        }
        Condition::Or(left, right) => {
            format!("({} or {})", condition_text(left, unit), condition_text(right, unit))
        }
    }
}

fn selector_text(selector: &Selector) -> String {
    let mut text = selector.metric.to_owned();
    if let Some(matcher) = &selector.matcher {
        text += &format!("{{{}}}", condition_text(matcher, ""));
    }
    if let Some((op, number)) = selector.above {
        let unit = if selector.metric == "latency" { "ms" } else { "" };
        text += &format!(" {op} {number}{unit}");
    }
    text
}

fn call_text(call: &Call) -> String {
    let of = selector_text(&call.selector);
    match &call.function {
        Function::Count => format!("count({of})"),
        Function::Sum => format!("sum({of})"),
        Function::Avg => format!("avg({of})"),
        Function::Min => format!("min({of})"),
        Function::Max => format!("max({of})"),
        Function::Stddev => format!("stddev({of})"),
        Function::Percentile(percent) => format!("p{percent}({of})"),
        Function::Permille(permille) => {
            format!("quantile({}, {of})", *permille as f64 / 1000.0)
        }
        Function::Linear(permille) => {
            format!("quantile({}, {of}, interp=linear)", *permille as f64 / 1000.0)
        }
        Function::Rate => format!("rate({of})"),
        Function::Increase => format!("increase({of})"),
        Function::RatePerMinute => format!("rate({of}) per 1m"),
        Function::Share(condition) => {
            format!("share({of}, where {})", condition_text(condition, ""))
        }
    }
}

fn item_text(item: &Item) -> String {
    match item {
        Item::Call(call) => call_text(call),
        Item::Scaled(call, factor) => format!("{} * {factor}", call_text(call)),
        Item::Pair(left, op, right) => format!("{} {op} {}", call_text(left), call_text(right)),
        Item::Default(call, number) => format!("{} default {number}", call_text(call)),
    }
}

fn time_text(offset_seconds: i64) -> String {
    format!("@{}", START / SECOND + offset_seconds)
}

fn question_text(question: &Question) -> String {
    let items: Vec<String> = question
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| format!("{} as i{index}", item_text(item)))
        .collect();
    let mut text = items.join(", ");
    match &question.split {
        Split::Nothing => {}
        Split::By(labels) => {
            let names: Vec<&str> = labels.iter().map(|&label| LABELS[label]).collect();
            text += &format!(" by {}", names.join(", "));
        }
        Split::Without(label) => text += &format!(" without {}", LABELS[*label]),
        Split::All => text += " by *",
    }
    if let Some(condition) = &question.condition {
        text += &format!(" where {}", condition_text(condition, ""));
    }
    match question.range {
        Range::Last(seconds) => text += &format!(" last {seconds}s"),
        Range::FromTo(from, to) => {
            text += &format!(" from {} to {}", time_text(from), time_text(to));
        }
        Range::FromFor(from, length) => {
            text += &format!(" from {} for {length}s", time_text(from));
        }
    }
    if let Some(every) = question.every {
        text += &format!(" every {every}s");
    }
    if let Some(over) = question.over {
        text += &format!(" over {over}s");
    }
    if let Some((selector, least)) = &question.having {
        text += &format!(" having count({}) >= {least}", selector_text(selector));
    }
    if let Some((count, greatest)) = question.rank {
        text += &format!(" {} {count}", if greatest { "top" } else { "bottom" });
    }
    if question.drop_empty {
        text += " fill none";
    }
    text
}

// ------------------------------------------------------------------------------ naive evaluation

/// A number, and how far the engine may be off; by nothing, it is equal to the bit.
#[derive(Debug, Clone, Copy)]
struct Expected {
    value: Option<f64>,
    within: f64,
}

/// Expects a number to the bit.
fn exactly(value: Option<f64>) -> Expected {
    Expected { value, within: 0.0 }
}

/// Expects a number within some units in its last place.
fn about(value: Option<f64>, ulps: f64) -> Expected {
    Expected { value, within: value.map_or(0.0, |value| ulps * ulp(value)) }
}

fn holds(condition: &Condition, row: &Row) -> bool {
    match condition {
        Condition::Equal(label, value) => row.labels[*label] == *value,
        Condition::NotEqual(label, value) => row.labels[*label] != *value,
        Condition::Prefix(label, first) => row.labels[*label].starts_with(*first),
        Condition::In(label, values) => values.contains(&row.labels[*label]),
        Condition::Value(op, number) => compares(op, row.value, *number),
        Condition::Not(inner) => !holds(inner, row),
        Condition::And(left, right) => holds(left, row) && holds(right, row),
        Condition::Or(left, right) => holds(left, row) || holds(right, row),
    }
}

fn compares(op: &str, value: f64, number: i64) -> bool {
    let order = value.partial_cmp(&(number as f64)).unwrap();
    match op {
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        _ => panic!("{op}"),
    }
}

fn chosen(selector: &Selector, condition: Option<&Condition>, row: &Row) -> bool {
    row.metric == selector.metric
        && selector.matcher.as_ref().is_none_or(|matcher| holds(matcher, row))
        && selector.above.is_none_or(|(op, number)| compares(op, row.value, number))
        && condition.is_none_or(|condition| holds(condition, row))
}

/// The exact sum of values whose exponents lie between −30 and 30, in units of 2^-82.
fn exact_sum(values: &[f64]) -> i128 {
    values.iter().map(|&value| exact(value)).sum()
}

fn exact(value: f64) -> i128 {
    let scaled = value * 2_f64.powi(82);
    assert!(scaled.fract() == 0.0 && scaled.abs() < 2_f64.powi(114), "{value}");
    scaled as i128
}

fn rounded(sum: i128) -> f64 {
    sum as f64 * 2_f64.powi(-82)
}

/// The samples of a call in one window of one group, as (series, time, value).
fn inside<'r>(rows: &[&'r Row], window: (i64, i64)) -> Vec<&'r Row> {
    rows.iter().copied().filter(|row| window.0 <= row.time && row.time < window.1).collect()
}

fn counter_increase(rows: &[&Row], window: (i64, i64)) -> Option<f64> {
    let mut series: BTreeMap<[&str; 2], Vec<&Row>> = BTreeMap::new();
    for row in rows {
        series.entry(row.labels).or_default().push(row);
    }
    let mut steps = Vec::new();
    let mut reached = false;
    for members in series.values() {
        let mut previous: Option<&Row> = members
            .iter()
            .copied()
            .rfind(|row| row.time < window.0 && row.time >= window.0 - 300 * SECOND);
        reached |= previous.is_some();
        for row in inside(members, window) {
            reached = true;
            if let Some(previous) = previous {
                steps.push(row.value);
                if row.value >= previous.value {
                    steps.push(-previous.value);
                }
            }
            previous = Some(row);
        }
    }
    reached.then(|| rounded(exact_sum(&steps)))
}

fn evaluate_call(call: &Call, rows: &[&Row], window: (i64, i64)) -> Expected {
    let found = inside(rows, window);
    let values: Vec<f64> = found.iter().map(|row| row.value).collect();
    let count = values.len();
    let seconds = (window.1 - window.0) as f64 / SECOND as f64;
    let some = |value: f64| (count > 0).then_some(value);
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    match &call.function {
        Function::Count => exactly(Some(count as f64)),
        Function::Sum => about(Some(rounded(exact_sum(&values))), 1.0),
        Function::Avg => about(some(rounded(exact_sum(&values)) / count as f64), 2.0),
        Function::Stddev => about(some(deviation(&values)), 16.0),
        Function::Min => exactly(sorted.first().copied()),
        Function::Max => exactly(sorted.last().copied()),
        Function::Percentile(percent) => exactly(nearest(&sorted, *percent, 100)),
        Function::Permille(permille) => exactly(nearest(&sorted, *permille, 1000)),
        Function::Linear(permille) => linear(&sorted, *permille),
        Function::Increase => amount(call.selector.metric, rows, &values, window),
        Function::Rate => {
            let amount = amount(call.selector.metric, rows, &values, window);
            let ulps = if amount.within > 0.0 { 2.0 } else { 0.0 };
            about(amount.value.map(|amount| amount / seconds), ulps)
        }
        Function::RatePerMinute => {
            let amount = amount(call.selector.metric, rows, &values, window);
            let value = amount.value.map(|amount| amount / (seconds / 60.0));
            about(value, 4.0)
        }
        Function::Share(condition) => {
            let matched = found.iter().filter(|row| holds(condition, row)).count();
            exactly(some(matched as f64 / count as f64))
        }
    }
}

/// What happened in a window, by the kind of the metric.
fn amount(metric: &str, rows: &[&Row], values: &[f64], window: (i64, i64)) -> Expected {
    match metric {
        "latency" => exactly(Some(values.len() as f64)),
        "tokens" => about(Some(rounded(exact_sum(values))), 1.0),
        _ => about(counter_increase(rows, window), 1.0),
    }
}

fn deviation(values: &[f64]) -> f64 {
    // Values are multiples of 2^-4 here, so that n Σv² − (Σv)² is an exact integer.
    let scaled: Vec<i128> = values.iter().map(|value| (value * 16.0) as i128).collect();
    let count = values.len() as i128;
    let sum: i128 = scaled.iter().sum();
    let squares: i128 = scaled.iter().map(|value| value * value).sum();
    ((count * squares - sum * sum) as f64).sqrt() / count as f64 / 16.0
}

fn nearest(sorted: &[f64], part: u64, whole: u64) -> Option<f64> {
    let rank = (part * sorted.len() as u64).div_ceil(whole).max(1);
    sorted.get(usize::try_from(rank - 1).unwrap()).copied()
}

fn linear(sorted: &[f64], permille: u64) -> Expected {
    let Some(last) = (sorted.len() as u64).checked_sub(1) else { return exactly(None) };
    let (below, part) = (permille * last / 1000, permille * last % 1000);
    let low = sorted[usize::try_from(below).unwrap()];
    let high = sorted.get(usize::try_from(below + 1).unwrap()).copied().unwrap_or(low);
    // Values are sixteenths, so that the numerator is a whole number of 1/16,000.
    let numerator = low * 16.0 * (1000 - part) as f64 + high * 16.0 * part as f64;
    // Numbers of opposite sign may cancel: the error is that of the greater.
    let within = 2.0 * ulp(low.abs().max(high.abs()));
    Expected { value: Some(numerator / 16_000.0), within }
}

fn evaluate_item(item: &Item, rows: &BTreeMap<String, Vec<&Row>>, window: (i64, i64)) -> Expected {
    let call = |call: &Call| {
        let ours = rows.get(&selector_text(&call.selector)).map_or(&[][..], Vec::as_slice);
        evaluate_call(call, ours, window)
    };
    match item {
        Item::Call(one) => call(one),
        Item::Scaled(one, factor) => exactly(call(one).value.map(|value| value * *factor as f64)),
        Item::Default(one, number) => {
            let one = call(one);
            Expected { value: one.value.or(Some(*number as f64)), ..one }
        }
        Item::Pair(left, op, right) => {
            let (left, right) = (call(left), call(right));
            let value = left.value.zip(right.value).and_then(|(left, right)| match op {
                '+' => Some(left + right),
                '-' => Some(left - right),
                '*' => Some(left * right),
                _ => (right != 0.0).then(|| left / right),
            });
            exactly(value)
        }
    }
}

fn calls(item: &Item) -> Vec<&Call> {
    match item {
        Item::Call(call) | Item::Scaled(call, _) | Item::Default(call, _) => vec![call],
        Item::Pair(left, _, right) => vec![left, right],
    }
}

/// The start and the end of a window, and whether it is partial.
type Window = Option<(i64, i64, bool)>;
type Line = (Window, Vec<String>, Vec<Expected>);

/// Answers a question: rows by (time, group), and the keys of the groups.
fn naive(question: &Question, store: &[Row], now: i64) -> (Vec<usize>, Vec<Line>) {
    let (start, end, snaps) = match question.range {
        Range::Last(seconds) => (now - seconds * SECOND, now, true),
        Range::FromTo(from, to) => (START + from * SECOND, START + to * SECOND, false),
        Range::FromFor(from, length) => {
            (START + from * SECOND, START + (from + length) * SECOND, false)
        }
    };
    let step = question.every.map(|every| every * SECOND);
    let start = match step {
        Some(step) if snaps => start - start.rem_euclid(step),
        _ => start,
    };
    let mut windows = Vec::new();
    match step {
        None => windows.push((None, (start, end))),
        Some(step) => {
            let mut at = start - start.rem_euclid(step);
            while at < end {
                let from = match question.over {
                    None => at.max(start),
                    Some(over) => at + step - over * SECOND,
                };
                let partial = (question.over.is_none() && at < start) || at + step > end;
                windows.push((Some((at, at + step, partial)), (from, (at + step).min(end))));
                at += step;
            }
        }
    }
    let reach = windows.iter().map(|(_, window)| window.0).min().unwrap().min(start);
    let all_calls: Vec<&Call> = question.items.iter().flat_map(calls).collect();
    let condition = question.condition.as_ref();

    let keys: Vec<usize> = match &question.split {
        Split::Nothing => Vec::new(),
        Split::By(labels) => labels.clone(),
        Split::Without(_) | Split::All => {
            let mut named: Vec<&Selector> = all_calls.iter().map(|call| &call.selector).collect();
            named.extend(question.having.iter().map(|(selector, _)| selector));
            // A label is a key if some series has it that the selectors choose by their labels.
            let series: Vec<&Row> = store
                .iter()
                .filter(|row| named.iter().any(|selector| may_choose(selector, condition, row)))
                .collect();
            (0..LABELS.len())
                .filter(|&label| !matches!(question.split, Split::Without(out) if out == label))
                .filter(|&label| series.iter().any(|row| !row.labels[label].is_empty()))
                .collect()
        }
    };
    let key_of =
        |row: &Row| keys.iter().map(|&label| row.labels[label].to_owned()).collect::<Vec<_>>();
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
    if keys.is_empty() {
        groups.insert(Vec::new());
    }
    for call in &all_calls {
        for row in store.iter().filter(|row| chosen(&call.selector, condition, row)) {
            if reach <= row.time && row.time < end {
                groups.insert(key_of(row));
            }
        }
    }
    let rows_of = |group: &Vec<String>, selector: &Selector| -> Vec<&Row> {
        let ours = store.iter().filter(|row| chosen(selector, condition, row));
        let mut ours: Vec<&Row> = ours.filter(|row| key_of(row) == *group).collect();
        ours.sort_by_key(|row| row.time);
        // A call knows only groups that have a sample in the range.
        let exists = ours.iter().any(|row| reach <= row.time && row.time < end);
        if exists || keys.is_empty() { ours } else { Vec::new() }
    };
    let mut lines = Vec::new();
    let mut first_values: Vec<(Vec<String>, Option<f64>)> = Vec::new();
    for group in &groups {
        let rows: BTreeMap<String, Vec<&Row>> = all_calls
            .iter()
            .map(|call| (selector_text(&call.selector), rows_of(group, &call.selector)))
            .collect();
        if let Some((selector, least)) = &question.having {
            let found = rows_of(group, selector);
            if (inside(&found, (start, end)).len() as u64) < *least {
                continue;
            }
        }
        let whole = evaluate_item(&question.items[0], &rows, (start, end));
        first_values.push((group.clone(), whole.value));
        for (at, window) in &windows {
            let values: Vec<Expected> =
                question.items.iter().map(|item| evaluate_item(item, &rows, *window)).collect();
            let unused = question.items.iter().zip(&values).all(|(item, value)| {
                let ours =
                    calls(item).into_iter().map(|call| &rows[&selector_text(&call.selector)]);
                value.value.is_none() || ours.into_iter().all(|r| inside(r, *window).is_empty())
            });
            if question.drop_empty && unused {
                continue;
            }
            lines.push((*at, group.clone(), values));
        }
    }
    if let Some((count, greatest)) = question.rank {
        first_values.sort_by(|(one_key, one), (other_key, other)| {
            let order = match (one, other) {
                (Some(one), Some(other)) if greatest => other.total_cmp(one),
                (Some(one), Some(other)) => one.total_cmp(other),
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (None, None) => Ordering::Equal,
            };
            order.then_with(|| one_key.cmp(other_key))
        });
        let kept: BTreeSet<Vec<String>> =
            first_values.into_iter().take(count).map(|(key, _)| key).collect();
        lines.retain(|(_, key, _)| kept.contains(key));
    }
    lines.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    (keys, lines)
}

/// Returns true if a selector may choose the row's series by its labels.
fn may_choose(selector: &Selector, condition: Option<&Condition>, row: &Row) -> bool {
    row.metric == selector.metric
        && selector.matcher.as_ref().is_none_or(|matcher| holds(matcher, row))
        && condition.is_none_or(|condition| labels_hold(condition, row))
}

/// Only conditions on labels that all must hold narrow the series; others are left to the samples.
fn labels_hold(condition: &Condition, row: &Row) -> bool {
    match condition {
        Condition::And(left, right) => labels_hold(left, row) && labels_hold(right, row),
        Condition::Value(..) | Condition::Not(_) | Condition::Or(..) => true,
        _ => holds(condition, row),
    }
}

// ------------------------------------------------------------------------------ comparison

fn metrics() -> Vec<MetricDef> {
    let kinds = [
        ("latency", MetricKind::Event, Some("ms")),
        ("tokens", MetricKind::Delta, Some("tokens")),
        ("requests", MetricKind::Counter, None),
    ];
    let defs = kinds.map(|(name, kind, unit)| {
        let mut def = MetricDef::new(name);
        def.kind = kind;
        def.unit = unit.map(str::to_owned);
        def
    });
    defs.to_vec()
}

fn key_of(row: &Row) -> SeriesKey {
    let labels = LABELS.iter().zip(row.labels);
    labels.fold(SeriesKey::new(row.metric), |key, (name, value)| key.label(*name, value))
}

fn snapshot_of(store: &[Row], now: i64) -> Snapshot {
    let mut series: BTreeMap<SeriesKey, Columns> = BTreeMap::new();
    for row in store {
        series.entry(key_of(row)).or_default().push(row.time, row.value);
    }
    let series = series.into_iter().collect();
    Snapshot::of_samples(Timestamp::from_nanos(now), metrics(), series)
}

fn close(got: Option<f64>, expected: Expected) -> bool {
    match (got, expected.value) {
        (None, None) => true,
        (Some(got), Some(value)) => {
            let near = (got - value).abs() <= expected.within;
            got.to_bits() == value.to_bits() || (expected.within > 0.0 && near)
        }
        _ => false,
    }
}

fn ulp(value: f64) -> f64 {
    let magnitude = value.abs().max(f64::MIN_POSITIVE);
    f64::from_bits(magnitude.to_bits() + 1) - magnitude
}

type Got = (Window, Vec<String>, Vec<Option<f64>>);

fn rows_of(answer: &Answer) -> Vec<Got> {
    answer
        .rows
        .iter()
        .map(|row| {
            let (mut time, mut labels, mut values) = (None, Vec::new(), Vec::new());
            for (column, cell) in answer.columns.iter().zip(row) {
                match (column.role, cell) {
                    (Role::Time, Cell::Time(at)) => time = Some((at.as_nanos(), 0, false)),
                    (Role::End, Cell::Time(at)) => {
                        time = time.map(|(start, _, partial)| (start, at.as_nanos(), partial));
                    }
                    (Role::Partial, Cell::Flag(flag)) => {
                        time = time.map(|(start, end, _)| (start, end, *flag));
                    }
                    (Role::Label, Cell::Text(text)) => labels.push(text.to_string()),
                    (Role::Value, Cell::Number(value)) => values.push(Some(*value)),
                    (Role::Value, Cell::Null) => values.push(None),
                    (role, cell) => panic!("{role:?} {cell:?}"),
                }
            }
            (time, labels, values)
        })
        .collect()
}

fn check(question: &Question, store: &[Row], now: i64, snapshot: &Snapshot) {
    let text = question_text(question);
    let query: Query = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let options = RunOptions::default().now(Timestamp::from_nanos(now));
    let answer = snapshot
        .run(&query, &options)
        .unwrap_or_else(|error| panic!("{text}: {error}: {:?}", error.kind()));
    let (keys, expected) = naive(question, store, now);
    let names: Vec<&str> = answer
        .columns
        .iter()
        .filter(|column| column.role == Role::Label)
        .map(|column| column.name.as_str())
        .collect();
    let key_names: Vec<&str> = keys.iter().map(|&label| LABELS[label]).collect();
    assert_eq!(names, key_names, "{text}");
    let mut got = rows_of(&answer);
    if question.every.is_none() {
        let firsts: Vec<Option<f64>> = got.iter().map(|(_, _, values)| values[0]).collect();
        let key = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
        assert!(firsts.is_sorted_by(|one, other| key(*one) >= key(*other)), "{text}: {firsts:?}");
        got.sort_by(|one, other| one.1.cmp(&other.1));
    }
    let shape = |time: &Window, key: &Vec<String>| (*time, key.clone());
    let got_shape: Vec<_> = got.iter().map(|(time, key, _)| shape(time, key)).collect();
    let expected_shape: Vec<_> = expected.iter().map(|(time, key, _)| shape(time, key)).collect();
    assert_eq!(got_shape, expected_shape, "{text}");
    for ((time, key, values), (_, _, wanted)) in got.iter().zip(&expected) {
        for (index, (value, wanted)) in values.iter().zip(wanted).enumerate() {
            assert!(
                close(*value, *wanted),
                "{text}: item {index} at {time:?} of {key:?} is {value:?}, not {wanted:?}"
            );
        }
    }
}

// ------------------------------------------------------------------------------ random questions

fn labels() -> BoxedStrategy<[&'static str; 2]> {
    let bot = prop_oneof![Just("alpha"), Just("beta"), Just("")];
    let channel = prop_oneof![Just("web"), Just("slack"), Just("")];
    (bot, channel).prop_map(|(bot, channel)| [bot, channel]).boxed()
}

fn stores() -> BoxedStrategy<Vec<Row>> {
    let metric = prop_oneof![3 => Just("latency"), 1 => Just("tokens"), 1 => Just("requests")];
    // Half of the values are multiples of ten, so that comparisons meet equal numbers, too.
    let value = prop_oneof![-1600..16_000_i32, (-10..100_i32).prop_map(|tens| tens * 160)];
    let sample = (0..LENGTH_SECONDS * 4, value);
    let series = (metric, labels(), prop::collection::vec(sample, 0..40));
    prop::collection::vec(series, 0..10)
        .prop_map(|series| {
            let mut seen = BTreeSet::new();
            let mut rows = Vec::new();
            for (metric, labels, samples) in series {
                if !seen.insert((metric, labels)) {
                    continue;
                }
                for (quarter_seconds, sixteenths) in samples {
                    // Counters hold no negative values.
                    let sixteenths =
                        if metric == "requests" { sixteenths.abs() } else { sixteenths };
                    let (time, value) =
                        (START + quarter_seconds * SECOND / 4, f64::from(sixteenths) / 16.0);
                    rows.push(Row { metric, labels, time, value });
                }
            }
            rows
        })
        .boxed()
}

fn label_conditions() -> BoxedStrategy<Condition> {
    prop_oneof![
        prop_oneof![Just("alpha"), Just("beta"), Just("")].prop_map(|v| Condition::Equal(0, v)),
        prop_oneof![Just("web"), Just("slack"), Just("")].prop_map(|v| Condition::Equal(1, v)),
        prop_oneof![Just("alpha"), Just("")].prop_map(|v| Condition::NotEqual(0, v)),
        Just(Condition::Prefix(1, 's')),
        Just(Condition::In(0, vec!["alpha", "beta"])),
    ]
    .boxed()
}

fn comparisons() -> BoxedStrategy<(&'static str, i64)> {
    let op = prop::sample::select(vec![">", ">=", "<", "<=", "==", "!="]);
    (op, (0..100_i64).prop_map(|tens| tens * 10)).boxed()
}

fn conditions() -> BoxedStrategy<Condition> {
    let values = comparisons().prop_map(|(op, number)| Condition::Value(op, number));
    let leaf = prop_oneof![2 => label_conditions(), 1 => values];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|one| Condition::Not(Box::new(one))),
            two.clone().prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b))),
            two.prop_map(|(a, b)| Condition::Or(Box::new(a), Box::new(b))),
        ]
    })
    .boxed()
}

fn selectors(metrics: Vec<&'static str>) -> BoxedStrategy<Selector> {
    let metric = prop::sample::select(metrics);
    let matcher = prop::option::weighted(0.3, label_conditions());
    let above = prop::option::weighted(0.2, comparisons());
    (metric, matcher, above)
        .prop_map(|(metric, matcher, above)| Selector { metric, matcher, above })
        .boxed()
}

/// Calls whose values are exact to the bit.
fn exact_calls() -> BoxedStrategy<Call> {
    let function = prop_oneof![
        Just(Function::Count),
        Just(Function::Min),
        Just(Function::Max),
        (0..=100_u64).prop_map(Function::Percentile),
        (0..=1000_u64).prop_map(Function::Permille),
        conditions().prop_map(Function::Share),
    ];
    (function, selectors(vec!["latency", "tokens", "requests"]))
        .prop_map(|(function, selector)| Call { function, selector })
        .boxed()
}

fn any_calls() -> BoxedStrategy<Call> {
    let summed = prop_oneof![
        Just(Function::Sum),
        Just(Function::Avg),
        Just(Function::Stddev),
        (0..=1000_u64).prop_map(Function::Linear),
    ];
    let rates =
        prop_oneof![Just(Function::Rate), Just(Function::Increase), Just(Function::RatePerMinute)];
    let over_events = (summed, selectors(vec!["latency", "tokens", "requests"]));
    let of_all = (rates, selectors(vec!["latency", "tokens", "requests"]));
    prop_oneof![
        exact_calls(),
        over_events.prop_map(|(function, selector)| Call { function, selector }),
        of_all.prop_map(|(function, mut selector)| {
            if selector.metric == "requests" {
                selector.above = None;
            }
            Call { function, selector }
        }),
    ]
    .boxed()
}

fn exact_items() -> BoxedStrategy<Item> {
    prop_oneof![
        4 => exact_calls().prop_map(Item::Call),
        1 => (exact_calls(), 1..9_i64).prop_map(|(call, factor)| Item::Scaled(call, factor)),
        1 => (exact_calls(), 0..9_i64).prop_map(|(call, number)| Item::Default(call, number)),
        3 => (exact_calls(), prop::sample::select(vec!['+', '-', '*', '/']), exact_calls())
            .prop_map(|(left, op, right)| Item::Pair(left, op, right)),
    ]
    .boxed()
}

fn items() -> BoxedStrategy<Vec<Item>> {
    let more = prop_oneof![any_calls().prop_map(Item::Call), exact_items()];
    (exact_items(), prop::collection::vec(more, 0..3))
        .prop_map(|(first, mut more)| {
            more.insert(0, first);
            more
        })
        .boxed()
}

fn splits() -> BoxedStrategy<Split> {
    prop_oneof![
        2 => Just(Split::Nothing),
        3 => prop_oneof![Just(vec![0]), Just(vec![1]), Just(vec![1, 0]), Just(vec![0, 1])]
            .prop_map(Split::By),
        1 => (0..2_usize).prop_map(Split::Without),
        1 => Just(Split::All),
    ]
    .boxed()
}

fn ranges() -> BoxedStrategy<Range> {
    let span = (-1000..LENGTH_SECONDS, 1..LENGTH_SECONDS);
    prop_oneof![
        (1..2 * LENGTH_SECONDS).prop_map(Range::Last),
        span.clone().prop_map(|(from, length)| Range::FromTo(from, from + length)),
        span.prop_map(|(from, length)| Range::FromFor(from, length)),
    ]
    .boxed()
}

fn questions() -> BoxedStrategy<Question> {
    let every = prop::option::of(prop::sample::select(vec![60_i64, 300, 420, 900, 3600, 7000]));
    let over = prop::option::weighted(0.2, 1..4_i64);
    let rank = prop::option::weighted(0.3, (1..5_usize, any::<bool>()));
    let having = prop::option::weighted(0.2, (selectors(vec!["latency"]), 1..20_u64));
    let condition = prop::option::weighted(0.3, conditions());
    let clauses = (condition, splits(), every, over, ranges(), rank, having, any::<bool>());
    (items(), clauses)
        .prop_map(|(items, clauses)| {
            let (condition, split, every, over, range, rank, having, drop_empty) = clauses;
            let over = every.zip(over).map(|(every, times)| every * times);
            let counters = items.iter().flat_map(calls).any(|call| {
                call.selector.metric == "requests"
                    && matches!(
                        call.function,
                        Function::Rate | Function::Increase | Function::RatePerMinute
                    )
            });
            // Steps between samples have no meaning where values are left out.
            let condition = condition.filter(|condition| !counters || !has_value(condition));
            let drop_empty = drop_empty && every.is_some();
            Question { items, condition, split, every, over, range, rank, having, drop_empty }
        })
        .boxed()
}

fn has_value(condition: &Condition) -> bool {
    match condition {
        Condition::Value(..) => true,
        Condition::Not(inner) => has_value(inner),
        Condition::And(left, right) | Condition::Or(left, right) => {
            has_value(left) || has_value(right)
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(Config { cases: 600, ..Config::default() })]

    #[test]
    fn answers_equal_the_naive_ones(
        store in stores(),
        question in questions(),
        now in 0..LENGTH_SECONDS,
    ) {
        let now = START + now * SECOND;
        check(&question, &store, now, &snapshot_of(&store, now));
    }
}

proptest! {
    #![proptest_config(Config { cases: 100, ..Config::default() })]

    #[test]
    fn answers_do_not_depend_on_where_the_samples_are(
        rows in stores(),
        questions in prop::collection::vec(questions(), 1..4),
        now in 0..LENGTH_SECONDS,
        cut in any::<prop::sample::Index>(),
    ) {
        let now = START + now * SECOND;
        let store = Store::options().background(Background::Manual).in_memory().unwrap();
        for def in metrics() {
            let metric = store.metric(def.name).kind(def.kind);
            let metric = match def.unit {
                Some(unit) => metric.unit(unit),
                None => metric,
            };
            metric.define().unwrap();
        }
        let check_all = |known: &[Row]| {
            let snapshot = store.snapshot().unwrap();
            for question in &questions {
                check(question, known, now, &snapshot);
            }
        };
        let (early, late) = rows.split_at(cut.index(rows.len() + 1));
        append(&store, early);
        check_all(early);
        store.flush().unwrap();
        check_all(early);
        append(&store, late);
        check_all(&rows);
        store.flush().unwrap();
        store.compact().unwrap();
        check_all(&rows);
    }
}

fn append(store: &Store, rows: &[Row]) {
    for row in rows {
        let series = store.series(&key_of(row)).unwrap();
        series.append(Timestamp::from_nanos(row.time), row.value).unwrap();
    }
}
