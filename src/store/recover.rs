//! Recovery: what the logs of an earlier process hold, and what may be removed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::log_header::LogHeader;
use crate::format::manifest::ManifestRecord;
use crate::manifest;
use crate::model::{MetricDef, Timestamp};
use crate::snapshot::Follower;
use crate::store::core::LiveGeneration;
use crate::store::options::Options;
use crate::wal::{Gap, LogBytes, LogGeneration, ScanState, find_gap, generation_of_name, log_name};

/// What was found when a store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// True where the store was created.
    pub is_new: bool,
    /// How many log generations were not flushed.
    pub generations: u64,
    /// How many frames with samples these hold.
    pub frames: u64,
    /// Logs that a power cut left with a gap; each file is kept in `quarantine` for salvage.
    pub gaps: Vec<RecoveredGap>,
}

/// A log whose valid prefix ends before frames that are valid too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredGap {
    /// The log file.
    pub path: PathBuf,
    /// Where its valid prefix ends.
    pub offset: u64,
    /// The sequence number of the last frame before the gap.
    pub seq_before: u64,
    /// The first sequence number known behind it; 0 where none is.
    pub seq_after: u64,
    /// How many valid frames stand behind it. They were never promised to survive a power cut.
    pub frames_after: u64,
}

/// The logs of earlier processes.
#[derive(Debug, Default)]
pub(crate) struct RecoveredLogs {
    /// Sealed generations, oldest first.
    pub(crate) generations: Vec<LiveGeneration>,
    /// The metrics that they define.
    pub(crate) metrics: Vec<MetricDef>,
    /// The sequence number of the last frame.
    pub(crate) seq: u64,
    pub(crate) report: RecoveryReport,
}

/// Scans the chain of logs behind the flushed generations as a reader does, and removes logs that
/// were flushed or that never began.
///
/// # Errors
/// [`ErrorKind::Corrupt`] and [`ErrorKind::LogGap`] where bytes that were proven durable are
/// missing or damaged; nothing has been changed then that another attempt would miss.
pub(crate) fn recover_logs(
    options: &Options,
    dir: &Path,
    manifest: &ManifestRecord,
) -> Result<RecoveredLogs> {
    let logs = dir.join("wal");
    let names = options.vfs.read_dir(&logs)?;
    let mut generations: Vec<u64> = names.iter().filter_map(|n| generation_of_name(n)).collect();
    generations.sort_unstable();
    let (flushed, later): (Vec<u64>, Vec<u64>) =
        generations.into_iter().partition(|g| *g <= manifest.flushed_generation);
    let mut recovered = RecoveredLogs { seq: manifest.flushed_seq, ..RecoveredLogs::default() };
    for (expected, (index, generation)) in
        (manifest.flushed_generation + 1..).zip(later.iter().copied().enumerate())
    {
        let is_last = index + 1 == later.len();
        let path = logs.join(log_name(generation));
        if generation != expected {
            return Err(missing_log(&logs.join(log_name(expected))));
        }
        recover_log(options, dir, &path, generation, is_last, manifest, &mut recovered)?;
    }
    for generation in flushed {
        options.vfs.remove(&logs.join(log_name(generation)))?;
    }
    Ok(recovered)
}

fn recover_log(
    options: &Options,
    dir: &Path,
    path: &Path,
    generation: u64,
    is_last: bool,
    manifest: &ManifestRecord,
    recovered: &mut RecoveredLogs,
) -> Result<()> {
    let bytes = LogBytes::Opened(options.vfs.open(path)?);
    let log = match LogGeneration::open(bytes.clone(), manifest.db_uuid, generation) {
        Ok(Some(log)) => log,
        Ok(None) => expected_log(bytes, manifest.db_uuid, generation),
        Err(error) => {
            // A header that never reached the disk whole belongs to a log that never began.
            let log = expected_log(bytes, manifest.db_uuid, generation);
            let is_version = matches!(error.kind(), ErrorKind::FormatVersion { .. });
            if is_version || !is_last || find_gap(&log, &ScanState::new())?.is_some() {
                return Err(error);
            }
            log
        }
    };
    let mut follower = Follower::new(log.clone());
    follower.advance(u64::MAX)?;
    let state = *follower.state();
    let gap = if is_last { find_gap(&log, &state)? } else { None };
    if let Some(gap) = gap {
        note_gap(path, &state, gap, recovered)?;
    }
    let Some(open) = state.open else {
        if !is_last {
            return Err(missing_log(path));
        }
        return discard_unopened(options, dir, path, gap.is_some());
    };
    check_chain(path, open.previous_seq, recovered.seq, &state)?;
    let view = follower.view();
    recovered.metrics.extend(view.metrics().iter().map(|def| MetricDef::clone(def)));
    recovered.report.generations += 1;
    recovered.report.frames += state.seq - open.previous_seq;
    recovered.seq = state.seq;
    recovered.generations.push(LiveGeneration {
        number: generation,
        created: Timestamp::from_nanos(log.header.created),
        follower: Arc::new(Mutex::new(follower)),
        sealed_end: Some(state.offset),
        has_gap: gap.is_some(),
    });
    Ok(())
}

/// The log as its name says it must be, where its header cannot be read.
fn expected_log(bytes: LogBytes, db_uuid: [u8; 16], generation: u64) -> LogGeneration {
    LogGeneration { header: LogHeader { db_uuid, generation, created: 0 }, bytes }
}

/// A log is opened only after all before it was made durable, so less than that is damage.
fn check_chain(path: &Path, previous_seq: u64, seq: u64, state: &ScanState) -> Result<()> {
    match previous_seq.cmp(&seq) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(ErrorKind::LogGap {
            path: path.to_owned(),
            offset: state.offset,
            seq_before: seq,
            seq_after: previous_seq,
        }
        .into()),
        std::cmp::Ordering::Less => Err(missing_log(path)),
    }
}

fn note_gap(path: &Path, state: &ScanState, gap: Gap, recovered: &mut RecoveredLogs) -> Result<()> {
    if gap.is_corruption {
        return Err(ErrorKind::LogGap {
            path: path.to_owned(),
            offset: state.offset,
            seq_before: state.seq,
            seq_after: gap.seq_after,
        }
        .into());
    }
    recovered.report.gaps.push(RecoveredGap {
        path: path.to_owned(),
        offset: state.offset,
        seq_before: state.seq,
        seq_after: gap.seq_after,
        frames_after: gap.frames,
    });
    Ok(())
}

/// Removes a log without OPEN: nothing in it was ever part of the store. Frames without the OPEN
/// before them are what a power cut left, and are kept for salvage.
fn discard_unopened(options: &Options, dir: &Path, path: &Path, has_frames: bool) -> Result<()> {
    let vfs = &*options.vfs;
    if has_frames && let Some(name) = path.file_name() {
        vfs.rename(path, &dir.join("quarantine").join(name))?;
        vfs.sync_dir(&dir.join("quarantine"))?;
    } else {
        vfs.remove(path)?;
    }
    vfs.sync_dir(&dir.join("wal"))
}

/// Removes what a flush or merge left that did not reach its manifest.
pub(crate) fn remove_orphans(
    options: &Options,
    dir: &Path,
    manifest: &ManifestRecord,
) -> Result<()> {
    let vfs = &*options.vfs;
    let temporary = dir.join("tmp");
    for name in vfs.read_dir(&temporary)? {
        vfs.remove(&temporary.join(name))?;
    }
    let live: Vec<PathBuf> =
        manifest.segments.iter().map(|record| manifest::segment_path(dir, record)).collect();
    let partitions = dir.join("seg");
    for partition in vfs.read_dir(&partitions)? {
        let partition = partitions.join(partition);
        for name in vfs.read_dir(&partition)? {
            let path = partition.join(name);
            let is_ours = path.extension().is_some_and(|extension| extension == "sbs");
            if is_ours && !live.contains(&path) {
                vfs.remove(&path)?;
            }
        }
    }
    Ok(())
}

fn missing_log(path: &Path) -> Error {
    Error::corrupt(path, 0, FormatError::Misplaced { what: "place in the chain of logs" })
}
