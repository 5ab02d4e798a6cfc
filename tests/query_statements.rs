//! `explain`, `alert` and `record` are answered from a snapshot.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod small_store;

use silverback::{Cell, Snapshot};
use small_store::{ask, key, names, refused_as, rows, series, store};

/// Asked at minute 120.
fn bots() -> Snapshot {
    let every = |from: i64, to: i64, value: f64| -> Vec<(i64, f64)> {
        (from..to).map(|minute| (minute, value)).collect()
    };
    store(
        120,
        vec![
            series(key("latency", "steady"), &every(0, 120, 100.0)),
            series(
                key("latency", "slow"),
                &[every(0, 100, 100.0), every(100, 120, 900.0)].concat(),
            ),
            series(
                key("latency", "lately"),
                &[every(0, 117, 100.0), every(117, 120, 900.0)].concat(),
            ),
            series(key("latency", "silent"), &every(0, 60, 100.0)),
        ],
    )
}

#[test]
fn an_alert_fires_where_its_condition_held_at_every_evaluation() {
    let store = bots();
    let text = "alert slow if max(latency) > 0.5s for 10m by bot severity page notify slack";
    assert_eq!(names(&ask(&store, text)), ["bot", "state", "slow"]);
    assert_eq!(rows(&store, text), ["lately pending 900", "slow firing 900"]);
    let once = "alert slow if max(latency) > 0.5s by bot";
    assert_eq!(rows(&store, once), ["lately firing 900", "slow firing 900"]);
    // Five minutes hold a slow sample at each of the last three evaluations alone.
    let over = "alert slow if max(latency) > 0.5s over 5m for 3m by bot";
    assert_eq!(rows(&store, over), ["lately firing 900", "slow firing 900"]);
    assert_eq!(rows(&store, "alert slow if max(latency) > 5s for 10m").len(), 0);
}

#[test]
fn who_went_silent_is_remembered() {
    let store = bots();
    let text = "alert silent if count(latency) == 0 over 10m for 5m by bot";
    assert_eq!(rows(&store, text), ["silent firing 0"]);
    assert_eq!(rows(&store, &format!("{text} keep 30m")).len(), 0);
}

/// Without samples there is nothing to compare: an alert stays what it was, for a day.
#[test]
fn no_data_resolves_nothing() {
    let minutes = |from: i64, to: i64, value: f64| -> Vec<(i64, f64)> {
        (from..to).map(|minute| (minute, value)).collect()
    };
    let at = |now: i64| {
        store(
            now,
            vec![
                series(key("latency", "fell silent"), &minutes(0, 100, 900.0)),
                series(key("latency", "was well"), &minutes(0, 100, 10.0)),
                series(
                    key("latency", "blinked"),
                    &[minutes(90, 97, 900.0), minutes(99, 120, 900.0)].concat(),
                ),
                series(key("latency", "began"), &minutes(97, 100, 900.0)),
            ],
        )
    };
    let text = "alert slow if p50(latency) > 500ms for 10m by bot";
    assert_eq!(
        rows(&at(104), text),
        ["began pending -", "blinked firing 900", "fell silent firing -"],
        "seven minutes, two that cannot tell, five more"
    );
    assert_eq!(
        rows(&at(600), text),
        ["began pending -", "blinked firing -", "fell silent firing -"]
    );
    assert_eq!(rows(&at(600), &format!("{text} keep 5h")).len(), 0, "forgotten");
    let either = "alert either if p50(latency) > 500ms or count(latency) == 0 for 5m by bot";
    assert_eq!(
        rows(&at(600), either),
        ["began firing 0", "blinked firing 0", "fell silent firing 0", "was well firing 0"]
    );
    let both = "alert both if p50(latency) > 500ms and count(latency) > 0 for 5m by bot";
    assert_eq!(rows(&at(600), both).len(), 0, "one side tells that it does not hold");
    refused_as(&at(104), "alert x if p50(latency)", "Q135", "p50");
}

#[test]
fn a_record_is_answered_as_its_question() {
    let store = bots();
    let record = ask(&store, "record worst as max(latency) every 30m by bot");
    let question = ask(&store, "max(latency) every 30m by bot");
    assert_eq!((&record.columns, &record.rows), (&question.columns, &question.rows));
    assert_eq!(record.query, "record worst as max(latency) every 30m by bot");
}

#[test]
fn explain_shows_what_is_read() {
    let answer = ask(&bots(), "explain p99(latency) by bot every 10m last 1h");
    let detail = |part: &str| {
        let found = answer.rows.iter().find(|row| row[0] == Cell::Text(part.into()));
        found.map(|row| match &row[1] {
            Cell::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        })
    };
    assert_eq!(detail("windows").unwrap(), "6");
    assert_eq!(detail("rows").unwrap(), "18");
    assert!(detail("scan").unwrap().ends_with("of latency: 4 series by bot"));
    assert_eq!(detail("chunks").unwrap(), "0 of the series, 0 in the range", "nothing is sealed");
    let read = "0 considered, 0 from statistics, 0 from slices, 0 decoded";
    assert_eq!(detail("chunks read").unwrap(), read);
    assert_ne!(detail("samples read").unwrap(), "0");
    assert!(detail("planning took").is_some());
    assert!(detail("took").is_some());
}
