//! Questions over a snapshot: syntax tree to plan, plan to operators, operators to rows.

mod alert;
mod batch;
mod buckets;
mod budget;
mod calendar;
mod exec;
mod explain;
mod finding;
mod gate;
mod options;
mod pieces;
mod plan;
mod predicate;
mod quantile;
mod range;
mod rows;
mod run;
mod statement;
mod units;
mod window;

pub use crate::query::batch::{ColumnBatch, ColumnValues};
pub use crate::query::budget::CancelToken;
pub use crate::query::options::RunOptions;
pub use crate::query::rows::{Answer, Cell, Column, Role, RunStats};
pub use crate::query::statement::Query;
