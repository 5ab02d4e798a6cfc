//! A small store that is written the same way each time, as the files that a backup of it has.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use silverback::format::request::{ReplyRecord, RequestRecord};
use silverback::vfs::{MemVfs, Vfs};
use silverback::{
    Background, Backups, Cell, Clock, Durability, Limits, ManualClock, Matcher, MetricDef, Reader,
    Result, RunOptions, Selector, Series, SeriesKey, Sharing, Snapshot, Store, TimeRange,
    Timestamp,
};

/// 2023-11-14T22:13:20Z; two hours later another day has begun.
pub(crate) const NOW: Timestamp = Timestamp::from_nanos(1_700_000_000_000_000_000);
const SECOND: i64 = 1_000_000_000;
const UUID: [u8; 16] = *b"golden silvrback";

/// Files by their path, relative to the store.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Numbers that are the same on every machine: `SplitMix64`, integers only.
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.bits() % u64::from(bound)).unwrap()
    }
}

/// The series, by what their values are like: each kind is best served by another codec.
struct Written {
    store: Store,
    latency: [Series; 2],
    requests: Series,
    load: Series,
    version: Series,
    noise: Series,
    sparse: Series,
    numbers: Numbers,
}

impl Written {
    fn new(vfs: Arc<dyn Vfs>, clock: Arc<dyn Clock>) -> Self {
        let store = Store::options().vfs(vfs).clock(clock).uuid(UUID).durability(Durability::Os);
        let store = store.background(Background::Manual).open("/db").unwrap();
        store.metric("latency").event().unit("ms").define().unwrap();
        store.metric("requests").counter().define().unwrap();
        for gauge in ["load", "version", "noise"] {
            store.metric(gauge).gauge().define().unwrap();
        }
        let sparse = store.metric("sparse").delta().unit("tokens");
        sparse.duplicates(silverback::DuplicatePolicy::Last).define().unwrap();
        let series = |key: SeriesKey| store.series(&key).unwrap();
        let bot = |metric: &str, bot: &str| SeriesKey::new(metric).label("bot", bot);
        Self {
            latency: ["sales", "support"].map(|name| series(bot("latency", name))),
            requests: series(bot("requests", "sales").label("channel", "web")),
            load: series(SeriesKey::new("load")),
            version: series(bot("version", "größer").label("channel", "slack")),
            noise: series(SeriesKey::new("noise")),
            sparse: series(bot("sparse", "sales")),
            numbers: Numbers(1),
            store,
        }
    }

    /// Appends rows that are `step` nanoseconds apart, the first so many seconds before [`NOW`].
    fn append(&mut self, rows: u32, before: i64, step: i64) {
        let mut total = 0;
        for row in 0..rows {
            let time = NOW.as_nanos() - before * SECOND + i64::from(row) * step;
            let exact = Timestamp::from_nanos(time);
            let jittered = Timestamp::from_nanos(time + i64::from(self.numbers.below(900_000)));
            let mut batch = self.store.batch();
            for series in &self.latency {
                let value = f64::from(10_000 + self.numbers.below(90_000)) / 100.0;
                batch.add(series, jittered, value).unwrap();
            }
            batch.commit().unwrap();
            total = if row % 17 == 16 { 0 } else { total + self.numbers.below(40) };
            self.requests.append(exact, f64::from(total)).unwrap();
            let load = f64::from(self.numbers.below(1 << 30)) / 7.0;
            self.load.append(exact, load).unwrap();
            self.version.append(exact, 12.5).unwrap();
            let noise = f64::from_bits(self.numbers.bits() & !(1 << 62));
            self.noise.append(jittered, noise).unwrap();
            let sparse = if row % 9 == 0 { 1.0 / 3.0 } else { 0.0 };
            self.sparse.append(Timestamp::from_nanos(time / 7 * 7), sparse).unwrap();
        }
    }

    /// Goes through the verbs so that each structure of the format has something in it.
    fn write(&mut self, rows: u32) {
        let step = 3_600 * SECOND / i64::from(rows);
        self.append(rows, 3_600, step);
        self.store.flush().unwrap();
        self.append(rows / 2, 3_500, step);
        let retention = self.store.retention().keep_metric("noise", Duration::from_hours(2_400));
        self.store.set_retention(&retention).unwrap();
        self.store.flush().unwrap();
        self.store.compact().unwrap();
        self.delete("sales", 1_000..1_200);
        let tokens = self.store.batch().push(&self.latency[0], NOW, 1.25);
        assert!(tokens.commit_once("importer", 41).unwrap());
        self.store.flush().unwrap();
        self.delete("support", 2_000..2_100);
        self.append(3, 30, 10 * SECOND);
        let tokens =
            self.store.batch().push(&self.latency[1], NOW, 2.25).push(&self.load, NOW, 0.1);
        assert!(tokens.commit_once("importer", 42).unwrap());
        self.store.sync().unwrap();
    }

    fn delete(&self, bot: &str, before: std::ops::Range<i64>) {
        let mut selector = Selector::metric("latency");
        selector.matchers.push(Matcher::equal("bot", bot));
        let at = |seconds: i64| NOW.saturating_sub(seconds * SECOND);
        self.store.delete(&selector, TimeRange::new(at(before.end), at(before.start))).unwrap();
    }
}

/// Writes the store, and returns the files of its backup with those of an inbox beside them.
pub(crate) fn written(rows: u32) -> Files {
    let vfs: Arc<dyn Vfs> = Arc::new(MemVfs::new());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    let mut written = Written::new(Arc::clone(&vfs), Arc::clone(&clock));
    written.write(rows);
    let reader = Reader::with_system(Arc::clone(&vfs), Arc::clone(&clock), Limits::DEFAULT, "/db");
    let backups = Backups::with_system(Arc::clone(&vfs), clock, "/backups");
    let backup = backups.create(&reader.unwrap(), Sharing::Copied).unwrap();
    let mut files = Files::new();
    collect(&*vfs, &backup.path, Path::new(""), &mut files);
    let def = MetricDef { unit: Some("ms".to_owned()), ..MetricDef::new("latency") };
    files.insert("inbox/1.req".into(), RequestRecord::Define(def).encode());
    files.insert("inbox/0.ans".into(), ReplyRecord::Done(vec![3, 1 << 40]).encode());
    files
}

fn collect(vfs: &dyn Vfs, dir: &Path, name: &Path, files: &mut Files) {
    let path = dir.join(name);
    let Ok(names) = vfs.read_dir(&path) else {
        let file = vfs.open(&path).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
        files.insert(name.to_owned(), bytes);
        return;
    };
    for child in names {
        collect(vfs, dir, &name.join(child), files);
    }
}

/// A file system in memory that holds files as a store, of which one may be another.
pub(crate) fn placed(files: &Files, other: Option<(&Path, &[u8])>) -> Arc<dyn Vfs> {
    let vfs = MemVfs::new();
    for folder in ["wal", "seg", "tmp"] {
        vfs.create_dir_all(&Path::new("/db").join(folder)).unwrap();
    }
    for (name, bytes) in files {
        let path = Path::new("/db").join(name);
        vfs.create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = match other {
            Some((replaced, bytes)) if replaced == name => bytes,
            _ => bytes,
        };
        let mut file = vfs.create(&path).unwrap();
        file.write_all(bytes).unwrap();
        file.set_read_only().unwrap();
    }
    Arc::new(vfs)
}

pub(crate) fn reader(vfs: &Arc<dyn Vfs>, dir: &str) -> Result<Reader> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    Reader::with_system(Arc::clone(vfs), clock, Limits::DEFAULT, dir)
}

const QUESTIONS: [&str; 6] = [
    "p50(latency), p99(latency), count(latency) by bot every 10m last 1h",
    "rate(requests) by bot, channel every 15m last 1h",
    "avg(load), min(load), max(load), last(version) last 1h",
    "sum(sparse) every 20m last 1h",
    "min(noise), max(noise), count(noise) last 1h",
    "share(latency, where value > 500ms) by bot last 1h",
];

/// Writes down what a store holds and answers, as text that no change of the code may change.
pub(crate) fn answers(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for def in snapshot.metrics().unwrap() {
        let unit = def.unit.as_deref().unwrap_or("-");
        writeln!(out, "metric {} {} {unit} {}", def.name, def.kind, def.duplicates).unwrap();
    }
    for (metric, age) in &snapshot.retention().metrics {
        writeln!(out, "retention {metric} {} s", age.as_secs()).unwrap();
    }
    for series in snapshot.select(&Selector::default()).unwrap() {
        writeln!(out, "series {}", series.key()).unwrap();
        for sample in snapshot.samples(series.key(), TimeRange::ALL).unwrap() {
            let time = sample.timestamp.as_nanos() - NOW.as_nanos();
            writeln!(out, "{time} {:016x}", sample.value.to_bits()).unwrap();
        }
    }
    for question in QUESTIONS {
        writeln!(out, "question {question}").unwrap();
        let query = question.parse().unwrap();
        let answer = snapshot.run(&query, &RunOptions::default().now(NOW)).unwrap();
        for row in answer.rows {
            let cells: Vec<String> = row.iter().map(cell).collect();
            writeln!(out, "{}", cells.join(" ")).unwrap();
        }
    }
    out
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Time(time) => format!("{}", time.as_nanos() - NOW.as_nanos()),
        Cell::Text(text) => text.to_string(),
        Cell::Number(number) => format!("{number:?}"),
        Cell::Flag(flag) => flag.to_string(),
    }
}
