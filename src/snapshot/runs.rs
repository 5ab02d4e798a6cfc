//! Reading a series run by run: what the index says of a chunk often answers for its samples.

use crate::error::Result;
use crate::model::{Columns, DuplicatePolicy, TimeRange};
use crate::segment::{ChunkSummary, Segment};
use crate::snapshot::select::{Place, SelectedSeries, Share};
use crate::snapshot::view::{Snapshot, SnapshotParts, origin_of};
use crate::tombstone::Origin;

/// A run of samples of one series. Runs come in order of arrival.
pub(crate) enum Run<'a> {
    /// A sealed chunk of which all samples lie in the range; returns whether that is enough.
    Chunk(&'a ChunkSummary),
    /// Samples in order of time. They may be changed.
    Samples(&'a mut Columns),
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
        wanted: Wanted,
        visit: &mut dyn FnMut(Run<'_>) -> bool,
    ) -> Result<()> {
        let mut columns = Columns::default();
        // Which samples a policy drops is known once all runs are there.
        if self.policy_of(series.key.metric())? != DuplicatePolicy::Keep {
            self.read(series, range, &mut columns)?;
            visit(Run::Samples(&mut columns));
            return Ok(());
        }
        for share in &series.shares {
            if let Some(store) = self.stores.get(share.store) {
                store.visit(share, range, wanted, &mut columns, visit)?;
            }
        }
        Ok(())
    }
}

impl SnapshotParts {
    fn visit(
        &self,
        share: &Share,
        range: TimeRange,
        wanted: Wanted,
        columns: &mut Columns,
        visit: &mut dyn FnMut(Run<'_>) -> bool,
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
                    if !columns.is_empty() {
                        visit(Run::Samples(columns));
                    }
                }
                Place::Segment { segment, series } => {
                    let Some(segment) = self.segments.get(segment) else { continue };
                    share.visit_segment(segment, series, range, wanted, columns, visit)?;
                }
            }
        }
        Ok(())
    }
}

impl Share {
    fn visit_segment(
        &self,
        segment: &Segment,
        series: u32,
        range: TimeRange,
        wanted: Wanted,
        columns: &mut Columns,
        visit: &mut dyn FnMut(Run<'_>) -> bool,
    ) -> Result<()> {
        for index in segment.chunks(series)? {
            let chunk = segment.chunk(index)?;
            if !range.meets(chunk.time_min, chunk.time_max) {
                continue;
            }
            let is_whole = range.start <= chunk.time_min && chunk.time_max < range.end;
            if wanted.summaries && is_whole && !self.deletions.has_tombstones() {
                let summary = segment.summary_of(index, &chunk)?;
                if summary.is_some_and(|summary| visit(Run::Chunk(&summary))) {
                    continue;
                }
            }
            columns.clear();
            if wanted.values {
                segment.read_chunk(index, columns)?;
            } else {
                segment.read_chunk_times(index, columns)?;
            }
            columns.cut(range);
            self.deletions.remove(origin_of(segment), columns, 0);
            if !columns.is_empty() {
                visit(Run::Samples(columns));
            }
        }
        Ok(())
    }
}
