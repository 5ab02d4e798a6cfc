//! Ways to adopt the store in two lines: what a bot already measures with, recorded as samples.
//!
//! Each adapter is a feature of its own and uses nothing but the public interface of this crate.
//! None of them panics or blocks on behalf of the store: a sample that is refused is counted in
//! [`Refusals`].
//!
//! | feature | adapter |
//! |---|---|
//! | `metrics` | [`metrics`]: a recorder for the `metrics` facade |
//! | `tower` | [`tower`]: a layer that records each request of a service |
//! | `tracing` | [`tracing`]: a layer that records how long spans take |

#[cfg(any(feature = "tower", feature = "tracing"))]
mod elapsed;
#[cfg(feature = "metrics")]
pub mod metrics;
mod refusals;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod tracing;

pub use crate::adapters::refusals::Refusals;
