//! Chunks that answer by their statistics answer as their samples do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

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
