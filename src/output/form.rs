//! The forms that an answer can be written in.

use std::io;
use std::str::FromStr;

use crate::model::ModelError;
use crate::output::plot::{matrices, write_charts, write_heatmap};
use crate::output::style::Style;
use crate::output::{csv, json, lines, markdown, spark, table};
use crate::query::{Answer, Role};

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
    /// A table of Markdown, as GitHub reads it.
    Markdown,
    /// A table with a sparkline a group and item; it needs windows.
    Spark,
    /// A line chart an item where rows have times, else bars.
    Plot,
    /// Shades by group and time, or by two labels such as `hour(), weekday()`.
    Heatmap,
}

impl FromStr for Format {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == word);
        found.ok_or_else(|| ModelError::UnknownWord {
            what: "form of output",
            word: word.to_owned(),
            known: "table, csv, json, ndjson, markdown, spark, plot, heatmap",
        })
    }
}

impl Format {
    /// All forms.
    pub const ALL: [Self; 8] = [
        Self::Table,
        Self::Csv,
        Self::Json,
        Self::Ndjson,
        Self::Markdown,
        Self::Spark,
        Self::Plot,
        Self::Heatmap,
    ];

    /// Returns the word for the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
            Self::Spark => "spark",
            Self::Plot => "plot",
            Self::Heatmap => "heatmap",
        }
    }

    /// Says what an answer lacks that this form needs; nothing where it can be written so. What
    /// cannot is written as a table.
    ///
    /// ```
    /// use silverback::output::Format;
    /// use silverback::{SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// store.series(&SeriesKey::new("latency"))?.append(store.now(), 842.5)?;
    /// let answer = store.snapshot()?.query("max(latency) last 1h")?;
    /// assert!(Format::Plot.lack(&answer).is_none());
    /// assert!(Format::Spark.lack(&answer).is_some_and(|lack| lack.contains("every")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lack(self, answer: &Answer) -> Option<&'static str> {
        let has_values = answer.columns.iter().any(|column| column.role == Role::Value);
        match self {
            Self::Spark | Self::Plot | Self::Heatmap if !has_values => {
                Some("this answer has no values to draw")
            }
            Self::Spark if lines::charts(answer).is_none() => {
                Some("a sparkline needs windows: add a clause such as `every 5m`")
            }
            Self::Heatmap if matrices(answer).is_none() => Some(
                "a heat map needs windows or two labels: add a clause such as `every 5m`, or \
                 group `by hour(), weekday()`",
            ),
            _ => None,
        }
    }
}

/// Writes an answer in the default style. `null` stands where there is no value, in tables (default
/// `-`) and CSV (default nothing); JSON has its own.
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
    write_styled(answer, format, null, Style::default(), out)
}

/// Writes an answer as [`write_answer`] does, in a style: such as with boxes, and as wide as a
/// terminal.
///
/// # Errors
/// What the writer says.
pub fn write_styled(
    answer: &Answer,
    format: Format,
    null: Option<&str>,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let shown = null.unwrap_or("-");
    match format {
        Format::Csv => csv::write(answer, null.unwrap_or(""), out),
        Format::Json => json::write(answer, out),
        Format::Ndjson => json::write_lines(answer, out),
        Format::Markdown => markdown::write(answer, shown, out),
        Format::Table => table::write(answer, shown, style, out),
        drawn if drawn.lack(answer).is_some() => table::write(answer, shown, style, out),
        Format::Spark => spark::write(answer, shown, style, out),
        Format::Heatmap => write_heatmap(answer, style, out),
        Format::Plot if lines::charts(answer).is_some() => write_charts(answer, style, out),
        Format::Plot => table::write_bars(answer, shown, style, out),
    }
}
