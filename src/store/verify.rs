//! Checking a store: every segment whole, and the chain of logs.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::SegmentRecord;
use crate::manifest;
use crate::model::{Progress, Timestamp};
use crate::segment::{Damage, Segment};
use crate::snapshot::{Reader, StoreReader};
use crate::wal::{
    Ignore, LogBytes, LogGeneration, ScanState, find_gap, generation_of_name, log_name, scan,
};

/// What a check of a store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Segments that were checked.
    pub segments: u64,
    /// Chunks that were decoded and compared with their index.
    pub chunks: u64,
    /// Samples in segments that are whole.
    pub samples: u64,
    /// Log generations that were scanned.
    pub logs: u64,
    /// What is damaged; nothing where the store is whole.
    pub damages: Vec<StoreDamage>,
}

/// One damaged place, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreDamage {
    /// The file.
    pub path: PathBuf,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
    /// The series whose samples are lost, where it is known.
    pub series: Option<String>,
    /// The times of the first and last lost sample, where they are known.
    pub times: Option<(Timestamp, Timestamp)>,
    /// How many samples are lost, where it is known.
    pub samples: u64,
}

impl Reader {
    /// Checks every byte of the store: all checksums, every chunk against its index and statistics,
    /// posting lists against series, the chain of logs. Writes nothing.
    ///
    /// Takes the time of decoding all samples.
    ///
    /// # Errors
    /// I/O errors, and a manifest that cannot be read; other damage is in the report.
    pub fn verify(&self) -> Result<VerifyReport> {
        self.verify_watched(&Progress::default())
    }

    /// Checks the store as [`Reader::verify`] does, and says meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Reader::verify`].
    pub fn verify_watched(&self, progress: &Progress) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        for store in self.stores() {
            store.verify(&mut report, progress)?;
        }
        Ok(report)
    }
}

impl StoreReader {
    fn verify(&self, report: &mut VerifyReport, progress: &Progress) -> Result<()> {
        let (vfs, dir) = (self.vfs(), self.dir());
        let manifest = manifest::load(vfs, dir)?.ok_or_else(|| manifest::missing(dir))?;
        progress.expect(manifest.segments.iter().map(|record| record.file_bytes).sum());
        for record in &manifest.segments {
            self.verify_segment(record, report)?;
            progress.advance(record.file_bytes);
        }
        self.verify_logs(manifest.db_uuid, manifest.flushed_generation, report)?;
        match self.view() {
            // What keeps readers out has been found above, with more about it.
            Err(_) if !report.damages.is_empty() => {}
            Err(error) => {
                let path = match error.kind() {
                    ErrorKind::Corrupt { path, .. } | ErrorKind::LogGap { path, .. } => path,
                    _ => self.dir(),
                };
                report.note(path.to_owned(), error, 0)?;
            }
            Ok(_) => {}
        }
        Ok(())
    }

    fn verify_segment(&self, record: &SegmentRecord, report: &mut VerifyReport) -> Result<()> {
        report.segments += 1;
        let path = manifest::segment_path(self.dir(), record);
        let opened = self.vfs().open(&path).and_then(Segment::open);
        let segment = match opened {
            Ok(segment) => segment,
            // A writer may have merged it since the manifest was read.
            Err(error) if error.is_not_found() && !self.is_live(record)? => {
                report.segments -= 1;
                return Ok(());
            }
            Err(error) => {
                return report.note(path, error, record.samples);
            }
        };
        let check = segment.verify()?;
        report.chunks += check.chunks;
        report.samples += check.samples;
        let damages = check.damages.iter();
        report.damages.extend(damages.map(|damage| StoreDamage::of_segment(&path, damage)));
        Ok(())
    }

    /// True where the current manifest names a segment.
    fn is_live(&self, record: &SegmentRecord) -> Result<bool> {
        let manifest = manifest::load(self.vfs(), self.dir())?;
        Ok(manifest.is_some_and(|manifest| manifest.segments.contains(record)))
    }

    fn verify_logs(
        &self,
        db_uuid: [u8; 16],
        flushed: u64,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let logs = self.dir().join("wal");
        let names = self.vfs().read_dir(&logs)?;
        let generations = names.iter().filter_map(|name| generation_of_name(name));
        for generation in generations.filter(|generation| *generation > flushed) {
            let path = logs.join(log_name(generation));
            let outcome = self.vfs().open(&path).and_then(|file| {
                let Some(log) = LogGeneration::open(LogBytes::Opened(file), db_uuid, generation)?
                else {
                    return Ok(());
                };
                let mut state = ScanState::new();
                scan(&log, &mut state, u64::MAX, &mut Ignore)?;
                log.check_not_cut(state.offset)?;
                match find_gap(&log, &state)? {
                    // A live writer may have published the frames since the scan.
                    Some(gap) if gap.offset > state.offset => Err(ErrorKind::LogGap {
                        path: path.clone(),
                        offset: state.offset,
                        seq_before: state.seq,
                        seq_after: gap.seq_after,
                    }
                    .into()),
                    _ => Ok(()),
                }
            });
            match outcome {
                // Flushed and removed since the manifest was read.
                Err(error) if error.is_not_found() => continue,
                Err(error) => report.note(path, error, 0)?,
                Ok(()) => {}
            }
            report.logs += 1;
        }
        Ok(())
    }
}

impl StoreDamage {
    /// Takes what a check of a segment found.
    pub(crate) fn of_segment(path: &Path, damage: &Damage) -> Self {
        let lost = damage.lost.as_ref();
        Self {
            path: path.to_owned(),
            offset: damage.offset,
            what: damage.error.to_string(),
            series: lost.and_then(|lost| lost.key.as_ref()).map(ToString::to_string),
            times: lost.map(|lost| (lost.time_min, lost.time_max)),
            samples: lost.map_or(0, |lost| lost.samples),
        }
    }

    /// Takes a file that cannot be used; an error of another kind stays one.
    pub(crate) fn of_error(path: PathBuf, error: Error, samples: u64) -> Result<Self> {
        let (offset, what) = match error.kind() {
            ErrorKind::Corrupt { offset, source, .. } => (*offset, source.to_string()),
            ErrorKind::FormatVersion { .. } => (0, error.to_string()),
            ErrorKind::LogGap { offset, .. } => (*offset, error.to_string()),
            ErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                (0, "the file is missing".to_owned())
            }
            _ => return Err(error),
        };
        Ok(Self { path, offset, what, series: None, times: None, samples })
    }
}

impl VerifyReport {
    /// Notes a damage; an error of another kind ends the check.
    fn note(&mut self, path: PathBuf, error: Error, samples: u64) -> Result<()> {
        self.damages.push(StoreDamage::of_error(path, error, samples)?);
        Ok(())
    }
}
