//! An input of JSON objects: its first good one decides how all are read.

use crate::ingest::json::decide::decide;
use crate::ingest::json::long::LongRows;
use crate::ingest::json::mapped::MappedRows;
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows, utf8};

/// An input of JSON objects.
#[derive(Debug, Default)]
pub(crate) struct JsonRows {
    form: Option<Form>,
}

/// How objects are read.
#[derive(Debug)]
pub(crate) enum Form {
    /// A metric a part.
    Mapped(MappedRows),
    /// The metric is named in a part, or all parts are labels.
    Long(LongRows),
}

impl Rows for JsonRows {
    #[inline]
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        check_text(row)?;
        let form = match &mut self.form {
            Some(form) => form,
            empty => empty.insert(decide(row, feed)?),
        };
        match form {
            Form::Mapped(rows) => rows.take(row, feed),
            Form::Long(rows) => rows.take(row, feed),
        }
    }
}

/// Makes sure that a row is text.
#[inline]
fn check_text(row: &[u8]) -> Result<(), BadRow> {
    if row.is_ascii() { Ok(()) } else { utf8(row).map(drop) }
}
