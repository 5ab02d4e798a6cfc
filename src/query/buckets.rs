//! The buckets of histograms: from 1 to 2 to 5 to 10, and so on, in every power of ten.

use std::sync::{Arc, OnceLock};

/// A bucket: values from one bound on, up to but without the other; negative ones mirrored.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Bucket {
    /// The lesser bound.
    pub(crate) from: f64,
    /// The greater bound.
    pub(crate) to: f64,
}

impl Bucket {
    /// Returns the bucket of a value; zero has one of its own.
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
    use super::Bucket;

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
