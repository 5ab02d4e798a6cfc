//! Decoding log frames into blocks, step by step as the log grows.

use std::sync::{Arc, PoisonError, RwLock};

use crate::format::FormatError;
use crate::format::frame::BatchBody;
use crate::head::block::{Block, Rows};
use crate::head::registry::Registry;
use crate::head::view::HeadView;

/// So many rows become a block: grouping them takes as much memory again.
const BLOCK_ROWS: usize = 1 << 22;

/// The columns of one generation, as far as its log was read.
#[derive(Debug, Default)]
pub(crate) struct HeadBuilder {
    registry: Arc<RwLock<Registry>>,
    series_count: u32,
    /// Rows that no block holds yet.
    rows: Rows,
    /// Blocks in order of arrival: full ones, then each more than twice as long as the next.
    blocks: Vec<Arc<Block>>,
}

impl HeadBuilder {
    /// Adds one sample.
    ///
    /// # Errors
    /// [`FormatError::OutOfRange`] where the series is not defined.
    #[inline]
    pub(crate) fn sample(
        &mut self,
        series: u32,
        timestamp: i64,
        value: f64,
    ) -> Result<(), FormatError> {
        if series >= self.series_count {
            return Err(unknown_series(series));
        }
        self.rows.series.push(series);
        self.rows.columns.push(timestamp, value);
        if self.rows.series.len() >= BLOCK_ROWS {
            self.seal();
        }
        Ok(())
    }

    /// Adds a batch, all of it or nothing.
    ///
    /// # Errors
    /// [`FormatError`] where the body is malformed or names a series that is not defined.
    pub(crate) fn batch(&mut self, batch: &BatchBody<'_>) -> Result<(), FormatError> {
        let before = self.rows.series.len();
        let (rows, series_count) = (&mut self.rows, self.series_count);
        let mut unknown = None;
        let read = batch.rows(|series, timestamp, value| {
            if series >= series_count {
                unknown.get_or_insert(series);
            }
            rows.series.push(series);
            rows.columns.push(timestamp, value);
        });
        let read = read.and(unknown.map_or(Ok(()), |series| Err(unknown_series(series))));
        if read.is_err() {
            self.rows.series.truncate(before);
            self.rows.columns.timestamps.truncate(before);
            self.rows.columns.values.truncate(before);
        }
        if self.rows.series.len() >= BLOCK_ROWS {
            self.seal();
        }
        read
    }

    /// Adds the records of a DEFINE frame.
    ///
    /// # Errors
    /// [`FormatError`] where a record refers to something that is not defined.
    pub(crate) fn define(&mut self, body: &[u8]) -> Result<(), FormatError> {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        registry.define(body)?;
        let got = registry.series_count() as u64;
        self.series_count = u32::try_from(got)
            .map_err(|_| FormatError::OutOfRange { field: "series of a generation", got })?;
        Ok(())
    }

    /// Returns a view of everything added so far, which later additions do not change.
    ///
    /// New rows become a block; short blocks of like length are joined, so that there are few of
    /// them and each sample is moved about log2(`BLOCK_ROWS`) times at most.
    pub(crate) fn view(&mut self) -> HeadView {
        self.seal();
        HeadView::new(Arc::clone(&self.registry), self.blocks.clone())
    }

    fn seal(&mut self) {
        if self.rows.series.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        let mut block = Block::of_rows(&rows);
        drop(rows);
        let is_joined = |last: &mut Arc<Block>, len: usize| {
            last.len() <= 2 * len && last.len() + len <= BLOCK_ROWS
        };
        while let Some(earlier) = self.blocks.pop_if(|last| is_joined(last, block.len())) {
            block = Block::join(&earlier, &block);
        }
        self.blocks.push(Arc::new(block));
    }
}

fn unknown_series(series: u32) -> FormatError {
    FormatError::OutOfRange { field: "series reference", got: u64::from(series) }
}
