//! Several stores read as one answer as one store with all their samples.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use silverback::vfs::{MemVfs, Vfs};
use silverback::{
    Background, Clock, DuplicatePolicy, ErrorKind, Limits, ManualClock, MetricKind, Reader, Sample,
    Selector, SeriesKey, Snapshot, Store, TimeRange, Timestamp,
};

const NOW: Timestamp = Timestamp::from_nanos(1_700_000_000_000_000_000);

struct Place {
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
}

impl Place {
    fn new() -> Self {
        Self { vfs: Arc::new(MemVfs::new()), clock: Arc::new(ManualClock::new(NOW)) }
    }

    fn store(&self, dir: &str) -> Store {
        let options = Store::options().vfs(Arc::clone(&self.vfs)).clock(Arc::clone(&self.clock));
        options.background(Background::Manual).open(dir).unwrap()
    }

    fn reader(&self, dirs: &[&str]) -> Reader {
        Reader::with_system_all(&self.vfs, &self.clock, &Limits::DEFAULT, dirs).unwrap()
    }

    fn snapshot(&self, dirs: &[&str]) -> Snapshot {
        self.reader(dirs).snapshot().unwrap()
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(NOW.as_nanos() - 3_600_000_000_000 + seconds * 1_000_000_000)
}

fn key(bot: u32) -> SeriesKey {
    SeriesKey::new("latency").label("bot", bot.to_string())
}

fn append(store: &Store, bot: u32, second: i64, value: f64) {
    store.series(&key(bot)).unwrap().append(at(second), value).unwrap();
}

/// Fills the stores of `dirs` with the rows whose turn is theirs.
fn fill(stores: &[&Store], stores_max: usize) {
    for store in stores {
        store.metric("latency").event().unit("ms").define().unwrap();
    }
    for row in 0..600_u32 {
        let store = stores[row as usize % stores_max % stores.len()];
        let second = i64::from(row * 7 % 1800);
        append(store, row % 5, second, f64::from(row * 37 % 101));
        if row == 200 || row == 350 {
            store.flush().unwrap();
        }
        if row == 400 {
            store.delete(&Selector::metric("latency"), TimeRange::new(at(100), at(130))).unwrap();
        }
    }
}

const QUESTIONS: [&str; 6] = [
    "p50(latency), p99(latency) by bot every 1m last 1h",
    "count(latency), sum(latency), min(latency) last 1h",
    "first(latency), last(latency) by bot last 1h",
    "rate(latency) by bot every 5m last 1h",
    "topk(2, count(latency)) by bot last 1h",
    "latency{bot=\"3\"} last 1h",
];

#[test]
fn several_stores_answer_as_one_with_all_samples() {
    let place = Place::new();
    let (a, b, c) = (place.store("/a"), place.store("/b"), place.store("/c"));
    fill(&[&a, &b, &c], 3);
    // One store with the same rows; the deletions above are about one store's samples alone.
    let whole = place.store("/whole");
    whole.metric("latency").unit("ms").define().unwrap();
    let three = place.snapshot(&["/a", "/b", "/c"]);
    for dir in ["/a", "/b", "/c"] {
        let one = place.snapshot(&[dir]);
        for bot in 0..5 {
            for sample in one.samples(&key(bot), TimeRange::ALL).unwrap() {
                whole.series(&key(bot)).unwrap().append(sample.timestamp, sample.value).unwrap();
            }
        }
    }
    let one = place.snapshot(&["/whole"]);
    let mut deleted = 600;
    for bot in 0..5 {
        let (got, expected) = (
            three.samples(&key(bot), TimeRange::ALL).unwrap(),
            one.samples(&key(bot), TimeRange::ALL).unwrap(),
        );
        assert_eq!(got, expected);
        deleted -= got.len();
    }
    assert!(deleted > 0, "the deletions of each store are in force");
    for question in QUESTIONS {
        assert_eq!(three.query(question).unwrap(), one.query(question).unwrap(), "{question}");
    }
    assert_eq!(three.extent(None).unwrap(), one.extent(None).unwrap());
    assert_eq!(three.label_values("bot").unwrap(), one.label_values("bot").unwrap());
    assert_eq!(three.metrics().unwrap(), one.metrics().unwrap());
    let (many, stats) = (three.stats().unwrap(), place.snapshot(&["/a"]).stats().unwrap());
    assert_eq!(many.series, 5);
    assert!(many.samples > stats.samples && many.segments > stats.segments);
}

#[test]
fn equal_times_stand_in_the_order_of_the_directories() {
    let place = Place::new();
    let (a, b) = (place.store("/a"), place.store("/b"));
    for (store, base) in [(&a, 10.0), (&b, 20.0)] {
        append(store, 1, 5, base);
        store.flush().unwrap();
        append(store, 1, 5, base + 1.0);
        append(store, 1, 4, base + 2.0);
    }
    let values = |dirs: &[&str]| -> Vec<f64> {
        let samples = place.snapshot(dirs).samples(&key(1), TimeRange::ALL).unwrap();
        samples.iter().map(|sample: &Sample| sample.value).collect()
    };
    assert_eq!(values(&["/a", "/b"]), [12.0, 22.0, 10.0, 11.0, 20.0, 21.0]);
    assert_eq!(values(&["/b", "/a"]), [22.0, 12.0, 20.0, 21.0, 10.0, 11.0]);
    // A duplicate policy looks at all of them.
    a.metric("latest").duplicates(DuplicatePolicy::Last).define().unwrap();
    b.metric("latest").duplicates(DuplicatePolicy::Last).define().unwrap();
    for (store, value) in [(&a, 1.0), (&b, 2.0)] {
        store.series(&SeriesKey::new("latest")).unwrap().append(at(1), value).unwrap();
    }
    let latest = |dirs: &[&str]| {
        place.snapshot(dirs).samples(&SeriesKey::new("latest"), TimeRange::ALL).unwrap()
    };
    assert_eq!(latest(&["/a", "/b"]).iter().map(|s| s.value).collect::<Vec<_>>(), [2.0]);
    assert_eq!(latest(&["/b", "/a"]).iter().map(|s| s.value).collect::<Vec<_>>(), [1.0]);
}

#[test]
fn definitions_that_differ_name_both_directories_and_one_unit_counts() {
    let place = Place::new();
    let (a, b) = (place.store("/a"), place.store("/b"));
    append(&a, 1, 1, 1.0);
    b.metric("latency").unit("ms").define().unwrap();
    let reader = place.reader(&["/a", "/b"]);
    let metrics = reader.snapshot().unwrap().metrics().unwrap();
    assert_eq!(metrics[0].unit.as_deref(), Some("ms"));
    a.metric("queue").gauge().define().unwrap();
    b.metric("queue").kind(MetricKind::Counter).define().unwrap();
    match reader.snapshot().unwrap_err().into_kind() {
        ErrorKind::MetricsDisagree {
            metric,
            property,
            first,
            first_value,
            second,
            second_value,
        } => {
            assert_eq!((metric.as_str(), property), ("queue", "kind"));
            assert_eq!((first, first_value.as_str()), (PathBuf::from("/a"), "gauge"));
            assert_eq!((second, second_value.as_str()), (PathBuf::from("/b"), "counter"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_store_is_not_counted_twice() {
    let place = Place::new();
    append(&place.store("/a"), 1, 1, 1.0);
    match place.reader(&["/a", "/a/"]).snapshot().unwrap_err().into_kind() {
        ErrorKind::SameStore { first, second } => {
            assert_eq!((first.as_path(), second.as_path()), (Path::new("/a"), Path::new("/a/")));
        }
        other => panic!("{other:?}"),
    }
    let none: [&str; 0] = [];
    let error = Reader::open_all(none).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAStore { .. }));
    let missing =
        Reader::with_system_all(&place.vfs, &place.clock, &Limits::DEFAULT, ["/a", "/nowhere"]);
    assert!(matches!(missing.unwrap_err().kind(), ErrorKind::NotAStore { .. }));
}

#[test]
fn each_store_is_followed_while_it_is_written() {
    let place = Place::new();
    let (a, b) = (place.store("/a"), place.store("/b"));
    let reader = place.reader(&["/a", "/b"]);
    let mut count = 0;
    for round in 0..6 {
        let store = if round % 2 == 0 { &a } else { &b };
        append(store, 1, round, 1.0);
        count += 1;
        if round == 3 {
            a.flush().unwrap();
        }
        let snapshot = reader.snapshot().unwrap();
        assert_eq!(snapshot.samples(&key(1), TimeRange::ALL).unwrap().len(), count);
        assert_eq!(snapshot.seq(), count as u64);
    }
    let report = reader.verify().unwrap();
    assert_eq!((report.damages.len(), report.logs), (0, 2));
}
