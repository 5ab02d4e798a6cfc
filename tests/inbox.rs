//! Requests to a writer that dies with them: the next one does them, once in effect, and whoever
//! waits gets an answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use silverback::{
    Background, ErrorKind, Mark, MetricDef, Outcome, Request, Selector, SeriesKey, Store,
    TimeRange, Timestamp,
};

const BASE: i64 = 1_700_000_000_000_000_000;

fn open(db: &Path) -> Store {
    Store::options().background(Background::Manual).open(db).unwrap()
}

/// The names of the files in the inbox by their endings.
fn with_ending(db: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(db.join("inbox")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == ending)).collect()
}

/// Waits for a file in the inbox, and gives it another ending, as a writer does.
fn rename(db: &Path, ending: &str, other: &str) -> PathBuf {
    loop {
        if let Some(path) = with_ending(db, ending).pop() {
            let renamed = path.with_extension(other);
            fs::rename(&path, &renamed).unwrap();
            return renamed;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn leave(db: &Path, request: &Request) {
    let error = request.send(db, Duration::ZERO).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unanswered { .. }), "{error:?}");
}

fn store_with_samples(db: &Path) {
    let store = open(db);
    let latency = store.series(&SeriesKey::new("latency")).unwrap();
    for step in 0..10 {
        latency.append(Timestamp::from_nanos(BASE + step), 1.5).unwrap();
    }
    store.close().unwrap();
}

/// Symptom: whoever had asked a writer that died while it did so waited for nothing, and the
/// request was gone. Cause: the next writer removed what had been begun. Fix: it does it.
#[test]
fn what_a_dying_writer_had_begun_the_next_one_answers() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store_with_samples(&db);
    let all = Request::Delete(Selector::metric("latency"), TimeRange::ALL);
    let asks = thread::spawn({
        let db = db.clone();
        move || all.send(&db, Duration::from_mins(1))
    });
    rename(&db, "req", "run");
    let store = open(&db);
    assert_eq!(store.tick().unwrap().requests_answered, 1);
    match asks.join().unwrap().unwrap() {
        Outcome::Deleted(report) => assert_eq!(report.samples, 10),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_dir(db.join("inbox")).unwrap().count(), 0);
}

#[test]
fn what_was_done_and_not_answered_is_done_again_to_the_same_effect() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store_with_samples(&db);
    let mark = Mark { time: Timestamp::from_nanos(BASE), text: "deploy".to_owned() };
    let requests = [
        Request::Mark(mark.clone()),
        Request::Define(MetricDef::new("later")),
        Request::Compact,
        Request::Delete(
            Selector::metric("latency"),
            TimeRange::new(Timestamp::from_nanos(BASE), Timestamp::from_nanos(BASE + 3)),
        ),
    ];
    for request in &requests {
        let store = open(&db);
        request.run(&store).unwrap();
        drop(store);
        leave(&db, request);
        rename(&db, "req", "run");
        let store = open(&db);
        assert_eq!(store.tick().unwrap().requests_answered, 1, "{request:?}");
        store.close().unwrap();
    }
    let snapshot = open(&db).snapshot().unwrap();
    assert_eq!(snapshot.marks().unwrap(), [mark]);
    let left = snapshot.samples(&SeriesKey::new("latency"), TimeRange::ALL).unwrap();
    assert_eq!(left.len(), 7);
}

/// A request that no writer survives must not kill each one that comes.
#[test]
fn a_request_with_which_two_writers_died_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store_with_samples(&db);
    let asks = thread::spawn({
        let db = db.clone();
        move || Request::Purge.send(&db, Duration::from_mins(1))
    });
    rename(&db, "req", "run");
    drop(open(&db));
    rename(&db, "again", "last");
    let store = open(&db);
    assert_eq!(store.tick().unwrap().requests_answered, 0);
    let error = asks.join().unwrap().unwrap_err();
    match error.kind() {
        ErrorKind::Refused { reason } => assert!(reason.contains("two writers"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// Symptom: an answer that lay there when the writer came back was removed before it was read.
#[test]
fn an_answer_outlives_the_return_of_a_writer_and_not_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store_with_samples(&db);
    leave(&db, &Request::Compact);
    let store = open(&db);
    assert_eq!(store.tick().unwrap().requests_answered, 1);
    drop(store);
    assert_eq!(with_ending(&db, "ans").len(), 1);
    drop(open(&db));
    assert_eq!((with_ending(&db, "ans").len(), with_ending(&db, "old").len()), (0, 1));
    // Whoever waits finds it there as well.
    let asks = thread::spawn({
        let db = db.clone();
        move || Request::Compact.send(&db, Duration::from_mins(1))
    });
    let begun = rename(&db, "req", "run");
    let kept = with_ending(&db, "old").remove(0);
    fs::rename(kept, begun.with_extension("old")).unwrap();
    assert!(matches!(asks.join().unwrap(), Ok(Outcome::Compacted(_))));
    fs::remove_file(begun).unwrap();
    drop(open(&db));
    assert_eq!(fs::read_dir(db.join("inbox")).unwrap().count(), 0);
}
