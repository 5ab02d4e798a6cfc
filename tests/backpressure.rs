//! Appends beside long work: a merge does not hold them up, and a log that is full tells.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_wrap, reason = "tests")]

mod scripted;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scripted::{BASE, DIR, at, key};
use silverback::vfs::MemVfs;
use silverback::{
    Background, Backpressure, Clock, Durability, ErrorKind, Limits, ManualClock, Options, Series,
    Store, TimeRange, Timestamp,
};

const LOG_BYTES: u64 = 64 << 10;
/// Samples that fill one log, but not two.
const LOG_SAMPLES: i64 = 14_000;

fn options() -> Options {
    let mut limits = Limits::DEFAULT;
    limits.frame_bytes_max = 64 << 10;
    Store::options()
        .vfs(Arc::new(MemVfs::default()))
        .background(Background::Manual)
        .limits(limits)
        .flush_bytes(LOG_BYTES)
}

/// A clock that, asked by a merge, lets another thread fill a log and waits until that is done.
#[derive(Debug, Default)]
struct Merging {
    seconds: AtomicI64,
    /// Whether the next look comes from the merge.
    armed: AtomicBool,
    filled: AtomicUsize,
    series: Mutex<Option<Series>>,
}

impl Clock for Merging {
    fn now(&self) -> Timestamp {
        let seconds = self.seconds.fetch_add(1, Ordering::Relaxed);
        if self.armed.swap(false, Ordering::Relaxed) {
            let series = self.series.lock().unwrap().take().unwrap();
            let (tell, told) = channel();
            std::thread::spawn(move || {
                let times = (0..LOG_SAMPLES).map(|i| Timestamp::from_nanos(BASE + i));
                let count = times.map(|time| series.append(time, 1.0).unwrap()).count();
                tell.send(count).unwrap();
            });
            let count = told.recv_timeout(Duration::from_mins(1)).unwrap();
            self.filled.store(count, Ordering::Relaxed);
        }
        Timestamp::from_nanos(BASE + seconds * 1_000_000_000)
    }
}

/// Symptom: an append that found its log full waited for a merge of another partition to end.
/// Cause: moving to the next log took the lock that a merge holds. Fix: a lock of its own.
#[test]
fn an_append_that_needs_the_next_log_waits_for_no_merge() {
    let clock = Arc::new(Merging::default());
    let interval = Durability::Interval(Duration::from_millis(200));
    let options = options().clock(Arc::clone(&clock) as _).durability(interval).merges(false);
    let store = options.backpressure(Backpressure::Refuse).open(DIR).unwrap();
    let series = store.series(&key(0)).unwrap();
    for _ in 0..2 {
        series.append(at(0), 5.0).unwrap();
        store.flush().unwrap();
    }
    *clock.series.lock().unwrap() = Some(series);
    clock.armed.store(true, Ordering::Relaxed);
    assert_eq!(store.compact().unwrap().segments_before, 2);
    assert_eq!(clock.filled.load(Ordering::Relaxed) as i64, LOG_SAMPLES);
    let count = store.snapshot().unwrap().samples(&key(0), TimeRange::ALL).unwrap().len();
    assert_eq!(count as i64, LOG_SAMPLES + 2);
}

#[test]
fn a_refused_append_stores_nothing_and_is_taken_once_there_is_room() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(BASE)));
    let options = options().clock(clock).durability(Durability::Os);
    let store = options.backpressure(Backpressure::Refuse).open(DIR).unwrap();
    let series = store.series(&key(0)).unwrap();
    let mut batch = store.batch();
    let mut stored = 0;
    let refused = loop {
        for _ in 0..100 {
            batch.add(&series, at(stored), 1.0).unwrap();
        }
        match batch.commit_and_clear() {
            Ok(()) => stored += 100,
            Err(error) => break error,
        }
        assert!(stored < 10 * LOG_SAMPLES, "the log takes ever more");
    };
    assert!(matches!(refused.kind(), ErrorKind::Backpressure { unflushed: 4 }), "{refused:?}");
    assert!(stored > LOG_SAMPLES, "only {stored} were taken");
    let count = || store.snapshot().unwrap().samples(&key(0), TimeRange::ALL).unwrap().len() as i64;
    assert_eq!(count(), stored);
    assert!(!store.wait_for_room(Duration::ZERO).unwrap());
    // The batch is as it was, and another thread waits until it is taken.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.wait_for_room(Duration::from_mins(1)).unwrap());
        assert!(store.tick().unwrap().generations_flushed > 0);
        assert!(waiting.join().unwrap());
    });
    batch.commit_and_clear().unwrap();
    assert_eq!(count(), stored + 100);
}
