//! A reader whose writer works in between two of its own steps sees a prefix that is not stale.
//!
//! tests/reader_protocol.rs walks through a model of the protocol; here the writer itself rotates,
//! flushes, merges and restarts just before each look-up and each read of the reader.

#![allow(clippy::pedantic, clippy::unwrap_used, reason = "tests")]

mod scripted;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use scripted::{DIR, Exact, INTERVAL, at, contents, key, limits, options};
use silverback::vfs::{LockGuard, LogFile, ReadFile, SimVfs, Vfs, WriteFile};
use silverback::{ManualClock, Reader, Result, Store};

/// Lets someone else work before one of the reader's steps.
struct Turn {
    /// How many steps are left until then.
    left: AtomicI64,
    work: Mutex<Box<dyn FnMut() + Send>>,
}

impl Turn {
    fn step(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            (self.work.lock().unwrap())();
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("left", &self.left).finish_non_exhaustive()
    }
}

/// A reader's file system: each look at a name and each read is a step.
#[derive(Debug)]
struct Interposed {
    inner: SimVfs,
    turn: Arc<Turn>,
}

#[derive(Debug)]
struct InterposedFile {
    inner: Arc<dyn ReadFile>,
    turn: Arc<Turn>,
}

impl ReadFile for InterposedFile {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.turn.step();
        self.inner.read_at(offset, buffer)
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.inner.bytes()
    }
}

impl Vfs for Interposed {
    fn create_dir_all(&self, path: &Path) -> Result<()> {
        self.inner.create_dir_all(path)
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<String>> {
        self.inner.read_dir(path)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.turn.step();
        self.inner.exists(path)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        self.turn.step();
        let inner = self.inner.open(path)?;
        Ok(Arc::new(InterposedFile { inner, turn: Arc::clone(&self.turn) }))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.inner.create(path)
    }

    fn create_log(&self, path: &Path, len_max: u64) -> Result<Arc<dyn LogFile>> {
        self.inner.create_log(path, len_max)
    }

    fn rename(&self, source: &Path, target: &Path) -> Result<()> {
        self.inner.rename(source, target)
    }

    fn link(&self, source: &Path, target: &Path) -> Result<()> {
        self.inner.link(source, target)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.inner.sync_dir(path)
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        self.inner.sync_file(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>> {
        self.inner.lock(path, holder)
    }
}

/// A writer whose samples are counted: the time of each is its number.
#[derive(Clone)]
struct Writer {
    sim: SimVfs,
    store: Arc<Mutex<Option<Store>>>,
    count: Arc<AtomicI64>,
}

/// What the writer does.
#[derive(Debug, Clone, Copy)]
enum Work {
    Append,
    Flush,
    Compact,
    /// Lets the store go without closing it, and opens it again.
    Restart,
}

impl Writer {
    fn new() -> Self {
        let sim = SimVfs::new(1);
        let store = options(&sim, INTERVAL).open(DIR).unwrap();
        Self { sim, store: Arc::new(Mutex::new(Some(store))), count: Arc::default() }
    }

    fn work(&self, works: &[Work]) {
        let mut guard = self.store.lock().unwrap();
        for work in works {
            let store = guard.as_ref().unwrap();
            match work {
                Work::Append => {
                    let number = self.count.fetch_add(1, Ordering::Relaxed);
                    store.series(&key(0)).unwrap().append(at(number), 1.0).unwrap();
                }
                Work::Flush => drop(store.flush().unwrap()),
                Work::Compact => drop(store.compact().unwrap()),
                Work::Restart => {
                    *guard = None;
                    *guard = Some(options(&self.sim, INTERVAL).open(DIR).unwrap());
                }
            }
        }
    }

    fn committed(&self) -> usize {
        usize::try_from(self.count.load(Ordering::Relaxed)).unwrap()
    }
}

/// Takes a view while the writer works before the step of this number; returns false where the view
/// took fewer steps.
fn interleave(before: &[Work], is_warm: bool, step: i64, works: &'static [Work]) -> bool {
    let writer = Writer::new();
    let busy = writer.clone();
    let work = Mutex::new(Box::new(move || busy.work(works)) as _);
    let turn = Arc::new(Turn { left: AtomicI64::new(i64::MAX), work });
    let vfs = Arc::new(Interposed { inner: writer.sim.clone(), turn: Arc::clone(&turn) });
    let clock = Arc::new(ManualClock::default());
    let reader = Reader::with_system(vfs, clock, limits(), DIR).unwrap();
    writer.work(before);
    if is_warm {
        reader.snapshot().unwrap();
    }
    writer.work(&[Work::Append]);
    let least = writer.committed();
    turn.left.store(step, Ordering::Relaxed);
    let snapshot = reader.snapshot().unwrap();
    let is_reached = turn.left.load(Ordering::Relaxed) < 0;
    let seen = contents(&snapshot);
    let context = format!("{before:?}, warm: {is_warm}, then before step {step}: {works:?}");
    let expected: Vec<Exact> = (0..seen.len()).map(|n| (0, n as i64, 1_f64.to_bits())).collect();
    assert!(seen == expected, "{context}: not a prefix: {seen:?}");
    assert_eq!(snapshot.seq(), seen.len() as u64, "{context}");
    assert!(seen.len() >= least, "{context}: {} of {least} samples, stale", seen.len());
    is_reached
}

/// Symptom: a view lacked samples that had been committed long before it was asked for, if the
/// writer flushed two generations while the reader opened their logs.
/// Cause: the reader had the first of the two open, found no file for the second, and took that for
/// the end of the chain; only a chain without any log was looked at again.
/// Fix: the end of the chain counts only while its first log is still there.
#[test]
fn work_between_any_two_steps_leaves_a_prefix_that_is_not_stale() {
    use Work::{Append, Compact, Flush, Restart};
    let befores: [&[Work]; 4] = [
        &[],
        &[Append, Flush, Append],
        &[Append, Restart, Append, Restart, Append],
        &[Append, Flush, Append, Restart, Append],
    ];
    let works: [&'static [Work]; 5] = [
        &[Flush],
        &[Append, Flush, Append, Flush, Append],
        &[Compact],
        &[Append, Restart, Append],
        &[Restart, Append, Flush, Append, Compact, Append],
    ];
    let mut views = 0;
    for before in befores {
        for works in works {
            for is_warm in [false, true] {
                let reached = (0..).take_while(|at| interleave(before, is_warm, *at, works));
                views += reached.count();
            }
        }
    }
    println!("{views} interleavings");
    assert!(views > 200, "only {views} interleavings");
}
