//! Answers by column: typed values side by side, for plots, data frames and other engines.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Timestamp;
use crate::query::rows::{Answer, Cell, Role};

/// The values of some rows of an answer, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnBatch {
    /// How many rows these are.
    pub row_count: usize,
    /// The values of each of [`Answer::columns`]; each has one a row.
    pub columns: Vec<ColumnValues>,
}

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnValues {
    /// Points in time.
    Times(Vec<Timestamp>),
    /// Finite numbers; NaN, which is no result, stands where there is no value.
    Numbers(Vec<f64>),
    /// Yes or no.
    Flags(Vec<bool>),
    /// Texts, each different one once.
    Texts {
        /// The different texts, in the order of their first rows.
        dictionary: Vec<Arc<str>>,
        /// For each row the place of its text in the dictionary.
        codes: Vec<u32>,
    },
}

/// What a column holds: the same in all batches of an answer.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Times,
    Numbers,
    Flags,
    Texts,
}

impl Answer {
    /// Returns the rows as batches of at most `rows_max`, column by column. Every column has one
    /// type in all of them; an answer without rows is one batch without rows.
    ///
    /// ```
    /// # fn main() -> silverback::Result<()> {
    /// use silverback::{SeriesKey, Store, ColumnValues};
    ///
    /// let store = Store::in_memory()?;
    /// for (bot, latency_ms) in [("sales", 180.0), ("sales", 240.0), ("support", 842.0)] {
    ///     let key = SeriesKey::new("latency").label("bot", bot);
    ///     store.series(&key)?.append(store.now(), latency_ms)?;
    /// }
    /// let snapshot = store.snapshot()?;
    /// let answer = snapshot.query("max(latency), min(latency > 500) as slow by bot last 1h")?;
    /// for batch in answer.batches(8_192) {
    ///     let [bots, ColumnValues::Numbers(max), ColumnValues::Numbers(slow)] = &batch.columns[..]
    ///     else {
    ///         panic!("a label and two values");
    ///     };
    ///     let ColumnValues::Texts { dictionary, codes } = bots else { panic!("a label") };
    ///     assert_eq!(&*dictionary[codes[0] as usize], "support");
    ///     assert_eq!(max, &[842.0, 240.0]);
    ///     assert!(slow[0] == 842.0 && slow[1].is_nan());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn batches(&self, rows_max: usize) -> impl Iterator<Item = ColumnBatch> + '_ {
        let kinds: Vec<Kind> = (0..self.columns.len()).map(|column| self.kind(column)).collect();
        let empty = self.rows.is_empty().then_some(&[][..]);
        let parts = empty.into_iter().chain(self.rows.chunks(rows_max.max(1)));
        parts.map(move |rows| {
            let columns = kinds.iter().enumerate().map(|(column, kind)| {
                values(*kind, rows.iter().map(|row| row.get(column).unwrap_or(&Cell::Null)))
            });
            ColumnBatch { row_count: rows.len(), columns: columns.collect() }
        })
    }

    /// Returns what a column holds, by its first cell that has a value, else by its role.
    fn kind(&self, column: usize) -> Kind {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let first = cells.into_iter().find(|cell| **cell != Cell::Null);
        match (first, self.columns.get(column).map(|column| column.role)) {
            (Some(Cell::Time(_)), _) | (None, Some(Role::Time | Role::End)) => Kind::Times,
            (Some(Cell::Flag(_)), _) | (None, Some(Role::Partial)) => Kind::Flags,
            (Some(Cell::Text(_)), _) | (None, Some(Role::Label)) => Kind::Texts,
            _ => Kind::Numbers,
        }
    }
}

/// Takes the values out of cells, which are of the kind, or null.
fn values<'a>(kind: Kind, cells: impl Iterator<Item = &'a Cell>) -> ColumnValues {
    match kind {
        Kind::Times => ColumnValues::Times(
            cells
                .map(|cell| match cell {
                    Cell::Time(time) => *time,
                    _ => Timestamp::MIN,
                })
                .collect(),
        ),
        Kind::Numbers => ColumnValues::Numbers(
            cells
                .map(|cell| match cell {
                    Cell::Number(number) => *number,
                    _ => f64::NAN,
                })
                .collect(),
        ),
        Kind::Flags => ColumnValues::Flags(cells.map(|cell| *cell == Cell::Flag(true)).collect()),
        Kind::Texts => texts(cells),
    }
}

fn texts<'a>(cells: impl Iterator<Item = &'a Cell>) -> ColumnValues {
    let mut places: HashMap<Arc<str>, u32> = HashMap::new();
    let (mut dictionary, mut codes) = (Vec::new(), Vec::new());
    for cell in cells {
        let text = match cell {
            Cell::Text(text) => Arc::clone(text),
            _ => Arc::from(""),
        };
        // Rows are limited to far fewer than a code can count.
        let next = u32::try_from(dictionary.len()).unwrap_or(u32::MAX);
        let code = *places.entry(Arc::clone(&text)).or_insert(next);
        if code == next {
            dictionary.push(text);
        }
        codes.push(code);
    }
    ColumnValues::Texts { dictionary, codes }
}
