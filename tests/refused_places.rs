//! What stands where a store should be, and is not what it should be, is refused with an error that
//! names the file and the place in it; nothing is changed by the refusal.

#![allow(
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

mod scripted;

use std::io;
use std::path::{Path, PathBuf};

use scripted::{BASE, DIR, Exact, at, contents, key, options, reader};
use silverback::vfs::{LossPattern, SimVfs, Vfs};
use silverback::{Durability, Error, ErrorKind, FormatError, Reader, Result, Store};

const MANIFEST: &str = "/db/MANIFEST";

fn read(sim: &SimVfs, path: &Path) -> Vec<u8> {
    let file = sim.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

/// Puts a file in place of another, as a copying tool would.
fn replace(sim: &SimVfs, path: &Path, bytes: &[u8]) {
    if sim.exists(path).unwrap() {
        sim.remove(path).unwrap();
    }
    sim.create(path).unwrap().write_all(bytes).unwrap();
}

/// A store with a segment, and a log that is not flushed: every sample is on disk.
struct Sample {
    sim: SimVfs,
    contents: Vec<Exact>,
    segment: PathBuf,
    log: PathBuf,
}

impl Sample {
    fn new(uuid: u8) -> Self {
        let sim = SimVfs::new(1);
        let store = options(&sim, Durability::Sync).uuid([uuid; 16]).open(DIR).unwrap();
        let series = store.series(&key(0)).unwrap();
        (0..20).for_each(|step| series.append(at(step), 0.5).unwrap());
        store.flush().unwrap();
        (20..30).for_each(|step| series.append(at(step), 1.5).unwrap());
        store.batch().push(&series, at(30), 2.0).push(&series, at(30), 2.0).commit().unwrap();
        let contents = contents(&store.snapshot().unwrap());
        drop(store);
        let only = |folder: &Path| folder.join(&sim.read_dir(folder).unwrap()[0]);
        let segment = only(&only(Path::new("/db/seg")));
        let log = only(Path::new("/db/wal"));
        Self { sim, contents, segment, log }
    }

    fn copy(&self) -> SimVfs {
        self.sim.power_loss(LossPattern::Everything)
    }

    fn with(&self, path: &Path, bytes: &[u8]) -> SimVfs {
        let sim = self.copy();
        replace(&sim, path, bytes);
        sim
    }
}

fn open(sim: &SimVfs) -> Result<Store> {
    options(sim, Durability::Os).open(DIR)
}

/// Opens, or reads, all of a store; damage may show only where it is read.
fn open_and_read(sim: &SimVfs) -> Result<(Vec<Exact>, usize)> {
    let store = open(sim)?;
    let snapshot = store.snapshot()?;
    let samples = snapshot.samples(&key(0), silverback::TimeRange::ALL)?;
    let rows = samples.iter().map(|s| (0, s.timestamp.as_nanos() - BASE, s.value.to_bits()));
    Ok((rows.collect(), store.recovery().gaps.len()))
}

/// Asserts that the error is about the bytes of this file, and says so.
#[track_caller]
fn assert_damage(error: &Error, path: &Path, context: &str) {
    let named = match error.kind() {
        ErrorKind::Corrupt { path, .. }
        | ErrorKind::LogGap { path, .. }
        | ErrorKind::FormatVersion { path, .. } => path,
        other => panic!("{context}: {other:?}"),
    };
    assert_eq!(named, path, "{context}: {error}");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{context}: {text}");
    let says_more = ["verify", "salvage", "newer build"].iter().any(|hint| text.contains(hint));
    assert!(says_more, "{context}: {text:?} does not say what to do");
}

#[test]
fn every_flipped_bit_is_detected_or_costs_nothing() {
    let sample = Sample::new(7);
    let (mut detected, mut harmless) = (0, 0);
    for path in [Path::new(MANIFEST), &sample.segment, &sample.log] {
        let bytes = read(&sample.sim, path);
        // Behind the last frame a log is zeros for pages.
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 16;
        for at in 0..bytes.len().min(end) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let context = format!("{} byte {at}", path.display());
            match open_and_read(&sample.with(path, &flipped)) {
                Err(error) => {
                    assert_damage(&error, path, &context);
                    detected += 1;
                }
                Ok((seen, _)) => {
                    assert_eq!(seen, sample.contents, "{context}: samples changed in silence");
                    harmless += 1;
                }
            }
        }
    }
    println!("{detected} flipped bits detected, {harmless} without effect");
    assert!(detected > 2000, "{detected} detected, {harmless} without effect");
}

#[test]
fn every_truncated_file_is_detected_or_costs_nothing() {
    let sample = Sample::new(7);
    for path in [Path::new(MANIFEST), &sample.segment, &sample.log] {
        let bytes = read(&sample.sim, path);
        for len in (0..bytes.len()).filter(|len| len.is_multiple_of(8) || len % 13 == 0) {
            let context = format!("{} cut to {len} bytes", path.display());
            match open_and_read(&sample.with(path, &bytes[..len])) {
                Err(error) => assert_damage(&error, path, &context),
                Ok((seen, _)) => assert_eq!(seen, sample.contents, "{context}"),
            }
        }
    }
}

#[test]
fn files_of_another_store_are_refused() {
    let (sample, other) = (Sample::new(7), Sample::new(8));
    for (path, foreign) in [(&sample.segment, &other.segment), (&sample.log, &other.log)] {
        let sim = sample.with(path, &read(&other.sim, foreign));
        let error = open_and_read(&sim).unwrap_err();
        assert_damage(&error, path, "foreign");
        let is_misplaced = matches!(
            error.kind(),
            ErrorKind::Corrupt { source: FormatError::Misplaced { .. }, .. }
        );
        assert!(is_misplaced, "{error:?}");
        let read_only = reader(&sim).unwrap().snapshot();
        assert_damage(&read_only.unwrap_err(), path, "foreign, read");
    }
    let sim = sample.with(Path::new(MANIFEST), &read(&other.sim, Path::new(MANIFEST)));
    assert_damage(&open(&sim).unwrap_err(), &sample.segment, "foreign manifest");
}

#[test]
fn missing_files_are_named() {
    let sample = Sample::new(7);
    let sim = sample.copy();
    sim.remove(&sample.segment).unwrap();
    let error = open(&sim).unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    assert!(error.to_string().contains(sample.segment.to_str().unwrap()), "{error}");

    let sim = sample.copy();
    sim.remove(Path::new(MANIFEST)).unwrap();
    let error = open(&sim).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAStore { .. }), "{error:?}");
    assert!(error.to_string().contains("no MANIFEST, but data in wal"), "{error}");

    let sim = sample.copy();
    let (third, second) = (Path::new("/db/wal/w-0000000000000003.sbw"), &sample.log);
    drop(open(&sim).unwrap());
    assert!(sim.exists(third).unwrap(), "the second generation is still in its log");
    sim.remove(second).unwrap();
    assert_damage(&open(&sim).unwrap_err(), second, "a log in the middle");
}

#[test]
fn a_later_format_version_asks_for_a_newer_build() {
    let sample = Sample::new(7);
    for path in [Path::new(MANIFEST), &sample.segment, &sample.log] {
        let mut bytes = read(&sample.sim, path);
        bytes[8] = 2;
        let sim = sample.with(path, &bytes);
        let before = sim.durable_hash();
        for error in [open(&sim).unwrap_err(), reader_error(&sim)] {
            let is_version = matches!(error.kind(),
                ErrorKind::FormatVersion { got: 2, newest: 1, path: named } if named == path);
            assert!(is_version, "{error:?}");
            assert!(error.to_string().contains("use a newer build"), "{error}");
        }
        assert_eq!(sim.durable_hash(), before, "a refused store is left as it is");
    }
}

fn reader_error(sim: &SimVfs) -> Error {
    match reader(sim) {
        Err(error) => error,
        Ok(reader) => reader.snapshot().unwrap_err(),
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let sim = SimVfs::new(1);
    sim.create_dir_all(Path::new(DIR)).unwrap();
    let error = reader(&sim).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAStore { .. }), "{error:?}");
    replace(&sim, Path::new("/db/thesis.tex"), b"\\documentclass");
    let operations = sim.operations();
    let error = open(&sim).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAStore { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("thesis.tex") && text.contains("empty or absent directory"), "{text}");
    assert_eq!(sim.operations(), operations, "nothing was written");
    sim.remove(Path::new("/db/thesis.tex")).unwrap();
    assert!(open(&sim).unwrap().recovery().is_new, "an empty directory becomes a store");
}

/// Symptom: a file dropped into `seg` kept a store from opening, with "cannot list".
/// Cause: everything in `seg` was taken for the directory of a partition.
/// Fix: what does not bear a name of ours is passed over, and left alone.
#[test]
fn unknown_files_beside_the_stores_own_are_left_alone() {
    let sample = Sample::new(7);
    let partition = sample.segment.parent().unwrap();
    let strangers = [
        Path::new(DIR).join("README"),
        Path::new("/db/seg/notes.txt").to_owned(),
        Path::new("/db/wal/w-7.sbw").to_owned(),
        partition.join("copy of a segment"),
        partition.join("1-1-0-2000000 (copy).sbs"),
    ];
    let sim = sample.copy();
    strangers.iter().for_each(|path| replace(&sim, path, b"not ours"));
    assert_eq!(contents(&reader(&sim).unwrap().snapshot().unwrap()), sample.contents);
    let store = open(&sim).unwrap();
    assert_eq!(contents(&store.snapshot().unwrap()), sample.contents);
    store.compact().unwrap();
    store.close().unwrap();
    for path in strangers {
        assert_eq!(read(&sim, &path), b"not ours", "{}", path.display());
    }
}

#[test]
fn a_second_writer_is_told_who_the_first_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let first = Store::open(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    let ErrorKind::Locked { holder, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(*holder, format!("process {}", std::process::id()));
    let text = error.to_string();
    assert!(text.contains(holder.as_str()) && text.contains("read beside it"), "{text}");
    Reader::open(&path).unwrap().snapshot().unwrap();
    first.close().unwrap();
    Store::open(&path).unwrap().close().unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_and_stays_readable() {
    let sample = Sample::new(7);
    let whole = sample.copy();
    let store = open(&whole).unwrap();
    let operations = whole.operations();
    drop(store);
    for operation in 0..operations {
        let sim = sample.copy();
        sim.fail_at(operation, io::ErrorKind::PermissionDenied);
        let error = open(&sim).map(|_| ()).unwrap_err();
        let ErrorKind::Io { path, source, .. } = error.kind() else { panic!("{error:?}") };
        assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
        assert!(path.starts_with(DIR), "{error}");
        assert_eq!(contents(&reader(&sim).unwrap().snapshot().unwrap()), sample.contents);
        assert_eq!(open_and_read(&sim).unwrap().0, sample.contents, "with leave to write");
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_of_the_system_is_refused_and_stays_readable() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    Store::open(&path).unwrap().close().unwrap();
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o555);
    if std::fs::write(path.join("trial"), b"").is_ok() {
        println!("skipped: this user may write into every directory");
    } else {
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error:?}");
        Reader::open(&path).unwrap().snapshot().unwrap();
    }
    mode(0o755);
}
