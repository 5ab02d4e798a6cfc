//! A frame takes the room in the log that it needs, and no more.

#![allow(
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::panic,
    clippy::unused_self,
    clippy::unwrap_used,
    reason = "tests"
)]

mod scripted;

use scripted::{DIR, at, key, options, reader};
use silverback::vfs::{LossPattern, SimVfs, Vfs};
use silverback::{Durability, ErrorKind, Limits};

/// Symptom: a batch of 3,500 samples of one new series was refused as longer than a generation of
/// 196 KiB, though its frame has 45 KB; with the usual limits the log grew by 100 MB for a million.
/// Cause: the room for definitions was summed over the rows, not over the series that they name.
/// Fix: each series is counted once.
#[test]
fn a_new_series_in_every_row_of_a_batch_is_defined_once() {
    let sim = SimVfs::new(1);
    let store = options(&sim, Durability::Os).open(DIR).unwrap();
    let series = store.series(&key(0)).unwrap();
    let mut batch = store.batch();
    for row in 0..3500 {
        batch.add(&series, at(row), 0.5).unwrap();
    }
    batch.commit().unwrap();
    let log = sim.power_loss(LossPattern::Everything);
    assert_eq!(reader(&log).unwrap().snapshot().unwrap().seq(), 1);
    let path = "/db/wal/w-0000000000000001.sbw".as_ref();
    let len = Vfs::open(&log, path).unwrap().len().unwrap();
    assert!(len <= 64 << 10, "the log has {len} bytes");
}

#[test]
fn a_batch_with_a_longer_frame_than_allowed_is_refused_with_both_numbers() {
    let sim = SimVfs::new(1);
    let mut limits = Limits::default();
    limits.frame_bytes_max = 1_000;
    let store = options(&sim, Durability::Os).limits(limits).open(DIR).unwrap();
    let series = store.series(&key(0)).unwrap();
    let commit = |rows: i64| {
        let mut batch = store.batch();
        for row in 0..rows {
            batch.add(&series, at(row * row), 0.5).unwrap();
        }
        batch.commit()
    };
    let error = commit(1_000).unwrap_err();
    let ErrorKind::Limit { what: "bytes of a batch", limit: 1_000, got } = *error.kind() else {
        panic!("{error:?}");
    };
    assert!(got > 1_000);
    commit(10).unwrap();
    assert_eq!(store.snapshot().unwrap().seq(), 1);
}
