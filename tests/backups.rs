//! A backup is whole or is none, holds a prefix of what was committed, and gives it back exactly.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use silverback::vfs::{LossPattern, MemVfs, OperationKind, SimVfs, Vfs, loss_patterns};
use silverback::{
    Background, BackupState, Backups, Clock, Error, ErrorKind, Limits, ManualClock, Reader, Sample,
    SelectedSeries, Selector, SeriesKey, Sharing, Snapshot, Store, TimeRange, Timestamp,
};

const START: i64 = 1_700_000_000_000_000_000;
const DAY: i64 = 86_400_000_000_000;
const LABELS: [&str; 3] = ["sales", "support", "test"];

/// Series by name, and their samples.
type Contents = Vec<(String, Vec<Sample>)>;

/// A file system with a store `/db` and its backups in `/backups`.
struct Place {
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
}

impl Place {
    fn new(vfs: Arc<dyn Vfs>) -> Self {
        let now = Timestamp::from_nanos(START + 3 * DAY);
        Self { vfs, clock: Arc::new(ManualClock::new(now)) }
    }

    fn try_store(&self, dir: &str) -> Result<Store, Error> {
        let options = Store::options().vfs(Arc::clone(&self.vfs)).clock(Arc::clone(&self.clock));
        options.background(Background::Manual).uuid([7; 16]).open(dir)
    }

    fn store(&self, dir: &str) -> Store {
        self.try_store(dir).unwrap()
    }

    fn reader(&self, dir: impl AsRef<Path>) -> Reader {
        let (vfs, clock) = (Arc::clone(&self.vfs), Arc::clone(&self.clock));
        Reader::with_system(vfs, clock, Limits::DEFAULT, dir).unwrap()
    }

    fn backups(&self) -> Backups {
        Backups::with_system(Arc::clone(&self.vfs), Arc::clone(&self.clock), "/backups")
    }

    fn contents(&self, dir: impl AsRef<Path>) -> Contents {
        contents(&self.reader(dir).snapshot().unwrap())
    }
}

fn mem() -> Place {
    Place::new(Arc::new(MemVfs::new()))
}

fn contents(snapshot: &Snapshot) -> Contents {
    let chosen = snapshot.select(&Selector::default()).unwrap();
    let keys = chosen.iter().map(SelectedSeries::key);
    keys.map(|key| (key.to_string(), snapshot.samples(key, TimeRange::ALL).unwrap())).collect()
}

/// Appends rows over two days, some of them as a batch.
fn append(store: &Store, rows: std::ops::Range<u32>) {
    store.metric("latency").unit("ms").define().unwrap();
    let series =
        LABELS.map(|bot| store.series(&SeriesKey::new("latency").label("bot", bot)).unwrap());
    let mut batch = store.batch();
    for row in rows {
        let time = Timestamp::from_nanos(START + i64::from(row * 7 % 100) * DAY / 50);
        let chosen = &series[row as usize % 3];
        if row % 5 == 0 {
            batch.add(chosen, time, f64::from(row) / 8.0).unwrap();
        } else {
            chosen.append(time, f64::from(row) / 8.0).unwrap();
        }
    }
    batch.commit().unwrap();
}

fn files(vfs: &dyn Vfs, dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in vfs.read_dir(dir).unwrap() {
        let path = dir.join(name);
        if vfs.read_dir(&path).is_ok() {
            files.extend(self::files(vfs, &path));
        } else {
            files.push(path);
        }
    }
    files
}

fn bytes_of(vfs: &dyn Vfs, path: &Path) -> Vec<u8> {
    let file = vfs.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

fn replace(vfs: &dyn Vfs, path: &Path, bytes: &[u8]) {
    vfs.remove(path).unwrap();
    vfs.create(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_backup_is_restored_as_it_was_and_the_next_one_adds_what_is_new() {
    let place = mem();
    let store = place.store("/db");
    append(&store, 0..200);
    store.flush().unwrap();
    append(&store, 200..300);
    let backups = place.backups();
    let first = backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!((first.number, first.samples), (1, 300));
    assert_eq!((first.segments_linked, first.segments_copied, first.logs), (3, 0, 1));
    let at_first = place.contents("/db");
    append(&store, 300..350);
    store.flush().unwrap();
    store.delete(&Selector::metric("latency"), TimeRange::ALL).unwrap();
    append(&store, 350..360);
    let second = backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!((second.number, second.segments_kept), (2, 3), "they are in the first");
    assert!(second.segments_linked > 0 && second.segments > 3);
    let at_second = place.contents("/db");
    store.compact().unwrap();
    let third = backups.create(&place.reader("/db"), Sharing::Copied).unwrap();
    assert_eq!(third.segments_copied, third.segments);
    drop(store);

    let list = backups.list().unwrap();
    assert!(list.iter().all(|entry| entry.state == BackupState::Whole));
    assert_eq!(list.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((list[0].seq, list[0].samples, list[0].segments), (first.seq, 300, 3));
    assert_eq!(list[0].created, Some(first.created));
    for (number, sharing) in [(1, Sharing::Linked), (1, Sharing::Copied), (2, Sharing::Copied)] {
        let target = format!("/restored-{number}-{sharing:?}");
        let report = backups.restore(Some(number), &target, sharing).unwrap();
        let expected = if number == 1 { &at_first } else { &at_second };
        assert_eq!(report.segments_linked > 0, sharing == Sharing::Linked);
        assert_eq!(place.contents(&target), *expected, "{target}");
        let entry = list.iter().find(|entry| entry.number == number).unwrap();
        assert_eq!(place.contents(&entry.path), *expected, "in place");
        assert_eq!(place.reader(&target).verify().unwrap().damages, []);
        // It is a store like any other.
        let restored = place.store(&target);
        assert_eq!(contents(&restored.snapshot().unwrap()), *expected);
        append(&restored, 400..410);
        restored.flush().unwrap();
        restored.compact().unwrap();
        restored.close().unwrap();
        assert_eq!(place.reader(&target).verify().unwrap().damages, []);
    }
    let newest = backups.restore(None, "/newest", Sharing::Linked).unwrap();
    assert_eq!((newest.number, newest.seq), (3, third.seq));
    assert_eq!(place.contents("/newest"), place.contents("/db"));
    for entry in &list {
        assert_eq!(place.reader(&entry.path).verify().unwrap().damages, [], "after all that");
    }
}

#[test]
fn an_empty_store_and_one_with_all_in_the_log_are_backed_up() {
    let place = mem();
    let store = place.store("/db");
    let backups = place.backups();
    backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    backups.restore(None, "/empty", Sharing::Linked).unwrap();
    assert_eq!(place.contents("/empty"), []);
    append(&store, 0..50);
    let report = backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!((report.segments, report.logs, report.samples), (0, 1, 50));
    backups.restore(None, "/log", Sharing::Linked).unwrap();
    assert_eq!(place.contents("/log"), place.contents("/db"));
}

/// On the real file system, with a writer that appends, flushes and merges all the time.
#[test]
fn backups_of_a_store_that_is_being_written_hold_a_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    let store = Store::options().background(Background::Manual).open(&db).unwrap();
    let series = store.series(&SeriesKey::new("count")).unwrap();
    let (committed, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let backups = Backups::in_dir(folder.path().join("backups"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=u64::MAX {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let time = Timestamp::from_nanos(START + i64::try_from(number).unwrap());
                series.append(time, f64::from(u32::try_from(number).unwrap())).unwrap();
                committed.store(number, Ordering::Release);
                match number % 2_000 {
                    0 => drop(store.compact().unwrap()),
                    500 | 1_500 => drop(store.flush().unwrap()),
                    _ => {}
                }
            }
        });
        let reader = Reader::open(&db).unwrap();
        for round in 0..12_u64 {
            let before = committed.load(Ordering::Acquire);
            let sharing = if round % 3 == 0 { Sharing::Copied } else { Sharing::Linked };
            let report = backups.create(&reader, sharing).unwrap();
            assert!(report.seq >= before, "{before} were committed before the backup was begun");
            let target = folder.path().join(format!("restored-{round}"));
            backups.restore(Some(report.number), &target, Sharing::Linked).unwrap();
            let snapshot = Reader::open(&target).unwrap().snapshot().unwrap();
            let samples = snapshot.samples(&SeriesKey::new("count"), TimeRange::ALL).unwrap();
            assert_eq!(samples.len() as u64, report.seq);
            assert_eq!(report.samples, report.seq);
            let in_order = (1..)
                .zip(&samples)
                .all(|(n, sample)| sample.value.to_bits() == f64::from(n).to_bits());
            assert!(in_order, "a sample is missing");
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(backups.list().unwrap().len(), 12);
}

/// A simulated machine with a store and one backup, and what both hold.
fn simulated() -> (SimVfs, Contents, Contents) {
    let vfs = SimVfs::new(1);
    let place = Place::new(Arc::new(vfs.clone()));
    let store = place.store("/db");
    append(&store, 0..40);
    store.flush().unwrap();
    store.sync().unwrap();
    let first = place.contents("/db");
    place.backups().create(&place.reader("/db"), Sharing::Linked).unwrap();
    append(&store, 40..80);
    store.flush().unwrap();
    append(&store, 80..90);
    store.sync().unwrap();
    let second = place.contents("/db");
    (vfs, first, second)
}

#[test]
fn a_backup_that_is_cut_short_is_never_taken_for_whole() {
    let (whole, _, _) = simulated();
    let start = whole.operations();
    let place = Place::new(Arc::new(whole.clone()));
    for sharing in [Sharing::Linked, Sharing::Copied] {
        place.backups().create(&place.reader("/db"), sharing).unwrap();
    }
    let end = whole.operations();
    let links = whole.trace().iter().filter(|done| done.kind == OperationKind::Link).count();
    assert!(links > 3 && end > start + 30, "{links} links, {start}..{end}");
    for operation in start..end {
        let (vfs, first, second) = simulated();
        vfs.crash_at(operation);
        let place = Place::new(Arc::new(vfs.clone()));
        let cut = [Sharing::Linked, Sharing::Copied]
            .into_iter()
            .find_map(|sharing| place.backups().create(&place.reader("/db"), sharing).err());
        assert!(cut.is_some(), "operation {operation}");
        let images = loss_patterns().map(|pattern| vfs.power_loss(pattern));
        for (image, after) in std::iter::once(vfs.kill()).chain(images).enumerate() {
            let context = format!("operation {operation}, image {image}");
            let place = Place::new(Arc::new(after));
            let backups = place.backups();
            let list = backups.list().unwrap();
            assert!(list[0].state == BackupState::Whole && list[0].number == 1, "{context}");
            for entry in list {
                let target = format!("/restored-{}", entry.number);
                let restored = backups.restore(Some(entry.number), &target, Sharing::Linked);
                let is_whole = entry.state == BackupState::Whole;
                assert_eq!(restored.is_ok(), is_whole, "{context}: {restored:?}");
                if is_whole {
                    let expected = if entry.number == 1 { &first } else { &second };
                    assert_eq!(place.contents(&target), *expected, "{context}");
                } else {
                    assert!(!place.vfs.exists(target.as_ref()).unwrap(), "{context}");
                }
            }
            // The store lost nothing, and the next backup goes on with what is there.
            let report = backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
            assert!(report.number >= 2, "{context}");
            backups.restore(None, "/again", Sharing::Copied).unwrap();
            assert_eq!(place.contents("/again"), second, "{context}");
            let states = backups.list().unwrap().into_iter().map(|entry| entry.state);
            assert!(states.into_iter().all(|state| state == BackupState::Whole), "{context}");
        }
    }
}

#[test]
fn a_restore_that_is_cut_short_leaves_no_store() {
    let (whole, first, _) = simulated();
    let start = whole.operations();
    let restore = |vfs: &SimVfs| {
        let place = Place::new(Arc::new(vfs.clone()));
        place.backups().restore(None, "/restored", Sharing::Copied)
    };
    restore(&whole).unwrap();
    let end = whole.operations();
    for operation in start..end {
        let (vfs, ..) = simulated();
        vfs.crash_at(operation);
        assert!(restore(&vfs).is_err());
        for pattern in loss_patterns().chain([LossPattern::Random(9)]) {
            let after = Place::new(Arc::new(vfs.power_loss(pattern)));
            if after.vfs.exists("/restored/MANIFEST".as_ref()).unwrap() {
                assert_eq!(after.contents("/restored"), first, "{operation} {pattern:?}");
            } else if let Ok(store) = after.try_store("/restored") {
                // A new store, where no file of the backup has come yet.
                assert!(store.recovery().is_new, "{operation} {pattern:?}");
            }
            assert_eq!(after.contents("/backups/00000001"), first, "{operation} {pattern:?}");
        }
    }
}

#[test]
fn where_nothing_can_be_linked_segments_are_copied() {
    let (whole, _, second) = simulated();
    let operations = |vfs: &SimVfs| {
        let trace = vfs.trace();
        let links = trace.iter().enumerate().filter(|(_, done)| done.kind == OperationKind::Link);
        links.map(|(number, _)| number as u64).collect::<Vec<_>>()
    };
    // A link that fails shifts the operations behind it: fail one more with each attempt.
    let mut failing = Vec::new();
    loop {
        let (vfs, ..) = simulated();
        let before = operations(&vfs).len();
        for number in &failing {
            vfs.fail_at(*number, std::io::ErrorKind::CrossesDevices);
        }
        let place = Place::new(Arc::new(vfs.clone()));
        let report = place.backups().create(&place.reader("/db"), Sharing::Linked).unwrap();
        let links = operations(&vfs).split_off(before);
        if let Some(next) = links.iter().find(|number| !failing.contains(number)) {
            failing.push(*next);
            continue;
        }
        assert_eq!(report.segments_copied, report.segments);
        place.backups().restore(None, "/restored", Sharing::Copied).unwrap();
        assert_eq!(place.contents("/restored"), second);
        break;
    }
    assert!(failing.len() >= 4 && whole.operations() > 0);
}

/// Flips bits all over the files of a backup: restoring it fails, or gives the same.
#[test]
fn a_flipped_bit_in_a_backup_is_found_when_it_is_restored() {
    let place = mem();
    let store = place.store("/db");
    append(&store, 0..60);
    store.flush().unwrap();
    append(&store, 60..70);
    let expected = place.contents("/db");
    let backups = place.backups();
    backups.create(&place.reader("/db"), Sharing::Copied).unwrap();
    let (mut found, mut same) = (0, 0);
    let all = files(&*place.vfs, "/backups/00000001".as_ref());
    assert!(all.len() >= 5, "{all:?}");
    for path in all {
        let bytes = bytes_of(&*place.vfs, &path);
        for at in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            replace(&*place.vfs, &path, &flipped);
            let target = format!("/restored-{found}-{same}");
            match backups.restore(Some(1), &target, Sharing::Copied) {
                Ok(_) => {
                    assert_eq!(place.contents(&target), expected, "{path:?} byte {at}");
                    same += 1;
                }
                Err(error) => {
                    let damaged = matches!(
                        error.kind(),
                        ErrorKind::Corrupt { .. }
                            | ErrorKind::LogGap { .. }
                            | ErrorKind::FormatVersion { .. }
                    );
                    assert!(damaged, "{path:?} byte {at}: {error:?}");
                    let manifest = Path::new(&target).join("MANIFEST");
                    assert!(!place.vfs.exists(&manifest).unwrap(), "{path:?} byte {at}");
                    found += 1;
                }
            }
        }
        replace(&*place.vfs, &path, &bytes);
    }
    // What is the same lies behind the end of the log, up to the end of its page.
    assert!(found > 100 && same < 60, "{found} found, {same} the same");
}

#[test]
fn a_log_whose_last_frame_is_damaged_is_not_restored_as_a_shorter_one() {
    let place = mem();
    let store = place.store("/db");
    append(&store, 0..10);
    place.backups().create(&place.reader("/db"), Sharing::Linked).unwrap();
    let log = files(&*place.vfs, "/backups/00000001/wal".as_ref()).remove(0);
    let mut bytes = bytes_of(&*place.vfs, &log);
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    replace(&*place.vfs, &log, &bytes);
    let error = place.backups().restore(None, "/restored", Sharing::Linked).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error:?}");
    assert!(!place.vfs.exists("/restored".as_ref()).unwrap());
}

#[test]
fn what_an_earlier_backup_has_is_taken_over_only_if_it_is_whole() {
    let place = mem();
    let store = place.store("/db");
    append(&store, 0..60);
    store.flush().unwrap();
    let backups = place.backups();
    let first = backups.create(&place.reader("/db"), Sharing::Copied).unwrap();
    assert_eq!(first.segments, 3);
    let segment = files(&*place.vfs, "/backups/00000001/seg".as_ref()).remove(0);
    let mut bytes = bytes_of(&*place.vfs, &segment);
    bytes[100] ^= 4;
    replace(&*place.vfs, &segment, &bytes);
    let second = backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!((second.segments_kept, second.segments_linked), (2, 1));
    assert!(backups.restore(Some(1), "/one", Sharing::Copied).is_err());
    backups.restore(Some(2), "/two", Sharing::Copied).unwrap();
    assert_eq!(place.contents("/two"), place.contents("/db"));
}

#[test]
fn a_damaged_store_is_not_backed_up_and_the_file_is_named() {
    let place = mem();
    let store = place.store("/db");
    append(&store, 0..60);
    store.close().unwrap();
    let segment = files(&*place.vfs, "/db/seg".as_ref()).remove(0);
    let bytes = bytes_of(&*place.vfs, &segment);
    let mut flipped = bytes.clone();
    flipped[100] ^= 4;
    replace(&*place.vfs, &segment, &flipped);
    for sharing in [Sharing::Linked, Sharing::Copied] {
        match place.backups().create(&place.reader("/db"), sharing).unwrap_err().into_kind() {
            ErrorKind::Corrupt { path, .. } => assert_eq!(path, segment),
            other => panic!("{other:?}"),
        }
        assert_eq!(place.backups().list().unwrap()[0].state, BackupState::Incomplete);
        let error = place.backups().restore(None, "/x", Sharing::Linked).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotABackup { .. }));
    }
    replace(&*place.vfs, &segment, &bytes);
    let mended = place.backups().create(&place.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!(mended.number, 1, "the attempt is gone on with");
}

#[test]
fn places_that_hold_something_else_are_refused() {
    let place = mem();
    let store = place.store("/db");
    append(&store, 0..10);
    let backups = place.backups();
    assert!(backups.list().unwrap_err().is_not_found());
    backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    // A store, or any other file, where a backup is to be restored.
    let not_empty = backups.restore(None, "/db", Sharing::Linked).unwrap_err();
    assert!(matches!(not_empty.kind(), ErrorKind::NotEmpty { .. }), "{not_empty:?}");
    let absent = backups.restore(Some(7), "/new", Sharing::Linked).unwrap_err();
    assert!(matches!(absent.kind(), ErrorKind::NotABackup { .. }), "{absent:?}");
    // Backups in the store's own directory, or among those of another store.
    let in_store = Backups::with_system(Arc::clone(&place.vfs), Arc::clone(&place.clock), "/db");
    let refused = in_store.create(&place.reader("/db"), Sharing::Linked).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::NotABackup { .. }), "{refused:?}");
    let other = Store::options().vfs(Arc::clone(&place.vfs)).background(Background::Manual);
    let other = other.uuid([8; 16]).open("/other").unwrap();
    let foreign = backups.create(&place.reader("/other"), Sharing::Linked).unwrap_err();
    assert!(foreign.to_string().contains("another store"), "{foreign}");
    drop(other);
    // Several stores at once, and two at the same time.
    let both =
        Reader::with_system_all(&place.vfs, &place.clock, &Limits::DEFAULT, ["/db", "/other"]);
    let several = backups.create(&both.unwrap(), Sharing::Linked).unwrap_err();
    assert!(matches!(several.kind(), ErrorKind::Limit { limit: 1, got: 2, .. }), "{several:?}");
    let guard = place.vfs.lock("/backups/LOCK".as_ref(), "another").unwrap();
    let locked = backups.create(&place.reader("/db"), Sharing::Linked).unwrap_err();
    assert!(matches!(locked.kind(), ErrorKind::Locked { .. }), "{locked:?}");
    drop(guard);
    // A backup is read, but not written.
    let written = place.try_store("/backups/00000001").unwrap_err();
    assert!(written.to_string().contains("it is a backup"), "{written}");
    assert_eq!(place.contents("/backups/00000001"), place.contents("/db"));
}

/// A clock that merges the store away when it is asked for the time: a backup asks once it has
/// opened the files that it needs, and before it places the first of them.
#[derive(Debug)]
struct Interposed(Store);

impl Clock for Interposed {
    fn now(&self) -> Timestamp {
        if self.0.compact().unwrap().segments_before > 3 {
            append(&self.0, 500..520);
        }
        Timestamp::from_nanos(START + 3 * DAY)
    }
}

#[test]
fn segments_that_are_merged_away_meanwhile_are_copied_from_their_open_files() {
    let place = mem();
    let store = place.store("/db");
    for rows in [0..40, 40..80] {
        append(&store, rows);
        store.flush().unwrap();
    }
    let before = place.contents("/db");
    let clock = Arc::new(Interposed(store));
    let backups = Backups::with_system(Arc::clone(&place.vfs), clock, "/backups");
    let report = backups.create(&place.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!((report.segments, report.segments_copied), (6, 6), "their names are gone");
    backups.restore(None, "/restored", Sharing::Linked).unwrap();
    assert_eq!(place.contents("/restored"), before);
    assert_ne!(place.contents("/db"), before, "the store went on");
}

#[test]
fn a_name_that_leads_to_another_file_is_not_linked() {
    // The reader and the backups are on two file systems, with another store at the same place.
    let (here, there) = (mem(), mem());
    append(&here.store("/db"), 0..60);
    here.store("/db").close().unwrap();
    append(&there.store("/db"), 100..160);
    there.store("/db").close().unwrap();
    let report = there.backups().create(&here.reader("/db"), Sharing::Linked).unwrap();
    assert_eq!((report.segments_linked, report.segments_copied), (0, 3));
    there.backups().restore(None, "/restored", Sharing::Linked).unwrap();
    assert_eq!(there.contents("/restored"), here.contents("/db"));
}
