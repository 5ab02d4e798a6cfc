//! What was appended is read back: before and after a flush, reopened, and beside the writer.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use silverback::{
    Background, Columns, DuplicatePolicy, Durability, ErrorKind, Limits, MetricKind, Overflow,
    Reader, Result, Selector, SeriesKey, Snapshot, Store, TimeRange, Timestamp,
};

const BASE: i64 = 1_700_000_000_000_000_000;

fn key(bot: &str) -> SeriesKey {
    SeriesKey::new("latency").label("bot", bot)
}

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(BASE + nanos)
}

/// All samples of a snapshot, by series.
fn contents(snapshot: &Snapshot) -> Vec<(String, Vec<(i64, f64)>)> {
    let mut columns = Columns::default();
    let mut all = Vec::new();
    for series in snapshot.select(&Selector::default()).unwrap() {
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        let rows = columns.iter().map(|s| (s.timestamp.as_nanos() - BASE, s.value)).collect();
        all.push((series.key().to_string(), rows));
    }
    all
}

fn open(path: &Path, durability: Durability) -> Result<Store> {
    Store::options().durability(durability).background(Background::Manual).open(path)
}

#[test]
fn equal_and_late_samples_are_all_kept_in_every_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path, Durability::Os).unwrap();
    store.metric("latency").unit("ms").define().unwrap();
    let (a, b) = (store.series(&key("a")).unwrap(), store.series(&key("b")).unwrap());
    for step in 0..100 {
        a.append(at(step * 1_000_000), 5.0).unwrap();
        a.append(at(step * 1_000_000), 5.0).unwrap();
    }
    a.append(at(-7), 1.0).unwrap();
    store.batch().push(&a, at(3), 2.0).push(&b, at(3), 3.0).commit().unwrap();
    let before = contents(&store.snapshot().unwrap());
    assert_eq!(before.len(), 2);
    assert_eq!(before[0].1.len(), 202);
    assert_eq!(before[0].1[..4], [(-7, 1.0), (0, 5.0), (0, 5.0), (3, 2.0)]);
    let reader = Reader::open(&path).unwrap();
    assert_eq!(contents(&reader.snapshot().unwrap()), before, "reader before the flush");

    let report = store.flush().unwrap();
    assert_eq!((report.generations, report.samples), (1, 203));
    assert_eq!(contents(&store.snapshot().unwrap()), before, "after the flush");
    assert_eq!(contents(&reader.snapshot().unwrap()), before, "reader after the flush");

    a.append(at(4), 9.0).unwrap();
    store.close().unwrap();
    assert!(a.append(at(5), 9.0).is_err(), "a closed store takes nothing");
    let store = open(&path, Durability::Sync).unwrap();
    assert!(!store.recovery().is_new);
    let reopened = contents(&store.snapshot().unwrap());
    assert_eq!(reopened[0].1.len(), 203);
    let report = store.compact().unwrap();
    assert_eq!((report.segments_before, report.segments_after), (2, 1));
    assert_eq!(contents(&store.snapshot().unwrap()), reopened, "after the merge");
    assert_eq!(contents(&reader.snapshot().unwrap()), reopened, "reader after the merge");
    let def = store.snapshot().unwrap().metric("latency").unwrap().unwrap();
    assert_eq!((def.kind, def.unit.as_deref()), (MetricKind::Event, Some("ms")));
}

#[test]
fn dropping_without_closing_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    for round in 0..7 {
        let store = open(&path, Durability::Os).unwrap();
        let series = store.series(&key("a")).unwrap();
        series.append(at(round), 1.0).unwrap();
        let seen = contents(&store.snapshot().unwrap());
        assert_eq!(seen[0].1.len(), usize::try_from(round).unwrap() + 1);
        let other = Reader::open(&path).unwrap().snapshot().unwrap();
        assert_eq!(contents(&other), seen);
        assert_eq!(other.seq(), u64::try_from(round).unwrap() + 1);
    }
}

#[test]
fn many_threads_append_through_cloned_handles() {
    let store = Store::options().durability(Durability::Sync).in_memory().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let store = store.clone();
            std::thread::spawn(move || {
                let series = store.series(&key(&format!("bot{}", thread % 2))).unwrap();
                for step in 0..500 {
                    series.append(at(step), f64::from(thread)).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let seen = contents(&store.snapshot().unwrap());
    assert_eq!(seen.iter().map(|(_, rows)| rows.len()).sum::<usize>(), 2_000);
    store.close().unwrap();
}

#[test]
fn full_generations_rotate_and_flush_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Store::options()
        .background(Background::Manual)
        .flush_bytes(64 << 10)
        .limits({
            let mut limits = Limits::default();
            limits.frame_bytes_max = 64 << 10;
            limits
        })
        .open(&path)
        .unwrap();
    let series = store.series(&key("a")).unwrap();
    for step in 0..50_000 {
        series.append(at(step), 0.5).unwrap();
    }
    let seen = contents(&store.snapshot().unwrap());
    assert_eq!(seen[0].1.len(), 50_000);
    let names = std::fs::read_dir(path.join("seg")).unwrap().count();
    assert_eq!(names, 1, "one partition has segments");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(contents(&reader.snapshot().unwrap()), seen);
    let _clock: Arc<dyn silverback::Clock> = Arc::new(silverback::ManualClock::default());
}

/// Symptom: a snapshot taken while a flush ended could count a generation twice. Cause: its
/// segments were listed under one hold of a lock, and its log was taken off under the next.
#[test]
fn a_snapshot_beside_a_flush_counts_every_sample_once() {
    let store = Store::options().background(Background::Manual).in_memory().unwrap();
    let series = store.series(&key("a")).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let snapshot = store.snapshot().unwrap();
                let read = snapshot.samples(&key("a"), TimeRange::ALL).unwrap();
                assert_eq!(read.len() as u64, snapshot.seq());
            }
        });
        for step in 0..300 {
            series.append(at(step), 1.0).unwrap();
            store.flush().unwrap();
            if watcher.is_finished() {
                break;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Release);
    });
}

#[test]
fn duplicates_count_as_their_metric_asks_in_every_state() {
    for (policy, wanted) in [
        (DuplicatePolicy::Keep, vec![5.0, 9.0, 7.0, 1.0]),
        (DuplicatePolicy::Last, vec![7.0, 1.0]),
        (DuplicatePolicy::First, vec![5.0, 1.0]),
        (DuplicatePolicy::Max, vec![9.0, 1.0]),
    ] {
        let store = Store::options().background(Background::Manual).in_memory().unwrap();
        store.metric("latency").duplicates(policy).define().unwrap();
        let series = store.series(&key("a")).unwrap();
        let values = || -> Vec<f64> {
            let read = store.snapshot().unwrap().samples(&key("a"), TimeRange::ALL).unwrap();
            read.iter().map(|sample| sample.value).collect()
        };
        series.append(at(3), 5.0).unwrap();
        store.flush().unwrap();
        series.append(at(4), 1.0).unwrap();
        series.append(at(3), 9.0).unwrap();
        store.flush().unwrap();
        series.append(at(3), 7.0).unwrap();
        assert_eq!(values(), wanted, "{policy}: in segments and log");
        store.flush().unwrap();
        assert_eq!(values(), wanted, "{policy}: flushed");
        store.compact().unwrap();
        assert_eq!(values(), wanted, "{policy}: merged");
    }
}

/// Symptom: the help for a metric without a unit was to set it, which was refused; and a handle
/// made before the definition kept the definition out.
#[test]
fn a_unit_may_be_given_later_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let unit = |snapshot: Snapshot| snapshot.metric("latency").unwrap().and_then(|def| def.unit);
    let store = open(&path, Durability::Os).unwrap();
    let series = store.series(&key("a")).unwrap();
    series.append(at(1), 5.0).unwrap();
    store.flush().unwrap();
    series.append(at(2), 5.0).unwrap();
    store.metric("latency").unit("ms").define().unwrap();
    series.append(at(3), 5.0).unwrap();
    store.series(&key("b")).unwrap().append(at(3), 5.0).unwrap();
    assert_eq!(unit(store.snapshot().unwrap()).as_deref(), Some("ms"));
    assert_eq!(unit(Reader::open(&path).unwrap().snapshot().unwrap()).as_deref(), Some("ms"));
    assert!(store.metric("latency").unit("s").define().is_err(), "another unit");
    assert!(store.metric("latency").unit("ms").gauge().define().is_err(), "another kind");
    store.flush().unwrap();
    assert_eq!(unit(store.snapshot().unwrap()).as_deref(), Some("ms"));
    store.compact().unwrap();
    store.close().unwrap();
    let store = open(&path, Durability::Os).unwrap();
    assert_eq!(unit(store.snapshot().unwrap()).as_deref(), Some("ms"));
    store.metric("latency").unit("ms").define().unwrap();
    store.close().unwrap();
    let read = Reader::open(&path).unwrap().snapshot().unwrap();
    assert_eq!(contents(&read).iter().map(|(_, rows)| rows.len()).sum::<usize>(), 4);
}

#[test]
fn series_beyond_the_limit_are_refused_or_folded_and_totals_stay_right() {
    let mut limits = Limits::default();
    limits.series_max = 3;
    let options = |overflow| {
        let options = Store::options().limits(limits.clone()).overflow(overflow);
        options.background(Background::Manual).in_memory().unwrap()
    };
    let store = options(Overflow::Refuse);
    for bot in ["a", "b", "c"] {
        store.series(&key(bot)).unwrap();
    }
    let refused = store.series(&key("d")).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Limit { limit: 3, got: 4, .. }), "{refused:?}");
    store.series(&key("a")).unwrap();

    let store = options(Overflow::Fold);
    for bot in 0..10 {
        let series = store.series(&key(&format!("bot{bot}"))).unwrap();
        series.append(at(bot), 1.0).unwrap();
    }
    let snapshot = store.snapshot().unwrap();
    let all = contents(&snapshot);
    assert_eq!(all.iter().map(|(_, rows)| rows.len()).sum::<usize>(), 10);
    let (name, folded) = &all[0];
    assert_eq!((name.as_str(), folded.len()), (r#"latency{__overflow__="true"}"#, 7));
}

/// Symptom: a process whose series come and go took ever more memory, and its limit of series was
/// reached by those of days ago. Cause: every series that was ever asked for was kept. Fix: those
/// without a handle are forgotten once their log is flushed.
#[test]
fn series_that_nobody_holds_count_no_more_once_they_are_flushed() {
    let mut limits = Limits::DEFAULT;
    limits.series_max = 10;
    let options = Store::options().limits(limits).background(Background::Manual);
    let store = options.flush_age(Duration::ZERO).in_memory().unwrap();
    let key = |series: usize| SeriesKey::new("latency").label("container", series.to_string());
    let held = store.series(&key(0)).unwrap();
    for round in 0..5 {
        for series in 1..10 {
            store.series(&key(round * 9 + series)).unwrap().append(store.now(), 1.0).unwrap();
        }
        held.append(store.now(), 2.0).unwrap();
        let refused = store.series(&key(1_000)).unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Limit { what: "series", limit: 10, got: 11 }));
        // The tick that flushes begins the next log, which defines none of them.
        assert_eq!(store.tick().unwrap().generations_flushed, 1);
    }
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.select(&Selector::default()).unwrap().len(), 46);
    assert_eq!(snapshot.samples(held.key(), TimeRange::ALL).unwrap().len(), 5);
    // One that comes again goes on where it was.
    store.series(&key(1)).unwrap().append(store.now(), 3.0).unwrap();
    store.flush().unwrap();
    let samples = store.snapshot().unwrap().samples(&key(1), TimeRange::ALL).unwrap();
    assert_eq!(samples.len(), 2);
}

#[test]
fn a_start_is_recorded_of_counters_only() {
    let store = Store::in_memory().unwrap();
    store.metric("requests").counter().define().unwrap();
    let counter = store.series(&SeriesKey::new("requests")).unwrap();
    counter.start(at(0)).unwrap();
    counter.append(at(1), 5.0).unwrap();
    // The process starts again.
    counter.start(at(2)).unwrap();
    counter.append(at(3), 2.0).unwrap();
    let question = "increase(requests) from @1700000000 for 1s";
    let answer = store.snapshot().unwrap().query(question).unwrap();
    assert_eq!(answer.rows[0][0], silverback::Cell::Number(7.0));
    let gauge = SeriesKey::new("level");
    store.metric("level").gauge().define().unwrap();
    let refused = store.series(&gauge).unwrap().start(at(0)).unwrap_err();
    assert!(refused.to_string().contains("counter"), "{refused}");
    assert_eq!(store.snapshot().unwrap().last(&gauge).unwrap(), None);
}

/// A position alone is worth a frame: it survives a reopening, a flush of nothing else, and both.
#[test]
fn a_position_without_samples_is_remembered() {
    let place = tempfile::tempdir().unwrap();
    let open = || Store::open(place.path()).unwrap();
    let store = open();
    assert!(store.batch().commit_once("file", 5).unwrap());
    assert!(!store.batch().commit_once("file", 5).unwrap());
    store.close().unwrap();
    let store = open();
    assert_eq!(store.position_of("file"), Some(5));
    store.flush().unwrap();
    assert!(store.batch().commit_once("file", 7).unwrap());
    store.flush().unwrap();
    store.close().unwrap();
    let store = open();
    assert_eq!(store.position_of("file"), Some(7));
    assert_eq!(Reader::open(place.path()).unwrap().verify().unwrap().damages, []);
    assert_eq!(contents(&store.snapshot().unwrap()), []);
}
