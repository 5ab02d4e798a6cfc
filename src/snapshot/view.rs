//! The snapshot: segments and head views behind one set of series.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::ledger::WrittenRecord;
use crate::format::manifest::SegmentRecord;
use crate::head::HeadView;
use crate::manifest;
use crate::model::{
    Columns, DuplicatePolicy, Limits, MetricDef, Retention, Sample, Selector, SeriesKey, TimeRange,
    Timestamp,
};
use crate::segment::Segment;
use crate::snapshot::definitions::Definitions;
use crate::snapshot::select::{Place, SelectedSeries, Share};
use crate::snapshot::tally::{Watch, unwatched};
use crate::tombstone::{Deletions, Origin};
use crate::vfs::Vfs;

/// A view of a store at one moment: a prefix of the commit order. Cloning it is cheap.
///
/// It never changes, whatever is appended, flushed or merged meanwhile. A view of several stores
/// answers as if their samples were in one; see [`crate::Reader::open_all`].
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// At least one, in the order of their directories.
    pub(super) stores: Arc<[SnapshotParts]>,
    /// What the metrics ask for that do not keep all samples; read once, when samples are.
    policies: Arc<OnceLock<BTreeMap<String, DuplicatePolicy>>>,
}

/// What a snapshot has of one store.
#[derive(Debug)]
pub(crate) struct SnapshotParts {
    /// Where the store is; nothing for samples without one.
    pub(crate) dir: PathBuf,
    pub(crate) now: Timestamp,
    pub(crate) limits: Limits,
    /// Ordered by generation.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Ordered by generation, all later than those of the segments.
    pub(crate) heads: Vec<SnapshotHead>,
    /// What is gone of both.
    pub(crate) deletions: Deletions,
    /// What the store has written.
    pub(crate) written: WrittenRecord,
    /// The sequence number of the last frame seen.
    pub(crate) seq: u64,
    /// The bytes of the logs that the heads were decoded from.
    pub(crate) log_bytes: u64,
}

/// The samples of one generation that lie in the log only.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotHead {
    pub(crate) generation: u64,
    pub(crate) view: HeadView,
}

/// Opens a live segment and checks that it is the one that the manifest means.
///
/// # Errors
/// I/O errors, and [`crate::ErrorKind::Corrupt`] where the file is damaged or another one.
pub(crate) fn open_segment(
    vfs: &dyn Vfs,
    dir: &Path,
    db_uuid: [u8; 16],
    record: &SegmentRecord,
) -> Result<Arc<Segment>> {
    let path = manifest::segment_path(dir, record);
    let segment = Segment::open(vfs.open(&path)?)?;
    let (meta, summary) = (segment.meta(), segment.summary());
    let misplaced = |what| Err(Error::corrupt(&path, 0, FormatError::Misplaced { what }));
    if meta.origin.db_uuid != db_uuid {
        return misplaced("store");
    }
    let generations = (meta.origin.generation_lo, meta.origin.generation_hi, meta.origin.level);
    if generations != (record.generation_lo, record.generation_hi, record.level) {
        return misplaced("generation");
    }
    if (summary.samples, summary.file_bytes) != (record.samples, record.file_bytes) {
        return misplaced("sample count or length");
    }
    Ok(Arc::new(segment))
}

impl Snapshot {
    pub(crate) fn new(parts: SnapshotParts) -> Self {
        Self { stores: Arc::new([parts]), policies: Arc::default() }
    }

    /// Makes one view of several stores.
    ///
    /// # Errors
    /// [`crate::ErrorKind::MetricsDisagree`], and a damaged or unreadable segment.
    pub(crate) fn of_stores(stores: Vec<SnapshotParts>) -> Result<Self> {
        let snapshot = Self { stores: stores.into(), policies: Arc::default() };
        snapshot.metrics()?;
        Ok(snapshot)
    }

    /// Makes a view of samples without a store, each series in order of arrival: for questions
    /// about data that is at hand.
    ///
    /// ```
    /// use silverback::{Columns, SeriesKey, Snapshot, Timestamp};
    /// let mut columns = Columns::default();
    /// columns.push(5, 842.0);
    /// let now = Timestamp::from_nanos(10);
    /// let series = vec![(SeriesKey::new("latency"), columns)];
    /// let snapshot = Snapshot::of_samples(now, vec![], series);
    /// assert_eq!(snapshot.query("count(latency) last 10ns")?.rows.len(), 1);
    /// # Ok::<(), silverback::Error>(())
    /// ```
    #[must_use]
    pub fn of_samples(
        now: Timestamp,
        metrics: Vec<MetricDef>,
        series: Vec<(SeriesKey, Columns)>,
    ) -> Self {
        let seq = series.len() as u64;
        let head = HeadView::of_series(metrics, series);
        let limits = Limits::DEFAULT;
        Self::new(SnapshotParts {
            dir: PathBuf::new(),
            now,
            limits,
            segments: Vec::new(),
            heads: vec![SnapshotHead { generation: 0, view: head }],
            deletions: Deletions::default(),
            written: WrittenRecord::default(),
            seq,
            log_bytes: 0,
        })
    }

    pub(crate) fn stores(&self) -> &[SnapshotParts] {
        &self.stores
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.stores.iter().flat_map(|store| &store.segments)
    }

    pub(crate) fn heads(&self) -> impl Iterator<Item = &HeadView> {
        self.stores.iter().flat_map(|store| &store.heads).map(|head| &head.view)
    }

    /// Returns the time at which the view was taken.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.stores.iter().map(|store| store.now).max().unwrap_or(Timestamp::MIN)
    }

    /// Returns the limits that queries over this view obey.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.stores.first().map_or(&Limits::DEFAULT, |store| &store.limits)
    }

    /// Returns how many frames with samples the view includes: all that were committed before it.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.stores.iter().map(|store| store.seq).sum()
    }

    /// Returns how long the store keeps samples; of several stores, the first.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.stores.first().map_or_else(Retention::forever, |store| store.deletions.retention())
    }

    /// Returns the metrics' definitions, sorted by name. A unit that one store has counts for all.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn metrics(&self) -> Result<Vec<MetricDef>> {
        let mut all = Definitions::default();
        for store in &*self.stores {
            all.add(&store.dir, store.metrics()?)?;
        }
        Ok(all.into_metrics())
    }

    /// Returns a metric's definition, if the metric is known.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn metric(&self, name: &str) -> Result<Option<MetricDef>> {
        Ok(self.metrics()?.into_iter().find(|def| def.name == name))
    }

    /// Returns the range from the first sample to just after the last, of one metric or of all.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn extent(&self, metric: Option<&str>) -> Result<Option<TimeRange>> {
        let selector = Selector { metric: metric.map(str::to_owned), matchers: Vec::new() };
        if self.stores.iter().any(|store| !store.deletions.is_empty()) {
            return self.extent_of_what_is_left(&selector);
        }
        let mut extents = Vec::new();
        for segment in self.segments() {
            if metric.is_none() {
                extents.push((segment.summary().time_min, segment.summary().time_max));
                continue;
            }
            for series in segment.select(&selector)? {
                for chunk in segment.chunks(series)? {
                    let chunk = segment.chunk(chunk)?;
                    extents.push((chunk.time_min, chunk.time_max));
                }
            }
        }
        for head in self.heads() {
            let chosen = head.select(&selector);
            extents.extend(chosen.iter().filter_map(|(series, _)| head.extent(*series)));
        }
        let all = extents.into_iter().reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
        Ok(all.map(|(first, last)| TimeRange::new(first, last.saturating_add(1))))
    }

    /// Returns the extent where deletions make it narrower than that of what is stored.
    fn extent_of_what_is_left(&self, selector: &Selector) -> Result<Option<TimeRange>> {
        let everything = TimeRange::new(Timestamp::MIN, Timestamp::MAX);
        let mut extent: Option<TimeRange> = None;
        let mut columns = Columns::default();
        for series in self.select(selector)? {
            self.read(&series, everything, &mut columns)?;
            let (Some(&first), Some(&last)) =
                (columns.timestamps.first(), columns.timestamps.last())
            else {
                continue;
            };
            let end = Timestamp::from_nanos(last).saturating_add(1);
            let one = TimeRange::new(Timestamp::from_nanos(first), end);
            extent =
                Some(extent.map_or(one, |all| {
                    TimeRange::new(all.start.min(one.start), all.end.max(one.end))
                }));
        }
        Ok(extent)
    }

    /// Returns the names of all labels, sorted.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn label_names(&self) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        for segment in self.segments() {
            names.extend(segment.label_names()?);
        }
        for head in self.heads() {
            for (_, key) in head.select(&Selector::default()) {
                names.extend(key.labels().map(|(name, _)| name.to_owned()));
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Returns the values of one label, sorted; the empty value of series without it is left out.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn label_values(&self, label: &str) -> Result<Vec<String>> {
        let mut values = BTreeSet::new();
        for segment in self.segments() {
            values.extend(segment.label_values(label)?);
        }
        for head in self.heads() {
            for (_, key) in head.select(&Selector::default()) {
                values.insert(key.value_of(label).to_owned());
            }
        }
        values.remove("");
        Ok(values.into_iter().collect())
    }

    /// Replaces `out` by the samples of one series in `range`, ordered by (timestamp, arrival); of
    /// several stores, the first one's are taken to have arrived first. Of samples that share a
    /// timestamp, those count that the metric's [`DuplicatePolicy`] wants.
    ///
    /// # Errors
    /// A damaged or unreadable chunk.
    pub fn read(&self, series: &SelectedSeries, range: TimeRange, out: &mut Columns) -> Result<()> {
        unwatched(|watch| self.read_watched(series, range, watch, out))
    }

    /// Reads as [`read`](Self::read) does while somebody looks on.
    pub(crate) fn read_watched(
        &self,
        series: &SelectedSeries,
        range: TimeRange,
        watch: Watch<'_>,
        out: &mut Columns,
    ) -> Result<()> {
        out.clear();
        for share in &series.shares {
            if let Some(store) = self.stores.get(share.store) {
                store.read(share, range, watch, out)?;
            }
        }
        out.sort_by_time();
        self.policy_of(series.key.metric())?.apply(&mut out.timestamps, &mut out.values);
        Ok(())
    }

    /// Returns what a metric asks to be done with samples of one series that share a timestamp.
    pub(super) fn policy_of(&self, metric: &str) -> Result<DuplicatePolicy> {
        let policies = if let Some(policies) = self.policies.get() {
            policies
        } else {
            let asked = self.metrics()?.into_iter();
            let asked = asked.filter(|def| def.duplicates != DuplicatePolicy::Keep);
            let asked = asked.map(|def| (def.name, def.duplicates)).collect();
            self.policies.get_or_init(|| asked)
        };
        Ok(policies.get(metric).copied().unwrap_or_default())
    }

    /// Returns the samples of one series in `range`, ordered by (timestamp, arrival).
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn samples(&self, key: &SeriesKey, range: TimeRange) -> Result<Vec<Sample>> {
        let mut columns = Columns::default();
        if let Some(series) = self.find(key)? {
            self.read(&series, range, &mut columns)?;
        }
        Ok(columns.iter().collect())
    }
}

impl SnapshotParts {
    /// Returns the store's own definitions by name; the latest of each counts.
    fn metrics(&self) -> Result<BTreeMap<String, MetricDef>> {
        let mut metrics = BTreeMap::new();
        for segment in &self.segments {
            for def in segment.metrics()? {
                metrics.insert(def.name.clone(), def);
            }
        }
        for def in self.heads.iter().flat_map(|head| head.view.metrics()) {
            metrics.insert(def.name.clone(), MetricDef::clone(&def));
        }
        Ok(metrics)
    }

    /// Appends what the store has of a series in `range`, in order of arrival.
    fn read(
        &self,
        share: &Share,
        range: TimeRange,
        watch: Watch<'_>,
        out: &mut Columns,
    ) -> Result<()> {
        let range = share.deletions.kept(range);
        let mut chunk_columns = Columns::default();
        for place in &share.places {
            let from = out.len();
            let origin = match *place {
                Place::Head { head, series } => {
                    let Some(head) = self.heads.get(head) else { continue };
                    head.view.read(series, range, out);
                    watch.tally.samples.add((out.len() - from) as u64);
                    Origin { generation: head.generation, deleted_up_to: 0 }
                }
                Place::Segment { segment, series } => {
                    let Some(segment) = self.segments.get(segment) else { continue };
                    let place = (&**segment, series);
                    read_segment(place, range, watch, &mut chunk_columns, out)?;
                    origin_of(segment)
                }
            };
            if share.deletions.has_tombstones() {
                share.deletions.remove(origin, out, from);
            }
        }
        Ok(())
    }
}

/// Returns where a segment's samples come from, as far as deletions ask.
pub(crate) fn origin_of(segment: &Segment) -> Origin {
    let meta = segment.meta();
    Origin { generation: meta.origin.generation_hi, deleted_up_to: meta.deleted_up_to }
}

/// Appends the samples of a series in `range`; chunks outside of it are not decoded.
pub(crate) fn read_segment(
    (segment, series): (&Segment, u32),
    range: TimeRange,
    watch: Watch<'_>,
    chunk_columns: &mut Columns,
    out: &mut Columns,
) -> Result<()> {
    for index in segment.chunks(series)? {
        let chunk = segment.chunk(index)?;
        if !range.meets(chunk.time_min, chunk.time_max) {
            continue;
        }
        watch.consider()?;
        watch.decode(segment, &chunk, true)?;
        if range.start <= chunk.time_min && chunk.time_max < range.end {
            segment.read_chunk(index, out)?;
            continue;
        }
        chunk_columns.clear();
        segment.read_chunk(index, chunk_columns)?;
        let (timestamps, values) = chunk_columns.slice(range);
        out.timestamps.extend_from_slice(timestamps);
        out.values.extend_from_slice(values);
    }
    Ok(())
}
