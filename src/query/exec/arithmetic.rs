//! Evaluates trees of arithmetic: joins the groups of both sides and combines their values.

use crate::lang::Span;
use crate::lang::ast::BinaryOp;
use crate::model::TimeRange;
use crate::query::exec::frame::{Frame, Group, Lookup, Point, union_of_groups, widest};
use crate::query::exec::scan::Scanned;
use crate::query::finding::Findings;
use crate::query::plan::{Change, Node};
use crate::query::predicate::compare;

/// The value of an expression.
#[derive(Debug)]
pub(super) enum Value {
    /// The same for every group and step.
    Constant(Option<f64>),
    /// By group and step.
    Frame(Frame),
}

/// Evaluates an expression over what the scans yielded.
pub(super) fn evaluate(node: &Node, scans: &[Scanned], findings: &Findings<'_>) -> Value {
    match node {
        Node::Constant(number) => Value::Constant(Some(*number)),
        Node::Aggregate { scan, aggregate, per_nanos } => {
            let scanned = scans.get(*scan);
            let frame = scanned.and_then(|scanned| scanned.frames.get(*aggregate));
            let (Some(scanned), Some(frame)) = (scanned, frame) else {
                return Value::Constant(None);
            };
            let mut frame = frame.clone();
            for group in &mut frame.groups {
                finish(&mut group.points, &scanned.covers, *per_nanos, findings);
            }
            Value::Frame(frame)
        }
        Node::Map(change, inner) => {
            let changed = |value| changed(*change, value);
            match evaluate(inner, scans, findings) {
                Value::Constant(number) => Value::Constant(number.and_then(changed)),
                Value::Frame(mut frame) => {
                    for point in frame.groups.iter_mut().flat_map(|group| &mut group.points) {
                        point.value = point.value.and_then(changed);
                    }
                    frame.absent = frame.absent.and_then(changed);
                    Value::Frame(frame)
                }
            }
        }
        Node::Binary { op, span, left, right } => {
            let (left, right) = (evaluate(left, scans, findings), evaluate(right, scans, findings));
            let operator = Operator { op: *op, span: *span, findings: Some(findings) };
            operator.combine(left, right)
        }
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
fn finish(
    points: &mut [Point],
    covers: &[TimeRange],
    per_nanos: Option<u64>,
    findings: &Findings<'_>,
) {
    for (point, cover) in points.iter_mut().zip(covers) {
        if let Some(per_nanos) = per_nanos {
            point.value = point.value.and_then(|amount| per(amount, cover.nanos(), per_nanos));
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
}

impl Operator<'_> {
    fn combine(&self, left: Value, right: Value) -> Value {
        match (left, right) {
            (Value::Constant(left), Value::Constant(right)) => {
                Value::Constant(self.apply(left, right))
            }
            (Value::Frame(frame), Value::Constant(right)) => {
                Value::Frame(self.map(frame, |operator, left| operator.apply(left, right)))
            }
            (Value::Constant(left), Value::Frame(frame)) => {
                Value::Frame(self.map(frame, |operator, right| operator.apply(left, right)))
            }
            (Value::Frame(left), Value::Frame(right)) => Value::Frame(self.join(&left, &right)),
        }
    }

    fn map(&self, mut frame: Frame, apply: impl Fn(&Self, Option<f64>) -> Option<f64>) -> Frame {
        for point in frame.groups.iter_mut().flat_map(|group| &mut group.points) {
            point.value = apply(self, point.value);
        }
        // A group that is not there is no division by zero that anyone should be warned of.
        frame.absent = apply(&Self { findings: None, ..*self }, frame.absent);
        frame
    }

    /// Joins both sides on their keys; a side with fewer keys serves all groups of the other.
    fn join(&self, left: &Frame, right: &Frame) -> Frame {
        let sides = [left, right];
        let keys = widest(&sides);
        let (lefts, rights) = (Lookup::new(left, keys), Lookup::new(right, keys));
        let steps = sides.iter().flat_map(|side| &side.groups).map(|group| group.points.len());
        let steps = steps.max().unwrap_or(0);
        let counts = |side: &Frame| side.keys.len() == keys.len();
        let groups = union_of_groups(&sides, keys).into_iter().map(|key| {
            let (left_points, right_points) = (lefts.points(&key), rights.points(&key));
            let point = |step| {
                let one = lefts.point(left_points, step);
                let other = rights.point(right_points, step);
                let occupied = (counts(left) && one.occupied) || (counts(right) && other.occupied);
                Point { value: self.apply(one.value, other.value), occupied }
            };
            let points = (0..steps).map(point).collect();
            Group { key, points }
        });
        let groups = groups.collect();
        let absent = Self { findings: None, ..*self }.apply(left.absent, right.absent);
        Frame { keys: keys.to_vec(), groups, absent }
    }

    fn apply(&self, left: Option<f64>, right: Option<f64>) -> Option<f64> {
        let holds = |side: Option<f64>| side.is_some_and(|value| value != 0.0);
        let truth = |holds: bool| Some(if holds { 1.0 } else { 0.0 });
        match self.op {
            BinaryOp::Default => left.or(right),
            BinaryOp::And => truth(holds(left) && holds(right)),
            BinaryOp::Or => truth(holds(left) || holds(right)),
            BinaryOp::Unless => truth(holds(left) && !holds(right)),
            BinaryOp::Compare(op) => truth(compare(op, left?, right?)),
            BinaryOp::Add => self.finite(left? + right?),
            BinaryOp::Subtract => self.finite(left? - right?),
            BinaryOp::Multiply => self.finite(left? * right?),
            BinaryOp::Divide => {
                let (left, right) = (left?, right?);
                if right == 0.0 {
                    if let Some(findings) = self.findings {
                        let message = "a division by zero has no value: it is left empty";
                        findings.warn_once("Q304", self.span, message);
                    }
                    return None;
                }
                self.finite(left / right)
            }
        }
    }

    fn finite(&self, value: f64) -> Option<f64> {
        finite(value, self.span, self.findings)
    }
}

#[cfg(test)]
mod tests {
    use super::{Operator, changed, per};
    use crate::lang::Span;
    use crate::lang::ast::BinaryOp;
    use crate::query::finding::Findings;
    use crate::query::plan::Change;

    #[test]
    fn division_by_zero_is_null_with_one_warning() {
        let findings = Findings::new("x");
        let divide =
            Operator { op: BinaryOp::Divide, span: Span::default(), findings: Some(&findings) };
        assert_eq!(divide.apply(Some(1.0), Some(0.0)), None);
        assert_eq!(divide.apply(Some(0.0), Some(-0.0)), None);
        assert_eq!(divide.apply(Some(1.0), Some(4.0)), Some(0.25));
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
        let findings = Findings::new("x");
        let op = BinaryOp::Multiply;
        let multiply = Operator { op, span: Span::default(), findings: Some(&findings) };
        assert_eq!(multiply.apply(Some(1e300), Some(1e300)), None);
        assert_eq!(findings.into_parts().0[0].code, "Q305");
    }

    #[test]
    fn amounts_are_divided_by_the_covered_time() {
        assert_eq!(per(30.0, 15_000_000_000, 1_000_000_000), Some(2.0));
        assert_eq!(per(30.0, 0, 1), None);
    }
}
