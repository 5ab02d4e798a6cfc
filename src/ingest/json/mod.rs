//! JSON lines: an object a row.
//!
//! The first object decides what rows are: mapped ones have a metric a part, long ones name their
//! metric in a part, and those of `VictoriaMetrics` hold many samples of one series.

mod decide;
mod logger;
mod long;
mod mapped;
mod rows;
mod scan;
mod tree;

pub(crate) use crate::ingest::json::rows::JsonRows;
