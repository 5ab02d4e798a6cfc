//! Chunks that answer by their statistics or slices answer as their samples do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use silverback::vfs::MemVfs;
use silverback::{Background, ManualClock, SeriesKey, Snapshot, Store, TimeRange, Timestamp};

const BASE: i64 = 1_700_000_040_000_000_000;
const SECOND: i64 = 1_000_000_000;

/// Every function that statistics may answer, with filters and conditions that extremes decide or
/// leave open, in windows that hold whole chunks, cut them, or overlap.
fn questions() -> Vec<String> {
    let items = [
        "count(m), sum(m), avg(m), min(m), max(m), first(m), last(m)",
        "count(m > 20), sum(m <= 40), last(m != 7)",
        "share(m, where value > 30), share(m, {bot=\"a\"}), distinct(m, bot)",
        "apdex(m, 10), stddev(m), count(m)",
        "p0(m), p50(m), p99(m), p100(m), avg(m)",
        "quantile(0.3, m, interp=linear), p90(m > 20), share(m, where value != 30)",
    ];
    let clauses = ["", "by bot", "by *", "where value >= 5 and bot = \"a\""];
    let windows = ["", "every 1m", "every 10s", "every 1m over 3m", "every 1h"];
    let mut questions = Vec::new();
    for item in items {
        for clause in clauses {
            for window in windows {
                let range = "from @1700000040 to @1700000340";
                questions.push(format!("{item} {clause} {window} {range}"));
            }
        }
    }
    questions
}

fn answers(snapshot: &Snapshot) -> Vec<String> {
    let answer = |question: &String| {
        let mut text = format!("{question}\n");
        for row in snapshot.query(question).unwrap().rows {
            writeln!(text, "{row:?}").unwrap();
        }
        text
    };
    questions().iter().map(answer).collect()
}

/// A time in seconds, the series, and the value: whole numbers, whose sums are exact.
type Row = (i64, bool, u8);

fn append(store: &Store, rows: &[Row]) {
    for (seconds, is_a, value) in rows {
        let key = SeriesKey::new("m").label("bot", if *is_a { "a" } else { "b" });
        let time = Timestamp::from_nanos(BASE + seconds * SECOND);
        store.series(&key).unwrap().append(time, f64::from(value % 64)).unwrap();
    }
}

fn open() -> Store {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(BASE + 400 * SECOND)));
    let options = Store::options().vfs(Arc::new(MemVfs::default())).clock(clock);
    options.background(Background::Manual).merges(false).open("/db").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn statistics_answer_as_samples_do(
        parts in proptest::collection::vec(
            proptest::collection::vec((0..310_i64, any::<bool>(), any::<u8>()), 1..30), 1..4),
        unflushed in proptest::collection::vec((0..310_i64, any::<bool>(), any::<u8>()), 0..4),
    ) {
        let (whole, sealed) = (open(), open());
        for rows in &parts {
            append(&whole, rows);
            append(&sealed, rows);
            sealed.flush().unwrap();
        }
        append(&whole, &unflushed);
        append(&sealed, &unflushed);
        let from_samples = answers(&whole.snapshot().unwrap());
        for bot in ["a", "b"] {
            let key = SeriesKey::new("m").label("bot", bot);
            let all = whole.snapshot().unwrap().samples(&key, TimeRange::ALL).unwrap();
            let (snapshot, log) = (sealed.snapshot().unwrap(), whole.snapshot().unwrap());
            prop_assert_eq!(snapshot.last(&key).unwrap(), all.last().copied());
            prop_assert_eq!(log.last(&key).unwrap(), all.last().copied());
        }
        prop_assert_eq!(&answers(&sealed.snapshot().unwrap()), &from_samples);
        sealed.flush().unwrap();
        sealed.compact().unwrap();
        prop_assert_eq!(&answers(&sealed.snapshot().unwrap()), &from_samples);
    }
}

/// Response times of three bots over an hour, in order of time.
fn response_times(count: i64) -> Vec<(&'static str, i64, f64)> {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((state >> 33) % below).unwrap()
    };
    let mut row = |at: i64| {
        let bot = ["a", "b", "c"][usize::try_from(random(3)).unwrap()];
        let long_tailed = f64::from(random(1000)) * f64::from(random(1000));
        (bot, BASE + at * 3_600 * SECOND / count, (long_tailed / 7.0).round() / 100.0)
    };
    (0..count).map(&mut row).collect()
}

#[test]
fn slices_answer_as_samples_do() {
    let (log, merged) = (open(), open());
    let rows = response_times(40_000);
    // Two flushes whose times overlap, and samples behind them that stay in the log.
    for (part, store_all) in [(0, true), (1, true), (2, false)] {
        for (at, (bot, time, value)) in rows.iter().enumerate() {
            if at % 7 % 3 == part {
                let key = SeriesKey::new("m").label("bot", *bot);
                for store in [&log, &merged] {
                    let time = Timestamp::from_nanos(*time);
                    store.series(&key).unwrap().append(time, *value).unwrap();
                }
            }
        }
        if store_all {
            merged.flush().unwrap();
        }
        if part == 1 {
            merged.compact().unwrap();
        }
    }
    let stats = merged.snapshot().unwrap().stats().unwrap();
    let codecs = &stats.metrics[0].codecs;
    assert!(codecs.contains_key("dense"), "{codecs:?}");
    let range = "from @1700000040 to @1700003640";
    for items in [
        "p0(m), p1(m), p50(m), p99(m), p99.9(m), p100(m)",
        "quantile(0.3, m, interp=linear), avg(m), max(m)",
        "share(m, where value > 100), apdex(m, 500), count(m > 100), count(m == 3.5)",
        "share(m, where value <= 100 and not value == 3.5), p90(m > 20), p10(m)",
        "count(m), share(m, {bot=\"a\"}), distinct(m, bot), share(m, where value > 1e9)",
    ] {
        for clauses in [
            "",
            "by bot",
            "by bot every 30m",
            "every 20m over 50m",
            "every 7s",
            "by bot every 1m",
            "every 90s over 4m",
        ] {
            let question = format!("{items} {clauses} {range}");
            let answer = |store: &Store| store.snapshot().unwrap().query(&question).unwrap().rows;
            assert_eq!(answer(&merged), answer(&log), "{question}");
        }
    }
}

/// Windows of full minutes cut chunks between samples that the index knows the numbers of.
#[test]
fn full_minutes_are_told_apart_without_timestamps() {
    let store = open();
    for (bot, time, value) in response_times(40_000) {
        let key = SeriesKey::new("m").label("bot", bot);
        store.series(&key).unwrap().append(Timestamp::from_nanos(time), value).unwrap();
    }
    store.flush().unwrap();
    for _ in 0..2 {
        let read = |items: &str, windows: &str| {
            let question = format!("{items} {windows} from @1700000040 to @1700003640");
            store.snapshot().unwrap().query(&question).unwrap().stats
        };
        for counted in ["count(m) by bot", "share(m, {bot=\"a\"})", "distinct(m, bot)"] {
            let stats = read(counted, "every 1m");
            assert_eq!((stats.chunks_decoded, stats.bytes_read), (0, 0), "{counted}");
            assert_eq!(stats.chunks_from_statistics, stats.chunks_considered);
            assert_eq!(read(counted, "every 7s").chunks_decoded, stats.chunks_considered);
        }
        let (cut, uncut) = (read("p50(m)", "every 1m"), read("p50(m)", "every 7s"));
        assert_eq!(cut.chunks_decoded, cut.chunks_considered);
        assert!(cut.bytes_read < uncut.bytes_read, "timestamps are not read");
        store.compact().unwrap();
    }
}
