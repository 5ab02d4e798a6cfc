//! Reading a series run by run: what the index or the slices say of a chunk often answers for its
//! samples.

use std::cell::Cell;

use crate::error::Result;
use crate::format::segment_sections::SectionId;
use crate::format::time_ticks::TimeTicks;
use crate::model::{Columns, DuplicatePolicy, Sample, SeriesKey, TimeRange, Timestamp};
use crate::segment::{ChunkExtent, ChunkMeta, Segment};
use crate::sketch::{DoubleDouble, LogBuckets};
use crate::snapshot::select::{Place, SelectedSeries, Share};
use crate::snapshot::slices::ChunkSlices;
use crate::snapshot::tally::{Watch, unwatched};
use crate::snapshot::view::{Snapshot, SnapshotParts, origin_of};
use crate::tombstone::Origin;

/// A run of samples of one series. Runs come in order of arrival.
pub(crate) enum Run<'a> {
    /// A sealed chunk of which all samples lie in the range; returns whether that is enough.
    Chunk(&'a SealedChunk<'a>),
    /// Samples in order of time. They may be changed.
    Samples(&'a mut Columns),
}

/// A sealed chunk that is not decoded yet.
pub(crate) struct SealedChunk<'a> {
    /// How many samples it has.
    pub(crate) count: u64,
    /// The times of the first and the last sample.
    pub(crate) times: (i64, i64),
    segment: &'a Segment,
    index: u32,
    watch: Watch<'a>,
    answered: Cell<Answered>,
}

/// What a sealed chunk answered from: the most that was read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Index,
    Slices,
    Values,
}

impl SealedChunk<'_> {
    /// Returns the least and the greatest value.
    ///
    /// # Errors
    /// A damaged index, as of all that is read of a chunk.
    pub(crate) fn extremes(&self) -> Result<(f64, f64)> {
        let stat = |id| self.segment.stat(id, self.index);
        Ok((stat(SectionId::StatMin)?, stat(SectionId::StatMax)?))
    }

    /// Returns the first and the last value.
    pub(crate) fn edges(&self) -> Result<(f64, f64)> {
        let stat = |id| self.segment.stat(id, self.index);
        Ok((stat(SectionId::StatFirst)?, stat(SectionId::StatLast)?))
    }

    /// Returns the sum; nothing where it left the range of doubles.
    pub(crate) fn sum(&self) -> Result<Option<DoubleDouble>> {
        self.segment.sum_of(self.index)
    }

    /// Reads the values as slices; nothing where they are not stored so.
    ///
    /// # Errors
    /// A damaged or unreadable chunk.
    pub(crate) fn slices(&self) -> Result<Option<ChunkSlices>> {
        let meta = self.segment.chunk(self.index)?;
        let slices = self.segment.read_slices(&meta)?.map(ChunkSlices::new);
        if slices.is_some() {
            self.tell(Answered::Slices, &meta);
        }
        Ok(slices)
    }

    /// Reads the sketch of the values, if there is one.
    ///
    /// # Errors
    /// A damaged index.
    pub(crate) fn sketch(&self) -> Result<Option<LogBuckets>> {
        self.segment.sketch(self.index, self.count)
    }

    /// Returns what the index says of how many samples lie before some times, if it does.
    ///
    /// # Errors
    /// A damaged index.
    pub(crate) fn ticks(&self) -> Result<Option<TimeTicks>> {
        self.segment.time_ticks(&self.segment.chunk(self.index)?)
    }

    /// Replaces `values` by all of the chunk, in order of time; the times are not read.
    ///
    /// # Errors
    /// A damaged or unreadable chunk.
    pub(crate) fn read_values(&self, values: &mut Vec<f64>) -> Result<()> {
        values.clear();
        let meta = self.segment.chunk(self.index)?;
        self.segment.read_values(&meta, values)?;
        self.tell(Answered::Values, &meta);
        Ok(())
    }

    fn tell(&self, answered: Answered, meta: &ChunkMeta) {
        if self.answered.replace(answered) == Answered::Index {
            self.watch.tally.bytes.add(meta.values.len);
        }
    }

    /// Counts a chunk that was answered for.
    fn count(&self) {
        let tally = self.watch.tally;
        match self.answered.get() {
            Answered::Index => tally.from_statistics.add(1),
            Answered::Slices => tally.from_slices.add(1),
            Answered::Values => {
                tally.decoded.add(1);
                tally.samples.add(self.count);
            }
        }
    }
}

/// What is wanted of a run: all of it that may be left out is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Whether a chunk's summary may be enough.
    pub(crate) summaries: bool,
    /// Whether values are looked at; without it those of chunks may be zeros.
    pub(crate) values: bool,
}

impl Snapshot {
    /// Calls `visit` with the samples of one series in `range`, run by run; those of one run are
    /// in order of time, those of different runs may overlap. `visit` returns true where a chunk's
    /// summary was enough; otherwise its samples follow.
    ///
    /// # Errors
    /// A damaged or unreadable chunk.
    pub(crate) fn visit(
        &self,
        series: &SelectedSeries,
        range: TimeRange,
        (wanted, watch): (Wanted, Watch<'_>),
        visit: &mut dyn FnMut(Run<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut columns = Columns::default();
        // Which samples a policy drops is known once all runs are there.
        if self.policy_of(series.key.metric())? != DuplicatePolicy::Keep {
            self.read_watched(series, range, watch, &mut columns)?;
            visit(Run::Samples(&mut columns))?;
            return Ok(());
        }
        for share in &series.shares {
            if let Some(store) = self.stores.get(share.store) {
                store.visit(share, range, (wanted, watch), &mut columns, visit)?;
            }
        }
        Ok(())
    }
}

impl Snapshot {
    /// Returns the last sample of a series: of those with its latest timestamp, the one that
    /// arrived last. Reads the index where nothing was deleted, not the samples.
    ///
    /// ```
    /// use silverback::{SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// let key = SeriesKey::new("temperature");
    /// let (series, now) = (store.series(&key)?, store.now());
    /// series.append(now, 20.5)?;
    /// series.append(now.saturating_add(-1), 19.0)?;
    /// let last = store.snapshot()?.last(&key)?;
    /// assert_eq!(last.map(|sample| sample.value), Some(20.5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn last(&self, key: &SeriesKey) -> Result<Option<Sample>> {
        let Some(series) = self.find(key)? else { return Ok(None) };
        let mut last: Option<(i64, f64)> = None;
        let mut take = |time: i64, value: f64| {
            if last.is_none_or(|(known, _)| known <= time) {
                last = Some((time, value));
            }
        };
        let wanted = Wanted { summaries: true, values: true };
        let mut visit = |run: Run<'_>| {
            match run {
                Run::Chunk(chunk) => take(chunk.times.1, chunk.edges()?.1),
                Run::Samples(columns) => {
                    if let (Some(time), Some(value)) =
                        (columns.timestamps.last(), columns.values.last())
                    {
                        take(*time, *value);
                    }
                }
            }
            Ok(true)
        };
        unwatched(|watch| self.visit(&series, TimeRange::ALL, (wanted, watch), &mut visit))?;
        Ok(last.map(|(time, value)| Sample::new(Timestamp::from_nanos(time), value)))
    }
}

impl SnapshotParts {
    fn visit(
        &self,
        share: &Share,
        range: TimeRange,
        (wanted, watch): (Wanted, Watch<'_>),
        columns: &mut Columns,
        visit: &mut dyn FnMut(Run<'_>) -> Result<bool>,
    ) -> Result<()> {
        let range = share.deletions.kept(range);
        for place in &share.places {
            match *place {
                Place::Head { head, series } => {
                    let Some(head) = self.heads.get(head) else { continue };
                    columns.clear();
                    head.view.read(series, range, columns);
                    columns.sort_by_time();
                    let origin = Origin { generation: head.generation, deleted_up_to: 0 };
                    share.deletions.remove(origin, columns, 0);
                    watch.tally.samples.add(columns.len() as u64);
                    (watch.check)()?;
                    if !columns.is_empty() {
                        visit(Run::Samples(columns))?;
                    }
                }
                Place::Segment { segment, series } => {
                    let Some(segment) = self.segments.get(segment) else { continue };
                    let place = (&**segment, series);
                    share.visit_segment(place, range, (wanted, watch), columns, visit)?;
                }
            }
        }
        Ok(())
    }
}

impl Share {
    fn visit_segment(
        &self,
        (segment, series): (&Segment, u32),
        range: TimeRange,
        (wanted, watch): (Wanted, Watch<'_>),
        columns: &mut Columns,
        visit: &mut dyn FnMut(Run<'_>) -> Result<bool>,
    ) -> Result<()> {
        for index in segment.chunks(series)? {
            let ChunkExtent { time_min, time_max, count } = segment.extent_of(index)?;
            if !range.meets(time_min, time_max) {
                continue;
            }
            watch.consider()?;
            let is_whole = range.start <= time_min && time_max < range.end;
            if wanted.summaries && is_whole && !self.deletions.has_tombstones() {
                let times = (time_min.as_nanos(), time_max.as_nanos());
                let (count, answered) = (count as u64, Cell::new(Answered::Index));
                let sealed = SealedChunk { count, times, segment, index, watch, answered };
                if visit(Run::Chunk(&sealed))? {
                    sealed.count();
                    continue;
                }
            }
            watch.decode(segment, &segment.chunk(index)?, wanted.values)?;
            columns.clear();
            if wanted.values {
                segment.read_chunk(index, columns)?;
            } else {
                segment.read_chunk_times(index, columns)?;
            }
            columns.cut(range);
            self.deletions.remove(origin_of(segment), columns, 0);
            if !columns.is_empty() {
                visit(Run::Samples(columns))?;
            }
        }
        Ok(())
    }
}
