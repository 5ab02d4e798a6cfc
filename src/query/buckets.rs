//! The buckets of histograms: from 1 to 2 to 5 to 10, and so on, in every power of ten; or as many
//! as wanted at most, all of one width.

use std::sync::{Arc, OnceLock};

/// A bucket: values from one bound on, up to but without the other; negative ones mirrored.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Bucket {
    /// The lesser bound.
    pub(crate) from: f64,
    /// The greater bound.
    pub(crate) to: f64,
}

/// Which buckets there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// From 1 to 2 to 5 in every power of ten.
    Decades,
    /// All of one width.
    Even(Width),
}

impl Scale {
    /// Returns the bucket of a value.
    pub(crate) fn bucket_of(self, value: f64) -> Bucket {
        match self {
            Self::Decades => Bucket::of(value),
            Self::Even(width) => width.bucket_of(value),
        }
    }
}

/// A width that one would draw: 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Width {
    digit: f64,
    /// True if the power of ten is in the denominator.
    divides: bool,
    /// The double nearest to the power of ten.
    power: f64,
}

/// Beyond as many buckets from zero, bounds are no longer exact.
const INDEX_MAX: f64 = 1e15;

impl Width {
    /// Chooses the least width with which the values between two need no more buckets than allowed.
    pub(crate) fn of(min: f64, max: f64, buckets: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "few buckets are ever wanted")]
        let buckets = buckets.max(1) as f64;
        let largest = min.abs().max(max.abs());
        let span = if max > min { max - min } else { largest };
        let start = (span.min(f64::MAX) / buckets).max(largest / INDEX_MAX).log10().floor();
        #[expect(clippy::cast_possible_truncation, reason = "a power of ten, and 0 for none")]
        let start = if start.is_finite() { (start as i32).clamp(-290, 307) } else { 0 };
        let powers = start..=308;
        let mut widths = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|d| Self::new(d, power)));
        let fits = |width: &Self| {
            let (first, last) = (width.index_of(min), width.index_of(max));
            last - first < buckets && first.abs().max(last.abs()) <= INDEX_MAX
        };
        widths.find(fits).unwrap_or(Self::new(1.0, 308))
    }

    /// Makes the width of a digit times a power of ten, which is read as text to be exact.
    fn new(digit: f64, power: i32) -> Self {
        let nearest = format!("1e{}", power.abs()).parse().unwrap_or(1.0);
        Self { digit, divides: power < 0, power: nearest }
    }

    fn bucket_of(self, value: f64) -> Bucket {
        let index = self.index_of(value);
        Bucket { from: self.edge(index), to: self.edge(index + 1.0) }
    }

    /// Returns a bound: the double nearest to so many widths.
    fn edge(self, index: f64) -> f64 {
        let digits = index * self.digit;
        let edge = if self.divides { digits / self.power } else { digits * self.power };
        edge.clamp(f64::MIN, f64::MAX)
    }

    /// Returns which bucket holds a value, counted from the one that begins at zero.
    fn index_of(self, value: f64) -> f64 {
        let quotient = if self.divides { value * self.power } else { value / self.power };
        let widths = quotient / self.digit;
        let near = widths.floor().clamp(-1e300, 1e300);
        // A quotient is rounded: what is just below a bound may seem to lie on it.
        if near.abs() > INDEX_MAX {
            near
        } else if self.edge(near) > value {
            near - 1.0
        } else if self.edge(near + 1.0) <= value {
            near + 1.0
        } else {
            near
        }
    }
}

impl Bucket {
    /// Returns the bucket of a value in decades; zero has one of its own.
    pub(crate) fn of(value: f64) -> Self {
        let magnitude = value.abs();
        if magnitude == 0.0 {
            return Self { from: 0.0, to: 0.0 };
        }
        let edges = edges();
        let above = edges.partition_point(|edge| *edge <= magnitude);
        let least = above.checked_sub(1).and_then(|index| edges.get(index)).copied();
        let (from, to) = (least.unwrap_or(0.0), edges.get(above).copied().unwrap_or(f64::MAX));
        if value < 0.0 { Self { from: -to, to: -from } } else { Self { from, to } }
    }

    /// Returns a text that sorts as buckets do.
    pub(crate) fn to_key(self) -> Arc<str> {
        Arc::from(format!("{:016x}{:016x}", ordered(self.from), ordered(self.to)))
    }

    /// Reads such a text.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        let number = |text: Option<&str>| {
            let ordered = u64::from_str_radix(text?, 16).ok()?;
            let flip = if ordered >> 63 == 1 { 1 << 63 } else { u64::MAX };
            Some(f64::from_bits(ordered ^ flip))
        };
        Some(Self { from: number(key.get(..16))?, to: number(key.get(16..))? })
    }
}

/// Returns the bits of a number so that they sort as numbers do.
fn ordered(number: f64) -> u64 {
    // A bound of zero is written without its sign.
    let bits = (number + 0.0).to_bits();
    bits ^ if bits >> 63 == 0 { 1 << 63 } else { u64::MAX }
}

/// Returns the doubles nearest to 1, 2 and 5 times every power of ten.
fn edges() -> &'static [f64] {
    static EDGES: OnceLock<Vec<f64>> = OnceLock::new();
    EDGES.get_or_init(|| {
        let powers = -323..=308;
        let edges = powers.flat_map(|power| [1, 2, 5].map(|digit| format!("{digit}e{power}")));
        let edges = edges.filter_map(|edge| edge.parse().ok());
        edges.filter(|edge: &f64| edge.is_finite()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Width};

    #[test]
    fn as_many_buckets_as_wanted_are_of_one_width_that_one_would_draw() {
        for (min, max, buckets, from, to) in [
            (0.0, 99.0, 10, 0.0, 10.0),
            (0.0, 100.0, 10, 0.0, 20.0),
            (201.0, 6980.0, 20, 0.0, 500.0),
            (-3.0, 3.0, 4, -4.0, -2.0),
            (0.31, 0.39, 9, 0.31, 0.32),
            (250.0, 250.0, 5, 250.0, 260.0),
            (0.0, 0.0, 5, 0.0, 1.0),
        ] {
            let width = Width::of(min, max, buckets);
            assert_eq!(width.bucket_of(min), Bucket { from, to }, "{min} to {max}");
        }
        // Three tenths are less than three times a tenth, and lie in the bucket they begin.
        let tenths = Width::new(1.0, -1);
        assert_eq!(tenths.bucket_of(0.3), Bucket { from: 0.3, to: 0.4 });
        assert_eq!(tenths.bucket_of(0.299_999_999_999_999_93), Bucket { from: 0.2, to: 0.3 });
        let all = Width::of(f64::MIN, f64::MAX, 3);
        assert!(all.index_of(f64::MAX) - all.index_of(f64::MIN) < 3.0);
    }

    #[test]
    fn bounds_are_those_one_would_draw() {
        for (value, from, to) in [
            (1.0, 1.0, 2.0),
            (1.99, 1.0, 2.0),
            (842.5, 500.0, 1000.0),
            (1000.0, 1000.0, 2000.0),
            (0.3, 0.2, 0.5),
            (-3.0, -5.0, -2.0),
            (0.0, 0.0, 0.0),
            (-0.0, 0.0, 0.0),
            (1.7e308, 1e308, f64::MAX),
        ] {
            assert_eq!(Bucket::of(value), Bucket { from, to }, "{value}");
        }
    }

    #[test]
    fn keys_sort_as_buckets_and_read_back() {
        let values = [-1e9, -2.5, -1e-9, 0.0, 5e-324, 0.7, 3.0, 1e300];
        let buckets = values.map(Bucket::of);
        assert!(buckets.map(Bucket::to_key).is_sorted());
        for bucket in buckets {
            assert_eq!(Bucket::from_key(&bucket.to_key()), Some(bucket));
        }
        assert_eq!(Bucket::from_key("x"), None);
    }
}
