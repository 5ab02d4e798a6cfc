//! What is shown of a file accounts for each of its bytes, and for what is damaged.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use silverback::vfs::{MemVfs, Vfs};
use silverback::{
    Background, Backups, ErrorKind, FieldValue, FileKind, InspectReport, Limits, ManualClock, Part,
    Reader, Selector, SeriesKey, Sharing, Store, TimeRange, Timestamp, inspect_parts,
};

const START: Timestamp = Timestamp::from_nanos(1_700_000_000_000_000_000);

/// A store with segments, a deletion, a log with each kind of frame, and a backup.
fn filled() -> Arc<dyn Vfs> {
    let vfs: Arc<dyn Vfs> = Arc::new(MemVfs::new());
    let clock = Arc::new(ManualClock::new(START));
    let options = Store::options().vfs(Arc::clone(&vfs)).clock(Arc::clone(&clock) as _);
    let store = options.background(Background::Manual).uuid([7; 16]).open("/db").unwrap();
    store.metric("latency").unit("ms").define().unwrap();
    let series =
        ["a", "b"].map(|bot| store.series(&SeriesKey::new("latency").label("bot", bot)).unwrap());
    for row in 0..30_u32 {
        let time = START.saturating_sub(i64::from(row) * 1_000_000_000);
        series[usize::from(row % 2 == 1)].append(time, f64::from(row)).unwrap();
    }
    store.flush().unwrap();
    let first = TimeRange::new(START.saturating_sub(5_000_000_000), START);
    store.delete(&Selector::metric("latency"), first).unwrap();
    let mut batch = store.batch();
    for row in 0..4_i32 {
        batch.add(&series[0], START, f64::from(row)).unwrap();
    }
    batch.commit().unwrap();
    let once = store.batch().push(&series[1], START, 1.0);
    assert!(once.commit_once("importer", 5).unwrap());
    series[1].append(START, 2.5).unwrap();
    store.sync().unwrap();
    let reader =
        Reader::with_system(Arc::clone(&vfs), Arc::clone(&clock) as _, Limits::DEFAULT, "/db");
    Backups::with_system(Arc::clone(&vfs), clock, "/backups")
        .create(&reader.unwrap(), Sharing::Linked)
        .unwrap();
    vfs
}

fn look(vfs: &dyn Vfs, path: &Path) -> (InspectReport, Vec<Part>) {
    let mut parts = Vec::new();
    let report = inspect_parts(vfs, path, &mut |part| {
        parts.push(part.clone());
        Ok(())
    });
    (report.unwrap(), parts)
}

fn only(vfs: &dyn Vfs, dir: &str) -> PathBuf {
    let names = vfs.read_dir(dir.as_ref()).unwrap();
    Path::new(dir).join(names.last().unwrap())
}

fn bytes_of(vfs: &dyn Vfs, path: &Path) -> Vec<u8> {
    let file = vfs.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// Asserts that parts lie one behind the other over a range; sections begin at multiples of 8 from
/// the first one.
#[track_caller]
fn assert_tiled<'a>(parts: impl Iterator<Item = &'a Part>, start: u64, end: u64) {
    let mut parts: Vec<&Part> = parts.collect();
    parts.sort_by_key(|part| (part.offset, part.len));
    let reached = parts.iter().fold(start, |at, part| {
        let gap = part.offset.checked_sub(at).unwrap_or_else(|| panic!("{part:?} overlaps"));
        assert!(gap == 0 || (part.name == "section" && gap < 8), "{gap} bytes before {part:?}");
        part.offset + part.len
    });
    assert_eq!(reached, end);
}

fn field<'a>(part: &'a Part, name: &str) -> &'a FieldValue {
    let field = part.fields.iter().find(|field| field.name == name);
    &field.unwrap_or_else(|| panic!("no {name} in {part:?}")).value
}

#[test]
fn each_byte_of_each_file_belongs_to_one_part() {
    let vfs = filled();
    let vfs = &*vfs;
    let (log, frames) = look(vfs, &only(vfs, "/db/wal"));
    assert_eq!((log.kind, log.version, log.samples), (FileKind::Log, 1, 6));
    assert_tiled(frames.iter(), 0, log.file_bytes);
    for name in ["header", "OPEN", "DEFINE", "DELETE", "BATCH", "ONCE", "SAMPLE", "MARK", "free"] {
        assert!(log.parts.contains_key(name), "{name}: {:?}", log.parts);
    }
    let sample = frames.iter().find(|part| part.name == "SAMPLE").unwrap();
    assert_eq!(*field(sample, "value"), FieldValue::Float(2.5));
    assert!(field(sample, "series").to_string().ends_with("latency{bot=\"b\"}"));

    let partition = only(vfs, "/db/seg");
    let (segment, parts) = look(vfs, &only(vfs, partition.to_str().unwrap()));
    assert_eq!((segment.kind, segment.samples), (FileKind::Segment, 30));
    assert_tiled(parts.iter().filter(|part| !part.is_detail), 0, segment.file_bytes);
    for (whole, detail) in
        [("blocks", &["timestamps", "values"][..]), ("posting lists", &["postings"])]
    {
        let whole = parts.iter().find(|part| part.name == whole).unwrap();
        let blocks = parts.iter().filter(|part| detail.contains(&part.name));
        assert_tiled(blocks, whole.offset, whole.offset + whole.len);
    }
    let chunks = parts.iter().filter(|part| part.name == "values");
    let sums: Vec<&FieldValue> = chunks.map(|part| field(part, "sum")).collect();
    assert_eq!(sums, [&FieldValue::Float(210.0), &FieldValue::Float(225.0)]);

    let (manifest, parts) = look(vfs, "/db/MANIFEST".as_ref());
    assert_eq!((manifest.kind, manifest.samples), (FileKind::Manifest, 30));
    assert_tiled(parts.iter(), 0, manifest.file_bytes);
    let (backup, parts) = look(vfs, "/backups/00000001/BACKUP".as_ref());
    assert_eq!(backup.kind, FileKind::Backup);
    assert_eq!(*field(&parts[0], "samples"), FieldValue::Number(36));
    for report in [log, segment, manifest, backup] {
        assert_eq!(report.damages, [], "{:?}", report.path);
    }
}

#[test]
fn damage_is_part_of_what_is_shown() {
    let vfs = filled();
    let vfs = &*vfs;
    let partition = only(vfs, "/db/seg");
    let segment = only(vfs, partition.to_str().unwrap());
    let log = only(vfs, "/backups/00000001/wal");
    let backup = PathBuf::from("/backups/00000001/BACKUP");
    for path in [segment, log.clone(), "/db/MANIFEST".into(), backup] {
        let bytes = bytes_of(vfs, &path);
        let (whole, _) = look(vfs, &path);
        for bit in (12 * 8..bytes.len() * 8).step_by(61) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            vfs.remove("/flipped".as_ref()).ok();
            vfs.create("/flipped".as_ref()).unwrap().write_all(&flipped).unwrap();
            let (report, parts) = look(vfs, "/flipped".as_ref());
            // A torn end of a log is none: its last part says what stands behind.
            let is_told = !report.damages.is_empty() || parts.len() < 8 || path == log;
            assert!(is_told, "{path:?} bit {bit}: {report:?}");
            assert!(report.samples <= whole.samples, "{path:?} bit {bit}");
        }
        for len in (12..bytes.len()).step_by(101) {
            vfs.remove("/cut".as_ref()).ok();
            vfs.create("/cut".as_ref()).unwrap().write_all(&bytes[..len]).unwrap();
            let (report, _) = look(vfs, "/cut".as_ref());
            assert!(!report.damages.is_empty() || path == log, "{path:?} length {len}");
        }
    }
}

#[test]
fn a_damaged_block_is_named_and_the_others_are_shown() {
    let vfs = filled();
    let vfs = &*vfs;
    let partition = only(vfs, "/db/seg");
    let path = only(vfs, partition.to_str().unwrap());
    let (_, parts) = look(vfs, &path);
    let values = parts.iter().find(|part| part.name == "values").unwrap();
    let mut bytes = bytes_of(vfs, &path);
    bytes[usize::try_from(values.offset).unwrap()] ^= 1;
    vfs.create("/flipped".as_ref()).unwrap().write_all(&bytes).unwrap();
    let (report, again) = look(vfs, "/flipped".as_ref());
    assert_eq!(report.damages.len(), 1, "{report:?}");
    assert_eq!((report.damages[0].offset, report.samples), (values.offset, 15));
    let damaged: Vec<&Part> = again.iter().filter(|part| part.damage.is_some()).collect();
    assert_eq!((damaged.len(), damaged[0].offset), (1, values.offset));
    assert_eq!(again.len(), parts.len());
}

#[test]
fn damage_inside_a_log_is_told_from_a_torn_end() {
    let vfs = filled();
    let vfs = &*vfs;
    let path = only(vfs, "/db/wal");
    let (_, parts) = look(vfs, &path);
    let shown = |frame: &Part| {
        let mut bytes = bytes_of(vfs, &path);
        bytes[usize::try_from(frame.offset).unwrap() + 9] ^= 1;
        vfs.remove("/flipped".as_ref()).ok();
        vfs.create("/flipped".as_ref()).unwrap().write_all(&bytes).unwrap();
        look(vfs, "/flipped".as_ref())
    };
    // A MARK stands behind the definitions and proves that they were on disk.
    let define = parts.iter().find(|part| part.name == "DEFINE").unwrap();
    let (report, cut) = shown(define);
    assert_eq!((report.damages.len(), report.samples), (1, 0));
    let gap = cut.last().unwrap();
    assert_eq!((gap.name, gap.offset), ("gap", define.offset));
    assert_eq!(*field(gap, "cause"), FieldValue::Text("damage".to_owned()));
    // Nothing stands behind the last frame.
    let last = parts.iter().rfind(|part| part.is_detail).unwrap();
    let (report, cut) = shown(last);
    assert_eq!((report.damages.len(), cut.last().unwrap().name), (0, "free"));
}

#[test]
fn files_of_others_are_refused() {
    let vfs = MemVfs::new();
    for (name, bytes) in [("/short", &b"SBWAL"[..]), ("/foreign", b"PAR1PAR1PAR1PAR1"), ("/e", b"")]
    {
        vfs.create(name.as_ref()).unwrap().write_all(bytes).unwrap();
        let error = inspect_parts(&vfs, name, &mut |_| Ok(())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{name}: {error:?}");
    }
    assert!(inspect_parts(&vfs, "/absent", &mut |_| Ok(())).unwrap_err().is_not_found());
}
