//! From syntax tree to plan: what is read, how it is grouped, and what is computed from it.

mod call;
mod clauses;
mod expression;
mod grouping;
mod planner;
mod selection;
mod spelling;
mod tree;

pub(crate) use crate::query::plan::planner::plan;
pub(crate) use crate::query::plan::tree::{
    Body, Computed, Function, Item, Node, Plan, Rank, Scan, SplitKey,
};
