//! Questions over a snapshot: syntax tree to plan, plan to operators, operators to rows.

mod rows;

pub use crate::query::rows::{Answer, Cell, Column, Role};
