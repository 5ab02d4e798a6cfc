//! What a store's bytes are spent on.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::model::{MetricDef, MetricKind, Selector};
use crate::snapshot::view::Snapshot;

/// A timestamp and a value, as they are given.
const SAMPLE_BYTES: u64 = 16;

/// How much a store holds, and what its bytes are spent on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatsReport {
    /// Samples in segments and in the log.
    pub samples: u64,
    /// Series that have samples.
    pub series: u64,
    /// Live segments.
    pub segments: u64,
    /// Bytes of log frames that are not flushed.
    pub log_bytes: u64,
    /// Bytes of all live segments.
    pub segment_bytes: u64,
    /// Bytes of segments a sample in them, if there is one.
    pub bytes_per_sample: Option<f64>,
    /// Bytes written (log, flushes and merges) for each byte of the samples that were flushed, of
    /// which one has 16, if there are any.
    pub write_amplification: Option<f64>,
    /// Deletions that are not carried out on every segment: samples that are gone are still counted
    /// above until they are.
    pub deletions: u64,
    /// Timestamp blocks in segments.
    pub timestamp_blocks: u64,
    /// Timestamp blocks that several chunks share.
    pub timestamp_blocks_shared: u64,
    /// The metrics, sorted by name.
    pub metrics: Vec<MetricStats>,
}

/// How much of one metric a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricStats {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: MetricKind,
    /// Its unit.
    pub unit: Option<String>,
    /// Its samples in segments and in the log.
    pub samples: u64,
    /// Its samples in segments.
    pub samples_in_segments: u64,
    /// Its series that have samples.
    pub series: u64,
    /// Bytes of its value blocks.
    pub value_bytes: u64,
    /// Bytes of its timestamp blocks; a shared one counts for the metric that used it first.
    pub timestamp_bytes: u64,
    /// Its chunks by the codec of their values.
    pub codecs: BTreeMap<String, u64>,
}

impl MetricStats {
    fn new(def: MetricDef) -> Self {
        Self {
            name: def.name,
            kind: def.kind,
            unit: def.unit,
            samples: 0,
            samples_in_segments: 0,
            series: 0,
            value_bytes: 0,
            timestamp_bytes: 0,
            codecs: BTreeMap::new(),
        }
    }

    /// Returns bits of values a sample in segments, if there is one.
    #[must_use]
    pub fn bits_per_value(&self) -> Option<f64> {
        ratio(self.value_bytes.saturating_mul(8), self.samples_in_segments)
    }

    /// Returns bits of timestamps a sample in segments, if there is one.
    #[must_use]
    pub fn bits_per_timestamp(&self) -> Option<f64> {
        ratio(self.timestamp_bytes.saturating_mul(8), self.samples_in_segments)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Snapshot {
    fn write_amplification(&self) -> Option<f64> {
        let (mut bytes, mut samples) = (0, 0);
        for written in self.stores().iter().map(|store| &store.written) {
            bytes += written.log_bytes + written.flushed_bytes + written.merged_bytes;
            samples += written.samples;
        }
        ratio(bytes, samples.saturating_mul(SAMPLE_BYTES))
    }

    /// Returns how much the view holds. Reads the segments' indexes, not their samples.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn stats(&self) -> Result<StatsReport> {
        let mut metrics: BTreeMap<String, MetricStats> = BTreeMap::new();
        for def in self.metrics()? {
            metrics.insert(def.name.clone(), MetricStats::new(def));
        }
        let mut keys = BTreeSet::new();
        let (mut segment_bytes, mut in_segments) = (0, 0);
        let (mut blocks, mut shared) = (0, 0);
        for segment in self.segments() {
            segment_bytes += segment.summary().file_bytes;
            let sharing = segment.time_block_sharing()?;
            blocks += sharing.0;
            shared += sharing.1;
            for (name, usage) in segment.usage()? {
                let def = || MetricStats::new(MetricDef::new(name.as_str()));
                let metric = metrics.entry(name.clone()).or_insert_with(def);
                metric.samples += usage.samples;
                metric.samples_in_segments += usage.samples;
                metric.value_bytes += usage.value_bytes;
                metric.timestamp_bytes += usage.timestamp_bytes;
                in_segments += usage.samples;
                for (codec, chunks) in usage.codecs {
                    *metric.codecs.entry(codec.to_owned()).or_default() += chunks;
                }
            }
        }
        let mut in_logs = 0;
        for head in self.heads() {
            for (series, key) in head.select(&Selector::default()) {
                let samples = head.sample_count_of(series);
                in_logs += samples;
                if let Some(metric) = metrics.get_mut(key.metric()) {
                    metric.samples += samples;
                }
            }
        }
        for series in self.select(&Selector::default())? {
            if let Some(metric) = metrics.get_mut(series.key().metric()) {
                metric.series += 1;
            }
            keys.insert(series.key().fingerprint());
        }
        Ok(StatsReport {
            samples: in_segments + in_logs,
            series: keys.len() as u64,
            segments: self.segments().count() as u64,
            log_bytes: self.stores().iter().map(|store| store.log_bytes).sum(),
            segment_bytes,
            bytes_per_sample: ratio(segment_bytes, in_segments),
            write_amplification: self.write_amplification(),
            deletions: self.stores().iter().map(|store| store.deletions.count()).sum(),
            timestamp_blocks: blocks,
            timestamp_blocks_shared: shared,
            metrics: metrics.into_values().collect(),
        })
    }
}
