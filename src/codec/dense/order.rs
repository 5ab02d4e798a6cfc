//! What is put into bins: the integers, their differences, or their distances from a line.

use crate::codec::dense::block::estimate_bits;
use crate::codec::integers::slope;

/// So many entries, in runs, choose the order.
const SAMPLE: usize = 1024;
const RUN: usize = 128;
/// Integers that are not predicted can be sliced, for which one bit or byte in so many is paid.
pub(super) const SLICING_ONE_IN: u64 = 100;

/// How integers are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// They are not.
    Values,
    /// Each is the one before; this is the first.
    Deltas(i64),
    /// They lie on a line through zero of this slope.
    Line(i64),
}

impl Order {
    /// Chooses by what a sample takes. O(n) where integers are more than [`SAMPLE`].
    pub(super) fn choose(integers: &[i64]) -> Self {
        let Some(&first) = integers.first() else { return Self::Values };
        let bits = |order: Self| order.estimate(integers);
        let of_values = bits(Self::Values);
        let mut best = (of_values, Self::Values);
        let line = slope(integers).map(Self::Line);
        for order in [Some(Self::Deltas(first)), line].into_iter().flatten() {
            let of_order = bits(order);
            if of_order < best.0 {
                best = (of_order, order);
            }
        }
        let is_near = of_values.saturating_sub(best.0) <= best.0 / SLICING_ONE_IN;
        if is_near { Self::Values } else { best.1 }
    }

    fn estimate(self, integers: &[i64]) -> u64 {
        let mut some = Vec::with_capacity(SAMPLE);
        let (run, step) = if integers.len() <= SAMPLE {
            (integers.len(), integers.len().max(1))
        } else {
            (RUN, integers.len() / (SAMPLE / RUN))
        };
        for (start, part) in (0..).step_by(step).zip(integers.chunks(step)) {
            self.entries(start, part.get(..run).unwrap_or(part), &mut some);
        }
        estimate_bits(&some, integers.len())
    }

    /// Appends the entries of integers, the first of which has the number `start`.
    pub(super) fn entries(self, start: usize, integers: &[i64], entries: &mut Vec<i64>) {
        match self {
            Self::Values => entries.extend_from_slice(integers),
            Self::Deltas(_) => {
                let steps = integers.iter().zip(integers.iter().skip(1));
                entries.extend(steps.map(|(earlier, later)| later.wrapping_sub(*earlier)));
            }
            Self::Line(slope) => {
                let numbers = (start as u64).cast_signed()..;
                let points = numbers.map(|number| slope.wrapping_mul(number));
                entries.extend(integers.iter().zip(points).map(|(x, point)| x.wrapping_sub(point)));
            }
        }
    }

    /// Replaces entries by integers. In order of deltas the first of `integers` is no entry.
    pub(super) fn restore(self, integers: &mut [i64]) {
        match self {
            Self::Values => {}
            Self::Deltas(first) => {
                let mut before = first;
                if let Some((place, later)) = integers.split_first_mut() {
                    *place = first;
                    for integer in later {
                        before = before.wrapping_add(*integer);
                        *integer = before;
                    }
                }
            }
            Self::Line(slope) => {
                let mut point = 0_i64;
                for integer in integers {
                    *integer = integer.wrapping_add(point);
                    point = point.wrapping_add(slope);
                }
            }
        }
    }
}
