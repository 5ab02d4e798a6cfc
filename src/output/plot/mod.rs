//! Answers as drawings of characters: line charts, bars, heat maps.

mod axis;
mod canvas;
mod chart;
mod heatmap;
mod matrix;

pub(crate) use crate::output::plot::chart::write as write_charts;
pub(crate) use crate::output::plot::heatmap::write as write_heatmap;
pub(crate) use crate::output::plot::matrix::matrices;
