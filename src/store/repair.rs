//! Repairing a damaged store: what reads is kept, what does not goes into quarantine, and what that
//! costs is told.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::log_header::LOG_HEADER_BYTES;
use crate::format::manifest::ManifestRecord;
use crate::manifest;
use crate::model::{Progress, Timestamp};
use crate::snapshot::open_segment;
use crate::store::core::{Core, Store, locked};
use crate::store::merge::MergeJob;
use crate::store::options::{Background, Options};
use crate::store::rebuild::{CarriedLedger, rebuild};
use crate::store::verify::StoreDamage;
use crate::vfs::Vfs;
use crate::wal::{
    Ignore, LogBytes, LogGeneration, ScanState, beginning_lost, find_gap, generation_of_name,
    log_name, scan,
};

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairReport {
    /// True where the MANIFEST was lost and made anew.
    pub manifest_rebuilt: bool,
    /// What the new MANIFEST has of the lost one's deletions, retention and producers. Nothing:
    /// what was deleted or had expired may be back, all is kept for ever until retention is set
    /// again, and batches that producers send again may count twice.
    pub carried: Option<CarriedLedger>,
    /// Segments of which the chunks that read were written anew.
    pub segments_rewritten: u64,
    /// Files that were moved into `quarantine`.
    pub quarantined: Vec<PathBuf>,
    /// What is lost. Samples behind damage in a log are not counted.
    pub losses: Vec<StoreDamage>,
}

impl Store {
    /// Repairs a damaged store, so that it opens and verifies: damaged files go into `quarantine`
    /// and are removed by nobody, chunks that read are kept, the MANIFEST is made anew of the
    /// segments where it is lost. A store that is whole stays as it is.
    ///
    /// No process may write the store meanwhile. Takes the time of decoding all samples.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`], [`ErrorKind::FormatVersion`], [`ErrorKind::NotAStore`] where nothing
    /// of a store is left, I/O errors, a full disk.
    pub fn repair(path: impl AsRef<Path>) -> Result<RepairReport> {
        Self::options().repair(path)
    }
}

impl Options {
    /// Repairs a damaged store; see [`Store::repair`].
    ///
    /// # Errors
    /// As [`Store::repair`].
    pub fn repair(self, path: impl AsRef<Path>) -> Result<RepairReport> {
        let dir = path.as_ref();
        let mut report = RepairReport::default();
        {
            let vfs = &*self.vfs;
            let lock = vfs.lock(&dir.join("LOCK"), "a repair")?;
            let repair = Repair { vfs, dir, report: &mut report };
            repair.files()?;
            drop(lock);
        }
        let store = self.background(Background::Manual).open(dir)?;
        store.handle.core.salvage(&mut report)?;
        store.close()?;
        Ok(report)
    }
}

/// A repair under way.
struct Repair<'a> {
    vfs: &'a dyn Vfs,
    dir: &'a Path,
    report: &'a mut RepairReport,
}

impl Repair<'_> {
    /// Brings MANIFEST, segments and logs into a state that opens.
    fn files(mut self) -> Result<()> {
        self.vfs.create_dir_all(&self.dir.join("quarantine"))?;
        self.vfs.create_dir_all(&self.dir.join("tmp"))?;
        let before = self.manifest()?;
        let mut record = before.clone();
        record.segments.clear();
        for segment in &before.segments {
            // Without the names of metrics and labels nothing of a segment can be told apart.
            let opened = open_segment(self.vfs, self.dir, before.db_uuid, segment);
            match opened.and_then(|opened| opened.metrics()) {
                Ok(_) => record.segments.push(*segment),
                Err(error) => {
                    let path = manifest::segment_path(self.dir, segment);
                    let times = (segment.time_first, segment.time_last);
                    self.lose(&path, error, segment.samples, Some(times))?;
                }
            }
        }
        if record != before || self.report.manifest_rebuilt {
            record.edit += 1;
            manifest::replace(self.vfs, self.dir, &record)?;
        }
        let claim = record.begun_generation;
        self.logs(&mut record)?;
        if record.begun_generation != claim {
            record.edit += 1;
            manifest::replace(self.vfs, self.dir, &record)?;
        }
        Ok(())
    }

    fn manifest(&mut self) -> Result<ManifestRecord> {
        match manifest::load(self.vfs, self.dir) {
            Ok(Some(record)) => return Ok(record),
            Err(error) if !matches!(error.kind(), ErrorKind::Corrupt { .. }) => return Err(error),
            Err(error) => self.lose(&self.dir.join("MANIFEST"), error, 0, None)?,
            Ok(None) => {}
        }
        let mut unreadable = Vec::new();
        let record = rebuild(self.vfs, self.dir, &mut unreadable)?;
        for (path, error) in unreadable {
            self.lose(&path, error, 0, None)?;
        }
        self.report.manifest_rebuilt = true;
        let (record, carried) = record.ok_or_else(|| manifest::missing(self.dir))?;
        self.report.carried = carried;
        Ok(record)
    }

    /// Keeps the chain of logs up to the first damage; of the damaged one what stands before it.
    fn logs(&mut self, record: &mut ManifestRecord) -> Result<()> {
        let names = self.vfs.read_dir(&self.dir.join("wal"))?;
        let logs = names.iter().filter_map(|name| generation_of_name(name));
        let mut logs: Vec<u64> = logs.filter(|log| *log > record.flushed_generation).collect();
        logs.sort_unstable();
        let (mut seq, mut expected) = (record.flushed_seq, record.flushed_generation + 1);
        let (mut is_cut, mut begun) = (false, record.flushed_generation);
        for generation in logs {
            let path = self.dir.join("wal").join(log_name(generation));
            let outcome = if is_cut || generation != expected {
                Err(Error::corrupt(&path, 0, FormatError::Misplaced { what: "chain of logs" }))
            } else {
                self.log(record, generation, &mut seq)
            };
            expected = generation + 1;
            match outcome {
                Ok(true) => begun = generation,
                Ok(false) => {}
                Err(error) => {
                    is_cut = true;
                    self.lose(&path, error, 0, None)?;
                }
            }
        }
        if record.claimed().is_some_and(|claimed| claimed > begun) {
            if !is_cut {
                let path = self.dir.join("wal").join(log_name(begun + 1));
                self.lose(&path, beginning_lost(&path), 0, None)?;
            }
            record.begun_generation = 0;
        }
        self.vfs.sync_dir(&self.dir.join("wal"))
    }

    /// Checks one log; of a damaged one the valid prefix takes its place. Returns true if it begun.
    fn log(&mut self, record: &ManifestRecord, generation: u64, seq: &mut u64) -> Result<bool> {
        let path = self.dir.join("wal").join(log_name(generation));
        let bytes = LogBytes::Opened(self.vfs.open(&path)?);
        let Some(log) = LogGeneration::open(bytes, record.db_uuid, generation)? else {
            return Ok(false);
        };
        let mut state = ScanState::new();
        let scanned = scan(&log, &mut state, u64::MAX, &mut Ignore);
        let Some(open) = state.open else {
            return match find_gap(&log, &state)? {
                Some(gap) if gap.is_corruption => Err(Error::corrupt(
                    &path,
                    state.offset,
                    FormatError::Misplaced { what: "OPEN" },
                )),
                _ => scanned.map(|()| false),
            };
        };
        if open.previous_seq != *seq {
            return Err(Error::corrupt(&path, 0, FormatError::Misplaced { what: "previous log" }));
        }
        *seq = state.seq;
        let is_damaged = scanned.and_then(|()| log.check_not_cut(state.offset)).is_err()
            || find_gap(&log, &state)?.is_some_and(|gap| gap.is_corruption);
        if !is_damaged {
            return Ok(true);
        }
        let copy = self.prefix_of(&log, state.offset)?;
        let (needed, available) = (state.offset + 8, state.offset);
        let error = Error::corrupt(&path, available, FormatError::Truncated { needed, available });
        self.lose(&path, error, 0, None)?;
        self.vfs.rename(&copy, &path)?;
        // What comes behind does not follow it any more.
        *seq = u64::MAX;
        Ok(true)
    }

    /// Writes the beginning of a log into a file of its own, with a page of zeros behind it.
    fn prefix_of(&self, log: &LogGeneration, end: u64) -> Result<PathBuf> {
        let copy = self.dir.join("tmp").join(log_name(log.header.generation));
        if self.vfs.exists(&copy)? {
            self.vfs.remove(&copy)?;
        }
        let mut file = self.vfs.create(&copy)?;
        let mut block = vec![0; 64 << 10];
        let mut at = 0;
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(usize::MAX).min(block.len());
            let Some(part) = block.get_mut(..want) else { break };
            let got = log.bytes.read_at(at, part)?;
            file.write_all(part.get(..got).unwrap_or(&[]))?;
            at += got as u64;
            if got == 0 {
                break;
            }
        }
        let page = LOG_HEADER_BYTES as u64;
        let zeros = end.next_multiple_of(page) + page - end;
        file.write_all(&vec![0; usize::try_from(zeros).unwrap_or(0)])?;
        file.sync()?;
        Ok(copy)
    }

    /// Notes a loss, and moves the file into quarantine if it is there.
    fn lose(
        &mut self,
        path: &Path,
        error: Error,
        samples: u64,
        times: Option<(i64, i64)>,
    ) -> Result<()> {
        // What a newer version wrote is no damage.
        if matches!(error.kind(), ErrorKind::FormatVersion { .. }) {
            return Err(error);
        }
        let loss = StoreDamage::of_error(path.to_owned(), error, samples)?;
        let times =
            times.map(|(first, last)| (Timestamp::from_nanos(first), Timestamp::from_nanos(last)));
        if let Some(name) = path.file_name()
            && self.vfs.exists(path)?
        {
            let kept = self.dir.join("quarantine").join(name);
            self.vfs.rename(path, &kept)?;
            self.vfs.sync_dir(&self.dir.join("quarantine"))?;
            self.report.quarantined.push(kept);
        }
        self.report.losses.push(StoreDamage { times, ..loss });
        Ok(())
    }
}

impl Core {
    /// Writes what reads of damaged segments anew; the damaged files are kept in quarantine.
    fn salvage(&self, report: &mut RepairReport) -> Result<()> {
        let _one = locked(&self.maintenance);
        for (record, segment) in self.inputs() {
            let check = segment.verify()?;
            if check.damages.is_empty() {
                continue;
            }
            let path = manifest::segment_path(&self.dir, &record);
            let damages = check.damages.iter();
            report.losses.extend(damages.map(|damage| StoreDamage::of_segment(&path, damage)));
            let kept = self.dir.join("quarantine").join(manifest::segment_name(&record));
            if !self.options.vfs.exists(&kept)? {
                self.options.vfs.link(&path, &kept)?;
                self.options.vfs.sync_dir(&self.dir.join("quarantine"))?;
            }
            report.quarantined.push(kept);
            let partition = (record.partition_nanos != 0).then_some(record.partition_start);
            let job = MergeJob { partition, inputs: vec![(record, segment)], salvage: true };
            self.run_merges(&[job], &Progress::default())?;
            report.segments_rewritten += 1;
        }
        Ok(())
    }
}
