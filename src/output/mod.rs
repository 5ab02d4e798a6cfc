//! Rows to text: the answer of a query as a table, drawing, CSV or JSON, and samples in forms that
//! are read back.
//!
//! Values are written as the shortest decimal that reads back to the same double; those for people
//! are rounded.

mod bar;
mod cell;
mod csv;
mod form;
mod grid;
mod json;
mod lines;
mod markdown;
mod number;
mod plot;
mod samples;
mod scale;
mod spark;
mod style;
mod table;

use crate::query::{Column, Role};

pub use crate::output::form::{Format, write_answer, write_styled};
pub use crate::output::samples::{SampleFormat, SampleWriter};
pub use crate::output::style::Style;

/// Returns the names of the columns as they are printed: a label that collides with another column
/// is called `label.NAME`.
fn names(columns: &[Column]) -> Vec<String> {
    let collides = |column: &Column| {
        let same = columns.iter().filter(|other| other.name == column.name).count() > 1;
        let reserved = ["time", "end", "partial"].contains(&column.name.as_str());
        column.role == Role::Label && (same || reserved)
    };
    let name = |column: &Column| {
        if collides(column) { format!("label.{}", column.name) } else { column.name.clone() }
    };
    columns.iter().map(name).collect()
}
