//! The MANIFEST on disk: read whole, replaced whole by an atomic rename.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::format::FormatError;
use crate::format::ledger::Ledger;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::vfs::Vfs;

const NAME: &str = "MANIFEST";
const KEPT: &str = "LEDGER";
/// A manifest of a million segments has 80 MB; a longer file is not one of ours.
const BYTES_MAX: u64 = 256 << 20;

/// Reads the manifest, or returns nothing where there is none.
///
/// # Errors
/// I/O errors, and [`ErrorKind::Corrupt`] where the file is not what was written.
pub(crate) fn load(vfs: &dyn Vfs, dir: &Path) -> Result<Option<ManifestRecord>> {
    load_from(vfs, &dir.join(NAME))
}

fn load_from(vfs: &dyn Vfs, path: &Path) -> Result<Option<ManifestRecord>> {
    let file = match vfs.open(path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = file.len()?;
    if len > BYTES_MAX {
        let error = FormatError::OutOfRange { field: "file length", got: len };
        return Err(Error::corrupt(path, 0, error));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let got = file.read_at(0, &mut bytes)?;
    bytes.truncate(got);
    ManifestRecord::decode(&bytes).map(Some).map_err(|error| Error::corrupt(path, 0, error))
}

/// Replaces the manifest; it is durable on return.
///
/// # Errors
/// I/O errors. The old manifest is in place as long as the rename was not reached.
pub(crate) fn replace(vfs: &dyn Vfs, dir: &Path, record: &ManifestRecord) -> Result<()> {
    check_disjoint(&record.segments);
    let source = dir.join("tmp").join(format!("{NAME}-{}", record.edit));
    if vfs.exists(&source)? {
        vfs.remove(&source)?;
    }
    let mut file = vfs.create(&source)?;
    file.write_all(&record.encode())?;
    file.sync()?;
    drop(file);
    vfs.rename(&source, &dir.join(NAME))?;
    vfs.sync_dir(dir)
}

/// Replaces the manifest as [`replace`] does, and keeps what no segment knows of it for a repair
/// that finds it lost: deletions, retention, producers.
///
/// Nothing else reads the second file, and it is not synced: after a power cut it may be older, and
/// where it cannot be written a repair has less to take over.
///
/// # Errors
/// As [`replace`].
pub(crate) fn publish(vfs: &dyn Vfs, dir: &Path, record: &ManifestRecord) -> Result<()> {
    replace(vfs, dir, record)?;
    drop(keep_ledger(vfs, dir, record));
    Ok(())
}

fn keep_ledger(vfs: &dyn Vfs, dir: &Path, record: &ManifestRecord) -> Result<()> {
    let (folder, path) = (dir.join("tomb"), dir.join("tomb").join(KEPT));
    let known_by_segments = Ledger { written: record.ledger.written, ..Ledger::default() };
    // A generation of definitions or deletions alone leaves no segment that tells of it.
    let last = record.segments.iter().map(|segment| segment.generation_hi).max().unwrap_or(0);
    let is_known = last == record.flushed_generation && record.ledger == known_by_segments;
    if is_known && !vfs.exists(&path)? {
        return Ok(());
    }
    vfs.create_dir_all(&folder)?;
    let source = dir.join("tmp").join(format!("{KEPT}-{}", record.edit));
    if vfs.exists(&source)? {
        vfs.remove(&source)?;
    }
    let kept = ManifestRecord { segments: Vec::new(), ..record.clone() };
    vfs.create(&source)?.write_all(&kept.encode())?;
    vfs.rename(&source, &path)
}

/// Returns what was kept beside a manifest of this store, if it reads.
pub(crate) fn kept(vfs: &dyn Vfs, dir: &Path, db_uuid: [u8; 16]) -> Option<ManifestRecord> {
    let record = load_from(vfs, &dir.join("tomb").join(KEPT)).ok()??;
    (record.db_uuid == db_uuid).then_some(record)
}

/// Takes the manifest away: the directory is no store any more.
///
/// # Errors
/// I/O errors.
pub(crate) fn remove(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    vfs.remove(&dir.join(NAME))?;
    vfs.sync_dir(dir)
}

/// Every sample lies in one live segment: no two of a partition may share a generation.
fn check_disjoint(segments: &[SegmentRecord]) {
    let is_disjoint = segments.is_sorted_by(SegmentRecord::is_before);
    assert!(is_disjoint, "live segments of a partition hold disjoint generations");
}

/// Returns an error that says why a directory without a manifest is no store.
pub(crate) fn missing(dir: &Path) -> Error {
    ErrorKind::NotAStore { path: dir.to_owned(), found: "there is no MANIFEST".to_owned() }.into()
}

/// Returns where a live segment's file stands.
pub(crate) fn segment_path(dir: &Path, segment: &SegmentRecord) -> PathBuf {
    dir.join("seg").join(partition_name(segment)).join(segment_name(segment))
}

/// Returns the name of a partition's directory: the date of its start, or `wide`.
pub(crate) fn partition_name(segment: &SegmentRecord) -> String {
    if segment.partition_nanos == 0 {
        return "wide".to_owned();
    }
    let start = jiff::Timestamp::from_nanosecond(i128::from(segment.partition_start));
    match start {
        Ok(start) => start.strftime("%Y-%m-%d").to_string(),
        Err(_) => format!("{}ns", segment.partition_start),
    }
}

/// Returns the name of a segment's file.
pub(crate) fn segment_name(segment: &SegmentRecord) -> String {
    let SegmentRecord { generation_lo, generation_hi, level, uid, .. } = segment;
    format!("{generation_lo}-{generation_hi}-{level}-{uid:x}.sbs")
}

/// Returns true if a file name is one that [`segment_name`] gives.
pub(crate) fn is_segment_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".sbs") else { return false };
    let mut parts = stem.split('-');
    let has_numbers =
        parts.by_ref().take(3).filter(|part| part.parse::<u64>().is_ok()).count() == 3;
    let has_uid = parts.next().is_some_and(|uid| u64::from_str_radix(uid, 16).is_ok());
    has_numbers && has_uid && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use crate::format::manifest::SegmentRecord;
    use crate::manifest::check_disjoint;

    fn record(partition_start: i64, generation_lo: u64, generation_hi: u64) -> SegmentRecord {
        SegmentRecord {
            partition_start,
            partition_nanos: 86_400,
            generation_lo,
            generation_hi,
            level: 0,
            uid: generation_lo,
            file_bytes: 1,
            samples: 1,
            time_first: 0,
            time_last: 0,
        }
    }

    #[test]
    fn generations_may_repeat_in_another_partition() {
        check_disjoint(&[record(0, 1, 2), record(0, 3, 3), record(86_400, 1, 3)]);
    }

    #[test]
    #[should_panic(expected = "disjoint generations")]
    fn a_generation_twice_in_a_partition_never_reaches_the_disk() {
        check_disjoint(&[record(0, 1, 2), record(0, 2, 3)]);
    }
}
