//! Scripted workloads over a simulated file system: what was asked of a store, what it promised,
//! and whether what it holds keeps the promise.
//!
//! Every commit is one frame of the log, so that [`Snapshot::seq`] says how many commits a view
//! holds; the samples of exactly that prefix of the script, no more and no fewer, must be there.

#![allow(
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::unused_self,
    clippy::unwrap_used,
    clippy::panic,
    clippy::panic_in_result_fn,
    dead_code,
    reason = "tests; each uses a part"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use silverback::vfs::{SimVfs, Vfs};
use silverback::workload::Random;
use silverback::{
    Background, Columns, Durability, Error, Limits, ManualClock, Options, Reader, Result,
    Retention, Selector, Series, SeriesKey, Snapshot, Store, TimeRange, Timestamp,
};

pub(crate) const DIR: &str = "/db";
pub(crate) const BASE: i64 = 1_700_000_000_000_000_000;
pub(crate) const DAY: i64 = 86_400_000_000_000;
/// The simulated series; the last one has a metric of its own.
pub(crate) const SERIES: usize = 4;

/// A sample: its series, its time after [`BASE`] and its value.
pub(crate) type Row = (usize, i64, f64);
/// A sample that can be compared and sorted.
pub(crate) type Exact = (usize, i64, u64);

/// One thing that is asked of a store.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Open(Durability),
    Define,
    Append(Row),
    Batch(Vec<Row>),
    /// A batch of one producer, with its position.
    Once(u64, Vec<Row>),
    /// Deletes the samples of `latency` from one time to before another.
    Delete(i64, i64),
    /// Keeps ten days and a half: what is older than [`RETAINED`] expires.
    Retain,
    Purge,
    Sync,
    Tick,
    Flush,
    Compact,
    Close,
    /// Lets the store go without closing it.
    Drop,
}

/// The usual durability between `Sync` and `Os`; nothing here waits for its interval.
pub(crate) const INTERVAL: Durability = Durability::Interval(Duration::from_millis(200));

/// The day of [`BASE`] begins here.
pub(crate) const RETAINED: i64 = -80_000_000_000_000;
pub(crate) const PRODUCER: &str = "producer";

/// One thing that changed the samples of a store.
#[derive(Debug, Clone)]
pub(crate) enum Commit {
    Rows(Vec<Row>),
    Once(u64, Vec<Row>),
    Delete(i64, i64),
}

/// What was committed, in order, by all runs of a script.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(pub(crate) Vec<Commit>);

impl History {
    pub(crate) fn of(script: &[Step]) -> Self {
        let commits = script.iter().filter_map(|step| match step {
            Step::Append(row) => Some(Commit::Rows(vec![*row])),
            Step::Batch(rows) => Some(Commit::Rows(rows.clone())),
            Step::Once(position, rows) => Some(Commit::Once(*position, rows.clone())),
            Step::Delete(start, end) => Some(Commit::Delete(*start, *end)),
            _ => None,
        });
        Self(commits.collect())
    }

    /// Returns the samples of the first `count` commits, sorted.
    pub(crate) fn prefix(&self, count: usize) -> Vec<Exact> {
        let mut all: Vec<Exact> = Vec::new();
        for commit in &self.0[..count] {
            match commit {
                Commit::Rows(rows) | Commit::Once(_, rows) => {
                    all.extend(rows.iter().map(|(s, t, v)| (*s, *t, v.to_bits())));
                }
                Commit::Delete(start, end) => {
                    all.retain(|(s, t, _)| s + 1 == SERIES || !(*start..*end).contains(t));
                }
            }
        }
        all.sort_unstable();
        all
    }

    /// Returns true if these are the samples of the first `count` commits.
    pub(crate) fn holds(&self, seen: &[Exact], count: usize) -> bool {
        let mut expected = self.prefix(count);
        if seen != expected {
            // Retention is no commit: it may have come to the disk or not.
            expected.retain(|(_, time, _)| *time >= RETAINED);
        }
        seen == expected
    }

    /// Returns how far the producer has come in the first `count` commits.
    pub(crate) fn position(&self, count: usize) -> Option<u64> {
        let positions = self.0[..count].iter().filter_map(|commit| match commit {
            Commit::Once(position, _) => Some(*position),
            _ => None,
        });
        positions.max()
    }

    /// Asserts that a view is a prefix of this history, with whole commits, and returns its length.
    #[track_caller]
    pub(crate) fn check(&self, snapshot: &Snapshot, context: &str) -> usize {
        let count = usize::try_from(snapshot.seq()).unwrap();
        assert!(count <= self.0.len(), "{context}: {count} commits, asked were {}", self.0.len());
        let (seen, expected) = (contents(snapshot), self.prefix(count));
        assert!(
            self.holds(&seen, count),
            "{context}: a view of {count} commits has {} samples instead of {}: {seen:?}",
            seen.len(),
            expected.len(),
        );
        if count > 0 {
            for name in ["latency", "tokens"].iter().take(snapshot.metrics().unwrap().len()) {
                let def = snapshot.metric(name).unwrap().unwrap();
                let unit = if *name == "latency" { "ms" } else { "tokens" };
                assert_eq!(def.unit.as_deref(), Some(unit), "{context}: unit of {name}");
            }
        }
        count
    }
}

/// All samples of a view, sorted by series, time and value.
pub(crate) fn contents(snapshot: &Snapshot) -> Vec<Exact> {
    let mut columns = Columns::default();
    let mut all = Vec::new();
    for series in snapshot.select(&Selector::default()).unwrap() {
        let index = (0..SERIES).find(|index| key(*index) == *series.key()).unwrap();
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        all.extend(columns.iter().map(|s| (index, s.timestamp.as_nanos() - BASE, s.value)));
    }
    let mut all: Vec<Exact> = all.into_iter().map(|(s, t, v)| (s, t, v.to_bits())).collect();
    all.sort_unstable();
    all
}

pub(crate) fn key(series: usize) -> SeriesKey {
    let metric = if series + 1 == SERIES { "tokens" } else { "latency" };
    SeriesKey::new(metric).label("bot", format!("bot{series}"))
}

pub(crate) fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(BASE + nanos)
}

/// Limits that make a small workload meet each of them.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.frame_bytes_max = 64 << 10;
    limits.flush_segments_max = 2;
    limits
}

pub(crate) fn options(sim: &SimVfs, durability: Durability) -> Options {
    Store::options()
        .vfs(Arc::new(sim.clone()))
        .clock(Arc::new(ManualClock::new(at(10 * DAY))))
        .uuid([7; 16])
        .limits(limits())
        .flush_bytes(64 << 10)
        .background(Background::Manual)
        .durability(durability)
}

pub(crate) fn reader(sim: &SimVfs) -> Result<Reader> {
    let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
    Reader::with_system(vfs, Arc::new(ManualClock::new(at(10 * DAY))), limits(), Path::new(DIR))
}

/// A process that works through a script until something fails.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) sim: SimVfs,
    store: Option<Store>,
    durability: Durability,
    /// How many commits were tried.
    pub(crate) attempted: usize,
    /// How many of them returned success, all before the first that failed.
    pub(crate) acknowledged: usize,
    /// How many of them were promised to survive a power cut.
    pub(crate) durable: usize,
    /// What ended the run early.
    pub(crate) failure: Option<Error>,
}

impl Run {
    pub(crate) fn start(sim: &SimVfs) -> Self {
        Self {
            sim: sim.clone(),
            store: None,
            durability: Durability::Os,
            attempted: 0,
            acknowledged: 0,
            durable: 0,
            failure: None,
        }
    }

    /// Runs a script to its end or the first failure.
    pub(crate) fn whole(sim: &SimVfs, script: &[Step]) -> Self {
        let mut run = Self::start(sim);
        for step in script {
            if let Err(error) = run.step(step) {
                run.failure = Some(error);
                break;
            }
        }
        run
    }

    pub(crate) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn series(&self, index: usize) -> Result<Series> {
        self.store().series(&key(index))
    }

    pub(crate) fn step(&mut self, step: &Step) -> Result<()> {
        let all_durable = match step {
            Step::Open(durability) => {
                self.durability = *durability;
                self.store = Some(options(&self.sim, *durability).open(DIR)?);
                *durability == Durability::Sync
            }
            Step::Define => {
                self.store().metric("latency").unit("ms").define()?;
                self.store().metric("tokens").delta().unit("tokens").define()?;
                false
            }
            Step::Append((series, time, value)) => {
                self.attempted += 1;
                self.series(*series)?.append(at(*time), *value)?;
                self.acknowledged += 1;
                self.durability == Durability::Sync
            }
            Step::Batch(rows) => {
                self.attempted += 1;
                let mut batch = self.store().batch();
                for (series, time, value) in rows {
                    batch = batch.push(&self.series(*series)?, at(*time), *value);
                }
                batch.commit()?;
                self.acknowledged += 1;
                self.durability == Durability::Sync
            }
            Step::Once(position, rows) => {
                self.attempted += 1;
                let mut batch = self.store().batch();
                for (series, time, value) in rows {
                    batch = batch.push(&self.series(*series)?, at(*time), *value);
                }
                assert!(batch.commit_once(PRODUCER, *position)?, "{position} is new");
                self.acknowledged += 1;
                self.durability == Durability::Sync
            }
            Step::Delete(start, end) => {
                self.attempted += 1;
                let range = TimeRange::new(at(*start), at(*end));
                self.store().delete(&Selector::metric("latency"), range)?;
                self.acknowledged += 1;
                true
            }
            Step::Retain => {
                let keep = Duration::from_hours(252);
                self.store().set_retention(&Retention::forever().keep(keep))?;
                false
            }
            Step::Purge => self.store().purge().map(|_| true)?,
            Step::Sync => self.store().sync().map(|()| true)?,
            Step::Tick => self.store().tick()?.synced,
            Step::Flush => self.store().flush().map(|_| true)?,
            Step::Compact => self.store().compact().map(|_| true)?,
            Step::Close => {
                let closed = self.store().close();
                self.store = None;
                closed.map(|_| true)?
            }
            Step::Drop => {
                self.store = None;
                false
            }
        };
        if all_durable {
            self.durable = self.acknowledged;
        }
        Ok(())
    }
}

/// A script of few samples that meets every verb, every durability and several partitions.
pub(crate) fn small_script() -> Vec<Step> {
    let mut script = vec![Step::Open(Durability::Sync), Step::Define];
    script.extend([Step::Append((0, 0, 1.0)), Step::Batch(vec![(0, 5, 2.0), (1, 5, 2.5)])]);
    // The same instant and value again, inside a batch and outside of it.
    script.extend([Step::Batch(vec![(0, 5, 2.0), (0, 5, 2.0)]), Step::Append((1, 7, 3.0))]);
    script.extend([Step::Flush, Step::Append((1, 9, 4.0)), Step::Drop]);
    script.extend([Step::Open(INTERVAL), Step::Append((0, 11, 5.0)), Step::Append((2, 12, 6.0))]);
    script.extend([Step::Tick, Step::Batch(vec![(3, 13, 7.0), (2, DAY, 7.5), (0, 2 * DAY, 7.75)])]);
    // Late samples, into days that have segments, and before all of them.
    script.extend([Step::Append((0, 1, 8.0)), Step::Batch(vec![(1, -DAY, 9.0), (3, 3, 9.5)])]);
    script.extend([Step::Flush, Step::Append((2, 15, 10.0)), Step::Compact]);
    script.extend([Step::Append((0, 16, 11.0)), Step::Append((0, 16, 11.0)), Step::Close]);
    script.extend([Step::Open(Durability::Os), Step::Append((1, 17, 12.0)), Step::Drop]);
    script.extend([Step::Open(Durability::Os), Step::Append((3, 18, 13.0)), Step::Sync]);
    script.extend([Step::Batch(vec![(2, 19, 14.0), (3, 19, 14.5)]), Step::Flush]);
    script.extend([Step::Append((1, 20, 15.0)), Step::Close]);
    script
}

/// A script of few samples that meets deletions, retention, merges and batches sent again.
pub(crate) fn deleting_script() -> Vec<Step> {
    let mut script = vec![Step::Open(INTERVAL), Step::Define];
    script.extend([Step::Once(1, vec![(0, 0, 1.0), (3, 0, 1.5)]), Step::Append((0, -DAY, 2.0))]);
    script.extend([Step::Append((1, 4, 3.0)), Step::Flush, Step::Append((1, 5, 4.0))]);
    // Of a segment, of a log, and of nothing at all.
    script.extend([Step::Delete(4, 6), Step::Append((1, 5, 5.0)), Step::Delete(9, 9)]);
    script.extend([Step::Once(2, vec![(0, 5, 6.0)]), Step::Tick, Step::Drop]);
    script.extend([Step::Open(Durability::Sync), Step::Append((2, 5, 7.0)), Step::Delete(5, 6)]);
    script.extend([Step::Append((0, 7, 8.0)), Step::Drop]);
    script.extend([Step::Open(INTERVAL), Step::Flush, Step::Append((0, 8, 9.0)), Step::Compact]);
    script.extend([Step::Delete(0, 1), Step::Once(5, vec![(3, 8, 9.5)]), Step::Retain]);
    script.extend([Step::Tick, Step::Append((1, 12, 10.0)), Step::Flush]);
    script.extend([Step::Append((1, 13, 11.0)), Step::Flush, Step::Append((1, 14, 12.0))]);
    // Enough segments of one day for a merge by itself.
    script.extend([Step::Flush, Step::Append((1, 15, 13.0)), Step::Flush, Step::Tick]);
    script.extend([Step::Delete(12, 14), Step::Purge, Step::Append((2, DAY, 14.0)), Step::Close]);
    script
}

/// A script with frames over many pages and a generation that fills by itself.
pub(crate) fn large_script() -> Vec<Step> {
    let rows = |start: i64, count: i64| -> Vec<Row> {
        (start..start + count).map(|i| ((i % 4) as usize, i / 3, i as f64)).collect()
    };
    let mut script = vec![Step::Open(INTERVAL), Step::Define, Step::Append((0, 0, 1.0))];
    script.extend([Step::Batch(rows(0, 700)), Step::Tick, Step::Batch(rows(700, 1500))]);
    // Past the size from which a tick flushes.
    script.extend([Step::Batch(rows(2200, 2600)), Step::Batch(rows(4800, 40)), Step::Tick]);
    script.extend([Step::Batch(rows(5000, 900)), Step::Append((2, 1, 2.0)), Step::Drop]);
    // Past the length of a whole generation, so that the appender itself makes room.
    script.extend([Step::Open(Durability::Sync), Step::Batch(rows(6000, 3500))]);
    script.extend([Step::Batch(rows(9500, 3500)), Step::Batch(rows(13_000, 3500))]);
    script.extend([Step::Batch(rows(16_500, 3500)), Step::Batch(rows(20_000, 3500))]);
    script.extend([
        Step::Append((1, 9, 3.0)),
        Step::Compact,
        Step::Append((3, 4, 4.0)),
        Step::Close,
    ]);
    script
}

/// A script of random verbs; the same seed gives the same script. It ends with a close.
pub(crate) fn random_script(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    let mut below = |limit: u64| random.below(limit);
    let durability = |kind| [Durability::Sync, INTERVAL, Durability::Os][kind as usize];
    let mut script = vec![Step::Open(durability(below(3))), Step::Define];
    let mut position = 0;
    let length = 12 + below(10);
    for number in 0..length as i64 {
        let mut row = || {
            let days = [0, 0, 0, 1, 2][below(5) as usize] * DAY;
            (below(4) as usize, days + below(30) as i64, number as f64 + below(3) as f64 / 4.0)
        };
        let (one, two, three) = (row(), row(), row());
        let (start, len) = (below(30) as i64, below(12) as i64);
        script.extend(match below(16) {
            0..=3 => vec![Step::Append(one)],
            4..=5 => vec![Step::Batch(vec![one, two, three])],
            6 => {
                position += 1 + below(3);
                vec![Step::Once(position, vec![one, two])]
            }
            7..=8 => vec![Step::Delete(start, start + len)],
            9 => vec![Step::Flush],
            10 => vec![Step::Tick],
            11 => vec![Step::Sync],
            12 => vec![Step::Compact],
            13 => vec![Step::Purge],
            14 => vec![Step::Drop, Step::Open(durability(below(3)))],
            _ => vec![Step::Close, Step::Open(durability(below(3)))],
        });
    }
    if below(3) == 0 {
        script.extend([Step::Retain, Step::Tick]);
    }
    script.push(Step::Close);
    script
}
