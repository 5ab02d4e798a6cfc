//! A writer that is killed at any moment loses nothing that it acknowledged, and disturbs no reader.
//!
//! The writer is this test binary, started again with `SILVERBACK_KILL_NINE` set to the directory
//! to write to. It prints the number of each batch once it was acknowledged.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use silverback::{
    Columns, Durability, Limits, Reader, Selector, Series, SeriesKey, Snapshot, Store, TimeRange,
    Timestamp,
};

const BASE: i64 = 1_700_000_000_000_000_000;
const FOLDER: &str = "SILVERBACK_KILL_NINE";
const DURABILITY: &str = "SILVERBACK_KILL_NINE_DURABILITY";
/// Batch `n` has `1 + n % ROWS_MAX` samples, all of time `BASE + n` and value `n`.
const ROWS_MAX: u64 = 7;

fn key(row: u64) -> SeriesKey {
    SeriesKey::new("latency").label("bot", format!("bot{row}"))
}

fn rows_of(batch: u64) -> u64 {
    1 + batch % ROWS_MAX
}

fn time_of(batch: u64) -> Timestamp {
    Timestamp::from_nanos(BASE + i64::try_from(batch).unwrap())
}

/// Asserts that a view holds batches 0.. up to some number, each whole and once; returns how many.
#[track_caller]
fn check_prefix(snapshot: &Snapshot) -> u64 {
    let batches = snapshot.seq();
    let mut columns = Columns::default();
    let mut rows_seen = 0;
    for series in snapshot.select(&Selector::default()).unwrap() {
        let row = (0..ROWS_MAX).find(|row| key(*row) == **series.key()).unwrap();
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        let expected = (0..batches).filter(|batch| row < rows_of(*batch));
        let seen = columns.iter().map(|sample| (sample.timestamp, sample.value));
        assert!(
            seen.eq(expected.map(|batch| (time_of(batch), batch as f64))),
            "row {row}: {} samples are not those of {batches} batches",
            columns.len(),
        );
        rows_seen += columns.len() as u64;
    }
    assert_eq!(rows_seen, (0..batches).map(rows_of).sum::<u64>());
    batches
}

/// The writer, and no test of its own: it ends when it is killed.
#[test]
#[ignore = "the writer that the other tests kill"]
fn child_writer() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let durability = match std::env::var(DURABILITY).unwrap().as_str() {
        "sync" => Durability::Sync,
        "os" => Durability::Os,
        _ => Durability::Interval(Duration::from_millis(20)),
    };
    let store = Store::options()
        .durability(durability)
        // Small generations, so that it is killed while it rotates and flushes too.
        .flush_bytes(256 << 10)
        .limits({
            let mut limits = Limits::default();
            limits.frame_bytes_max = 64 << 10;
            limits
        })
        .open(&folder)
        .unwrap();
    let series: Vec<Series> = (0..ROWS_MAX).map(|row| store.series(&key(row)).unwrap()).collect();
    let first = store.snapshot().unwrap().seq();
    let mut out = std::io::stdout().lock();
    let mut batch = store.batch();
    for number in first.. {
        for series in series.iter().take(usize::try_from(rows_of(number)).unwrap()) {
            batch.add(series, time_of(number), number as f64).unwrap();
        }
        batch.commit_and_clear().unwrap();
        writeln!(out, "acknowledged {number}").unwrap();
        if number % 40_000 == 39_999 {
            store.compact().unwrap();
        }
    }
}

fn start_writer(folder: &Path, durability: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writer", "--nocapture", "--ignored"])
        .env(FOLDER, folder)
        .env(DURABILITY, durability)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Reads the batches that a killed writer acknowledged; returns the last, if there was one.
fn last_acknowledged(mut out: impl BufRead) -> Option<u64> {
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    // The last line may be cut: then its batch counts as not acknowledged.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let numbers = whole.lines().filter_map(|line| line.split_once("acknowledged "));
    numbers.last().map(|(_, number)| number.trim().parse().unwrap())
}

/// Pseudo-random numbers (xorshift64*), so that a seed gives the same moments.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// Takes views until it is told to stop: every one is a prefix, and none is shorter than before.
fn read_on(folder: &Path, stop: &AtomicBool) -> u64 {
    let reader = loop {
        match Reader::open(folder) {
            Ok(reader) => break reader,
            // The first writer may not have made the store yet.
            Err(_) if !stop.load(Ordering::Relaxed) => std::thread::sleep(Duration::from_millis(1)),
            Err(_) => return 0,
        }
    };
    let (mut views, mut batches) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let snapshot = reader.snapshot().unwrap_or_else(|error| panic!("reader: {error:?}"));
        let seen = check_prefix(&snapshot);
        assert!(seen >= batches, "{seen} batches after {batches}");
        batches = seen;
        views += 1;
    }
    views
}

fn kill_writers(kills: u64, seed: u64, run_ms_max: u64) {
    println!("seed {seed:#x}, {kills} kills");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (path, stop) = (path.clone(), Arc::clone(&stop));
        std::thread::spawn(move || read_on(&path, &stop))
    };
    let (mut random, mut least, mut most_behind) = (seed, 0, 0);
    for kill in 0..kills {
        let durability = ["sync", "interval", "os"][usize::try_from(kill % 3).unwrap()];
        let (mut child, out) = start_writer(&path, durability);
        // The pipe is emptied meanwhile, so that the writer never waits for it.
        let collector = std::thread::spawn(move || last_acknowledged(out));
        std::thread::sleep(Duration::from_millis(5 + next_random(&mut random) % run_ms_max));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(number) = collector.join().unwrap() {
            least = number + 1;
        }
        // A creation that was cut has no manifest yet.
        if !path.join("MANIFEST").exists() {
            continue;
        }
        let batches = check_prefix(&Reader::open(&path).unwrap().snapshot().unwrap());
        assert!(batches >= least, "kill {kill}: {batches} of {least} acknowledged batches");
        most_behind = most_behind.max(batches - least);
        let store = Store::open(&path).unwrap();
        assert_eq!(check_prefix(&store.snapshot().unwrap()), batches, "kill {kill}: reopened");
        least = batches;
    }
    stop.store(true, Ordering::Relaxed);
    let views = reader.join().unwrap();
    println!(
        "{least} batches, {views} views beside them, {most_behind} not yet acknowledged at most"
    );
    assert!(least > kills, "the writers wrote {least} batches only");
    assert!(views > kills, "the reader took {views} views only");
}

#[test]
fn fifty_killed_writers_lose_nothing_acknowledged() {
    kill_writers(50, 0x5eed_0001, 200);
}

#[test]
#[ignore = "a quarter of an hour"]
fn two_hundred_killed_writers_lose_nothing_acknowledged() {
    for seed in 0..4 {
        kill_writers(200, 0x5eed_1000 + seed, 1500);
    }
}

/// When every so manieth sample was committed is written down.
const STRIDE: u64 = 1000;

/// Writes at full speed beside a reader that takes one view after the other.
fn read_at_full_speed(samples: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Store::options().open(&path).unwrap();
    let committed = Arc::new(AtomicU64::new(0));
    let nanos: Vec<AtomicU64> = (0..=samples / STRIDE).map(|_| AtomicU64::new(0)).collect();
    let (nanos, started) = (Arc::new(nanos), Instant::now());
    let writer = {
        let (store, committed) = (store.clone(), Arc::clone(&committed));
        let nanos = Arc::clone(&nanos);
        std::thread::spawn(move || {
            let series: Vec<_> = (0..4).map(|row| store.series(&key(row)).unwrap()).collect();
            for number in 0..samples {
                let series = &series[usize::try_from(number % 4).unwrap()];
                series.append(time_of(number), number as f64).unwrap();
                if number % STRIDE == 0 {
                    let at = u64::try_from(started.elapsed().as_nanos()).unwrap();
                    nanos[usize::try_from(number / STRIDE).unwrap()].store(at, Ordering::Relaxed);
                }
                committed.store(number + 1, Ordering::Release);
            }
            started.elapsed()
        })
    };
    let reader = Reader::open(&path).unwrap();
    let (mut views, mut last) = (0_u64, 0);
    let (mut age_max, mut wait_max) = (Duration::ZERO, Duration::ZERO);
    while last < samples {
        let (least, asked) = (committed.load(Ordering::Acquire), Instant::now());
        let snapshot = reader.snapshot().unwrap();
        wait_max = wait_max.max(asked.elapsed());
        let seen = snapshot.seq();
        // The first sample of which it is written down when it came, and which the view lacks.
        let lacked = seen.div_ceil(STRIDE);
        if lacked * STRIDE < committed.load(Ordering::Acquire) {
            let at = nanos[usize::try_from(lacked).unwrap()].load(Ordering::Relaxed);
            age_max = age_max.max(started.elapsed().saturating_sub(Duration::from_nanos(at)));
        }
        assert!(seen >= least, "{seen} samples, committed were {least}");
        assert!(seen >= last, "{seen} samples after {last}");
        check_dense(&snapshot, seen);
        last = seen;
        views += 1;
    }
    let took = writer.join().unwrap();
    println!(
        "{samples} samples in {took:?}, {views} views beside them; newest data at most {age_max:?} \
         old when a view was there, which took at most {wait_max:?}"
    );
    assert!(views >= 3, "only {views} views");
    store.close().unwrap();
    assert_eq!(reader.snapshot().unwrap().seq(), samples);
}

/// Asserts that a view holds the first samples, each once.
fn check_dense(snapshot: &Snapshot, samples: u64) {
    let mut columns = Columns::default();
    let mut seen = 0;
    for series in snapshot.select(&Selector::default()).unwrap() {
        let row = (0..4).find(|row| key(*row) == **series.key()).unwrap();
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        let first = BASE + i64::try_from(row).unwrap();
        let expected = (0..columns.len()).map(|index| first + 4 * i64::try_from(index).unwrap());
        assert!(columns.timestamps.iter().copied().eq(expected), "row {row} has a gap");
        seen += columns.len() as u64;
    }
    assert_eq!(seen, samples);
}

#[test]
fn a_reader_keeps_up_with_two_million_samples() {
    read_at_full_speed(2_000_000);
}

#[test]
#[ignore = "a minute in a debug build"]
fn a_reader_keeps_up_with_ten_million_samples() {
    read_at_full_speed(10_000_000);
}
