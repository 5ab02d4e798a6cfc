//! Made-up bot traffic: the same seed gives the same samples.
//!
//! Streams without memory for the samples, for demonstrations, tests and benchmarks. Normal numbers
//! come from the platform's `ln`, `cos` and `exp`, which may differ in the last bit between
//! platforms; rounding to two decimals hides that almost always.

mod churn;
mod demo;
mod events;
mod random;
mod scrapes;
mod traffic;

pub use crate::workload::churn::Churn;
pub use crate::workload::demo::{Demo, Request};
pub use crate::workload::events::Events;
pub use crate::workload::random::Random;
pub use crate::workload::scrapes::Scrapes;
pub use crate::workload::traffic::{
    LabelSet, Preset, SideMetrics, Traffic, TrafficOptions, TrafficRow, TrafficSamples,
    TrafficStatus, ValueForm, WriteOrder,
};

/// One sample of a workload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Generated {
    /// The index of its series in the workload's list.
    pub series: usize,
    /// Nanoseconds since the epoch.
    pub timestamp: i64,
    /// The value.
    pub value: f64,
}

/// Where the workloads begin: 2026-01-01T00:00:00Z.
pub const START_NANOS: i64 = 1_767_225_600_000_000_000;

/// Rounds to two decimals, as people print measurements.
fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Digests samples by FNV-1a over their bits (Fowler, Noll and Vo, 1991).
#[cfg(test)]
fn fingerprint(samples: impl Iterator<Item = Generated>) -> u64 {
    let words = samples
        .flat_map(|s| [s.series as u64, s.timestamp.cast_unsigned(), s.value.to_bits()])
        .flat_map(u64::to_le_bytes);
    words.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
