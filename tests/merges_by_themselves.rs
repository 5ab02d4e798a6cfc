//! The background work merges segments of like size, keeps every answer, and waits after a failure.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests")]

use std::sync::Arc;

use silverback::vfs::SimVfs;
use silverback::{
    Background, Durability, ManualClock, Selector, SeriesKey, Store, TimeRange, Timestamp,
};

const START: i64 = 1_700_000_000_000_000_000;
const MINUTE: i64 = 60_000_000_000;

fn store(sim: &SimVfs, clock: &Arc<ManualClock>) -> Store {
    let options = Store::options().vfs(Arc::new(sim.clone())).clock(Arc::clone(clock) as _);
    options.durability(Durability::Os).background(Background::Manual).open("/db").unwrap()
}

fn samples(store: &Store) -> usize {
    let snapshot = store.snapshot().unwrap();
    let key = SeriesKey::new("latency");
    snapshot.samples(&key, TimeRange::ALL).unwrap().len()
}

/// Appends and flushes; each flush is a segment.
fn fill(store: &Store, flushes: i64, start: i64) {
    let series = store.series(&SeriesKey::new("latency")).unwrap();
    for flush in 0..flushes {
        for step in 0..50 {
            let at = Timestamp::from_nanos(START + start + flush * 1_000 + step);
            series.append(at, step as f64).unwrap();
        }
        store.flush().unwrap();
    }
}

#[test]
fn segments_of_like_size_become_one_and_answers_stay() {
    let sim = SimVfs::new(1);
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(START)));
    let store = store(&sim, &clock);
    fill(&store, 3, 0);
    assert_eq!(store.tick().unwrap().segments_merged, 0, "three are too few");
    fill(&store, 1, 10_000);
    assert_eq!(store.tick().unwrap().segments_merged, 4);
    assert_eq!(samples(&store), 200);
    let stats = store.snapshot().unwrap().stats().unwrap();
    assert_eq!((stats.segments, stats.samples), (1, 200));
    assert!(stats.write_amplification.unwrap() > 0.0);
    assert_eq!(store.snapshot().unwrap().select(&Selector::default()).unwrap().len(), 1);
}

/// A merge that cannot be written would be tried again five times a second, and fill the disk that
/// is full already each time.
#[test]
fn a_merge_that_fails_is_not_tried_again_at_once() {
    let sim = SimVfs::new(1);
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(START)));
    let store = store(&sim, &clock);
    fill(&store, 4, 0);
    sim.limit_space(0);
    assert!(store.tick().is_err(), "the disk is full");
    let operations = sim.operations();
    store.tick().unwrap();
    assert_eq!(sim.operations(), operations, "nothing is written meanwhile");
    sim.limit_space(u64::MAX);
    clock.set(Timestamp::from_nanos(START + 2 * MINUTE));
    assert_eq!(store.tick().unwrap().segments_merged, 4);
    assert_eq!(samples(&store), 200);
}

/// One flush a day was never merged, and so never written in the denser codecs of merges.
#[test]
fn a_lone_segment_is_rewritten_once_when_its_day_is_over() {
    let sim = SimVfs::new(1);
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(START)));
    let store = store(&sim, &clock);
    let series = store.series(&SeriesKey::new("latency")).unwrap();
    for step in 0..5_000 {
        let at = Timestamp::from_nanos(START + step * MINUTE / 100);
        series.append(at, (step * step % 89) as f64 * (step % 7) as f64).unwrap();
    }
    store.flush().unwrap();
    assert_eq!(store.tick().unwrap().segments_merged, 0, "more may come");
    let bytes = || store.snapshot().unwrap().stats().unwrap().segment_bytes;
    let before = bytes();
    clock.set(Timestamp::from_nanos(START + 24 * 60 * MINUTE));
    assert_eq!(store.tick().unwrap().segments_merged, 1);
    assert!(bytes() * 10 < before * 9, "{} bytes were {before}", bytes());
    assert_eq!(samples(&store), 5_000);
    clock.set(Timestamp::from_nanos(START + 48 * 60 * MINUTE));
    assert_eq!(store.tick().unwrap().segments_merged, 0, "once is enough");
    assert_eq!(store.compact().unwrap().segments_before, 0);
}
