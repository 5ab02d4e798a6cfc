//! Reading beside a live writer, from any process: no lock, no write, no registration.
//!
//! The protocol: read MANIFEST, open its segments, open the logs of all later generations, and only
//! then scan. A log's valid prefix counts; the next generation counts if its OPEN frame continues
//! with the sequence number where the prefix ended, and is read again where that is more. Where a
//! file is missing, the writer has moved on: start over. The chain ends at a log that is absent
//! while its first log is there. `tests/reader_protocol.rs` walks through a model of this.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::manifest;
use crate::model::{Clock, Limits};
use crate::segment::Segment;
use crate::snapshot::follower::Follower;
use crate::snapshot::view::{SnapshotHead, SnapshotParts, open_segment};
use crate::tombstone::Deletions;
use crate::vfs::Vfs;
use crate::wal::{LogBytes, LogGeneration, beginning_lost, log_name};

/// How long a reader starts over before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits before it starts over: a rename of the writer takes less.
const PAUSE: Duration = Duration::from_millis(2);

/// One store opened for reading, beside a writer that may be running.
///
/// It keeps what it has read: a later snapshot reads only what was appended since.
#[derive(Debug)]
pub(crate) struct StoreReader {
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    dir: PathBuf,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    /// The store that they belong to: another one may have been moved into the directory.
    db_uuid: [u8; 16],
    segments: BTreeMap<SegmentRecord, Arc<Segment>>,
    followers: BTreeMap<u64, Follower>,
}

/// Why one attempt did not give a snapshot.
enum Attempt {
    /// A file was not there: the writer has moved on.
    Moved,
    /// Something else is wrong, or may be: it counts once it stays so.
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        if error.is_not_found() { Self::Moved } else { Self::Failed(error) }
    }
}

/// What keeps a moment of a store readable: its manifest, and all files that it needs, opened.
#[derive(Debug)]
pub(crate) struct PinnedStore {
    pub(crate) record: ManifestRecord,
    /// The live segments, in the order of the manifest.
    pub(crate) segments: Vec<(SegmentRecord, Arc<Segment>)>,
    /// The logs that are not flushed, in order of generation.
    pub(crate) logs: Vec<PinnedLog>,
    /// The sequence number of the last frame.
    pub(crate) seq: u64,
    /// The samples in segments and in logs.
    pub(crate) samples: u64,
}

/// A log up to a moment.
#[derive(Debug)]
pub(crate) struct PinnedLog {
    pub(crate) log: LogGeneration,
    /// The end of the part that counts.
    pub(crate) end: u64,
}

impl StoreReader {
    /// Opens a store for reading.
    ///
    /// # Errors
    /// [`ErrorKind::NotAStore`] where there is none, and I/O errors.
    pub(crate) fn open(
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        dir: &Path,
    ) -> Result<Self> {
        if manifest::load(&*vfs, dir)?.is_none() {
            return Err(manifest::missing(dir));
        }
        Ok(Self { vfs, clock, limits, dir: dir.to_owned(), cache: Mutex::new(Cache::default()) })
    }

    /// Returns a view of everything that the writer has committed when the call begins, and the
    /// identity of the store that was found.
    ///
    /// # Errors
    /// Damage, I/O errors, and [`ErrorKind::Busy`] where files kept changing for five seconds.
    pub(crate) fn view(&self) -> Result<(SnapshotParts, [u8; 16])> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (parts, record) = self.settle(&mut cache)?;
        Ok((parts, record.db_uuid))
    }

    /// Returns what keeps the same moment readable for longer than the store does.
    ///
    /// # Errors
    /// As [`StoreReader::view`].
    pub(crate) fn pin(&self) -> Result<PinnedStore> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (parts, record) = self.settle(&mut cache)?;
        let segments = record.segments.iter().filter_map(|segment| {
            cache.segments.get(segment).map(|opened| (*segment, Arc::clone(opened)))
        });
        let segments: Vec<_> = segments.collect();
        let followers = parts.heads.iter().filter_map(|head| cache.followers.get(&head.generation));
        let logs = followers.map(|follower| PinnedLog {
            log: follower.log().clone(),
            end: follower.state().offset,
        });
        let in_logs = parts.heads.iter().map(|head| head.view.sample_count()).sum::<u64>();
        let in_segments = segments.iter().map(|(segment, _)| segment.samples).sum::<u64>();
        let (logs, samples) = (logs.collect(), in_segments + in_logs);
        Ok(PinnedStore { segments, logs, seq: parts.seq, samples, record })
    }

    /// Tries until the files stand still for long enough.
    fn settle(&self, cache: &mut Cache) -> Result<(SnapshotParts, ManifestRecord)> {
        let started = Instant::now();
        let mut failed_before = false;
        loop {
            match self.attempt(cache) {
                Ok(settled) => return Ok(settled),
                // A live log is read again before anything is reported.
                Err(Attempt::Failed(error)) if failed_before => return Err(error),
                Err(Attempt::Failed(_)) => {
                    failed_before = true;
                    cache.followers.clear();
                }
                Err(Attempt::Moved) => {}
            }
            if started.elapsed() >= PATIENCE {
                let waited_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
                return Err(ErrorKind::Busy { path: self.dir.clone(), waited_ms }.into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    pub(crate) fn vfs(&self) -> &dyn Vfs {
        &*self.vfs
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn attempt(&self, cache: &mut Cache) -> Result<(SnapshotParts, ManifestRecord), Attempt> {
        let record =
            manifest::load(&*self.vfs, &self.dir)?.ok_or_else(|| manifest::missing(&self.dir))?;
        if cache.db_uuid != record.db_uuid {
            *cache = Cache { db_uuid: record.db_uuid, ..Cache::default() };
        }
        let segments = self.open_segments(&record, cache)?;
        let last = self.open_logs(&record, cache)?;
        let mut deletions = Deletions::of_ledger(&record.ledger);
        let (heads, seq) = read_logs(&record, last, cache)?;
        let last = heads.last().map_or(record.flushed_generation, |head| head.generation);
        if record.claimed().is_some_and(|claimed| claimed > last) {
            return Err(beginning_lost(&self.log_path(last + 1)).into());
        }
        for head in &heads {
            if let Some(follower) = cache.followers.get(&head.generation) {
                deletions.extend(follower.tombstones());
            }
        }
        let log_bytes = cache.followers.values().map(|follower| follower.state().offset).sum();
        let parts = SnapshotParts {
            dir: self.dir.clone(),
            now: self.clock.now(),
            limits: self.limits.clone(),
            segments,
            heads,
            deletions,
            written: record.ledger.written,
            seq,
            log_bytes,
        };
        Ok((parts, record))
    }

    fn open_segments(
        &self,
        record: &ManifestRecord,
        cache: &mut Cache,
    ) -> Result<Vec<Arc<Segment>>, Attempt> {
        cache.segments.retain(|segment, _| record.segments.contains(segment));
        for segment in &record.segments {
            if let btree_map::Entry::Vacant(place) = cache.segments.entry(*segment) {
                match open_segment(&*self.vfs, &self.dir, record.db_uuid, segment) {
                    Ok(opened) => drop(place.insert(opened)),
                    Err(error) if error.is_not_found() => return Err(self.absent(record, segment)?),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let mut live: Vec<_> = cache.segments.iter().collect();
        live.sort_by_key(|(segment, _)| (segment.generation_lo, segment.partition_start));
        Ok(live.into_iter().map(|(_, segment)| Arc::clone(segment)).collect())
    }

    /// Says why a segment is not there: the writer has moved on, or somebody took it away.
    ///
    /// A writer removes a segment only when the manifest no longer names it.
    fn absent(&self, record: &ManifestRecord, segment: &SegmentRecord) -> Result<Attempt> {
        let again = manifest::load(&*self.vfs, &self.dir)?;
        if again.is_none_or(|again| again.edit != record.edit) {
            return Ok(Attempt::Moved);
        }
        let path = manifest::segment_path(&self.dir, segment);
        let error = FormatError::Truncated { needed: segment.file_bytes, available: 0 };
        Ok(Attempt::Failed(Error::corrupt(&path, 0, error)))
    }

    /// Opens the logs of all generations behind the flushed ones; returns the last that is there.
    fn open_logs(&self, record: &ManifestRecord, cache: &mut Cache) -> Result<u64, Attempt> {
        let first = record.flushed_generation + 1;
        // A log without OPEN may be replaced by one of the same name: it is not kept.
        cache
            .followers
            .retain(|generation, follower| *generation >= first && follower.state().open.is_some());
        let mut generation = first;
        loop {
            if let btree_map::Entry::Vacant(place) = cache.followers.entry(generation) {
                let path = self.log_path(generation);
                let file = match self.vfs.open(&path) {
                    Ok(file) => file,
                    Err(error) if error.is_not_found() => {
                        self.check_chain_stands(record, generation)?;
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                let bytes = LogBytes::Opened(file);
                match LogGeneration::open(bytes, record.db_uuid, generation)? {
                    Some(log) => place.insert(Follower::new(log)),
                    None => break,
                };
            }
            generation += 1;
        }
        Ok(generation - 1)
    }

    /// Makes sure that a log is absent because it was never there, and not because it was flushed
    /// and removed since the manifest was read.
    ///
    /// Logs are removed oldest first, so nothing was while the first one stands. Where there is no
    /// log at all, only the manifest can tell.
    fn check_chain_stands(&self, record: &ManifestRecord, absent: u64) -> Result<(), Attempt> {
        let first = record.flushed_generation + 1;
        let stands = if absent > first {
            self.vfs.exists(&self.log_path(first))?
        } else {
            let again = manifest::load(&*self.vfs, &self.dir)?;
            again.is_some_and(|again| again.flushed_generation == record.flushed_generation)
        };
        if stands { Ok(()) } else { Err(Attempt::Moved) }
    }

    fn log_path(&self, generation: u64) -> PathBuf {
        self.dir.join("wal").join(log_name(generation))
    }
}

/// Scans the chain of logs; returns their views and the last sequence number.
fn read_logs(
    record: &ManifestRecord,
    last: u64,
    cache: &mut Cache,
) -> Result<(Vec<SnapshotHead>, u64), Attempt> {
    let (mut heads, mut seq) = (Vec::new(), record.flushed_seq);
    let mut newest = None;
    for generation in record.flushed_generation + 1..=last {
        let Some(follower) = cache.followers.get_mut(&generation) else { break };
        // What this log has published is read before its successor's OPEN is looked at, so a
        // successor that is found now cannot hide frames that were published here before it.
        follower.advance(u64::MAX)?;
        let Some(open) = follower.state().open else { break };
        if open.previous_seq != seq {
            let previous = generation.checked_sub(1).and_then(|g| cache.followers.get_mut(&g));
            seq = catch_up(previous, open.previous_seq, &mut heads, generation)?;
        }
        let Some(follower) = cache.followers.get_mut(&generation) else { break };
        heads.push(SnapshotHead { generation, view: follower.view() });
        seq = follower.state().seq;
        newest = Some(generation);
    }
    // Bytes that are proven to have been there and do not read now would shorten answers silently.
    let newest = newest.and_then(|newest| cache.followers.get_mut(&newest));
    newest.map_or(Ok(()), Follower::check_end)?;
    Ok((heads, seq))
}

/// Reads the previous log again, since its successor says that it holds more.
fn catch_up(
    previous: Option<&mut Follower>,
    wanted: u64,
    heads: &mut Vec<SnapshotHead>,
    generation: u64,
) -> Result<u64, Attempt> {
    // Without a log before it, the manifest is older than this log: the writer has moved on.
    let Some(previous) = previous else { return Err(Attempt::Moved) };
    previous.advance(u64::MAX)?;
    let state = *previous.state();
    if state.seq != wanted {
        let path = previous.log().bytes.path();
        if state.seq > wanted {
            let error = FormatError::Misplaced { what: "next generation" };
            return Err(Error::corrupt(path, state.offset, error).into());
        }
        let gap = ErrorKind::LogGap {
            path: path.to_owned(),
            offset: state.offset,
            seq_before: state.seq,
            seq_after: wanted,
        };
        debug_assert!(generation > 0);
        return Err(Attempt::Failed(gap.into()));
    }
    heads.pop();
    let generation = previous.log().header.generation;
    heads.push(SnapshotHead { generation, view: previous.view() });
    Ok(state.seq)
}
