//! `compare` puts beside each item what it was before.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod small_store;

use silverback::Snapshot;
use small_store::{ask, key, minute, names, refused_as, rows, series, store};

/// Asked at minute 200 of two hours.
fn two_hours() -> Snapshot {
    store(
        200,
        vec![
            series(key("latency", "old"), &[(90, 10.0), (95, 30.0)]),
            series(key("latency", "both"), &[(100, 100.0), (130, 50.0), (150, 150.0), (190, 90.0)]),
            series(key("latency", "new"), &[(199, 7.0)]),
            series(key("tokens", "both"), &[(100, 40.0), (150, 30.0), (160, 30.0)]),
        ],
    )
}

#[test]
fn items_of_both_periods_stand_side_by_side() {
    let store = two_hours();
    let text = "max(latency), sum(tokens) by bot last 1h compare 1h";
    let answer = ask(&store, text);
    assert_eq!(
        names(&answer),
        [
            "bot",
            "max(latency)",
            "max(latency) prev",
            "max(latency) change",
            "max(latency) change_pct",
            "sum(tokens)",
            "sum(tokens) prev",
            "sum(tokens) change",
            "sum(tokens) change_pct",
        ]
    );
    let units: Vec<Option<&str>> =
        answer.columns[1..5].iter().map(|column| column.unit.as_deref()).collect();
    assert_eq!(units, [Some("ms"), Some("ms"), Some("ms"), Some("%")]);
    // Groups of either period, by the value of now. [80, 140) against [140, 200).
    assert_eq!(
        rows(&store, text),
        ["both 150 100 50 50 60 40 20 50", "new 7 - - - 0 0 0 -", "old - 30 - - 0 0 0 -"]
    );
    assert_eq!(rows(&store, "max(latency) last 1h compare previous"), ["150 100 50 50"]);
}

#[test]
fn windows_join_by_index() {
    let text = "count(latency) every 20m last 1h compare previous";
    let (now, before) = ([1, 0, 2], [2, 1, 1]);
    let expected: Vec<String> = (0..3)
        .map(|n| {
            let (now, before) = (now[n], before[n]);
            let percent = f64::from(now - before) / f64::from(before) * 100.0;
            format!("{} {now} {before} {} {percent}", 140 + 20 * n, now - before)
        })
        .collect();
    assert_eq!(rows(&two_hours(), text), expected);
}

#[test]
fn top_and_having_go_by_what_is_now() {
    let store = two_hours();
    assert_eq!(rows(&store, "count(latency) by bot last 1h compare 1h top 1"), ["both 2 2 0 0"]);
    assert_eq!(
        rows(&store, "count(latency) by bot having count(latency) < 1 last 1h compare 1h"),
        ["old 0 2 -2 -100"]
    );
    refused_as(&store, "latency last 1h compare 1h", "Q130", "compare");
}

/// A group that a comparison leaves out once took a place among the first of `top`: what it was
/// before stood beside it, and that no comparison leaves out. Only the items of now decide.
#[test]
fn what_a_comparison_leaves_out_takes_no_place_among_the_first() {
    let text = "count(latency) > 1 by bot last 1h compare 1h bottom 1";
    assert_eq!(rows(&two_hours(), text), ["both 2 2 0 0"]);
}

/// The last 20 minutes of a window of 45 that has only begun lie in the future: nothing is counted
/// there. Compared, there was no value then instead, as if the past had no such time.
#[test]
fn a_window_that_holds_no_time_yet_held_none_before() {
    let text = "count(latency[20m]) as n every 45m last 45m compare previous";
    assert_eq!(rows(&two_hours(), text), ["135 0 2 -2 -100", "180 partial 0 0 0 -"]);
}

#[test]
fn offsets_and_comparisons_add_up() {
    let store = two_hours();
    let text = "count(latency), count(latency offset 1h) as before last 20m compare 40m";
    // [180, 200), [120, 140); 40 minutes before: [140, 160), [80, 100).
    assert_eq!(rows(&store, text), ["2 1 1 100 1 2 -1 -50"]);
}

#[test]
fn a_month_is_compared_day_by_day() {
    // One sample on each day of 2026 at noon in Berlin, as many as the day's number in its month.
    let noon = |day: jiff::civil::Date| {
        let zoned = day.at(12, 0, 0, 0).in_tz("Europe/Berlin").unwrap();
        zoned.timestamp().as_second() / 60
    };
    let first = jiff::civil::date(2026, 1, 1);
    let mut samples = Vec::new();
    for day in first.series(jiff::Span::new().days(1)).take(120) {
        samples.push((noon(day), f64::from(day.day())));
    }
    let store = store(minute("2026-05-01T00:00:00Z"), vec![series(key("latency", "a"), &samples)]);
    let text = "max(latency) as m every 1d from 2026-03-01 to 2026-04-01 compare 1mo \
                tz \"Europe/Berlin\"";
    let answer = ask(&store, text);
    assert_eq!(answer.rows.len(), 31);
    for (day, row) in (1..).zip(small_store::lines(&answer)) {
        // February has 28 days, and March a day of 23 hours.
        let before = if day <= 28 { format!("{day} 0 0") } else { "- - -".to_owned() };
        assert!(row.ends_with(&format!(" {day} {before}")), "{row}");
    }
    let counted = ask(&store, &text.replace("max", "count"));
    assert!(small_store::lines(&counted)[30].ends_with(" 1 - - -"), "no day is no count of 0");
    let previous = text.replace("1mo", "previous").replace("every 1d", "every 7d");
    let weeks: Vec<String> = rows(&store, &previous);
    // Six weeks from Monday 23 February; clipped to [1 March, 1 April), and so are those before.
    let of_week: Vec<&str> =
        weeks.iter().map(|row| row.split_once("partial ").map_or(&**row, |(_, row)| row)).collect();
    assert_eq!(of_week.len(), 6);
    assert_eq!(of_week[0], "1 18 -17 -94.44444444444444", "Sunday six weeks before 1 March");
}
