//! What `apdex`, `burn`, `stats`, `total`, `abs`, `round` and `clamp` answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod small_store;

use silverback::Snapshot;
use small_store::{ask, key, names, refused_as, rows, series, store};

/// Asked at minute 60.
fn hour() -> Snapshot {
    let ok = |bot| key("latency", bot).label("status", "ok");
    let failed = |bot| key("latency", bot).label("status", "error");
    store(
        60,
        vec![
            series(ok("a"), &[(1, 100.0), (2, 500.0), (3, 501.0), (4, 2000.0), (5, 2001.0)]),
            series(failed("a"), &[(6, 50.0)]),
            series(ok("b"), &[(7, 10.0), (58, 20.0)]),
            series(key("queue", "a"), &[(1, 9.0), (20, 4.0)]),
        ],
    )
}

#[test]
fn apdex_counts_tolerating_samples_by_half() {
    let store = hour();
    // Of `a`, 100, 500 and 50 satisfy 500 ms; 501 and 2000 are tolerated; 2001 is not.
    assert_eq!(
        rows(&store, "apdex(latency, 500ms) by bot last 1h"),
        ["b 1", &format!("a {}", 4.0 / 6.0)]
    );
    // What failed does not satisfy, however fast it was.
    let failed = "apdex(latency, 0.5s, {status=\"error\"}) as a, \
                  apdex(latency, 500, where status = \"error\") as b by bot last 1h";
    assert_eq!(rows(&store, failed), ["b 1 1", "a 0.5 0.5"]);
    assert_eq!(rows(&store, "apdex(size, 5) last 1h"), ["-"]);
}

#[test]
fn burn_is_the_share_of_bad_samples_over_what_is_allowed() {
    let store = hour();
    let text = "burn(latency, {status=\"error\"}, 90%) by bot last 1h";
    assert_eq!(rows(&store, text), [format!("a {}", 1.0 / 6.0 / 0.1), "b 0".to_owned()]);
    let exact = "burn(latency, where value > 0, 99.9%) as x, burn(latency[5m], where value > 0, \
                 0.999) as y last 1h";
    assert_eq!(rows(&store, exact), ["1000 1000"], "1 - 99.9 % is 0.001");
    refused_as(&store, "burn(latency, where value > 1s, 100%) last 1h", "Q114", "100%");
    refused_as(&store, "burn(latency, 99%, 99%) last 1h", "Q140", "burn");
}

#[test]
fn stats_are_seven_items() {
    let store = hour();
    let answer = ask(&store, "stats(latency) by bot last 1h");
    let columns = ["bot", "count", "min", "avg", "p50", "p95", "p99", "max"];
    assert_eq!(names(&answer), columns);
    assert_eq!(answer.columns[1].unit, None);
    assert_eq!(answer.columns[7].unit.as_deref(), Some("ms"));
    let seven = "count(latency), min(latency), avg(latency), p50(latency), p95(latency), \
                 p99(latency), max(latency) by bot last 1h";
    assert_eq!(answer.rows, ask(&store, seven).rows);
    let two = ask(&store, "stats(latency) as l, stats(queue) as q last 1h");
    assert_eq!(names(&two)[6..9], ["l max", "q count", "q min"]);
    refused_as(&store, "stats(latency), stats(queue) last 1h", "Q123", "stats(queue)");
    refused_as(&store, "stats(latency) / 2 last 1h", "Q136", "stats");
}

#[test]
fn totals_are_over_all_groups_and_stand_beside_each() {
    let store = hour();
    assert_eq!(
        rows(&store, "count(latency) / total(count(latency)) by bot last 1h"),
        ["a 0.75", "b 0.25"]
    );
    // A total of percentiles is the percentile of all samples.
    assert_eq!(
        rows(&store, "p50(latency), total(p50(latency)) as all by bot last 1h"),
        ["a 500 100", "b 10 100"]
    );
    assert_eq!(rows(&store, "total(count(latency)) last 1h"), ["8"]);
    refused_as(&store, "total(count by (bot) (latency)) last 1h", "Q142", "latency");
    refused_as(&store, "total(latency) last 1h", "Q142", "latency");
}

#[test]
fn values_are_rounded_and_kept_within_bounds() {
    let store = hour();
    let text = "delta(queue), abs(delta(queue)) as size, clamp(delta(queue), -2, 2) as within \
                last 1h";
    assert_eq!(rows(&store, text), ["-5 5 -2"]);
    let text = "round(avg(latency)) as a, round(avg(latency), 0.1) as b, round(avg(latency), 1s) \
                as c, clamp(max(latency), 0s, 1s) as d last 1h";
    // The mean is 5182 / 8.
    assert_eq!(rows(&store, text), ["648 647.8 1000 1000"]);
    assert_eq!(rows(&store, "round(avg(size)) as none last 1h"), ["-"]);
    refused_as(&store, "round(avg(latency), 0) last 1h", "Q142", "0");
    refused_as(&store, "clamp(avg(latency), 2, 1) last 1h", "Q142", "1");
    refused_as(&store, "abs(latency) last 1h", "Q142", "latency");
}
