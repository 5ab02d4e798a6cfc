//! What a run of a query may spend changes how it is answered, and never the answer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use silverback::vfs::MemVfs;
use silverback::{
    Answer, Background, CancelToken, ErrorKind, ManualClock, Query, Result, RunOptions, SeriesKey,
    Snapshot, Store, Timestamp,
};

const BASE: i64 = 1_700_000_040_000_000_000;
const SECOND: i64 = 1_000_000_000;
const SERIES: u32 = 40;
const SAMPLES: u32 = 16_000;

/// An hour of 40 series: most of it merged, some in a second segment whose times overlap, and the
/// end of it in the log.
fn store() -> Store {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(BASE + 4_000 * SECOND)));
    let options = Store::options().vfs(Arc::new(MemVfs::default())).clock(clock);
    let store = options.background(Background::Manual).merges(false).open("/db").unwrap();
    store.metric("served").counter().define().unwrap();
    let key = |name: &str, number: u32| {
        SeriesKey::new(name)
            .label("bot", format!("b{}", number % 4))
            .label("user", format!("u{number}"))
    };
    let mut state = 11_u64;
    for part in 0..3 {
        for index in 0..SAMPLES {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(12_345);
            if index % 11 % 3 != part {
                continue;
            }
            let random = u32::try_from(state >> 40).unwrap();
            let time = BASE + i64::from(index) * 225_000_000;
            let time = Timestamp::from_nanos(time);
            // A third of the sums needs more bits than a double has.
            let value = f64::from(random % 100_000) / 100.0 + f64::from(random % 3) * 1e13;
            let number = random / 7 % SERIES;
            store.series(&key("latency", number)).unwrap().append(time, value).unwrap();
            let count = f64::from(index % 5_000);
            store.series(&key("served", number)).unwrap().append(time, count).unwrap();
        }
        match part {
            0 => drop(store.flush().unwrap()),
            1 => {
                store.compact().unwrap();
                store.flush().unwrap();
            }
            _ => {}
        }
    }
    store
}

fn questions() -> Vec<String> {
    let items = [
        "sum(latency), avg(latency), stddev(latency), first(latency), last(latency)",
        "p50(latency), p99(latency), quantile(0.123, latency, interp=linear), max(latency)",
        "count(latency), share(latency, where value > 500), distinct(latency, user)",
        "rate(served), increase(served)",
        "p90(latency > 100, approx=true)",
    ];
    let clauses = ["", "by bot", "by user top 7", "every 7m", "by bot every 11m over 20m"];
    let mut questions = Vec::new();
    for item in items {
        for clause in clauses {
            questions.push(format!("{item} {clause} from @1700000040 to @1700003640"));
        }
    }
    questions
}

fn run(snapshot: &Snapshot, text: &str, options: &RunOptions) -> Result<Answer> {
    snapshot.run(&text.parse::<Query>()?, options)
}

/// Rows with every bit of their numbers.
fn bits(answer: &Answer) -> Vec<String> {
    answer.rows.iter().map(|row| format!("{row:?}")).collect()
}

#[test]
fn answers_have_the_same_bits_with_any_number_of_threads() {
    let snapshot = store().snapshot().unwrap();
    for text in questions() {
        let one = run(&snapshot, &text, &RunOptions::default()).unwrap();
        assert!(!one.rows.is_empty(), "{text}");
        for threads in [2, 7] {
            let many = run(&snapshot, &text, &RunOptions::default().threads(threads)).unwrap();
            assert_eq!(bits(&many), bits(&one), "{threads} threads: {text}");
            assert_eq!(many.stats.threads, threads);
            assert_eq!(many.stats.samples_read, one.stats.samples_read, "{text}");
        }
    }
}

#[test]
fn percentiles_of_more_than_memory_holds_are_exact() {
    let store = store();
    for is_merged in [false, true] {
        if is_merged {
            store.flush().unwrap();
            store.compact().unwrap();
        }
        let snapshot = store.snapshot().unwrap();
        for clauses in ["", "by bot", "every 13m", "by bot every 20m over 30m"] {
            let items = "p0(latency), p50(latency), p99.9(latency), median(latency > 700), \
                         quantile(0.77, latency, interp=linear), sum(latency)";
            let text = format!("{items} {clauses} from @1700000040 to @1700003640");
            let all = run(&snapshot, &text, &RunOptions::default()).unwrap();
            // 16,000 values take 128,000 bytes; the last limit leaves room for eight values.
            for bytes in [30_000, 256] {
                for threads in [1, 2] {
                    let options = RunOptions::default().memory(bytes).threads(threads);
                    let few = run(&snapshot, &text, &options).unwrap();
                    assert_eq!(bits(&few), bits(&all), "{bytes} bytes: {text}");
                }
            }
            let few = run(&snapshot, &text, &RunOptions::default().memory(256)).unwrap();
            assert!(few.stats.samples_read > all.stats.samples_read, "{text}");
        }
    }
}

#[test]
fn percentiles_by_hour_are_refused_beyond_the_memory() {
    let snapshot = store().snapshot().unwrap();
    let text = "p99(latency) by hour() from @1700000040 to @1700003640";
    run(&snapshot, text, &RunOptions::default()).unwrap();
    let error = run(&snapshot, text, &RunOptions::default().memory(1_000)).unwrap_err();
    let ErrorKind::Limit { what, limit: 1_000, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(*what, "the memory of the query");
}

#[test]
fn a_run_ends_when_its_time_is_over_or_it_is_canceled() {
    let snapshot = store().snapshot().unwrap();
    let token = CancelToken::default();
    let out_of_time = RunOptions::default().timeout(Duration::ZERO);
    let canceled = RunOptions::default().cancel(&token);
    for text in [
        "p99(latency) every 1m from @1700000040 to @1700003640",
        "count(latency) by hour() from @1700000040 to @1700003640",
        "latency from @1700000040 to @1700003640 limit 5",
        "rate(served) by bot every 1m from @1700000040 to @1700003640",
    ] {
        for threads in [1, 3] {
            let error = run(&snapshot, text, &out_of_time.clone().threads(threads)).unwrap_err();
            let ErrorKind::QueryTimeout { timeout, elapsed } = error.kind() else {
                panic!("{error}")
            };
            assert!(elapsed > timeout, "{error}");
        }
        run(&snapshot, text, &canceled).unwrap();
        run(&snapshot, text, &canceled.clone().timeout(Duration::from_hours(1))).unwrap();
    }
    // Asked again and again, until another thread has had enough.
    let text = "p99(latency) every 1m from @1700000040 to @1700003640";
    let stopper = token.clone();
    let stopping = std::thread::spawn(move || stopper.cancel());
    let error = loop {
        if let Err(error) = run(&snapshot, text, &canceled) {
            break error;
        }
    };
    stopping.join().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Canceled), "{error}");
    assert!(token.is_canceled());
}

#[test]
fn what_was_read_is_told() {
    let store = store();
    store.flush().unwrap();
    store.compact().unwrap();
    let snapshot = store.snapshot().unwrap();
    let range = "from @1700000040 to @1700003640";
    let stats = |text: String| run(&snapshot, &text, &RunOptions::default()).unwrap().stats;
    let chunks = u64::from(SERIES);

    let of_index = stats(format!("sum(latency), count(latency) {range}"));
    assert_eq!(of_index.chunks_considered, chunks);
    assert_eq!(of_index.chunks_from_statistics, chunks);
    assert_eq!((of_index.chunks_decoded, of_index.bytes_read, of_index.samples_read), (0, 0, 0));

    let of_samples = stats(format!("stddev(latency) {range}"));
    assert_eq!((of_samples.chunks_considered, of_samples.chunks_decoded), (chunks, chunks));
    assert_eq!(of_samples.samples_read, u64::from(SAMPLES));
    assert!(of_samples.bytes_read > 0);

    let of_one = stats(format!("stddev(latency{{user=\"u3\"}}) {range}"));
    assert_eq!(of_one.chunks_considered, 1);

    let of_times = stats(format!("count(latency) every 1m {range}"));
    assert_eq!(of_times.chunks_decoded, chunks);
    assert!(of_times.bytes_read < of_samples.bytes_read);

    // Values above all that there are: the extremes decide.
    let of_extremes = stats(format!("count(latency > 1e15) {range}"));
    assert_eq!((of_extremes.chunks_decoded, of_extremes.samples_read), (0, 0));
}
