//! Mergeable summaries of values: exact moments and log-bucket counts.
//!
//! ```
//! use silverback::sketch::{LogBuckets, Moments, Resolution};
//!
//! let (mut moments, mut buckets) = (Moments::EMPTY, LogBuckets::new(Resolution::Percent1));
//! for latency_ms in [180.0, 95.5, 1240.0] {
//!     moments.add(latency_ms);
//!     buckets.add(latency_ms);
//! }
//! assert_eq!(moments.mean(), Some(505.166_666_666_666_7));
//! let median = buckets.bounds_of_rank(1).unwrap();
//! assert!(median.low <= 180.0 && 180.0 <= median.high);
//! ```

mod buckets;
mod double_double;
mod moments;
mod order;

pub use crate::sketch::buckets::{Bounds, LogBuckets, Resolution};
pub use crate::sketch::double_double::DoubleDouble;
pub use crate::sketch::moments::Moments;
pub(crate) use crate::sketch::order::{key_of, value_of};
