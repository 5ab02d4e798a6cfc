//! The records of a DEFINE frame: symbols, metrics and series, each numbered by its order.
//!
//! ```text
//! SYMBOL 1: tag u8 · length LEB128 · UTF-8 bytes
//! METRIC 2: tag u8 · name symbol LEB128 · kind u8 · duplicates u8
//!           · unit symbol + 1 LEB128 (0: none)
//! SERIES 3: tag u8 · metric LEB128 · label count LEB128 · (name symbol, value symbol) LEB128 each
//! ```
//!
//! Symbols, metrics and series count from 0 in each generation; a record refers to earlier ones.

use crate::codec::varint;
use crate::format::cursor::{Cursor, put_text};
use crate::format::error::FormatError;
use crate::model::{DuplicatePolicy, MetricKind};

const SYMBOL: u8 = 1;
const METRIC: u8 = 2;
const SERIES: u8 = 3;

/// One record; numbers refer to symbols and metrics of the same generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition<'a> {
    /// A text.
    Symbol(&'a str),
    /// A metric.
    Metric {
        /// The symbol of its name.
        name: usize,
        /// Its kind.
        kind: MetricKind,
        /// What is done with equal timestamps.
        duplicates: DuplicatePolicy,
        /// The symbol of its unit.
        unit: Option<usize>,
    },
    /// A series.
    Series {
        /// Its metric.
        metric: usize,
        /// The symbols of its labels' names and values, sorted by name.
        labels: Vec<(usize, usize)>,
    },
}

impl Definition<'_> {
    /// Appends the record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Symbol(text) => {
                out.push(SYMBOL);
                put_text(text, out);
            }
            Self::Metric { name, kind, duplicates, unit } => {
                out.push(METRIC);
                varint::put_u64(out, *name as u64);
                out.extend([kind.to_tag(), duplicates.to_tag()]);
                varint::put_u64(out, unit.map_or(0, |symbol| symbol as u64 + 1));
            }
            Self::Series { metric, labels } => {
                out.push(SERIES);
                varint::put_u64(out, *metric as u64);
                varint::put_u64(out, labels.len() as u64);
                for (name, value) in labels {
                    varint::put_u64(out, *name as u64);
                    varint::put_u64(out, *value as u64);
                }
            }
        }
    }
}

/// Calls `visit` for each record of a DEFINE frame, in order.
///
/// Whether a reference names something that exists is for the visitor to check. A series record
/// allocates at most one label for every two bytes that are there.
///
/// # Errors
/// [`FormatError`] at the first record that no writer writes, or what `visit` returns.
pub fn decode_definitions<'a>(
    body: &'a [u8],
    mut visit: impl FnMut(Definition<'a>) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let mut cursor = Cursor::new(body);
    while cursor.remaining() > 0 {
        let definition = match cursor.u8()? {
            SYMBOL => Definition::Symbol(cursor.text()?),
            METRIC => decode_metric(&mut cursor)?,
            SERIES => decode_series(&mut cursor)?,
            tag => return Err(FormatError::Tag { what: "definition", tag }),
        };
        visit(definition)?;
    }
    Ok(())
}

fn decode_metric(cursor: &mut Cursor<'_>) -> Result<Definition<'static>, FormatError> {
    let name = cursor.index("name symbol", usize::MAX)?;
    let (kind, duplicates) = (cursor.u8()?, cursor.u8()?);
    Ok(Definition::Metric {
        name,
        kind: MetricKind::from_tag(kind)
            .ok_or(FormatError::Tag { what: "metric kind", tag: kind })?,
        duplicates: DuplicatePolicy::from_tag(duplicates)
            .ok_or(FormatError::Tag { what: "duplicate policy", tag: duplicates })?,
        unit: cursor.index("unit symbol", usize::MAX)?.checked_sub(1),
    })
}

fn decode_series(cursor: &mut Cursor<'_>) -> Result<Definition<'static>, FormatError> {
    let metric = cursor.index("metric", usize::MAX)?;
    let count = cursor.index("label count", cursor.remaining() / 2 + 1)?;
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        let name = cursor.index("label name symbol", usize::MAX)?;
        labels.push((name, cursor.index("label value symbol", usize::MAX)?));
    }
    Ok(Definition::Series { metric, labels })
}
