//! Rows to text: the answer of a query as a table, CSV or JSON, and samples as line protocol.
//!
//! Values are written as the shortest decimal that reads back to the same double.

mod csv;
mod json;
pub mod line;
mod number;
mod table;

use std::io;
use std::str::FromStr;

use crate::model::ModelError;
use crate::query::{Answer, Column, Role};

pub use crate::output::table::TableStyle;

/// The forms that an answer can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// RFC 4180, with a header.
    Csv,
    /// One JSON object with columns, rows and what is to be known about them.
    Json,
    /// One JSON object a row.
    Ndjson,
}

impl FromStr for Format {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        match word {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::Ndjson),
            _ => Err(ModelError::UnknownWord {
                what: "output format",
                word: word.to_owned(),
                known: "table, csv, json, ndjson",
            }),
        }
    }
}

/// Writes an answer. `null` stands where there is no value, in tables (default `-`) and CSV
/// (default nothing); JSON has its own.
///
/// ```
/// use silverback::output::{Format, write_answer};
/// use silverback::{SeriesKey, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::in_memory()?;
/// let latency = store.series(&SeriesKey::new("latency").label("bot", "support"))?;
/// latency.append(store.now(), 842.5)?;
/// let answer = store.snapshot()?.query("max(latency) by bot last 1h")?;
/// let mut text = Vec::new();
/// write_answer(&answer, Format::Csv, None, &mut text)?;
/// assert_eq!(String::from_utf8(text)?, "bot,max(latency)\r\nsupport,842.5\r\n");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What the writer says.
pub fn write_answer(
    answer: &Answer,
    format: Format,
    null: Option<&str>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        Format::Table => write_table(answer, null, TableStyle::default(), out),
        Format::Csv => csv::write(answer, null.unwrap_or(""), out),
        Format::Json => json::write(answer, out),
        Format::Ndjson => json::write_lines(answer, out),
    }
}

/// Writes an answer as a table in a style, such as with a box for a terminal. `null` stands where
/// there is no value (default `-`).
///
/// # Errors
/// What the writer says.
pub fn write_table(
    answer: &Answer,
    null: Option<&str>,
    style: TableStyle,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    table::write(answer, null.unwrap_or("-"), style, out)
}

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
