//! Lists the raw samples of a selector.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::model::{Columns, Sample, SeriesKey};
use crate::query::budget::Budget;
use crate::query::exec::answer::{Output, label_column};
use crate::query::exec::memory;
use crate::query::plan::Scan;
use crate::query::rows::{Cell, Column, Role};
use crate::query::window::Timeline;
use crate::snapshot::{SelectedSeries, Snapshot};

/// What a sample takes before it is a row.
const ENTRY_BYTES: usize = size_of::<(Sample, usize)>();

/// Lists the samples of a scan by time, then series, then arrival.
///
/// # Errors
/// Errors of reading, and `ErrorKind::Limit` for more rows than allowed.
pub(super) fn list(
    scan: &Scan,
    timeline: &Timeline,
    limit: Option<u64>,
    (snapshot, budget): (&Snapshot, &Budget),
) -> Result<Output> {
    let range = timeline.covers(scan.length, scan.offset).first().copied();
    let range = range.unwrap_or(timeline.range);
    let rows_max = snapshot.limits().rows_max;
    let wanted = usize::try_from(limit.unwrap_or(rows_max)).unwrap_or(usize::MAX);
    let mut found: Vec<(Sample, usize)> = Vec::new();
    let mut columns = Columns::default();
    for (index, series) in scan.selection.series.iter().enumerate() {
        budget.watched(|watch| snapshot.read_watched(series, range, watch, &mut columns))?;
        scan.selection.filters.of_series(series.key()).keep(&mut columns);
        budget.hold(columns.len() * ENTRY_BYTES)?;
        found.extend(columns.iter().map(|sample| (sample, index)));
        if limit.is_some() && found.len() / 2 > wanted {
            let before = found.len();
            keep_first(&mut found, wanted);
            budget.let_go(((before - found.len()) * ENTRY_BYTES) as u64);
        }
        let got = found.len() as u64;
        if limit.is_none() && got > rows_max {
            return Err(
                ErrorKind::Limit { what: "the number of rows", limit: rows_max, got }.into()
            );
        }
    }
    let any = !found.is_empty();
    keep_first(&mut found, wanted);
    let keys: Vec<&SeriesKey> = scan.selection.series.iter().map(SelectedSeries::key).collect();
    let labels: BTreeSet<Arc<str>> =
        keys.iter().flat_map(|key| key.labels()).map(|(name, _)| Arc::from(name)).collect();
    let pace = budget.pace();
    let rows = found.iter().filter_map(|(sample, index)| {
        let key = keys.get(*index)?;
        let held = pace.step(labels.len()).and_then(|()| budget.hold(bytes_of_row(key, &labels)));
        Some(held.map(|()| row(*sample, key, &labels)))
    });
    let rows = rows.collect::<Result<_>>()?;
    Ok(Output { columns: columns_of(&labels, scan), rows, found: any })
}

fn keep_first(found: &mut Vec<(Sample, usize)>, wanted: usize) {
    found.sort_by_key(|(sample, _)| sample.timestamp);
    found.truncate(wanted);
}

fn columns_of(labels: &BTreeSet<Arc<str>>, scan: &Scan) -> Vec<Column> {
    let plain = |name: &str, role| Column { name: name.to_owned(), role, unit: None };
    let mut columns = vec![plain("time", Role::Time), plain("metric", Role::Label)];
    columns.extend(labels.iter().map(|name| label_column(name, &["time", "metric", "value"])));
    let unit = scan.selection.unit().map(str::to_owned);
    columns.push(Column { unit, ..plain("value", Role::Value) });
    columns
}

/// Returns the bytes of a row, whose texts are its own.
fn bytes_of_row(key: &SeriesKey, labels: &BTreeSet<Arc<str>>) -> usize {
    /// A shared text counts those who share it.
    const COUNTS: usize = 2 * size_of::<usize>();
    let texts = key.labels().map(|(_, value)| value.len()).sum::<usize>() + key.metric().len();
    memory::of_row(3 + labels.len()) + (1 + labels.len()) * COUNTS + texts
}

fn row(sample: Sample, key: &SeriesKey, labels: &BTreeSet<Arc<str>>) -> Vec<Cell> {
    let mut cells = vec![Cell::Time(sample.timestamp), Cell::Text(Arc::from(key.metric()))];
    let mut own = key.labels().peekable();
    for label in labels {
        let value = own.next_if(|(name, _)| **name == **label).map(|(_, value)| Arc::from(value));
        cells.push(Cell::Text(value.unwrap_or_else(|| Arc::from(""))));
    }
    cells.push(Cell::Number(sample.value));
    cells
}
