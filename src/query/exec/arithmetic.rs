//! Evaluates trees of arithmetic: joins the groups of both sides and combines their values.

use crate::error::Result;
use crate::lang::Span;
use crate::lang::ast::BinaryOp;
use crate::query::budget::Budget;
use crate::query::exec::frame::{Frame, Group, Lookup, Point, union_of_groups, widest};
use crate::query::exec::memory;
use crate::query::exec::over::over;
use crate::query::exec::scan::Scanned;
use crate::query::finding::Findings;
use crate::query::plan::{Change, Node, is_condition};
use crate::query::predicate::compare;

/// The value of an expression.
#[derive(Debug)]
pub(super) enum Value {
    /// The same for every group and step.
    Constant(Point),
    /// By group and step.
    Frame(Frame),
}

/// What expressions are evaluated over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evaluation<'a> {
    /// What the scans yielded.
    pub(super) scans: &'a [Scanned],
    /// For each level, the windows of it that each step around it has.
    pub(super) windows: &'a [Vec<(usize, usize)>],
    /// Where warnings go.
    pub(super) findings: &'a Findings<'a>,
    /// What comparisons yield.
    pub(super) mode: Mode,
    /// Whether the run may go on.
    pub(super) budget: &'a Budget,
}

/// What a comparison, and `and`, `or`, `unless`, yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The value where it holds; the rest is left out.
    Filter,
    /// The value, whether or not it holds.
    Show,
    /// 1 where it holds, 0 where it does not, and nothing where a side has no value to tell by.
    Truth,
}

impl Evaluation<'_> {
    /// Evaluates an expression.
    ///
    /// # Errors
    /// Those of the budget.
    pub(super) fn of(&self, node: &Node) -> Result<Value> {
        Ok(match node {
            Node::Constant(number) => Value::Constant(Point::new(Some(*number), true)),
            Node::Aggregate { scan, aggregate, per_nanos } => {
                self.aggregate(*scan, *aggregate, *per_nanos)?
            }
            Node::Map(change, inner) => {
                let changed = |point: Point| Point {
                    value: point.value.and_then(|v| changed(*change, v)),
                    ..point
                };
                match self.of(inner)? {
                    Value::Constant(point) => Value::Constant(changed(point)),
                    Value::Frame(mut frame) => {
                        let pace = self.budget.pace();
                        for group in &mut frame.groups {
                            pace.step(group.points.len())?;
                            group.points.iter_mut().for_each(|point| *point = changed(*point));
                        }
                        frame.absent = changed(frame.absent);
                        Value::Frame(frame)
                    }
                }
            }
            Node::Over(function, level, inner) => match self.of(inner)? {
                Value::Constant(point) => Value::Constant(point),
                Value::Frame(frame) => {
                    let windows = self.windows.get(*level).map_or(&[][..], Vec::as_slice);
                    Value::Frame(over(frame, *function, windows, self.budget)?)
                }
            },
            Node::Binary { op, span, left, right } => {
                // Only what decides directly is asked for its truth; what is compared is a value.
                let decided = matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless);
                let sides = match self.mode {
                    Mode::Truth if !decided => Self { mode: Mode::Filter, ..*self },
                    _ => *self,
                };
                let operator = Operator {
                    op: *op,
                    span: *span,
                    findings: Some(self.findings),
                    budget: self.budget,
                    mode: if is_condition(*op) { self.mode } else { sides.mode },
                    decides: [left, right].map(|side| decides(side)),
                    shows_right: is_number(left),
                };
                operator.combine(sides.of(left)?, sides.of(right)?)?
            }
        })
    }

    fn aggregate(&self, scan: usize, aggregate: usize, per_nanos: Option<u64>) -> Result<Value> {
        let scanned = self.scans.get(scan);
        let frame = scanned.and_then(|scanned| scanned.frames.get(aggregate));
        let (Some(scanned), Some(frame)) = (scanned, frame) else {
            return Ok(Value::Constant(Point::new(None, false)));
        };
        self.budget.hold(memory::of_frame(frame))?;
        let pace = self.budget.pace();
        let groups = frame.groups.iter().zip(&scanned.covered).map(|(group, covered)| {
            pace.step(group.points.len())?;
            let mut group = group.clone();
            finish(&mut group.points, covered, per_nanos, self.findings);
            Ok(group)
        });
        let groups = groups.collect::<Result<_>>()?;
        Ok(Value::Frame(Frame { keys: frame.keys.clone(), groups, absent: frame.absent }))
    }
}

/// Returns true for what holds or does not; other values hold where there are samples.
fn decides(node: &Node) -> bool {
    matches!(node, Node::Binary { op, .. } if is_condition(*op))
}

/// Returns true for what is the same number in every group and step.
fn is_number(node: &Node) -> bool {
    match node {
        Node::Constant(_) => true,
        Node::Aggregate { .. } => false,
        Node::Map(_, inner) | Node::Over(_, _, inner) => is_number(inner),
        Node::Binary { left, right, .. } => is_number(left) && is_number(right),
    }
}

/// Tells whether two things hold, of which it may be unknown whether they do.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn changed(change: Change, value: f64) -> Option<f64> {
    let changed = match change {
        Change::Negate => -value,
        Change::Abs => value.abs(),
        Change::Clamp(least, most) => value.max(least).min(most),
        Change::Round(step) => {
            // Of 0.1, tenths are counted: a tenth times a count would not be the nearest double.
            let parts = (1.0 / step).round();
            if parts >= 1.0 && (parts * step - 1.0).abs() < 1e-12 {
                (value * parts).round() / parts
            } else {
                (value / step).round() * step
            }
        }
    };
    changed.is_finite().then_some(changed)
}

/// Scales amounts to their length of time, and leaves out what is beyond the range of doubles.
fn finish(points: &mut [Point], covered: &[u64], per_nanos: Option<u64>, findings: &Findings<'_>) {
    for (point, &nanos) in points.iter_mut().zip(covered) {
        if let Some(per_nanos) = per_nanos {
            point.value = point.value.and_then(|amount| per(amount, nanos, per_nanos));
        }
        point.value = point.value.and_then(|value| finite(value, Span::default(), Some(findings)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "the quotient of two lengths of time is a double")]
fn per(amount: f64, covered_nanos: u64, per_nanos: u64) -> Option<f64> {
    (covered_nanos > 0).then(|| amount / (covered_nanos as f64 / per_nanos as f64))
}

fn finite(value: f64, span: Span, findings: Option<&Findings<'_>>) -> Option<f64> {
    if value.is_finite() {
        return Some(value);
    }
    if let Some(findings) = findings {
        let message = "a result is beyond the range of numbers: it is left empty";
        findings.warn_once("Q305", span, message);
    }
    None
}

struct Operator<'a> {
    op: BinaryOp,
    span: Span,
    /// Where warnings go; nothing for values that no row may come to show.
    findings: Option<&'a Findings<'a>>,
    /// Whether the run may go on.
    budget: &'a Budget,
    /// What comparisons yield.
    mode: Mode,
    /// Which of both sides are conditions themselves.
    decides: [bool; 2],
    /// True if a comparison shows its right side, since the left is a mere number.
    shows_right: bool,
}

impl Operator<'_> {
    fn combine(&self, left: Value, right: Value) -> Result<Value> {
        Ok(match (left, right) {
            (Value::Constant(left), Value::Constant(right)) => {
                Value::Constant(self.apply(left, right))
            }
            (Value::Frame(frame), Value::Constant(right)) => {
                Value::Frame(self.map(frame, |operator, left| operator.apply(left, right))?)
            }
            (Value::Constant(left), Value::Frame(frame)) => {
                Value::Frame(self.map(frame, |operator, right| operator.apply(left, right))?)
            }
            (Value::Frame(left), Value::Frame(right)) => {
                let joined = self.join(&left, &right)?;
                let sides = memory::of_frame(&left) + memory::of_frame(&right);
                self.budget.let_go(sides as u64);
                Value::Frame(joined)
            }
        })
    }

    fn map(&self, mut frame: Frame, apply: impl Fn(&Self, Point) -> Point) -> Result<Frame> {
        let pace = self.budget.pace();
        for group in &mut frame.groups {
            pace.step(group.points.len())?;
            for point in &mut group.points {
                *point = Point { occupied: point.occupied, ..apply(self, *point) };
            }
        }
        // A group that is not there is no division by zero that anyone should be warned of.
        let quiet = Self { findings: None, ..*self };
        frame.absent = Point { occupied: false, ..apply(&quiet, frame.absent) };
        Ok(frame)
    }

    /// Joins both sides on their keys; a side with fewer keys serves all groups of the other.
    fn join(&self, left: &Frame, right: &Frame) -> Result<Frame> {
        let sides = [left, right];
        let keys = widest(&sides);
        let (lefts, rights) = (Lookup::new(left, keys), Lookup::new(right, keys));
        let steps = sides.iter().flat_map(|side| &side.groups).map(|group| group.points.len());
        let steps = steps.max().unwrap_or(0);
        let counts = |side: &Frame| side.keys.len() == keys.len();
        let union = union_of_groups(&sides, keys);
        self.budget.hold(memory::of_points(union.len(), steps))?;
        let pace = self.budget.pace();
        let groups = union.into_iter().map(|key| {
            pace.step(steps)?;
            let (left_points, right_points) = (lefts.points(&key), rights.points(&key));
            let point = |step| {
                let one = lefts.point(left_points, step);
                let other = rights.point(right_points, step);
                let occupied = (counts(left) && one.occupied) || (counts(right) && other.occupied);
                Point { occupied, ..self.apply(one, other) }
            };
            let points = (0..steps).map(point).collect();
            Ok(Group { key, points })
        });
        let groups = groups.collect::<Result<_>>()?;
        let absent = Self { findings: None, ..*self }.apply(left.absent, right.absent);
        let absent = Point { occupied: false, ..absent };
        Ok(Frame { keys: keys.to_vec(), groups, absent })
    }

    fn apply(&self, left: Point, right: Point) -> Point {
        if self.mode == Mode::Truth && is_condition(self.op) {
            return self.truth(left, right);
        }
        let [decides_left, decides_right] = self.decides;
        let filters = self.mode == Mode::Filter;
        let holds = |side: Point, decides: bool| {
            side.kept && side.value.is_some() && (decides || side.occupied)
        };
        let keep = |value: Option<f64>, kept: bool| {
            let kept = kept || !filters;
            let value = value.filter(|_| kept);
            Point { value, occupied: left.occupied || right.occupied, kept }
        };
        let (holds_left, holds_right) = (holds(left, decides_left), holds(right, decides_right));
        match self.op {
            BinaryOp::Default if left.value.is_some() => left,
            BinaryOp::Default => Point { occupied: left.occupied, ..right },
            BinaryOp::And => keep(left.value, holds_left && holds_right),
            BinaryOp::Unless => keep(left.value, holds_left && !holds_right),
            BinaryOp::Or if holds_left || !filters => keep(left.value.or(right.value), true),
            BinaryOp::Or => keep(right.value, holds_right),
            BinaryOp::Compare(op) => {
                let both = left.value.zip(right.value);
                let shown = if self.shows_right { right.value } else { left.value };
                keep(shown, both.is_some_and(|(left, right)| compare(op, left, right)))
            }
            _ => Point {
                value: left.value.zip(right.value).and_then(|(l, r)| self.compute(l, r)),
                occupied: left.occupied || right.occupied,
                kept: left.kept && right.kept,
            },
        }
    }

    /// Tells whether a condition holds, where its sides can tell: what has no value is unknown.
    fn truth(&self, left: Point, right: Point) -> Point {
        let [decides_left, decides_right] = self.decides;
        let known = |side: Point, decides: bool| {
            if decides { side.value.map(|value| value != 0.0) } else { Some(side.occupied) }
        };
        let (one, other) = (known(left, decides_left), known(right, decides_right));
        let not = |holds: Option<bool>| holds.map(|holds| !holds);
        let holds = match self.op {
            BinaryOp::And => both(one, other),
            BinaryOp::Unless => both(one, not(other)),
            BinaryOp::Or => not(both(not(one), not(other))),
            BinaryOp::Compare(op) => {
                left.value.zip(right.value).map(|(left, right)| compare(op, left, right))
            }
            _ => None,
        };
        let occupied = left.occupied || right.occupied;
        Point::new(holds.map(|holds| f64::from(u8::from(holds))), occupied)
    }

    fn compute(&self, left: f64, right: f64) -> Option<f64> {
        let value = match self.op {
            BinaryOp::Add => left + right,
            BinaryOp::Subtract => left - right,
            BinaryOp::Multiply => left * right,
            _ if right == 0.0 => {
                if let Some(findings) = self.findings {
                    let message = "a division by zero has no value: it is left empty";
                    findings.warn_once("Q304", self.span, message);
                }
                return None;
            }
            _ => left / right,
        };
        finite(value, self.span, self.findings)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Operator, changed, per};
    use crate::lang::Span;
    use crate::lang::ast::BinaryOp;
    use crate::query::budget::Budget;
    use crate::query::finding::Findings;
    use crate::query::plan::Change;

    fn operator<'a>(op: BinaryOp, findings: &'a Findings<'a>, budget: &'a Budget) -> Operator<'a> {
        let (findings, decides) = (Some(findings), [false, false]);
        Operator {
            op,
            span: Span::default(),
            findings,
            budget,
            mode: Mode::Filter,
            decides,
            shows_right: false,
        }
    }

    #[test]
    fn division_by_zero_is_null_with_one_warning() {
        let (findings, budget) = (Findings::new("x"), Budget::ample());
        let divide = operator(BinaryOp::Divide, &findings, &budget);
        assert_eq!(divide.compute(1.0, 0.0), None);
        assert_eq!(divide.compute(0.0, -0.0), None);
        assert_eq!(divide.compute(1.0, 4.0), Some(0.25));
        assert_eq!(findings.into_parts().0.len(), 1);
    }

    #[test]
    fn numbers_are_rounded_to_what_one_writes() {
        let round = |value, step| changed(Change::Round(step), value).unwrap();
        for (value, step, expected) in [
            (0.34, 0.1, 0.3),
            (2.5, 1.0, 3.0),
            (-2.5, 1.0, -3.0),
            (1_234.0, 50.0, 1_250.0),
            (7.0, 2.5, 7.5),
            (0.123_456, 0.001, 0.123),
        ] {
            assert_eq!(round(value, step).to_bits(), f64::to_bits(expected), "{value} by {step}");
        }
        assert_eq!(changed(Change::Round(0.1), 1e308), None, "beyond the range of doubles");
        assert_eq!(changed(Change::Clamp(1.0, 2.0), 7.0), Some(2.0));
    }

    #[test]
    fn overflow_is_null_with_a_warning() {
        let (findings, budget) = (Findings::new("x"), Budget::ample());
        let multiply = operator(BinaryOp::Multiply, &findings, &budget);
        assert_eq!(multiply.compute(1e300, 1e300), None);
        assert_eq!(findings.into_parts().0[0].code, "Q305");
    }

    #[test]
    fn amounts_are_divided_by_the_covered_time() {
        assert_eq!(per(30.0, 15_000_000_000, 1_000_000_000), Some(2.0));
        assert_eq!(per(30.0, 0, 1), None);
    }
}
