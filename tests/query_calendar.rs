//! Parts of the calendar split groups by the civil time of their samples.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "tests"
)]

mod small_store;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use silverback::{Columns, Snapshot};
use small_store::{MINUTE, ask, key, lines, minute, names, refused_as, rows, series, store};

/// Samples at odd times over the days around both changes of the clocks in Berlin, by bot.
fn samples(bot: u64, from: i64, minutes: i64) -> Vec<(i64, f64)> {
    let mut state = bot.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut at = from;
    let mut found = Vec::new();
    while at < from + minutes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        at += i64::try_from(state >> 58).unwrap();
        found.push((at, (state >> 40 & 1023) as f64));
    }
    found
}

fn days(from: &str, count: i64) -> (Snapshot, Vec<(&'static str, i64, f64)>) {
    let from = minute(from);
    let mut all = Vec::new();
    let mut stored: Vec<(_, Columns)> = Vec::new();
    for (seed, bot) in [(1, "a"), (2, "b")] {
        let samples = samples(seed, from, count * 1440);
        all.extend(samples.iter().map(|&(minute, value)| (bot, minute, value)));
        stored.push(series(key("latency", bot), &samples));
    }
    (store(from + count * 1440, stored), all)
}

#[test]
fn samples_count_by_their_civil_time() {
    for (from, parts, zone) in [
        ("2026-10-23T05:00:00Z", "hour()", "Europe/Berlin"),
        ("2026-03-27T00:00:00Z", "hour(), weekday()", "Europe/Berlin"),
        ("2026-04-02T00:00:00Z", "hour(), minute()", "Australia/Lord_Howe"),
        ("2026-12-30T00:00:00Z", "week(), day()", "America/New_York"),
        ("2026-02-26T07:00:00Z", "month()", "Asia/Kolkata"),
    ] {
        let (store, samples) = days(from, 5);
        let tz = TimeZone::get(zone).unwrap();
        let mut expected: BTreeMap<Vec<String>, Vec<f64>> = BTreeMap::new();
        let range = minute(from) + 120..minute(from) + 4 * 1440 - 30;
        for (bot, at, value) in samples.into_iter().filter(|(_, at, _)| range.contains(at)) {
            let civil = jiff::Timestamp::from_second(at * 60).unwrap().to_zoned(tz.clone());
            let mut group = vec![bot.to_owned()];
            group.extend(parts.split(", ").map(|part| match part {
                "hour()" => civil.strftime("%H").to_string(),
                "minute()" => civil.strftime("%M").to_string(),
                "weekday()" => civil.strftime("%A").to_string(),
                "week()" => civil.strftime("%G-W%V").to_string(),
                "day()" => civil.strftime("%Y-%m-%d").to_string(),
                _ => civil.strftime("%Y-%m").to_string(),
            }));
            expected.entry(group).or_default().push(value);
        }
        let text = format!(
            "count(latency), max(latency), p50(latency) by bot, {parts} from @{} to @{} \
             tz \"{zone}\"",
            range.start * 60,
            range.end * 60
        );
        let answer = ask(&store, &text);
        assert_eq!(names(&answer)[1..=parts.split(", ").count()].join(", "), parts);
        let mut got = lines(&answer);
        got.sort();
        let line = |(group, mut values): (Vec<String>, Vec<f64>)| {
            values.sort_by(f64::total_cmp);
            let median = values[values.len().div_ceil(2) - 1];
            let most = values[values.len() - 1];
            format!("{} {} {most} {median}", group.join(" "), values.len())
        };
        let mut expected: Vec<String> = expected.into_iter().map(line).collect();
        expected.sort();
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn rates_divide_by_the_time_of_their_part() {
    let from = minute("2026-02-09T00:00:00Z");
    let samples: Vec<(i64, f64)> = (0..2880).step_by(10).map(|n| (from + n, 1.0)).collect();
    let store = store(from + 2880, vec![series(key("latency", "a"), &samples)]);
    // Six an hour, whichever hour: 12 samples in two hours of two days.
    let answer = rows(&store, "rate(latency) per 1h as r by hour() last 2d");
    assert_eq!(answer.len(), 24);
    assert!(answer.iter().all(|row| row.ends_with(" 6")), "{answer:?}");
    // 26 hours back from midnight: two hours lie in them twice.
    let answer = rows(&store, "count(latency), rate(latency) per 1h as r by hour() last 26h");
    assert_eq!(answer[..3], ["22 12 6", "23 12 6", "00 6 6"]);
}

#[test]
fn windows_and_parts_that_do_not_meet_have_no_row() {
    let from = minute("2026-02-09T00:00:00Z");
    let samples: Vec<(i64, f64)> = (0..2880).step_by(60).map(|n| (from + n, 1.0)).collect();
    let store = store(from + 2880, vec![series(key("latency", "a"), &samples)]);
    assert_eq!(
        rows(&store, "count(latency) by weekday() every 1d last 2d"),
        [format!("{from} Monday 24"), format!("{} Tuesday 24", from + 1440)]
    );
    assert_eq!(
        rows(&store, "count(latency) by weekday() last 1d compare previous"),
        ["Tuesday 24 24 0 0"],
        "a day is compared with the one before under its own name"
    );
    assert_eq!(
        rows(&store, "count(latency) / total(count(latency)) by hour() top 1 last 2d"),
        [format!("00 {}", 2.0 / 48.0)]
    );
    refused_as(&store, "count(latency) without hour() last 1h", "Q142", "hour");
}

#[test]
fn counters_grow_from_the_sample_before_their_part() {
    let from = minute("2026-02-09T00:00:00Z");
    let samples: Vec<(i64, f64)> = (0..180).map(|n| (from + n, (n * n) as f64)).collect();
    let store = store(from + 180, vec![series(key("requests", "a"), &samples)]);
    let grown = |hour: i64| {
        let before = (hour * 60 - 1).max(0);
        let last = hour * 60 + 59;
        format!("0{hour} {}", last * last - before * before)
    };
    let expected = [grown(2), grown(1), grown(0)];
    assert_eq!(rows(&store, "increase(requests) by hour() last 3h"), expected);
    assert_eq!(MINUTE, 60_000_000_000);
}
