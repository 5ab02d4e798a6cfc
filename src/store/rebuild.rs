//! Making a MANIFEST anew of the footers of the segments.
//!
//! Every segment says which generations it holds, how many segments its flush wrote, and which
//! segments it was merged of. Of two that hold the same generations in a partition the one that was
//! merged more often stands; a flush of which a segment is missing is dropped if its log is there.
//! What the MANIFEST alone knew, deletions, retention and producers, is taken from the file that is
//! kept beside it; without that, what was deleted or had expired may reappear.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::ledger::Ledger;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::format::segment_sections::SectionId;
use crate::manifest;
use crate::model::Retention;
use crate::segment::Segment;
use crate::vfs::Vfs;
use crate::wal::generation_of_name;

/// What a MANIFEST that was made anew has of the lost one beside segments.
///
/// It is that of an earlier MANIFEST, at most as many edits old as were cut off by power cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarriedLedger {
    /// The edit of the MANIFEST that it was kept of.
    pub edit: u64,
    /// How many deletions that were not carried out yet go on to count.
    pub deletions: u64,
    /// Of how many producers it is known how far they came.
    pub producers: u64,
    /// How long samples are kept.
    pub retention: Retention,
}

/// A segment whose footer was read.
struct Found {
    record: SegmentRecord,
    db_uuid: [u8; 16],
    flush_set_size: u32,
    seq_last: u64,
    inputs: Vec<u64>,
}

/// Makes the manifest that the segments in a directory give; nothing where there is none that
/// reads. Files that do not are noted in `unreadable`.
pub(crate) fn rebuild(
    vfs: &dyn Vfs,
    dir: &Path,
    unreadable: &mut Vec<(PathBuf, Error)>,
) -> Result<Option<(ManifestRecord, Option<CarriedLedger>)>> {
    let mut found = find_segments(vfs, dir, unreadable)?;
    let Some(db_uuid) = found.first().map(|found| found.db_uuid) else { return Ok(None) };
    found.retain(|segment| segment.db_uuid == db_uuid);
    let names = vfs
        .read_dir(&dir.join("wal"))
        .or_else(|error| if error.is_not_found() { Ok(Vec::new()) } else { Err(error) })?;
    let logs: BTreeSet<u64> = names.iter().filter_map(|name| generation_of_name(name)).collect();
    drop_incomplete_flushes(&mut found, &logs);
    let merged: BTreeSet<u64> = found.iter().flat_map(|found| found.inputs.clone()).collect();
    found.retain(|segment| !merged.contains(&segment.record.uid));
    let found = without_overlaps(found);
    let mut segments: Vec<SegmentRecord> = found.iter().map(|found| found.record).collect();
    segments.sort_unstable();
    let kept = manifest::kept(vfs, dir, db_uuid);
    let last = |field: fn(&Found) -> u64| found.iter().map(field).max().unwrap_or(0);
    let flushed_generation = last(|found| found.record.generation_hi);
    let mut record = ManifestRecord {
        db_uuid,
        edit: (last(|found| found.record.uid) >> 24) + 1,
        flushed_generation,
        flushed_seq: last(|found| found.seq_last),
        begun_generation: 0,
        segments,
        ledger: Ledger::default(),
    };
    let Some(kept) = kept else { return Ok(Some((record, None))) };
    record.edit = record.edit.max(kept.edit);
    record.ledger = kept.ledger;
    // A generation of deletions alone leaves no segment; one whose log is there is read again.
    let behind = flushed_generation + 1..=kept.flushed_generation.max(flushed_generation + 1);
    if kept.flushed_generation > flushed_generation && logs.range(behind).next().is_none() {
        record.flushed_generation = kept.flushed_generation;
        record.flushed_seq = record.flushed_seq.max(kept.flushed_seq);
    }
    // Later ones stand in the logs, too.
    record.ledger.tombstones.retain(|one| one.generation <= record.flushed_generation);
    let counts = CarriedLedger {
        edit: kept.edit,
        deletions: record.ledger.tombstones.len() as u64,
        producers: record.ledger.producers.len() as u64,
        retention: record.ledger.retention.policy(),
    };
    Ok(Some((record, Some(counts))))
}

fn find_segments(
    vfs: &dyn Vfs,
    dir: &Path,
    unreadable: &mut Vec<(PathBuf, Error)>,
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for partition in vfs.read_dir(&dir.join("seg"))? {
        let folder = dir.join("seg").join(&partition);
        let Ok(names) = vfs.read_dir(&folder) else { continue };
        for name in names.iter().filter(|name| manifest::is_segment_name(name)) {
            let path = folder.join(name);
            match vfs.open(&path).and_then(Segment::open).and_then(|segment| read(&segment)) {
                Ok(segment) => found.push(segment),
                Err(error) => unreadable.push((path, error)),
            }
        }
    }
    Ok(found)
}

fn read(segment: &Segment) -> Result<Found> {
    let (meta, summary) = (segment.meta(), segment.summary());
    let inputs = u32::try_from(segment.section(SectionId::Inputs).len / 8).unwrap_or(0);
    let inputs = (0..inputs).map(|index| segment.u64_at(SectionId::Inputs, index));
    Ok(Found {
        record: SegmentRecord {
            partition_start: meta.origin.partition_start,
            partition_nanos: meta.origin.partition_nanos,
            generation_lo: meta.origin.generation_lo,
            generation_hi: meta.origin.generation_hi,
            level: meta.origin.level,
            uid: meta.uid,
            file_bytes: summary.file_bytes,
            samples: summary.samples,
            time_first: summary.time_min.as_nanos(),
            time_last: summary.time_max.as_nanos(),
        },
        db_uuid: meta.origin.db_uuid,
        flush_set_size: meta.flush_set_size,
        seq_last: meta.seq_last,
        inputs: inputs.collect::<Result<_>>()?,
    })
}

/// Drops the segments of a flush that did not come to its end: its log has all of its samples.
fn drop_incomplete_flushes(found: &mut Vec<Found>, logs: &BTreeSet<u64>) {
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    for segment in found.iter().filter(|found| found.record.level == 0) {
        *counts.entry(segment.record.generation_hi).or_default() += 1;
    }
    found.retain(|segment| {
        let generation = segment.record.generation_hi;
        let count = counts.get(&generation).copied().unwrap_or(0);
        let is_whole = segment.record.level > 0 || count == segment.flush_set_size;
        is_whole || !logs.contains(&generation)
    });
}

/// Of segments of a partition that share a generation, keeps the one that was merged more often.
fn without_overlaps(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| std::cmp::Reverse((found.record.level, found.record.uid)));
    let mut kept: Vec<Found> = Vec::new();
    for segment in found {
        let overlaps = kept.iter().any(|other| {
            let (a, b) = (&segment.record, &other.record);
            (a.partition_start, a.partition_nanos) == (b.partition_start, b.partition_nanos)
                && a.generation_lo <= b.generation_hi
                && b.generation_lo <= a.generation_hi
        });
        if !overlaps {
            kept.push(segment);
        }
    }
    kept
}
