//! A store under load for long: memory, open files and disk stay flat.
//!
//! `SILVERBACK_SOAK_SECONDS=600 cargo test --release --test soak -- --ignored --nocapture`

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use silverback::{Reader, Retention, SeriesKey, Store, Timestamp};

/// What this process and its store take.
#[derive(Debug, Clone, Copy)]
struct Taken {
    rss_bytes: u64,
    files: u64,
    disk_bytes: u64,
}

impl Taken {
    fn now(dir: &Path) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let rss = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kib: u64 = rss.split_whitespace().nth(1).unwrap().parse().unwrap();
        let files = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        Self { rss_bytes: kib * 1024, files, disk_bytes: disk_bytes(dir) }
    }

    fn most(all: &[Self]) -> Self {
        let most = |field: fn(&Self) -> u64| all.iter().map(field).max().unwrap();
        Self {
            rss_bytes: most(|taken| taken.rss_bytes),
            files: most(|taken| taken.files),
            disk_bytes: most(|taken| taken.disk_bytes),
        }
    }
}

/// Files may vanish while they are listed.
fn disk_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

/// Samples come every 10 ms of their own time, so that a day of it passes within seconds.
fn time_of(sample: u64, start: Timestamp) -> Timestamp {
    start.saturating_add(i64::try_from(sample).unwrap() * 10_000_000)
}

/// Series of 200 samples, at most 500 at a time, each gone for good afterwards; samples expire by
/// size, segments merge, a reader asks beside it.
#[test]
#[ignore = "runs for as long as it is told"]
fn memory_files_and_disk_stay_flat() {
    let seconds = std::env::var("SILVERBACK_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(30, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("db");
    let store = Store::options().flush_bytes(16 << 20).open(&dir).unwrap();
    store.set_retention(&Retention::forever().bytes_max(256 << 20)).unwrap();
    let start = store.now().saturating_add(-400 * 86_400_000_000_000);
    let started = Instant::now();
    let (mut sample, mut asked, mut taken) = (0_u64, 0_u64, Vec::new());
    let (mut next, mut next_line) = (Duration::from_secs(1), Duration::from_secs(30));
    let mut reader = Reader::open(&dir).unwrap();
    while started.elapsed() < Duration::from_secs(seconds) {
        let first = sample / 200;
        let handles: Vec<_> = (first..first + 500)
            .map(|series| {
                let key = SeriesKey::new("latency").label("container", format!("c{series:010}"));
                store.series(&key).unwrap()
            })
            .collect();
        for handle in handles.iter().cycle().take(100_000) {
            let value = f64::from(u32::try_from(sample * 7919 % 100_000).unwrap()) / 100.0;
            handle.append(time_of(sample, start), value).unwrap();
            sample += 1;
        }
        if started.elapsed() >= next {
            next += Duration::from_secs(1);
            let newest = time_of(sample, start).as_nanos() / 1_000_000_000;
            let question = format!("p99(latency) from @{} to @{newest}", newest - 60);
            reader.snapshot().unwrap().query(&question).unwrap();
            asked += 1;
            taken.push(Taken::now(&dir));
            let now = taken.last().unwrap();
            if started.elapsed() >= next_line {
                next_line += Duration::from_secs(30);
                let seconds = started.elapsed().as_secs();
                println!("{seconds:4} s: {sample} samples, {asked} questions, {now:?}");
            }
        }
    }
    reader = Reader::open(&dir).unwrap();
    assert!(reader.snapshot().unwrap().seq() > 0);
    let third = taken.len() / 3;
    let (middle, last) = (Taken::most(&taken[third..2 * third]), Taken::most(&taken[2 * third..]));
    println!("the second third took at most {middle:?}, the last {last:?}");
    assert!(last.rss_bytes <= middle.rss_bytes + middle.rss_bytes / 5);
    assert!(last.files <= middle.files + 8);
    assert!(last.disk_bytes <= middle.disk_bytes + middle.disk_bytes / 5);
}
