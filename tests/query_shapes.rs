//! `histogram` and `distinct` count samples by value, and values of labels.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod small_store;

use silverback::Snapshot;
use small_store::{ask, key, names, refused_as, rows, series, store};

fn users() -> Snapshot {
    let of = |bot, user: &str| key("latency", bot).label("user", user);
    store(
        60,
        vec![
            series(of("a", "u1"), &[(1, 100.0), (2, 199.0), (31, 200.0)]),
            series(of("a", "u2"), &[(3, 450.0), (32, 999.5)]),
            series(of("b", "u1"), &[(4, 0.0), (5, -3.0)]),
            series(key("latency", "b"), &[(33, 120.0)]),
        ],
    )
}

#[test]
fn samples_are_counted_by_the_bucket_of_their_value() {
    let store = users();
    let answer = ask(&store, "histogram(latency) as n last 1h");
    assert_eq!(names(&answer), ["from", "to", "n"]);
    assert_eq!(
        rows(&store, "histogram(latency) last 1h"),
        ["-5 -2 1", "0 0 1", "100 200 3", "200 500 2", "500 1000 1"]
    );
    assert_eq!(
        rows(&store, "histogram(latency), count(latency) by bot last 1h"),
        [
            "a 100 200 2 5",
            "a 200 500 2 5",
            "a 500 1000 1 5",
            "b -5 -2 1 3",
            "b 0 0 1 3",
            "b 100 200 1 3"
        ]
    );
    assert_eq!(
        rows(&store, "histogram(latency > 150) every 30m last 1h fill none"),
        ["0 100 200 1", "0 200 500 1", "30 200 500 1", "30 500 1000 1"]
    );
    assert_eq!(
        rows(&store, "histogram(latency) / total(count(latency)) by bot last 1h top 1"),
        ["a 100 200 0.25"]
    );
    assert_eq!(
        rows(&store, "histogram(latency{bot=\"a\"}) by hour() last 1h"),
        ["00 100 200 2", "00 200 500 2", "00 500 1000 1"]
    );
}

#[test]
fn as_many_buckets_as_wanted_are_of_one_width() {
    let store = users();
    assert_eq!(
        rows(&store, "histogram(latency, buckets=10) last 1h"),
        ["-200 0 1", "0 200 4", "200 400 1", "400 600 1", "800 1000 1"]
    );
    // The width is that of the whole range, for each group and window.
    assert_eq!(
        rows(&store, "histogram(latency, buckets=2) by bot every 30m last 1h fill none"),
        ["0 a 0 1000 3", "0 b -1000 0 1", "0 b 0 1000 1", "30 a 0 1000 2", "30 b 0 1000 1"]
    );
    assert_eq!(rows(&store, "histogram(size, buckets=3) last 1h").len(), 0);
    refused_as(&store, "histogram(latency, buckets=0) last 1h", "Q139", "0");
    refused_as(&store, "histogram(latency, bucket=3) last 1h", "Q139", "bucket");
    refused_as(&store, "histogram(latency, buckets=3) last 1h compare 1d", "Q145", "compare");
}

#[test]
fn different_values_of_a_label_are_counted_once() {
    let store = users();
    assert_eq!(rows(&store, "distinct(latency, user) by bot last 1h"), ["a 2", "b 1"]);
    assert_eq!(rows(&store, "distinct(latency, user), distinct(latency, bot) last 1h"), ["2 2"]);
    assert_eq!(rows(&store, "distinct(latency, user) every 30m last 1h"), ["0 2", "30 2"]);
    assert_eq!(
        rows(&store, "distinct(latency, user, where value > 500) last 1h"),
        ["1"],
        "a condition on samples counts, too"
    );
    assert_eq!(rows(&store, "distinct(size, user) last 1h"), ["0"]);
    assert_eq!(ask(&store, "distinct(latency, usr) last 1h").warnings[0].code, "Q303");
    refused_as(&store, "distinct(latency, {user=\"a\"}) last 1h", "Q140", "{user");
}
