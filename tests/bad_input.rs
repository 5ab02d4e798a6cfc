//! Bad input to the store: each is a typed error that names both numbers, or is stored and read
//! back exactly, in the log, in segments and merged.

#![allow(
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

mod folders;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use silverback::{
    Background, Clock, Error, ErrorKind, Limits, ManualClock, Matcher, ModelError, Reader,
    Retention, Selector, Series, SeriesKey, Store, TimeRange, Timestamp,
};

use folders::files;

const NOW: i64 = 1_700_000_000_000_000_000;
const DAY: i64 = 86_400_000_000_000;

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

fn store_with(change: impl Fn(&mut Limits)) -> (Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(at(NOW)));
    let mut limits = Limits::default();
    change(&mut limits);
    let options = Store::options().background(Background::Manual).limits(limits);
    let store = options.clock(Arc::clone(&clock) as Arc<dyn Clock>).in_memory().unwrap();
    (store, clock)
}

fn latency(store: &Store) -> Series {
    store.series(&SeriesKey::new("latency")).unwrap()
}

/// The limit and what was asked for.
#[track_caller]
fn numbers(error: &Error) -> (u64, u64) {
    let (limit, got) = match error.kind() {
        ErrorKind::Limit { limit, got, .. }
        | ErrorKind::Model(ModelError::Limit { limit, got, .. }) => (*limit, *got),
        other => panic!("{other:?}"),
    };
    let text = error.to_string();
    assert!(text.contains(&limit.to_string()) && text.contains(&got.to_string()), "{text}");
    (limit, got)
}

/// Each state a store can be in, and what a step to it is.
fn in_each_state(store: &Store, check: impl Fn(&Store, &str)) {
    check(store, "log");
    store.flush().unwrap();
    check(store, "segment");
    store.compact().unwrap();
    check(store, "merged");
}

#[test]
fn each_limit_of_names_and_labels_is_an_error_with_both_numbers() {
    let (store, _) = store_with(|limits| {
        limits.name_bytes_max = 8;
        limits.value_bytes_max = 4;
        limits.labels_per_series_max = 2;
        limits.series_max = 2;
    });
    let refused = |key: SeriesKey| numbers(&store.series(&key).unwrap_err());
    assert_eq!(refused(SeriesKey::new("latencies")), (8, 9));
    assert_eq!(refused(SeriesKey::new("x").label("é".repeat(5), "1")), (8, 10));
    assert_eq!(refused(SeriesKey::new("x").label("bot", "12345")), (4, 5));
    let three = SeriesKey::new("x").label("a", "1").label("b", "1").label("c", "1");
    assert_eq!(refused(three), (2, 3));
    let both = ["a", "b"].map(|bot| store.series(&SeriesKey::new("x").label("bot", bot)).unwrap());
    assert_eq!(refused(SeriesKey::new("x").label("bot", "c")), (2, 3));
    both[0].append(at(NOW), 1.0).unwrap();
    assert_eq!(numbers(&store.metric("a".repeat(9)).define().unwrap_err()), (8, 9));
}

#[test]
fn each_limit_of_batches_producers_and_deletions_is_an_error_with_both_numbers() {
    let (store, _) = store_with(|limits| {
        limits.batch_samples_max = 3;
        limits.producers_max = 2;
        limits.tombstones_max = 1;
        limits.tombstone_bytes_max = 200;
    });
    let series = latency(&store);
    let mut batch = store.batch();
    for step in 0..3 {
        batch.add(&series, at(step), 1.0).unwrap();
    }
    assert_eq!(numbers(&batch.add(&series, at(3), 1.0).unwrap_err()), (3, 4));
    batch.commit().unwrap();
    let once = |producer: &str| store.batch().push(&series, at(9), 1.0).commit_once(producer, 1);
    assert!(once("a").unwrap() && once("b").unwrap());
    assert_eq!(numbers(&once("c").unwrap_err()), (2, 3));
    assert!(!once("a").unwrap(), "those that are known go on");
    let delete = |label: String| {
        let matchers = vec![Matcher::equal("bot", label)];
        store.delete(&Selector { matchers, ..Selector::metric("latency") }, TimeRange::ALL)
    };
    let (limit, got) = numbers(&delete("x".repeat(300)).unwrap_err());
    assert!(limit == 200 && got > 300);
    // One that chooses nothing counts as well, until it has been carried out.
    delete("y".to_owned()).unwrap();
    assert_eq!(numbers(&delete("z".to_owned()).unwrap_err()), (1, 2));
    assert_eq!(store.snapshot().unwrap().seq(), 4, "three frames and a deletion");

    let (store, _) = store_with(|limits| limits.frame_bytes_max = 1 << 10);
    let series = latency(&store);
    let mut batch = store.batch();
    for step in 0..1_000 {
        batch.add(&series, at(step), 1.0).unwrap();
    }
    let (limit, got) = numbers(&batch.commit().unwrap_err());
    assert!(limit == 1 << 10 && got > 8_000, "{got}");
    assert_eq!(store.snapshot().unwrap().seq(), 0, "nothing of it was stored");
}

#[test]
fn each_limit_of_questions_is_an_error_with_both_numbers() {
    let (store, _) = store_with(|limits| {
        limits.windows_max = 10;
        limits.rows_max = 20;
        limits.query_bytes_max = 200;
        limits.query_depth_max = 8;
        limits.regex_bytes_max = 4 << 10;
    });
    for bot in ["a", "b", "c"] {
        let series = store.series(&SeriesKey::new("latency").label("bot", bot)).unwrap();
        for minute in 0..60 {
            series.append(at(NOW - minute * 60_000_000_000), 1.0).unwrap();
        }
    }
    let snapshot = store.snapshot().unwrap();
    let ask = |text: &str| snapshot.query(text).map(|answer| answer.rows.len());
    assert!(ask("count(latency) last 10m").is_ok());
    assert_eq!(numbers(&ask("count(latency) last 1h every 5m").unwrap_err()).0, 10);
    assert_eq!(numbers(&ask("count(latency) last 9m every 1m by bot").unwrap_err()).0, 20);
    // What is wrong with the text itself is shown in it.
    let long = format!("count(latency) last 10m # {}", "x".repeat(200));
    let deep = format!("{}count(latency){} last 10m", "(".repeat(30), ")".repeat(30));
    let regex = format!("count(latency{{bot=~\"{}\"}}) last 10m", "[a-z]{1,90}".repeat(4));
    for text in [long, deep, regex] {
        assert!(ask(&text).is_err(), "{text}");
    }
}

#[test]
fn ancient_and_future_timestamps_are_kept_up_to_the_edge_and_refused_behind_it() {
    let (store, _) = store_with(|_| ());
    let series = latency(&store);
    let far = |nanos: i64| match series.append(at(nanos), 1.0).unwrap_err().kind() {
        ErrorKind::Model(ModelError::TooFarInTheFuture { timestamp, newest }) => {
            assert_eq!((*timestamp, *newest), (nanos, NOW + DAY));
        }
        other => panic!("{other:?}"),
    };
    far(NOW + DAY + 1);
    far(i64::MAX);
    let kept = [i64::MIN, i64::MIN + 1, -DAY, -1, 0, 1, NOW, NOW + DAY];
    for nanos in kept {
        series.append(at(nanos), nanos as f64).unwrap();
    }
    in_each_state(&store, |store, state| {
        let samples = store.snapshot().unwrap().samples(series.key(), TimeRange::ALL).unwrap();
        let read: Vec<i64> = samples.iter().map(|sample| sample.timestamp.as_nanos()).collect();
        assert_eq!(read, kept, "{state}");
    });
    // Without a limit on the future, the last nanosecond alone is refused.
    let (store, _) = store_with(|limits| limits.future_nanos_max = u64::MAX);
    let series = latency(&store);
    series.append(at(i64::MAX - 1), 1.0).unwrap();
    series.append(at(i64::MAX), 1.0).unwrap_err();
    in_each_state(&store, |store, state| {
        let last = store.snapshot().unwrap().last(series.key()).unwrap().unwrap();
        assert_eq!(last.timestamp.as_nanos(), i64::MAX - 1, "{state}");
    });
}

#[test]
fn what_is_not_finite_is_refused_and_every_finite_double_comes_back() {
    let (store, _) = store_with(|_| ());
    let series = latency(&store);
    for value in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut batch = store.batch();
        batch.add(&series, at(0), 1.0).unwrap();
        for error in [
            series.append(at(0), value).unwrap_err(),
            batch.add(&series, at(0), value).unwrap_err(),
            store
                .batch()
                .push(&series, at(0), value)
                .push(&series, at(1), 1.0)
                .commit()
                .unwrap_err(),
        ] {
            assert!(matches!(error.kind(), ErrorKind::Model(ModelError::NotFinite)), "{error:?}");
        }
        assert_eq!(batch.len(), 1, "the batch is as it was");
    }
    assert_eq!(store.snapshot().unwrap().seq(), 0);
    let kept = [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, -5e-324, f64::MAX, f64::MIN, f64::EPSILON];
    for (step, value) in (0..).zip(kept) {
        series.append(at(step), value).unwrap();
    }
    in_each_state(&store, |store, state| {
        let samples = store.snapshot().unwrap().samples(series.key(), TimeRange::ALL).unwrap();
        let bits: Vec<u64> = samples.iter().map(|sample| sample.value.to_bits()).collect();
        assert_eq!(bits, kept.map(f64::to_bits), "{state}");
    });
}

#[test]
fn names_and_values_of_any_unicode_come_back_as_they_are() {
    let (store, _) = store_with(|_| ());
    for bad in ["", "a\0b", "a\nb", "\u{7f}", "\u{85}"] {
        for key in [SeriesKey::new(bad), SeriesKey::new("x").label(bad, "1")] {
            let error = store.series(&key).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Model(_)), "{error:?}");
        }
    }
    // Composed and decomposed are two; right to left, zero width, astral, private, not a character;
    // values may hold control characters, quotes and line ends as well.
    let names =
        ["é", "e\u{301}", "שלום", "a\u{200b}b", "🦍", "\u{e000}", "\u{10ffff}", "名前", " ", "\""];
    let values = ["", "\0", "\n\r\t", "\\\"'{}=,", "\u{202e}abc", "🦍\u{fe0f}", "\u{ffff}", " x "];
    let mut keys: Vec<SeriesKey> =
        names.iter().map(|name| SeriesKey::new(*name).label(*name, *name)).collect();
    keys.extend(values.iter().map(|value| SeriesKey::new("v").label("v", *value)));
    keys.push(SeriesKey::new("v").label("v", "x".repeat(64 << 10)));
    keys.push(SeriesKey::new("v").label("v", format!("{}y", "x".repeat((64 << 10) - 1))));
    for (step, key) in (0..).zip(&keys) {
        store.series(key).unwrap().append(at(step), step as f64).unwrap();
    }
    let long = SeriesKey::new("v").label("v", "é".repeat((32 << 10) + 1));
    assert_eq!(numbers(&store.series(&long).unwrap_err()), (64 << 10, (64 << 10) + 2));
    in_each_state(&store, |store, state| {
        let snapshot = store.snapshot().unwrap();
        for (step, key) in (0..).zip(&keys) {
            let samples = snapshot.samples(key, TimeRange::ALL).unwrap();
            assert_eq!(samples.len(), 1, "{state}: {key:?}");
            assert_eq!(samples[0].timestamp, at(step), "{state}: {key:?}");
            let matchers = key.labels().map(|(name, value)| Matcher::equal(name, value)).collect();
            let chosen = Selector { matchers, ..Selector::metric(key.metric()) };
            let found = snapshot.select(&chosen).unwrap();
            assert!(found.iter().any(|series| series.key() == key), "{state}: {key:?}");
        }
        assert_eq!(snapshot.select(&Selector::default()).unwrap().len(), keys.len(), "{state}");
    });
}

#[test]
fn batches_without_samples_store_none() {
    let (store, _) = store_with(|_| ());
    store.batch().commit().unwrap();
    let series = latency(&store);
    let mut batch = store.batch();
    batch.add(&series, at(0), 1.0).unwrap();
    batch.truncate(0);
    batch.commit_and_clear().unwrap();
    assert_eq!(store.snapshot().unwrap().seq(), 0);
    assert_eq!(store.flush().unwrap().generations, 0);
    // A producer whose rows were all refused has come so far all the same.
    assert!(store.batch().commit_once("producer", 5).unwrap());
    assert_eq!(store.position_of("producer"), Some(5));
    store.close().unwrap();
}

#[test]
fn a_clock_that_goes_back_loses_nothing_and_brings_nothing_back() {
    let (store, clock) = store_with(|_| ());
    let series = latency(&store);
    for day in 0..20 {
        series.append(at(NOW - day * DAY), day as f64).unwrap();
    }
    store.flush().unwrap();
    store.set_retention(&Retention::forever().keep(std::time::Duration::from_hours(240))).unwrap();
    let left = |store: &Store| {
        store.snapshot().unwrap().samples(series.key(), TimeRange::ALL).unwrap().len()
    };
    let before = left(&store);
    assert!((10..=12).contains(&before), "{before}");
    for back in [1, 3_600_000_000_000, DAY, 400 * DAY] {
        clock.set(at(NOW - back));
        store.tick().unwrap();
        store.expire().unwrap();
        store.compact().unwrap();
        assert_eq!(left(&store), before, "nothing is lost, and what has expired stays so");
        // Samples of the true time are taken as long as the clock allowed them before.
        series.append(at(NOW + 5), 1.0).unwrap();
        store.sync().unwrap();
        store.tick().unwrap();
        store.flush().unwrap();
        assert_eq!(left(&store), before + 1);
        let one = TimeRange::new(at(NOW + 5), at(NOW + 6));
        assert_eq!(store.delete(&Selector::metric("latency"), one).unwrap().samples, 1);
        store.purge().unwrap();
    }
    let expired = series.append(at(NOW - 15 * DAY), 1.0).unwrap_err();
    assert!(matches!(expired.kind(), ErrorKind::Model(ModelError::Expired { .. })), "{expired:?}");
}

fn copy(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    let Ok(entries) = fs::read_dir(source) else { return };
    for entry in entries.filter_map(Result::ok) {
        let (path, target) = (entry.path(), target.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            // Removed since the folder was listed.
            drop(fs::remove_file(&target));
            drop(fs::copy(&path, &target));
        }
    }
}

/// The values of the only series, which are 0, 1, 2, ….
fn values(path: &Path) -> silverback::Result<Vec<f64>> {
    let snapshot = Reader::open(path)?.snapshot()?;
    let samples = snapshot.samples(&SeriesKey::new("latency"), TimeRange::ALL)?;
    Ok(samples.iter().map(|sample| sample.value).collect())
}

/// A copy is no backup: files of several moments come together. It is refused with a typed error,
/// or it is a prefix; `silverback backup` is what makes copies of live stores.
#[test]
fn a_directory_that_is_copied_while_live_is_a_prefix_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    let store = Store::options().flush_bytes(64 << 10).open(&db).unwrap();
    let series = latency(&store);
    let stop = AtomicBool::new(false);
    let (mut whole, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut step = 0_i64;
            while !stop.load(Ordering::Relaxed) {
                series.append(at(step), step as f64).unwrap();
                step += 1;
                if step % 200 == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
        });
        for number in 0..25 {
            let copied = folder.path().join(format!("copy-{number}"));
            copy(&db, &copied);
            let read = values(&copied);
            let opened = Store::options().background(Background::Manual).open(&copied);
            let typed = |error: &Error| {
                matches!(
                    error.kind(),
                    ErrorKind::Corrupt { .. }
                        | ErrorKind::LogGap { .. }
                        | ErrorKind::NotAStore { .. }
                        | ErrorKind::Busy { .. }
                ) || error.is_not_found()
            };
            match read {
                Ok(read) => {
                    assert!((0..).zip(&read).all(|(step, value)| f64::from(step) == *value));
                    whole += 1;
                }
                Err(error) => {
                    assert!(typed(&error), "{error:?}");
                    refused += 1;
                }
            }
            if let Err(error) = opened {
                assert!(typed(&error), "{error:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{whole} copies were prefixes, {refused} were refused");
    assert_eq!(whole + refused, 25);
}

/// A store of some samples in segments and some in the log.
fn store_at(path: &Path, flushes: i64) {
    let store = Store::options().background(Background::Manual).open(path).unwrap();
    let series = latency(&store);
    for flush in 0..flushes {
        for step in flush * 10..flush * 10 + 10 {
            series.append(at(step), step as f64).unwrap();
        }
        store.flush().unwrap();
    }
    series.append(at(flushes * 10), (flushes * 10) as f64).unwrap();
    store.sync().unwrap();
}

#[test]
fn two_stores_moved_over_each_other_are_one_of_them_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [short, long] = [(1, "short"), (3, "long")].map(|(flushes, name)| {
        let path = folder.path().join(name);
        store_at(&path, flushes);
        path
    });
    for (over, under, name) in
        [(&short, &long, "short over long"), (&long, &short, "long over short")]
    {
        let mixed = folder.path().join(name);
        copy(under, &mixed);
        copy(over, &mixed);
        let expected = values(over).unwrap();
        match values(&mixed) {
            Ok(read) => assert_eq!(read, expected, "{name}"),
            Err(error) => {
                let ErrorKind::Corrupt { path, .. } = error.kind() else { panic!("{error:?}") };
                assert!(path.starts_with(&mixed), "{name}: {error}");
            }
        }
        match Store::options().background(Background::Manual).open(&mixed) {
            Ok(store) => {
                let read = store.snapshot().unwrap();
                let read = read.samples(&SeriesKey::new("latency"), TimeRange::ALL).unwrap();
                assert_eq!(read.len(), expected.len(), "{name}");
            }
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error:?}"),
        }
    }
}

#[test]
fn files_that_changed_their_names_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    store_at(&whole, 3);
    for ending in [".sbs", ".sbw"] {
        let path = folder.path().join(format!("swapped{ending}"));
        copy(&whole, &path);
        if ending == ".sbw" {
            // Another opening begins a second log.
            drop(Store::options().background(Background::Manual).open(&path).unwrap());
        }
        let found = files(&path, ending);
        assert!(found.len() >= 2, "{found:?}");
        let between = path.join("between");
        fs::rename(&found[0], &between).unwrap();
        fs::rename(&found[1], &found[0]).unwrap();
        fs::rename(&between, &found[1]).unwrap();
        let error = values(&path).unwrap_err();
        let ErrorKind::Corrupt { path: named, .. } = error.kind() else { panic!("{error:?}") };
        assert!(found.contains(named), "{error}");
        let report = Reader::open(&path).unwrap().verify().unwrap();
        assert!(!report.damages.is_empty());
        Store::options().background(Background::Manual).open(&path).unwrap_err();
    }
}
