//! Damage to files that were proven durable is reported by whoever meets it: it never shortens an
//! answer silently, and what may be salvaged is kept.

#![allow(
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

mod folders;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use silverback::{
    Background, Durability, ErrorKind, Reader, SeriesKey, Store, TimeRange, Timestamp,
};

use folders::files;

const BASE: i64 = 1_700_000_000_000_000_000;

fn open(path: &Path, durability: Durability) -> Store {
    Store::options().durability(durability).background(Background::Manual).open(path).unwrap()
}

fn key() -> SeriesKey {
    SeriesKey::new("latency").label("bot", "support")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_nanos(BASE + millis * 1_000_000)
}

fn count(reader: &Reader) -> silverback::Result<usize> {
    Ok(reader.snapshot()?.samples(&key(), TimeRange::ALL)?.len())
}

/// Copies a folder with all that is in it.
fn copy(source: &Path, target: &Path) {
    fs::create_dir(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let (path, target) = {
            let entry = entry.unwrap();
            (entry.path(), target.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Flips a bit of a value that was stored as it is; returns where it stands.
fn damage_value(path: &Path, value: f64) -> u64 {
    let bytes = fs::read(path).unwrap();
    let wanted = value.to_le_bytes();
    let place = bytes.windows(8).position(|window| window == wanted).unwrap();
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[wanted[2] ^ 4], place as u64 + 2).unwrap();
    place as u64
}

/// Symptom: a reader answered from the nine samples before a damaged frame, without a word, while
/// a million durable ones stood behind it. Cause: it took every invalid frame at the end of the
/// last log for a torn tail. Fix: where bytes stand there, it looks for what follows them.
#[test]
fn a_reader_refuses_a_log_that_is_damaged_below_what_was_synced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path, Durability::Sync);
    let series = store.series(&key()).unwrap();
    for step in 0..100 {
        series.append(at(step), 0.1 + step as f64).unwrap();
    }
    let reader = Reader::open(&path).unwrap();
    assert_eq!(count(&reader).unwrap(), 100);
    drop(store);
    let logs = files(&path, ".sbw");
    damage_value(&logs[0], 50.1);
    let error = count(&Reader::open(&path).unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LogGap { seq_before: 50, .. }), "{error:?}");
    let report = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
}

/// Symptom: a reader took a page of zeros for the end of the log, though frames behind it prove
/// that it was durable; only the check noticed. Cause: it looked behind the end only where
/// something stands there. Fix: it looks at once, and again while the log does not grow.
#[test]
fn a_reader_refuses_a_log_with_a_lost_page_before_proof_that_it_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path, Durability::Sync);
    let series = store.series(&key()).unwrap();
    for step in 0..500 {
        series.append(at(step), 0.1 + step as f64).unwrap();
    }
    let follower = Reader::open(&path).unwrap();
    assert_eq!(count(&follower).unwrap(), 500);
    lose(&files(&path, ".sbw")[0], None, 8_192..12_288);
    let is_gap = |error: silverback::Error| matches!(error.kind(), ErrorKind::LogGap { .. });
    assert!(is_gap(count(&Reader::open(&path).unwrap()).unwrap_err()));
    // What was read before the page was lost stays read, and what comes behind it is whole.
    series.append(at(500), 1.5).unwrap();
    assert_eq!(count(&follower).unwrap(), 501);
    // A page in which nothing stands yet may be lost too, in front of a reader that follows.
    let log = files(&path, ".sbw").remove(0);
    let bytes = fs::read(&log).unwrap();
    for step in 501..900 {
        series.append(at(step), 1.5).unwrap();
    }
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    let end = end.next_multiple_of(8);
    lose(&log, None, end..end + 4_096);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert!(is_gap(count(&follower).unwrap_err()));
}

/// Symptom: frames of more than 256 KiB behind a gap were taken for a torn tail, and deleted with
/// the log. Cause: the search for them saw frames within a block only. And a gap that one opening
/// had reported was forgotten by the next, which deleted the log after its flush.
#[test]
fn long_batches_behind_a_gap_are_found_and_kept_by_every_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path, Durability::Os);
    let series = store.series(&key()).unwrap();
    series.append(at(0), 1.5).unwrap();
    for first in [1, 60_001, 120_001] {
        let mut batch = store.batch();
        for step in first..first + 60_000 {
            batch.add(&series, at(step), 0.1 + step as f64).unwrap();
        }
        batch.commit().unwrap();
    }
    // As after a kill: dropping would sync, and prove that all of it was there.
    let live = path;
    let path = folder.path().join("killed");
    copy(&live, &path);
    drop(store);
    damage_value(&files(&path, ".sbw")[0], 30_000.1);
    for opening in 0..3 {
        let store = open(&path, Durability::Os);
        let gaps = &store.recovery().gaps;
        assert_eq!(gaps.len(), 1, "opening {opening}");
        assert_eq!((gaps[0].seq_before, gaps[0].frames_after), (1, 2), "opening {opening}");
        // Killed before anything was flushed.
        drop(store);
    }
    let store = open(&path, Durability::Os);
    store.close().unwrap();
    assert_eq!(files(&path.join("quarantine"), ".sbw").len(), 1);
    assert_eq!(count(&Reader::open(&path).unwrap()).unwrap(), 1);
}

/// Symptom: a log that ended in the midst of a frame passed the check, though the writer refused
/// it.
#[test]
fn a_log_that_was_cut_short_does_not_pass_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path, Durability::Sync);
    let series = store.series(&key()).unwrap();
    for step in 0..100 {
        series.append(at(step), 0.1 + step as f64).unwrap();
    }
    drop(store);
    let log = files(&path, ".sbw").remove(0);
    let bytes = fs::read(&log).unwrap();
    let place = bytes.windows(8).position(|window| window == 60.1_f64.to_le_bytes()).unwrap();
    OpenOptions::new().write(true).open(&log).unwrap().set_len(place as u64).unwrap();
    let report = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
    assert_eq!(report.damages[0].path, log);
}

fn store_with_segment(path: &Path) -> PathBuf {
    let store = open(path, Durability::Sync);
    let series = store.series(&key()).unwrap();
    for step in 0..100 {
        series.append(at(step), 0.1 + step as f64).unwrap();
    }
    store.close().unwrap();
    files(path, ".sbs").remove(0)
}

/// Symptom: without one of its segments, a store was called busy after five seconds.
#[test]
fn a_segment_that_somebody_took_away_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let segment = store_with_segment(&path);
    fs::remove_file(&segment).unwrap();
    let started = Instant::now();
    let error = count(&Reader::open(&path).unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { path, .. } if *path == segment));
    assert!(started.elapsed().as_secs() < 5, "it waited for a writer that there is not");
    let report = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!(report.damages.len(), 1);
    assert_eq!((&report.damages[0].path, report.damages[0].samples), (&segment, 100));
}

/// Symptom: the check found the damaged footer, then failed where readers do, and told nothing.
#[test]
fn the_check_of_a_store_with_a_damaged_footer_tells_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let segment = store_with_segment(&path);
    fs::set_permissions(&segment, Permissions::from_mode(0o644)).unwrap();
    let len = fs::metadata(&segment).unwrap().len();
    let file = OpenOptions::new().read(true).write(true).open(&segment).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, len - 9).unwrap();
    file.write_all_at(&[byte[0] ^ 1], len - 9).unwrap();
    let report = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!(report.damages.len(), 1);
    assert_eq!((&report.damages[0].path, report.damages[0].samples), (&segment, 100));
}

/// Cuts a file, or overwrites a part of it with zeros.
fn lose(path: &Path, len: Option<u64>, zeros: std::ops::Range<u64>) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    if let Some(len) = len {
        file.set_len(len).unwrap();
    }
    file.write_all_at(&vec![0; (zeros.end - zeros.start) as usize], zeros.start).unwrap();
}

/// Symptom: a last log that was cut to nothing or to its header, or of which the first page of
/// frames was lost, was taken for one that a dying process had not begun, and all that it held was
/// gone without a word. Cause: nothing on disk said that it had begun. Fix: the MANIFEST does.
#[test]
fn a_last_log_without_its_beginning_is_damage_once_it_was_proven_to_have_one() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    // Both the first generation of a store, and one that follows a flush.
    for flushes in 0..2 {
        let store = open(&whole, Durability::Os);
        let series = store.series(&key()).unwrap();
        series.append(at(0), 1.5).unwrap();
        if flushes > 0 {
            store.flush().unwrap();
            series.append(at(1), 2.5).unwrap();
        }
        let harms: [(&str, Option<u64>, std::ops::Range<u64>); 6] = [
            ("cut to nothing", Some(0), 0..0),
            ("cut in the header", Some(100), 0..0),
            ("cut to the header", Some(4_096), 0..0),
            ("cut in the first word", Some(4_100), 0..0),
            ("header lost, frames too", None, 0..8_192),
            ("first frames lost", None, 4_096..8_192),
        ];
        for (index, (harm, len, zeros)) in harms.into_iter().enumerate() {
            let path = folder.path().join(format!("{flushes}-{index}"));
            copy(&whole, &path);
            let log = files(&path, ".sbw").pop().unwrap();
            lose(&log, len, zeros);
            assert_lost_log_is_told(&path, &log, flushes, harm);
        }
        let path = folder.path().join(format!("{flushes}-missing"));
        copy(&whole, &path);
        let log = files(&path, ".sbw").pop().unwrap();
        fs::remove_file(&log).unwrap();
        assert_lost_log_is_told(&path, &log, flushes, "taken away");
        drop(store);
        fs::remove_dir_all(&whole).unwrap();
    }
}

/// Readers, writers and the check name the log; a repair tells of it and leaves what there is.
fn assert_lost_log_is_told(path: &Path, log: &Path, flushed: usize, harm: &str) {
    let names = |error: silverback::Error| match error.kind() {
        ErrorKind::Corrupt { path, .. } => assert_eq!(path, log, "{harm}"),
        other => panic!("{harm}: {other:?}"),
    };
    names(Reader::open(path).unwrap().snapshot().unwrap_err());
    names(Store::options().background(Background::Manual).open(path).unwrap_err());
    let report = Reader::open(path).unwrap().verify().unwrap();
    assert_eq!(report.damages.len(), 1, "{harm}: {report:?}");
    assert_eq!(report.damages[0].path, log, "{harm}");
    let repaired = Store::repair(path).unwrap();
    assert_eq!(repaired.losses.len(), 1, "{harm}: {repaired:?}");
    let reader = Reader::open(path).unwrap();
    assert_eq!(count(&reader).unwrap(), flushed, "{harm}");
    assert_eq!(reader.verify().unwrap().damages, [], "{harm}");
    let store = open(path, Durability::Os);
    store.series(&key()).unwrap().append(at(9), 9.5).unwrap();
    store.close().unwrap();
    assert_eq!(count(&Reader::open(path).unwrap()).unwrap(), flushed + 1, "{harm}");
}

/// A log of the second generation in a row without a flush is not claimed yet: what damage made of
/// it looks as a dying process leaves one, and the recovery says that it met such a file.
#[test]
fn a_log_that_nothing_proves_to_have_begun_is_told_of_when_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(&path, Durability::Os);
    store.series(&key()).unwrap().append(at(0), 1.5).unwrap();
    drop(store);
    // Another opening begins the second log behind the first, and is killed.
    let killed = folder.path().join("killed");
    let store = open(&path, Durability::Os);
    store.series(&key()).unwrap().append(at(1), 2.5).unwrap();
    copy(&path, &killed);
    drop(store);
    let log = files(&killed, ".sbw").pop().unwrap();
    lose(&log, Some(0), 0..0);
    assert_eq!(count(&Reader::open(&killed).unwrap()).unwrap(), 1);
    let store = open(&killed, Durability::Os);
    assert_eq!(store.recovery().unborn, [log]);
}
