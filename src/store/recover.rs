//! Recovery: what the logs of an earlier process hold, and what may be removed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::manifest::ManifestRecord;
use crate::manifest;
use crate::model::{MetricDef, Timestamp};
use crate::snapshot::Follower;
use crate::store::core::LiveGeneration;
use crate::store::options::Options;
use crate::wal::{
    Gap, LogBytes, LogGeneration, ScanState, beginning_lost, find_gap, generation_of_name, log_name,
};

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
    /// Logs without their first frame, which were removed. A process that dies while it begins one
    /// leaves such a file, and so does damage to a log that nothing on disk proves to have begun.
    pub unborn: Vec<PathBuf>,
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
    let mut scanned = scan_logs(options, dir, manifest, &later)?;
    // A rotation makes the next file before it syncs the current one, whose OPEN frame a power cut
    // may take: then two logs at the end never began.
    let begun = scanned.iter().take_while(|log| log.state.open.is_some()).count();
    let unopened = scanned.split_off(begun);
    if let Some(first) = unopened.first()
        && unopened.iter().any(|log| log.state.open.is_some())
    {
        return Err(missing_log(&first.path));
    }
    let last = manifest.flushed_generation + scanned.len() as u64;
    if manifest.claimed().is_some_and(|claimed| claimed > last) {
        return Err(beginning_lost(&logs.join(log_name(last + 1))));
    }
    let mut recovered = RecoveredLogs { seq: manifest.flushed_seq, ..RecoveredLogs::default() };
    for log in &mut scanned {
        // An OPEN frame behind it proves its length, but not that nothing lies behind its end: an
        // earlier recovery may have found a gap, and died before the log was flushed.
        let gap = find_gap(log.follower.log(), &log.state)?;
        recovered.take(log, gap)?;
    }
    let mut discarded = Vec::with_capacity(unopened.len());
    for log in unopened {
        let gap = find_gap(log.follower.log(), &log.state)?;
        gap.map_or(Ok(()), |gap| recovered.note_gap(&log, gap))?;
        recovered.report.unborn.push(log.path.clone());
        discarded.push((log.path, gap.is_some()));
    }
    recovered.generations = scanned.into_iter().map(ScannedLog::into_live).collect();
    // From the last to the first, so that a recovery that is cut leaves no hole in the chain.
    for (path, has_frames) in discarded.iter().rev() {
        discard(options, dir, path, *has_frames)?;
    }
    for generation in flushed {
        remove_flushed(options, dir, manifest.db_uuid, generation)?;
    }
    Ok(recovered)
}

/// Removes a log whose samples lie in segments, left by a process that died before it could.
/// Frames behind a gap, or bytes that do not read, are in no segment: that log is kept.
fn remove_flushed(options: &Options, dir: &Path, uuid: [u8; 16], generation: u64) -> Result<()> {
    let path = dir.join("wal").join(log_name(generation));
    let has_more = match ScannedLog::read(options, dir, uuid, generation) {
        Ok(log) => find_gap(log.follower.log(), &log.state)?.is_some(),
        Err(error) if matches!(error.kind(), ErrorKind::Io { .. }) => return Err(error),
        Err(_) => true,
    };
    discard(options, dir, &path, has_more)
}

/// Reads the logs behind the flushed ones, of which none may be missing.
fn scan_logs(
    options: &Options,
    dir: &Path,
    manifest: &ManifestRecord,
    later: &[u64],
) -> Result<Vec<ScannedLog>> {
    let mut scanned = Vec::with_capacity(later.len());
    for (expected, &generation) in (manifest.flushed_generation + 1..).zip(later) {
        if generation != expected {
            return Err(missing_log(&dir.join("wal").join(log_name(expected))));
        }
        scanned.push(ScannedLog::read(options, dir, manifest.db_uuid, generation)?);
    }
    Ok(scanned)
}

/// A log behind the flushed ones, read to the end of its valid prefix.
#[derive(Debug)]
struct ScannedLog {
    path: PathBuf,
    generation: u64,
    follower: Follower,
    state: ScanState,
    has_gap: bool,
}

impl ScannedLog {
    fn read(options: &Options, dir: &Path, db_uuid: [u8; 16], generation: u64) -> Result<Self> {
        let path = dir.join("wal").join(log_name(generation));
        let bytes = LogBytes::Opened(options.vfs.open(&path)?);
        let begun = LogGeneration::open(bytes.clone(), db_uuid, generation)?;
        let log = begun.unwrap_or(LogGeneration::unread(bytes, db_uuid, generation));
        let mut follower = Follower::new(log);
        follower.advance(u64::MAX)?;
        let state = *follower.state();
        follower.log().check_not_cut(state.offset)?;
        Ok(Self { path, generation, follower, state, has_gap: false })
    }

    fn into_live(self) -> LiveGeneration {
        LiveGeneration {
            number: self.generation,
            created: Timestamp::from_nanos(self.follower.log().header.created),
            follower: Arc::new(Mutex::new(self.follower)),
            sealed_end: Some(self.state.offset),
            has_gap: self.has_gap,
        }
    }
}

impl RecoveredLogs {
    /// Adds a log that has begun to the chain.
    fn take(&mut self, log: &mut ScannedLog, gap: Option<Gap>) -> Result<()> {
        let Some(open) = log.state.open else { return Err(missing_log(&log.path)) };
        check_chain(&log.path, open.previous_seq, self.seq, &log.state)?;
        if let Some(gap) = gap {
            self.note_gap(log, gap)?;
        }
        log.has_gap = gap.is_some();
        let metrics = log.follower.view().metrics();
        self.metrics.extend(metrics.iter().map(|def| MetricDef::clone(def)));
        self.report.generations += 1;
        self.report.frames += log.state.seq - open.previous_seq;
        self.seq = log.state.seq;
        Ok(())
    }

    fn note_gap(&mut self, log: &ScannedLog, gap: Gap) -> Result<()> {
        let (path, offset, seq_before) = (log.path.clone(), log.state.offset, log.state.seq);
        let seq_after = gap.seq_after;
        if gap.is_corruption {
            return Err(ErrorKind::LogGap { path, offset, seq_before, seq_after }.into());
        }
        let frames_after = gap.frames;
        let gap = RecoveredGap { path, offset, seq_before, seq_after, frames_after };
        self.report.gaps.push(gap);
        Ok(())
    }
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

/// Removes a log that the store needs no more; one with frames that were never part of the store,
/// which are what a power cut left, is kept in quarantine for salvage.
fn discard(options: &Options, dir: &Path, path: &Path, has_frames: bool) -> Result<()> {
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
        let names = match vfs.read_dir(&partition) {
            // A file that someone put beside the partitions is none of ours.
            Err(error) if is_not_a_directory(&error) => continue,
            names => names?,
        };
        for name in names {
            let path = partition.join(&name);
            if manifest::is_segment_name(&name) && !live.contains(&path) {
                vfs.remove(&path)?;
            }
        }
    }
    Ok(())
}

fn is_not_a_directory(error: &Error) -> bool {
    matches!(error.kind(),
        ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory)
}

fn missing_log(path: &Path) -> Error {
    Error::corrupt(path, 0, FormatError::Misplaced { what: "place in the chain of logs" })
}
