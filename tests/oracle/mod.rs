//! Random questions over random stores, and an evaluator that shares no code with the engine.
//!
//! The evaluator keeps all samples in one list, walks it anew for every group, window and call,
//! sorts for percentiles, sums in exact integers, and reckons civil time by hand.

pub(crate) mod aggregates;
pub(crate) mod answers;
pub(crate) mod civil;
pub(crate) mod generate;
pub(crate) mod naive;
pub(crate) mod numbers;
pub(crate) mod question;
pub(crate) mod random;
pub(crate) mod store;
