//! From syntax tree to plan: what is read, how it is grouped, and what is computed from it.

mod approximate;
mod call;
mod change;
mod clauses;
mod condition;
mod expression;
mod grouping;
mod planner;
mod selection;
mod shape;
mod spelling;
mod sub_query;
mod tree;

pub(crate) use crate::query::plan::planner::{is_condition, plan};
pub(crate) use crate::query::plan::tree::{
    Body, Buckets, Change, Computed, Function, Item, Node, Plan, Rank, Scan, SplitKey,
};
