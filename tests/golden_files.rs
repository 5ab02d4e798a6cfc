//! Files of each version of the format open and answer for ever as they did when they were written,
//! and damage to any bit or length of them is found, with its loss confined.
//!
//! `tests/fixtures/v<version>/` holds the files of a small store as a backup has them, an inbox,
//! and `answers.txt`. This writes those of the current version anew:
//!
//! ```text
//! cargo test --test golden_files -- --ignored write_the_files_of_this_version
//! ```

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod golden;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use silverback::format::backup::BackupRecord;
use silverback::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use silverback::format::manifest::ManifestRecord;
use silverback::format::request::{ReplyRecord, RequestRecord};
use silverback::format::segment::SEGMENT_HEADER_BYTES;
use silverback::format::{FORMAT_VERSION, FormatError};
use silverback::vfs::Vfs;
use silverback::{
    Background, Error, ErrorKind, FieldValue, FileKind, ManualClock, Part, Sample, Selector,
    SeriesKey, Snapshot, Store, TimeRange, inspect_parts,
};

use golden::{Files, NOW, answers, placed, reader, written};

const ANSWERS: &str = "answers.txt";
/// The rows that make files of no more than 8 KiB.
const ROWS: u32 = 30;
const FILE_BYTES_MAX: usize = 8 << 10;
/// The OPEN frame, with which a log begins behind its header.
const OPEN_BYTES: usize = 32;
/// What is swapped in a segment.
const BLOCK: usize = 512;
/// Odd, so that each thread meets each bit of a byte.
const THREADS: usize = 9;

fn folder(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}"))
}

fn load(version: u32) -> (Files, String) {
    let (root, mut files) = (folder(version), Files::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    let answers = files.remove(Path::new(ANSWERS)).unwrap();
    (files, String::from_utf8(answers).unwrap())
}

#[test]
#[ignore = "writes the files that the other tests read"]
fn write_the_files_of_this_version() {
    let (root, files) = (folder(FORMAT_VERSION), written(ROWS));
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    for (name, bytes) in &files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let vfs = placed(&files, None);
    let snapshot = reader(&vfs, "/db").unwrap().snapshot().unwrap();
    fs::write(root.join(ANSWERS), answers(&snapshot)).unwrap();
}

#[test]
fn files_of_every_version_open_and_answer_as_they_did() {
    for version in 1..=FORMAT_VERSION {
        let (files, expected) = load(version);
        let vfs = placed(&files, None);
        let opened = reader(&vfs, "/db").unwrap();
        assert_eq!(answers(&opened.snapshot().unwrap()), expected, "version {version}");
        assert_eq!(opened.verify().unwrap().damages, [], "version {version}");
        // A writer of this version takes the store over, merges it, and answers the same.
        vfs.remove("/db/BACKUP".as_ref()).unwrap();
        let options = Store::options().vfs(Arc::clone(&vfs)).background(Background::Manual);
        let store = options.clock(Arc::new(ManualClock::new(NOW))).open("/db").unwrap();
        for step in ["opened", "flushed", "compacted", "purged"] {
            match step {
                "flushed" => drop(store.flush().unwrap()),
                "compacted" => drop(store.compact().unwrap()),
                "purged" => drop(store.purge().unwrap()),
                _ => {}
            }
            let snapshot = store.snapshot().unwrap();
            assert_eq!(answers(&snapshot), expected, "version {version}, {step}");
        }
    }
}

/// No type of file is left out: the whole store is written again, and each file compared.
#[test]
fn this_version_writes_the_same_bytes_again() {
    let (files, _) = load(FORMAT_VERSION);
    let again = written(ROWS);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    let how = "see the first lines of this test: the format or what is written has changed";
    assert_eq!(names(&files), names(&again), "{how}");
    for (name, bytes) in &files {
        assert!(*bytes == again[name], "{} is not what it was: {how}", name.display());
        assert!(bytes.len() <= FILE_BYTES_MAX, "{} has {} bytes", name.display(), bytes.len());
    }
}

#[test]
fn each_file_that_is_read_whole_is_encoded_to_the_same_bytes() {
    let (files, _) = load(FORMAT_VERSION);
    for (name, bytes) in &files {
        let encoded = match name.to_str().unwrap() {
            "MANIFEST" => ManifestRecord::decode(bytes).unwrap().encode(),
            "BACKUP" => BackupRecord::decode(bytes).unwrap().encode(),
            "inbox/1.req" => RequestRecord::decode(bytes).unwrap().encode(),
            "inbox/0.ans" => ReplyRecord::decode(bytes).unwrap().encode(),
            // What a log and a segment hold is encoded by writing the store again, above.
            other => {
                assert!(other.starts_with("wal/") || other.starts_with("seg/"), "{other}");
                continue;
            }
        };
        assert_eq!(encoded, *bytes, "{}", name.display());
    }
}

#[test]
fn the_files_hold_every_structure_of_the_format() {
    let (files, _) = load(FORMAT_VERSION);
    let vfs = placed(&files, None);
    let (mut kinds, mut names, mut codecs) = (Vec::new(), Vec::new(), Vec::new());
    for name in files.keys() {
        let report = inspect_parts(&*vfs, Path::new("/db").join(name), &mut |part: &Part| {
            names.push(part.name);
            let is_codec = |name: &str| name == "codec";
            let said = part.fields.iter().filter(|field| is_codec(field.name));
            codecs.extend(said.map(|field| format!("{} {}", part.name, field.value)));
            Ok(())
        });
        let report = report.unwrap();
        assert_eq!(report.damages, [], "{}", name.display());
        kinds.push(report.kind);
    }
    for kind in [
        FileKind::Log,
        FileKind::Segment,
        FileKind::Manifest,
        FileKind::Backup,
        FileKind::Request,
        FileKind::Reply,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    for name in ["OPEN", "DEFINE", "DELETE", "SAMPLE", "BATCH", "ONCE", "MARK", "ledger", "entry"] {
        assert!(names.contains(&name), "{name}");
    }
    codecs.sort();
    codecs.dedup();
    assert!(codecs.len() >= 6, "{codecs:?}");
}

/// Calls `check` with each flipped bit of a range of bytes, on several threads: a reader that finds
/// damage waits a moment before it believes it.
fn flipped(bytes: &[u8], range: Range<usize>, check: impl Fn(usize, &[u8]) + Sync) {
    std::thread::scope(|scope| {
        for first in 0..THREADS {
            let (mut flipped, check, range) = (bytes.to_vec(), &check, range.clone());
            scope.spawn(move || {
                for bit in (range.start * 8 + first..range.end * 8).step_by(THREADS) {
                    flipped[bit / 8] ^= 1 << (bit % 8);
                    check(bit, &flipped);
                    flipped[bit / 8] ^= 1 << (bit % 8);
                }
            });
        }
    });
}

type Decode = fn(&[u8]) -> Result<(), FormatError>;

#[test]
fn each_bit_and_each_length_of_files_that_are_read_whole_is_checked() {
    let (files, _) = load(FORMAT_VERSION);
    let decoders: [(&str, Decode); 4] = [
        ("MANIFEST", |bytes| ManifestRecord::decode(bytes).map(drop)),
        ("BACKUP", |bytes| BackupRecord::decode(bytes).map(drop)),
        ("inbox/1.req", |bytes| RequestRecord::decode(bytes).map(drop)),
        ("inbox/0.ans", |bytes| ReplyRecord::decode(bytes).map(drop)),
    ];
    for (name, decode) in decoders {
        let bytes = &files[Path::new(name)];
        flipped(bytes, 0..bytes.len(), |bit, flipped| {
            assert!(decode(flipped).is_err(), "{name} bit {bit}");
        });
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "{name} length {len}");
        }
    }
    let (_, log) = file_in(&files, "wal");
    flipped(log, 0..LOG_HEADER_BYTES, |bit, flipped| {
        assert!(LogHeader::decode(&flipped[..LOG_HEADER_BYTES]).is_err(), "log header bit {bit}");
    });
}

fn file_in<'a>(files: &'a Files, folder: &str) -> (&'a Path, &'a [u8]) {
    let found = files.iter().filter(|(name, _)| name.starts_with(folder));
    let (name, bytes) = found.max_by_key(|(_, bytes)| bytes.len()).unwrap();
    (name, bytes)
}

/// Returns what a store holds of each series, or why that cannot be read.
fn contents(snapshot: &Snapshot, keys: &[SeriesKey]) -> Vec<Result<Vec<Sample>, Error>> {
    keys.iter().map(|key| snapshot.samples(key, TimeRange::ALL)).collect()
}

/// A store of which one file is damaged, and what it held before.
struct Damaging {
    files: Files,
    name: PathBuf,
    keys: Vec<SeriesKey>,
    whole: Vec<Vec<Sample>>,
    /// What it held after each frame of a log.
    prefixes: Vec<Vec<Vec<Sample>>>,
}

/// How a store is that has a damaged file.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    Refused,
    /// The series of these numbers cannot be read, the others are as they were.
    Lost(Vec<usize>),
    /// It is as it was at an earlier moment.
    Earlier,
}

impl Damaging {
    /// Takes the largest segment of a store, alone: reading the rest would take most of the time.
    fn segment(mut files: Files) -> Self {
        let name = file_in(&files, "seg").0.to_owned();
        let len = files[&name].len() as u64;
        files.retain(|file, _| *file == name || file == Path::new("MANIFEST"));
        let keep = |manifest: &mut ManifestRecord| {
            manifest.segments.retain(|segment| segment.file_bytes == len);
            assert_eq!(manifest.segments.len(), 1);
            // Of the logs nothing is said.
            manifest.begun_generation = 0;
        };
        edit_manifest(&mut files, keep);
        Self::new(files, name)
    }

    /// Takes the last log of a store alone.
    fn log(mut files: Files) -> Self {
        let name = file_in(&files, "wal").0.to_owned();
        let parts = parts_of(&files, &name);
        let open = parts.iter().find(|part| part.name == "OPEN").unwrap();
        let [generation, _, seq] = [0, 1, 2].map(|number| match open.fields[number].value {
            FieldValue::Number(number) => number,
            ref other => panic!("{other:?}"),
        });
        files.retain(|file, _| *file == name || file == Path::new("MANIFEST"));
        edit_manifest(&mut files, |manifest| {
            manifest.segments.clear();
            (manifest.flushed_generation, manifest.flushed_seq) = (generation, seq);
            manifest.begun_generation = generation + 1;
        });
        let mut store = Self::new(files, name);
        // The MANIFEST claims that the log has begun: without that frame it is damaged.
        let is_later = |part: &&Part| part.is_detail && part.name != "OPEN";
        for frame in parts_of(&store.files, &store.name).iter().filter(is_later) {
            let mut bytes = store.bytes().to_vec();
            bytes[usize::try_from(frame.offset).unwrap()..].fill(0);
            let vfs = placed(&store.files, Some((&store.name, &bytes)));
            let snapshot = reader(&vfs, "/db").unwrap().snapshot().unwrap();
            let read = contents(&snapshot, &store.keys).into_iter();
            store.prefixes.push(read.map(|samples| samples.unwrap()).collect());
        }
        store
    }

    fn new(files: Files, name: PathBuf) -> Self {
        let vfs = placed(&files, None);
        let snapshot = reader(&vfs, "/db").unwrap().snapshot().unwrap();
        let chosen = snapshot.select(&Selector::default()).unwrap();
        let keys: Vec<SeriesKey> = chosen.iter().map(|series| series.key().clone()).collect();
        let whole = contents(&snapshot, &keys).into_iter().map(|all| all.unwrap()).collect();
        Self { files, name, keys, whole, prefixes: Vec::new() }
    }

    fn bytes(&self) -> &[u8] {
        &self.files[&self.name]
    }

    /// Reads the store with other bytes in place of the file; nothing read may be wrong.
    fn outcome(&self, bytes: &[u8], context: &str) -> Outcome {
        let vfs: Arc<dyn Vfs> = placed(&self.files, Some((&self.name, bytes)));
        let snapshot = match reader(&vfs, "/db").and_then(|reader| reader.snapshot()) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                assert_damage(&error, context);
                return Outcome::Refused;
            }
        };
        let (mut lost, mut read) = (Vec::new(), Vec::new());
        for (number, samples) in contents(&snapshot, &self.keys).into_iter().enumerate() {
            match samples {
                Ok(samples) => read.push(samples),
                Err(error) => {
                    assert_damage(&error, context);
                    lost.push(number);
                    read.push(self.whole[number].clone());
                }
            }
        }
        if !lost.is_empty() {
            assert_eq!(read, self.whole, "{context}: what is not lost has changed");
            return Outcome::Lost(lost);
        }
        if read == self.whole {
            return Outcome::Same;
        }
        assert!(self.prefixes.contains(&read), "{context}: it never was so");
        Outcome::Earlier
    }
}

fn edit_manifest(files: &mut Files, edit: impl Fn(&mut ManifestRecord)) {
    let bytes = files.get_mut(Path::new("MANIFEST")).unwrap();
    let mut manifest = ManifestRecord::decode(bytes).unwrap();
    edit(&mut manifest);
    *bytes = manifest.encode();
}

fn assert_damage(error: &Error, context: &str) {
    let is_damage = matches!(
        error.kind(),
        ErrorKind::Corrupt { .. } | ErrorKind::LogGap { .. } | ErrorKind::FormatVersion { .. }
    );
    assert!(is_damage, "{context}: {error:?}");
}

/// Returns the parts of a name that a file has.
fn parts_of(files: &Files, name: &Path) -> Vec<Part> {
    let (vfs, mut parts) = (placed(files, None), Vec::new());
    inspect_parts(&*vfs, Path::new("/db").join(name), &mut |part| {
        parts.push(part.clone());
        Ok(())
    })
    .unwrap();
    parts
}

#[test]
fn each_bit_of_a_log_is_found_or_leaves_a_prefix_or_is_irrelevant() {
    let store = Damaging::log(load(FORMAT_VERSION).0);
    let parts = parts_of(&store.files, &store.name);
    let end = parts.iter().find(|part| part.name == "free").unwrap().offset;
    let end = usize::try_from(end).unwrap();
    let noticed = AtomicUsize::new(0);
    let check = |bit: usize, flipped: &[u8]| {
        let context = format!("log bit {bit}");
        match store.outcome(flipped, &context) {
            Outcome::Same => {
                // CRC-32 finds every single bit: what is the same held no sample, or nothing.
                let inside = bit / 8 < end && bit / 8 >= LOG_HEADER_BYTES;
                let is_mark = parts.iter().any(|part| {
                    let range = part.offset..part.offset + part.len;
                    part.name == "MARK" && range.contains(&(bit as u64 / 8))
                });
                assert!(!inside || is_mark, "{context}");
            }
            Outcome::Earlier | Outcome::Refused => {
                noticed.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Lost(lost) => panic!("{context}: {lost:?}"),
        }
    };
    // Bits of the header are all in one checksum, see above: of these a few are enough.
    for byte in (0..LOG_HEADER_BYTES).step_by(301) {
        flipped(store.bytes(), byte..byte + 1, check);
    }
    flipped(store.bytes(), LOG_HEADER_BYTES..store.bytes().len(), check);
    let noticed = noticed.into_inner();
    assert!(noticed > (end - LOG_HEADER_BYTES) * 7, "{noticed} of {end}");
}

#[test]
fn each_length_of_a_log_is_found_or_leaves_a_prefix() {
    let store = Damaging::log(load(FORMAT_VERSION).0);
    for len in 0..store.bytes().len() {
        let outcome = store.outcome(&store.bytes()[..len], &format!("log of {len} bytes"));
        assert!(!matches!(outcome, Outcome::Lost(_)), "log of {len} bytes: {outcome:?}");
        // The MANIFEST says that it has begun.
        let has_open = len >= LOG_HEADER_BYTES + OPEN_BYTES;
        assert!(has_open || matches!(outcome, Outcome::Refused), "log of {len} bytes: {outcome:?}");
    }
    let mut swapped = store.bytes().to_vec();
    let (first, second) = swapped.split_at_mut(4096);
    first.swap_with_slice(&mut second[..4096]);
    let outcome = store.outcome(&swapped, "log with swapped pages");
    assert!(matches!(outcome, Outcome::Refused | Outcome::Earlier), "{outcome:?}");
}

#[test]
fn each_bit_of_a_segment_is_found_and_costs_no_other_chunk() {
    each_bit_of_a_segment(load(FORMAT_VERSION).0);
}

/// The same over a file of 256 KiB, with chunks of thousands of samples and an index of pages.
#[test]
#[ignore = "two million bits: half an hour of one core, in a release build"]
fn each_bit_of_a_larger_segment_is_found_and_costs_no_other_chunk() {
    let files = written(9_000);
    assert!(file_in(&files, "seg").1.len() >= 256 << 10);
    each_bit_of_a_segment(files);
}

fn each_bit_of_a_segment(files: Files) {
    let store = Damaging::segment(files);
    let parts = parts_of(&store.files, &store.name);
    let blocks: Vec<&Part> =
        parts.iter().filter(|part| ["timestamps", "values"].contains(&part.name)).collect();
    let start = u64::try_from(SEGMENT_HEADER_BYTES).unwrap();
    let end = blocks.iter().map(|part| part.offset + part.len).max().unwrap();
    flipped(store.bytes(), 0..store.bytes().len(), |bit, flipped| {
        let (context, at) = (format!("segment bit {bit}"), bit as u64 / 8);
        match store.outcome(flipped, &context) {
            Outcome::Refused => assert!(at < start || at >= end, "{context}"),
            Outcome::Lost(lost) => {
                let block = blocks.iter().find(|part| {
                    let range = part.offset..part.offset + part.len;
                    range.contains(&at)
                });
                // Timestamps are shared by the chunks that were written together.
                let is_one = block.is_none_or(|block| block.name != "values" || lost.len() == 1);
                assert!(is_one && at >= start, "{context}: {lost:?}");
            }
            // Statistics and posting lists are not needed to read a series by its key.
            Outcome::Same => assert!(at >= end, "{context}"),
            Outcome::Earlier => panic!("{context}: a segment has no earlier moments"),
        }
    });
}

#[test]
fn each_length_of_a_segment_and_each_swapped_block_is_found() {
    let store = Damaging::segment(load(FORMAT_VERSION).0);
    for len in 0..store.bytes().len() {
        let outcome = store.outcome(&store.bytes()[..len], &format!("segment of {len} bytes"));
        assert_eq!(outcome, Outcome::Refused, "segment of {len} bytes");
    }
    let count = store.bytes().len() / BLOCK;
    for (one, other) in (0..count).flat_map(|one| (0..one).map(move |other| (one, other))) {
        let mut swapped = store.bytes().to_vec();
        let (head, tail) = swapped.split_at_mut(one * BLOCK);
        head[other * BLOCK..(other + 1) * BLOCK].swap_with_slice(&mut tail[..BLOCK]);
        let context = format!("blocks {one} and {other} swapped");
        let outcome = store.outcome(&swapped, &context);
        let is_found = matches!(outcome, Outcome::Refused | Outcome::Lost(_));
        assert!(is_found || swapped == store.bytes(), "{context}: {outcome:?}");
    }
}
