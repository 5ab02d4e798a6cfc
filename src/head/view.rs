//! A frozen view of a head: what one snapshot sees of it.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::head::block::{Block, Rows};
use crate::head::registry::Registry;
use crate::model::{Columns, MetricDef, Selector, SeriesKey, TimeRange, Timestamp};

/// How many series are looked at without a pause: some milliseconds.
const SERIES_AT_ONCE: usize = 4_096;

/// Samples of one generation up to a point of its log. Cloning it is cheap.
#[derive(Debug, Clone)]
pub(crate) struct HeadView {
    /// Shared with the builder; it only grows, and the view names only what its blocks hold.
    registry: Arc<RwLock<Registry>>,
    metric_count: usize,
    blocks: Vec<Arc<Block>>,
}

impl HeadView {
    pub(crate) fn new(registry: Arc<RwLock<Registry>>, blocks: Vec<Arc<Block>>) -> Self {
        let metric_count = registry.read().unwrap_or_else(PoisonError::into_inner).metrics().len();
        Self { registry, metric_count, blocks }
    }

    /// Makes a view of samples that are at hand, each series in order of arrival.
    pub(crate) fn of_series(metrics: Vec<MetricDef>, series: Vec<(SeriesKey, Columns)>) -> Self {
        let registry = Registry::of_series(metrics, series.iter().map(|(key, _)| key));
        let mut rows = Rows::default();
        for (reference, (_, columns)) in (0_u32..).zip(series) {
            rows.series.extend(std::iter::repeat_n(reference, columns.len()));
            rows.columns.timestamps.extend(columns.timestamps);
            rows.columns.values.extend(columns.values);
        }
        let block = Arc::new(Block::of_rows(&rows));
        Self::new(Arc::new(RwLock::new(registry)), vec![block])
    }

    fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of samples.
    #[must_use]
    pub(crate) fn sample_count(&self) -> u64 {
        self.blocks.iter().map(|block| block.len() as u64).sum()
    }

    /// Returns the number of samples of a series.
    #[must_use]
    pub(crate) fn sample_count_of(&self, series: u32) -> u64 {
        self.blocks.iter().map(|block| block.samples(series).0.len() as u64).sum()
    }

    /// Returns the metrics that the generation has defined.
    #[must_use]
    pub(crate) fn metrics(&self) -> Vec<Arc<MetricDef>> {
        self.registry().metrics().iter().take(self.metric_count).cloned().collect()
    }

    /// Returns the references of the series that have samples, ascending.
    #[must_use]
    pub(crate) fn series(&self) -> Vec<u32> {
        let all = self.blocks.iter().flat_map(|block| block.series().iter().copied());
        let mut all: Vec<u32> = all.collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns the references of the series that have samples, in the order of their keys.
    #[must_use]
    pub(crate) fn series_by_key(&self) -> Vec<u32> {
        let mut series = self.series();
        self.registry().sort_by_key(&mut series);
        series
    }

    /// Returns a series' identity.
    #[must_use]
    pub(crate) fn key(&self, series: u32) -> Option<SeriesKey> {
        self.registry().key(series)
    }

    /// Returns the reference of a series, if it has samples here. Linear in the series.
    #[must_use]
    pub(crate) fn find(&self, key: &SeriesKey) -> Option<u32> {
        let series = self.registry().find(key)?;
        (self.sample_count_of(series) > 0).then_some(series)
    }

    /// Returns the series with samples that a selector chooses, with their identities.
    ///
    /// Takes time linear in the series of the generation.
    #[must_use]
    pub(crate) fn select(&self, selector: &Selector) -> Vec<(u32, SeriesKey)> {
        let found: Result<_, Infallible> = self.select_while(selector, || Ok(()));
        found.unwrap_or_default()
    }

    /// Returns the same series; the error of `go_on`, which is asked now and then, ends it early.
    pub(crate) fn select_while<E>(
        &self,
        selector: &Selector,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<Vec<(u32, SeriesKey)>, E> {
        let registry = self.registry();
        let mut found = Vec::new();
        for (count, series) in self.series().into_iter().enumerate() {
            if count.is_multiple_of(SERIES_AT_ONCE) {
                go_on()?;
            }
            if registry.matches(series, selector) {
                found.extend(registry.key(series).map(|key| (series, key)));
            }
        }
        Ok(found)
    }

    /// Appends the samples of a series in `range`, run by run in order of arrival; each run is in
    /// order of time.
    pub(crate) fn read(&self, series: u32, range: TimeRange, out: &mut Columns) {
        for block in &self.blocks {
            block.read(series, range, out);
        }
    }

    /// Calls `visit` with the timestamps of each run of a series, each in order of time.
    pub(crate) fn each_run(&self, series: u32, mut visit: impl FnMut(&[i64])) {
        for block in &self.blocks {
            visit(block.samples(series).0);
        }
    }

    /// Returns the times of the first and last sample of a series.
    #[must_use]
    pub(crate) fn extent(&self, series: u32) -> Option<(Timestamp, Timestamp)> {
        let extents = self.blocks.iter().filter_map(|block| block.extent(series));
        extents.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }
}
