//! A writer that is killed at any moment loses nothing that it acknowledged, and a reader beside it
//! sees whole batches, in order, at every moment.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "figures of the run, and the child's acknowledgements")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use silverback::workload::Random;
use silverback::{
    Background, Columns, Durability, Reader, Selector, Series, SeriesKey, Snapshot, Store,
    TimeRange, Timestamp,
};

/// Where the child finds its directory and durability.
const DIRECTORY: &str = "SILVERBACK_TEST_KILLED_WRITER";
const DURABILITY: &str = "SILVERBACK_TEST_KILLED_WRITER_DURABILITY";
const SERIES: usize = 3;
const BASE: i64 = 1_700_000_000_000_000_000;

fn series(store: &Store) -> Vec<Series> {
    let key = |bot| SeriesKey::new("latency").label("bot", format!("bot{bot}"));
    (0..SERIES).map(|bot| store.series(&key(bot)).unwrap()).collect()
}

/// Batch `number` has one sample a series, all with the number as value.
fn append(store: &Store, series: &[Series], number: u32) {
    let mut batch = store.batch();
    for series in series {
        let time = Timestamp::from_nanos(BASE + i64::from(number) * 1_000_000);
        batch.add(series, time, f64::from(number)).unwrap();
    }
    batch.commit().unwrap();
}

/// Checks that a snapshot holds batches 0.. whole and in order; returns how many.
fn batches(snapshot: &Snapshot) -> u64 {
    let mut columns = Columns::default();
    let mut counts = Vec::new();
    for series in snapshot.select(&Selector::default()).unwrap() {
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        for (index, value) in (0_u32..).zip(&columns.values) {
            assert!(f64::from(index).to_bits() == value.to_bits(), "batch {index} is {value}");
        }
        counts.push(columns.len() as u64);
    }
    assert!(counts.is_empty() || counts == [counts[0]; SERIES], "torn batches: {counts:?}");
    counts.first().copied().unwrap_or(0)
}

/// The writer that is killed: appends batches and says each one's number once it is acknowledged.
/// It does nothing unless the environment says where.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let durability = match std::env::var(DURABILITY).unwrap().as_str() {
        "sync" => Durability::Sync,
        "os" => Durability::Os,
        _ => Durability::Interval(Duration::from_millis(5)),
    };
    let store =
        Store::options().durability(durability).flush_bytes(64 << 10).open(&directory).unwrap();
    let series = series(&store);
    let first = batches(&store.snapshot().unwrap());
    let mut out = std::io::stdout().lock();
    for number in u32::try_from(first).unwrap().. {
        append(&store, &series, number);
        writeln!(out, "ack {number}").unwrap();
    }
}

fn spawn(directory: &Path, durability: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(DURABILITY, durability)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Kills a writer this often at random moments; returns how many batches were acknowledged.
fn kill(times: u64, durability: &str, seed: u64, readers: usize) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("db");
    let mut random = Random::new(seed);
    let mut acknowledged = 0_u64;
    for round in 0..times {
        let (mut child, out) = spawn(&directory, durability);
        let killed = AtomicBool::new(false);
        let last = std::thread::scope(|scope| {
            let reading = scope.spawn(|| {
                let lines = out.lines().map_while(Result::ok);
                let numbers = lines.filter_map(|line| {
                    // The harness writes on the same line before the first one.
                    line.rsplit("ack ").next()?.parse::<u64>().ok()
                });
                numbers.last()
            });
            let beside: Vec<_> =
                (0..readers).map(|_| scope.spawn(|| read_beside(&directory, &killed))).collect();
            std::thread::sleep(Duration::from_millis(30 + random.below(120)));
            child.kill().unwrap();
            child.wait().unwrap();
            killed.store(true, Ordering::Relaxed);
            for reader in beside {
                reader.join().unwrap();
            }
            reading.join().unwrap()
        });
        acknowledged = last.map_or(acknowledged, |last| last + 1);
        let store = Store::options().background(Background::Manual).open(&directory).unwrap();
        let found = batches(&store.snapshot().unwrap());
        assert!(
            found >= acknowledged,
            "{durability}, seed {seed}, kill {round}: {acknowledged} acknowledged, {found} found"
        );
        acknowledged = found;
        if random.below(3) == 0 {
            store.close().unwrap();
        }
    }
    acknowledged
}

/// Takes snapshots until told to stop: each holds a prefix, and never a shorter one than before.
fn read_beside(directory: &Path, stop: &AtomicBool) -> u64 {
    let mut snapshots = 0;
    let mut before = 0;
    let mut reader = None;
    while !stop.load(Ordering::Relaxed) {
        if reader.is_none() {
            reader = Reader::open(directory).ok(); // not created yet
        }
        if let Some(reader) = &reader {
            let found = batches(&reader.snapshot().unwrap());
            assert!(found >= before, "{found} batches after {before}");
            before = found;
            snapshots += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    snapshots
}

#[test]
fn fifty_kills_lose_nothing_that_was_acknowledged() {
    for (durability, times, seed) in [("interval", 20, 1), ("os", 15, 2), ("sync", 15, 3)] {
        let batches = kill(times, durability, seed, 1);
        println!("{durability}: {times} kills, {batches} batches, seed {seed}: none lost");
        assert!(batches > times, "the writer got to work");
    }
}

#[test]
#[ignore = "minutes: 200 kills in each mode, four readers beside"]
fn two_hundred_kills_in_each_mode_lose_nothing() {
    for (durability, seed) in [("interval", 11), ("os", 12), ("sync", 13)] {
        println!("{durability}: 200 kills, {} batches", kill(200, durability, seed, 4));
    }
}

/// A writer at full speed and a reader that loops: every answer is a prefix, and none is old.
fn full_speed(samples: u64) {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("db");
    let store = Store::options().durability(Durability::Os).open(&directory).unwrap();
    let series = series(&store);
    let appended = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let started = Instant::now();
    let (snapshots, slowest) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let reader = Reader::open(&directory).unwrap();
            let (mut snapshots, mut slowest, mut before) = (0_u64, Duration::ZERO, 0);
            while !done.load(Ordering::Relaxed) {
                let at_least = appended.load(Ordering::Acquire);
                let asked = Instant::now();
                let seen = reader.snapshot().unwrap();
                slowest = slowest.max(asked.elapsed());
                // All that was appended before the call is seen, so an answer is as old at most as
                // its call is long.
                assert!(seen.seq() >= at_least.max(before), "{} < {at_least}", seen.seq());
                before = seen.seq();
                let count: usize = count_prefix(&seen);
                assert_eq!(count as u64, seen.seq(), "a snapshot is a prefix");
                snapshots += 1;
            }
            (snapshots, slowest)
        });
        for number in 0..samples {
            let index = usize::try_from(number % SERIES as u64).unwrap();
            let time = Timestamp::from_nanos(BASE + i64::try_from(number).unwrap() * 1_000);
            series[index].append(time, 1.0).unwrap();
            appended.store(number + 1, Ordering::Release);
        }
        done.store(true, Ordering::Relaxed);
        reading.join().unwrap()
    });
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{samples} samples in {seconds:.2} s beside {snapshots} snapshots; the slowest, and so the \
         oldest answer, took {slowest:?}"
    );
    assert!(snapshots > 0);
    store.close().unwrap();
}

/// Counts all samples; in each series the ones there are must be the first ones.
fn count_prefix(snapshot: &Snapshot) -> usize {
    let mut columns = Columns::default();
    let mut count = 0;
    for series in snapshot.select(&Selector::default()).unwrap() {
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        let step = 1_000 * i64::try_from(SERIES).unwrap();
        let times = &columns.timestamps;
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == step), "a sample is missing");
        count += columns.len();
    }
    count
}

#[test]
fn a_reader_beside_a_writer_at_full_speed_sees_prefixes() {
    full_speed(300_000);
}

#[test]
#[ignore = "10 million samples: run with --release"]
fn a_reader_beside_ten_million_samples_sees_prefixes() {
    full_speed(10_000_000);
}
