//! A damaged store is repaired: it opens and verifies again, holds what read before and nothing
//! else, and what was damaged is kept in quarantine.

#![allow(
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

mod folders;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use silverback::{
    Background, Columns, Durability, ErrorKind, Matcher, Reader, RepairReport, Retention, Selector,
    SeriesKey, Store, TimeRange, Timestamp,
};

use folders::files;

const BASE: i64 = 1_700_000_000_000_000_000;
const DAY: i64 = 86_400_000_000_000;

type Samples = BTreeSet<(String, i64, u64)>;

fn open(path: &Path) -> Store {
    let options = Store::options().durability(Durability::Sync).background(Background::Manual);
    options.merges(false).open(path).unwrap()
}

/// A store of two days in three segments, one of them merged, and a log that is not flushed.
fn damaged_later(folder: &Path) -> PathBuf {
    let path = folder.join("whole");
    let store = open(&path);
    let series: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|bot| store.series(&SeriesKey::new("latency").label("bot", *bot)).unwrap())
        .collect();
    let fill = |start: i64, count: i64| {
        for step in 0..count {
            let at = Timestamp::from_nanos(BASE + start + step * 7_000_000);
            series[(step % 3) as usize].append(at, (step as f64).sin()).unwrap();
        }
    };
    fill(0, 600);
    store.flush().unwrap();
    fill(10_000_000_000, 600);
    store.compact().unwrap();
    fill(DAY, 40);
    store.flush().unwrap();
    fill(20_000_000_000, 30);
    store.flush().unwrap();
    fill(30_000_000_000, 20);
    store.sync().unwrap();
    let copied = folder.join("copied");
    copy(&path, &copied);
    copied
}

fn copy(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let place = target.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), &place).unwrap();
            let mut permissions = fs::metadata(&place).unwrap().permissions();
            #[expect(clippy::permissions_set_readonly_false, reason = "a test's own copy")]
            permissions.set_readonly(false);
            fs::set_permissions(&place, permissions).unwrap();
        }
    }
}

fn samples(path: &Path) -> Samples {
    let snapshot = Reader::open(path).unwrap().snapshot().unwrap();
    let mut columns = Columns::default();
    let mut all = Samples::new();
    for series in snapshot.select(&Selector::default()).unwrap() {
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        let key = series.key().to_string();
        all.extend(
            columns.iter().map(|s| (key.clone(), s.timestamp.as_nanos(), s.value.to_bits())),
        );
    }
    all
}

/// Damages a copy of a store, repairs it, and checks what is left of it.
fn repaired(whole: &Path, folder: &Path, damage: impl FnOnce(&Path)) -> (RepairReport, Samples) {
    let path = folder.join("damaged");
    drop(fs::remove_dir_all(&path));
    copy(whole, &path);
    damage(&path);
    let report = Store::repair(&path).unwrap();
    for kept in &report.quarantined {
        assert!(kept.exists(), "{kept:?}");
    }
    let check = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!(check.damages, vec![], "after {report:?}");
    let left = samples(&path);
    assert_eq!(Store::repair(&path).unwrap(), RepairReport::default(), "again, after {report:?}");
    assert_eq!(samples(&path), left);
    (report, left)
}

#[test]
fn a_whole_store_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged_later(folder.path());
    let before = samples(&whole);
    assert_eq!(before.len(), 1290);
    let (report, left) = repaired(&whole, folder.path(), |_| ());
    assert_eq!(report, RepairReport::default());
    assert_eq!(left, before);
}

#[test]
fn a_lost_manifest_is_made_anew_of_the_segments() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged_later(folder.path());
    let before = samples(&whole);
    let damages: [&dyn Fn(&Path); 3] = [
        &|path| fs::remove_file(path.join("MANIFEST")).unwrap(),
        &|path| fs::write(path.join("MANIFEST"), b"SBMAN?").unwrap(),
        &|path| {
            let mut bytes = fs::read(path.join("MANIFEST")).unwrap();
            bytes[70] ^= 1;
            fs::write(path.join("MANIFEST"), bytes).unwrap();
        },
    ];
    for damage in damages {
        let (report, left) = repaired(&whole, folder.path(), damage);
        assert!(report.manifest_rebuilt);
        assert_eq!(left, before, "{report:?}");
    }
}

/// Symptom: with the MANIFEST made anew, deleted and expired samples were back, and a batch that
/// was sent again counted twice. Cause: the MANIFEST alone knew. Fix: that is kept in a second
/// file.
#[test]
fn a_manifest_made_anew_has_the_deletions_retention_and_producers_of_the_lost_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole");
    let store = open(&path);
    let series = store.series(&SeriesKey::new("latency").label("bot", "a")).unwrap();
    let send = |store: &Store| {
        let series = store.series(&SeriesKey::new("latency").label("bot", "b")).unwrap();
        let mut batch = store.batch();
        batch.add(&series, Timestamp::from_nanos(BASE + 5), 1.5).unwrap();
        batch.commit_once("producer", 7).unwrap();
    };
    for step in 0..100 {
        series.append(Timestamp::from_nanos(BASE + step), 1.0).unwrap();
        series.append(Timestamp::from_nanos(BASE + 3 * DAY + step), 1.0).unwrap();
    }
    send(&store);
    store.flush().unwrap();
    let range = TimeRange::new(Timestamp::from_nanos(BASE), Timestamp::from_nanos(BASE + 40));
    let chosen =
        Selector { matchers: vec![Matcher::equal("bot", "a")], ..Selector::metric("latency") };
    store.delete(&chosen, range).unwrap();
    store.set_retention(&Retention::forever().bytes_max(1 << 30)).unwrap();
    store.flush().unwrap();
    store.close().unwrap();
    let before = samples(&path);
    assert_eq!(before.len(), 161);
    let lost = |path: &Path| fs::remove_file(path.join("MANIFEST")).unwrap();
    let (report, left) = repaired(&path, folder.path(), lost);
    assert!(left == before, "{report:?}");
    let carried = report.carried.unwrap();
    assert_eq!((carried.deletions, carried.producers), (1, 1));
    assert_eq!(carried.retention.bytes_max, Some(1 << 30));
    let store = open(&folder.path().join("damaged"));
    send(&store);
    assert_eq!(store.retention().bytes_max, Some(1 << 30));
    store.close().unwrap();
    assert_eq!(samples(&folder.path().join("damaged")), before);
    // Without that file, or with another store's, the repair says so.
    for harm in ["absent", "damaged"] {
        let (report, left) = repaired(&path, folder.path(), |path| {
            lost(path);
            let kept = path.join("tomb/LEDGER");
            match harm {
                "absent" => fs::remove_file(kept).unwrap(),
                _ => fs::write(kept, b"SBMAN").unwrap(),
            }
        });
        assert_eq!(report.carried, None, "{harm}");
        assert_eq!(left.len(), 201, "{harm}: what was deleted is back");
    }
}

#[test]
fn damage_anywhere_in_a_segment_costs_what_it_hits() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged_later(folder.path());
    let before = samples(&whole);
    let (mut rewritten, mut whole_files, mut kept_all) = (0, 0, 0);
    let len = fs::metadata(&files(&whole, ".sbs")[0]).unwrap().len() as usize;
    for at in (0..len).step_by(71) {
        let (report, left) = repaired(&whole, folder.path(), |path| {
            let segment = &files(path, ".sbs")[0];
            let mut bytes = fs::read(segment).unwrap();
            bytes[at] ^= 0x10;
            fs::write(segment, bytes).unwrap();
        });
        assert!(left.is_subset(&before), "byte {at}");
        assert_eq!(report.quarantined.len(), 1, "byte {at}: {report:?}");
        let lost = (before.len() - left.len()) as u64;
        let told: u64 = report.losses.iter().map(|loss| loss.samples).sum();
        assert!(told >= lost, "byte {at}: {lost} lost of {report:?}");
        rewritten += report.segments_rewritten;
        whole_files += u64::from(report.segments_rewritten == 0);
        kept_all += u64::from(lost == 0);
    }
    println!("{rewritten} rewritten, {whole_files} lost whole, {kept_all} times nothing was lost");
    assert!(rewritten > 50 && whole_files > 5);
}

#[test]
fn a_missing_segment_and_a_damaged_log_cost_what_they_held() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged_later(folder.path());
    let before = samples(&whole);
    let (report, left) = repaired(&whole, folder.path(), |path| {
        fs::remove_file(&files(path, ".sbs")[0]).unwrap();
    });
    assert!(left.is_subset(&before));
    let told: u64 = report.losses.iter().map(|loss| loss.samples).sum();
    assert_eq!((told, report.quarantined.len()), ((before.len() - left.len()) as u64, 0));

    let log = files(&whole, ".sbw").pop().unwrap();
    let used = fs::read(&log).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    for at in (4096..used).step_by(53) {
        let (report, left) = repaired(&whole, folder.path(), |path| {
            let log = files(path, ".sbw").pop().unwrap();
            let mut bytes = fs::read(&log).unwrap();
            bytes[at] ^= 0x10;
            fs::write(&log, bytes).unwrap();
        });
        assert!(left.is_subset(&before), "byte {at}");
        assert!(left.len() >= before.len() - 20, "byte {at}: {report:?}");
    }
}

#[test]
fn what_is_no_damage_is_not_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged_later(folder.path());
    let store = open(&whole);
    let locked = Store::repair(&whole).unwrap_err();
    assert!(matches!(locked.kind(), ErrorKind::Locked { .. }), "{locked:?}");
    store.close().unwrap();
    let mut bytes = fs::read(whole.join("MANIFEST")).unwrap();
    bytes[8] = 99;
    fs::write(whole.join("MANIFEST"), bytes).unwrap();
    let newer = Store::repair(&whole).unwrap_err();
    assert!(matches!(newer.kind(), ErrorKind::FormatVersion { .. }), "{newer:?}");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(Store::repair(&empty).is_err());
}

/// Symptom: a repair of a store with a segment of a newer version said that a file did not belong
/// where it was, whatever kept it from being read.
/// Cause: what was no damage was turned into one on the way out.
/// Fix: an error that is no damage is returned as it is, and nothing is moved.
#[test]
fn a_segment_of_a_newer_version_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = damaged_later(folder.path());
    let segment = &files(&whole, ".sbs")[0];
    let mut bytes = fs::read(segment).unwrap();
    bytes[8] = 99;
    fs::write(segment, bytes).unwrap();
    let newer = Store::repair(&whole).unwrap_err();
    assert!(matches!(newer.kind(), ErrorKind::FormatVersion { got: 99, .. }), "{newer:?}");
    assert!(segment.exists());
}
