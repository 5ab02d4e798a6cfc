//! Comparisons keep groups and windows; `and`, `or` and `unless` combine what two sides keep.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod small_store;

use silverback::Snapshot;
use small_store::{ask, key, rows, series, store};

/// Asked at minute 40.
fn bots() -> Snapshot {
    store(
        40,
        vec![
            series(key("latency", "a"), &[(1, 100.0), (2, 300.0), (21, 500.0)]),
            series(key("latency", "b"), &[(3, 50.0), (22, 900.0), (23, 950.0), (24, 10.0)]),
            series(key("latency", "c"), &[(5, 70.0)]),
            series(key("tokens", "a"), &[(1, 10.0)]),
            series(key("tokens", "d"), &[(30, 5.0)]),
        ],
    )
}

#[test]
fn a_comparison_keeps_the_groups_where_it_holds() {
    let store = bots();
    assert_eq!(rows(&store, "max(latency) > 100ms by bot last 40m"), ["b 950", "a 500"]);
    // A number on the left shows the value on the right.
    assert_eq!(rows(&store, "0.1s <= max(latency) by bot last 40m"), ["b 950", "a 500"]);
    assert_eq!(rows(&store, "max(latency) > 1h last 40m").len(), 0);
    let answer = ask(&store, "max(latency) != 500 by bot last 40m");
    assert_eq!(answer.columns[1].unit.as_deref(), Some("ms"));
    assert_eq!(answer.columns[1].name, "max(latency) != 500");
    // No value is no match.
    assert_eq!(rows(&store, "max(size) < 5 last 40m").len(), 0);
    assert_eq!(rows(&store, "count(size) == 0 last 40m"), ["0"]);
    assert_eq!(
        rows(&store, "p50(latency) > 1.5 * total(p50(latency)) by bot last 40m"),
        ["a 300"],
        "all: 10 50 70 100 300 500 900 950; the fourth is 100"
    );
}

/// A minus made of a number something computed: `-1 < x` showed -1, and `-1s` had no unit.
#[test]
fn negative_numbers_are_numbers() {
    let store = bots();
    assert_eq!(rows(&store, "-1 <= max(latency) by bot last 40m top 1"), ["b 950"]);
    assert_eq!(rows(&store, "-(2 + 3) <= max(latency) by bot last 40m top 1"), ["b 950"]);
    assert_eq!(rows(&store, "max(latency) > -1s by bot last 40m top 1"), ["b 950"]);
    assert_eq!(rows(&store, "max(latency) * -1 < -0.9s by bot last 40m"), ["b -950"]);
    assert_eq!(rows(&store, "max(latency) + - - 1s by bot last 40m top 1"), ["b 1950"]);
}

#[test]
fn windows_are_kept_one_by_one() {
    let store = bots();
    let text = "count(latency) >= 2 by bot every 20m last 40m";
    assert_eq!(rows(&store, text), ["0 a 2", "20 b 3"]);
    // Another item keeps the row.
    let text = "count(latency) >= 2 as many, max(latency) as slowest by bot every 20m last 40m";
    assert_eq!(
        rows(&store, text),
        ["0 a 2 300", "0 b - 50", "0 c - 70", "20 a - 500", "20 b 3 950", "20 c - -"]
    );
    assert_eq!(
        rows(&store, "max(latency) > 0.4s by bot every 20m last 40m fill 0"),
        ["20 a 500", "20 b 950"]
    );
}

#[test]
fn and_or_unless_go_by_what_each_side_keeps() {
    let store = bots();
    let ask = |condition: &str| rows(&store, &format!("{condition} by bot last 40m")).join(", ");
    assert_eq!(ask("count(latency) >= 3 and max(latency) > 0.8s"), "b 4");
    assert_eq!(ask("count(latency) >= 4 or max(latency) < 100ms"), "c 70, b 4");
    assert_eq!(ask("count(latency) >= 1 unless max(latency) > 0.8s"), "a 3, c 1");
    // Without a comparison, a side holds where it has samples.
    assert_eq!(ask("count(latency) and sum(tokens)"), "a 3");
    assert_eq!(ask("count(latency) unless sum(tokens)"), "b 4, c 1");
    assert_eq!(ask("sum(tokens) or count(latency)"), "a 10, d 5, b 4, c 1");
    // A group that is absent counts 0, which a comparison may ask for.
    assert_eq!(ask("count(latency) > 0 and sum(tokens) == 0"), "b 4, c 1");
    // `and` binds stronger than `or`.
    assert_eq!(ask("max(latency) > 1s and count(latency) > 9 or count(latency) == 1"), "c 1");
}

#[test]
fn what_is_left_out_has_no_value_in_arithmetic() {
    let store = bots();
    let ask = |item: &str| rows(&store, &format!("{item} by bot last 40m")).join(", ");
    assert_eq!(ask("(max(latency) > 100ms) / 10"), "b 95, a 50");
    assert_eq!(ask("(max(latency) > 0.6s) default 0"), "b 950, a 0, c 0");
    assert_eq!(ask("count(latency) + (max(latency) > 0.6s)"), "b 954");
}

#[test]
fn top_having_and_compare_see_comparisons() {
    let store = bots();
    assert_eq!(rows(&store, "max(latency) > 100ms by bot bottom 1 last 40m"), ["a 500"]);
    assert_eq!(rows(&store, "max(latency) > 100ms by bot every 20m top 1 last 40m"), ["20 b 950"]);
    assert_eq!(
        rows(
            &store,
            "count(latency) by bot having max(latency) > 60 and count(latency) < 4 \
                      last 40m"
        ),
        ["a 3", "c 1"]
    );
    // What was before is shown whether or not the comparison held then.
    assert_eq!(
        rows(&store, "count(latency) > 2 by bot last 20m compare previous"),
        ["b 3 1 2 200"]
    );
}
