//! A function of the values that an expression has window by window.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "tests"
)]

mod small_store;

use silverback::Snapshot;
use small_store::{ask, key, refused_as, rows, series, store};

/// A sample a minute for two hours: minute n of `a` holds n modulo 7, of `b` n modulo 10.
fn minutes() -> Snapshot {
    let of =
        |modulus: i64| -> Vec<(i64, f64)> { (0..120).map(|n| (n, (n % modulus) as f64)).collect() };
    let gaps: Vec<(i64, f64)> = [(1, 5.0), (3, 7.0), (64, 2.0)].to_vec();
    store(
        120,
        vec![
            series(key("latency", "a"), &of(7)),
            series(key("latency", "b"), &of(10)),
            series(key("size", "c"), &gaps),
        ],
    )
}

/// The sums of five minutes of `a`, naively.
fn sums(minutes: std::ops::Range<i64>) -> Vec<i64> {
    let minutes: Vec<i64> = minutes.collect();
    minutes
        .chunk_by(|one, other| one / 5 == other / 5)
        .map(|c| c.iter().map(|n| n % 7).sum())
        .collect()
}

#[test]
fn values_of_windows_are_taken_together() {
    let store = minutes();
    let expected = sums(0..120);
    let (most, least) = (expected.iter().max().unwrap(), expected.iter().min().unwrap());
    let total: i64 = expected.iter().sum();
    let inner = "sum(latency{bot=\"a\"}) every 5m";
    let text = format!(
        "max({inner}), min({inner}), sum({inner}), count({inner}), avg({inner}), first({inner}), \
         last({inner}) last 2h"
    );
    let mean = total as f64 / 24.0;
    assert_eq!(
        rows(&store, &text),
        [format!("{most} {least} {total} 24 {mean} {} {}", expected[0], expected[23])]
    );
    let mut sorted = expected;
    sorted.sort_unstable();
    let text = format!("p50({inner}), quantile(90%, {inner}) as q last 2h");
    assert_eq!(rows(&store, &text), [format!("{} {}", sorted[11], sorted[21])]);
}

#[test]
fn each_group_and_window_has_its_own() {
    let store = minutes();
    assert_eq!(
        rows(&store, "max(sum(latency) every 5m) by bot every 1h last 2h"),
        ["0 a 20", "0 b 35", "60 a 20", "60 b 35"]
    );
    assert_eq!(rows(&store, "max(sum(latency) every 5m) by bot top 1 last 2h"), ["b 35"]);
    assert_eq!(rows(&store, "max by (bot) (sum(latency) every 5m) last 2h"), ["b 35", "a 20"]);
    assert_eq!(
        rows(&store, "max(sum(latency) every 5m) / 5 > 5 by bot last 2h compare previous"),
        ["b 7 - - -"]
    );
}

#[test]
fn windows_without_a_value_do_not_count() {
    let store = minutes();
    // Minutes 1, 3 and 64 have samples.
    assert_eq!(
        rows(&store, "count(max(size) every 1m), min(max(size) every 1m) as m last 2h"),
        ["3 2"]
    );
    assert_eq!(rows(&store, "max((max(size) > 100) every 1m) as none last 2h"), ["-"]);
    assert_eq!(
        rows(&store, "count((sum(latency) >= 10) every 1m) as n last 2h"),
        [(0..120).filter(|n| n % 7 + n % 10 >= 10).count().to_string()]
    );
    // A count of nothing is 0, and so is a value.
    assert_eq!(
        rows(&store, "min(count(size) every 1m), max(count(size) every 1m) last 2h"),
        ["0 1"]
    );
}

#[test]
fn windows_nest_and_are_clipped_by_absolute_ranges() {
    let store = minutes();
    assert_eq!(
        rows(&store, "max(avg(sum(latency) every 1m) every 10m) by bot last 2h"),
        ["b 4.5", "a 3.6"],
        "ten minutes of `a` sum up to 21 and three in a row, at most 15"
    );
    // Minutes 3 to 8: windows of [3, 5) and [5, 8).
    let expected = sums(3..8);
    assert_eq!(
        rows(
            &store,
            "first(sum(latency) every 5m), last(sum(latency) every 5m) by bot from @180 to @480"
        ),
        [format!("a {} {}", expected[0], expected[1]), "b 7 18".to_owned()]
    );
    // With `last`, the first window is whole: it begins at minute 55.
    assert_eq!(rows(&store, "first(count(latency{bot=\"a\"}) every 5m) last 63m"), ["5"]);
}

#[test]
fn what_makes_no_sense_is_said() {
    let store = minutes();
    let answer = ask(&store, "avg(p95(latency) every 1m) last 2h");
    assert_eq!(answer.warnings[0].code, "Q301");
    refused_as(&store, "rate(p95(latency) every 1m) last 2h", "Q113", "rate");
    refused_as(&store, "share(p95(latency) every 1m, where value > 1) last 2h", "Q113", "p95");
}
