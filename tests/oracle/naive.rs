//! The naive evaluator: questions over a list of samples.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::oracle::aggregates::{compares, evaluate, holds, lies_in, of_nothing};
use crate::oracle::civil::{self, HOUR, Part, SECOND};
use crate::oracle::numbers::{Expected, exactly, ulp};
use crate::oracle::question::{
    Call, Condition, Expr, Fill, Key, Op, Past, Question, Range, Selector, Split,
};
use crate::oracle::store::{LABELS, Row, START};

/// The start and the end of a window, and whether it is partial.
pub(crate) type Window = Option<(i64, i64, bool)>;

/// One row of an answer: its window, the values of its keys as shown, its numbers.
pub(crate) type Line = (Window, Vec<String>, Vec<Expected>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SplitKey {
    Metric,
    Label(usize),
    Part(usize),
}

#[derive(Debug, Clone, Copy)]
struct Point {
    value: Expected,
    occupied: bool,
    kept: bool,
}

impl Point {
    fn new(value: Expected, occupied: bool) -> Self {
        Self { value, occupied, kept: true }
    }

    fn number(self) -> Option<f64> {
        self.value.value
    }
}

#[derive(Debug, Clone)]
struct Frame {
    keys: Vec<SplitKey>,
    groups: BTreeMap<Vec<String>, Vec<Point>>,
    absent: Point,
}

impl Frame {
    /// The points of the group that a key of wider keys belongs to.
    fn point(&self, wide: &[SplitKey], key: &[String], step: usize) -> Point {
        let own = self.keys.iter().map(|own| {
            let at = wide.iter().position(|other| other == own).unwrap();
            key[at].clone()
        });
        let own: Vec<String> = own.collect();
        self.groups.get(&own).map_or(self.absent, |points| points[step])
    }
}

enum Value {
    Constant(Point),
    Frame(Frame),
}

/// What steps there are, and how far everything lies in the past.
#[derive(Debug, Clone)]
struct Times {
    range: (i64, i64),
    steps: Vec<(i64, i64)>,
    over: Option<i64>,
    snaps: bool,
    back: i64,
    civil: bool,
}

impl Times {
    fn covers(&self, length: Option<i64>, shift: i64) -> Vec<(i64, i64)> {
        let cover = |&(start, end): &(i64, i64)| {
            let clipped = match length.or(self.over) {
                None => (start.max(self.range.0), end.min(self.range.1)),
                Some(length) => (end - length, end.min(self.range.1)),
            };
            (clipped.0 - shift, clipped.1 - shift)
        };
        self.steps.iter().map(cover).collect()
    }

    /// All that is covered: the range, and what steps reach before it.
    fn hull(&self, length: Option<i64>, shift: i64) -> (i64, i64) {
        let range = (self.range.0 - shift, self.range.1 - shift);
        let covers = self.covers(length, shift);
        covers
            .iter()
            .filter(|(start, end)| start < end)
            .fold(range, |hull, cover| (hull.0.min(cover.0), hull.1.max(cover.1)))
    }

    fn as_one_step(&self) -> Self {
        Self { steps: vec![self.range], over: None, ..self.clone() }
    }

    fn is_partial(&self, (start, end): (i64, i64)) -> bool {
        (self.over.is_none() && start < self.range.0) || end > self.range.1
    }
}

struct Evaluator<'a> {
    question: &'a Question,
    /// In the order of times, series, and arrival.
    rows: &'a [&'a Row],
    /// Every call, and how it is split.
    calls: Vec<(Call, Split)>,
}

/// The names of the keys, and the rows in their order.
pub(crate) type Answered = (Vec<&'static str>, Vec<Line>);

/// Answers a question, or refuses it with a code.
pub(crate) fn answer(
    question: &Question,
    rows: &[&Row],
    now: i64,
) -> Result<Answered, &'static str> {
    let columns = question.columns();
    let mut calls = Vec::new();
    for expr in columns.iter().chain(&question.having) {
        gather(expr, &question.split, &mut calls);
    }
    let evaluator = Evaluator { question, rows, calls };
    evaluator.check_keys(&columns)?;
    let times = times_of(question, now);
    let mut values: Vec<Value> =
        columns.iter().map(|expr| evaluator.of(expr, &times, 0, false, true)).collect();
    let own = values.len();
    if let Some(past) = question.compare {
        let back = match past {
            Past::Ago(seconds) => seconds * SECOND,
            Past::Previous => times.range.1 - times.range.0,
        };
        let then = Times { back, ..times.clone() };
        values.extend(columns.iter().map(|expr| evaluator.of(expr, &then, 0, false, false)));
    }
    let keys = widest(&values);
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
    for value in &values {
        if let Value::Frame(frame) = value {
            groups.extend(reordered(frame, &keys));
        }
    }
    if values.iter().all(|value| matches!(value, Value::Constant(_))) {
        groups.insert(Vec::new());
    }
    let steps = times.steps.len();
    let mut table: Vec<(Vec<String>, Vec<Vec<Point>>)> = Vec::new();
    for key in groups {
        let column = |value: &Value| -> Vec<Point> {
            (0..steps).map(|step| point_of(value, &keys, &key, step)).collect()
        };
        let points = values.iter().map(column).collect();
        table.push((key, points));
    }
    let whole = times.as_one_step();
    if let Some(having) = &question.having {
        let value = evaluator.of(having, &whole, 0, false, true);
        table.retain(|(key, _)| point_of(&value, &keys, key, 0).kept);
    }
    if let Some((count, greatest)) = question.rank {
        table.retain(|(_, items)| (0..steps).any(|step| !is_left_out(&items[..own], step)));
        let value = evaluator.of(&columns[0], &whole, 0, false, false);
        let mut ranked: Vec<(Option<f64>, Vec<String>)> = table
            .iter()
            .map(|(key, _)| (point_of(&value, &keys, key, 0).number(), key.clone()))
            .collect();
        ranked.sort_by(|one, other| by_value(one.0, other.0, greatest).then(one.1.cmp(&other.1)));
        let kept: BTreeSet<Vec<String>> =
            ranked.into_iter().take(count).map(|(_, key)| key).collect();
        table.retain(|(key, _)| kept.contains(key));
    }
    if let Some(how) = question.fill {
        for points in table.iter_mut().flat_map(|(_, items)| items) {
            fill(points, &times.steps, how);
        }
    }
    if question.compare.is_some() {
        for (_, items) in &mut table {
            *items = with_changes(items, own);
        }
    }
    let mut lines = rows_of(question, &times, &table, &keys);
    if let Some(limit) = question.limit {
        lines.truncate(limit);
    }
    Ok((keys.iter().map(|key| name_of(*key)).collect(), lines))
}

/// The larger of two sets of keys, which must hold all of the other.
fn joined(left: Vec<SplitKey>, right: Vec<SplitKey>) -> Result<Vec<SplitKey>, &'static str> {
    let (wide, narrow) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    if narrow.iter().all(|key| wide.contains(key)) { Ok(wide) } else { Err("Q137") }
}

fn name_of(key: SplitKey) -> &'static str {
    match key {
        SplitKey::Metric => "metric",
        SplitKey::Label(label) => LABELS[label],
        SplitKey::Part(part) => civil::PARTS[part].1,
    }
}

fn gather(expr: &Expr, split: &Split, calls: &mut Vec<(Call, Split)>) {
    match expr {
        Expr::Number(_) => {}
        Expr::Call(call) => {
            calls.push((call.clone(), call.split.clone().unwrap_or_else(|| split.clone())));
        }
        Expr::Total(inner) => gather(inner, &Split::Nothing, calls),
        Expr::Negate(inner)
        | Expr::Abs(inner)
        | Expr::Round(inner)
        | Expr::Clamp(inner, ..)
        | Expr::Offset(inner, _)
        | Expr::Windows(_, inner, _) => gather(inner, split, calls),
        Expr::Binary(_, left, right) => {
            gather(left, split, calls);
            gather(right, split, calls);
        }
    }
}

fn times_of(question: &Question, now: i64) -> Times {
    let at = |seconds: i64| START + seconds * SECOND;
    let (start, end, snaps) = match question.range {
        Range::Last(seconds) => (now - seconds * SECOND, now, true),
        Range::FromTo(from, to) | Range::SinceUntil(from, to) => (at(from), at(to), false),
        Range::FromFor(from, length) => (at(from), at(from + length), false),
        Range::Since(from) => (at(from), now, false),
        Range::LastUntil(length, to) => (at(to - length), at(to), true),
    };
    let civil = question.civil;
    let whole =
        Times { range: (start, end), steps: vec![(start, end)], over: None, snaps, back: 0, civil };
    let Some(step) = question.every.map(|every| every * SECOND) else { return whole };
    let start = if snaps { civil::window_start(civil, step, start) } else { start };
    let steps = civil::windows(civil, step, (start, end));
    Times { range: (start, end), steps, over: question.over.map(|over| over * SECOND), ..whole }
}

impl Evaluator<'_> {
    /// Refuses sides, items and conditions whose groups cannot be joined.
    fn check_keys(&self, columns: &[Expr]) -> Result<(), &'static str> {
        let mut wide = Vec::new();
        for expr in columns {
            wide = joined(wide, self.keys_of_expr(expr, false)?)?;
        }
        let of_having = match &self.question.having {
            Some(having) => self.keys_of_expr(having, false)?,
            None => Vec::new(),
        };
        if of_having.iter().all(|key| wide.contains(key)) { Ok(()) } else { Err("Q137") }
    }

    fn keys_of_expr(&self, expr: &Expr, in_total: bool) -> Result<Vec<SplitKey>, &'static str> {
        match expr {
            Expr::Number(_) => Ok(Vec::new()),
            Expr::Call(call) => Ok(self.keys_of(self.split_of(call, in_total))),
            Expr::Total(inner) => self.keys_of_expr(inner, true),
            Expr::Negate(inner)
            | Expr::Abs(inner)
            | Expr::Round(inner)
            | Expr::Clamp(inner, ..)
            | Expr::Offset(inner, _)
            | Expr::Windows(_, inner, _) => self.keys_of_expr(inner, in_total),
            Expr::Binary(_, left, right) => {
                joined(self.keys_of_expr(left, in_total)?, self.keys_of_expr(right, in_total)?)
            }
        }
    }

    fn split_of<'s>(&'s self, call: &'s Call, in_total: bool) -> &'s Split {
        match (in_total, &call.split) {
            (true, _) => &Split::Nothing,
            (false, Some(own)) => own,
            (false, None) => &self.question.split,
        }
    }

    fn of(&self, expr: &Expr, times: &Times, offset: i64, in_total: bool, filters: bool) -> Value {
        let inner = |expr: &Expr| self.of(expr, times, offset, in_total, filters);
        let mapped = |expr: &Expr, change: &dyn Fn(f64) -> f64| {
            let changed = |point: Point| {
                let value = exactly(point.number().map(change));
                Point { value, ..point }
            };
            match inner(expr) {
                Value::Constant(point) => Value::Constant(changed(point)),
                Value::Frame(mut frame) => {
                    for point in frame.groups.values_mut().flatten() {
                        *point = changed(*point);
                    }
                    frame.absent = changed(frame.absent);
                    Value::Frame(frame)
                }
            }
        };
        match expr {
            Expr::Number(number) => {
                Value::Constant(Point::new(exactly(Some(*number as f64)), true))
            }
            Expr::Call(call) => Value::Frame(self.call(call, times, offset, in_total)),
            Expr::Total(expr) => self.of(expr, times, offset, true, filters),
            Expr::Negate(expr) => mapped(expr, &|value| -value),
            Expr::Abs(expr) => mapped(expr, &f64::abs),
            Expr::Round(expr) => mapped(expr, &f64::round),
            Expr::Clamp(expr, least, most) => {
                mapped(expr, &|value| value.max(*least as f64).min(*most as f64))
            }
            Expr::Offset(expr, seconds) => {
                self.of(expr, times, offset + seconds * SECOND, in_total, filters)
            }
            Expr::Windows(function, expr, seconds) => {
                let presented = times.hull(None, 0);
                let step = seconds * SECOND;
                let start = if times.snaps {
                    civil::window_start(times.civil, step, presented.0)
                } else {
                    presented.0
                };
                let range = (start, presented.1);
                let steps = civil::windows(times.civil, step, range);
                let within = Times { range, steps, over: None, ..times.clone() };
                let Value::Frame(frame) = self.of(expr, &within, offset, in_total, filters) else {
                    panic!("a sub-query of a constant");
                };
                let over = |points: &Vec<Point>| {
                    let step = |cover: &(i64, i64)| {
                        let inside: Vec<Point> = within
                            .steps
                            .iter()
                            .zip(points)
                            .filter(|((start, _), _)| {
                                (cover.0..cover.1).contains(&(*start).max(presented.0))
                            })
                            .map(|(_, point)| *point)
                            .collect();
                        // A function of values is one of samples, each a nanosecond long.
                        let values: Vec<Row> = inside
                            .iter()
                            .filter_map(|point| point.number())
                            .zip(0..)
                            .map(|(value, time)| Row {
                                metric: "latency",
                                labels: [""; 3],
                                time,
                                value,
                            })
                            .collect();
                        let values: Vec<&Row> = values.iter().collect();
                        let value = evaluate(function, None, &values, &[(0, i64::MAX)]);
                        Point::new(value, inside.iter().any(|point| point.occupied))
                    };
                    times.covers(None, 0).iter().map(step).collect()
                };
                let groups = frame.groups.iter().map(|(key, points)| (key.clone(), over(points)));
                let absent = Point::new(exactly(of_nothing(function, None)), false);
                Value::Frame(Frame { keys: frame.keys, groups: groups.collect(), absent })
            }
            Expr::Binary(op, left, right) => {
                let decides = [&**left, &**right].map(decides);
                let operator = Operator { op: *op, filters, decides, left };
                operator.combine(inner(left), inner(right))
            }
        }
    }

    fn call(&self, call: &Call, times: &Times, offset: i64, in_total: bool) -> Frame {
        let keys = self.keys_of(self.split_of(call, in_total));
        let selector = &call.selector;
        let length = selector.window.map(|window| window * SECOND);
        let shift = offset + times.back + selector.offset.unwrap_or(0) * SECOND;
        let covers = times.covers(length, shift);
        let asked = times.hull(length, shift);
        let chosen: Vec<&Row> =
            self.rows.iter().copied().filter(|row| self.is_chosen(call, row)).collect();
        let parts: Vec<usize> = keys
            .iter()
            .filter_map(|key| match key {
                SplitKey::Part(part) => Some(*part),
                _ => None,
            })
            .collect();
        let pieces = pieces(times, &parts, times.hull(length, 0), shift, asked);
        let key_of = |row: &Row, of_parts: &[String]| -> Vec<String> {
            let mut of_parts = of_parts.iter();
            keys.iter()
                .map(|key| match key {
                    SplitKey::Metric => row.metric.to_owned(),
                    SplitKey::Label(label) => row.labels[*label].to_owned(),
                    SplitKey::Part(_) => of_parts.next().unwrap().clone(),
                })
                .collect()
        };
        let mut groups = BTreeMap::new();
        for (of_parts, stretches) in &pieces {
            let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
            if keys.is_empty() {
                found.insert(Vec::new());
            }
            for row in chosen.iter().filter(|row| lies_in(row, stretches)) {
                found.insert(key_of(row, of_parts));
            }
            for key in found {
                let ours: Vec<&Row> =
                    chosen.iter().copied().filter(|row| key_of(row, of_parts) == key).collect();
                let point = |cover: &(i64, i64)| {
                    let meets = |piece: &(i64, i64)| (piece.0.max(cover.0), piece.1.min(cover.1));
                    let mut met: Vec<(i64, i64)> = stretches.iter().map(meets).collect();
                    met.retain(|(start, end)| start < end);
                    if met.is_empty() && !parts.is_empty() {
                        return Point { kept: false, ..Point::new(exactly(None), false) };
                    }
                    let value = evaluate(&call.function, selector.metric, &ours, &met);
                    Point::new(value, ours.iter().any(|row| lies_in(row, &met)))
                };
                groups.insert(key, covers.iter().map(point).collect());
            }
        }
        let absent = Point::new(exactly(of_nothing(&call.function, selector.metric)), false);
        Frame { keys, groups, absent }
    }

    fn is_chosen(&self, call: &Call, row: &Row) -> bool {
        let Selector { metric, matchers, above, .. } = &call.selector;
        metric.is_none_or(|metric| row.metric == metric)
            && matchers.iter().all(|matcher| holds(matcher, row))
            && above.is_none_or(|(op, number)| compares(op, row.value, number as f64))
            && self.question.condition.as_ref().is_none_or(|condition| holds(condition, row))
            && call.condition.as_ref().is_none_or(|condition| holds(condition, row))
    }

    fn keys_of(&self, split: &Split) -> Vec<SplitKey> {
        let without: &[usize] = match split {
            Split::Nothing => return Vec::new(),
            Split::By(keys) => {
                let key = |key: &Key| match key {
                    Key::Label(label) => SplitKey::Label(*label),
                    Key::Part(part) => SplitKey::Part(part_index(*part)),
                };
                return keys.iter().map(key).collect();
            }
            Split::Without(labels) => labels,
            Split::All => &[],
        };
        // A label is a key if some series has it that a call under this split may choose.
        let ours: Vec<&Call> =
            self.calls.iter().filter(|(_, own)| own == split).map(|(call, _)| call).collect();
        let mut keys = BTreeSet::new();
        for call in ours {
            if call.selector.metric.is_none() {
                keys.insert(SplitKey::Metric);
            }
            for row in self.rows.iter().filter(|row| self.may_choose(call, row)) {
                let present = (0..LABELS.len()).filter(|&label| !row.labels[label].is_empty());
                keys.extend(present.filter(|label| !without.contains(label)).map(SplitKey::Label));
            }
        }
        keys.into_iter().collect()
    }

    /// True if a call may choose the row's series by its labels.
    fn may_choose(&self, call: &Call, row: &Row) -> bool {
        call.selector.metric.is_none_or(|metric| row.metric == metric)
            && call.selector.matchers.iter().all(|matcher| holds(matcher, row))
            && self.question.condition.as_ref().is_none_or(|one| labels_hold(one, row))
            && call.condition.as_ref().is_none_or(|one| labels_hold(one, row))
    }
}

/// Only conditions on labels that all must hold narrow the series; others are left to the samples.
fn labels_hold(condition: &Condition, row: &Row) -> bool {
    match condition {
        Condition::And(left, right) => labels_hold(left, row) && labels_hold(right, row),
        Condition::Value(..) | Condition::Not(_) | Condition::Or(..) => true,
        _ => holds(condition, row),
    }
}

fn part_index(part: Part) -> usize {
    civil::PARTS.iter().position(|(known, _)| *known == part).unwrap()
}

/// Cuts all that is covered where parts of the calendar change: for each combination of parts, the
/// stretches that have it. The parts are those of the steps' time, the stretches those read.
fn pieces(
    times: &Times,
    parts: &[usize],
    all: (i64, i64),
    shift: i64,
    asked: (i64, i64),
) -> BTreeMap<Vec<String>, Vec<(i64, i64)>> {
    let mut pieces: BTreeMap<Vec<String>, Vec<(i64, i64)>> = BTreeMap::new();
    if parts.is_empty() {
        pieces.insert(Vec::new(), vec![asked]);
        return pieces;
    }
    let mut at = all.0;
    while at < all.1 {
        // The clocks of Berlin differ from UTC by whole hours.
        let next = (at - at.rem_euclid(HOUR) + HOUR).min(all.1);
        let part = |part: &usize| civil::part_of(civil::PARTS[*part].0, times.civil, at);
        let stretches = pieces.entry(parts.iter().map(part).collect()).or_default();
        match stretches.last_mut().filter(|(_, end)| *end == at - shift) {
            Some(last) => last.1 = next - shift,
            None => stretches.push((at - shift, next - shift)),
        }
        at = next;
    }
    pieces
}

/// True for what holds or does not; other values hold where there are samples.
fn decides(expr: &Expr) -> bool {
    match expr {
        Expr::Total(inner) | Expr::Offset(inner, _) => decides(inner),
        Expr::Binary(op, ..) => matches!(op, Op::Compare(_) | Op::And | Op::Or | Op::Unless),
        _ => false,
    }
}

fn widest(values: &[Value]) -> Vec<SplitKey> {
    let mut wide: Vec<SplitKey> = Vec::new();
    for value in values {
        if let Value::Frame(frame) = value
            && frame.keys.len() > wide.len()
        {
            wide.clone_from(&frame.keys);
        }
    }
    wide
}

/// The groups of a frame in another order of keys; none of frames with fewer keys.
fn reordered(frame: &Frame, wide: &[SplitKey]) -> Vec<Vec<String>> {
    if frame.keys.len() != wide.len() {
        return Vec::new();
    }
    let order = wide.iter().map(|key| frame.keys.iter().position(|own| own == key).unwrap());
    let order: Vec<usize> = order.collect();
    frame.groups.keys().map(|key| order.iter().map(|&at| key[at].clone()).collect()).collect()
}

fn point_of(value: &Value, keys: &[SplitKey], key: &[String], step: usize) -> Point {
    match value {
        Value::Constant(point) => *point,
        Value::Frame(frame) => frame.point(keys, key, step),
    }
}

struct Operator<'a> {
    op: Op,
    filters: bool,
    decides: [bool; 2],
    left: &'a Expr,
}

impl Operator<'_> {
    fn combine(&self, left: Value, right: Value) -> Value {
        if let (Value::Constant(left), Value::Constant(right)) = (&left, &right) {
            return Value::Constant(self.apply(*left, *right));
        }
        let constant = |value: &Value| matches!(value, Value::Constant(_));
        let constants = [constant(&left), constant(&right)];
        let both = [left, right];
        let keys = widest(&both);
        let mut names: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut steps = 0;
        for value in &both {
            if let Value::Frame(frame) = value {
                names.extend(reordered(frame, &keys));
                steps = steps.max(frame.groups.values().map(Vec::len).max().unwrap_or(0));
            }
        }
        // What is broadcast, as constants are, is no sample of a group.
        let counts = |value: &Value| match value {
            Value::Constant(_) => false,
            Value::Frame(frame) => frame.keys.len() == keys.len(),
        };
        let counts = [counts(&both[0]), counts(&both[1])];
        let point = |key: &Vec<String>, step| {
            let one = point_of(&both[0], &keys, key, step);
            let other = point_of(&both[1], &keys, key, step);
            let occupied = (counts[0] && one.occupied) || (counts[1] && other.occupied);
            Point { occupied, ..self.apply(one, other) }
        };
        let groups = names
            .iter()
            .map(|key| (key.clone(), (0..steps).map(|step| point(key, step)).collect()));
        let groups = groups.collect();
        let absent_of = |value: &Value| match value {
            Value::Constant(point) => *point,
            Value::Frame(frame) => frame.absent,
        };
        let absent = self.apply(absent_of(&both[0]), absent_of(&both[1]));
        debug_assert!(!(constants[0] && constants[1]));
        Value::Frame(Frame { keys, groups, absent: Point { occupied: false, ..absent } })
    }

    fn apply(&self, left: Point, right: Point) -> Point {
        let holds = |side: Point, decides: bool| {
            side.kept && side.number().is_some() && (decides || side.occupied)
        };
        let (holds_left, holds_right) =
            (holds(left, self.decides[0]), holds(right, self.decides[1]));
        let keep = |value: Expected, kept: bool| {
            let kept = kept || !self.filters;
            let value = if kept { value } else { exactly(None) };
            Point { value, occupied: left.occupied || right.occupied, kept }
        };
        let both = left.number().zip(right.number());
        match self.op {
            Op::Default if left.number().is_some() => left,
            Op::Default => Point { occupied: left.occupied, ..right },
            Op::Compare(op) => {
                let is_number = matches!(self.left, Expr::Number(_));
                let shown = if is_number { right.value } else { left.value };
                keep(shown, both.is_some_and(|(left, right)| compares(op, left, right)))
            }
            Op::And => keep(left.value, holds_left && holds_right),
            Op::Unless => keep(left.value, holds_left && !holds_right),
            Op::Or if !self.filters => {
                keep(if left.number().is_some() { left.value } else { right.value }, true)
            }
            Op::Or if holds_left => keep(left.value, true),
            Op::Or => keep(right.value, holds_right),
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide => {
                let value = both.and_then(|(left, right)| match self.op {
                    Op::Add => Some(left + right),
                    Op::Subtract => Some(left - right),
                    Op::Multiply => Some(left * right),
                    _ => (right != 0.0).then(|| left / right),
                });
                Point {
                    value: exactly(value),
                    occupied: left.occupied || right.occupied,
                    kept: left.kept && right.kept,
                }
            }
        }
    }
}

fn by_value(one: Option<f64>, other: Option<f64>, greatest: bool) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if greatest => other.total_cmp(&one),
        (Some(one), Some(other)) => one.total_cmp(&other),
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (None, None) => Ordering::Equal,
    }
}

fn is_left_out(items: &[Vec<Point>], step: usize) -> bool {
    items.iter().all(|points| !points[step].kept)
}

fn fill(points: &mut [Point], steps: &[(i64, i64)], how: Fill) {
    if how == Fill::None {
        return;
    }
    let known: Vec<Option<Expected>> = points
        .iter()
        .map(|point| Some(point.value).filter(|_| point.occupied && point.number().is_some()))
        .collect();
    for at in 0..points.len() {
        let before = (0..at).rev().find(|&other| known[other].is_some());
        let after = (at + 1..points.len()).find(|&other| known[other].is_some());
        let filled = match (how, before.zip(after)) {
            (Fill::Number(number), _) => Some(exactly(Some(number as f64))),
            (Fill::Previous, Some((before, _))) => known[before],
            (Fill::Linear, Some((before, after))) => {
                let start = |at: usize| steps[at].0;
                let weight =
                    (start(at) - start(before)) as f64 / (start(after) - start(before)) as f64;
                known[before].zip(known[after]).map(|(b, a)| between(b, a, weight))
            }
            _ => None,
        };
        if known[at].is_none() {
            let filled = filled.filter(|_| points[at].kept);
            points[at].value = filled.unwrap_or(exactly(None));
        }
    }
}

/// Draws a line. Between numbers known to the bit it is known to the bit; what lies between others
/// is off by as much as they are, and by a rounding of each product and of the sum.
fn between(before: Expected, after: Expected, weight: f64) -> Expected {
    let (b, a) = (before.value.unwrap(), after.value.unwrap());
    let inexact = before.within > 0.0 || after.within > 0.0;
    let roundings = if inexact { 2.0 * ulp(b.abs().max(a.abs())) } else { 0.0 };
    let within = before.within.max(after.within) + roundings;
    Expected { value: Some(b * (1.0 - weight) + a * weight), within }
}

/// Puts behind each item what it was, how much it changed, and by how many percent.
fn with_changes(items: &[Vec<Point>], own: usize) -> Vec<Vec<Point>> {
    let mut all = Vec::new();
    for (now, then) in items[..own].iter().zip(&items[own..]) {
        let derive = |of: &dyn Fn(f64, f64) -> f64| -> Vec<Point> {
            now.iter()
                .zip(then)
                .map(|(now, then)| {
                    let exact = now.value.within == 0.0 && then.value.within == 0.0;
                    let both = now.number().zip(then.number());
                    let value = both.map(|(now, then)| of(now, then));
                    let value = value.filter(|value| value.is_finite());
                    // What was about right may have changed by anything: shown, but not judged.
                    let within = if exact { 0.0 } else { f64::INFINITY };
                    let occupied = now.occupied || then.occupied;
                    Point { value: Expected { value, within }, occupied, kept: now.kept }
                })
                .collect()
        };
        let change = derive(&|now, then| now - then);
        let percent = derive(&|now, then| (now - then) / then.abs() * 100.0);
        let shown = now.iter().zip(then);
        let then = shown.map(|(now, then)| Point { kept: now.kept, ..*then }).collect();
        all.extend([now.clone(), then, change, percent]);
    }
    all
}

fn rows_of(
    question: &Question,
    times: &Times,
    table: &[(Vec<String>, Vec<Vec<Point>>)],
    keys: &[SplitKey],
) -> Vec<Line> {
    let shown = |key: &[String]| -> Vec<String> {
        let one = |(key, text): (&SplitKey, &String)| match key {
            SplitKey::Part(part) => civil::shown(civil::PARTS[*part].0, text),
            _ => text.clone(),
        };
        keys.iter().zip(key).map(one).collect()
    };
    let mut lines: Vec<(usize, &Vec<String>, Vec<Point>)> = Vec::new();
    for (key, items) in table {
        for step in (0..times.steps.len()).filter(|&step| !is_left_out(items, step)) {
            let points: Vec<Point> = items.iter().map(|points| points[step]).collect();
            let is_empty = |point: &Point| point.number().is_none() || !point.occupied;
            if question.fill == Some(Fill::None) && points.iter().all(is_empty) {
                continue;
            }
            lines.push((step, key, points));
        }
    }
    if question.every.is_some() {
        lines.sort_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
    } else {
        lines.sort_by(|one, other| {
            by_value(one.2[0].number(), other.2[0].number(), true).then(one.1.cmp(other.1))
        });
    }
    let line = |(step, key, points): (usize, &Vec<String>, Vec<Point>)| {
        let window = times.steps[step];
        let at = question.every.map(|_| (window.0, window.1, times.is_partial(window)));
        (at, shown(key), points.iter().map(|point| point.value).collect())
    };
    lines.into_iter().map(line).collect()
}
