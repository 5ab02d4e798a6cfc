//! Operators: a plan over a snapshot becomes columns and rows.

mod accumulate;
mod answer;
mod arithmetic;
mod change;
mod compare;
mod counts;
mod edges;
mod fill;
mod frame;
mod memory;
mod narrow;
mod over;
mod percentile;
mod pieces;
mod placement;
mod rank;
mod raw;
mod scan;
mod table;
mod workers;

pub(crate) use crate::query::exec::answer::run;
