//! Requests: what can be asked of a store here, or of its live writer through the inbox.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{ErrorKind, Result};
use crate::format::ledger::Ledger;
use crate::format::ledger::RetentionRecord;
use crate::format::request::{ReplyRecord, RequestRecord};
use crate::format::tombstone::Tombstone;
use crate::model::{Mark, MetricDef, Progress, Retention, Selector, TimeRange, Timestamp};
use crate::store::core::{Core, Store};
use crate::store::delete::DeleteReport;
use crate::store::inbox::Inbox;
use crate::store::merge::CompactReport;
use crate::store::retention::RetentionReport;
use crate::vfs::{OsVfs, Vfs};

/// How often an answer is looked for.
const PAUSE: Duration = Duration::from_millis(20);

/// What can be asked of a store by a process that is not its writer.
///
/// ```
/// use std::time::Duration;
/// use silverback::{MetricDef, Outcome, Request, Store};
/// # fn main() -> silverback::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder for the example");
/// # let path = folder.path().join("data");
/// let store = Store::open(&path)?;
/// // Another process would do the same.
/// let outcome = Request::Compact.send(&path, Duration::from_secs(10))?;
/// assert!(matches!(outcome, Outcome::Compacted(_)));
/// store.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Request {
    /// Defines a metric, or gives one its unit.
    Define(MetricDef),
    /// Names an instant; see [`Store::mark`].
    Mark(Mark),
    /// Deletes the samples of a selector and a range; see [`Store::delete`].
    Delete(Selector, TimeRange),
    /// Sets how long samples are kept; see [`Store::set_retention`].
    Retain(Retention),
    /// Removes what has expired.
    Expire,
    /// Merges the segments of each partition; see [`Store::compact`].
    Compact,
    /// Compacts and takes deleted samples off the disk; see [`Store::purge`].
    Purge,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The metric is defined so.
    Defined,
    /// The instant is named.
    Marked,
    /// Samples are gone.
    Deleted(DeleteReport),
    /// Retention was set or applied.
    Retained(RetentionReport),
    /// Segments were merged.
    Compacted(CompactReport),
}

impl Request {
    /// Does it with a store that this process writes.
    ///
    /// # Errors
    /// Those of the verb.
    pub fn run(&self, store: &Store) -> Result<Outcome> {
        self.run_in(&store.handle.core, &Progress::default())
    }

    /// Does it as [`Request::run`] does, and says meanwhile how far a merge is.
    ///
    /// # Errors
    /// As [`Request::run`].
    pub fn run_watched(&self, store: &Store, progress: &Progress) -> Result<Outcome> {
        self.run_in(&store.handle.core, progress)
    }

    pub(crate) fn run_in(&self, core: &Core, progress: &Progress) -> Result<Outcome> {
        Ok(match self {
            Self::Define(def) => {
                core.define(def.clone())?;
                Outcome::Defined
            }
            Self::Mark(mark) => {
                core.mark(mark)?;
                Outcome::Marked
            }
            Self::Delete(selector, range) => Outcome::Deleted(core.delete(selector, *range)?),
            Self::Retain(retention) => Outcome::Retained(core.set_retention(retention)?),
            Self::Expire => Outcome::Retained(core.expire()?),
            Self::Compact => Outcome::Compacted(core.compact(false, progress)?),
            Self::Purge => Outcome::Compacted(core.compact(true, progress)?),
        })
    }

    /// Lays the request into the inbox of a store that another process writes, and waits for its
    /// answer. The writer looks there a few times a second; one that is gone does so when it comes
    /// back, and one that died with it half done is followed by one that does it again. A wait of
    /// nothing returns an error at once, and leaves the request there.
    ///
    /// # Errors
    /// [`ErrorKind::Unanswered`] after the wait; the request is taken back then, unless a
    /// writer has begun. [`ErrorKind::Refused`] with the writer's reason, and I/O errors.
    pub fn send(&self, path: impl AsRef<Path>, wait: Duration) -> Result<Outcome> {
        self.send_with(&OsVfs::default(), path.as_ref(), wait)
    }

    fn send_with(&self, vfs: &dyn Vfs, dir: &Path, wait: Duration) -> Result<Outcome> {
        let inbox = Inbox::new(dir);
        let name = request_name();
        inbox.lay(vfs, &name, &self.to_record().encode())?;
        let started = Instant::now();
        while started.elapsed() < wait {
            std::thread::sleep(PAUSE);
            match inbox.take_answer(vfs, &name)? {
                Some(ReplyRecord::Done(numbers)) => return Ok(self.outcome(&numbers)),
                Some(ReplyRecord::Refused(reason)) => {
                    return Err(ErrorKind::Refused { reason }.into());
                }
                None => {}
            }
        }
        if wait > Duration::ZERO {
            inbox.take_back(vfs, &name)?;
        }
        let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Err(ErrorKind::Unanswered { path: dir.to_owned(), waited_ms }.into())
    }

    fn to_record(&self) -> RequestRecord {
        match self {
            Self::Define(def) => RequestRecord::Define(def.clone()),
            Self::Mark(mark) => RequestRecord::Mark(mark.clone()),
            Self::Delete(selector, range) => {
                let selector = selector.clone();
                RequestRecord::Delete(Tombstone { generation: 0, range: *range, selector })
            }
            Self::Retain(retention) => RequestRecord::Retain(Ledger {
                retention: RetentionRecord::of_policy(retention),
                ..Ledger::default()
            }),
            Self::Expire => RequestRecord::Expire,
            Self::Compact => RequestRecord::Compact,
            Self::Purge => RequestRecord::Purge,
        }
    }

    pub(crate) fn of_record(record: RequestRecord) -> Self {
        match record {
            RequestRecord::Define(def) => Self::Define(def),
            RequestRecord::Mark(mark) => Self::Mark(mark),
            RequestRecord::Delete(tombstone) => Self::Delete(tombstone.selector, tombstone.range),
            RequestRecord::Retain(ledger) => Self::Retain(ledger.retention.policy()),
            RequestRecord::Expire => Self::Expire,
            RequestRecord::Compact => Self::Compact,
            RequestRecord::Purge => Self::Purge,
        }
    }

    /// Reads the numbers of an answer; those that are missing count as zero.
    fn outcome(&self, numbers: &[u64]) -> Outcome {
        let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
        match self {
            Self::Define(_) => Outcome::Defined,
            Self::Mark(_) => Outcome::Marked,
            Self::Delete(..) => Outcome::Deleted(DeleteReport { series: at(0), samples: at(1) }),
            Self::Retain(_) | Self::Expire => Outcome::Retained(RetentionReport {
                segments: at(0),
                bytes: at(1),
                samples: at(2),
                expired_before: numbers
                    .get(3)
                    .map(|nanos| Timestamp::from_nanos(nanos.cast_signed())),
            }),
            Self::Compact | Self::Purge => Outcome::Compacted(CompactReport {
                segments_before: at(0),
                segments_after: at(1),
                bytes_before: at(2),
                bytes_after: at(3),
                samples_purged: at(4),
                samples_superseded: at(5),
            }),
        }
    }
}

impl Outcome {
    pub(crate) fn to_numbers(self) -> Vec<u64> {
        match self {
            Self::Defined | Self::Marked => Vec::new(),
            Self::Deleted(DeleteReport { series, samples }) => vec![series, samples],
            Self::Retained(report) => {
                let mut numbers = vec![report.segments, report.bytes, report.samples];
                let before = report.expired_before;
                numbers.extend(before.map(|before| before.as_nanos().cast_unsigned()));
                numbers
            }
            Self::Compacted(report) => vec![
                report.segments_before,
                report.segments_after,
                report.bytes_before,
                report.bytes_after,
                report.samples_purged,
                report.samples_superseded,
            ],
        }
    }
}

/// Names no other request has: of this process by its number and a count, of one that had the same
/// number by random bits.
fn request_name() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let random = RandomState::new().build_hasher().finish();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}-{random:016x}", std::process::id())
}
