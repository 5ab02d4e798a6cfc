//! The head: samples of a log generation that are not yet in a segment, as columns in memory.
//!
//! The log is the truth. A head is decoded from its frames when a query or a flush asks, and never
//! touches a file itself, so that a writer and a reader in another process do exactly the same.

mod block;
mod builder;
mod registry;
mod view;

pub(crate) use crate::head::builder::HeadBuilder;
pub(crate) use crate::head::registry::Registry;
pub(crate) use crate::head::view::HeadView;
