//! Showing what a file of a store says, part by part: logs, segments, manifests and the small ones.
//!
//! One file is looked at, without its store: nothing but its own bytes is needed. Damage is part of
//! what is shown.

mod log;
mod part;
mod segment;
mod small;
mod start;

pub use crate::store::inspect::part::{Field, FieldValue, FileDamage, Part};
pub use crate::store::inspect::start::{FileKind, InspectReport, inspect, inspect_parts};
