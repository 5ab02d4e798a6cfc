//! Recorded traffic as naive readers have it, and stores that hold it in every state.
//!
//! The files are not part of the repository: `SILVERBACK_DATA` names the folder that holds them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests, of which none uses all of this"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use silverback::ingest::{IngestOptions, IngestReport, Input, Mapping, StoreSink, ingest};
use silverback::{Background, Durability, Reader, Snapshot, Store};

pub(crate) const SECOND: i64 = 1_000_000_000;
const BATCH: usize = 1_000;

/// Finds a file of the recorded data, or says that it is not there.
pub(crate) fn data(file: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("SILVERBACK_DATA") else {
        let is_required = std::env::var("SILVERBACK_DATA_REQUIRED").is_ok_and(|word| word == "1");
        assert!(!is_required, "SILVERBACK_DATA_REQUIRED=1, but SILVERBACK_DATA is not set");
        eprintln!("skipped: set SILVERBACK_DATA to the folder that holds {file}");
        return None;
    };
    Some(Path::new(&folder).join(file))
}

/// Reads a gzipped file as lines without their ends, with nothing of the store's own readers.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    let file = std::fs::OpenOptions::new().read(true).open(path).unwrap();
    let plain = BufReader::new(flate2::read::GzDecoder::new(file));
    plain.lines().map(|line| line.unwrap().trim_end_matches('\r').to_owned()).collect()
}

pub(crate) fn append_all<R: std::io::Read>(
    store: &Store,
    name: &str,
    bytes: R,
    map: &str,
) -> IngestReport {
    let mapping: Mapping = map.parse().unwrap();
    let options = IngestOptions::default().mapping(mapping);
    let mut sink = StoreSink::new(store).batch_samples(BATCH);
    let report = ingest(Input { name: name.to_owned(), bytes }, options, &mut sink).unwrap();
    let (stored, outcome) = sink.finish();
    outcome.unwrap();
    assert_eq!((stored.rows, stored.samples), (report.rows_stored, report.samples));
    report
}

pub(crate) fn open(path: &Path) -> Store {
    Store::options().durability(Durability::Os).background(Background::Manual).open(path).unwrap()
}

/// Runs a check in every state: in the log, in segments, reopened, and merged.
pub(crate) fn in_every_state(store: Store, path: &Path, check: &dyn Fn(&Snapshot, &str)) {
    check(&store.snapshot().unwrap(), "before the flush");
    assert_eq!(store.snapshot().unwrap().stats().unwrap().segments, 0);
    store.flush().unwrap();
    check(&store.snapshot().unwrap(), "after the flush");
    store.close().unwrap();
    drop(store);
    let store = open(path);
    assert!(!store.recovery().is_new);
    check(&store.snapshot().unwrap(), "after reopening");
    store.compact().unwrap();
    check(&store.snapshot().unwrap(), "after the merge");
    assert_eq!(Reader::open(path).unwrap().verify().unwrap().damages, []);
    store.close().unwrap();
}

/// Reads `2023-11-16 18:15:46.6805900`; the days are counted from the civil calendar.
pub(crate) fn nanos_of_civil(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum::<i64>()
        + lengths.iter().zip(1..month).map(|(length, _)| length).sum::<i64>()
        + day
        - 1;
    let seconds = days * 86_400 + number(11..13) * 3_600 + number(14..16) * 60 + number(17..19);
    assert_eq!(text.as_bytes()[19], b'.');
    seconds * SECOND + number(20..27) * 100
}
