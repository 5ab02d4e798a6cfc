//! What is read by a map and what is read by system calls is the same, for writers and readers, at
//! each state of a store; a file that was cut is an error where it is read by calls.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use silverback::vfs::IoMode;
use silverback::{Background, ErrorKind, Reader, Selector, SeriesKey, Store, TimeRange, Timestamp};

/// A name, and what is done to a store.
type Step<'a> = (&'static str, &'a dyn Fn(&Store));

const BASE: i64 = 1_700_000_000_000_000_000;
const MODES: [IoMode; 2] = [IoMode::Mmap, IoMode::Pread];

fn open(db: &Path, mode: IoMode) -> Store {
    Store::options().io_mode(mode).background(Background::Manual).open(db).unwrap()
}

fn reader(db: &Path, mode: IoMode) -> Reader {
    Reader::options().io_mode(mode).open(db).unwrap()
}

fn append(store: &Store, first: i64) {
    for bot in ["support", "test"] {
        let series = store.series(&SeriesKey::new("latency").label("bot", bot)).unwrap();
        for step in first..first + 3_000 {
            let value = f64::from(u32::try_from(step * 7_919 % 10_007).unwrap()) / 10.0;
            series.append(Timestamp::from_nanos(BASE + step * 50_000_000_000), value).unwrap();
        }
    }
}

/// Everything that a reader of a mode says of a store.
fn answers(db: &Path, mode: IoMode) -> String {
    let reader = reader(db, mode);
    let snapshot = reader.snapshot().unwrap();
    let mut said = format!("{:?}", reader.verify().unwrap());
    for series in snapshot.select(&Selector::default()).unwrap() {
        let samples = snapshot.samples(series.key(), TimeRange::ALL).unwrap();
        write!(said, "{} {samples:?}", series.key()).unwrap();
    }
    let now = Timestamp::from_nanos(BASE + 400_000_000_000_000).to_string();
    for question in ["p95(latency) by bot", "sum(latency) every 1d", "max(latency{bot=~\"t.*\"})"] {
        let question = format!("{question} from 2023-11-14 to \"{now}\"");
        said += &snapshot
            .query(&question)
            .map_or_else(|error| error.to_string(), |answer| format!("{:?}", answer.rows));
    }
    said
}

/// The segments of a store.
fn segments(db: &Path) -> Vec<PathBuf> {
    let partitions = fs::read_dir(db.join("seg")).unwrap().map(|entry| entry.unwrap().path());
    let files = partitions.flat_map(|folder| fs::read_dir(folder).unwrap());
    files.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn both_modes_read_the_same_at_each_state_of_a_store() {
    for writer in MODES {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("db");
        let store = open(&db, writer);
        let states: [Step<'_>; 5] = [
            ("logs", &|store| append(store, 0)),
            ("segments", &|store| assert!(store.flush().is_ok())),
            ("both", &|store| append(store, 2_000)),
            ("merged", &|store| assert!(store.compact().is_ok())),
            ("deleted", &|store| {
                let day = TimeRange::new(
                    Timestamp::from_nanos(BASE),
                    Timestamp::from_nanos(BASE + 86_400_000_000_000),
                );
                store.delete(&Selector::metric("latency"), day).unwrap();
                store.purge().unwrap();
            }),
        ];
        for (state, change) in states {
            change(&store);
            let [mapped, copied] = MODES.map(|mode| answers(&db, mode));
            assert_eq!(mapped, copied, "{state}, written with {writer:?}");
        }
        store.close().unwrap();
        for mode in MODES {
            let store = open(&db, mode);
            append(&store, 9_000);
            store.close().unwrap();
        }
        assert_eq!(answers(&db, IoMode::Mmap), answers(&db, IoMode::Pread));
    }
}

/// By a map this would end the process.
#[test]
fn a_segment_that_is_cut_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    let store = open(&db, IoMode::Pread);
    append(&store, 0);
    store.flush().unwrap();
    let snapshot = reader(&db, IoMode::Pread).snapshot().unwrap();
    let writers = store.snapshot().unwrap();
    for segment in segments(&db) {
        fs::set_permissions(&segment, fs::Permissions::from_mode(0o644)).unwrap();
        fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(100).unwrap();
    }
    let key = SeriesKey::new("latency").label("bot", "test");
    for view in [&snapshot, &writers] {
        let error = view.samples(&key, TimeRange::ALL).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error:?}");
    }
    store.compact().unwrap_err();
}
