//! Questions that are meant to do harm end in a typed error or an answer, within limits: of depth,
//! windows, rows, groups, regular expressions, names, memory and time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod small_store;

use std::sync::Arc;

use silverback::{
    Background, CancelToken, Error, ErrorKind, Limits, ManualClock, Query, Result, RunOptions,
    SeriesKey, Snapshot, Store, Timestamp,
};
use small_store::{key, series, store};

/// The lines that must parse, as the contract of the language has them.
const CORPUS: &str = "fuzz/corpus/parse";

fn bots() -> Snapshot {
    store(
        120,
        vec![
            series(key("latency", "sales").label("status", "ok"), &[(90, 100.0), (95, 300.0)]),
            series(key("latency", "support").label("status", "error"), &[(100, 7.0)]),
            series(key("tokens", "sales"), &[(90, 10.0), (91, 20.0)]),
            series(key("requests", "sales"), &[(90, 1.0), (91, 5.0)]),
            series(key("queue", "sales"), &[(90, 4.0)]),
        ],
    )
}

/// Returns the code of a finding, or what is limited.
fn refusal(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Query(found) => found.code.to_owned(),
        ErrorKind::Limit { what, limit, got } => {
            assert!(got > limit, "{error}");
            (*what).to_owned()
        }
        other => panic!("{other:?}"),
    }
}

fn refused(store: &Snapshot, text: &str) -> String {
    let error = store.query(text).map(|answer| answer.rows.len());
    let beginning: String = text.chars().take(60).collect();
    refusal(&error.expect_err(&beginning))
}

#[test]
fn depth_and_length_are_refused_before_they_take_the_stack() {
    let store = bots();
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    for depth in [65, 1_000, 10_000] {
        for (start, open, inner, close) in [
            ("", "(", "count(latency)", ")"),
            ("", "-", "count(latency)", ""),
            ("", "abs(", "count(latency)", ")"),
            ("", "total(", "count(latency)", ")"),
            ("", "max(", "count(latency)", " every 1m)"),
            ("count(latency) where ", "(", "value > 1", ")"),
            ("count(latency) where ", "not ", "value > 1", ""),
            ("count(latency) having ", "(", "count(latency) > 1", ")"),
        ] {
            let text = format!("{start}{}", nested(open, inner, close, depth));
            assert_eq!(refused(&store, &text), "Q009", "{depth} of {open}");
        }
    }
    let chain = |piece: &str, count: usize| format!("1{}", piece.repeat(count));
    assert_eq!(refused(&store, &chain(" + 1", 1_001)), "Q009");
    assert_eq!(refused(&store, &chain(" + 1", 100_000)), "Q009");
    // A chain that may be written is as deep a tree as it is long, and is not walked into.
    for text in [chain(" + 1", 999), chain(" default 1", 999), chain(" - count(latency)", 999)] {
        assert_eq!(refused(&store, &text), "the number of operators in a row");
    }
    let name = "x".repeat(1 << 20);
    for text in [format!("count({name})"), format!("count(latency{{{name}=\"a\"}})")] {
        assert_eq!(refused(&store, &text), "Q009");
        let mut roomy = Limits::default();
        roomy.query_bytes_max = 4 << 20;
        let query = Query::parse(&text, &roomy).unwrap();
        let answered = store.run(&query, &RunOptions::default());
        match answered.map_err(|error| refusal(&error)) {
            Ok(answer) => assert_eq!(answer.warnings[0].code, "Q303"),
            Err(code) => assert_eq!(code, "Q104"),
        }
    }
}

#[test]
fn windows_rows_and_parts_of_the_calendar_are_limited() {
    let store = bots();
    let windows = "the number of windows";
    for text in [
        "count(latency) every 1ms last 10000s",
        "count(latency) every 1ns last 1h",
        "count(latency) every 1s over 100y last 200y",
        "max(count(latency) every 1ns) last 1h",
        "count(latency) every 1ms from now - 500y to now",
        "count(latency) every 1us last 1h compare 1h fill linear",
    ] {
        assert_eq!(refused(&store, text), windows, "{text}");
    }
    let parts = "the number of parts of the calendar";
    assert_eq!(refused(&store, "count(latency) by minute() last 100y"), parts);
    let by_hour = "count(latency) by minute() last 100y tz \"America/New_York\"";
    assert_eq!(refused(&store, by_hour), parts);
}

#[test]
fn regular_expressions_are_limited_in_size_and_number() {
    let store = bots();
    for bomb in ["(a{1000}){1000}", "((a{100}){100}){100}", "\\\\w{10000}"] {
        let text = format!("count(latency{{bot=~\"{bomb}\"}}) last 1h");
        assert_eq!(refused(&store, &text), "Q109", "{bomb}");
    }
    // What takes others exponential time takes this one linear time.
    let patient = format!("count(latency{{bot=~\"{}\"}}) last 1h", "(a*)*".repeat(30));
    assert!(store.query(&patient).is_ok());
    let many = |count: usize| {
        let matchers: Vec<String> = (0..count).map(|n| format!("bot!~\"x{n}\"")).collect();
        format!("count(latency{{{}}}) last 1h", matchers.join(", "))
    };
    assert!(store.query(&many(64)).is_ok());
    assert_eq!(refused(&store, &many(65)), "the number of regular expressions of the query");
    // The same one counts once, however many selectors and metrics it is for.
    let same = vec!["count({bot=~\"s.*\"})"; 100];
    let items: Vec<String> = (0..).zip(same).map(|(n, item)| format!("{item} as c{n}")).collect();
    assert!(store.query(&format!("{} last 1h", items.join(", "))).is_ok());
}

/// Each unknown name was once looked for among all names, and warned of with the whole text.
#[test]
fn lists_of_names_are_limited_and_few_of_them_are_warned_of() {
    let store = bots();
    let of_values = |count: usize| {
        let values: Vec<String> = (0..count).map(|n| format!("\"a{n}\"")).collect();
        format!("count(latency{{bot in ({})}}) last 1h", values.join(", "))
    };
    let answer = store.query(&of_values(1_000)).unwrap();
    assert_eq!(answer.warnings.len(), 16);
    assert!(answer.warnings.iter().all(|warning| warning.code == "Q302"));
    assert!(answer.notes.contains(&"and 984 more warnings".to_owned()), "{:?}", answer.notes);
    let values = "the number of values of one list";
    assert_eq!(refused(&store, &of_values(1_001)), values);
    let counted = of_values(1_001).replace("count(latency{", "share(latency, {");
    assert_eq!(refused(&store, &counted), values);
    let of_keys = |count: usize| {
        let keys: Vec<String> = (0..count).map(|n| format!("k{n}")).collect();
        format!("count(latency) by {} last 1h", keys.join(", "))
    };
    let answer = store.query(&of_keys(64)).unwrap();
    assert_eq!(answer.warnings.len(), 16);
    assert!(answer.notes.contains(&"and 48 more warnings".to_owned()), "{:?}", answer.notes);
    assert_eq!(refused(&store, &of_keys(65)), "the number of keys of one grouping");
}

/// Every beginning of every valid line is read, refused, or answered.
#[test]
fn every_beginning_of_a_valid_line_ends_well() {
    let store = bots();
    let (mut answered, mut refused) = (0, 0);
    for entry in std::fs::read_dir(CORPUS).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().starts_with("valid") {
            continue;
        }
        let line = std::fs::read_to_string(path).unwrap();
        for end in (0..=line.len()).filter(|end| line.is_char_boundary(*end)) {
            match store.query(&line[..end]) {
                Ok(answer) => {
                    answered += 1;
                    assert!(answer.rows.iter().all(|row| row.len() == answer.columns.len()));
                }
                Err(error) => {
                    refused += 1;
                    drop(refusal(&error));
                }
            }
        }
    }
    assert!(answered > 100 && refused > 1_000, "{answered} answered, {refused} refused");
}

/// A series a user, with one sample.
fn many_series(limits: Limits, count: u32) -> Store {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(7_200_000_000_000)));
    let options = Store::options().limits(limits).clock(clock).background(Background::Manual);
    let store = options.in_memory().unwrap();
    for number in 0..count {
        let key = SeriesKey::new("latency").label("user", format!("u{number}"));
        let time = Timestamp::from_nanos(7_000_000_000_000);
        store.series(&key).unwrap().append(time, f64::from(number)).unwrap();
    }
    store
}

#[test]
fn groups_are_limited_by_the_rows_that_they_take() {
    const SERIES: u32 = 20_000;
    let mut limits = Limits::default();
    limits.rows_max = 50_000;
    let snapshot = many_series(limits, SERIES).snapshot().unwrap();
    let rows = |text: &str| snapshot.query(text).unwrap().rows.len();
    assert_eq!(rows("count(latency) by user last 1h"), 20_000);
    assert_eq!(rows("count(latency) by * last 1h top 3"), 3);
    assert_eq!(rows("count(latency) by user every 30m last 1h limit 7"), 7);
    let rows = refused(&snapshot, "count(latency) by user every 1m last 1h");
    assert_eq!(rows, "the number of rows");
}

/// Only the samples of percentiles were once counted: groups × windows took gigabytes.
#[test]
fn the_memory_of_groups_windows_and_rows_is_limited() {
    const MEBIBYTE: u64 = 1 << 20;
    let snapshot = many_series(Limits::default(), 3_000).snapshot().unwrap();
    let listed = many_series(Limits::default(), 8_000).snapshot().unwrap();
    let run = |text: &str, options: &RunOptions| {
        let snapshot = if text.starts_with("latency") { &listed } else { &snapshot };
        snapshot.run(&text.parse::<Query>().unwrap(), options).map(|answer| answer.rows.len())
    };
    for (text, rows) in [
        // What gathers the windows of one group, the groups, their rows.
        ("avg(latency) every 200ms last 1h", 18_000),
        ("count(latency) by user every 4m last 1h", 45_000),
        ("count(latency) by user every 20m last 1h", 9_000),
        ("count(latency) by minute() every 1s last 1h", 60),
        ("count(latency) by user, minute() every 4m last 1h", 3_000),
        ("min(latency), max(latency), avg(latency) by user last 1h compare 1m", 3_000),
        ("latency last 2h", 8_000),
    ] {
        for threads in [1, 2] {
            let few = RunOptions::default().memory(MEBIBYTE / 4).threads(threads);
            let error = run(text, &few).expect_err(text);
            let ErrorKind::Limit { what, limit, got } = *error.kind() else { panic!("{error}") };
            assert_eq!((what, limit), ("the memory of the answer", MEBIBYTE), "{text}");
            assert!(got > limit, "{text}");
        }
        let more = RunOptions::default().memory(64 * MEBIBYTE);
        assert_eq!(run(text, &more).unwrap(), rows, "{text}");
    }
    let few = RunOptions::default().memory(MEBIBYTE / 4);
    assert_eq!(run("count(latency) by user last 1h", &few).unwrap(), 3_000);
    assert_eq!(run("latency last 2h limit 5", &few).unwrap(), 5);
}

/// A run was once asked whether to go on before each chunk only: choosing among very many series
/// went on for seconds after it had been canceled.
#[test]
fn choosing_series_ends_when_the_run_is_canceled() {
    let store = many_series(Limits::default(), 6_000);
    let token = CancelToken::default();
    token.cancel();
    let canceled = RunOptions::default().cancel(&token);
    let late = RunOptions::default().timeout(std::time::Duration::ZERO);
    for is_flushed in [false, true] {
        if is_flushed {
            store.flush().unwrap();
        }
        let snapshot = store.snapshot().unwrap();
        for text in [
            // None of these chooses a series, so that nothing is read.
            "count(latency{user=~\"nobody.*\"}) last 1h",
            "count(latency{user!~\"u.*\"}) last 1h",
            "count({user=\"nobody\", kind!=\"\"}) last 1h",
            "explain count(latency{user=~\"nobody.*\"}) last 1h",
            "alert a if count(latency{user=~\"nobody.*\"}) > 1",
        ] {
            let run = |options: &RunOptions| -> Result<_> {
                snapshot.run(&text.parse::<Query>()?, options)
            };
            assert!(run(&RunOptions::default()).is_ok(), "{text}");
            let error = run(&canceled).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Canceled), "{text}: {error}");
            let error = run(&late).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::QueryTimeout { .. }), "{text}: {error}");
        }
    }
}
