//! What a segment's bytes are spent on, by metric.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::model::Selector;
use crate::segment::reader::Segment;

/// The bytes and codecs of one metric in one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MetricUsage {
    pub(crate) samples: u64,
    pub(crate) series: u64,
    pub(crate) value_bytes: u64,
    /// Each timestamp block counts once, for the first metric that uses it.
    pub(crate) timestamp_bytes: u64,
    /// Chunks by codec of their values.
    pub(crate) codecs: BTreeMap<&'static str, u64>,
}

impl Segment {
    /// Returns the usage of each metric, and how many references to timestamp blocks share one
    /// with another chunk.
    ///
    /// Reads the index only, in time linear in the chunks.
    ///
    /// # Errors
    /// I/O errors and damage.
    pub(crate) fn usage(&self) -> Result<BTreeMap<String, MetricUsage>> {
        let mut usage: BTreeMap<String, MetricUsage> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for series in 0..self.series_count() {
            let entry = usage.entry(self.key(series)?.metric().to_owned()).or_default();
            entry.series += 1;
            for chunk in self.chunks(series)? {
                let meta = self.chunk(chunk)?;
                entry.samples += meta.count as u64;
                entry.value_bytes += meta.values.len;
                *entry.codecs.entry(meta.value_codec.as_str()).or_default() += 1;
                if seen.insert(meta.time_block) {
                    entry.timestamp_bytes += self.time_block(meta.time_block)?.block.len;
                }
            }
        }
        Ok(usage)
    }

    /// Returns the time of the first sample of a metric, in nanoseconds since the epoch.
    ///
    /// # Errors
    /// I/O errors and damage.
    pub(crate) fn first_time_of(&self, metric: &str) -> Result<Option<i64>> {
        let mut first: Option<i64> = None;
        for series in self.select(&Selector::metric(metric))? {
            for chunk in self.chunks(series)?.take(1) {
                let time = self.chunk(chunk)?.time_min.as_nanos();
                first = Some(first.map_or(time, |first| first.min(time)));
            }
        }
        Ok(first)
    }

    /// Returns how many timestamp blocks there are, and how many of them several chunks share.
    ///
    /// # Errors
    /// I/O errors and damage.
    pub(crate) fn time_block_sharing(&self) -> Result<(u64, u64)> {
        let mut uses: BTreeMap<u32, u64> = BTreeMap::new();
        for chunk in 0..self.footer.counts.chunks {
            *uses.entry(self.chunk(chunk)?.time_block).or_default() += 1;
        }
        let shared = uses.values().filter(|count| **count > 1).count();
        Ok((u64::from(self.footer.counts.time_blocks), shared as u64))
    }
}
