//! A mark is found by its text wherever a sample would be: in the log, in segments, in backups, in
//! an export, and where another process asked for it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::Duration;

use silverback::{
    Backups, Cell, ErrorKind, Mark, Outcome, Reader, Request, Selector, SeriesKey, Sharing,
    Snapshot, Store, TimeRange, Timestamp,
};

const MINUTE: i64 = 60_000_000_000;
const DEPLOY: &str = "deploy v42, \"blue\"";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_nanos(1_770_631_200_000_000_000 + minute * MINUTE)
}

/// A store with a sample a minute, and two marks of one text.
fn fill(store: &Store) {
    let latency = store.series(&SeriesKey::new("latency")).unwrap();
    for minute in 0..60 {
        latency.append(at(minute), 100.0).unwrap();
    }
    store.mark(DEPLOY, at(10)).unwrap();
    store.mark(DEPLOY, at(40)).unwrap();
}

fn count(snapshot: &Snapshot, question: &str) -> f64 {
    match snapshot.query(question).unwrap().rows[0][0] {
        Cell::Number(count) => count,
        ref other => panic!("{other:?}"),
    }
}

/// Asserts that a view has both marks, and counts from the later one.
#[track_caller]
fn check(snapshot: &Snapshot) {
    let mark = |minute| Mark { time: at(minute), text: DEPLOY.to_owned() };
    assert_eq!(snapshot.marks().unwrap(), [mark(10), mark(40)]);
    let since = r#"count(latency) since mark("deploy v42, \"blue\"") until "#;
    assert!((count(snapshot, &format!("{since}{}", at(60))) - 20.0).abs() < 1e-9);
    let around = r#"count(latency) from mark("deploy v42, \"blue\"") - 5m for 10m"#;
    assert!((count(snapshot, around) - 10.0).abs() < 1e-9);
}

#[test]
fn a_mark_outlives_flush_merge_restart_and_restore() {
    let folder = tempfile::tempdir().unwrap();
    let [db, saved, restored] = ["db", "saved", "restored"].map(|name| folder.path().join(name));
    let store = Store::open(&db).unwrap();
    fill(&store);
    check(&store.snapshot().unwrap());
    check(&Reader::open(&db).unwrap().snapshot().unwrap());
    store.flush().unwrap();
    store.series(&SeriesKey::new("latency")).unwrap().append(at(70), 1.0).unwrap();
    store.flush().unwrap();
    store.compact().unwrap();
    check(&store.snapshot().unwrap());
    store.close().unwrap();
    let store = Store::open(&db).unwrap();
    check(&store.snapshot().unwrap());
    let backups = Backups::in_dir(&saved);
    backups.create(&Reader::open(&db).unwrap(), Sharing::Copied).unwrap();
    backups.restore(None, &restored, Sharing::Copied).unwrap();
    check(&Reader::open(&restored).unwrap().snapshot().unwrap());
    // It goes as samples go.
    let gone = store.delete(&Selector::metric(Mark::METRIC), TimeRange::ALL).unwrap();
    assert_eq!((gone.series, gone.samples), (1, 2));
    assert!(store.snapshot().unwrap().marks().unwrap().is_empty());
}

#[test]
fn the_writer_marks_for_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db")).unwrap();
    let mark = Mark { time: at(3), text: "release".to_owned() };
    let asked = Request::Mark(mark.clone()).send(store.path(), Duration::from_secs(20)).unwrap();
    assert_eq!(asked, Outcome::Marked);
    assert_eq!(store.snapshot().unwrap().marks().unwrap(), [mark]);
    let nothing = Mark { time: at(3), text: String::new() };
    let refused = Request::Mark(nothing).send(store.path(), Duration::from_secs(20));
    assert!(matches!(refused.unwrap_err().kind(), ErrorKind::Refused { .. }));
}

#[test]
fn a_mark_that_is_not_there_is_told_with_the_nearest() {
    let store = Store::in_memory().unwrap();
    fill(&store);
    store.mark("release", store.now()).unwrap();
    let snapshot = store.snapshot().unwrap();
    let refused = |question: &str| match snapshot.query(question).unwrap_err().into_kind() {
        ErrorKind::Query(found) => found,
        other => panic!("{other:?}"),
    };
    let near = refused(r#"count(latency) since mark("relaese")"#);
    assert_eq!(near.code, "Q150");
    assert_eq!(near.suggestion.as_deref(), Some(r#"count(latency) since mark("release")"#));
    let help = refused(r#"count(latency) since mark("nothing like it")"#).help.unwrap();
    assert!(help.contains("silverback mark"), "{help}");
    let later = store.now().saturating_add(MINUTE);
    store.mark("tomorrow", later).unwrap();
    let snapshot = store.snapshot().unwrap();
    let error = snapshot.query(r#"count(latency) since mark("tomorrow")"#).unwrap_err();
    assert!(error.to_string().contains("future"), "{error}");
}
