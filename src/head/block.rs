//! An immutable run of decoded samples, grouped by series in one arena.

use crate::model::{Columns, TimeRange, Timestamp};

/// Samples by series; within a series ordered by (timestamp, arrival).
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// The references of the series that have samples here, ascending.
    series: Vec<u32>,
    /// Where each series' samples start in the columns; one more entry than series.
    starts: Vec<usize>,
    columns: Columns,
}

/// Samples in order of arrival, not yet grouped.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) series: Vec<u32>,
    pub(crate) columns: Columns,
}

impl Block {
    /// Groups rows by series: a counting pass and a placing pass, then a stable sort where needed.
    pub(crate) fn of_rows(rows: &Rows) -> Self {
        let series_max = rows.series.iter().max().map_or(0, |&series| series as usize + 1);
        let mut ends = vec![0_usize; series_max];
        for &series in &rows.series {
            if let Some(count) = ends.get_mut(series as usize) {
                *count += 1;
            }
        }
        let (mut series, mut starts, mut total) = (Vec::new(), Vec::new(), 0);
        for (reference, end) in (0_u32..).zip(&mut ends) {
            let count = std::mem::replace(end, total);
            if count > 0 {
                series.push(reference);
                starts.push(total);
                total += count;
            }
        }
        starts.push(total);
        let mut columns = Columns { timestamps: vec![0; total], values: vec![0.0; total] };
        let samples = rows.columns.timestamps.iter().zip(&rows.columns.values);
        for (&reference, (&timestamp, &value)) in rows.series.iter().zip(samples) {
            let Some(slot) = ends.get_mut(reference as usize) else { continue };
            if let (Some(to_time), Some(to_value)) =
                (columns.timestamps.get_mut(*slot), columns.values.get_mut(*slot))
            {
                *to_time = timestamp;
                *to_value = value;
            }
            *slot += 1;
        }
        let mut block = Self { series, starts, columns };
        block.sort_each_series();
        block
    }

    /// Joins two blocks; the samples of `later` arrived after those of `earlier`.
    pub(crate) fn join(earlier: &Self, later: &Self) -> Self {
        let mut series = Vec::with_capacity(earlier.series.len().max(later.series.len()));
        series.extend(earlier.series.iter().chain(&later.series).copied());
        series.sort_unstable();
        series.dedup();
        let total = earlier.len() + later.len();
        let mut columns =
            Columns { timestamps: Vec::with_capacity(total), values: Vec::with_capacity(total) };
        let mut starts = Vec::with_capacity(series.len() + 1);
        for &reference in &series {
            starts.push(columns.len());
            for block in [earlier, later] {
                let (timestamps, values) = block.samples(reference);
                columns.timestamps.extend_from_slice(timestamps);
                columns.values.extend_from_slice(values);
            }
        }
        starts.push(columns.len());
        let mut block = Self { series, starts, columns };
        block.sort_each_series();
        block
    }

    fn sort_each_series(&mut self) {
        let mut run = Columns::default();
        for bounds in self.starts.windows(2) {
            let &[start, end] = bounds else { continue };
            let (Some(timestamps), Some(values)) = (
                self.columns.timestamps.get_mut(start..end),
                self.columns.values.get_mut(start..end),
            ) else {
                continue;
            };
            if timestamps.is_sorted() {
                continue;
            }
            run.clear();
            run.timestamps.extend_from_slice(timestamps);
            run.values.extend_from_slice(values);
            run.sort_by_time();
            timestamps.copy_from_slice(&run.timestamps);
            values.copy_from_slice(&run.values);
        }
    }

    /// Returns the number of samples.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Returns the references of the series that have samples here, ascending.
    #[must_use]
    pub(crate) fn series(&self) -> &[u32] {
        &self.series
    }

    /// Returns the samples of a series as two columns, empty where it has none.
    #[must_use]
    pub(crate) fn samples(&self, series: u32) -> (&[i64], &[f64]) {
        let bounds = self
            .series
            .binary_search(&series)
            .ok()
            .and_then(|index| Some((*self.starts.get(index)?, *self.starts.get(index + 1)?)));
        let (start, end) = bounds.unwrap_or((0, 0));
        (
            self.columns.timestamps.get(start..end).unwrap_or(&[]),
            self.columns.values.get(start..end).unwrap_or(&[]),
        )
    }

    /// Appends the samples of a series that lie in `range`.
    pub(crate) fn read(&self, series: u32, range: TimeRange, out: &mut Columns) {
        let (timestamps, values) = self.samples(series);
        let start = timestamps.partition_point(|&time| time < range.start.as_nanos());
        let end = timestamps.partition_point(|&time| time < range.end.as_nanos()).max(start);
        out.timestamps.extend_from_slice(timestamps.get(start..end).unwrap_or(&[]));
        out.values.extend_from_slice(values.get(start..end).unwrap_or(&[]));
    }

    /// Returns the times of the first and last sample of a series.
    pub(crate) fn extent(&self, series: u32) -> Option<(Timestamp, Timestamp)> {
        let (timestamps, _) = self.samples(series);
        let (first, last) = (*timestamps.first()?, *timestamps.last()?);
        Some((Timestamp::from_nanos(first), Timestamp::from_nanos(last)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use crate::head::block::{Block, Rows};

    proptest! {
        #[test]
        fn groups_and_joins_as_a_stable_sort_does(
            rows in proptest::collection::vec((0..5_u32, -3..9_i64, any::<f64>()), 0..60),
            cut in 0..60_usize,
        ) {
            let of = |part: &[(u32, i64, f64)]| {
                let mut rows = Rows::default();
                for (series, time, value) in part {
                    rows.series.push(*series);
                    rows.columns.push(*time, *value);
                }
                Block::of_rows(&rows)
            };
            let (left, right) = rows.split_at(cut.min(rows.len()));
            for block in [of(&rows), Block::join(&of(left), &of(right))] {
                prop_assert_eq!(block.len(), rows.len());
                for series in 0..6 {
                    let mut want: Vec<_> = rows.iter().filter(|row| row.0 == series).collect();
                    want.sort_by_key(|row| row.1);
                    let (times, values) = block.samples(series);
                    let got: Vec<_> =
                        times.iter().zip(values).map(|(t, v)| (*t, v.to_bits())).collect();
                    let want: Vec<_> = want.iter().map(|(_, t, v)| (*t, v.to_bits())).collect();
                    prop_assert_eq!(got, want);
                }
            }
        }
    }
}
